--- JSON whose bytes depend on the values alone: keys are sorted. (lua-cjson writes a
-- table's keys in the order of its hash, which LuaJIT seeds anew in every process.)
-- Numbers are exact, or have `digits` significant digits; NaN and infinity are an error, as in lua-cjson.
-- The text is UTF-8, whatever bytes the strings hold: names of files may hold any. A byte b that belongs to no character becomes the character
-- U+F700 + b of the private use area, and json.decode makes the byte of it again; so do the bytes of such a character that a string holds
-- itself, so that different strings have different texts.
local cjson = require "cjson"
local utf8 = require "ramus.base.utf8"

local json = {}
local LIST = {}

--- The table as a list, also where it is empty.
function json.list(t) return setmetatable(t, LIST) end

--- The keys of a table as a list to fill with null (its length), or nil for an object.
local function list_length(t)
  if getmetatable(t) == LIST then return #t end
  local largest, count = 0, 0
  for key in pairs(t) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil end
    largest, count = math.max(largest, key), count + 1
  end
  return count > 0 and largest <= 10 + 2 * count and largest or nil
end

--- The shortest of three texts that reads back as the same number.
local function exact(value)
  for digits = 14, 16 do
    local text = ("%%.%dg"):format(digits):format(value)
    if tonumber(text) == value then return text end
  end
  return ("%.17g"):format(value)
end

-- ---- text in UTF-8 ----

--- The character U+F700 + b for a byte from 128 on, and what begins such characters.
local function stand_in(b) return string.char(239, 128 + 28 + math.floor(b / 64), 128 + b % 64) end
local STANDS_IN = "^\239[\158\159]"

--- A text of any bytes as UTF-8, as the strings of json.encode.
function json.text(text) return utf8.mended(text, stand_in, STANDS_IN) end

local function quoted(text) return json.text(cjson.encode(text)) end

-- ---- writing ----

local function write(out, value, form)
  if type(value) ~= "table" then
    if type(value) ~= "number" then out[#out + 1] = type(value) == "string" and quoted(value) or cjson.encode(value)
    elseif value ~= value or value == math.huge or value == -math.huge then error("json: cannot write the number " .. tostring(value), 0)
    else out[#out + 1] = form and form:format(value) or exact(value) end
    return
  end
  local length = list_length(value)
  if length then
    out[#out + 1] = "["
    for i = 1, length do
      if i > 1 then out[#out + 1] = "," end
      write(out, value[i] == nil and cjson.null or value[i], form)
    end
    out[#out + 1] = "]"
    return
  end
  local names, by_name = {}, {}
  for key, v in pairs(value) do
    local name = tostring(key)
    names[#names + 1], by_name[name] = name, v
  end
  table.sort(names)
  out[#out + 1] = "{"
  for i, name in ipairs(names) do
    out[#out + 1] = (i > 1 and "," or "") .. quoted(name) .. ":"
    write(out, by_name[name], form)
  end
  out[#out + 1] = "}"
end

--- The text of a value; digits: significant digits of numbers; exact unless given.
function json.encode(value, digits)
  local out = {}
  write(out, value, digits and ("%%.%dg"):format(digits))
  return table.concat(out)
end

-- ---- reading ----

local function bytes_of(text)
  return (text:gsub("\239([\158\159])([\128-\191])", function(high, low) return string.char((high:byte() - 156) * 64 + low:byte() - 128) end))
end

local function restored(value)
  if type(value) == "string" then return bytes_of(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for k, v in pairs(value) do copy[restored(k)] = restored(v) end
  return copy
end

--- The value of a text that json.encode wrote, its strings byte for byte; what is no JSON is an error, as in lua-cjson.
function json.decode(text)
  local value = cjson.decode(text)
  return (text:find "\239[\158\159]" or text:find "\\u[fF]7") and restored(value) or value
end

--- Prints a value as JSON on standard output.
function json.print(value, digits) print(json.encode(value, digits)) end

return json
