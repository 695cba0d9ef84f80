--- The ground floor: random numbers, memory, errors, threads, kernel sets.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local C = ffi.C
local files = require "ramus.base.files"
local processes = require "processes"

check.case("Philox4x32-10 gives the published words", function()
  -- Known answer for counter 0 and key 0 (Random123's kat_vectors); stream 0 mixes 0x85EBCA6B into the key's upper
  -- half, which this seed takes out again.
  local seed = -0x7A143595 * 2 ^ 32
  for i, word in ipairs { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } do
    check.equal(C.ra_random_uniform(seed, 0, 0, 0, i - 1), word / 2 ^ 32, "word " .. i)
  end
end)

check.case("random numbers are a function of their key", function()
  local function draw(seed, a, b, stream, element) return C.ra_random_uniform(seed, a, b, stream, element) end
  local base = draw(7, 1, 2, 3, 4)
  check.equal(draw(7, 1, 2, 3, 4), base)
  for _, other in ipairs { draw(8, 1, 2, 3, 4), draw(7, 2, 2, 3, 4), draw(7, 1, 3, 3, 4), draw(7, 1, 2, 4, 4), draw(7, 1, 2, 3, 5) } do
    check.ok(other ~= base, "two keys gave one number")
  end
  local n, sum, squares = 20000, 0, 0
  for i = 0, n - 1 do
    local v = C.ra_random_normal(3, 0, 0, 9, i)
    sum, squares = sum + v, squares + v * v
  end
  check.near(sum / n, 0, 0.03, "mean of normal numbers")
  check.near(squares / n, 1, 0.05, "variance of normal numbers")
end)

check.case("a failed allocation is an error with a message, and nothing leaks", function()
  collectgarbage()
  collectgarbage()
  local live = C.ra_mem_live()
  for n = 0, 2 do
    C.ra_mem_fail_after(n)
    local ok, err = pcall(ra.zeros, 100, 100)
    C.ra_mem_fail_after(-1)
    check.ok(not ok and err:find("out of memory", 1, true), ("allocation %d: %s"):format(n + 1, tostring(err)))
  end
  collectgarbage()
  collectgarbage()
  check.equal(C.ra_mem_live(), live, "bytes alive")
end)

check.case("threads and kernel sets are checked", function()
  check.equal(C.ra_threads_set(0), C.RA_ERR_ARG)
  check.ok(ffi.message():find("wanted 1 to", 1, true), ffi.message())
  check.equal(C.ra_isa_set("avx1024"), C.RA_ERR_ARG)
  check.ok(ffi.message():find("known are generic avx2 avx512 neon; the best", 1, true), ffi.message())
  local kept = ffi.string(C.ra_isa())
  check.equal(C.ra_isa_set("generic"), 0)
  check.equal(ffi.string(C.ra_isa()), "generic")
  check.equal(C.ra_isa_set(kept), 0)
end)

check.case("the pool of threads: many small calls, while their number changes, give one result", function()
  local kept = C.ra_threads()
  local a, b = ra.rand(1, 64, 300), ra.rand(1, 300, 70)
  local expected
  for turn = 1, 400 do
    check.equal(C.ra_threads_set(turn % 2 + 1), 0)
    local product = ra.F.matmul(a, b)
    expected = expected or product
    check.ok(ffi.string(ffi.data(product), 4 * product.size) == ffi.string(ffi.data(expected), 4 * product.size), "turn " .. turn)
  end
  check.equal(C.ra_threads_set(kept), 0)
end)

check.case("an error keeps its code, also where a function returns NULL", function()
  check.ok(C.ra_tensor_zeros(9, ffi.new("int32_t[9]")) == nil)
  check.equal(C.ra_error_code(), C.RA_ERR_SHAPE, ffi.message())
  check.ok(C.ra_bundle_load(check.folder("base") .. "/absent.npz") == nil)
  check.equal(C.ra_error_code(), C.RA_ERR_IO, ffi.message())
  C.ra_mem_fail_after(0)
  local t = C.ra_tensor_zeros(1, ffi.new("int32_t[1]", { 3 }))
  C.ra_mem_fail_after(-1)
  check.ok(t == nil)
  check.equal(C.ra_error_code(), C.RA_ERR_MEMORY, ffi.message())
  check.equal(C.ra_threads_set(1), 0)
  check.equal(C.ra_error_code(), C.RA_ERR_MEMORY, "a success leaves the last code")
end)

check.case("what was built: a version, a commit, a hash of the kernels", function()
  check.ok(ffi.string(C.ra_build_info "version"):match("^%d+%.%d+%.%d+"))
  check.ok(ffi.string(C.ra_build_info "commit"):match("^%x+$") or ffi.string(C.ra_build_info "commit"):match("^%x+%-dirty$")
    or ffi.string(C.ra_build_info "commit") == "unknown")
  check.ok(ffi.string(C.ra_build_info "kernels"):match("^%x%x%x%x%x%x%x%x%x%x%x%x$"))
  check.ok(C.ra_build_info "weather" == nil)
end)

check.case("a library that was built with another api.h is refused", function()
  local folder = check.folder "border_version"
  os.execute(("mkdir -p %s/build %s/core %s/lua && cp %s %s/build/ramus && cp -r %s/lua/ramus %s/lua/")
    :format(folder, folder, folder, processes.executable(check.root), folder, check.root, folder))
  local text = assert(files.read(check.root .. "/core/api.h"))
  local function start(api, arguments)
    assert(files.write(folder .. "/core/api.h", api))
    local said, status = processes.sh(folder .. "/build/ramus " .. (arguments or "-e 'print(ra.zeros(2).size)'"))
    return status, said
  end
  local status, output = start(text)
  check.equal(status, 0, output)
  local changed, n = text:gsub("int32_t size;( +)/%* number of elements %*/", "double size;%1/* number of elements */")
  check.equal(n, 1, "a struct's field was changed")
  status, output = start(changed)
  check.ok(status ~= 0 and output:find("another api.h than", 1, true) and output:find("run make again", 1, true), output)
  for _, arguments in ipairs { "check .", "datasets", "doctor", "fetch dca1", "train x.lua", "eval x", "predict x y.png" } do
    status, output = start(changed, arguments)
    check.ok(status ~= 0 and output:find("another api.h than", 1, true), arguments .. ": " .. output)
  end
end)
