--- A training as a checkpoint: model, companions' arrays and state, saved and restored.
local ffi = require "ramus.base.ffi"
local clock = require "ramus.train.clock"
local checkpoint = require "ramus.train.checkpoint"
local companions = require "ramus.train.companions"
local json = require "ramus.base.json"
local state = require "ramus.train.state"
local witness = require "ramus.train.witness"

local snapshot = { schema = state.schema(companions.modules) }

local function kernels() return ffi.string(ffi.C.ra_isa()) end

local function arrays_of(training)
  local arrays = training.model:arrays()
  for name, t in pairs(training.companions:arrays()) do arrays[name] = t end
  return arrays
end

--- The epochs of a recipe's extension; nil for none.
local function extension_of(recipe) return recipe.extend and recipe.extend > 0 and recipe.extend or nil end

--- The metadata of a checkpoint. Nothing in it depends on the clock.
local function meta_of(training)
  local s, recipe, data = training.state, training.recipe, training.data
  s.extend = extension_of(recipe)
  s.complete, s.isa, s.blas = s.epoch >= clock.length(recipe), kernels(), training.model:blas()
  local meta = checkpoint.meta(training.model, recipe)
  meta["ramus.state"] = checkpoint.encode(state.pack(s, snapshot.schema))
  meta["ramus.recipe"], meta["ramus.resolved"] = json.text(recipe.source or tostring(recipe)), tostring(recipe)
  meta["ramus.identity"], meta["ramus.schedules"] = training.run.identity, witness.schedules(training.model)
  local functions = training.supervision:functions(data.set.fields)
  if next(functions) then meta["ramus.losses"] = checkpoint.encode(functions) end
  meta["ramus.data"], meta["ramus.protocol"] = checkpoint.encode(data.facts), checkpoint.encode(data.protocol)
  return meta
end

local function path_of(training, name) return training.run:path_of(name) end

--- Saves a training as "last" or "best"; nil and a message on failure.
function snapshot.save(training, name) return training.run:save(name, arrays_of(training), meta_of(training)) end

--- Saves as "last" and, where the epoch is the best so far, as "best": two names of one file, where the file system has them. "best" goes first: a
-- process that is stopped in between leaves a "last" from which the same epoch is trained again, to the same bits, and never a "best" that is
-- older than what "last" calls the best.
function snapshot.save_epoch(training, is_best)
  if not is_best then return snapshot.save(training, "last") end
  local ok, err = snapshot.save(training, "best")
  if not ok then return nil, err end
  return training.run:share("best", "last") or snapshot.save(training, "last")
end

--- Whether a recipe's extension may be another one than when the checkpoint was made: nothing of it was trained yet. nil and a message.
local function may_extend(recipe, s)
  local now, was = recipe.extend or 0, s.extend or 0
  if now == was or s.epoch <= recipe.epochs then return true end
  return nil, ("the run is %d epochs into an extension of %d, whose schedule is as long as that: it goes on with extend = %d, not %d"):format(
    s.epoch - recipe.epochs, was, was, now)
end

--- Restores a training from an open checkpoint; nil and a message where it does not fit.
function snapshot.restore(training, file)
  local plain, err = checkpoint.decode(file.meta["ramus.state"] or "null", "the state in " .. file.path)
  if type(plain) ~= "table" then return nil, err or (file.path .. " holds no training state") end
  local s
  s, err = state.unpack(plain, snapshot.schema)
  if not s then return nil, ("%s: %s"):format(file.path, err) end
  local ok
  ok, err = witness.check(training, file)
  if ok then ok, err = training.model:load_values(file) end
  if not ok then return nil, err end
  ok, err = may_extend(training.recipe, s)
  if not ok then return nil, err end
  err = state.wrong(s, { epochs = clock.length(training.recipe), batches = training.batches, accumulate = training.recipe.optim.accumulate })
  if err then return nil, ("%s: %s"):format(file.path, err) end
  for name, value in pairs(s) do training.state[name] = value end
  training.state.extend = extension_of(training.recipe)
  ok, err = training.companions:call("restore", file)
  if not ok then return nil, ("%s: %s"):format(file.path, err) end
  if s.isa ~= kernels() then
    training.out:warn(("this run began with %s kernels and goes on with %s: results are no longer the same to the bit")
      :format(s.isa, kernels()))
  end
  local blas = training.model:blas()
  if s.blas ~= blas then
    training.out:warn(("this run began with matrix products by '%s' and goes on with '%s': results are no longer the same to the bit")
      :format(tostring(s.blas), tostring(blas)))
  end
  local missing
  ok, missing = training.run:truncate(s.lines)
  if not ok then return nil, missing end
  if missing > 0 then
    training.out:warn(("%s lacks %d of the %d epochs that were trained: they are not trained again"):format(path_of(training, "metrics"), missing, s.lines))
  end
  return true
end

return snapshot
