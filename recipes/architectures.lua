--- Head to head: every architecture's light preset (about 6 GFLOP for a picture of 256x256, see `ramus models`), without and with
-- self-distillation, on cimat80.
--
--   ramus study recipes/architectures.lua
--
-- One budget (600 steps of 4 crops of 256x256), one augmentation, one supervision: Dice and BCE at the output, BCE at every side output; with
-- self-distillation as recipes/paper.lua has it in its best reading. The rate is 2e-3, for nets with transformers 1e-3: no net was tuned.
-- The two rows of the U-Net are those of recipes/paper.lua, and read from its results. Validation, 20 % of the training pictures, chooses
-- nothing; scores are of the last weights at threshold 0.5.
local ra = require "ramus"

local NETS = {
  { "unet", "U-Net", options = { depth = 5, width = 16 } },
  { "unet residual", "U-Net, residual blocks", net = "unet", options = { preset = "light", residual = true } }, { "fpn", "Feature pyramid" },
  { "attention_unet", "Attention U-Net" }, { "unetpp", "U-Net++" }, { "unet3p", "U-Net 3+" }, { "resnet34_unet", "U-Net, ResNet-34 encoder" },
  { "wnet", "W-Net" }, { "frunet", "FR-UNet" }, { "hed", "HED" }, { "segformer", "SegFormer", rate = 1e-3 },
  { "transunet", "TransUNet", rate = 1e-3 }, { "swin_unet", "Swin-Unet", rate = 1e-3 },
}

--- 1/2, 1/4, .. for so many side outputs.
local function fading(count)
  local list = {}
  for i = 1, count do list[i] = 2 ^ -i end
  return list
end

local function recipe(net, taught)
  local options = { channels = 1, sides = true }
  for key, value in pairs(net.options or { preset = "light" }) do options[key] = value end
  local model = ra.models[net.net or net[1]](options)
  local masked = { at = "side*", loss = ra.loss.bce {}, weight = fading(#model:output_names() - 1) }
  local supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = ra.loss.bce {}, till = taught and 1 or nil }, masked }
  if taught then
    table.insert(supervise, 3, { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 })
    supervise[5] = { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
      weight = 0.25, from = 1 }
  end
  return {
    name = "architectures",
    data = { set = "cimat80", split = "usual, val 20%", batch = 4, steps = 10,
      augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
    model = model, teacher = taught and { kind = "ema", decay = 0.98 } or nil, supervise = supervise,
    optim = ra.optim.adamw { lr = net.rate or 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
    epochs = 60, validate = { every = 10 }, log = { pictures = 0 },
  }
end

local rows = {}
for _, net in ipairs(NETS) do
  rows[#rows + 1] = { name = net[1], title = net[2], recipe = recipe(net, false), against = net[1] ~= "unet" and "unet" or nil }
  rows[#rows + 1] = { name = net[1] .. " taught", title = net[2] .. ", self-distillation", recipe = recipe(net, true), against = net[1] }
end

return { title = "Architectures", results = "../docs/results/architectures.jsonl", read = { "../docs/results/paper.jsonl" }, seeds = { 1, 2, 3 },
  score = { "cimat80:test" },
  metrics = { "dice", "cldice", "hd95" }, rows = rows, tables = { { name = "architectures" } } }
