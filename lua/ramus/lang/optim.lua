--- ra.optim.NAME{...}: the optimizer of a recipe, as a value; the core computes its steps over flat blocks. In a loop of one's own:
--
--   local o = ra.optim.adamw { lr = 1e-3 }
--   local value, gradients = ra.grad(f, model)
--   local norm, clipped = o:step(model, gradients)        -- { rate = } in the place of lr
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local ranges = require "ramus.lang.ranges"
local schedule = require "ramus.lang.schedule"

local optim = { names = {} }
local Optim = {}
Optim.__index = Optim

--- Whether v is an optimizer, as ra.optim.adamw {} makes one.
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
  swa = { type = "integer", min = 0, help = "first epoch of a plain mean of the weights at the ends of epochs, which is evaluated and saved (stochastic "
    .. "weight averaging)" },
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
  for _, key in ipairs { "clip", "accumulate", "ema", "swa", "decay", "layer_decay", "groups", "schedule" } do shown[#shown + 1] = key end
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

--- The core's state of an optimizer for a model, made at the first step; kept as long as both are.
local states = setmetatable({}, { __mode = "k" })

local function state_of(o, model)
  states[o] = states[o] or setmetatable({}, { __mode = "k" })
  local s = states[o][model]
  if s then return s end
  local block = model.flat:clone():fill(0)
  local c, err = optim.core(o, model.flat, block)
  if not c then error("optim: " .. err, 3) end
  local list
  list, err = ranges.of(model, o)
  if not list then error("optim: " .. err, 3) end
  assert(ranges.apply(c, list, o))
  s = { c = c, gradients = model.cut_gradients(block), norm = ffi.new("double[1]"), clipped = ffi.new("_Bool[1]") }
  states[o][model] = s
  return s
end

--- One step of a model by gradients, a table by parameter name as ra.grad gives it. given: rate (lr unless given; schedule, accumulate, ema
-- and swa are for recipes). Returns the gradient's norm before clipping, and whether it was clipped; an error where it is not finite.
function Optim:step(model, gradients, given)
  if type(model) ~= "table" or not model.cut_gradients then error("optim:step: wants a model, given " .. options.show(model), 2) end
  if type(gradients) ~= "table" then error("optim:step: wants gradients by parameter name, given " .. options.show(gradients), 2) end
  local o = options.check(given, { rate = { type = "number", min = 0 } }, "optim:step")
  local s = state_of(self, model)
  for _, p in ipairs(model.parameter_list) do
    local g = gradients[p.name]
    if not g then error(("optim:step: there is no gradient of '%s'"):format(p.name), 2) end
    s.gradients[p.name]:copy(g)
  end
  if ffi.C.ra_optim_step(s.c, o.rate or self.lr, s.norm, s.clipped) ~= 0 then error("optim:step: " .. ffi.message(), 2) end
  return s.norm[0], s.clipped[0]
end

--- The optimizer of the core for blocks of weights and gradients; nil and a message.
function optim.core(o, weights, gradients)
  local config = ffi.new("ra_optim_config", { weight_decay = o.weight_decay, momentum = o.momentum or 0, beta1 = o.beta1 or 0,
    beta2 = o.beta2 or 0, eps = o.eps or 0, clip = o.clip or 0, nesterov = o.nesterov or false })
  return ffi.own(ffi.C.ra_optim_new(o.kind, config, weights, gradients), ffi.C.ra_optim_release)
end

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
