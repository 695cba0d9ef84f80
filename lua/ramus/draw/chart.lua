--- A chart of lines: as characters, as SVG, as a picture. lines: { name =, points = { { x, y }, .. }, colour = "#RRGGBB", breaks = { [i] = true } }, a
-- break being a gap before point i.
local axes = require "ramus.draw.axes"
local canvas = require "ramus.draw.canvas"
local cells = require "ramus.draw.cells"
local raster = require "ramus.draw.raster"
local svg = require "ramus.draw.svg"

local chart = {}

local HEIGHT, WIDEST = 14, 100 -- characters
local SIGNS = { "*", "o", "x", "+", "#", "@", "%", "=" }

local function rgb_of(colour)
  local r, g, b = colour:match "^#(%x%x)(%x%x)(%x%x)$"
  return { tonumber(r, 16), tonumber(g, 16), tonumber(b, 16) }
end

--- Colours of lines on a dark ground too: light blue goes first, grey stands for what is nearly black.
local ON_DARK = { [svg.BLUE] = "#56B4E9", ["#56B4E9"] = svg.BLUE, [svg.INK] = "#BBBBBB" }

local function visible(colour) return ON_DARK[colour] or colour end

--- Draws the lines on a canvas.
local function draw_lines(c, lines, scale)
  local function place(p) return math.floor(scale.x(p[1]) + 0.5), math.floor(scale.y(p[2]) + 0.5) end
  for k, l in ipairs(lines) do
    for i, p in ipairs(l.points) do
      local x, y = place(p)
      if i > 1 and not (l.breaks and l.breaks[i]) then
        local x0, y0 = place(l.points[i - 1])
        c:line(x0, y0, x, y, k)
      else c:dot(x, y, k) end
    end
  end
end

--- Texts at the left by row, from 0, and their width.
local function y_texts(scale, rows)
  local marks, texts = axes.y_marks(scale, math.max(2, math.min(5, math.floor(rows / 2))))
  local at, width = {}, 0
  for i, v in ipairs(marks) do
    local row = math.floor((1 - (v - scale.low) / (scale.high - scale.low)) * (4 * rows - 1) / 4 + 1e-9)
    at[row], width = texts[i], math.max(width, #texts[i])
  end
  return at, width
end

--- The axis below: two lines. left: columns before it.
local function x_axis(scale, left, columns, given, plain)
  local line, texts, free = {}, (" "):rep(left + 1), left + 1
  for i = 1, columns do line[i] = plain and "-" or "─" end
  for _, v in ipairs(axes.marks(scale.first, scale.last, math.max(2, math.floor(columns / 12)), given.whole)) do
    local column = math.floor((v - scale.first) / (scale.last - scale.first) * (columns - 1) + 0.5)
    local text = ("%g"):format(tonumber(("%.6g"):format(v)))
    local from = math.max(left + 1, math.min(left + 1 + column - math.floor(#text / 2), left + 1 + columns - #text))
    if from >= free then
      line[column + 1] = plain and "+" or "┬"
      texts = texts .. (" "):rep(from - #texts) .. text
      free = #texts + 2
    end
  end
  return (" "):rep(left) .. (plain and "+" or "└") .. table.concat(line), texts
end

--- Adds the names of the lines with their signs, as many to a line as fit.
local function add_legend(out, lines, view, sign, left)
  local parts, used = {}, left
  local function put()
    if #parts > 0 then out[#out + 1] = (" "):rep(left) .. table.concat(parts, "   ") end
    parts, used = {}, left
  end
  for k, l in ipairs(lines) do
    local needed = 5 + svg.length(l.name)
    if used + needed > view.columns then put() end
    parts[#parts + 1], used = cells.coloured(sign(k) or "━", rgb_of(visible(l.colour)), view.colours) .. " " .. l.name, used + needed
  end
  put()
end

--- Lines of characters for a view. given: log, x_name, whole (x are whole numbers).
function chart.text(lines, view, given)
  local rows = math.max(5, math.min(HEIGHT, view.rows - 6))
  local plain = view.mode == "characters"
  local box = { x = 0, y = 0, w = 1, h = 4 * rows - 1 }
  local at, left = y_texts(axes.scale(lines, box, given), rows)
  left = left + 1
  local columns = math.max(10, math.min(view.columns, WIDEST) - left - 1)
  box.w = 2 * columns - 1
  local scale, c = axes.scale(lines, box, given), canvas.new(columns, rows)
  draw_lines(c, lines, scale)
  local function sign(k) return plain and SIGNS[(k - 1) % #SIGNS + 1] or nil end
  local out = {}
  for row, text in ipairs(c:text(view.colours, function(k) return rgb_of(visible(lines[k].colour)) end, sign)) do
    local label = at[row - 1]
    local edge = plain and (label and "+" or "|") or label and "┤" or "│"
    out[row] = (label and (" "):rep(left - 1 - #label) .. label .. " " or (" "):rep(left)) .. edge .. text:gsub("%s+$", "")
  end
  out[#out + 1], out[#out + 2] = x_axis(scale, left, columns, given, plain)
  if given.x_name then out[#out] = out[#out] .. "  " .. given.x_name end
  if #lines > 1 then add_legend(out, lines, view, sign, left + 1) end
  return out
end

-- ---- files --------------------------------------------------------------------------------

local LEFT, TOP, WIDTH, HIGH = 58, 30, 560, 280

--- Lines as a pen draws them: one for each part between gaps.
local function unbroken(lines)
  local list = {}
  for _, l in ipairs(lines) do
    local part
    for i, p in ipairs(l.points) do
      if not part or l.breaks and l.breaks[i] then
        part = { points = {}, colour = l.colour, dash = l.dash }
        list[#list + 1] = part
      end
      part.points[#part.points + 1] = p
    end
  end
  return list
end

--- Draws everything with a pen; returns the parts.
local function draw(pen, lines, caption, given)
  local box, out = { x = LEFT, y = TOP, w = WIDTH, h = HIGH }, {}
  local scale = axes.scale(lines, box, given)
  out[1] = pen.text(LEFT, 18, caption, ' class="s"')
  axes.draw(pen, out, scale, box, axes.marks(scale.first, scale.last, 8, given.whole))
  axes.lines(pen, out, unbroken(lines), scale)
  if given.x_name then out[#out + 1] = pen.text(LEFT + WIDTH, TOP + HIGH + 30, given.x_name, ' text-anchor="end" class="s"') end
  axes.legend(pen, out, lines, 12, TOP + HIGH + 48, LEFT + WIDTH)
  return out
end

--- Width and height in pixels: the legend needs a row for about 560 pixels of names.
local function size_of(lines)
  local _, bottom = nil, axes.legend({ path = function() return "" end, text = function() return "" end }, {}, lines, 12, TOP + HIGH + 48, LEFT + WIDTH)
  return LEFT + WIDTH + 24, bottom
end

function chart.svg(lines, caption, given)
  local width, height = size_of(lines)
  return svg.document(width, height, caption, draw(svg, lines, caption, given))
end

function chart.picture(lines, caption, given)
  local pen = raster.pen(size_of(lines))
  draw(pen, lines, caption, given)
  return pen.picture
end

return chart
