--- The same bits: trainings whose results are held to committed hashes (hashes.json), per compiler and kernel set.
--   bits.run(binary, training, isa, folder)   trains; the hash of the final model's arrays and one line per array, or nil and a reason
--   bits.read(), bits.write(table)            hashes.json: compiler -> kernel set -> training -> hash
local cjson = require "cjson"
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local hard = require "hard_recipe"
local sh = require("processes").sh

local bits = { sets = { "generic", "avx2", "avx512" } }

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
bits.hashes = here .. "/hashes.json"

local plain_optim = "ra.optim.adamw { lr = 1e-2, weight_decay = 1e-4, ema = 0.9, clip = 1, schedule = ra.cosine {} }"
local plain_model = "ra.models.unet { depth = 2, width = 3, sides = true }"

--- recipe: a file of the tree; text: a recipe's source; set: --set of the command line; quick: held by every `make test`;
--- data: a set to fetch from the shared pictures; exempt: what makes results differ from those of the first build on purpose.
bits.trainings = {
  { name = "demo, short", recipe = "recipes/demo.lua", quick = true,
    set = { "epochs=3", "data.steps=3", "data.options.train=8", "data.options.test=2" } },
  { name = "hard, short", quick = true, text = hard { epochs = "4" },
    exempt = "dropout draws by the ordinal of the random op; accumulation adds gradients that were each made from zero" },
  { name = "hard without dropout and accumulation, short", quick = true, text = hard { epochs = "4", optim = plain_optim, model = plain_model } },
  { name = "demo", recipe = "recipes/demo.lua", set = {} },
  { name = "hard", text = hard(),
    exempt = "dropout draws by the ordinal of the random op; accumulation adds gradients that were each made from zero" },
  { name = "hard without dropout and accumulation", text = hard { optim = plain_optim, model = plain_model } },
  { name = "dsd_cimat80, 3 epochs", recipe = "recipes/dsd_cimat80.lua", set = { "epochs=3" }, data = "cimat80", from = "cimat80_dca1_subset" },
}

--- What determines the bits besides the sources: the compiler, the C library and the machine.
function bits.compiler() return ffi.string(ffi.C.ra_compiler()) end

--- Why results on this machine may differ in bits that no kernel set decides, or nil: the C library has functions of its own
--- for processors with fused multiply-adds.
function bits.unfit()
  local active = ffi.string(ffi.C.ra_isa())
  local fused = ffi.C.ra_isa_set("avx2") == 0
  ffi.C.ra_isa_set(active)
  return not fused and "this processor has no AVX2 and FMA, by which the C library chooses its functions" or nil
end

function bits.has(isa)
  local active = ffi.string(ffi.C.ra_isa())
  local there = ffi.C.ra_isa_set(isa) == 0
  ffi.C.ra_isa_set(active)
  return there
end

--- Hash of the parameters and buffers (and their running averages) in a checkpoint, metadata aside; and "hash name" by array.
function bits.hash(path)
  local hash, lines = checkpoint.hash(path)
  if hash and #lines < 10 then return nil, ("%s: only %d arrays of a model"):format(path, #lines) end
  return hash, lines
end

local function shared(training)
  local folder = os.getenv("RAMUS_TEST_DATASETS") or (here .. "/../../../shared/datasets")
  folder = folder .. "/" .. training.from
  return files.is_folder(folder) and folder or nil, ("no %s in %s"):format(training.from, folder)
end

--- Fetches what a training needs into a data root of its own; nil and a reason where the pictures are absent.
local function fetched(binary, training, root)
  if not training.data then return true end
  local from, why = shared(training)
  if not from then return nil, why end
  local text, status = sh(("%s fetch %s --from %s --data-root %s"):format(binary, training.data, from, root))
  if status ~= 0 then error(text, 0) end
  return true
end

--- Trains with a build (its binary; its tree is the folder of the recipes) in a scratch folder.
function bits.run(binary, training, isa, folder)
  local root = folder .. "/data"
  local ready, why = fetched(binary, training, root)
  if not ready then return nil, why end
  local recipe = binary:match("^(.*)/build/.*$") .. "/" .. tostring(training.recipe)
  if training.text then
    recipe = folder .. "/hard.lua"
    assert(files.write(recipe, training.text))
  end
  local set = {}
  for i, s in ipairs(training.set or {}) do set[i] = "--set " .. s end
  local run = ("%s/%s %s"):format(folder, training.name, isa):gsub("[ ,]+", "_")
  local text, status = sh(("env RAMUS_DATA=%s RAMUS_ISA=%s %s train %s --quiet --run %s %s"):format(root, isa, binary, recipe, run,
    table.concat(set, " ")))
  if status ~= 0 then error(("%s, %s: exit status %d\n%s"):format(training.name, isa, status, text), 0) end
  local hash, lines = bits.hash(run .. "/last.safetensors")
  os.execute("rm -rf " .. run)
  return assert(hash, lines), lines
end

function bits.read() return cjson.decode(assert(files.read(bits.hashes))) end

return bits
