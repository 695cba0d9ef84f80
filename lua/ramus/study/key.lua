--- What a recipe's results depend on, as a text and its SHA-256: two rows with the same key are one training.
--
-- Left out: the name, the seed (part of a cell's key), the split that is scored, what affects no result, and every field that has its default,
-- so that a field that Ramus gets later leaves the keys of earlier results as they are. A model that is a function counts as the list of its
-- ops, and so does a loss of a row that is one; another function of a recipe as its source and the values that it uses; a file that a recipe
-- names as its name and content.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local fit = require "ramus.train.recipe.fit"
local function_source = require "ramus.lang.function_source"
local json = require "ramus.base.json"
local loss = require "ramus.lang.loss"
local model = require "ramus.lang.model"
local models = require "ramus.lang.models"
local ops = require "ramus.lang.ops"
local optim = require "ramus.lang.optim"
local prepared = require "ramus.data.prepared"
local recipe_module = require "ramus.train.recipe"
local run_names = require "ramus.train.run.names"
local schedule = require "ramus.lang.schedule"

local key = {}

local plain

local function plain_fields(t)
  local result = {}
  for k, v in pairs(t) do result[k] = plain(v) end
  return result
end

--- The same without fields that have their default. entries: options entries by name.
local function without_defaults(t, entries)
  local result = {}
  for k, v in pairs(t) do
    local entry = entries[k] or {}
    local value = plain(v)
    if entry.fields and type(v) == "table" then value = without_defaults(v, entry.fields) end
    local usual = entry.default
    if entry.fields and type(usual) == "table" then usual = without_defaults(usual, entry.fields) end
    local is_default = usual ~= nil and json.encode { value } == json.encode { plain(usual) }
    if entry.affects_results ~= false and not is_default then result[k] = value end
  end
  return result
end

--- A file by its name and content, so that the key is the same on every machine; a run by its weights. Other texts as they are.
local function portable(text)
  if text:sub(1, 1) ~= "/" then return text end
  local _, name = files.split(text)
  local path = text
  if files.is_folder(text) then
    path = run_names.path_of(text, "best")
    path = files.is_file(path) and path or run_names.path_of(text, "last")
  end
  return files.is_file(path) and ("%s %s"):format(name, assert(dataset.sha256_file(path))) or name
end

function plain(v)
  if schedule.is(v) then return { schedule = tostring(v) } end
  if loss.is(v) then return { loss = v.name, options = without_defaults(v.options, ops.schema(v.name)) } end
  if model.is(v) then
    if not v.options then return { ops = prepared.sha256(json.encode(v:export_template())) } end
    return { model = v.builder, options = without_defaults(v.options, models.find(v.builder).schema) }
  end
  if optim.is(v) then return without_defaults(v, optim.schema(v.kind)) end
  if type(v) == "table" then return plain_fields(v) end
  if type(v) == "string" then return portable(v) end
  if type(v) == "function" then return function_source.of(v) end
  if type(v) == "number" and (v ~= v or math.abs(v) == math.huge) then return tostring(v) end
  return v
end

--- Rows whose functions are what was recorded of them at each output: { OUTPUT = SHA-256 }.
local function rows_by_graph(recipe, kept)
  local own = false
  for _, row in ipairs(recipe.supervise) do own = own or type(row.loss) == "function" end
  if not own then return end
  local known = assert(dataset.find(recipe.data.set)).fields
  local recorded = assert(fit.supervision(recipe, known)):functions_by_row(known)
  for i, row in ipairs(recipe.supervise) do
    if type(row.loss) == "function" then kept.supervise[i].loss = { recorded = recorded[i] } end
  end
end

--- The text that a recipe's results depend on but for the seed, and its SHA-256.
function key.of(recipe)
  local kept = without_defaults(recipe, recipe_module.schema)
  for name, spec in pairs(recipe.teachers or {}) do kept.teachers[name] = without_defaults(spec, recipe_module.teacher_schema) end
  rows_by_graph(recipe, kept)
  kept.name, kept.seed, kept.source = nil, nil, nil
  kept.data.test = nil
  local text = json.encode(kept)
  return prepared.sha256(text), text
end

return key
