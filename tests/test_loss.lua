--- Losses against PyTorch numbers (tests/reference/loss.py) and by their properties.
local check = require "check"
local json = require "cjson"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local numbers = require "numbers"

local TOLERANCE = 2e-5 -- relative, of values and (L2) of gradients

local function sigmoid(u) return 1 / (1 + math.exp(-u)) end
local function softplus(u) return math.max(u, 0) + math.log(1 + math.exp(-math.abs(u))) end

local distance, is_finite, make, norm = numbers.distance, numbers.is_finite, numbers.make, numbers.norm
local same_bits, tensor_of = numbers.same_bits, numbers.tensor_of

--- Value and gradient with respect to the prediction.
local function grad(loss, x, y, t, more) return ra.grad(function(p) return loss(p, y, t, more) end, x) end

-- A deterministic picture: vessels are vertical lines of 2 pixels every 24, logits 2 and -3 with a ripple.
local function lines_mask(shape)
  local W = shape[4]
  return make(shape, function(k) return (k % W) % 24 < 2 and 1 or 0 end)
end
local function lines_logits(shape, phase)
  local W = shape[4]
  return make(shape, function(k) return ((k % W) % 24 < 2 and 2 or -3) + math.sin(12.9898 * (k + phase)) end)
end

-- ---- against PyTorch ----

local file = assert(io.open(check.root .. "/tests/reference/loss.json"))
local reference = json.decode(file:read("*a"))
file:close()

