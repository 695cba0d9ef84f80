--- A study on a cluster: the cells without a result as an array job of Slurm, one a task; submitted, watched, collected.
--
-- slurm.run(study, options) returns what runner.run does. RUNS/slurm/cells.sh is the job, plain text to read and change; RUNS/slurm/job holds
-- the number of the last one: where that still runs, the same call watches it and submits nothing. RUNS/slurm/N.txt is what task N printed.
-- options: those of runner.run, and partition, sbatch (list of further options of sbatch, as "--time=2:00:00"), poll (seconds).
local always = require "ramus.base.always"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local process = require "ramus.base.process"
local runner = require "ramus.study.runner"
local results = require "ramus.study.results"
local C = ffi.C

local slurm = {}

--- Tasks of an array job, at most: Slurm's own default (MaxArraySize is one more).
local MOST = 1000

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- A path as sbatch reads it in a line of a script, where % stands before a symbol; plain ones stay as a person would write them.
local function in_directive(path)
  path = path:gsub("%%", "%%%%")
  return path:find "[^%w%%%./_+-]" and '"' .. path:gsub('["\\]', "\\%0") .. '"' or path
end

--- A path that holds in any folder.
local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  return assert(files.absolute ".") .. "/" .. path
end

--- What task N of the job is called in the list: "KEY row, seed 1".
local function entry(c) return ("%s %s, %sseed %d"):format(c.key, table.concat(c.rows, " = "), c.fold and c.fold .. ", " or "", c.seed) end

