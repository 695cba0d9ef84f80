--- A study: rows of recipes times seeds, the sets that each is scored on, and what is compared with what. It is a Lua file that returns
--
--   { recipe = "unet.lua", seeds = { 1, 2, 3 }, rows = {
--       { name = "plain" },
--       { name = "wide", set = { ["model.width"] = 32 }, against = "plain" },
--   } }
--
-- definition.load(path) returns { name, path, folder, results (path), metrics, rows, by_name, cells, tables }; a row is { name, title,
-- recipe, hash, parts, against, seeds, weights, scores }, a cell { key, hash, seed, rows, recipe, scores }: one training. Rows with the same recipe
-- share their cells. parts: { recipe, hash, scores } of each fold of a cross-validation (folds.lua), of other rows one. Paths are relative to the
-- study's folder, those inside of a recipe's file to the recipe's.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local folds = require "ramus.study.folds"
local key = require "ramus.study.key"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local recipe_module = require "ramus.train.recipe"
local score = require "ramus.study.score"
local tables = require "ramus.study.tables"

local definition = {}

local function is_seed(v) return type(v) == "number" and v == math.floor(v) and v >= 0 and v < 2 ^ 31 end

--- A list of seeds, each once.
local function check_seeds(list)
  local seen = {}
  for _, v in ipairs(list) do
    if not is_seed(v) then return nil, "must be a list of whole numbers >= 0, given " .. options.show(v) end
    if seen[v] then return nil, ("names the seed %d twice"):format(v) end
    seen[v] = true
  end
  if #list == 0 then return nil, "must name at least one seed" end
  return list
end

local function check_metrics(list)
  local wrong = tables.wrong_metric(list)
  if wrong then return nil, wrong end
  return list
end

local function check_name(v)
  return v:match "^[%w][%w%._%-%+ ]*$" and v or nil, "must be letters, digits, spaces and . _ - +, given " .. options.show(v)
end

local SEEDS = { type = "table", list = true, default = { 1, 2, 3 }, check = check_seeds, help = "seeds, each a training of every row" }
local WEIGHTS = { type = "string", one_of = { "last", "best" }, default = "last",
  help = "weights that are scored: those of the last epoch, or those that validated best" }
local CHANGES = {
  recipe = { type = "string|table", help = "a recipe's file, or its table" },
  set = { type = "table", default = {}, help = "fields of the recipe and their values, as { [\"optim.lr\"] = 3e-4 }" },
  without = { type = "table", list = true, default = {}, help = "fields that are removed, as { \"supervise.4\", \"teacher\" }" },
}

local ROW = {
  name = { type = "string", required = true, check = check_name, help = "name of the row" },
  title = { type = "string", help = "its text in tables; the name unless given" },
  recipe = CHANGES.recipe, set = CHANGES.set, without = CHANGES.without,
  against = { type = "string", help = "name of the row that it is compared with, its control" },
  seeds = { type = "table", list = true, check = check_seeds, help = "seeds of this row; the study's unless given" },
  folds = folds.entry("of this row; the study's unless given"),
  score = { type = "table", list = true, help = "sets that this row is scored on; the study's unless given" },
  weights = { type = "string", one_of = WEIGHTS.one_of, help = "weights that are scored; the study's unless given" },
}

local STUDY = {
  name = { type = "string", check = check_name, help = "name of the study; that of its file unless given" },
  title = { type = "string", help = "heading of its page" },
  recipe = CHANGES.recipe, set = CHANGES.set, without = CHANGES.without,
  rows = { type = "table", list = true, required = true, help = "list of rows" },
  seeds = SEEDS, weights = WEIGHTS,
  folds = folds.entry("of cross-validation: every row is trained once a fold and scored on the pictures of all of them"),
  score = { type = "table", list = true, help = "sets that are scored, as { \"cimat80:test\" }; the test split of a row's own set unless given" },
  metrics = { type = "table", list = true, default = { "dice" }, check = check_metrics,
    help = "scores that the tables show, the first of them in the figures" },
  tables = { type = "table", list = true, help = "list of tables; one of all rows unless given" },
  results = { type = "string", help = "file of the results; NAME.jsonl beside the study unless given" },
  read = { type = "table", list = true, default = {}, check = function(list)
    for _, path in ipairs(list) do
      if type(path) ~= "string" then return nil, "must be a list of files, given " .. options.show(path) end
    end
    return list
  end, help = "further files of results, of other studies, in which cells are looked up" },
}
definition.schema, definition.row_schema = STUDY, ROW

