--- More than two classes: what a data set declares, models, training, scores, predictions.
local check = require "check"
local class_image = require "ramus.data.image.class_image"
local class_scores = require "ramus.data.metrics.class_scores"
local classes = require "ramus.data.classes"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local letters = require "ramus.data.image.letters"
local models = require "ramus.lang.models"
local ra = require "ramus"
local recipe = require "ramus.train.recipe"
local registry = require "ramus.data.registry"
local supervise = require "ramus.train.supervise"
local C = ffi.C

check.case("classes: a declaration gets values and colours, a wrong one says what is wrong", function()
  local list = assert(classes.check { { name = "background" }, { name = "stem", value = 80 }, "branch", { name = "catheter", colour = "#AABBCC" } })
  check.equal(#list, 4)
  check.equal(list[2].value, 80)
  check.equal(list[3].value, 2)
  check.equal(list[3].name, "branch")
  check.equal(list[4].colour, "#aabbcc")
  check.equal(list[1].colour, "#000000")
  check.fails("2 to 256", classes.check, { { name = "background" } })
  check.fails("class 1: name is missing", classes.check, { { name = "a" }, { value = 1 } })
  check.fails("class 2 has the value 1 of class 1", classes.check, { "a", "b", { name = "c", value = 1 } })
  check.fails("class 1 has the name 'a' of class 0", classes.check, { "a", "a" })
  check.fails("must be #rrggbb", classes.check, { "a", { name = "b", colour = "red" } })
  check.fails("did you mean 'colour'", classes.check, { "a", { name = "b", color = "#ffffff" } })
end)

check.case("classes: the colours of 256 classes differ", function()
  local seen = {}
  for _, c in ipairs(classes.default(256)) do
    check.ok(not seen[c.colour], c.colour .. " twice")
    seen[c.colour] = true
    local r, g, b = classes.rgb(c.colour)
    check.ok(r and g and b, c.colour)
  end
end)

check.case("classes: a definition declares them as a list or as a function of its options", function()
  check.equal(classes.of({ name = "x" }), nil)
  check.equal(#classes.of { name = "x", classes = { "a", "b", "c" } }, 3)
  local def = { name = "x", classes = function(o) return o.many and { "a", "b", "c" } or nil end }
  check.equal(classes.of(def, {}), nil)
  check.equal(#classes.of(def, { many = true }), 3)
  check.fails("x: classes: class 1", classes.of, { name = "x", classes = { "a", "a" } })
end)

-- ---- models and recipes ----

check.case("models: classes = K gives every output K channels; an architecture that ignores it is refused", function()
  local net = ra.models.unet { depth = 2, width = 2, sides = true, classes = 3 }
  for name, channels in pairs(net:output_channels()) do check.equal(channels, 3, name) end
  check.equal(net(ra.rand(1, 1, 9, 7)).out.shape[2], 3)
  check.equal(net.output.activation, "softmax")
  check.equal(#net.output.classes, 3)
  local one = ra.models.unet { depth = 2, width = 2 }
  check.equal(one:output_channels().out, 1)
  check.equal(one.options.classes, nil)
  check.equal(one.output.activation, "sigmoid")
  local deaf = models.define { name = "deaf", build = function() return function(x) return ra.F.relu(x) end end }
  check.raises("deaf: classes = 3, but the output 'out' has 1 channel", deaf, { classes = 3 })
end)

local four = registry.register { name = "four_classes", open = function() return {} end,
  classes = { "background", { name = "stem" }, { name = "branch" }, { name = "catheter" } } }

local function recipe_of(model, set, rows)
  return { name = "x", data = { set = set }, model = model, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1,
    supervise = rows or { { at = "out", loss = ra.loss.dice {} } } }
end

check.case("recipes: classes of the set and channels of the main output are checked against each other", function()
  local three = ra.models.unet { depth = 2, width = 2, classes = 3 }
  check.fails("output 'out' has 3 channels, data set four_classes has 4 classes (background, stem, branch, catheter); write ra.models.unet{ classes = 4 }, "
    .. "or ra.models.unet{ classes = 1 } for foreground and background", recipe.resolve, recipe_of(three, four.name))
  check.fails("data set phantom declares no classes", recipe.resolve, recipe_of(three, "phantom"))
  local own = ra.model(function(x) return { out = ra.nn.conv2d { 1, 5, k = 1 } (x) } end)
  check.fails("write a last layer of 4 channels", recipe.resolve, recipe_of(own, four.name))
  check.fails("give the model one channel (a last layer of 1 channels)", recipe.resolve, recipe_of(own, "phantom"))
  local r = assert(recipe.resolve(recipe_of(ra.models.unet { depth = 2, width = 2, classes = 1 }, four.name)))
  check.equal(r.model:output_channels().out, 1, "foreground and background of a set with classes")
end)

check.case("recipes: a side output that is compared with classes must have theirs", function()
  local net = ra.model(function(x) return { out = ra.nn.conv2d { 1, 1, k = 1 } (x), side1 = ra.nn.conv2d { 1, 3, k = 1 } (x) } end)
  local s = supervise.new({ { at = "out", loss = ra.loss.dice {} }, { at = "side1", loss = ra.loss.dice {} } }, net:output_names(), 1, nil,
    { out = 1, side1 = 1 })
  s.terms[2].fields, s.terms[2].channels = { mask = "label" }, 3
  check.fails("supervise row 2: output 'side1' has 3 channels, and data set x declares no classes", s.check_fields, s, {}, "x")
  check.fails("supervise row 2: output 'side1' has 3 channels, and data set x has 2 classes", s.check_fields, s, {}, "x", { "a", "b" })
  check.ok(s:check_fields({}, "x", { "a", "b", "c" }))
  check.equal(table.concat(supervise.fields(s.terms), " "), "image mask label")
  check.equal(table.concat(supervise.fields { s.terms[2] }, " "), "image label")
end)

-- ---- pictures ----

local three = assert(classes.check { "background", { name = "stem", colour = "#ff0000" }, { name = "branch", colour = "#0000ff" } })

check.case("pictures: the class of a pixel is the first of the largest scores; class 0 and void are not painted", function()
  local scores = ra.tensor { { { 1, 5, 2 } }, { { 3, 5, 2 } }, { { 0, 7, 2 } } }
  check.equal(table.concat(class_image.labels(scores):totable()[1], " "), "1 2 0")
  check.equal(table.concat(class_image.labels(scores:reshape(1, 3, 1, 3)):totable()[1], " "), "1 2 0")
  local painted = class_image.paint(ra.tensor { { 0.5, 0.5, 2, 0.25 } }, ra.tensor { { 1, 2, 0, -1 } }, three, 0.5)
  for c, row in ipairs { { 0.75, 0.25, 1, 0.25 }, { 0.25, 0.25, 1, 0.25 }, { 0.25, 0.75, 1, 0.25 } } do
    for x, v in ipairs(row) do check.near(painted:get(c, 1, x), v, 1e-6, ("channel %d, column %d"):format(c, x)) end
  end
  check.raises("labels 1x2", class_image.paint, ra.tensor { { 0, 0, 0 } }, ra.tensor { { 0, 0 } }, three)
end)

check.case("pictures: a label map is a PNG whose palette entry is the class and whose colour is the class's", function()
  local folder = check.folder "class_pictures"
  local path = folder .. "/l.png"
  check.ok(class_image.save(path, ra.tensor { { 0, 1, 2 }, { 2, 2, 0 } }, three))
  local bytes = assert(files.read(path))
  check.equal(bytes:byte(26), 3, "colour type: palette")
  local at = bytes:find("PLTE", 1, true)
  check.equal(bytes:sub(at + 4, at + 12), "\0\0\0\255\0\0\0\0\255")
  local shown = assert(ra.image.load(path))
  check.equal(shown:get(1, 1, 2), 1)
  check.equal(shown:get(3, 2, 1), 1)
  check.equal(shown:get(3, 1, 2), 0)
  check.fails("row 1, column 1 holds 3, a label is a whole number from 0 to 2", class_image.save, path, ra.tensor { { 3 } }, three)
  check.fails("holds -1", class_image.save, path, ra.tensor { { -1 } }, three)
  check.equal(assert(files.read(path)), bytes, "a file that is there stays whole")
end)

check.case("pictures: the legend names the classes that are there, below the picture", function()
  local picture = ra.zeros(1, 40, 60)
  local labels = ra.zeros(40, 60)
  labels:set(1, 1, 2)
  local overlay = class_image.overlay(picture, labels, three)
  check.equal(overlay.shape[2], 40 + 11 + 3, "one line")
  check.equal(overlay:get(3, 40 + 4, 4), 1, "the swatch of branch")
  check.equal(overlay:get(1, 40 + 4, 4), 0)
  local lit = 0
  for y = 41, 54 do for x = 15, 60 do lit = lit + (overlay:get(1, y, x) == 1 and 1 or 0) end end
  local letters_lit = 0
  for c in ("branch"):gmatch "." do
    local cell = ra.zeros(3, 8, 5)
    letters.draw(cell, c, 0, 0, {})
    for y = 1, 8 do for x = 1, 5 do letters_lit = letters_lit + cell:get(1, y, x) end end
  end
  check.equal(lit, letters_lit, "pixels of the name")
  labels:set(1, 2, 1)
  check.equal(class_image.overlay(picture, labels, three).shape[2], 40 + 2 * 11 + 3, "two names do not fit on a line of 60 pixels")
  check.equal(class_image.overlay(picture, labels, three, labels).shape[3], 120, "the truth on the right")
  check.equal(letters.width("médiane"), 7 * 6 - 1, "a character, not its bytes")
  check.equal(letters.readable("stem 2", 1), "stem 2")
  check.equal(letters.readable("静脉", 2), "2", "a name that has no glyph is its number")
  for code = 32, 126 do -- a plot's title is a schedule's text, with braces
    check.equal(letters.readable(string.char(code), 1), string.char(code), "a character of ASCII has a glyph")
  end
  check.equal(letters.readable("médiane", 3), "3 mdiane")
  local two = assert(classes.check { "background", "动脉" })
  local one = assert(classes.check { "background", { name = "1", colour = two[2].colour } })
  local blank = ra.zeros(3, 40, 60)
  local a, b = class_image.with_legend({ blank }, two, { true }), class_image.with_legend({ blank }, one, { true })
  check.equal(a:stats().mean, b:stats().mean, "the legend shows the number")
end)

-- ---- a trained model: from Lua and from C ----

check.case("prediction: probabilities of the classes sum to 1, at the image's size, whole and in tiles; the core gives the same", function()
  local folder = check.folder "class_model"
  local net = ra.models.unet { depth = 2, width = 4, classes = 3 }
  net.output.classes = three
  net.input.preparation = { { step = "size", a = 48, b = 40 } }
  local path, picture = folder .. "/model.safetensors", folder .. "/picture.png"
  assert(net:save(path))
  assert(ra.image.save(picture, ra.rand(50, 61)))
  local loaded = assert(ra.load_model(path))
  local x = assert(ra.image.load(picture))
  local p = assert(ra.predict.probability(loaded, x))
  check.equal(table.concat(p.shape, ","), "3,50,61")
  for _, given in ipairs { {}, { tile = 16 } } do
    local q = ra.predict.probability(loaded, x, given)
    for i = 0, 50 * 61 - 1 do check.near(q.data[i] + q.data[3050 + i] + q.data[6100 + i], 1, 1e-5) end
  end
  local m = ffi.own(C.ra_model_open(path), C.ra_model_close)
  check.equal(C.ra_model_classes(m), 3)
  check.equal(ffi.string(C.ra_model_class_name(m, 2)), "branch")
  check.equal(C.ra_model_class_colour(m, 1), 0xff0000)
  check.ok(C.ra_model_class_name(m, 3) == nil and C.ra_model_class_colour(m, -1) == -1, "beyond the last class")
  local from_c = ffi.own(C.ra_model_run_classes(m, picture), C.ra_tensor_release)
  local labels, wanted = ffi.own(C.ra_model_labels(m, from_c), C.ra_tensor_release), class_image.labels(p)
  for i = 0, p.size - 1 do check.equal(from_c.data[i], p.data[i], "probability " .. i) end
  for i = 0, labels.size - 1 do check.equal(labels.data[i], wanted.data[i], "class " .. i) end
  check.ok(C.ra_model_run(m, picture) == nil and ffi.message():find("3 classes", 1, true), ffi.message())
end)

check.case("prediction: a model of one channel has two classes in C", function()
  local folder = check.folder "two_classes"
  local path, picture = folder .. "/model.safetensors", folder .. "/picture.png"
  assert(ra.models.unet({ depth = 2, width = 4 }):save(path))
  assert(ra.image.save(picture, ra.rand(32, 40)))
  local m = ffi.own(C.ra_model_open(path), C.ra_model_close)
  check.equal(C.ra_model_classes(m), 2)
  check.equal(ffi.string(C.ra_model_class_name(m, 1)), "foreground")
  local p, both = ffi.own(C.ra_model_run(m, picture), C.ra_tensor_release), ffi.own(C.ra_model_run_classes(m, picture), C.ra_tensor_release)
  local mask, labels = ffi.own(C.ra_model_mask(m, p), C.ra_tensor_release), ffi.own(C.ra_model_labels(m, both), C.ra_tensor_release)
  for i = 0, p.size - 1 do
    check.equal(both.data[p.size + i], p.data[i])
    check.equal(labels.data[i], mask.data[i])
  end
end)

check.case("checkpoints: a description of classes that does not fit the model is refused, in Lua and in C", function()
  local path = check.folder "class_description" .. "/model.safetensors"
  local net = ra.models.unet { depth = 2, width = 2, classes = 3 }
  local output = net.output
  for text, change in pairs { ["2 classes, and the output 'out' has 3 channels"] = { classes = { "a", "b" } }, ["2 to 256"] = { classes = {} },
    ["must be #rrggbb"] = { classes = { "a", { name = "b", colour = "red" }, "c" } }, ["must be one of sigmoid, softmax"] = { activation = "relu" } } do
    net.output = setmetatable({}, nil)
    for k, v in pairs(output) do net.output[k] = v end
    for k, v in pairs(change) do net.output[k] = v end
    assert(net:save(path))
    check.fails(text, ra.load_model, path)
    local m = C.ra_model_open(path)
    if m ~= nil then -- the core finds the number of channels where it plans
      m = ffi.own(m, C.ra_model_close)
      local picture = path .. ".png"
      assert(ra.image.save(picture, ra.rand(32, 32)))
      check.ok(C.ra_model_run_classes(m, picture) == nil and ffi.message():find("not 2 channels", 1, true), text)
    else check.ok(ffi.message():find("ramus.output", 1, true), ffi.message()) end
  end
end)

-- ---- scores ----

--- Macro Dice of label maps by the definition, class by class; classes that the truth lacks and the background are left out.
local function macro_by_hand(found, truth, K)
  local sum, n = 0, 0
  for k = 1, K - 1 do
    local both, a, b = 0, 0, 0
    for i, t in ipairs(truth) do
      if t >= 0 then
        if t == k then a = a + 1 end
        if found[i] == k then b = b + 1 end
        if t == k and found[i] == k then both = both + 1 end
      end
    end
    if a > 0 then sum, n = sum + 2 * both / (a + b), n + 1 end
  end
  return sum / n, n
end

check.case("scores: macro Dice, confusion and class scores are those of the definition; void and what the image lacks are left out", function()
  local K, H, W = 4, 16, 18
  local list = classes.default(K)
  local p, truth = ra.F.softmax(ra.randn(K, H, W) * 3, { dim = 1 }), ra.zeros(H, W)
  for i = 0, H * W - 1 do truth.data[i] = math.floor(i / 40) % 3 end -- the class 3 is not there
  truth:set(1, 1, -1)
  truth:set(2, 5, -1)
  local s = class_scores.of(p, truth, nil, list)
  local found, wanted = {}, {}
  local labels = class_image.labels(p)
  for i = 0, H * W - 1 do found[i + 1], wanted[i + 1] = labels.data[i], truth.data[i] end
  local macro, n = macro_by_hand(found, wanted, K)
  check.equal(n, 2)
  check.near(s.dice, macro, 1e-9, "macro Dice of an image")
  check.equal(s.of[3].tp + s.of[3].fn, 0)
  local hard = ra.F.softmax(ra.randn(K, H, W), { dim = 1 })
  local sum = class_scores.summarize({ s, class_scores.of(hard, truth, nil, list) }, list, { resamples = 10 })
  local pixels = 0
  for _, row in ipairs(sum.confusion) do for _, v in ipairs(row) do pixels = pixels + v end end
  check.equal(pixels, 2 * (H * W - 2), "all but void")
  local second = class_image.labels(hard)
  for i = 0, H * W - 1 do found[#found + 1], wanted[#wanted + 1] = second.data[i], truth.data[i] end
  check.near(sum.pooled.dice, macro_by_hand(found, wanted, K), 1e-9, "pooled over the classes that the split holds")
  check.equal(sum.pooled.classes, 2)
  check.equal(sum.classes[4].n, 0)
  check.equal(sum.classes[2].n, 2)
  local mine, known = ra.zeros(H, W), ra.ones(H, W)
  for i = 0, H * W - 1 do mine.data[i], known.data[i] = truth.data[i] == 1 and 1 or 0, truth.data[i] >= 0 and 1 or 0 end
  local rest = ra.metrics(p:narrow(1, 2, 1):clone():reshape(H, W), mine, { fov = known })
  for _, key in ipairs { "roc_auc", "pr_auc", "ece" } do check.equal(s.of[1][key], rest[key], key .. " of a class against the rest") end
  local fov = ra.zeros(H, W)
  for y = 1, 4 do for x = 1, W do fov:set(y, x, 1) end end
  local part = class_scores.of(p, truth, fov, list)
  local seen = 0
  for _, m in ipairs { part.of[0], part.of[1], part.of[2], part.of[3] } do seen = seen + m.tp + m.fn end
  check.equal(seen, 4 * W - 2, "pixels of the truth inside the field of view")
end)

check.case("scores: validation and evaluation count the same pixels", function()
  local K, H, W = 3, 12, 10
  local truth, fov, logits = ra.zeros(1, 1, H, W), ra.ones(1, 1, H, W), ra.randn(1, K, H, W)
  for i = 0, H * W - 1 do truth.data[i] = i % 4 - 1 end
  local confusion = ffi.new("double[9]")
  check.ok(class_scores.count(logits, truth, fov, K, confusion))
  local p = ra.F.softmax(logits, { dim = 2 }):reshape(K, H, W)
  local s = class_scores.summarize({ class_scores.of(p, truth:reshape(H, W), fov:reshape(H, W), classes.default(K)) }, classes.default(K), { resamples = 1 })
  check.near(class_scores.macro_dice(confusion, K), s.pooled.dice, 1e-9)
  check.near(s.per_image.dice.mean, s.pooled.dice, 1e-9, "one image")
  for k = 0, 2 do for j = 0, 2 do check.equal(s.confusion[k + 1][j + 1], confusion[3 * k + j]) end end
  truth.data[5] = 7
  check.equal(class_scores.count(logits, truth, fov, K, confusion), nil)
  check.ok(ffi.message():find("pixel 5 has the class 7", 1, true), ffi.message())
  local dice, present = class_scores.macro_dice(ffi.new("double[9]"), K)
  check.ok(dice ~= dice and present == 0, "no class: no score")
end)
