--- Lines as characters: a canvas of braille, 2 x 4 dots to a character, each character in the colour of the line that was drawn last; or a
-- sign for each line.
local cells = require "ramus.draw.cells"

local canvas = {}
local Canvas = {}
Canvas.__index = Canvas

--- Bits of the dots of a braille character, by row and column.
local BITS = { [0] = { [0] = 1, 8 }, { [0] = 2, 16 }, { [0] = 4, 32 }, { [0] = 64, 128 } }

--- A canvas of columns x rows characters.
function canvas.new(columns, rows) return setmetatable({ columns = columns, rows = rows, bits = {}, owner = {} }, Canvas) end

--- A dot, from the left and from the top, from 0.
function Canvas:dot(x, y, owner)
  if x < 0 or y < 0 or x >= 2 * self.columns or y >= 4 * self.rows then return end
  local at = math.floor(y / 4) * self.columns + math.floor(x / 2)
  local bit, have = BITS[y % 4][x % 2], self.bits[at] or 0
  if math.floor(have / bit) % 2 == 0 then self.bits[at] = have + bit end
  self.owner[at] = owner
end

--- A straight line between two dots (Bresenham).
function Canvas:line(x1, y1, x2, y2, owner)
  local dx, dy = math.abs(x2 - x1), -math.abs(y2 - y1)
  local sx, sy = x1 < x2 and 1 or -1, y1 < y2 and 1 or -1
  local away = dx + dy
  while true do
    self:dot(x1, y1, owner)
    if x1 == x2 and y1 == y2 then return end
    local twice = 2 * away
    if twice >= dy then away, x1 = away + dy, x1 + sx end
    if twice <= dx then away, y1 = away + dx, y1 + sy end
  end
end

--- The character of a number of the Braille block.
local function braille(bits)
  if bits == 0 then return " " end
  return string.char(0xE2, 0xA0 + math.floor(bits / 64), 0x80 + bits % 64)
end

--- The lines of text. colours: as of cells.coloured; rgb(owner), sign(owner): its colour; what stands for it in the place of braille, or nil.
function Canvas:text(colours, rgb, sign)
  local lines = {}
  for row = 0, self.rows - 1 do
    local parts, run, before = {}, {}, nil
    local function put()
      local text = table.concat(run)
      parts[#parts + 1] = before and cells.coloured(text, rgb(before), colours) or text
    end
    for column = 0, self.columns - 1 do
      local at = row * self.columns + column
      local owner = self.owner[at]
      if owner ~= before then
        put()
        run, before = {}, owner
      end
      run[#run + 1] = owner and (sign(owner) or braille(self.bits[at])) or " "
    end
    put()
    lines[row + 1] = table.concat(parts)
  end
  return lines
end

return canvas
