--- Deep self-knowledge distillation on cimat80, the paper to the letter: equation 8 alone (side outputs never see the
-- mask), raw counts, 16 patches an image, tau 3, alpha from 0 to 0.5.
local ra = require "ramus"
return {
  name = "dsd_literal_cimat80",
  data = { set = "cimat80", batch = 4, steps = 10, val = false,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 16, sides = true },
  teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 16, tau = 3 }, against = "teacher.same", from = 1 },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 60, seed = 1,
}
