--- ra.optim.NAME{...}: which optimizer a recipe wants, as a value; the work is
-- done in the core over flat blocks.
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"

local optim = { names = { "sgd", "adam", "adamw" } }
local Optim = {}
Optim.__index = Optim

function optim.is(v) return getmetatable(v) == Optim end

local function rate_schedule(v) return schedule.is(v) and v or nil, "must be a schedule, as ra.cosine{}" end

local function common()
  return {
    lr = { type = "number", min = 0, required = true, help = "learning rate" },
    weight_decay = { type = "number", min = 0, default = 0 },
    clip = { type = "number", above = 0, help = "largest norm of the gradient; no clipping if left out" },
    schedule = { type = "table", check = rate_schedule, help = "multiplies lr over time" },
    accumulate = { type = "integer", min = 1, default = 1, help = "micro-batches per step, their losses averaged" },
    ema = { type = "number", min = 0, below = 1, help = "decay of an average of the weights that is evaluated and saved" },
  }
end

local own = {
  sgd = { momentum = { type = "number", min = 0, below = 1, default = 0 }, nesterov = { type = "boolean", default = false } },
  adam = { beta1 = { type = "number", min = 0, below = 1, default = 0.9 }, beta2 = { type = "number", min = 0, below = 1, default = 0.999 },
    eps = { type = "number", above = 0, default = 1e-8 } },
}
own.adamw = own.adam

--- The options of an optimizer, by its name.
function optim.schema(name)
  local schema = common()
  for k, v in pairs(own[name]) do schema[k] = v end
  return schema
end

for _, name in ipairs(optim.names) do
  optim[name] = function(given)
    local o = options.check(given, optim.schema(name), "optim." .. name)
    o.kind = name
    return setmetatable(o, Optim)
  end
end

function Optim.__tostring(o)
  local parts = {}
  for _, k in ipairs { "lr", "weight_decay", "momentum", "nesterov", "beta1", "beta2", "eps", "clip", "accumulate", "ema", "schedule" } do
    if o[k] ~= nil then parts[#parts + 1] = k .. "=" .. tostring(o[k]) end
  end
  return o.kind .. "{" .. table.concat(parts, ", ") .. "}"
end

return setmetatable(optim, {
  __index = function(_, name) error(("optim.%s: %s"):format(tostring(name), options.unknown("optimizer", name, { "sgd", "adam", "adamw" })), 2) end,
})
