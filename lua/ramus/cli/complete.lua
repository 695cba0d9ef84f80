--- Completion at the REPL's prompt: names, fields, methods, names and values of options, names of help, of commands and of files.
local context = require "ramus.cli.context"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local help = require "ramus.cli.help"
local schema_of = require "ramus.cli.schema_of"
local show = require "ramus.base.show"

local complete = {}

-- ---- fields of values ---------------------------------------------------------

local function add_keys(names, t)
  for k, v in next, t do
    if type(k) == "string" and k:match("^[%a_][%w_]*$") and not k:match("^__") then names[k] = type(v) == "function" and "call" or true end
  end
end

local function tensor_fields(names)
  for _, n in ipairs(help.tensor_methods()) do names[n] = "call" end
  for n in pairs(help.tensor_fields) do names[n] = true end
  for n, spec in pairs(require("ramus.lang.ops").specs) do if not spec.is_loss then names[n] = "call" end end
end

--- Public fields of a value, name -> "call" where it is a function: a table's own, those of its metatable, what a lazy table would load.
function complete.fields_of(value)
  local names = {}
  if require("ramus.lang.tensor").is(value) then tensor_fields(names)
  elseif type(value) == "string" then add_keys(names, string)
  elseif value == ffi.C then
    for _, n in ipairs(help.core_names()) do names[n] = "call" end
  elseif type(value) == "table" then
    local meta = getmetatable(value)
    if type(meta) == "table" then
      local methods = type(meta.__index) == "table" and meta.__index or meta.methods
      if type(methods) == "table" then add_keys(names, methods) end
      if type(meta.lazy) == "function" then for n in pairs(meta.lazy()) do names[n] = true end end
    end
    add_keys(names, value)
    if value == require("ramus").models then for _, n in ipairs(value.names()) do names[n] = "call" end end
  end
  return names
end

--- The value of a path as "net.values" or "x[1].a" without calling anything of the user's; nil where there is none.
function complete.value_of(path)
  local value = _G
  for name in path:gsub("%[%s*[\"']?([%w_]+)[\"']?%s*%]", ".%1"):gmatch("[^%.:]+") do
    if type(value) ~= "table" and type(value) ~= "cdata" then return nil end
    local ok, next_value = pcall(function() return value[tonumber(name) or name] end)
    value = ok and next_value or nil
    if value == nil then return nil end
  end
  return value
end

-- ---- options ------------------------------------------------------------------

--- The options of the table that is open; nil where they are not known.
local function schema_at(frame)
  if frame.parent then
    local outer = schema_at(frame.parent)
    return outer and frame.key and schema_of.inside(outer[frame.key], frame.key) or nil
  end
  local f = frame.callee and complete.value_of(frame.callee)
  return f ~= nil and schema_of.call(f, frame.argument) or nil
end

local function option_names(at, names)
  local schema = schema_at(at.frame)
  for key in pairs(schema or {}) do if type(key) == "string" then names[key] = "option" end end
end

local function entry_at(at)
  local schema = at.frame and schema_at(at.frame)
  return schema and schema[at.key or (at.frame.bracket == "{" and 1 or at.frame.argument)]
end

-- ---- strings and files -----------------------------------------------------------

--- Names of files that a text may go on with; folders end in /.
local function file_names(partial, names)
  local folder, leaf = partial:match("^(.*/)([^/]*)$")
  for _, name in ipairs(files.list(folder or ".", { hidden = (leaf or partial):sub(1, 1) == "." }) or {}) do
    names[(folder or "") .. name] = name:sub(-1) == "/" and "folder" or "file"
  end
end

local function in_string(at, names)
  local entry = entry_at(at)
  local callee = at.bare or at.frame and at.frame.callee
  for _, v in ipairs(entry and entry.one_of or {}) do names[tostring(v)] = "file" end
  if entry and at.key == "set" then for _, n in ipairs(require("ramus.data.dataset").names()) do names[n] = "file" end end
  if callee == "help" then for _, n in ipairs(help.names()) do names[n] = "file" end end
  if not next(names) then file_names(at.partial, names) end
end

