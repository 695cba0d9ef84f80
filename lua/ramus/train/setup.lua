--- A training before its first step: model, data, teacher, plans, optimizer and the other companions of a recipe.
local always = require "ramus.base.always"
local checkpoint = require "ramus.train.checkpoint"
local clock = require "ramus.train.clock"
local companions = require "ramus.train.companions"
local data = require "ramus.data.sets"
local dataset = require "ramus.data.dataset"
local fit = require "ramus.train.recipe.fit"
local group = require "ramus.train.group"
local initial = require "ramus.train.recipe.initial"
local mistake = require "ramus.base.mistake"
local models = require "ramus.lang.models"
local options = require "ramus.base.options"
local show = require "ramus.base.show"
local snapshot = require "ramus.train.snapshot"
local state = require "ramus.train.state"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"
local teacher = require "ramus.train.teacher"
local tiles = require "ramus.train.predict.tiles"

local setup = {}

--- Gives a built-in architecture whose recipe leaves `channels` open three of them, since the images are coloured. Returns the channels.
-- A teacher that is a run reads what it was trained on, so that its pupil stays as it is.
local function follow(training, coloured)
  local r, m = training.recipe, training.model
  if not (coloured and m.channels_open and m.template.channels == 1) or r.teacher and r.teacher.kind == "run" then return m.template.channels end
  local made = models.again(m, { channels = 3 })
  if not made then return 1 end
  made:initialise(r.seed)
  training.model, training.recipe = made, r:with { model = made }
  training.out:once "images: coloured, and the recipe leaves channels open, so that the model reads 3"
  local ok, err = training.run:describe(training.recipe)
  if not ok then training.out:warn(err) end
  return 3
end

