--- Scores of probability maps against masks.
--
--   local m = metrics(probability, mask, { threshold = 0.5, fov = nil })
--   m.dice, m.hd95, ... m.tp                    one image
--   local s = metrics.summarize(list_of_m)
--   s.per_image.dice.mean, .sd, .low, .high     over images, with a 95 % bootstrap interval; m.group [opt], a text: those of
--                                               one group (a patient) are drawn together
--   s.pooled.dice                               all pixels as one image
--
-- Images are tensors [H,W] or [B,1,H,W]; probability in 0..1, mask of 0 and
-- 1, fov (field of view) >= 0.5 where pixels count. Definitions and the rules for 0/0 are in core/metric/metric.h; values that are not a number are
-- left out of means.
local columns = require "ramus.base.columns"
local ffi = require "ramus.base.ffi"
local groups = require "ramus.data.metrics.groups"
local C = ffi.C
local check_table = require("ramus.base.options").check

local metrics = {}

--- Scores in the order of the tables; by name: those for which smaller is better, those that are pooled too, and the help text of each.
metrics.keys, metrics.lower_is_better, metrics.is_pooled, metrics.help = {}, {}, {}, {}
local pooled_keys = {} -- index in the core's array -> name
for i = 0, C.ra_metric_count() - 1 do
  local info = C.ra_metric_at(i)
  local name = ffi.string(info.name)
  metrics.keys[i + 1] = name
  metrics.help[name] = ffi.string(info.help) .. (info.lower_is_better and "; smaller is better" or "")
  if info.lower_is_better then metrics.lower_is_better[name] = true end
  if info.pooled then pooled_keys[i], metrics.is_pooled[name] = name, true end
end
--- The value of a score where its formula is 0/0, as core/metric/metric.h states it.
metrics.ZERO_RULE = "0/0 is 1 where prediction and mask agree on every pixel, else 0 (an empty prediction of a mask that is not empty has "
  .. "precision 0); areas under curves without both classes are left out of the mean"

local COUNTS = { "tp", "fp", "fn", "tn", "skeleton_hit_p", "skeleton_p", "skeleton_hit_m", "skeleton_m" }
local BINS = 2 * tonumber(C.RA_METRIC_BINS)
local CALIBRATION = tonumber(C.RA_METRIC_CALIBRATION)
local OPTIONS = {
  threshold = { type = "number", default = 0.5, min = 0, max = 1, help = "probability at or above which a pixel counts as foreground" },
  fov = { type = "cdata", help = "field of view, a tensor like the mask" },
  decided = { type = "cdata", help = "the mask that was made of the probability otherwise than by the threshold; areas under curves and calibration stay "
    .. "those of the probability" },
  curve = { type = "boolean", default = true, help = "true to keep the histogram that pooled areas under curves need" },
}
local BOOTSTRAP = {
  groups = { type = "table", help = "the group of each number's picture, false for one that is alone" },
  resamples = { type = "integer", default = 2000, min = 1 },
  level = { type = "number", default = 0.95, above = 0, below = 1 },
  seed = { type = "integer", default = 0 },
}

--- Position of each count in the core's array.
local position = {}
for _, key in ipairs(COUNTS) do position[key] = tonumber(C["RA_METRIC_" .. key:upper()]) end

--- The tensor with elements in row order (a copy only where it is not), and B, H, W.
local function pictures(t, what)
  if type(t) ~= "cdata" then error(("metrics: %s must be a tensor, given %s"):format(what, type(t)), 3) end
  local rank = t.rank
  if rank < 2 or rank > 4 then
    error(("metrics: %s must be [H,W] or [B,1,H,W], given rank %d"):format(what, rank), 3)
  end
  local B, H, W = 1, t.dim[rank - 2], t.dim[rank - 1]
  for i = 0, rank - 3 do B = B * t.dim[i] end
  if rank == 4 and t.dim[1] ~= 1 then
    error(("metrics: %s must have one channel, given %d"):format(what, t.dim[1]), 3)
  end
  if not C.ra_tensor_contiguous(t) then
    local copy = C.ra_tensor_clone(t)
    if copy == nil then error(ffi.message(), 3) end
    t = ffi.gc(copy, C.ra_tensor_release)
  end
  return t, B, H, W
end

local function new(kind, n) return ffi.new(kind .. "[?]", n) end

