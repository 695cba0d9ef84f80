--- Line charts of the report as SVG that follows the page's colours: classes s1 to s8 are those of lines, which style.lua sets for light and dark.
-- Beside each chart stand its legend, the same numbers as a table, and as data for the pointer (script.lua).
local html = require "ramus.report.html"
local json = require "ramus.base.json"
local svg = require "ramus.draw.svg"

local chart = {}

local WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 440, 230, 50, 12, 10, 34 -- pixels of the drawing
local LOWEST, MOST = 1e-10, 12 -- where a value of 0 stands on a logarithmic axis; rows of the table of numbers

--- Marks of lines side by side, told apart by shape too: at x, y, of a class.
local MARKS = { '<circle cx="%.1f" cy="%.1f" r="3" class="dot %s"/>', '<path d="M%.1f,%.1fm-3.2,-3.2h6.4v6.4h-6.4z" class="dot %s"/>',
  '<path d="M%.1f,%.1fm0,-4l4,7h-8z" class="dot %s"/>', '<path d="M%.1f,%.1fm0,-4.2l4.2,4.2l-4.2,4.2l-4.2,-4.2z" class="dot %s"/>' }

--- Dashes of lines by the level of their output; the main output, 0, has none.
chart.DASHES = { "8 3", "4 3", "2 3", "8 3 2 3", "8 3 2 3 2 3" }

--- The class of the n-th line.
function chart.class(n) return "s" .. (n - 1) % 8 + 1 end

local function number(v) return v and v == v and ("%.4g"):format(v) or "-" end

--- Range of both axes: low, high (logarithms where o.log), first, last.
local function ranges(o)
  local low, high, first, last = math.huge, -math.huge, math.huge, -math.huge
  for _, l in ipairs(o.lines) do
    for _, p in ipairs(l.points) do
      local v = o.log and math.log10(math.max(p[2], LOWEST)) or p[2]
      low, high, first, last = math.min(low, v), math.max(high, v), math.min(first, p[1]), math.max(last, p[1])
    end
  end
  low, high = o.low or low, o.high or high
  if o.log then low, high = math.floor(low), math.ceil(high) end
  if high - low < 1e-12 then low, high = low - 0.5, high + 0.5 end
  if last <= first then last = first + 1 end
  return low, high, first, last
end

