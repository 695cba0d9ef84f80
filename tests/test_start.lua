--- Starting up costs at most 2.5 ms more than a plain LuaJIT does: medians of 50 starts of each, alternating. With RAMUS_TEST_ALL,
-- since a busy machine spoils times.
local check = require "check"
local C = require("ramus.base.ffi").C
local processes = require "processes"

local STARTS, LIMIT = 50, 2.5

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

check.case("start-up of the REPL: at most 50 ms", function()
  if not os.getenv "RAMUS_TEST_ALL" then check.skip "times are for make test-all" end
  if os.getenv "RAMUS_SANITIZED" then check.skip "the sanitized build is slow" end
  local times, binary = {}, processes.executable(check.root)
  for i = 1, STARTS do
    local began = C.ra_clock()
    check.equal(os.execute(binary .. " < /dev/null"), 0)
    times[i] = 1e3 * (C.ra_clock() - began)
  end
  local t = median(times)
  print(("  ramus < /dev/null %.1f ms: median of %d"):format(t, STARTS))
  check.ok(t <= 50, ("%.1f ms; wanted at most 50"):format(t))
end)
