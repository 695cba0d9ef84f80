--- Numbers of a mask's file for a report, by its facts (facts.lua): the range of its values, and pixels by class.
local ffi = require "ramus.base.ffi"
local reading = require "ramus.data.reading"
local C = ffi.C

local classes = {}

--- The smallest and the largest number that the file holds; nil where it has more values than are listed, or colours.
function classes.numbers(f)
  if f.coloured > 0 or f.values > #f.list then return nil end
  return f.list[1][2], f.list[#f.list][2]
end

--- Pixels by class, { [0] = n, .. } by its number, of an item of the verdict; nil where the set has none or the values are not listed.
function classes.count(item, list)
  if not list then return nil end
  local r = reading.rules(item.source, list)
  local f = item.facts
  local by_colour = r and r.key == tonumber(C.RA_KEY_COLOUR)
  if not r or (by_colour and f.colours or f.values) > (by_colour and #f.colour_list or #f.list) then return nil end
  local counts = {}
  for k = 0, #list - 1 do counts[k] = 0 end
  for _, v in ipairs(by_colour and f.colour_list or f.list) do
    local number, n = by_colour and v[1] or v[2], by_colour and v[2] or v[3]
    for _, rule in ipairs(r.rules) do
      if number >= rule[1] and number <= rule[2] then
        if counts[rule[3]] then counts[rule[3]] = counts[rule[3]] + n end
        break
      end
    end
  end
  return counts
end

return classes
