--- Small trainings killed (SIGKILL, the whole group of processes) at random moments and given again, until they end: the bits must be those of an
-- unbroken one.
--
--   ramus run tests/chaos/kills.lua [--kills 1000] [--seed N] [--log FILE] [--only NAME]
--
-- Two kinds of lines go to the log as JSON: a kill ({ scene, kill, delay }), and a training that has ended ({ scene, kills, same }).
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
package.path = root .. "/tests/?.lua;" .. root .. "/tests/chaos/?.lua;" .. package.path
local compared = require "compared"
local files = require "ramus.base.files"
local hard_recipe = require "hard_recipe"
local json = require "cjson"
local sh = require("processes").sh

local given = { kills = 1000, seed = os.time() }
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
math.randomseed(given.seed)
local ramus = sh("realpath " .. require("processes").executable(root)):gsub("\n", "")
local folder = sh("realpath $(mktemp -d)"):gsub("\n", "")

---- what is trained ----

local TEACHERS = {
  teacher = false,
  teachers = '{ past = { kind = "last_epoch" }, mean = { kind = "ema", decay = 0.9 }, old = { kind = "ago", k = 2 }, top = { kind = "best" } }',
  supervise = [[{ { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "past.out" }, { at = "side*", loss = ra.loss.mse {}, against = "mean.same" },
    { at = "side1", loss = ra.loss.kl_divergence {}, against = "old.out" }, { at = "out", loss = ra.loss.mse {}, against = "top.out", weight = 0.1 } }]],
}
local CLASSES = {
  data = [[{ set = "phantom", options = { size = 64, train = 7, val = 2, test = 2, classes = true }, batch = 2,
    augment = { flip = true, rotate = 15, crop = 56, foreground_share = 0.5, noise = 0.02 } }]],
  teacher = '{ kind = "last_epoch" }',
  supervise = [[{ { at = "out", loss = ra.loss.cross_entropy { smoothing = 0.05 } }, { at = "out", loss = ra.loss.dice { average = "foreground" } },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.focal {}, weight = ra.ramp(0.5, 0) } }]],
}
local STUDY = [[
local ra = require "ramus"
return { metrics = { "dice" }, seeds = { 1 }, folds = 2,
  recipe = { data = { set = "phantom", options = { size = 48, train = 6, test = 4 }, split = "usual, val 20%", batch = 2 }, epochs = 12,
    model = ra.models.unet { depth = 2, width = 4 }, optim = ra.optim.adamw { lr = 1e-2, ema = 0.9 }, supervise = { { at = "out", loss = ra.loss.dice {} } } },
  rows = { { name = "one" }, { name = "two", set = { ["optim.lr"] = 2e-2 }, against = "one" } } }
]]

local function scenes()
  local list = {}
  local function training(name, more)
    assert(files.write(("%s/%s.lua"):format(folder, name), hard_recipe(more)))
    list[#list + 1] = { name = name, command = ("train %s.lua --quiet --data-root data --run %s"):format(name, name), kept = name }
  end
  training("ago", {}) -- ema, accumulation, partial batches and a teacher of two epochs ago
  training("teachers", TEACHERS)
  training("frozen", { freeze = '{ { at = "^enc", till = 5 }, { at = "^up" } }' })
  training("classes", CLASSES)
  assert(files.write(folder .. "/folds.lua", STUDY))
  list[#list + 1] = { name = "folds", command = "study folds.lua --data-root data --runs folds --results folds/results.jsonl", kept = "folds" }
  return list
end

---- killing ----

--- Only what a training promises: its checkpoints, metrics and scores; of a study the line of
-- every cell (the folder of a cell that was killed after its line was written stays).
local function results(scene)
  local found, n = {}, 0
  local study = files.is_file(("%s/%s/results.jsonl"):format(folder, scene.kept))
  for path, hash in pairs(compared.contents(folder .. "/" .. scene.kept)) do
    if not study and (path:find "%.safetensors$" or path:find "metrics%.jsonl$" or path:find "eval%.json$") then found[path], n = hash, n + 1 end
  end
  for line in (files.read(("%s/%s/results.jsonl"):format(folder, scene.kept)) or ""):gmatch "[^\n]+" do
    local text = line:gsub('"cost":%b{},', "") -- times
    found["cell " .. json.decode(line).cell], n = compared.hash(text), n + 1
  end
  return found, n
end

--- Runs the command to its end, in a session of its own as those that are killed: a session may have its own share of the processors (autogroup), and
-- delays are shares of the time that this takes.
local function run(scene)
  return sh(("cd '%s' && env RAMUS_THREADS=1 XDG_CACHE_HOME=cache setsid %s %s </dev/null"):format(folder, ramus, scene.command))
end

--- Kills the command and all that it started after a time; its status, 137 where the kill came first.
local function run_killed(scene, delay)
  local line = ("env RAMUS_THREADS=1 XDG_CACHE_HOME=cache setsid %s %s </dev/null >said.txt 2>&1"):format(ramus, scene.command)
  local _, status = sh(("cd '%s' && { %s & p=$!; sleep %.3f; kill -9 -$p; wait $p; }"):format(folder, line, delay))
  return status
end

local log = given.log and assert(io.open(given.log, "a"))
local function note(entry)
  entry.seed = given.seed
  if log then log:write(json.encode(entry), "\n") log:flush() end
end

local list = {}
for _, scene in ipairs(scenes()) do
  if not given.only or scene.name == given.only then
    local said, status, seconds = run(scene)
    assert(status == 0, said)
    scene.seconds = seconds
    scene.wanted, scene.n = results(scene)
    assert(scene.n >= 3, scene.name .. ": hardly any results")
    sh(("rm -rf '%s/%s'"):format(folder, scene.kept))
    scene.kills, scene.ended, scene.wrong, scene.since = 0, 0, 0, 0
    list[#list + 1] = scene
  end
end

--- The end of a training after some kills: the bits are compared, the folder goes.
local function finish(scene)
  local said, status = run(scene)
  local why = status ~= 0 and ("status %d: %s"):format(status, said:sub(1, 600)) or compared.difference(results(scene), scene.wanted)
  scene.ended, scene.wrong = scene.ended + 1, scene.wrong + (why and 1 or 0)
  note { scene = scene.name, kills = scene.since, same = not why, why = why }
  if why then io.write("FAILED: ", scene.name, " after ", scene.since, " kills, seed ", given.seed, ": ", why, "\n") end
  sh(("rm -rf '%s/%s'"):format(folder, scene.kept))
  scene.since = 0
end

local kills, turn = 0, 0
while kills < given.kills do
  local scene = list[turn % #list + 1]
  turn = turn + 1
  for _ = 1, math.random(1, 6) do
    local delay = scene.seconds * (0.05 + math.random())
    if kills < given.kills and run_killed(scene, delay) == 137 then
      kills, scene.kills, scene.since = kills + 1, scene.kills + 1, scene.since + 1
      note { scene = scene.name, kill = kills, delay = delay }
    end
  end
  finish(scene)
end
local passed, failed = 0, 0
for _, s in ipairs(list) do
  io.write(("%-9s %4d kills, %3d trainings ended, %d with other bits (%d files compared, %.1f s unbroken)\n"):format(
    s.name, s.kills, s.ended, s.wrong, s.n, s.seconds))
  passed, failed = passed + s.ended - s.wrong, failed + s.wrong
end
sh("rm -rf " .. folder)
io.write(("%d kills, seed %d\n%d passed, %d failed\n"):format(kills, given.seed, passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