local function draw_axes(out, o, box)
  local span = box.high - box.low
  local step = o.log and math.max(1, math.ceil(span / 4)) or svg.step(span, 5)
  for k = math.ceil(box.low / step - 1e-9), math.floor(box.high / step + 1e-9) do
    local v = k * step
    local y = box.y(o.log and 10 ^ v or v)
    out[#out + 1] = svg.line(LEFT, y, WIDTH - RIGHT, y, "#999", ' class="grid"')
    out[#out + 1] = svg.text(LEFT - 6, y + 4, o.log and ("1e%d"):format(v) or number(math.abs(v) < 1e-12 and 0 or v), ' text-anchor="end"')
  end
  local across = math.max(svg.step(box.last - box.first, 5), o.whole ~= false and 1 or 0)
  for k = math.ceil(box.first / across - 1e-9), math.floor(box.last / across + 1e-9) do -- k may be -0
    out[#out + 1] = svg.text(box.x(k * across), HEIGHT - FOOT + 16, number(k == 0 and 0 or k * across), ' text-anchor="middle"')
  end
  out[#out + 1] = svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3, o.across or "epoch", ' text-anchor="middle"')
end

local function draw_lines(out, o, box)
  for i, l in ipairs(o.lines) do
    local points = {}
    for k, p in ipairs(l.points) do points[k] = { box.x(p[1]), box.y(p[2]) } end
    local class = l.class or chart.class(i)
    local more = (' class="line %s"%s'):format(class, l.dash and (' stroke-dasharray="%s"'):format(l.dash) or "")
    if not o.dots and #points > 1 then out[#out + 1] = svg.path(points, "currentColor", more) end
    for _, p in ipairs((o.dots or #points == 1 or o.marks) and points or {}) do
      out[#out + 1] = MARKS[(i - 1) % #MARKS + 1]:format(p[1], p[2], class)
    end
  end
end

--- Values of all lines at the places across where any has one: sorted places, and { [line] = { [place] = value } }.
local function by_place(lines)
  local places, seen, values = {}, {}, {}
  for i, l in ipairs(lines) do
    values[i] = {}
    for _, p in ipairs(l.points) do
      values[i][p[1]] = p[2]
      if not seen[p[1]] then places[#places + 1], seen[p[1]] = p[1], true end
    end
  end
  table.sort(places)
  return places, values
end

local function numbers_of(o, places, values)
  local head, rows = { o.across or "epoch" }, {}
  for i, l in ipairs(o.lines) do head[i + 1] = l.name end
  local n = math.min(MOST, #places)
  for k = 1, n do
    local at = places[n == 1 and 1 or math.floor(1 + (k - 1) * (#places - 1) / (n - 1) + 0.5)]
    local row = { number(at) }
    for i in ipairs(o.lines) do row[i + 1] = number(values[i][at]) end
    rows[k] = row
  end
  return chart.numbers(o.title, head, rows)
end

--- A table below a chart, folded.
function chart.numbers(title, head, rows) return html("details", { class = "numbers" }, html("summary", {}, "Numbers"), html.table(title, head, rows)) end

local function data_of(o, places, values, box)
  local lines, across = {}, {}
  for k, at in ipairs(places) do across[k] = { at = at, x = tonumber(("%.1f"):format(box.x(at))) } end
  for i, l in ipairs(o.lines) do
    local list = {}
    for k, at in ipairs(places) do
      local v = values[i][at]
      list[k] = v and number(v) or ""
    end
    lines[i] = { name = l.name, values = json.list(list) }
  end
  return chart.json { across = o.across or "epoch", places = json.list(across), lines = json.list(lines), left = LEFT, right = WIDTH - RIGHT, width = WIDTH,
    top = TOP, bottom = HEIGHT - FOOT }
end

--- Data in the page; "<" is written so that no text can end the element.
function chart.json(value)
  return html.raw('<script type="application/json">' .. json.encode(value):gsub("<", "\\u003c"):gsub("\226\128[\168\169]", " ") .. "</script>")
end

local function legend(o)
  local items = {}
  for i, l in ipairs(o.lines) do
    local class = l.class or chart.class(i)
    local stroke = o.dots and "" or ('<line x1="1" y1="5" x2="25" y2="5" class="line %s"%s/>'):format(class,
      l.dash and (' stroke-dasharray="%s"'):format(l.dash) or "")
    local mark = (o.dots or o.marks) and MARKS[(i - 1) % #MARKS + 1]:format(13, 5, class) or ""
    items[i] = html("li", {}, html.raw('<svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true">' .. stroke .. mark .. "</svg>"), l.name)
  end
  return html("ul", { class = "legend" }, items)
end

--- What the chart shows, for those who do not see it.
local function in_words(o)
  local list = {}
  for i, l in ipairs(o.lines) do
    if i > 8 then
      list[#list + 1] = ("and %d more lines"):format(#o.lines - 8)
      break
    end
    local first, last = l.points[1], l.points[#l.points]
    list[#list + 1] = ("%s from %s to %s"):format(l.name, number(first[2]), number(last[2]))
  end
  return ("%s: %s."):format(o.title, table.concat(list, "; "))
end

--- A chart: { title, note [opt], lines = { { name, points = { { x, y }, .. }, class [opt], dash [opt] }, .. }, log, low, high, across = "epoch",
-- dots (no lines), marks (lines and dots), numbers (of chart.numbers; made of the lines unless given),
-- whole = false where places across are no whole numbers }. nil where no line has a point.
function chart.lines(o)
  local kept = {}
  for i, l in ipairs(o.lines) do
    l.class = l.class or chart.class(i)
    if #l.points > 0 then kept[#kept + 1] = l end
  end
  if #kept == 0 then return nil end
  o.lines = kept
  local box = {}
  box.low, box.high, box.first, box.last = ranges(o)
  function box.x(v) return LEFT + (WIDTH - RIGHT - LEFT) * (v - box.first) / (box.last - box.first) end
  function box.y(v)
    v = o.log and math.log10(math.max(v, LOWEST)) or v
    return TOP + (HEIGHT - FOOT - TOP) * (1 - (v - box.low) / (box.high - box.low))
  end
  local out = {}
  draw_axes(out, o, box)
  draw_lines(out, o, box)
  local places, values = by_place(kept)
  return html("figure", { class = "chart" }, html("figcaption", {}, html("b", {}, o.title), o.note and html("span", { class = "note" }, " ", o.note)),
    html("div", { class = "plot" }, html("svg", { viewBox = ("0 0 %d %d"):format(WIDTH, HEIGHT), role = "img", ["aria-label"] = in_words(o) },
      html.raw(table.concat(out))), not o.dots and data_of(o, places, values, box)), legend(o), o.numbers or not o.dots and numbers_of(o, places, values))
end

return chart
