--- Ops against PyTorch's numbers (tests/reference/ops.py), with every kernel set
-- of this machine; the same bits for 1 and 2 threads; errors; what fixtures cannot say.
local check = require "check"
local cjson = require "cjson"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local C = ffi.C
local F = ra.F

local TOLERANCE = 2e-5 -- relative L2; issue: 2e-4

--- The formula of number() in ops.py.
local function number(shape, seed, kind)
  local t = ra.zeros(unpack(shape))
  for i = 0, t.size - 1 do
    local h = (1103515245 * i + 1000003 * (seed + 1)) % 2147483648
    local u = (math.floor(h / 2048) ^ 2 + h) % 2147483648 / 2147483648
    if kind == "pos" then u = 0.5 + 1.5 * u
    elseif kind == "wide" then u = 20 * u - 10
    elseif kind == "far" then u = 1000 + 2 * u
    elseif kind == "label" then u = math.floor(4 * u) - 1
    else u = 2 * u - 1 end
    t.data[i] = u
  end
  return t
end

local function read(path)
  local file = assert(io.open(check.root .. "/tests/reference/ops/" .. path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function as_tensor(v) return type(v) == "number" and ra.tensor { v } or v end

--- Relative L2 distance of t from n float32 numbers.
local function distance(t, wanted)
  local d, n = 0, 0
  for i = 0, t.size - 1 do
    local w = wanted[i]
    d, n = d + (t.data[i] - w) ^ 2, n + w ^ 2
    if t.data[i] ~= t.data[i] then return math.huge end
  end
  return n > 0 and math.sqrt(d / n) or math.sqrt(d)
end

--- y and the gradients of sum(y * w) of one case.
local function evaluate(case, seed)
  local inputs, leaves, places = {}, {}, {}
  for k, spec in ipairs(case.inputs) do
    inputs[k] = number(spec.shape, seed + k - 1, spec.kind)
    if not spec.fixed then
      leaves[#leaves + 1] = inputs[k]
      places[#places + 1] = k
    end
  end
  local n = #inputs
  ra.seed(5)
  local function call(args)
    args[n + 1] = case.options
    return F[case.op](unpack(args, 1, n + 1))
  end
  local y = as_tensor(call { unpack(inputs) })
  if #leaves == 0 then return { y } end
  local w = number(case.shape, seed + 16)
  local results = { ra.grad(function(...)
    local args = { unpack(inputs) }
    for i, node in ipairs { ... } do args[places[i]] = node end
    local out = call(args)
    return F.sum(F.mul(out, w))
  end, unpack(leaves)) }
  results[1] = y
  return results
end

local cases, blobs, at = cjson.decode(read("index.json")), {}, {}
for _, case in ipairs(cases) do
  local blob = blobs[case.group] or read(case.group .. ".f32")
  blobs[case.group] = blob
  local numbers = ffi.cast("const float *", blob)
  local from = at[case.group] or 0
  local size = 1
  for _, d in ipairs(case.shape) do size = size * d end
  case.wanted = { numbers + from }
  from = from + size
  for _, spec in ipairs(case.inputs) do
    if not spec.fixed then
      case.wanted[#case.wanted + 1] = numbers + from
      local n = 1
      for _, d in ipairs(spec.shape) do n = n * d end
      from = from + n
    end
  end
  at[case.group] = from
  local shapes = {}
  for _, spec in ipairs(case.inputs) do shapes[#shapes + 1] = "[" .. table.concat(spec.shape, ",") .. "]" end
  case.name = case.op .. " " .. table.concat(shapes, " ") .. " " .. cjson.encode(case.options)
  -- what a far mean loses is lost in storing it: x and the mean are float32
  case.tolerance = case.inputs[1].kind == "far" and 2e-4 or TOLERANCE
end

local active = ffi.string(C.ra_isa())
for _, isa in ipairs(check.kernel_sets()) do
  for _, case in ipairs(cases) do
    check.case(isa .. " as PyTorch: " .. case.name, function()
      C.ra_isa_set(isa)
      local results = evaluate(case, case.seed)
      local shape = #case.shape > 0 and table.concat(case.shape, ",") or "1"
      check.equal(table.concat(results[1].shape, ","), shape, "shape")
      for i, wanted in ipairs(case.wanted) do
        local d = distance(results[i], wanted)
        local what = i == 1 and "value" or "gradient " .. i - 1
        check.ok(d <= case.tolerance, ("%s: relative L2 %.3g, tolerance %g"):format(what, d, case.tolerance))
      end
    end)
  end
end
C.ra_isa_set(active)

-- ---- threads ----

local function same_bits(a, b, what)
  check.equal(a.size, b.size, what .. " size")
  if ffi.string(ffi.data(a), a.size * ffi.sizeof("ra_real")) ~= ffi.string(ffi.data(b), b.size * ffi.sizeof("ra_real")) then
    error(what .. ": bits differ between 1 and 2 threads", 0)
  end
end

local function threads_case(case, seed)
  check.case("same bits with 1 and 2 threads: " .. case.name, function()
    local before = C.ra_threads()
    C.ra_threads_set(1)
    local one = evaluate(case, seed)
    C.ra_threads_set(2)
    local two = evaluate(case, seed)
    C.ra_threads_set(before)
    for i = 1, #one do same_bits(one[i], two[i], i == 1 and "value" or "gradient " .. i - 1) end
  end)
end
for _, case in ipairs(cases) do threads_case(case, case.seed) end

-- Shapes that are cut into several chunks.
local big = {
  { "conv_transpose2d", { { 2, 16, 32, 40 }, { 16, 8, 2, 2 }, { 8 } }, { stride = 2 }, { 2, 8, 64, 80 } },
  { "max_pool2d", { { 2, 8, 64, 66 } }, {}, { 2, 8, 32, 33 } },
  { "avg_pool2d", { { 2, 8, 64, 66 } }, {}, { 2, 8, 32, 33 } },
  { "upsample", { { 2, 3, 40, 41 } }, { scale = 4, mode = "bilinear" }, { 2, 3, 160, 164 } },
  { "upsample", { { 2, 3, 40, 41 } }, { scale = 2 }, { 2, 3, 80, 82 } },
  { "batch_norm", { { 3, 4, 80, 81 }, { 4 }, { 4 } }, { train = true }, { 3, 4, 80, 81 } },
  { "batch_norm", { { 3, 20, 40, 41 }, { 20 }, { 20 } }, { train = true }, { 3, 20, 40, 41 } },
  { "group_norm", { { 3, 4, 80, 81 }, { 4 }, { 4 } }, { groups = 2 }, { 3, 4, 80, 81 } },
  { "layer_norm", { { 300, 130 }, { 130 }, { 130 } }, {}, { 300, 130 } },
  { "softmax", { { 2, 5, 90, 91 } }, {}, { 2, 5, 90, 91 } },
  { "linear", { { 3, 300, 70 }, { 130, 70 }, { 130 } }, {}, { 3, 300, 130 } },
  { "attention", { { 2, 300, 32 }, { 2, 290, 32 }, { 2, 290, 32 }, { 2, 300, 290 } }, { heads = 2 }, { 2, 300, 32 } },
  { "attention", { { 2, 3, 70, 16 }, { 2, 3, 70, 16 }, { 2, 3, 70, 16 } }, {}, { 2, 3, 70, 16 } },
  { "window_bias", { { 169, 3 }, { 1, 30, 30, 1 } }, { shift = 3 }, { 5, 5, 3, 49, 49 } },
  { "gelu", { { 70000 } }, {}, { 70000 } },
  { "mul", { { 2, 3, 100, 90 }, { 1, 3, 1, 1 } }, {}, { 2, 3, 100, 90 } },
  { "mul", { { 50000 }, { 1 } }, {}, { 50000 } },
  { "add", { { 300, 200 }, { 200 } }, {}, { 300, 200 } },
  { "sum", { { 3, 100, 200 } }, {}, {} },
  { "mean", { { 3, 100, 200 } }, { dim = { 1, 3 } }, { 100 } },
  { "matmul", { { 6, 70, 80 }, { 80, 90 } }, {}, { 6, 70, 90 } },
  { "permute", { { 4, 20, 30, 40 } }, { dims = { 1, 3, 4, 2 } }, { 4, 30, 40, 20 } },
  { "pad", { { 4, 8, 40, 50 } }, { pad = { 3, 4, 5, 6 }, mode = "edge" }, { 4, 8, 51, 57 } },
  { "dropout", { { 50000 } }, { p = 0.3, train = true }, { 50000 } },
}
for n, entry in ipairs(big) do
  local case = { op = entry[1], inputs = {}, options = entry[3], shape = entry[4] }
  case.name = "large " .. entry[1] .. " " .. n
  for k, shape in ipairs(entry[2]) do case.inputs[k] = { shape = shape } end
  threads_case(case, 1000 + 17 * n)
end

-- ---- one node in two places, and steps in place ----

check.case("gradients where both inputs are one node", function()
  local x = ra.tensor { 0.5, -2, 3 }
  local function gradient(f)
    local _, g = ra.grad(function(v) return F.sum(f(v * 1)) end, x)
    return g:totable()
  end
  for i, v in ipairs { 0.5, -2, 3 } do
    check.near(gradient(function(a) return F.mul(a, a) end)[i], 2 * v, 1e-5, "x * x")
    check.near(gradient(function(a) return F.add(a, a) end)[i], 2, 1e-6, "x + x")
    check.near(gradient(function(a) return F.sub(a, a) end)[i], 0, 1e-6, "x - x")
    check.near(gradient(function(a) return F.div(a, a) end)[i], 0, 1e-5, "x / x")
    check.near(gradient(function(a) return F.add(F.relu(a), F.exp(F.mul(a, a))) end)[i],
      (v > 0 and 1 or 0) + 2 * v * math.exp(v * v), 2e-5 * math.exp(v * v), "relu(x) + exp(x x)")
  end
end)

-- ---- dropout ----

check.case("dropout: rate, scale, and the mask again in the gradient", function()
  local n, p = 100000, 0.3
  local x = ra.ones(n)
  ra.seed(3)
  local y = F.dropout(x, { p = p, train = true })
  local zeros = 0
  for i = 0, n - 1 do
    local v = y.data[i]
    if v == 0 then zeros = zeros + 1 else check.near(v, 1 / (1 - p), 1e-6, "kept value") end
  end
  check.near(zeros / n, p, 4 * math.sqrt(p * (1 - p) / n), "share of zeros")
  local kept
  local value, g = ra.grad(function(v)
    local d = F.dropout(v, { p = p, train = true })
    kept = d
    return F.sum(d)
  end, x)
  check.ok(kept, "recorded")
  local sum = 0
  for i = 0, n - 1 do sum = sum + g.data[i] end
  check.near(sum / value, 1, 1e-5, "sum of the gradient against sum of the value")
  check.equal(F.dropout(x, { p = p }).data[5], 1, "evaluation")
  ra.seed(3)
  same_bits(y, F.dropout(x, { p = p, train = true }), "same seed")
  check.ok(F.dropout(x, { p = 1, train = true }):stats().max == 0, "p = 1 leaves nothing")
end)

-- ---- values at the edge ----

check.case("NaN and infinity pass through", function()
  local nan, inf = 0 / 0, math.huge
  local x = ra.tensor { nan, -inf, inf, 0 }
  local function value(name, i, opts) return F[name](x, opts or {}):totable()[i] end
  for _, name in ipairs { "relu", "sigmoid", "tanh", "exp", "gelu", "silu", "softplus", "log", "sqrt", "abs" } do
    check.ok(value(name, 1) ~= value(name, 1), name .. "(NaN) must be NaN")
  end
  local clamped = value("clamp", 1, { min = 0, max = 1 })
  check.ok(clamped ~= clamped, "clamp(NaN) must be NaN")
  check.equal(value("exp", 2), 0, "exp(-inf)")
  check.equal(value("exp", 3), inf, "exp(inf)")
  check.equal(value("sigmoid", 2), 0, "sigmoid(-inf)")
  check.equal(value("tanh", 2), -1, "tanh(-inf)")
  check.equal(value("log", 4), -inf, "log(0)")
  check.equal(value("softplus", 3), inf, "softplus(inf)")
  local top = F.max(x)
  check.ok(top ~= top, "max with NaN must be NaN")
  local least = F.min(x)
  check.ok(least ~= least, "min with NaN must be NaN")
  check.equal(F.argmax(x, { dim = 1 }), 0, "argmax gives the place of NaN, from 0")
  check.equal(F.eq(x, x):get(1), 0, "NaN equals nothing")
  local pooled = F.max_pool2d(F.reshape(x, { shape = { 1, 1, 2, 2 } })):totable()[1][1][1][1]
  check.ok(pooled ~= pooled, "max_pool2d with NaN must be NaN")
end)

check.case("vector functions to 3 units in the last place", function()
  local function sigmoid(v) return 1 / (1 + math.exp(-v)) end
  local truth = { exp = math.exp, tanh = math.tanh, log = math.log, sigmoid = sigmoid }
  for name, f in pairs(truth) do
    local n = 20000
    local x = ra.zeros(n)
    for i = 0, n - 1 do x.data[i] = name == "log" and math.exp(-80 + 160 * i / n) or -80 + 160 * i / n end
    local y, worst = F[name](x), 0
    for i = 0, n - 1 do
      local v = f(tonumber(x.data[i]))
      local _, exponent = math.frexp(v)
      worst = math.max(worst, math.abs(y.data[i] - v) / 2 ^ (exponent - 24))
    end
    check.ok(worst <= 3, ("%s: %.2f units"):format(name, worst))
  end
end)

check.case("statistics of a channel far from 0 keep their variance", function()
  local x = ra.zeros(2, 1, 64, 64)
  for i = 0, x.size - 1 do x.data[i] = 4096 + (i % 2) * 2 end -- mean 4097, deviation 1
  local y = F.batch_norm(x, { train = true })
  for i = 0, 100 do check.near(y.data[i], i % 2 == 0 and -1 or 1, 1e-3, "element") end
end)

check.case("batch_norm moves the running averages as PyTorch", function()
  local x = ra.tensor { { { { 1, 2 }, { 3, 6 } } }, { { { 0, 4 }, { 5, 3 } } } }
  local mean, var = ra.zeros(1), ra.ones(1)
  F.batch_norm(x, { train = true, mean = mean, var = var, momentum = 0.1 })
  check.near(mean.data[0], 0.3, 1e-6, "mean")
  check.near(var.data[0], 0.9 + 0.1 * 4, 1e-6, "unbiased variance") -- sum of squares 28 / 7
end)

check.case("stochastic depth drops whole samples, the same ones again in the gradient", function()
  local x = ra.rand(4000, 3)
  ra.seed(3)
  local y, kept = F.drop_path(x, { p = 0.25, train = true }), 0
  for b = 1, 4000 do
    local on = y:get(b, 1) ~= 0
    kept = kept + (on and 1 or 0)
    for i = 1, 3 do check.near(y:get(b, i), on and x:get(b, i) / 0.75 or 0, 1e-6, "sample " .. b) end
  end
  check.near(kept / 4000, 0.75, 0.03, "kept")
  check.equal(F.drop_path(x, { p = 0.25 }):get(7, 2), x:get(7, 2), "evaluation")
  check.equal(F.max(F.drop_path(x, { p = 1, train = true })), 0, "p = 1")
end)

check.case("attention over many keys", function()
  -- far scores do not overflow, and a mask of -100 leaves its key out
  local q, v = ra.ones(1, 3, 4) * 1000, ra.rand(1, 5, 2)
  local y = F.attention(q, ra.ones(1, 5, 4) * 1000, v)
  check.near(y:get(1, 2, 1), F.mean(v, { dim = 2 }):get(1, 1), 1e-5, "equal scores")
  local bias = ra.tensor { { 0, -100, -100, -100, -100 }, { -100, -100, 0, -100, -100 }, { 0, -100, -100, -100, 0 } }
  local masked = F.attention(ra.zeros(1, 3, 4), ra.zeros(1, 5, 4), v, bias)
  check.near(masked:get(1, 2, 2), v:get(1, 3, 2), 1e-6, "one key")
  check.near(masked:get(1, 3, 1), (v:get(1, 1, 1) + v:get(1, 5, 1)) / 2, 1e-6, "two keys")
end)

check.case("dimensions of size 0", function()
  check.equal(F.relu(ra.zeros(0, 3)):numel(), 0)
  check.equal(F.sum(ra.zeros(0, 3)), 0, "sum of nothing")
  check.equal(F.sum(ra.zeros(0, 3), { dim = 1 }):totable()[2], 0, "sum over nothing")
  check.ok(F.mean(ra.zeros(0)) ~= F.mean(ra.zeros(0)), "mean of nothing is NaN")
  check.raises("no element", F.max, ra.zeros(0, 3), { dim = 1 })
  check.raises("no element", F.min, ra.zeros(0, 3), { dim = 1 })
  check.equal(F.argmax(ra.zeros(0, 3)):numel(), 0)
  check.equal(F.attention(ra.zeros(0, 2, 3), ra.zeros(0, 4, 3), ra.zeros(0, 4, 3)):numel(), 0)
  check.equal(F.window_partition(ra.zeros(0, 3, 4, 1)):numel(), 0)
  check.equal(F.where(ra.zeros(0, 3), 1, ra.ones(3)):numel(), 0)
  check.equal(F.arange { n = 0 }:numel(), 0)
  check.equal(F.linear(ra.zeros(2, 0), ra.zeros(3, 0), ra.ones(3)):totable()[2][3], 1, "linear of nothing is the bias")
  check.equal(F.matmul(ra.zeros(2, 0), ra.zeros(0, 3)):totable()[2][3], 0, "matmul over nothing")
  check.equal(F.add(ra.zeros(0, 3), ra.ones(3)):numel(), 0)
  check.equal(table.concat(F.narrow(ra.zeros(3, 2), { dim = 1, first = 2, count = 0 }).shape, ","), "0,2")
  check.raises("does not fit", F.max_pool2d, ra.zeros(1, 1, 0, 4))
  check.raises("does not fit", F.avg_pool2d, ra.zeros(1, 1, 0, 4))
  check.raises("cannot become", F.upsample, ra.zeros(1, 1, 0, 4), { scale = 2 })
  check.equal(F.max_pool2d(ra.zeros(0, 3, 4, 4)):numel(), 0)
  check.equal(F.upsample(ra.zeros(0, 3, 4, 4), { scale = 2 }):numel(), 0)
  check.equal(F.softmax(ra.zeros(2, 0), { dim = 2 }):numel(), 0)
  check.equal(F.group_norm(ra.zeros(0, 4, 2), { groups = 2 }):numel(), 0)
  check.equal(F.layer_norm(ra.zeros(0, 4)):numel(), 0)
  check.equal(F.permute(ra.zeros(0, 4), { dims = { 2, 1 } }):numel(), 0)
  check.equal(F.pad_to(ra.zeros(0, 1, 3, 3), { multiple = 4 }):numel(), 0)
end)

check.case("shape errors say what was given", function()
  local x = ra.zeros(2, 3, 4, 5)
  local wrong = {
    { "do not broadcast", "add", x, ra.zeros(2, 1, 1) },
    { "do not broadcast", "mul", ra.zeros(3), ra.zeros(4) },
    { "4 dimensions", "max_pool2d", ra.zeros(3, 4) },
    { "half of k", "max_pool2d", x, { k = 2, pad = 2 } },
    { "does not fit", "avg_pool2d", x, { k = 7 } },
    { "either scale or size", "upsample", x },
    { "either scale or size", "upsample", x, { scale = 2, size = { 4, 4 } } },
    { "cannot become", "upsample", x, { scale = 0.1 } },
    { "channels", "conv_transpose2d", x, ra.zeros(4, 3, 2, 2) },
    { "output_pad", "conv_transpose2d", x, ra.zeros(3, 3, 2, 2), { stride = 2, output_pad = 2 } },
    { "leave no output", "conv_transpose2d", x, ra.zeros(3, 3, 2, 2), { pad = 9 } },
    { "must divide", "group_norm", x, { groups = 2 } },
    { "one a channel", "group_norm", x, ra.zeros(4), { groups = 3 } },
    { "last 1 dim", "layer_norm", x, ra.zeros(4) },
    { "fewer than dims", "layer_norm", ra.zeros(3), { dims = 2 } },
    { "dim = 3", "softmax", ra.zeros(2, 2), { dim = 3 } },
    { "do not fit", "matmul", ra.zeros(2, 3), ra.zeros(4, 5) },
    { "do not fit", "matmul", ra.zeros(2, 3, 4), ra.zeros(3, 4, 5) },
    { "named once", "permute", ra.zeros(2, 3), { dims = { 1, 1 } } },
    { "2 dimensions are given", "permute", x, { dims = { 1, 2 } } },
    { "has 120 elements", "reshape", x, { shape = { 7, 7 } } },
    { "cannot fill", "reshape", x, { shape = { 7, -1 } } },
    { "only one size", "reshape", x, { shape = { -1, -1 } } },
    { "do not fit", "narrow", x, { dim = 2, first = 3, count = 2 } },
    { "dim = 5", "narrow", x, { dim = 5, first = 1, count = 1 } },
    { "four numbers", "pad", x, { pad = { 1, 2 } } },
    { "reflect wants", "pad", x, { pad = { 5, 0, 0, 0 }, mode = "reflect" } },
    { "cannot be cut", "crop_like", x, ra.zeros(1, 1, 5, 5) },
    { "given twice", "sum", x, { dim = { 2, 2 } } },
    { "dim = 5", "mean", x, { dim = 5 } },
    { "min", "clamp", x },
    { "above max", "clamp", x, { min = 1, max = 0 } },
    { "one element", "pow", x, ra.zeros(2) },
    { "do not fit", "linear", x, ra.zeros(3, 4) },
    { "multiples of heads = 2", "attention", x, x, x, { heads = 2 } },
    { "do not fit", "attention", x, x, ra.zeros(2, 3, 5, 5) },
    { "bias [2,4,4]", "attention", x, x, x, ra.zeros(2, 4, 4) },
    { "do not fit", "attention", ra.zeros(2, 0, 3), ra.zeros(2, 0, 3), ra.zeros(2, 0, 3) },
    { "below window", "window_partition", x, { window = 2, shift = 2 } },
    { "5 dimensions", "window_merge", x, x },
    { "wanted [B,1,1,49,C]", "window_merge", ra.zeros(1, 1, 2, 49, 3), x },
    { "169 relative positions", "window_bias", ra.zeros(168, 2), x },
    { "height and width of ref", "reshape_like", ra.zeros(2, 3, 5), x },
    { "no height and width", "upsample_like", x, ra.zeros(3) },
    { "cannot become", "upsample_like", x, ra.zeros(0, 3) },
    { "samples", "drop_path", ra.tensor(3) },
    { "one an output", "linear", x, ra.zeros(3, 5), ra.zeros(5) },
    { "dim = 5", "argmax", x, { dim = 5 } },
    { "wanted 1 to 2", "argmax", ra.zeros(2, 0) },
    { "do not broadcast", "eq", ra.zeros(2), ra.zeros(3) },
    { "do not broadcast", "where", ra.zeros(2), ra.zeros(3), ra.zeros(3) },
    { "either x", "arange" },
    { "either x", "arange", x, { n = 3 } },
    { "dim = 5", "arange", x, { dim = 5 } },
    { "agree in every dimension", "concat", x, ra.zeros(2, 3, 4, 4) },
  }
  for _, entry in ipairs(wrong) do check.raises(entry[1], F[entry[2]], unpack(entry, 3)) end
end)

check.case("a list without a name is the op's list", function()
  check.equal(table.concat(F.permute(ra.zeros(2, 3, 4), { 3, 1, 2 }).shape, ","), "4,2,3")
  check.equal(table.concat(F.reshape(ra.zeros(2, 3, 4), { 0, -1 }).shape, ","), "2,12")
  check.equal(table.concat(F.pad(ra.zeros(1, 2, 3), { 1, 1, 0, 2, mode = "edge" }).shape, ","), "1,4,5")
  check.raises("unknown option", F.relu, ra.zeros(2), { 1 })
end)

-- ---- tables ----

check.case("tables of ops hold to their capacities; a table with a mistake is found", function()
  local T = ffi.testing()
  check.equal(T.ra_op_check_all(), 0, ffi.message())
  local slots, x = ffi.new("double[64]"), ra.ones(3)
  local in_x = ffi.new("ra_tensor *[1]", { x })
  for name, message in pairs { slots = "slots: its parameters need 21 slots, at most 20", bounds = "bounds: the default of p, 2, is not from 0 to 1",
    act = "act: act goes with role RA_ROLE_ACT" } do
    check.ok(T.ra_op_check(T.ra_op_faulty(name)) ~= 0, name)
    check.ok(ffi.message():find(message, 1, true), ffi.message())
  end
  for name, message in pairs { slots = "need 21 slots", saves = "infer saves more than 5 arrays" } do
    local out = C.ra_op_run(T.ra_op_faulty(name), slots, 1, in_x, require("ramus.lang.graph").arena(), 0, 0)
    check.ok(out == nil, name)
    check.ok(ffi.message():find(message, 1, true), ffi.message())
  end
  check.equal(T.ra_op_check(T.ra_op_faulty "sound"), 0, ffi.message())
end)
