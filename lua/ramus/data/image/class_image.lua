--- Pictures of classes: label maps from scores, label maps as files, label maps as colours with a legend.
-- A list of classes is as classes.check returns it.
local ffi = require "ramus.base.ffi"
local classes = require "ramus.data.classes"
local letters = require "ramus.data.image.letters"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local class_image = {}

--- A tensor without leading dimensions of 1 beyond `rank`, contiguous.
local function of_rank(t, rank, who)
  if not tensor.is(t) then error(("%s: wants a tensor, given %s"):format(who, options.show(t)), 3) end
  local x = C.ra_tensor_contiguous(t) and t or t:clone()
  while x.rank > rank and x.dim[0] == 1 do x = x:reshape(unpack(x.shape, 2)) end
  if x.rank ~= rank and x.rank ~= 2 then error(("%s: %s has too many dimensions"):format(who, tensor.shape_text(t)), 3) end
  return x
end

local function made(pointer)
  local t, err = tensor.wrap(pointer)
  if not t then error(err, 3) end
  return t
end

--- The colours of a list as the core's array, in 0..1.
local function colours_of(list)
  local array = ffi.new("double[?]", 3 * #list)
  for i, c in ipairs(list) do
    local r, g, b = classes.rgb(c.colour)
    array[3 * i - 3], array[3 * i - 2], array[3 * i - 1] = r / 255, g / 255, b / 255
  end
  return array
end

--- The class of every pixel, [H,W], of scores [K,H,W] (logits or probabilities): the first of the largest.
function class_image.labels(scores) return made(C.ra_image_labels(of_rank(scores, 3, "labels"))) end

--- Writes a label map as a PNG whose palette entry is the class; mark: [opt] as of image.save_all. nil and a message on failure.
function class_image.save(path, labels, list, mark)
  if C.ra_image_save_labels(path, of_rank(labels, 2, "save_labels"), #list, colours_of(list), mark) ~= 0 then return nil, ffi.message() end
  return true
end

--- An image [3,H,W] with the classes painted on it; the first class is left as it is.
function class_image.paint(picture, labels, list, alpha)
  return made(C.ra_image_paint(of_rank(picture, 3, "paint"), of_rank(labels, 2, "paint"), alpha or 0.65, #list, colours_of(list)))
end

--- Pixels of every class of a label map, by its number; void is left out.
function class_image.counts(labels, list)
  local x, counts = of_rank(labels, 2, "counts"), {}
  for k = 0, #list - 1 do counts[k] = 0 end
  local data = ffi.data(x)
  for i = 0, x.size - 1 do
    local k = tonumber(data[i])
    if counts[k] then counts[k] = counts[k] + 1 end
  end
  return counts
end

local MARGIN, GREY, WHITE = 3, { 0.13, 0.13, 0.13 }, { 1, 1, 1 }

--- Rows of { class, name, left } that fit into a width; an entry is a swatch and the class's name, or its number where that cannot be drawn.
local function legend_rows(shown, width, scale)
  local rows, left = { {} }, MARGIN * scale
  for _, c in ipairs(shown) do
    local name = letters.readable(c.name, c.number)
    local wide = (letters.HEIGHT + 3) * scale + letters.width(name, scale)
    if left + wide > width and #rows[#rows] > 0 then
      rows[#rows + 1], left = {}, MARGIN * scale
    end
    table.insert(rows[#rows], { class = c.class, name = name, left = left })
    left = left + wide + 3 * MARGIN * scale
  end
  return rows
end

--- Pictures [3,H,W] of one size side by side, with a legend below of the classes that are in `present` (class 0 aside; numbers as keys).
function class_image.with_legend(pictures, list, present)
  local first = pictures[1]
  local H, W, shown = first.dim[1], first.dim[2], {}
  for k = 1, #list - 1 do if present[k] then shown[#shown + 1] = { class = list[k + 1], name = list[k + 1].name, number = k } end end
  if #shown == 0 then shown[1] = { class = list[1], name = list[1].name, number = 0 } end
  local scale = math.max(1, math.floor(math.min(H, W) / 384))
  local rows = legend_rows(shown, #pictures * W, scale)
  local line = (letters.HEIGHT + MARGIN) * scale
  local result = tensor.zeros(3, H + #rows * line + MARGIN * scale, #pictures * W)
  letters.fill(result, H, 0, result.dim[1] - H, result.dim[2], GREY)
  for i, picture in ipairs(pictures) do result:narrow(2, 1, H):narrow(3, (i - 1) * W + 1, W):copy(picture) end
  for r, row in ipairs(rows) do
    local top = H + (r - 1) * line + MARGIN * scale
    for _, entry in ipairs(row) do
      local red, green, blue = classes.rgb(entry.class.colour)
      letters.fill(result, top, entry.left, letters.HEIGHT * scale, letters.HEIGHT * scale, { red / 255, green / 255, blue / 255 })
      letters.draw(result, entry.name, top, entry.left + (letters.HEIGHT + 3) * scale, { scale = scale, colour = WHITE })
    end
  end
  return result
end

--- An overlay of a label map with a legend; truth: [opt] a second label map, which is shown on the right.
function class_image.overlay(picture, labels, list, truth)
  local pictures, present = { class_image.paint(picture, labels, list) }, {}
  for k, n in pairs(class_image.counts(labels, list)) do present[k] = n > 0 end
  if truth then
    pictures[2] = class_image.paint(picture, truth, list)
    for k, n in pairs(class_image.counts(truth, list)) do present[k] = present[k] or n > 0 end
  end
  return class_image.with_legend(pictures, list, present)
end

return class_image
