--- ra.F.NAME(inputs..., {options}): every op of the core, made from its table.
-- Called on tensors an op runs at once and returns a tensor (a number for a full reduction); called on nodes it is recorded. Numbers serve where a
-- tensor of one value would. Options are checked against the op's table.
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local F = {}

local function option_names(spec)
  local list = {}
  for _, p in ipairs(spec.params) do list[#list + 1] = p.name end
  for _, input in ipairs(spec.inputs) do list[#list + 1] = input.name end
  return list
end

local function is_value(v) return type(v) == "number" or tensor.is(v) or graph.is_node(v) end

--- Sorts the arguments of a call into inputs (false: absent), their number, and options.
local function sort_arguments(spec, level, ...)
  local given = select("#", ...)
  local inputs, n, opts = {}, 0, nil
  for i = 1, given do
    local v = select(i, ...)
    if i == given and type(v) == "table" and not is_value(v) then opts = v
    elseif v == nil then
      n = i
      inputs[i] = false
    elseif is_value(v) then
      n = i
      inputs[i] = v
    else
      error(("%s: %s must be a tensor or a number, given %s"):format(spec.name, (spec.inputs[i] or {}).name or "argument " .. i,
        options.show(v)), level + 1)
    end
  end
  return inputs, n, opts
end

--- Reads one option into slots and schedules.
local function read_option(spec, slots, schedules, key, value, level)
  local entry = ops.schema(spec.name)[key]
  local good, err = options.value(value, entry)
  if good == nil then error(("%s: %s %s"):format(spec.name, key, err), level + 1) end
  ops.fill(slots, entry.param, good)
  if not (entry.live and type(good) == "table") then return schedules end
  schedules = schedules or {}
  schedules[#schedules + 1] = { slot = entry.param.slot, schedule = good }
  return schedules
end

--- Puts an input that was given by name at its position; returns the number of inputs.
local function read_input(spec, inputs, n, key, value, level)
  local k = spec.input_index[key]
  if not is_value(value) then
    error(("%s: %s must be a tensor or a number, given %s"):format(spec.name, key, options.show(value)), level + 1)
  end
  if inputs[k] then error(("%s: %s is given twice"):format(spec.name, key), level + 1) end
  for j = n + 1, k do inputs[j] = inputs[j] or false end
  inputs[k] = value
  return math.max(n, k)
end

--- The number of inputs without absent ones at the end; an error where there are too many or one is missing.
local function check_inputs(spec, inputs, n, level)
  if not spec.variadic and n > #spec.inputs then
    local first = spec.params[1]
    error(("%s: accepts %d input%s (%s), given %d%s"):format(spec.name, #spec.inputs, #spec.inputs == 1 and "" or "s",
      ffi.string(C.ra_op_inputs(spec.c)), n, first and ("; options stand in braces, as {%s = ..}"):format(first.name) or ""), level + 1)
  end
  for k, input in ipairs(spec.inputs) do
    if not inputs[k] and not input.optional then
      error(("%s: %s is missing; usage: F.%s(%s)%s"):format(spec.name, input.name, spec.name,
        ffi.string(C.ra_op_inputs(spec.c)), #spec.inputs == 1 and (" or x:%s()"):format(spec.name) or ""), level + 1)
    end
  end
  while n > 0 and not inputs[n] do n = n - 1 end
  return n
end

--- The arguments of a call as inputs, their number, slots, schedules and options.
local function read_arguments(spec, level, ...)
  local inputs, n, opts = sort_arguments(spec, level + 1, ...)
  local slots, schedules = ops.default_slots(spec), nil
  local list = opts and opts[1] ~= nil and ops.list_param(spec)
  if list then read_option(spec, slots, nil, list.name, { unpack(opts) }, level + 1) end
  for key, value in pairs(opts or {}) do
    local p, k = spec.by_name[key], spec.input_index[key]
    if p and not (k and type(value) ~= "number" and is_value(value)) then -- bce's weight is both: a tensor is the input
      schedules = read_option(spec, slots, schedules, key, value, level + 1)
    elseif k then n = read_input(spec, inputs, n, key, value, level + 1)
    elseif not (list and type(key) == "number") then -- the list itself is read above
      error(("%s: %s"):format(spec.name, options.unknown("option", key, option_names(spec))), level + 1)
    end
  end
  return inputs, check_inputs(spec, inputs, n, level + 1), slots, schedules, opts
end

local function record(spec, recorder, inputs, n, slots, schedules, opts, level)
  for k = 1, n do
    local v = inputs[k]
    if v and not graph.is_node(v) then
      if type(v) == "number" then v = tensor.of(v) end
      inputs[k] = recorder:tensor(v)
    elseif v and v.recorder ~= recorder then
      error(spec.name .. ": nodes of two recordings cannot be mixed", level + 1)
    end
  end
  local node = recorder:op(spec.c, slots, inputs, n, level + 1)
  for _, s in ipairs(schedules or {}) do
    recorder.live[#recorder.live + 1] = { node = node, slot = s.slot, schedule = s.schedule }
  end
  if recorder.trace then recorder:trace(spec, node, inputs, n, opts) end
  return node
end

local function run_now(spec, inputs, n, slots, level)
  local pointers = ffi.new("ra_tensor *[?]", math.max(n, 1))
  local held = {}
  for k = 1, n do
    local v = inputs[k]
    if type(v) == "number" then v = tensor.of(v) end
    if v then
      held[k] = v
      pointers[k - 1] = v
    end
  end
  ffi.make_room(held[1] and held[1].size * ffi.sizeof("ra_real") or 0)
  local seed, call = tensor.next_key()
  local out, err = tensor.wrap(C.ra_op_run(spec.c, slots, n, pointers, graph.arena(), seed, call))
  if not out then error(err, level + 1) end
  return out.rank == 0 and ffi.data(out)[0] or out
end

--- Calls the op `spec`; errors are raised `level` functions up.
local function call(spec, level, ...)
  local inputs, n, slots, schedules, opts = read_arguments(spec, level + 1, ...)
  for k = 1, n do
    if inputs[k] and graph.is_node(inputs[k]) then
      local node = record(spec, inputs[k].recorder, inputs, n, slots, schedules, opts, level + 1)
      return node -- no tail call: levels of errors count this frame
    end
  end
  local value = run_now(spec, inputs, n, slots, level + 1)
  return value
end

for _, name in ipairs(ops.names) do
  local spec = ops.specs[name]
  F[name] = function(...)
    local result = call(spec, 2, ...)
    return result
  end
end

tensor.operators(F)
graph.operators(F)
require "ramus.lang.tensor_more" -- gives tensors further methods, which use ops

return setmetatable(F, {
  __index = function(_, name)
    error(("F.%s: %s"):format(tostring(name), options.unknown("op", name, ops.names)), 2)
  end,
})
