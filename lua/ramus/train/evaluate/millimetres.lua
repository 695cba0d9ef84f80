--- Distances in millimetres, where every scored image's file says how large its pixels are, and these are square.
local fields = require "ramus.data.fields"
local groups = require "ramus.data.metrics.groups"
local image = require "ramus.data.image"
local metrics = require "ramus.data.metrics"

local millimetres = {}

-- What the spacing of a file is the spacing of; that of a print says nothing of what the image shows.
local MEANING = { pixel = "in the patient (Pixel Spacing)", detector = "at the detector (Imager Pixel Spacing), larger than in the patient",
  region = "of the ultrasound's region" }

--- mm of a pixel of a sample's image, and what they are the size of; nil and why not.
local function of_sample(sample)
  local source = fields.source(sample, "image")
  local info = source and source.path and image.info(source.path)
  local s, meaning = info and info.spacing, info and MEANING[info.spacing_of]
  if not s or not meaning then return nil, "the files do not say how large a pixel is" end
  if math.abs(s[1] - s[2]) > 1e-4 * s[1] then return nil, "pixels are not square" end
  return s[1], meaning
end

--- Gives every image of a result its hd95_mm, and the result their mean; the protocol says which spacing it was, or nothing where hd95
-- stays in pixels.
function millimetres.add(result, samples)
  local size, low, high, meanings = {}, math.huge, 0, {}
  for i, sample in ipairs(samples) do
    local mm, meaning = of_sample(sample)
    if not mm then
      if i > 1 or meaning ~= "the files do not say how large a pixel is" then result.protocol.hd95 = "pixels; no millimetres: " .. meaning end
      return
    end
    size[i], low, high = mm, math.min(low, mm), math.max(high, mm)
    if not meanings[meaning] then
      meanings[meaning] = true
      meanings[#meanings + 1] = meaning
    end
  end
  local numbers = {}
  for i, m in ipairs(result.images) do
    m.hd95_mm = m.hd95 and m.hd95 * size[i] or nil
    numbers[i] = m.hd95_mm or 0 / 0
  end
  result.per_image.hd95_mm = metrics.bootstrap(numbers, { groups = groups.of(samples, function(s) return s.group end) })
  result.protocol.spacing = (low == high and "%.4g mm a pixel, %s" or "%.4g to %.4g mm a pixel, %s"):format(low, low == high
    and table.concat(meanings, " and ") or high, table.concat(meanings, " and "))
  result.protocol.hd95 = "pixels; hd95_mm in millimetres"
end

--- The keys of a result's scores, in the order of a table.
function millimetres.keys(result)
  local list = {}
  for _, key in ipairs(metrics.keys) do
    list[#list + 1] = key
    if key == "hd95" and result.per_image.hd95_mm then list[#list + 1] = "hd95_mm" end
  end
  return list
end

return millimetres
