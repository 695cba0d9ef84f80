--- The processes of a study: `ramus study FILE --cell KEY` trains and scores one cell, `--probe KEY` measures how long that takes.
local definition = require "ramus.study.definition"

local part = {}

--- Stands for the names of all rows.
local all_rows = setmetatable({}, { __index = function() return true end })

--- Arguments of the process that does a part of a study, a cell c. what: "--cell" or "--probe". It looks at the rows of the cell only.
function part.arguments(program, study, what, c, o)
  local list = { program, "study", study.path, what, c.key, "--runs", o.runs, "--results", study.results }
  for _, name in ipairs(c.rows) do list[#list + 1] = "--row=" .. name end
  for flag, given in pairs { keep = o.keep, offline = o.offline, ["accept-odd"] = o.accept_odd } do
    if given then list[#list + 1] = "--" .. flag end
  end
  if o.data_root then list[#list + 1] = "--data-root=" .. o.data_root end
  if study.only_seeds then list[#list + 1] = "--seeds=" .. table.concat(study.only_seeds, ",") end
  return list
end

--- The study as a part sees it, and its cell; nil and a message. given: rows (names), seeds, results.
function part.load(path, key, given)
  local rows
  for _, name in ipairs(given.rows or {}) do
    rows = rows or {}
    rows[name] = true
  end
  local study, err = definition.load(path, { seeds = given.seeds, results = given.results, rows = rows or all_rows })
  if not study then return nil, err end
  local c = study.by_key[key]
  if not c then return nil, ("%s has no cell %s; was it changed meanwhile?"):format(path, key) end
  return study, c
end

return part
