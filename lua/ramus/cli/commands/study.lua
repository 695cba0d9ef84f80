--- ramus study: rows of recipes times seeds, compared in tables.
local command = require "ramus.cli.command"

--- A list of whole numbers from "1,2,3", nil where there is no text; nil and a message.
local function read_seeds(text)
  if not text then return nil end
  local list = {}
  for one in text:gmatch "[^,]+" do
    list[#list + 1] = tonumber(one)
    if not tonumber(one) then return nil, ("--seeds wants numbers, as 1,2,3, given '%s'"):format(text) end
  end
  return list
end

--- What the processes of a study do: one cell, or its measurement.
local function run_part(path, given, seeds)
  local study, c = require("ramus.study.part").load(path, given.cell or given.probe, { rows = given.row, seeds = seeds, results = given.results })
  if not study then return false, c end
  local o = { runs = given.runs or "runs/" .. study.name, keep = given.keep, number = given["probe-number"], data_root = given["data-root"],
    offline = given.offline, accept_odd = given["accept-odd"] }
  if given.probe then
    local measured, message = require("ramus.study.probe").run(c, o)
    if not measured then return false, message end
    require("ramus.base.json").print(measured, 6)
    return 0
  end
  local state, message = require("ramus.study.cell").run(study, c, o)
  if state == "interrupted" then return 130 end
  if state ~= "done" then return false, message end
  return 0
end

--- Complains of cells without data set and of those that failed; the exit status.
local function status_of(result)
  if result.ok ~= nil then return result.ok and 0 or 1 end
  local absent, said = 0, {}
  for _, message in pairs(result.absent) do
    absent = absent + 1
    if not said[message] then command.complain(message) end
    said[message] = true
  end
  local failed = result.failed and #result.failed or 0
  if failed + absent > 0 then return false, ("%d of the study's cells failed, %d have no data set"):format(failed, absent) end
  return 0
end

--- The tables, or the estimate, for programs.
local function as_json(result)
  local json = require "ramus.base.json"
  if result.ok ~= nil then return json.encode { cells = result.cells, ok = result.ok } end
  if not result.tables then
    return json.encode({ rows = result.rows, hours = result.hours, cells = result.cells, jobs = result.jobs, threads = result.threads }, 6)
  end
  local list = {}
  for i, t in ipairs(result.tables) do list[i] = require("ramus.study.plain").value(t) end
  return json.encode({ tables = list, failed = #result.failed, builds = result.tables.builds }, 6)
end

return {
  name = "study", order = 4.5, words = "FILE", help = "train rows of recipes with several seeds, score and compare them; the same command again goes on",
  example = "ramus study recipes/paper.lua --check",
  flags = {
    { name = "check", help = "what it will cost, before anything runs" },
    { name = "only", value = "ROW", wants = "a row", many = true, help = "rows that are run, * for any text", unless = "all" },
    { name = "seeds", value = "N,N", wants = "numbers, as 1,2,3", help = "seeds in the place of the study's", unless = "the study's" },
    { name = "verify", value = "N", number = true, min = 1, help = "train N cells with a result again and compare, nothing else", unless = "none" },
    { name = "jobs", value = "N", number = true, min = 1, help = "trainings at a time", unless = "as many as is fastest" },
    { name = "slurm", help = "run the cells as an array job of Slurm, watch it, collect the results; the job is RUNS/slurm/cells.sh" },
    { name = "partition", value = "P", wants = "a partition", help = "of Slurm", unless = "Slurm's default" },
    { name = "sbatch", value = "OPTION", wants = "an option", many = true, help = "further option of sbatch, as --sbatch=--time=2:00:00", unless = "none" },
    { name = "poll", value = "S", number = true, min = 0.1, help = "seconds between two questions to Slurm", default = 15 },
    { name = "take", value = "KEY", wants = "a cell", many = true, help = "these cells only, unless another process has them, as a task of Slurm does",
      unless = "all" },
    { name = "runs", value = "DIR", wants = "a folder", help = "folder of the runs while they last", unless = "runs/NAME" },
    { name = "results", value = "FILE", wants = "a file", help = "file of the results", unless = "the study's" },
    { name = "keep", help = "keep the runs after they are scored" },
    { name = "cell", value = "KEY", wants = "a cell", help = "one training only, by its key in the results", unless = "all" },
    { name = "probe", value = "KEY", wants = "a cell", help = "measure how long one training takes, with a short one", unless = "none" },
    { name = "row", value = "ROW", wants = "a row", many = true, help = "rows of that cell; the others are not looked at", unless = "all" },
    { name = "probe-number", value = "N", number = true, min = 0, help = "tells measurements at the same time apart", unless = "0" },
    command.DATA_ROOT, command.OFFLINE, command.ACCEPT_ODD, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("study wants one study, given %d"):format(#words), 2 end
    require("ramus.base.paths").open() -- a study and its recipes may require modules of the current folder
    local seeds, wrong = read_seeds(given.seeds)
    if wrong then return false, wrong, 2 end
    if given.cell or given.probe then return run_part(words[1], given, seeds) end
    local result, err = require "ramus.study.study" (words[1], { check = given.check, verify = given.verify, results = given.results,
      only = given.only, seeds = seeds, take = given.take, slurm = given.slurm, partition = given.partition,
      sbatch = given.sbatch, poll = given.poll, jobs = given.jobs, runs = given.runs, keep = given.keep, data_root = given["data-root"],
      offline = given.offline, accept_odd = given["accept-odd"], quiet = given.json })
    if not result then return false, err end
    if result.interrupted then return 130 end
    if given.json then print(as_json(result))
    else
      io.write(result.text)
      local note = require("ramus.base.talk").note
      if result.pages then note("\neverything is in " .. table.concat(result.pages, ", ") .. ", with .csv, .json and .svg beside") end
    end
    return status_of(result)
  end,
}
