--- The plain baseline: a U-Net trained with Dice on cimat80, tested on the other 40 images.
local ra = require "ramus"
return {
  name = "unet_cimat80",
  data = { set = "cimat80", batch = 4, steps = 10, val = false,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 16 },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
