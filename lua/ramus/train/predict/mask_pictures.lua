--- What predict writes for a model of one channel: probability, mask (0 and 255) and overlay, and on request the probability as an array.
-- class_pictures.lua is the same for models with classes.
local image = require "ramus.data.image"
local mask_formats = require "ramus.train.predict.mask_formats"
local outputs = require "ramus.train.predict.outputs"

local mask_pictures = {}

--- Endings of the files by kind. given: probabilities (true to write the array too).
function mask_pictures.endings(given)
  return mask_formats.endings(given.as, { prob = "_prob.png", mask = "_mask.png", overlay = "_overlay.png",
    probabilities = given.probabilities and "_probabilities.npy" or nil })
end

--- Writes the files of one image. p: probability [H,W]; entry: of outputs.plan; o: threshold, way. Returns { image, prob, mask, overlay,
-- probabilities, vessel_share }, or nil and a message.
function mask_pictures.write(_, picture, p, entry, o)
  local mask, path = o.way:mask(p, o.threshold), entry.paths
  local overlay = { path.overlay, picture, prediction = o.way:shown(p, o.threshold), threshold = o.threshold }
  local ok, err = image.save_all({ overlay, { path.prob, p }, { path.mask, mask } }, { mark = entry.mark }) -- the slowest first
  if ok and path.probabilities then ok, err = outputs.save_array(path.probabilities, p, entry.mark) end
  if ok then ok, err = mask_formats.write(o.as, mask, mask_formats.FOREGROUND, entry, o.header) end
  if not ok then return nil, err end
  return mask_formats.paths(o.as, path, { image = entry.source, vessel_share = mask:stats().mean, overlay = path.overlay, prob = path.prob,
    mask = path.mask, probabilities = path.probabilities })
end

--- What predict prints of an image.
function mask_pictures.text(result) return ("%s -> %s, foreground %.2f %%"):format(result.image, result.mask, 100 * result.vessel_share) end

return mask_pictures
