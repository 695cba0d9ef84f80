--- The report's tables: scores with intervals and differences, levels, classes, images, cost, what differs, protocols.
local compared = require "ramus.report.compared"
local gather = require "ramus.report.gather"
local html = require "ramus.report.html"
local metrics = require "ramus.data.metrics"

local tables = {}

local function number(v, form) return type(v) == "number" and v == v and (form or "%.4f"):format(v) or "–" end
tables.number = number

function tables.p(p) return p and p == p and (p < 0.001 and "< 0.001" or ("%.3f"):format(p)) or "–" end

--- The cell of a mean with its interval.
function tables.interval(e, form)
  return { number(e.mean, form), html("small", {}, (" %s to %s"):format(number(e.low, form), number(e.high, form))) }
end

local MARK = { better = "▲ better", worse = "▼ worse", higher = "▲ higher", lower = "▼ lower" }

--- The cell of a paired difference { mean, low, high, holm, verdict }; form: of its numbers, "%+.4f" unless given.
function tables.difference(d, form)
  form = form or "%+.4f"
  return { number(d.mean, form), html("small", {}, (" %s to %s, p %s"):format(number(d.low, form), number(d.high, form), tables.p(d.holm))),
    MARK[d.verdict] and html("b", { class = d.verdict }, " " .. MARK[d.verdict]) or "" }
end

