--- Tensors at the prompt: how they print, parts of them, comparisons, statistics, sorting.
local check = require "check"
local ra = require "ramus"
local C = require("ramus.base.ffi").C

local function same(t, wanted)
  check.equal(table.concat(t:flatten():totable(), " "), wanted)
end

check.case("a tensor of any rank prints its numbers, short", function()
  check.equal(tostring(ra.tensor { { 1, -2 }, { 3, 40 } }), "tensor [2,2] float32 min -2 max 40 mean 10.5\n   1 -2\n   3 40")
  check.equal(tostring(ra.tensor { 0.5, 1e-6, 0 / 0, 1 / 0 }):match("\n(.*)$"), "  0.5000  1e-06    nan    inf")
  check.equal(tostring(ra.tensor(2.5)):match("\n(.*)$"), "  2.5000")
  check.equal(tostring(ra.zeros(0, 3)), "tensor [0,3] float32")
  for _, shape in ipairs { { 2, 3, 300, 400 }, { 5000 }, { 100 }, { 300, 2 }, { 2, 300 }, { 7, 1, 1, 2, 2 }, { 37 } } do
    local text = tostring(ra.randn(shape))
    local _, lines = text:gsub("\n", "\n")
    check.ok(lines <= 24, table.concat(shape, "x") .. " takes " .. lines .. " lines")
    for line in text:gmatch("[^\n]+") do check.ok(#line <= 100, #line .. " columns: " .. line) end
  end
  local x = ra.arange(48000):reshape(2, 3, 80, 100)
  local text = tostring(x)
  check.ok(text:find("[1][1]\n", 1, true) and text:find("... 4 more\n[2][3]\n", 1, true), text)
  check.ok(text:find("\n     0    1    2", 1, true) and text:find("47999$"), text)
  local vector = tostring(ra.arange(37)):match("\n(.*)$"):gsub("%s+", " ")
  check.equal(vector, " " .. table.concat(ra.arange(37):totable(), " "), "a vector in several lines")
  check.ok(tostring(x:narrow(4, 3, 2)):find("\n     2    3\n   102  103\n", 1, true), "a view")
end)

check.case("t[i], ranges, masks, from the end, and assignment", function()
  local x = ra.arange(12):reshape(3, 4)
  check.equal(x[2][3], 6)
  check.equal(x[-1][-2], 10)
  same(x[2], "4 5 6 7")
  same(x[{ {}, 2 }], "1 5 9")
  same(x[{ { 2, 3 }, { -2, -1 } }], "6 7 10 11")
  check.equal(table.concat(x[{ { 2 }, {} }].shape, "x"), "1x4")
  check.equal(x[{ 3, 1 }], 8)
  same(x[x:gt(9)], "10 11")
  x[1] = -1
  x[{ {}, 4 }] = ra.tensor { 7, 8, 9 }
  x[x:eq(8)] = 0
  x[2][1] = 0.5
  same(x, "-1 -1 -1 7 0.5 5 6 0 0 9 10 9")
  local y = ra.zeros(4)
  y[2] = 3
  same(y, "0 3 0 0")
  check.equal(ra.arange(24):reshape(2, 3, 4):permute { 3, 1, 2 }[2][2][3], 21)
end)

check.case("t[i]: what is wrong is said, at the caller's line", function()
  local x, free = ra.zeros(2, 3), ra.zeros(2)
  free:free()
  for message, f in pairs {
    ["3 is outside of dimension 1 of [2,3]; wanted 1 to 2"] = function() return x[3] end,
    ["0 is outside of dimension 1"] = function() return x[0] end,
    ["1.5 is outside"] = function() x[1.5] = 1 end,
    ["nan is outside"] = function() return x[{ 1, 0 / 0 }] end,
    ["4 is outside of dimension 2"] = function() return x[{ {}, 4 }] end,
    ["3 indices for [2,3]"] = function() return x[{ 1, 1, 1 }] end,
    ["ends before it begins"] = function() return x[{ { 2, 1 } }] end,
    ["a mask has the tensor's shape: given [2] for [2,3]"] = function() return x[ra.zeros(2)] end,
    ["must be a number or a tensor, given a string"] = function() x[1] = "a" end,
    ["shapes differ, [3] and [2]"] = function() x[1] = ra.zeros(2) end,
    ["assigned by a mask must be a number"] = function() x[x] = x end,
    ["given a boolean"] = function() return x[true] end,
    ["field 'foo' cannot be set"] = function() x.foo = 1 end,
    ["did you mean 'shape'"] = function() return x.shap end,
    ["a:lt(b), le, gt"] = function() return x < 1 end,
    ["compare element by element"] = function() return 1 >= x end,
    ["options stand in braces, as {dim = ..}"] = function() return (x:sum(1)) end,
    ["t:item() is its value"] = function() return ra.tensor(1)[1] end,
  } do
    local ok, err = pcall(f)
    check.ok(not ok and err:find(message, 1, true), message .. ": " .. tostring(err))
    check.ok(err:find("test_tensor_more.lua", 1, true), "the caller's line: " .. err)
  end
  check.ok(not pcall(function() return free[1] end) and not pcall(function() free[1] = 1 end), "a freed tensor")
end)

check.case("comparisons broadcast; NaN is related to nothing", function()
  local a, nan = ra.tensor { { 1, 2, 3 }, { 3, 2, 1 } }, ra.tensor { 0 / 0 }
  local b = ra.tensor { 2, 2, 2 }
  for name, wanted in pairs { eq = "0 1 0 0 1 0", ne = "1 0 1 1 0 1", lt = "1 0 0 0 0 1", le = "1 1 0 0 1 1", gt = "0 0 1 1 0 0", ge = "0 1 1 1 1 0" } do
    same(a[name](a, b), wanted)
    same(a[name](a, 2), wanted)
    same(ra.F[name](nan, nan), name == "ne" and "1" or "0")
  end
  local net = ra.model(function(x) return ra.F.where(x:gt(0.5), x, 0) end, { channels = 1 })
  check.equal(net:forward(ra.full({ 1, 1, 8, 8 }, 0.4)).out:sum(), 0, "in a model")
end)

check.case("std, var, argmax, argmin", function()
  local x = ra.tensor { { 1, 2, 3 }, { 4, 6, 11 } }
  check.near(x:std(), 3.6193922, 1e-6)
  check.near(x:var { unbiased = false }, 10.9166667, 1e-5)
  same(x:var { dim = 2 }, "1 13")
  same(x:std { dim = 2, keepdim = true }:squeeze(2):take { 1 }, "1")
  check.equal(table.concat(x:std { dim = { 1, 2 }, keepdim = true }.shape, "x"), "1x1")
  check.equal(ra.tensor { 5, 1, 9 }:argmax() .. " " .. ra.tensor { 5, 1, 9 }:argmin(), "2 1")
  same(x:argmax { dim = 1 }, "1 1 1")
  check.raises("did you mean 'dim'", function() return x:std { dmi = 1 } end)
end)

check.case("sort, unique, nonzero, take", function()
  local x = ra.tensor { { 3, 1, 2 }, { 9, 7, 8 } }
  local v, o = x:sort()
  same(v, "1 2 3 7 8 9")
  same(o, "2 3 1 2 3 1")
  same(x:sort { descending = true, dim = 1 }, "9 7 8 3 1 2")
  same(ra.tensor { 2, 0 / 0, 1 }:sort():narrow(1, 1, 2), "1 2")
  same(select(2, ra.tensor { 1, 0, 1, 0 }:sort { descending = true }), "1 3 2 4")
  for _, n in ipairs { 1, 2, 3, 7, 64, 1000 } do
    local y = ra.rand(n)
    local list, sorted = y:totable(), y:sort():totable()
    table.sort(list)
    for i = 1, n do check.equal(sorted[i], list[i]) end
  end
  same(x:permute { 2, 1 }:sort { dim = 2 }, "3 9 1 7 2 8")
  v, o = ra.tensor { { 2, 1 }, { 2, 5 } }:unique()
  same(v, "1 2 5")
  same(o, "1 2 1")
  same(x:gt(7):nonzero(), "2 1 2 3")
  same(x:take { 2, 1, 2 }, "9 7 8 3 1 2 9 7 8")
  same(ra.tensor { 5, 6, 7 }:take(ra.tensor { 3, 1 }), "7 5")
  check.equal(ra.zeros(0):sort().size + ra.zeros(3):nonzero().size + ra.zeros(0):unique().size, 0)
  check.raises("dimension 3 of [2,3]", function() return x:sort { dim = 3 } end)
  check.raises("from 1 to 2, given 3", function() return x:take { 3 } end)
  check.ok(C.ra_tensor_sort(x, 0, false, ra.zeros(3, 2), nil) ~= 0, "a result of another shape")
end)

check.case("a shape prints and compares", function()
  check.equal(tostring(ra.zeros(2, 3).shape), "[2,3]")
  check.ok(ra.zeros(2, 3).shape == ra.ones(2, 3).shape and ra.zeros(2, 3).shape ~= ra.zeros(3, 2).shape)
end)

check.case("map, round, floor", function()
  local x = ra.tensor { { -1.5, 0.4 }, { 2.5, 3 } }
  same(x:map(function(v) return 2 * v end), "-3 0.80000001192093 5 6")
  same(x:round(), "-1 0 3 3")
  same(x:floor(), "-2 0 2 3")
  same(x:permute { 2, 1 }:floor(), "-2 2 0 3")
  check.raises("wants a function", function() return x:map(3) end)
  check.raises("gave nil for -1.5", function() return x:map(function() end) end)
end)

check.case("arange, linspace, full, eye; flatten, squeeze, unsqueeze, t", function()
  same(ra.arange(4), "0 1 2 3")
  same(ra.arange(1, 2, 0.25), "1 1.25 1.5 1.75")
  same(ra.arange(3, 0, -1), "3 2 1")
  check.equal(ra.arange(0).size, 0)
  same(ra.linspace(0, 1, 5), "0 0.25 0.5 0.75 1")
  same(ra.full({ 2, 1 }, 7), "7 7")
  same(ra.eye(2), "1 0 0 1")
  check.equal(table.concat(ra.zeros(1, 2, 1, 3):squeeze().shape, "x"), "2x3")
  check.equal(table.concat(ra.zeros(2, 3):unsqueeze(2).shape, "x"), "2x1x3")
  same(ra.tensor { { 1, 2 }, { 3, 4 } }:t(), "1 3 2 4")
  check.raises("step must not be 0", ra.arange, 1, 2, 0)
  check.raises("wants a list of sizes", ra.full, 2, 3)
  check.raises("below 2^31", ra.eye, 1e6)
  check.raises("has not size 1", function() return ra.zeros(2):squeeze(1) end)
end)
