--- The recipes of the paper's own sets, DCA1 and XCAD, which nobody may hand on: fetched from made-up archives of their exact layout, trained
-- small, evaluated.
local check = require "check"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local made_up = require "made_up"
local ra = require "ramus"
local recipe = require "ramus.train.recipe"

local folder = check.folder "recipes"

--- The layout of Database_134_Angiograms, pictures of 32x32 pixels.
local function make_dca1(where)
  for n = 1, 134 do
    made_up.picture(("%s/Database_134_Angiograms/%d.pgm"):format(where, n), 1)
    made_up.mask(("%s/Database_134_Angiograms/%d_gt.pgm"):format(where, n), 5 + n % 3)
  end
  made_up.shell(where, "tar cf ../dca1.tar Database_134_Angiograms")
end

--- That of XCAD/: 126 pairs in sequences, unlabelled pictures.
local function make_xcad(where)
  for k = 1, 126 do
    local name = ("%05d_%02d.png"):format(1000 + math.floor(k / 2), k)
    made_up.picture(where .. "/XCAD/test/images/" .. name, 1)
    made_up.mask(where .. "/XCAD/test/masks/" .. name, 5 + k % 3)
  end
  for _, part in ipairs { "trainA", "trainB", "trainC" } do made_up.picture(("%s/XCAD/train/%s/00001_01.png"):format(where, part), 1) end
  made_up.shell(where, "tar cf ../xcad.tar XCAD")
end

local SMALL = { "data.steps=2", "model.width=2" }