--- Mean with its interval and pooled score of every run.
function tables.scores(runs, t)
  local head, rows = { "score" }, {}
  for _, g in ipairs(runs) do
    head[#head + 1] = g.name .. ", mean over images"
    head[#head + 1] = "pooled"
  end
  for i, row in ipairs(t.rows) do
    local cells = { row.metric .. (metrics.lower_is_better[row.metric] and " ↓" or "") }
    for _, e in ipairs(row.runs) do
      cells[#cells + 1] = e.mean and tables.interval(e) or e.why or "–"
      cells[#cells + 1] = number(e.pooled)
    end
    rows[i] = cells
  end
  return html.table("Scores on the test images: mean over images with its 95 % interval, and of all pixels as one image. ↓: smaller is better.", head, rows)
end

--- Paired differences of the other runs to the first.
function tables.differences(runs, t)
  if #runs < 2 then return nil end
  local head, rows = { "score" }, {}
  for i = 2, #runs do head[i] = runs[i].name end
  for i, row in ipairs(t.rows) do
    local cells = { row.metric .. (metrics.lower_is_better[row.metric] and " ↓" or "") }
    for k = 2, #runs do cells[k] = row.runs[k].difference and tables.difference(row.runs[k].difference) or row.runs[k].why or "–" end
    rows[i] = cells
  end
  return html.table(("Paired differences to %s, image by image, with 95 %% intervals; p of Wilcoxon's signed-rank test after Holm's correction "
    .. "for %d comparisons%s"):format(runs[1].name, t.tests, t.groups and ("; images of one group (patient), of which there are %d, count as one")
    :format(t.groups) or ""), head, rows)
end

--- Dice of every output of every run.
function tables.levels(runs)
  local names, seen, rows, head = {}, {}, {}, { "output" }
  for i, g in ipairs(runs) do
    head[i + 1] = g.name
    for name in pairs(g.scores and g.scores.outputs or {}) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  if #names == 0 then return nil end
  table.sort(names)
  table.insert(names, 1, "")
  for i, name in ipairs(names) do
    local cells = { name == "" and "main output" or name }
    for k, g in ipairs(runs) do
      local s = g.scores and (name == "" and g.scores or g.scores.outputs[name])
      local d = s and s.per_image and s.per_image.dice
      cells[k + 1] = d and tables.interval(d) or "–"
    end
    rows[i] = cells
  end
  return html.table("Dice of each output, mean over the test images with its 95 % interval", head, rows)
end

--- Scores of the classes of a run with several; nil for others.
function tables.classes(g)
  local list = g.scores and g.scores.classes
  if type(list) ~= "table" then return nil end
  local rows = {}
  for i, c in ipairs(list) do
    local s, pooled = c.per_image or {}, c.pooled or {}
    local function mean(k) return number(s[k] and s[k].mean) end
    rows[i] = { tostring(c.name), number(c.n, "%d"), number(c.pixels, "%.0f"), mean "dice", mean "iou", mean "sensitivity", mean "precision", mean "hd95",
      number(pooled.dice) }
  end
  return html.table("Classes of " .. g.name, { "class", "images", "pixels", "dice", "iou", "sensitivity", "precision", "hd95", "pooled dice" }, rows)
end

--- Every image's Dice.
function tables.images(runs)
  local first = runs[1]
  if not first.scores then return nil end
  local head, rows = { "image" }, {}
  for i, g in ipairs(runs) do head[i + 1] = g.name end
  for i, image in ipairs(first.scores.images) do
    local cells = { tostring(image.id) }
    for k, g in ipairs(runs) do
      cells[k + 1] = (k == 1 or not compared.why_not(first, g)) and number(tonumber(g.scores.images[i].dice)) or "–"
    end
    rows[i] = cells
  end
  return html("details", {}, html("summary", {}, ("Dice of each of the %d test images"):format(#rows)), html.table("Dice by image", head, rows))
end

local COST = {
  { "epochs", function(g) return ("%d"):format(#g.history) end },
  { "time of the epochs", function(g) return g.cost.seconds > 0 and ("%.0f s"):format(g.cost.seconds) end },
  { "processor time", function(g) return g.cost.cpu_seconds > 0 and ("%.0f s"):format(g.cost.cpu_seconds) end },
  { "training images a second", function(g) return g.cost.seconds > 0 and ("%.1f"):format(g.cost.images / g.cost.seconds) end },
  { "parameters", function(g) return g.cost.parameters and ("%d"):format(g.cost.parameters) end },
  { "forward pass of one image", function(g) return g.cost.gflop and ("%.2f GFLOP (%s)"):format(g.cost.gflop, g.cost.size) end },
  { "memory of a training step", function(g) return g.cost.scratch_mb and ("%d MB"):format(g.cost.scratch_mb) end },
  { "weights, optimizer, data at the start", function(g) return g.cost.weights_mb and ("%d MB"):format(g.cost.weights_mb) end },
  { "kernels, threads", function(g) return g.cost.kernels and ("%s, %d"):format(g.cost.kernels, g.cost.threads) end },
}

function tables.cost(runs)
  local head, rows = { "cost" }, {}
  for i, g in ipairs(runs) do head[i + 1] = g.name end
  for i, c in ipairs(COST) do
    rows[i] = { c[1] }
    for k, g in ipairs(runs) do rows[i][k + 1] = c[2](g) or "–" end
  end
  return html.table("Cost of the training, from the run's log and timing", head, rows)
end

--- A table of fields: rows of { field, values }, nil where a column has none; nil without rows. head: "field" and the columns' names.
function tables.by_field(caption, head, list)
  if #list == 0 then return nil end
  local rows = {}
  for i, row in ipairs(list) do
    rows[i] = { html("code", {}, row[1]) }
    for k = 2, #head do rows[i][k] = row[k] or "–" end
  end
  return html.table(caption, head, rows)
end

--- Rows for by_field of several tables of plain values; a column may be nil in none.
function tables.fields(columns)
  local names, seen, list = {}, {}, {}
  for _, column in ipairs(columns) do
    for name in pairs(column) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    list[i] = { name }
    for k, column in ipairs(columns) do
      local v = column[name]
      list[i][k + 1] = type(v) == "table" and table.concat(v, ", ") or v ~= nil and tostring(v) or nil
    end
  end
  return list
end

local function with_names(first, runs)
  local head = { first }
  for i, g in ipairs(runs) do head[i + 1] = g.name end
  return head
end

--- Which fields of the recipes differ.
function tables.different(runs)
  if #runs < 2 then return nil end
  local list = gather.differences(runs)
  if #list == 0 then return html("p", {}, "The resolved recipes of the runs are the same.") end
  return tables.by_field("What was different between the runs: fields of the resolved recipes", with_names("field", runs), list)
end

--- How the scores were computed.
function tables.protocol(runs)
  local columns = {}
  for i, g in ipairs(runs) do columns[i] = g.scores and g.scores.protocol or {} end
  return tables.by_field("Protocol: how the scores were computed", with_names("field", runs), tables.fields(columns))
end

return tables
