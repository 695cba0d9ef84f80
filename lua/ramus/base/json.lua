--- JSON whose bytes depend on the values alone: keys are sorted. (lua-cjson writes a
-- table's keys in the order of its hash, which LuaJIT seeds anew in every process.)
-- Numbers are exact, or have `digits` significant digits; NaN and infinity are an error, as in lua-cjson.
local cjson = require "cjson"

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

local function write(out, value, form)
  if type(value) ~= "table" then
    if type(value) ~= "number" then out[#out + 1] = cjson.encode(value)
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
    out[#out + 1] = (i > 1 and "," or "") .. cjson.encode(name) .. ":"
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

-- ---- for others to read ----

local WHOLE = { "^[%z\1-\127]+", "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]", "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]", "^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]" }

--- A text as UTF-8: each byte that belongs to no character (names of files may hold any) becomes U+FFFD.
function json.utf8(text)
  local out, at = {}, 1
  while at <= #text do
    local from, to
    for _, pattern in ipairs(WHOLE) do
      from, to = text:find(pattern, at)
      if from then break end
    end
    out[#out + 1] = from and text:sub(from, to) or "\239\191\189"
    at = (to or at) + 1
  end
  return table.concat(out)
end

--- Prints a value as JSON on standard output, where a strict reader takes it: in UTF-8.
function json.print(value, digits) print(json.utf8(json.encode(value, digits))) end

return json
