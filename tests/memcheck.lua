--- What `make valgrind` runs under memcheck: one training step with its validation, a resume, an evaluation and a prediction, of the smallest size.
-- LuaJIT's compiler is off: Valgrind does not follow machine code that is written while it runs.
jit.off()
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/.."
package.path = root .. "/tests/?.lua;" .. package.path
local ra = require "ramus"
local sh = require("processes").sh

local folder = sh("mktemp -d"):gsub("\n", "")
local function recipe(epochs)
  return { name = "tiny", data = { set = "phantom", options = { size = 32, train = 2, val = 1, test = 1 }, batch = 2,
      augment = { flip = true, rotate = 10, noise = 0.02 } },
    model = ra.models.unet { depth = 2, width = 4, sides = true, dropout = 0.1 }, teacher = { kind = "last_epoch" },
    supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" },
      { at = "side*", loss = ra.loss.deep_distribution { patches = 4, tau = 0.3, scale = "fraction" }, against = "teacher.same" } },
    optim = ra.optim.adamw { lr = 1e-2, ema = 0.9, clip = 1 }, epochs = epochs, seed = 1 }
end
local given = { run = folder .. "/run", quiet = true, data_root = folder .. "/data" }
assert(ra.train(recipe(1), given))
local longer = recipe(1)
longer.extend = 1
assert(ra.train(longer, given))
assert(ra.image.save(folder .. "/x.png", ra.rand(1, 40, 24)))
assert(ra.predict(folder .. "/run", folder .. "/x.png", { output = folder .. "/out" }))
sh("rm -rf " .. folder)
print "1 passed, 0 failed"
