--- The training loop: batches, epochs, and what the companions do after each.
local clock = require "ramus.train.clock"
local ffi = require "ramus.base.ffi"
local outcome = require "ramus.train.outcome"
local report = require "ramus.train.report"
local snapshot = require "ramus.train.snapshot"
local state = require "ramus.train.state"
local C = ffi.C

--- A training, as setup.new makes it, with these methods.
local Loop = {}
Loop.__index = Loop

-- ---- a batch --------------------------------------------------------------------

--- nil and a message where a value of a batch is not finite.
local function finite(self, v, samples, batch)
  for _, term in ipairs(v.terms) do
    local value, name = term.value, term.name
    if value ~= value or math.abs(value) == math.huge then
      local ids = {}
      for k, sample in ipairs(samples) do ids[k] = sample.id end
      return nil, ("epoch %d, batch %d (images %s): %s = %s; the loss %s is not finite; lower optim.lr, or set optim.clip = 1"):format(
        self.state.epoch, batch, table.concat(ids, ", "), name, tostring(value), name)
    end
  end
  return true
end

--- Waits for the next batch and copies it into its variant. Returns the variant and the samples; nil and a message.
function Loop:next_batch()
  local loader, began = self.data.train_loader, self.companions.profile.now()
  local shape, err = loader:peek()
  if not shape then return nil, err or "the loader ended early" end
  local v
  v, err = self.steps:variant(clock.row_epoch(self.recipe, self.state.epoch), shape)
  if not v then return nil, err end
  local count, epoch, _, samples = loader:next(v.buffers)
  if not count then return nil, epoch end -- here the second result is the message
  self.companions.profile:add("waited_for_data", began)
  return v, samples
end

--- A variant with the rows of this epoch, and the numbers of a process that has no batch to compute.
function Loop:idle()
  local v, err = self.steps:variant(clock.row_epoch(self.recipe, self.state.epoch), self.shape)
  if not v then return nil, err end
  return v, outcome.of(v, 0)
end

--- The optimizer's step at time t, and the updates that depend on it.
function Loop:optimize(t)
  local s = self.state
  local norm, clipped = self.companions.optimizer:step(t)
  if not norm then return nil, ("epoch %d, batch %d: %s; lower optim.lr, or set optim.clip = 1"):format(s.epoch, s.batch, clipped) end
  s.micro = 0
  s.sums.steps, s.sums.norm, s.sums.clipped = s.sums.steps + 1, s.sums.norm + norm, s.sums.clipped + (clipped and 1 or 0)
  return self.companions:call "after_step"
end

