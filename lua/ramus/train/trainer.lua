--- ra.train(recipe, options): fetch, train, validate, keep checkpoints, evaluate.
--
-- options: run (folder; runs/NAME), quiet, evaluate (true), data_root, offline.
-- Returns { run =, history =, evaluation =, complete = } or nil and a message; the third value
-- is "interrupted" after SIGINT or SIGTERM (a checkpoint is saved).
-- Stopped and started again it goes on where it was, to the same bits: see docs/explanation/determinism.md.
local ffi = require "ramus.base.ffi"
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local recipe_data = require "ramus.data.sets"
local profile = require "ramus.train.profile"
local progress = require "ramus.base.progress"
local recipe_module = require "ramus.train.recipe"
local run_folder = require "ramus.train.run"
local safetensors = require "ramus.lang.safetensors"
local schedule = require "ramus.lang.schedule"
local step_plans = require "ramus.train.step"
local supervise = require "ramus.train.supervise"
local teacher_module = require "ramus.train.teacher"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local Trainer = {}
Trainer.__index = Trainer

--- An exact number as text, for checkpoints.
local function exact(v) return ("%a"):format(v) end

-- ---- what is kept while training ---------------------------------------------

local function new_sums() return { batches = 0, steps = 0, clipped = 0, norm = 0, value = {}, gradient = {}, count = {}, total = 0, images = 0 } end

local function pack_sums(s)
  local packed = { batches = s.batches, steps = s.steps, clipped = s.clipped, images = s.images, norm = exact(s.norm), total = exact(s.total),
    value = {}, gradient = {}, count = {} }
  for name, v in pairs(s.value) do
    packed.value[name], packed.gradient[name], packed.count[name] = exact(v), exact(s.gradient[name]), s.count[name]
  end
  return packed
end

local function unpack_sums(packed)
  local s = new_sums()
  s.batches, s.steps, s.clipped, s.images = packed.batches, packed.steps, packed.clipped, packed.images
  s.norm, s.total = tonumber(packed.norm), tonumber(packed.total)
  for name, v in pairs(packed.value) do
    s.value[name], s.gradient[name], s.count[name] = tonumber(v), tonumber(packed.gradient[name]), packed.count[name]
  end
  return s
end

-- ---- checkpoints ----------------------------------------------------------------

function Trainer:arrays()
  local arrays = self.model:arrays()
  for _, name in ipairs { "m", "v" } do
    local t = tensor.wrap(C.ra_optim_state(self.optim, name))
    if t then arrays["optim." .. name] = t end
  end
  if self.teacher then for name, t in pairs(self.teacher:arrays()) do arrays[name] = t end end
  if self.average then
    for name, t in pairs(self.average.values) do arrays["ema." .. name] = t end
  end
  if self.micro > 0 then arrays.gradient = self.steps.gradient end
  return arrays
end

--- The training state as metadata. Nothing in it depends on the clock.
function Trainer:meta()
  local state = {
    epoch = self.epoch, batch = self.batch, micro = self.micro, optim_steps = C.ra_optim_steps(self.optim),
    sums = pack_sums(self.sums), lines = self.lines, best = self.best and exact(self.best) or nil, best_epoch = self.best_epoch,
    since_best = self.since_best, averaged = self.average ~= nil, isa = ffi.string(C.ra_isa()), empty_epochs = self.empty_epochs,
    complete = self.epoch >= self.recipe.epochs, stopped_early = self.stopped_early or nil,
  }
  local meta = checkpoint.meta(self.model, self.recipe)
  meta["ramus.state"] = checkpoint.encode(state)
  meta["ramus.recipe"], meta["ramus.resolved"] = self.recipe.source or tostring(self.recipe), tostring(self.recipe)
  meta["ramus.data"], meta["ramus.protocol"] = checkpoint.encode(self.data.facts), checkpoint.encode(self.data.protocol)
  return meta
end

function Trainer:path_of(name) return ("%s/%s.safetensors"):format(self.run.path, name) end

function Trainer:save(name) return safetensors.save(self:path_of(name), self:arrays(), self:meta()) end

