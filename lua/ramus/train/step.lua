--- Training steps: for every variant (rows that act x shape of the batch) one plan
-- with teacher forward, student forward, losses and backward. All variants are
-- planned before the first step; they share one arena.
--
--   local v = steps:variant(epoch, { B, C, H, W })   v.inputs[field] nodes, v.buffers[field] tensors, v.plan
--   steps:run(v, { t =, epoch =, step = })           then v.total, v.terms[i] { name, value, gradient_norm, weight }, v:main()
--
-- A run writes its gradient, from zero, into steps.gradient. steps.sum is the block that the optimizer reads: the same block,
-- or, where gradients are accumulated, the sum over the micro-batches in their order (see Steps:collect).
local ffi = require "ramus.base.ffi"
local group = require "ramus.train.group"
local graph = require "ramus.lang.graph"
local ops = require "ramus.lang.ops"
local supervise = require "ramus.train.supervise"
local tensor = require "ramus.lang.tensor"

local step = {}
local Steps = {}
Steps.__index = Steps
local Variant = {}
Variant.__index = Variant

local SCALE = ops.specs.affine.by_name.scale.slot
local TOTAL, MAIN, FIRST_TERM = 1, 2, 3 -- outputs of a variant's plan

--- model, supervision, teachers (by name; {} unless given), main (name of the main output, "out"), accumulate (micro-batches per step, 1), numerics,
-- budget (bytes of the arena), group (processes that share the micro-batches; this one alone), fields (the data set's
-- declaration of its fields; one channel each unless given).
function step.new(given)
  local self = setmetatable({ model = given.model, supervision = given.supervision, teachers = given.teachers or {}, main = given.main or "out",
    numerics = given.numerics, budget = given.budget, group = given.group or group.alone, fields = given.fields or {}, variants = {}, terms_of = {} }, Steps)
  self.gradient = tensor.zeros(self.model.flat.shape)
  self.accumulates = (given.accumulate or 1) > 1
  self.sum = self.accumulates and tensor.zeros(self.model.flat.shape) or self.gradient
  return self
end

local function variant_key(terms, shape)
  local names = {}
  for i, t in ipairs(terms) do names[i] = t.name end
  return table.concat(shape, "x") .. " " .. table.concat(names, " ")
end

--- The student's outputs, and { leaf, gradient } of every parameter.
local function record_student(self, recorder, x)
  local gradients, leaf, views = {}, {}, self.gradient_views
  local outputs = self.model:record(recorder, x, {
    train = true,
    leaf = function(name, value)
      if not leaf[name] then
        leaf[name] = recorder:tensor(value)
        if views[name] then gradients[#gradients + 1] = { leaf[name], views[name] } end
      end
      return leaf[name]
    end,
  })
  return outputs, gradients
end

local function build(self, terms, shape)
  local recorder = graph.recorder { train = true }
  local v = setmetatable({ shape = shape, inputs = {}, buffers = {} }, Variant)
  for _, field in ipairs(supervise.fields(terms)) do
    local field_shape = field == "image" and shape or { shape[1], self.fields[field] and self.fields[field].channels or 1, shape[3], shape[4] }
    v.inputs[field], v.buffers[field] = recorder:input(field_shape), tensor.zeros(field_shape)
  end
  local past = {}
  for _, name in ipairs(supervise.teachers(terms)) do
    past[name] = self.model:record(recorder, v.inputs.image, { train = false, values = self.teachers[name].block.values })
  end
  local student, gradients = record_student(self, recorder, v.inputs.image)
  local total
  total, v.terms = self.supervision:record(terms, student, v.inputs, past, self.main)
  local outputs = { [TOTAL] = total, [MAIN] = student[self.main] }
  for i, t in ipairs(v.terms) do
    t.output = FIRST_TERM + i - 1
    outputs[t.output] = t.loss
  end
  local err
  v.plan, err = recorder:plan { outputs = outputs, loss = total, gradients = gradients, numerics = self.numerics, budget = self.budget }
  if not v.plan then return nil, err end
  if self.group.size > 1 then v.plan:hold() end
  for field, node in pairs(v.inputs) do v.plan:bind(node, v.buffers[field]) end
  return v
end

--- The variant of a list of terms and a batch shape, planned at its first use.
local function variant_of(self, terms, shape)
  self.gradient_views = self.gradient_views or self.model.cut_gradients(self.gradient)
  local key = variant_key(terms, shape)
  if not self.variants[key] then
    local v, err = build(self, terms, shape)
    if not v then return nil, err end
    self.variants[key] = v
  end
  return self.variants[key]
end

--- The variant of an epoch and a batch shape. nil and a message where it cannot be planned.
function Steps:variant(epoch, shape)
  self.terms_of[epoch] = self.terms_of[epoch] or self.supervision:active(epoch)
  return variant_of(self, self.terms_of[epoch], shape)
end

--- Sets weights and scheduled options to time t (epoch with fraction).
local function set_time(self, v, given)
  for _, t in ipairs(v.terms) do
    t.weight = self.supervision:weight(t.term, given.t, given.t_step, given.steps, given.seen)
    v.plan:set(t.weighted, SCALE, t.weight)
  end
  v.plan:set_time(given.t, self.supervision.epochs, given.t_step, given.steps, given.seen)
end

--- Forward and backward on the batch in v.buffers. given: t (epoch with fraction), t_step and steps (optimizer steps so far, of the
-- whole training), seen (scores that schedules follow), scale (of the gradient, 1), seed, epoch, step (they key the dropout).
function Steps:run(v, given)
  set_time(self, v, given)
  v.plan:run { scale = given.scale, seed = given.seed, epoch = given.epoch, step = given.step }
  v.total = v.plan:scalar(TOTAL)
  for _, t in ipairs(v.terms) do t.value, t.gradient_norm = v.plan:scalar(t.output), v.plan:gradient_norm(t.measured) end
  return v
end

--- Adds the gradients of the last run, of `count` processes (1), to steps.sum; first: the sum begins anew with them.
function Steps:collect(first, count) self.group:add(self.sum, self.gradient, count or 1, first) end

--- The main output of the last run: a view, valid until the arena is used again.
function Variant:main() return self.plan:peek(MAIN) end

--- Norm of d(weight x term)/d(parameters whose names match) for each term of variant v, on the batch it holds:
-- a pass per term. The model's buffers stay as they are; steps.gradient is used as scratch.
function Steps:term_gradients(v, pattern, given)
  local kept = self.model.flat_buffers:clone()
  local norms = {}
  for _, t in ipairs(v.terms) do
    local one, err = variant_of(self, { t.term }, v.shape)
    if not one then return nil, err end
    if one ~= v then
      for field, buffer in pairs(one.buffers) do buffer:copy(v.buffers[field]) end
    end
    self:run(one, given)
    local sum = 0
    for name, g in pairs(self.gradient_views) do
      if name:find(pattern) then
        local values = ffi.data(g)
        for i = 0, g.size - 1 do sum = sum + values[i] * values[i] end
      end
    end
    norms[t.name] = math.sqrt(sum)
    self.model.flat_buffers:copy(kept)
  end
  return norms
end

--- Bytes of the arena that the variants so far need, and the least that any packing would.
function Steps:memory()
  local bytes, bound = 0, 0
  for _, v in pairs(self.variants) do
    bytes, bound = math.max(bytes, v.plan:bytes()), math.max(bound, v.plan:lower_bound())
  end
  return bytes, bound
end

return step
