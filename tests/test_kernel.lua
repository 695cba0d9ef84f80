--- Convolution kernels and the matrix product: every algorithm of every
-- instruction set against the plain one, on shapes with all the edges.
local check = require "check"
local ffi = require "ramus.base.ffi"
local C = ffi.C

local REAL = ffi.real
local SETS = check.kernel_sets()
local ALGOS = {} -- the first is the reference
while C.ra_conv_algo_name(#ALGOS) ~= nil do ALGOS[#ALGOS + 1] = ffi.string(C.ra_conv_algo_name(#ALGOS)) end
local KINDS = { "forward", "data gradient", "weight gradient" }
local ACTS = { "none", "relu", "leaky_relu" }

--- Numbers in -1..1 from a small congruential generator: the same in every run.
local state = 1
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return math.floor(state / 65536) % n
end
local function fill(n, guard)
  local t = ffi.new(REAL .. "[?]", n + (guard or 0))
  for i = 0, n - 1 do
    state = (state * 1103515245 + 12345) % 2147483648
    t[i] = state / 1073741824 - 1
  end
  return t
end

local function new_shape(B, CH, H, W, O, k, options)
  local p = options or {}
  local s = ffi.new("ra_conv_shape", { B = B, C = CH, H = H, W = W, O = O, kh = p.kh or k, kw = p.kw or k,
    stride_h = p.sh or p.s or 1, stride_w = p.sw or p.s or 1, pad_h = p.ph or p.pad or 0, pad_w = p.pw or p.pad or 0,
    dilation_h = p.dh or p.d or 1, dilation_w = p.dw or p.d or 1, groups = p.groups or 1 })
  local Ho = math.floor((H + 2 * s.pad_h - s.dilation_h * (s.kh - 1) - 1) / s.stride_h) + 1
  local Wo = math.floor((W + 2 * s.pad_w - s.dilation_w * (s.kw - 1) - 1) / s.stride_w) + 1
  if Ho < 1 or Wo < 1 then return nil end
  return { s = s, x = B * CH * H * W, y = B * O * Ho * Wo, C = CH, pixels = B * Ho * Wo, w = O * CH / s.groups * s.kh * s.kw, O = O,
    text = ("B%d C%d %dx%d O%d k%dx%d s%d,%d p%d,%d d%d,%d g%d"):format(B, CH, H, W, O, s.kh, s.kw, s.stride_h, s.stride_w,
      s.pad_h, s.pad_w, s.dilation_h, s.dilation_w, s.groups) }
end

--- Shapes with one row, one column, one channel, primes, tails of every kind.
local function shapes()
  local list = {}
  local function put(...)
    local shape = new_shape(...)
    if shape then list[#list + 1] = shape end
  end
  for _, pad in ipairs { 0, 1, 2 } do
    put(2, 3, 7, 11, 5, 3, { pad = pad })
    put(1, 16, 16, 16, 16, 3, { pad = pad })
    put(2, 17, 19, 67, 23, 3, { pad = pad })
    put(1, 5, 1, 37, 9, 3, { pad = pad })
    put(1, 5, 37, 1, 9, 3, { pad = pad })
    put(3, 1, 13, 66, 1, 3, { pad = pad })
    put(1, 40, 9, 130, 33, 3, { pad = pad })
    put(2, 70, 8, 8, 65, 3, { pad = pad })
  end
  put(4, 33, 40, 36, 19, 3, { pad = 1 }) -- many tiles
  put(1, 144, 15, 18, 36, 3, { pad = 1 }) -- few
  put(3, 72, 24, 22, 70, 3, { pad = 1 })
  put(1, 16, 70, 70, 32, 3, { pad = 1 })
  put(1, 1, 30, 45, 16, 3, { pad = 1 })
  put(2, 16, 21, 34, 1, 3, { pad = 1 })
  put(2, 16, 21, 34, 1, 1)
  put(2, 24, 9, 7, 13, 1)
  put(1, 6, 15, 17, 8, 5, { pad = 2 })
  put(1, 3, 20, 23, 10, 7, { pad = 3, s = 2 })
  put(2, 4, 11, 13, 6, 3, { pad = 1, s = 2 })
  put(2, 4, 11, 13, 6, 2, { s = 2 })
  put(2, 16, 16, 40, 32, 2, { s = 2 })
  put(1, 9, 12, 70, 5, 2, { s = 2 })
  put(1, 3, 16, 16, 8, 4, { s = 4 })
  put(1, 4, 17, 19, 6, 3, { pad = 2, d = 2 })
  put(1, 8, 17, 19, 12, 3, { pad = 1, groups = 4 })
  put(2, 12, 13, 18, 12, 3, { pad = 1, groups = 12 })
  put(1, 6, 13, 18, 6, 5, { pad = 2, groups = 6, s = 2 })
  put(1, 2, 14, 15, 4, 3, { kh = 1, kw = 5, ph = 0, pw = 2, sh = 2, sw = 1, dw = 1 })
  put(1, 2, 14, 15, 4, 3, { kh = 3, kw = 2, ph = 1, sh = 3, sw = 2, dh = 2 })
  for _ = 1, 12 do
    put(1 + random(3), 1 + random(40), 1 + random(50), 1 + random(90), 1 + random(40), 3, { pad = random(2) })
    put(1 + random(2), 1 + random(9), 1 + random(20), 1 + random(40), 1 + random(9), 1 + random(5),
      { pad = random(3), s = 1 + random(3), d = 1 + random(2) })
  end
  return list
end

local function run(isa, kind, algo, shape, a, b, start, n, options)
  local p = options or {}
  local out = ffi.new(REAL .. "[?]", n + 16)
  if start then ffi.copy(out, start, n * ffi.sizeof(REAL)) end
  for i = n, n + 15 do out[i] = 12345 end
  local extras = ffi.new("ra_conv_extras", { scale = p.scale, shift = p.shift, act = p.act, in_scale = p.in_scale,
    in_shift = p.in_shift, in_act = p.in_act, split = p.split or 0, residual = p.onto and out or p.residual })
  if p.moments then extras.mean, extras.var, extras.rstd = p.moments.mean, p.moments.var, p.moments.rstd end
  local code = C.ra_conv_run(isa, kind, algo, shape.s, a, b, extras, out, p.add or false, 1, nil)
  if code ~= 0 then error(ffi.message()) end
  for i = n, n + 15 do
    if out[i] ~= 12345 then error(("%s wrote past its output: %s"):format(algo, shape.text)) end
  end
  return out
end

--- Compares partial moments, merged, with the statistics of y itself, where the algorithm emits any.
local function check_moments(shape, m, y, label)
  if m.rstd[0] < 0 then return end
  local O, per, B = shape.O, shape.pixels / shape.s.B, shape.s.B
  for o = 0, O - 1 do
    local mean, var = 0, 0
    for b = 0, B - 1 do
      for i = 0, per - 1 do mean = mean + y[(b * O + o) * per + i] / shape.pixels end
    end
    for b = 0, B - 1 do
      for i = 0, per - 1 do var = var + (y[(b * O + o) * per + i] - mean) ^ 2 / shape.pixels end
    end
    check.near(m.mean[o], mean, 2e-6 * (math.abs(mean) + math.sqrt(var)) + 1e-12, label .. ": mean of channel " .. o)
    check.near(m.var[o], var, 1e-5 * var + 1e-10, label .. ": variance of channel " .. o)
  end
end

--- All algorithms of all sets on all shapes in one direction; the ways to read (as two segments, with a prologue)
-- and the epilogues (added, with a residual, scaled, activated, with moments) take turns.
-- Every result must be the same bits with 1 and 2 threads.
local function compare(kind)
  local tolerance, worst = REAL == "double" and 1e-12 or 1e-5, {}
  for number, shape in ipairs(shapes()) do
    local x, w, y = fill(shape.x), fill(shape.w), fill(shape.y)
    local turn, p = number % 4, {}
    if shape.C > 1 and number % 3 == 0 then p.split = 1 + number % (shape.C - 1) end
    if kind ~= "data gradient" and number % 5 < 3 then
      p.in_scale, p.in_shift, p.in_act = fill(shape.C), fill(shape.C), ACTS[number % 5 + 1]
    end
    if kind == "forward" then
      if turn > 1 then p.shift = fill(shape.O) end
      if turn > 2 then p.scale = fill(shape.O) end
      p.act = ACTS[turn > 0 and turn % 2 + 2 or 1]
      if number % 7 > 4 then p.onto = true elseif number % 7 > 2 then p.residual = fill(shape.y) end
    else
      p.add = turn % 2 == 1
    end
    local a, b, start, n
    if kind == "forward" then a, b, start, n = x, w, y, shape.y
    elseif kind == "data gradient" then a, b, start, n = y, w, x, shape.x
    else a, b, start, n = x, y, w, shape.w end
    local wanted = run("generic", kind, ALGOS[1], shape, a, b, start, n, p)
    for which = 2, #ALGOS do
      local algo = ALGOS[which]
      for _, isa in ipairs(SETS) do
        if C.ra_conv_can(isa, kind, algo, shape.s) then
          if kind == "forward" and p.act == "none" and not p.onto and not p.residual then
            p.moments = {}
            for _, name in ipairs { "mean", "var", "rstd" } do p.moments[name] = ffi.new(REAL .. "[?]", shape.O, -1) end
          end
          local got = run(isa, kind, algo, shape, a, b, start, n, p)
          if p.moments then check_moments(shape, p.moments, got, algo .. " " .. isa .. ": " .. shape.text) end
          local d = check.relative_l2(got, wanted, n)
          local key = algo .. " " .. isa
          if not worst[key] then worst[key] = { 0, "" } end
          if d > worst[key][1] then worst[key] = { d, shape.text } end
          check.near(d, 0, tolerance, key .. " " .. kind .. ": " .. shape.text)
          C.ra_threads_set(1)
          local again = run(isa, kind, algo, shape, a, b, start, n, p)
          C.ra_threads_set(2)
          for i = 0, n - 1 do
            if got[i] ~= again[i] then error(key .. " " .. shape.text .. ": 1 and 2 threads differ at " .. i) end
          end
        end
      end
    end
  end
  for key, value in pairs(worst) do
    io.write(("  %-17s %-15s worst relative L2 error %.1e (%s)\n"):format(key, kind, value[1], value[2]))
  end
end

local threads = C.ra_threads()
C.ra_threads_set(2)
for _, kind in ipairs(KINDS) do
  check.case("kernel: convolution, " .. kind, function() compare(kind) end)
end

check.case("kernel: plain convolution by hand", function()
  -- x = 1..9, w = 1 at the centre and 2 to its right, padding 1
  local x = ffi.new(REAL .. "[9]", { 1, 2, 3, 4, 5, 6, 7, 8, 9 })
  local w = ffi.new(REAL .. "[9]", { 0, 0, 0, 0, 1, 2, 0, 0, 0 })
  local shape = new_shape(1, 1, 3, 3, 1, 3, { pad = 1 })
  local y = run("generic", "forward", ALGOS[1], shape, x, w, nil, 9)
  local wanted = { 5, 8, 3, 14, 17, 6, 23, 26, 9 }
  for i = 1, 9 do check.equal(y[i - 1], wanted[i], "y[" .. i .. "]") end
end)

check.case("kernel: the chosen algorithm can do every shape", function()
  for _, shape in ipairs(shapes()) do
    for _, isa in ipairs(SETS) do
      for _, kind in ipairs(KINDS) do
        check.ok(C.ra_conv_can(isa, kind, C.ra_conv_chosen(isa, kind, shape.s), shape.s), isa .. " " .. shape.text)
      end
    end
  end
end)

check.case("kernel: matrix product", function()
  local worst = 0
  local sizes = { { 1, 1, 1 }, { 3, 5, 7 }, { 8, 32, 300 }, { 97, 129, 257 }, { 130, 20, 513 }, { 1, 200, 64 },
    { 4, 4, 0 } }
  for _, size in ipairs(sizes) do
    local M, N, depth = size[1], size[2], size[3]
    for mode = 0, 7 do
      local at, bt, add = mode % 2 == 1, math.floor(mode / 2) % 2 == 1, mode >= 4
      local A, B, start = fill(math.max(M * depth, 1)), fill(math.max(N * depth, 1)), fill(M * N)
      local wanted = ffi.new("double[?]", M * N)
      for m = 0, M - 1 do
        for n = 0, N - 1 do
          local sum = add and start[m * N + n] or 0
          for k = 0, depth - 1 do
            sum = sum + (at and A[k * M + m] or A[m * depth + k]) * (bt and B[n * depth + k] or B[k * N + n])
          end
          wanted[m * N + n] = sum
        end
      end
      for _, isa in ipairs(SETS) do
        local got = ffi.new(REAL .. "[?]", M * N)
        ffi.copy(got, start, M * N * ffi.sizeof(REAL))
        check.equal(C.ra_gemm_run(isa, at, bt, M, N, depth, A, B, add, got, 1, nil), 0)
        worst = math.max(worst, check.relative_l2(got, wanted, M * N))
      end
    end
  end
  io.write(("  matrix product: worst relative L2 error %.2g\n"):format(worst))
  check.near(worst, 0, 1e-6, "matrix product")
end)
C.ra_threads_set(threads)
