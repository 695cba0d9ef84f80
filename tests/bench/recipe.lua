--- A training as users run it, for the share of data, Lua and logging: pictures are decoded, augmented, logged, validated, saved.
local ra = require "ramus"
return {
  name = "bench",
  data = { set = "phantom", options = { size = 512, train = 40, val = 4, test = 0 }, batch = 4, steps = 10,
    augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 5, width = 16 },
  supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, schedule = ra.cosine {} },
  epochs = 5, seed = 1,
}
