--- Images as tensors [C,H,W] in 0..1: reading, writing, filters, overlays.
-- Functions that read or write return nil and a message when a file cannot be read or written; a wrong call is an error at the caller's line.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local image = {}
for name, value in pairs(require "ramus.data.image.write") do image[name] = value end

local reading = require "ramus.data.reading"

--- The core's details of an image as a table.
local function details(out)
  local info = { channels = out.channels, height = out.height, width = out.width, bits = out.bits, frames = out.frames }
  if out.spacing[0] > 0 then
    info.spacing, info.spacing_of = { out.spacing[0], out.spacing[1] }, ({ [0] = "print", "pixel", "detector", "region" })[out.spacing_of]
  end
  if out.window[0] == out.window[0] then info.window = { out.window[0], out.window[1] } end
  if out.orientation > 0 then info.orientation = out.orientation end
  return info
end

local frame_schema = { frame = { type = "integer", default = 0, min = 0, help = "of a file with several, from 0" } }
local load_schema = { frame = frame_schema.frame, numbers = { type = "boolean", default = false, help = "those of the file, not brought to 0..1" },
  range = reading.schema.range, bytes = { type = "string", help = "the file's content, where it is at hand" } }

--- What the core made of an image's numbers, as a table.
function image.report(out)
  local info = details(out.details)
  if out.low == out.low then info.low, info.high = out.low, out.high end
  info.from, info.to, info.outside, info.coloured = out.from, out.to, out.outside, out.coloured
  local unclear = ffi.string(out.unclear)
  if unclear ~= "" then info.unclear, info.advised = unclear, { out.advised[0], out.advised[1] } end
  return info
end

