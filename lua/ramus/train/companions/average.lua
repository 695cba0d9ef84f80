--- An average of the weights, which is validated, saved and evaluated in place of the model: optim.ema, a running one (a teacher of kind ema
-- that no row reads), or optim.swa, the plain mean of the weights at the ends of the epochs from that one on (stochastic weight averaging:
-- Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, UAI 2018). Before that epoch it is the model itself. Running means and variances of
-- normalisations are averaged like the weights.
local ffi = require "ramus.base.ffi"
local teacher = require "ramus.train.teacher"
local C = ffi.C

local Average = {}
Average.__index = Average

local function new(training)
  local o = training.recipe.optim
  if o.ema and o.swa then return nil, "optim: ema and swa are two averages of the weights; give one" end
  if not o.ema and not o.swa then return nil end
  if o.swa and o.swa >= training.recipe.epochs then
    return nil, ("optim.swa: the average begins in epoch %d, and the training has %d (from 0)"):format(o.swa, training.recipe.epochs)
  end
  training.state.averaged = true
  local past = assert(teacher.new({ kind = "ema", decay = o.ema or 0 }, training.model))
  return setmetatable({ model = training.model, past = past, swa = o.swa, state = training.state }, Average)
end

function Average:after_step()
  if not self.swa then self.past:after_step(self.model) end
end

--- swa: the epoch's weights join the mean, before they are validated.
function Average:after_batches()
  local s = self.state
  if not self.swa then return end
  local n = s.epoch >= self.swa and s.epoch - self.swa or 0
  C.ra_ema_update(self.past.block.flat, self.model.flat, n / (n + 1))
  C.ra_ema_update(self.past.block.flat_buffers, self.model.flat_buffers, n / (n + 1))
end

function Average:arrays()
  local arrays = {}
  for name, t in pairs(self.past.block.values) do arrays["ema." .. name] = t end
  return arrays
end

function Average:restore(file)
  for name, t in pairs(self:arrays()) do
    local stored, err = file:get(name)
    if not stored then return nil, err end
    t:copy(stored)
  end
  return true
end

--- Calls f with the average in the model's place.
function Average:with(f) return teacher.instead(self.model, self.past.block, f) end

return { new = new, state = { averaged = { type = "boolean", default = false } } }
