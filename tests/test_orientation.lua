--- Orientation: all eight values of EXIF, in every format that has them, for images and masks alike; damaged EXIF data.
local check = require "check"
local bit = require "bit"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local loader = require "ramus.data.loader"
local ra = require "ramus"

local folder = check.folder "orientation"
local here = check.root .. "/tests/reference/image"

--- The rows of the image "abc", "def" as they are seen, by orientation.
local SEEN = { { "abc", "def" }, { "cba", "fed" }, { "fed", "cba" }, { "def", "abc" },
  { "ad", "be", "cf" }, { "da", "eb", "fc" }, { "fc", "eb", "da" }, { "cf", "be", "ad" } }

local function crc32(text)
  local crc = 0xffffffff
  for i = 1, #text do
    crc = bit.bxor(crc, text:byte(i))
    for _ = 1, 8 do crc = bit.bxor(bit.rshift(crc, 1), bit.band(crc, 1) ~= 0 and 0xedb88320 or 0) end
  end
  return bit.bnot(crc)
end

local function big(n)
  local function byte(shift) return bit.band(bit.rshift(n, shift), 255) end
  return string.char(byte(24), byte(16), byte(8), byte(0))
end

--- EXIF data with the orientation as the second entry of its folder.
local function exif(n, little)
  local function number(v, bytes)
    local text = big(v):sub(5 - bytes)
    return little and text:reverse() or text
  end
  local function entry(tag, value) return number(tag, 2) .. number(3, 2) .. number(1, 4) .. number(value, 2) .. number(0, 2) end
  return (little and "II" or "MM") .. number(42, 2) .. number(8, 4) .. number(2, 2) .. entry(0x0103, 6) .. entry(0x0112, n) .. number(0, 4)
end