--- Forward and backward on batch `batch` of the epoch, one of `members` whose losses are averaged. Returns its variant and numbers; nil and a
-- message.
local function compute(self, batch, members)
  local s, r, profile = self.state, self.recipe, self.companions.profile
  local v, samples = self:next_batch()
  if not v then return nil, samples end
  local began = profile.now()
  local t_loss, t_step = clock.loss_time(r, s.epoch + batch / self.batches, s.optim_steps, self.total_steps)
  self.steps:run(v, { t = t_loss, t_step = t_step, steps = self.total_steps, seen = s.followed, scale = 1 / members, seed = r.seed, epoch = s.epoch,
    step = batch })
  profile:add("plan", began)
  local ok, err = finite(self, v, samples, batch)
  if not ok then return nil, err end
  self.variant, v.last_epoch = v, s.epoch
  return v, outcome.of(v, #samples)
end

--- The next micro-batches, one a process: computed, exchanged, added up in their order; behind the last of a step the optimizer's step.
function Loop:one_batch()
  local s, r, profile, group = self.state, self.recipe, self.companions.profile, self.group
  local first = s.batch - s.batch % r.optim.accumulate -- first of the batches that are accumulated to one step
  local members = math.min(r.optim.accumulate, self.batches - first)
  local count = math.min(group.size, first + members - s.batch)
  local place = group:place(count)
  local v, numbers
  if place then v, numbers = compute(self, s.batch + place, members)
  else v, numbers = self:idle() end
  if not v then return nil, numbers end
  local began = profile.now()
  self.steps:collect(s.micro == 0, count)
  for _, one in ipairs(group:gather(numbers, outcome.size(v), count)) do outcome.add(v, one, s.sums) end
  profile:add(group.part, began)
  s.micro = s.micro + count
  if s.micro >= members then
    began = profile.now()
    local ok, err = self:optimize(s.epoch + (s.batch + count - 1) / self.batches)
    if not ok then return nil, err end
    profile:add("optimizer", began)
  end
  s.batch = s.batch + count
  return true
end

-- ---- an epoch -------------------------------------------------------------------

--- Whether the epoch ends in a validation: every N epochs, after the last of the recipe's own, and after the last of an extension.
local function is_due(r, epoch) return (epoch + 1) % r.validate.every == 0 or epoch + 1 == r.epochs or epoch + 1 == clock.length(r) end

--- The validation's scores where this epoch has one, else true; nil and a message on failure.
function Loop:validate()
  local r, profile, began = self.recipe, self.companions.profile, self.companions.profile.now()
  local epoch, average = self.state.epoch, self.companions.average
  if not self.data.val or not is_due(r, epoch) then return true end
  local function score() return self.data:validate(self.model, r) end
  local validation, waited = self.group:share(function()
    if average then return average:with(score) end
    return score()
  end)
  if not validation then return nil, waited end
  profile:add("validation", began + waited)
  profile:add("waited_for_data", profile.now() - waited)
  return validation
end

--- Writes the epoch's line of metrics.jsonl and prints it, on rank 0; nil and a message on failure.
function Loop:record(result)
  if self.group.rank > 0 then return true end
  local entry = report.entry(self, result)
  local ok, err = self.companions:call("record", entry)
  if not ok then return nil, err end
  ok, err = self.run:record(entry)
  if not ok then return nil, err end
  report.epoch(self, result)
  return true
end

--- Validates, records, lets the companions act, saves. nil and a message on failure.
function Loop:end_epoch(seconds)
  local s = self.state
  self.companions:call "after_batches" -- before the arena is used for anything else
  local validation, err = self:validate()
  if not validation then return nil, err end
  if validation == true then validation = nil end
  local result = { epoch = s.epoch, validation = validation, is_best = validation and validation.dice and (not s.best or validation.dice > s.best) or false,
    images = s.sums.images, images_per_second = self.epoch_images / math.max(seconds, 1e-9) }
  local ok
  ok, err = self:record(result)
  if not ok then return nil, err end
  self.companions:call("after_epoch", result)
  if result.is_best then s.best, s.best_epoch = validation.dice, s.epoch end
  s.epoch, s.batch, s.micro, s.lines, s.sums = s.epoch + 1, 0, 0, s.lines + 1, state.sums()
  local began = self.companions.profile.now()
  ok, err = snapshot.save_epoch(self, result.is_best)
  if not ok then return nil, err end
  self.companions.profile:add("saving", began)
  return self.companions:call("after_save", result)
end

--- Trains on the remaining batches of an epoch. Returns true, "interrupted" (saved), or nil and a message.
function Loop:batches_left(started)
  local s = self.state
  while s.batch < self.batches do
    local before = s.sums.images
    local ok, err = self:one_batch()
    if not ok then return nil, err end
    self.images, self.epoch_images = self.images + s.sums.images - before, self.epoch_images + s.sums.images - before
    self.out:update(report.status(self, started, self.images))
    if self.group:any(C.ra_signal_arrived() ~= 0) and s.batch < self.batches then
      ok, err = snapshot.save(self, "last")
      if not ok then return nil, err end
      self.out:line(("interrupted in epoch %d after batch %d of %d; %s/last.safetensors is saved, the same command continues from there")
        :format(s.epoch, s.batch, self.batches, self.run.path))
      return "interrupted"
    end
  end
  return true
end

function Loop:finished() return self.state.epoch >= clock.length(self.recipe) or self.state.stopped_early end

--- Runs epochs until the end. Returns true, "interrupted", or nil and a message.
function Loop:loop()
  local s, started = self.state, C.ra_clock()
  self.images = 0
  while not self:finished() do
    local began = C.ra_clock()
    self.epoch_images = 0
    self.companions.profile:start()
    local ok, err = self:batches_left(started)
    if ok ~= true then return ok, err end
    ok, err = self:end_epoch(C.ra_clock() - began)
    if not ok then return nil, err end
    if self.group:any(C.ra_signal_arrived() ~= 0) and s.epoch < clock.length(self.recipe) then
      self.out:line(("interrupted after epoch %d; the same command continues from there"):format(s.epoch - 1))
      return "interrupted"
    end
  end
  if s.stopped_early then
    self.out:line(("stopped early: no better validation Dice for %d epochs; the best was %.4f in epoch %d"):format(s.since_best,
      s.best or 0, s.best_epoch or 0))
  end
  return true
end

return Loop
