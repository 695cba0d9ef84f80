--- Companions of the training loop: each is a file companions/NAME.lua and its name in NAMES.
--
-- The file returns { new = function(training) .. end, state = { .. } }. state [opt]: schema of its fields in training.state
-- (see state.lua). new returns the companion, nothing if the recipe does not use it, or nil and a message. A companion
-- may have these methods, which are called in the order of NAMES:
--   arrays()               arrays by name, for a checkpoint
--   restore(file)          reads them back from an open checkpoint; true, or nil and a message
--   after_step()           the optimizer changed the model
--   after_batches()        the epoch's last batch was trained on, and its values still lie in the arena
--   record(entry)          adds to the epoch's line of metrics.jsonl; true, or nil and a message
--   after_epoch(result)    the epoch is over and not saved yet; result { epoch =, validation = [opt], is_best = }
--   after_save(result)     it is saved; true, or nil and a message
local companions = {}
local Companions = {}
Companions.__index = Companions

local NAMES = { "optimizer", "teacher", "average", "collapse_watch", "gradient_probe", "output_probe", "histograms", "early_stop", "follow", "profile" }

local modules = {}
for i, name in ipairs(NAMES) do modules[i] = require("ramus.train.companions." .. name) end

--- The modules, for the schema of the state.
companions.modules = modules

--- The companions that a training's recipe uses, in their order and by name; nil and a message.
function companions.new(training)
  local self = setmetatable({ list = {} }, Companions)
  for i, name in ipairs(NAMES) do
    local one, err = modules[i].new(training)
    if err then return nil, err end
    if one then
      self.list[#self.list + 1] = one
      self[name] = one
    end
  end
  return self
end

--- Calls a method of every companion that has it, until one fails: true, or nil and its message.
function Companions:call(method, ...)
  for _, one in ipairs(self.list) do
    if one[method] then
      local ok, err = one[method](one, ...)
      if not ok and err then return nil, err end
    end
  end
  return true
end

--- Arrays of all companions by name.
function Companions:arrays()
  local arrays = {}
  for _, one in ipairs(self.list) do
    for name, t in pairs(one.arrays and one:arrays() or {}) do arrays[name] = t end
  end
  return arrays
end

return companions
