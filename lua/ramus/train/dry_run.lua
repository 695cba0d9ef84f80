--- What a training would do and cost, measured on its first batches; no run folder and no data set is made.
--
--   dry_run(recipe, { run =, out =, data_root =, accept_odd = })    { batches, epochs, images, parameters, flops, scratch_bytes, bytes,
--       seconds_per_batch, hours, rates, earlier = [opt] facts of a run that it would go on with }; nil and a message
-- hours: of the batches alone, without validation and scoring. The recipe's data must be in the data root.
local always = require "ramus.base.always"
local clock = require "ramus.train.clock"
local dataset = require "ramus.data.dataset"
local ffi = require "ramus.base.ffi"
local Loop = require "ramus.train.loop"
local report = require "ramus.train.report"
local run_list = require "ramus.train.run.list"
local setup = require "ramus.train.setup"
local C = ffi.C

--- Batches before the measurement, and those that are measured.
local WARM, MEASURED = 1, 3

--- Rates of learning at the beginning of some epochs: { { epoch =, rate = }, .. }.
local function rates_of(training)
  local r, list, n = training.recipe, {}, clock.length(training.recipe)
  for k = 0, 4 do
    local epoch = math.floor(k / 4 * (n - 1) + 0.5)
    if not list[1] or list[#list].epoch ~= epoch then
      list[#list + 1] = { epoch = epoch, rate = r.optim.lr * clock.rate(r, epoch, epoch / n * training.total_steps, training.total_steps, {}) }
    end
  end
  return list
end

--- Seconds of a batch; nil and a message.
local function time_batches(training)
  setmetatable(training, Loop)
  training.images, training.epoch_images = 0, 0
  training.companions.profile:start()
  local seconds, n = 0, 0
  for k = 1, math.min(training.batches, WARM + MEASURED) do
    local began = C.ra_clock()
    local ok, err = training:one_batch()
    if not ok then return nil, err end
    if k > WARM or training.batches == 1 then seconds, n = seconds + C.ra_clock() - began, n + 1 end
  end
  return seconds / math.max(1, n)
end

--- The numbers of images by the name of their split.
local function images_of(set)
  local counts = {}
  for name, list in pairs(set.splits) do counts[name] = #list end
  return counts
end

--- The numbers of a training that is set up; nil and a message.
local function measure(training, set, o)
  local ok, err = setup.plan(training)
  if not ok then return nil, err end
  report.header(training)
  local shape, scratch, r = training.shape, training.steps:memory(), training.recipe
  local seconds
  seconds, err = time_batches(training)
  if not seconds then return nil, err end
  local cost, epochs = training.model:cost(shape[3], shape[4], { outputs = { r.main } }), clock.length(r)
  return { name = r.name, batches = training.batches, epochs = epochs, images = images_of(set), parameters = cost.parameters, flops = cost.flops,
    scratch_bytes = scratch, bytes = C.ra_mem_live(), seconds_per_batch = seconds, hours = seconds * training.batches * epochs / 3600,
    rates = rates_of(training), earlier = run_list.is(o.run) and run_list.facts(o.run) or nil }
end

return function(r, o)
  local d = r.data
  local set, err = dataset.open(d.set, { root = o.data_root, options = d.options, edition = d.edition, split = d.split })
  if not set then return nil, err end
  local training
  training, err = setup.new(r, { run = { path = o.run, describe = function() return true end }, data_root = o.data_root, offline = true,
    accept_odd = o.accept_odd }, o.out)
  if not training then return nil, err end
  local result
  result, err = always(function() return measure(training, set, o) end, function() setup.close(training) end)
  return result, err
end
