--- log.histograms: how the weights, and the values behind every part of the model, are distributed, as lines of histograms.jsonl:
--
--   { epoch =, weights = { NAME = H, .. }, activations = { PART = H, .. } }      H: { low, high, mean, deviation, counts = { .. } }
--
-- counts: of equal bins from low to high. Activations are those of the first image of the epoch's last batch, in evaluation mode. A run that was
-- resumed may have two lines of an epoch; the later one holds.
local clock = require "ramus.train.clock"
local ffi = require "ramus.base.ffi"

local Histograms = {}
Histograms.__index = Histograms

local function new(training)
  local o = training.recipe.log.histograms
  return o and setmetatable({ training = training, every = o.every, bins = o.bins }, Histograms) or nil
end

function Histograms:after_batches()
  local v = self.training.variant
  self.image = v and v.buffers.image:narrow(1, 1, 1):clone() or nil
end

--- The histogram of a tensor's values.
local function histogram(t, bins)
  t = t:clone()
  local data, n, low, high, sum, square = ffi.data(t), tonumber(t.size), math.huge, -math.huge, 0, 0
  for i = 0, n - 1 do
    local v = data[i]
    low, high, sum, square = math.min(low, v), math.max(high, v), sum + v, square + v * v
  end
  local counts, span = {}, high - low
  for k = 1, bins do counts[k] = 0 end
  for i = 0, n - 1 do
    local k = span > 0 and math.min(bins, 1 + math.floor((data[i] - low) / span * bins)) or 1
    counts[k] = counts[k] + 1
  end
  local mean = sum / n
  return { low = low, high = high, mean = mean, deviation = math.sqrt(math.max(0, square / n - mean * mean)), counts = counts }
end

function Histograms:record(entry)
  local training = self.training
  if entry.epoch % self.every ~= 0 and entry.epoch + 1 ~= clock.length(training.recipe) then return true end
  local line = { epoch = entry.epoch, weights = {}, activations = {} }
  for _, p in ipairs(training.model.parameter_list) do line.weights[p.name] = histogram(training.model.values[p.name], self.bins) end
  for name, t in pairs(self.image and training.model:activations(self.image) or {}) do line.activations[name] = histogram(t, self.bins) end
  return training.run:record(line, "histograms")
end

return { new = new }
