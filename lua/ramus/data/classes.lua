--- Classes of a segmentation, as a data set declares them and a checkpoint keeps them.
--
--   classes = { { name = "background" }, { name = "stem", value = 80, colour = "#e69f00" }, ... }
--
-- A list; the first one is class 0, the background. value: the number in the mask's file (position - 1 unless given);
-- colour: in label pictures and overlays (one of a palette unless given).
local C = require("ramus.base.ffi").C
local options = require "ramus.base.options"

local classes = {}

--- The most: a label picture has a palette of as many entries.
classes.MOST = tonumber(C.RA_CLASSES_MAX)

--- Colours of Okabe and Ito (2008) first, which can be distinguished with any kind of colour vision; then hues a golden angle apart.
local FIRST = { "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7" }
local TONES = { { 0.55, 1 }, { 0.95, 0.85 }, { 0.8, 0.6 } } -- saturation and value

local function of_hue(hue, saturation, value)
  local function channel(n)
    local k = (n + hue * 6) % 6
    return math.floor(255 * (value - value * saturation * math.max(0, math.min(k, 4 - k, 1))) + 0.5)
  end
  return ("#%02x%02x%02x"):format(channel(5), channel(3), channel(1))
end

--- The colour of class k (from 0) where none is declared.
function classes.colour(k)
  if FIRST[k + 1] then return FIRST[k + 1] end
  local tone = TONES[k % #TONES + 1]
  return of_hue(k * 0.61803398875 % 1, tone[1], tone[2])
end

--- Red, green and blue, 0 to 255, of "#rrggbb".
function classes.rgb(colour)
  local r, g, b = colour:match("^#(%x%x)(%x%x)(%x%x)$")
  return tonumber(r, 16), tonumber(g, 16), tonumber(b, 16)
end

local schema = {
  name = { type = "string", required = true, help = "as tables and legends show it", check = function(v)
    return v:match("^[^%c]+$") and v or nil, "must be a text without control characters, given " .. options.show(v)
  end },
  value = { type = "number", help = "the number in the mask's file; position - 1 unless given" },
  colour = { type = "string", help = "#rrggbb in label pictures and overlays", check = function(v)
    return v:match("^#%x%x%x%x%x%x$") and v:lower() or nil, "must be #rrggbb, given " .. options.show(v)
  end },
}
classes.schema = schema

--- A list of classes with every field, { { name =, value =, colour = }, .. }; an entry may be a name alone. nil and a message.
function classes.check(list, where)
  where = where or "classes"
  if type(list) ~= "table" or #list < 2 or #list > classes.MOST then
    return nil, ("%s: wants a list of 2 to %d classes, the background first, as { { name = \"background\" }, { name = \"vessel\" } }; given %s")
      :format(where, classes.MOST, type(list) == "table" and #list or options.show(list))
  end
  local no_list = options.no_list(list)
  if no_list then return nil, ("%s: %s"):format(where, no_list) end
  local result, names, values = {}, {}, {}
  for i, given in ipairs(list) do
    local what = ("%s: class %d"):format(where, i - 1)
    local entry, err = options.validate(type(given) == "string" and { name = given } or given, schema, what)
    if not entry then return nil, err end
    entry.value, entry.colour = entry.value or i - 1, entry.colour or classes.colour(i - 1)
    if names[entry.name] then return nil, ("%s has the name '%s' of class %d"):format(what, entry.name, names[entry.name]) end
    if values[entry.value] then return nil, ("%s has the value %g of class %d"):format(what, entry.value, values[entry.value]) end
    names[entry.name], values[entry.value] = i - 1, i - 1
    result[i] = entry
  end
  return result
end

--- The classes of a data set's definition with its checked options o: nil where it declares none; nil and a message where
-- they are wrong. A definition may give a function of its options.
function classes.of(def, o)
  local list = def.classes
  if type(list) == "function" then list = list(o or {}) end
  if list == nil or list == false then return nil end
  return classes.check(list, def.name .. ": classes")
end

--- Classes of a model whose data declares none: "background", "class 1", ...
function classes.default(count)
  local list = { "background" }
  for k = 1, count - 1 do list[k + 1] = "class " .. k end
  return assert(classes.check(list))
end

return classes
