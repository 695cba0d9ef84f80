--- Recording of a function, ra.model's or that of a loss: the list of ops that it calls, with the names of their parameters.
--
-- The function is called twice, on inputs that differ in batch, height and width; both recordings must be alike,
-- else the function looked at a size and its list of ops holds for that size alone.
local graph = require "ramus.lang.graph"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"

local trace = {}

--- The sizes that a function is recorded at: batch, height, width.
local SIZES = { { 1, 96, 128 }, { 2, 64, 64 } }

--- The prefix of a module's parameters: its name, or its kind and a number; an error where two modules have one name.
local function prefix_of(r, module)
  local prefix = module.name
  if not prefix then
    r.used[module.kind] = (r.used[module.kind] or 0) + 1
    prefix = module.kind .. r.used[module.kind]
  end
  if r.used[prefix .. "."] then error(("model: two modules are named '%s'"):format(prefix), 0) end
  r.used[prefix .. "."] = true
  return prefix
end

--- The node of a module's parameter; a module's parameters are entered together when the first of them is used.
local function parameter(r, module, name)
  local prefix = r.modules[module]
  if not prefix then
    prefix = prefix_of(r, module)
    r.modules[module] = prefix
    for _, p in ipairs(module.parameters) do
      local full = prefix .. "." .. p.name
      local node = r:input(p.shape)
      r.names[node.id] = "p:" .. full
      r.parameters[#r.parameters + 1] = { name = full, shape = p.shape, init = p.init, buffer = p.buffer or false,
        values = module.values and module.values[p.name] }
      r.parameters[full] = node
    end
  end
  return r.parameters[prefix .. "." .. name]
end

