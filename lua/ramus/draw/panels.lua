--- Tensors as panels of a picture: which planes there are, and their values as colours.
--   panels.of(t, o)   { kind, least, greatest, total, columns = [opt] of the grid, broken = numbers that are none, PANEL, .. }
-- PANEL: { label =, H =, W =, paint(h, w, plain), marks(h, w) = [opt] }
-- kind: picture, mask, maps, kernels, pictures. paint gives [3,h,w] in 0..1, in greys where `plain`. Pictures and masks whose
-- values lie in 0..1 are scaled from 0 to 1, others from their least to their greatest value, one scale for all panels. Maps and kernels with negative
-- values are blue below 0 and orange above.
local ffi = require "ramus.base.ffi"
local class_image = require "ramus.data.image.class_image"
local classes = require "ramus.data.classes"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local panels = {}

local KERNEL = 11 -- planes of at most this size, of a tensor of rank 4, are a convolution's weights
local BROKEN = { 0.8, 0.2, 0.6 } -- NaN and infinite values
local BELOW, ABOVE = { 0, 0.447, 0.698 }, { 0.835, 0.369, 0 } -- of Okabe and Ito

--- The least and the greatest number, how many are none, and whether all are 0 or 1.
local function range_of(x)
  local data, low, high, broken, binary = ffi.data(x), math.huge, -math.huge, 0, true
  for i = 0, x.size - 1 do
    local v = data[i]
    if v - v == 0 then
      if v < low then low = v end
      if v > high then high = v end
      if v ~= 0 and v ~= 1 then binary = false end
    else broken = broken + 1 end
  end
  if low > high then low, high = 0, 0 end
  return tonumber(low), tonumber(high), broken, binary
end

local function kind_of(B, channels, H, W, rank, binary)
  if rank == 4 and H <= KERNEL and W <= KERNEL then return "kernels" end
  if channels == 1 or channels == 3 then return B > 1 and "pictures" or channels == 1 and binary and "mask" or "picture" end
  return "maps"
end

--- x [C,h,w] at another size: nearest where it grows (but for pictures), mean of areas where it shrinks.
local function resized(x, h, w, smooth)
  if x.dim[1] == h and x.dim[2] == w then return x end
  local grows = h >= x.dim[1] and w >= x.dim[2]
  return image.resize(x, { h, w, method = grows and not smooth and "nearest" or "auto" })
end

--- Colours [3,h,w] of values [1,h,w] or [3,h,w].
local function colours_of(x, low, high, signed)
  local n, channels = x.dim[1] * x.dim[2], x.dim[0]
  local out = tensor.empty(3, x.dim[1], x.dim[2])
  local from, to = ffi.data(x), ffi.data(out)
  local most, span = math.max(math.abs(low), math.abs(high), 1e-30), math.max(high - low, 1e-30)
  for i = 0, n - 1 do
    for c = 0, 2 do
      local v = from[(channels == 3 and c or 0) * n + i]
      if v - v ~= 0 then v = BROKEN[c + 1]
      elseif signed then
        local share = math.min(1, math.abs(v) / most)
        v = 1 - share * (1 - (v < 0 and BELOW or ABOVE)[c + 1])
      else v = math.min(1, math.max(0, (v - low) / span)) end
      to[c * n + i] = v
    end
  end
  return out
end

local function part(x, b, first, count) return x:narrow(1, b, 1):narrow(2, first, count):clone():reshape(count, x.dim[2], x.dim[3]) end

--- A panel of the channels [first, first + count) of entry b.
local function panel_of(x, b, first, count, label, p)
  local plane = part(x, b, first, count)
  local low, high = p.low, p.high
  if p.each then low, high = range_of(plane) end
  local smooth = p.kind == "picture" or p.kind == "pictures"
  return { label = label, H = plane.dim[1], W = plane.dim[2],
    paint = function(h, w, plain) return colours_of(resized(plane, h, w, smooth), low, high, p.signed and not plain) end }
end

