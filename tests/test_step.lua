--- The training step, its state and its supervision, in this process: the main output, accumulation in a fixed order, the state's
-- schema, and what a recipe's rows may name.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local loader = require "ramus.data.loader"
local recipe = require "ramus.train.recipe"
local state = require "ramus.train.state"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"

local folder = check.folder("step")
local data_root = folder .. "/data"
local nn = ra.nn

--- A net with two outputs of these names.
local function two_outputs(first, second)
  local conv = nn.conv2d { 1, 4, k = 3, pad = 1 }
  local a, b = nn.conv2d { 4, 1, k = 1 }, nn.conv2d { 4, 1, k = 1 }
  return ra.model(function(x)
    local y = ra.F.relu(conv(x))
    return { [first] = a(y), [second] = b(y) }
  end)
end

local function raw(fields)
  local r = { name = "tiny", data = { set = "phantom", options = { size = 64, train = 4, val = 2, test = 2 }, batch = 4 },
    model = two_outputs("seg", "zide"), main = "seg", optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, seed = 1,
    supervise = { { at = "seg", loss = ra.loss.dice {} }, { at = "zide", loss = ra.loss.bce {} } } }
  for k, v in pairs(fields or {}) do r[k] = v or nil end
  return r
end

local function train(name, r) return ra.train(r, { run = folder .. "/" .. name, quiet = true, data_root = data_root, evaluate = false }) end

local function same_values(a, b, what)
  check.equal(a.size, b.size, what)
  local x, y = ffi.data(a), ffi.data(b)
  for i = 0, a.size - 1 do if x[i] ~= y[i] then error(("%s[%d]: %.9g and %.9g"):format(what, i, x[i], y[i]), 2) end end
end

check.case("main: a recipe whose model lacks the main output is refused at once and told what there is", function()
  check.fails("no output 'out'; its outputs: seg, zide; choose one with main", recipe.resolve, raw { main = false })
  check.fails("no output 'sge'", recipe.resolve, raw { main = "sge" })
end)

check.case("main: a model without an output 'out' trains, is validated and its terms are counted, as the same net with one", function()
  local seg = assert(train("seg", raw()))
  local out = assert(train("out", raw { model = two_outputs("out", "side"), main = false,
    supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "side", loss = ra.loss.bce {} } } }))
  for i, entry in ipairs(seg.history) do
    local other = out.history[i]
    check.equal(entry.terms["dice@seg"].value, other.terms["dice@out"].value, "dice")
    check.equal(entry.terms["bce@zide"].value, other.terms["bce@side"].value, "bce")
    check.equal(entry.validation.dice, other.validation.dice, "validation")
    check.ok(entry.terms["dice@seg"].value > 0.1, "the dice of an untrained net")
  end
  same_values(seg.model.flat, out.model.flat, "weights")
end)

check.case("main: teacher.out is the teacher's main output", function()
  local result = assert(train("main_teacher", raw { teacher = { kind = "ema", decay = 0.9 },
    supervise = { { at = "zide", loss = ra.loss.mse {}, against = "teacher.out" }, { at = "zide", loss = ra.loss.mse {}, against = "teacher.seg" },
      { at = "zide", loss = ra.loss.mse {}, against = "teacher.same" } } }))
  local terms = result.history[1].terms
  check.equal(terms["mse@zide#1"].value, terms["mse@zide#2"].value, "teacher.out and teacher.seg")
  check.ok(terms["mse@zide#1"].value ~= terms["mse@zide#3"].value, "teacher.same is another output")
end)

check.case("an error of the loader reaches the caller", function()
  local methods = getmetatable(assert(loader.new({ { id = "a", image = "a.png" } }, {}))).__index
  local kept = methods.next
  methods.next = function() return nil, "the disk is gone" end
  local ok, value, err = pcall(train, "lost", raw())
  methods.next = kept
  check.ok(ok, value)
  check.equal(value, nil)
  check.equal(err, "the disk is gone")
end)

check.case("the epoch line shows every term", function()
  local r = raw { model = ra.models.unet { depth = 3, width = 2, sides = true }, main = false, teacher = { kind = "ema" }, epochs = 1,
    supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = ra.loss.bce {} }, { at = "side*", loss = ra.loss.bce {} },
      { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" },
      { at = "side*", loss = ra.loss.deep_distribution { patch = 8 }, against = "teacher.same" } } }
  assert(train("terms", r))
  local text = files.read(folder .. "/terms/log.txt")
  local first, second = text:match("\n(epoch   0  loss [^\n]*)\n +([^\n]*)")
  check.ok(first and first:find("val dice", 1, true), text)
  check.equal((second:gsub("%d+%.%d+", "N")), "dice@out N  bce@out N  bce@side* N N  soft_target@out N  deep_distribution@side* N N")
