--- Deep self-knowledge distillation (arXiv 2509.03173) on DCA1, in this project's default reading of the paper.
--
-- What it changes of the letter (dsd_literal_dca1.lua), and why: docs/explanation/method.md. Its control is control_dca1.lua.
--
-- The settings of an independent attempt at the paper: 256x256, AdamW, the rate times 0.3 every 10 epochs; split 1-100 to train, 101-134
-- to test. `ramus fetch dca1` says where it comes from; where it cannot be had, cimat80 is a part of it.
local ra = require "ramus"
return {
  name = "dsd_dca1",
  data = { set = "dca1", size = 256, split = "usual", batch = 4, val = false,
    augment = { flip = true, rotate = 20, gamma = { 0.8, 1.25 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  teacher = { kind = "ema", decay = 0.98 },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {}, till = 1 },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
      weight = 0.25, from = 1 },
  },
  optim = ra.optim.adamw { lr = 1e-3, weight_decay = 1e-5, clip = 1, schedule = ra.step { every = 10, times = 0.3 } },
  epochs = 50, seed = 42,
}
