--- ramus serve: who may come in, what comes back, who is slow or hostile, and its end. Plain sockets; the page in a browser with RAMUS_TEST_ALL.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local gate = require "ramus.serve.gate"
local json = require "cjson"
local luajit = require "ffi"
local processes = require "processes"
local ra = require "ramus"
local C = ffi.C

luajit.cdef [[
int socket(int domain, int kind, int protocol); int connect(int fd, const void *address, unsigned size); int close(int fd);
long send(int fd, const void *bytes, size_t size, int flags); long recv(int fd, void *bytes, size_t size, int flags);
int setsockopt(int fd, int level, int name, const void *value, unsigned size);
]]
local system = luajit.C

local folder = check.folder "serve"
local binary = files.absolute(processes.executable(check.root))

-- ---- a client ---------------------------------------------------------------------------

--- A connection to a port of 127.0.0.1 that waits 20 seconds for bytes at most; nil where nobody listens.
local function connect(port)
  local fd, address = system.socket(2, 1, 0), luajit.new("uint8_t[16]")
  luajit.cast("uint16_t *", address)[0] = 2
  address[2], address[3], address[4], address[7] = math.floor(port / 256), port % 256, 127, 1
  system.setsockopt(fd, 1, 20, luajit.new("long[2]", 20, 0), 16) -- SO_RCVTIMEO
  if system.connect(fd, address, 16) == 0 then return fd end
  system.close(fd)
end

