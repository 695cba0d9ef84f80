--- Panels (panels.lua) side by side: as lines for a terminal, as one picture, as SVG.
local base64 = require "ramus.base.base64"
local cells = require "ramus.draw.cells"
local graphics = require "ramus.draw.graphics"
local letters = require "ramus.data.image.letters"
local svg = require "ramus.draw.svg"
local tensor = require "ramus.lang.tensor"

local grid = {}

--- Width and height of a character in pixels.
local function units_of(view)
  if view.mode == "blocks" then return 1, 2 end
  if view.mode == "characters" then return 1, 1 end
  return view.cell[1], view.cell[2]
end

--- An even factor by which a small panel is enlarged to have about `wanted` pixels; 1 for others.
local function factor_of(size, wanted) return math.max(1, 2 * math.floor(wanted / size / 2)) end

--- Height and width in characters of a panel that may have `columns` and `rows`; never enlarged beyond `wanted` pixels, but for small ones.
local function fitted(panel, view, columns, rows, wanted)
  local cw, ch = units_of(view)
  local tall = view.mode == "characters" and 0.5 or 1 -- a character is twice as high as wide
  local enlarge = factor_of(math.max(panel.H, panel.W), wanted)
  local scale = math.min(enlarge, columns * cw / panel.W, rows * ch / (panel.H * tall))
  return math.max(1, math.floor(panel.H * scale * tall / ch + 0.5)), math.max(1, math.floor(panel.W * scale / cw + 0.5))
end

--- The number of columns of a grid, and the size of its panels in characters.
local function layout_of(list, view)
  local first, n = list[1], #list
  local cw = units_of(view)
  local pixels = cw > 1 and 96 or 16 -- that a panel of several should have across
  if n == 1 then
    local h, w = fitted(first, view, view.columns, math.max(8, view.rows - 4), cw > 1 and 320 or 32)
    return 1, h, w
  end
  local least = math.max(3, math.ceil(math.min(first.W * factor_of(first.W, pixels), pixels) / cw))
  local columns = math.max(1, math.min(n, list.columns or math.huge, math.floor((view.columns + 1) / (least + 1))))
  if not list.columns then columns = math.max(1, math.min(columns, math.ceil((n * 2) ^ 0.5))) end
  local h, w = fitted(first, view, math.floor((view.columns + 1) / columns) - 1, math.max(8, view.rows - 6), pixels)
  return columns, h, w
end

--- A label in w columns; empty where it does not fit.
local function padded(label, w)
  local text = label or ""
  local length = svg.length(text)
  if length > w then return (" "):rep(w) end
  return text .. (" "):rep(w - length)
end

