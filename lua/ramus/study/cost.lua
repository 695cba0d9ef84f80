--- What the cells of a study that have no result yet will cost: `ramus study FILE --check`.
--
-- cost.estimate(study, options) returns { rows, hours, cells, jobs, threads, why, absent } or nil and a message; a row is { row, cells (missing),
-- steps, step (seconds), seconds (of a cell), peak_mb, hours (of all its cells), from ("measured now" or "its other seeds") }.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local pace = require "ramus.study.pace"
local pictures = require "ramus.study.pictures"
local probe = require "ramus.study.probe"
local process = require "ramus.base.process"
local progress = require "ramus.base.progress"
local runner = require "ramus.study.runner"
local C = ffi.C

local cost = {}

--- What other seeds of a recipe took here with so many threads, or nil.
local function from_results(study, c, known, threads)
  local sum, n, peak, steps = 0, 0, 0, nil
  for _, other in ipairs(study.cells) do
    local line = known[other.key]
    local k = other.hash == c.hash and line and not line.failed and line.threads == threads and line.processor == process.processor() and line.cost
    if k then
      sum, n, peak, steps = sum + k.seconds + (k.scoring_seconds or 0), n + 1, math.max(peak, k.peak_mb or 0), k.steps
    end
  end
  if n == 0 then return nil end
  return { seconds = sum / n, peak_mb = peak, steps = steps, step = nil, from = "its other seeds" }
end

local function from_probe(study, c, way, o)
  local p, err = pace.measure(study, c, way.jobs, way.threads, o)
  if not p then return nil, err end
  return { seconds = probe.seconds(p), peak_mb = p.peak_mb, steps = p.steps, step = p.step, waited = p.waited, from = "measured now" }
end

--- The missing cells by recipe, in order: { cell, count }.
local function by_recipe(cells)
  local list, seen = {}, {}
  for _, c in ipairs(cells) do
    if not seen[c.hash] then
      seen[c.hash] = { cell = c, count = 0 }
      list[#list + 1] = seen[c.hash]
    end
    seen[c.hash].count = seen[c.hash].count + 1
  end
  return list
end

local function estimate(study, ready, known, o)
  local way, err = {}, nil
  way.jobs, way.threads, way.why = pace.choose(study, ready[1] or study.cells[1], #ready, o)
  if not way.jobs then return nil, way.why end
  local result = { rows = {}, hours = 0, cells = #ready, jobs = way.jobs, threads = way.threads, why = way.why }
  for i, group in ipairs(by_recipe(ready)) do
    local row = from_results(study, group.cell, known, way.threads)
    if not row then row, err = from_probe(study, group.cell, way, o) end
    if not row then return nil, ("row '%s': %s"):format(group.cell.rows[1], err) end
    row.row, row.cells = table.concat(group.cell.rows, ", "), group.count
    result.waited = math.max(result.waited or 0, row.waited or 0)
    row.hours = row.seconds * group.count / math.min(way.jobs, #ready) / 3600
    result.rows[i], result.hours = row, result.hours + row.hours
  end
  return result
end

--- options: those of runner.run.
function cost.estimate(study, o)
  local ok, err = files.make_folder(o.runs)
  if not ok then return nil, err end
  local known = runner.known(study)
  local cells = runner.missing(study, known, pictures.here(study.cells, o), o.chosen)
  local ready, absent = pictures.bring(cells, o)
  if not ready then return nil, absent end
  C.ra_signal_catch(true)
  local result
  result, err = estimate(study, ready, known, o)
  C.ra_signal_catch(false)
  if err == "interrupted" then return { interrupted = true } end
  if not result then return nil, err end
  result.absent = absent
  return result
end

--- The estimate as Markdown.
function cost.text(r)
  local lines = { "| row | cells | steps | s a step | time a cell | peak MB | hours |", "|---|---|---|---|---|---|---|" }
  for _, row in ipairs(r.rows) do
    lines[#lines + 1] = ("| %s | %d | %d | %s | %s | %.0f | %.2f |"):format(row.row, row.cells, row.steps, row.step and ("%.3f"):format(row.step) or "-",
      progress.time(row.seconds), row.peak_mb, row.hours)
  end
  lines[#lines + 1] = ("\n%d cells to run, %d at a time with %d thread%s each (%s): about %s, %.2f hours.\n%s, %s kernels."):format(r.cells, r.jobs,
    r.threads, r.threads == 1 and "" or "s", r.why, progress.time(3600 * r.hours), r.hours, process.processor(), ffi.string(C.ra_isa()))
  if (r.waited or 0) > pace.BUSY then
    lines[#lines + 1] = ("The machine was busy: up to %.0f %% of the time went to other processes, so these times are too long."):format(100 * r.waited)
  end
  return table.concat(lines, "\n") .. "\n"
end

return cost
