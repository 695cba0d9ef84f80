--- What ra.image has to write images with: files, overlays, and both at once. image.lua takes these functions over.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local write = {}

local save_schema = { bits = { type = "integer", default = 8, one_of = { 8, 16 }, help = "per sample" } }

--- The tensor without its leading dimensions of 1. An error two calls up where it is not a tensor.
local function to_save(path, t, who)
  if type(path) ~= "string" then error(who .. ": wants a path, got " .. options.show(path), 3) end
  if not tensor.is(t) then error(who .. ": wants a tensor, got " .. options.show(t), 3) end
  while t.rank > 3 and t.dim[0] == 1 do t = t:narrow(1, 1, 1):clone():reshape(unpack(t.shape, 2)) end
  return t
end

--- Writes [H,W], [1,H,W] or [3,H,W] (also with leading dimensions of 1), clamped to 0..1, as .png, .pgm, .ppm or .pnm;
-- written aside, synced, renamed. Option bits = 8 or 16. Returns true, or nil and a message.
function write.save(path, t, given)
  local x = to_save(path, t, "image.save")
  local o = options.check(given, save_schema, "image.save")
  if C.ra_image_save(path, x, o.bits) ~= 0 then return nil, ffi.message() end
  return true
end

--- The 8-bit samples that image.save would write, as a string: the channels of a pixel beside each other; nil and a message.
function write.samples(t)
  if not tensor.is(t) then error("image.samples: wants a tensor, got " .. options.show(t), 2) end
  local out = ffi.new("uint8_t[?]", math.max(1, t.size))
  if C.ra_image_samples(t, out) ~= 0 then return nil, ffi.message() end
  return ffi.string(out, t.size)
end

--- The text of a PNG's chunk "raMK" before the pixels, as `mark` of image.save_all writes it; nil where there is none, as in a file that
-- another program has written again.
function write.mark(path)
  local file = files.open(path, "rb")
  local head = file and file:read(4096) or ""
  if file then file:close() end
  local at = head:sub(1, 8) == "\137PNG\r\n\26\n" and 9 or #head
  while at + 8 <= #head do -- chunks: length, kind, data, checksum
    local a, b, c, d = head:byte(at, at + 3)
    local length, kind = ((a * 256 + b) * 256 + c) * 256 + d, head:sub(at + 4, at + 7)
    if kind == "IDAT" then return nil end
    if kind == "raMK" then return head:sub(at + 8, at + 7 + length) end
    at = at + 12 + length
  end
end

-- ---- overlays ----

--- Colours of Okabe and Ito (2008), which can be distinguished with any kind of colour vision.
write.colours = {
  hit = { 0.94, 0.89, 0.26 },   -- yellow: foreground, found
  false_ = { 0.84, 0.37, 0.00 }, -- vermilion: found, not foreground
  missed = { 0.34, 0.71, 0.91 }, -- sky blue: foreground, not found
  found = { 0.90, 0.62, 0.00 },  -- orange: found, truth not known
}

local overlay_schema = {
  threshold = { type = "number", default = 0.5, help = "probability at or above which a pixel counts as foreground" },
  alpha = { type = "number", default = 0.65, min = 0, max = 1, help = "strength of the colour" },
}

--- Height and width of a plane or image; leading dimensions of 1 are fine. An error three calls up where it has more.
local function plane(t, who, most)
  if not tensor.is(t) then error(("image.overlay: %s is a tensor, got %s"):format(who, options.show(t)), 4) end
  local leading = 1
  for i = 0, t.rank - 3 do leading = leading * t.dim[i] end
  if t.rank < 2 or not (leading == 1 or leading == most) then
    error(("image.overlay: %s is [H,W]%s, given %s"):format(who, most == 3 and ", [1,H,W] or [3,H,W]" or " or [1,H,W]",
      tensor.shape_text(t)), 4)
  end
  ffi.make_room(4 * t.size)
  return C.ra_tensor_contiguous(t) and t or t:clone(), leading, t.dim[t.rank - 2], t.dim[t.rank - 1]
end

--- What an overlay is made of, checked: image [C,H,W], prediction and truth [opt] [H,W], all contiguous, options, colours [4][3]. Errors two
-- calls up.
local function laid(picture, prediction, truth, given)
  local o = options.check(given, overlay_schema, "image.overlay", 3)
  local x, channels, H, W = plane(picture, "the image", 3)
  local p, _, ph, pw = plane(prediction, "the prediction", 1)
  local y, yh, yw
  if truth ~= nil then
    y, _, yh, yw = plane(truth, "the truth", 1)
  end
  if ph ~= H or pw ~= W or (y and (yh ~= H or yw ~= W)) then
    error(("image.overlay: sizes differ: image %dx%d, prediction %dx%d%s"):format(H, W, ph, pw,
      y and (", truth %dx%d"):format(yh, yw) or ""), 3)
  end
  local colours = ffi.new("double[12]")
  for k, name in ipairs { "hit", "false_", "missed", "found" } do
    for c = 1, 3 do colours[3 * k + c - 4] = write.colours[name][c] end
  end
  return x:reshape(channels, H, W), p:reshape(H, W), y and y:reshape(H, W), o, colours
end

--- An image [3,H,W] with the prediction (probability or mask) painted on it; with the truth given, found, falsely found
-- and missed pixels have colours of their own (image.colours).
function write.overlay(picture, prediction, truth, given)
  local x, p, y, o, colours = laid(picture, prediction, truth, given)
  local laid_over, err = tensor.wrap(C.ra_image_overlay(x, p, y, o.threshold, o.alpha, colours))
  if not laid_over then error(err, 2) end
  return laid_over
end

-- ---- several files ----

local save_all_schema = { bits = save_schema.bits, mark = { type = "string", help = "text of the chunk raMK of a PNG" } }

--- Writes several images, a list of { path, tensor }, by all threads at once; each whole or not at all. { path, tensor, prediction =, truth =,
-- threshold =, alpha = } writes what image.overlay makes of these, without a picture of its own in memory. Option bits as above; mark: ASCII
-- text in a PNG that tells whose file it is (image.mark). Returns true, or nil and the message of the first that failed.
function write.save_all(list, given)
  if type(list) ~= "table" then error("image.save_all: wants a list of { path, tensor }, got " .. options.show(list), 2) end
  local o = options.check(given, save_all_schema, "image.save_all")
  local out, held = ffi.new("ra_image_out[?]", math.max(1, #list)), {} -- a C array keeps nothing alive
  for i, entry in ipairs(list) do
    if type(entry) ~= "table" then error("image.save_all: wants { path, tensor }, got " .. options.show(entry), 2) end
    local one, to = { path = entry[1], x = to_save(entry[1], entry[2], "image.save_all") }, out[i - 1]
    held[i] = one
    if entry.prediction then
      local how, colours
      one.x, one.p, one.y, how, colours = laid(one.x, entry.prediction, entry.truth, { threshold = entry.threshold, alpha = entry.alpha })
      to.threshold, to.alpha, to.colour = how.threshold, how.alpha, colours
    end
    to.path, to.image, to.prediction, to.truth = one.path, one.x, one.p, one.y
  end
  if C.ra_image_save_all(#list, out, o.bits, o.mark) ~= 0 then return nil, ffi.message() end
  return held ~= nil
end

return write
