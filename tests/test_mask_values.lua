--- The verdict on masks of which nothing is declared, and what follows of a declaration: what people's files hold, refused or read.
local check = require "check"
local dataset = require "ramus.data.dataset"
local evaluate = require "ramus.train.evaluate"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local mistake = require "ramus.base.mistake"
local ra = require "ramus"
local tensor = require "ramus.lang.tensor"
local verdict = require "ramus.data.verdict"
local folder = check.folder("mask_values")

local H, W = 16, 20
--- Rows of a background of v0; two rows of v1, and v2 in the first n pixels.
local function plane(v0, v1, v2, n)
  local t = tensor.empty(H, W)
  for i = 0, H * W - 1 do
    local y = math.floor(i / W)
    t.data[i] = i < (n or 0) and v2 or (y == 8 or y == 9) and v1 or v0
  end
  return t
end

local made = 0
--- A folder of pictures whose masks are saved by save(path without ending, i); fov: the same for fields of view, [opt].
local function pictures(save, fov)
  made = made + 1
  local root = ("%s/%d"):format(folder, made)
  for _, name in ipairs { "images", "masks", fov and "fov" or nil } do assert(files.make_folder(root .. "/" .. name)) end
  for i = 1, 6 do
    local x = plane(0.7, 0.3)
    x.data[i] = 0.1
    assert(image.save(("%s/images/%d.png"):format(root, i), x))
    save(("%s/masks/%d"):format(root, i), i)
    if fov then fov(("%s/fov/%d"):format(root, i), i) end
  end
  return root
end

local function png(t, bits) return function(path) assert(image.save(path .. ".png", t, { bits = bits or 8 })) end end
local function judged(root, reading, out)
  local set = assert(dataset.open(root, { split = "4:1:1", reading = reading }))
  return verdict.check(set, { "train", "val", "test" }, { train = "train", val = "val", out = out })
end

--- A mistake of the user's whose text has all of the given parts.
local function refused(root, parts, reading)
  local ok, err = judged(root, reading)
  check.ok(not ok, "expected: " .. parts[1])
  check.ok(mistake.is(err), "status 2: " .. tostring(err))
  for _, part in ipairs(parts) do check.ok(tostring(err):find(part, 1, true), ("'%s' in: %s"):format(part, tostring(err))) end
end

check.case("masks: class numbers beside a void value far above them are no greys", function()
  refused(pictures(png(plane(0, 1 / 255, 1, 9))), { "holds 3 values",
    "values = { [0] = \"background\", [1] = \"foreground\" }, ignore = 255 where that is void" })
  refused(pictures(png(plane(0, 1 / 65535, 300 / 65535, 9), 16)), { "holds 3 values", "ignore = 300" })
  check.ok(judged(pictures(png(plane(0, 1 / 255, 1, 9))), { values = { [0] = "background", [1] = "vessel" }, ignore = 255 }))
  local out = require("ramus.base.progress").new { quiet = true }
  check.ok(judged(pictures(png(plane(0, 1, 254 / 255, 9))), {}, out)) -- greys near the maximum are
  check.ok(out.warnings[1]:find("hold grey values", 1, true), out.warnings[1])
end)

check.case("masks: the line to write fits what the file holds", function()
  local grey = plane(0, 1)
  for i = 0, 15 do grey.data[i] = i / 16 end
  refused(pictures(png(grey)), { "threshold = 128" })
  local function planes(path)
    local t = tensor.zeros(4, H, W)
    for i = 0, H * W - 1 do t.data[(i < 40 and 1 or 0) * H * W + i] = 1 end
    assert(require("ramus.lang.serialize").save(path .. ".npy", t))
  end
  refused(pictures(planes), { "has 4 channels", "channel = 2, or the one of the 4" })
  refused(pictures(png(plane(1, 1))), { "foreground everywhere", "there is nothing to learn from them" })
  refused(pictures(png(plane(0, 1))), { "foreground everywhere", "threshold = 128" }, { threshold = 0 })
  refused(pictures(function(path, i) png(i == 2 and plane(1, 0) or plane(0, 1))(path) end), { "1 of 6 masks", "look at them", "often inverted" })
end)

