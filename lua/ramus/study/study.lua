--- ra.study(FILE, options): runs a study, what of it has no result yet, and makes its tables: see study/definition.lua.
--
-- options: only (list of rows, * for any text), seeds, runs (folder), keep, jobs, threads, data_root, offline, accept_odd, quiet.
-- Returns { study, tables, text, failed = list, absent = messages by cell, ran, interrupted } or nil and a message.
local definition = require "ramus.study.definition"
local files = require "ramus.base.files"
local markdown = require "ramus.study.markdown"
local options = require "ramus.base.options"
local progress = require "ramus.base.progress"
local runner = require "ramus.study.runner"
local summary = require "ramus.study.summary"
local tables = require "ramus.study.tables"

local study = {}

local SCHEMA = {
  only = { type = "table", help = "rows that are run, * for any text" }, seeds = { type = "table", help = "seeds in the place of the study's" },
  runs = { type = "string", help = "folder of the runs; runs/NAME unless given" }, keep = { type = "boolean", default = false },
  jobs = { type = "integer", min = 1, default = 1 }, threads = { type = "integer", min = 1 },
  data_root = { type = "string" }, offline = { type = "boolean" }, accept_odd = { type = "boolean" }, quiet = { type = "boolean", default = false },
}

--- Files beside the results: NAME.md.
local function write_pages(s, text)
  local base = s.results:gsub("%.jsonl$", "")
  return files.write(base .. ".md", text)
end

--- What a finished cell is called in a line of the output.
local function told(cell, line, seconds)
  local name = ("%s, seed %d"):format(table.concat(cell.rows, " = "), cell.seed)
  if not line then return name .. ": stopped" end
  if line.failed then return ("%s: failed, %s"):format(name, line.failed) end
  return ("%s: done in %s"):format(name, progress.time(seconds))
end

local function chosen_rows(s, only)
  if not only then return nil end
  local rows, err = tables.select(s, only)
  if not rows then return nil, err end
  local chosen = {}
  for _, row in ipairs(rows) do chosen[row.name] = true end
  return chosen
end

--- Runs a study that is loaded.
function study.run(s, o, out)
  local chosen, err = chosen_rows(s, o.only)
  if err then return nil, err end
  local result
  result, err = runner.run(s, { runs = o.runs or "runs/" .. s.name, keep = o.keep, jobs = o.jobs, threads = o.threads, data_root = o.data_root,
    offline = o.offline, accept_odd = o.accept_odd, out = out, chosen = chosen,
    each = function(cell, line, seconds) out:line(told(cell, line, seconds)) end })
  if not result then return nil, err end
  local known = runner.known(s)
  result.study, result.tables, result.failed = s, summary.of(s, known), {}
  for _, cell in ipairs(s.cells) do
    local line = known[cell.key]
    if line and line.failed then result.failed[#result.failed + 1] = line end
  end
  result.text = markdown.page(result.tables)
  local ok
  ok, err = write_pages(s, result.text)
  if not ok then return nil, err end
  return result
end

return setmetatable(study, { __call = function(_, path, given)
  local o = options.check(given, SCHEMA, "study")
  local s, err = definition.load(path, { seeds = o.seeds })
  if not s then return nil, err end
  return study.run(s, o, progress.new { quiet = o.quiet })
end })
