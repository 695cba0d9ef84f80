--- Which settings recipes/best_cimat80.lua should take: each is trained on 32 of cimat80's 40 training pictures and scored on the other 8. The test
-- pictures choose nothing and are not scored here.
--
--   ramus train recipes/pretrain_arcade.lua --run runs/pretrain_arcade       first: the weights of three rows
--   ramus study recipes/best.lua
local ra = require "ramus"

--- The recipe with some fields in place of its own, on the part of the training pictures that is not for validation.
local function settings(set, without)
  local fields = { ["data.split"] = "usual, val 20%", ["data.val"] = "val", ["validate.every"] = 20, ["log.pictures"] = 0 }
  for key, value in pairs(set or {}) do fields[key] = value end
  return { recipe = "best_cimat80.lua", set = fields, without = without }
end

--- A row of the study.
local function row(name, title, against, given)
  given.name, given.title, given.against = name, title, against
  return given
end

local EASY = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } }

return { title = "Settings for the best recipe, on validation pictures", results = "../docs/results/best.jsonl", seeds = { 1 },
  score = { "val" }, metrics = { "dice", "cldice" },
  rows = {
    row("scratch", "3000 steps, from random weights", nil, settings({}, { "init" })),
    row("easy", "as before, augmentation of the other recipes", "scratch", settings({ ["data.augment"] = EASY }, { "init" })),
    row("arcade", "from weights trained on ARCADE", "scratch", settings()),
    row("cldice", "as before, and clDice", "arcade", settings { ["supervise.4"] = { at = "out", loss = ra.loss.cldice {}, weight = 0.3 } }),
    row("distilled", "as before but clDice, self-distillation", "arcade", settings {
      teacher = { kind = "ema", decay = 0.98 },
      ["supervise.2.till"] = 1,
      ["supervise.4"] = { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
      ["supervise.5"] = { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
        weight = 0.25, from = 1 } }),
  },
  tables = { { name = "best-settings" } } }