check.case("masks: ranges of values in the wrong order or over each other are mistakes", function()
  local root = pictures(png(plane(0, 1)))
  for text, values in pairs { ["the smaller one first"] = { { 4, 0, 0 }, { 5, 255, 1 } }, ["wants two numbers"] = { { 0 / 0, 0, 0 } },
    ["0 to 7 and 5 to 255 are of two classes and overlap"] = { { 0, 7, 0 }, { 5, 255, 1 } } } do
    local set, err = dataset.open(root, { split = "4:1:1", reading = { values = values } })
    check.ok(not set and err:find(text, 1, true), tostring(err))
  end
  check.ok(judged(root, { values = { [0] = "background", { 1, math.huge, "vessel" } } }))
end)

check.case("masks: greys whose channels differ a little are greys, colours that differ as little are not; planes behind are named", function()
  local function noisy(amount, values) -- of every fourth pixel the channels differ
    local t, x = tensor.zeros(3, H, W), plane(0, 1)
    for i = 0, H * W - 1 do
      for c = 0, 2 do
        local v, off = x.data[i], i % 4 == 0 and (i / 4 + c * 5) % values * amount / 255 or 0
        t.data[c * H * W + i] = v > 0.5 and v - off or v + off
      end
    end
    return t
  end
  local out = require("ramus.base.progress").new { quiet = true }
  check.ok(judged(pictures(png(noisy(1, 7))), nil, out))
  check.ok(out.warnings[1]:find("hold grey values, and are cut at half of their maximum", 1, true), out.warnings[1])
  refused(pictures(png(noisy(4, 7))), { "has colours" })
  refused(pictures(png(noisy(1, 2))), { "has colours" }) -- few of them: they may be classes
  local planes = tensor.zeros(H, W, 2)
  local root = pictures(function(path) assert(ra.save(path .. ".npy", planes)) end)
  local ok, err = judged(root)
  check.ok(not ok and err:find(("is read as %d of them: save numpy.moveaxis"):format(H), 1, true), tostring(err))
end)

check.case("masks: fields of view that cover nothing are named, and give no score", function()
  local root = pictures(png(plane(0, 1)), function(path, i) png(plane(i == 3 and 0 or 1, i == 3 and 0 or 1))(path) end)
  local out = require("ramus.base.progress").new { quiet = true }
  check.ok(judged(root, nil, out))
  check.ok(out.warnings[1]:find("1 of 6 fields of view cover no pixel", 1, true), tostring(out.warnings[1]))
  local metrics = require "ramus.data.metrics"
  local s = metrics.summarize { metrics(plane(0, 1), plane(0, 1), { fov = tensor.zeros(H, W) }) }
  for _, key in ipairs(metrics.keys) do
    check.equal(s.per_image[key].n, 0, key)
    check.equal(s.pooled[key], nil, key)
  end
end)

