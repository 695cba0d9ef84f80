--- change(t) changes one place of a table, at any depth: another value, no value, a value from elsewhere in it.
local json = require "cjson"

local STRANGE = { -1, 0, 1, 3, 2 ^ 31, 2 ^ 53, -2 ^ 40, 0.5, 1e300, "", "relu", "x", "../escape", "../../escape", "/etc/hostname", json.null, true, false, {},
  { 1 }, { { {} } } }

local function random(n) return math.random(1, n) end

local function change(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  if #keys == 0 then return end
  local key = keys[random(#keys)]
  if type(t[key]) == "table" and random(5) > 1 then return change(t[key]) end
  local kind = random(4)
  if kind == 1 then t[key] = nil
  elseif kind == 2 then t[key] = t[keys[random(#keys)]]
  else t[key] = STRANGE[random(#STRANGE)] end
end

return change
