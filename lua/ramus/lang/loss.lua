--- ra.loss.NAME{options}: a loss as a value. Called loss(prediction, mask, teacher, { inside =, weight = }) on tensors it
-- gives a number, on nodes it is recorded. A loss ignores a mask or teacher that it does not use; any other input must be
-- one that its table names. Options marked live in the core's table may be schedules.
local F = require "ramus.lang.F"
local function_source = require "ramus.lang.function_source"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"

local tensor = require "ramus.lang.tensor"

local loss = {}
local Loss = {}
Loss.__index = Loss
local specs = ops.specs

--- Inputs of losses that are given as an option: a list of numbers, one for each class.
local LISTS = { class_weights = true }

local function check_list(list, where)
  local sum = 0
  for i = 1, type(list) == "table" and #list or 0 do
    if type(list[i]) ~= "number" or not (list[i] >= 0 and list[i] < math.huge) then sum = -1 / 0 else sum = sum + list[i] end
  end
  if type(list) ~= "table" or #list < 2 or not (sum > 0) then
    error(("%s must be a list of 2 or more numbers >= 0, not all of them 0, given %s"):format(where, options.show(list)), 4)
  end
  return { unpack(list) }
end

--- Inputs go to the places that the loss's table names, so that it names only those that the loss uses, in any order; an
-- input may have the name of an option (bce's weight).
function Loss.__call(l, prediction, mask, teacher, more)
  local places, count = l.spec.input_index, #l.spec.inputs
  local given = { prediction }
  if places.mask then given[places.mask] = mask end
  if places.teacher then given[places.teacher] = teacher end
  for name, value in pairs(more or {}) do
    if not places[name] then error(("loss.%s: %s"):format(l.name, options.unknown("input", name, l.inputs)), 2) end
    given[places[name]] = value
  end
  for name, list in pairs(l.lists) do given[places[name]] = list end
  given[count + 1] = l.parameters
  return F[l.name](unpack(given, 1, count + 1))
end

function Loss.__tostring(l)
  local parts, keys = {}, {}
  for k in pairs(l.options) do keys[#keys + 1] = k end
  table.sort(keys)
  for _, k in ipairs(keys) do
    local v = l.options[k]
    parts[#parts + 1] = k .. "=" .. (schedule.is(v) and tostring(v) or options.show(v))
  end
  return l.name .. (#parts > 0 and "{" .. table.concat(parts, ", ") .. "}" or "")
end

--- Whether v is a loss, as ra.loss.dice() makes one.
function loss.is(v) return getmetatable(v) == Loss end

--- Names of all losses.
loss.names = {}

local function constructor(name, spec)
  local inputs = {}
  for i, input in ipairs(spec.inputs) do inputs[i] = input.name end
  return function(given)
    local lists, rest = {}, {}
    for key, value in pairs(type(given) == "table" and given or {}) do
      if LISTS[key] and spec.input_index[key] then lists[key] = check_list(value, ("loss.%s: %s"):format(name, key))
      else rest[key] = value end
    end
    local parameters = ops.check(name, type(given) == "table" and rest or given, "loss." .. name)
    local all, tensors = {}, {}
    for key, value in pairs(parameters) do all[key] = value end
    for key, list in pairs(lists) do all[key], tensors[key] = list, tensor.of(list) end
    return setmetatable({ name = name, options = all, parameters = parameters, lists = tensors, spec = spec, inputs = inputs }, Loss)
  end
end

for name, spec in pairs(specs) do
  if spec.is_loss then
    loss[name] = constructor(name, spec)
    loss.names[#loss.names + 1] = name
  end
end
table.sort(loss.names)

local from_schema = { file = { type = "string", required = true }, line = { type = "integer", min = 1, required = true },
  sha256 = { type = "string", required = true } }

--- The function of a resolved recipe's row, by the file that returns it, its first line and its hash. Runs the file.
function loss.from(given)
  local r = options.check(given, from_schema, "loss.from")
  local f, err = function_source.find(r)
  if not f then error("loss.from: " .. err, 2) end
  return f
end

return setmetatable(loss, {
  __index = function(_, name) error(("loss.%s: %s"):format(tostring(name), options.unknown("loss", name, loss.names)), 2) end,
})
