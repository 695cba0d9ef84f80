--- ra.models.NAME{options}: architectures, each a file lang/models/NAME.lua that ends in
--
--   return models.define { name = "unet", schema = { width = { type = "integer", default = 16 }, .. }, build = function(o)
--     ... return function(x) ... return output or table of named outputs end
--   end }
--
-- A file in that folder is found by its name; a recipe can define architectures too. Every architecture has the options channels (of
-- the input), classes (channels of every output, which build reads as o.classes or 1), seed (of the initialisation) and preset (where it
-- has presets) too. The model keeps its options, those that were given and its builder's name: `--set model.width=8` and the resolved recipe
-- work for any of them. What architectures share is in models/blocks.lua.
local model = require "ramus.lang.model"
local options = require "ramus.base.options"
local places = require "ramus.base.places"
local trace = require "ramus.lang.trace"

local models = {}

--- name -> { name, schema, make }: the architectures that are defined by now.
local defined = {}

local PREFIX = "ramus.lang.models."

--- An error where an architecture does not heed its option classes.
local function check_classes(net, o, where)
  for name, channels in pairs(net:output_channels()) do
    if channels ~= o.classes then
      error(("%s: classes = %d, but the output '%s' has %d channel%s; build(o) must give every output o.classes or 1 channels"):format(where, o.classes,
        name, channels, channels == 1 and "" or "s"), 3)
    end
  end
end

--- The options that an architecture has: its own, and those of all.
local function schema_of(d)
  local schema = { channels = { type = "integer", min = 1, default = 1, help = "channels of the input: 1 or 3 for images; 1 unless "
    .. "given, in a recipe 3 where the data set's images are coloured" },
    classes = { type = "integer", min = 1, max = 256, help = "channels of every output: 1 for foreground and background (a sigmoid), the "
      .. "number of classes for more (a softmax); 1 unless given, in a recipe that of the data set" },
    seed = { type = "integer", default = 0, help = "seed of the initialisation" } }
  if next(d.presets) then
    schema.preset = { type = "string", one_of = options.names(d.presets), help = "options by one name, see presets; options that are given too win" }
  end
  for key, entry in pairs(d.schema or {}) do schema[key] = entry end
  return schema
end

--- The given options with those of the preset that they name, which are no longer told from others: a resolved recipe and the key of a
-- study's cell hold values, not names.
local function with_preset(d, given, schema, where)
  local o = options.check(given, schema, where, 3)
  if not o.preset then return o end
  local all, used = options.copy(d.presets[o.preset].options), false
  for key in pairs(all) do used = used or given[key] == nil end
  if not used and next(all) then
    error(("%s: preset = '%s' changes nothing: %s are given too; leave them out"):format(where, o.preset, table.concat(options.names(all), ", ")), 3)
  end
  for key, value in pairs(given) do all[key] = value end
  o = options.check(all, schema, where, 3)
  o.preset = nil
  return o
end

--- Defines an architecture and returns its constructor. title(o): [opt] the model's name in its printed form. presets: [opt] NAME ->
-- { options, parameters =, channels =, from = }: options by one name; where somebody published a count, so many parameters for one class and
-- an input of so many channels (1), and where that is written. "published" is as the paper has it, "light" small enough for a CPU.
function models.define(d)
  d.presets = d.presets or {}
  local schema, where = schema_of(d), "models." .. d.name
  local function make(given)
    local o = with_preset(d, given or {}, schema, where)
    local net = model.new(d.build(o), { channels = o.channels, seed = o.seed, name = d.title and d.title(o) or d.name }, 3)
    if o.classes then check_classes(net, o, where) end
    net.options, net.given, net.builder = o, options.copy(given or {}), d.name
    net.channels_open = net.given.channels == nil
    return net
  end
  local function parameters(given)
    local o = with_preset(d, given or {}, schema, where)
    local recorded, err = trace.record(d.build(o), o.channels)
    if not recorded then places.raise_again(err, 3) end
    return recorded.parameters
  end
  defined[d.name] = { name = d.name, schema = schema, make = make, help = d.help, presets = d.presets, parameters = parameters }
  return make
end

--- The parameters of NAME{given} and their number, without making the model: a list of { name, shape, buffer }, buffers being left out of the
-- number.
function models.parameters(name, given)
  local list, n = models.find(name).parameters(given), 0
  for _, p in ipairs(list) do
    local size = 1
    for _, d in ipairs(p.shape) do size = size * d end
    n = n + (p.buffer and 0 or size)
  end
  return list, n
end

--- A model of the same architecture with some options changed; what was left open stays open. nil where it cannot be made.
function models.again(net, changes)
  local given = options.copy(net.given)
  for key, value in pairs(changes) do given[key] = value end
  local ok, made = pcall(models[net.builder], given)
  return ok and made or nil
end

--- The definition of an architecture; nil where there is none.
function models.find(name)
  if not defined[name] and name:match("^[%w_]+$") and package.searchpath(PREFIX .. name, package.path) then require(PREFIX .. name) end
  return defined[name]
end

--- Sorted names of all architectures.
function models.names()
  local folder = package.searchpath(PREFIX .. "unet", package.path):match("^(.*)/")
  for _, file in ipairs(require("ramus.base.files").list(folder) or {}) do
    local name = file:match("^([%w_]+)%.lua$")
    if name then models.find(name) end
  end
  return options.names(defined)
end

return setmetatable(models, {
  __index = function(_, name)
    local found = models.find(tostring(name))
    if found then return found.make end
    error(options.unknown("model", name, models.names()), 2)
  end,
})
