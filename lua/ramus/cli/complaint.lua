--- An error as one line: where the user's own code stands, what is wrong, the nearest name; no frames of Ramus' own files. The REPL,
-- `ramus run` and `ramus -e` complain by it. With RAMUS_DEBUG=1 all frames are shown.
local options = require "ramus.base.options"
local raised_at = require "ramus.base.places"
local show = require "ramus.base.show"
local syntax_hints = require "ramus.cli.syntax_hints"

local complaint = {}

local HOUSE = raised_at.HOUSE
local LONG = 200 -- characters; a longer line does not list what else there is
local MOST = 4 -- places that are named behind "called from"

local function is_house(source) return source:sub(1, 1) == "@" and source:sub(2, #HOUSE + 1) == HOUSE end

local function is_users(info)
  return info.what ~= "C" and not is_house(info.source) and not info.source:find("^=border") and not info.source:find("^=%[")
end

--- "file.lua:3" of every frame of the user's above the handler of xpcall, innermost first; then whether Ramus' own code broke, as
-- "lang/tensor.lua:160".
local function frames()
  local places, broken = {}, nil
  local raised = debug.getinfo(3, "f")
  local deliberate = raised and (raised.func == error or raised.func == assert)
  local level, first = 3, true
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info or #places > 0 and info.source:sub(2, #HOUSE + 4) == HOUSE .. "cli" then break end -- the one that ran the user's code
    if info.what ~= "C" then
      if first and not deliberate and is_house(info.source) then broken = info.source:sub(#HOUSE + 2) .. ":" .. info.currentline end
      first = false
      if is_users(info) then places[#places + 1] = info.short_src .. ":" .. info.currentline end
    end
    level = level + 1
  end
  return places, broken
end

--- The handler of xpcall: { text, places, broken, trace } of what was raised.
function complaint.caught(e)
  local places, broken = frames()
  return { is_complaint = true, text = show.raised(e, 4), places = places, broken = type(e) == "string" and broken or nil,
    trace = os.getenv "RAMUS_DEBUG" == "1" and debug.traceback("", 2) or nil }
end

-- ---- the nearest name -------------------------------------------------------------

--- What a name that is nil at the top could have been; "" where nothing is near.
local function hint_global(name)
  if syntax_hints.names[name] then return ("; did you mean %s?"):format(syntax_hints.names[name]) end
  if #name == 1 then return "" end -- anything is near
  local ra = require "ramus"
  local lazy = getmetatable(ra).lazy()
  if rawget(require "ramus.lang.F", name) then return ("; did you mean F.%s?"):format(name) end
  if lazy[name] then return ("; did you mean ra.%s?"):format(name) end
  local names = {}
  for k in pairs(_G) do names[#names + 1] = k end
  local near = options.nearest(name, names)
  return near and ("; did you mean %s?"):format(near) or ""
end

--- The same for a field or method of what the input names: net:forwrd(x).
local function hint_field(name, input, fields)
  local owner = input and input:match("([%a_][%w_%.]*)[%.:]" .. name .. "%f[^%w_]")
  local names = owner and fields and fields(owner)
  local near = names and options.nearest(name, names)
  return near and ("; did you mean %s?"):format(near) or ""
end

--- What a table of functions that was called holds: ra.augment{..} is ra.augment.program{..}.
local function hint_room(name)
  local where = getmetatable(require "ramus").lazy()[name]
  local list, module = {}, where and not where[2] and require(where[1])
  for _, key in ipairs(type(module) == "table" and options.names(module) or {}) do
    if type(module[key]) == "function" and #list < 8 then list[#list + 1] = ("ra.%s.%s"):format(name, key) end
  end
  return #list > 0 and ("; it holds functions: %s, .."):format(table.concat(list, ", ")) or ""
end

local AT_HAND = { ra = true, F = true, nn = true, C = true }

local function hint(text, input, fields)
  local name = text:match("global '([%w_]+)' %(a nil value%)")
  if name and AT_HAND[name] and not input then
    return '; a file begins with: local ra = require "ramus"; local F, nn = ra.F, ra.nn'
  end
  if name then return hint_global(name) end
  name = text:match("attempt to call %l+ '([%w_]+)' %(a table value%)$")
  if name then return hint_room(name) end
  local kind
  kind, name = text:match("(%l+) '([%w_]+)' %(a nil value%)$")
  if kind == "field" or kind == "method" then return hint_field(name, input, fields) end
  name = text:match("call method '([%w_]+)' %(a number value%)$")
  if text:find("index a number value", 1, true) and input and input:find(":item()", 1, true) then
    return "; what reduces to one number gives a number, without item()"
  end
  if name == "size" then return "; .size is the number of elements, .shape the list of sizes" end
  return name and ("; it is a number, without parentheses: .%s"):format(name) or ""
end

-- ---- the line ---------------------------------------------------------------------

--- The line for what caught gave. input: [opt] what was typed; its own place is left out where it is one line. fields(path): [opt] the names of
-- what a path of it holds, for the nearest one; nil where that is nothing.
function complaint.line(c, input, fields)
  local text = c.text:gsub("^error loading module '[^\n]-' from file '[^\n]-':%s+", "")
  if text == "interrupted" or text:find("^[^\n]-:%d+: interrupted$") then return "interrupted" end
  local place, rest = raised_at.divided(text)
  local shown = place and not raised_at.in_house(place) and place or c.places[1]
  while true do -- an error that was passed on has the places where it was
    local inner, behind = raised_at.divided(rest)
    if not inner then break end
    if not raised_at.in_house(inner) then shown = inner end
    rest = behind
  end
  rest = rest:gsub("^(module '[^\n]-' not found):\n.*$", "%1")
  if #rest > LONG then rest = rest:gsub("(did you mean '[^\n]-'%?) known: [^\n]*$", "%1"):gsub("; known: [^\n]*$", input and "; ? lists topics" or "%0") end
  rest = rest .. hint(rest, input, fields)
  if c.broken then rest = ("%s (in %s of Ramus, which should have said what is wrong)"):format(rest, c.broken) end
  local from = {}
  for _, p in ipairs(c.places) do
    if p ~= shown and #from < MOST and not (input and p:find "^input:") then from[#from + 1] = p end
  end
  if input and shown and shown:find "^input:" then
    shown = input:find("\n", 1, true) and "line " .. shown:match("%d+$") or nil
  end
  return (shown and shown .. ": " or "") .. rest .. (#from > 0 and " (called from " .. table.concat(from, ", ") .. ")" or "") .. (c.trace or "")
end

return complaint
