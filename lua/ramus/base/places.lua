--- Where an error was raised, as its message says: "file.lua:3: what is wrong".
local files = require "ramus.base.files"

local places = {}

places.HOUSE = debug.getinfo(1, "S").source:match "^@(.*)base/places%.lua$" -- the folder of Ramus' own files

--- "file.lua:3" that begins a message, and the rest of it; nil and the message where it begins with no place.
function places.divided(text)
  local place, rest = text:match("^([^\n:]+:%d+): (.*)$")
  local lua = place and (place:match("%.lua:%d+$") or place:match("^input:") or place:match("^%-e:") or place:match("^%[string"))
  if lua then return place, rest end
  return nil, text
end

--- The place is in a file of Ramus, wherever that lies: the clone's own folder may be called ramus too, and long paths begin with dots.
function places.in_house(place)
  local file = place:match("^.*ramus/([%w_/]+%.lua):%d+$")
  return file and files.is_file(places.HOUSE .. file)
end

--- Raises what a function of the user's raised, which was caught: its own place in the user's file stays the only one; where it has none, or one in a
-- file of Ramus, that of level (1: of the function that calls this).
function places.raise_again(e, level)
  if type(e) ~= "string" then error(e, 0) end
  local place, rest = places.divided(e)
  while place and places.in_house(place) do place, rest = places.divided(rest) end
  error(place and place .. ": " .. rest or rest, place and 0 or level + 1)
end

return places
