--- 1x1 convolutions by our kernels and as matrix products by OpenBLAS, in turn, on one thread, one picture: would OpenBLAS be the better choice?
-- The best of several turns; ratios above 1 speak for OpenBLAS.
--
--   build/ramus run tests/bench/pointwise.lua
local ffi = require "ramus.base.ffi"
local ra = require "ramus"
local C, T = ffi.C, ffi.testing()

--- { channels in, out, side of the plane, what has such a layer }
local SHAPES = {
  { 16, 8, 256, "attention gate, level 1" }, { 128, 64, 32, "attention gate, level 4" }, { 32, 64, 64, "residual shortcut" },
  { 256, 512, 16, "residual shortcut, published width" }, { 16, 32, 256, "lateral, level 1" }, { 256, 32, 16, "lateral, level 5" },
  { 384, 96, 128, "SegFormer's fusion" }, { 1024, 256, 64, "SegFormer's fusion, published" }, { 64, 256, 64, "bottleneck, first" },
  { 1024, 256, 14, "bottleneck, last" }, { 512, 2048, 8, "wide and small" }, { 2048, 512, 7, "wider and smaller" },
}
local KINDS = { "forward", "data gradient", "weight gradient" }
local TURNS = 5

local took = ffi.new "double[1]"

--- Seconds of our convolution.
local function ours(kind, s, a, b, y, rounds)
  local shape = ffi.new("ra_conv_shape", { 1, s[1], s[3], s[3], s[2], 1, 1, 1, 1, 0, 0, 1, 1, 1 })
  assert(T.ra_conv_run(nil, kind, nil, shape, ffi.data(a), ffi.data(b), nil, ffi.data(y), false, rounds, took) == 0, ffi.message())
  return took[0]
end

--- Seconds of the product that it is: y = w x, dx = w' dy, dw = dy x'.
local function product(kind, s, a, b, y, rounds)
  local c, o, p = s[1], s[2], s[3] * s[3]
  local ta, tb, M, N, K, left, right = false, false, o, p, c, b, a
  if kind == "data gradient" then ta, M, K = true, c, o
  elseif kind == "weight gradient" then tb, N, K, left, right = true, c, p, b, a end
  T.ra_product_run(ta, tb, M, N, K, ffi.data(left), ffi.data(right), false, ffi.data(y), rounds, took)
  return took[0]
end

C.ra_threads_set(1)
assert(C.ra_blas_set "openblas" == 0, ffi.message())
print(("%s, %s kernels"):format(ffi.string(C.ra_blas()), ffi.string(C.ra_isa())))
print "| in | out | plane | | forward: ours, GFLOP/s | ratio | data gradient | ratio | weight gradient | ratio |\n|---|---|---|---|---|---|---|---|---|---|"
for _, s in ipairs(SHAPES) do
  local c, o, p = s[1], s[2], s[3] * s[3]
  local work, cells = 2 * c * o * p / 1e9, {}
  local rounds = math.max(3, math.min(300, math.floor(0.2 / work)))
  local x, w, dy = ra.rand(c * p), ra.rand(c * o), ra.rand(o * p)
  for _, kind in ipairs(KINDS) do
    local a, b, y = x, w, dy:clone()
    if kind == "data gradient" then a, y = dy, x:clone() elseif kind == "weight gradient" then b, y = dy, w:clone() end
    local mine, theirs = math.huge, math.huge
    for _ = 1, TURNS do
      mine = math.min(mine, ours(kind, s, a, b, y, rounds))
      theirs = math.min(theirs, product(kind, s, a, b, y, rounds))
    end
    cells[#cells + 1] = ("%.1f | %.2f"):format(work / mine, mine / theirs)
  end
  print(("| %d | %d | %dx%d | %s | %s |"):format(c, o, s[3], s[3], s[4], table.concat(cells, " | ")))
end
os.exit(0, true)
