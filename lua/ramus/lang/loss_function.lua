--- A Lua function over ra.F as a loss: f(prediction, mask, teacher, more) returns one number. It is recorded once for the channels of its
-- inputs, into a list of ops that training replays; so a training does not depend on what the function would do when it is called again.
-- When it is recorded, its gradient is checked against differences of its value (loss_check.lua).
--
-- more: further inputs by name (inside, and what a row's `with` names). Inputs in a recording: "prediction", "mask", "teacher", their names.
local F = require "ramus.lang.F"
local ffi = require "ramus.base.ffi"
local function_source = require "ramus.lang.function_source"
local graph = require "ramus.lang.graph"
local hash = require "ramus.base.hash"
local json = require "ramus.base.json"
local loss_check = require "ramus.lang.loss_check"
local options = require "ramus.base.options"
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

--- Records what was recorded once more, on nodes by name. frozen [opt]: tensors that stand for the values of entries.
local function replay(recorded, nodes, recorder, frozen)
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
    local fixed = frozen and frozen[i]
    made[i] = fixed and recorder:tensor(fixed) or F[e.op](unpack(inputs, 1, n + 1))
  end
  for _, s in ipairs(recorded.schedules) do
    recorder.live[#recorder.live + 1] = { node = made[s.entry], slot = s.slot, schedule = s.schedule }
  end
  return node_of(recorded.outputs.out), made
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
  if recorded and self.check then err = loss_check.wrong(recorded, inputs, replay) end
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
  local value = replay(l:graph(channels), values, prediction.recorder)
  return value
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
