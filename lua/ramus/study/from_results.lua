--- A study made of lines of results alone, without its file: rows by name, in the order of the lines, compared with the first of them.
--
--   from_results.of(lines, { name, path, metrics [opt] })   a study as definition.of makes one, for summary.of, and its known lines
-- lines: a list. Lines of one row with several recipes are its folds where no picture is scored twice; else they are rows of their own, since the
-- row was changed between them.
local definition = require "ramus.study.definition"
local metrics = require "ramus.data.metrics"
local signs = require "ramus.study.signs"
local tables = require "ramus.study.tables"

local from_results = {}

--- Metrics that are shown unless others are asked for, where the lines have them.
local USUAL = { "dice", "cldice", "sensitivity", "precision", "hd95" }

--- The parts of a row, a recipe each: { hash, lines, seeds }, by first appearance.
local function parts_of(lines)
  local list, by_hash = {}, {}
  for _, line in ipairs(lines) do
    local part = by_hash[line.recipe]
    if not part then
      part = { hash = line.recipe, lines = {}, words = "fold " .. #list + 1 }
      by_hash[line.recipe], list[#list + 1] = part, part
    end
    part.lines[#part.lines + 1] = line
  end
  return list
end

--- Whether no picture is scored by two of the parts, so that they are folds.
local function are_folds(parts)
  local owner = {}
  for i, part in ipairs(parts) do
    for _, line in ipairs(part.lines) do
      for key, s in pairs(line.scores or {}) do
        for _, id in ipairs(s.pictures) do
          local picture = ("%s\n%s"):format(key, id)
          if (owner[picture] or i) ~= i then return false end
          owner[picture] = i
        end
      end
    end
  end
  return true
end

local function sorted_keys(t)
  local list = {}
  for k in pairs(t) do list[#list + 1] = k end
  table.sort(list)
  return list
end

--- A row of these parts.
local function make_row(name, parts)
  local row, seeds, scores = { name = name, title = name, seeds = {}, scores = {}, parts = parts }, {}, {}
  for _, part in ipairs(parts) do
    for _, line in ipairs(part.lines) do
      seeds[line.seed] = true
      for key in pairs(line.scores or {}) do scores[key] = true end
    end
  end
  row.seeds = sorted_keys(seeds)
  local data = parts[1].lines[1].data
  local own = data and data.set .. ":" -- scores on the row's own set come first
  for _, first in ipairs { true, false } do
    for _, key in ipairs(sorted_keys(scores)) do
      if (own and key:sub(1, #own) == own or false) == first then row.scores[#row.scores + 1] = { key = key, label = key } end
    end
  end
  return row
end

local function rows_of(lines)
  local names, by_name, rows = {}, {}, {}
  for _, line in ipairs(lines) do
    local name = type(line.row) == "string" and line.row or "?"
    if not by_name[name] then names[#names + 1], by_name[name] = name, {} end
    table.insert(by_name[name], line)
  end
  for _, name in ipairs(names) do
    local parts = parts_of(by_name[name])
    if #parts == 1 or are_folds(parts) then rows[#rows + 1] = make_row(name, parts)
    else
      for _, part in ipairs(parts) do
        part.words = nil
        rows[#rows + 1] = make_row(("%s (%s)"):format(name, part.hash:sub(1, 8)), { part })
      end
    end
  end
  return rows
end

--- The metrics that every line has of its main output.
local function shared_metrics(lines)
  local count, total = {}, 0
  for _, line in ipairs(lines) do
    for _, s in pairs(line.scores or {}) do
      total = total + 1
      for name in pairs(s.outputs[s.protocol.output]) do count[name] = (count[name] or 0) + 1 end
    end
  end
  local list = {}
  for _, names in ipairs { USUAL, metrics.keys, signs.names } do
    for _, name in ipairs(names) do
      if total > 0 and count[name] == total and (names == USUAL or #list == 0) then list[#list + 1] = name end
    end
  end
  return list
end

--- See the top of the file; nil and a message.
function from_results.of(lines, given)
  local study = { name = given.name, path = given.path, results = given.path, rows = rows_of(lines), by_name = {}, cells = {},
    cell_key = definition.cell_key, metrics = given.metrics or shared_metrics(lines) }
  for i, row in ipairs(study.rows) do
    study.by_name[row.name], row.against = row, i > 1 and study.rows[1].name or nil
  end
  local known = {}
  for _, line in ipairs(lines) do
    local key = definition.cell_key(line.recipe, line.seed)
    if not known[key] then study.cells[#study.cells + 1] = { key = key, seed = line.seed } end
    known[key] = line
  end
  if #study.metrics == 0 then return nil, ("%s: no line has scores; their trainings failed"):format(given.path) end
  local err
  study.tables = { { title = "All rows" } }
  study.tables, err = tables.of(study)
  if not study.tables then return nil, err end
  return study, known
end

return from_results
