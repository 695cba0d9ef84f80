--- Comparisons of experiments against SciPy and NumPy (tests/reference/compare.py).
local check = require "check"
local compare = require "ramus.data.metrics.compare"
local json = require "cjson"
local C = require("ramus.base.ffi").C

local file = assert(io.open(check.root .. "/tests/reference/compare.json"))
local reference = json.decode(file:read("*a"))
file:close()

local function numbers(list)
  local t = {}
  for i, v in ipairs(list) do t[i] = v == json.null and 0 / 0 or v end
  return t
end

local function zeros(n)
  local t = {}
  for i = 1, n do t[i] = 0 end
  return t
end

for _, case in ipairs(reference.wilcoxon) do
  check.case("compare: Wilcoxon's test as SciPy, " .. case.name, function()
    local d = numbers(case.d)
    local r = compare.paired({ d }, { zeros(#d) }, { resamples = 10 })
    check.equal(r.n, case.n, "differences")
    check.near(r.w, case.w, 1e-9, "sum of ranks")
    check.near(r.p, case.p, 1e-9, "p")
  end)
end

check.case("compare: the nested bootstrap's interval is that of NumPy within its own noise", function()
  for _, case in ipairs(reference.nested) do
    local m = compare.mean(case.values, { resamples = 20000 })
    check.near(m.mean, case.mean, 1e-12, "mean")
    local width = case.high - case.low
    check.near(m.low, case.low, 0.03 * width, "low")
    check.near(m.high, case.high, 0.03 * width, "high")
    check.equal(m.seeds, #case.values, "seeds")
  end
end)

check.case("compare: the interval has the same bits for any number of threads and of resamples in a chunk, gaps included", function()
  local values, threads = { numbers { 0.1, 0.5, 0.2, 0.9, 0.4 }, { 0.3, 0 / 0, 0.8, 0.6, 0.7 } }, C.ra_threads()
  for _, resamples in ipairs { 1, 255, 256, 257, 1000 } do
    C.ra_threads_set(1)
    local one = compare.mean(values, { resamples = resamples })
    C.ra_threads_set(3)
    local three = compare.mean(values, { resamples = resamples })
    C.ra_threads_set(threads)
    check.ok(one.low == three.low and one.high == three.high and one.low <= one.high, resamples .. " resamples")
  end
end)

check.case("compare: pictures of several seeds are one picture for the test, and the interval is wider than that of pictures alone", function()
  local one, control = {}, {}
  for k = 1, 12 do one[k], control[k] = 0.7 + 0.01 * k + 0.003 * (k % 3), 0.7 + 0.01 * k - 0.001 * k end
  local single, triple = compare.paired({ one }, { control }), compare.paired({ one, one, one }, { control, control, control })
  check.equal(triple.n, 12, "pictures that count")
  check.near(triple.p, single.p, 1e-12, "three equal seeds are no more evidence than one")
  local values = reference.nested[2].values
  local flat = {}
  for _, row in ipairs(values) do for _, v in ipairs(row) do flat[#flat + 1] = v end end
  local nested, alone = compare.mean(values), compare.mean { flat }
  check.ok(nested.high - nested.low > 1.2 * (alone.high - alone.low), "seeds add to the interval")
end)

check.case("compare: pictures of one group are drawn together, as NumPy draws them, and are one for the test", function()
  for _, case in ipairs(reference.clusters) do
    local m, alone = compare.mean(case.values, { resamples = 20000, groups = case.group }), compare.mean(case.values)
    local width = case.high - case.low
    check.near(m.mean, case.mean, 1e-12, "mean")
    check.near(m.low, case.low, 0.03 * width, "low")
    check.near(m.high, case.high, 0.03 * width, "high")
    check.ok(m.high - m.low > alone.high - alone.low, "wider than pictures that count alone")
    check.equal(m.groups, #case.group == 28 and 7 or 12, "groups")
    check.equal(alone.groups, alone.pictures, "of their own")
  end
  local one, control, twice, twice_control, groups = {}, {}, {}, {}, {}
  for k = 1, 9 do
    one[k], control[k] = 0.02 * k - 0.05, 0
    for _ = 1, 2 do twice[#twice + 1], twice_control[#twice_control + 1], groups[#groups + 1] = one[k], 0, "patient " .. k end
  end
  local single = compare.paired({ one }, { control })
  local paired = compare.paired({ twice }, { twice_control }, { groups = groups })
  check.equal(paired.n, 9, "both eyes are one")
  check.near(paired.p, single.p, 1e-12, "the same picture twice is no more evidence")
  check.ok(compare.paired({ twice }, { twice_control }).p < single.p, "without groups it would be")
  local same, distinct = {}, {}
  for k = 1, 9 do same[k], distinct[k] = k == 3 and "x" or false, "p" .. k end
  check.equal(compare.mean({ one }, { groups = same }).low, compare.mean({ one }).low, "groups of one change nothing")
  check.equal(compare.mean({ one }, { groups = distinct }).low, compare.mean({ one }).low, "named or not")
end)

check.case("compare: Holm's correction", function()
  for i, p in ipairs(compare.holm(reference.holm.p)) do check.near(p, reference.holm.adjusted[i], 1e-12, "p " .. i) end
  local odd = compare.holm { 0.02, 0 / 0, 0.03 }
  check.near(odd[1], 0.04, 1e-12, "what is not a number is no test")
  check.ok(odd[2] ~= odd[2], "and stays")
end)

check.case("compare: scores that are missing are left out, ragged and unpaired ones refused", function()
  local m = compare.mean { { 0.5, 0 / 0, 0.7 }, { 0.5, 0.6, 0.7 } }
  check.near(m.mean, 0.6, 1e-12, "mean")
  check.raises("all seeds are scored on the same pictures", compare.mean, { { 1, 2 }, { 1 } })
  check.raises("needs the same", compare.paired, { { 1 } }, { { 1 }, { 2 } })
  check.raises("given none", compare.mean, {})
end)
