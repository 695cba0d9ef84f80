--- local ra = require "ramus": everything by its public name. Parts are loaded
-- when they are first used, so that starting is quick.
require "ramus.base.interpreted"
local ra = {}

--- Public name -> { module } or { module, field of it }.
local lazy = {
  version = { "ramus.base.build", "version" },
  F = { "ramus.lang.F" }, nn = { "ramus.lang.nn" }, loss = { "ramus.lang.loss" }, optim = { "ramus.lang.optim" },
  image = { "ramus.data.image" }, augment = { "ramus.data.augment" }, schedule = { "ramus.lang.schedule" },
  tensor = { "ramus.lang.tensor", "of" }, empty = { "ramus.lang.tensor", "empty" }, zeros = { "ramus.lang.tensor", "zeros" },
  ones = { "ramus.lang.tensor", "ones" }, rand = { "ramus.lang.tensor", "rand" }, randn = { "ramus.lang.tensor", "randn" },
  arange = { "ramus.lang.tensor_more", "arange" }, linspace = { "ramus.lang.tensor_more", "linspace" },
  full = { "ramus.lang.tensor_more", "full" }, eye = { "ramus.lang.tensor_more", "eye" },
  seed = { "ramus.lang.tensor", "seed" }, is_tensor = { "ramus.lang.tensor", "is" },
  grad = { "ramus.lang.grad" }, models = { "ramus.lang.models" }, model = { "ramus.lang.model", "new" },
  save = { "ramus.lang.serialize", "save" }, load = { "ramus.lang.serialize", "load" }, load_model = { "ramus.train.checkpoint", "load_model" },
  show = { "ramus.draw.show", "show" },
  plot = { "ramus.draw.plot", "plot" }, hist = { "ramus.draw.hist", "hist" }, open_run = { "ramus.train.run.history", "open" },
  metrics = { "ramus.data.metrics" }, train = { "ramus.train.trainer" }, evaluate = { "ramus.train.evaluate" }, predict = { "ramus.train.predict" },
  export = { "ramus.train.export" },
  save_weights = { "ramus.lang.state_dict", "write" }, fetch = { "ramus.data.fetch" }, datasets = { "ramus.data.dataset" }, recipe = { "ramus.train.recipe" },
  checks = { "ramus.train.checks" }, lr_find = { "ramus.train.lr_find" }, plan_for = { "ramus.train.recipe.plan_for" }, study = { "ramus.study.study" },
}

--- The same with ra.NAME of every schedule.
local function with_schedules()
  for _, name in ipairs(require("ramus.lang.schedule").names()) do lazy[name] = lazy[name] or { "ramus.lang.schedule", name } end
  return lazy
end

--- Names of every op and loss.
function ra.op_names()
  local list = {}
  for i, name in ipairs(require("ramus.lang.ops").names) do list[i] = name end
  return list
end

--- Modules by the names that they had before they were sorted into floors, for scripts that name them.
for _, path in ipairs { "base.files", "base.json", "base.options", "base.progress", "base.show", "lang.F", "lang.grad", "lang.graph", "lang.loss",
  "lang.model", "lang.nn", "lang.optim", "lang.safetensors", "lang.schedule", "lang.serialize", "lang.tensor", "data.augment", "data.dataset",
  "data.fetch", "data.image", "data.loader", "data.metrics", "train.baseline", "train.checkpoint", "train.checks", "train.evaluate",
  "train.predict", "train.recipe", "train.run", "train.step", "train.supervise", "train.teacher", "cli.bench", "cli.help", "cli.repl" } do
  package.preload["ramus." .. path:match("[^.]+$")] = function() return require("ramus." .. path) end
end
package.preload["ramus.ffi"] = function() -- LuaJIT's own ffi was a field of it
  local ffi = require "ramus.base.ffi"
  return setmetatable({ cdata = ffi }, { __index = ffi })
end

-- ---- what print shows ---------------------------------------------------------------

local SHOWN = 12

--- The first names of a list, and how many more there are.
local function some(names)
  local more = #names - SHOWN
  return table.concat(names, ", ", 1, math.min(#names, SHOWN)) .. (more > 0 and (" and %d more"):format(more) or "")
end

--- The public names in a table: those that it lists itself, or its fields.
local function names_in(t)
  local names = rawget(t, "names")
  if type(names) == "function" then return names() end
  return names or require("ramus.base.options").names(t)
end

--- Lets a table of ra print as "ra.checks: by_contrast, by_width, merge, patch_entropy (?checks at the prompt explains them)".
local function printing(name, t)
  local meta = getmetatable(t) or {}
  if meta.__tostring then return end
  local form = meta.__call and "ra.%s(...), with %s (?%s at the prompt explains it)" or "ra.%s: %s (?%s at the prompt explains them)"
  meta.__tostring = function() return form:format(name, some(names_in(t)), name) end
  setmetatable(t, meta)
end

local TABLES = "F, nn, loss, models, optim, schedule, augment, image, metrics, checks, datasets, recipe"

return setmetatable(ra, {
  __tostring = function()
    local functions = -select(2, TABLES:gsub("%a+", "")) -- version, a text, stands for op_names, which is no lazy one
    for _ in pairs(with_schedules()) do functions = functions + 1 end
    return ("ramus %s: ra.%s and %d functions (? at the prompt explains them)"):format(ra.version, TABLES:gsub(", ", ", ra."), functions)
  end,
  __index = function(_, name)
    local where = lazy[name] or with_schedules()[name]
    if not where then
      local known = { "op_names" }
      for k in pairs(lazy) do known[#known + 1] = k end
      table.sort(known)
      local ops = require "ramus.lang.ops"
      if ops.specs[name] then error(("ra.%s is an op: ra.F.%s"):format(name, name), 2) end
      local options = require "ramus.base.options"
      local near = not options.nearest(name, known) and options.nearest(name, ops.names)
      if near then error(("unknown name 'ra.%s'; did you mean 'ra.F.%s'?"):format(tostring(name), near), 2) end
      error((options.unknown("name", name, known):gsub("^unknown name '", "%0ra.")), 2)
    end
    local value = require(where[1])
    if package.loaded["ramus.lang.tensor"] then require "ramus.lang.F" end -- gives tensors their operators
    if where[2] then value = value[where[2]] end
    if type(value) == "table" then printing(name, value) end
    rawset(ra, name, value)
    return value
  end,
  lazy = with_schedules, -- for completion and help
})