--- Heights and widths of samples' images after their preparation, { { height, width, path }, .. }.
local function sizes_of(d, samples)
  local used, list = {}, {}
  for _, s in ipairs(samples) do used[s] = true end
  for _, item in ipairs(d.images) do
    local h, w = item.facts.height, item.facts.width
    if used[item.sample] and d.prepare then h, w = d.prepare:size(h, w) end
    if used[item.sample] then list[#list + 1] = { h, w, item.source.path or item.sample.id } end
  end
  return list
end

--- Refuses images of several sizes where a batch holds several and nothing gives them one, and warns of a crop that is larger than all of them. nil
-- and a message.
local function check_batches(training)
  local d, r = training.data, training.recipe.data
  local list, crop = sizes_of(d, d.train), r.augment.crop
  local first, larger = list[1], crop ~= nil
  for _, one in ipairs(list) do
    if not crop and r.batch > 1 and (one[1] ~= first[1] or one[2] ~= first[2]) then
      return mistake(("images of one batch have one size, and %s is %dx%d, %s %dx%d: give data a size, or augment a crop, or batch = 1"):format(first[3],
        first[2], first[1], one[3], one[2], one[1]))
    end
    if crop then
      local h, w = type(crop) == "table" and crop[1] or crop, type(crop) == "table" and crop[2] or crop
      larger = larger and h >= one[1] and w >= one[2] and (h > one[1] or w > one[2])
    end
  end
  if larger and first then
    training.out:warn(("augment.crop = %s is larger than every image that is trained on (%s is %dx%d): they are padded"):format(options.show(crop), first[3],
      first[2], first[1]))
  end
  return true
end

--- Refuses validation images that no model takes whole, and says which test images the scores at the end will need tiles for: then
-- data.untested is the message. nil and a message.
local function check_sizes(training)
  local d = training.data
  local large = d.val and tiles.too_large_among(d.images, d.val, d.prepare)
  if large then return nil, ("validation sees whole images, and %s; or resize them all with data.size, or take none with data.val = false"):format(large) end
  d.untested = d.test and tiles.too_large_among(d.images, d.test, d.prepare)
  if d.untested then
    training.out:warn(("the test images are not scored at the end: %s; score them afterwards with ramus eval %s --tile 512"):format(d.untested,
      training.run.path or "RUN"))
  end
  return true
end

--- Fills a training in; true, or nil and a message.
local function fill(training, r, given, out)
  local ok, err = training.model:initialise(r.seed)
  if not ok then return nil, err end
  local source
  if r.init and not given.resumed then
    source, err = initial.open(r.init)
    if not source then return nil, err end
  end
  training.supervision, err = fit.supervision(r, (dataset.find(r.data.set) or {}).fields)
  if not training.supervision then return nil, err end
  local function fields(set)
    if set.fields.valid then training.supervision:leave_out_void() end
    return supervise.fields(training.supervision.terms)
  end
  training.data, err = data.open(r, { fields = fields, classes = supervise.classes(training.supervision.terms), channels = r.model.template.channels,
    follow = function(coloured) return follow(training, coloured) end,
    data_root = given.data_root, offline = given.offline, accept_odd = given.accept_odd, out = out })
  if not training.data then return nil, err end
  ok, err = check_batches(training)
  if ok then ok, err = check_sizes(training) end
  if not ok then return nil, err end
  if source then
    training.began, err = initial.apply(training.model, r.init, source)
    if not training.began then return nil, err end
  end
  training.model.input.scale = training.data.scale
  checkpoint.describe_classes(training.model, r.main, training.data.set.classes)
  training.teachers = {}
  for _, t in ipairs(teacher.of(r)) do
    training.teachers[t.name], err = teacher.new(t.spec, training.model, t.name)
    if not training.teachers[t.name] then return nil, err end
  end
  training.steps = step.new { model = training.model, supervision = training.supervision, teachers = training.teachers, main = r.main,
    fields = training.data.set.fields, accumulate = r.optim.accumulate, numerics = r.numerics, group = training.group,
    budget = r.memory and show.read_bytes(r.memory) }
  training.batches = training.data.train_loader:steps()
  ok, err = training.group:divide(training)
  if not ok then return nil, err end
  training.total_steps = math.ceil(training.batches / r.optim.accumulate) * r.epochs
  training.companions, err = companions.new(training)
  return training.companions and true, err
end

--- Makes a training of a recipe: model, data, supervision, teacher, steps, state, companions, out. nil and a message on failure.
-- given: run, data_root, offline, accept_odd, resumed (the weights come from a checkpoint), group (the processes that train together; this one
-- alone). The caller calls setup.close.
function setup.new(r, given, out)
  local training, made = { recipe = r, model = r.model, out = out, run = given.run, group = given.group or group.alone,
    state = state.new(snapshot.schema) }, nil
  return always(function()
    local err
    made, err = fill(training, r, given, out)
    return made and training, err
  end, function() if not made then setup.close(training) end end)
end

--- Frees what a training holds beside memory: its loader's threads.
function setup.close(training)
  if training.data then training.data:close() end
end

--- Starts the loader at the state's batch and plans every variant that will come: each set of active rows with a full and, where
-- there is one, the partial batch. nil and a message on failure.
function setup.plan(training)
  local s, opened = training.state, training.data
  local ok, err = opened.train_loader:start(s.epoch, s.batch)
  if not ok then return nil, err end
  local full
  full, err = opened.train_loader:peek()
  if not full then return nil, err or "the loader ended early" end
  full[1] = opened.full_batch -- the next batch may be an epoch's partial last one
  training.shape = full
  local shapes = { full }
  if opened.last_batch ~= full[1] then shapes[2] = { opened.last_batch, full[2], full[3], full[4] } end
  for epoch = clock.row_epoch(training.recipe, s.epoch), training.recipe.epochs - 1 do
    for _, shape in ipairs(shapes) do
      local fine, v, why = pcall(training.steps.variant, training.steps, epoch, shape)
      if not fine then return nil, options.plain(v) end -- a loss or an op that cannot have this shape
      if not v then return nil, why end
      if training.recipe.profile then v.plan:profile(true) end
    end
  end
  return true
end

return setup
