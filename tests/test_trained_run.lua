--- A run as data: reading never executes what a folder holds; formats of checkpoints; what a model knows of its images.
local check = require "check"
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local ra = require "ramus"
local run = require "ramus.train.run"
local safetensors = require "ramus.lang.safetensors"
local C, F, nn = ffi.C, ra.F, ra.nn

local folder = check.folder "run"
local data_root = folder .. "/data"
local old = check.root .. "/tests/fixtures/format1"

--- A recipe whose model is a function with a side output, which resizes, prepares and computes exactly.
local function recipe(fields)
  local r = {
    name = "sides",
    data = { set = "phantom", options = { train = 3, val = 1, test = 2, size = 64 }, size = 48, batch = 3, preprocess = { stretch = true } },
    model = ra.model(function(x)
      local a = F.relu(nn.batch_norm { 4 } (nn.conv2d { 1, 4, k = 3, pad = 1, bias = false } (x)))
      return { out = nn.conv2d { 4, 1, k = 1, name = "head" } (a), side2 = nn.conv2d { 4, 1, k = 1, name = "side" } (a) }
    end),
    supervise = { { at = "out", loss = ra.loss.bce {} }, { at = "side2", loss = ra.loss.dice {} } },
    optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1, numerics = "exact", validate = { threshold = 0.4 },
  }
  for k, v in pairs(fields or {}) do r[k] = v end
  return r
end

local trained = folder .. "/sides"
local result

check.case("run: a model of a function with side outputs is trained and scored, all outputs", function()
  result = assert(ra.train(recipe(), { run = trained, quiet = true, data_root = data_root }))
  check.ok(result.evaluation.outputs.side2.per_image.dice.mean, "the side output has a Dice")
  check.equal(result.evaluation.protocol.threshold, 0.4)
  check.equal(result.evaluation.protocol.resize, "to 48x48, probabilities brought back to the picture's size")
end)

check.case("run: a main output of another name is validated, scored, predicted", function()
  local net = ra.model(function(x) return { seg = nn.conv2d { 1, 1, k = 3, pad = 1 } (x), side = F.affine(x, {}) } end)
  local path = folder .. "/main"
  local r = assert(ra.train(recipe { name = "main", model = net, main = "seg", supervise = { { at = "seg", loss = ra.loss.bce {} } } },
    { run = path, quiet = true, data_root = data_root }))
  check.equal(r.evaluation.protocol.output, "seg")
  check.ok(r.evaluation.outputs.side and not r.evaluation.outputs.seg, "side is the further output")
  check.equal(assert(ra.load_model(path)).output.main, "seg")
  assert(ra.predict(path, old .. "/image.png", { output = folder .. "/main_out" }))
end)

