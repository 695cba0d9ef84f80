--- Matrix products by OpenBLAS: the values of our own kernel, the same bits for 1, 2 and 3 threads, none of its own threads, opened
-- only when a product is computed; what a run records of it.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local processes = require "processes"
local C, F = ffi.C, ra.F

local found = ffi.real == "float" and C.ra_blas_set "openblas" == 0
local function must_be_there()
  if not found then check.skip "no libopenblas.so.0 here" end
end

--- Runs Lua code in a process of its own with these variables; what it printed.
local function apart(variables, code)
  local path = check.folder "products" .. "/code.lua"
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local text, status = processes.sh(("%s %s run %s"):format(variables, processes.executable(check.root), path))
  check.equal(status, 0, text)
  return text
end

--- { at, bt, M, N, K }: cut along M, along N, along K, not at all; odd sizes.
local SHAPES = { { false, true, 3000, 50, 37 }, { true, false, 3000, 50, 37 }, { false, false, 70, 3001, 40 }, { true, true, 33, 2900, 70 },
  { true, false, 40, 60, 9000 }, { false, true, 65, 31, 7001 }, { true, true, 30, 30, 8000 }, { false, false, 5, 7, 3 }, { false, true, 1, 9, 300 } }

check.case("OpenBLAS and our kernel compute the same products", function()
  must_be_there()
  local T = ffi.testing()
  for _, s in ipairs(SHAPES) do
    for _, add in ipairs { false, true } do
      local a, b, start, y = ra.randn(s[3] * s[5]), ra.randn(s[5] * s[4]), ra.randn(s[3] * s[4]), {}
      for _, name in ipairs { "none", "openblas" } do
        assert(C.ra_blas_set(name) == 0)
        y[name] = start:clone()
        T.ra_product_run(s[1], s[2], s[3], s[4], s[5], ffi.data(a), ffi.data(b), add, ffi.data(y[name]), 1, nil)
      end
      local d = math.sqrt(F.sum((y.none - y.openblas) ^ 2) / F.sum(y.none ^ 2))
      check.ok(d < 2e-6, ("M, N, K = %d, %d, %d: relative L2 %.3g"):format(s[3], s[4], s[5], d))
    end
  end
end)

local BITS = [[
local ra, ffi = require "ramus", require "ramus.base.ffi"
local F, C = ra.F, ffi.C
local function hash(...)
  local text = {}
  for i, t in ipairs { ... } do text[i] = type(t) == "number" and ("%a"):format(t) or ffi.string(ffi.data(t), t.size * 4) end
  return table.concat(text)
end
local function sums()
  ra.seed(5)
  local x, w, b = ra.randn(9000, 40), ra.randn(70, 40), ra.randn(70)
  local one = hash(ra.grad(function(...) return F.sum(F.linear(...) ^ 2) end, x, w, b))
  local q, k, bias = ra.randn(2, 300, 32), ra.randn(2, 290, 32), ra.randn(2, 300, 290)
  local two = hash(ra.grad(function(a, c, d) return F.sum(F.attention(a, c, c, d, { heads = 2 }) ^ 2) end, q, k, bias))
  local m, n = ra.randn(3, 200, 300), ra.randn(300, 190)
  return one .. two .. hash(ra.grad(function(a, c) return F.sum(F.matmul(a, c) ^ 2) end, m, n))
end
C.ra_threads_set(1)
local first = sums()
for threads = 2, 3 do
  assert(C.ra_threads_set(threads) == 0, ffi.message())
  print(threads, sums() == first)
end
print(ffi.string(C.ra_blas()))
]]

check.case("the same bits for 1, 2 and 3 threads", function()
  for _, variables in ipairs { "RAMUS_THREADS=3", "RAMUS_THREADS=3 RAMUS_BLAS=none" } do
    local text = apart(variables, BITS)
    check.ok(text:find("2\ttrue\n3\ttrue\n", 1, true), variables .. ": " .. text)
    if variables:find "none" then check.ok(text:find "none\n$", text) end
  end
end)

check.case("OpenBLAS is opened by the first product, starts no thread, and leaves the environment as it was", function()
  must_be_there()
  local text = apart("RAMUS_THREADS=2 OPENBLAS_NUM_THREADS=7", [[
    local ra = require "ramus"
    local function count(path, pattern)
      local n = 0
      for line in io.popen(path):lines() do n = n + (line:find(pattern) and 1 or 0) end
      return n
    end
    local function threads() return count("ls /proc/$PPID/task", "%d") end
    local maps = "cat /proc/$PPID/maps"
    ra.models.unet { depth = 2, width = 4 }:forward(ra.rand(1, 1, 64, 64))
    local before, loaded = threads(), count(maps, "openblas")
    ra.F.matmul(ra.rand(500, 500), ra.rand(500, 500))
    print(loaded, count(maps, "openblas") > 0, threads() - before, os.getenv "OPENBLAS_NUM_THREADS")
  ]])
  check.equal(text, "0\ttrue\t0\t7\n")
end)

check.case("RAMUS_BLAS=none keeps it closed; unknown names are refused", function()
  check.ok(C.ra_blas_set "mkl" ~= 0)
  check.ok(ffi.message():find("known are openblas and none", 1, true), ffi.message())
  local text = apart("RAMUS_BLAS=none", 'local C = require("ramus.base.ffi").C print(require("ramus.base.ffi").string(C.ra_blas()))')
  check.equal(text, "none\n")
end)

check.case("a run records what computes its products; a resume on another one warns", function()
  must_be_there()
  assert(C.ra_blas_set "openblas" == 0)
  local first, mix = ra.nn.conv2d { 1, 4, k = 1, name = "first" }, ra.nn.linear { 4, 1, name = "mix" }
  local recipe = { name = "products", data = { set = "phantom", options = { size = 32, train = 2, test = 2 }, batch = 2 },
    model = ra.model(function(x) return F.permute(mix(F.permute(first(x), { 1, 3, 4, 2 })), { 1, 4, 2, 3 }) end),
    supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 }
  local folder, name = check.folder "blas" .. "/run", ffi.string(C.ra_blas())
  local trained = assert(ra.train(recipe, { run = folder, quiet = true }))
  check.ok(name:find "^OpenBLAS %d[%d.]* %w+$", name)
  check.equal(trained.evaluation.protocol.blas, name)
  check.equal(trained.model and trained.model:blas() or name, name)
  check.equal(ra.models.unet { depth = 2, width = 2 }:blas(), nil, "a convolution net has none")
  local function warnings()
    local text, n = assert(io.open(folder .. "/log.txt")):read "*a", 0
    for _ in text:gmatch(("began with matrix products by '%s' and goes on with 'none'"):format(name:gsub("%p", "%%%0"))) do n = n + 1 end
    return n
  end
  assert(ra.train(recipe, { run = folder, quiet = true, evaluate = false }))
  check.equal(warnings(), 0, "on the same")
  assert(C.ra_blas_set "none" == 0)
  assert(ra.train(recipe, { run = folder, quiet = true, evaluate = false }))
  check.equal(warnings(), 1, "on another")
  check.equal(assert(ra.train(recipe, { run = folder .. "_none", quiet = true })).evaluation.protocol.blas, "none", "where it is absent")
  local text = assert(io.open(folder .. "_none/log.txt")):read "*a"
  check.ok(text:find("blas = none", 1, true), "the log says so")
end)

assert(C.ra_blas_set(found and "openblas" or "none") == 0)