end)

check.case("loader threads: a recipe has the loader's own bound", function()
  local most = loader.schema.threads.max
  check.equal(recipe.data_schema.threads.max, most)
  local r = raw()
  r.data.threads = most
  assert(recipe.resolve(r))
end)

-- ---- accumulation ---------------------------------------------------------------

--- Steps of a small U-Net, and a function that puts batch i into a variant and runs it.
local function small_steps(accumulate)
  local net = ra.models.unet { depth = 2, width = 3 }
  local s = step.new { model = net, supervision = assert(supervise.new({ { at = "out", loss = ra.loss.bce {} } }, { "out" }, 1)),
    accumulate = accumulate }
  local v = assert(s:variant(0, { 2, 1, 16, 16 }))
  return s, function(i)
    ra.seed(i)
    v.buffers.image:copy(ra.rand(2, 1, 16, 16))
    for k = 0, v.buffers.mask.size - 1 do ffi.data(v.buffers.mask)[k] = (k + i) % 3 == 0 and 1 or 0 end
    s:run(v, { t = 0, scale = 1 / 3, seed = 1, epoch = 0, step = i })
  end
end

check.case("accumulation: the sum of the micro-batches' gradients, each from zero, in their order: the same bits", function()
  local s, run = small_steps(3)
  for i = 1, 3 do
    run(i)
    s:collect(i == 1)
  end
  local alone, run_alone = small_steps(1)
  local sum
  for i = 1, 3 do
    run_alone(i)
    alone:collect(true)
    sum = sum and ra.F.add(sum, alone.sum) or alone.sum:clone()
  end
  same_values(s.sum, sum, "sum of gradients")
  local loose = 0
  for i = 0, s.sum.size - 1 do loose = math.max(loose, math.abs(ffi.data(s.sum)[i])) end
  check.ok(loose > 0, "the gradient is zero")
end)

check.case("accumulation: interrupted between two micro-batches and resumed: the same bytes", function()
  local function one(name)
    local r = raw { optim = ra.optim.adamw { lr = 1e-2, accumulate = 3 } }
    r.data.batch = 1
    return train(name, r)
  end
  assert(one "micro_whole")
  local methods, count = getmetatable(assert(loader.new({ { id = "a", image = "a.png" } }, {}))).__index, 0
  local kept = methods.next
  methods.next = function(...)
    count = count + 1
    if count == 2 then os.execute "kill -TERM $PPID" end -- the second of three micro-batches
    return kept(...)
  end
  local ok, value, err = pcall(one, "micro_broken")
  methods.next = kept
  check.ok(ok and value == nil and err == "interrupted", tostring(value) .. " " .. tostring(err))
  local file = assert(ra.load(folder .. "/micro_broken/last.safetensors"))
  check.ok(file.gradient, "the checkpoint holds the sum of the gradients so far")
  assert(one "micro_broken")
  check.ok(files.read(folder .. "/micro_whole/last.safetensors") == files.read(folder .. "/micro_broken/last.safetensors"), "the checkpoints differ")
end)

check.case("signals: each that asks a process to end is noted, twice where it comes again by itself; ignored ones stay ignored", function()
  local function one(name)
    local r = raw {}
    r.data.batch = 1
    return train(name, r)
  end
  assert(one "signal_whole")
  local methods = getmetatable(assert(loader.new({ { id = "a", image = "a.png" } }, {}))).__index
  local kept = methods.next
  local mask = tonumber(assert(files.read "/proc/self/status"):match "SigIgn:%s*%x*(%x%x%x%x%x%x%x%x)", 16) -- of who runs the tests, as nohup
  for name, number in pairs { INT = 2, TERM = 15, HUP = 1, QUIT = 3, PIPE = 13, XCPU = 24, XFSZ = 25 } do
    local count, again = 0, name == "PIPE" or name == "XCPU" or name == "XFSZ"
    local ignored = name ~= "INT" and name ~= "TERM" and bit.band(mask, bit.lshift(1, number - 1)) ~= 0
    methods.next = function(...)
      count = count + 1
      if count == 2 then
        for _ = 1, again and 2 or 1 do io.popen(("kill -%s $PPID"):format(name)):close() end -- os.execute ignores SIGINT and SIGQUIT
      end
      return kept(...)
    end
    local ok, value, err = pcall(one, "signal_" .. name)
    methods.next = kept
    if ignored then check.ok(ok and value, name .. " is ignored here, and ended the training: " .. tostring(err))
    else
      check.ok(ok and value == nil and err == "interrupted", name .. ": " .. tostring(value) .. " " .. tostring(err))
      assert(one("signal_" .. name))
    end
    check.ok(files.read(folder .. "/signal_whole/last.safetensors") == files.read(folder .. ("/signal_%s/last.safetensors"):format(name)), name)
  end
end)

