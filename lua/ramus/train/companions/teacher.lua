--- The teacher of the recipe as a companion: it is updated after steps or epochs, and saved in checkpoints.
local teacher = require "ramus.train.teacher"

local Companion = {}
Companion.__index = Companion

local function new(training)
  local spec = training.recipe.teacher
  if not spec then return nil end
  if spec.kind == "best" and not training.data.val then return nil, "teacher: kind = \"best\" needs a validation split" end
  return setmetatable({ training = training, teacher = training.teacher }, Companion)
end

function Companion:arrays() return self.teacher:arrays() end
function Companion:restore(file) return self.teacher:restore(file, self.training.model) end
function Companion:after_step() self.teacher:after_step(self.training.model) end

--- Without a validation split every epoch counts as the best.
function Companion:after_epoch(result)
  self.teacher:after_epoch(self.training.model, result.is_best or not self.training.data.val)
end

return { new = new, first_epoch = teacher.first_epoch }
