--- The optimizer as a companion: it updates the model's flat block, with the learning rate of its schedule.
local clock = require "ramus.train.clock"
local ffi = require "ramus.base.ffi"
local optim = require "ramus.lang.optim"
local ranges = require "ramus.lang.ranges"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local Optimizer = {}
Optimizer.__index = Optimizer

--- Gives the optimizer its ranges; nil and a message.
local function divide(c, training)
  local r = training.recipe
  local steps = training.total_steps / r.epochs
  local list, err = ranges.of(training.model, r.optim, r.freeze, function(epoch) return epoch * steps end)
  if not list then return nil, err end
  return ranges.apply(c, list, r.optim)
end

local function new(training)
  local o = training.recipe.optim
  local c, err = optim.core(o, training.model.flat, training.steps.sum)
  if not c then return nil, err end
  local ok
  ok, err = divide(c, training)
  if not ok then return nil, err end
  return setmetatable({ training = training, c = c, norm = ffi.new("double[1]"), clipped = ffi.new("_Bool[1]") }, Optimizer)
end

--- One step at time t (epoch with fraction). Returns the gradient's norm and whether it was clipped; nil and a message where the
-- norm is not finite.
function Optimizer:step(t)
  local training = self.training
  local s = training.state
  self.rate = training.recipe.optim.lr * clock.rate(training.recipe, t, s.optim_steps, training.total_steps, s.followed)
  if C.ra_optim_step(self.c, self.rate, self.norm, self.clipped) ~= 0 then return nil, ffi.message() end
  s.optim_steps = C.ra_optim_steps(self.c)
  return self.norm[0], self.clipped[0]
end

--- The optimizer's moments by name.
local function moments(self)
  local list = {}
  for _, name in ipairs { "m", "v" } do list["optim." .. name] = tensor.wrap(C.ra_optim_state(self.c, name)) or nil end
  return list
end

function Optimizer:arrays()
  local arrays = moments(self)
  if self.training.state.micro > 0 then arrays.gradient = self.training.steps.sum end
  return arrays
end

function Optimizer:restore(file)
  for name, t in pairs(self:arrays()) do
    local stored, err = file:get(name)
    if not stored then return nil, err end
    t:copy(stored)
  end
  C.ra_optim_set_steps(self.c, self.training.state.optim_steps)
  return true
end

return { new = new, state = { optim_steps = { type = "integer", default = 0 } } }
