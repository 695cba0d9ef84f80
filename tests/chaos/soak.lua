--- Trains, evaluates, predicts and fetches in a loop, in this process and in processes of their own, and looks whether anything grows: memory, descriptors,
-- threads, temporary files. A straight line is laid through each row of samples; its slope's 95 % interval should contain 0.
--
--   ramus run tests/chaos/soak.lua [--minutes 100] [--log FILE]
--
-- LuaJIT's compiler is off in this process: what it has compiled is Lua's memory too, and grows for as long as paths get hot (a few hundred rounds,
-- 3 KB in each, then nothing); the processes across have it on. The first fifth is warming up and does not count. Samples are averaged in 20
-- blocks, so that neighbours, which are alike, are not taken for independent ones. The log has a line of JSON for every round.
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
package.path = root .. "/tests/?.lua;" .. root .. "/tests/chaos/?.lua;" .. package.path
local ra = require "ramus"
local C = require("ramus.base.ffi").C
local files = require "ramus.base.files"
local json = require "cjson"
local sh = require("processes").sh

jit.off()
jit.flush()
local given = { minutes = 100 }
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
local ramus = sh("realpath " .. require("processes").executable(root)):gsub("\n", "")
local folder = sh("realpath $(mktemp -d)"):gsub("\n", "")
local scenes = require "scenes"(folder, ramus)

local function remove(name) sh(("rm -rf '%s/%s'"):format(folder, name)) end

--- One round inside this process.
local function inside()
  local run = folder .. "/inside"
  assert(ra.train(assert(ra.recipe.load(folder .. "/recipe.lua")), { run = run, quiet = true, evaluate = false }))
  assert(ra.evaluate(run))
  assert(ra.predict(run, folder .. "/pairs/test/4.png", { output = run .. "/masks" }))
  assert(ra.fetch(folder .. "/packed.lua", { from = folder .. "/pairs.zip", data_root = folder .. "/data" }))
  remove "inside"
  remove "data"
end

--- The same in processes of their own.
local function across()
  for _, scene in ipairs(scenes) do
    local said, status = sh(("cd '%s' && env XDG_CACHE_HOME=cache TMPDIR=. %s %s </dev/null"):format(folder, ramus, scene.command))
    assert(status == 0, said)
    if scene.name == "train" then
      said, status = sh(("cd '%s' && %s eval out </dev/null"):format(folder, ramus))
      assert(status == 0, said)
    end
  end
  for _, scene in ipairs(scenes) do remove(scene.kept) end
end

local function count(command) return tonumber((sh(command):match "%d+")) end

--- What may not grow, by name.
local self = (files.read "/proc/self/stat" or ""):match "^%d+"
local WATCHED = {
  ["resident MB"] = function() return tonumber((files.read "/proc/self/statm"):match "^%d+ (%d+)") * 4096 / 1e6 end,
  ["core's MB"] = function() return C.ra_mem_live() / 1e6 end,
  ["Lua's MB"] = function() return collectgarbage "count" / 1e3 end,
  -- Not by a command: its pipe's other end may still be open here when it counts.
  descriptors = function() return #assert(files.list "/proc/self/fd") end,
  threads = function() return #assert(files.list "/proc/self/task") end,
  ["files in folder"] = function() return count(("find '%s' -type f | wc -l"):format(folder)) end,
  ["bytes of the cache"] = function() return count(("du -sb '%s/cache' 2>/dev/null || echo 0"):format(folder)) end,
  processes = function() return count(("pgrep -c -P %s || true"):format(self)) or 0 end,
}

--- Slope a hour of a line through { hours, value }, and half of its 95 % interval; nil with too few.
local function slope(samples)
  local blocks = math.min(20, math.floor(#samples / 2))
  if blocks < 4 then return nil end
  local x, y = {}, {}
  for b = 1, blocks do
    local from, to, sx, sy = math.floor((b - 1) * #samples / blocks) + 1, math.floor(b * #samples / blocks), 0, 0
    for i = from, to do sx, sy = sx + samples[i][1], sy + samples[i][2] end
    x[b], y[b] = sx / (to - from + 1), sy / (to - from + 1)
  end
  local mx, my, xx, xy, rest = 0, 0, 0, 0, 0
  for b = 1, blocks do mx, my = mx + x[b] / blocks, my + y[b] / blocks end
  for b = 1, blocks do xx, xy = xx + (x[b] - mx) ^ 2, xy + (x[b] - mx) * (y[b] - my) end
  local k = xy / xx
  for b = 1, blocks do rest = rest + (y[b] - my - k * (x[b] - mx)) ^ 2 end
  local n = blocks - 2
  local t = 1.96 + 2.4 / n + 2.9 / n ^ 2 -- Student's quantile, to 1 % from 3 degrees of freedom on
  return k, t * math.sqrt(rest / n / xx), my
end

local began, rounds, samples = C.ra_clock(), 0, {}
local path = given.log or os.tmpname() -- what is sampled is kept in a file: in memory it would grow
local log = assert(io.open(path, "w"))
while C.ra_clock() - began < given.minutes * 60 do
  inside()
  across()
  rounds = rounds + 1
  collectgarbage()
  collectgarbage()
  local hours, entry = (C.ra_clock() - began) / 3600, { round = rounds }
  for name, f in pairs(WATCHED) do entry[name] = f() end
  entry.hours = hours
  log:write(json.encode(entry), "\n")
  log:flush()
end
log:close()
for line in io.lines(path) do
  local entry = json.decode(line)
  for name in pairs(WATCHED) do
    samples[name] = samples[name] or {}
    if entry.hours > given.minutes / 60 / 5 then table.insert(samples[name], { entry.hours, entry[name] }) end
  end
end
if not given.log then os.remove(path) end
sh("rm -rf " .. folder)

local names, passed, failed = {}, 0, 0
for name in pairs(samples) do names[#names + 1] = name end
table.sort(names)
io.write(("%d rounds in %.0f minutes; slope an hour with its 95 %% interval\n"):format(rounds, given.minutes))
for _, name in ipairs(names) do
  local k, half, mean = slope(samples[name])
  local holds = k and math.abs(k) <= half + 1e-9
  io.write(k and ("%-20s mean %10.4g  slope %10.3g  [%.3g, %.3g]  %s\n"):format(name, mean, k, k - half, k + half, holds and "holds" or "GROWS OR SHRINKS")
    or ("%-20s too few rounds\n"):format(name))
  if holds then passed = passed + 1 else failed = failed + 1 end
end
io.write(("%d passed, %d failed\n"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
