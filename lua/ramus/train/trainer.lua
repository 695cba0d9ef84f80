--- ra.train(recipe, options): fetch, train, validate, keep checkpoints, evaluate.
--
-- options: run (folder; runs/NAME), quiet, evaluate (true), data_root, offline, accept_odd (masks of another kind than the rest of the set).
-- Returns { run =, history =, evaluation =, complete = } or nil and a message; the third value is "interrupted" after SIGINT, SIGTERM or another
-- signal that asks a process to end (a checkpoint is saved). A training that was stopped resumes where it was, to the same bits: see
-- docs/explanation/determinism.md.
local always = require "ramus.base.always"
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local groups = require "ramus.train.group"
local Loop = require "ramus.train.loop"
local options = require "ramus.base.options"
local prepared = require "ramus.data.prepared"
local progress = require "ramus.base.progress"
local recipe_module = require "ramus.train.recipe"
local report = require "ramus.train.report"
local run_folder = require "ramus.train.run"
local run_text = require "ramus.train.run.text"
local setup = require "ramus.train.setup"
local snapshot = require "ramus.train.snapshot"
local witness = require "ramus.train.witness"
local C = ffi.C

--- What the processes of a group must have in common, once each has what it begins with.
local function facts_of(self)
  local s, build = self.state, checkpoint.build()
  return { { "the build", ("%s %s %s"):format(build.version, build.commit, build.kernels) }, { "the kernel set", ffi.string(C.ra_isa()) },
    { "matrix products by", self.model:blas() or "none" }, { "the recipe (SHA-256)", prepared.sha256(self.run.identity) },
    { "the images", self.data.facts.hash }, { "where the run goes on", ("epoch %d, batch %d, step %d"):format(s.epoch, s.batch, s.optim_steps) } }
end

--- Restores a training from the checkpoint `file` where there is one, and runs its loop. Returns as the loop does.
local function go(self, file)
  local s = self.state
  local ok, err
  if file then
    ok, err = snapshot.restore(self, file)
    if not ok then return nil, err end
    if self:finished() then self.out:line(("%s is complete (%d epochs)"):format(self.run.path, s.epoch))
    else self.out:line(("resuming %s at epoch %d, batch %d"):format(self.run.path, s.epoch, s.batch)) end
  end
  ok, err = self.group:agree(facts_of(self))
  if not ok then return nil, err end
  if self:finished() then return true end
  if not file then
    ok, err = witness.remember(self)
    if not ok then return nil, err end
  end
  ok, err = setup.plan(self)
  if not ok then return nil, err end
  if not file then report.header(self) end
  local result
  result, err = self:loop()
  if not result then self.out:line("stopped: " .. err) end
  return result, err
end

--- The output of a training: rank 0 of a group speaks.
local function voice(run, o, group)
  local out = progress.new { quiet = o.quiet or group.rank > 0, about = run.path, also = function(text) run:log(text) end }
  if group.rank > 0 then function out.warn() end end
  return out
end

--- Trains in an open run folder. Returns the training and how it ended; nil and a message.
local function train_in(run, file, r, o, group)
  local out = voice(run, o, group)
  local training, err = group:in_turn(function()
    return setup.new(r, { run = run, data_root = o.data_root, offline = o.offline, accept_odd = o.accept_odd, resumed = file ~= nil, group = group }, out)
  end)
  if not training then return nil, err end
  setmetatable(training, Loop)
  for _, text in ipairs(run.warnings) do out:warn(text) end
  C.ra_signal_catch(true) -- from here on SIGINT, SIGTERM and their like wait for the end of a batch
  local ended
  ended, err = always(function() return go(training, file) end, function()
    C.ra_signal_catch(false)
    setup.close(training)
  end)
  if not ended then
    witness.note_failed(training, err)
    return nil, err
  end
  return training, ended
end

--- Trains and evaluates in an open run folder. Returns what ra.train does.
local function train_and_score(run, file, r, o, group)
  local evaluation, err
  local training, ended = train_in(run, file, r, o, group)
  if not training then return nil, ended end
  if ended == "interrupted" then return nil, "interrupted", "interrupted" end
  if o.evaluate and group.rank == 0 and training.data.test and not training.data.untested then
    evaluation, err = require("ramus.train.evaluate").of_run(run.path, { out = training.out, data_root = o.data_root, offline = o.offline,
      accept_odd = o.accept_odd, pictures = r.log.pictures })
  end
  if err then return nil, err end
  return setmetatable({ run = run.path, history = run:history(), evaluation = evaluation, complete = true, model = training.model }, run_text.trained)
end

local schema = { run = { type = "string" }, quiet = { type = "boolean", default = false }, evaluate = { type = "boolean", default = true },
  data_root = { type = "string" }, offline = { type = "boolean" }, accept_odd = { type = "boolean" } }

--- The end of a training on this process.
local function ended(group, trained, why, kind)
  group:leave(not trained and kind ~= "interrupted" and why or nil)
  return trained, why, kind
end

return function(recipe, given)
  local o = options.check(given, schema, "train")
  local r = recipe
  if not recipe_module.is(recipe) then
    if type(recipe) ~= "table" then error("train: wants a recipe (a table), given " .. options.show(recipe), 2) end
    local err
    r, err = recipe_module.resolve(recipe)
    if not r then return nil, err end
  end
  local path = o.run or ("runs/" .. r.name)
  local group, err = groups.join()
  if not group then return nil, err end
  local run, file = group:in_turn(function() return (group.rank == 0 and run_folder.open or run_folder.follow)(path, r) end)
  if not run then return ended(group, nil, file) end
  return ended(group, always(function() return train_and_score(run, file, r, o, group) end, function() run:close() end))
end
