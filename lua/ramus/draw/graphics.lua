--- A picture [3,H,W] in 0..1 as bytes: PNG, kitty's graphics protocol, sixels.
local base64 = require "ramus.base.base64"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"

local graphics = {}

local floor, min, max = math.floor, math.min, math.max

--- The bytes of a PNG. The core writes files: one aside is written and read.
function graphics.png(picture)
  local aside = os.tmpname()
  local path = aside .. ".png"
  local ok, err = image.save(path, picture)
  local bytes
  if ok then bytes, err = files.read(path) end
  os.remove(path)
  os.remove(aside)
  return bytes or error("a picture cannot be written aside: " .. tostring(err), 0)
end

local PIECE = 4096 -- characters of one kitty command

--- Kitty's protocol: a PNG, shown where the cursor is, in pieces; the terminal is told not to answer (q = 2).
function graphics.kitty(picture)
  local text, parts = base64.encode(graphics.png(picture)), {}
  for at = 1, #text, PIECE do
    local more = at + PIECE <= #text and 1 or 0
    parts[#parts + 1] = ("\27_G%sm=%d;%s\27\\"):format(at == 1 and "a=T,f=100,q=2," or "", more, text:sub(at, at + PIECE - 1))
  end
  return table.concat(parts)
end

-- ---- sixels -----------------------------------------------------------------

--- The palette: 64 greys, then 6 x 6 x 5 colours.
local GREYS, R, G, B = 64, 6, 6, 5

local function byte(v) return v == v and floor(min(max(v, 0), 1) * 255 + 0.5) or 0 end

local function entry_of(r, g, b)
  if max(r, g, b) - min(r, g, b) <= 8 then return floor((r + g + b) / 765 * (GREYS - 1) + 0.5) end
  local function level(v, n) return floor(v / 255 * (n - 1) + 0.5) end
  return GREYS + (level(r, R) * G + level(g, G)) * B + level(b, B)
end

--- Percent of red, green and blue of an entry.
local function percent_of(entry)
  if entry < GREYS then
    local v = floor(100 * entry / (GREYS - 1) + 0.5)
    return v, v, v
  end
  local k = entry - GREYS
  return floor(100 * floor(k / B / G) / (R - 1) + 0.5), floor(100 * (floor(k / B) % G) / (G - 1) + 0.5), floor(100 * (k % B) / (B - 1) + 0.5)
end

--- A line of sixels as text, runs of the same in short. bits: W numbers, from `at` on; out: room for 6 * W bytes.
local function line_of(bits, at, W, out)
  local n, x = 0, 0
  while x < W do
    local b, first = bits[at + x], x
    repeat x = x + 1 until x == W or bits[at + x] ~= b
    local run = x - first
    if run > 3 then
      local text = "!" .. run
      ffi.copy(out + n, text, #text)
      n, run = n + #text, 1
    end
    for _ = 1, run do
      out[n] = 63 + b
      n = n + 1
    end
  end
  return ffi.string(out, n)
end

--- The rows from `top` on, six of them: a line for each entry of the palette that occurs there.
local function band_of(entries, top, H, W, room)
  local n, used, lines = GREYS + R * G * B, {}, {}
  ffi.fill(room.bits, n * W)
  for k = 0, min(5, H - 1 - top) do
    for x = 0, W - 1 do
      local entry = entries[(top + k) * W + x]
      room.bits[entry * W + x] = room.bits[entry * W + x] + 2 ^ k
      used[entry] = true
    end
  end
  for entry = 0, n - 1 do
    if used[entry] then lines[#lines + 1] = ("#%d%s"):format(entry, line_of(room.bits, entry * W, W, room.out)) end
  end
  return table.concat(lines, "$") .. "-"
end

--- DECSIXEL with a palette of its own and square pixels.
function graphics.sixel(picture)
  local H, W, data = picture.dim[1], picture.dim[2], ffi.data(picture)
  local entries, used = ffi.new("uint8_t[?]", H * W), {}
  for i = 0, H * W - 1 do
    entries[i] = entry_of(byte(data[i]), byte(data[H * W + i]), byte(data[2 * H * W + i]))
    used[entries[i]] = true
  end
  local parts = { ('\27P0;1;0q"1;1;%d;%d'):format(W, H) }
  for entry = 0, GREYS + R * G * B - 1 do
    if used[entry] then parts[#parts + 1] = ("#%d;2;%d;%d;%d"):format(entry, percent_of(entry)) end
  end
  local room = { bits = ffi.new("uint8_t[?]", (GREYS + R * G * B) * W), out = ffi.new("uint8_t[?]", 6 * W) }
  for top = 0, H - 1, 6 do parts[#parts + 1] = band_of(entries, top, H, W, room) end
  return table.concat(parts) .. "\27\\"
end

return graphics