check.case("masks: any numbers as values survive in the run; another name of the run's folder has the run's splits; no tuning on nothing", function()
  local root = pictures(png(plane(3 / 255, 7 / 255)))
  local r = assert(ra.recipe.load { name = "values", seed = 1, epochs = 1,
    data = { set = root, batch = 2, split = "4:1:1", values = { [3] = "background", [7] = "vessel" } },
    model = ra.models.unet { depth = 2, width = 4 }, optim = ra.optim.adamw { lr = 1e-3 }, supervise = { { at = "out", loss = ra.loss.dice() } } })
  local run = folder .. "/run"
  local result = assert(ra.train(r, { run = run, quiet = true }))
  check.equal(result.evaluation.n, 1)
  local again = assert(evaluate(run, { data = root .. "/../" .. made .. ":train" }))
  check.equal(again.n, 4)
  check.ok(again.protocol.split:find("4:1:1", 1, true), again.protocol.split)
  -- of another folder the call says how it is read, in a file of its own
  local other = pictures(png(plane(0, 9 / 255, 1, 40)))
  local refused_there, why = evaluate(run, { data = other .. ":all" })
  check.ok(not refused_there and mistake.is(why) and why:find("(of the set that --data names: --set KEY=VALUE)", 1, true), tostring(why))
  local read = assert(evaluate(run, { data = other .. ":all", reading = { values = { [0] = "background", [9] = "vessel" }, ignore = 255 } }))
  check.equal(read.n, 6)
  check.ok(#assert(files.list(run)) > 0 and (files.read(run .. "/eval.json") or ""):find('"pictures":1', 1, true), "the run's own is as it was")
  local r2, err = evaluate(run, { data = pictures(png(plane(0, 0))) .. ":test", tune = true })
  check.ok(not r2 and err:find("has foreground to tune the threshold on", 1, true), tostring(err))
end)

check.case("masks: void everywhere, with and without classes, and a validation of classes without foreground", function()
  local function save(void, empty)
    return function(path, i) png(i == void and plane(1, 1) or i == empty and plane(0, 0) or plane(3 / 255, 7 / 255))(path) end
  end
  check.ok(judged(pictures(save(2)), { ignore = 255 }))
  local classes = { "background", { name = "stem", value = 7 }, { name = "branch", value = 9 } }
  local set, err = dataset.open(pictures(save(2)), { options = { classes = classes }, reading = { invert = true } })
  check.ok(not set and err:find("invert changes foreground and background", 1, true), tostring(err))
  classes[1] = { name = "background", value = 3 }
  local root = pictures(function(path, i) png(i == 2 and plane(1, 1) or i == 3 and plane(3 / 255, 3 / 255) or plane(3 / 255, 7 / 255))(path) end)
  local r = assert(ra.recipe.load { name = "void", seed = 1, epochs = 2, model = ra.models.unet { depth = 2, width = 4 }, optim = ra.optim.adamw { lr = 1e-3 },
    data = { set = root, batch = 1, ignore = 255,
      options = { classes = classes, split = { train = { "1", "2", "4" }, val = { "3" }, test = { "5", "6" } } } },
    supervise = { { at = "out", loss = ra.loss.cross_entropy {} }, { at = "out", loss = ra.loss.dice() } } })
  local result = assert(ra.train(r, { run = folder .. "/void", quiet = true }))
  check.equal(result.evaluation.classes[2].n, 2)
  check.ok(not files.is_file(folder .. "/void/best.safetensors"), "no best is chosen")
  for line in io.lines(folder .. "/void/metrics.jsonl") do check.ok(line:find('"validation":{"classes":0,"of":1,"pictures":0}', 1, true), line) end
end)

check.case("masks: a validation whose fields of view hide all foreground has no score, and chooses no best", function()
  local root = pictures(png(plane(0, 1)), function(path, i) png(i == 3 and plane(1, 0) or plane(1, 1))(path) end)
  local r = assert(ra.recipe.load { name = "hidden", seed = 1, epochs = 1, model = ra.models.unet { depth = 2, width = 4 },
    optim = ra.optim.adamw { lr = 1e-3 }, data = { set = root, batch = 1, options = { split = { train = { "1", "2", "4" }, val = { "3" }, test = { "5" } } } },
    supervise = { { at = "out", loss = ra.loss.dice() } } })
  local result = assert(ra.train(r, { run = folder .. "/hidden", quiet = true }))
  check.ok(not files.is_file(folder .. "/hidden/best.safetensors"), "no best is chosen")
  for line in io.lines(folder .. "/hidden/metrics.jsonl") do check.ok(line:find('"validation":{"of":1,"pictures":0}', 1, true), line) end
  local text = assert(files.read(folder .. "/hidden/eval.txt")) -- of one image
  check.ok(text:find("dice +%d%.%d+ +%- +%- to %- +%d"), text)
  check.ok(result.evaluation.per_image.dice.sd ~= result.evaluation.per_image.dice.sd)
end)

check.case("masks: what follows the best epoch wants a validation split with foreground", function()
  local root = pictures(function(path, i) png(i == 3 and plane(0, 0) or plane(0, 1))(path) end)
  for name, more in pairs { teacher = { kind = "best" }, early_stop = { patience = 3 } } do
    local given = { name = name, seed = 1, epochs = 4, model = ra.models.unet { depth = 2, width = 4 }, optim = ra.optim.adamw { lr = 1e-3 },
      data = { set = root, batch = 1, options = { split = { train = { "1", "2", "4" }, val = { "3" }, test = { "5", "6" } } } },
      supervise = { { at = "out", loss = ra.loss.dice() }, { at = "out", loss = ra.loss.soft_target {}, against = "teacher.out", from = 1 } } }
    if name ~= "teacher" then given.supervise[2] = nil end
    given[name] = more
    local result, err = ra.train(assert(ra.recipe.load(given)), { run = folder .. "/" .. name, quiet = true })
    check.ok(not result and mistake.is(err) and err:find(name, 1, true) and err:find("have foreground", 1, true), tostring(err))
  end
end)

check.case("masks: an output of several channels beside a main output of one is trained, and not scored", function()
  local a, b, c = ra.nn.conv2d { 1, 4, k = 3, pad = 1 }, ra.nn.conv2d { 4, 1, k = 1 }, ra.nn.conv2d { 4, 2, k = 1 }
  local model = ra.model(function(x)
    local h = ra.F.relu(a(x))
    return { out = b(h), other = c(h) }
  end, { seed = 1 })
  local root = pictures(png(plane(0, 1 / 255)))
  dataset.register { name = "two_outputs", folder = root, licence = "none", citation = "none", fields = { tissue = { kind = "label" } }, open = function()
    local samples = {}
    for i = 1, 6 do
      local mask = ("%s/masks/%d.png"):format(root, i)
      samples[i] = { id = tostring(i), image = ("%s/images/%d.png"):format(root, i), mask = mask, fields = { tissue = mask } }
    end
    return samples
  end }
  local r = assert(ra.recipe.load { name = "two_outputs", seed = 1, epochs = 1, model = model, optim = ra.optim.adamw { lr = 1e-3 },
    data = { set = "two_outputs", batch = 2, split = "4:1:1" },
    supervise = { { at = "out", loss = ra.loss.dice() }, { at = "other", loss = ra.loss.cross_entropy {}, against = "tissue" } } })
  local result = assert(ra.train(r, { run = folder .. "/two_outputs", quiet = true }))
  check.equal(next(result.evaluation.outputs), nil)
  check.equal(result.evaluation.n, 1)
  -- planes of 0 and 1 that do not exclude each other: a sigmoid a channel
  local planes = tensor.zeros(2, H, W)
  planes:narrow(1, 1, 1):fill(1)
  assert(ra.save(root .. "/planes.npy", planes))
  dataset.register { name = "planes", folder = root, licence = "none", citation = "none", fields = { parts = { kind = "map", channels = 2 } },
    open = function()
      local samples = {}
      for i = 1, 6 do
        samples[i] = { id = tostring(i), image = ("%s/images/%d.png"):format(root, i), mask = ("%s/masks/%d.png"):format(root, i),
          fields = { parts = root .. "/planes.npy" } }
      end
      return samples
    end }
  for _, loss in ipairs { "bce", "dice" } do
    r = assert(ra.recipe.load { name = "planes", seed = 1, epochs = 12, model = model, optim = ra.optim.adamw { lr = 5e-2 },
      data = { set = "planes", batch = 2, split = "4:1:1" },
      supervise = { { at = "out", loss = ra.loss.dice() }, { at = "other", loss = ra.loss[loss] {}, against = "parts" } } })
    result = assert(ra.train(r, { run = folder .. "/planes_" .. loss, quiet = true }))
    local p = ra.F.sigmoid(result.model:forward(tensor.rand(1, 1, H, W)).other)
    check.ok(p:narrow(2, 1, 1):stats().min > 0.6 and p:narrow(2, 2, 1):stats().max < 0.4, loss .. ": each channel by itself")
  end
end)
