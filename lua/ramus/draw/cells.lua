--- A picture as characters of a terminal: half blocks, two pixels to a character, or signs by brightness.
local ffi = require "ramus.base.ffi"

local cells = {}

local floor, min, max = math.floor, math.min, math.max

local function byte(v) return v == v and floor(min(max(v, 0), 1) * 255 + 0.5) or 0 end

--- The value of step i (0 to 5) of the cube of 6 x 6 x 6 colours that terminals have from number 16 on.
local function cube(i) return i == 0 and 0 or 55 + 40 * i end

local function step(v) return v < 48 and 0 or v < 115 and 1 or min(5, floor((v - 35) / 40)) end

--- The number of the nearest of a terminal's 256 colours, of its cube and its greys.
function cells.nearest(r, g, b)
  local i, j, k = step(r), step(g), step(b)
  local grey = max(0, min(23, floor((r + g + b) / 30 - 0.3))) -- 8, 18, .. 238
  local level = 8 + 10 * grey
  local function away(x, y, z) return (r - x) ^ 2 + (g - y) ^ 2 + (b - z) ^ 2 end
  if away(level, level, level) < away(cube(i), cube(j), cube(k)) then return 232 + grey end
  return 16 + 36 * i + 6 * j + k
end

--- The parameters of a colour in an escape sequence: 38 the letter's, 48 the ground's.
local function colour_of(what, r, g, b, colours)
  if colours == 24 then return ("%d;2;%d;%d;%d"):format(what, r, g, b) end
  return ("%d;5;%d"):format(what, cells.nearest(r, g, b))
end

--- A text in a colour { r, g, b } of 0..255; as it is where there are none.
function cells.coloured(text, rgb, colours)
  if colours == 0 then return text end
  return ("\27[%sm%s\27[0m"):format(colour_of(38, rgb[1], rgb[2], rgb[3], colours), text)
end

--- Lines of half blocks of a picture [3,H,W] in 0..1; an odd last row has no ground.
function cells.blocks(picture, colours)
  local H, W, data, lines = picture.dim[1], picture.dim[2], ffi.data(picture), {}
  local function at(y, x, what)
    local i = y * W + x
    return colour_of(what, byte(data[i]), byte(data[H * W + i]), byte(data[2 * H * W + i]), colours)
  end
  for y = 0, H - 1, 2 do
    local parts, before = {}, nil
    for x = 0, W - 1 do
      local now = at(y, x, 38) .. ";" .. (y + 1 < H and at(y + 1, x, 48) or "49")
      if now ~= before then parts[#parts + 1] = "\27[" .. now .. "m" end
      parts[#parts + 1], before = "▀", now
    end
    lines[#lines + 1] = table.concat(parts) .. "\27[0m"
  end
  return lines
end

local RAMP = " .:-=+*%"

--- Lines of signs by brightness; marks: [opt] a plane [H,W], '#' where it is at or above 0.5.
function cells.signs(picture, marks)
  local H, W, data, lines = picture.dim[1], picture.dim[2], ffi.data(picture), {}
  local marked = marks and ffi.data(marks)
  for y = 0, H - 1 do
    local signs = {}
    for x = 0, W - 1 do
      local i = y * W + x
      local v = 0.299 * byte(data[i]) + 0.587 * byte(data[H * W + i]) + 0.114 * byte(data[2 * H * W + i])
      local k = min(#RAMP, 1 + floor(v / 256 * #RAMP))
      signs[x + 1] = marked and marked[i] >= 0.5 and "#" or RAMP:sub(k, k)
    end
    lines[#lines + 1] = table.concat(signs)
  end
  return lines
end

return cells
