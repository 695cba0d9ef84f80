--- The names of the files of a run folder; no other source file contains them.
local ffi = require "ramus.base.ffi"

local names = {}

--- Name by kind.
names.files = {
  recipe = "recipe.lua",       -- as written
  resolved = "resolved.lua",   -- every field, for people; loads again
  data = "resolved.json",      -- the same for programs, with the build that made it
  samples = "samples.json",    -- ids of the images by split and the SHA-256 of their files, as the run began
  metrics = "metrics.jsonl",   -- a line an epoch, no clock times (part of what resume reproduces)
  timing = "timing.jsonl",     -- a line an epoch: seconds
  histograms = "histograms.jsonl", -- where the recipe asks for them: how weights and activations are distributed
  profile = "profile.txt",     -- where the last epoch's time went
  log = "log.txt",             -- what was printed
  last = ffi.string(ffi.C.ra_model_file(false)), best = ffi.string(ffi.C.ra_model_file(true)), pictures = "pictures", lock = "lock",
}

function names.path_of(folder, kind)
  return folder .. "/" .. (names.files[kind] or error("run: there is no file of the kind " .. tostring(kind), 2))
end

return names
