--- The control of dsd_cimat80: the same net, masks, weights and clipping, no teacher (soft targets with alpha = 0 are BCE).
local ra = require "ramus"
return {
  name = "dsd_control_cimat80",
  data = { set = "cimat80", batch = 4, steps = 10, val = false,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
