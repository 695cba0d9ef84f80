--- Deep self-knowledge distillation on DCA1 as the paper reads, with the training settings of an independent
-- attempt (256x256, AdamW, learning rate times 0.3 every 10 epochs) and the usual split, 1-100 to train, 101-134 to test.
-- Not measured yet; on cimat80 the literal reading's patch term has no effect, see docs/results/cimat80.md.
local ra = require "ramus"
return {
  name = "dsd_dca1",
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
