--- The baseline that a network must beat: Frangi's vesselness filter with a threshold.
-- A. Frangi et al., "Multiscale vessel enhancement filtering", MICCAI 1998.
--
--   local b, err = baseline.frangi { train = samples, test = samples }
--   b.choice     { scales =, beta =, c =, threshold =, train_dice = } with the best mean Dice on the training images
--   b.summary    of the test images, as metrics.summarize gives it;  b.images: one table per image, with id
--
-- Scales, beta, c and the threshold are tuned on `train` alone. Samples are as data
-- sets give them ({ id, image, mask, fov, threshold }; paths), or hold tensors.
local ffi = require "ramus.base.ffi"
local metrics = require "ramus.data.metrics"
local options = require "ramus.base.options"
local scale = require "ramus.data.scale"
local C = ffi.C

local baseline = {}

baseline.schema = {
  train = { type = "table", required = true, help = "samples to tune on" },
  test = { type = "table", required = true, help = "samples to score" },
  scales = { type = "table", default = { { 2, 3 }, { 1.5, 2.5, 3.5 }, { 1, 2, 3, 4 } }, help = "lists of standard deviations, in pixels, to try" },
  beta = { type = "table", default = { 0.5, 1 }, help = "values to try" },
  c = { type = "table", default = { 0.01, 0.02, 0.04 }, help = "values to try; grey values in 0..1" },
  dark = { type = "boolean", default = true, help = "true for vessels that are darker than their surroundings" },
}

local function own(pointer)
  if pointer == nil then return nil, ffi.message() end
  return ffi.gc(pointer, C.ra_tensor_release)
end

local function read(sample, field)
  local value = sample[field]
  if type(value) ~= "string" then return value end
  if field == "image" then
    local picture, err = scale.picture(sample)
    if not picture then return nil, err end
    return own(C.ra_image_grey(picture, C.RA_GREY_BT601))
  end
  return own(C.ra_mask_load(value, sample.threshold or 0 / 0, nil))
end

--- The samples' images as tensors; nil and a message where one cannot be read.
local function pictures(samples)
  local list = {}
  for i, sample in ipairs(samples) do
    local item = { id = sample.id, group = sample.group }
    for _, field in ipairs { "image", "mask", "fov" } do
      local value, err = read(sample, field)
      if err then return nil, err end
      item[field] = value
    end
    list[i] = item
  end
  return list
end

--- Vesselness of one image in 0..1; nil and a message on failure.
function baseline.vesselness(image, scales, beta, c, dark)
  return own(C.ra_image_frangi(image, ffi.new("double[?]", #scales, scales), #scales, beta, c, dark ~= false))
end

--- Scores of every image, with its id.
local function score(list, choice, dark)
  local scores = {}
  for i, item in ipairs(list) do
    local vessel, err = baseline.vesselness(item.image, choice.scales, choice.beta, choice.c, dark)
    if not vessel then return nil, err end
    scores[i] = metrics(vessel, item.mask, { fov = item.fov, threshold = choice.threshold })
    scores[i].id, scores[i].group = item.id, item.group
  end
  return scores
end

--- The choice with the best mean Dice over the images.
local function tune(list, o)
  local best
  for _, scales in ipairs(o.scales) do
    for _, beta in ipairs(o.beta) do
      for _, c in ipairs(o.c) do
        local choice = { scales = scales, beta = beta, c = c }
        local scores, err = score(list, choice, o.dark)
        if not scores then return nil, err end
        choice.threshold, choice.train_dice = metrics.best_threshold(scores)
        if not best or choice.train_dice > best.train_dice then best = choice end
      end
    end
  end
  return best
end

function baseline.frangi(given)
  local o = options.check(given, baseline.schema, "baseline.frangi")
  if #o.train == 0 or #o.test == 0 then error("baseline.frangi: train and test must hold at least one sample each", 2) end
  local train, err = pictures(o.train)
  if not train then return nil, err end
  local test
  test, err = pictures(o.test)
  if not test then return nil, err end
  local choice, images
  choice, err = tune(train, o)
  if not choice then return nil, err end
  images, err = score(test, choice, o.dark)
  if not images then return nil, err end
  return { choice = choice, images = images, summary = metrics.summarize(images) }
end

--- The choice as one line of text.
function baseline.describe(b)
  return ("Frangi, scales %s, beta %g, c %g, threshold %.4f (tuned on the training images: mean Dice %.4f)"):format(
    table.concat(b.choice.scales, " "), b.choice.beta, b.choice.c, b.choice.threshold, b.choice.train_dice)
end

return baseline