check.case("accumulation: gradients of another size are refused", function()
  local a, b = ra.zeros(3), ra.zeros(4)
  check.ok(ffi.C.ra_gradient_add(a, b) ~= 0 and ffi.message():find("3 and 4 elements", 1, true), ffi.message())
end)

-- ---- the state ------------------------------------------------------------------

check.case("state: reals come back to the bit, wrong types and missing fields are refused", function()
  local schema = { n = { type = "integer", default = 3 }, x = { type = "real" }, by = { type = "reals" }, on = { type = "boolean" },
    inner = { type = "record", fields = { k = { type = "integer", default = 0 } } } }
  local s = state.new(schema)
  check.equal(s.n, 3)
  check.equal(s.inner.k, 0)
  s.x, s.by.third, s.inner.k = 0.1 + 0.2, 1 / 3, 7
  local plain = require("cjson").decode(require("ramus.base.json").encode(state.pack(s, schema)))
  local again = assert(state.unpack(plain, schema))
  check.equal(again.x, 0.1 + 0.2)
  check.equal(again.by.third, 1 / 3)
  check.equal(again.inner.k, 7)
  check.equal(again.on, nil)
  for _, spoil in ipairs { { "n", 1.5 }, { "n", -5 }, { "n", 1e18 }, { "x", 3 }, { "by", { a = "zwei" } }, { "on", "yes" }, { "inner", 4 } } do
    local spoiled = state.pack(s, schema)
    spoiled[spoil[1]] = spoil[2]
    check.fails("training state", state.unpack, spoiled, schema)
  end
  plain.n = nil
  check.fails("lacks n", state.unpack, plain, schema)
end)

check.case("state: two companions cannot keep the same field", function()
  check.raises("two companions keep 'a'", state.schema, { { state = { a = { type = "real" } } }, { state = { a = { type = "real" } } } })
end)

-- ---- rows -----------------------------------------------------------------------

local function rows(...) return supervise.new({ ... }, { "out", "side1" }, 2, 0) end

check.case("rows: an input that the loss does not have is an error that lists those it has", function()
  check.fails("unknown input of ra.loss.dice 'wieght'", rows, { at = "out", loss = ra.loss.dice {}, with = { wieght = "distance" } })
  check.fails("prediction, mask", rows, { at = "out", loss = ra.loss.dice {}, with = { wieght = "distance" } })
  check.fails("given by at, against or inside", rows, { at = "out", loss = ra.loss.dice {}, with = { mask = "fov" } })
  check.fails("with must map inputs", rows, { at = "out", loss = ra.loss.dice {}, with = { "distance" } })
  check.fails("unknown output 'side2'", rows, { at = "out", loss = ra.loss.mse {}, against = "teacher.side2" })
end)

check.case("rows: a field that the data set does not have is an error with the nearest name", function()
  local s = assert(rows { at = "out", loss = ra.loss.bce {}, against = "tisue" })
  check.fails("unknown field of data set x 'tisue'; did you mean 'tissue'?", s.check_fields, s, { tissue = { kind = "label" } }, "x")
  check.equal(table.concat(supervise.fields(s.terms), " "), "image mask tisue")
  assert(rows({ at = "out", loss = ra.loss.bce {}, against = "fov" }):check_fields({}, "x"))
end)

check.case("rows: options of a loss that cannot be are found when the rows are checked", function()
  check.fails("supervise row 2: kl_divergence: ", rows, { at = "out", loss = ra.loss.dice {} },
    { at = "side1", loss = ra.loss.kl_divergence { direction = "student_teacher" } }) -- infinite against a mask
end)

-- ---- pixels outside, weights ----------------------------------------------------

