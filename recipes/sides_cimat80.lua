--- Deep supervision: Dice at the output, BCE against the mask at every side output with weight 1/2^i (Lee et al., AISTATS 2015).
local ra = require "ramus"
return {
  name = "sides_cimat80",
  data = { set = "cimat80", batch = 4, steps = 10, val = false,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
