--- ramus compare: the scores of runs in one table.
local command = require "ramus.cli.command"

local function number(v, form) return type(v) == "number" and v == v and (form or "%.4f"):format(v) or "-" end

local function range(e, form) return e and number(e.low, form) .. " to " .. number(e.high, form) or "" end

local VERDICT = { better = "better", worse = "worse", higher = "higher", lower = "lower" }

--- A line for each metric and run. In a narrow terminal the pooled scores are left out first, then the intervals of the means.
local function text_of(runs, t)
  local columns = require "ramus.base.columns"
  local head, rows = { "score", "run", "mean", "95 %" }, {}
  if #runs > 1 then for _, name in ipairs { "differs by", "95 %", "p", "is" } do head[#head + 1] = name end end
  head[#head + 1] = "pooled"
  for _, row in ipairs(t.rows) do
    for i, e in ipairs(row.runs) do
      local d = e.difference
      local cells = { i == 1 and row.metric or "", runs[i].name, number(e.mean), e.mean and range(e, "%.3f") or "" }
      if #runs > 1 then
        cells[5], cells[6] = d and number(d.mean, "%+.4f") or "", range(d, "%+.3f")
        cells[7], cells[8] = d and number(d.holm, "%.2g") or "", d and (VERDICT[d.verdict] or "") or i > 1 and e.why or ""
      end
      cells[#cells + 1] = number(e.pooled)
      rows[#rows + 1] = cells
    end
  end
  return columns.text(head, rows, { true, true }, #runs > 1 and { 9, 4 } or nil)
end

--- What the numbers rest on.
local function note_of(runs, t)
  return ("  Differences are to %s, image by image. Intervals: bootstrap over images. p: Wilcoxon's signed-rank test after Holm's correction for %d "
    .. "comparisons. A difference counts where its interval leaves out 0 and p is at most 0.05.%s"):format(runs[1].name, t.tests,
    t.groups and (" The images are of %d groups (patients), which are drawn, and tested, as one each."):format(t.groups) or "")
end

--- The same as data; what is no number is left out.
local function plain(runs, t)
  local json = require "ramus.base.json"
  local function clean(source, names)
    local copy = {}
    for _, k in ipairs(names) do
      local v = source[k]
      if type(v) == "string" or type(v) == "number" and v == v and math.abs(v) ~= math.huge then copy[k] = v end
    end
    return copy
  end
  local scores = {}
  for _, row in ipairs(t.rows) do
    local list = {}
    for i, e in ipairs(row.runs) do
      list[i] = clean(e, { "mean", "low", "high", "pooled", "n", "why" })
      list[i].difference = e.difference and clean(e.difference, { "mean", "low", "high", "p", "holm", "n", "verdict" })
    end
    scores[row.metric] = json.list(list)
  end
  local names = {}
  for i, g in ipairs(runs) do names[i] = { name = g.name, path = g.path } end
  return { runs = json.list(names), scores = scores, tests = t.tests }
end

return {
  name = "compare", order = 7, words = "RUN...", help = "scores of runs in one table: means with intervals, paired differences to the first run, tests",
  example = "ramus compare runs/first runs/second",
  flags = { command.JSON },
  run = function(words, given)
    if #words < 1 then return false, "compare wants one run folder or more, given none", 2 end
    local runs, err = require("ramus.report.gather").runs(words)
    if not runs then return false, err end
    local any = false
    for _, g in ipairs(runs) do
      any = any or g.scores
      if not g.scores then command.complain(("%s was not scored: ramus eval %s"):format(g.name, g.path)) end
    end
    if not any then return false, "none of these runs was scored" end
    local t = require("ramus.report.compared").of(runs)
    if given.json then require("ramus.base.json").print(plain(runs, t))
    else
      print(text_of(runs, t))
      if t.tests > 0 then
        require("ramus.base.talk").note("\n" .. require("ramus.base.show").wrapped(note_of(runs, t)))
      end
    end
    return 0
  end,
}
