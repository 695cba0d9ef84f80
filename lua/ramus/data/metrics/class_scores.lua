--- Scores of a model with classes.
--
--   local s = class_scores.of(p [K,H,W], label [H,W], fov [H,W] or nil, list)     one image; list: the classes
--   s.dice, ...             macro: the mean over the classes that the image holds, background left out
--   s.of[k].dice, ...       of class k (from 0), one against the rest
--   class_scores.summarize(list of s, list)  { per_image =, pooled =, n =, classes = { { name =, per_image =, pooled =, n = } }, confusion = }
--
-- The class of a pixel is the one with the largest probability; areas under curves and calibration take the probability of
-- one class against the rest. Void (label below 0) and pixels outside the field of view are left out.
local ffi = require "ramus.base.ffi"
local class_image = require "ramus.data.image.class_image"
local groups = require "ramus.data.metrics.groups"
local metrics = require "ramus.data.metrics"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local class_scores = {}

--- Scores that need the probability, not the class.
local OF_PROBABILITY = { roc_auc = true, pr_auc = true, ece = true }

class_scores.MACRO = "mean over the classes that the image holds, background left out; pooled: over those that the split holds"

--- Adds an image's pixels to a confusion matrix [K,K], a cdata array of doubles with the truth in rows; nil on failure (ffi.message).
-- scores: [K,H,W] or [1,K,H,W]; label, fov: tensors of H x W.
function class_scores.count(scores, label, fov, K, confusion)
  local labels = class_image.labels(scores)
  return C.ra_metric_confusion(ffi.data(labels), ffi.data(label), fov and ffi.data(fov), label.size, K, confusion) == 0 or nil
end

--- The mean of the classes' Dice over the classes 1 .. K - 1 that a confusion matrix's truth holds, and how many those are; not a
-- number where it holds none.
function class_scores.macro_dice(confusion, K)
  local sum, present = 0, 0
  for k = 1, K - 1 do
    local truth, found = 0, 0
    for j = 0, K - 1 do truth, found = truth + confusion[k * K + j], found + confusion[j * K + k] end
    if truth > 0 then sum, present = sum + 2 * confusion[k * K + k] / (truth + found), present + 1 end
  end
  return present > 0 and sum / present or 0 / 0, present
end

--- 1 where x is k, else 0; two arrays of n.
local function equals(x, k, into)
  local from, to = ffi.data(x), ffi.data(into)
  for i = 0, x.size - 1 do to[i] = from[i] == k and 1 or 0 end
  return into
end

--- 1 where the truth is known and the pixel counts.
local function inside(label, fov)
  local result = tensor.zeros(label.shape)
  local y, v, to = ffi.data(label), fov and ffi.data(fov), ffi.data(result)
  for i = 0, label.size - 1 do to[i] = y[i] >= 0 and (not v or v[i] >= 0.5) and 1 or 0 end
  return result
end

--- The scores of one class against the rest: overlap and shape from the largest probability, areas and calibration from its own.
local function one_class(k, p, labels, label, seen)
  local H, W = label.dim[0], label.dim[1]
  local truth, found = equals(label, k, tensor.zeros(H, W)), equals(labels, k, tensor.zeros(H, W))
  local m = metrics(p:narrow(1, k + 1, 1):clone():reshape(H, W), truth, { fov = seen })
  local hard = metrics(found, truth, { fov = seen, curve = false })
  for key, value in pairs(hard) do
    if not OF_PROBABILITY[key] then m[key] = value end
  end
  m.threshold = nil
  return m
end

function class_scores.of(p, label, fov, list)
  local K, H, W = p.dim[0], p.dim[1], p.dim[2]
  label = label:reshape(H, W)
  local confusion, labels, seen = ffi.new("double[?]", K * K), class_image.labels(p), inside(label, fov)
  if C.ra_metric_confusion(ffi.data(labels), ffi.data(label), ffi.data(seen), label.size, K, confusion) ~= 0 then error(ffi.message(), 2) end
  local s = ffi.hide({ of = {}, labels = labels }, { confusion = confusion })
  for k = 0, #list - 1 do s.of[k] = one_class(k, p, labels, label, seen) end
  for _, key in ipairs(metrics.keys) do
    local sum, n = 0, 0
    for k = 1, K - 1 do
      local m = s.of[k]
      if m.tp + m.fn > 0 and m[key] == m[key] and math.abs(m[key]) ~= math.huge then sum, n = sum + m[key], n + 1 end
    end
    s[key] = n > 0 and sum / n or 0 / 0
  end
  return s
end

--- The summary of class k (from 0): means over the images that hold it, pooled over all.
local function summary_of(scores, k, entry, given)
  local all, holding = {}, {}
  for i, s in ipairs(scores) do
    all[i], s.of[k].group = s.of[k], s.group
    if s.of[k].tp + s.of[k].fn > 0 then holding[#holding + 1] = s.of[k] end
  end
  local pooled = metrics.summarize(all, given).pooled
  local per_image = #holding > 0 and metrics.summarize(holding, given).per_image or {}
  return { name = entry.name, value = entry.value, per_image = per_image, pooled = pooled, n = #holding, pixels = pooled.tp + pooled.fn }
end

function class_scores.summarize(scores, list, given)
  local options = { groups = groups.of(scores, function(s) return s.group end) }
  for key, value in pairs(given or {}) do options[key] = value end
  local K, result = #list, { per_image = {}, pooled = {}, n = #scores, classes = {}, confusion = {} }
  for k = 0, K - 1 do
    result.classes[k + 1] = summary_of(scores, k, list[k + 1], given)
    local row = {}
    for j = 0, K - 1 do
      row[j + 1] = 0
      for _, s in ipairs(scores) do row[j + 1] = row[j + 1] + ffi.hidden(s).confusion[k * K + j] end
    end
    result.confusion[k + 1] = row
  end
  for _, key in ipairs(metrics.keys) do
    local numbers, sum, n = {}, 0, 0
    for i, s in ipairs(scores) do numbers[i] = s[key] end
    result.per_image[key] = metrics.bootstrap(numbers, options)
    for k = 1, K - 1 do
      local c = result.classes[k + 1]
      if c.pixels > 0 and c.pooled[key] then sum, n = sum + c.pooled[key], n + 1 end
    end
    result.pooled[key] = n > 0 and sum / n or nil
    result.pooled.classes = math.max(result.pooled.classes or 0, n)
  end
  return result
end

return class_scores
