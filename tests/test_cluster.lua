--- A study by several processes: cells are claimed, never done twice; and by Slurm, with scripted sbatch and squeue and, where they start, the real ones.
local check = require "check"
local claims = require "ramus.study.claims"
local files = require "ramus.base.files"
local processes = require "processes"
local results = require "ramus.study.results"
local sh = processes.sh

local folder = files.absolute(check.folder "cluster")
local binary = files.absolute(processes.executable(check.root))

local STUDY = [[
local ra = require "ramus"
return { recipe = { data = { set = "phantom", options = { size = 32, train = 2, test = 6 }, batch = 2, steps = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, epochs = %d, optim = ra.optim.adamw { lr = 1e-2 },
  supervise = { { at = "out", loss = ra.loss.dice {} } } },
  rows = { { name = "a" }, { name = "b", set = { ["optim.lr"] = 3e-3 } } }, seeds = { 1, 2, 3 } }
]]

--- A folder with a study of six cells; its path.
local function study(name, epochs)
  local place = folder .. "/" .. name
  assert(files.make_folder(place))
  assert(files.write(place .. "/s.lua", STUDY:format(epochs or 2)))
  return place
end

local ENVIRONMENT = ("RAMUS_THREADS=1 RAMUS_DATA='%s/data'"):format(folder)
local function run(place, more, environment)
  return sh(("cd '%s' && %s %s '%s' study s.lua %s"):format(place:gsub("'", "'\\''"), ENVIRONMENT, environment or "", binary, more or ""))
end

--- Cells with a result, and lines of the file.
local function counted(place)
  local n = 0
  for _, line in pairs(results.read(place .. "/s.jsonl")) do
    check.ok(not line.failed, line.failed)
    n = n + 1
  end
  return n
end

-- ---- claims -------------------------------------------------------------------------------

check.case("a cell is one process's: the second is refused until it is given back or its owner is gone", function()
  local runs = folder .. "/claims"
  assert(files.make_folder(runs))
  local mine, other = claims.new(runs), claims.new(runs, { host = "elsewhere", pid = "7", start = "1" })
  check.equal(mine:take "x", true)
  check.equal(other:take "x", false)
  check.equal(mine:take "x", false, "not twice by itself either")
  mine:give "x"
  check.equal(other:take "x", true)
  check.equal(mine:take "x", false)
  -- the owner on another machine is silent: after a while it counts as gone
  local stale = claims.STALE
  claims.STALE = 0.2
  check.equal(mine:take "x", false, "first seen now")
  require("ramus.base.ffi").C.ra_sleep(0.3)
  other.last = -100
  other:beat()
  check.equal(mine:take "x", false, "it gave a sign")
  require("ramus.base.ffi").C.ra_sleep(0.3)
  check.equal(mine:take "x", true, "silent")
  claims.STALE = stale
  -- on this machine a number of a process that does not run is gone at once; one that runs is not
  mine:give "x"
  local dead = claims.new(runs, { host = mine.me.host, pid = "4194305", start = "1" })
  local function own(of) return of:own("k9-1", "new") end
  for _, of in ipairs { dead, mine, other } do assert(files.make_folder(own(of) .. "/x")) end
  claims.new(runs)
  check.ok(not files.is_folder(own(dead)), "what a killed process had for itself is removed")
  for _, of in ipairs { mine, other } do
    check.ok(files.is_folder(own(of)), "of no other process")
    require("ramus.base.ffi").C.ra_path_remove(own(of))
  end
  check.equal(dead:take "x", true)
  check.equal(mine:take "x", true)
  mine:give "x"
  for _, name in ipairs(assert(files.list(runs, { hidden = true }))) do check.ok(false, "left: " .. name) end
end)

check.case("processes that claim the same cells at once share them out, each cell once", function()
  local runs, parts = folder .. "/race", {}
  assert(files.make_folder(runs))
  local script = folder .. "/race.lua"
  assert(files.write(script, [[
local claims = require("ramus.study.claims").new(arg[1])
local taken = {}
for k = 1, 60 do if claims:take("k" .. k) then taken[#taken + 1] = k end end
print(table.concat(taken, "\n"))
require("ramus.base.ffi").C.ra_sleep(2) -- the owner lives while the others look
]]))
  for i = 1, 4 do parts[i] = ("'%s' run '%s' '%s' > '%s/race%d.txt' &"):format(binary, script, runs, folder, i) end
  local text, status = sh(table.concat(parts, "\n") .. "\nwait")
  check.equal(status, 0, text)
  local seen, n = {}, 0
  for i = 1, 4 do
    for k in assert(files.read(("%s/race%d.txt"):format(folder, i))):gmatch "%d+" do
      check.ok(not seen[k], "taken twice: " .. k)
      seen[k], n = true, n + 1
    end
  end
  check.equal(n, 60)
end)

check.case("two ramus study of one study at a time do each cell once, and both end with all results", function()
  local place = study("two", 30)
  local text, status = sh(([[cd '%s' && for i in 1 2; do (%s '%s' study s.lua --jobs 1 > out$i.txt 2>&1; echo "status $?" >> out$i.txt) & done; wait]]):format(
    place, ENVIRONMENT, binary))
  check.equal(status, 0, text)
  local here, elsewhere = {}, 0
  for i = 1, 2 do
    local out = assert(files.read(("%s/out%d.txt"):format(place, i)))
    check.ok(out:find("status 0", 1, true), out)
    for cell in out:gmatch "([ab], seed %d): done in" do
      check.ok(not here[cell], "twice: " .. cell)
      here[cell] = i
    end
    elsewhere = elsewhere + select(2, out:gsub("done elsewhere", ""))
  end
  local each = { 0, 0 }
  for _, i in pairs(here) do each[i] = each[i] + 1 end
  check.equal(each[1] + each[2], 6)
  check.ok(each[1] > 0 and each[2] > 0, "both worked")
  check.equal(counted(place), 6)
end)

-- ---- Slurm ----------------------------------------------------------------------------------

--- Scripted sbatch and squeue in place/bin: tasks run one after the other in the background, before [opt] in front of each; what was submitted is
-- in place/submitted.
local function scripted(place, before)
  assert(files.make_folder(place .. "/bin"))
  assert(files.write(place .. "/bin/sbatch", ([[#!/bin/sh
echo "$@" >> '%s/submitted'
for script; do :; done
n=$(sed -n 's/^#SBATCH --array=1-//p' "$script")
out=$(sed -n 's/^#SBATCH --output=//p' "$script")
( touch '%s/alive'; k=1
  while [ $k -le $n ]; do %s SLURM_ARRAY_TASK_ID=$k sh "$script" > "$(echo "$out" | sed "s/%%a/$k/")" 2>&1; k=$((k + 1)); done
  rm '%s/alive' ) > /dev/null 2>&1 &
sleep 0.1
echo 41
]]):format(place, place, before or "", place)))
  assert(files.write(place .. "/bin/squeue", ([[#!/bin/sh
if [ -f '%s/alive' ]; then echo RUNNING; echo PENDING; exit 0; fi
echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1
]]):format(place)))
  sh(("chmod +x '%s/bin/sbatch' '%s/bin/squeue'"):format(place, place))
  return ("PATH='%s/bin':\"$PATH\""):format(place)
end

check.case("--slurm: submits the missing cells as one array job, watches it, collects; nothing is left for a second call", function()
  local place = study "slurm"
  local path = scripted(place)
  local text, status = run(place, "--slurm --partition short --sbatch=--time=1:00:00 --poll 0.3", path)
  check.equal(status, 0, text)
  check.ok(text:find("6 cells to run: job 41", 1, true) and text:find("job 41: 1 pending, 1 running", 1, true), text)
  check.equal(counted(place), 6)
  local script = assert(files.read(place .. "/runs/s/slurm/cells.sh"))
  for _, wanted in ipairs { "\n#SBATCH --array=1-6\n", "\n#SBATCH --partition=short\n", "\n#SBATCH --time=1:00:00\n", " a, seed 1\n", " b, seed 3\n" } do
    check.ok(script:find(wanted, 1, true), wanted .. " in\n" .. script)
  end
  local alone = study "alone"
  check.equal(select(2, run(alone, "--jobs 2")), 0)
  for key, line in pairs(results.read(alone .. "/s.jsonl")) do
    check.equal(results.read(place .. "/s.jsonl")[key].weights.last, line.weights.last, "the bits of a cell")
  end
  text, status = run(place, "--slurm", path)
  check.equal(status, 0, text)
  check.equal(select(2, assert(files.read(place .. "/submitted")):gsub("\n", "")), 1, "submitted once")
end)

check.case("--slurm: tasks that end without a result are failures that say where to look; without Slurm that is said", function()
  local place = study "dead"
  local path = scripted(place, "true ||")
  local text, status = run(place, "--slurm --poll 0.3", path)
  check.equal(status, 1, text)
  check.ok(text:find("6 of the study's cells failed", 1, true), text)
  local _, line = next(results.read(place .. "/s.jsonl"))
  check.ok(line.failed:find("its task of Slurm ended without a result", 1, true), line.failed)
  check.equal(select(2, assert(files.read(place .. "/submitted")):gsub("\n", "")), 1, "not submitted again and again")
  place = study "nowhere"
  text, status = run(place, "--slurm", "PATH=/nonexistent:/bin:/usr/games")
  if select(2, sh "PATH=/bin:/usr/games command -v sbatch") ~= 0 then
    check.equal(status, 1, text)
    check.ok(text:find("there is no sbatch here", 1, true), text)
  end
end)

check.case("--slurm: a call that is interrupted leaves the job, and the next call watches it and submits nothing", function()
  local place = study("left", 20)
  local path = scripted(place, "sleep 0.6;") -- so that the job goes on for longer than the call
  local text = sh(("cd '%s' && %s %s timeout --foreground -s INT 2 '%s' study s.lua --slurm --poll 0.3"):format(place, ENVIRONMENT, path, binary))
  check.ok(text:find("job 41 goes on", 1, true), text)
  local status
  text, status = run(place, "--slurm --poll 0.3", path)
  check.equal(status, 0, text)
  check.ok(text:find("job 41 of an earlier call has not ended", 1, true), text)
  check.equal(select(2, assert(files.read(place .. "/submitted")):gsub("\n", "")), 1, "submitted once")
  check.equal(counted(place), 6)
end)

check.case("--slurm with a real Slurm, a controller and one node on loopback", function()
  local up, why = require("slurm").start(folder .. "/daemons")
  if not up then check.skip(why) end
  require "ramus.base.always"(function()
    local place = study "real, 100% \"of one's own\""
    local text, status = run(place, "--slurm --partition loop --poll 1", up.environment)
    check.equal(status, 0, text)
    check.ok(text:find("6 cells to run: job %d+"), text)
    check.equal(counted(place), 6)
    check.ok(files.read(place .. "/runs/s/slurm/1.txt"), "what a task printed is where the script says")
    text = run(study "refused", "--slurm --partition absent --poll 1", up.environment)
    check.ok(text:find("sbatch refused", 1, true) and text:find("partition", 1, true), text)
  end, up.stop)
end)