--- Saves the state as "last" and, where it is the best so far, as "best": a second name of the same file, where there are such.
function Trainer:save_epoch(is_best)
  local ok, err = self:save("last")
  if not ok or not is_best then return ok, err end
  return files.share(self:path_of("last"), self:path_of("best")) or self:save("best")
end

--- Takes a state back from an open checkpoint; nil and a message where it does not fit.
function Trainer:restore(file)
  local state, err = checkpoint.decode(file.meta["ramus.state"] or "null", "the state in " .. file.path)
  if type(state) ~= "table" then return nil, err or (file.path .. " holds no training state") end
  local ok
  ok, err = self.model:load_values(file)
  if not ok then return nil, err end
  for _, name in ipairs { "m", "v" } do
    local t = tensor.wrap(C.ra_optim_state(self.optim, name))
    if t then
      local stored = file.tensors["optim." .. name]
      if not stored then return nil, ("%s lacks the optimizer's %s"):format(file.path, name) end
      t:copy(stored)
    end
  end
  C.ra_optim_set_steps(self.optim, state.optim_steps)
  if self.teacher then
    ok, err = self.teacher:restore(file, self.model)
    if not ok then return nil, err end
  end
  if self.average then
    for name, t in pairs(self.average.values) do t:copy(file.tensors["ema." .. name]) end
  end
  if state.micro > 0 then self.steps.gradient:copy(file.tensors.gradient) end
  self.epoch, self.batch, self.micro, self.lines = state.epoch, state.batch, state.micro, state.lines
  self.sums = unpack_sums(state.sums)
  self.best, self.best_epoch, self.since_best = state.best and tonumber(state.best), state.best_epoch, state.since_best
  self.empty_epochs, self.stopped_early = state.empty_epochs, state.stopped_early
  if state.isa ~= ffi.string(C.ra_isa()) then
    self.out:line(("warning: this run began with %s kernels and goes on with %s: results are no longer the same to the bit")
      :format(state.isa, ffi.string(C.ra_isa())))
  end
  if not self.data:same(file.meta["ramus.data"]) then
    return nil, "the data set's files are not those that this run began with; choose another folder with --run DIR"
  end
  return self.run:truncate(self.lines)
end

-- ---- one epoch ------------------------------------------------------------------

local function advice(term)
  return ("the loss %s is not finite; lower optim.lr, or set optim.clip = 1"):format(term)
end

--- Adds a batch to the sums; an error text where a value is not finite.
function Trainer:account(v, samples)
  local s = self.sums
  for i, r in ipairs(v.recorded) do
    local value, name = v.plan:scalar(i + 2), r.term.name
    if value ~= value or value == math.huge or value == -math.huge then
      local ids = {}
      for k, sample in ipairs(samples) do ids[k] = sample.id end
      return ("epoch %d, batch %d (pictures %s): %s = %s; %s"):format(self.epoch, self.batch, table.concat(ids, ", "), name,
        tostring(value), advice(name))
    end
    s.value[name] = (s.value[name] or 0) + value
    s.gradient[name] = (s.gradient[name] or 0) + v.plan:gradient_norm(r.loss)
    s.count[name] = (s.count[name] or 0) + 1
  end
  s.batches, s.total, s.images = s.batches + 1, s.total + v.plan:scalar(1), s.images + #samples
end

--- How many micro-batches the accumulation group of batch b (0-based) has.
local function group_size(b, batches, accumulate)
  local first = b - b % accumulate
  return math.min(accumulate, batches - first)
end

