--- Counts the epochs since the best validation and ends the training when they reach the recipe's patience.
local mistake = require "ramus.base.mistake"

local Stop = {}
Stop.__index = Stop

local function new(training)
  local o = training.recipe.early_stop
  if o and not training.data.val then return nil, "early_stop needs a validation split" end
  if o and training.data.val_is_empty then
    return mistake("early_stop needs a validation split whose masks have foreground: without, no epoch is better than another")
  end
  return setmetatable({ training = training, patience = o and o.patience or math.huge }, Stop)
end

function Stop:after_epoch(result)
  local s = self.training.state
  if result.validation and result.validation.dice then s.since_best = result.is_best and 0 or s.since_best + self.training.recipe.validate.every end
  if s.since_best >= self.patience then s.stopped_early = true end
end

return { new = new, state = { since_best = { type = "integer", default = 0 }, stopped_early = { type = "boolean" } } }
