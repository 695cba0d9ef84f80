--- How long a cell's training and scoring take: measured with the recipe cut to two short epochs.
--
-- probe.run(cell, options): what `ramus study FILE --probe KEY` does, in a process of its own: returns { step, setup, saving, forward,
-- scoring = { KEY = { open, picture, pictures } }, steps, epochs, validations, val, peak_mb, parameters, waited (share of the time that
-- other processes had the processor) }, times in seconds. probe.seconds(p)
-- is the time of the whole cell. Rows that act from a later epoch on act in the second one here.
local clock = require "ramus.train.clock"
local checkpoint = require "ramus.train.checkpoint"
local evaluate = require "ramus.train.evaluate"
local ffi = require "ramus.base.ffi"
local process = require "ramus.base.process"
local recipe_module = require "ramus.train.recipe"
local run_folder = require "ramus.train.run"
local sets = require "ramus.data.sets"
local teacher = require "ramus.train.teacher"
local train = require "ramus.train.trainer"
local C = ffi.C

local probe = {}

--- Optimizer steps of an epoch of the short training; pictures that are scored once and more.
local STEPS, FEW, MORE = 3, 1, 3

local function copy(t)
  local c = setmetatable({}, getmetatable(t))
  for k, v in pairs(t) do c[k] = v end
  return c
end

--- A teacher of the same cost that is there from the second epoch on, and needs no validation.
local function short_teacher(spec)
  local t = copy(spec)
  t.kind, t.k, t.from, t.till = t.kind == "best" and "last_epoch" or t.kind, t.k and 1, t.from and math.min(t.from, 1), nil
  return t
end

--- The recipe with two epochs of a few steps, without validation.
local function short(recipe)
  local r = copy(recipe)
  r.data, r.epochs, r.extend, r.early_stop, r.source, r.log, r.supervise = copy(r.data), 2, 0, nil, nil, copy(r.log), {}
  r.data.val, r.data.steps, r.log.pictures, r.log.outputs, r.name = false, STEPS * r.optim.accumulate, 0, nil, "probe"
  for i, given in ipairs(recipe.supervise) do
    local row = copy(given)
    row.from, row.till = row.from and math.min(row.from, 1), row.till and row.till <= 1 and row.till or nil
    r.supervise[i] = row
  end
  r.teacher = r.teacher and short_teacher(r.teacher)
  for name, spec in pairs(recipe.teachers or {}) do
    if r.teachers == recipe.teachers then r.teachers = copy(r.teachers) end
    r.teachers[name] = short_teacher(spec)
  end
  return recipe_module.resolve(r)
end

local function since(began) return C.ra_clock() - began end

--- Seconds that scoring on a set takes before the first picture and for each; nil and a message.
local function time_scoring(model, s, o)
  local times, pictures = {}, nil
  for i, limit in ipairs { FEW, MORE } do
    local began = C.ra_clock()
    local result, err = evaluate.of_facts(model, s.facts, { threshold = s.threshold, data_root = o.data_root, offline = o.offline,
      accept_odd = o.accept_odd, limit = limit })
    if not result then return nil, err end
    times[i], pictures = since(began), result.of
  end
  local picture = math.max(0, times[2] - times[1]) / (MORE - FEW)
  return { open = math.max(0, times[1] - picture * FEW), picture = picture, pictures = pictures }
end

--- Seconds of a forward pass on a picture of the validation split, and how many it has; 0 and 0 where there is none.
local function time_validation(model, set, d)
  local val = d.val and set.splits[d.val] or {}
  if #val == 0 then return 0, 0 end
  local times, last = {}, C.ra_clock()
  local ok, err = sets.each_sample({ val[1], val[1], val[1] }, { channels = model.template.channels, prepare = checkpoint.preparation(model),
    set = set.fields, fields = { "image" } }, function(_, one)
    model:forward(one.fields.image, { outputs = { model.output.main }, numerics = model.output.numerics })
    times[#times + 1], last = since(last), C.ra_clock()
    return true
  end)
  if not ok then return nil, err end
  return times[#times], #val
end

--- How often the validation pictures go through the net or a teacher.
local function validations_of(recipe)
  if not recipe.data.val then return 0 end
  local looks = recipe.log.outputs
  return math.ceil(clock.length(recipe) / recipe.validate.every) + (looks and math.ceil(clock.length(recipe) / looks.every) * (1 + #teacher.of(recipe)) or 0)
end

--- How many optimizer steps and passes over the validation pictures the whole recipe has.
local function size_of(recipe, set)
  local d, images = recipe.data, #set.splits[recipe.data.train]
  local batches = d.steps or d.drop_last and math.floor(images / d.batch) or math.ceil(images / d.batch)
  return math.ceil(math.max(1, batches) / recipe.optim.accumulate) * clock.length(recipe), validations_of(recipe)
end

--- The short training: its times; nil and a message.
local function time_training(recipe, folder, o)
  local r, err = short(recipe)
  if not r then return nil, err end
  local began = C.ra_clock()
  C.ra_path_remove(folder)
  local trained
  trained, err = train(r, { run = folder, quiet = true, evaluate = false, data_root = o.data_root, offline = o.offline, accept_odd = o.accept_odd })
  if not trained then return nil, err end
  local whole, timing = since(began), run_folder.read(folder):timing()
  local second = timing[2]
  return { step = (second.seconds - second.saving) / STEPS, saving = second.saving, setup = whole - timing[1].seconds - second.seconds },
    trained.model
end

function probe.run(c, o)
  local folder = ("%s/probe-%s-%s"):format(o.runs, c.key, tostring(o.number or 0))
  local p, model = time_training(c.recipe, folder, o)
  C.ra_path_remove(folder)
  if not p then return nil, model end
  local d = c.recipe.data
  local set, err = sets.set(d.set, { options = d.options, split = d.split, edition = d.edition, data_root = o.data_root, offline = o.offline })
  if not set then return nil, err end
  p.steps, p.validations = size_of(c.recipe, set)
  p.epochs, p.scoring = clock.length(c.recipe), {}
  p.forward, p.val = time_validation(model, set, d)
  if not p.forward then return nil, p.val end
  for _, s in ipairs(c.scores) do
    p.scoring[s.key], err = time_scoring(model, s, o)
    if not p.scoring[s.key] then return nil, ("%s: %s"):format(s.label, err) end
  end
  local ran, waited = process.scheduled()
  p.waited = ran and waited / math.max(ran + waited, 1e-9) or 0
  p.peak_mb, p.parameters = process.peak_memory(), model:count()
  return p
end

--- The seconds of a whole cell.
function probe.seconds(p)
  local sum = p.setup + p.steps * p.step + p.epochs * p.saving + p.validations * p.val * p.forward
  for _, s in pairs(p.scoring) do sum = sum + s.open + s.pictures * s.picture end
  return sum
end

return probe