--- Scores print as a table, with what each of them is.
local Scores = { __tostring = function(m)
  local rows = {}
  for _, key in ipairs(metrics.keys) do rows[#rows + 1] = { key, m[key] == m[key] and ("%.4f"):format(m[key]) or "-", metrics.help[key] } end
  local lines = { columns.text({ "score", "value", "" }, rows, { true, [3] = true }) }
  lines[2] = ("  threshold %.3g; pixels: tp %d, fp %d, fn %d, tn %d"):format(m.threshold, m.tp, m.fp, m.fn, m.tn)
  return table.concat(lines, "\n")
end }

local function score(probability, mask, fov, H, W, threshold, curve)
  local scores, counts, calibration = new("double", #metrics.keys), new("double", tonumber(C.RA_METRIC_COUNTS)), new("double", 3 * CALIBRATION)
  local histogram = curve and new("double", BINS) or nil
  if C.ra_metrics(probability, mask, fov, H, W, threshold, scores, counts, histogram, calibration) ~= 0 then
    error(ffi.message(), 3)
  end
  local m = ffi.hide(setmetatable({ threshold = threshold }, Scores), { histogram = histogram, calibration = calibration })
  for i, key in ipairs(metrics.keys) do m[key] = scores[i - 1] end
  for key, at in pairs(position) do m[key] = counts[at] end
  return m
end

local function mean_of(list, key)
  local sum, n = 0, 0
  for _, m in ipairs(list) do
    if m[key] == m[key] then sum, n = sum + m[key], n + 1 end
  end
  return n > 0 and sum / n or 0 / 0, n
end

--- Scores that a probability has whatever mask was made of it.
local OF_PROBABILITY = { "roc_auc", "pr_auc", "ece" }

--- The scores of a decided mask, with those of the probability m that do not depend on it.
local function with_decided(m, decided, mask, fov, H, W)
  local d = score(decided, mask, fov, H, W, 0.5, false)
  for _, key in ipairs(OF_PROBABILITY) do d[key] = m[key] end
  d.threshold = m.threshold
  return ffi.hide(d, ffi.hidden(m))
end

--- Scores of one image; of B > 1 images the means (counts: sums), with one table per image in `images`.
-- options: threshold (0.5), fov (tensor like mask), decided (the mask, where it is not what the threshold gives), curve (true; false saves the
-- 92 KB per image that pooled areas under curves need).
local function compute(_, probability, mask, options)
  options = check_table(options, OPTIONS, "metrics", 2)
  local p, B, H, W = pictures(probability, "probability")
  local y, yB, yH, yW = pictures(mask, "mask")
  local v, vB, vH, vW = nil, B, H, W
  if options.fov ~= nil then v, vB, vH, vW = pictures(options.fov, "fov") end
  if yB ~= B or yH ~= H or yW ~= W or vH ~= H or vW ~= W or (vB ~= B and vB ~= 1) then
    error(("metrics: probability is %d of %dx%d, mask %d of %dx%d%s; sizes must be equal"):format(B, H, W, yB, yH, yW,
      v and (", fov %d of %dx%d"):format(vB, vH, vW) or ""), 2)
  end
  local decided, dB, dH, dW = nil, B, H, W
  if options.decided ~= nil then decided, dB, dH, dW = pictures(options.decided, "decided") end
  if dB ~= B or dH ~= H or dW ~= W then error(("metrics: decided is %d of %dx%d, mask %d of %dx%d"):format(dB, dH, dW, B, H, W), 2) end
  local images = {}
  for b = 0, B - 1 do
    local shift = b * H * W
    images[b + 1] = score(ffi.data(p) + shift, ffi.data(y) + shift, v and ffi.data(v) + (vB > 1 and shift or 0), H, W,
      options.threshold, options.curve)
    if decided then
      images[b + 1] = with_decided(images[b + 1], ffi.data(decided) + shift, ffi.data(y) + shift, v and ffi.data(v) + (vB > 1 and shift or 0), H, W)
    end
  end
  if B == 1 then return images[1] end
  local m = { images = images, threshold = images[1].threshold }
  for _, key in ipairs(metrics.keys) do m[key] = mean_of(images, key) end
  for _, key in ipairs(COUNTS) do
    m[key] = 0
    for _, image in ipairs(images) do m[key] = m[key] + image[key] end
  end
  return m
end

--- The sum of a cdata array over the images; nil where an image lacks it.
local function add_up(list, field, n)
  local sum = new("double", n)
  for _, m in ipairs(list) do
    local values = ffi.hidden(m)[field]
    if values == nil then return nil end
    for i = 0, n - 1 do sum[i] = sum[i] + values[i] end
  end
  return sum
end

--- Scores of the overlap with a foreground: they say nothing of images that have none at all.
local OVERLAP = { "dice", "iou", "sensitivity", "precision", "mcc", "cldice", "hd95", "component_error" }

--- True if no mask of the list has foreground where pixels count.
local function has_none(list)
  local ones = 0
  for _, m in ipairs(list) do ones = ones + m.tp + m.fn end
  return ones == 0
end

--- Where no mask of the list has foreground, the scores of overlap of every image become undefined (not a number). Returns whether so.
function metrics.without_foreground(list)
  if not has_none(list) then return false end
  for _, m in ipairs(list) do
    for _, key in ipairs(OVERLAP) do m[key] = 0 / 0 end
  end
  return true
end

--- All pixels of the list as one image: counts and calibration are summed, areas under curves come from the summed histogram (differs from exact by
-- less than 1e-3). hd95 and component_error have no pooled value, others none where they are not a number.
local function pool(list)
  local counts, scores, pooled = new("double", tonumber(C.RA_METRIC_COUNTS)), new("double", #metrics.keys), {}
  for _, key in ipairs(COUNTS) do
    local sum = 0
    for _, m in ipairs(list) do sum = sum + m[key] end
    counts[position[key]], pooled[key] = sum, sum
  end
  local calibration = add_up(list, "calibration", 3 * CALIBRATION)
  if C.ra_metrics_pooled(counts, add_up(list, "histogram", BINS), calibration, scores) ~= 0 then error(ffi.message(), 3) end
  for i, key in pairs(pooled_keys) do
    if scores[i] == scores[i] then pooled[key] = scores[i] end -- nil: not a number
  end
  for _, key in ipairs(list[1].dice ~= list[1].dice and has_none(list) and OVERLAP or {}) do pooled[key] = nil end
  if calibration then pooled.calibration = metrics.calibration(calibration) end
  return pooled
end

--- Mean, standard deviation and 95 % interval of numbers (values that are not a number are left out); of one number only the mean is known,
-- of one group no interval.
-- options: resamples (2000), seed (0), level (0.95), groups (a list, see groups.lua; none).
function metrics.bootstrap(numbers, options)
  options = check_table(options, BOOTSTRAP, "metrics.bootstrap", 2)
  local values, n, kept = new("double", math.max(#numbers, 1)), 0, options.groups and {}
  for i, v in ipairs(numbers) do
    if v == v then
      values[n], n = v, n + 1
      if kept then kept[n] = options.groups[i] end
    end
  end
  if n == 0 then return { mean = 0 / 0, sd = 0 / 0, low = 0 / 0, high = 0 / 0, n = 0 } end
  local out = new("double", 4)
  local group, count = groups.numbers(kept, n)
  if C.ra_metric_bootstrap(values, group, n, options.resamples, options.level, options.seed, out) ~= 0 then
    error(ffi.message(), 2)
  end
  if n == 1 then return { mean = out[0], sd = 0 / 0, low = 0 / 0, high = 0 / 0, n = 1 } end
  if count == 1 then out[2], out[3] = 0 / 0, 0 / 0 end
  return { mean = out[0], sd = out[1], low = out[2], high = out[3], n = n }
end

--- { per_image = {dice = {mean, sd, low, high, n}, ...}, pooled = {dice = ..., calibration = ...}, n = images }.
function metrics.summarize(list, options)
  if #list == 0 then error("metrics.summarize: the list is empty", 2) end
  local given = { groups = groups.of(list, function(m) return m.group end) }
  for key, value in pairs(options or {}) do given[key] = value end
  local per_image = {}
  for _, key in ipairs(metrics.keys) do
    local numbers = {}
    for i, m in ipairs(list) do numbers[i] = m[key] end
    per_image[key] = metrics.bootstrap(numbers, given)
  end
  return { per_image = per_image, pooled = pool(list), n = #list }
end

--- Reliability bins: list of {low, high, count, confidence, frequency} (confidence and frequency nil in empty bins).
function metrics.calibration(calibration)
  local bins = {}
  for k = 0, CALIBRATION - 1 do
    local count = calibration[3 * k]
    bins[k + 1] = { low = k / CALIBRATION, high = (k + 1) / CALIBRATION, count = count,
      confidence = count > 0 and calibration[3 * k + 1] / count or nil,
      frequency = count > 0 and calibration[3 * k + 2] / count or nil }
  end
  return bins
end

--- The threshold with the highest mean Dice over images, and that Dice. Every edge of the core's histogram (5891, fine towards 0 and 1) is tried.
-- list: tables as metrics(...) returns them, or { {probability =, mask =, fov = [opt]}, ... }.
function metrics.best_threshold(list)
  if #list == 0 then error("metrics.best_threshold: the list is empty", 2) end
  local bins = BINS / 2
  local total = new("double", bins)
  for _, item in ipairs(list) do
    local m = ffi.hidden(item).histogram and item or compute(nil, item.probability, item.mask, { fov = item.fov })
    local positives, tp, fp, histogram = m.tp + m.fn, 0, 0, ffi.hidden(m).histogram
    for k = bins - 1, 0, -1 do
      fp, tp = fp + histogram[k], tp + histogram[bins + k]
      total[k] = total[k] + (positives + fp > 0 and 2 * tp / (positives + tp + fp) or 1)
    end
  end
  local best = bins - 1
  for k = bins - 2, 0, -1 do
    if total[k] > total[best] then best = k end
  end
  return C.ra_metric_bin_edge(best), total[best] / #list
end

return setmetatable(metrics, { __call = compute })