--- The values that the word at the end of a command's words may have, by its tables; false where they name none.
local function values_of(command, found, words, names)
  local list = #words == 3 and found.one_of
  for _, f in ipairs(command.flags_of(found)) do
    if f.one_of and words[#words - 1] == "--" .. f.name then list = f.one_of end
  end
  for _, name in ipairs(list or {}) do names[name] = true end
  return list ~= nil and list ~= false
end

--- Words of a command of the shell; behind `ramus` its own commands, options and data sets.
local function shell_words(line, names)
  local words = {}
  for word in (line .. "\1"):gmatch("%S+") do words[#words + 1] = word:gsub("\1", "") end
  local partial = words[#words]
  local command = require "ramus.cli.command"
  local found = words[1]:match("[^/]*$") == "ramus" and #words > 2 and command.find(words[2])
  if words[1]:match("[^/]*$") == "ramus" and #words == 2 then
    for _, n in ipairs(command.names()) do names[n] = true end
  elseif found and partial:sub(1, 1) == "-" then
    for _, f in ipairs(command.flags_of(found)) do names["--" .. f.name] = true end
  elseif found and values_of(command, found, words, names) then return partial
  else
    if found and (found.words or ""):find("SET", 1, true) then for _, n in ipairs(require("ramus.data.dataset").names()) do names[n] = true end end
    file_names(partial, names)
  end
  return partial
end

-- ---- candidates -------------------------------------------------------------------

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
  "repeat", "return", "then", "true", "until", "while" }

local function global_names(names)
  for k, v in pairs(_G) do if type(k) == "string" then names[k] = type(v) == "function" and "call" or true end end
  for _, k in ipairs(keywords) do names[k] = true end
end

--- Help's names: all at the top; behind a dot those of a room (?loss.di), or what the value has.
local function help_names(asked, names)
  local owner, rest = asked:match("^([%w_%.]+)%.([%w_]*)$")
  if not owner then
    for _, n in ipairs(help.names()) do names[n] = true end
    return asked
  end
  for _, n in ipairs(help.names_in(owner)) do names[n] = true end
  return rest
end

local function lua_names(before, names)
  local at = context.of(before)
  if at.kind == "string" then in_string(at, names)
  elseif at.kind == "field" then
    local value = at.path and complete.value_of(at.path)
    if value ~= nil then names = complete.fields_of(value)
    elseif at.call then tensor_fields(names) end -- what a call returns is not known; most often a tensor
    if at.sign == ":" then for n, kind in pairs(names) do if kind ~= "call" then names[n] = nil end end end
  elseif at.kind ~= "comment" then
    local entry = at.kind == "value" and entry_at(at)
    for _, v in ipairs(entry and schema_of.values(entry) or {}) do names[v] = true end
    if at.kind == "key" then option_names(at, names) end
    local fitting = false
    for n in pairs(names) do fitting = fitting or n:sub(1, #at.partial) == at.partial or n:sub(2, #at.partial + 1) == at.partial end
    if at.partial ~= "" and not fitting then global_names(names) end
  end
  return names, at.partial, at.kind
end

--- Names that the text before the cursor may go on with, sorted, and the part of them that is there; then their kinds by name and the kind of
-- place.
function complete.candidates(before)
  local names, partial, place = {}
  local asked, command = before:match("^%s*%?%s*([%w_%.]*)$"), before:match("^%s*%$%s*(%S.*)$")
  if asked then partial = help_names(asked, names)
  elseif command then partial = shell_words(command, names)
  else names, partial, place = lua_names(before:gsub("^%s*time%s+", ""), names) end
  local list = {}
  for name in pairs(names) do
    local fits = name:sub(1, #partial) == partial or place == "value" and name:sub(2, #partial + 1) == partial and name:sub(1, 1) == '"'
    if fits and (name:sub(1, 1) ~= "_" or partial:sub(1, 1) == "_") then list[#list + 1] = name end
  end
  table.sort(list)
  return list, partial, names, place
end

--- A list in columns.
local function columns_of(list)
  local width, lines = 0, {}
  local room, shown = show.width(), {}
  for i, name in ipairs(list) do
    shown[i] = name:match("[^/]+/?$") or name
    width = math.max(width, #shown[i] + 2)
  end
  local columns = math.max(1, math.floor(room / width))
  for i = 1, math.min(#shown, 200) do
    local row = math.floor((i - 1) / columns) + 1
    lines[row] = (lines[row] or "") .. show.padded(shown[i], width)
  end
  if #shown > 200 then lines[#lines + 1] = ("... %d more"):format(#shown - 200) end
  for i, line in ipairs(lines) do lines[i] = line:gsub("%s+$", "") end
  return table.concat(lines, "\n")
end

--- What to insert at the cursor, and a list to show where several names fit.
function complete.word(before)
  local list, partial, kinds, place = complete.candidates(before)
  if #list == 0 then return nil end
  if #list == 1 then
    local name, after = list[1], ""
    if name:sub(1, 1) == '"' and partial ~= "" and partial:sub(1, 1) ~= '"' then return nil, name end -- the quote is missing before the word
    if kinds[name] == "option" then after = " = "
    elseif place == "string" and kinds[name] == "file" then after = before:sub(-#partial - 1, -#partial - 1):match("[\"']") or "" end
    local insert = name:sub(#partial + 1) .. after
    return insert ~= "" and insert or nil
  end
  local common = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  if #common > #partial and common:sub(1, #partial) == partial then return common:sub(#partial + 1) end
  return nil, columns_of(list)
end

return complete
