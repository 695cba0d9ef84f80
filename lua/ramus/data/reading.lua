--- How the file of a mask or of a label becomes classes: what a data set, a sample's source or a recipe declares.
--
--   threshold = 128                                  foreground where the value, in units of 0..255, is at or above it
--   values    = { [0] = "background", [1] = "vessel" } numbers of the file (palette entries of a file with a palette) by class, a name
--                                                    or a number; an entry { low, high, class } stands for a range
--   colours   = { ["#ff0000"] = "vessel" }           colours by class, in place of numbers
--   channel   = 2                                    the channel of the file that is read; 4: alpha
--   invert    = true                                 foreground and background change places
--   ignore    = 255                                  a value (or colour), or a list of them: void, in no loss and no metric
--   range     = { 0, 4095 } or "auto"                of images: the numbers of the file that are black and white (scale.lua)
--
-- A set with more than two classes declares them (classes.lua); their values are the rules where nothing else is declared.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local C = ffi.C

local reading = {}

reading.VOID = tonumber(C.RA_VOID)

--- True for a range of an image's numbers; nil and a message.
function reading.range(v)
  if v == "auto" then return true end
  local low, high = type(v) == "table" and v[1], type(v) == "table" and v[2]
  local good = type(low) == "number" and type(high) == "number" and #v == 2 and low ~= high and math.abs(low) < 1e300 and math.abs(high) < 1e300
  if good then return true end
  return nil, ("must be { LOW, HIGH }, the numbers of black and white, or \"auto\", given %s"):format(options.show(v))
end

--- Schema of what is declared.
reading.schema = {
  range = { type = "table|string", check = function(v)
    local ok, err = reading.range(v)
    return ok and v, err
  end, help = "images: { LOW, HIGH }, the numbers of the file that become 0 and 1, or \"auto\", percentiles 0.5 and 99.5 of each image" },
  threshold = { type = "number", help = "masks: values of 0..255 (whatever the depth) at or above it are foreground" },
  values = { type = "table", help = "{ [file's value] = class, .. }, classes by name or number; entries may also be { low, high, class }" },
  colours = { type = "table", help = "{ [\"#rrggbb\"] = class, .. }" },
  channel = { type = "integer", min = 1, max = 64, help = "the channel of the file that holds mask or label; 4: alpha" },
  invert = { type = "boolean", help = "masks: foreground and background change places" },
  ignore = { type = "number|string|table", help = "value or colour, or a list of them, that is void: in no loss and no metric" },
}
reading.keys = options.names(reading.schema)

--- One of these says what foreground is.
local CLASSES = { "threshold", "values", "colours" }

--- True if a declaration says what foreground is.
function reading.declares(given)
  for _, key in ipairs(CLASSES) do if given[key] ~= nil then return true end end
  return false
end

