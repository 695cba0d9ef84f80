--- A longer training for cimat80 than the other recipes: 3000 steps from weights trained on ARCADE, stronger augmentation, an average of the
-- weights; five of them are averaged. recipes/best.lua compares its settings on validation pictures. No score of it was measured yet.
--
--   ramus train recipes/pretrain_arcade.lua --run runs/pretrain_arcade       first: the weights
--   ramus train recipes/best_cimat80.lua --run runs/best1 --seed 1           and 2 to 5
--   ramus eval runs/best1 --with runs/best2 --with runs/best3 --with runs/best4 --with runs/best5 --flips turned
local ra = require "ramus"
return {
  name = "best_cimat80",
  data = { set = "cimat80", batch = 4, steps = 50, val = false,
    augment = { flip = true, rotate = 45, scale = { 0.75, 1.35 }, elastic = { alpha = 3, sigma = 12 }, crop = 256, gamma = { 0.6, 1.6 },
      contrast = { 0.7, 1.4 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  init = { from = "../runs/pretrain_arcade" },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, ema = 0.995, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