--- The options of a call by their names, as the template keeps them; the mode (train) is set at every replay, and of a
-- schedule the value at its start is kept.
local function named_options(r, spec, given)
  local result = {}
  for key, value in pairs(given or {}) do
    local p = spec.by_name[key]
    if p and key ~= "train" and not graph.is_node(value) and not tensor.is(value) then -- an input may have a parameter's name
      local scheduled = type(value) == "table" and value.is_schedule
      if scheduled then r.schedules[#r.schedules + 1] = { entry = #r.entries + 1, slot = p.slot, schedule = value } end
      result[key] = scheduled and value(0) or value
    end
  end
  local list = given and given[1] ~= nil and ops.list_param(spec)
  if list then result[list.name] = { unpack(given) } end
  return result
end

--- Notes an op that was recorded as node. frozen: it stays in evaluation mode.
local function note(r, spec, node, inputs, n, given, frozen)
  local entry = { op = spec.name, inputs = {}, options = named_options(r, spec, given), frozen = (frozen or r.frozen) and true or nil }
  for k = 1, n do
    local v = inputs[k]
    if v and not r.names[v.id] then -- a tensor that is no parameter: a constant of the model
      r.constant_list[#r.constant_list + 1] = r:constant_of(v)
      r.names[v.id] = "c:" .. #r.constant_list
    end
    entry.inputs[k] = v and r.names[v.id] or ""
  end
  r.entries[#r.entries + 1] = entry
  r.names[node.id] = "n:" .. #r.entries
end

--- What a tracer does with a model that is called inside the traced function. Frozen, its values become constants and its ops
-- keep to evaluation mode; trainable, its parameters and buffers become those of the new model and bring their values:
-- returns the function that enters each of them.
local function nest(r, net, trainable)
  r.frozen = not trainable
  if not trainable then return nil end
  local prefix, entry_of = r.modules[net] or prefix_of(r, { kind = "model" }), {}
  r.modules[net] = prefix
  for _, p in ipairs(net.entries) do entry_of[p.name] = p end
  return function(name, values)
    local node, p, full = r:known(values), entry_of[name], prefix .. "." .. name
    if r.parameters[full] then return end
    r.names[node.id], r.parameters[full] = "p:" .. full, node
    r.parameters[#r.parameters + 1] = { name = full, shape = p.shape, init = p.init, buffer = p.buffer or false, values = values }
  end
end

--- A recorder that writes down names: those of the inputs, "p:NAME" (parameter or buffer), "c:K" (constant), "n:K" (entry K).
local function tracer()
  local r = graph.recorder { train = false }
  r.names, r.entries, r.modules, r.parameters, r.constant_list, r.used, r.schedules = {}, {}, {}, {}, {}, {}, {}
  r.parameter, r.trace, r.nest = parameter, note, nest
  return r
end

--- Names the outputs of f: a table of them, or one, called "out".
local function named_outputs(value)
  if graph.is_node(value) then return { out = value } end
  if type(value) ~= "table" then error("model: the function must return an output or a table of named outputs, got " .. options.show(value), 0) end
  for name, node in pairs(value) do
    if type(name) ~= "string" then error("model: outputs have names, { out = .. }; the function returned the key " .. options.show(name), 0) end
    if not graph.is_node(node) then
      error(("model: output %s is %s, wanted a recorded value under a name"):format(tostring(name), options.show(node)), 0)
    end
  end
  return value
end

--- inputs: a list of { name =, channels = }.
local function record(f, inputs, size)
  local r, given = tracer(), {}
  for i, input in ipairs(inputs) do
    given[i] = r:input { size[1], input.channels, size[2], size[3] }
    r.names[given[i].id] = input.name
  end
  local outputs, shapes = {}, {}
  for name, node in pairs(named_outputs(f(unpack(given)))) do outputs[name], shapes[name] = r.names[node.id], node.shape end
  return { entries = r.entries, outputs = outputs, shapes = shapes, parameters = r.parameters, constants = r.constant_list, schedules = r.schedules }
end

local function differ(what, i, e, a, b) return ("%s of op %d (%s): %s or %s"):format(what, i, e.op, options.show(a), options.show(b)) end

--- What two recordings of one op differ in, or nil.
local function difference_of_entries(i, e, g)
  if e.op ~= g.op then return ("op %d"):format(i) end
  for key, value in pairs(e.options) do
    if options.show(value) ~= options.show(g.options[key]) then return differ(key, i, e, value, g.options[key]) end
  end
  if #e.inputs ~= #g.inputs then return ("the number of inputs of op %d (%s)"):format(i, e.op) end
  for k, input in ipairs(e.inputs) do
    if input ~= g.inputs[k] then return differ("input " .. k, i, e, input, g.inputs[k]) end
  end
  return nil
end

--- Constants must have one shape; numbers (tensors of one element) must be equal.
local function difference_of_constants(k, a, b)
  if tensor.shape_text(a) ~= tensor.shape_text(b) then
    return ("the shape of constant %d: %s or %s"):format(k, tensor.shape_text(a), tensor.shape_text(b))
  end
  local x, y = a.size == 1 and a:item(), b.size == 1 and b:item()
  if x ~= y and (x == x or y == y) then return ("a number that it computes with: %.9g or %.9g"):format(x, y) end
  return nil
end

--- What two recordings differ in, or nil.
local function difference(a, b)
  if #a.entries ~= #b.entries then return "the number of ops" end
  for i, e in ipairs(a.entries) do
    local found = difference_of_entries(i, e, b.entries[i])
    if found then return found end
  end
  for i, p in ipairs(a.parameters) do
    local q = b.parameters[i]
    if p.name ~= q.name or options.show(p.shape) ~= options.show(q.shape) then
      return ("the shape of %s: %s or %s"):format(p.name, options.show(p.shape), options.show(q.shape))
    end
  end
  for k, constant in ipairs(a.constants) do
    local found = difference_of_constants(k, constant, b.constants[k])
    if found then return found end
  end
  return nil
end

--- Records f of inputs { name =, channels = }; nil and a message where it fails or depends on their size.
-- Returns { entries, outputs (names of entries by output), shapes (of outputs, for an input of 1, 96x128), parameters, constants, schedules }.
function trace.inputs(f, inputs, what)
  local recorded = {}
  for i, size in ipairs(SIZES) do
    local ok, result = pcall(record, f, inputs, size)
    if not ok then return nil, result end
    recorded[i] = result
  end
  local found = difference(recorded[1], recorded[2])
  if found then
    return nil, ("%s: the function depends on the size of its input, batch included (%s); use ops that follow it, as reshape with 0 and -1, "
      .. "pad_to, crop_like, upsample with scale, mean"):format(what, found)
  end
  return recorded[1]
end

--- The same of a model's function, whose one input is "x"; the result has its channels too.
function trace.record(f, channels)
  local recorded, err = trace.inputs(f, { { name = "x", channels = channels } }, "model")
  if not recorded then return nil, err end
  recorded.channels = channels
  return recorded
end

return trace
