--- Scores against scikit-image, scikit-learn and SciPy (tests/reference/metric.py) and the rules for 0/0.
local check = require "check"
local ffi = require "ramus.base.ffi"
local json = require "cjson"
local metrics = require "ramus.data.metrics"
local C = ffi.C
require "ramus.lang.tensor" -- gives tensors `data`

local function tensor(H, W, value)
  local t = ffi.gc(C.ra_tensor_new(2, ffi.new("int32_t[2]", { H, W })), C.ra_tensor_release)
  for i = 0, H * W - 1 do t.data[i] = type(value) == "function" and value(math.floor(i / W), i % W, i) or value end
  return t
end

local function read_all(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local folder = check.root .. "/tests/reference/"
local reference = json.decode(read_all(folder .. "metric.json"))
local bytes = read_all(folder .. "metric.bin")
local cursor = 0

local function next_floats(H, W)
  local from = ffi.cast("const float *", ffi.cast("const char *", bytes) + cursor)
  cursor = cursor + 4 * H * W
  return tensor(H, W, function(_, _, i) return from[i] end)
end

local function next_bytes(H, W)
  local from = ffi.cast("const uint8_t *", ffi.cast("const char *", bytes) + cursor)
  cursor = cursor + H * W
  return tensor(H, W, function(_, _, i) return from[i] end)
end

local cases = {}
for i, case in ipairs(reference.cases) do
  cases[i] = { probability = next_floats(case.H, case.W), mask = next_bytes(case.H, case.W),
    fov = next_bytes(case.H, case.W), threshold = case.threshold, name = case.name, expected = case.expected }
end
local noise = next_bytes(reference.noise.H, reference.noise.W)

for _, case in ipairs(cases) do
  check.case("metrics: as scikit-learn, scikit-image and SciPy, case " .. case.name, function()
    local m = metrics(case.probability, case.mask, { threshold = case.threshold, fov = case.fov })
    for key, wanted in pairs(case.expected) do check.near(m[key], wanted, 2e-6 * math.max(1, wanted), key) end
    check.equal(m.threshold, case.threshold, "threshold")
  end)
end

check.case("metrics: the skeleton and distances of a random picture", function()
  local want, H, W = reference.noise, reference.noise.H, reference.noise.W
  local out = tensor(H, W, 0)
  local function sums()
    local sum, weighted = 0, 0
    for i = 0, H * W - 1 do
      sum, weighted = sum + out.data[i], weighted + out.data[i] * (i % 997)
    end
    return sum, weighted
  end
  check.equal(C.ra_mask_skeleton(ffi.data(noise), H, W, ffi.data(out)), 0)
  local sum, weighted = sums()
  check.equal(sum, want.skeleton, "skeleton pixels")
  check.equal(weighted, want.skeleton_weighted, "skeleton positions")
  check.equal(C.ra_mask_distance(ffi.data(noise), H, W, ffi.data(out)), 0)
  sum, weighted = sums()
  check.near(sum, want.distance, 1e-6 * want.distance, "distances")
  check.near(weighted, want.distance_weighted, 1e-6 * want.distance_weighted, "distances by position")
end)

check.case("metrics: distances by brute force, also beside far columns", function()
  local H, W = 23, 31
  local mask = tensor(H, W, function(y, x) return (y * 7 + x * x * 3) % 41 == 0 and 0 or 1 end)
  local out = tensor(H, W, 0)
  check.equal(C.ra_mask_distance(ffi.data(mask), H, W, ffi.data(out)), 0)
  for y = 0, H - 1 do
    for x = 0, W - 1 do
      local best = math.huge
      for v = 0, H - 1 do
        for u = 0, W - 1 do
          if mask.data[v * W + u] == 0 then best = math.min(best, math.sqrt((v - y) ^ 2 + (u - x) ^ 2)) end
        end
      end
      check.near(out.data[y * W + x], best, 1e-5, ("distance at %d,%d"):format(y, x))
    end
  end
end)

check.case("metrics: the rules for 0/0", function()
  local H, W = 6, 8
  local empty, full = tensor(H, W, 0), tensor(H, W, 1)
  local spot = tensor(H, W, function(y, x) return y == 2 and x == 3 and 1 or 0 end)
  local both = metrics(empty, empty)
  for _, key in ipairs { "dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc", "cldice" } do
    check.equal(both[key], 1, "both empty: " .. key)
  end
  check.equal(both.hd95, 0, "both empty: hd95")
  check.equal(both.component_error, 0, "both empty: component_error")
  check.ok(both.roc_auc ~= both.roc_auc and both.pr_auc ~= both.pr_auc, "both empty: areas are not numbers")
  local missed = metrics(empty, spot)
  for _, key in ipairs { "dice", "iou", "sensitivity", "precision", "mcc", "cldice" } do
    check.equal(missed[key], 0, "empty prediction: " .. key)
  end
  check.near(missed.hd95, 10, 1e-9, "empty prediction: the diagonal")
  check.equal(missed.component_error, 1, "empty prediction: components")
  check.equal(missed.roc_auc, 0.5, "constant probability: roc_auc")
  local claimed = metrics(spot, empty)
  check.equal(claimed.sensitivity, 0, "empty mask: sensitivity")
  check.equal(claimed.cldice, 0, "empty mask: cldice")
  local all = metrics(full, full)
  check.equal(all.mcc, 1, "both full: mcc")
  check.equal(all.specificity, 1, "both full: specificity")
  local nothing = metrics(spot, spot, { fov = empty })
  check.ok(nothing.accuracy ~= nothing.accuracy and nothing.ece ~= nothing.ece, "empty field of view: not a number")
end)

check.case("metrics: threshold is inclusive, ece by hand", function()
  local p = tensor(1, 4, function(_, x) return ({ 0.5, 0.25, 0.75, 0.25 })[x + 1] end)
  local y = tensor(1, 4, function(_, x) return ({ 1, 0, 1, 1 })[x + 1] end)
  local m = metrics(p, y)
  check.equal(m.tp, 2, "0.5 counts as vessel")
  check.equal(metrics(p, y, { threshold = 0.25 }).fp, 1, "0.25 counts at 0.25")
  -- bins: 0.5 alone (error 0.5), 0.25 twice (|0.5 - 1|), 0.75 (0.25)
  check.near(m.ece, (0.5 + 0.5 + 0.25) / 4, 1e-9, "ece")
end)

check.case("metrics: histogram bins hold their lower edge, in order", function()
  local last = -1
  for k = 0, tonumber(C.RA_METRIC_BINS) - 1 do
    local edge = C.ra_metric_bin_edge(k)
    check.ok(edge > last or (k == 1 and edge > 0), "edges must rise at bin " .. k)
    check.equal(C.ra_metric_bin(edge), k, "bin of its edge")
    last = edge
  end
  for i = 1, 2000 do
    local p = tonumber(ffi.new("float", (i * 0.6180339887) % 1))
    local k = C.ra_metric_bin(p)
    check.ok(C.ra_metric_bin_edge(k) <= p and (k == tonumber(C.RA_METRIC_BINS) - 1 or p < C.ra_metric_bin_edge(k + 1)),
      "bin of " .. p)
  end
end)

check.case("metrics: summaries, pooled areas, best threshold", function()
  local list, dice = {}, 0
  local counts = { tp = 0, fp = 0, fn = 0 }
  for i, case in ipairs(cases) do
    list[i] = metrics(case.probability, case.mask, { fov = case.fov })
    dice = dice + list[i].dice / #cases
    for key in pairs(counts) do counts[key] = counts[key] + list[i][key] end
  end
  local s = metrics.summarize(list)
  check.equal(s.n, #cases, "n")
  check.near(s.per_image.dice.mean, dice, 1e-12, "mean dice")
  check.ok(s.per_image.dice.low < dice and dice < s.per_image.dice.high, "the interval holds the mean")
  check.near(s.pooled.dice, 2 * counts.tp / (2 * counts.tp + counts.fp + counts.fn), 1e-12, "pooled dice")
  check.near(s.pooled.iou, s.pooled.dice / (2 - s.pooled.dice), 1e-12, "pooled iou follows from dice")
  check.near(s.pooled.roc_auc, reference.pooled.roc_auc, 1e-3, "pooled roc_auc")
  check.near(s.pooled.pr_auc, reference.pooled.pr_auc, 1e-3, "pooled pr_auc")
  check.near(s.pooled.ece, reference.pooled.ece, 1e-6, "pooled ece")
  check.equal(#s.pooled.calibration, 15, "calibration bins")
  local threshold, best = metrics.best_threshold(list)
  check.near(best, reference.best_mean_dice, 2e-3, "best mean dice")
  local again = 0
  for _, case in ipairs(cases) do
    again = again + metrics(case.probability, case.mask, { fov = case.fov, threshold = threshold }).dice / #cases
  end
  check.near(again, best, 1e-12, "mean dice at the best threshold")
  check.equal(metrics.best_threshold(cases), threshold, "from tensors")
end)

check.case("metrics: bootstrap interval", function()
  local numbers = {}
  for i = 1, 100 do numbers[i] = (i * 37) % 100 end
  local b = metrics.bootstrap(numbers)
  check.near(b.mean, 49.5, 1e-12, "mean")
  check.near(b.sd, 29.0115, 1e-3, "sample deviation")
  -- standard error of the mean 2.887 (deviation over n): about 49.5 +- 1.96 * 2.887
  check.near(b.low, 49.5 - 5.66, 0.45, "low")
  check.near(b.high, 49.5 + 5.66, 0.45, "high")
  local again = metrics.bootstrap(numbers)
  check.equal(again.low, b.low, "same seed, same interval")
  check.ok(metrics.bootstrap(numbers, { seed = 1 }).low ~= b.low, "another seed, another interval")
  local one = metrics.bootstrap({ 0.25, 0 / 0 })
  check.ok(one.mean == 0.25 and one.n == 1 and one.sd ~= one.sd and one.low ~= one.low and one.high ~= one.high, "one image says nothing of the spread")
  local both, groups = {}, {}
  for i, v in ipairs(numbers) do both[2 * i - 1], both[2 * i], groups[2 * i - 1], groups[2 * i] = v, v, i .. "", i .. "" end
  local together = metrics.bootstrap(both, { groups = groups })
  check.equal(together.low, b.low, "each number twice, drawn together: no narrower")
  check.equal(together.high, b.high, "no narrower")
  local patient = metrics.bootstrap({ 1, 2, 0 / 0 }, { groups = { "a", "a", "b" } })
  check.ok(patient.mean == 1.5 and patient.low ~= patient.low, "one patient says nothing of the spread")
  local holes = metrics.bootstrap({ 1, 0 / 0, 3 })
  check.equal(holes.n, 2, "values that are not numbers are left out")
  check.equal(holes.mean, 2, "mean of the rest")
end)

check.case("metrics: batches and wrong use", function()
  local dim = ffi.new("int32_t[4]", { 2, 1, 4, 4 })
  local p = ffi.gc(C.ra_tensor_zeros(4, dim), C.ra_tensor_release)
  local y = ffi.gc(C.ra_tensor_zeros(4, dim), C.ra_tensor_release)
  p.data[5], y.data[5], y.data[16 + 5] = 1, 1, 1
  local m = metrics(p, y)
  check.equal(m.dice, 0.5, "mean of 1 and 0")
  check.equal(m.tp + m.fn, 2, "counts are summed")
  check.equal(#m.images, 2, "one table per picture")
  local a = tensor(4, 4, 0)
  check.raises("sizes must be equal", metrics, a, tensor(4, 5, 0))
  check.raises("did you mean 'threshold'", metrics, a, a, { treshold = 0.5 })
  check.raises("probability -1", metrics, tensor(4, 4, -1), a)
  check.raises("mask has 0.5", metrics, a, tensor(4, 4, 0.5))
  check.raises("must be a tensor", metrics, 3, a)
  local bad = tensor(4, 4, 0)
  bad.data[6] = 0 / 0
  check.raises("row 2, column 3", metrics, bad, a)
end)

check.case("metrics: out of memory is an error, and nothing leaks", function()
  local case = cases[1]
  collectgarbage()
  local before = C.ra_mem_live()
  local failures = 0
  for n = 0, 100 do
    C.ra_mem_fail_after(n)
    local ok = pcall(metrics, case.probability, case.mask)
    C.ra_mem_fail_after(-1)
    if ok then break end
    failures = failures + 1
  end
  check.ok(failures >= 15 and failures < 100, "every allocation failed once, got " .. failures)
  check.equal(C.ra_mem_live(), before, "bytes alive")
end)

check.case("vessel maps: width of a bar, contrast of a dark bar", function()
  local H, W = 40, 60
  local mask = tensor(H, W, function(y, x) return y >= 17 and y < 22 and x >= 5 and x < 55 and 1 or 0 end)
  local image = tensor(H, W, function(_, _, i) return 0.75 - 0.25 * mask.data[i] end)
  local out = tensor(H, W, 0)
  check.equal(C.ra_foreground_width(ffi.data(mask), H, W, ffi.data(out)), 0)
  check.equal(out.data[18 * W + 30], 6, "width of five pixels: 2 x 3")
  check.equal(out.data[10 * W + 30], 0, "background")
  check.equal(C.ra_foreground_contrast(ffi.data(image), ffi.data(mask), H, W, ffi.data(out)), 0)
  check.near(out.data[18 * W + 30], 0.25, 1e-5, "contrast")
end)

check.case("checks: sensitivity by width and by contrast, patch entropy", function()
  local checks = require "ramus.train.checks"
  local H, W = 40, 60
  local wide = function(y, x) return y >= 5 and y < 16 and x >= 4 and x < 56 end
  local thin = function(y, x) return y == 30 and x >= 4 and x < 56 end
  local mask = tensor(H, W, function(y, x) return (wide(y, x) or thin(y, x)) and 1 or 0 end)
  local image = tensor(H, W, function(y, x) return wide(y, x) and 0.3 or thin(y, x) and 0.48 or 0.5 end)
  local found = tensor(H, W, function(y, x) return wide(y, x) and 1 or 0 end)
  local groups = checks.by_width(found, mask, { edges = { 3, 8 } })
  check.equal(groups[1].pixels, 52, "thin pixels")
  check.equal(groups[1].sensitivity, 0, "the thin vessel is missed")
  check.equal(groups[2].sensitivity, nil, "nothing in between")
  check.equal(groups[3].sensitivity, 1, "the wide vessel is found")
  check.equal(groups[3].pixels, 11 * 52, "wide pixels")
  local faint = checks.by_contrast(found, image, mask)
  check.equal(faint[1].pixels, 52, "faint pixels")
  check.equal(faint[4].sensitivity, 1, "strong pixels")
  local both = checks.merge { groups, groups }
  check.equal(both[1].pixels, 104, "merged")
  check.equal(both[3].sensitivity, 1, "merged sensitivity")
  local half = tensor(4, 6, function(_, x) return x < 4 and 0.5 or 0 end)
  local e = checks.patch_entropy(half, { patch = 4 })
  check.equal(#e.values, 2, "one whole and one partial patch")
  check.near(e.values[1], 1, 1e-12, "half: one bit")
  check.equal(e.values[2], 0, "empty: none")
  check.equal(e.share, 0.5, "share of unsure patches")
  check.raises("must rise", checks.by_width, found, mask, { edges = { 3, 2 } })
  check.raises("did you mean 'patch'", checks.patch_entropy, half, { pach = 4 })
end)

check.case("metric: names, order, direction and help come from the core's table", function()
  check.equal(table.concat(metrics.keys, " "),
    "dice iou accuracy sensitivity specificity precision mcc roc_auc pr_auc cldice hd95 component_error ece")
  local one, lower = metrics(tensor(4, 4, 0.25), tensor(4, 4, function(y) return y < 2 and 1 or 0 end)), {}
  local pooled = metrics.summarize({ one }).pooled
  for i, key in ipairs(metrics.keys) do
    local info = C.ra_metric_at(i - 1)
    check.equal(ffi.string(info.name), key)
    check.ok(type(one[key]) == "number" and #metrics.help[key] > 5, key)
    check.equal(pooled[key] ~= nil, info.pooled, key .. " has a pooled value")
    if metrics.lower_is_better[key] then
      lower[#lower + 1] = key
      check.ok(metrics.help[key]:find("smaller is better", 1, true), metrics.help[key])
    end
  end
  check.equal(table.concat(lower, " "), "hd95 component_error ece")
  check.ok(C.ra_metric_at(C.ra_metric_count()) == nil and C.ra_metric_at(-1) == nil)
end)
