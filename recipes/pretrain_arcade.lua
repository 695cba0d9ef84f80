--- Weights for recipes/best_cimat80.lua: the same net, trained on ARCADE, whose masks hold only the segments that count for the SYNTAX score.
--
--   ramus train recipes/pretrain_arcade.lua --run runs/pretrain_arcade
local ra = require "ramus"
return {
  name = "pretrain_arcade",
  data = { set = "arcade", batch = 4, steps = 100, val = false,
    augment = { flip = true, rotate = 45, scale = { 0.45, 0.9 }, crop = 256, gamma = { 0.6, 1.7 },
      contrast = { 0.7, 1.4 }, blur = { 0, 0.8 }, noise = { 0, 0.02 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 30, seed = 1, log = { pictures = 0 },
}
