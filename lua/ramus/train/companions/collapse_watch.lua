--- Warns when the model has predicted background alone for three epochs.
local F = require "ramus.lang.F"

local EPOCHS = 3

local Watch = {}
Watch.__index = Watch

local function new(training) return setmetatable({ training = training }, Watch) end

--- True if the last batch had foreground pixels and the model found none.
local function found_nothing(v)
  local truth = v and (v.buffers.mask or v.buffers.label)
  if not truth or truth:stats().max <= 0 then return false end
  local logits = v:main()
  local channels = logits.dim[1]
  if channels == 1 then return logits:stats().max < 0 end
  local kept = logits:clone() -- the ops below use the arena that the view lies in
  local others = F.max(kept:narrow(2, 2, channels - 1), { dim = 2 })
  return F.sub(others, kept:narrow(2, 1, 1):reshape(others.shape)):stats().max < 0
end

function Watch:after_batches()
  local s = self.training.state
  s.empty_epochs = found_nothing(self.training.variant) and s.empty_epochs + 1 or 0
end

function Watch:after_epoch(result)
  if self.training.state.empty_epochs ~= EPOCHS then return end
  self.training.out:warn(("for %d epochs the model found no foreground in the last batch (epoch %d): it has collapsed to "
    .. "background; raise the weight of dice, or lower optim.lr"):format(EPOCHS, result.epoch))
end

return { new = new, state = { empty_epochs = { type = "integer", default = 0 } } }
