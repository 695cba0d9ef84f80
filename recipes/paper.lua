--- The paper's three experiments (arXiv 2509.03173) as a study: baseline, ablation, and across sets; and from the same trainings calibration,
-- agreement with the teacher, signs of failure.
--
--   ramus study recipes/paper.lua --check       what it will cost here
--   ramus study recipes/paper.lua               trains what is missing in docs/results/paper.jsonl, remakes the tables beside it
--
-- The paper's own sets, DCA1 and XCAD, are not at hand to us: cimat80, a part of DCA1, stands for the first, with ARCADE and CHASE_DB1 (another
-- organ, another machine) beside it. All rows have one net, one budget (600 steps of 4 crops of 256x256), one optimizer and one clipping;
-- what differs is the supervision. Validation, 20 % of the training pictures, drawn by the groups, chooses nothing here: scores are of the last
-- weights at threshold 0.5. Pictures keep their size; a coloured picture is read as grey (luma).
local ra = require "ramus"

local FINE = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } -- weights of the side outputs

-- ---- supervision ----------------------------------------------------------------------

local dice = { at = "out", loss = ra.loss.dice {} }
local bce = { at = "out", loss = ra.loss.bce {} }
local sides = { at = "side*", loss = ra.loss.bce {}, weight = FINE }

--- The pixel loss: BCE until there is a teacher, then soft targets.
local function pixel(alpha, from)
  return { at = "out", loss = ra.loss.bce {}, till = from or 1 },
    { at = "out", loss = ra.loss.soft_target { alpha = alpha or ra.ramp(0, 0.5) }, against = "teacher.out", from = from or 1 }
end

--- The distribution loss at side outputs. given: options of the loss and, of the row, against, weight, from.
local function patches(given)
  local o, row = { patches = 256, scale = "fraction", tau = 0.3 }, { at = "side*", against = "teacher.same", weight = 0.25, from = 1 }
  for k, v in pairs(given or {}) do
    if row[k] ~= nil then row[k] = v else o[k] = v end
  end
  if o.patch then o.patches = nil end
  row.loss = ra.loss.deep_distribution(o)
  return row
end

--- Equation 8 to the letter: raw counts in 4x4 cells, tau 3.
local letter = patches { patches = 16, scale = "count", tau = 3, weight = 1 }

local EMA, PAST = { kind = "ema", decay = 0.98 }, { kind = "last_epoch" }

