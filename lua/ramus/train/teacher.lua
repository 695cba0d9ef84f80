--- Teachers: a past self of the model, with whose outputs those of the student are compared.
--
-- A teacher has one block of values at a fixed address, which plans refer to. The
-- kind decides which values are copied into it, and when:
--   last_epoch  the end of the epoch before (the paper)
--   ago         the end of the epoch `k` before
--   best        the end of the epoch with the best validation Dice so far
--   ema         after every step: decay * itself + (1 - decay) * the model
--   run         another run's model, never changed
local ffi = require "ramus.base.ffi"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local teacher = {}
local Teacher = {}
Teacher.__index = Teacher

--- The first epoch in which a teacher of this kind exists; nil without one. every: epochs from one validation to the next.
function teacher.first_epoch(spec, every)
  if not spec then return nil end
  if spec.kind == "ema" or spec.kind == "run" then return 0 end
  if spec.kind == "best" then return every end
  return spec.kind == "ago" and spec.k or 1
end

--- nil and a message where the other run's model does not fit.
function teacher.new(spec, model)
  local self = setmetatable({ spec = spec, block = model:snapshot(), queue = {} }, Teacher)
  if spec.kind == "run" then
    local other, err = require("ramus.train.checkpoint").load_model(spec.path)
    if not other then return nil, "teacher: " .. err end
    for _, p in ipairs(model.entries) do
      local value = other.values[p.name]
      if not value or tensor.shape_text(value) ~= tensor.shape_text(self.block.values[p.name]) then
        return nil, ("teacher: %s has no '%s' of shape %s; it must have the model's architecture"):format(spec.path, p.name,
          tensor.shape_text(self.block.values[p.name]))
      end
      self.block.values[p.name]:copy(value)
    end
  end
  return self
end

local function copy_block(to, from)
  to.flat:copy(from.flat)
  to.flat_buffers:copy(from.flat_buffers)
end

function Teacher:after_step(model)
  if self.spec.kind ~= "ema" then return end
  C.ra_ema_update(self.block.flat, model.flat, self.spec.decay)
  C.ra_ema_update(self.block.flat_buffers, model.flat_buffers, self.spec.decay)
end

--- is_best: this epoch's validation is the best so far (or there is none).
function Teacher:after_epoch(model, is_best)
  local kind = self.spec.kind
  if kind == "last_epoch" or (kind == "best" and is_best) then
    copy_block(self.block, model)
  elseif kind == "ago" then
    table.insert(self.queue, model:snapshot())
    if #self.queue == self.spec.k then copy_block(self.block, table.remove(self.queue, 1)) end
  end
end

--- Arrays for a checkpoint.
function Teacher:arrays()
  local arrays = { ["teacher.flat"] = self.block.flat, ["teacher.buffers"] = self.block.flat_buffers }
  for i, b in ipairs(self.queue) do
    arrays["teacher.ago" .. i .. ".flat"], arrays["teacher.ago" .. i .. ".buffers"] = b.flat, b.flat_buffers
  end
  return arrays
end

--- Restores them from a checkpoint; nil and a message where one is missing.
function Teacher:restore(file, model)
  local function take(name, into)
    local t, err = file:get(name)
    if not t then return nil, err end
    into:copy(t)
    return true
  end
  local ok, err = take("teacher.flat", self.block.flat)
  if ok then ok, err = take("teacher.buffers", self.block.flat_buffers) end
  if not ok then return nil, err end
  self.queue = {}
  local i = 1
  while file:has("teacher.ago" .. i .. ".flat") do
    local b = model:snapshot()
    ok, err = take("teacher.ago" .. i .. ".flat", b.flat)
    if ok then ok, err = take("teacher.ago" .. i .. ".buffers", b.flat_buffers) end
    if not ok then return nil, err end
    self.queue[i] = b
    i = i + 1
  end
  return true
end

return teacher
