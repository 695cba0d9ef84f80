--- Recipes changed field by field, from the command line (texts) or by a study (values).
--
--   override.texts(raw, { "optim.lr=3e-4" }, schema)
--   override.values(raw, { ["optim.lr"] = 3e-4, ["supervise.2.weight"] = ra.ramp(0, 1) }, schema)
--   override.without(raw, { "teacher", "supervise.4" }, schema)      later rows move up
-- Each returns another table, or nil and a message. Values that a constructor made (losses, optimizers, models) are made anew.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local loss = require "ramus.lang.loss"
local model = require "ramus.lang.model"
local models = require "ramus.lang.models"
local optim = require "ramus.lang.optim"
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"

local override = {}

--- The environment of an expression on the command line: ramp(0, 1) as well as ra.ramp(0, 1), ra.loss, ra.optim.
local constructors = setmetatable({ ra = setmetatable({ loss = loss, optim = optim }, { __index = schedule }) }, { __index = schedule })

--- A value from the command line: a Lua expression with ra's constructors, else a string; nil removes a field.
local function read_value(text)
  if text == "nil" then return nil end
  local chunk = loadstring("return " .. text)
  if not chunk then return text end
  setfenv(chunk, constructors)
  local ok, value = pcall(chunk)
  if not ok or value == nil then return text end
  return value
end

local rebuild = {
  { is = optim.is, options = function(o)
    local given = options.copy(o)
    given.kind = nil
    return given
  end, make = function(o, given) return optim[o.kind](given) end },
  { is = loss.is, options = function(l) return l.options end, make = function(l, given) return loss[l.name](given) end },
  { is = model.is, options = function(m)
    if not m.options then error("this recipe's model is a function; only its source can be changed", 0) end
    local given = options.copy(m.given) -- what was left open stays open: a preset, or the data set, may decide it
    for key, value in pairs(m.options) do if type(value) == "table" and given[key] == nil then given[key] = value end end
    return given
  end, make = function(m, given) return models[m.builder](given) end },
}

--- Calls change(table, key) on a copy of the table that holds the field `keys`, and makes anew what holds it; `where`: the field as written.
local function change_field(value, keys, i, change, where)
  local key = tonumber(keys[i]) or keys[i]
  local function changed(fields)
    if i == #keys then change(fields, key)
    else fields[key] = change_field(fields[key] == nil and {} or fields[key], keys, i + 1, change, where) end
    return fields
  end
  for _, r in ipairs(rebuild) do
    if r.is(value) then return r.make(value, changed(options.copy(r.options(value)))) end
  end
  if type(value) ~= "table" then error(("%s: %s has no fields"):format(where, table.concat(keys, ".", 1, i - 1)), 0) end
  return changed(options.copy(value))
end

--- Changes the field `path` of a recipe; nil and a message. who: "--set", "set", "without".
local function change_at(raw, path, change, schema, who)
  local keys = {}
  for key in path:gmatch("[^%.]+") do keys[#keys + 1] = key end
  if not schema[keys[1]] then return nil, ("%s %s: %s"):format(who, path, options.unknown("field", keys[1] or "", options.names(schema))) end
  local where = who .. " " .. path
  local ok, result = pcall(change_field, raw, keys, 1, change, where)
  if ok then return result end
  local text = tostring(result):gsub("^[^:]+:%d+: ", "")
  return nil, text:sub(1, #where) == where and text or where .. ": " .. text
end

function override.texts(raw, settings, schema)
  for _, setting in ipairs(settings) do
    local path, text = setting:match("^%s*([%w_%.]+)%s*=%s*(.*)$")
    if not path then return nil, ("--set wants KEY=VALUE, given '%s'"):format(setting) end
    local value = read_value(text)
    if path == "data.set" and value == text then value = files.absolute(text) and dataset.locate(text) or text end -- as seen from the working directory
    local err
    raw, err = change_at(raw, path, function(fields, key) fields[key] = value end, schema, "--set")
    if not raw then return nil, err end
  end
  return raw
end

function override.values(raw, values, schema)
  local paths = options.names(values) -- in a fixed order: "model" before "model.width"
  for _, path in ipairs(paths) do
    if type(path) ~= "string" then return nil, ("set: wanted { [\"FIELD\"] = VALUE }, given the key %s"):format(tostring(path)) end
    local err
    raw, err = change_at(raw, path, function(fields, key) fields[key] = values[path] end, schema, "set")
    if not raw then return nil, err end
  end
  return raw
end

--- Entries of a list go from the last to the first, so that each is named by its place before any went.
local function place_of(path) return tonumber(path:match("(%d+)$")) or 0 end

function override.without(raw, paths, schema)
  local sorted = {}
  for i, path in ipairs(paths) do
    if type(path) ~= "string" then return nil, ("without: wanted a list of fields, given %s"):format(options.show(path)) end
    sorted[i] = path
  end
  table.sort(sorted, function(a, b) return place_of(a) > place_of(b) or (place_of(a) == place_of(b) and a < b) end)
  for _, path in ipairs(sorted) do
    local absent, err = false
    raw, err = change_at(raw, path, function(fields, key)
      absent = fields[key] == nil
      if type(key) == "number" then table.remove(fields, key) else fields[key] = nil end
    end, schema, "without")
    if not raw then return nil, err end
    if absent then return nil, ("without %s: the recipe has no such field"):format(path) end
  end
  return raw
end

return override
