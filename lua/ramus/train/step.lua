--- Training steps: for every variant (rows that act x shape of the batch) one plan
-- with teacher forward, student forward, losses and backward. All variants are
-- planned before the first step; they share one arena.
local graph = require "ramus.lang.graph"
local supervise = require "ramus.train.supervise"
local tensor = require "ramus.lang.tensor"

local step = {}
local Steps = {}
Steps.__index = Steps

--- model, supervision, teacher (or nil), numerics ("fast").
function step.new(given)
  return setmetatable({ model = given.model, supervision = given.supervision, teacher = given.teacher,
    gradient = tensor.zeros(given.model.flat.shape), numerics = given.numerics, variants = {}, terms_of = {} }, Steps)
end

local function variant_key(terms, shape)
  local names = {}
  for i, t in ipairs(terms) do names[i] = t.name end
  return table.concat(shape, "x") .. " " .. table.concat(names, " ")
end

local function build(self, terms, shape)
  local model = self.model
  local recorder = graph.recorder { train = true }
  local x = recorder:input(shape)
  local y = recorder:input { shape[1], 1, shape[3], shape[4] }
  local teacher_outputs
  if supervise.needs_teacher(terms) then
    teacher_outputs = model:record(recorder, x, { train = false, values = self.teacher.block.values })
  end
  local gradients, leaf = {}, {}
  local gradient_views = self.gradient_views
  local student = model:record(recorder, x, {
    train = true,
    leaf = function(name, value)
      if not leaf[name] then
        leaf[name] = recorder:tensor(value)
        if gradient_views[name] then gradients[#gradients + 1] = { leaf[name], gradient_views[name] } end
      end
      return leaf[name]
    end,
  })
  local total, recorded = self.supervision:record(terms, student, y, teacher_outputs)
  local outputs = { total, student.out }
  for _, r in ipairs(recorded) do outputs[#outputs + 1] = r.loss end
  local plan, err = recorder:plan { outputs = outputs, loss = total, gradients = gradients, numerics = self.numerics }
  if not plan then return nil, err end
  local scale_slot = require("ramus.lang.ops").specs.affine.by_name.scale.slot
  return { plan = plan, x = x, y = y, recorded = recorded, scale_slot = scale_slot, shape = shape,
    x_buffer = tensor.zeros(shape), y_buffer = tensor.zeros(shape[1], 1, shape[3], shape[4]) }
end

--- The variant of a list of terms and a batch shape, planned at its first use.
local function variant_of(self, terms, shape)
  self.gradient_views = self.gradient_views or self.model.cut_gradients(self.gradient)
  local key = variant_key(terms, shape)
  if not self.variants[key] then
    local v, err = build(self, terms, shape)
    if not v then return nil, err end
    v.plan:bind(v.x, v.x_buffer)
    v.plan:bind(v.y, v.y_buffer)
    self.variants[key] = v
  end
  return self.variants[key]
end

--- The variant of an epoch and a batch shape. nil and a message where it cannot be planned.
function Steps:variant(epoch, shape)
  self.terms_of[epoch] = self.terms_of[epoch] or self.supervision:active(epoch)
  return variant_of(self, self.terms_of[epoch], shape)
end

--- Norm of d(weight x term)/d(parameters whose names match) for each term of variant v, on the batch it holds:
-- a pass per term. The model's buffers stay as they are; the gradient block is used as scratch.
function Steps:term_gradients(v, pattern, given)
  local kept = self.model.flat_buffers:clone()
  local norms = {}
  for _, r in ipairs(v.recorded) do
    local one, err = variant_of(self, { r.term }, v.shape)
    if not one then return nil, err end
    if one ~= v then
      one.x_buffer:copy(v.x_buffer)
      one.y_buffer:copy(v.y_buffer)
    end
    self:set_time(one, given.t, given.t_step, given.steps)
    one.plan:run { seed = given.seed, epoch = given.epoch, step = given.step }
    local sum = 0
    for name, g in pairs(self.gradient_views) do
      if name:find(pattern) then
        for i = 0, g.size - 1 do sum = sum + g.data[i] * g.data[i] end
      end
    end
    norms[r.term.name] = math.sqrt(sum)
    self.model.flat_buffers:copy(kept)
  end
  return norms
end

--- Sets weights and scheduled options to time t (epoch with fraction).
function Steps:set_time(v, t, t_step, total_steps)
  local epochs = self.supervision.epochs
  for _, r in ipairs(v.recorded) do
    r.weight = self.supervision:weight(r.term, t, t_step, total_steps)
    v.plan:set(r.weighted, v.scale_slot, r.weight)
  end
  for _, l in ipairs(v.plan.recorder.live) do v.plan:set(l.node, l.slot, l.schedule(t, epochs, t_step, total_steps)) end
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
