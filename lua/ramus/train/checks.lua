--- Checks of a vessel map beyond its scores: which vessels it misses, by their width (checks.by_width) and contrast (checks.by_contrast), over many
-- images (checks.merge), and how certain its patches are (checks.patch_entropy).
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local C = ffi.C

local checks = {}

local function edges_option(default)
  return { type = "table", default = default, help = "ascending limits between groups", check = function(edges)
    for i = 2, #edges do
      if edges[i] <= edges[i - 1] then return nil, "must rise" end
    end
    return edges
  end }
end
local function schema(edges)
  return { threshold = { type = "number", default = 0.5, min = 0, max = 1 }, edges = edges_option(edges), fov = { type = "cdata" } }
end
local WIDTH, CONTRAST = schema { 3, 5, 8 }, schema { 0.03, 0.06, 0.1 }
local ENTROPY = { patch = { type = "integer", default = 16, min = 1, help = "pixels along a side" } }

--- An image with elements in row order, and H, W.
local function plane(t, who, what)
  if type(t) ~= "cdata" then error(("%s: %s must be a tensor, given %s"):format(who, what, type(t)), 3) end
  local rank = t.rank
  if rank < 2 or t.size ~= t.dim[rank - 2] * t.dim[rank - 1] then
    error(("%s: %s must be one image of one channel, [H,W]"):format(who, what), 3)
  end
  if not C.ra_tensor_contiguous(t) then t = ffi.gc(C.ra_tensor_clone(t), C.ra_tensor_release) end
  if t == nil then error(ffi.message(), 3) end
  return t, t.dim[rank - 2], t.dim[rank - 1]
end

local function check_size(who, t, H, W, what)
  local picture, h, w = plane(t, who, what)
  if h ~= H or w ~= W then error(("%s: %s is %dx%d, the mask %dx%d"):format(who, what, h, w, H, W), 3) end
  return picture
end

--- Groups of mask pixels by value[i], and how many of each were found.
local function group(value, probability, mask, fov, n, o)
  local groups = {}
  for k = 1, #o.edges + 1 do
    groups[k] = { low = o.edges[k - 1] or -math.huge, high = o.edges[k] or math.huge, pixels = 0, found = 0 }
  end
  local probability_data, mask_data, fov_data = ffi.data(probability), ffi.data(mask), fov ~= nil and ffi.data(fov)
  for i = 0, n - 1 do
    if mask_data[i] >= 0.5 and (not fov_data or fov_data[i] >= 0.5) then
      local k = 1
      while k <= #o.edges and value[i] >= o.edges[k] do k = k + 1 end
      groups[k].pixels = groups[k].pixels + 1
      if probability_data[i] >= o.threshold then groups[k].found = groups[k].found + 1 end
    end
  end
  return groups
end

local function finish(groups)
  for _, g in ipairs(groups) do g.sensitivity = g.pixels > 0 and g.found / g.pixels or nil end
  return groups
end

local function reals(n) return ffi.new("ra_real[?]", n) end

--- A list of { low =, high =, pixels =, found =, sensitivity = }: the mask's pixels by local width in pixels, below the first edge, between edges and
-- above the last, as core/metric/width.c defines it; sensitivity is nil where a group has no pixel. probability and mask: one image, [H,W].
-- Options: { threshold = 0.5, edges = { 3, 5, 8 }, fov = [H,W], outside of which nothing counts }.
function checks.by_width(probability, mask, given)
  local o = options.check(given, WIDTH, "by_width")
  local y, H, W = plane(mask, "by_width", "mask")
  local p = check_size("by_width", probability, H, W, "probability")
  local v = o.fov ~= nil and check_size("by_width", o.fov, H, W, "fov") or nil
  local width = reals(H * W)
  if C.ra_foreground_width(ffi.data(y), H, W, width) ~= 0 then error(ffi.message(), 2) end
  return finish(group(width, p, y, v, H * W, o))
end

--- The same by local contrast in grey values (0..1) of the image, as core/metric/width.c defines it. Options: those of checks.by_width, with
-- edges = { 0.03, 0.06, 0.1 }.
function checks.by_contrast(probability, image, mask, given)
  local o = options.check(given, CONTRAST, "by_contrast")
  local y, H, W = plane(mask, "by_contrast", "mask")
  local p = check_size("by_contrast", probability, H, W, "probability")
  local x = check_size("by_contrast", image, H, W, "image")
  local v = o.fov ~= nil and check_size("by_contrast", o.fov, H, W, "fov") or nil
  local contrast = reals(H * W)
  if C.ra_foreground_contrast(ffi.data(x), ffi.data(y), H, W, contrast) ~= 0 then error(ffi.message(), 2) end
  return finish(group(contrast, p, y, v, H * W, o))
end

--- One list over many images, from lists that checks.by_width or checks.by_contrast made with the same edges.
function checks.merge(lists)
  local sum = {}
  for _, groups in ipairs(lists) do
    for k, g in ipairs(groups) do
      sum[k] = sum[k] or { low = g.low, high = g.high, pixels = 0, found = 0 }
      sum[k].pixels, sum[k].found = sum[k].pixels + g.pixels, sum[k].found + g.found
    end
  end
  return finish(sum)
end

local function entropy(f)
  if f <= 0 or f >= 1 then return 0 end
  return -(f * math.log(f) + (1 - f) * math.log(1 - f)) / math.log(2)
end

--- { mean =, share =, values = { .. } }: binary entropy in bits of each patch's mean probability (docs/explanation/method.md, patch distributions as
-- shares), row by row, partial patches by their own area; share: that of patches above 0.1 bit. Options: { patch = 16 }, pixels along a side.
function checks.patch_entropy(probability, given)
  local o = options.check(given, ENTROPY, "patch_entropy")
  local p, H, W = plane(probability, "patch_entropy", "probability")
  local p_data, values, total, unsure = ffi.data(p), {}, 0, 0
  for top = 0, H - 1, o.patch do
    for left = 0, W - 1, o.patch do
      local bottom, right, sum = math.min(top + o.patch, H), math.min(left + o.patch, W), 0
      for y = top, bottom - 1 do
        for x = left, right - 1 do sum = sum + p_data[y * W + x] end
      end
      local e = entropy(sum / ((bottom - top) * (right - left)))
      values[#values + 1], total = e, total + e
      if e > 0.1 then unsure = unsure + 1 end
    end
  end
  return { mean = total / #values, share = unsure / #values, values = values }
end

return checks
