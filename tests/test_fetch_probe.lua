--- Asking servers by headers alone: what each kind of answer means, what has changed, what to do, status and JSON of the command.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local probe = require "ramus.data.fetch.probe"
local probe_text = require "ramus.data.fetch.probe_text"
local folder = check.folder("probe")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)
local servers = require "servers" (folder, served)
local toys = require "toy_sets" (folder, served)
local path = toys.pack("a.tar.gz", 10)
local size = #files.read(path)

--- The first source of a set with this one address, and the report.
local function asked(url, file)
  local entry = { urls = { url } }
  for k, v in pairs(file or {}) do entry[k] = v end
  toys.define("a", entry)
  local report = assert(probe.set("a", { data_root = folder .. "/none", seconds = 2 }))
  return report.files[1].sources[1], report
end

check.case("probe: what each kind of answer means", function()
  local url = servers.bad()
  for behaviour, wanted in pairs { plain = "alive", nohead = "alive", hangup = "alive", nolength = "alive", endless = "alive", page = "page", loop = "dead",
    ["404"] = "dead", ["410"] = "dead", ["401"] = "refused", ["403"] = "refused", ["429"] = "refused", ["503"] = "refused", tofile = "dead",
    silent = "unreachable" } do
    local s = asked(("%s/%s/a.tar.gz"):format(url, behaviour))
    check.equal(s.state, wanted, behaviour)
    check.equal(s.problem == nil, wanted == "alive" or wanted == "page", behaviour)
    if wanted == "alive" then check.equal(s.bytes, behaviour == "endless" and 1e12 or size, behaviour) end
  end
  check.equal(asked("http://127.0.0.1:1/a.tar.gz").state, "unreachable")
  check.equal(asked("http://nowhere.invalid/a.tar.gz").state, "unreachable")
  check.equal(asked("file://" .. path).state, "alive")
  check.equal(asked("file://" .. path).bytes, size)
  check.equal(asked("file://" .. path .. "x").state, "dead")
  check.equal(asked("ftp://127.0.0.1/a.tar.gz").state, "unreachable")
  check.equal(asked(servers.good() .. "/moved/a.tar.gz").bytes, size)
  check.fails("too long", probe.set, toys.define("a", { urls = { "http://x/" .. ("y"):rep(2000) } }).name)
  check.fails("unknown data set", probe.set, "nosuch")
end)

