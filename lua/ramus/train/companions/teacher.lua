--- The teachers of the recipe as a companion: they are updated after steps or epochs, and saved in checkpoints.
local mistake = require "ramus.base.mistake"

local Companion = {}
Companion.__index = Companion

local function new(training)
  if not next(training.teachers) then return nil end
  local data = training.data
  for _, one in pairs(training.teachers) do
    if one.spec.kind == "best" and not data.val then return nil, "teacher: kind = \"best\" needs a validation split" end
    if one.spec.kind == "best" and data.val_is_empty then
      return mistake("teacher: kind = \"best\" needs a validation split whose masks have foreground: without, no epoch is the best")
    end
  end
  return setmetatable({ training = training, teachers = training.teachers }, Companion)
end

function Companion:arrays()
  local arrays = {}
  for _, one in pairs(self.teachers) do
    for name, t in pairs(one:arrays()) do arrays[name] = t end
  end
  return arrays
end

function Companion:restore(file)
  for _, one in pairs(self.teachers) do
    local ok, err = one:restore(file, self.training.model)
    if not ok then return nil, err end
  end
  return true
end

function Companion:after_step()
  for _, one in pairs(self.teachers) do one:after_step(self.training.model) end
end

--- Without a validation split every epoch counts as the best.
function Companion:after_epoch(result)
  for _, one in pairs(self.teachers) do one:after_epoch(self.training.model, result.is_best or not self.training.data.val) end
end

return { new = new }
