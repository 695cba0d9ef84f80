--- The tables of a study as it declares them: which rows, scored on what, by which metrics, against which control.
local curve_figure = require "ramus.study.curve_figure"
local metrics = require "ramus.data.metrics"
local options = require "ramus.base.options"
local signs = require "ramus.study.signs"

local tables = {}

local TABLE = {
  name = { type = "string", check = function(v)
    return v:match "^[%w][%w%._%-]*$" and v or nil, "must be letters, digits, . _ -, given " .. options.show(v)
  end, help = "name of the table and of its files; that of the study unless given" },
  title = { type = "string", help = "heading" },
  rows = { type = "table", list = true, help = "names of rows, * for any text; all unless given" },
  score = { type = "table", list = true, help = "scores that are shown, by key or label; all that its rows have unless given" },
  metrics = { type = "table", list = true, help = "the study's unless given" },
  against = { type = "string", help = "row that all others are compared with, in the place of their own controls" },
  figures = { type = "table", list = true, default = {}, check = function(list)
    for _, what in ipairs(list) do
      local wrong = curve_figure.wrong(what)
      if wrong then return nil, wrong end
    end
    return list
  end, help = "figures over the epochs: \"terms\", \"loss\", \"val\", \"OUTPUT WHAT\" as \"out agreement.teacher\"" },
  level = { type = "number", default = 0.05, above = 0, below = 1, help = "largest p value after Holm's correction that counts as a difference" },
}
tables.schema = TABLE

--- A message where a list names a metric that cells do not have, else nil.
function tables.wrong_metric(list)
  local known = {}
  for _, names in ipairs { metrics.keys, signs.names } do
    for _, name in ipairs(names) do known[#known + 1] = name end
  end
  for _, name in ipairs(list) do
    if not metrics.help[name] and not signs.help[name] then return options.unknown("metric", name, known) end
  end
  if #list == 0 then return "must name at least one metric" end
end

--- A pattern of names, * for any text, as a Lua pattern.
function tables.pattern(glob) return "^" .. glob:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$" end

--- The rows whose name fits one of the globs, in the study's order; nil and a message where a glob fits none.
function tables.select(study, globs)
  local chosen, rows = {}, {}
  for _, glob in ipairs(globs) do
    local found, names = false, {}
    for i, row in ipairs(study.rows) do
      names[i] = row.name
      if row.name:find(tables.pattern(tostring(glob))) then chosen[row.name], found = true, true end
    end
    if not found then return nil, options.unknown("row", glob, names) end
  end
  for _, row in ipairs(study.rows) do if chosen[row.name] then rows[#rows + 1] = row end end
  return rows
end

--- The scores of rows, each key once: { key, label }.
local function all_scores(rows)
  local list, seen = {}, {}
  for _, row in ipairs(rows) do
    for _, s in ipairs(row.scores) do
      if not seen[s.key] then list[#list + 1], seen[s.key] = { key = s.key, label = s.label }, true end
    end
  end
  return list
end

--- Those of them that a table names.
local function chosen_scores(rows, wanted)
  local all, list, known = all_scores(rows), {}, {}
  if not wanted then return all end
  for i, s in ipairs(all) do known[i] = s.label end
  for _, name in ipairs(wanted) do
    local n = #list
    for _, s in ipairs(all) do
      if s.key == name or s.label == name then list[#list + 1] = s end
    end
    if #list == n then return nil, options.unknown("score", name, known) end
  end
  return list
end

local function make(study, given, index)
  local t, err = options.validate(given, TABLE, ("tables[%d]"):format(index))
  if not t then return nil, err end
  t.name = t.name or index == 1 and study.name:gsub("[^%w%._%-]", "_") or ("%s-%d"):format(study.name, index)
  local where = ("table '%s': "):format(t.name)
  t.rows, err = tables.select(study, t.rows or { "*" })
  if not t.rows then return nil, where .. err end
  t.scores, err = chosen_scores(t.rows, t.score)
  if not t.scores then return nil, where .. err end
  t.metrics, t.title = t.metrics or study.metrics, t.title or study.title or t.name
  local wrong = tables.wrong_metric(t.metrics)
  if wrong then return nil, where .. wrong end
  if t.against and not study.by_name[t.against] then
    return nil, where .. "against: " .. options.unknown("row", t.against, options.names(study.by_name))
  end
  return t
end

--- The checked tables of a study whose rows are made; nil and a message.
function tables.of(study)
  local list, seen = {}, {}
  if study.tables and #study.tables == 0 then return nil, "tables: names no table; without the field there is one of all rows" end
  for i, given in ipairs(study.tables or { {} }) do
    local t, err = make(study, given, i)
    if not t then return nil, err end
    if seen[t.name] then return nil, ("two tables are named '%s'"):format(t.name) end
    list[i], seen[t.name] = t, true
  end
  local asked = {}
  for _, t in ipairs(list) do for _, name in ipairs(t.metrics) do asked[name] = true end end
  study.all_metrics = options.names(asked)
  return list
end

return tables
