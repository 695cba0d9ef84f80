--- Run folders from outside: which there are below a folder, what state each is in, and what it holds.
--
--   runs.find(folder)    paths of run folders at and below it, at most DEPTH folders down; hidden folders are left out
--   runs.facts(path)     { run, name, state, epochs, of, model, set, parameters, validation, test, changed, bytes }; nil and a message
-- state: "running" (a process holds it), "done", "stopped" (the same command goes on) or "failed" (its log says why). Nothing that a folder
-- holds is executed.
local checkpoint = require "ramus.train.checkpoint"
local clock = require "ramus.train.clock"
local files = require "ramus.base.files"
local names = require "ramus.train.run.names"
local run = require "ramus.train.run"

local runs = {}

local DEPTH = 4

function runs.is(path) return files.is_file(names.path_of(path, "data")) end

--- Calls f(path, names) for `folder` and those below it until f gives true for one, which is not entered.
function runs.walk(folder, f, depth)
  local list = files.list(folder) or {}
  if f(folder, list) or (depth or 0) >= DEPTH then return end
  for _, name in ipairs(list) do
    if name:sub(-1) == "/" then runs.walk((folder == "." and "" or folder .. "/") .. name:sub(1, -2), f, (depth or 0) + 1) end
  end
end

function runs.find(folder)
  local list = {}
  runs.walk(folder, function(path)
    if not runs.is(path) then return false end
    list[#list + 1] = path
    return true
  end)
  return list
end

--- Whether a process works on the folder.
function runs.is_held(path)
  local lock = names.path_of(path, "lock")
  if not files.is_file(lock) then return false end
  local release, err = files.lock(lock)
  if release then release() end
  return not release and err:find("held", 1, true) ~= nil
end

--- The reason in the last line of the log, where that says why a training ended; nil.
local function failure(path)
  local text = files.read(names.path_of(path, "log")) or ""
  return text:match "([^\n]*)\n*$":match "^stopped: (.*)$"
end

--- Whether the last checkpoint is the end of the training, which may have stopped early.
local function is_complete(r, path, epochs)
  if epochs >= clock.length(r) then return true end
  if not r.early_stop or epochs == 0 then return false end
  local file = checkpoint.open(names.path_of(path, "last"))
  local state = file and checkpoint.decode(file.meta["ramus.state"] or "null", "ramus.state")
  return type(state) == "table" and (state.stopped_early or state.complete) == true
end

--- The state of a run, and why it failed. epochs: those that it has behind it.
local function state_of(r, path, epochs)
  if runs.is_held(path) then return "running" end
  if is_complete(r, path, epochs) then return "done" end
  local why = failure(path)
  return why and "failed" or "stopped", why
end

--- Seconds since 1970 as "2026-11-30T08:22:41Z"; nil of nil.
function runs.date(seconds) return seconds and os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) end

--- The best validation Dice of a history, and its epoch; nil where none was taken.
function runs.best(history)
  local best, epoch
  for _, h in ipairs(history) do
    local dice = type(h.validation) == "table" and h.validation.dice
    if type(dice) == "number" and (not best or dice > best) then best, epoch = dice, h.epoch end
  end
  return best, epoch
end

--- The mean test Dice of a run; nil where it was not scored.
local function test_dice(opened)
  local scores = opened:evaluation()
  local dice = type(scores) == "table" and type(scores.per_image) == "table" and scores.per_image.dice
  return type(dice) == "table" and dice.mean or nil
end

function runs.facts(path)
  local opened, err = run.read(path)
  if not opened then return nil, err end
  local r, history = opened.recipe, opened:history()
  local best, best_epoch = runs.best(history)
  local _, changed = files.size(names.path_of(path, "metrics"))
  local state, why = state_of(r, path, #history)
  return { run = path, name = r.name, state = state, why = why, epochs = #history, of = clock.length(r), model = r.model.name, set = r.data.set, seed = r.seed,
    validation = best, best_epoch = best_epoch, test = test_dice(opened), changed = runs.date(changed), bytes = files.bytes(path) }
end

return runs
