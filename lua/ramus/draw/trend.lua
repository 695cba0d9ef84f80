--- A list of numbers as one small line without axes.
--   trend.lines({ 0.9, 0.7, .. }, { width = 40, height = 1, plain = true })   lines, the highest value on top, then lowest and highest value;
--   nil of a list without two finite numbers. plain: stars in the place of braille.
local canvas = require "ramus.draw.canvas"

local trend = {}

--- Lowest and highest value; nil where there are not two numbers, or one is not finite.
local function range(values)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(values) do
    if v ~= v then return nil end
    low, high = math.min(low, v), math.max(high, v)
  end
  if #values < 2 or high == math.huge or low == -math.huge then return nil end
  return low, high
end

function trend.lines(values, given)
  local low, high = range(values)
  if not low then return nil end
  local c, before = canvas.new(given.width, given.height), nil
  for i, v in ipairs(values) do
    local x = math.floor((i - 1) / (#values - 1) * (2 * given.width - 1) + 0.5)
    local y = math.floor((high > low and (high - v) / (high - low) or 0.5) * (4 * given.height - 1) + 0.5)
    if before then c:line(before[1], before[2], x, y, 1) end
    before = { x, y }
  end
  return c:text(0, function() return { 0, 0, 0 } end, function() return given.plain and "*" or nil end), low, high
end

return trend
