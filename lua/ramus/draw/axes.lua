--- A panel of lines: its scale, axes, lines, legend. `pen` draws: svg.lua as text of an SVG, raster.lua into a picture. A line is
-- { name =, points = { { x, y }, .. }, colour =, dash = [opt] }, a box { x =, y =, w =, h = } in pixels.
local svg = require "ramus.draw.svg"

local axes = {}

local LOWEST = 1e-10 -- where a value of 0 is drawn on a logarithmic scale

--- Places in a box: x of a first coordinate, y of a value or, with given.log, of its logarithm. given.first: where x begins, the least
-- unless given; given.last: where it ends at least.
function axes.scale(lines, box, given)
  local low, high, first, last = math.huge, -math.huge, given.first or math.huge, given.last or -math.huge
  local log = given.log
  for _, l in ipairs(lines) do
    for _, p in ipairs(l.points) do
      local v = log and math.log10(math.max(p[2], LOWEST)) or p[2]
      low, high, last = math.min(low, v), math.max(high, v), math.max(last, p[1])
      if not given.first then first = math.min(first, p[1]) end
    end
  end
  if low > high then low, high = 0, 1 end
  if first > last then first, last = 0, 1 end
  if first == last then first, last = first - 0.5, last + 0.5 end
  if log then low, high = math.floor(low), math.ceil(high) end
  if high - low < 1e-9 * math.max(1, math.abs(high)) then low, high = low - 0.5, high + 0.5 end
  return { low = low, high = high, first = first, last = last, log = log,
    x = function(e) return box.x + box.w * (e - first) / (last - first) end,
    y = function(v) return box.y + box.h * (1 - ((log and math.log10(math.max(v, LOWEST)) or v) - low) / (high - low)) end }
end

--- Round numbers between low and high, about `count` of them; whole ones only where `whole`.
function axes.marks(low, high, count, whole)
  local step, marks = svg.step(high - low, count), {}
  if whole then step = math.max(1, step) end
  for k = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do marks[#marks + 1] = k == 0 and 0 or k * step end
  return marks
end

--- The marks of the y axis, as they lie on the scale, and their texts.
function axes.y_marks(scale, count)
  local marks, texts = {}, {}
  if not scale.log then marks = axes.marks(scale.low, scale.high, count)
  else
    local step = math.max(1, math.ceil((scale.high - scale.low) / (count - 1)))
    for k = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9) do marks[#marks + 1] = k * step end
    if 10 ^ scale.low <= LOWEST * 1.01 and marks[1] > scale.low + 1 then table.insert(marks, 1, scale.low) end
  end
  for i, v in ipairs(marks) do
    texts[i] = scale.log and (10 ^ v <= LOWEST * 1.01 and "0" or ("1e%d"):format(v)) or ("%g"):format(tonumber(("%.6g"):format(v)))
  end
  return marks, texts
end

--- Marks and grid lines. x_marks: places with a number below, the ends unless given.
function axes.draw(pen, out, scale, box, x_marks)
  local marks, texts = axes.y_marks(scale, 5)
  for i, v in ipairs(marks) do
    local y = box.y + box.h * (1 - (v - scale.low) / (scale.high - scale.low))
    out[#out + 1] = pen.line(box.x, y, box.x + box.w, y, "#DDDDDD")
    out[#out + 1] = pen.text(box.x - 6, y + 4, texts[i], ' text-anchor="end" class="s"')
  end
  for _, e in ipairs(x_marks or { scale.first, scale.last }) do
    out[#out + 1] = pen.text(scale.x(e), box.y + box.h + 15, ("%g"):format(tonumber(("%.6g"):format(e))), ' text-anchor="middle" class="s"')
  end
end

function axes.lines(pen, out, lines, scale)
  for _, l in ipairs(lines) do
    local points = {}
    for i, p in ipairs(l.points) do points[i] = { scale.x(p[1]), scale.y(p[2]) } end
    out[#out + 1] = pen.path(points, l.colour, l.dash)
  end
end

--- Names of lines with their colours, in columns below the panels; returns where it ends.
function axes.legend(pen, out, lines, left, top, width)
  local x, y = left, top
  for _, l in ipairs(lines) do
    local needed = 44 + 6.6 * svg.length(l.name)
    if x > left and x + needed > left + width then x, y = left, y + 18 end
    out[#out + 1] = pen.path({ { x, y - 4 }, { x + 22, y - 4 } }, l.colour, l.dash)
    out[#out + 1] = pen.text(x + 28, y, l.name, ' class="s"')
    x = x + needed
  end
  return y + 18
end

return axes