--- The planes of x, in the order of their panels: { b, first channel, count, label }.
local function planes_of(x, p)
  local B, channels, list = x.dim[0], x.dim[1], {}
  if p.kind == "picture" or p.kind == "mask" then return { { 1, 1, channels } } end
  if p.kind == "pictures" then
    for b = 1, B do list[b] = { b, 1, channels, tostring(b) } end
    return list
  end
  for b = 1, B do
    for c = 1, channels do list[#list + 1] = { b, c, 1, B == 1 and tostring(c) or ("%d,%d"):format(b, c) } end
  end
  return list
end

--- x [B,C,H,W], contiguous, of a tensor of rank 2 to 4.
local function planes_first(t)
  local x = C.ra_tensor_contiguous(t) and t or t:clone()
  if x.rank == 2 then return x:reshape(1, 1, x.dim[0], x.dim[1]) end
  if x.rank == 3 then return x:reshape(1, x.dim[0], x.dim[1], x.dim[2]) end
  if x.dim[2] == 1 and x.dim[3] == 1 then return x:reshape(1, 1, x.dim[0], x.dim[1]), true end -- weights of a 1x1 convolution: a matrix
  return x
end

--- The low and high end of the scale.
local function scale_of(p, low, high, range)
  if range then return range[1], range[2] end
  if (p.kind == "picture" or p.kind == "mask" or p.kind == "pictures") and low >= 0 and high <= 1 then return 0, 1 end
  return low, high
end

--- o: as, range, each, most. t has rank 2 to 4 and at least one element.
function panels.of(t, o)
  local x, matrix = planes_first(t)
  local low, high, broken, binary = range_of(x)
  local p = { least = low, greatest = high, broken = broken, each = o.each }
  p.kind = o.as or matrix and "kernels" or kind_of(x.dim[0], x.dim[1], x.dim[2], x.dim[3], t.rank, binary)
  if (p.kind == "picture" or p.kind == "mask" or p.kind == "pictures") and x.dim[1] ~= 1 and x.dim[1] ~= 3 then p.kind = "maps" end
  if (p.kind == "picture" or p.kind == "mask") and x.dim[0] > 1 then p.kind = "pictures" end
  p.low, p.high = scale_of(p, low, high, o.range)
  p.signed = (p.kind == "maps" or p.kind == "kernels") and p.low < 0
  if p.kind == "kernels" and x.dim[0] > 1 then p.columns = x.dim[1] end
  local list = planes_of(x, p)
  p.total = #list
  if p.columns and #list > o.most then
    p.columns = math.min(p.columns, math.max(1, math.floor(o.most ^ 0.5)))
    local kept = {}
    for _, one in ipairs(list) do if one[2] <= p.columns then kept[#kept + 1] = one end end
    list = kept
  end
  for i = 1, math.min(#list, o.most) do p[i] = panel_of(x, list[i][1], list[i][2], list[i][3], #list > 1 and list[i][4] or nil, p) end
  return p
end

--- The image with a label map on it, and the greatest class; nil where the plane [1,H,W] holds no whole numbers from 0 on, or 0 and 1 alone.
local function with_classes(picture, plane, alpha)
  local low, high, broken, binary = range_of(plane)
  if binary or broken > 0 or low < 0 or high >= classes.MOST then return nil end
  local data = ffi.data(plane)
  for i = 0, plane.size - 1 do if data[i] % 1 ~= 0 then return nil end end
  local x = picture:clone():reshape(-1, plane.dim[1], plane.dim[2])
  return class_image.paint(x, plane, classes.default(high + 1), alpha), high
end

--- A panel of an image [C,H,W] with a mask, probability or label map on it, and the truth where it is given.
function panels.overlay(picture, mask, truth, o)
  local painted, greatest = image.overlay(picture, mask, truth, { threshold = o.threshold, alpha = o.alpha }), nil -- which checks all shapes
  local plane = (C.ra_tensor_contiguous(mask) and mask or mask:clone()):reshape(1, painted.dim[1], painted.dim[2])
  local low, high, broken = range_of(plane)
  if not truth then
    local of_classes, most = with_classes(picture, plane, o.alpha)
    painted, greatest = of_classes or painted, most
  end
  return { kind = "overlay", classes = greatest, least = low, greatest = high, broken = broken, total = 1, { H = painted.dim[1], W = painted.dim[2],
    paint = function(h, w) return resized(painted, h, w, true) end,
    marks = function(h, w) return resized(image.threshold(plane, o.threshold), h, w, false) end } }
end

return panels
