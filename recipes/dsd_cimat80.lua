--- Deep self-knowledge distillation (arXiv 2509.03173) on cimat80, in this project's default reading of the paper.
--
-- Against the literal reading (dsd_literal_cimat80.lua): the side outputs also see the mask, patch
-- distributions compare fractions instead of raw counts, and the teacher is a running average of the
-- student instead of its last epoch. Its control, the same without a teacher, is
-- dsd_control_cimat80.lua. See docs/explanation/method.md and docs/results/cimat80.md.
local ra = require "ramus"
return {
  name = "dsd_cimat80",
  data = { set = "cimat80", batch = 4, steps = 10, val = false,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
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
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
