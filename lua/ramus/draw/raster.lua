--- A pen (axes.lua) that draws into a picture [3,H,W], two pixels to a unit: what an SVG of the same figure looks like.
local ffi = require "ramus.base.ffi"
local letters = require "ramus.data.image.letters"
local svg = require "ramus.draw.svg"
local tensor = require "ramus.lang.tensor"

local raster = {}

local UNIT = 2

local function rgb_of(colour)
  local r, g, b = colour:match "^#(%x%x)(%x%x)(%x%x)$"
  return { tonumber(r, 16) / 255, tonumber(g, 16) / 255, tonumber(b, 16) / 255 }
end

--- A straight line of a width, with soft edges: each pixel is covered by how near its middle lies.
local function stroke(picture, x1, y1, x2, y2, width, rgb)
  local H, W, data = picture.dim[1], picture.dim[2], ffi.data(picture)
  local half = width / 2
  local dx, dy = x2 - x1, y2 - y1
  local square = math.max(dx * dx + dy * dy, 1e-9)
  local function clipped(v, most) return math.max(0, math.min(most, math.floor(v))) end
  for y = clipped(math.min(y1, y2) - half - 1, H - 1), clipped(math.max(y1, y2) + half + 1, H - 1) do
    for x = clipped(math.min(x1, x2) - half - 1, W - 1), clipped(math.max(x1, x2) + half + 1, W - 1) do
      local px, py = x + 0.5 - x1, y + 0.5 - y1
      local at = math.max(0, math.min(1, (px * dx + py * dy) / square))
      local covered = half + 0.5 - ((px - at * dx) ^ 2 + (py - at * dy) ^ 2) ^ 0.5
      if covered > 0 then
        covered = math.min(1, covered)
        for c = 0, 2 do
          local i = (c * H + y) * W + x
          data[i] = data[i] + covered * (rgb[c + 1] - data[i])
        end
      end
    end
  end
end

--- A pen with a white picture of width x height units.
function raster.pen(width, height)
  local picture = tensor.ones(3, math.ceil(height) * UNIT, math.ceil(width) * UNIT)
  local pen = { picture = picture, length = svg.length }
  function pen.line(x1, y1, x2, y2, colour)
    stroke(picture, UNIT * x1, UNIT * y1, UNIT * x2, UNIT * y2, UNIT, rgb_of(colour))
    return ""
  end
  function pen.path(points, colour)
    for i = 1, math.max(1, #points - 1) do
      local a, b = points[i], points[i + 1] or points[i]
      if a then stroke(picture, UNIT * a[1], UNIT * a[2], UNIT * b[1], UNIT * b[2], 1.6 * UNIT, rgb_of(colour)) end
    end
    return ""
  end
  function pen.bar(x, y, w, h, colour)
    local left, top = math.floor(UNIT * x + 0.5), math.floor(UNIT * y + 0.5)
    letters.fill(picture, top, left, math.floor(UNIT * (y + h) + 0.5) - top, math.floor(UNIT * (x + w) + 0.5) - left, rgb_of(colour))
    return ""
  end
  function pen.text(x, y, what, more)
    local anchor = (more or ""):match 'text%-anchor="(%a+)"'
    local wide = letters.width(tostring(what), UNIT)
    local left = UNIT * x - (anchor == "end" and wide or anchor == "middle" and wide / 2 or 0)
    letters.draw(picture, tostring(what), math.floor(UNIT * y) - 7 * UNIT, math.floor(left + 0.5), { scale = UNIT, colour = rgb_of(svg.INK) })
    return ""
  end
  return pen
end

return raster
