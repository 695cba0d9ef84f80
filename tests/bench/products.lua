--- Matrix products by OpenBLAS and by our own kernel, in turn, on one thread: the measurements behind the choice in
-- core/op/product.c. N plain, T transposed; the best of many rounds.
--
--   build/ramus run tests/bench/products.lua
local ffi = require "ramus.base.ffi"
local ra = require "ramus"
local C, T = ffi.C, ffi.testing()

--- { transposed A, transposed B, M, N, K, what computes such products }
local SHAPES = {
  { 0, 1, 4096, 32, 32, "linear layer" }, { 0, 1, 16384, 64, 32, "linear layer" }, { 0, 1, 4096, 128, 64, "linear layer" },
  { 0, 1, 1024, 640, 160, "linear layer" }, { 0, 1, 784, 3072, 768, "linear layer" },
  { 0, 0, 16384, 32, 64, "its gradient towards x" }, { 0, 0, 1024, 160, 640, "its gradient towards x" },
  { 1, 0, 64, 32, 16384, "its gradient towards the weight" }, { 1, 0, 640, 160, 1024, "its gradient towards the weight" },
  { 1, 0, 768, 768, 196, "its gradient towards the weight" },
  { 0, 1, 96, 256, 32, "attention, q k^T" }, { 0, 1, 96, 1024, 64, "attention, q k^T" }, { 0, 1, 32, 4096, 64, "attention, q k^T" },
  { 0, 1, 49, 49, 32, "attention in windows" }, { 0, 0, 96, 32, 256, "attention, P v" }, { 0, 0, 32, 64, 4096, "attention, P v" },
  { 1, 0, 256, 32, 96, "attention, gradient" }, { 1, 0, 1024, 64, 96, "attention, gradient" },
  { 0, 0, 256, 256, 256, "square" }, { 0, 0, 1024, 1024, 1024, "square" },
  { 0, 0, 8, 8, 8, "small" }, { 0, 1, 1, 256, 256, "a vector" },
}
local TURNS = 5

local function seconds(name, s, a, b, c, rounds)
  assert(C.ra_blas_set(name) == 0, ffi.message())
  local took = ffi.new "double[1]"
  T.ra_product_run(s[1] == 1, s[2] == 1, s[3], s[4], s[5], ffi.data(a), ffi.data(b), false, ffi.data(c), rounds, took)
  return took[0]
end

C.ra_threads_set(1)
assert(C.ra_blas_set "openblas" == 0, ffi.message())
print(("%s, %s kernels"):format(ffi.string(C.ra_blas()), ffi.string(C.ra_isa())))
print "| A, B | M | N | K | ours, GFLOP/s | OpenBLAS | ratio | |\n|---|---|---|---|---|---|---|---|"
for _, s in ipairs(SHAPES) do
  local M, N, K = s[3], s[4], s[5]
  local a, b, c = ra.rand(M * K), ra.rand(K * N), ra.zeros(M * N)
  local rounds = math.max(3, math.min(500, math.floor(2e8 / (M * N * K))))
  local best = { none = math.huge, openblas = math.huge }
  for _ = 1, TURNS do
    for name in pairs(best) do best[name] = math.min(best[name], seconds(name, s, a, b, c, rounds)) end
  end
  local work = 2 * M * N * K / 1e9
  print(("| %s, %s | %d | %d | %d | %.1f | %.1f | %.2f | %s |"):format(s[1] == 1 and "T" or "N", s[2] == 1 and "T" or "N", M, N, K,
    work / best.none, work / best.openblas, best.none / best.openblas, s[6]))
end
