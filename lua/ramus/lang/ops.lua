--- The tables of the core's ops and losses as Lua sees them: ops.specs[NAME], ops.names in the core's order.
-- A spec has c (the core's ra_op), name, help, inputs { name, optional }, input_index, variadic, params, by_name, is_loss,
-- samples. A parameter has name, kind, slot, default_value, low, high, choices, help, live, required.
local ffi = require "ramus.base.ffi"
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

return ops
