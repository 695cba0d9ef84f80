--- ra.plot: lines of numbers as a chart (braille in the terminal).
--   plot(t), plot { 3, 1, 2 }, plot(a, b, c)                 tensors of one dimension or lists: a series each
--   plot(run.history, "loss", "dice@out")                    columns of a table, over its column `epoch` where it has one
--   plot(ra.cosine {}), plot(a, b, { epochs = 50 })          schedules over the epochs
--   plot(y, { x = x, names = { "fit" }, log = true })        options come last
-- The value is a drawing, as show's: at the prompt it draws; a script writes `print(ra.plot(t))`; ra.save writes it as .png or .svg.
local chart = require "ramus.draw.chart"
local drawing = require "ramus.draw.drawing"
local options = require "ramus.base.options"
local series = require "ramus.draw.series"
local svg = require "ramus.draw.svg"

local schema = {
  x = { type = "table|cdata", help = "where the values lie, of lists and tensors; 1, 2, 3, .. unless given" },
  names = { type = "table", help = "a list of names for the series" },
  epochs = { type = "number", above = 0, help = "length of the training, of schedules; theirs, else 100" },
  log = { type = "boolean", default = false, help = "true for a logarithmic scale; values of 0 and below are left out" },
}

--- Is a table that stands last one of options? All its keys are.
local function is_options(v)
  if type(v) ~= "table" or getmetatable(v) ~= nil or next(v) == nil then return false end
  for key, value in pairs(v) do
    if type(key) ~= "string" or type(value) == "table" and not schema[key] then return false end
  end
  return true
end

local function number(v) return ("%.4g"):format(v) end

--- Lines of a chart of series, and their least and greatest value.
local function lines_of(list, log)
  local lines, low, high = {}, math.huge, -math.huge
  for k, one in ipairs(list) do
    local l, gap = { name = one.name, points = {}, breaks = {}, colour = svg.colours[(k - 1) % #svg.colours + 1],
      dash = k > #svg.colours and ' stroke-dasharray="5 3"' or nil }, false
    for i, y in ipairs(one.y) do
      if series.finite(y) and series.finite(one.x[i]) and (not log or y > 0) then
        l.points[#l.points + 1] = { one.x[i], y }
        l.breaks[#l.points], gap = gap, false
        low, high = math.min(low, y), math.max(high, y)
      else gap = true end
    end
    lines[k] = l
  end
  return lines, low, high
end

--- A chart of lists, tensors of one dimension, schedules, or columns of a table; options x, names, epochs, log come last.
local function plot(...)
  local values, given = { ... }, nil
  if #values > 1 and is_options(values[#values]) then given = table.remove(values) end
  local o = options.check(given, schema, "plot")
  local list = series.of(values, o, 2)
  local lines, low, high = lines_of(list, o.log)
  if high - low == math.huge then error(("plot: values from %g to %g lie too far apart to be drawn"):format(low, high), 2) end
  if low > high then error("plot: no value can be drawn" .. (o.log and "; a logarithmic scale has none of 0 and below" or ""), 2) end
  local how = { log = o.log, x_name = list.x_name, whole = true }
  for _, one in ipairs(list) do
    for _, x in ipairs(one.x) do how.whole = how.whole and x % 1 == 0 end
  end
  local what = #list == 1 and list[1].name ~= "1" and list[1].name or #list == 1 and ("%d values"):format(#list[1].y) or ("%d series"):format(#list)
  local caption = ("plot of %s, %s to %s"):format(what, number(low), number(high))
  local made = drawing.new { caption = caption, text = function(view) return chart.text(lines, view, how) end,
    svg = function() return chart.svg(lines, caption, how) end, picture = function() return chart.picture(lines, caption, how) end }
  return made
end

return { plot = plot, schema = schema }
