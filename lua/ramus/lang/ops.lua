--- The tables of the core's ops and losses as Lua sees them: ops.specs[NAME], ops.names in the core's order.
-- A spec has c (the core's ra_op), name, help, inputs { name, optional }, input_index, variadic, params, by_name, is_loss,
-- samples. A parameter has name, kind, slot, default_value, low, high, choices, help, live, required.
--
-- ops.schema(NAME) is the same as an options table (ramus.base.options): F, nn and loss check their options with it. A value
-- that passed it goes into the slots that the core reads by ops.fill.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local C = ffi.C

local ops = { specs = {}, names = {} }

local KIND = { [0] = "number", "integer", "boolean", "choice", "dim", "pair", "dims", "ints" }

--- The table of an op as Lua sees it: name, help, inputs, params.
local function read_table(op)
  local spec = { c = op, name = ffi.string(C.ra_op_name(op)), help = ffi.string(C.ra_op_help(op)), inputs = {}, params = {},
    by_name = {}, input_index = {}, is_loss = C.ra_op_is_loss(op), samples = ffi.string(C.ra_op_samples(op)) }
  for name in ffi.string(C.ra_op_inputs(op)):gmatch("[^,]+") do
    if name == "..." then
      spec.variadic = true
    else
      local plain, optional = name:match("^([^?]+)(%??)$")
      spec.inputs[#spec.inputs + 1] = { name = plain, optional = optional == "?" }
      spec.input_index[plain] = #spec.inputs
    end
  end
  for i = 0, C.ra_op_param_count(op) - 1 do
    local p = C.ra_op_param(op, i)
    local entry = {
      name = ffi.string(p.name), kind = KIND[p.kind], slot = C.ra_op_param_slot(op, i), default_value = p.default_value, low = p.low,
      high = p.high, help = p.help ~= nil and ffi.string(p.help) or "", live = p.live, required = p.required,
    }
    if p.choices ~= nil then
      entry.choices = {}
      for choice in ffi.string(p.choices):gmatch("[^|]+") do entry.choices[#entry.choices + 1] = choice end
    end
    spec.params[#spec.params + 1] = entry
    spec.by_name[entry.name] = entry
  end
  return spec
end

for i = 0, C.ra_op_count() - 1 do
  local spec = read_table(C.ra_op_at(i))
  ops.specs[spec.name] = spec
  ops.names[#ops.names + 1] = spec.name
end

--- The parameter that a list without a name means, as in permute(x, {1, 3, 4, 2}).
function ops.list_param(spec)
  for _, p in ipairs(spec.params) do
    if p.kind == "dims" or p.kind == "ints" then return p end
  end
end

-- ---- options ------------------------------------------------------------------

local function finite(v) return v > -math.huge and v < math.huge and v or nil end

--- Checks a number or a list of them; `count`: the length that a list must have, nil: 1 to RA_MAX_LIST.
local function list_check(p, shift, count)
  local wanted = count and "a whole number or a pair {height, width}" or ("a list of 1 to %d whole numbers"):format(C.RA_MAX_LIST)
  return function(value)
    local list = type(value) == "table" and value or { value }
    if type(value) == "table" and (#list < 1 or #list > C.RA_MAX_LIST or count and #list ~= count) then
      return nil, ("must be %s, given %s"):format(wanted, options.show(value))
    end
    for _, v in ipairs(list) do
      if type(v) ~= "number" or v % 1 ~= 0 then return nil, ("must be %s, given %s"):format(wanted, options.show(value)) end
      if v < p.low + shift or v > p.high + shift then
        return nil, ("must be from %g to %g, given %g"):format(p.low + shift, p.high + shift, v)
      end
    end
    return value
  end
end

--- Options entries by the kind of parameter: type, its name in messages, bounds, and the default in Lua's form.
local entry_of = {
  number = function(p) return { type = "number", wanted = "a number", min = finite(p.low), max = finite(p.high), default = p.default_value } end,
  integer = function(p)
    return { type = "integer", wanted = "a whole number", min = finite(p.low), max = finite(p.high), default = p.default_value }
  end,
  boolean = function(p) return { type = "boolean", wanted = "true or false", default = p.default_value ~= 0 } end,
  choice = function(p)
    local given = p.default_value == p.default_value
    return { type = "string", one_of = p.choices, default = given and p.choices[p.default_value + 1] or nil }
  end,
  dim = function(p)
    return { type = "integer", wanted = "a dimension (1 is the first)", min = p.low + 1, max = p.high + 1, default = p.default_value + 1 }
  end,
  pair = function(p)
    return { type = "integer|table", wanted = "a whole number or a pair {height, width}", check = list_check(p, 0, 2), default = p.default_value }
  end,
  dims = function(p) return { type = "integer|table", wanted = "a list of dimensions (1 is the first)", check = list_check(p, 1) } end,
  ints = function(p) return { type = "integer|table", wanted = "a list of whole numbers", check = list_check(p, 0) } end,
}

--- The parameters of an op as an options table: type, bounds, choices, default, live, required, help; param is the core's entry.
function ops.schema(name)
  local spec = ops.specs[name]
  if not spec.schema then
    spec.schema = {}
    for _, p in ipairs(spec.params) do
      local entry = entry_of[p.kind](p)
      if entry.default ~= entry.default or p.required then entry.default = nil end
      entry.help, entry.live, entry.required, entry.param = p.help, p.live, p.required, p
      spec.schema[p.name] = entry
    end
  end
  return spec.schema
end

-- ---- slots --------------------------------------------------------------------

local function fill_list(shift)
  return function(slots, p, v)
    local list = type(v) == "table" and v or { v }
    slots[p.slot] = #list
    for i, d in ipairs(list) do slots[p.slot + i] = d - shift end
  end
end

local fill = {
  number = function(slots, p, v) slots[p.slot] = v end,
  boolean = function(slots, p, v) slots[p.slot] = v and 1 or 0 end,
  choice = function(slots, p, v)
    for i, choice in ipairs(p.choices) do
      if v == choice then slots[p.slot] = i - 1 end
    end
  end,
  dim = function(slots, p, v) slots[p.slot] = v - 1 end,
  pair = function(slots, p, v)
    slots[p.slot], slots[p.slot + 1] = type(v) == "table" and v[1] or v, type(v) == "table" and v[2] or v
  end,
  dims = fill_list(1), ints = fill_list(0),
}
fill.integer = fill.number

--- Writes a checked value into the slots of its parameter. For a schedule (of a live parameter) it writes the value at time 0.
function ops.fill(slots, p, value)
  if p.live and type(value) == "table" then value = value(0) end
  fill[p.kind](slots, p, value)
end

--- Slots that hold the defaults.
function ops.default_slots(spec)
  local slots = ffi.new("double[?]", C.RA_MAX_SLOTS)
  for _, p in ipairs(spec.params) do
    local count = p.kind == "pair" and 2 or 1
    for i = 0, count - 1 do slots[p.slot + i] = p.default_value end
    if p.kind == "dims" or p.kind == "ints" then slots[p.slot] = 0 end
  end
  return slots
end

--- The options `given` of the op `name`, checked by its table and by the core, without the defaults that were not given;
-- an error `level` functions up (2, the default: the caller of the function that calls this), its text beginning with `where`.
-- schema: other entries than the op's own, as a module has; their options are returned too, with defaults.
function ops.check(name, given, where, schema, level)
  level = (level or 2) + 1
  local spec, own = ops.specs[name], ops.schema(name)
  local checked = options.check(given, schema or own, where, level)
  local kept, slots = {}, ops.default_slots(spec)
  for key, value in pairs(checked) do
    local p = spec.by_name[key]
    local was_given = given ~= nil and given[key] ~= nil
    if p and (was_given or own[key] ~= (schema or own)[key]) then
      ops.fill(slots, p, value)
      kept[key] = value
    elseif not p then kept[key] = value end
  end
  if C.ra_op_check_params(spec.c, slots) ~= 0 then error(where:gsub("%.[%w_]+$", ".") .. ffi.message(), level) end
  return kept
end

return ops
