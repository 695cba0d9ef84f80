--- A Lua function over ra.F as a loss: f(prediction, mask, teacher, more) returns one number. It is recorded once for the channels of its
-- inputs, into a list of ops that training replays; so a training does not depend on what the function would do when it is called again.
-- When it is recorded, its gradient is checked against differences of its value.
--
-- more: further inputs by name (inside, and what a row's `with` names). Inputs in a recording: "prediction", "mask", "teacher", their names.
local F = require "ramus.lang.F"
local ffi = require "ramus.base.ffi"
local function_source = require "ramus.lang.function_source"
local graph = require "ramus.lang.graph"
local hash = require "ramus.base.hash"
local json = require "ramus.base.json"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local trace = require "ramus.lang.trace"

local loss_function = {}
local FunctionLoss = {}
FunctionLoss.__index = FunctionLoss

local MOST_CONSTANT = 4096 -- elements of a tensor that a function brings along
local FIRST = { "prediction", "mask", "teacher" }

function FunctionLoss.__tostring(l)
  local path, line = function_source.place(l.f)
  return path and ("function of %s, line %d"):format(path:match "[^/]*$", line) or "function"
end

-- ---- recording ------------------------------------------------------------------

--- The inputs of a call, in a fixed order: { name =, channels = }. channels: by name.
local function inputs_of(channels)
  local list, more = {}, {}
  for _, name in ipairs(FIRST) do
    if channels[name] then list[#list + 1] = { name = name, channels = channels[name] } end
  end
  for name in pairs(channels) do if name ~= "prediction" and name ~= "mask" and name ~= "teacher" then more[#more + 1] = name end end
  table.sort(more)
  for _, name in ipairs(more) do list[#list + 1] = { name = name, channels = channels[name] } end
  return list
end

--- Calls the function with values by name.
local function call(f, values)
  local more = {}
  for name, v in pairs(values) do more[name] = v end
  for _, name in ipairs(FIRST) do more[name] = nil end
  local value = f(values.prediction, values.mask, values.teacher, more)
  return value -- no tail call: the levels of errors inside count this frame
end

--- The recorded function as plain data; nil and a message where it is too large to be kept.
local function plain_of(recorded)
  local constants = {}
  for k, t in ipairs(recorded.constants) do
    if t.size > MOST_CONSTANT then
      return nil, ("a tensor of %d numbers is part of the function, at most %d can be kept; give it as a field of the data set (with = ..)")
        :format(t.size, MOST_CONSTANT)
    end
    local dense, values = t:clone(), {}
    for i = 0, t.size - 1 do values[i + 1] = ("%.9g"):format(ffi.data(dense)[i]) end
    constants[k] = { shape = json.list(options.copy(t.shape)), values = json.list(values) }
  end
  local schedules = {}
  for i, s in ipairs(recorded.schedules) do schedules[i] = { entry = s.entry, slot = s.slot, schedule = tostring(s.schedule) } end
  return { entries = recorded.entries, output = recorded.outputs.out, constants = json.list(constants), schedules = json.list(schedules) }
end

--- The names of inputs that no op reads.
local function unread(recorded, inputs)
  local read, list = {}, {}
  for _, e in ipairs(recorded.entries) do for _, ref in ipairs(e.inputs) do read[ref] = true end end
  for _, input in ipairs(inputs) do
    if not read[input.name] and input.name ~= "mask" then list[#list + 1] = input.name end
  end
  return list
end

local MISSED = {
  prediction = "it does not use the prediction, its first argument",
  teacher = "the row is compared with a teacher, and it does not use its third argument",
  inside = "some pixels are left out (inside = .., or void pixels of the set), and it does not use inside of its fourth argument; "
    .. "multiply by more.inside, or give it to a loss: ra.loss.bce{}(p, y, nil, more)",
}

--- Records the function; nil and a message.
local function record(l, channels)
  local inputs = inputs_of(channels)
  local recorded, err = trace.inputs(function(...)
    local values = {}
    for i, input in ipairs(inputs) do values[input.name] = (select(i, ...)) end
    local value = call(l.f, values)
    if not graph.is_node(value) or value:numel() ~= 1 then
      error(("it must return one number that depends on the prediction, as ra.F.mean(..) does; it returned %s"):format(
        graph.is_node(value) and "[" .. table.concat(value.shape, ",") .. "]" or options.show(value)), 0)
    end
    return value
  end, inputs, "loss")
  if not recorded then return nil, (tostring(err):gsub("^[^\n:]*/lang/loss_function%.lua:%d+: ", "")) end
  if #recorded.parameters > 0 then return nil, ("it has parameters (%s), and a loss has none"):format(recorded.parameters[1].name) end
  local missed = unread(recorded, inputs)[1]
  if missed then return nil, MISSED[missed] or ("it does not use %s of its fourth argument"):format(missed) end
  recorded.plain, err = plain_of(recorded)
  if not recorded.plain then return nil, err end
  recorded.text = json.encode(recorded.plain)
  recorded.sha256 = hash.sha256(recorded.text)
  return recorded
end

--- Records what was recorded once more, on nodes by name.
local function replay(recorded, nodes, recorder)
  local made = {}
  local function node_of(ref)
    local kind, rest = ref:match "^(%a):(.*)$"
    if kind == "n" then return made[tonumber(rest)] end
    if kind == "c" then return recorded.constants[tonumber(rest)] end
    return nodes[ref]
  end
  for i, e in ipairs(recorded.entries) do
    local inputs, n = {}, #e.inputs
    for k, ref in ipairs(e.inputs) do inputs[k] = node_of(ref) end
    inputs[n + 1] = e.options
    made[i] = F[e.op](unpack(inputs, 1, n + 1))
  end
  for _, s in ipairs(recorded.schedules) do
    recorder.live[#recorder.live + 1] = { node = made[s.entry], slot = s.slot, schedule = s.schedule }
  end
  return node_of(recorded.outputs.out)
end

-- ---- the check of its gradient ----------------------------------------------------

local SHAPE = { 2, 0, 64, 64 } -- of the check; 0: the channels
local STEP, TOLERANCE = 0.02, 0.05 -- root mean square of the change of a logit; of the derivative, relative

--- Values for an input: logits from -3 to 3, masks of 0 and 1, class numbers, other fields from 0 to 1. Always the same.
local function sample(input, K)
  local t = tensor.zeros { SHAPE[1], input.channels, SHAPE[3], SHAPE[4] }
  local values, logits = ffi.data(t), input.name == "prediction" or input.name == "teacher"
  for i = 0, t.size - 1 do
    local u = (i * 0.6180339887 + (logits and input.name == "teacher" and 0.37 or 0) + math.floor(i / 64) * 0.7548776662) % 1
    if logits then values[i] = 6 * u - 3
    elseif input.name == "mask" and K > 1 and input.channels == 1 then values[i] = math.floor((i * 0.7548776662 % 1) * K)
    elseif input.name == "mask" then values[i] = i * 0.7548776662 % 1 < 0.3 and 1 or 0
    elseif input.name == "inside" then values[i] = i % 7 ~= 0 and 1 or 0
    else values[i] = 0.05 + 0.95 * u end
  end
  return t
end

local function planned(recorded, inputs)
  local recorder = graph.recorder { train = true }
  local nodes, held = {}, {}
  for _, input in ipairs(inputs) do
    local node = recorder:input { SHAPE[1], input.channels, SHAPE[3], SHAPE[4] }
    nodes[input.name], held[input.name] = node, sample(input, inputs[1].channels)
  end
  local out = replay(recorded, nodes, recorder)
  local gradient = tensor.zeros(nodes.prediction.shape)
  local plan, err = recorder:plan { outputs = { out }, loss = out, gradients = { { nodes.prediction, gradient } } }
  if not plan then return nil, err end
  for name, node in pairs(nodes) do plan:bind(node, held[name]) end
  plan:set_time(0, 1, 0, 1)
  return plan, gradient, held
end

--- A message where the gradient is not the slope of the value, else nil: along the gradient itself, and along fixed signs.
local function wrong_gradient(recorded, inputs)
  local plan, gradient, held = planned(recorded, inputs)
  if not plan then return gradient end
  local start, x = held.prediction:clone(), held.prediction
  local function value() plan:run() return plan:scalar(1) end
  local at = value()
  if at ~= at or math.abs(at) == math.huge then
    return ("its value is %s for logits from -3 to 3; keep logarithms and divisions away from 0"):format(tostring(at))
  end
  local slopes = gradient:clone()
  local g, from, to = ffi.data(slopes), ffi.data(start), ffi.data(x)
  local n = slopes.size
  local norm = 0
  for i = 0, n - 1 do norm = norm + g[i] * g[i] end
  norm = math.sqrt(norm)
  if norm ~= norm or norm == math.huge then return "its gradient is not a number somewhere, for logits from -3 to 3" end
  local function along(direction)
    local expected = 0
    local function moved(sign)
      for i = 0, n - 1 do to[i] = from[i] + sign * STEP * direction(i) end
      return value()
    end
    for i = 0, n - 1 do expected = expected + STEP * direction(i) * g[i] end
    return (moved(1) - moved(-1)) / 2, expected
  end
  local scale = norm > 0 and math.sqrt(n) / norm or 0
  for _, direction in ipairs { function(i) return g[i] * scale end, function(i) return from[i] * 0.3 + (i * 0.5545497 % 1 < 0.5 and 0.5 or -0.5) end } do
    local seen, expected = along(direction)
    local noise = 1e-6 * math.max(1, math.abs(at))
    if math.abs(seen - expected) > TOLERANCE * math.max(math.abs(seen), math.abs(expected), STEP * norm) + noise then
      return ("its gradient is wrong: its value changes by %.4g where the recorded gradient says %.4g (step %g, tolerance %g %%); an op "
        .. "without a gradient may be in the way. check = false in the row leaves this check out"):format(seen, expected, STEP, 100 * TOLERANCE)
    end
  end
  if norm == 0 then return "no gradient reaches the prediction" end
  return nil
end

-- ---- the value --------------------------------------------------------------------

--- The recorded function for inputs of these channels, by name; an error that names the function.
function FunctionLoss:graph(channels)
  local inputs, names = inputs_of(channels), {}
  for i, input in ipairs(inputs) do names[i] = input.name .. input.channels end
  local key = table.concat(names, " ")
  local recorded = self.graphs[key]
  if recorded then return recorded end
  local err
  recorded, err = record(self, channels)
  if recorded and self.check then err = wrong_gradient(recorded, inputs) end
  if err then error(("%s: %s"):format(tostring(self), err), 0) end
  self.graphs[key] = recorded
  return recorded
end

--- On nodes the recorded function, on tensors the function itself.
function FunctionLoss.__call(l, prediction, mask, teacher, more)
  local values = options.copy(more or {})
  values.prediction, values.mask, values.teacher = prediction, mask, teacher
  if not graph.is_node(prediction) then return call(l.f, values) end
  local channels = {}
  for name, node in pairs(values) do channels[name] = node.shape[2] end
  return replay(l:graph(channels), values, prediction.recorder)
end

local known = { [true] = setmetatable({}, { __mode = "kv" }), [false] = setmetatable({}, { __mode = "kv" }) }

--- The loss of a function; the same for the same function, so that it is recorded and checked once. check: of its gradient.
function loss_function.of(f, check)
  local made = known[check][f] or setmetatable({ name = "function", f = f, check = check, graphs = {},
    spec = { input_index = setmetatable({}, { __index = function() return true end }) }, inputs = FIRST }, FunctionLoss)
  known[check][f] = made
  return made
end

function loss_function.is(v) return getmetatable(v) == FunctionLoss end

return loss_function
