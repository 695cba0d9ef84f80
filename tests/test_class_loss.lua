--- Losses of K exclusive classes: against PyTorch numbers (tests/reference/class_loss.py), against the one-channel form for
-- K = 2, and what holds for all of them.
local check = require "check"
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local json = require "cjson"
local numbers = require "numbers"
local ra = require "ramus"

local TOLERANCE = 2e-5 -- relative, of values and (L2) of gradients

local distance, is_finite, make, norm = numbers.distance, numbers.is_finite, numbers.make, numbers.norm
local same_bits, tensor_of = numbers.same_bits, numbers.tensor_of

local function grad(loss, x, y, t, more) return ra.grad(function(p) return loss(p, y, t, more) end, x) end

--- Logits, labels and a teacher of a shape, the same at every call.
local function logits(shape, phase) return make(shape, function(k) return 3 * math.sin(12.9898 * (k + phase)) end) end
local function labels(shape, K) return make({ shape[1], 1, shape[3], shape[4] }, function(k) return math.floor(k * 0.37) % K end) end

-- ---- against PyTorch ----

local file = assert(io.open(check.root .. "/tests/reference/class_loss.json"))
local reference = json.decode(file:read("*a"))
file:close()

for _, case in ipairs(reference.cases) do
  local parts = {}
  for k, v in pairs(case.options) do parts[#parts + 1] = k .. "=" .. (type(v) == "table" and table.concat(v, ",") or tostring(v)) end
  table.sort(parts)
  check.case(("%s of classes on %s (%s) {%s}"):format(case.loss, case.input, case.use, table.concat(parts, ", ")), function()
    local input = reference.inputs[case.input]
    local shape, flat = input.shape, { input.shape[1], 1, input.shape[3], input.shape[4] }
    local function given(letter, as) return case.use:find(letter) and tensor_of(input[letter], as) or nil end
    local x, y, t = tensor_of(input.x, shape), given("y", flat), given("t", shape)
    local more = { inside = given("i", flat), weight = given("w", flat) }
    local loss = ra.loss[case.loss](case.options)
    local value, dx = grad(loss, x, y, t, more)
    local wanted = tensor_of(case.grad, shape)
    check.near(loss(x, y, t, more), case.value, TOLERANCE * math.abs(case.value) + 1e-9, "value at once")
    check.near(value, case.value, TOLERANCE * math.abs(case.value) + 1e-9, "value of the plan")
    check.near(distance(dx, wanted), 0, TOLERANCE * norm(wanted) + (case.input == "extreme" and 1e-8 or 1e-10), "gradient, L2")
  end)
end

-- ---- two classes are the one-channel form of the difference of the logits ----

local BOTH = {
  { "soft_target", { alpha = 0.3 } }, { "kl_divergence", { tau = 2 } }, { "kl_divergence", { direction = "js" } },
  { "kl_divergence", { direction = "student_teacher", tau = 3, tau_squared = true } }, { "mse" }, { "focal" }, { "focal", { gamma = 0.5, alpha = -1 } },
  { "deep_distribution", { patch = 4, tau = 1 } }, { "deep_distribution", { direction = "teacher_student" } },
  { "deep_distribution", { direction = "js", scale = "fraction", tau = 0.2 } }, { "deep_distribution", { patch = 5, count = "hard" } },
  { "dice", { average = "foreground" } }, { "jaccard", { average = "foreground", reduce = "image" } },
  { "tversky", { average = "foreground", alpha = 0.3, beta = 0.7 } }, { "focal_tversky", { average = "foreground" } },
  { "generalised_dice" }, { "generalised_dice", { reduce = "image" } }, { "boundary" }, { "skeleton_recall" },
  { "cldice" }, { "cldice", { reduce = "image", iterations = 2 } },
}

for _, row in ipairs(BOTH) do
  local loss = ra.loss[row[1]](row[2])
  check.case("two classes are one channel: " .. tostring(loss), function()
    local one, two = { 2, 1, 13, 17 }, { 2, 2, 13, 17 }
    local area = 13 * 17
    local x, t, y = logits(two, 0), logits(two, 5), labels(one, 2)
    local function difference(z) return make(one, function(k)
      local at = math.floor(k / area) * 2 * area + k % area
      return z.data[at + area] - z.data[at]
    end) end
    local binary = {}
    for k, v in pairs(row[2] or {}) do if k ~= "average" then binary[k] = v end end
    local wanted, dz = grad(ra.loss[row[1]](binary), difference(x), y, difference(t))
    local value, dx = grad(loss, x, y, t)
    check.near(value, wanted, 2e-5 * math.abs(wanted), "value")
    local worst = 0
    for k = 0, dz.size - 1 do
      local at = math.floor(k / area) * 2 * area + k % area
      worst = math.max(worst, math.abs(dx.data[at + area] - dz.data[k]), math.abs(dx.data[at] + dz.data[k]))
    end
    check.near(worst, 0, 2e-5 * norm(dz), "gradient")
  end)
end

-- ---- what holds for every loss ----

local EVERY = {
  { "cross_entropy" }, { "cross_entropy", { smoothing = 0.2, class_weights = { 1, 2, 0.5, 0 } } },
  { "dice" }, { "dice", { reduce = "image", average = "present" } },
  { "jaccard" }, { "tversky", { alpha = 0.3, beta = 0.7, average = "foreground" } }, { "focal" }, { "focal", { gamma = 0.5 } }, { "focal", { gamma = 0 } },
  { "soft_target", { alpha = 0.5 } }, { "deep_distribution" }, { "deep_distribution", { patch = 2, direction = "js" } },
  { "deep_distribution", { direction = "teacher_student", scale = "fraction", tau = 0.1 } }, { "deep_distribution", { count = "hard" } },
  { "kl_divergence" }, { "kl_divergence", { direction = "js" } }, { "kl_divergence", { direction = "student_teacher", tau = 2 } }, { "mse" },
  { "focal_tversky" }, { "focal_tversky", { gamma = 2, reduce = "image", average = "present" } },
  { "generalised_dice" }, { "generalised_dice", { reduce = "image" } }, { "lovasz" }, { "lovasz", { reduce = "image", average = "all" } },
  { "boundary" }, { "boundary", { average = "present" } }, { "skeleton_recall" }, { "skeleton_recall", { radius = 1, average = "present" } },
  { "cldice", { iterations = 2, average = "all" } }, { "cldice", { reduce = "image", iterations = 2 } },
}

for _, row in ipairs(EVERY) do
  local loss = ra.loss[row[1]](row[2])
  local name = tostring(loss)
  local K = 4

  check.case("classes, finite at the extremes: " .. name, function()
    local shape, extremes = { 2, K, 8, 8 }, { -100, 100, 0, -50, 50, 88, -88 }
    local t = make(shape, function(k) return extremes[(k * 3) % 7 + 1] end)
    for _, logit in ipairs { -1e4, 1e4, 0, false } do
      local x = make(shape, function(k) return logit or extremes[k % 7 + 1] end)
      for label = -1, K - 1 do
        local value, dx = grad(loss, x, make({ 2, 1, 8, 8 }, function() return label end), t)
        check.ok(is_finite(value) and is_finite(norm(dx)), ("not finite at label %d"):format(label))
        if label == -1 then check.equal(value + norm(dx), 0, "nothing but void") end
      end
    end
  end)

  check.case("classes, 1 and 2 threads give the same bits; the norm of the gradient; instruction sets agree: " .. name, function()
    local shape = { 3, K, 50, 61 } -- several chunks, none of them full
    local x, y, t = logits(shape, 0), labels(shape, K), logits(shape, 5)
    local threads, active = ffi.C.ra_threads(), ffi.string(ffi.C.ra_isa())
    ffi.C.ra_threads_set(1)
    local one, dx1 = grad(loss, x, y, t)
    ffi.C.ra_threads_set(2)
    local two, dx2 = grad(loss, x, y, t)
    ffi.C.ra_threads_set(threads)
    check.equal(two, one, "value")
    check.ok(same_bits(dx1, dx2), "gradients differ")
    local recorder, dx = graph.recorder { train = false }, ra.zeros(unpack(shape))
    local input = recorder:input(shape)
    local term = loss(input, y, t)
    local total = term * 3
    local plan = assert(recorder:plan { outputs = { total }, loss = total, gradients = { { input, dx } } })
    plan:bind(input, x)
    plan:run()
    check.near(plan:gradient_norm(term), norm(dx), 1e-5 * norm(dx) + 1e-30, "norm")
    ffi.C.ra_isa_set("generic")
    local plain, dx_plain = grad(loss, x, y, t)
    ffi.C.ra_isa_set(active)
    check.near(one, plain, 1e-5 * math.abs(plain), "value of another instruction set")
    check.near(distance(dx1, dx_plain), 0, 1e-5 * norm(dx_plain) + 1e-30, "gradient of another instruction set")
  end)

  check.case("classes, void pixels count for nothing, whatever is there, and are those outside: " .. name, function()
    local shape = { 2, K, 13, 17 }
    local x, y, t, area = logits(shape, 0), labels(shape, K), logits(shape, 5), 13 * 17
    local inside = make({ 2, 1, 13, 17 }, function(k) return k % 5 == 0 and 0.4 or 0.5 end)
    local outside, dx_outside = grad(loss, x, y, t, { inside = inside })
    for k = 0, y.size - 1, 5 do
      y.data[k] = k % 2 == 0 and -1 or K + 3
      for c = 0, K - 1 do
        local at = math.floor(k / area) * K * area + c * area + k % area
        x.data[at], t.data[at] = 0 / 0, 0 / 0
      end
    end
    local value, dx = grad(loss, x, y, t)
    check.equal(value, outside, "value")
    check.ok(same_bits(dx, dx_outside), "gradient")
    check.ok(is_finite(value) and (norm(dx) > 0 or row[2] and row[2].count == "hard"), "there is a gradient elsewhere")
  end)
end

-- ---- shapes and options ----

check.case("K planes against K planes are K losses of one channel", function()
  local planes, flat = { 2, 3, 5, 6 }, { 6, 1, 5, 6 }
  local x, y = logits(planes, 0), make(planes, function(k) return k % 3 == 0 and 1 or 0 end)
  for _, name in ipairs { "bce", "dice", "focal", "mse" } do
    check.near(ra.loss[name]()(x, y), ra.loss[name]()(x:reshape(unpack(flat)), y:reshape(unpack(flat))), 1e-6, name)
  end
  for _, name in ipairs { "generalised_dice", "lovasz" } do -- of each plane for itself
    local loss = ra.loss[name] { reduce = "image" }
    check.near(loss(x, y), loss(x:reshape(unpack(flat)), y:reshape(unpack(flat))), 1e-6, name)
    local sum = 0
    for k = 1, 3 do sum = sum + ra.loss[name]()(x:narrow(2, k, 1):clone(), y:narrow(2, k, 1):clone()) end
    check.near(ra.loss[name]()(x, y), sum / 3, 1e-6, name .. " over the batch")
  end
end)

check.case("what classes cannot be is said", function()
  local x, y = logits({ 2, 3, 5, 6 }, 0), labels({ 2, 3, 5, 6 }, 3)
  check.raises("for one channel, or for planes of 0 and 1, use bce", function() ra.loss.cross_entropy()(logits({ 2, 1, 5, 6 }, 0), y) end)
  check.raises("use bce", function() ra.loss.cross_entropy()(x, x) end)
  check.raises("a mask is needed", function() ra.loss.cross_entropy()(x) end)
  check.raises("for a label map use cross_entropy", function() ra.loss.bce()(x, y) end)
  check.raises("class_weights is [2], wanted [3]", function() ra.loss.cross_entropy { class_weights = { 1, 2 } }(x, y) end)
  for _, bad in ipairs { { 1 }, { 1, -1 }, { 0, 0 }, { 1, 0 / 0 }, { 1, "2" } } do
    check.raises("must be a list of 2 or more numbers >= 0", ra.loss.cross_entropy, { class_weights = bad })
  end
  check.raises("class_weights must be a list", ra.loss.cross_entropy, { class_weights = 3 })
  check.raises("class_weights", ra.loss.dice, { class_weights = { 1, 2 } })
  check.raises("inside has shape [2,3,5,6], wants [2,1,5,6]", function() ra.loss.dice()(x, y, nil, { inside = x }) end)
  check.raises("mask has shape [1,1,5,6], wants [2,1,5,6]", function() ra.loss.dice()(x, labels({ 1, 3, 5, 6 }, 3)) end)
  check.equal(tostring(ra.loss.cross_entropy { class_weights = { 1, 0.5, 2 }, smoothing = 0.1 }), "cross_entropy{class_weights={1, 0.5, 2}, smoothing=0.1}")
end)
