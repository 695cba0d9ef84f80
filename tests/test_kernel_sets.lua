--- The kernels besides convolution, every instruction set on random shapes with all the edges: transposed convolution
-- against the plain convolution kernel, pooling and batch norm against loops in double precision. Prints the worst error.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local C = ffi.C

local active = ffi.string(C.ra_isa())
local SETS = check.kernel_sets()

local seed = 20251123
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

--- B, C, H, W: odd sizes, one row, one column, one channel, primes, whole vectors, and random ones.
local function shapes()
  local list = { { 1, 1, 1, 1 }, { 2, 3, 1, 37 }, { 2, 3, 37, 1 }, { 1, 1, 13, 67 }, { 3, 16, 16, 32 }, { 1, 17, 19, 23 }, { 2, 40, 9, 66 } }
  for _ = 1, 8 do list[#list + 1] = { 1 + random(3), 1 + random(40), 1 + random(40), 1 + random(80) } end
  return list
end

--- Runs compute(shape, random) on every set and shape; it returns a list of { name, got, wanted, n }.
local function on_every_set(what, tolerance, compute)
  check.case("kernel sets: " .. what, function()
    for _, isa in ipairs(SETS) do
      C.ra_isa_set(isa)
      local worst, where = 0, "-"
      ra.seed(7)
      for _, s in ipairs(shapes()) do
        for _, r in ipairs(compute(s)) do
          local d = check.relative_l2(r[2], r[3], r[4])
          local text = ("%s of [%s]"):format(r[1], table.concat(s, ","))
          if d > worst then worst, where = d, text end
          check.ok(d <= tolerance, ("%s %s: relative L2 error %.3g"):format(isa, text, d))
        end
      end
      print(("  %-20s %-8s worst relative L2 error %.1e (%s)"):format(what, isa, worst, where))
    end
  end)
  C.ra_isa_set(active)
end

-- ---- transposed convolution whose windows do not overlap ----

--- The same by the plain convolution: kind as of ra_conv_run; its x is our y.
local function plain(kind, s, O, k, a, b, n)
  local shape = ffi.new("ra_conv_shape", { s[1], O, s[3] * k, s[4] * k, s[2], k, k, k, k, 0, 0, 1, 1, 1 })
  local out = ffi.new(ffi.real .. "[?]", n)
  check.equal(C.ra_conv_run("generic", kind, C.ra_conv_algo_name(0), shape, a, b, nil, out, false, 1, nil), 0, ffi.message())
  return out
end

on_every_set("conv_transpose2d", 2e-6, function(s)
  local k, O = 1 + random(3), 1 + random(24)
  local x, w = ra.randn(s), ra.randn(s[2], O, k, k)
  local y = ra.F.conv_transpose2d(x, w, { stride = k })
  local dy = ra.randn(y.shape)
  local _, dx, dw = ra.grad(function(a, b) return ra.F.sum(ra.F.mul(ra.F.conv_transpose2d(a, b, { stride = k }), dy)) end, x, w)
  return { { "y", ffi.data(y), plain("data gradient", s, O, k, ffi.data(x), ffi.data(w), y.size), y.size },
    { "dx", ffi.data(dx), plain("forward", s, O, k, ffi.data(dy), ffi.data(w), x.size), x.size },
    { "dw", ffi.data(dw), plain("weight gradient", s, O, k, ffi.data(dy), ffi.data(x), w.size), w.size } }
end)

-- ---- pooling ----

--- fold(values of a window, which index each has) -> its value and the share of the gradient that each index gets.
local function pooled(s, k, stride, x, dy, fold)
  local Ho, Wo = math.floor((s[3] - k) / stride) + 1, math.floor((s[4] - k) / stride) + 1
  local y, dx = ffi.new("double[?]", s[1] * s[2] * Ho * Wo), ffi.new("double[?]", x.size)
  for p = 0, s[1] * s[2] - 1 do
    for i = 0, Ho - 1 do
      for j = 0, Wo - 1 do
        local at = {}
        for u = 0, k - 1 do
          for v = 0, k - 1 do at[#at + 1] = (p * s[3] + i * stride + u) * s[4] + j * stride + v end
        end
        local o = (p * Ho + i) * Wo + j
        local value, share = fold(x, at)
        y[o] = value
        for q, index in ipairs(at) do dx[index] = dx[index] + share[q] * dy[o] end
      end
    end
  end
  return y, dx
end

local function largest(x, at)
  local best, share = 1, {}
  for q, index in ipairs(at) do
    share[q] = 0
    if x.data[index] > x.data[at[best]] then best = q end
  end
  share[best] = 1
  return x.data[at[best]], share
end

local function average(x, at)
  local sum, share = 0, {}
  for q, index in ipairs(at) do sum, share[q] = sum + x.data[index], 1 / #at end
  return sum / #at, share
end

for name, fold in pairs { max_pool2d = largest, avg_pool2d = average } do
  on_every_set(name, 1e-6, function(s)
    local k, stride = 1 + random(3), 1 + random(3)
    if random(2) == 0 then k, stride = 2, 2 end
    if s[3] < k or s[4] < k then k, stride = 1, 1 end
    local x, o = ra.randn(s), { k = k, stride = stride }
    local y = ra.F[name](x, o)
    local dy = ra.randn(y.shape)
    local _, dx = ra.grad(function(a) return ra.F.sum(ra.F.mul(ra.F[name](a, o), dy)) end, x)
    local y2, dx2 = pooled(s, k, stride, x, ffi.data(dy), fold)
    return { { "y", ffi.data(y), y2, y.size }, { "dx", ffi.data(dx), dx2, x.size } }
  end)
end

-- ---- batch norm with the activation that is fused into it, read lazily by a convolution in a plan ----

--- y = relu(g (x - mean) / sqrt(var + eps) + b) per channel over batch and pixels, and dx for dy.
local function normalised(s, x, g, b, dy, eps)
  local area, n = s[3] * s[4], s[1] * s[3] * s[4]
  local y, dx = ffi.new("double[?]", x.size), ffi.new("double[?]", x.size)
  for c = 0, s[2] - 1 do
    local function each(f)
      for k = 0, s[1] - 1 do
        for i = (k * s[2] + c) * area, (k * s[2] + c + 1) * area - 1 do f(i) end
      end
    end
    local mean, var, sum, dot = 0, 0, 0, 0
    each(function(i) mean = mean + x.data[i] / n end)
    each(function(i) var = var + (x.data[i] - mean) ^ 2 / n end)
    local r = 1 / math.sqrt(var + eps)
    local function through(i) return g.data[c] * (x.data[i] - mean) * r + b.data[c] > 0 and dy.data[i] or 0 end
    each(function(i)
      y[i] = math.max(0, g.data[c] * (x.data[i] - mean) * r + b.data[c])
      sum, dot = sum + through(i), dot + through(i) * (x.data[i] - mean) * r
    end)
    each(function(i) dx[i] = g.data[c] * r * (through(i) - sum / n - (x.data[i] - mean) * r * dot / n) end)
  end
  return y, dx
end

on_every_set("batch_norm+relu", 5e-5, function(s)
  if s[1] * s[3] * s[4] < 8 then return {} end -- too few numbers for statistics
  local x, g, b = ra.randn(s), ra.rand(s[2]), ra.randn(s[2])
  local mean, var = ra.zeros(s[2]), ra.ones(s[2])
  local function f(a) return ra.F.relu(ra.F.batch_norm(a, g, b, mean, var, { train = true })) end
  local y, dy = f(x), ra.randn(s)
  local _, dx = ra.grad(function(a) return ra.F.sum(ra.F.mul(f(a), dy)) end, x)
  local y2, dx2 = normalised(s, x, g, b, dy, 1e-5)
  return { { "y", ffi.data(y), y2, x.size }, { "dx", ffi.data(dx), dx2, x.size } }
end)
