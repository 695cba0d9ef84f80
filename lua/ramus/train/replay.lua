--- Trains a run again from the recipe that it stores, and compares the weights.
--
--   replay.recipe(path, file)      the recipe to train again, and how it was read; nil and a message. It runs the stored recipe, which is a program.
--   replay.compare(path, again)    { same =, weights = { { name, before, after }, .. }, arrays = { .. that differ }, images = n }; nil and a message
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local mistake = require "ramus.base.mistake"
local names = require "ramus.train.run.names"
local recipe = require "ramus.train.recipe"
local runs = require "ramus.train.run.list"

local replay = {}

--- The identity that a run stores of its recipe; nil where it cannot be read.
local function identity_of(path)
  local value = checkpoint.decode(files.read(names.path_of(path, "data")) or "null", "resolved.json")
  return type(value) == "table" and value.identity or nil
end

--- Files that may hold the recipe: as it was resolved, which lacks a model that is a function; as it was written.
function replay.files(path) return { names.path_of(path, "resolved"), names.path_of(path, "recipe") } end

--- What is wrong with a run that is to be trained again; nil where nothing is.
function replay.wrong(path)
  local f, err = runs.facts(path)
  if not f then return err end
  if f.state ~= "done" then return ("%s is %s: only a training that has ended can be compared; ramus train goes on with it"):format(path, f.state) end
  return nil
end

--- given: a file in the place of the stored ones.
function replay.recipe(path, given)
  local wanted, errors = identity_of(path), {}
  for _, file in ipairs(given and { given } or replay.files(path)) do
    local r, err = recipe.load(file)
    if r and r:identity() == wanted then return r, file end
    errors[#errors + 1] = r and file .. ": is another recipe than the one that was trained (--set changed it?)" or err
  end
  return mistake(table.concat(errors, "\n") .. "\nname the file that it was trained from with --recipe FILE")
end

--- Images whose files differ between two runs.
local function images_changed(path, again)
  local function text(p) return files.read(names.path_of(p, "samples")) end
  return text(path) ~= text(again)
end

function replay.compare(path, again)
  local result = { same = true, weights = {}, arrays = {}, images_changed = images_changed(path, again) }
  for _, which in ipairs { "last", "best" } do
    local before, after = names.path_of(path, which), names.path_of(again, which)
    if files.is_file(before) then
      local sum, list = checkpoint.hash(before)
      if not sum then return nil, list end
      local sum2, list2 = checkpoint.hash(after)
      if not sum2 then return nil, list2 end
      result.weights[#result.weights + 1] = { name = which, before = sum, after = sum2 }
      if sum ~= sum2 then
        result.same = false
        for i, line in ipairs(list) do
          if line ~= list2[i] then result.arrays[#result.arrays + 1] = ("%s: %s"):format(which, line:match " (.*)$") end
        end
      end
    end
  end
  return result
end

--- Why the bits may differ: the build or the kernels are others than the run's; nil where they are the same.
function replay.other_machine(path)
  local file, err = checkpoint.open(names.path_of(path, "last"))
  if not file then return err end
  local ffi = require "ramus.base.ffi"
  local build, now = checkpoint.decode(file.meta["ramus.build"] or "null", "ramus.build"), checkpoint.build()
  local state = checkpoint.decode(file.meta["ramus.state"] or "null", "ramus.state")
  local isa = type(state) == "table" and state.isa
  if type(build) == "table" and build.kernels ~= now.kernels then
    return ("it was made with kernels %s, this build has %s"):format(tostring(build.kernels), now.kernels)
  end
  local here = ffi.string(ffi.C.ra_isa())
  return type(isa) == "string" and isa ~= here and ("it was made by %s, this machine computes with %s"):format(isa, here) or nil
end

return replay