for _, case in ipairs(reference.cases) do
  local options, parts = case.options, {}
  for k, v in pairs(options) do parts[#parts + 1] = k .. "=" .. tostring(v) end
  table.sort(parts)
  check.case(("%s on %s (%s) {%s}"):format(case.loss, case.input, case.use, table.concat(parts, ", ")), function()
    local input = reference.inputs[case.input]
    local x = tensor_of(input.x, input.shape)
    local y = case.use:find("y") and tensor_of(input.y, input.shape) or nil
    local t = case.use:find("t") and tensor_of(input.t, input.shape) or nil
    local more = { inside = case.use:find("i") and tensor_of(input.i, input.shape) or nil,
      weight = case.use:find("w") and tensor_of(input.w, input.shape) or nil }
    local loss = ra.loss[case.loss](options)
    local value, dx = grad(loss, x, y, t, more)
    local wanted = tensor_of(case.grad, input.shape)
    check.near(loss(x, y, t, more), case.value, TOLERANCE * math.abs(case.value) + 1e-9, "value at once")
    check.near(value, case.value, TOLERANCE * math.abs(case.value) + 1e-9, "value of the plan")
    check.near(distance(dx, wanted), 0, TOLERANCE * norm(wanted) + 1e-12, "gradient, L2")
  end)
end

-- ---- what holds for every loss ----

local EVERY = {
  { "bce" }, { "bce", { weight = 5 } }, { "dice" }, { "dice", { reduce = "image" } }, { "jaccard" },
  { "tversky", { alpha = 0.3, beta = 0.7 } }, { "focal" }, { "focal", { gamma = 0.5 } }, { "focal", { gamma = 0 } },
  { "soft_target", { alpha = 0.5 } }, { "deep_distribution" }, { "deep_distribution", { patch = 2, direction = "js" } },
  { "deep_distribution", { direction = "teacher_student", scale = "fraction", tau = 0.1 } },
  { "deep_distribution", { count = "hard" } }, { "kl_divergence" }, { "kl_divergence", { direction = "js" } },
  { "kl_divergence", { direction = "student_teacher", tau = 2 } }, { "mse" }, { "cldice" }, { "cldice", { reduce = "image", iterations = 2 } },
  { "focal_tversky" }, { "focal_tversky", { gamma = 2, reduce = "image" } }, { "generalised_dice" }, { "generalised_dice", { reduce = "image" } },
  { "lovasz" }, { "lovasz", { reduce = "image" } }, { "boundary" }, { "skeleton_recall" }, { "skeleton_recall", { reduce = "image", radius = 0 } },
}

local function name_of(row) return tostring(ra.loss[row[1]](row[2])) end

for _, row in ipairs(EVERY) do
  local loss = ra.loss[row[1]](row[2])
  local needs_teacher = row[2] and (row[2].direction == "student_teacher" and row[1] == "kl_divergence" or row[1] == "soft_target")

  check.case("finite at the extremes: " .. name_of(row), function()
    local shape = { 2, 1, 8, 8 }
    local extremes = { -100, 100, 0, -50, 50, 88, -88 }
    for _, logit in ipairs { -100, 100, 0, false } do
      local x = make(shape, function(k) return logit or extremes[k % 7 + 1] end)
      local t = make(shape, function(k) return extremes[(k * 3) % 7 + 1] end)
      for _, fill in ipairs { 0, 1 } do
        local y = make(shape, function() return fill end)
        for _, teacher in ipairs { t, needs_teacher and t or nil } do
          local value, dx = grad(loss, x, y, teacher)
          check.ok(is_finite(value), ("value %g at mask %d"):format(value, fill))
          check.ok(is_finite(norm(dx)), ("gradient not finite at mask %d"):format(fill))
        end
        if not needs_teacher then
          local value, dx = grad(loss, x, y)
          check.ok(is_finite(value) and is_finite(norm(dx)), ("not finite at mask %d without a teacher"):format(fill))
        end
      end
    end
  end)

  check.case("same bits for 1 and 2 threads: " .. name_of(row), function()
    local shape = { 3, 1, 96, 101 } -- several chunks, none of them full
    local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
    local threads = ffi.C.ra_threads()
    ffi.C.ra_threads_set(1)
    local one, dx1 = grad(loss, x, y, t)
    ffi.C.ra_threads_set(2)
    local two, dx2 = grad(loss, x, y, t)
    ffi.C.ra_threads_set(threads)
    check.equal(two, one, "value")
    check.ok(same_bits(dx1, dx2), "gradients differ")
  end)

  check.case("the norm of the gradient: " .. name_of(row), function()
    local shape = { 3, 1, 50, 61 }
    local recorder = graph.recorder { train = false }
    local x = recorder:input(shape)
    local dx = ra.zeros(unpack(shape))
    local term = loss(x, lines_mask(shape), lines_logits(shape, 5))
    local total = term * 3 -- a weight: the norm is that of weight x term
    local plan = assert(recorder:plan { outputs = { total }, loss = total, gradients = { { x, dx } } })
    plan:bind(x, lines_logits(shape, 0))
    plan:run { seed = 1 }
    check.near(plan:gradient_norm(term), norm(dx), 1e-5 * norm(dx) + 1e-30, "norm")
  end)
end

-- ---- pixels outside, weights of pixels ----

for _, row in ipairs(EVERY) do
  local loss = ra.loss[row[1]](row[2])

  check.case("pixels outside count for nothing, whatever they hold: " .. name_of(row), function()
    local shape = { 2, 1, 13, 17 }
    local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
    local inside = make(shape, function(k) return k % 5 == 0 and 0.4 or 0.5 end)
    local value, dx = grad(loss, x, y, t, { inside = inside })
    for k = 0, x.size - 1, 5 do
      check.equal(dx.data[k], 0, "gradient outside")
      x.data[k], y.data[k], t.data[k] = 0 / 0, 0 / 0, 0 / 0
    end
    local other, dx_other = grad(loss, x, y, t, { inside = inside })
    check.equal(other, value, "value with NaN outside")
    check.ok(same_bits(dx_other, dx), "gradient with NaN outside")
    local may_be_zero = row[2] and row[2].count == "hard" or row[1] == "lovasz" -- its hinge is content with these logits
    check.ok(is_finite(value) and (norm(dx) > 0 or may_be_zero), "there is a gradient inside")
  end)

  check.case("weights of 1 and everything inside change nothing: " .. name_of(row), function()
    local shape = { 2, 1, 13, 17 }
    local x, y, t, ones = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5), ra.ones(unpack(shape))
    local wanted, dx = grad(loss, x, y, t)
    for _, more in ipairs { { inside = ones }, { weight = ones }, { inside = ones, weight = ones } } do
      local value, other = grad(loss, x, y, t, more)
      check.equal(value, wanted, "value")
      check.ok(same_bits(other, dx), "gradient")
    end
  end)

  check.case("nothing inside: no loss and no gradient: " .. name_of(row), function()
    local shape = { 2, 1, 13, 17 }
    local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
    for _, more in ipairs { { inside = ra.zeros(unpack(shape)) }, { weight = ra.zeros(unpack(shape)) } } do
      local value, dx = grad(loss, x, y, t, more)
      check.equal(value, 0, "value")
      check.equal(norm(dx), 0, "gradient")
    end
  end)

  check.case("weights and pixels outside: same bits for 1 and 2 threads, and the norm: " .. name_of(row), function()
    local shape = { 3, 1, 96, 101 }
    local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
    local more = { inside = make(shape, function(k) return k % 101 < 60 and 1 or 0 end), weight = make(shape, function(k) return k % 3 end) }
    local threads = ffi.C.ra_threads()
    ffi.C.ra_threads_set(1)
    local one, dx1 = grad(loss, x, y, t, more)
    ffi.C.ra_threads_set(2)
    local two, dx2 = grad(loss, x, y, t, more)
    ffi.C.ra_threads_set(threads)
    check.equal(two, one, "value")
    check.ok(same_bits(dx1, dx2), "gradients differ")
    local recorder, dx = graph.recorder { train = false }, ra.zeros(unpack(shape))
    local input = recorder:input(shape)
    local term = loss(input, y, t, more)
    local plan = assert(recorder:plan { outputs = { term }, loss = term, gradients = { { input, dx } } })
    plan:bind(input, x)
    plan:run()
    check.near(plan:gradient_norm(term), norm(dx), 1e-5 * norm(dx) + 1e-30, "norm")
    check.ok(same_bits(dx, dx1), "a plan's gradient")
  end)
