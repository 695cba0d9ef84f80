--- What predict writes for a model with classes: the class of every pixel as a PNG with a palette, an overlay with a legend, and on
-- request the probabilities of all classes as an array.
local checkpoint = require "ramus.train.checkpoint"
local class_image = require "ramus.data.image.class_image"
local image = require "ramus.data.image"
local mask_formats = require "ramus.train.predict.mask_formats"
local outputs = require "ramus.train.predict.outputs"

local class_pictures = {}

--- Endings of the files by kind. given: probabilities (true to write them too).
function class_pictures.endings(given)
  return mask_formats.endings(given.as, { labels = "_labels.png", overlay = "_overlay.png",
    probabilities = given.probabilities and "_probabilities.npy" or nil })
end

--- Writes the files of one image. p: probabilities [K,H,W]; entry: of outputs.plan.
-- Returns { image, labels, overlay, probabilities, shares = { NAME = share of the pixels }, vessel_share }, or nil and a message.
function class_pictures.write(model, picture, p, entry, o)
  local list, paths, mark = checkpoint.classes(model), entry.paths, entry.mark
  local labels = class_image.labels(p)
  local counts, shares, pixels = class_image.counts(labels, list), {}, labels.size
  for i, c in ipairs(list) do shares[c.name] = counts[i - 1] / pixels end
  local ok, err = class_image.save(paths.labels, labels, list, mark)
  if ok then ok, err = image.save_all({ { paths.overlay, class_image.overlay(picture, labels, list) } }, { mark = mark }) end
  if ok and paths.probabilities then ok, err = outputs.save_array(paths.probabilities, p, mark) end
  if ok then ok, err = mask_formats.write(o.as, labels, list, entry, o.header) end
  if not ok then return nil, err end
  return mask_formats.paths(o.as, paths, { image = entry.source, labels = paths.labels, overlay = paths.overlay, probabilities = paths.probabilities,
    shares = shares, vessel_share = 1 - counts[0] / pixels })
end

--- What predict prints of an image.
function class_pictures.text(result)
  local found = 0
  for _, share in pairs(result.shares) do if share > 0 then found = found + 1 end end
  return ("%s -> %s, foreground %.2f %%, %d classes"):format(result.image, result.labels, 100 * result.vessel_share, found)
end

return class_pictures
