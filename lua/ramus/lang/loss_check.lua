--- Is the gradient of a recorded loss the slope of its value? Both are compared on 2 images of 64x64, logits from -3 to 3, along the gradient
-- itself and along a fixed direction, by central differences in float. What `detach` gives counts as a constant, which it is for the
-- gradient. Several step lengths: a larger one stands above rounding, a smaller one below kinks and curvature; one of them must agree.
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local tensor = require "ramus.lang.tensor"

local loss_check = {}

local BATCH, SIDE = 2, 64
local STEPS, TOLERANCE = { 0.02, 0.002, 0.0005 }, 0.05 -- root mean square of the change of a logit; of the derivative, relative
local ROUNDING = 1e-6 -- of the value

--- Values for an input: logits, masks of 0 and 1, class numbers, other fields from 0.05 to 1. Always the same. K: channels of the prediction.
local function sample(input, K)
  local t = tensor.zeros { BATCH, input.channels, SIDE, SIDE }
  local values, name = ffi.data(t), input.name
  for i = 0, t.size - 1 do
    local u, v = (i * 0.6180339887 + math.floor(i / SIDE) * 0.7548776662) % 1, i * 0.7548776662 % 1
    if name == "prediction" then values[i] = 6 * u - 3
    elseif name == "teacher" then values[i] = 6 * ((u + 0.37) % 1) - 3
    elseif name == "mask" and K > 1 and input.channels == 1 then values[i] = math.floor(v * K)
    elseif name == "mask" then values[i] = v < 0.3 and 1 or 0
    elseif name == "inside" then values[i] = i % 7 ~= 0 and 1 or 0
    else values[i] = 0.05 + 0.95 * u end
  end
  return t
end

--- A plan of the loss and its gradient on `held` (tensors by input). Returns it, the gradient, and the numbers of entries that detach, whose
-- values are the plan's outputs from the second on.
local function planned(recorded, held, replay, frozen)
  local recorder, nodes = graph.recorder { train = true }, {}
  for name, t in pairs(held) do nodes[name] = recorder:input(t.shape) end
  local out, made = replay(recorded, nodes, recorder, frozen)
  local outputs, detached = { out }, {}
  for i, e in ipairs(recorded.entries) do
    if e.op == "detach" and not frozen then outputs[#outputs + 1], detached[#detached + 1] = made[i], i end
  end
  local gradient = tensor.zeros(nodes.prediction.shape)
  local plan = assert(recorder:plan { outputs = outputs, loss = out, gradients = { { nodes.prediction, gradient } } })
  for name, node in pairs(nodes) do plan:bind(node, held[name]) end
  plan:set_time(0, 1, 0, 1)
  plan:run()
  return plan, gradient, detached
end

local function norm_of(t)
  local sum, v = 0, ffi.data(t)
  for i = 0, t.size - 1 do sum = sum + v[i] * v[i] end
  return math.sqrt(sum)
end

--- The change of the value along a direction, and what the gradient says of it; per step length. x: the prediction that the plan reads.
local function compare(plan, x, start, gradient, direction, step)
  local to, from, g, expected = ffi.data(x), ffi.data(start), ffi.data(gradient), 0
  local function at(sign)
    for i = 0, x.size - 1 do to[i] = from[i] + sign * step * direction(i) end
    plan:run()
    return plan:scalar(1)
  end
  for i = 0, x.size - 1 do expected = expected + step * direction(i) * g[i] end
  return (at(1) - at(-1)) / 2, expected
end

--- A message where the gradient is wrong, else nil. recorded: of loss_function; inputs: its inputs, { name =, channels = }, the prediction
-- first; replay: records it once more.
function loss_check.wrong(recorded, inputs, replay)
  local held = {}
  for _, input in ipairs(inputs) do held[input.name] = sample(input, inputs[1].channels) end
  local plan, gradient, detached = planned(recorded, held, replay)
  local value, norm = plan:scalar(1), norm_of(gradient)
  if value ~= value or math.abs(value) == math.huge then
    return ("its value is %s for logits from -3 to 3; keep logarithms and divisions away from 0"):format(tostring(value))
  end
  if norm ~= norm or norm == math.huge then return "its gradient is not a number somewhere, for logits from -3 to 3" end
  local frozen = {}
  for k, i in ipairs(detached) do frozen[i] = plan:output(k + 1) end
  if #detached > 0 then plan = planned(recorded, held, replay, frozen) end
  local start, x, slopes = held.prediction:clone(), held.prediction, gradient:clone()
  local g = ffi.data(slopes)
  local scale, from = norm > 0 and math.sqrt(x.size) / norm or 0, ffi.data(start)
  local function along(i) return g[i] * scale end
  local function across(i) return from[i] * 0.3 + (i * 0.5545497 % 1 < 0.5 and 0.5 or -0.5) end
  for _, direction in ipairs { along, across } do
    local seen, expected, agrees
    for _, step in ipairs(STEPS) do
      local change, wanted = compare(plan, x, start, slopes, direction, step)
      local allowed = TOLERANCE * math.max(math.abs(change), math.abs(wanted), step * norm) + ROUNDING * math.max(1, math.abs(value))
      agrees, seen, expected = math.abs(change - wanted) <= allowed, seen or change, expected or wanted
      if agrees then break end
    end
    if not agrees then
      return ("its gradient is wrong: its value changes by %.4g where the recorded gradient says %.4g (step %g, tolerance %g %%); an op without "
        .. "a gradient may be in the way. check = false in the row leaves this check out"):format(seen, expected, STEPS[1], 100 * TOLERANCE)
    end
  end
  return norm == 0 and "no gradient reaches the prediction" or nil
end

return loss_check
