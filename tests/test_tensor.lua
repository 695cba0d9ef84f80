--- Tensors from Lua: making, indexing, views, arithmetic, printing, memory.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"

check.case("nested tables and back", function()
  local t = ra.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  check.equal(table.concat(t.shape, "x"), "2x3")
  check.equal(t:get(2, 3), 6)
  check.equal(t:totable()[1][2], 2)
  check.equal(ra.tensor { 0.5 }:get(1), 0.5)
  check.equal(ra.tensor(3):item(), 3)
  check.equal(t:numel(), 6)
  t:set(1, 1, 9)
  check.equal(t:get(1, 1), 9)
  check.raises("ragged", ra.tensor, { { 1, 2 }, { 3 } })
  check.raises("no number", ra.tensor, { 1, "x" })
end)

check.case("indices and dimensions are checked, at the caller's line", function()
  local t = ra.zeros(2, 3)
  for _, wrong in ipairs { { 0, 1 }, { 3, 1 }, { 1, 4 }, { 1.5, 1 } } do
    check.raises("index", function() t:get(wrong[1], wrong[2]) end)
  end
  check.raises("wants 2 indices, given 1", function() t:get(1) end)
  check.raises("whole number", ra.zeros, 2.5)
  check.raises("at most 5 dimensions", ra.zeros, 1, 1, 1, 1, 1, 1)
  check.raises("below 2^31", ra.zeros, 2 ^ 20, 2 ^ 20)
  local ok, err = pcall(function()
    local v = t:get(5, 5)
    return v
  end)
  check.ok(not ok and err:find("test_tensor.lua", 1, true), err)
end)

check.case("views share memory", function()
  local t = ra.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  local v = t:narrow(2, 2, 2)
  check.equal(table.concat(v.shape, "x"), "2x2")
  v:set(1, 1, 20)
  check.equal(t:get(1, 2), 20)
  check.equal(v:reshape(4):get(3), 5, "reshape of a view that is not contiguous")
  t:reshape(3, -1):set(3, 2, 60)
  check.equal(t:get(2, 3), 60)
  check.raises("does not fit", function() t:narrow(1, 2, 2) end)
  check.raises("reshape", function() t:reshape(4, 2) end)
  local c = v:clone()
  c:fill(0)
  check.equal(v:get(1, 1), 20)
end)

check.case("arithmetic broadcasts and takes numbers", function()
  local a, b = ra.tensor { { 1, 2 }, { 3, 4 } }, ra.tensor { 10, 20 }
  check.equal((a + b):get(2, 2), 24)
  check.equal((2 * a - 1):get(2, 1), 5)
  check.equal((a - 1):get(2, 1), 2, "a tensor minus a number is no address")
  check.equal((a - a):get(1, 2), 0)
  check.near((a / b):get(1, 2), 0.1, 1e-7)
  check.equal((-a):get(1, 1), -1)
  check.equal((a ^ 2):get(2, 2), 16)
  check.equal(a:sum(), 10)
  check.equal(a:sum({ dim = 1 }):get(2), 6)
  check.raises("add", function() return a + ra.zeros(3) end)
end)

check.case("a tensor says what it is", function()
  local text = tostring(ra.tensor { 1, 2, 3 })
  check.ok(text:find("[3]", 1, true) and text:find("mean 2", 1, true), text)
  check.ok(tostring(ra.tensor { 0 / 0 }):find("1 not finite", 1, true))
  check.raises("no field or method 'shap'", function() return ra.zeros(1).shap end)
end)

check.case("the same seed gives the same numbers", function()
  ra.seed(5)
  local a = ra.randn(100)
  ra.seed(5)
  local b = ra.randn(100)
  for i = 1, 100 do check.equal(a:get(i), b:get(i)) end
end)

check.case("a loop that makes 20,000 tensors of 1 MB stays under 500 MB", function()
  collectgarbage()
  ffi.C.ra_mem_reset_peak()
  local before = ffi.C.ra_mem_live()
  for _ = 1, os.getenv("RAMUS_SANITIZED") and 2000 or 20000 do ra.empty(512, 512) end
  local peak = ffi.C.ra_mem_peak() - before
  check.ok(peak < 500e6, ("peak %.0f MB"):format(peak / 1e6))
end)

check.case("free gives memory back at once", function()
  local before = ffi.C.ra_mem_live()
  local t = ra.zeros(1000, 1000)
  t:free()
  check.equal(ffi.C.ra_mem_live(), before)
end)

check.case("a tensor from whatever part of ra has operators", function()
  local folder = check.folder("operators")
  assert(ra.image.save(folder .. "/x.png", ra.ones(4, 4)))
  local binary = require("ramus.base.files").absolute(require("processes").executable(check.root))
  local code = ("local x = assert(require [[ramus]].image.load [[%s/x.png]]) * 2 assert(x:get(1, 1, 1) == 2)"):format(folder)
  check.equal(os.execute(("'%s' -e '%s'"):format(binary, code)), 0)
end)
