--- A look inside a model: the values between its parts, and gradients with respect to them.
--
--   model:activations(x, "decoder2")                      [B,C,H,W] behind that part; a list of names: a table; nothing: all parts
--   model:gradients { x = x, of = function(out) return ra.loss.dice{}(out.out, y) end, at = { "input", "decoder2" } }
--
-- A part is what parameters' names begin with: "decoder2", "decoder2.conv1" (print(model) lists them). Its value is that behind the last op that
-- uses one of its parameters, and behind the activation that follows at once. Evaluation mode.
local F = require "ramus.lang.F"
local graph = require "ramus.lang.graph"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"

local inside = {}

--- Ops that belong to the part before them.
local FOLLOWS = { relu = true, leaky_relu = true, gelu = true, silu = true, sigmoid = true, tanh = true, softplus = true }

--- Is `name` the parameter's name or what it begins with, up to a dot?
local function belongs(parameter, name) return parameter == name or parameter:sub(1, #name + 1) == name .. "." end

--- The number of the entry behind a part; nil where no parameter's name begins so.
local function entry_of(entries, name)
  local last
  for i, e in ipairs(entries) do
    for _, ref in ipairs(e.inputs) do
      local parameter = ref:match "^p:(.+)$"
      if parameter and belongs(parameter, name) then last = i end
    end
  end
  local after = last and entries[last + 1]
  while after and FOLLOWS[after.op] and after.inputs[1] == "n:" .. last do
    last = last + 1
    after = entries[last + 1]
  end
  return last
end

--- Names of the parts in the order of their first use.
local function parts_of(model)
  local names, seen = {}, {}
  for _, p in ipairs(model.parameter_list) do
    local part = p.name:match "^[^.]+"
    if not seen[part] then names[#names + 1], seen[part] = part, true end
  end
  return names
end

--- Entries by the names of parts; an error for an unknown one.
local function entries_of(model, names, who)
  local found = {}
  for _, name in ipairs(names) do
    found[name] = entry_of(model.template.entries, name)
    if not found[name] then error(("%s: %s"):format(who, options.unknown("part", name, parts_of(model))), 3) end
  end
  return found
end

--- x as [B,C,H,W] of the model's channels.
local function input_of(model, x, who)
  if not tensor.is(x) then error(("%s: wants a tensor [B,C,H,W], given %s"):format(who, options.show(x)), 3) end
  if x.rank == 2 then x = x:reshape(1, 1, x.dim[0], x.dim[1]) end
  if x.rank == 3 then x = x:reshape(1, x.dim[0], x.dim[1], x.dim[2]) end
  if x.rank ~= 4 or x.dim[1] ~= model.template.channels then
    error(("%s: reads [B,%d,H,W], given %s"):format(who, model.template.channels, tensor.shape_text(x)), 3)
  end
  return x:clone()
end

--- The model's ops one by one on node x, with zeros added behind the entries that are asked for: the outputs, and the zeros by name, which have
-- the gradients of the values behind these entries (a plan has gradients of tensors, not of what it computes).
local function replay(model, r, x, entries)
  local made, leaves, zeros, outputs = {}, {}, {}, {}
  local function node_of(ref)
    if ref == "x" or ref == "" then return ref == "x" and x or nil end
    local kind, rest = ref:match "^(%a):(.*)$"
    if kind == "n" then return made[tonumber(rest)] end
    local value = kind == "p" and model.values[rest] or model.constant_values["constant." .. rest]
    leaves[ref] = leaves[ref] or r:tensor(value)
    return leaves[ref]
  end
  for i, e in ipairs(model.template.entries) do
    local inputs, n = {}, #e.inputs
    for k, ref in ipairs(e.inputs) do inputs[k] = node_of(ref) end
    inputs[n + 1] = e.options
    made[i] = F[e.op](unpack(inputs, 1, n + 1))
    for name, at in pairs(entries) do
      if at == i then
        zeros[name] = r:tensor(tensor.zeros(made[i].shape))
        made[i] = F.add(made[i], zeros[name])
      end
    end
  end
  for name, ref in pairs(model.template.outputs) do outputs[name] = node_of(ref) end
  return outputs, zeros
end

function inside.activations(model, x, names)
  local who = "model:activations"
  local list = type(names) == "string" and { names } or names or parts_of(model)
  local entries = entries_of(model, list, who)
  local given = input_of(model, x, who)
  local r, made, wanted = graph.recorder {}, {}, {}
  local input = r:input(given.shape)
  model:record(r, input, { entry = function(i, node) made[i] = node end })
  for i, name in ipairs(list) do wanted[i] = made[entries[name]] end
  local plan, err = r:plan { outputs = wanted }
  if not plan then error(who .. ": " .. err, 2) end
  plan:bind(input, given)
  plan:run {}
  local result = {}
  for i, name in ipairs(list) do result[name] = plan:output(i):clone() end
  return type(names) == "string" and result[names] or result
end

local GRADIENTS = {
  x = { type = "cdata", required = true, help = "the input, [B,C,H,W]" },
  of = { type = "function", required = true, help = "function(outputs): one value" },
  at = { type = "table", default = { "input" }, help = "\"input\", and names of parts" },
}

--- Gradients of one value with respect to the input and to the values behind parts: a table by name, and the value.
function inside.gradients(model, given)
  local who = "model:gradients"
  local o = options.check(given, GRADIENTS, who)
  local x, names = input_of(model, o.x, who), {}
  for _, name in ipairs(o.at) do if name ~= "input" then names[#names + 1] = name end end
  local r = graph.recorder {}
  local input = r:input(x.shape)
  local outputs, zeros = replay(model, r, input, entries_of(model, names, who))
  local value = o.of(outputs)
  if not graph.is_node(value) or value:numel() ~= 1 then error(who .. ": of must return one value that depends on the outputs", 2) end
  local result, pairs_ = {}, {}
  for _, name in ipairs(o.at) do
    local node = name == "input" and input or zeros[name]
    result[name] = tensor.zeros(node.shape)
    pairs_[#pairs_ + 1] = { node, result[name] }
  end
  local plan, err = r:plan { outputs = { value }, loss = value, gradients = pairs_ }
  if not plan then error(who .. ": " .. err, 2) end
  plan:bind(input, x)
  plan:run {}
  return result, plan:scalar(1)
end

return inside