--- Reads an image of any format of image.formats, told apart by content: [C,H,W] with C 1 or 3, and what image.info says of the file, with
-- low and high (its smallest and largest number, where it was looked at), from and to (the numbers that became 0 and 1), outside (the share
-- beyond these), coloured (the share of pixels whose channels differ), unclear (why the file's type does not say the scale, where no range
-- is given) and advised (then the range that is likely meant). Alpha is left out, a palette gives RGB, an EXIF orientation is applied. nil and
-- a message where the file is missing, damaged, truncated or not an image. numbers = true: the numbers of the file, as the Hounsfield units of
-- a DICOM file. bytes: the file's content, which is then not read again.
function image.load(path, given)
  if type(path) ~= "string" then error("image.load: wants a path, got " .. options.show(path), 2) end
  local o = options.check(given, load_schema, "image.load")
  local source, out = ffi.new("ra_source", { path = path, frame = o.frame, automatic = o.range == "auto" }), ffi.new("ra_image_report")
  if type(o.range) == "table" then source.range[0], source.range[1] = o.range[1], o.range[2] end
  ffi.make_room(2 ^ 20)
  local t, err
  if o.bytes and not o.numbers then t, err = tensor.wrap(C.ra_image_read_bytes(o.bytes, #o.bytes, source, out))
  else t, err = tensor.wrap((o.numbers and C.ra_image_numbers or C.ra_image_read)(source, out)) end
  if not t then return nil, err end
  return t, image.report(out)
end

--- The same from the bytes of a file in a string; option frame = 0.
function image.decode(bytes, given)
  if type(bytes) ~= "string" then error("image.decode: wants a string, got " .. options.show(bytes), 2) end
  local o = options.check(given, frame_schema, "image.decode")
  ffi.make_room(2 ^ 20)
  return tensor.wrap(C.ra_image_load_frame(bytes, #bytes, o.frame))
end

local bytes_schema = { bytes = load_schema.bytes }

--- From the file's header: { channels =, height =, width =, bits =, frames = }, and where the format has them spacing = { row, column }
-- in mm, window = { low, high } and orientation (that of EXIF, which is applied: height and width are those of the turned image). Option
-- bytes: the file's content, which is then not read.
function image.info(path, given)
  local o, out = options.check(given, bytes_schema, "image.info"), ffi.new("ra_image_details")
  local code
  if o.bytes then code = C.ra_image_info_bytes(o.bytes, #o.bytes, out) else code = C.ra_image_info(path, out) end
  if code ~= 0 then return nil, ffi.message() end
  return details(out)
end

--- Contrast agent of every frame of a film, a list: darkness at the scale of vessels (formula: core/codec/contrast.c); nil and a message. Option
-- bytes: the file's content, which is then not read.
function image.contrast(path, given)
  if type(path) ~= "string" then error("image.contrast: wants a path, got " .. options.show(path), 2) end
  local o = options.check(given, bytes_schema, "image.contrast")
  ffi.make_room(2 ^ 20)
  local t, err
  if o.bytes then t, err = tensor.wrap(C.ra_image_contrast_bytes(o.bytes, #o.bytes)) else t, err = tensor.wrap(C.ra_image_contrast(path)) end
  if not t then return nil, err end
  local list = {}
  for i = 1, t.size do list[i] = t.data[i - 1] end
  return list
end

--- The frame (from 0) with the most contrast agent: the first of the largest; nil and a message.
function image.best_frame(path)
  local frame = ffi.new("int32_t[1]")
  if type(path) ~= "string" then error("image.best_frame: wants a path, got " .. options.show(path), 2) end
  if C.ra_image_best_frame(path, frame) ~= 0 then return nil, ffi.message() end
  return frame[0]
end

--- The formats: a list of { name =, extensions = { .. }, reads =, writes = }.
function image.formats()
  local list = {}
  for i = 1, C.ra_image_formats() do
    local function text(what)
      local found = C.ra_image_format_text(i - 1, what)
      return found ~= nil and ffi.string(found) or "-" -- a codec may leave out what it does not do
    end
    local extensions = {}
    for e in text(C.RA_FORMAT_EXTENSIONS):gmatch("%S+") do extensions[#extensions + 1] = e end
    list[i] = { name = text(C.RA_FORMAT_NAME), extensions = extensions, reads = text(C.RA_FORMAT_READS), writes = text(C.RA_FORMAT_WRITES) }
  end
  return list
end

--- All extensions that are read, in one list.
function image.extensions()
  local list = {}
  for _, f in ipairs(image.formats()) do for _, e in ipairs(f.extensions) do list[#list + 1] = e end end
  return list
end

--- True if a name has an extension of an image format (a file's format is decided by its content).
function image.is_name(name)
  local lower = name:lower()
  for _, e in ipairs(image.extensions()) do if #lower > #e + 1 and lower:sub(-#e - 1) == "." .. e then return true end end
  return false
end

--- The contiguous tensor that the core's filters need.
local function dense(t, who)
  if not tensor.is(t) then error(("image.%s: wants a tensor, got %s"):format(who, options.show(t)), 3) end
  ffi.make_room(4 * t.size)
  return C.ra_tensor_contiguous(t) and t or t:clone()
end

--- A result of the core, or an error two calls up: filters only fail on wrong use (or lack of memory).
local function filtered(pointer)
  local t, err = tensor.wrap(pointer)
  if not t then error(err, 3) end
  return t
end

-- ---- masks ----

--- A report (from image.load_mask or a loader's mask_report) as a table; field warning describes unexpected values, or is nil.
function image.mask_report(report, path)
  local r = { histogram = {} }
  for _, key in ipairs { "pixels", "ones", "threshold", "low", "high", "between", "coloured" } do r[key] = report[key] end
  for i = 1, 16 do r.histogram[i] = report.histogram[i - 1] end
  local odd = {}
  if r.between > 0 then
    local bins = {}
    for i, n in ipairs(r.histogram) do
      if n > 0 then bins[#bins + 1] = ("%d-%d: %d"):format(16 * i - 16, 16 * i - 1, n) end
    end
    odd[1] = ("%d of %d pixels are neither %.4g nor %.4g; values of 0..255 at or above %.4g count as foreground (pixels by value: %s)")
      :format(r.between, r.pixels, r.low, r.high, r.threshold, table.concat(bins, ", "))
  end
  if r.coloured > 0 then odd[#odd + 1] = ("%d pixels are coloured, their mean was used"):format(r.coloured) end
  if r.low == r.high then
    odd[#odd + 1] = ("all pixels have the value %.4g, so the mask is all %d"):format(r.low, r.ones > 0 and 1 or 0)
  end
  if #odd > 0 then r.warning = ("mask%s: %s"):format(path and " " .. path or "", table.concat(odd, "; ")) end
  return r
end

local mask_schema = {
  threshold = { type = "number", default = 128, help = "values of 0..255 (whatever the depth) at or above it become 1" },
}

--- A mask [H,W] of 0 and 1 and its report; look at report.warning. Option threshold = 128.
function image.load_mask(path, given)
  local o = options.check(given, mask_schema, "image.load_mask")
  local report = ffi.new("ra_mask_report")
  local t, err = tensor.wrap(C.ra_mask_load(path, o.threshold, report))
  if not t then return nil, err end
  return t, image.mask_report(report, path)
end

-- ---- filters: x is [H,W] or [C,H,W], the result is new and of the same rank ----

local methods_of_resize = { auto = C.RA_RESIZE_AUTO, bilinear = C.RA_RESIZE_BILINEAR, area = C.RA_RESIZE_AREA,
  nearest = C.RA_RESIZE_NEAREST }
local resize_schema = {
  [1] = { type = "integer", name = "height", min = 1, required = true },
  [2] = { type = "integer", name = "width", min = 1, required = true },
  method = { type = "string", default = "auto", one_of = { "auto", "bilinear", "area", "nearest" },
    help = "auto: area where it shrinks, bilinear where it grows; nearest for masks" },
}

--- image.resize(x, {H, W, method = "auto"})
function image.resize(x, given)
  local o = options.check(given, resize_schema, "image.resize")
  return filtered(C.ra_image_resize(dense(x, "resize"), o[1], o[2], methods_of_resize[o.method]))
end

local blur_schema = { sigma = { type = "number", required = true, min = 0, max = 128, help = "pixels" } }

--- Gaussian, edges repeated: image.blur(x, {sigma = 2})
function image.blur(x, given)
  local o = options.check(given, blur_schema, "image.blur")
  return filtered(C.ra_image_blur(dense(x, "blur"), o.sigma))
end

local clahe_schema = {
  tiles = { type = "integer", default = 8, min = 1, max = 64, help = "per side" },
  clip = { type = "number", default = 2, min = 0, help = "in means of a bin; 0: no clipping" },
}

--- Contrast limited adaptive histogram equalisation: image.clahe(x, {tiles = 8, clip = 2})
function image.clahe(x, given)
  local o = options.check(given, clahe_schema, "image.clahe")
  return filtered(C.ra_image_clahe(dense(x, "clahe"), o.tiles, o.clip))
end

local frangi_schema = {
  scales = { type = "table", default = { 1, 1.5, 2, 2.5, 3, 4 }, help = "standard deviations of the Gaussian, in pixels; about half a vessel's width" },
  beta = { type = "number", default = 0.5, above = 0, help = "of the ratio of curvatures" },
  c = { type = "number", default = 0.05, min = 0,
    help = "of the strength, in grey values; 0: half the largest Hessian norm of each scale, which one bright edge can spoil" },
  dark = { type = "boolean", default = true, help = "true for dark vessels on a bright background" },
}

--- Vesselness of Frangi et al. (MICCAI 1998) in 0..1; x has one channel.
function image.frangi(x, given)
  local o = options.check(given, frangi_schema, "image.frangi")
  local scales = ffi.new("double[?]", math.max(1, #o.scales))
  for i, s in ipairs(o.scales) do
    if type(s) ~= "number" then error("image.frangi: scales are numbers, got " .. options.show(s), 2) end
    scales[i - 1] = s
  end
  return filtered(C.ra_image_frangi(dense(x, "frangi"), scales, #o.scales, o.beta, o.c, o.dark))
end

local grey_schema = { method = { type = "string", default = "bt601", one_of = { "bt601", "green", "mean" } } }
local grey_methods = { bt601 = C.RA_GREY_BT601, green = C.RA_GREY_GREEN, mean = C.RA_GREY_MEAN }

--- One channel from three (ITU-R BT.601 luma, the green channel, or the mean); one channel is copied.
function image.grey(x, given)
  local o = options.check(given, grey_schema, "image.grey")
  return filtered(C.ra_image_grey(dense(x, "grey"), grey_methods[o.method]))
end

--- 1 where x is at or above the threshold, else 0.
function image.threshold(x, threshold)
  if type(threshold) ~= "number" then error("image.threshold: wants a number, given " .. options.show(threshold), 2) end
  return filtered(C.ra_image_threshold(dense(x, "threshold"), threshold))
end

local decide_schema = { threshold = { type = "number", default = 0.5 }, low = { type = "number" }, smallest = { type = "integer", min = 0, default = 0 } }

--- The mask of a probability by hysteresis, without small regions: { threshold = 0.5, low = threshold, smallest = 0 }. 1 in the 8-connected
-- regions of pixels at or above `low` that hold one at or above `threshold` and have at least `smallest` pixels.
function image.decide(p, given)
  local o = options.check(given, decide_schema, "image.decide")
  return filtered(C.ra_image_decide(dense(p, "decide"), o.threshold, o.low or o.threshold, o.smallest))
end

--- x mirrored or turned by a multiple of 90 degrees: one of the 8 orientations of EXIF (1: as it is, 2: mirrored, 3: by 180 degrees, 4:
-- upside down, 5 to 8: rows and columns changed places; 6 and 8 undo each other, the others themselves).
function image.turn(x, orientation)
  if type(orientation) ~= "number" then error("image.turn: wants a number from 1 to 8, given " .. options.show(orientation), 2) end
  return filtered(C.ra_image_turn(dense(x, "turn"), orientation))
end

local normalise_schema = { to = { type = "string", default = "range", one_of = { "range", "deviation" } } }

--- Each channel to 0..1 (to = "range") or to mean 0 and standard deviation 1 (to = "deviation").
function image.normalise(x, given)
  local o = options.check(given, normalise_schema, "image.normalise")
  return filtered(C.ra_image_normalise(dense(x, "normalise"),
    o.to == "range" and C.RA_NORMALISE_RANGE or C.RA_NORMALISE_DEVIATION))
end

-- ---- tiles ----

--- First pixels (0-based) of tiles of `tile` pixels that cover n pixels and overlap by about half.
function image.tile_starts(n, tile)
  local first = ffi.new("int32_t[?]", C.ra_tile_starts(n, tile, nil))
  local list = {}
  for i = 1, C.ra_tile_starts(n, tile, first) do list[i] = first[i - 1] end
  return list
end

--- Blends a tile's values p [h,w] into sum and weight [H,W] at (top, left), 0-based; the result is sum / weight.
function image.tile_add(sum, weight, p, top, left)
  if C.ra_tile_add(sum, weight, dense(p, "tile_add"), top, left) ~= 0 then error(ffi.message(), 2) end
end

return image
