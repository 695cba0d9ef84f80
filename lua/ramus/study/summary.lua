--- The numbers of a study's tables, from its lines of results.
--
-- summary.of(study, known) returns a list of tables { name, title, level, blocks, tests }, a block { score, key, metric, rows, notes } being what
-- one score and one metric give: rows of { row, seeds, wanted, pictures, mean, sd, low, high, difference, failed, notes, cost,
-- curves (of its seeds), by_seed (means), of_seeds (their seeds), by_picture (means over seeds), ids (of the pictures) }. difference
-- [opt]: { against, mean, low, high, p, holm, n, seeds, verdict }. Intervals and tests: data/metrics/compare.lua; Holm's correction is over all
-- comparisons of a table. A difference counts where its interval leaves out 0 and p after correction is at most the table's level.
local compare = require "ramus.data.metrics.compare"
local groups = require "ramus.data.metrics.groups"
local metrics = require "ramus.data.metrics"
local signs = require "ramus.study.signs"

local summary = {}

-- ---- the scores of a row ----------------------------------------------------------------

--- Facts that must agree for two rows to be comparable, and what a note calls them.
local PROTOCOL = {
  { "set", "data set" }, { "edition", "edition" }, { "split", "split" }, { "data_hash", "files of the set" }, { "pictures", "number of pictures" },
  { "output", "output" }, { "decision", "decision" }, { "threshold", "threshold" }, { "threshold_tuned", "choice of the threshold" },
  { "field_of_view", "field of view" }, { "resize", "size" }, { "padding", "padding" }, { "zero_rule", "rule for 0/0" }, { "hd95", "unit of hd95" },
  { "numerics", "numerics" },
}

