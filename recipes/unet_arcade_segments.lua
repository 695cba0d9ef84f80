--- The 25 segments of the SYNTAX score on arcade: a U-Net over the whole picture at half its size.
--
-- Which segment a vessel is depends on where it is and on what is beside it, so pictures are resized and not cropped, and
-- not mirrored: the right coronary artery is no mirror image of the left one. See docs/results/arcade-segments.md.
local ra = require "ramus"
return {
  name = "unet_arcade_segments",
  data = { set = "arcade", options = { labels = "segments" }, size = 256, batch = 4,
    augment = { rotate = 15, scale = { 0.85, 1.2 }, shift = 20, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
  model = ra.models.unet { depth = 6, width = 16 },
  supervise = {
    { at = "out", loss = ra.loss.cross_entropy {} },
    { at = "out", loss = ra.loss.dice { average = "present" } },
  },
  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-4, clip = 1, schedule = ra.cosine {} },
  validate = { every = 5 },
  epochs = 100, seed = 1,
}
