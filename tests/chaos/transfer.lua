--- Fetches a small set from a server whose every answer is drawn at random (hostile_server.py): cuts, wrong lengths, ranges, tags, redirects,
-- chunks, slow and endless bodies, resets.
--
--   local r = transfer.run { root = CHECKOUT, folder = FOLDER, seeds = 100, first = 1, command = RAMUS }     r.tried, r.came, r.wrong = { "why", .. }
--
-- For each seed: ra.fetch ends within LIMIT seconds, with the right bytes in the set's folder, or with a message and no folder of the set; the part
-- that it leaves is no longer than the file; then, from an honest server, the same set comes whole whatever was left. Every tenth seed is fetched by the
-- command `ramus fetch` too.
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local sh = require("processes").sh
local C = ffi.C

local transfer = { LIMIT = 60 }

local NAMES = { "1.pgm", "1_gt.pgm", "2.pgm", "2_gt.pgm" }

--- Packs the set into folder/hostile.tar.gz, of about 60 KB; its pictures by name.
local function pack(folder)
  local contents = {}
  assert(files.make_folder(folder .. "/source"))
  for i, name in ipairs(NAMES) do
    local bytes = {}
    for k = 1, 15000 do bytes[k] = string.char(math.floor(256 * C.ra_random_uniform(i, k, 0, 0, 0))) end
    contents[name] = "P5\n150 100\n255\n" .. table.concat(bytes)
    assert(files.write(folder .. "/source/" .. name, contents[name]))
  end
  local said, status = sh(("cd '%s/source' && tar czf ../hostile.tar.gz *"):format(folder))
  assert(status == 0, said)
  return contents
end

--- The text of a definition of the set, which comes from these addresses.
local function definition(folder, urls)
  local path, list = folder .. "/hostile.tar.gz", {}
  for i, url in ipairs(urls) do list[i] = ("%q"):format(url) end
  local bytes, sum = files.size(path), dataset.sha256_file(path)
  return ([[
local list = {}
for _, name in ipairs { "1.pgm", "1_gt.pgm", "2.pgm", "2_gt.pgm" } do list[#list + 1] = { path = name } end
return { name = "hostile", files = { { name = "hostile.tar.gz", unpack = true, bytes = %d, sha256 = %q, urls = { %s } } },
  editions = { { name = "full", files = list } },
  open = function(at) return require("ramus.data.dataset").pair(at, { image = "^(%%d+)%%.pgm$", mask = "^(%%d+)_gt%%.pgm$" }) end }
]]):format(bytes, sum, table.concat(list, ", "))
end

--- What is wrong with a data root after a fetch; nil where nothing is.
local function wrong(data, contents, came, bytes)
  local may_be = { ["downloads/"] = true, ["hostile.received.json"] = true, [".hostile.lock"] = true, ["hostile/"] = came and true }
  for _, name in ipairs(files.list(data, { hidden = true }) or {}) do
    if not may_be[name] then return "left " .. name end
  end
  for name, content in pairs(came and contents or {}) do
    if files.read(data .. "/hostile/" .. name) ~= content then return name .. " has other bytes" end
  end
  for _, name in ipairs(files.list(data .. "/downloads/hostile", { hidden = true }) or {}) do
    local at = data .. "/downloads/hostile/" .. name
    if not came and name == "hostile.tar.gz" then return "left a whole file that was refused" end
    if (files.size(at) or 0) > bytes then return ("%s has %d bytes, the file %d"):format(name, files.size(at), bytes) end
  end
end

--- One seed. Returns what went wrong, or nil; and what came of it ("came" or the message), and its seconds.
local function try(o, seed)
  local data = o.folder .. "/data"
  assert(files.remove(data))
  local evil, good = o.folder .. "/evil.lua", o.folder .. "/good.lua"
  local first, second = ("%s/%d/hostile.tar.gz"):format(o.url, seed), ("%s/%d/hostile.tar.gz"):format(o.url, seed + 500000)
  assert(files.write(evil, definition(o.folder, { first, second })))
  local began = C.ra_clock()
  local place, err
  if o.command then
    local said, status = sh(("'%s' fetch '%s' --data-root '%s' </dev/null"):format(o.command, evil, data))
    place, err = status == 0, said
    local odd = status ~= 0 and (status ~= 1 or not said:find "ramus: " or said:find "stack traceback")
    if odd then return ("status %d: %s"):format(status, said), said, 0 end
  else
    place, err = fetch(evil, { data_root = data, wait = 0.01, tries = 3, stall = 1 })
  end
  local seconds = C.ra_clock() - began
  local outcome = place and "came" or err
  if type(outcome) ~= "string" or #outcome == 0 then return "no message", "", seconds end
  if not o.command and seconds > transfer.LIMIT then return ("took %.0f s"):format(seconds), outcome, seconds end
  local why = wrong(data, o.contents, place, o.bytes)
  if why then return why .. " (" .. outcome .. ")", outcome, seconds end
  assert(files.write(good, definition(o.folder, { o.url .. "/good/hostile.tar.gz" })))
  place, err = fetch(good, { data_root = data, wait = 0.01 })
  if not place then return ("afterwards, from an honest server: %s (before: %s)"):format(err, outcome), outcome, seconds end
  why = wrong(data, o.contents, true, o.bytes)
  return why and ("afterwards: %s (before: %s)"):format(why, outcome), outcome, seconds
end

--- given: root (of the checkout), folder, seeds, first, each(seed, why, outcome, seconds), command [opt] of ramus, for every tenth. Returns
-- { tried =, came =, wrong = { why, .. } }; nil and a message where there is no Python.
function transfer.run(given)
  if os.execute "command -v /usr/bin/python3 >/dev/null" ~= 0 then return nil, "no python3" end
  local folder = given.folder
  local o = { folder = folder, contents = pack(folder), bytes = files.size(folder .. "/hostile.tar.gz") }
  local program = ("exec /usr/bin/python3 %s/tests/chaos/hostile_server.py"):format(given.root)
  local server = io.popen(("%s %s/hostile.tar.gz %s/port 2>%s/server.txt"):format(program, folder, folder, folder), "w")
  for _ = 1, 200 do
    if not files.is_file(folder .. "/port") then C.ra_sleep(0.05) end
  end
  o.url = "http://127.0.0.1:" .. assert(files.read(folder .. "/port"))
  local result = { tried = 0, came = 0, wrong = {} }
  for seed = given.first, given.first + given.seeds - 1 do
    for _, command in ipairs { false, given.command and seed % 10 == 0 and given.command or nil } do
      o.command = command
      local why, outcome, seconds = try(o, seed)
      result.tried, result.came = result.tried + 1, result.came + (outcome == "came" and 1 or 0)
      if why then result.wrong[#result.wrong + 1] = ("seed %d: %s"):format(seed, why) end
      if given.each then given.each(seed, why, outcome, seconds) end
    end
  end
  server:close()
  assert(not (files.read(folder .. "/server.txt") or ""):find "Traceback", files.read(folder .. "/server.txt"))
  assert(given.seeds < 20 or result.came > 0 and result.came < result.tried, "the server is not what it should be: all, or none, came")
  return result
end

return transfer