--- A variant of one row over a small U-Net, its image filled.
local function variant_of_row(row, batch, classes)
  local net = ra.models.unet { depth = 2, width = 3, classes = classes }
  row.at = "out"
  local s = step.new { model = net, supervision = assert(supervise.new({ row }, { "out" }, 1, nil, net:output_channels())) }
  local v = assert(s:variant(0, { batch or 2, 1, 16, 16 }))
  ra.seed(5)
  v.buffers.image:copy(ra.rand(v.buffers.image.shape))
  return s, v
end

--- Fills a buffer by f(row, column), both from 0.
local function fill(buffer, f)
  local values = ffi.data(buffer)
  for i = 0, buffer.size - 1 do values[i] = f(math.floor(i / 16) % 16, i % 16, i) end
end

local function left(_, column) return column < 9 and 1 or 0 end

local rows_of_losses = {}
for _, name in ipairs(ra.loss.names) do
  if name ~= "cross_entropy" then table.insert(rows_of_losses, { name }) end
  if name ~= "bce" and name ~= "cldice" then table.insert(rows_of_losses, { name, 3 }) end
end

for _, one in ipairs(rows_of_losses) do
  local name, classes = unpack(one)
  check.case(("inside: pixels outside change neither %s%s nor its gradient, bit for bit"):format(name, classes and " of classes" or ""), function()
    local options = name == "soft_target" and { alpha = 0 } or name == "deep_distribution" and { patch = 4 } or {}
    local s, v = variant_of_row({ loss = ra.loss[name](options), inside = "fov" }, 2, classes)
    v.buffers.mask = v.buffers.mask or v.buffers.label
    fill(v.buffers.fov, left)
    local value, gradient
    for i, outside in ipairs { 0, 1, 0 / 0 } do
      fill(v.buffers.mask, function(row, column, k)
        if left(row, column) == 0 then return outside end
        return k % 3 == 0 and 1 or 0
      end)
      s:run(v, { t = 0, seed = 1, epoch = 0, step = 0 })
      if i == 1 then value, gradient = v.terms[1].value, s.gradient:clone() end
      check.equal(v.terms[1].value, value, "loss")
      same_values(s.gradient, gradient, "gradient")
    end
    check.ok(value == value and gradient:stats().max > 0, "a value and a gradient")
    fill(v.buffers.fov, function() return 1 end)
    fill(v.buffers.mask, function(_, _, k) return k % 3 == 0 and 1 or 0 end)
    s:run(v, { t = 0, seed = 1, epoch = 0, step = 0 })
    check.ok(v.terms[1].value ~= value, "pixels outside count once they are inside")
  end)
end

check.case("with: a weight of ones is no weight, within rounding; another one is", function()
  local s, v = variant_of_row { loss = ra.loss.dice {}, with = { weight = "distance" } }
  local plain, p = variant_of_row { loss = ra.loss.dice {} }
  local function mask(_, _, k) return k % 3 == 0 and 1 or 0 end
  fill(v.buffers.mask, mask)
  fill(p.buffers.mask, mask)
  plain:run(p, { t = 0, seed = 1, epoch = 0, step = 0 })
  for _, weight in ipairs { 1, 2 } do
    fill(v.buffers.distance, function(_, column) return column < 8 and weight or 1 end)
    s:run(v, { t = 0, seed = 1, epoch = 0, step = 0 })
    local d = math.abs(v.terms[1].value - p.terms[1].value)
    check.ok(weight == 1 and d < 1e-6 or weight == 2 and d > 1e-4, ("weight %g: the loss differs by %g"):format(weight, d))
  end
  check.ok(check.relative_l2(ffi.data(s.gradient), ffi.data(plain.gradient), s.gradient.size) > 1e-3, "the gradient follows the weight")
end)

--- A data set with fields of view; where they are 0 the masks hold `outside`.
local function ring_set(name, outside)
  local image, dataset = require "ramus.data.image", require "ramus.data.dataset"
  local place = folder .. "/" .. name
  assert(files.make_folder(place))
  ra.seed(3)
  for i = 1, 4 do
    local picture, mask, fov = ra.rand(1, 32, 32), ra.zeros(1, 32, 32), ra.zeros(1, 32, 32)
    mask:narrow(2, 4 * i, 3):fill(1)
    mask:narrow(3, 21, 12):fill(outside)
    fov:narrow(3, 1, 20):fill(1)
    for part, t in pairs { image = picture, mask = mask, fov = fov } do assert(image.save(("%s/%d_%s.png"):format(place, i, part), t)) end
  end
  dataset.register { name = name, folder = place, open = function(from)
    local list = {}
    for i = 1, 4 do
      list[i] = { id = tostring(i), split = "train" }
      for _, part in ipairs { "image", "mask", "fov" } do list[i][part] = ("%s/%d_%s.png"):format(from, i, part) end
    end
    return list
  end }