local function same_list(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do if a[i] ~= b[i] then return false end end
  return true
end

--- A column of a line as numbers, NaN where a picture has no score; nil where the line has no such column.
local function numbers(line, key, metric)
  local s = line and line.scores and line.scores[key]
  local column = s and s.outputs[s.protocol.output][metric]
  if not column then return nil end
  local list = {}
  for i, v in ipairs(column) do list[i] = type(v) == "number" and v or 0 / 0 end
  return list
end

local function mean_of(list)
  local sum, n = 0, 0
  for _, v in ipairs(list) do if v == v then sum, n = sum + v, n + 1 end end
  return n > 0 and sum / n or 0 / 0
end

--- The scores of a row with one seed, those of its folds together: numbers, ids, lines, groups; nil where a part has none. Failures go to `failed`.
local function of_seed(study, known, row, seed, key, metric, failed)
  local all, ids, lines, of_pictures, whole = {}, {}, {}, {}, true
  for _, part in ipairs(row.parts) do
    local line = known[study.cell_key(part.hash, seed)]
    local list = numbers(line, key, metric)
    if line and line.failed then
      failed[#failed + 1] = ("%sseed %d: %s"):format(part.words and part.words .. ", " or "", seed, line.failed)
    end
    whole = whole and list ~= nil
    local s = list and line.scores[key]
    for i, v in ipairs(list or {}) do
      all[#all + 1], ids[#ids + 1] = v, s.pictures[i]
      of_pictures[#all] = s.groups and s.groups[i] or false
    end
    lines[#lines + 1] = line
  end
  if whole then return all, ids, lines, of_pictures end
end

--- What a row has on one score by one metric: by_seed = { SEED = numbers }, ids, protocol, lines, failed = messages by seed.
local function gather(study, known, row, key, metric)
  local g = { by_seed = {}, failed = {}, lines = {} }
  for _, seed in ipairs(row.seeds) do
    local list, ids, lines, of_pictures = of_seed(study, known, row, seed, key, metric, g.failed)
    if list and not g.ids then
      g.ids, g.protocol, g.trained_on = ids, lines[1].scores[key].protocol, lines[1].data
      g.groups = groups.of(of_pictures, function(name) return name end)
    end
    if list and same_list(ids, g.ids) then
      g.by_seed[seed] = list
      for _, line in ipairs(lines) do g.lines[#g.lines + 1] = line end
    elseif list then g.odd = true end
  end
  return g
end

--- scores[seed][picture] of the seeds that all of the given rows have, and these seeds.
local function matrix(row, g, other)
  local list, seeds = {}, {}
  for _, seed in ipairs(row.seeds) do
    if g.by_seed[seed] and (not other or other.by_seed[seed]) then
      list[#list + 1], seeds[#seeds + 1] = g.by_seed[seed], seed
    end
  end
  return list, seeds
end

-- ---- notes ------------------------------------------------------------------------------

--- Adds a note to a block once; its number.
local function note(block, text)
  for i, known in ipairs(block.notes) do if known == text then return i end end
  block.notes[#block.notes + 1] = text
  return #block.notes
end

--- Two values that differ, in words: without what stands in parentheses, where they differ without it too.
local function instead_of(a, b)
  a, b = tostring(a), tostring(b)
  local short_a, short_b = a:gsub(" %b()", ""), b:gsub(" %b()", "")
  if short_a == short_b then short_a, short_b = a, b end
  return ("%s instead of %s"):format(short_a, short_b)
end

--- How a row's protocol differs from that of the block's first row, in words; nil where it does not.
local function differs(g, reference)
  local list = {}
  for _, p in ipairs(PROTOCOL) do
    local a, b = g.protocol[p[1]], reference.protocol[p[1]]
    if a ~= b and (p[1] ~= "data_hash" or g.protocol.set == reference.protocol.set) then
      list[#list + 1] = p[1] == "data_hash" and p[2] or p[2] .. " " .. instead_of(a, b)
    end
  end
  local a, b = g.trained_on, reference.trained_on
  if a and b and (a.set ~= b.set or a.hash ~= b.hash) then
    list[#list + 1] = a.set ~= b.set and ("trained on %s instead of %s"):format(a.set, b.set) or ("trained on other files of %s"):format(a.set)
  end
  return #list > 0 and table.concat(list, "; ") or nil
end

local function add_notes(block, entry, g, reference)
  local function add(text) entry.notes[#entry.notes + 1] = note(block, text) end
  if g.protocol and reference.protocol and g ~= reference then
    local text = differs(g, reference)
    if text then add("another protocol: " .. text) end
  end
  if entry.seeds > 0 and entry.seeds < entry.wanted then add(("mean of %d of %d seeds"):format(entry.seeds, entry.wanted)) end
  if g.groups and entry.pictures then
    add(("its %d pictures are of %d groups (patients), which are drawn, and tested, as one each"):format(entry.pictures, entry.groups))
  end
  if g.odd then add("some seeds were scored on other pictures and are left out") end
  for _, text in ipairs(g.failed) do add(("%s: failed, %s"):format(entry.row.name, text)) end
end

-- ---- comparisons ------------------------------------------------------------------------

--- Row against its control; nil where there is nothing to compare, and [opt] why.
local function compared(row, g, control, other)
  if not g.ids or not other.ids then return nil end
  if not same_list(g.ids, other.ids) or g.protocol.data_hash ~= other.protocol.data_hash then return nil, "was scored on other pictures" end
  local mine, seeds = matrix(row, g, other)
  if #mine == 0 then return nil, "has no seed in common" end
  local theirs = {}
  for i, seed in ipairs(seeds) do theirs[i] = other.by_seed[seed] end
  local d = compare.paired(mine, theirs, { groups = g.groups })
  return { against = control.name, mean = d.mean, low = d.low, high = d.high, p = d.p, n = d.n, seeds = #seeds }
end

--- "better" or "worse", of what is neither "higher" or "lower"; else "not distinguishable".
function summary.verdict(d, metric, level)
  local outside = d.low > 0 or d.high < 0
  if not (outside and d.holm <= level) then return "not distinguishable" end
  if signs.neutral[metric] then return d.mean > 0 and "higher" or "lower" end
  return (d.mean > 0) ~= (metrics.lower_is_better[metric] or false) and "better" or "worse"
end

--- Holm's correction and verdicts over all comparisons of a table.
local function correct(t)
  local p, list = {}, {}
  for _, block in ipairs(t.blocks) do
    for _, entry in ipairs(block.rows) do
      local d = entry.difference
      if d and d.p == d.p then p[#p + 1], list[#list + 1] = d.p, { d = d, block = block, entry = entry } end
    end
  end
  t.tests = #list
  for i, holm in ipairs(compare.holm(p)) do
    local d, block = list[i].d, list[i].block
    d.holm, d.verdict = holm, summary.verdict({ low = d.low, high = d.high, mean = d.mean, holm = holm }, block.metric, t.level)
    if d.n > 0 and #list * 2 / 2 ^ d.n > t.level then
      table.insert(list[i].entry.notes, note(block, ("%d %s cannot tell in a table of %d comparisons: the smallest possible p is %.2g")
        :format(d.n, list[i].entry.groups == list[i].entry.pictures and "pictures" or "groups", #list,
          math.min(1, #list * 2 / 2 ^ d.n))))
    end
  end
end

--- How a block's numbers are written: scores in pixels or counts have two digits, those from 0 to 1 four.
function summary.form(block)
  for _, r in ipairs(block.rows) do
    if r.mean and math.abs(r.mean) > 2 then return "%.2f" end
  end
  return "%.4f"
end

-- ---- tables -----------------------------------------------------------------------------

--- Mean cost of the trainings of a row: seconds, seconds of all threads, MB, parameters.
local function cost_of(lines)
  local sum = { seconds = 0, cpu_seconds = 0, peak_mb = 0, n = 0 }
  for _, line in ipairs(lines) do
    local c = line.cost
    if c then
      sum.n, sum.parameters, sum.steps = sum.n + 1, c.parameters, c.steps
      sum.seconds = sum.seconds + c.seconds + (c.scoring_seconds or 0)
      sum.cpu_seconds = sum.cpu_seconds + c.cpu_seconds + (c.scoring_cpu_seconds or 0)
      sum.peak_mb = math.max(sum.peak_mb, c.peak_mb or 0)
    end
  end
  if sum.n == 0 then return nil end
  sum.seconds, sum.cpu_seconds = sum.seconds / sum.n, sum.cpu_seconds / sum.n
  return sum
end

local function make_row(row, g)
  local scores, seeds = matrix(row, g)
  local entry = { row = row, seeds = #seeds, wanted = #row.seeds, failed = #g.failed, notes = {}, cost = cost_of(g.lines), by_seed = {},
    of_seeds = seeds, curves = {}, ids = g.ids, by_picture = {} }
  for i, line in ipairs(g.lines) do entry.curves[i] = line.curve end
  if #scores > 0 then
    local m = compare.mean(scores, { groups = g.groups })
    entry.mean, entry.sd, entry.low, entry.high, entry.pictures, entry.groups = m.mean, m.sd, m.low, m.high, m.pictures, m.groups
    for i, list in ipairs(scores) do entry.by_seed[i] = mean_of(list) end
    for k in ipairs(scores[1]) do
      local column = {}
      for i, list in ipairs(scores) do column[i] = list[k] end
      entry.by_picture[k] = mean_of(column)
    end
  end
  return entry
end

local function make_block(study, known, t, s, metric)
  local block, gathered = { score = s.label, key = s.key, metric = metric, rows = {}, notes = {} }, {}
  local function of(row)
    gathered[row.name] = gathered[row.name] or gather(study, known, row, s.key, metric)
    return gathered[row.name]
  end
  local reference = { protocol = nil }
  for _, row in ipairs(t.rows) do
    local g = of(row)
    if g.protocol and not reference.protocol then reference = g end
  end
  for i, row in ipairs(t.rows) do
    local g = of(row)
    local entry = make_row(row, g)
    block.rows[i] = entry
    add_notes(block, entry, g, reference)
    local control = t.against ~= row.name and study.by_name[t.against or row.against or ""] or nil
    if control then
      local why
      entry.difference, why = compared(row, g, control, of(control))
      if why then entry.notes[#entry.notes + 1] = note(block, ("not compared with %s: %s"):format(control.name, why)) end
    end
  end
  block.protocol, block.empty = reference.protocol, reference.protocol == nil
  return block
end

--- What made lines of results: a list of texts, each once.
local function made_by(lines)
  local builds, seen = {}, {}
  for _, line in ipairs(lines) do
    if line.build and not line.failed then
      local text = ("Ramus %s, commit %s, kernels %s (%s), %s%s, %s"):format(line.build.version, line.build.commit, line.build.kernels, line.isa,
        line.blas and ("matrix products by " .. line.blas .. ", ") or "", line.compiler, line.processor)
      if not seen[text] then builds[#builds + 1], seen[text] = text, true end
    end
  end
  return builds
end

--- The lines that the cells of rows have.
local function lines_of(study, known, rows)
  local wanted, lines = {}, {}
  for _, row in ipairs(rows) do wanted[row.name] = true end
  for _, c in ipairs(study.cells) do
    local line, of = known[c.key], false
    for _, name in ipairs(c.rows or {}) do of = of or wanted[name] end
    if line and of then lines[#lines + 1] = line end
  end
  return lines
end

function summary.of(study, known)
  local list = {}
  for i, t in ipairs(study.tables) do
    local made = { name = t.name, title = t.title, level = t.level, figures = t.figures, blocks = {}, builds = made_by(lines_of(study, known, t.rows)) }
    for _, s in ipairs(t.scores) do
      for _, metric in ipairs(t.metrics) do made.blocks[#made.blocks + 1] = make_block(study, known, t, s, metric) end
    end
    correct(made)
    list[i] = made
  end
  local lines = {}
  for _, c in ipairs(study.cells) do lines[#lines + 1] = known[c.key] end
  list.builds = made_by(lines)
  return list
end

--- What the intervals and p values of a table rest on, in words.
function summary.tests_text(t)
  return ("Intervals: nested bootstrap, pictures within seeds. p: Wilcoxon's signed-rank test of the pictures' differences, averaged over seeds, "
    .. "with Holm's correction over the %d comparison%s of this table. A difference counts where its interval leaves out 0 and p <= %.3g.")
    :format(t.tests, t.tests == 1 and "" or "s", t.level)
end

return summary
