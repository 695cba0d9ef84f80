--- The rule of the border: a pointer that api.h does not mark RA_OPT is never NULL, and never of a freed tensor; a whole number is one.
--
-- LuaJIT silently converts nil, and any userdata, to a pointer, and the core would then read invalid memory; for an int32_t it cuts fractions
-- off and takes what is too large modulo 2^32. So no module calls the core directly: border.checked(C, text) is a table that makes, at the
-- first use of each function, a Lua function that checks pointers and whole numbers by the declaration in api.h and calls it. Constants and
-- functions without either come from C as they are. Numbers, strings and foreign handles for a pointer are refused by LuaJIT itself.
local options = require "ramus.base.options"
local talk = require "ramus.base.talk"

local border = {}

--- What `pattern`, which begins with ^, captures behind the first place in the text where `words` stand (behind a blank or a star) and the
-- pattern holds; nil where there is none. To find the words as they are is many times as fast as a pattern tried at every letter of api.h.
local function behind(text, words, pattern)
  local from, to = text:find(words, 1, true)
  while from do
    local found = text:find("^[%s*]", from - 1) and text:match(pattern, to + 1)
    if found then return found end
    from, to = text:find(words, to + 1, true)
  end
end

--- Parameters of the declaration of `name` in the text of api.h without comments: list of { name, pointer, text, tensor, optional, whole };
-- nil where it declares no such function.
local function parameters_of(text, name)
  local inside = behind(text, name, "^%s*(%b())%s*;")
  if not inside then return nil end
  local list = {}
  for one in inside:sub(2, -2):gmatch("[^,]+") do
    if not one:match("^%s*void%s*$") then
      list[#list + 1] = { name = one:match("([%w_]+)%s*$"), pointer = one:find("*", 1, true) ~= nil,
        text = one:match "^%s*const char %*%s*[%w_]+%s*$" ~= nil, tensor = one:match("^[%w_%s]-ra_tensor%s*%*%s*[%w_]+%s*$") ~= nil,
        optional = one:find("RA_OPT", 1, true) ~= nil, whole = one:match "^%s*int32_t%s+[%w_]+%s*$" ~= nil }
    end
  end
  return list
end
border.parameters_of = parameters_of

--- The level of error() at which the caller of the Lua function that called the core stands.
local LEVEL = 4

local function missing(name, parameter, value)
  error(("%s: %s is %s; wanted a %s"):format((name:gsub("^ra_", "")), parameter, type(value) == "userdata" and "a userdata" or "nil",
    "value of its own kind"), LEVEL)
end

local function freed(name, parameter)
  error(("%s: %s was freed; it has no values any more"):format((name:gsub("^ra_", "")), parameter), LEVEL)
end

local tobit = bit.tobit

--- What is no number of 32 bits is none (an int64_t may be one); strings and tables are refused by LuaJIT itself.
local function fraction(name, parameter, value)
  local n = type(value) == "cdata" and tonumber(value) or value
  if type(n) ~= "number" or tobit(n) == n then return end
  error(("%s: %s must be a whole number from -2147483648 to 2147483647, given %s"):format((name:gsub("^ra_", "")), parameter, ("%.17g"):format(n)), LEVEL)
end

--- Parameters that name a file or folder, and functions that only ask whether there is one: --verbose tells of the others.
local PATHS = { path = true, from = true, to = true, archive = true, folder = true }
local ASKS = { ra_path_kind = true, ra_path_stamp = true, ra_path_absolute = true }

--- A line of the source that tells which files a function is called for; nil where it takes none.
local function telling(name, list)
  local paths = {}
  for i, p in ipairs(list) do if p.text and PATHS[p.name] then paths[#paths + 1] = "a" .. i end end
  if #paths == 0 or ASKS[name] then return nil end
  return ("if talk.verbose then talk.detail('%s %s', %s) end"):format(name:gsub("^ra_", ""):gsub("_", " "), ("%s "):rep(#paths):sub(1, -2),
    table.concat(paths, ", "))
end

--- A function of the source that checks pointers and whole numbers of `list` and calls f.
local function checking(name, list, f)
  local arguments, lines = {}, {}
  for i, p in ipairs(list) do
    local a = "a" .. i
    arguments[i] = a
    if p.pointer then
      local absent = p.optional and "type(%s) == 'userdata'" or "%s == nil or type(%s) == 'userdata'"
      lines[#lines + 1] = ("if %s then missing(name, %q, %s) end"):format(absent:gsub("%%s", a), p.name, a)
    end
    if p.whole then
      lines[#lines + 1] = ("if type(%s) ~= 'number' or tobit(%s) ~= %s then fraction(name, %q, %s) end"):format(a, a, a, p.name, a)
    end
    if p.tensor then
      lines[#lines + 1] = ("if %s ~= nil and type(%s) == 'cdata' and is_tensor(%s) and %s.storage == nil then freed(name, %q) end")
        :format(a, a, a, a, p.name)
    end
  end
  lines[#lines + 1] = telling(name, list)
  local given = table.concat(arguments, ", ")
  local source = ("local f, name, missing, freed, fraction, tobit, is_tensor, talk = ... return function(%s) %s return f(%s) end")
    :format(given, table.concat(lines, " "), given)
  return assert(loadstring(source, "=border " .. name))(f, name, missing, freed, fraction, tobit, border.is_tensor, talk)
end

--- Names of the fields of a struct of api.h that are whole numbers: { NAME = true }; nil where it declares no such struct.
local function whole_fields(text, struct)
  local inside = behind(text, "typedef struct " .. struct, "^%s*(%b{})")
  if not inside then return nil end
  local fields = {}
  for list in inside:gmatch "int32_t%s+([%w_,%s]+);" do for name in list:gmatch "[%w_]+" do fields[name] = true end end
  return fields
end

local source, stripped -- the text of api.h, and without comments

--- The text of api.h without comments, made when it is first asked for.
local function declarations()
  stripped = stripped or source:gsub("/%*.-%*/", " ")
  return stripped
end

--- The same rule for the table that a struct is made of: an error where a field that is a whole number would not be one. kind: of ffi.new.
local known = {}
function border.check_fields(kind, init)
  known[kind] = known[kind] or whole_fields(declarations(), kind) or {}
  for name in pairs(known[kind]) do if init[name] ~= nil then fraction(kind, name, init[name]) end end
end

--- What the core does not have: an error with the nearest name of its functions, which names all of api.h.
local function unknown(name, text)
  local names = {}
  for declared in text:gmatch("[%s*](ra_[%w_]+)%s*%b()%s*;") do names[#names + 1] = declared end
  local near = type(name) == "string" and options.nearest(name, names)
  error(("the core has no '%s'%s"):format(tostring(name), near and ("; did you mean '" .. near .. "'?") or ""), 3)
end

--- The core's functions and constants behind their checks. text: api.h; is_tensor(value): whether it is a tensor.
function border.checked(C, text, is_tensor)
  border.is_tensor, source = is_tensor, text
  return setmetatable({}, { __index = function(checked, name)
    local there, value = pcall(function() return C[name] end)
    if not there then unknown(name, text) end
    local list = parameters_of(declarations(), name)
    local checks = false
    for _, p in ipairs(list or {}) do checks = checks or p.whole or p.pointer and not (p.optional and not p.tensor) end
    local finalizer = name:find "_release$" or name:find "_drop$" -- these accept NULL and freed tensors
    if checks and not finalizer then value = checking(name, list, value) end
    rawset(checked, name, value)
    return value
  end })
end

return border
