--- local ra = require "ramus": everything by its public name. Parts are loaded
-- when they are first used, so that starting is quick.
local ra = { version = "0.1.0" }

--- Public name -> { module } or { module, field of it }.
local lazy = {
  F = { "ramus.F" }, nn = { "ramus.nn" }, loss = { "ramus.loss" }, optim = { "ramus.optim" },
  image = { "ramus.image" }, augment = { "ramus.augment" }, schedule = { "ramus.schedule" },
  tensor = { "ramus.tensor", "of" }, empty = { "ramus.tensor", "empty" }, zeros = { "ramus.tensor", "zeros" },
  ones = { "ramus.tensor", "ones" }, rand = { "ramus.tensor", "rand" }, randn = { "ramus.tensor", "randn" },
  seed = { "ramus.tensor", "seed" }, is_tensor = { "ramus.tensor", "is" },
  grad = { "ramus.grad" }, model = { "ramus.model", "new" },
  save = { "ramus.serialize", "save" }, load = { "ramus.serialize", "load" }, load_model = { "ramus.checkpoint", "load_model" },
  metrics = { "ramus.metrics" }, train = { "ramus.train" }, evaluate = { "ramus.evaluate" }, predict = { "ramus.predict" },
  fetch = { "ramus.fetch" }, datasets = { "ramus.dataset" }, recipe = { "ramus.recipe" },
}
for _, name in ipairs { "constant", "ramp", "step", "poly", "cosine", "warmup", "onecycle", "piecewise" } do
  lazy[name] = { "ramus.schedule", name }
end

--- ra.models.NAME{...}: built-in architectures.
ra.models = setmetatable({}, {
  __index = function(_, name)
    local ok, build = pcall(require, "ramus.models." .. tostring(name))
    if not ok then
      if not tostring(build):find("not found", 1, true) then error(build, 2) end
      error(require("ramus.options").unknown("model", name, { "unet" }), 2)
    end
    return build
  end,
})

--- Names of every op and loss.
function ra.op_names()
  local list = {}
  for i, name in ipairs(getmetatable(require "ramus.F").names) do list[i] = name end
  return list
end

return setmetatable(ra, {
  __index = function(_, name)
    local where = lazy[name]
    if not where then
      local known = { "models", "op_names" }
      for k in pairs(lazy) do known[#known + 1] = k end
      error(require("ramus.options").unknown("name", "ra." .. tostring(name), known), 2)
    end
    local value = require(where[1])
    if where[2] then value = value[where[2]] end
    rawset(ra, name, value)
    return value
  end,
  lazy = lazy, -- for completion and help
})