function Trainer:one_batch()
  local loader, r, began = self.data.train_loader, self.recipe, profile.now()
  local shape, err = loader:peek()
  if not shape then return nil, err or "the loader ended early" end
  local v
  v, err = self.steps:variant(self.epoch, shape)
  if not v then return nil, err end
  local count, message, _, samples = loader:next { image = v.x_buffer, mask = v.y_buffer }
  self.profile:add("waited_for_data", began)
  if not count then return nil, message end
  local accumulate, group = r.optim.accumulate, group_size(self.batch, self.batches, r.optim.accumulate)
  local t = self.epoch + self.batch / self.batches
  local optim_step = C.ra_optim_steps(self.optim)
  self.steps:set_time(v, t, optim_step, self.total_steps)
  began = profile.now()
  v.plan:run { accumulate = self.micro > 0, scale = 1 / group, seed = r.seed, epoch = self.epoch, step = self.batch }
  self.profile:add("plan", began)
  local problem = self:account(v, samples)
  if problem then return nil, problem end
  began = profile.now()
  self.micro = self.micro + 1
  if self.micro >= group or accumulate == 1 then
    local factor = r.optim.schedule and schedule.at(r.optim.schedule, t, r.epochs, optim_step, self.total_steps) or 1
    self.rate = r.optim.lr * factor
    if C.ra_optim_step(self.optim, self.rate, self.norm, self.clipped) ~= 0 then
      return nil, ("epoch %d, batch %d: %s; lower optim.lr, or set optim.clip = 1"):format(self.epoch, self.batch, ffi.message())
    end
    self.micro = 0
    self.sums.steps, self.sums.norm = self.sums.steps + 1, self.sums.norm + self.norm[0]
    if self.clipped[0] then self.sums.clipped = self.sums.clipped + 1 end
    if self.teacher then self.teacher:after_step(self.model) end
    if self.average then
      C.ra_ema_update(self.average.flat, self.model.flat, r.optim.ema)
      C.ra_ema_update(self.average.flat_buffers, self.model.flat_buffers, r.optim.ema)
    end
    self.profile:add("optimizer", began)
  end
  self.last_variant, v.profiled = v, self.epoch
  self.batch = self.batch + 1
  return true
end

--- Whether the last batch of the epoch had vessel pixels and the model found none.
function Trainer:found_nothing()
  local v = self.last_variant
  if not v then return false end
  local logits, mask = v.plan:peek(2), v.y_buffer
  return logits:stats().max < 0 and mask:stats().max > 0
end

