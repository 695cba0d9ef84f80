--- Runs side by side: by metric the mean over pictures with its interval, both as eval.json has them, and the paired difference to the first run.
--
-- compared.of(runs) returns { rows = { { metric, runs = { { mean, low, high, pooled, n, difference [opt], why [opt] }, .. } }, .. }, tests,
-- groups [opt] }; a difference is { mean, low, high, p, holm, n, groups [opt], verdict }, why says why there is none; groups: of how many groups
-- (patients) the pictures are, where that is less than their number. Statistics: data/metrics/compare.lua; Holm's correction is over all differences of
-- the table.
local compare = require "ramus.data.metrics.compare"
local groups = require "ramus.data.metrics.groups"
local metrics = require "ramus.data.metrics"
local summary = require "ramus.study.summary"

local compared = {}

local LEVEL, RESAMPLES = 0.05, 2000

--- A run's scores per image by a metric, NaN where an image has none.
local function column(g, metric)
  local list = {}
  for i, image in ipairs(g.scores.images) do list[i] = tonumber(image[metric]) or 0 / 0 end
  return list
end
compared.column = column

--- Why two runs cannot be compared picture by picture, or nil.
function compared.why_not(a, b)
  if not (a.scores and b.scores) then return "no scores" end
  local p, q = a.scores.protocol or {}, b.scores.protocol or {}
  if #a.scores.images ~= #b.scores.images or p.set ~= q.set or p.data_hash ~= q.data_hash then return "other pictures" end
  for i, image in ipairs(a.scores.images) do
    if image.id ~= b.scores.images[i].id then return "other pictures" end
  end
end

local function entry_of(g, metric, first)
  if not g.scores then return { why = "no scores" } end
  local values, s = column(g, metric), g.scores.per_image[metric]
  if type(s) ~= "table" then return { why = "not computed" } end
  local pooled = type(g.scores.pooled) == "table" and g.scores.pooled[metric]
  local entry = { mean = s.mean, low = s.low, high = s.high, pooled = type(pooled) == "number" and pooled or nil, n = s.n or #values }
  if g == first then return entry end
  entry.why = compared.why_not(first, g)
  if entry.why then return entry end
  local d = compare.paired({ values }, { column(first, metric) },
    { resamples = RESAMPLES, groups = groups.of(g.scores.images, function(image) return image.group end) })
  entry.difference = { mean = d.mean, low = d.low, high = d.high, p = d.p, n = d.n, groups = d.groups < d.pictures and d.groups or nil }
  return entry
end

--- The metrics that any run has, in the usual order.
local function metrics_of(runs)
  local list = {}
  for _, name in ipairs(metrics.keys) do
    local any = false
    for _, g in ipairs(runs) do any = any or g.scores and g.scores.per_image[name] and g.scores.per_image[name].mean end
    if any then list[#list + 1] = name end
  end
  return list
end

--- See the top of the file.
function compared.of(runs)
  local t, p, list = { rows = {} }, {}, {}
  for _, metric in ipairs(metrics_of(runs)) do
    local row = { metric = metric, runs = {} }
    for i, g in ipairs(runs) do
      local entry = entry_of(g, metric, runs[1])
      row.runs[i] = entry
      local d = entry.difference
      t.groups = t.groups or d and d.groups
      if d and d.p == d.p then p[#p + 1], list[#list + 1] = d.p, { d = d, metric = metric } end
    end
    t.rows[#t.rows + 1] = row
  end
  t.tests = #p
  for i, holm in ipairs(compare.holm(p)) do
    local d = list[i].d
    d.holm = holm
    d.verdict = summary.verdict(d, list[i].metric, LEVEL)
  end
  return t
end

return compared
