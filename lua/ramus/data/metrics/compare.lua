--- Comparisons of experiments: scores of the same pictures under several seeds.
--
--   compare.mean(scores)             { mean =, sd =, low =, high =, seeds =, pictures =, groups = }
--   compare.paired(scores, control)  the same of the differences, and w =, p =, n =: Wilcoxon's signed-rank test
--   compare.holm { 0.01, 0.04 }      p values corrected for their number
--
-- scores: a list with one list of numbers for each seed, over the same pictures in the same order; NaN: no score. The mean is that over
-- seeds of the means over pictures. Its interval is a nested percentile bootstrap: seeds are drawn with replacement, and within each of them
-- pictures (A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). Differences are taken
-- picture by picture within a seed. The test is of the differences of pictures, averaged over seeds, since the pictures of two seeds are the
-- same pictures and no further evidence (F. Wilcoxon, Biometrics Bulletin 1(6), 1945). Holm: S. Holm, Scand. J. Statistics 6(2), 1979.
-- Pictures of one group (option groups: a text for each picture, false for one that is alone), as the two eyes of a patient, are no evidence
-- beside each other either: the bootstrap draws them together, and the test takes the mean of their differences as one.
local ffi = require "ramus.base.ffi"
local groups = require "ramus.data.metrics.groups"
local options = require "ramus.base.options"
local C = ffi.C

local compare = {}

local SCHEMA = {
  groups = { type = "table", help = "the group of each picture, as the patient; false for a picture that is alone" },
  resamples = { type = "integer", default = 10000, min = 1, help = "of the bootstrap" },
  level = { type = "number", default = 0.95, above = 0, below = 1, help = "of the interval" },
  seed = { type = "integer", default = 0, help = "of the bootstrap" },
}

--- Seeds and pictures of a table of scores; an error two calls up where it has none or is ragged.
local function size_of(scores, who)
  local seeds, pictures = #scores, scores[1] and #scores[1] or 0
  if seeds == 0 or pictures == 0 then error(who .. ": wants scores[seed][picture], given none", 3) end
  for s, row in ipairs(scores) do
    if #row ~= pictures then
      error(("%s: seed %d has %d pictures, the first has %d; all seeds are scored on the same pictures"):format(who, s, #row, pictures), 3)
    end
  end
  return seeds, pictures
end

local function interval(scores, seeds, pictures, o)
  local values, out = ffi.new("double[?]", seeds * pictures), ffi.new("double[4]")
  for s = 1, seeds do
    for k = 1, pictures do values[(s - 1) * pictures + k - 1] = scores[s][k] end
  end
  local group, count = groups.numbers(o.groups, pictures)
  if C.ra_bootstrap_nested(values, group, seeds, pictures, o.resamples, o.level, o.seed, out) ~= 0 then error(ffi.message(), 3) end
  return { mean = out[0], sd = out[1], low = out[2], high = out[3], seeds = seeds, pictures = pictures, groups = count }
end

--- Mean over seeds and pictures, standard deviation of the seeds' means, and the interval of the mean.
function compare.mean(scores, given)
  local o = options.check(given, SCHEMA, "compare.mean", 2)
  local seeds, pictures = size_of(scores, "compare.mean")
  return interval(scores, seeds, pictures, o)
end

--- The mean over seeds of one picture's numbers, those that are not a number left out.
local function over_seeds(scores, k)
  local sum, n = 0, 0
  for _, row in ipairs(scores) do
    if row[k] == row[k] then sum, n = sum + row[k], n + 1 end
  end
  return n > 0 and sum / n or 0 / 0
end

--- scores minus control, seed by seed and picture by picture.
function compare.paired(scores, control, given)
  local o = options.check(given, SCHEMA, "compare.paired", 2)
  local seeds, pictures = size_of(scores, "compare.paired")
  local other_seeds, other_pictures = size_of(control, "compare.paired")
  if seeds ~= other_seeds or pictures ~= other_pictures then
    error(("compare.paired: %d seeds of %d pictures against %d of %d; a paired comparison needs the same"):format(seeds, pictures,
      other_seeds, other_pictures), 2)
  end
  local difference = {}
  for s = 1, seeds do
    difference[s] = {}
    for k = 1, pictures do difference[s][k] = scores[s][k] - control[s][k] end
  end
  local result = interval(difference, seeds, pictures, o)
  local of_picture = {}
  for k = 1, pictures do of_picture[k] = over_seeds(difference, k) end
  local each = groups.means(of_picture, o.groups)
  local d, out = ffi.new("double[?]", #each), ffi.new("double[3]")
  for i, v in ipairs(each) do d[i - 1] = v end
  if C.ra_wilcoxon(d, #each, out) ~= 0 then error(ffi.message(), 2) end
  result.w, result.p, result.n = out[0], out[1], out[2]
  return result
end

--- A list of p values, each corrected for the number of them by Holm's step-down rule; never above 1, NaN where p is NaN.
function compare.holm(p)
  local order, adjusted, worst = {}, {}, 0
  for i, v in ipairs(p) do
    adjusted[i] = v
    if v == v then order[#order + 1] = i end
  end
  table.sort(order, function(a, b) return p[a] < p[b] or (p[a] == p[b] and a < b) end)
  for rank, i in ipairs(order) do
    worst = math.max(worst, (#order - rank + 1) * p[i])
    adjusted[i] = math.min(1, worst)
  end
  return adjusted
end

return compare
