--- Which names help knows, by room: F, loss, nn, .. Completion and search read them; all come from the tables that define what they name.
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"

local help_names = {}

local function functions_of(module)
  local list = {}
  for k, v in pairs(module) do if type(k) == "string" and type(v) == "function" and not k:find("^_") then list[#list + 1] = k end end
  table.sort(list)
  return list
end
help_names.functions_of = functions_of

--- name -> definition of every module of ra.nn.
function help_names.modules()
  require "ramus.lang.nn"
  return require("ramus.lang.module").defined
end

--- Methods of a model, by name.
function help_names.model_methods() return getmetatable(require("ramus").models.unet { depth = 2, width = 1 }).methods end

local function text_keys(t)
  local list = {}
  for _, k in ipairs(options.names(t)) do if type(k) == "string" then list[#list + 1] = k end end
  return list
end

local function op_names(is_loss)
  local list = {}
  for _, n in ipairs(ops.names) do if ops.specs[n].is_loss == is_loss then list[#list + 1] = n end end
  return list
end

local function tensor_names()
  require "ramus.lang.F"
  return functions_of(require("ramus.lang.tensor").methods)
end

local function metric_names()
  local metrics, list = require "ramus.data.metrics", {}
  for _, k in ipairs(metrics.keys) do list[#list + 1] = k end
  for _, k in ipairs(functions_of(metrics)) do if not metrics.help[k] then list[#list + 1] = k end end
  return list
end

local rooms = {
  F = function() return op_names(false) end, loss = function() return op_names(true) end,
  nn = function() return options.names(help_names.modules()) end,
  models = function() return require("ramus.lang.models").names() end,
  schedule = function() return require("ramus.lang.schedule").names() end,
  optim = function() return require("ramus.lang.optim").names end,
  metrics = metric_names, t = tensor_names,
  model = function() return functions_of(help_names.model_methods()) end,
  recipe = function() return text_keys(require("ramus.train.recipe").schema) end,
  augment = function() return text_keys(require("ramus.data.augment").schema) end,
  datasets = function() return require("ramus.data.dataset").names() end,
  commands = function() return require("ramus.cli.command").names() end,
  C = function() return require("ramus.cli.core_help").names() end,
}

--- The rooms whose names ?NAME knows without the room before them.
local BARE = { "F", "loss", "models", "schedule", "optim", "metrics", "commands" }

--- Public modules besides these: ra.image, ra.checks, ..
local function public_modules()
  local list = {}
  for name, where in pairs(getmetatable(require "ramus").lazy()) do
    if not where[2] and not rooms[name] and type(require(where[1])) == "table" then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- Names in a room; an empty list where there is none.
function help_names.of(room)
  if rooms[room] then return rooms[room]() end
  local where = getmetatable(require "ramus").lazy()[room]
  local module = where and not where[2] and require(where[1])
  return type(module) == "table" and functions_of(module) or {}
end

--- All rooms.
function help_names.rooms()
  local list = options.names(rooms)
  for _, name in ipairs(public_modules()) do list[#list + 1] = name end
  return list
end

--- Every name without a room, sorted; topics: further ones.
function help_names.bare(topics)
  local seen = {}
  local function add(list) for _, n in ipairs(list) do seen[n] = true end end
  add(options.names(topics))
  for _, room in ipairs(BARE) do add(help_names.of(room)) end
  add(options.names(getmetatable(require "ramus").lazy()))
  return options.names(seen)
end

--- The name of a public function or table: "F.conv2d", "image.load"; nil where it is none.
function help_names.name_of(value)
  for name, where in pairs(getmetatable(require "ramus").lazy()) do
    local module = package.loaded[where[1]]
    if module ~= nil and value == module and not where[2] then return name end
    for key, v in next, not where[2] and type(module) == "table" and module or {} do
      if v == value and type(key) == "string" then return name .. "." .. key end
    end
    if where[2] and type(module) == "table" and rawget(module, where[2]) == value then return name end
  end
  local methods = require("ramus.lang.tensor").methods
  for name, v in pairs(methods) do if v == value then return "t." .. name end end
  local C = require("ramus.base.ffi").C
  for name, v in next, C do if rawequal(v, value) and type(v) ~= "number" then return "C." .. name end end
  local made = package.loaded["ramus.lang.model"] and type(value) == "function" and help_names.model_methods() or {}
  for name, v in pairs(made) do if v == value then return "model." .. name end end
  return value == C and "C" or nil
end

return help_names
