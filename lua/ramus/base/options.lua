--- Option tables: types, defaults, bounds, and unknown keys rejected with the
-- nearest known name.
--
--   local options = require "ramus.base.options"
--   local schema = {
--     k      = { type = "integer", default = 2, min = 1, help = "window size" },
--     mode   = { type = "string", default = "nearest", one_of = { "nearest", "bilinear" } },
--     smooth = { type = "number", default = 1, above = 0 },
--     scale  = { type = "number|table", check = function(v) ... return value  -- or nil, "what is wrong" end },
--     [1]    = { type = "integer", name = "channels in", required = true },   -- positional
--   }
--   local o = options.check(given, schema, "max_pool2d")
--
-- Fields of an entry: type ("number", "integer", "boolean", "string", "table", "function", "cdata", "any", or several
-- with |), wanted (what a message calls the type), list (a table is one: no hole, no names), default, required, min,
-- max (inclusive), above, below (exclusive),
-- one_of, check (returns the value to use, or nil and a message), live (a schedule is allowed too), name and help (for
-- messages and documents). Numbers must not be NaN, and those with a
-- lower bound must be finite.
local options = {}

--- Edit distance of two strings, a swap of neighbours counting as one edit.
function options.distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local d = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        d = math.min(d, before[j - 2] + 1)
      end
      row[j] = d
    end
    before, last = last, row
  end
  return last[#b]
end

--- The string of `names` (a list) nearest to `name`, or nil where none is near.
-- A name that begins with the other counts as near.
function options.nearest(name, names)
  name = tostring(name)
  local best, least
  local sorted = {}
  for i, n in ipairs(names) do sorted[i] = tostring(n) end
  table.sort(sorted)
  for _, candidate in ipairs(sorted) do
    local a, b = name:lower(), candidate:lower()
    local d = options.distance(a, b)
    local shorter = math.min(#a, #b)
    if shorter >= 2 and a:sub(1, shorter) == b:sub(1, shorter) then d = math.min(d, 2) end
    local near = d <= math.max(1, math.floor(math.max(#a, #b) / 2))
    if near and (not least or d < least) then best, least = candidate, d end
  end
  return best
end

--- The sorted keys of a table, positional ones first.
function options.names(schema)
  local names = {}
  for key in pairs(schema) do names[#names + 1] = key end
  table.sort(names, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  return names
end

--- "unknown WHAT 'NAME'; did you mean 'X'? Known: ...", for any list of names.
function options.unknown(what, name, names)
  local listed = {}
  for i, n in ipairs(names) do listed[i] = tostring(n) end
  local near = options.nearest(name, names)
  return ("unknown %s %s%s known: %s"):format(what, options.show(tostring(name)), near and ("; did you mean '" .. near .. "'?") or ";",
    #listed > 0 and table.concat(listed, ", ") or "none")
end

--- A text in one line: control characters as \n, \0, \27.
local function one_line(text)
  return (text:gsub("[%z\1-\31\127]", function(c) return c == "\n" and "\\n" or ("\\%d"):format(c:byte()) end))
end

--- The text of a value in a message.
function options.show(value)
  if type(value) == "string" then
    return #value <= 200 and ("'%s'"):format(one_line(value)) or ("'%s..' (%d bytes)"):format(one_line(value:sub(1, 60)), #value)
  end
  if type(value) ~= "table" then -- a tensor's own text has several lines, and one of the caller's may fail
    local ok, text = pcall(tostring, value)
    return ok and one_line(text:match("^[^\n]*")) or type(value)
  end
  local parts, index = {}, 0
  for key, v in pairs(value) do
    index = index + 1
    if index > 6 then
      parts[#parts + 1] = "..."
      break
    end
    local text = type(v) == "table" and "{...}" or options.show(v)
    parts[#parts + 1] = type(key) == "number" and text or (tostring(key) .. " = " .. text)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- What keeps a table from being a list, in words; nil for a list. What stands behind a nil, or has a name, would be lost without a word.
-- what [opt]: one of its elements, as "row".
function options.no_list(t, what)
  local count = 0
  while t[count + 1] ~= nil do count = count + 1 end
  local beside
  for key in pairs(t) do
    local inside = type(key) == "number" and key % 1 == 0 and key >= 1 and key <= count
    if not inside and (beside == nil or tostring(key) < tostring(beside)) then beside = key end
  end
  if beside == nil then return nil end
  return ("is a list of %d %s%s, and has the entry %s beside them%s"):format(count, what or "element", count == 1 and "" or "s", options.show(beside),
    type(beside) == "number" and beside > count and ", behind a nil" or "")
end

--- Another table with the same fields, without its metatable.
function options.copy(t)
  local c = {}
  for k, v in pairs(t) do c[k] = v end
  return c
end

--- The text of an error without the place in the source where it was raised.
function options.plain(err) return (tostring(err):gsub("^[^\n:]+:%d+: ", "")) end

--- What is wrong with a Lua pattern, found without a text that it would be tried on; nil where nothing is.
local function pattern_fault(pattern)
  local i, open, captures = 1, 0, 0
  while i <= #pattern do
    local c = pattern:sub(i, i)
    if c == "%" then
      local next_one = pattern:sub(i + 1, i + 1)
      if next_one == "" then return "it ends with %" end
      if next_one == "b" and i + 3 > #pattern then return "%b wants two characters" end
      if next_one == "f" and pattern:sub(i + 2, i + 2) ~= "[" then return "%f wants a [set]" end
      if next_one:find "%d" and (next_one == "0" or tonumber(next_one) > captures - open) then return ("no capture %%%s is before it"):format(next_one) end
      i = i + (next_one == "b" and 4 or 2)
    elseif c == "[" then
      i = i + (pattern:sub(i + 1, i + 1) == "^" and 2 or 1)
      if pattern:sub(i, i) == "]" then i = i + 1 end
      while i <= #pattern and pattern:sub(i, i) ~= "]" do i = i + (pattern:sub(i, i) == "%" and 2 or 1) end
      if i > #pattern then return "a [ lacks its ]" end
      i = i + 1
    else
      if c == "(" then open, captures = open + 1, captures + 1 elseif c == ")" then open = open - 1 end
      if open < 0 then return "a ) lacks its (" end
      if captures > 32 then return "it has more than 32 captures" end
      i = i + 1
    end
  end
  return open > 0 and "a ( lacks its )" or nil
end

--- A check of an entry: texts are Lua patterns; other values that its type allows stay.
function options.pattern(v)
  local fault = type(v) == "string" and pattern_fault(v)
  if not fault then return v end
  return nil, ("must be a Lua pattern, given %s: %s"):format(options.show(v), fault)
end

local function is_type(value, wanted)
  if wanted == "any" then return true end
  if wanted == "integer" then return type(value) == "number" and value == math.floor(value) and math.abs(value) < 2^53 end
  return type(value) == wanted
end

local function type_fits(value, wanted)
  if is_type(value, wanted) then return true end
  for one in wanted:gmatch("[^|]+") do
    if is_type(value, one) then return true end
  end
  return false
end

local function bounds_text(entry)
  if entry.min and entry.max then return ("from %g to %g"):format(entry.min, entry.max) end
  local parts = {}
  if entry.min then parts[#parts + 1] = ">= " .. tostring(entry.min) end
  if entry.above then parts[#parts + 1] = "> " .. tostring(entry.above) end
  if entry.max then parts[#parts + 1] = "<= " .. tostring(entry.max) end
  if entry.below then parts[#parts + 1] = "< " .. tostring(entry.below) end
  return table.concat(parts, " and ")
end

local function is_schedule(value) return type(value) == "table" and rawget(value, "is_schedule") == true end

--- The value to use for an entry, or nil and a message ("must be ..., got ...").
function options.value(value, entry)
  if entry.live ~= nil and is_schedule(value) then
    if entry.live then return value end
    return nil, "cannot follow a schedule; give a constant value"
  end
  if entry.type and not type_fits(value, entry.type) then
    return nil, ("must be %s, got %s"):format(entry.wanted or "of type " .. entry.type:gsub("|", " or "),
      options.show(value) .. (type(value) == "number" and "" or " (" .. type(value) .. ")"))
  end
  if type(value) == "number" then
    local endless = math.abs(value) == math.huge and (entry.min or entry.above) -- a size, a rate: no number of them is without end
    local inside = value == value and not endless and not (entry.min and value < entry.min) and not (entry.max and value > entry.max)
      and not (entry.above and value <= entry.above) and not (entry.below and value >= entry.below)
    if not inside then
      local bounds = bounds_text(entry)
      return nil, ("must be %s%s, got %s"):format(endless and "finite and " or "", bounds ~= "" and bounds or "a number", options.show(value))
    end
  end
  if entry.one_of then
    local found = false
    for _, allowed in ipairs(entry.one_of) do found = found or allowed == value end
    if not found then
      local near = type(value) == "string" and options.nearest(value, entry.one_of)
      local shown = {}
      for i, allowed in ipairs(entry.one_of) do shown[i] = tostring(allowed) end
      return nil, ("must be one of %s, got %s%s"):format(table.concat(shown, ", "), options.show(value),
        near and ("; did you mean '" .. near .. "'?") or "")
    end
  end
  local no_list = entry.list and type(value) == "table" and options.no_list(value)
  if no_list then return nil, no_list end
  if entry.check then
    local result, err = entry.check(value)
    if result == nil then return nil, err or ("must not be " .. options.show(value)) end
    return result
  end
  return value
end

--- A new table with the given values and the defaults, or nil and a message that begins with `where`.
function options.validate(given, schema, where)
  if given == nil then given = {} end
  if type(given) ~= "table" then
    return nil, ("%s: options are a table, got %s; write %s{ .. }"):format(where, options.show(given), where)
  end
  local result = {}
  for key, value in pairs(given) do
    local entry = schema[key]
    if not entry then
      return nil, ("%s: %s"):format(where, options.unknown("option", key, options.names(schema)))
    end
    local good, err = options.value(value, entry)
    if good == nil then return nil, ("%s: %s %s"):format(where, entry.name or tostring(key), err) end
    result[key] = good
  end
  for _, key in ipairs(options.names(schema)) do
    local entry = schema[key]
    if result[key] == nil then
      if entry.required then
        return nil, ("%s: %s is missing%s"):format(where, entry.name or tostring(key),
          entry.help and (" (" .. entry.help .. ")") or "")
      end
      result[key] = entry.default
    end
  end
  return result
end

--- The same, raising the error. `level` as for `error` in the function that calls this: 2 (the default) is its caller.
-- Do not call it as a tail call (`return options.check(...)`): the caller's frame, and with it the level, would be gone.
function options.check(given, schema, where, level)
  local result, err = options.validate(given, schema, where)
  if not result then error(err, (level or 2) + 1) end
  return result
end

return options
