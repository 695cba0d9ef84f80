--- ramus bench of two builds in turn: ramus run tests/bits/speed.lua OTHER [ROUNDS] [CASE]...
-- A round starts each build anew on each case, the one that begins alternating. Exit status 1 where the median of this build's
-- times is more than 2 % above that of the other.
package.path = arg[0]:gsub("[^/]*/[^/]*$", "") .. "?.lua;" .. package.path
local json = require "cjson"
local processes = require "processes"

local LIMIT = 1.02
local other, rounds, cases = arg[1], tonumber(arg[2]) or 9, {}
for i = 3, #arg do cases[#cases + 1] = arg[i] end
if #cases == 0 then cases = { "train", "dsd", "infer" } end
local this = processes.executable "."

local function milliseconds(binary, case)
  local text, status = processes.sh(("%s bench %s --json"):format(binary, case))
  if status ~= 0 then error(text, 0) end
  return json.decode(text)[1].ms
end

local function median(list)
  table.sort(list)
  return (list[math.floor((#list + 1) / 2)] + list[math.floor(#list / 2) + 1]) / 2
end

local passed, failed = 0, 0
for _, case in ipairs(cases) do
  local before, now = {}, {}
  for round = 1, rounds do
    local order = round % 2 == 1 and { { other, before }, { this, now } } or { { this, now }, { other, before } }
    for _, of in ipairs(order) do table.insert(of[2], milliseconds(of[1], case)) end
  end
  local a, b = median(before), median(now)
  local good = b <= LIMIT * a
  if good then passed = passed + 1 else failed = failed + 1 end
  print(("%-6s %9.2f ms before, %9.2f ms now, ratio %.3f of the medians of %d (at most %.2f): %s"):format(case, a, b, b / a, rounds, LIMIT,
    good and "held" or "SLOWER"))
  io.flush()
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
