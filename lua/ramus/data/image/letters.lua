--- Letters for legends in pictures: glyphs of 5 x 8 pixels, drawn into a tensor [3,H,W].
--   letters.draw(picture, "stem", top, left, { scale = 1, colour = { 1, 1, 1 } })    first pixel 0-based; returns the width in pixels
--   letters.width("stem", scale), letters.HEIGHT
--   letters.readable("静脉", 2)     "2": what can be drawn in the place of a name
local ffi = require "ramus.base.ffi"

local letters = { HEIGHT = 8, ADVANCE = 6 }

--- Rows from the top, 5 bits each, in hexadecimal; the last row is for what hangs below the line.
local GLYPHS = {
  [" "] = "0000000000000000", ["!"] = "0404040404000400", ['"'] = "0A0A000000000000", ["#"] = "0A1F0A0A1F0A0000",
  ["%"] = "1819020408131300", ["&"] = "0C120C1512110E00", ["'"] = "0404000000000000", ["("] = "0204080808040200",
  [")"] = "0804020202040800", ["*"] = "000A041F040A0000", ["+"] = "0004041F04040000", [","] = "0000000000060408",
  ["-"] = "0000001F00000000", ["."] = "0000000000060600", ["/"] = "0102020408081000", [":"] = "0006060006060000",
  [";"] = "0006060006040800", ["<"] = "0204081008040200", ["="] = "00001F001F000000", [">"] = "0804020102040800",
  ["?"] = "0E11010204000400", ["@"] = "0E11171517100E00", ["["] = "0E08080808080E00", ["]"] = "0E02020202020E00",
  ["_"] = "000000000000001F", ["|"] = "0404040404040400", ["~"] = "0000081502000000", ["$"] = "040F140E051E0400",
  ["\\"] = "1008080402020100", ["^"] = "040A110000000000", ["`"] = "0804000000000000", ["{"] = "0204040804040200", ["}"] = "0804040204040800",
  ["0"] = "0E11131519110E00", ["1"] = "040C040404040E00", ["2"] = "0E11010204081F00", ["3"] = "0E11010601110E00",
  ["4"] = "02060A121F020200", ["5"] = "1F101E0101110E00", ["6"] = "0608101E11110E00", ["7"] = "1F01020404040400",
  ["8"] = "0E11110E11110E00", ["9"] = "0E11110F01020C00",
  A = "0E11111F11111100", B = "1E11111E11111E00", C = "0E11101010110E00", D = "1C12111111121C00", E = "1F10101E10101F00",
  F = "1F10101E10101000", G = "0E11101713110E00", H = "1111111F11111100", I = "0E04040404040E00", J = "0702020202120C00",
  K = "1112141814121100", L = "1010101010101F00", M = "111B151511111100", N = "1119151311111100", O = "0E11111111110E00",
  P = "1E11111E10101000", Q = "0E11111115120D00", R = "1E11111E14121100", S = "0E11100E01110E00", T = "1F04040404040400",
  U = "1111111111110E00", V = "11111111110A0400", W = "1111111515150A00", X = "11110A040A111100", Y = "11110A0404040400",
  Z = "1F01020408101F00",
  a = "00000E010F110F00", b = "10101E1111111E00", c = "00000E1110110E00", d = "01010F1111110F00", e = "00000E111F100E00",
  f = "0609081C08080800", g = "00000F11110F010E", h = "1010161911111100", i = "04000C0404040E00", j = "020006020202120C",
  k = "1010121418141200", l = "0C04040404040E00", m = "00001A1515151500", n = "0000161911111100", o = "00000E1111110E00",
  p = "00001E11111E1010", q = "00000F11110F0101", r = "0000161910101000", s = "00000F100E011E00", t = "08081C0808090600",
  u = "0000111111130D00", v = "00001111110A0400", w = "0000111115150A00", x = "0000110A040A1100", y = "00001111110F010E",
  z = "00001F0204081F00",
}

--- The characters of a text; what has no glyph, and every character outside ASCII, is a question mark.
local function characters(text)
  local list = {}
  for c in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do list[#list + 1] = GLYPHS[c] or GLYPHS["?"] end
  return list
end

--- A name as it can be drawn: itself where all its characters have glyphs, else its number and what can be read of it.
function letters.readable(name, number)
  local missing = false
  local kept = name:gsub("[%z\1-\127\194-\244][\128-\191]*", function(c)
    if GLYPHS[c] then return nil end
    missing = true
    return c:byte() < 128 and "?" or ""
  end)
  if not missing then return name end
  return (("%d %s"):format(number, kept):gsub("%s+$", ""))
end

--- Pixels along the line.
function letters.width(text, scale) return math.max(0, #characters(text) * letters.ADVANCE - 1) * (scale or 1) end

--- Fills the rectangle from (top, left), as far as it lies inside.
function letters.fill(picture, top, left, height, width, colour)
  local H, W, data = picture.dim[1], picture.dim[2], ffi.data(picture)
  for c = 0, 2 do
    for y = math.max(top, 0), math.min(top + height, H) - 1 do
      for x = math.max(left, 0), math.min(left + width, W) - 1 do data[(c * H + y) * W + x] = colour[c + 1] end
    end
  end
end

function letters.draw(picture, text, top, left, given)
  local scale, colour = given.scale or 1, given.colour or { 1, 1, 1 }
  for i, glyph in ipairs(characters(text)) do
    for row = 0, letters.HEIGHT - 1 do
      local bits = tonumber(glyph:sub(2 * row + 1, 2 * row + 2), 16)
      for column = 0, 4 do
        if math.floor(bits / 2 ^ (4 - column)) % 2 == 1 then
          letters.fill(picture, top + row * scale, left + ((i - 1) * letters.ADVANCE + column) * scale, scale, scale, colour)
        end
      end
    end
  end
  return letters.width(text, scale)
end

return letters
