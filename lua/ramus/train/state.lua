--- The state of a training: one table with a schema, from which it is made, written into a checkpoint and read back.
--
-- A schema maps a field's name to { type =, default = }: "integer", "boolean", "string", "real" (written in hexadecimal, so
-- that it comes back to the bit), "integers" and "reals" (tables of them by name), or "record" with `fields`, a schema of its own.
-- A field without a default may be absent, and so may a table that says optional = true. FIELDS is what the loop itself keeps; every companion adds its own.
local options = require "ramus.base.options"

local state = {}

--- Sums of an epoch's terms, until its line is written.
local SUMS = {
  batches = { type = "integer", default = 0 }, steps = { type = "integer", default = 0 }, clipped = { type = "integer", default = 0 },
  images = { type = "integer", default = 0 }, norm = { type = "real", default = 0 }, total = { type = "real", default = 0 },
  value = { type = "reals" }, gradient = { type = "reals" }, count = { type = "integers" },
}

local FIELDS = {
  epoch = { type = "integer", default = 0 },     -- counts from 0, as do batches
  batch = { type = "integer", default = 0 },     -- of the epoch: the next one
  micro = { type = "integer", default = 0 },     -- batches whose gradients wait for the optimizer's step
  lines = { type = "integer", default = 0 },     -- of metrics.jsonl
  sums = { type = "record", fields = SUMS },
  best = { type = "real" }, best_epoch = { type = "integer" }, -- of the validation Dice
  extend = { type = "integer" },                 -- epochs beyond the recipe's own; absent where there are none
  complete = { type = "boolean", default = false },
  isa = { type = "string" },                     -- kernels that the run was made with
  blas = { type = "string" },                    -- what computed its matrix products; absent where the model has none
}

local function exact(v) return ("%a"):format(v) end

--- Integers of a state are counts: none is negative, and each is exact.
local function is_integer(v) return type(v) == "number" and v == math.floor(v) and v >= 0 and v < 2^53 end

--- Reads a real that `exact` wrote.
local function real(v)
  local number = type(v) == "string" and #v < 64 and tonumber(v)
  return number and number == number and math.abs(number) ~= math.huge and number or nil
end

--- A table of values by name, each read or written by f.
local function by_name(f)
  return function(values)
    if type(values) ~= "table" then return nil end
    local result = {}
    for name, v in pairs(values) do
      result[name] = f(v)
      if type(name) ~= "string" or result[name] == nil then return nil end
    end
    return result
  end
end

local function of_type(name)
  return function(v) if type(v) == name then return v end end
end
local function integer(v) if is_integer(v) then return v end end

--- For each type: the initial value, its form as plain data, and its reading (nil where the data has another type).
local TYPES = {
  integer = { write = integer, read = integer },
  boolean = { write = of_type "boolean", read = of_type "boolean" },
  string = { write = of_type "string", read = of_type "string" },
  real = { write = exact, read = real },
  integers = { make = function() return {} end, write = by_name(integer), read = by_name(integer) },
  reals = { make = function() return {} end, write = by_name(exact), read = by_name(real) },
  record = { make = function(entry) return state.new(entry.fields) end,
    write = function(v, entry) return state.pack(v, entry.fields) end, read = function(v, entry) return state.unpack(v, entry.fields) end },
}

--- The schema of a training with these companions.
function state.schema(companions)
  local schema = {}
  for name, entry in pairs(FIELDS) do schema[name] = entry end
  for _, companion in ipairs(companions) do
    for name, entry in pairs(companion.state or {}) do
      if schema[name] then error(("state: two companions keep '%s'"):format(name), 2) end
      schema[name] = entry
    end
  end
  return schema
end

--- A state at its beginning.
function state.new(schema)
  local values = {}
  for name, entry in pairs(schema) do
    local make = TYPES[entry.type].make
    if make and not entry.optional then values[name] = make(entry) else values[name] = entry.default end
  end
  return values
end

--- New sums for the next epoch.
function state.sums() return state.new(SUMS) end

--- The state as plain data. Nothing in it depends on the clock.
function state.pack(values, schema)
  local plain = {}
  for name, entry in pairs(schema) do
    if values[name] ~= nil then plain[name] = TYPES[entry.type].write(values[name], entry) end
  end
  return plain
end

--- A state from plain data; nil and a message where it does not fit the schema.
function state.unpack(plain, schema)
  if type(plain) ~= "table" then return nil, "the training state must be a table, given " .. options.show(plain) end
  local values = {}
  for name, entry in pairs(schema) do
    local v = plain[name]
    if v ~= nil then
      local value, err = TYPES[entry.type].read(v, entry)
      if value == nil then
        return nil, err or ("the training state: %s must be of type %s, given %s"):format(name, entry.type, options.show(v))
      end
      values[name] = value
    elseif entry.default ~= nil or TYPES[entry.type].make and not entry.optional then
      return nil, ("the training state lacks %s"):format(name)
    end
  end
  return values
end

--- What is impossible in a state, in one line; nil where nothing is. limits: epochs (with the extension), batches (of an epoch), accumulate (batches
-- of a step).
function state.wrong(s, limits)
  local steps = math.ceil(limits.batches / limits.accumulate)
  local rules = {
    { "epoch", s.epoch, 0, limits.epochs }, { "batch", s.batch, 0, limits.batches - 1 }, { "micro", s.micro, s.batch % limits.accumulate },
    { "lines", s.lines, s.epoch }, { "sums.batches", s.sums.batches, s.batch }, { "sums.steps", s.sums.steps, math.floor(s.batch / limits.accumulate) },
    { "sums.clipped", s.sums.clipped, 0, s.sums.steps }, { "best_epoch", s.best_epoch or 0, 0, math.max(0, s.epoch - 1) },
    { "since_best", s.since_best or 0, 0, s.epoch }, { "empty_epochs", s.empty_epochs or 0, 0, s.epoch },
    { "optim_steps", s.optim_steps or 0, 0, s.epoch * steps + s.sums.steps },
  }
  for _, r in ipairs(rules) do
    local name, v, low, high = r[1], r[2], r[3], r[4] or r[3]
    if v < low or v > high then
      return ("the training state: %s = %d is impossible with epoch %d, batch %d: it must be %s"):format(name, v, s.epoch, s.batch,
        low == high and ("%d"):format(low) or ("from %d to %d"):format(low, high))
    end
  end
  if (s.best == nil) ~= (s.best_epoch == nil) then return "the training state: best and best_epoch belong together" end
end

return state
