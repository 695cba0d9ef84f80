--- A study that is killed, interrupted or runs two trainings at a time ends in the same tables as an unbroken one, and leaves no process behind.
local check = require "check"
local C = require("ramus.base.ffi").C
local files = require "ramus.base.files"
local process = require "ramus.base.process"
local sh = require("processes").sh

local folder = files.absolute(check.folder "study_kill")
local binary = files.absolute(require("processes").executable(check.root))
local KILLS = os.getenv "RAMUS_TEST_ALL" and 10 or 4

local STUDY = [[
local ra = require "ramus"
return { metrics = { "dice", "accuracy" }, seeds = { 1, 2 }, score = { "train", "test" },
  recipe = { data = { set = "phantom", options = { size = 48, train = 4, test = 6 }, batch = 2, steps = 6 }, epochs = 6,
    model = ra.models.unet { depth = 2, width = 4 }, optim = ra.optim.adamw { lr = 1e-2 }, supervise = { { at = "out", loss = ra.loss.dice {} } } },
  rows = { { name = "one" }, { name = "two", set = { ["optim.lr"] = 2e-2 }, against = "one" }, { name = "bad", set = { ["optim.lr"] = 1e30 } } } }
]]

local function prepare(name)
  local place = folder .. "/" .. name
  assert(files.make_folder(place))
  assert(files.write(place .. "/kill.lua", STUDY))
  return place
end

local function command(place, more)
  local list = { binary, "study", place .. "/kill.lua", "--runs", place .. "/runs", "--data-root", folder .. "/data" }
  for _, one in ipairs(more) do list[#list + 1] = one end
  return list
end

--- Starts the study in a process; its handle. Its output goes to out.txt.
local function start(place, more)
  return assert(process.start(command(place, more or {}), { output = place .. "/out.txt", environment = { RAMUS_THREADS = "1" } }))
end

local function ended(p, seconds)
  local till = C.ra_clock() + seconds
  while C.ra_clock() < till do
    local status = p:ended()
    if status then return status end
    C.ra_sleep(0.02)
  end
end

--- How many processes work in a folder of runs.
local function workers(place)
  local text = sh(("grep -l -- '%s/runs' /proc/[0-9]*/cmdline 2>/dev/null | grep -v self"):format(place))
  local n = 0
  for pid in text:gmatch "/proc/(%d+)/" do
    local state = files.read(("/proc/%s/stat"):format(pid))
    local words = files.read(("/proc/%s/cmdline"):format(pid))
    if state and words and words:find("ramus%zstudy", 1) and not state:find(") Z ", 1, true) then n = n + 1 end
  end
  return n
end

--- The page without what differs between two runs of the same study: the cost, and its place.
local function tables(place)
  local text, n = assert(files.read(place .. "/kill.md")):gsub("Cost of one training.-\n\nRemade by `[^`]+`", "")
  check.equal(n, 1)
  return text
end

local whole = prepare "whole"

check.case("study: killed at random moments, it ends in the tables of an unbroken one", function()
  local status = ended(start(whole), 120)
  check.equal(status, 1, files.read(whole .. "/out.txt")) -- the third row diverges
  local seed = tonumber(os.getenv "RAMUS_TEST_SEED") or os.time() % 100000
  math.randomseed(seed)
  local place, jobs = prepare "killed", { "--jobs", "2" }
  local kills = 0
  while kills < KILLS do
    local p = start(place, jobs)
    C.ra_sleep(0.1 + 0.7 * math.random())
    if p:ended() then -- all is done: the same from the beginning
      check.equal(tables(place), tables(whole), ("seed %d (RAMUS_TEST_SEED repeats it)"):format(seed))
      for _, name in ipairs { "kill.jsonl", "kill.md" } do C.ra_path_remove(place .. "/" .. name) end
    else
      p:stop(true)
      check.equal(ended(p, 5), 128 + 9)
      kills = kills + 1
      local till = C.ra_clock() + 10
      while workers(place) > 0 and C.ra_clock() < till do C.ra_sleep(0.02) end
      check.equal(workers(place), 0, ("seed %d: processes left by kill %d"):format(seed, kills))
    end
  end
  check.equal(ended(start(place, jobs), 120), 1, files.read(place .. "/out.txt"))
  check.equal(tables(place), tables(whole), ("seed %d (RAMUS_TEST_SEED repeats it)"):format(seed))
end)

check.case("study: SIGTERM stops the children, which save, and the status is 130", function()
  local place = prepare "stopped"
  local p = start(place, { "--jobs", "2" })
  local till = C.ra_clock() + 20
  while workers(place) < 3 and C.ra_clock() < till do C.ra_sleep(0.02) end
  p:stop()
  check.equal(ended(p, 30), 130, files.read(place .. "/out.txt"))
  check.equal(workers(place), 0)
  check.ok(not files.exists(place .. "/kill.jsonl.lock"))
  check.equal(ended(start(place), 120), 1, files.read(place .. "/out.txt"))
  check.equal(tables(place), tables(whole))
end)

-- ---- what a killed cell leaves ----

local SMALL = [[
local ra = require "ramus"
return { metrics = { "dice" }, seeds = { 1 },
  recipe = { data = { set = "phantom", options = { size = 32, train = 2, test = 2 }, batch = 2, steps = 1 }, epochs = 1,
    model = ra.models.unet { depth = 2, width = 2 }, optim = ra.optim.adamw { lr = 1e-2 }, supervise = { { at = "out", loss = ra.loss.dice {} } } },
  rows = { { name = "one" } } }
]]

local function small(name)
  local place = folder .. "/" .. name
  assert(files.make_folder(place))
  assert(files.write(place .. "/kill.lua", SMALL))
  return place
end

--- Folders of runs, by name.
local function runs_of(place)
  local list = {}
  for _, name in ipairs(files.list(place .. "/runs", { hidden = true }) or {}) do if name:sub(-1) == "/" then list[#list + 1] = name end end
  return list
end

check.case("study: a cell that is killed behind its line leaves a run folder, which the next run of the study removes; a kept one stays", function()
  if os.execute "command -v strace > /dev/null 2>&1" ~= 0 then check.skip "no strace" end
  local kept = small "kept"
  check.equal(ended(start(kept, { "--keep", "--jobs", "1" }), 60), 0, files.read(kept .. "/out.txt"))
  local key = assert(runs_of(kept)[1]):gsub("/$", "")
  local place = small "left"
  local words = command(place, { "--cell", key }) -- as the study starts it; nobody is left to see how it ends
  local trace = ("strace -qq -f -o /dev/null -P '%s/runs/%s' -e trace=unlinkat -e inject=unlinkat:signal=KILL "):format(place, key)
  local said = sh("env RAMUS_THREADS=1 " .. trace .. table.concat(words, " "))
  check.equal(#assert(files.read(place .. "/kill.jsonl")):gsub("[^\n]", ""), 1, "lines: " .. said)
  check.equal(runs_of(place)[1], key .. "/", "nothing was left: " .. said)
  check.equal(ended(start(place), 60), 0, files.read(place .. "/out.txt"))
  check.equal(#runs_of(place), 0, "the run of a cell that has its line")
  check.equal(ended(start(kept), 60), 0, files.read(kept .. "/out.txt"))
  check.equal(#runs_of(kept), 1, "a run that was kept")
end)