--- Pictures of one size next to each other with a gap.
local function strip_of(pictures, gap)
  local H, W = pictures[1].dim[1], pictures[1].dim[2]
  if #pictures == 1 then return pictures[1] end
  local strip = tensor.zeros(3, H, #pictures * (W + gap) - gap)
  for i, p in ipairs(pictures) do strip:narrow(3, (i - 1) * (W + gap) + 1, W):copy(p) end
  return strip
end

--- Lines of one row of panels.
local function row_lines(row, view, h, w, lines)
  local cw, ch = units_of(view)
  if row[1].label then
    local labels = {}
    for i, p in ipairs(row) do labels[i] = padded(p.label, w) end
    local text = table.concat(labels, " "):gsub("%s+$", "")
    if text ~= "" then lines[#lines + 1] = text end
  end
  local pictures = {}
  for i, p in ipairs(row) do pictures[i] = p.paint(h * ch, w * cw, view.colours == 0) end
  if view.mode == "kitty" or view.mode == "sixel" then
    lines[#lines + 1] = graphics[view.mode](strip_of(pictures, cw))
    return
  end
  local parts = {}
  for i, picture in ipairs(pictures) do
    parts[i] = view.mode == "blocks" and cells.blocks(picture, view.colours) or cells.signs(picture, row[i].marks and row[i].marks(h, w))
  end
  for y = 1, h do
    local line = {}
    for i = 1, #parts do line[i] = parts[i][y] end
    lines[#lines + 1] = table.concat(line, " ")
  end
end

--- The rows of a grid: lists of panels.
local function rows_of(list, columns)
  local rows = {}
  for i = 1, #list, columns do rows[#rows + 1] = { unpack(list, i, math.min(#list, i + columns - 1)) } end
  return rows
end

function grid.lines(list, view)
  local columns, h, w = layout_of(list, view)
  local lines = {}
  for _, row in ipairs(rows_of(list, columns)) do row_lines(row, view, h, w, lines) end
  return lines
end

-- ---- files ----------------------------------------------------------------------------------

local GAP, PAPER, INK = 4, { 1, 1, 1 }, { 0.13, 0.13, 0.13 }

--- Places of the panels of a file: { panel, x, y, h, w }, and the width and height of all, with room for labels of `line` pixels.
local function placed(list, line)
  local first, n = list[1], #list
  local factor = factor_of(math.max(first.H, first.W), n == 1 and 128 or 64)
  local h, w = first.H * factor, first.W * factor
  local columns = list.columns or math.max(1, math.min(n, math.ceil(n ^ 0.5), math.floor(4096 / (w + GAP))))
  local places, labelled = {}, first.label and line or 0
  for i, p in ipairs(list) do
    local column, row = (i - 1) % columns, math.floor((i - 1) / columns)
    places[i] = { panel = p, x = column * (w + GAP), y = row * (h + labelled + GAP) + labelled, h = h, w = w }
  end
  return places, math.min(columns, n) * (w + GAP) - GAP, math.ceil(n / columns) * (h + labelled + GAP) - GAP
end

--- One picture [3,H,W] with labels, in the size of the tensors (small ones enlarged).
function grid.picture(list)
  local places, W, H = placed(list, letters.HEIGHT + 4)
  if #list == 1 then return list[1].paint(places[1].h, places[1].w) end
  local out = tensor.zeros(3, H, W)
  letters.fill(out, 0, 0, H, W, PAPER)
  for _, place in ipairs(places) do
    out:narrow(2, place.y + 1, place.h):narrow(3, place.x + 1, place.w):copy(place.panel.paint(place.h, place.w))
    local label = place.panel.label
    if label and letters.width(label) <= place.w then letters.draw(out, label, place.y - letters.HEIGHT - 2, place.x, { colour = INK }) end
  end
  return out
end

--- The same as SVG, its panels as embedded PNG, with the caption below.
function grid.svg(list, caption)
  local places, W, H = placed(list, 18)
  local out = {}
  for _, place in ipairs(places) do
    out[#out + 1] = ('<image x="%d" y="%d" width="%d" height="%d" href="data:image/png;base64,%s"/>'):format(place.x + 8, place.y + 8, place.w, place.h,
      base64.encode(graphics.png(place.panel.paint(place.h, place.w))))
    if place.panel.label then out[#out + 1] = svg.text(place.x + 8, place.y + 3, place.panel.label, ' class="s"') end
  end
  out[#out + 1] = svg.text(8, H + 28, caption, ' class="s"')
  return svg.document(math.max(W + 16, 7 * svg.length(caption) + 16), H + 38, caption, out)
end

--- Pictures one below the other.
function grid.stacked(pictures)
  local H, W, top = GAP * (#pictures - 1), 1, 0
  for _, p in ipairs(pictures) do H, W = H + p.dim[1], math.max(W, p.dim[2]) end
  local out = tensor.zeros(3, H, W)
  letters.fill(out, 0, 0, H, W, PAPER)
  for _, p in ipairs(pictures) do
    out:narrow(2, top + 1, p.dim[1]):narrow(3, 1, p.dim[2]):copy(p)
    top = top + p.dim[1] + GAP
  end
  return out
end

return grid
