--- The options that a function takes, found where it checks them: every public function holds its options table (base/options.lua), or the
-- table of its op, as an upvalue. So completion needs no list of its own.
local late = require "ramus.cli.late"
local ops = require "ramus.lang.ops"

local schema_of = {}

--- True if a table is one of options: names or numbers to entries.
local function is_schema(t)
  local n = 0
  for key, entry in next, t do
    if (type(key) ~= "string" and type(key) ~= "number") or type(entry) ~= "table" then return false end
    if not (rawget(entry, "type") or rawget(entry, "one_of")) or getmetatable(entry) then return false end
    n = n + 1
  end
  return n > 0
end

local function add(found, schema)
  for key, entry in pairs(schema) do
    if found[key] == nil then found[key] = entry end
  end
end

--- Adds the options in the upvalues of f; true where there are any. depth: how many functions further is looked.
local function from_upvalues(f, found, depth)
  local i, seen, functions = 1, false, {}
  while true do
    local name, value = debug.getupvalue(f, i)
    if not name then break end
    if type(value) == "table" then
      if name == "spec" and rawget(value, "params") and ops.specs[value.name] then
        add(found, ops.schema(value.name))
        for _, input in ipairs(value.inputs) do
          if input.name == "class_weights" and value.is_loss then add(found, { class_weights = { type = "table" } }) end
        end
        seen = true
      elseif is_schema(value) then
        add(found, value)
        seen = true
      end
    elseif type(value) == "function" and depth > 0 then functions[#functions + 1] = value end
    i = i + 1
  end
  for _, inner in ipairs(seen and {} or functions) do
    if debug.getinfo(inner, "S").what == "Lua" then seen = from_upvalues(inner, found, depth - 1) or seen end
  end
  return seen
end

--- The options of a function, or of a table that can be called, as its n-th argument; nil where it has none.
function schema_of.call(f, argument)
  local first = 1
  f = late.real(f)
  if type(f) == "table" and getmetatable(f) and getmetatable(f).__call then f, first = getmetatable(f).__call, 2 end
  if type(f) ~= "function" or debug.getinfo(f, "S").what ~= "Lua" then return nil end
  local name = debug.getlocal(f, first + (argument or 1) - 1)
  if name and name:find("recipe", 1, true) then return require("ramus.train.recipe").schema end
  local found = {}
  return from_upvalues(f, found, 1) and found or nil
end

--- The options inside an option: data = { ... }; nil where it has none.
function schema_of.inside(entry, key)
  if not entry then return nil end
  if entry.fields then return entry.fields end
  return key == "augment" and require("ramus.data.augment").schema or nil
end

--- The values that an entry takes, as Lua text; an empty list where these are not a few.
function schema_of.values(entry)
  local list = {}
  for _, v in ipairs(entry.one_of or {}) do list[#list + 1] = type(v) == "string" and ('"%s"'):format(v) or tostring(v) end
  if #list == 0 and ("|" .. (entry.type or "") .. "|"):find("|boolean|", 1, true) then list = { "true", "false" } end
  return list
end

return schema_of
