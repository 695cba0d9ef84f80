--- Deep self-knowledge distillation (arXiv 2509.03173) on XCAD, in this project's default reading of the paper.
--
-- What it changes of the letter (dsd_literal_xcad.lua), and why: docs/explanation/method.md. Its control is control_xcad.lua.
--
-- Crops of 256x256 of the 512x512 pictures; 84 to train, 42 to test, drawn by a fixed seed. `ramus fetch xcad` says where it comes from (454
-- MB).
local ra = require "ramus"
return {
  name = "dsd_xcad",
  data = { set = "xcad", split = "usual", batch = 4, val = false, steps = 25,
    augment = { flip = true, rotate = 20, gamma = { 0.8, 1.25 }, crop = 256 } },
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