--- The method in its best reading, with one change. o: dice, alpha, from, masked (false: side outputs never see the mask), patches, and at (the
-- outputs of the distribution loss).
local function method(o)
  local start, later = pixel(o.alpha, o.from)
  local supervise = { o.dice or dice, start, later }
  if o.masked ~= false then supervise[4] = sides end
  for _, at in ipairs(o.at or { "side*" }) do
    supervise[#supervise + 1] = patches(o.patches)
    supervise[#supervise].at = at
  end
  return supervise
end

local start, soft = pixel()

-- ---- recipes --------------------------------------------------------------------------

--- given: supervise, teacher, and set (cimat80), dice (the first row).
local function recipe(given)
  local set = given.set or "cimat80"
  return {
    name = "paper",
    data = { set = set, split = set == "arcade" and "usual" or "usual, val 20%", batch = 4, steps = 10,
      augment = { flip = true, rotate = 25, scale = { 0.85, 1.2 }, crop = 256, gamma = { 0.7, 1.4 }, contrast = { 0.8, 1.2 } } },
    model = ra.models.unet { depth = 5, width = 16, channels = 1, sides = given.sides ~= false },
    teacher = given.teacher, supervise = given.supervise,
    optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
    epochs = 60, validate = { every = 10 }, log = { pictures = 0, outputs = set == "cimat80" and { every = 10 } or nil },
  }
end

local TEST = { "cimat80:test" }
local EVERYWHERE = { "cimat80:test", "arcade:test", "chase_db1:test" }
local OWN = { "cimat80:test", "arcade:test", "chase_db1:test", "cimat80:train" } -- the last for the gap between training and test

local BASE = { supervise = { dice }, sides = false }
local CONTROL = { supervise = { dice, bce, sides } }
local FULL = { supervise = method {}, teacher = EMA }

--- The same on another set.
local function on(set, given) return recipe { set = set, supervise = given.supervise, teacher = given.teacher, sides = given.sides } end

local list = {
  { name = "dice", title = "U-Net, Dice", recipe = recipe(BASE), score = OWN },
  { name = "dice bce", title = "Dice + BCE", recipe = recipe { supervise = { dice, bce }, sides = false }, against = "dice", score = OWN },
  { name = "sides", title = "Deep supervision: Dice + BCE, BCE at side outputs", recipe = recipe(CONTROL), against = "dice", score = OWN },
  { name = "letter", title = "The paper to the letter", recipe = recipe { supervise = { dice, start, soft, letter }, teacher = PAST },
    against = "dice bce", score = OWN },
  { name = "full", title = "The paper in its best reading", recipe = recipe(FULL), against = "sides", score = OWN },
}

-- The control with a teacher that no row reads: the same weights as "sides", and how far it agrees with its past.
list[#list + 1] = { name = "sides watched", title = "Deep supervision, a teacher that nothing reads", recipe = recipe { supervise = CONTROL.supervise,
  teacher = EMA }, score = TEST, seeds = { 1, 2, 3 } }

for _, set in ipairs { "arcade", "chase_db1" } do
  for _, row in ipairs { { "dice", "U-Net, Dice", BASE }, { "sides", "Deep supervision", CONTROL, "dice" },
    { "full", "The paper in its best reading", FULL, "sides" } } do
    list[#list + 1] = { name = ("%s %s"):format(set, row[1]), title = ("%s (trained on %s)"):format(row[2], set), recipe = on(set, row[3]),
      against = row[4] and ("%s %s"):format(set, row[4]), score = EVERYWHERE, seeds = { 1, 2, 3 } }
  end
end

-- ---- the ablation -----------------------------------------------------------------------

--- A term left out, compared with the method that has it.
local function without(name, title, against, supervise, teacher)
  list[#list + 1] = { name = "without " .. name, title = title, recipe = recipe { supervise = supervise, teacher = teacher }, against = against, score = TEST }
end

without("distribution", "best reading without the distribution loss", "full", { dice, start, soft, sides }, EMA)
without("pixel", "best reading, pixel loss without a teacher (BCE)", "full", { dice, bce, sides, patches() }, EMA)
without("pixel or BCE", "best reading without a pixel loss", "full", { dice, sides, patches() }, EMA)
without("both or BCE", "best reading without both, and without BCE", "full", { dice, sides })
without("distribution letter", "to the letter without the distribution loss", "letter", { dice, start, soft }, PAST)
without("pixel letter", "to the letter without the pixel loss", "letter", { dice, letter }, PAST)

--- One change of the best reading, compared with it; o as method takes it, and teacher.
local function reading(name, title, o)
  list[#list + 1] = { name = "reading " .. name, title = title, recipe = recipe { supervise = method(o), teacher = o.teacher or EMA }, against = "full",
    score = TEST }
end

reading("no mask at sides", "side outputs never see the mask", { masked = false })
reading("16 patches", "16 patches an image", { patches = { patches = 16 } })
reading("4x4 pixels", "patches of 4x4 pixels", { patches = { patch = 4 } })
reading("counts", "raw counts, 16 patches, tau 3", { patches = { patches = 16, scale = "count", tau = 3 } })
reading("counts 4x4", "raw counts, 4x4 pixels, tau 3", { patches = { patch = 4, scale = "count", tau = 3 } })
reading("tau 3", "shares, tau 3", { patches = { tau = 3 } })
reading("hard", "hard counts, straight through", { patches = { count = "hard" } })
reading("teacher student", "KL(teacher || student)", { patches = { direction = "teacher_student" } })
reading("js", "Jensen-Shannon divergence", { patches = { direction = "js" } })
reading("teacher out", "against the teacher's final output", { patches = { against = "teacher.out" } })
reading("mask", "against the mask", { patches = { against = "mask", from = 0 } })
reading("self out", "against its own final output of the step", { patches = { against = "self.out", from = 0 } })
reading("self side4", "sides 1 to 3 against its own side 4 of the step", { at = { "side1", "side2", "side3" },
  patches = { against = "self.side4", from = 0 } })
reading("weight 1", "weight 1 at every level", { patches = { weight = 1 } })
reading("fine weights", "weights 1/2 to 1/16 by level", { patches = { weight = FINE } })
reading("last epoch", "teacher: the epoch before", { teacher = PAST })
reading("best", "teacher: the best so far on validation", { teacher = { kind = "best" }, from = 10, patches = { from = 10 } })
reading("ago 5", "teacher: five epochs before", { teacher = { kind = "ago", k = 5 }, from = 5, patches = { from = 5 } })
reading("alpha 0.5", "alpha 0.5 from the start", { alpha = 0.5 })
reading("alpha 0.8", "alpha to 0.8 (as PS-KD)", { alpha = ra.ramp(0, 0.8) })
reading("image dice", "Dice per image", { dice = { at = "out", loss = ra.loss.dice { reduce = "image" } } })
reading("partial cells", "cells of 40x40 pixels, cut cells count", { patches = { patch = 40 } })
reading("dropped cells", "cells of 40x40 pixels, cut cells left out", { patches = { patch = 40, edge = "drop" } })

return {
  title = "Deep self-knowledge distillation: the paper's three experiments",
  results = "../docs/results/paper.jsonl", seeds = { 1, 2, 3, 4, 5 }, rows = list, metrics = { "dice", "cldice", "hd95" },
  tables = {
    { name = "baseline", title = "Experiment 1: baseline, control, method", rows = { "dice", "dice bce", "sides", "letter", "full" }, score = TEST,
      figures = { "loss" } },
    { name = "baseline-arcade", title = "Experiment 1 on ARCADE", rows = { "arcade*" }, score = { "arcade:test" } },
    { name = "baseline-chase_db1", title = "Experiment 1 on CHASE_DB1", rows = { "chase_db1*" }, score = { "chase_db1:test" } },
    { name = "ablation", title = "Experiment 2: ablation and readings", rows = { "full", "letter", "sides", "without*", "reading*" }, score = TEST,
      metrics = { "dice" }, figures = { "terms" } },
    { name = "calibration", title = "Calibration, and agreement with the teacher", rows = { "dice", "dice bce", "sides", "sides watched", "letter", "full" },
      score = TEST, metrics = { "ece", "patch_entropy" }, figures = { "out agreement.teacher", "side1 agreement.teacher", "out patch_entropy" } },
    { name = "failure", title = "Signs of failure: sensitivity by the vessels' width and contrast", rows = { "dice", "dice bce", "sides", "letter", "full" },
      score = TEST, metrics = { "width<3", "width3-5", "width5-8", "width>=8", "contrast<0.03", "contrast0.03-0.06", "contrast0.06-0.1", "contrast>=0.1" } },
    { name = "failure-gap", title = "Signs of failure: training pictures against test pictures", rows = { "dice", "dice bce", "sides", "letter", "full" },
      score = { "cimat80:train", "cimat80:test" }, metrics = { "dice" } },
    { name = "cross", title = "Experiment 3: across sets", rows = { "dice", "sides", "full", "arcade*", "chase_db1*" }, score = EVERYWHERE,
      metrics = { "dice" } },
  },
}
