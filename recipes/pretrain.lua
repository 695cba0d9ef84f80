--- What pre-training on phantoms gives at 10 real pictures of cimat80: the net of recipes/phantom_coronary.lua from scratch, and from the
-- weights of the model in the box, which that recipe made. Both rows have the same pictures, steps and rate.
--
--   ramus study recipes/pretrain.lua --check
--   ramus study recipes/pretrain.lua
local ra = require "ramus"

local function recipe(init)
  return {
    name = "pretrain",
    data = { set = "cimat80", split = "usual, train 10", batch = 4, steps = 10, val = false,
      augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
    model = ra.models.unet { depth = 4, width = 8, sides = true },
    init = init,
    supervise = {
      { at = "out", loss = ra.loss.dice {} },
      { at = "out", loss = ra.loss.bce {} },
      { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8 } },
    },
    optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
    epochs = 60, log = { pictures = 0 },
  }
end

return { title = "Pre-training on phantoms, 10 real pictures", results = "../docs/results/pretrain.jsonl", seeds = { 1, 2, 3, 4, 5 },
  score = { "cimat80:test" }, metrics = { "dice", "cldice" },
  rows = {
    { name = "scratch", title = "from scratch", recipe = recipe() },
    { name = "phantom", title = "from weights trained on phantoms", recipe = recipe { from = "models/coronary.safetensors" }, against = "scratch" },
  },
  tables = { { name = "pretrain" } } }