-- ---- rows -----------------------------------------------------------------------------

--- Values of a study and of a row together; a set's path is that beside the study.
local function merged(study, row, folder)
  local values = {}
  for _, from in ipairs { study.set, row.set } do
    for field, v in pairs(from) do values[field] = v end
  end
  if type(values["data.set"]) == "string" then values["data.set"] = dataset.locate(values["data.set"], folder) end
  local without = { unpack(study.without) }
  for _, field in ipairs(row.without) do without[#without + 1] = field end
  return values, without
end

--- The checked recipe of a row; nil and a message. more [opt]: further values.
local function recipe_of(study, row, folder, more)
  local what = row.recipe or study.recipe
  if not what then return nil, "has no recipe; name one here or for the whole study" end
  local values, without = merged(study, row, folder)
  for field, v in pairs(more or {}) do values[field] = v end
  local o = { values = values, without = without }
  if type(what) == "string" then what = what:sub(1, 1) == "/" and what or folder .. "/" .. what
  else o.base, o.name, o.where = folder, not what.name and "study" or nil, "recipe" end
  return recipe_module.load(what, o)
end

--- The scores of a part of a row: those asked for, or its own test split; nil and a message.
local function scores_of(study, part, row, folder)
  local list, seen = {}, {}
  for _, given in ipairs(row.score or study.score or { part.recipe.data.test }) do
    local s, err = score.of(given, part.recipe.data, { weights = row.weights, base = folder })
    if not s then return nil, "score: " .. err end
    if not seen[s.key] then list[#list + 1], seen[s.key] = s, true end
  end
  if #list == 0 then return nil, "score: names no set" end
  return list
end

local function make_row(study, given, index, folder)
  local row, err = options.validate(given, ROW, ("rows[%d]"):format(index))
  if not row then return nil, err end
  local where = ("row '%s'"):format(row.name)
  local asked = { recipe = row.recipe, set = row.set, without = row.without }
  row.recipe, err = recipe_of(study, asked, folder)
  row.asked = asked
  if not row.recipe then return nil, ("%s: %s"):format(where, err) end
  row.title, row.seeds, row.weights = row.title or row.name, study.only_seeds or row.seeds or study.seeds, row.weights or study.weights
  if row.weights == "best" and row.recipe.data.val == false then
    return nil, where .. ": weights = \"best\" needs a validation split, and data.val is false"
  end
  row.folds = row.folds or study.folds
  row.parts, err = folds.parts(row.recipe, row.folds, function(more) return recipe_of(study, asked, folder, more) end)
  if not row.parts then return nil, ("%s: %s"):format(where, err) end
  for _, part in ipairs(row.parts) do
    part.hash = key.of(part.recipe)
    part.scores, err = scores_of(study, part, row, folder)
    err = err or row.folds and folds.wrong(part)
    if err then return nil, ("%s: %s"):format(where, err) end
  end
  row.recipe, row.hash, row.scores = row.parts[1].recipe, row.parts[1].hash, row.parts[1].scores
  return row
end

--- Rows in order and by name; of the others than `only` (a set of names) nothing but the name is looked at. Models are kept with `only`: one
-- process trains one of them, and the study itself none.
local function make_rows(study, folder, only)
  local rows, by_name = {}, {}
  for i, given in ipairs(study.rows) do
    local row, err = given, nil
    if not only or type(given) == "table" and only[given.name] then row, err = make_row(study, given, i, folder) end
    if not row then return nil, err end
    if by_name[row.name] then return nil, ("two rows are named '%s'"):format(row.name) end
    by_name[row.name] = row
    for _, part in ipairs(not only and row.parts or {}) do part.recipe.model = nil end
    if not only or only[row.name] then rows[#rows + 1] = row end
  end
  if #rows == 0 then return nil, "rows: names no row" end
  for _, row in ipairs(rows) do
    if row.against == row.name then return nil, ("row '%s': is compared with itself"):format(row.name) end
    if row.against and not by_name[row.against] then
      return nil, ("row '%s': against: %s"):format(row.name, options.unknown("row", row.against, options.names(by_name)))
    end
  end
  return rows, by_name
end

-- ---- cells ----------------------------------------------------------------------------

--- The recipe of a row with another seed; the model is shared, and initialised anew by each training.
local function with_seed(recipe, seed)
  local copy = setmetatable({}, getmetatable(recipe))
  for k, v in pairs(recipe) do copy[k] = v end
  copy.seed = seed
  return copy
end

--- The name of a training: what its results depend on, in short.
function definition.cell_key(hash, seed) return ("%s-%d"):format(hash:sub(1, 16), seed) end

--- The cell of a part of a row with a seed, which is new or known.
local function cell_of(list, by_key, part, seed)
  local name = definition.cell_key(part.hash, seed)
  if not by_key[name] then
    by_key[name] = { key = name, hash = part.hash, seed = seed, rows = {}, recipe = with_seed(part.recipe, seed), scores = {}, wanted = {},
      fold = part.words }
    list[#list + 1] = by_key[name]
  end
  return by_key[name]
end

--- The trainings that rows need, each once, in the order of the rows.
local function cells_of(rows)
  local list, by_key = {}, {}
  for _, row in ipairs(rows) do
    for _, seed in ipairs(row.seeds) do
      for _, part in ipairs(row.parts) do
        local cell = cell_of(list, by_key, part, seed)
        cell.rows[#cell.rows + 1] = row.name
        for _, s in ipairs(part.scores) do
          if not cell.wanted[s.key] then cell.scores[#cell.scores + 1], cell.wanted[s.key] = s, true end
        end
      end
    end
  end
  return list, by_key
end

-- ---- the whole --------------------------------------------------------------------------

--- A path without what goes down and up again: "recipes/../docs/x" is "docs/x".
local function plain_path(path)
  local shorter, n = path:gsub("^([^/]+)/%.%./", function(name) return name == ".." and nil or "" end)
  if n == 0 or shorter == path then shorter, n = path:gsub("/([^/]+)/%.%./", function(name) return name == ".." and nil or "/" end, 1) end
  return n > 0 and shorter ~= path and plain_path(shorter) or path
end

--- Checks a table as a study; path: that of its file. given: seeds, in the place of all that it names; results (path); rows, { NAME = true }
-- for these only, with their models and without tables. nil and a message.
function definition.of(raw, path, given)
  local study, err = options.validate(raw, STUDY, path)
  if not study then return nil, err end
  study.only_seeds, study.cell_key = given and given.seeds, definition.cell_key
  local folder, _, base = files.split(path)
  study.path, study.folder, study.name = path, folder, study.name or base
  study.results = given and given.results or study.results and (study.results:sub(1, 1) == "/" and study.results or folder .. "/" .. study.results)
    or folder == "." and base .. ".jsonl" or ("%s/%s.jsonl"):format(folder, base)
  study.results = plain_path(study.results)
  if not study.results:match "%.jsonl$" then return nil, ("results: %s should end in .jsonl"):format(study.results) end
  local rows, by_name = make_rows(study, folder, given and given.rows)
  if not rows then return nil, ("%s: %s"):format(path, by_name) end
  study.rows, study.by_name = rows, by_name
  study.cells, study.by_key = cells_of(rows)
  if given and given.rows then return study end -- a part has no tables
  study.tables, err = tables.of(study)
  if not study.tables then return nil, ("%s: %s"):format(path, err) end
  return study
end

--- Reads a study's file. given: seeds, results, rows. nil and a message.
function definition.load(path, given)
  local none = files.no_file(path)
  if none then return nil, ("no such study: %s"):format(none) end
  local _, wrong = check_seeds(given and given.seeds or { 0 })
  if wrong then return mistake("seeds " .. wrong) end
  local raw, err = files.run(path)
  if err then return nil, err end
  if type(raw) ~= "table" then return mistake(("%s: a study returns a table, this one returned %s"):format(path, options.show(raw))) end
  if raw.rows == nil and raw.model ~= nil then return mistake(("%s is a recipe, not a study: ramus train %s"):format(path, path)) end
  local study
  study, err = definition.of(raw, path, given)
  if not study then return mistake(err) end
  return study
end

return definition
