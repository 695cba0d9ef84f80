--- A recipe as plain data, for programs that read a run: resolved.json.
local json = require "ramus.base.json"
local function_source = require "ramus.lang.function_source"
local loss = require "ramus.lang.loss"
local model = require "ramus.lang.model"
local options = require "ramus.base.options"
local optim = require "ramus.lang.optim"
local registry = require "ramus.data.registry"
local shape = require "ramus.base.shape"
local schedule = require "ramus.lang.schedule"

local resolved = {}

local plain

--- Numbers are keys of a list where they run from 1 on, else texts ("3"): JSON has no other, and a list would have holes.
local function plain_fields(t)
  local result, numbers = {}, 0
  for k in pairs(t) do numbers = numbers + (type(k) == "number" and 1 or 0) end
  local is_list = numbers == #t
  for k, v in pairs(t) do result[type(k) == "number" and not is_list and tostring(k) or k] = plain(v) end
  return result
end

--- A value as plain data: schedules become their text, losses and models their name and options.
function plain(v)
  if schedule.is(v) then return tostring(v) end
  if loss.is(v) then return { name = v.name, options = plain_fields(v.options) } end
  if model.is(v) then
    return { name = v.name or "model", builder = v.options and v.builder or nil, options = v.options and plain_fields(v.options) or nil,
      outputs = v:output_names() }
  end
  if optim.is(v) or type(v) == "table" then return plain_fields(v) end
  if type(v) == "function" then return function_source.reference(v) end
  if type(v) == "cdata" or type(v) == "userdata" then return tostring(v) end
  if type(v) == "number" and (v ~= v or math.abs(v) == math.huge) then return tostring(v) end
  return v
end

function resolved.of(recipe)
  local result = plain_fields(recipe)
  result.source = nil -- recipe.lua has it
  return result
end

local string_field, name_field = { type = "string" }, { type = "string", required = true }
--- The part of resolved.json that evaluation reads.
local data_schema = { set = name_field, options = { type = "table", default = {} }, split = { type = "string", default = "usual" },
  edition = string_field, train = name_field, val = { type = "string|boolean" }, test = name_field, size = { type = "integer", min = 1 } }

--- What programs read of the rest.
local row_shape = { at = "any?", weight = "any?", loss = "table|string?", against = "string?", from = "integer?", till = "integer?" }
local recipe_shape = { name = "string", model = { name = "string?" }, main = "string?", supervise = { list = row_shape },
  optim = { lr = "any?", kind = "string?" }, epochs = "integer", extend = "integer?", seed = "number?", early_stop = { optional = true, patience = "integer?" },
  validate = { optional = true, every = "integer?" }, teacher = "table?", teachers = "table?", log = "table?" }

--- The plain recipe in a text of JSON, the fields that programs read checked; nil and a message.
function resolved.parse(text, where)
  local ok, value = pcall(json.decode, text)
  if not ok or type(value) ~= "table" or type(value.recipe) ~= "table" or type(value.recipe.data) ~= "table" then
    return nil, ("%s holds no recipe%s"):format(where, ok and "" or ": " .. tostring(value))
  end
  local read = {}
  for name in pairs(data_schema) do read[name] = value.recipe.data[name] end
  local checked, err = options.validate(read, data_schema, where .. ": data")
  if not checked then return nil, err end
  for name, v in pairs(checked) do value.recipe.data[name] = v end
  err = shape.wrong(value.recipe, recipe_shape, where .. ": recipe")
  if err then return nil, err end
  registry.suspect(registry.locate(value.recipe.data.set))
  return value
end

return resolved
