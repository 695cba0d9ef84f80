--- ra.grad(f, a, b, ...): value and gradients of the scalar f(a, b, ...).
-- Arguments may be tensors, lists of tensors, or a model; the gradient of a list is a list, of a model a table by parameter name. Zeros where no
-- gradient flows.
local graph = require "ramus.lang.graph"
local model = require "ramus.lang.model"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"

--- Makes leaves of one argument; returns the argument of f and the gradients that grad returns.
local function leaf_of(value, recorder, plan_inputs, gradients, position)
  if tensor.is(value) then
    local node = recorder:input(value.shape)
    local gradient = tensor.zeros(value.shape)
    plan_inputs[#plan_inputs + 1] = { node, value:clone() }
    gradients[#gradients + 1] = { node, gradient }
    return node, gradient
  end
  if model.is(value) then
    local by_name, nodes = {}, {}
    local wanted = {}
    for _, p in ipairs(value.parameter_list) do wanted[p.name] = true end
    recorder.model_leaf = function(m)
      if m ~= value then return nil end
      return function(name, t)
        if not wanted[name] then return recorder:tensor(t) end
        if not nodes[name] then
          nodes[name] = recorder:tensor(t)
          by_name[name] = tensor.zeros(t.shape)
          gradients[#gradients + 1] = { nodes[name], by_name[name] }
        end
        return nodes[name]
      end
    end
    local function forward(_, x, given) return value:forward(tensor.is(x) and recorder:tensor(x) or x, given) end
    return setmetatable({ forward = forward }, { __index = value, __call = forward }), by_name
  end
  if type(value) == "table" then
    local nodes, list = {}, {}
    for i, v in ipairs(value) do nodes[i], list[i] = leaf_of(v, recorder, plan_inputs, gradients, position) end
    return nodes, list
  end
  if type(value) == "number" then return leaf_of(tensor.of(value), recorder, plan_inputs, gradients, position) end
  error(("grad: argument %d must be a tensor, a list of tensors or a model, given %s"):format(position, options.show(value)), 3)
end

return function(f, ...)
  if type(f) ~= "function" and not (getmetatable(f) or {}).__call then
    error("grad: the first argument is the function, given " .. options.show(f), 2)
  end
  local recorder = graph.recorder { train = false }
  local plan_inputs, gradients, args, results = {}, {}, {}, {}
  local n = select("#", ...)
  for i = 1, n do args[i], results[i] = leaf_of((select(i, ...)), recorder, plan_inputs, gradients, i + 1) end
  local value = f(unpack(args, 1, n))
  if not graph.is_node(value) then
    if type(value) ~= "number" then error("grad: the function must return a scalar, got " .. options.show(value), 2) end
    return value, unpack(results, 1, n) -- a constant: every gradient is 0
  end
  if value:numel() ~= 1 then
    error(("grad: the function must return one value, got shape [%s]; sum it"):format(table.concat(value.shape, ",")), 2)
  end
  local plan, err = recorder:plan { outputs = { value }, loss = value, gradients = gradients }
  if not plan then error("grad: " .. err, 2) end
  for _, pair in ipairs(plan_inputs) do plan:bind(pair[1], pair[2]) end
  plan:run { seed = (tensor.next_key()) }
  return plan:scalar(1), unpack(results, 1, n)
end
