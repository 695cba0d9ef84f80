--- The plain baseline of the paper's experiment 1: a U-Net trained with Dice, on DCA1.
--
-- The settings of an independent attempt at the paper: 256x256, AdamW, the rate times 0.3 every 10 epochs; split 1-100 to train, 101-134
-- to test. `ramus fetch dca1` says where it comes from; where it cannot be had, cimat80 is a part of it.
local ra = require "ramus"
return {
  name = "unet_dca1",
  data = { set = "dca1", size = 256, split = "usual", batch = 4, val = false,
    augment = { flip = true, rotate = 20, gamma = { 0.8, 1.25 } } },
  model = ra.models.unet { depth = 5, width = 16 },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
  },
  optim = ra.optim.adamw { lr = 1e-3, weight_decay = 1e-5, clip = 1, schedule = ra.step { every = 10, times = 0.3 } },
  epochs = 50, seed = 42,
}
