--- Results of studies from outside: which files of results lie at and below a folder, and what each holds.
--
--   studies.find(folder)   paths of .jsonl files whose first line is a result
--   studies.facts(path)    { results, name, cells, failed, damaged, rows, changed, bytes }; nil and a message
local json = require "ramus.base.json"
local files = require "ramus.base.files"
local results = require "ramus.study.results"
local runs = require "ramus.train.run.list"

local studies = {}

--- Whether a file begins with a line of results.
function studies.is(path)
  local file = files.open(path)
  local line = file and file:read "*l"
  if file then file:close() end
  local ok, value = pcall(json.decode, line or "")
  return ok and type(value) == "table" and type(value.cell) == "string" and type(value.study) == "string"
end

function studies.find(folder)
  local list = {}
  runs.walk(folder, function(path, names)
    if runs.is(path) then return true end
    for _, name in ipairs(names) do
      local at = (path == "." and "" or path .. "/") .. name
      if name:match "%.jsonl$" and studies.is(at) then list[#list + 1] = at end
    end
    return false
  end)
  return list
end

--- Adds the mean Dice of each of a line's scores to a row's means, by the score's name.
local function add_scores(row, line)
  for on, s in pairs(line.failed and {} or line.scores) do
    local sum, n = 0, 0
    for _, v in ipairs(s.outputs[s.protocol.output].dice or {}) do
      if type(v) == "number" then sum, n = sum + v, n + 1 end
    end
    local mean = row.means[on] or { sum = 0, n = 0 }
    row.means[on] = mean
    if n > 0 then mean.sum, mean.n = mean.sum + sum / n, mean.n + 1 end
  end
end

--- Per row: { row, cells, failed, dice = { ["SET:SPLIT"] = mean over cells } }, by name.
local function rows_of(known)
  local by_name, list = {}, {}
  for _, line in pairs(known) do
    local name = type(line.row) == "string" and line.row or "?"
    local row = by_name[name]
    if not row then
      row = { row = name, cells = 0, failed = 0, means = {} }
      by_name[name], list[#list + 1] = row, row
    end
    row.cells, row.failed = row.cells + 1, row.failed + (line.failed and 1 or 0)
    add_scores(row, line)
  end
  table.sort(list, function(a, b) return a.row < b.row end)
  for _, row in ipairs(list) do
    row.dice = {}
    for on, mean in pairs(row.means) do row.dice[on] = mean.n > 0 and mean.sum / mean.n or nil end
    row.means = nil
  end
  return list
end

function studies.facts(path)
  local bytes, changed = files.size(path)
  if not bytes then return nil, ("%s: there is no such file"):format(path) end
  local known, name = results.read(path), nil
  local f = { results = path, cells = 0, failed = 0, damaged = known.damaged, changed = runs.date(changed), bytes = bytes }
  for _, line in pairs(known) do
    f.cells, f.failed, name = f.cells + 1, f.failed + (line.failed and 1 or 0), name or line.study
  end
  if f.cells == 0 then return nil, ("%s holds no results of a study"):format(path) end
  f.name, f.rows = name, rows_of(known)
  return f
end

return studies
