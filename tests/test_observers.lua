--- Further observers of a set: rows of an evaluation, what is checked of their masks, and CHASE_DB1, which has two.
local check = require "check"
local cjson = require "cjson"
local ra = require "ramus"
local dataset = require "ramus.data.dataset"
local evaluate = require "ramus.train.evaluate"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local identity = require "ramus.data.identity"
local image = require "ramus.data.image"
local metrics = require "ramus.data.metrics"
local tensor = require "ramus.lang.tensor"
local verdict = require "ramus.data.verdict"
local folder = check.folder("observers")

--- A mask: `width` columns of foreground from column `first` on.
local function bar(path, first, width, height)
  local mask = tensor.zeros(height or 24, 24)
  mask:narrow(2, first, width):fill(1)
  assert(image.save(path, mask))
  return path
end

--- Four images; the first observer draws columns 5 to 12, the second 5 + k to 12 + k in image k.
local function two_observers(name, change)
  local where = check.folder("observers/" .. name)
  for k = 1, 4 do
    assert(image.save(("%s/%d.png"):format(where, k), tensor.rand(24, 24)))
    bar(("%s/%d_a.png"):format(where, k), 5, 8)
    bar(("%s/%d_b.png"):format(where, k), 5 + k, 8)
  end
  return dataset.register { name = name, folder = where, open = function(place)
    local samples, err = dataset.pair(place, { image = "^(%d)%.png$", mask = "^(%d)_a%.png$" })
    for k, s in ipairs(samples or {}) do
      s.split, s.observers = k <= 2 and "train" or "test", { { name = "B", mask = ("%s/%d_b.png"):format(place, k) } }
      if change then change(s, k) end
    end
    return samples, err
  end }
end

local model = ra.models.unet { depth = 2, width = 2 }

check.case("evaluation in tiles scores what a prediction in tiles gives; images beyond the limit want tiles", function()
  two_observers("tiled")
  local function net() -- a wide one, so that a tile's border is seen
    local m = ra.models.unet { depth = 3, width = 4, sides = true }
    m:initialise(5)
    return m
  end
  local m = net()
  local whole, tiled = assert(ra.evaluate(m, { data = "tiled:test" })), assert(ra.evaluate(m, { data = "tiled:test", tile = 16 }))
  check.equal(whole.protocol.tiles, nil)
  check.equal(tiled.protocol.tiles, "of 16, overlapping by half and blended")
  for i, id in ipairs { "3", "4" } do
    local x, mask = assert(image.load(("%s/tiled/%s.png"):format(folder, id))), assert(image.load_mask(("%s/tiled/%s_a.png"):format(folder, id)))
    local scores = ra.metrics(assert(ra.predict.probability(m, x, { tile = 16 })), mask)
    for _, key in ipairs { "dice", "roc_auc", "ece" } do check.equal(tiled.images[i][key], scores[key], key) end
    check.ok(tiled.images[i].roc_auc ~= whole.images[i].roc_auc, "tiles are seen")
  end
  check.ok(tiled.outputs.side1.per_image.dice.mean, "side outputs too")
  m.input.size, m.input.preparation = { 4200, 4200 }, require("ramus.data.augment").prepare({ size = 4200 }):steps()
  check.fails("3.png: the image has 24x24 pixels, after its preparation 4200x4200", ra.evaluate, m, { data = "tiled:test" })
  check.fails("--tile 512 or --memory 1GB (so 2 images)", ra.evaluate, m, { data = "tiled:test" })
end)

