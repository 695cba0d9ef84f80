--- What `make demo` trains: deep self-knowledge distillation, as in dsd_cimat80.lua, on
-- synthetic angiograms (24 to train on, 12 held out), small enough for a coffee break.
local ra = require "ramus"
return {
  name = "demo",
  data = { set = "phantom", options = { size = 256, train = 24, test = 12 }, val = false, batch = 4,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 12, sides = true },
  teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {}, till = 1 },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
      weight = 0.25, from = 1 },
  },
  optim = ra.optim.adamw { lr = 3e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 40, seed = 1,
  log = { pictures = 12 },
}