--- A PNG with a chunk eXIf behind its header, or behind its pixels.
local function with_exif(png, data, last)
  local chunk = big(#data) .. "eXIf" .. data .. big(crc32("eXIf" .. data))
  local at = last and #png - 12 or 33
  return png:sub(1, at) .. chunk .. png:sub(at + 1)
end

local function jpeg_with(jpeg, data)
  local n = #data + 8
  return jpeg:sub(1, 2) .. "\255\225" .. string.char(bit.rshift(n, 8), bit.band(n, 255)) .. "Exif\0\0" .. data .. jpeg:sub(3)
end

local function save(name, bytes)
  assert(files.write(folder .. "/" .. name, bytes))
  return folder .. "/" .. name
end

--- Rows of letters from a tensor [1,H,W] of values (1 to 6) / 255.
local function letters(t)
  local rows = {}
  for y = 1, t.shape[2] do
    local row = {}
    for x = 1, t.shape[3] do row[x] = string.char(96 + math.floor(t.data[(y - 1) * t.shape[3] + x - 1] * 255 + 0.5)) end
    rows[y] = table.concat(row)
  end
  return table.concat(rows, "/")
end

local plain = ra.zeros(1, 2, 3)
for i = 0, 5 do plain.data[i] = (i + 1) / 255 end
assert(ra.image.save(folder .. "/plain.png", plain))
local png = files.read(folder .. "/plain.png")

check.case("orientation: all eight values, big and little endian, before and behind the pixels", function()
  for n, rows in ipairs(SEEN) do
    for variant = 0, 3 do
      local path = save("p.png", with_exif(png, exif(n, variant % 2 == 1), variant >= 2))
      local t, info = ra.image.load(path)
      check.ok(t, info)
      check.equal(letters(t), table.concat(rows, "/"), "orientation " .. n)
      check.equal(info.orientation, n)
      local header = assert(ra.image.info(path))
      check.equal(header.height .. "x" .. header.width, #rows .. "x" .. #rows[1])
    end
  end
  for _, n in ipairs { 0, 9, 274 } do
    check.equal(letters(assert(ra.image.load(save("p.png", with_exif(png, exif(n)))))), "abc/def", n .. " is no orientation")
  end
end)

check.case("orientation: a mask, its alpha and its palette are turned as the image is", function()
  local rgba = ra.image.load(here .. "/rgb_alpha16.png")
  local turned, info = ra.image.load(save("rgba.png", with_exif(files.read(here .. "/rgb_alpha16.png"), exif(6))))
  local H, W = rgba.shape[2], rgba.shape[3]
  check.equal(table.concat(turned.shape, ","), ("3,%d,%d"):format(W, H), tostring(info))
  for c = 0, 2 do
    for y = 0, W - 1 do
      for x = 0, H - 1 do check.equal(turned.data[(c * W + y) * H + x], rgba.data[(c * H + H - 1 - x) * W + y]) end
    end
  end
  for name, source in pairs { palette4 = { values = { { 0, 7, 0 }, { 8, 255, 1 } } }, grey_alpha8 = { channel = 4, threshold = 100 } } do
    local bytes = files.read(("%s/%s.png"):format(here, name))
    local function mask(path)
      source.path = path
      return assert(loader.one({ id = "m", image = path, mask = source }, { fields = { "image", "mask" } })).fields.mask
    end
    local straight, on_head = mask(save("m.png", bytes)), mask(save("m.png", with_exif(bytes, exif(3))))
    local ones = straight:stats().mean
    check.ok(ones > 0 and ones < 1, name .. " holds both")
    for i = 0, straight.size - 1 do check.equal(on_head.data[i], straight.data[straight.size - 1 - i], name) end
  end
end)

check.case("orientation: JPEG, whose spacing is turned too", function()
  local jpeg = files.read(here .. "/rgb.jpg")
  local t, info = ra.image.load(save("a.jpg", jpeg_with(jpeg, exif(8))))
  local was, before = ra.image.load(here .. "/rgb.jpg")
  check.equal(table.concat(t.shape, ","), ("3,%d,%d"):format(was.shape[3], was.shape[2]))
  local H, W = was.shape[2], was.shape[3]
  for y = 0, W - 1 do for x = 0, H - 1 do check.equal(t.data[y * H + x], was.data[x * W + W - 1 - y]) end end
  check.equal(info.spacing and info.spacing[1], before.spacing and before.spacing[2])
end)

check.case("orientation: EXIF data cut or changed anywhere is no orientation, or one, and never a crash", function()
  local data = exif(6, true)
  for n = 0, #data do
    local t = assert(ra.image.load(save("cut.png", with_exif(png, data:sub(1, n)))))
    check.ok(letters(t) == "abc/def" or letters(t) == "da/eb/fc", n)
  end
  for at = 1, #data do
    for _, byte in ipairs { "\0", "\1", "\127", "\255" } do
      local changed = data:sub(1, at - 1) .. byte .. data:sub(at + 1)
      check.equal(assert(ra.image.load(save("changed.png", with_exif(png, changed)))).size, 6)
      check.ok(ra.image.load(save("changed.jpg", jpeg_with(files.read(here .. "/grey.jpg"), changed))))
    end
  end
end)

check.case("orientation: it is said once, by a set and by predict", function()
  local images, masks = folder .. "/set/images", folder .. "/set/masks"
  assert(files.make_folder(images))
  assert(files.make_folder(masks))
  for i = 1, 8 do
    local picture, mask = ra.zeros(32, 40), ra.zeros(32, 40)
    assert(ffi.C.ra_phantom(picture, mask, 3, i) == 0)
    assert(ra.image.save_all { { ("%s/%d.png"):format(images, i), picture }, { ("%s/%d.png"):format(masks, i), mask } })
    if i == 2 or i == 7 then
      for _, at in ipairs { images, masks } do
        local path = ("%s/%d.png"):format(at, i)
        assert(files.write(path, with_exif(files.read(path), exif(5))))
      end
    end
  end
  local pairs_of = require "ramus.data.dataset".pair
  local samples = assert(pairs_of(folder .. "/set", { image = { "images", "^(.+)%.png$" }, mask = { "masks", "^(.+)%.png$" } }))
  local said = {}
  local out = require "ramus.base.progress".new { quiet = true }
  out.warn = function(self, text, kind)
    if kind and self.said[kind] then return end
    if kind then self.said[kind] = true end
    said[#said + 1] = text
  end
  local set = { name = "made", samples = samples, splits = { train = samples }, definition = {}, reading = {} }
  assert(require("ramus.data.verdict").check(set, { "train" }, { train = "train", out = out }))
  local turned = {}
  for _, text in ipairs(said) do if text:find("EXIF", 1, true) then turned[#turned + 1] = text end end
  check.equal(#turned, 1)
  check.ok(turned[1]:find("4 files of the set were turned", 1, true), turned[1])
  local one = assert(loader.one(samples[2], { fields = { "image", "mask" } }))
  check.equal(table.concat(one.fields.mask.shape, ","), "1,1,40,32")
  local model, lines = ra.model(function(x) return ra.F.affine(x, { scale = 20, shift = -10 }) end), {}
  said, out.said = {}, {}
  out.line = function(_, text) lines[#lines + 1] = text end
  assert(ra.predict(model, images, { output = folder .. "/predictions", out = out }))
  check.equal(#said, 1, table.concat(said, "; "))
  check.ok(said[1]:find("2.png was turned as the orientation in EXIF says (5)", 1, true), said[1])
  check.equal(table.concat(assert(ra.image.load(folder .. "/predictions/2_mask.png")).shape, ","), "1,40,32", "the results lie as the image is seen")
end)

check.case("orientation: running out of memory while turning loses nothing", function()
  local path, C = save("p.png", with_exif(png, exif(6))), ffi.C
  collectgarbage()
  local before, n = C.ra_mem_live(), 0
  repeat
    C.ra_mem_fail_after(n)
    local t = ra.image.load(path)
    C.ra_mem_fail_after(-1)
    n = n + 1
  until t or n > 100
  check.ok(n > 3 and n < 100, "allocations: " .. n)
  collectgarbage()
  collectgarbage()
  check.equal(C.ra_mem_live(), before)
end)
