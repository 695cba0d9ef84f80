--- The plain baseline of the paper's experiment 1: a U-Net trained with Dice, on XCAD.
--
-- Crops of 256x256 of the 512x512 pictures; 84 to train, 42 to test, drawn by a fixed seed. `ramus fetch xcad` says where it comes from (454
-- MB).
local ra = require "ramus"
return {
  name = "unet_xcad",
  data = { set = "xcad", split = "usual", batch = 4, val = false, steps = 25,
    augment = { flip = true, rotate = 20, gamma = { 0.8, 1.25 }, crop = 256 } },
  model = ra.models.unet { depth = 5, width = 16 },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
  },
  optim = ra.optim.adamw { lr = 1e-3, weight_decay = 1e-5, clip = 1, schedule = ra.step { every = 10, times = 0.3 } },
  epochs = 50, seed = 42,
}
