--- ra.hist: how the values of a tensor or a list are distributed, as bars with their counts.
--   hist(t), hist(t, { bins = 40, range = { 0, 1 } })
-- Whole numbers of a small range have a bar each. Values that are not finite, and those outside of the range, are counted in the caption.
local axes = require "ramus.draw.axes"
local cells = require "ramus.draw.cells"
local drawing = require "ramus.draw.drawing"
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local raster = require "ramus.draw.raster"
local svg = require "ramus.draw.svg"
local tensor = require "ramus.lang.tensor"

local schema = {
  bins = { type = "integer", min = 1, max = 1000, help = "bars; 16 unless given, for whole numbers one each" },
  range = { type = "table", help = "{ low, high } of the bars; the least and the greatest value unless given" },
}

local WHOLE = 24 -- bars of whole numbers at most
local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

--- Count, mean, deviation, least, greatest of the finite values; whole: all are whole numbers.
local function summary_of(data, n)
  local s = { count = 0, low = math.huge, high = -math.huge, whole = true, broken = 0 }
  local mean, square = 0, 0
  for i = 0, n - 1 do
    local v = tonumber(data[i])
    if v - v == 0 then
      s.count = s.count + 1
      local away = v - mean
      mean = mean + away / s.count
      square = square + away * (v - mean)
      s.low, s.high = math.min(s.low, v), math.max(s.high, v)
      if v % 1 ~= 0 then s.whole = false end
    else s.broken = s.broken + 1 end
  end
  s.mean, s.deviation = mean, (square / math.max(1, s.count)) ^ 0.5
  return s
end

--- Edges of the bars: { low =, width =, n =, whole = }.
local function bars_of(s, o)
  local low, high = s.low, s.high
  if o.range then low, high = o.range[1], o.range[2] end
  if s.whole and not o.bins and not o.range and high - low < WHOLE then return { low = low, width = 1, n = high - low + 1, whole = true } end
  if low == high then low, high = low - 0.5, high + 0.5 end
  local n = o.bins or 16
  return { low = low, width = (high - low) / n, n = n }
end

--- Counts by bar, and how many values lie outside. The last bar holds the greatest value.
local function counted(data, n, bars)
  local counts, outside = {}, 0
  for k = 1, bars.n do counts[k] = 0 end
  for i = 0, n - 1 do
    local v = tonumber(data[i])
    if v - v == 0 then
      local k = math.floor((v - bars.low) / bars.width) + 1
      if k == bars.n + 1 and v <= bars.low + bars.n * bars.width * (1 + 1e-12) then k = bars.n end
      if counts[k] then counts[k] = counts[k] + 1 else outside = outside + 1 end
    end
  end
  return counts, outside
end

local function number(v) return ("%.4g"):format(v) end

--- A bar of a share of `width` characters.
local function bar(share, width, plain)
  if plain then return ("#"):rep(math.max(share > 0 and 1 or 0, math.floor(share * width + 0.5))) end
  local eighths = math.max(share > 0 and 1 or 0, math.floor(share * width * 8 + 0.5))
  return ("█"):rep(math.floor(eighths / 8)) .. (EIGHTHS[eighths % 8] or "")
end

local function text_of(counts, bars, view)
  local most, labels, left, right = 0, {}, 0, 0
  for k, c in ipairs(counts) do
    labels[k] = number(bars.low + (k - 1) * bars.width)
    most, left, right = math.max(most, c), math.max(left, #labels[k]), math.max(right, #tostring(c))
  end
  local plain, out = view.mode == "characters", {}
  local width = math.max(8, math.min(view.columns, 80) - left - right - 3)
  for k, c in ipairs(counts) do
    local drawn = bar(most > 0 and c / most or 0, width, plain)
    out[k] = ("%s%s %s%s %d"):format((" "):rep(left - #labels[k]), labels[k], plain and "|" or "▕", cells.coloured(drawn, { 86, 180, 233 }, view.colours), c)
  end
  return out
end

local LEFT, TOP, WIDTH, HEIGHT = 66, 30, 560, 280

--- The figure by a pen (axes.lua).
local function draw(pen, counts, bars, caption)
  local most, out = 1, { pen.text(LEFT, 18, caption, ' class="s"') }
  for _, c in ipairs(counts) do most = math.max(most, c) end
  local box, last = { x = LEFT, y = TOP, w = WIDTH, h = HEIGHT }, bars.low + bars.n * bars.width
  local scale = axes.scale({ { points = { { bars.low, 0 }, { last, most } } } }, box, {})
  axes.draw(pen, out, scale, box, not bars.whole and axes.marks(bars.low, last, 8) or {})
  for k, c in ipairs(counts) do
    local x, w = LEFT + WIDTH * (k - 1) / bars.n, WIDTH / bars.n
    out[#out + 1] = pen.bar(x + 0.5, scale.y(c), w - 1, TOP + HEIGHT - scale.y(c), svg.BLUE)
    if bars.whole then out[#out + 1] = pen.text(x + w / 2, TOP + HEIGHT + 15, number(bars.low + k - 1), ' text-anchor="middle" class="s"') end
  end
  return out
end

--- The values as an array of the core: data and count; nil where they are none.
local function values_of(what)
  if tensor.is(what) then return what:clone(), tensor.shape_text(what) end
  local ok, t = pcall(tensor.of, what)
  if type(what) == "table" and getmetatable(what) == nil and ok then return t, "of a list" end
end

--- A drawing of how the values of a tensor or a list are distributed; options bins, range.
local function hist(what, given)
  local t, shape = values_of(what)
  if not t then error("hist: wants a tensor or a list of numbers, got " .. options.show(what), 2) end
  local o = options.check(given, schema, "hist")
  if o.range and not (type(o.range[1]) == "number" and type(o.range[2]) == "number" and o.range[1] < o.range[2]) then
    error("hist: range is { low, high }, low less than high; got " .. options.show(o.range), 2)
  end
  local data = ffi.data(t)
  local s = summary_of(data, t.size)
  if s.count == 0 then error(("hist: %s holds no finite value"):format(shape), 2) end
  local bars = bars_of(s, o)
  local counts, outside = counted(data, t.size, bars)
  local caption = ("histogram %s: %d values, %s to %s, mean %s, std %s"):format(shape, s.count, number(s.low), number(s.high), number(s.mean),
    number(s.deviation))
  if s.broken > 0 then caption = caption .. (", %d not finite"):format(s.broken) end
  if outside > 0 then caption = caption .. (", %d outside"):format(outside) end
  local wide, high = LEFT + WIDTH + 24, TOP + HEIGHT + 30
  local made = drawing.new { caption = caption, counts = counts, text = function(view) return text_of(counts, bars, view) end,
    svg = function() return svg.document(wide, high, caption, draw(svg, counts, bars, caption)) end,
    picture = function()
      local pen = raster.pen(wide, high)
      draw(pen, counts, bars, caption)
      return pen.picture
    end }
  return made
end

return { hist = hist, schema = schema }