--- The command that does one cell, $key.
local function task(program, study, o)
  local list = { quoted(program), "study", quoted(absolute(study.path)), '--take "$key" --jobs 1', "--runs", quoted(absolute(o.runs)), "--results",
    quoted(absolute(study.results)) }
  for flag, given in pairs { keep = o.keep, offline = o.offline, ["accept-odd"] = o.accept_odd } do
    if given then list[#list + 1] = "--" .. flag end
  end
  if o.data_root then list[#list + 1] = "--data-root=" .. quoted(absolute(o.data_root)) end
  if study.only_seeds then list[#list + 1] = "--seeds=" .. table.concat(study.only_seeds, ",") end
  return table.concat(list, " ")
end

--- The text of the job for cells.
function slurm.script(program, study, cells, o)
  local lines = { "#!/bin/sh",
    ("# The cells of the study %s that have no result, a task each: its key, its row, its seed. Lines may be taken out or moved; a task"):format(study.name),
    "# takes the line of its number, and ends at once where there is none or another process has that cell.",
    "#SBATCH --job-name=ramus-" .. study.name, ("#SBATCH --array=1-%d"):format(#cells),
    ("#SBATCH --output=%s/slurm/%%a.txt"):format(in_directive(absolute(o.runs))) }
  if o.partition then lines[#lines + 1] = "#SBATCH --partition=" .. o.partition end
  for _, option in ipairs(o.sbatch or {}) do lines[#lines + 1] = "#SBATCH " .. option end
  lines[#lines + 1] = ("cd %s || exit 1"):format(quoted(assert(files.absolute ".")))
  lines[#lines + 1] = [[key=$(sed -n "${SLURM_ARRAY_TASK_ID}p" <<'CELLS' | cut -d ' ' -f 1]]
  for _, c in ipairs(cells) do lines[#lines + 1] = entry(c) end
  lines[#lines + 1] = "CELLS\n)"
  lines[#lines + 1] = '[ -n "$key" ] || exit 0'
  lines[#lines + 1] = 'RAMUS_THREADS="${RAMUS_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"; export RAMUS_THREADS'
  lines[#lines + 1] = "exec " .. task(program, study, o)
  return table.concat(lines, "\n") .. "\n"
end

--- What a program prints and its exit status; nil and a message where it cannot be started. o: options of the study.
local function ask(o, ...)
  local path = o.runs .. "/slurm/said.txt"
  C.ra_path_remove(path)
  local child, err = process.start({ ... }, { output = path })
  if not child then return nil, err end
  local status
  repeat
    C.ra_sleep(0.02)
    status = child:ended()
  until status
  local said = files.read(path) or ""
  if status == 127 then return nil, ("there is no %s here: --slurm wants a machine that submits jobs to Slurm"):format((...)) end
  return said, status
end

--- States of the tasks of a job that have not ended, { PENDING = 3, .. }; false where none is left; nil and a message where Slurm does not answer.
local function states(o, job)
  local said, status = ask(o, "squeue", "--noheader", "--array", "--jobs=" .. job, "--format=%T")
  if not said then return nil, status end
  if status ~= 0 then
    if said:find("Invalid job id", 1, true) then return false end
    return nil, "squeue: " .. (said:match "[^\n]+" or "exit status " .. status)
  end
  local found
  for state in said:gmatch "[%u_]+" do
    found = found or {}
    found[state] = (found[state] or 0) + 1
  end
  return found or false
end

--- Writes and submits the job of cells; its number; nil and a message.
local function submit(study, cells, o)
  local program, err = process.executable()
  if not program then return nil, err end
  local path = o.runs .. "/slurm/cells.sh"
  local ok
  ok, err = files.write(path, slurm.script(program, study, cells, o))
  if not ok then return nil, err end
  local said, status = ask(o, "sbatch", "--parsable", path)
  if not said then return nil, status end
  local job = status == 0 and said:match "^(%d+)"
  if not job then return nil, ("sbatch refused %s: %s"):format(path, said:match "[^\n]+" or "exit status " .. status) end
  ok, err = files.write(o.runs .. "/slurm/job", job .. "\n")
  if not ok then return nil, err end
  o.out:line(("%d cells to run: job %s (%s)"):format(#cells, job, path))
  return job
end

--- Waits for a job, as many failed answers of Slurm as one an hour apart; true, "interrupted", or nil and a message.
local function watch(job, o)
  local pause, silent, told = math.min(1, o.poll), 0, nil
  while true do
    local now, err = states(o, job)
    if now == false then return true end
    silent = now and 0 or silent + pause
    if silent > 3600 then return nil, ("%s for an hour; job %s may go on, the same command watches it again"):format(err, job) end
    local parts = {}
    for state, n in pairs(now or {}) do parts[#parts + 1] = ("%d %s"):format(n, state:lower()) end
    table.sort(parts)
    local text = now and table.concat(parts, ", ") or err
    if text ~= told then o.out:line(("job %s: %s"):format(job, text)) end
    told = text
    local till = C.ra_clock() + pause
    while C.ra_clock() < till do
      C.ra_sleep(0.1)
      if C.ra_signal_arrived() ~= 0 then
        o.out:line(("job %s goes on; the same command watches it again (scancel %s ends it, the runs are saved)"):format(job, job))
        return "interrupted"
      end
    end
    pause = math.min(2 * pause, o.poll)
  end
end

--- The job that an earlier call submitted, if it has not ended; nil and, where Slurm does not answer, a message.
local function earlier(o)
  local job = (files.read(o.runs .. "/slurm/job") or ""):match "^(%d+)"
  if not job then return nil end
  local now, err = states(o, job)
  if now == nil then return nil, err end
  if now then o.out:line(("job %s of an earlier call has not ended"):format(job)) end
  return now and job or nil
end

--- Submits and watches jobs until nothing is missing or a job has brought nothing.
local function all_jobs(study, o)
  local job, err = earlier(o)
  if err then return nil, err end
  local before, left = math.huge
  left, err = runner.left(study, o)
  if not left then return nil, err end
  while job or (#left > 0 and #left < before) do
    if not job then
      job, err = submit(study, { unpack(left, 1, MOST) }, o)
      if not job then return nil, err end
      before = #left
    end
    local ended
    ended, err = watch(job, o)
    if ended ~= true then return ended, err end
    job = nil
    left, err = runner.left(study, o)
    if not left then return nil, err end
  end
  return true, left
end

--- Lines for cells whose task ended without one; nil and a message.
local function note(study, left, o)
  for _, c in ipairs(left) do
    if not results.read(study.results)[c.key] then
      local ok, err = results.append(study.results, runner.failed_line(study, c, ("its task of Slurm ended without a result; %s/slurm holds what the "
        .. "tasks printed"):format(o.runs)))
      if not ok then return nil, err end
    end
  end
  return true
end

function slurm.run(study, o)
  local ok, err = files.make_folder(o.runs .. "/slurm")
  if not ok then return nil, err end
  o.poll = o.poll or 15
  C.ra_signal_catch(true)
  local ended, left = always(function() return all_jobs(study, o) end, function() C.ra_signal_catch(false) end)
  if not ended then return nil, left end
  if ended == "interrupted" then return { absent = {}, interrupted = true } end
  ok, err = note(study, left, o)
  if not ok then return nil, err end
  return { absent = o.absent or {} }
end

return slurm
