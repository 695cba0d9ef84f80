--- The shape of plain data from a file, checked before anything reads it.
--
--   shape.wrong(value, SHAPE, where)    what is wrong with it, in one line; nil where nothing is
-- SHAPE: "number" (finite), "integer" (from 0 to 2^53), "string", "boolean", "table", "any", several with |, ? at the end where it may be absent;
-- { list = SHAPE } for a JSON array; { map = SHAPE } for an object whose names are data; { NAME = SHAPE, .. } for an object, which may have
-- other fields too. optional = true in such a table: it may be absent.
local options = require "ramus.base.options"

local shape = {}

local is = {
  any = function(v) return v ~= nil end,
  integer = function(v) return type(v) == "number" and v == math.floor(v) and v >= 0 and v < 2 ^ 53 end,
  number = function(v) return type(v) == "number" and v == v and math.abs(v) ~= math.huge end,
}

local function fits(v, wanted)
  for one in wanted:gmatch "[^|]+" do
    if is[one] and is[one](v) or not is[one] and type(v) == one then return true end
  end
  return false
end

local function wrong_entries(v, wanted, where, is_list)
  local count = 0
  for k, inner in pairs(v) do
    if type(k) ~= (is_list and "number" or "string") then return where .. (is_list and ": must be a list" or ": must be an object") end
    count = count + 1
    local err = shape.wrong(inner, wanted, ("%s.%s"):format(where, tostring(k)))
    if err then return err end
  end
  if is_list and count ~= #v then return where .. ": must be a list without gaps" end
end

function shape.wrong(v, wanted, where)
  if type(wanted) == "string" then
    local kind, optional = wanted:match "^(.-)(%??)$"
    if v == nil and optional == "?" or fits(v, kind) then return nil end
    return ("%s: must be %s, is %s"):format(where, kind:gsub("|", " or "), v == nil and "missing" or options.show(v))
  end
  if v == nil and wanted.optional then return nil end
  if type(v) ~= "table" then
    return ("%s: must be %s, is %s"):format(where, wanted.list and "a list" or "an object", v == nil and "missing" or options.show(v))
  end
  if wanted.list then return wrong_entries(v, wanted.list, where, true) end
  if wanted.map then return wrong_entries(v, wanted.map, where, false) end
  for _, name in ipairs(options.names(wanted)) do
    local err = name ~= "optional" and shape.wrong(v[name], wanted[name], ("%s.%s"):format(where, name))
    if err then return err end
  end
end

return shape