end

check.case("inside = \"fov\" in a training: masks outside the field of view change nothing", function()
  local weights = {}
  for outside = 0, 1 do
    ring_set("ring" .. outside, outside)
    for _, inside in ipairs { "fov", false } do
      local r = raw { data = { set = "ring" .. outside, batch = 2, val = false }, model = ra.models.unet { depth = 2, width = 2 }, main = false,
        supervise = { { at = "out", loss = ra.loss.dice {}, inside = inside or nil } } }
      local key = outside .. tostring(inside)
      weights[key] = assert(train("ring" .. key, r)).model.flat:clone()
    end
  end
  same_values(weights["0fov"], weights["1fov"], "weights")
  local a, b, differ = ffi.data(weights["0false"]), ffi.data(weights["1false"]), 0
  for i = 0, weights["0false"].size - 1 do if a[i] ~= b[i] then differ = differ + 1 end end
  check.ok(differ > 0, "without inside the masks outside do count")
  check.fails("unknown field", train, "ring_unknown", raw { data = { set = "ring0", batch = 2, val = false }, main = false,
    model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {}, inside = "fow" } } })
end)

check.case("the printed schedule shows inside and with", function()
  local s = assert(supervise.new({ { at = "out", loss = ra.loss.dice {}, inside = "fov", with = { weight = "distance" } } }, { "out" }, 2))
  check.ok(tostring(s):find("mask, inside fov, weight = distance", 1, true), tostring(s))
end)

-- ---- wrong recipes, found before anything is fetched ------------------------------

check.case("recipes: what cannot train is refused when it is read, in one line", function()
  local half = nn.conv2d { 1, 1, k = 3, stride = 2, pad = 1 }
  local four = nn.conv2d { 4, 1, k = 1 }
  for part, fields in pairs {
    ["recipe.data: preprocess: unknown option 'clahee'; did you mean 'clahe'?"] = { data = { set = "phantom", preprocess = { clahee = {} } } },
    ["accepts images of 4 channels; images are loaded with 1 or 3"] = { model = ra.model(function(x) return four(x) end, { channels = 4 }) },
    ["output 'out' is [1,1,48,64] for an image of 96x128"] = { model = ra.model(function(x) return half(x) end) },
    ["infinite against a mask"] = { model = ra.models.unet { depth = 2, width = 2 },
      supervise = { { at = "out", loss = ra.loss.kl_divergence { direction = "student_teacher" } } } },
  } do
    if not fields.supervise then fields.supervise = { { at = "out", loss = ra.loss.dice {} } } end
    fields.model, fields.main = fields.model or ra.models.unet { depth = 2, width = 2 }, false
    local ok, value, err = pcall(recipe.resolve, raw(fields))
    check.ok(ok, value)
    check.ok(value == nil and err:find(part, 1, true) and not err:find("\n"), tostring(err))
  end
end)

check.case("identity: loader threads, cache, log and profile are no part of what decides the results", function()
  local function identity(fields, data)
    local r = raw(fields)
    for k, v in pairs(data or {}) do r.data[k] = v end
    return assert(recipe.resolve(r)):identity()
  end
  local base = identity()
  check.equal(identity({ log = { pictures = 1 }, profile = true }, { threads = 3, cache = 7 }), base)
  check.ok(identity { seed = 2 } ~= base and identity({}, { batch = 2 }) ~= base, "seed and batch are")
  check.ok(base:find("set = \"phantom\"", 1, true) and not base:find("threads", 1, true), base)
end)

check.case("a teacher's run is found beside the recipe", function()
  assert(files.write(folder .. "/beside.safetensors", "x"))
  local r = assert(recipe.resolve(raw { teacher = { kind = "run", path = "beside.safetensors" } }, "recipe", folder))
  check.equal(r.teacher.path, files.absolute(folder .. "/beside.safetensors"))
  r = assert(recipe.resolve(raw { teacher = { kind = "run", path = "runs/first" } }, "recipe", folder))
  check.equal(r.teacher.path, "runs/first")
end)
