--- An average of the weights (optim.ema), which is validated, saved and evaluated in place of the model: a teacher of kind ema that no row reads.
local teacher = require "ramus.train.teacher"

local Average = {}
Average.__index = Average

local function new(training)
  local decay = training.recipe.optim.ema
  if not decay then return nil end
  training.state.averaged = true
  return setmetatable({ model = training.model, past = assert(teacher.new({ kind = "ema", decay = decay }, training.model)) }, Average)
end

function Average:after_step() self.past:after_step(self.model) end

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