check.case("evaluation has two rows for an observer: the model against it, and it against the mask", function()
  two_observers("two")
  local result = assert(ra.evaluate(model, { data = "two:test" }))
  check.equal(#result.observers, 1)
  local row = result.observers[1]
  check.equal(row.name, "B")
  check.equal(row.n, 2)
  -- shifted by 3 and 4 of 8 columns: Dice 5/8 and 4/8
  check.near(row.mask.per_image.dice.mean, (5 / 8 + 4 / 8) / 2, 1e-9)
  check.near(row.mask.pooled.dice, 9 / 16, 1e-9)
  check.equal(row.mask.per_image.roc_auc, nil)
  check.equal(row.mask.pooled.ece, nil)
  check.ok(row.model.per_image.roc_auc)
  -- the same model scored with the second observer's masks as the set's
  two_observers("turned", function(s) s.mask, s.observers = s.observers[1].mask, nil end)
  for k = 1, 4 do assert(files.copy(("%s/two/%d.png"):format(folder, k), ("%s/turned/%d.png"):format(folder, k))) end
  local turned = assert(ra.evaluate(model, { data = "turned:test" }))
  check.equal(turned.observers, nil)
  for _, key in ipairs(metrics.keys) do check.near(row.model.per_image[key].mean, turned.per_image[key].mean, 1e-9, key) end
  check.near(row.model.pooled.dice, turned.pooled.dice, 1e-9)

  local text = evaluate.text(result)
  check.ok(text:find("B +%S+ +%S+ +%S+ to %S+ +%S+ +%(dice of the model against B%)"), text)
  check.ok(text:find("B +0.5625 +%S+ +%S+ to %S+ +0.5625 +%(dice of B against the set's mask%)"), text)
  local json = cjson.decode(evaluate.json(result))
  check.near(json.observers[1].mask.per_image.dice.mean, 0.5625, 1e-9)
  check.near(json.images[1].observers.B.mask, 5 / 8, 1e-9)
end)

check.case("an observer who drew some of the images is scored on those", function()
  two_observers("some", function(s, k) if k == 4 then s.observers = nil end end)
  local result = assert(ra.evaluate(model, { data = "some:test" }))
  check.equal(result.observers[1].n, 1)
  check.ok(evaluate.text(result):find("against the set's mask, mean of 1 of 2", 1, true), evaluate.text(result))
end)

check.case("an observer's mask is read as the sample's, or by its own declaration", function()
  local values = { { values = { [0] = 1, [255] = 0 } }, { invert = true } }
  for i, declared in ipairs(values) do
    two_observers("own" .. i, function(s)
      s.threshold = 128
      local source = { path = s.observers[1].mask }
      for key, value in pairs(declared) do source[key] = value end
      s.observers[1].mask = source
    end)
    local result = assert(ra.evaluate(model, { data = "own" .. i .. ":test" }))
    check.near(result.observers[1].mask.pooled.sensitivity, (3 + 4) / 16, 1e-9) -- what the observer did not draw
  end
end)

check.case("an observer's mask is checked and is part of what a run began with", function()
  local def = two_observers("checked")
  local set = assert(dataset.open("checked"))
  check.equal(#identity.paths(set.samples[1]), 3)
  check.ok(set.sums[def.folder .. "/1_b.png"])
  bar(def.folder .. "/2_b.png", 5, 8, 20)
  check.fails("2_b.png has 24x20 pixels, the image 24x24", verdict.check, assert(dataset.open("checked")), { "train" }, {})
  assert(files.write(def.folder .. "/2_b.png", "no picture"))
  check.fails("2_b.png", verdict.check, assert(dataset.open("checked")), { "train" }, {})
  os.remove(def.folder .. "/2_b.png")
  check.fails("no such file: " .. def.folder .. "/2_b.png", dataset.open, "checked")
end)

check.case("a wrong declaration is refused", function()
  local function wrong(name, part, change)
    two_observers(name, change)
    check.fails(part, dataset.open, name)
  end
  wrong("w1", "observers is a list", function(s) s.observers = "b.png" end)
  wrong("w2", "observer 1", function(s) s.observers = { { mask = "b.png" } } end)
  wrong("w3", "observer 1", function(s) s.observers = { { name = "B", path = "b.png" } } end)
  wrong("w4", "observer 1", function(s) s.observers = { "b.png" } end)
  local def = two_observers("w5")
  def.classes = { "background", "artery", "vein" }
  check.fails("observers are masks of two classes", dataset.open, "w5")
end)

-- ---- CHASE_DB1 ----

check.case("chase_db1: 20 and 8 images, both eyes of a child on one side of every division", function()
  local where, root = check.folder("observers/CHASEDB1"), folder .. "/root"
  assert(image.save(where .. "/x.png", tensor.rand(3, 24, 24)))
  local picture = assert(files.read(where .. "/x.png")) -- a file's content decides its format
  for child = 1, 14 do
    for _, eye in ipairs { "L", "R" } do
      local stem = ("%s/Image_%02d%s"):format(where, child, eye)
      assert(files.write(stem .. ".jpg", picture))
      bar(stem .. "_1stHO.png", 5, 8)
      bar(stem .. "_2ndHO.png", 6, 8)
    end
  end
  assert(fetch("chase_db1", { from = where, data_root = root }))
  local set = assert(dataset.open("chase_db1", { root = root }))
  check.equal(set.counts.train, 20)
  check.equal(set.counts.test, 8)
  check.equal(set.splits.test[1].id, "11L")
  check.equal(set.splits.test[1].observers[1].name, "2nd observer")
  check.equal(assert(dataset.open("chase_db1", { root = root, split = "14_14" })).splits.test[1].id, "08L")
  for _, split in ipairs { "usual", "14_14", "7:1:2", "8:2 seed 3" } do
    local side = {}
    set = assert(dataset.open("chase_db1", { root = root, split = split }))
    for part, list in pairs(set.splits) do
      for _, s in ipairs(list) do
        check.equal(side[s.group] or part, part, split .. " " .. s.id)
        side[s.group] = part
      end
    end
  end
  os.remove(where .. "/Image_07R_2ndHO.png")
  check.fails("1 of 84 files are missing", fetch, "chase_db1", { from = where, data_root = folder .. "/none" })
end)

check.case("chase_db1: the shared pictures; how far the observers agree", function()
  local root = folder .. "/real"
  assert(fetch("chase_db1", { from = check.shared("chase_db1"), data_root = root }))
  local set = assert(dataset.open("chase_db1", { root = root }))
  local sum = 0
  for _, s in ipairs(set.splits.test) do
    local a, b = assert(image.load_mask(s.mask)), assert(image.load_mask(s.observers[1].mask))
    sum = sum + metrics(b, a, { curve = false }).dice
  end
  check.near(sum / 8, 0.7976501513, 1e-8) -- by NumPy, from the files as Pillow reads them
end)
