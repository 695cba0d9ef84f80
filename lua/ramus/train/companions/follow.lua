--- Keeps the scores that schedules follow (ra.follow): they are part of the training's state, so that a resumed run goes on with the same values.
local fit = require "ramus.train.recipe.fit"
local options = require "ramus.base.options"
local mistake = require "ramus.base.mistake"

local Follow = {}
Follow.__index = Follow

local function new(training)
  local followed = fit.followed(training.recipe, training.supervision)
  if not next(followed) then return nil end
  for _, f in pairs(followed) do
    local of_validation = f.source:match "^val%."
    if of_validation and not training.data.val then return nil, ("a schedule follows %s: needs a validation split"):format(f.source) end
    if of_validation and training.data.val_is_empty then
      return mistake(("a schedule follows %s: needs a validation split whose masks have foreground"):format(f.source))
    end
  end
  training.state.followed = {}
  return setmetatable({ training = training, followed = followed }, Follow)
end

--- The score of the epoch that ended, by source.
local function scores(self, result)
  local s = self.training.state
  return { ["val.dice"] = result.validation and result.validation.dice or nil, loss = s.sums.total / math.max(1, s.sums.batches) }
end

--- The scores that acted in the epoch.
function Follow:record(entry)
  if next(self.training.state.followed) then entry.followed = options.copy(self.training.state.followed) end
end

function Follow:after_epoch(result)
  local seen, now = self.training.state.followed, scores(self, result)
  for key, f in pairs(self.followed) do
    local score = now[f.source]
    if score then seen[key] = seen[key] and f.smooth * seen[key] + (1 - f.smooth) * score or score end
  end
end

return { new = new, state = { followed = { type = "reals", optional = true } } }
