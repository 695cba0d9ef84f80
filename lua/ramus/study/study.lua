--- ra.study(FILE, options): runs what of a study has no result yet, and makes its tables: see study/definition.lua.
--
-- options: only (list of rows, * for any text), seeds, runs (folder), keep, jobs, take, slurm, partition, sbatch, poll, check, verify, results,
-- data_root, offline, accept_odd, quiet.
-- Returns { study, tables, text, pages = paths, failed = lines, absent = messages by cell, interrupted } or nil and a message; with check = true what it would
-- cost, { rows, hours, cells, jobs, threads, text }, and nothing is run but short measurements; with verify = N what verify.run gives, and text.
local cost = require "ramus.study.cost"
local definition = require "ramus.study.definition"
local markdown = require "ramus.study.markdown"
local mistake = require "ramus.base.mistake"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local pages = require "ramus.study.pages"
local progress = require "ramus.base.progress"
local runner = require "ramus.study.runner"
local summary = require "ramus.study.summary"
local tables = require "ramus.study.tables"
local verify = require "ramus.study.verify"

local SCHEMA = {
  only = { type = "table", list = true, help = "rows that are run, * for any text" },
  seeds = { type = "table", list = true, help = "seeds in the place of the study's" },
  runs = { type = "string", help = "folder of the runs; runs/NAME unless given" }, keep = { type = "boolean", default = false },
  jobs = { type = "integer", min = 1, help = "trainings at a time; as many as is fastest unless given" },
  take = { type = "table", list = true, help = "keys of the cells that are run, unless another process has them" },
  slurm = { type = "boolean", default = false, help = "true to run the cells as a job of Slurm" },
  partition = { type = "string", help = "of Slurm" }, sbatch = { type = "table", list = true, help = "further options of sbatch, as { \"--time=2:00:00\" }" },
  poll = { type = "number", above = 0, default = 15, help = "seconds between two questions to Slurm" },
  check = { type = "boolean", default = false, help = "true to estimate the cost only" },
  verify = { type = "integer", min = 1, help = "so many cells are trained again and compared, nothing else" },
  results = { type = "string", help = "file of the results, in the place of the study's" },
  data_root = { type = "string" }, offline = { type = "boolean" }, accept_odd = { type = "boolean" }, quiet = { type = "boolean", default = false },
}

--- The rows that are asked for as { ROW = true }; nil for all; nil and a message.
local function chosen_rows(s, only)
  if not only then return nil end
  local rows, err = tables.select(s, only)
  if not rows then return mistake(err) end
  local chosen = {}
  for _, row in ipairs(rows) do chosen[row.name] = true end
  return chosen
end

--- Results print as their text.
local Result = { __tostring = function(r) return r.text or "study: interrupted" end }

--- Adds what all results say to the result of a run; nil and a message where it cannot be written.
local function finish(s, result)
  local known = runner.known(s)
  result.study, result.tables, result.failed = s, summary.of(s, known), {}
  for _, cell in ipairs(s.cells) do
    local line = known[cell.key]
    if line and line.failed then result.failed[#result.failed + 1] = line end
  end
  local pages_made, err = pages.write(s, result.tables, "ramus study " .. s.path)
  if not pages_made then return nil, err end
  result.pages, result.text = pages_made, markdown.all(result.tables)
  return setmetatable(result, Result)
end

return function(path, given)
  if type(path) ~= "string" then error("study: wants the path of a study's file, given " .. options.show(path), 2) end
  local o = options.check(given, SCHEMA, "study")
  if (o.partition or o.sbatch) and not o.slurm then error("study: partition and sbatch are for slurm = true", 2) end
  if o.take then
    for _, key in ipairs(o.take) do o.take[key] = true end
  end
  local s, err = definition.load(path, { seeds = o.seeds, results = o.results })
  if not s then return nil, err end
  o.chosen, err = chosen_rows(s, o.only)
  if err then return nil, err end
  o.runs, o.out = o.runs or "runs/" .. s.name, progress.new { quiet = o.quiet }
  for _, name in ipairs(s.read) do
    local place = name:sub(1, 1) == "/" and name or s.folder .. "/" .. name
    if not files.is_file(place) then o.out:warn(("read: there is no file %s, so no results are taken from it"):format(place)) end
  end
  err = pages.wrong(s)
  if err then return mistake(err) end
  local result
  if o.check then
    result, err = cost.estimate(s, o)
    if not result then return nil, err end
    result.text = not result.interrupted and cost.text(result) or nil
    return setmetatable(result, Result)
  end
  if o.verify then
    result, err = verify.run(s, o.verify, o)
    if not result then return nil, err end
    result.text = verify.text(result)
    return setmetatable(result, Result)
  end
  result, err = (o.slurm and require("ramus.study.slurm").run or runner.run)(s, o)
  if not result then return nil, err end
  return finish(s, result)
end
