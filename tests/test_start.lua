--- Starting up costs at most 2.5 ms more than a plain LuaJIT does: medians of 50 starts of each, alternating. With RAMUS_TEST_ALL,
-- since a busy machine spoils times. The REPL costs at most 50 ms of processor time, the least of 5 means of 10 starts, which it spoils less.
local check = require "check"
local C = require("ramus.base.ffi").C
local files = require "ramus.base.files"
local processes = require "processes"

local folder = check.folder "start"
local STARTS, LIMIT = 50, 2.5
local MEANS, EACH, REPL = 5, 10, 50

local function milliseconds(command)
  local began = C.ra_clock()
  check.equal(os.execute(command .. " -e ''"), 0, command)
  return 1e3 * (C.ra_clock() - began)
end

local function median(list)
  table.sort(list)
  return (list[STARTS / 2] + list[STARTS / 2 + 1]) / 2
end

check.case("start-up: at most 2.5 ms more than luajit -e ''", function()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "times are for make test-all" end
  if os.getenv "RAMUS_SANITIZED" then check.skip "the sanitized build is slow" end
  if select(2, processes.sh "command -v luajit") ~= 0 then check.skip "no luajit" end
  local ramus, plain, binary = {}, {}, processes.executable(check.root)
  for i = 1, STARTS do plain[i], ramus[i] = milliseconds "luajit", milliseconds(binary) end
  local a, b = median(plain), median(ramus)
  print(("  ramus -e '' %.2f ms, luajit -e '' %.2f ms: medians of %d"):format(b, a, STARTS))
  check.ok(b <= a + LIMIT, ("ramus -e '' %.2f ms, luajit -e '' %.2f ms; wanted at most %.1f more"):format(b, a, LIMIT))
end)

--- Milliseconds of processor time of one call of a command, as bash counts its children's.
local function mean(command)
  assert(files.write(folder .. "/starts.sh", ("TIMEFORMAT='%%3U %%3S'\ntime for i in {1..%d}; do %s || exit 1; done\n"):format(EACH, command)))
  local text, status = processes.sh(("bash %s/starts.sh"):format(folder))
  check.equal(status, 0, text)
  local user, system = text:match "([%d.]+) ([%d.]+)%s*$"
  check.ok(user, "bash says " .. text)
  return 1e3 * (user + system) / EACH
end

local function processor_time(command)
  local least = math.huge
  for _ = 1, MEANS do least = math.min(least, mean(command)) end
  return least
end

check.case("start-up of the REPL: at most 50 ms", function()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "times are for make test-all" end
  if os.getenv "RAMUS_SANITIZED" then check.skip "the sanitized build is slow" end
  local t = processor_time(processes.executable(check.root) .. " < /dev/null")
  print(("  ramus < /dev/null %.1f ms of processor time"):format(t))
  check.ok(t <= REPL, ("%.1f ms; wanted at most %d"):format(t, REPL))
end)

check.case("start-up of the REPL at a terminal, with its prompt: at most 50 ms", function()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "times are for make test-all" end
  if os.getenv "RAMUS_SANITIZED" then check.skip "the sanitized build is slow" end
  if select(2, processes.sh "command -v python3") ~= 0 then check.skip "no python3" end
  local binary = processes.executable(check.root)
  local least = math.huge
  for _ = 1, EACH do
    local text, status = processes.sh(("env XDG_STATE_HOME=%s FAKE_TERMINAL_TIME=%s/time TERM=xterm python3 %s/tests/fake_terminal.py plain %s < /dev/null")
      :format(folder, folder, check.root, binary))
    check.ok(status == 0 and text:find("tab completes", 1, true), text)
    least = math.min(least, assert(tonumber(files.read(folder .. "/time"))))
  end
  print(("  ramus at a terminal %.1f ms of processor time"):format(least))
  check.ok(least <= REPL, ("%.1f ms; wanted at most %d"):format(least, REPL))
end)

--- Modules of ours that a script has loaded at its end.
local function loaded_by(text)
  local script = folder .. "/loads.lua"
  assert(files.write(script, text .. "\nfor name in pairs(package.loaded) do if name:find '^ramus%.' then print(name) end end\n"))
  local said, status = processes.sh(("%s run %s"):format(processes.executable(check.root), script))
  check.equal(status, 0, said)
  local names, n = {}, 0
  for name in said:gmatch "ramus%.[%w_.]+" do names[name], n = true, n + 1 end
  return names, n
end

check.case("a prediction loads nothing of what opens and checks data sets", function()
  local names, n = loaded_by "require 'ramus.train.predict'"
  check.ok(names["ramus.train.predict"] and names["ramus.data.augment"] and n > 20, n .. " modules were counted")
  for _, name in ipairs { "sets", "dataset", "fetch", "folder", "coco", "nnunet", "split", "verdict", "metrics" } do
    check.ok(not names["ramus.data." .. name], "predict loads ramus.data." .. name)
  end
  check.ok(loaded_by "require 'ramus.data.sets'" ["ramus.data.dataset"], "sets load dataset: what is looked for above can be there")
end)
