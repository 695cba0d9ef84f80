--- Completion of names at the REPL's prompt.
local help = require "ramus.cli.help"

local complete = {}

--- Public fields of a value: a table's own, those of its metatable, what a lazy table would load.
local function fields_of(value)
  local names = {}
  local function add(t)
    for k in next, t do
      if type(k) == "string" and k:match("^[%a_][%w_]*$") and not k:match("^__") then names[k] = true end
    end
  end
  if require("ramus.lang.tensor").is(value) then
    for _, n in ipairs(help.tensor_methods()) do names[n] = true end
    for n in pairs(help.tensor_fields) do names[n] = true end
    for n, spec in pairs(require("ramus.lang.ops").specs) do if not spec.is_loss then names[n] = true end end
  elseif type(value) == "string" then add(string)
  elseif type(value) == "table" then
    add(value)
    local meta = getmetatable(value)
    if type(meta) == "table" then
      if type(meta.__index) == "table" then add(meta.__index) end
      if type(meta.lazy) == "function" then add(meta.lazy()) end
    end
    if value == require("ramus").models then for _, n in ipairs(value.names()) do names[n] = true end end
  end
  return names
end

--- The value of a dotted path without calling anything that could fail; nil where there is none.
local function value_of(path)
  local value = _G
  for name in path:gmatch("[^%.:]+") do
    if type(value) ~= "table" then return nil end
    local ok, next_value = pcall(function() return value[name] end)
    value = ok and next_value or nil
  end
  return value
end

--- Options of the op, loss, or optimizer whose braces are open.
local function options_in(before)
  local callee = before:match("([%a_][%w_%.]*)%s*%(?[^{}()]*{[^{}]*$") or before:match("([%a_][%w_%.]*)%s*%([^()]*{[^{}]*$")
  local leaf = callee and callee:match("([%w_]+)$")
  local names = {}
  local spec = leaf and require("ramus.lang.ops").specs[leaf]
  if spec then for _, p in ipairs(spec.params) do names[p.name] = true end end
  if callee and callee:match("optim%.") and rawget(require "ramus.lang.optim", leaf) then
    for _, k in ipairs(require("ramus.base.options").names(require("ramus.lang.optim").schema(leaf))) do names[k] = true end
  end
  return names
end

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
  "repeat", "return", "then", "true", "until", "while" }

--- Names that the text before the cursor may go on with, sorted, and the part of them that is there.
function complete.candidates(before)
  local names, partial = {}
  local asked = before:match("^%s*%?%s*(.*)$")
  if asked and not asked:find("%.") then
    partial = asked
    for _, n in ipairs(help.names()) do names[n] = true end
  else
    before = asked and before:gsub("^%s*%?%s*", "") or before
    local path, rest = before:match("([%a_][%w_%.:]*)[%.:]([%w_]*)$")
    if path then
      partial = rest
      local value = value_of(path)
      if value ~= nil then names = fields_of(value) end
    else
      partial = before:match("[%a_][%w_]*$") or ""
      if before:find("{[^{}]*$") then names = options_in(before) end
      if partial ~= "" then
        for k in pairs(_G) do if type(k) == "string" then names[k] = true end end
        for _, k in ipairs(keywords) do names[k] = true end
      end
    end
  end
  local list = {}
  for name in pairs(names) do
    if name:sub(1, #partial) == partial then list[#list + 1] = name end
  end
  table.sort(list)
  return list, partial
end

--- What to insert at the cursor, and a list to show where several names fit.
function complete.word(before)
  local list, partial = complete.candidates(before)
  if #list == 0 then return nil end
  local common = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  if #common > #partial then return common:sub(#partial + 1) end
  if #list == 1 then return nil end
  local width = 0
  for _, name in ipairs(list) do width = math.max(width, #name + 2) end
  local columns = math.max(1, math.floor(100 / width))
  local lines = {}
  for i = 1, math.min(#list, 200) do
    local row = math.floor((i - 1) / columns) + 1
    lines[row] = (lines[row] or "") .. ("%-" .. width .. "s"):format(list[i])
  end
  return nil, table.concat(lines, "\n")
end

return complete
