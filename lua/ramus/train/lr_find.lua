--- ra.lr_find(recipe, options): the loss while the learning rate grows step by step, from which a rate is chosen (Smith, WACV 2017).
--
--   local found = assert(ra.lr_find(recipe, { from = 1e-6, to = 1, steps = 100 }))
--   print(found.suggestion)      -- the rate where the smoothed loss falls fastest over the logarithm of the rate
--
-- options: from, to, steps, stop (ends where the smoothed loss is so many times its least), data_root, offline, quiet. Returns { rate = { .. },
-- loss = { .. }, smooth = { .. }, suggestion =, lowest = the rate of the least smoothed loss }; nil and a message. Nothing is written, and the
-- recipe's model is initialised anew, as a training would.
local always = require "ramus.base.always"
local Loop = require "ramus.train.loop"
local optim = require "ramus.lang.optim"
local options = require "ramus.base.options"
local progress = require "ramus.base.progress"
local recipe_module = require "ramus.train.recipe"
local schedule = require "ramus.lang.schedule"
local setup = require "ramus.train.setup"

local SCHEMA = {
  from = { type = "number", above = 0, default = 1e-6, help = "first rate" }, to = { type = "number", above = 0, default = 1, help = "last rate" },
  steps = { type = "integer", min = 10, default = 100 },
  stop = { type = "number", above = 1, default = 4, help = "ends where the smoothed loss is above so many times its least" },
  data_root = { type = "string" }, offline = { type = "boolean" }, quiet = { type = "boolean", default = true },
}

--- Weight of the past in the smoothed loss; how many of its first values say nothing yet.
local KEEP, FIRST = 0.9, 5

--- The recipe with one epoch of so many steps at growing rates, without what it says of validation.
local function probing(r, o)
  local settings = options.copy(r.optim)
  settings.kind, settings.ema, settings.swa = nil, nil, nil
  settings.lr, settings.schedule = o.from, schedule.geometric { 1, o.to / o.from, per = "step" }
  local data = options.copy(r.data)
  data.val, data.steps = false, o.steps * r.optim.accumulate
  local log = options.copy(r.log)
  log.outputs, log.histograms, log.grad_params = nil, nil, nil
  return r:with { optim = optim[r.optim.kind](settings), data = data, log = log, epochs = 1, extend = 0, early_stop = false }
end

--- What a training writes to its run.
local NOWHERE = setmetatable({}, { __index = function() return function() return true end end })

--- Steps until the end, or until the loss has grown; nil and a message where not even two could be made.
local function climb(training, o)
  local found, sums, average, least = { rate = {}, loss = {}, smooth = {} }, training.state.sums, 0, math.huge
  for i = 1, o.steps do
    local before, why = sums.total, nil
    for _ = 1, training.recipe.optim.accumulate do
      local ok, err = training:one_batch()
      if not ok then why = err end
      if not ok then break end
    end
    if why then return #found.rate > FIRST and found or nil, why end -- a loss that is not finite ends the climb
    local loss = (sums.total - before) / training.recipe.optim.accumulate
    average = KEEP * average + (1 - KEEP) * loss
    found.rate[i], found.loss[i], found.smooth[i] = training.companions.optimizer.rate, loss, average / (1 - KEEP ^ i)
    if i > FIRST then least = math.min(least, found.smooth[i]) end
    if i > FIRST and found.smooth[i] > o.stop * least then break end
  end
  return found
end

--- Adds the rates that matter.
local function judge(found)
  local steepest, lowest = 0, math.huge
  for i = FIRST + 1, #found.rate do
    local fall = found.smooth[i - 1] - found.smooth[i]
    if fall > steepest then steepest, found.suggestion = fall, found.rate[i] end
    if found.smooth[i] < lowest then lowest, found.lowest = found.smooth[i], found.rate[i] end
  end
  return found
end

return function(given_recipe, given)
  local o, r = options.check(given, SCHEMA, "lr_find"), given_recipe
  local err
  if o.to <= o.from then error(("lr_find: to = %g must be above from = %g"):format(o.to, o.from), 2) end
  if not recipe_module.is(r) then
    if type(r) ~= "table" then error("lr_find: wants a recipe (a table), given " .. options.show(r), 2) end
    r, err = recipe_module.resolve(r)
    if not r then return nil, err end
  end
  local training
  training, err = setup.new(probing(r, o), { run = NOWHERE, data_root = o.data_root, offline = o.offline }, progress.new { quiet = o.quiet })
  if not training then return nil, err end
  setmetatable(training, Loop)
  local found
  found, err = always(function()
    local ok, why = setup.plan(training)
    if not ok then return nil, why end
    return climb(training, o)
  end, function() setup.close(training) end)
  if not found then return nil, err end
  return judge(found)
end