check.case("probe: against the declared size, and what was received: size, date, ETag", function()
  local url = servers.bad()
  check.equal(asked(url .. "/plain/a.tar.gz").changed, nil) -- never received: nothing to compare
  check.equal(#asked(url .. "/plain/a.tar.gz", { bytes = size }).changed, 0)
  local s, report = asked(url .. "/plain/a.tar.gz", { bytes = size + 1 })
  check.equal(s.state, "changed")
  check.equal(s.changed[1], ("its size is %d, was %d"):format(size, size + 1))
  check.ok(not probe.good(report))
  for _, behaviour in ipairs { "plain", "dated" } do
    local name, root = "p_" .. behaviour, check.folder("probe_" .. behaviour)
    local archive = toys.pack(name .. ".tar.gz", 20)
    os.execute("touch -d '2020-01-01' " .. archive)
    toys.define(name, { urls = { ("%s/%s/%s.tar.gz"):format(url, behaviour, name) } })
    assert(fetch(name, { data_root = root }))
    report = assert(probe.set(name, { data_root = root }))
    check.equal(report.state, "alive")
    local text = table.concat(probe_text.lines(report), "\n")
    for _, part in ipairs { "unchanged since 2", "no checksum published: pinned when it comes first; no real download was seen yet" } do
      check.ok(text:find(part, 1, true), text)
    end
    -- other bytes of the same length
    local bytes = files.read(archive)
    assert(files.write(archive, bytes:sub(1, -2) .. "x"))
    os.execute("touch -d '2021-01-01' " .. archive)
    report = assert(probe.set(name, { data_root = root }))
    check.equal(report.state, "changed")
    text = table.concat(probe_text.lines(report), "\n")
    check.ok(text:find(behaviour == "dated" and "its date is Fri, 01 Jan 2021 00:00:00 GMT, was Wed, 01 Jan 2020" or "its ETag is", 1, true), text)
    check.ok(text:find(("ramus fetch %s --accept-changed takes it"):format(name), 1, true), text)
  end
end)

check.case("probe: a dead address names the next; none alive names --from, source and citation; a login is not asked", function()
  local url = servers.bad()
  local dead, live = url .. "/404/a.tar.gz", url .. "/plain/a.tar.gz"
  local def = toys.define("a", { urls = { dead, live }, seen = "2020-01, by N. N." })
  def.sources, def.citation = { "https://example.org/a" }, "A. Author: The Title. Journal, 2020"
  local report = assert(probe.set("a", { data_root = folder .. "/none" }))
  check.equal(report.state, "alive")
  local text = table.concat(probe_text.lines(report), "\n")
  for _, part in ipairs { "404 (not found)", "next: " .. live, "a real download was seen: 2020-01, by N. N." } do
    check.ok(text:find(part, 1, true), ("no '%s' in: %s"):format(part, text))
  end
  check.ok(not text:find("--from", 1, true))
  def.files[1].urls = { dead }
  text = table.concat(probe_text.lines(assert(probe.set("a", { data_root = folder .. "/none" }))), "\n")
  for _, part in ipairs { "a: dead", "--from PATH", "described at: https://example.org/a", "cite: A. Author: The Title" } do
    check.ok(text:find(part, 1, true), ("no '%s' in: %s"):format(part, text))
  end
  def.files[1].urls = { "http://127.0.0.1:1/a" }
  text = table.concat(probe_text.lines(assert(probe.set("a"))), "\n")
  check.ok(text:find("is there a network? This says nothing about the set", 1, true), text)
  def.files[1].login, def.files[2] = "sign in there", { name = "b.zip", login = "sign in there" }
  report = assert(probe.set("a"))
  check.ok(report.state == "login" and probe.good(report) and #report.files[1].sources == 0)
  text = table.concat(probe_text.lines(report), "\n")
  check.equal(select(2, text:gsub("sign in there", "")), 1, text)
  report = assert(probe.set("a", { mirror = served }))
  check.equal(report.files[1].state, "alive")
  check.equal(report.files[2].state, "login")
end)

check.case("ramus fetch SET --probe: status and JSON; what it cannot stand with", function()
  local binary, out, err = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus"), folder .. "/out", folder .. "/err"
  local function ramus(arguments)
    local status = os.execute(("%s fetch %s --data-root %s/cli >%s 2>%s </dev/null"):format(binary, arguments, folder, out, err))
    return math.floor(status / 256), files.read(out), files.read(err)
  end
  for name, url in pairs { up = "file://" .. path, down = "file://" .. path .. ".absent" } do
    assert(files.write(("%s/%s.lua"):format(folder, name), ("return { name = %q, files = { { name = 'a.tar.gz', unpack = true, urls = { %q } } }, "
      .. "open = function() return {} end }"):format(name, url)))
  end
  local up, down = folder .. "/up.lua", folder .. "/down.lua"
  check.equal((ramus(up .. " phantom --probe")), 0)
  local status, text, said = ramus(("%s %s --probe"):format(up, down))
  check.equal(status, 1)
  check.ok(text:find("up: alive", 1, true) and text:find("down: dead", 1, true), text)
  check.ok(said:find("1 of 2 sets cannot be had as they were: down", 1, true), said)
  status, text = ramus(("%s %s --probe --json"):format(up, down))
  check.equal(status, 1)
  local list, _ = require("cjson").decode(text), nil
  check.ok(list[1].good and list[1].files[1].sources[1].bytes == size and list[1].files[1].seen == false)
  check.ok(list[2].state == "dead" and list[2].files[1].sources[1].problem)
  check.ok(not files.exists(folder .. "/cli"), "something was brought")
  for _, flag in ipairs { "--offline", "--again", "--from x", "--accept-changed" } do
    status, _, said = ramus(("%s --probe %s"):format(up, flag))
    check.ok(status == 2 and said:find("--probe asks the servers", 1, true), said)
  end
end)

check.case("every known set states what a probe and a page want of its files", function()
  for _, name in ipairs(dataset.names()) do
    local def = assert(dataset.find(name))
    for _, file in ipairs(dataset.with(def, (select(2, dataset.place(def)))).files) do
      check.ok(file.name and (file.urls and #file.urls > 0 or file.login), name)
      check.ok(file.seen == nil or type(file.seen) == "boolean" or type(file.seen) == "string", name)
      check.ok((not file.sha256 or #file.sha256 == 64) and (not file.md5 or #file.md5 == 32), name)
    end
  end
end)

servers.close()
