--- ra.optim.NAME{...}: the optimizer of a recipe, as a value; the core computes its
-- steps over flat blocks.
local options = require "ramus.base.options"
local ranges = require "ramus.lang.ranges"
local schedule = require "ramus.lang.schedule"

local optim = { names = {} }
local Optim = {}
Optim.__index = Optim

function optim.is(v) return getmetatable(v) == Optim end

local function rate_schedule(v) return schedule.is(v) and v or nil, "must be a schedule, as ra.cosine{}" end

--- Options of every optimizer, in the order in which they are shown around its own.
local COMMON = {
  lr = { type = "number", min = 0, required = true, help = "learning rate" },
  weight_decay = { type = "number", min = 0, default = 0, help = "pull of the weights towards 0" },
  clip = { type = "number", above = 0, help = "largest norm of the gradient; no clipping if left out" },
  schedule = { type = "table", check = rate_schedule, help = "schedule whose value multiplies lr" },
  accumulate = { type = "integer", min = 1, default = 1, help = "micro-batches per step, their losses averaged" },
  ema = { type = "number", min = 0, below = 1, help = "decay of an average of the weights that is evaluated and saved" },
  decay = { type = "string", one_of = { "all", "weights" }, default = "all", help = "parameters that weight_decay pulls: all, as PyTorch does, or those of "
    .. "rank 2 and more, which leaves out biases and what belongs to normalisations" },
  layer_decay = { type = "number", above = 0, max = 1, help = "factor of lr from each layer to the one before; a layer is what stands before the first dot "
    .. "of a parameter's name" },
  groups = { type = "table", check = ranges.groups, help = "{ { at = PATTERN, lr = factor, weight_decay = }, .. }: parameters with a rate or decay of their "
    .. "own; the first pattern that fits a name" },
}

local defined = {}

--- Defines ra.optim.NAME: an optimizer of the core and its own options, in the order in which they are shown.
local function define(d)
  local schema, shown = {}, { "lr", "weight_decay" }
  for key, entry in pairs(COMMON) do schema[key] = entry end
  for _, own in ipairs(d.options) do
    schema[own[1]] = own[2]
    shown[#shown + 1] = own[1]
  end
  for _, key in ipairs { "clip", "accumulate", "ema", "decay", "layer_decay", "groups", "schedule" } do shown[#shown + 1] = key end
  defined[d.name] = { schema = schema, shown = shown }
  optim.names[#optim.names + 1] = d.name
  optim[d.name] = function(given)
    local o = options.check(given, schema, "optim." .. d.name)
    o.kind = d.name
    return setmetatable(o, Optim)
  end
end

local ADAM = {
  { "beta1", { type = "number", min = 0, below = 1, default = 0.9, help = "decay of the gradient's average" } },
  { "beta2", { type = "number", min = 0, below = 1, default = 0.999, help = "decay of the average of its square" } },
  { "eps", { type = "number", above = 0, default = 1e-8, help = "number added to the root of the squared gradient's average" } },
}

define { name = "sgd", options = {
  { "momentum", { type = "number", min = 0, below = 1, default = 0, help = "fraction of the last step that is added to the next" } },
  { "nesterov", { type = "boolean", default = false, help = "true for Nesterov's momentum: the gradient is used one step ahead" } },
} }
define { name = "adam", options = ADAM }
define { name = "adamw", options = ADAM }

--- The options of an optimizer, by its name.
function optim.schema(name) return defined[name].schema end

function Optim.__tostring(o)
  local parts = {}
  for _, k in ipairs(defined[o.kind].shown) do
    local default = defined[o.kind].schema[k].default
    if k == "groups" and o[k] then parts[#parts + 1] = ("groups of %d"):format(#o[k])
    elseif o[k] ~= nil and not (k == "decay" and o[k] == default) then parts[#parts + 1] = k .. "=" .. tostring(o[k]) end
  end
  return o.kind .. "{" .. table.concat(parts, ", ") .. "}"
end

return setmetatable(optim, {
  __index = function(_, name) error(("optim.%s: %s"):format(tostring(name), options.unknown("optimizer", name, optim.names)), 2) end,
})