end

check.case("a weight of 2 is that pixel twice", function()
  local shape = { 1, 1, 1, 40 }
  local x, y, t = lines_logits(shape, 0), make(shape, function(k) return k % 3 == 0 and 1 or 0 end), lines_logits(shape, 5)
  local function doubled(source) return make({ 1, 1, 1, 60 }, function(k) return source.data[k < 40 and k or k - 40] end) end
  local weight = make(shape, function(k) return k < 20 and 2 or 1 end)
  for _, row in ipairs(EVERY) do
    local of_shape = row[1]:find "deep" or row[1] == "cldice" or row[1] == "boundary" or row[1] == "skeleton_recall"
    if not of_shape then
      local loss = ra.loss[row[1]](row[2])
      local wanted = loss(doubled(x), doubled(y), doubled(t))
      check.near(loss(x, y, t, { weight = weight }), wanted, 1e-5 * math.abs(wanted), name_of(row))
    end
  end
end)

check.case("a weight that is an input and bce's option of that name", function()
  local shape = { 1, 1, 5, 6 }
  local x, y, w = lines_logits(shape, 0), make(shape, function(k) return k % 4 == 0 and 1 or 0 end), make(shape, function(k) return k % 3 end)
  check.equal(ra.loss.bce { weight = 3 }(x, y, nil, { weight = w }), ra.F.bce(x, y, nil, nil, w, { weight = 3 }))
  check.equal(ra.loss.bce()(x, y, nil, { weight = w }), ra.F.bce(x, y, { weight = w }))
  check.raises("prediction [1,1,5,6] and inside [5,6] must have one shape", function() ra.loss.dice()(x, y, nil, { inside = ra.ones(5, 6) }) end)
end)

