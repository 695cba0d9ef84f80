--- The paper's recipe, small: deep self-knowledge distillation on synthetic angiograms. `make demo` runs it.
local ra = require "ramus"
return {
  name = "demo",
  data = { set = "phantom", options = { size = 256, train = 24, test = 12 }, batch = 4, steps = 10,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 192, vessel_share = 1, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 4, width = 8, sides = true },
  teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {}, till = 1 },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8 } },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
      weight = 0.25, from = 1 },
  },
  optim = ra.optim.adamw { lr = 4e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 30, seed = 1,
  log = { pictures = 12 },
}