--- What a table (a recipe's data) declares, and nothing else of it.
function reading.of(t)
  local result = {}
  for _, key in ipairs(reading.keys) do result[key] = t[key] end
  return result
end

--- The declaration `given` with what it leaves open from `base`: one of threshold, values and colours in `given` stands for all three.
function reading.over(given, base)
  local result, own = {}, reading.declares(given)
  for _, key in ipairs(reading.keys) do result[key] = given[key] end
  for _, key in ipairs(reading.keys) do
    local of_classes = key == "threshold" or key == "values" or key == "colours"
    if result[key] == nil and not (own and of_classes) then result[key] = base[key] end
  end
  return result
end

local LARGEST = 1.7976931348623157e308 -- of doubles: in the place of infinity, which JSON does not write

local function colour_number(text)
  return type(text) == "string" and text:match "^#%x%x%x%x%x%x$" and tonumber(text:sub(2), 16) or nil
end

-- ---- classes -------------------------------------------------------------------

--- The number of a class by its name or number; classes: the set's list, nil for two classes, of which `foreground` has been named.
-- Returns the number and the name of the foreground; nil and a message.
local function class_number(v, classes, foreground)
  if v == "void" or v == "ignore" then return reading.VOID, foreground end
  if type(v) == "number" then
    if v == math.floor(v) and v >= reading.VOID and v < (classes and #classes or 2 ^ 24) then return v, foreground end
    return nil, ("%s is no class%s"):format(tostring(v), classes and (", there are 0 to %d"):format(#classes - 1) or "; classes are whole numbers from 0 on")
  end
  if type(v) ~= "string" then return nil, ("wants names or numbers of classes, got %s"):format(options.show(v)) end
  if classes then
    local names = {}
    for i, c in ipairs(classes) do
      if c.name == v then return i - 1, foreground end
      names[i] = c.name
    end
    return nil, options.unknown("class", v, names)
  end
  if v == "background" then return 0, foreground end
  if foreground and foreground ~= v then
    return nil, ("names three classes, background, %s and %s; a set of more than two says classes = { { name = \"background\" }, { name = \"%s\" }, .. }, "
      .. "or gives each value 0 or 1"):format(foreground, v, foreground)
  end
  return 1, v
end

-- ---- rules ----------------------------------------------------------------------

--- { low, high, class } of `values`, in ascending order; nil and a message.
local function value_rules(values, classes)
  local list, foreground = {}, nil
  for _, key in ipairs(options.names(values)) do
    local v = values[key]
    local low, high, class = tonumber(key), tonumber(key), v
    if type(v) == "table" then low, high, class = tonumber(v[1]), tonumber(v[2]), v[3] end
    if type(low) ~= "number" or type(high) ~= "number" or class == nil then
      return nil, "values maps numbers of the file to classes, or holds { low, high, class }"
    end
    local number, name = class_number(class, classes, foreground)
    if not number then return nil, "values " .. name end
    if not (low <= high) then return nil, ("values: the range { %g, %g, .. } wants two numbers, the smaller one first"):format(low, high) end
    foreground = name
    list[#list + 1] = { math.max(low, -LARGEST), math.min(high, LARGEST), number }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  for i = 2, #list do
    local a, b = list[i - 1], list[i]
    if b[1] <= a[2] and a[3] ~= b[3] then
      return nil, ("values: %g to %g and %g to %g are of two classes and overlap"):format(a[1], a[2], b[1], b[2])
    end
  end
  return list
end

local function colour_rules(colours, classes)
  local list, foreground = {}, nil
  for _, key in ipairs(options.names(colours)) do
    local colour = colour_number(key)
    if not colour then return nil, ("colours maps \"#rrggbb\" to classes, got %s"):format(options.show(key)) end
    local number, name = class_number(colours[key], classes, foreground)
    if not number then return nil, "colours " .. name end
    foreground = name
    list[#list + 1] = { colour, colour, number }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

--- Rules of `ignore` before those of the classes, and whether they are of colours; nil and a message.
local function void_rules(ignore, list, coloured)
  local voids = {}
  for _, v in ipairs(type(ignore) == "table" and ignore or { ignore }) do
    local number = type(v) == "number" and v or colour_number(v)
    if not number or not (math.abs(number) <= LARGEST) then return nil, ("ignore wants values or colours \"#rrggbb\", got %s"):format(options.show(v)) end
    if coloured == nil then coloured = type(v) == "string" end
    if coloured ~= (type(v) == "string") then
      return nil, ("ignore: %s is a %s, the classes go by %s"):format(options.show(v), coloured and "value" or "colour", coloured and "colours" or "values")
    end
    voids[#voids + 1] = { number, number, reading.VOID }
  end
  for _, rule in ipairs(list) do voids[#voids + 1] = rule end
  return voids, coloured
end

--- What the core needs of a declaration: { threshold =, channel =, invert =, key =, rules = { { low, high, class }, .. } }; nil and a
-- message. classes: the set's list, or nil.
function reading.rules(given, classes)
  for _, key in ipairs(reading.keys) do
    if given[key] ~= nil then
      local good, wrong = options.value(given[key], reading.schema[key])
      if good == nil then return nil, ("%s %s"):format(key, wrong) end
    end
  end
  if given.values and given.colours then return nil, "declare `values` or `colours`, not both" end
  if given.threshold and not (math.abs(given.threshold) <= LARGEST) then return nil, ("threshold wants a number, got %g"):format(given.threshold) end
  if given.threshold and (given.values or given.colours) then return nil, "declare `threshold` or a list of classes, not both" end
  if classes and given.threshold then return nil, "a threshold makes two classes; the set declares classes, so give them values or colours" end
  if classes and given.invert then return nil, "invert changes foreground and background; the set declares classes, so give them values or colours" end
  local list, err = {}, nil
  if given.values then list, err = value_rules(given.values, classes)
  elseif given.colours then list, err = colour_rules(given.colours, classes)
  elseif classes then
    for i, c in ipairs(classes) do list[i] = { c.value, c.value, i - 1 } end
  end
  if not list then return nil, err end
  local coloured
  if #list > 0 then coloured = given.colours ~= nil end
  if given.ignore ~= nil then
    list, coloured = void_rules(given.ignore, list, coloured)
    if not list then return nil, coloured end
  end
  return { threshold = given.threshold, channel = given.channel or 0, invert = given.invert or false, rules = list,
    key = tonumber(coloured and C.RA_KEY_COLOUR or C.RA_KEY_VALUE) }
end

--- The same for the field `valid`: 0 where the rules say void, else 1.
function reading.valid_rules(r)
  local list = {}
  for _, rule in ipairs(r.rules) do
    if rule[3] == reading.VOID then list[#list + 1] = { rule[1], rule[2], 0 } end
  end
  list[#list + 1] = { -math.huge, math.huge, 1 }
  return { channel = r.channel, invert = false, key = r.key, rules = list }
end

--- True if rules make void pixels.
function reading.has_void(r)
  for _, rule in ipairs(r.rules) do if rule[3] == reading.VOID then return true end end
  return false
end

-- ---- text ------------------------------------------------------------------------

local function class_name(number, classes)
  if number == reading.VOID then return "void" end
  if classes then return classes[number + 1].name end
  return number == 0 and "background" or "foreground"
end

--- The one line that says how masks are read: "masks: values from 128 (of 0..255) on are foreground".
function reading.text(given, classes)
  local r = reading.rules(given, classes)
  if not r then return nil end
  local parts = {}
  for _, rule in ipairs(r.rules) do
    local what = r.key == tonumber(C.RA_KEY_COLOUR) and ("#%06x"):format(rule[1]) or ("%.6g"):format(rule[1])
    if rule[2] == LARGEST then what = ("from %.6g on"):format(rule[1])
    elseif rule[1] ~= rule[2] then what = ("%.6g to %.6g"):format(rule[1], rule[2]) end
    if #parts < 8 then parts[#parts + 1] = what .. " " .. class_name(rule[3], classes) end
  end
  if #r.rules > #parts then parts[#parts + 1] = ("and %d more"):format(#r.rules - #parts) end
  if given.threshold then parts[#parts + 1] = ("values from %g (of 0..255) on are foreground"):format(given.threshold) end
  if r.channel > 0 then parts[#parts + 1] = ("channel %d"):format(r.channel) end
  if r.invert then parts[#parts + 1] = "inverted" end
  return #parts > 0 and "masks: " .. table.concat(parts, ", ") or nil
end

return reading
