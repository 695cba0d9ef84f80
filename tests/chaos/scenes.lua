--- The commands that chaos breaks: the smallest training (pictures of 32x32, three epochs, a teacher, an average of the weights, `best`), a fetch
-- and a prediction. scenes(folder, ramus) makes what they need below folder and returns a list of what sweep.run takes.
local files = require "ramus.base.files"
local ra = require "ramus"
local sh = require("processes").sh

local RECIPE = [[
local ra = require "ramus"
return { name = "tiny", data = { set = "pairs", batch = 1, augment = { flip = true } },
  model = ra.models.unet { depth = 2, width = 4, sides = true }, teacher = { kind = "ema", decay = 0.9 },
  supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "side*", loss = ra.loss.bce {}, weight = 0.5 },
    { at = "out", loss = ra.loss.soft_target { alpha = 0.3 }, against = "teacher.out", from = 1 } },
  optim = ra.optim.adamw { lr = 3e-2, ema = 0.9 }, epochs = 3, seed = 1, log = { pictures = 1 } }
]]

local SET = [[
local ra = require "ramus"
return ra.datasets.register { name = "packed", files = { { name = "pairs.zip", unpack = true } },
  editions = { { name = "full", files = { { path = "train/1.png" }, { path = "train/1_mask.png" }, { path = "train/2.png" },
    { path = "train/2_mask.png" } } } },
  open = function(where) return require("ramus.data.dataset").pair(where .. "/train", { image = "^(%d+)%.png$", mask = "^(%d+)_mask%.png$" }) end }
]]

local function pictures(folder)
  ra.seed(1)
  for i, part in ipairs { "train", "train", "val", "test" } do
    local mask = ra.zeros(1, 32, 32)
    mask:narrow(2, 6 + i, 5):fill(1)
    assert(files.make_folder(("%s/pairs/%s"):format(folder, part)))
    assert(ra.image.save(("%s/pairs/%s/%d.png"):format(folder, part, i), ra.rand(1, 32, 32) * 0.4 + mask * 0.6))
    assert(ra.image.save(("%s/pairs/%s/%d_mask.png"):format(folder, part, i), mask))
  end
end

return function(folder, ramus)
  assert(files.make_folder(folder))
  pictures(folder)
  assert(files.write(folder .. "/recipe.lua", RECIPE))
  assert(files.write(folder .. "/packed.lua", SET))
  local said, status = sh(("cd '%s/pairs' && rm -f ../pairs.zip && zip -qr ../pairs.zip train"):format(folder))
  assert(status == 0, said)
  assert(ra.models.unet { depth = 2, width = 4 }:save(folder .. "/model.safetensors"))
  return {
    { name = "train", command = "train recipe.lua --quiet --run out", kept = "out", ignore = { "^log%.txt$", "^timing%.jsonl$", "^lock$" },
      folder = folder, ramus = ramus },
    { name = "fetch", command = "fetch packed.lua --from pairs.zip --data-root data", kept = "data", ignore = { "%.lock$", "%.received%.json$" },
      leaves = "it is no longer needed", folder = folder, ramus = ramus },
    { name = "predict", command = "predict model.safetensors pairs/train/1.png pairs/train/2.png -o masks", kept = "masks",
      folder = folder, ramus = ramus },
  }
end