function Trainer:term_text()
  local parts = {}
  for _, term in ipairs(self.supervision.terms) do
    local n = self.sums.count[term.name]
    if n then parts[#parts + 1] = ("%s %.4f"):format(term.name, self.sums.value[term.name] / n) end
    if #parts == 3 and #self.supervision.terms > 4 then break end
  end
  return table.concat(parts, "  ")
end

function Trainer:status(started, images)
  local elapsed = C.ra_clock() - started
  local speed = images / math.max(elapsed, 1e-9)
  local left = ((self.recipe.epochs - self.epoch) * self.batches - self.batch) * self.recipe.data.batch
  return ("epoch %d/%d  batch %d/%d  loss %.4f  %s  rate %.2g  %.1f images/s  ETA %s"):format(self.epoch, self.recipe.epochs,
    self.batch, self.batches, self.sums.total / math.max(1, self.sums.batches), self:term_text(), self.rate or self.recipe.optim.lr, speed,
    progress.time(left / math.max(speed, 1e-9)))
end

--- The line of metrics.jsonl for the epoch that ended.
function Trainer:epoch_entry(validation)
  local s, terms = self.sums, {}
  for _, term in ipairs(self.supervision.terms) do
    local n = s.count[term.name]
    if n then terms[term.name] = { value = s.value[term.name] / n, gradient_norm = s.gradient[term.name] / n } end
  end
  return { epoch = self.epoch, loss = s.total / math.max(1, s.batches), terms = terms, rate = self.rate,
    gradient_norm = s.norm / math.max(1, s.steps), clipped = s.clipped, steps = s.steps, validation = validation }
end

--- Adds each term's gradient norm at the parameters that log.grad_params names, on the epoch's last batch.
function Trainer:probe_terms(entry)
  local probe, v = self.recipe.log.grad_params, self.last_variant
  if not probe or not v or self.epoch % probe.every ~= 0 then return entry end
  local norms, err = self.steps:term_gradients(v, probe.at, { t = self.epoch + (self.batch - 1) / self.batches,
    t_step = C.ra_optim_steps(self.optim) - 1, steps = self.total_steps, seed = self.recipe.seed, epoch = self.epoch, step = self.batch - 1 })
  if not norms then return nil, err end
  for name, norm in pairs(norms) do entry.terms[name].parameter_gradient_norm = norm end
  return entry
end

--- Validates, records, moves the teacher on, saves. nil and a message on failure.
function Trainer:end_epoch(seconds)
  local r, began = self.recipe, profile.now()
  self.empty_epochs = self:found_nothing() and self.empty_epochs + 1 or 0 -- before the arena is used for anything else
  local validation
  if self.data.val and ((self.epoch + 1) % r.validate.every == 0 or self.epoch + 1 == r.epochs) then
    local waited
    validation, waited = self:with_average(function() return self.data:validate(self.model, r) end)
    if not validation then return nil, waited end
    self.profile:add("validation", began + waited)
    self.profile:add("waited_for_data", profile.now() - waited)
  end
  if self.empty_epochs == 3 then
    self.out:line(("warning: for 3 epochs the model found no vessel at all in the last batch (epoch %d): it has collapsed to background; "
      .. "raise the weight of dice, or lower optim.lr"):format(self.epoch))
  end
  local is_best = validation and (not self.best or validation.dice > self.best)
  local entry, err = self:epoch_entry(validation)
  if entry then entry, err = self:probe_terms(entry) end
  if not entry then return nil, err end
  local ok
  ok, err = self.run:record(entry)
  if not ok then return nil, err end
  self.out:line(("epoch %3d  loss %.4f  %s%s  rate %.2g  %.1f images/s%s"):format(self.epoch, self.sums.total / math.max(1, self.sums.batches),
    self:term_text(), validation and ("  val dice %.4f%s"):format(validation.dice, is_best and " *" or "") or "", self.rate or 0,
    self.epoch_images / math.max(seconds, 1e-9), self.sums.clipped > 0 and ("  clipped %d/%d"):format(self.sums.clipped, self.sums.steps) or ""))
  if self.teacher then self.teacher:after_epoch(self.model, is_best or not self.data.val) end
  if validation then self.since_best = is_best and 0 or self.since_best + r.validate.every end
  if is_best then self.best, self.best_epoch = validation.dice, self.epoch end
  local done = { epoch = self.epoch, images = self.sums.images }
  self.epoch, self.batch, self.micro, self.lines, self.sums = self.epoch + 1, 0, 0, self.lines + 1, new_sums()
  if r.early_stop and self.since_best >= r.early_stop.patience then self.stopped_early = true end
  began = profile.now()
  ok, err = self:save_epoch(is_best)
  if not ok then return nil, err end
  self.profile:add("saving", began)
  return self:record_times(done)
end

--- Adds the epoch's line to timing.jsonl and, where the recipe asks for a profile, writes profile.txt.
function Trainer:record_times(done)
  self.profile:finish()
  local ok, err = self.run:record(self.profile:into(done), "timing")
  if not ok or not self.recipe.profile then return ok, err end
  local plans = {}
  for _, v in pairs(self.steps.variants) do
    if v.profiled == done.epoch then plans[#plans + 1] = v.plan:describe() end
    v.plan:profile(true)
  end
  return files.write(self.run.path .. "/profile.txt", self.profile:text(("epoch %d: %.2f s, %d pictures"):format(done.epoch, done.seconds,
    done.images), plans))
end

--- Calls f with the averaged weights in the model's place, where the recipe asks for an average.
function Trainer:with_average(f)
  if not self.average then return f() end
  local kept = self.model:snapshot()
  self.model.flat:copy(self.average.flat)
  self.model.flat_buffers:copy(self.average.flat_buffers)
  local a, b = f()
  self.model.flat:copy(kept.flat)
  self.model.flat_buffers:copy(kept.flat_buffers)
  return a, b
end

--- Runs epochs until the end. Returns true, "interrupted", or nil and a message.
function Trainer:loop()
  local r, loader = self.recipe, self.data.train_loader
  local ok, err = loader:start(self.epoch, self.batch)
  if not ok then return nil, err end
  local started, images = C.ra_clock(), 0
  while self.epoch < r.epochs and not self.stopped_early do
    local epoch_start = C.ra_clock()
    self.epoch_images = 0
    self.profile:start()
    while self.batch < self.batches do
      local before = self.sums.images
      ok, err = self:one_batch()
      if not ok then return nil, err end
      images, self.epoch_images = images + self.sums.images - before, self.epoch_images + self.sums.images - before
      self.out:update(self:status(started, images))
      if C.ra_signal_arrived() ~= 0 and self.batch < self.batches then
        ok, err = self:save("last")
        if not ok then return nil, err end
        self.out:line(("interrupted in epoch %d after batch %d of %d; %s/last.safetensors is saved, the same command goes on from there")
          :format(self.epoch, self.batch, self.batches, self.run.path))
        return "interrupted"
      end
    end
    self.data:report_masks(self.out)
    ok, err = self:end_epoch(C.ra_clock() - epoch_start)
    if not ok then return nil, err end
    if C.ra_signal_arrived() ~= 0 and self.epoch < r.epochs then
      self.out:line(("interrupted after epoch %d; the same command goes on from there"):format(self.epoch - 1))
      return "interrupted"
    end
  end
  if self.stopped_early then
    self.out:line(("stopped early: no better validation Dice for %d epochs; the best was %.4f in epoch %d"):format(self.since_best,
      self.best or 0, self.best_epoch or 0))
  end
  return true
end

-- ---- set-up ---------------------------------------------------------------------

local function make_optim(o, weight, gradient)
  local config = ffi.new("ra_optim_config", { weight_decay = o.weight_decay, momentum = o.momentum or 0, beta1 = o.beta1 or 0,
    beta2 = o.beta2 or 0, eps = o.eps or 0, clip = o.clip or 0, nesterov = o.nesterov or false })
  return ffi.own(C.ra_optim_new(o.kind, config, weight, gradient), C.ra_optim_release)
end

local function print_header(self)
  local r, m, out = self.recipe, self.model, self.out
  local shape = self.shape
  local cost = m:cost(shape[3], shape[4])
  out:line(("recipe %s: %s on %s, %d epochs of %d batches of %d, seed %d"):format(r.name, m.name or "model", self.data.title, r.epochs,
    self.batches, r.data.batch, r.seed))
  out:line(("model  %s parameters, %.2f GFLOP a picture of %dx%d; %s kernels, %d threads"):format(cost.parameters, cost.flops / 1e9, shape[3],
    shape[4], ffi.string(C.ra_isa()), C.ra_threads()))
  out:line("optim  " .. tostring(r.optim))
  if r.teacher then out:line("teacher " .. r.teacher.kind .. (r.teacher.kind == "ago" and (" k=" .. r.teacher.k) or "")
    .. (r.teacher.kind == "ema" and (" decay=" .. r.teacher.decay) or "")) end
  if r.optim.accumulate > 1 then
    out:line(("accumulation of %d micro-batches: normalisation and reduce = \"batch\" see %d pictures at a time"):format(r.optim.accumulate, r.data.batch))
  end
  out:line("supervision")
  out:line(tostring(self.supervision))
  local bytes, bound = self.steps:memory()
  out:line(("memory %.0f MB of scratch for the step (no packing could do with less than %.0f MB), %.0f MB for weights, optimizer and data so far")
    :format(bytes / 1e6, bound / 1e6, C.ra_mem_live() / 1e6))
end

--- Plans every variant that will come: each set of active rows with a full and, where there is one, the partial batch.
local function plan_all(self)
  local full = self.shape
  local shapes = { full }
  local rest = self.data.last_batch
  if rest ~= full[1] then shapes[2] = { rest, full[2], full[3], full[4] } end
  for epoch = self.epoch, self.recipe.epochs - 1 do
    for _, shape in ipairs(shapes) do
      local v, err = self.steps:variant(epoch, shape)
      if not v then return nil, err end
      if self.recipe.profile then v.plan:profile(true) end
    end
  end
  return true
end

local function prepare(r, given, out, run)
  local self = setmetatable({ recipe = r, run = run, model = r.model, out = out, epoch = 0, batch = 0, micro = 0, lines = 0, since_best = 0,
    empty_epochs = 0, sums = new_sums(), profile = profile.new(), norm = ffi.new("double[1]"), clipped = ffi.new("_Bool[1]") }, Trainer)
  local ok, err = self.model:initialise(r.seed)
  if not ok then return nil, err end
  self.supervision, err = supervise.new(r.supervise, self.model:output_names(), r.epochs, teacher_module.first_epoch(r.teacher, r.validate.every))
  if not self.supervision then return nil, err end
  self.data, err = recipe_data.open(r, { channels = self.model.template.channels, data_root = given.data_root, offline = given.offline, out = out })
  if not self.data then return nil, err end
  if r.teacher then
    self.teacher, err = teacher_module.new(r.teacher, self.model)
    if not self.teacher then return nil, err end
    if r.teacher.kind == "best" and not self.data.val then return nil, "teacher: kind = \"best\" needs a validation split" end
  end
  if r.early_stop and not self.data.val then return nil, "early_stop needs a validation split" end
  self.steps = step_plans.new { model = self.model, supervision = self.supervision, teacher = self.teacher, numerics = r.numerics }
  self.optim, err = make_optim(r.optim, self.model.flat, self.steps.gradient)
  if not self.optim then return nil, err end
  if r.optim.ema then self.average = self.model:snapshot() end
  self.batches = self.data.train_loader:steps()
  self.total_steps = math.ceil(self.batches / r.optim.accumulate) * r.epochs
  return self
end

local function train(recipe, given)
  local o = options.check(given, { run = { type = "string" }, quiet = { type = "boolean", default = false },
    evaluate = { type = "boolean", default = true }, data_root = { type = "string" }, offline = { type = "boolean" } }, "train")
  local r, err = recipe
  if not recipe_module.is(recipe) then
    if type(recipe) ~= "table" then error("train: wants a recipe (a table), given " .. options.show(recipe), 2) end
    r, err = recipe_module.resolve(recipe)
    if not r then return nil, err end
  end
  local path = o.run or ("runs/" .. r.name)
  local run, file = run_folder.open(path, r)
  if not run then return nil, file end
  local out = progress.new { quiet = o.quiet, also = function(text) run:log(text) end }
  local function fail(message)
    C.ra_signal_catch(false)
    run:close()
    return nil, message
  end
  local self
  self, err = prepare(r, o, out, run)
  if not self then return fail(err) end
  if run.warning then out:line("warning: " .. run.warning) end
  C.ra_signal_catch(true) -- from here on SIGINT and SIGTERM wait for the end of a batch
  if file then
    local ok
    ok, err = self:restore(file)
    if not ok then return fail(err) end
    if self.epoch >= r.epochs or self.stopped_early then out:line(("%s is complete (%d epochs)"):format(path, self.epoch))
    else out:line(("resuming %s at epoch %d, batch %d"):format(path, self.epoch, self.batch)) end
  end
  local result = true
  if self.epoch < r.epochs and not self.stopped_early then
    local ok
    ok, err = self.data.train_loader:start(self.epoch, self.batch)
    if ok then self.shape, err = self.data.train_loader:peek() end
    if not self.shape then return fail(err) end
    self.shape[1] = self.data.full_batch -- the next batch may be an epoch's partial last one
    ok, err = plan_all(self)
    if not ok then return fail(err) end
    if not file then print_header(self) end
    result, err = self:loop()
    if not result then
      out:line("stopped: " .. err)
      return fail(err)
    end
  end
  C.ra_signal_catch(false)
  self.data.train_loader:stop()
  if result == "interrupted" then
    run:close()
    return nil, "interrupted", "interrupted"
  end
  local evaluation
  if o.evaluate and self.data.test then
    evaluation, err = require("ramus.train.evaluate").of_run(path, { out = out, data_root = o.data_root, offline = o.offline, pictures = r.log.pictures })
    if not evaluation then return fail(err) end
  end
  local history = run:history()
  run:close()
  return { run = path, history = history, evaluation = evaluation, complete = true, model = self.model }
end

return train