check.case("instruction sets agree", function()
  local shape = { 1, 1, 33, 47 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local active = ffi.string(ffi.C.ra_isa())
  for _, row in ipairs(EVERY) do
    local loss = ra.loss[row[1]](row[2])
    ffi.C.ra_isa_set("generic")
    local wanted, dx = grad(loss, x, y, t)
    for _, isa in ipairs(check.kernel_sets()) do
      ffi.C.ra_isa_set(isa)
      local value, other = grad(loss, x, y, t)
      check.near(value, wanted, 1e-5 * math.abs(wanted), name_of(row) .. " with " .. isa)
      check.near(distance(other, dx), 0, 1e-5 * norm(dx) + 1e-30, name_of(row) .. " gradient with " .. isa)
    end
  end
  ffi.C.ra_isa_set(active)
end)

check.case("losses of one prediction add their gradients", function()
  local shape = { 2, 1, 7, 9 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local parts = { ra.loss.dice(), ra.loss.bce(), ra.loss.soft_target { alpha = 0.3 }, ra.loss.deep_distribution { patch = 3 } }
  local value, dx = ra.grad(function(p)
    local sum
    for _, loss in ipairs(parts) do
      local term = loss(p, y, t)
      sum = sum and sum + term or term
    end
    return sum
  end, x)
  local wanted, expected = 0, ra.zeros(unpack(shape))
  for _, loss in ipairs(parts) do
    local v, d = grad(loss, x, y, t)
    wanted = wanted + v
    for k = 0, d.size - 1 do expected.data[k] = expected.data[k] + d.data[k] end
  end
  check.near(value, wanted, 1e-5, "sum")
  check.near(distance(dx, expected), 0, 1e-6 * norm(expected), "gradient")
end)

check.case("a mean over many tiles is the mean over one", function()
  -- 30 x 24 logits repeated 40 times: 28,800 pixels, four chunks, the last tile not full
  local small, large = { 1, 1, 30, 24 }, { 40, 1, 30, 24 }
  local function field(phase) return function(k) return 3 * math.sin(0.7 * (k % 720) + phase) end end
  local function vessel(k) return (k % 720) % 5 == 0 and 1 or 0 end
  for _, row in ipairs(EVERY) do
    local of_sums = row[1]:find "dice" or row[1]:find "tversky" or row[1]:find "recall" or row[1] == "jaccard"
    if not of_sums or row[1] ~= "cldice" and row[2] and row[2].reduce then
      local loss = ra.loss[row[1]](row[2])
      local a, da = grad(loss, make(small, field(0)), make(small, vessel), make(small, field(1)))
      local b, db = grad(loss, make(large, field(0)), make(large, vessel), make(large, field(1)))
      check.near(b, a, 1e-5 * math.abs(a), name_of(row))
      check.near(norm(db) * math.sqrt(40), norm(da), 1e-5 * norm(da) + 1e-30, name_of(row) .. " gradient")
    end
  end
end)

-- ---- single losses ----

check.case("cldice: 0 for the mask itself, also where it is empty; a gap in the line costs more than missing pixels at its border", function()
  local shape = { 1, 1, 40, 60 }
  local function band(top, bottom, gap) return make(shape, function(k)
    local row, column = math.floor(k / 60), k % 60
    return row >= top and row <= bottom and not (gap and column >= 28 and column <= 31) and 1 or 0
  end) end
  local loss, y = ra.loss.cldice { input = "prob" }, band(16, 22)
  check.near(loss(y, y), 0, 1e-5, "the mask itself")
  check.near(loss(ra.zeros(unpack(shape)), ra.zeros(unpack(shape))), 0, 1e-6, "nothing")
  local thin, broken = loss(band(17, 21), y), loss(band(16, 22, true), y)
  check.ok(broken > 3 * thin, ("a gap of 28 pixels %g, a border of 120 pixels %g"):format(broken, thin))
end)

check.case("soft_target with alpha = 0 is bce, with and without a teacher", function()
  local shape = { 2, 1, 6, 7 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local bce, dx = grad(ra.loss.bce(), x, y)
  for _, teacher in ipairs { false, t } do
    local value, other = grad(ra.loss.soft_target { alpha = 0 }, x, y, teacher or nil)
    check.equal(value, bce, "value")
    check.ok(same_bits(dx, other), "gradient")
  end
end)

check.case("soft_target with alpha = 1 has no gradient where student and teacher agree", function()
  local shape = { 1, 1, 5, 6 }
  local x, y = lines_logits(shape, 0), lines_mask(shape)
  local _, dx = grad(ra.loss.soft_target { alpha = 1 }, x, y, x)
  check.near(norm(dx), 0, 1e-7, "gradient")
end)

check.case("a schedule for alpha is read at each run", function()
  local shape = { 1, 1, 5, 6 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local recorder = graph.recorder { train = false }
  local node = ra.loss.soft_target { alpha = ra.ramp(0, 0.5, 10) }(recorder:input(shape), y, t)
  local plan = assert(recorder:plan { outputs = { node } })
  plan:bind(recorder:node(0), x)
  for _, epoch in ipairs { 0, 4, 10 } do
    plan:set_time(epoch, 10, 0)
    plan:run { seed = 1 }
    check.near(plan:scalar(1), ra.loss.soft_target { alpha = 0.05 * epoch }(x, y, t), 1e-6, "epoch " .. epoch)
  end
end)

check.case("divergences are 0, with no gradient, where student and teacher are the same", function()
  local shape = { 2, 1, 9, 11 }
  local x = lines_logits(shape, 0)
  for _, direction in ipairs { "student_teacher", "teacher_student", "js" } do
    for _, loss in ipairs { ra.loss.deep_distribution { patch = 4, tau = 1, direction = direction },
      ra.loss.deep_distribution { scale = "fraction", tau = 0.1, direction = direction },
      ra.loss.kl_divergence { tau = 2, direction = direction } } do
      local value, dx = grad(loss, x, nil, x)
      check.near(value, 0, 1e-7, tostring(loss))
      check.near(norm(dx), 0, 1e-8, tostring(loss) .. " gradient")
    end
  end
  check.near(ra.loss.mse()(x, nil, x), 0, 0, "mse")
end)

check.case("a divergence is positive, and js at most log 2", function()
  local shape = { 1, 1, 8, 8 }
  local x, t = make(shape, function() return -20 end), make(shape, function() return 20 end)
  for _, l in ipairs { { "kl_divergence" }, { "deep_distribution", patch = 8 } } do
    local function with(direction) return ra.loss[l[1]] { direction = direction, tau = 1, patch = l.patch } end
    check.near(with("js")(x, nil, t), math.log(2), 1e-5, l[1])
    check.ok(with("student_teacher")(x, nil, t) > 1, l[1])
    check.ok(with("teacher_student")(x, nil, t) > 1, l[1])
  end
end)

check.case("deep_distribution: raw counts are silent at a clear majority and spike near one half", function()
  -- METHOD: 64x64 cells, tau 3. One cell is brought to a share of vessel, all others stay at about 12 %.
  local shape = { 1, 1, 256, 256 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local counts = ra.loss.deep_distribution { patches = 16, tau = 3 }
  local value, dx = grad(counts, x, nil, t)
  check.equal(value, 0, "value at clear majorities")
  check.equal(norm(dx), 0, "gradient at clear majorities: exactly 0 in float32")

  local function with_share(share)
    local low, high = -20, 20
    for _ = 1, 40 do
      local shift, sum = (low + high) / 2, 0
      for i = 0, 63 do
        for j = 0, 63 do sum = sum + sigmoid(x.data[i * 256 + j] + shift) end
      end
      if sum / 4096 < share then low = shift else high = shift end
    end
    local z = x:clone()
    for i = 0, 63 do
      for j = 0, 63 do z.data[i * 256 + j] = z.data[i * 256 + j] + low end
    end
    return z
  end
  local function ratio(loss, z)
    local _, d = grad(loss, z, y, t)
    local _, of_dice = grad(ra.loss.dice(), z, y)
    return norm(d) / norm(of_dice)
  end
  check.ok(ratio(counts, with_share(0.5)) > 10000, "spike at one half")
  check.ok(ratio(counts, with_share(0.502)) > 100, "spike 0.2 % from one half")
  check.ok(ratio(counts, with_share(0.51)) < 1e-4, "silence 1 % from one half")
  local shares = ratio(ra.loss.deep_distribution { patches = 16, tau = 3, scale = "fraction" }, with_share(0.5))
  check.ok(shares < 0.1, "shares at tau 3 are nearly flat")
  local sharp = ratio(ra.loss.deep_distribution { patches = 16, tau = 0.1, scale = "fraction" }, with_share(0.5))
  check.ok(sharp > 1 and sharp < 30, "shares at tau 0.1 are of the size of dice")
end)

check.case("deep_distribution: hard counts, gradient straight through", function()
  local x = make({ 1, 1, 4, 4 }, function(k) return k < 5 and 0.5 + k or -0.25 - k / 4 end)
  local t = make({ 1, 1, 4, 4 }, function(k) return k < 9 and 1 or -1 end)
  local value, dx = grad(ra.loss.deep_distribution { patch = 4, tau = 3, count = "hard" }, x, nil, t)
  local us, ut = (2 * 5 - 16) / 3, (2 * 9 - 16) / 3
  local a = sigmoid(us)
  check.near(value, a * (us - ut) + softplus(ut) - softplus(us), 1e-6, "value of the counts 5 and 9")
  for k = 0, 15 do
    local p = sigmoid(x.data[k])
    check.near(dx.data[k], a * (1 - a) * (us - ut) * 2 / 3 * p * (1 - p), 1e-6, "gradient of pixel " .. k)
  end
end)

check.case("deep_distribution: patches, patch and edges name the same cells", function()
  local shape = { 2, 1, 12, 16 }
  local x, t = lines_logits(shape, 0), lines_logits(shape, 5)
  local dd = ra.loss.deep_distribution
  check.equal(dd()(x, nil, t), dd { patches = 16 }(x, nil, t), "default")
  local square = { 1, 1, 12, 12 }
  local a, b = lines_logits(square, 0), lines_logits(square, 5)
  check.equal(dd { patch = 4 }(a, nil, b), dd { patches = 9 }(a, nil, b), "12 / 3 = 4")
  -- 7 columns of cells 3: the cell of one column is there (partial) or not (drop)
  local x7, t7 = lines_logits({ 1, 1, 3, 7 }, 0), lines_logits({ 1, 1, 3, 7 }, 5)
  local function cut(z, first, count) return z:narrow(4, first, count):clone() end
  local d = dd { patch = 3, tau = 1 }
  local both = d(cut(x7, 1, 6), nil, cut(t7, 1, 6))
  check.near(dd { patch = 3, tau = 1, edge = "drop" }(x7, nil, t7), both, 1e-7, "drop")
  local u, v = 0, 0
  for i = 0, 2 do
    u = u + sigmoid(x7.data[i * 7 + 6])
    v = v + sigmoid(t7.data[i * 7 + 6])
  end
  u, v = 2 * u - 3, 2 * v - 3
  local last = sigmoid(u) * (u - v) + softplus(v) - softplus(u)
  check.near(d(x7, nil, t7), (2 * both + last) / 3, 1e-6, "partial counts its own area")
  local _, dx = grad(dd { patch = 3, tau = 1, edge = "drop" }, x7, nil, t7)
  for i = 0, 2 do check.equal(dx.data[i * 7 + 6], 0, "a dropped pixel has no gradient") end
end)

check.case("deep_distribution: a picture wider than a tile equals its transpose", function()
  local wide, tall = { 1, 1, 7, 1300 }, { 1, 1, 1300, 7 }
  local function at(k, phase) return 2 * math.sin(0.37 * k + phase) end
  local function transposed(phase) return function(k) return at((k % 7) * 1300 + math.floor(k / 7), phase) end end
  for _, patch in ipairs { 3, 7 } do
    local loss = ra.loss.deep_distribution { patch = patch, tau = 1 }
    local a, da = grad(loss, make(wide, function(k) return at(k, 0) end), nil, make(wide, function(k) return at(k, 2) end))
    local b, db = grad(loss, make(tall, transposed(0)), nil, make(tall, transposed(2)))
    check.near(a, b, 1e-6 * math.abs(b), "value")
    for k = 0, db.size - 1 do
      check.near(da.data[(k % 7) * 1300 + math.floor(k / 7)], db.data[k], 1e-9, "gradient")
    end
  end
end)

check.case("deep_distribution: the teacher goes before the mask", function()
  local shape = { 1, 1, 8, 8 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local loss = ra.loss.deep_distribution { patch = 4, tau = 1 }
  check.equal(loss(x, y, t), loss(x, nil, t), "teacher")
  check.ok(loss(x, y) ~= loss(x, y, t), "mask")
end)

check.case("tversky holds dice and jaccard; reduce = image is the mean over pictures", function()
  local shape = { 3, 1, 8, 9 }
  local x, y = lines_logits(shape, 0), lines_mask(shape)
  check.near(ra.loss.tversky { alpha = 0.5, beta = 0.5, smooth = 0.5 }(x, y), ra.loss.dice()(x, y), 1e-6, "dice")
  check.near(ra.loss.tversky { alpha = 1, beta = 1 }(x, y), ra.loss.jaccard()(x, y), 1e-6, "jaccard")
  for _, name in ipairs { "dice", "jaccard", "tversky" } do
    local sum = 0
    for i = 1, 3 do sum = sum + ra.loss[name]()(x:narrow(1, i, 1):clone(), y:narrow(1, i, 1):clone()) end
    check.near(ra.loss[name] { reduce = "image" }(x, y), sum / 3, 1e-6, name)
  end
end)

check.case("dice: an empty picture predicted empty costs nothing", function()
  local x, y = make({ 1, 1, 4, 4 }, function() return -100 end), ra.zeros(1, 1, 4, 4)
  check.near(ra.loss.dice()(x, y), 0, 1e-6, "loss")
end)

check.case("probabilities give what their logits give", function()
  local shape = { 2, 1, 6, 7 }
  local x, y, t = lines_logits(shape, 0), lines_mask(shape), lines_logits(shape, 5)
  local p, q = make(shape, function(k) return sigmoid(x.data[k]) end), make(shape, function(k) return sigmoid(t.data[k]) end)
  for _, row in ipairs(EVERY) do
    local options = { input = "prob" }
    for k, v in pairs(row[2] or {}) do options[k] = v end
    local wanted, dx = grad(ra.loss[row[1]](row[2]), x, y, t)
    local value, dp = grad(ra.loss[row[1]](options), p, y, q)
    check.near(value, wanted, 1e-4 * math.abs(wanted) + 1e-7, name_of(row))
    for k = 0, dp.size - 1 do dp.data[k] = dp.data[k] * p.data[k] * (1 - p.data[k]) end
    check.near(distance(dp, dx), 0, 1e-3 * norm(dx) + 1e-8, name_of(row) .. " gradient")
  end
end)

check.case("what losses refuse", function()
  local x, y = ra.zeros(1, 1, 6, 9), ra.zeros(1, 1, 6, 9)
  local dd = ra.loss.deep_distribution
  check.raises("a mask is needed", function() ra.loss.dice()(x) end)
  check.raises("alpha = 0.5 needs a teacher", function() ra.loss.soft_target { alpha = 0.5 }(x, y) end)
  check.raises("prediction [1,1,6,9] and mask [1,1,9,6] must have one shape", function() ra.loss.bce()(x, ra.zeros(1, 1, 9, 6)) end)
  check.raises("prediction [1,1,6,9] and teacher [6,9] must have one shape", function() dd()(x, y, ra.zeros(6, 9)) end)
  check.raises("prediction wants 4 dimensions", function() dd()(ra.zeros(6, 9), ra.zeros(6, 9)) end)
  check.raises("patches = 15 must be a square number, such as 9 or 16", function() dd { patches = 15 }(x, y) end)
  check.raises("patches = 49 are 7x7 cells, more than the picture of 6x9 has pixels", function() dd { patches = 49 }(x, y) end)
  check.raises("patch = 7 is larger than the picture of 6x9", function() dd { patch = 7 }(x, y) end)
  check.raises("not both", function() dd { patch = 2, patches = 4 }(x, y) end)
  check.raises("infinite against a mask", function() ra.loss.kl_divergence { direction = "student_teacher" }(x, y) end)
  check.raises("tau must be from 0.001", function() dd { tau = 0 } end)
  check.raises("smooth must be from 1e-06", function() ra.loss.dice { smooth = -1 } end)
  check.raises("alpha must be from 0 to 1", function() ra.loss.soft_target { alpha = 1.5 } end)
  check.raises("did you mean 'smooth'", function() ra.loss.dice { smoth = 1 } end)
  check.raises("has no pixels", function() ra.loss.bce()(ra.zeros(0, 1, 4, 4), ra.zeros(0, 1, 4, 4)) end)
end)

check.case("inputs beyond mask and teacher are given by name, and must be ones that the loss names", function()
  local one, classes, y = { ra.randn(1, 1, 6, 6), ra.randn(1, 1, 6, 6) }, { ra.randn(1, 3, 6, 6), ra.randn(1, 3, 6, 6) }, ra.ones(1, 1, 6, 6)
  for _, name in ipairs(ra.loss.names) do
    local loss = ra.loss[name] {}
    local x, t = unpack(name == "cross_entropy" and classes or one)
    local index = require("ramus.lang.ops").specs[name].input_index
    check.raises(name .. ": unknown input 'wieght'", function() loss(x, y, t, { wieght = y }) end)
    local given = { mask = index.mask and y, teacher = index.teacher and t }
    check.equal(loss(x, y, t, {}), ra.F[name](x, given), name)
    if index.weight then check.ok(loss(x, y, t, { weight = y }) == loss(x, y, t, { weight = y }), name) end
  end
  check.raises("mask must be a tensor or a number, given {}", function() ra.loss.dice {} (one[1], {}) end)
end)

check.case("wrong options are errors in the constructor of a loss", function()
  for _, row in ipairs {
    { "deep_distribution", { patches = 15 }, "loss.deep_distribution: patches = 15 must be a square number, such as 9 or 16" },
    { "deep_distribution", { patches = 2.5 }, "patches must be a whole number, got 2.5" },
    { "deep_distribution", { patches = 4, patch = 2 }, "not both" }, { "deep_distribution", { patch = 0 }, "patch must be from 1 to 65536, got 0" },
    { "kl_divergence", { tau_squared = "yes" }, "tau_squared must be true or false, got 'yes'" },
    { "kl_divergence", { tau = {} }, "tau must be a number" }, { "dice", { smooth = 0 / 0 }, "smooth must be from" }, { "dice", 3, "options are a table" },
    { "dice", { reduce = 1 }, "reduce must be of type string" }, { "bce", { input = ra.ramp(0, 1) }, "cannot follow a schedule" },
  } do
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, err = pcall(function() local l = ra.loss[row[1]](row[2]) return l end)
    check.ok(not ok and err:find(row[3], 1, true), ("%s: wanted '%s', got %s"):format(row[1], row[3], tostring(err)))
    check.ok(err:find("test_loss.lua:" .. line .. ":", 1, true), err)
  end
  check.equal(tostring(ra.loss.deep_distribution { patches = 9 }), "deep_distribution{patches=9}", "only what was given is kept")
  check.equal(tostring(ra.loss.deep_distribution { tau = ra.ramp(3, 1) }), "deep_distribution{tau=ra.ramp{ 3, 1 }}")
end)

check.case("ops.schema: every parameter of every op and loss, its default within its own rules", function()
  local ops, options = require "ramus.lang.ops", require "ramus.base.options"
  for _, name in ipairs(ops.names) do
    local schema = ops.schema(name)
    for _, p in ipairs(ops.specs[name].params) do
      local entry = schema[p.name]
      check.ok(entry and entry.type, name .. "." .. p.name)
      if entry.default ~= nil then check.equal(options.value(entry.default, entry), entry.default, name .. "." .. p.name) end
    end
  end
end)
