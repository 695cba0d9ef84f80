--- A training as a checkpoint: model, companions' arrays and state, saved and restored.
local ffi = require "ramus.base.ffi"
local checkpoint = require "ramus.train.checkpoint"
local companions = require "ramus.train.companions"
local files = require "ramus.base.files"
local safetensors = require "ramus.lang.safetensors"
local state = require "ramus.train.state"

local snapshot = { schema = state.schema(companions.modules) }

local function kernels() return ffi.string(ffi.C.ra_isa()) end

local function arrays_of(training)
  local arrays = training.model:arrays()
  for name, t in pairs(training.companions:arrays()) do arrays[name] = t end
  return arrays
end

--- The metadata of a checkpoint. Nothing in it depends on the clock.
local function meta_of(training)
  local s, recipe, data = training.state, training.recipe, training.data
  s.complete, s.isa = s.epoch >= recipe.epochs, kernels()
  local meta = checkpoint.meta(training.model, recipe)
  meta["ramus.state"] = checkpoint.encode(state.pack(s, snapshot.schema))
  meta["ramus.recipe"], meta["ramus.resolved"] = recipe.source or tostring(recipe), tostring(recipe)
  meta["ramus.data"], meta["ramus.protocol"] = checkpoint.encode(data.facts), checkpoint.encode(data.protocol)
  return meta
end

local function path_of(training, name) return training.run:path_of(name) end

--- Saves a training as "last" or "best"; nil and a message on failure.
function snapshot.save(training, name) return safetensors.save(path_of(training, name), arrays_of(training), meta_of(training)) end

--- Saves as "last" and, where the epoch is the best so far, as "best": a second name of the same file, where the file system has them.
function snapshot.save_epoch(training, is_best)
  local ok, err = snapshot.save(training, "last")
  if not ok or not is_best then return ok, err end
  return files.share(path_of(training, "last"), path_of(training, "best")) or snapshot.save(training, "best")
end

--- Restores a training from an open checkpoint; nil and a message where it does not fit.
function snapshot.restore(training, file)
  local plain, err = checkpoint.decode(file.meta["ramus.state"] or "null", "the state in " .. file.path)
  if type(plain) ~= "table" then return nil, err or (file.path .. " holds no training state") end
  local s
  s, err = state.unpack(plain, snapshot.schema)
  if not s then return nil, ("%s: %s"):format(file.path, err) end
  local ok
  ok, err = training.model:load_values(file)
  if not ok then return nil, err end
  for name, value in pairs(s) do training.state[name] = value end
  ok, err = training.companions:call("restore", file)
  if not ok then return nil, ("%s: %s"):format(file.path, err) end
  if s.isa ~= kernels() then
    training.out:warn(("this run began with %s kernels and goes on with %s: results are no longer the same to the bit")
      :format(s.isa, kernels()))
  end
  if not training.data:same(file.meta["ramus.data"]) then
    return nil, "the data set's files are not those that this run began with; choose another folder with --run DIR"
  end
  return training.run:truncate(s.lines)
end

return snapshot
