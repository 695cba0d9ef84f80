--- Files of data sets that tests make up: pictures of noise and masks in the formats of the real ones. No patient's picture.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local tensor = require "ramus.lang.tensor"

local made_up = {}

local function put(path, text)
  assert(files.make_folder((files.split(path))))
  local file = assert(io.open(path, "wb")) -- not files.write: it waits for the disk
  file:write(text)
  file:close()
end
made_up.put = put

--- Calls f while the files of a set have no published sums, which made-up archives cannot have; returns what f does.
function made_up.without_sums(name, f)
  local def = assert(require("ramus.data.dataset").find(name))
  local kept = def.files
  local function bare(list)
    local copies = {}
    for i, file in ipairs(list) do
      copies[i] = {}
      for k, v in pairs(file) do if k ~= "sha256" and k ~= "md5" then copies[i][k] = v end end
    end
    return copies
  end
  def.files = type(kept) == "function" and function(o) return bare(kept(o)) end or bare(kept)
  local a, b = f()
  def.files = kept
  return a, b
end

local scratch
--- The bytes of a picture as one of the formats that Ramus writes.
local function bytes(t, ending)
  scratch = scratch or check.folder("made_up")
  local path = scratch .. "/x" .. ending
  assert(image.save(path, t))
  return assert(files.read(path))
end

local function u16(v) return string.char(v % 256, math.floor(v / 256) % 256) end
local function u32(v) return u16(v % 65536) .. u16(math.floor(v / 65536)) end

--- A baseline TIFF, one strip, 8 bits, no compression.
local function tiff(t)
  local C, H, W = t.shape[1], t.shape[2], t.shape[3]
  local pixels = {}
  for i = 1, H do
    for j = 1, W do
      for c = 1, C do pixels[#pixels + 1] = string.char(math.floor(t:get(c, i, j) * 255 + 0.5)) end
    end
  end
  local data = table.concat(pixels)
  local tags = { { 256, 3, 1, W }, { 257, 3, 1, H }, { 258, 3, C, 8 }, { 259, 3, 1, 1 }, { 262, 3, 1, C == 3 and 2 or 1 }, { 273, 4, 1, 0 },
    { 277, 3, 1, C }, { 278, 3, 1, H }, { 279, 4, 1, #data } }
  local after = 8 + 2 + 12 * #tags + 4
  local bits = C == 3 and u16(8):rep(3) or ""
  if C == 3 then tags[3][4] = after end
  tags[6][4] = after + #bits
  local parts = { "II", u16(42), u32(8), u16(#tags) }
  for _, tag in ipairs(tags) do parts[#parts + 1] = u16(tag[1]) .. u16(tag[2]) .. u32(tag[3]) .. u32(tag[4]) end
  return table.concat(parts) .. u32(0) .. bits .. data
end

--- A GIF of grey values, its codes all of 9 bits: a clear code before the table grows.
local function gif(t)
  local H, W = t.shape[2], t.shape[3]
  local palette = {}
  for v = 0, 255 do palette[v + 1] = string.char(v, v, v) end
  local codes, n = {}, 0
  for i = 1, H do
    for j = 1, W do
      if n % 200 == 0 then codes[#codes + 1] = 256 end
      codes[#codes + 1], n = math.floor(t:get(1, i, j) * 255 + 0.5), n + 1
    end
  end
  codes[#codes + 1] = 257
  local out, hold, count = {}, 0, 0
  for _, code in ipairs(codes) do
    hold, count = hold + code * 2 ^ count, count + 9
    while count >= 8 do out[#out + 1], hold, count = string.char(hold % 256), math.floor(hold / 256), count - 8 end
  end
  if count > 0 then out[#out + 1] = string.char(hold % 256) end
  local data, blocks = table.concat(out), {}
  for at = 1, #data, 255 do
    local block = data:sub(at, at + 254)
    blocks[#blocks + 1] = string.char(#block) .. block
  end
  return "GIF89a" .. u16(W) .. u16(H) .. "\247\0\0" .. table.concat(palette) .. "," .. u16(0):rep(2) .. u16(W) .. u16(H) .. "\0\8"
    .. table.concat(blocks) .. "\0;"
end

local ENCODE = {
  png = function(t) return bytes(t, ".png") end, ppm = function(t) return bytes(t, ".ppm") end, pgm = function(t) return bytes(t, ".pgm") end,
  jpg = function(t) return bytes(t, ".png") end, -- Ramus writes no JPEG; a file's content decides its format
  tif = tiff, gif = gif,
}

--- Writes a tensor [C,H,W] in the format that the path's ending names.
function made_up.save(path, t)
  local ending = path:match("%.(%w+)$"):lower()
  put(path, ENCODE[ending](t))
end

--- A picture of noise, and a mask whose foreground is columns `first` to `first` + 7.
function made_up.picture(path, channels, height, width) made_up.save(path, tensor.rand(channels, height or 16, width or 24)) end
function made_up.mask(path, first, height, width, channels)
  local t = tensor.zeros(channels or 1, height or 16, width or 24)
  t:narrow(3, first, 8):fill(1)
  made_up.save(path, t)
end

--- One field of a sample of an opened set, at the size of its file.
function made_up.field(set, sample, name)
  return assert(loader.one(sample, { fields = { "image", name }, set = set.fields, native = true })).native[name]
end

--- Runs a command of the shell in a folder.
function made_up.shell(folder, command)
  check.equal(os.execute(("cd '%s' && %s"):format(folder, command)), 0, command)
end

return made_up
