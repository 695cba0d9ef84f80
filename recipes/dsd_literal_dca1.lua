--- Deep self-knowledge distillation (arXiv 2509.03173) on DCA1, the paper to the letter: equation 8 alone (side outputs never see the mask),
-- raw counts, 16 patches an image, tau 3, alpha from 0 to 0.5, the epoch before as the teacher.
--
-- The settings of an independent attempt at the paper: 256x256, AdamW, the rate times 0.3 every 10 epochs; split 1-100 to train, 101-134
-- to test. `ramus fetch dca1` says where it comes from; where it cannot be had, cimat80 is a part of it.
local ra = require "ramus"
return {
  name = "dsd_literal_dca1",
  data = { set = "dca1", size = 256, split = "usual", batch = 4, val = false,
    augment = { flip = true, rotate = 20, gamma = { 0.8, 1.25 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 16, tau = 3 }, against = "teacher.same", from = 1 },
  },
  optim = ra.optim.adamw { lr = 1e-3, weight_decay = 1e-5, clip = 1, schedule = ra.step { every = 10, times = 0.3 } },
  epochs = 50, seed = 42,
}
