--- A small net for coronary angiograms from phantoms alone: no real picture is seen. 121 540 parameters, under half a megabyte.
--
--   ramus train recipes/phantom_coronary.lua --seed 1
--
-- 3000 phantoms with full trees, and augmentation that is stronger than on a real set, so that other machines' pictures lie within what
-- was seen. recipes/pretrain.lua begins with its weights.
local ra = require "ramus"
return {
  name = "phantom_coronary",
  data = { set = "phantom", options = { size = 300, train = 3000, val = 48, test = 48, trees = "full" }, batch = 4, steps = 100,
    augment = { flip = true, rotate = 45, scale = { 0.7, 1.4 }, elastic = { alpha = 3, sigma = 12 }, crop = 256, gamma = { 0.6, 1.7 },
      contrast = { 0.6, 1.5 }, brightness = 0.12, blur = { 0, 1.2 }, noise = { 0, 0.03 } } },
  model = ra.models.unet { depth = 4, width = 8, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.bce {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8 } },
  },
  optim = ra.optim.adamw { lr = 3e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 100, seed = 1,
  validate = { every = 10 },
}
