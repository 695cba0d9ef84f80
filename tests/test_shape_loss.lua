--- Losses of overlap, order, distance and skeletons against PyTorch numbers (tests/reference/shape_loss.py) and by what is special to each;
-- what holds for all losses is in test_loss.lua and test_class_loss.lua.
local check = require "check"
local dataset = require "ramus.data.dataset"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local graph = require "ramus.lang.graph"
local json = require "cjson"
local numbers = require "numbers"
local ra = require "ramus"

local folder = check.folder "shape_loss"
local TOLERANCE = 2e-5 -- relative, of values and (L2) of gradients

local distance, make, norm, tensor_of = numbers.distance, numbers.make, numbers.norm, numbers.tensor_of

local function grad(loss, x, y, more) return ra.grad(function(p) return loss(p, y, nil, more) end, x) end

local function each_case(name, f)
  local reference = json.decode(assert(files.read(("%s/tests/reference/%s.json"):format(check.root, name))))
  for _, case in ipairs(reference.cases) do f(case, reference.inputs[case.input]) end
end

local function against_reference(case, input)
  local parts = {}
  for k, v in pairs(case.options) do parts[#parts + 1] = k .. "=" .. tostring(v) end
  table.sort(parts)
  check.case(("%s on %s (%s) {%s}"):format(case.loss, case.input, case.use, table.concat(parts, ", ")), function()
    local shape = input.shape
    local flat = input.labels and { shape[1], 1, shape[3], shape[4] } or shape
    local x, y = tensor_of(input.x, shape), tensor_of(input.y, flat)
    local more = { inside = case.use:find "i" and tensor_of(input.i, flat) or nil, weight = case.use:find "w" and tensor_of(input.w, flat) or nil }
    local loss = ra.loss[case.loss](case.options)
    local value, dx = grad(loss, x, y, more)
    local wanted = tensor_of(case.grad, shape)
    check.near(loss(x, y, nil, more), case.value, TOLERANCE * math.abs(case.value) + 1e-7, "value at once")
    check.near(value, case.value, TOLERANCE * math.abs(case.value) + 1e-7, "value of the plan")
    check.near(distance(dx, wanted), 0, TOLERANCE * norm(wanted) + 1e-10, "gradient, L2")
  end)
end
each_case("shape_loss", against_reference)
each_case("line_loss", against_reference)

for _, row in ipairs { { "lovasz" }, { "lovasz", { reduce = "image" } }, { "generalised_dice" }, { "boundary" }, { "skeleton_recall" } } do
  check.case(("planes: 1 and 2 threads give the same bits, and the norm: %s"):format(tostring(ra.loss[row[1]](row[2]))), function()
    local shape, loss = { 3, 2, 96, 101 }, ra.loss[row[1]](row[2])
    local x = make(shape, function(k) return 2 * math.sin(12.9898 * k) end)
    local y = make(shape, function(k) return k * 104729 % 11 < 3 and 1 or 0 end)
    local more = { inside = make(shape, function(k) return k % 101 < 60 and 1 or 0 end), weight = make(shape, function(k) return k % 3 end) }
    local threads = ffi.C.ra_threads()
    for _, given in ipairs { {}, more } do
      ffi.C.ra_threads_set(1)
      local one, dx1 = grad(loss, x, y, given)
      ffi.C.ra_threads_set(2)
      local two, dx2 = grad(loss, x, y, given)
      ffi.C.ra_threads_set(threads)
      check.equal(two, one, "value")
      check.ok(numbers.same_bits(dx1, dx2), "gradients differ")
      local recorder, dx = graph.recorder { train = false }, ra.zeros(unpack(shape))
      local input = recorder:input(shape)
      local term = loss(input, y, nil, given)
      local plan = assert(recorder:plan { outputs = { term }, loss = term, gradients = { { input, dx } } })
      plan:bind(input, x)
      plan:run()
      check.ok(norm(dx) > 0 and numbers.same_bits(dx, dx1), "a plan's gradient")
      check.near(plan:gradient_norm(term), norm(dx), 1e-5 * norm(dx), "norm")
    end
  end)
end

--- A horizontal band in a picture of 40x60, from row `top` to `bottom`; gap: columns that it lacks.
local function band(top, bottom, gap)
  return make({ 1, 1, 40, 60 }, function(k)
    local row, column = math.floor(k / 60), k % 60
    local missing = gap and column >= gap[1] and column <= gap[2]
    return row >= top and row <= bottom and not missing and 1 or 0
  end)
end

check.case("focal_tversky: an exponent of 1 is tversky; the mask itself costs nothing and has a finite gradient", function()
  local x = make({ 2, 1, 13, 17 }, function(k) return 3 * math.sin(12.9898 * k) end)
  local y = make({ 2, 1, 13, 17 }, function(k) return k % 3 == 0 and 1 or 0 end)
  local options = { alpha = 0.3, beta = 0.7 }
  local wanted = ra.loss.tversky(options)(x, y)
  check.near(ra.loss.focal_tversky { gamma = 1 }(x, y), wanted, 1e-6)
  check.near(ra.loss.focal_tversky()(x, y), wanted ^ 0.75, 1e-6)
  local value, dx = grad(ra.loss.focal_tversky { input = "prob" }, band(16, 22), band(16, 22))
  check.equal(value, 0, "value")
  check.ok(norm(dx) < 10, "gradient")
  check.raises("gamma must be from 0.05 to 10", function() ra.loss.focal_tversky { gamma = 0 } end)
end)

check.case("generalised_dice: a small structure counts as much as a large one; with equal areas it is dice of both labels", function()
  local small, large = band(16, 16), band(4, 36)
  local loss, dice = ra.loss.generalised_dice { input = "prob" }, ra.loss.dice { input = "prob" }
  local function missed(y) return loss(y * 0.5, y), dice(y * 0.5, y) end
  local of_small, of_large = missed(small), missed(large)
  check.ok(of_small > 0.3 and of_large < 0.6 and loss(small, small) == 0 and loss(small * 0, small * 0) == 0,
    ("%g %g"):format(of_small, of_large))
  local half = make({ 1, 1, 4, 6 }, function(k) return k % 2 end)
  local p = make({ 1, 1, 4, 6 }, function(k) return 0.1 + 0.03 * k end)
  local both, sum = 0, 0
  for k = 0, 23 do
    both = both + p.data[k] * half.data[k] + (1 - p.data[k]) * (1 - half.data[k])
    sum = sum + 2
  end
  check.near(loss(p, half), 1 - 2 * both / sum, 1e-6, "equal areas")
end)

check.case("lovasz: of hard probabilities it is the Jaccard loss; a picture that is clearly right costs nothing", function()
  local y, p = band(16, 22), band(14, 20)
  local z, background = p * 2 - 1, 1 - y
  local both, either = 5 * 60, 9 * 60
  check.near(ra.loss.lovasz()(z, y), 2 * (1 - both / either), 1e-6, "the hinge of a wrong pixel at 1 is 2")
  local logits, labels = ra.F.concat(p * -100 + 50, p * 100 - 50), y
  local outside = 40 * 60 - either
  local wanted = (1 - both / either + 1 - outside / (outside + either - both)) / 2
  check.near(ra.loss.lovasz()(logits, labels), wanted, 1e-6, "softmax")
  check.equal(ra.loss.lovasz()(y * 4 - 2, y), 0, "right")
  check.equal(ra.loss.lovasz()(background * -2 - 1, background * 0), 0, "an empty mask")
  check.ok(ra.loss.lovasz()(z * (0 / 0), y) ~= ra.loss.lovasz()(z * (0 / 0), y), "what is not a number stays so")
end)

check.case("lovasz: equal errors, whatever their order, have one loss; many pixels", function()
  local shape = { 1, 1, 300, 401 }
  local x = make(shape, function(k) return (k * 7919 % 13) - 6 end)
  local y = make(shape, function(k) return k * 104729 % 11 < 3 and 1 or 0 end)
  local function turned(t) return make(shape, function(k) return t.data[t.size - 1 - k] end) end
  check.near(ra.loss.lovasz()(x, y), ra.loss.lovasz()(turned(x), turned(y)), 1e-4)
end)

check.case("boundary: signed distances in pixels; the field `distance` in their place; what is empty or full has none", function()
  local shape = { 1, 1, 40, 60 }
  local y = band(16, 22)
  local wanted = 0
  for k = 0, 40 * 60 - 1 do
    local row = math.floor(k / 60)
    wanted = wanted + (row < 16 and 16 - row or row > 22 and row - 22 or 1 - math.min(row - 15, 23 - row))
  end
  local loss, ones = ra.loss.boundary { input = "prob" }, ra.ones(unpack(shape))
  check.near(loss(ones, y), wanted / 2400, 1e-6, "a band")
  check.equal(loss(ones, y * 0), 0, "empty")
  check.equal(loss(ones, ones), 0, "full")
  local phi = make(shape, function(k) return k % 7 - 3 end)
  check.equal(loss(ones, y, nil, { distance = phi }), loss(ones, nil, nil, { distance = phi }), "the mask is not asked")
  check.near(loss(ones, nil, nil, { distance = phi }), numbers.sum(phi) / 2400, 1e-7, "its mean")
  check.ok(loss(band(16, 22), y) < 0 and loss(band(10, 16), y) > loss(band(13, 19), y), "nearer is better")
  check.raises("a mask is needed", function() loss(ones) end)
  check.raises("prediction wants 4 dimensions", function() loss(ra.ones(7), ra.ones(7)) end)
  check.raises("distance [2,3]", function() loss(ones, y, nil, { distance = ra.ones(2, 3) }) end)
  check.raises("unknown input 'distanse'", function() loss(ones, y, nil, { distanse = phi }) end)
end)

check.case("skeleton_recall: only the middle of the mask counts, and a gap in it", function()
  local loss, y = ra.loss.skeleton_recall { input = "prob", smooth = 1e-6 }, band(14, 24)
  check.near(loss(band(17, 21), y), 0, 0.01, "a band of 5 rows holds the tube of radius 2 but for its ends")
  check.near(loss(band(0, 39), y), 0, 1e-5, "it is recall")
  check.ok(loss(band(19, 19), y) > 0.7 and ra.loss.skeleton_recall { input = "prob", radius = 0 } (band(19, 19), y) < 0.2, "radius 0: the line")
  local gap = loss(band(14, 24, { 20, 29 }), y)
  check.ok(gap > 0.15 and gap < 0.25, "a gap of 10 columns in about 50: " .. gap)
  check.equal(loss(y * 0, y * 0), 0, "an empty mask")
end)

-- ---- as rows of a recipe --------------------------------------------------------------

local NAMES = { "focal_tversky", "generalised_dice", "lovasz", "boundary", "skeleton_recall", "cldice" }

local function train(name, classes, rows, set)
  local r = { name = name, data = { set = "phantom", options = { size = 64, train = 4, val = 2, test = 2, classes = classes }, batch = 4 },
    model = ra.models.unet { depth = 2, width = 4, classes = classes and 4 or nil }, supervise = rows, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2 }
  if set then r.data = { set = set, batch = 2, val = false, augment = { flip = true } } end
  return assert(ra.train(r, { run = folder .. "/" .. name, quiet = true, data_root = folder .. "/data", evaluate = false })).history[2].terms
end

for _, classes in ipairs { false, true } do
  check.case(("rows of a recipe: all of them train %s"):format(classes and "four classes" or "one channel"), function()
    local rows = { { at = "out", loss = ra.loss.dice {} } }
    for i, name in ipairs(NAMES) do rows[i + 1] = { at = "out", loss = ra.loss[name] {}, weight = 0.1 } end
    local terms = train(classes and "classes" or "one", classes or nil, rows)
    for _, name in ipairs(NAMES) do
      local term = terms[name .. "@out"]
      check.ok(numbers.is_finite(term.value) and term.gradient_norm > 0, ("%s: %g %g"):format(name, term.value, term.gradient_norm))
    end
  end)
end

check.case("rows of a recipe: the distance of boundary from a field of the data set", function()
  local samples = {}
  for i = 1, 4 do
    local mask, ones = ra.zeros(1, 32, 32), ra.ones(1, 32, 32)
    mask:narrow(2, 6 * i, 3):fill(1)
    samples[i] = { id = tostring(i), image = ra.rand(1, 32, 32), mask = mask, fields = { phi = ones * i } }
  end
  dataset.register { name = "with_phi", folder = ".", fields = { phi = { kind = "map" } }, open = function() return samples end }
  local row = { at = "out", loss = ra.loss.boundary {}, with = { distance = "phi" } }
  local terms = train("phi", nil, { row }, "with_phi")
  check.ok(terms["boundary@out"].value > 0 and terms["boundary@out"].value < 4, "phi is positive everywhere: " .. terms["boundary@out"].value)
  local wrong = { at = "out", loss = ra.loss.boundary {}, with = { distanse = "phi" } }
  check.fails("unknown input of ra.loss.boundary 'distanse'; did you mean 'distance'", require("ramus.train.supervise").new, { wrong }, { "out" }, 1)
end)