local function send(fd, text) return system.send(fd, text, #text, 0x4000) end -- MSG_NOSIGNAL

--- What comes until the other side closes.
local function read(fd)
  local parts, room = {}, luajit.new("char[65536]")
  while true do
    local n = tonumber(system.recv(fd, room, 65536, 0))
    if n <= 0 then break end
    parts[#parts + 1] = luajit.string(room, n)
  end
  system.close(fd)
  return table.concat(parts)
end

--- Status, body and head of the answer to a text.
local function raw(port, text)
  local fd = assert(connect(port))
  send(fd, text)
  local answer = read(fd)
  local head, body = answer:match "^(.-)\r\n\r\n(.*)$"
  return tonumber(answer:match "^HTTP/1.1 (%d+)"), body, head
end

--- The same of a request: method, path, { name = value, or false for none }, body.
local function ask(s, method, path, given, body)
  local fields = { Host = "127.0.0.1:" .. s.port }
  if method == "POST" then fields.Origin, fields["Content-Length"] = "http://127.0.0.1:" .. s.port, #(body or "") end
  for name, value in pairs(given or {}) do fields[name] = value end
  local lines = { ("%s %s HTTP/1.1"):format(method, path) }
  for name, value in pairs(fields) do if value then lines[#lines + 1] = name .. ": " .. value end end
  return raw(s.port, table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
end

-- ---- a server ---------------------------------------------------------------------------

--- Two outputs: the picture itself as logits, and its opposite.
local model = folder .. "/two.safetensors"
assert(ra.model(function(x)
  return { out = ra.F.affine(x, { scale = 20, shift = -10 }), side1 = ra.F.affine(x, { scale = -20, shift = 10 }) }
end):save(model))
local picture = ra.rand(1, 24, 33)
assert(ra.image.save(folder .. "/picture.png", picture))
local bytes = assert(files.read(folder .. "/picture.png"))

local count = 0
--- Starts ramus serve ARGUMENTS: { port, address, path, log, pipe }; skips where libmicrohttpd is missing.
local function start(arguments)
  count = count + 1
  local log = ("%s/log%d"):format(folder, count)
  -- it ends with this process, however that ends, or by the signal that is written to the shell
  local pipe = io.popen(([[{ sh -c 'echo $$ >"LOG.pid"; exec "%s" serve %s --json >"LOG" 2>"LOG.err"'; echo $? >"LOG.status"; } & read -r x
    kill -${x:-TERM} $(cat "LOG.pid"); wait]]):format(binary, arguments):gsub("LOG", log), "w")
  for _ = 1, 300 do
    local facts = files.is_file(log) and assert(files.read(log)):match "^{.*}%s*$"
    if facts then
      local s = json.decode(facts)
      return { port = s.port, address = s.address, path = s.address:match ":%d+(/%x+/)$", log = log, pipe = pipe }
    end
    if files.is_file(log .. ".status") then break end
    C.ra_sleep(0.05)
  end
  local said = files.read(log .. ".err") or ""
  if said:find("libmicrohttpd", 1, true) then check.skip "no libmicrohttpd" end
  error("ramus serve did not start: " .. said)
end

--- Ends it by a signal; its exit status.
local function stop(s, signal)
  s.pipe:write(signal or "INT", "\n")
  s.pipe:close() -- waits for it
  return tonumber(files.read(s.log .. ".status"))
end

--- The parts of an answer of predict: facts, picture, probabilities of the main output, bytes of the levels.
local function unpacked(body)
  local a, b, c, d = body:byte(1, 4)
  local length = a + 256 * (b + 256 * (c + 256 * d))
  local facts, at, parts = json.decode(body:sub(5, 4 + length)), 5 + length, {}
  local area = facts.width * facts.height
  for i, n in ipairs { area * facts.channels, 4 * area, area } do
    parts[i] = body:sub(at, at + n - 1)
    at = at + math.ceil(n / 4) * 4
  end
  return facts, parts[1], luajit.cast("const float *", parts[2]), parts[3], parts
end

-- ---- the gate, without a server -----------------------------------------------------------

local TOKEN = ("0123456789abcdef"):rep(2)
local OWN = { token = TOKEN, port = 8000 }

local function judged(changes)
  local r = { method = "POST", path = "/" .. TOKEN .. "/predict", host = "127.0.0.1:8000", origin = "http://127.0.0.1:8000", site = "same-origin",
    length = "7" }
  for k, v in pairs(changes) do r[k] = v or nil end
  local route, status = gate.judge(r, OWN)
  return route or status
end

check.case("serve: the gate lets the page's own requests in and no others", function()
  check.equal(judged {}, "predict")
  check.equal(judged { site = false }, "predict", "a browser without Sec-Fetch-Site")
  check.equal(judged { host = "LOCALHOST:8000", origin = "http://localhost:8000" }, "predict")
  check.equal(judged { method = "GET", path = "/" .. TOKEN .. "/", origin = false, site = "none" }, "page")
  check.equal(judged { method = "GET", path = "/" .. TOKEN, origin = false }, "page")
  for name, changes in pairs { ["another host"] = { host = "evil.example:8000" }, ["no host"] = { host = false }, ["another port"] = { host = "127.0.0.1:80" },
    ["no port"] = { host = "127.0.0.1" }, ["another origin"] = { origin = "http://evil.example" }, ["origin null"] = { origin = "null" },
    ["no origin"] = { origin = false }, ["the origin of the other name"] = { origin = "http://localhost:8000" }, ["another site"] = { site = "cross-site" },
    ["the same site"] = { site = "same-site" }, ["a wrong token"] = { path = "/" .. TOKEN:reverse() .. "/predict" },
    ["half a token"] = { path = "/" .. TOKEN:sub(1, 16) .. "/predict" }, ["no token"] = { path = "//predict" }, ["no path"] = { path = "" },
    ["an origin with GET"] = { method = "GET", path = "/" .. TOKEN .. "/", origin = "http://evil.example" } } do
    check.equal(judged(changes), 403, name)
  end
  check.equal(judged { method = "HEAD" }, 405)
  check.equal(judged { method = "get" }, 405)
  check.equal(judged { path = "/" .. TOKEN .. "/../../etc/passwd" }, 404)
  check.equal(judged { method = "GET", origin = false }, 404, "a picture by GET")
  for _, length in ipairs { "", "-1", "1e9", "0x10", "7 " } do check.equal(judged { length = length }, 411, length) end
  check.equal(judged { length = ("%d"):format(gate.UPLOAD_MOST) }, "predict")
  check.equal(judged { length = ("%d"):format(gate.UPLOAD_MOST + 1) }, 413)
  check.equal(judged { length = ("9"):rep(400) }, 413)
end)

check.case("serve: tokens are 128 bits, all different", function()
  local seen = {}
  for _ = 1, 50 do
    local token = assert(gate.token())
    check.ok(token:match "^%x+$" and #token == 32 and not seen[token], token)
    seen[token] = true
  end
  check.ok(gate.same("abc", "abc") and not gate.same("abc", "abd") and not gate.same("abc", "ab") and not gate.same("", "a") and gate.same("", ""))
end)

-- ---- a server that runs -------------------------------------------------------------------

check.case("serve: the page comes, with a policy that allows its own script alone", function()
  local s = start(model)
  local status, body, head = ask(s, "GET", s.path)
  check.equal(status, 200)
  for _, field in ipairs { "X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: no-referrer", "X-Frame-Options: DENY",
    "Cross-Origin-Resource-Policy: same-origin", "default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'" } do
    check.ok(head:find(field, 1, true), "the head has no " .. field .. ":\n" .. head)
  end
  check.ok(not head:find("unsafe", 1, true), head)
  local allowed = head:match "script%-src 'sha256%-([^']*)'"
  local hex = require("ramus.base.hash").sha256(body:match "<script>(.-)</script>")
  check.equal(require("ramus.base.base64").encode((hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))), allowed)
  for _, part in ipairs { "Nothing leaves this machine", "no decision about a patient", "two.safetensors", 'type="file"', "128 MB" } do
    check.ok(body:find(part, 1, true), "the page does not say " .. part)
  end
  check.equal(select(2, body:gsub("https?://", "")), 0, "addresses of elsewhere")
  check.equal(stop(s), 130, "exit status after SIGINT")
  check.ok(not connect(s.port), "nobody listens any more")
end)

check.case("serve: a picture comes back with the numbers of ra.predict, for every output", function()
  local s = start(model)
  local status, body, head = ask(s, "POST", s.path .. "predict", {}, bytes)
  check.equal(status, 200, body)
  check.ok(head:find("application/octet-stream", 1, true), head)
  local facts, samples, p, side, parts = unpacked(body) -- parts holds what p points to
  check.equal(#parts, 3)
  check.equal(facts.width .. "x" .. facts.height .. "x" .. facts.channels, "33x24x1")
  check.equal(facts.main .. " " .. table.concat(facts.levels, ","), "out side1")
  local read_back = assert(ra.image.load(folder .. "/picture.png"))
  local wanted = require("ramus.train.predict").probability(assert(ra.load_model(model)), read_back)
  for i = 0, 24 * 33 - 1 do
    check.equal(p[i], tonumber(ffi.data(wanted)[i]), "probability " .. i)
    check.equal(samples:byte(i + 1), math.floor(ffi.data(read_back)[i] * 255 + 0.5), "sample " .. i)
    check.equal(side:byte(i + 1), math.floor((1 - p[i]) * 255 + 0.5), "level " .. i)
  end
  local budget = start(model .. " --memory 12KB")
  status, body = ask(budget, "POST", budget.path .. "predict", {}, bytes)
  check.equal(status, 200, body)
  local _, _, tiled, _, kept = unpacked(body)
  check.equal(#kept, 3)
  for i = 0, 24 * 33 - 1 do check.near(tiled[i], p[i], 1e-5, "within a budget " .. i) end
  stop(budget)
  status, body = ask(s, "POST", s.path .. "example")
  check.equal(status, 200)
  check.equal(unpacked(body).width, 512, "a made-up picture")
  check.equal(stop(s, "TERM"), 130)
end)

check.case("serve: of a film the frame with the most contrast agent, or the one that is asked for", function()
  local film, frames = require "dicom_film", {}
  for i, contrast in ipairs { 0.25, 2, 0.5 } do
    frames[i] = ra.zeros(64, 64)
    check.equal(C.ra_phantom_with(frames[i], ra.zeros(64, 64), nil, 5, 1, C.RA_PHANTOM_PLAIN, contrast), 0)
  end
  local content, s = film.bytes(frames), start(model)
  local function frame(wanted)
    local status, body = ask(s, "POST", s.path .. "predict", { ["Ramus-Frame"] = wanted }, content)
    if status ~= 200 then return body end
    local facts = unpacked(body)
    return facts.frame .. " of " .. facts.frames
  end
  check.equal(frame(), "1 of 3")
  check.equal(frame "2", "2 of 3")
  check.equal(frame "0", "0 of 3")
  check.ok(frame("7"):find("frame 7 was asked for, the file has 3", 1, true), frame "7")
  check.equal(frame "-1; rm", "1 of 3")
  stop(s)
end)

check.case("serve: requests from elsewhere and pictures that are none are refused in words, and it goes on", function()
  local s = start(model)
  local predict = s.path .. "predict"
  local function refused(wanted, part, ...)
    local status, body = ask(s, ...)
    check.equal(status, wanted, part)
    check.ok(body:find(part, 1, true), ("wanted '%s' in: %s"):format(part, body))
    check.ok(not body:find("stack traceback", 1, true), body)
  end
  refused(403, "secret part", "GET", "/")
  refused(403, "secret part", "GET", "/" .. TOKEN .. "/")
  refused(403, "127.0.0.1", "GET", s.path, { Host = "evil.example" })
  refused(403, "from the page itself", "POST", predict, { Origin = "http://evil.example" }, bytes)
  refused(403, "from the page itself", "POST", predict, { Origin = false }, bytes)
  refused(403, "from the page itself", "POST", predict, { ["Sec-Fetch-Site"] = "cross-site" }, bytes)
  refused(404, "nothing at this address", "GET", s.path .. "../../../../etc/passwd")
  refused(404, "nothing at this address", "GET", s.path .. "%2e%2e/%2e%2e/etc/passwd")
  refused(405, "GET and POST", "PUT", predict, { ["Content-Length"] = 0 })
  refused(413, "128 MB", "POST", predict, { ["Content-Length"] = 2 ^ 40 })
  refused(411, "length", "POST", predict, { ["Content-Length"] = false, ["Transfer-Encoding"] = "chunked" }, "0\r\n\r\n")
  refused(422, "not an image", "POST", predict, {}, "no picture at all")
  refused(422, "empty", "POST", predict, {}, "")
  refused(422, "PNG", "POST", predict, {}, bytes:sub(1, #bytes / 2))
  check.ok((raw(s.port, "GET " .. s.path .. " HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1:" .. s.port .. "\r\n\r\n") or 400) >= 400, "two hosts")
  for _, garbage in ipairs { "\0\1\2\255\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n" .. ("a: b\r\n"):rep(30000) .. "\r\n", ("A"):rep(200000) .. "\r\n\r\n",
    "GET " .. s.path .. ("a"):rep(5000) .. " HTTP/1.1\r\nHost: 127.0.0.1:" .. s.port .. "\r\n\r\n" } do
    check.ok((raw(s.port, garbage) or 400) >= 400, "garbage")
  end
  check.equal(ask(s, "POST", predict, {}, bytes), 200, "it goes on")
  check.equal(stop(s), 130)
end)

check.case("serve: slow clients, and those that leave, keep nobody waiting", function()
  local s = start(model)
  local held = {}
  for i = 1, 40 do -- more than there are places
    held[i] = assert(connect(s.port))
    send(held[i], "GET " .. s.path .. " HTT")
  end
  local began = C.ra_clock()
  check.equal(ask(s, "POST", s.path .. "predict", {}, bytes), 200)
  check.ok(C.ra_clock() - began < 15, ("answered after %.1f s"):format(C.ra_clock() - began))
  for _, fd in ipairs(held) do system.close(fd) end
  local half = assert(connect(s.port)) -- leaves in the middle of a picture
  local function post(where, length)
    return ("POST %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n"):format(s.path, where, s.port,
      s.port, length)
  end
  send(half, post("predict", 1000000) .. "abc")
  C.ra_sleep(0.2)
  system.close(half)
  local gone = assert(connect(s.port)) -- leaves before its answer
  send(gone, post("example", 0))
  system.close(gone)
  check.equal(ask(s, "GET", s.path), 200)
  local open = assert(connect(s.port)) -- is there when it ends
  send(open, "GET /")
  C.ra_sleep(0.1)
  check.equal(stop(s), 130)
  system.close(open)
end)

check.case("serve: what cannot be served is said before anything is", function()
  local function serve(arguments, wanted, part, environment)
    local text, status = processes.sh(("cd %s && env RAMUS_MODEL=none %s timeout 60 %s serve %s"):format(folder, environment or "", binary, arguments))
    check.equal(status, wanted, text)
    check.ok(text:find(part, 1, true), ("wanted '%s' in %s"):format(part, text))
  end
  serve("", 2, "no model is in the box")
  serve("a b", 2, "wants one run")
  serve("nosuch", 1, "nosuch")
  serve("picture.png", 1, "is no model")
  serve(model .. " --port 70000", 2, "from 1 to 65535")
  serve(model .. " --port 80.5", 2, "whole number")
  serve(model .. " --range 3", 2, "--range wants two numbers as 0,4095")
  serve(model .. " --memory many", 2, 'memory wants a size as "300MB" or "1.5GB", given "many"')
  serve(model .. " --memory 1MB --tile 64", 2, "give tile or memory, not both")
  serve(model .. " --host 0.0.0.0", 2, "--host")
  assert(files.make_folder(folder .. "/bad"))
  for _, name in ipairs { "libmicrohttpd.so.12", "libmicrohttpd.so" } do assert(files.write(folder .. "/bad/" .. name, "no library")) end
  serve(model, 1, "apt install libmicrohttpd12", "LD_LIBRARY_PATH=" .. folder .. "/bad")
  local s = start(model)
  serve(("%s --port %d"):format(model, s.port), 1, "is taken by another program")
  stop(s)
end)

check.case("serve: a model with classes gives the class of every pixel", function()
  local path = folder .. "/classes.safetensors"
  local net = ra.model(function(x) return ra.F.concat(ra.F.affine(x, { scale = 0, shift = 0.5 }), x, ra.F.affine(x, { scale = -1, shift = 1 })) end)
  net.output.activation, net.output.classes = "softmax", { { name = "none", value = 0 }, { name = "<b>", value = 1 }, { name = "dark", value = 2 } }
  assert(net:save(path))
  local s = start(path)
  local _, page = ask(s, "GET", s.path)
  check.ok(page:find("</span>&lt;b&gt; ", 1, true), "names are texts")
  check.ok(not page:find('id="threshold"', 1, true), "no threshold")
  local status, body = ask(s, "POST", s.path .. "predict", {}, bytes)
  check.equal(status, 200, body)
  local facts, _, _, _, parts = unpacked(body)
  check.equal(#facts.shares, 3)
  local values = ffi.data(assert(ra.image.load(folder .. "/picture.png")))
  for i = 0, 24 * 33 - 1 do check.equal(parts[2]:byte(i + 1), values[i] > 0.5 and 1 or 2, ("class of pixel %d, %g"):format(i, values[i])) end
  stop(s)
end)

-- ---- in a browser -------------------------------------------------------------------------

check.case("serve: in a browser a picture is dropped, the slider moves, the mask that is saved is that of ramus predict", function()
  local browser = dofile(check.root .. "/tests/browser/browser.lua")
  browser.wanted()
  local image, mask = ra.zeros(512, 512), ra.zeros(512, 512)
  check.equal(C.ra_phantom_with(image, mask, nil, 3, 1, C.RA_PHANTOM_FULL, 1), 0)
  assert(files.make_folder(folder .. "/saved"))
  local given = folder .. "/given"
  assert(files.make_folder(given))
  assert(ra.image.save(given .. "/picture.png", image))
  assert(files.write(given .. "/broken.png", "no picture"))
  local s = start ""
  local out, status = browser.serve(check.root, s.address, given .. "/picture.png", given .. "/broken.png", folder .. "/saved")
  stop(s)
  check.equal(status, 0, out)
  local found = json.decode(out:match "{.*}")
  check.equal(#found.errors, 0, "errors: " .. out)
  check.equal(#found.requests, 0, "requests to elsewhere: " .. out)
  check.equal(#found.used, 1, "only the broken picture is refused: " .. out)
  check.ok(found.used[1]:find("422", 1, true), found.used[1])
  check.ok(found.marked > 1000 and found.none < found.marked and found.again == found.marked, out)
  check.equal(table.concat(found.outputs, " "), "out side1 side2 side3")
  local dropped = found.dropped
  check.ok(dropped.over and not dropped.after, "the frame is lit while a file is dragged over the page, and no longer: " .. out)
  check.ok(dropped.entered and not (dropped.cancelled or dropped.silent or dropped.left), "a drag that is given up leaves no light: " .. out)
  check.ok(dropped.title:find("picture", 1, true), dropped.title)
  check.equal(dropped.marked, found.marked, "a picture that is dropped gives what one that is chosen gives")
  check.equal(dropped.address, s.address, "the page stays")
  check.ok(found.side:find("output side1", 1, true), found.side)
  check.ok(found.problem:find("broken.png: ", 1, true) and found.problem:find("not an image", 1, true), found.problem)
  for _, view in ipairs(found.views) do
    check.equal(#view.axe, 0, ("%s %d: %s"):format(view.scheme, view.width, json.encode(view.axe)))
    check.ok(view.across <= view.width, ("%d pixels wide at %d"):format(view.across, view.width))
  end
  local _, predicted = processes.sh(("cd %s && %s predict given/picture.png -o predicted"):format(folder, binary))
  check.equal(predicted, 0)
  local saved, wanted = assert(ra.image.load(found.mask)), assert(ra.image.load(folder .. "/predicted/picture_mask.png"))
  for i = 0, wanted.size - 1 do
    if ffi.data(saved)[i] ~= ffi.data(wanted)[i] then error("the mask that was saved differs at pixel " .. i) end
  end
end)
