--- A schedule from its text, as `ra.ramp{ 0, 0.5 }` in a run's resolved.json: schedule_text.read(text). The text is read and not executed; only
-- names of schedules, numbers, texts, tables and + - * / between two values in brackets are known. nil and a message where it says anything else.
local schedule = require "ramus.lang.schedule"

local schedule_text = {}

local LONGEST, DEEPEST = 4000, 20
local SIGN = { ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end, ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end }

local value

local function wrong(at) error({ ("cannot be read from character %d on"):format(at) }, 0) end

--- The place behind a pattern that must stand at `at`, and what it captured.
local function expect(text, at, pattern)
  local _, last, found = text:find("^%s*" .. pattern, at)
  if not last then wrong(at) end
  return last + 1, found
end

--- The entries between braces; at: behind the opening one.
local function entries(text, at, depth)
  local list = {}
  while not text:find("^%s*}", at) do
    local _, last, name = text:find("^%s*([%a_][%w_]*)%s*=%s*", at)
    if name then list[name], at = value(text, last + 1, depth + 1)
    else list[#list + 1], at = value(text, at, depth + 1) end
    local comma = select(2, text:find("^%s*,", at))
    if comma then at = comma + 1 elseif not text:find("^%s*}", at) then wrong(at) end
  end
  return list, (expect(text, at, "}"))
end

--- The value that begins at `at`, and the place behind it.
function value(text, at, depth)
  if depth > DEEPEST then wrong(at) end
  at = text:find("%S", at) or wrong(at)
  local name, open = text:match("^ra%.([%a_][%w_]*)%s*{()", at)
  if name then
    if not schedule.defined[name] then wrong(at) end
    local options, behind = entries(text, open, depth)
    return schedule[name](options), behind
  end
  local c = text:sub(at, at)
  if c == "{" then return entries(text, at + 1, depth) end
  if c == "(" then
    local a, b, sign
    a, at = value(text, at + 1, depth + 1)
    at, sign = expect(text, at, "([-+*/])")
    b, at = value(text, at, depth + 1)
    return SIGN[sign](a, b), (expect(text, at, "%)"))
  end
  local number, behind = text:match("^(-?[%d.]+[eE]?[-+]?%d*)()", at)
  if number then return tonumber(number) or wrong(at), behind end
  local plain, after = text:match('^"([%w_.]*)"()', at)
  if plain then return plain, after end
  local word, last = text:match("^(%a+)()", at)
  if word ~= "true" and word ~= "false" then wrong(at) end
  return word == "true", last
end

--- See the top of the file.
function schedule_text.read(text)
  if type(text) ~= "string" or #text > LONGEST then return nil, "is no text of a schedule" end
  local ok, result, behind = pcall(value, text, 1, 1)
  if not ok then return nil, type(result) == "table" and result[1] or tostring(result) end
  if not schedule.is(result) or text:find("%S", behind) then return nil, "is no text of a schedule" end
  return result
end

return schedule_text