check.case("run: reading gives recipe, epochs, models, scores and overlays as data", function()
  local r = assert(run.read(trained))
  check.equal(r.recipe.data.set, "phantom")
  check.equal(r.recipe.optim.lr, 1e-2)
  check.equal(#r:history(), 1)
  check.equal(#r:timing(), 1)
  check.equal(#r:images(), 2)
  check.equal(r:evaluation().protocol.numerics, "exact")
  check.equal(r.build.kernels, checkpoint.build().kernels)
  check.equal(assert(r:model "last").output.main, "out")
  check.fails("is not a run folder", run.read, folder)
  check.fails("is not a run folder", run.read, folder .. "/nothing")
end)

check.case("run: a line of the metrics that cannot be written ends a training; one that is missing, or a recipe that is, is said", function()
  local path = folder .. "/lost"
  local long = recipe { name = "lost", epochs = 3 }
  local function go(r) return ra.train(r, { run = path, quiet = true, data_root = data_root, evaluate = false }) end
  local methods = getmetatable(assert(run.open(folder .. "/for_methods", assert(require("ramus.train.recipe").load(long))))).__index
  local kept, count = methods.record, 0
  local function shell(text) check.equal(os.execute(text:gsub("RUN", path)), 0, text) end
  methods.record = function(self, entry, kind)
    count = count + 1
    if count ~= 3 then return kept(self, entry, kind) end
    shell "mv RUN/metrics.jsonl RUN/m && ln -s /dev/full RUN/metrics.jsonl"
    local ok, err = kept(self, entry, kind)
    shell "mv RUN/m RUN/metrics.jsonl"
    return ok, err
  end
  local ok, value, err = pcall(go, long)
  methods.record = kept
  check.ok(ok and value == nil and err:find "cannot add to '.*metrics.jsonl': No space left", tostring(err))
  shell ": > RUN/metrics.jsonl; rm RUN/resolved.json"
  assert(go(long))
  local log = assert(files.read(path .. "/log.txt"))
  check.ok(log:find("metrics.jsonl lacks 1 of the 1 epochs", 1, true), log)
  check.ok(log:find("resolved.json is missing, damaged or changed, so the recipe was compared with that in the checkpoint", 1, true), log)
  check.equal(#assert(run.read(path)):history(), 2)
end)

check.case("run: eval executes nothing that the folder holds", function()
  local copy, mark = folder .. "/hostile", folder .. "/executed"
  os.execute(("cp -r %s %s"):format(trained, copy))
  local evil = ("local f = io.open(%q, 'w') f:write 'x' f:close() "):format(mark)
  for _, kind in ipairs { "resolved", "recipe" } do
    local path = run.path_of(copy, kind)
    assert(files.write(path, evil .. assert(files.read(path))))
  end
  assert(ra.evaluate(copy, { data_root = data_root }))
  assert(ra.predict(copy, old .. "/image.png", { output = folder .. "/hostile_out" }))
  check.ok(not files.exists(mark), "the folder's Lua was executed")
  assert(files.write(copy .. "/set.lua", evil .. "return {}"))
  local path = run.path_of(copy, "data")
  local text = assert(files.read(path))
  local up = ("../"):rep(40) .. assert(files.absolute(copy)):sub(2) .. "/set"
  for set, part in pairs { [copy .. "/set.lua"] = "a program, which is not executed", [up] = "unknown data set" } do
    assert(files.write(path, (text:gsub('"set":"phantom"', ('"set":"%s"'):format(set)))))
    check.fails(part, ra.evaluate, copy, { data_root = data_root })
    check.ok(not files.exists(mark), "the folder's data set was executed as " .. set)
  end
end)

check.case("run: resolved.json that is no recipe is refused", function()
  local copy = folder .. "/broken"
  os.execute(("cp -r %s %s"):format(trained, copy))
  for _, text in ipairs { "", "null", "{}", "[1]", '{"recipe":3}', '{"recipe":{"data":{"set":5}}}', '{"recipe":{"data":{"set":"phantom"}}}' } do
    assert(files.write(run.path_of(copy, "data"), text))
    check.fails("resolved.json", ra.evaluate, copy, { data_root = data_root })
  end
end)

check.case("run: another threshold has files of its own; the same question gives the same bytes", function()
  local before = assert(files.read(trained .. "/eval.json"))
  assert(ra.evaluate(trained, { data_root = data_root, threshold = 0.3 }))
  assert(ra.evaluate(trained, { data_root = data_root, tune = true }))
  assert(ra.evaluate(trained, { data_root = data_root, tile = 32 }))
  check.ok(files.read(trained .. "/eval.json") == before, "eval.json was overwritten")
  check.ok(files.is_file(trained .. "/eval-threshold_0_3.json") and files.is_file(trained .. "/eval-tuned.txt")
    and files.is_file(trained .. "/eval-tile_32.json"), "their own files")
  assert(ra.evaluate(trained, { data_root = data_root }))
  check.ok(files.read(trained .. "/eval.json") == before, "eval.json changed")
end)

check.case("run: a loaded model knows how its images are prepared and which numerics it has", function()
  local model = assert(ra.load_model(trained))
  local picture = ra.image.load(old .. "/image.png")
  local seen, forward = {}, model.forward
  model.forward = function(m, x, given)
    seen[#seen + 1] = table.concat(x.shape, "x") .. " " .. given.numerics
    return forward(m, x, given)
  end
  local p = assert(ra.predict.probability(model, picture))
  check.equal(seen[1]:match("48x48 exact") or seen[1], "48x48 exact", "what the model was given")
  check.equal(p.dim[0], picture.dim[1])
  assert(ra.predict.probability(model, picture, { size = 32 }))
  check.ok(seen[2]:find("32x32", 1, true), seen[2])
end)

check.case("run: predict of a folder takes every extension that a codec reads, and the core the same steps and names", function()
  local images = folder .. "/images"
  assert(files.make_folder(images))
  for _, extension in ipairs(ra.image.extensions()) do assert(files.write(("%s/a_%s.%s"):format(images, extension, extension:upper()), "")) end
  local _, err = ra.predict(trained, images, { output = folder .. "/images_out" })
  check.ok(err and err:find("/a_", 1, true), err) -- all are taken; none is whole
  for _, extension in ipairs(ra.image.extensions()) do os.remove(("%s/a_%s.%s"):format(images, extension, extension:upper())) end
  assert(files.write(images .. "/a.pnm", "P5 32 32 255\n" .. ("\7"):rep(32 * 32)))
  local results = assert(ra.predict(trained, images, { output = folder .. "/images_out" }))
  check.equal(#results, 1)
  local prepares = {}
  for name in pairs(ra.augment.prepare_schema) do prepares[#prepares + 1] = name end
  table.sort(prepares)
  check.equal(table.concat(prepares, " "), "blur clahe size stretch")
  check.equal(run.path_of("r", "best"), "r/best.safetensors")
end)

check.case("run: a model of four channels predicts from a tensor", function()
  local four = ra.model(function(x) return nn.conv2d { 4, 1, k = 1 } (x) end, { channels = 4 })
  local x = ra.rand(4, 8, 9)
  local p = assert(ra.predict.probability(four, x))
  local wanted = F.sigmoid(four:forward(x).out)
  for i = 0, p.size - 1 do check.equal(p.data[i], wanted.data[i], "element " .. i) end
  check.equal(assert(ra.predict.probability(four, x, { size = 16 })).dim[1], 9)
  check.fails("reads 4 channels, the image has 3", ra.predict.probability, four, ra.rand(3, 8, 9))
end)

check.case("run: a table of scores says over how many images a mean is", function()
  local evaluate = require "ramus.train.evaluate"
  local p, empty, full = ra.zeros(8, 8), ra.zeros(8, 8), ra.zeros(8, 8)
  full:narrow(1, 2, 3):fill(1)
  local s = ra.metrics.summarize { ra.metrics(p, empty), ra.metrics(p, full) }
  check.ok(evaluate.text(s):find("mean of 1 of 2", 1, true), evaluate.text(s))
  check.ok(ra.metrics(ra.zeros(8, 8), full).precision == 0 and ra.metrics.ZERO_RULE:find("has precision 0", 1, true), "the rule for 0/0")
end)

check.case("run: from C the average of weights is read whatever the length of their names", function()
  local path, name = folder .. "/long", ("n"):rep(300)
  local net = ra.model(function(x) return nn.conv2d { 1, 1, k = 3, pad = 1, name = name } (x) end)
  assert(ra.train({ name = "long", data = { set = "phantom", options = { train = 3, val = 1, test = 2, size = 64 }, batch = 1 }, model = net,
    supervise = { { at = "out", loss = ra.loss.bce {} } }, optim = ra.optim.adamw { lr = 0.3, ema = 0.9 }, epochs = 2 },
    { run = path, quiet = true, data_root = data_root, evaluate = false }))
  local wanted = assert(ra.predict.probability((assert(ra.load_model(path))), ra.image.load(old .. "/image.png")))
  local model = ffi.gc(C.ra_model_open(path), C.ra_model_close)
  local p = ffi.gc(C.ra_model_run(model, old .. "/image.png"), C.ra_tensor_release)
  for i = 0, wanted.size - 1 do check.equal(p.data[i], wanted.data[i], "element " .. i) end
end)

-- ---- formats -----------------------------------------------------------------------

check.case("format 1: loads and predicts as it did", function()
  local model = assert(ra.load_model(old))
  check.equal(model.output.numerics, "exact")
  local p = assert(ra.predict.probability(model, ra.image.load(old .. "/image.png")))
  local wanted = ra.image.load(old .. "/prob.png")
  local worst = 0
  for i = 0, p.size - 1 do worst = math.max(worst, math.abs(p.data[i] - wanted.data[i])) end
  check.ok(worst < 1 / 255, "largest difference of the probability: " .. worst)
end)

check.case("format 1: eval wants --recipe, resuming is refused, initialising is refused", function()
  local copy = folder .. "/old"
  os.execute(("cp -r %s %s"):format(old, copy))
  check.fails("--recipe FILE", ra.evaluate, copy, { data_root = data_root })
  local scored = assert(ra.evaluate(copy, { data_root = data_root, recipe = copy .. "/recipe.lua" }))
  check.equal(scored.n, 2)
  local r = assert(ra.recipe.load(copy .. "/recipe.lua"))
  check.fails("--recipe FILE", ra.train, r, { run = copy, quiet = true, data_root = data_root })
  local model = assert(ra.load_model(copy))
  check.fails("format 1", model.initialise, model, 1)
end)

--- The metadata of a checkpoint changed and written again.
local function rewritten(path, changes)
  local file = assert(checkpoint.open(run.path_of(trained, "last")))
  local meta = {}
  for k, v in pairs(file.meta) do if not k:find "^ramus.version" and k ~= "ramus.sha256" then meta[k] = v end end
  for k, v in pairs(changes) do meta[k] = v end
  assert(safetensors.save(path, file.tensors, meta))
end

check.case("a newer format is refused with the name of what wrote it", function()
  local path = folder .. "/newer.safetensors"
  rewritten(path, { ["ramus.format"] = "3", ["ramus.build"] = '{"version":"9.1.0"}' })
  check.fails("written by Ramus 9.1.0, in format 3; this build reads formats 1 and 2", ra.load_model, path)
end)

check.case("what a checkpoint says of input and output is checked", function()
  local path = folder .. "/wrong.safetensors"
  for text, part in pairs {
    ["null"] = "lacks ramus.output", ["3"] = "lacks ramus.output", ["{"] = "not valid JSON", ['{"main":"out"}'] = "ramus.output",
    ['{"main":"out","activation":"sigmoid","threshold":0.5,"numerics":"bf16"}'] = "numerics",
    ['{"main":"nothing","activation":"sigmoid","threshold":0.5}'] = "unknown output", ['{"main":"out","activation":"exec","threshold":0.5}'] = "activation",
  } do
    rewritten(path, { ["ramus.output"] = text })
    check.fails(part, ra.load_model, path)
    check.ok(C.ra_model_open(path) == nil and ffi.message():find("ramus.output", 1, true), "from C: " .. text)
  end
  for text, part in pairs { ["{}"] = "channels", ['{"channels":3}'] = "channels",
    ['{"channels":1,"preparation":[{"step":"noise","a":1,"b":1}]}'] = "step 1",
    ['{"channels":1,"preparation":[{"step":"size","a":-4,"b":1e9}]}'] = "ramus.input",
    ['{"channels":1,"preparation":7}'] = "preparation", ['{"channels":1,"preparation":{"a":1}}'] = "preparation",
    ['{"channels":1,"size":[{}]}'] = "size", ['{"channels":1,"size":[-1,4]}'] = "size", ['{"channels":1,"size":[4,4,4]}'] = "size",
    ['{"channels":1,"range":["a",1]}'] = "range" } do
    rewritten(path, { ["ramus.input"] = text })
    check.fails(part, ra.load_model, path)
  end
end)

check.case("a state or a format that Ramus does not write, and a format 2 without input, are refused", function()
  local path = folder .. "/odd.safetensors"
  for _, text in ipairs { "{", "3", "null", '"x"', '{"averaged":"yes"}', '{"averaged":1}' } do
    rewritten(path, { ["ramus.state"] = text })
    check.fails("ramus.state", ra.load_model, path)
    check.ok(C.ra_model_open(path) == nil and ffi.message():find("ramus.state", 1, true), "from C: " .. text)
  end
  for _, text in ipairs { "1.5", "0x2", " 2 ", "2.0", "-1", "nan", "" } do
    rewritten(path, { ["ramus.format"] = text })
    check.fails("this build reads formats 1 and 2", ra.load_model, path)
  end
  local file = assert(checkpoint.open(run.path_of(trained, "last")))
  local meta = {}
  for k, v in pairs(file.meta) do if not k:find "^ramus.version" and k ~= "ramus.sha256" and k ~= "ramus.input" then meta[k] = v end end
  assert(safetensors.save(path, file.tensors, meta))
  check.fails("lacks ramus.input", ra.load_model, path)
end)

check.case("averaged weights that are not there, fields that no build knows, and a preparation of 2^30 pixels are refused, in Lua and C", function()
  local path = folder .. "/more.safetensors"
  local function refused(part, meta)
    rewritten(path, meta)
    check.fails(part, ra.load_model, path)
    check.ok(C.ra_model_open(path) == nil and ffi.message():find(part, 1, true), "from C: " .. ffi.message())
  end
  refused("ema.", { ["ramus.state"] = '{"averaged":true}' })
  local file = assert(checkpoint.open(run.path_of(trained, "last")))
  refused("unknown option 'spread'", { ["ramus.output"] = (file.meta["ramus.output"]:gsub("^{", '{"spread":1,')) })
  refused("unknown option 'ran'", { ["ramus.input"] = (file.meta["ramus.input"]:gsub("^{", '{"ran":1,')) })
  local picture = folder .. "/picture.png"
  assert(ra.image.save(picture, ra.rand(1, 20, 20)))
  for _, size in ipairs { 32768, 1e6, 1e9 } do
    rewritten(path, { ["ramus.input"] = ('{"channels":1,"preparation":[{"step":"size","a":%d,"b":%d}]}'):format(size, size) })
    local began, model = C.ra_clock(), ra.load_model(path)
    if model then check.fails("after its preparation", ra.predict, model, picture, { output = folder .. "/more" }) end
    local opened = C.ra_model_open(path)
    check.equal(opened ~= nil, model ~= nil, "opened by both")
    if opened ~= nil then
      check.ok(C.ra_model_run(opened, picture) == nil and ffi.message():find("the model's preparation makes", 1, true), ffi.message())
      C.ra_model_close(opened)
    end
    check.ok(C.ra_clock() - began < 1, "quickly")
  end
end)

check.case("format 1: a protocol that Ramus does not write is refused", function()
  local path, file = folder .. "/protocol.safetensors", assert(checkpoint.open(run.path_of(old, "last")))
  for _, text in ipairs { "{", "null", "7", '{"size":"os.exit()"}', '{"size":-3}', '{"preprocess":3}', '{"preprocess":{"clahe":"x"}}',
    '{"preprocess":{"nothing":true}}' } do
    local meta = {}
    for k, v in pairs(file.meta) do if not k:find "^ramus.version" and k ~= "ramus.sha256" then meta[k] = v end end
    meta["ramus.protocol"] = text
    assert(safetensors.save(path, file.tensors, meta))
    check.fails("protocol", ra.load_model, path)
  end
end)

check.case("a main output that is not the map that its description says is a message of predict", function()
  local two = ra.model(function(x) return nn.conv2d { 1, 2, k = 1 } (x) end)
  check.equal(#assert(ra.predict.probability(two, ra.rand(8, 9))).shape, 3, "of two channels: classes")
  two.output.activation = "sigmoid"
  check.fails("wanted [1,1,H,W]", ra.predict.probability, two, ra.rand(8, 9))
  check.fails("wanted [1,1,H,W]", ra.predict.probability, two, ra.rand(40, 50), { tile = 16 })
end)

check.case("resume: another build is a warning", function()
  local copy = folder .. "/build"
  local r = assert(ra.recipe.resolve(recipe()))
  assert(ra.train(r, { run = copy, quiet = true, data_root = data_root, evaluate = false }))
  local file = assert(checkpoint.open(run.path_of(copy, "last")))
  local meta = {}
  for k, v in pairs(file.meta) do if k ~= "ramus.version" and k ~= "ramus.sha256" then meta[k] = v end end
  meta["ramus.build"] = '{"version":"0.0.9","commit":"abc","kernels":"other"}'
  assert(safetensors.save(run.path_of(copy, "last"), file.tensors, meta))
  local opened = assert(run.open(copy, r))
  check.ok(opened.warnings[1] and opened.warnings[1]:find("began with Ramus 0.0.9", 1, true), tostring(opened.warnings[1]))
  opened:close()
end)