--- Trains a recipe for two epochs of two steps on the set below `root`, and evaluates it.
local function train_small(name, root, more)
  local set = { unpack(SMALL) }
  for _, text in ipairs(more) do set[#set + 1] = text end
  local r = assert(recipe.load(("%s/recipes/%s.lua"):format(check.root, name), { set = set, epochs = 2 }))
  local result = assert(ra.train(r, { run = ("%s/%s"):format(folder, name), quiet = true, data_root = root, offline = true }))
  return r, result
end

local SETS = { dca1 = { make = make_dca1, test = 34, more = { "data.size=32" } }, xcad = { make = make_xcad, test = 42, more = { "data.augment.crop=32" } } }

for set, o in pairs(SETS) do
  check.case(("the recipes of %s train and are scored on an archive of its layout"):format(set), function()
    local root = ("%s/root_%s"):format(folder, set)
    o.make(("%s/%s_source"):format(folder, set))
    made_up.without_sums(set, function() assert(fetch(set, { from = ("%s/%s.tar"):format(folder, set), data_root = root })) end)
    for _, kind in ipairs { "unet", "control", "dsd", "dsd_literal" } do
      local name = ("%s_%s"):format(kind, set)
      local r, result = train_small(name, root, o.more)
      check.equal(r.name, name)
      check.equal(#result.history, 2)
      check.equal(#result.evaluation.images, o.test, name)
      local taught = kind:find "^dsd" ~= nil
      check.equal(result.history[2].terms["soft_target@out"] ~= nil, taught, name)
      check.equal(result.history[2].terms["deep_distribution@side2"] ~= nil, taught, name)
      check.ok(files.is_file(("%s/%s/eval.txt"):format(folder, name)))
    end
  end)
end

--- A study of recipes/, loaded.
local function study(name) return assert(require("ramus.study.definition").load(("%s/recipes/%s.lua"):format(check.root, name))) end

check.case("the series of falling contrast has the trainings of the paper's study, and a phantom set of its own for every contrast", function()
  local paper, contrast = study "paper", study "contrast"
  check.equal(#contrast.rows, 3)
  check.equal(#contrast.cells, 9)
  for _, row in ipairs(contrast.rows) do
    check.equal(row.hash, paper.by_name[row.name].hash, row.name)
    check.equal(#row.scores, 5)
    for i, c in ipairs { 1, 0.7, 0.5, 0.35, 0.25 } do
      local s = row.scores[i]
      check.equal(s.label, ("phantom, contrast %g"):format(c))
      check.equal(s.facts.options.contrast, c)
      check.equal(s.facts.part, "test")
    end
  end
end)

check.case("pre-training on phantoms: both rows have the net that the phantoms train, of less than a megabyte", function()
  local loaded, from = study "pretrain", assert(recipe.load(check.root .. "/recipes/phantom_coronary.lua"))
  local count = from.model:count()
  check.ok(count < 250000, count .. " parameters")
  check.equal(from.data.options.trees, "full")
  check.equal(#loaded.cells, 10)
  for i, given in ipairs(assert(files.run(check.root .. "/recipes/pretrain.lua")).rows) do
    check.equal(given.recipe.model:count(), count, given.name)
    local r = loaded.rows[i].recipe
    check.equal(r.data.split, "usual, train 10")
    check.ok((r.init and r.init.from or "") == "" or r.init.from:find "models/coronary.safetensors$", "init.from")
    check.equal(r.init ~= nil, given.name == "phantom")
  end
end)

check.case("recipes: a name that leaves the folder of the runs, and more epochs than anybody trains, are refused at once", function()
  local function load(fields)
    local r = { name = "x", data = { set = "phantom" }, model = ra.models.unet { depth = 2, width = 2 },
      supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.sgd { lr = 1 }, epochs = 1 }
    for k, v in pairs(fields) do r[k] = v end
    return recipe.load(r)
  end
  assert(load { name = "a..b" })
  for _, name in ipairs { ".", "..", "...", "a/b", "" } do check.fails("name must be letters, digits, . _ -, and not dots alone", load, { name = name }) end
  for _, epochs in ipairs { 0, 2 ^ 31, 1.5 } do check.fails("epochs must be", load, { epochs = epochs }) end
end)

check.case("recipes: whatever is accepted is written as Lua that loads and says the same", function()
  local odd = { "", "x", "a b", "end", "a\0b", "\r\n", "]]--", "\\", "\"'", "\255\254", ("x"):rep(300), 0, -1, 0.1, 1e308, 2 ^ 53, 1 / 0, -1 / 0, 0 / 0, true,
    false, {}, { 1, 2 }, { ["end"] = 1 }, { ["a b"] = 1 }, { [3] = 1 }, { [0.5] = "x" }, { [true] = 1 }, { { { {} } } },
    ra.ramp(0, 1), ra.step { every = 2, times = 0.5 } }
  local net = ra.models.unet { depth = 2, width = 2 }
  local function made()
    return { name = "odd", data = { set = "phantom", options = {}, augment = {}, preprocess = {} }, model = net,
      supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 }
  end
  local paths = { { "name" }, { "main" }, { "seed" }, { "epochs" }, { "freeze" }, { "teacher" }, { "teachers" }, { "supervise" }, { "early_stop" }, { "log" },
    { "init" }, { "supervise", 1, "at" }, { "supervise", 1, "weight" }, { "supervise", 1, "from" }, { "supervise", 1, "with" }, { "log", "grad_params" },
    { "validate", "threshold" }, { "init", "from" }, { "init", "only" }, { "optim", "lr" }, { "optim", "groups" } }
  for _, section in ipairs { "data" } do for name in pairs(ra.recipe.data_schema) do paths[#paths + 1] = { section, name } end end
  for _, name in ipairs { "size", "train", "contrast", "end" } do paths[#paths + 1] = { "data", "options", name } end
  for _, name in ipairs { "rotate", "gamma", "flip", "noise" } do paths[#paths + 1] = { "data", "augment", name } end
  local taken, tried = 0, 0
  for _, path in ipairs(paths) do
    for _, value in ipairs(odd) do
      local r = made()
      local at = r
      for i = 1, #path - 1 do
        at[path[i]] = at[path[i]] or {}
        at = at[path[i]]
      end
      at[path[#path]] = value
      local ok, checked, err = pcall(ra.recipe.resolve, r)
      local what = ("%s = %s"):format(table.concat(path, "."), require("ramus.base.options").show(value))
      tried = tried + 1
      check.ok(ok, what .. ": " .. tostring(checked))
      if checked then
        taken = taken + 1
        local text = tostring(checked)
        local chunk, wrong = loadstring(text)
        check.ok(chunk, what .. ": " .. tostring(wrong))
        local again
        again, err = ra.recipe.resolve(chunk())
        check.ok(again, what .. ": " .. tostring(err))
        check.equal(tostring(again), text, what)
      else check.ok(type(err) == "string" and not err:find "attempt to" and not err:find "traceback", what .. ": " .. tostring(err)) end
    end
  end
  check.ok(taken > 100 and taken < tried, ("%d of %d were taken"):format(taken, tried))
end)
