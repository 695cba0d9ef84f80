--- A table of a study as a figure (SVG): for each score a panel with a line for each row, its mean with the interval, the means of its seeds
-- as small circles, the control's mean as a dashed line. Colours are those of Okabe and Ito, which are told apart by all kinds of sight; a
-- filled dot differs from its control, a hollow one does not.
local metrics = require "ramus.data.metrics"
local svg = require "ramus.draw.svg"

local figure = {}
local line, text = svg.line, svg.text

local ROW, HEAD, FOOT, GAP, RIGHT, PLOT = 26, 40, 34, 18, 150, 400 -- pixels
local GREY, INK = svg.GREY, svg.INK
local COLOUR = { better = svg.BLUE, worse = svg.ORANGE, higher = svg.INK, lower = svg.INK }

--- The range of a block's numbers with some room, and the marks.
function figure.axis(block)
  local low, high = math.huge, -math.huge
  for _, r in ipairs(block.rows) do
    local list = { r.low, r.high, r.mean }
    for _, v in ipairs(r.by_seed) do list[#list + 1] = v end
    for _, v in pairs(list) do if v == v then low, high = math.min(low, v), math.max(high, v) end end
  end
  if low > high then return nil end
  local room = math.max((high - low) * 0.06, math.abs(high) * 1e-3, 1e-6)
  low, high = low - room, high + room
  local step = svg.step(high - low, 6)
  local marks = {}
  for k = math.ceil(low / step), math.floor(high / step) do marks[#marks + 1] = k == 0 and 0 or k * step end
  local digits = math.max(0, -math.floor(math.log10(step) + 1e-9))
  return { low = low, high = high, marks = marks, form = ("%%.%df"):format(digits) }
end

--- Lines behind the rows: marks of the axis and means of controls.
local function draw_axis(out, block, axis, left, top, place)
  local bottom = top + ROW * #block.rows
  for _, v in ipairs(axis.marks) do
    out[#out + 1] = line(place(v), top, place(v), bottom, "#DDDDDD")
    out[#out + 1] = text(place(v), bottom + 16, axis.form:format(v), ' text-anchor="middle" class="s"')
  end
  out[#out + 1] = line(left, bottom, left + PLOT, bottom, GREY)
  local controls = {}
  for _, r in ipairs(block.rows) do if r.difference then controls[r.difference.against] = true end end
  for _, r in ipairs(block.rows) do
    if controls[r.row.name] and r.mean then
      out[#out + 1] = line(place(r.mean), top, place(r.mean), bottom, GREY, ' stroke-dasharray="3 3"')
    end
  end
end

local function draw_row(out, r, y, left, place)
  local d = r.difference
  local colour = d and (COLOUR[d.verdict] or GREY) or INK
  out[#out + 1] = text(left - 10, y + 4, r.row.title, ' text-anchor="end"')
  if not r.mean or r.mean ~= r.mean then
    out[#out + 1] = text(left + 6, y + 4, r.failed > 0 and "failed" or "no result yet", ' class="s"')
    return
  end
  out[#out + 1] = line(place(r.low), y, place(r.high), y, colour, ' stroke-width="2"')
  for _, v in ipairs(r.by_seed) do
    if v == v then out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="2" fill="none" stroke="%s"/>'):format(place(v), y + 7, colour) end
  end
  local filled = not d or COLOUR[d.verdict]
  out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s" stroke="%s" stroke-width="2"/>'):format(place(r.mean), y,
    filled and colour or "#FFFFFF", colour)
  local form = math.abs(r.mean) > 2 and "%.2f" or "%.4f"
  out[#out + 1] = text(left + PLOT + 12, y + 4, form:format(r.mean) .. (d and ("  (%s)"):format(("%+" .. form:sub(2)):format(d.mean)) or ""),
    (' class="s" style="fill: %s"'):format(colour))
end

local function draw_block(out, block, left, top)
  out[#out + 1] = text(left, top + 22, ("%s on %s%s"):format(block.metric, block.score,
    metrics.lower_is_better[block.metric] and " (smaller is better)" or ""), ' class="b"')
  local axis = figure.axis(block)
  local function place(v) return left + PLOT * (v - axis.low) / (axis.high - axis.low) end
  if axis then draw_axis(out, block, axis, left, top + HEAD, place) end
  for i, r in ipairs(block.rows) do draw_row(out, r, top + HEAD + ROW * (i - 0.5), left, place) end
end

--- The SVG of a table: its blocks of the first metric.
function figure.svg(t)
  local left, blocks, height = 0, {}, 0
  for _, block in ipairs(t.blocks) do
    if block.metric == t.blocks[1].metric then
      blocks[#blocks + 1] = block
      height = height + HEAD + FOOT + GAP + ROW * #block.rows
      for _, r in ipairs(block.rows) do left = math.max(left, 7.2 * svg.length(r.row.title) + 24) end
    end
  end
  local width = left + PLOT + RIGHT
  height = height + 30
  local out = {}
  local top = 0
  for _, block in ipairs(blocks) do
    draw_block(out, block, left, top)
    top = top + HEAD + FOOT + GAP + ROW * #block.rows
  end
  out[#out + 1] = text(10, height - 28, "Dot: mean, with its 95 % interval. Small circles: seeds. Dashed: control.", ' class="s"')
  out[#out + 1] = text(10, height - 12, "Filled blue: better than its control. Orange: worse. Black: other. Hollow: not distinguishable.", ' class="s"')
  return svg.document(width, height, t.title, out)
end

return figure
