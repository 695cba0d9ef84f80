--- The report's charts over the epochs: loss, validation, every term and its gradient, outputs, calibration.
local chart = require "ramus.report.chart"
local html = require "ramus.report.html"

local curves = {}

--- Points of a line: pick(entry) of every epoch that has a number there.
local function points(history, pick)
  local list = {}
  for _, h in ipairs(history) do
    local v = pick(h)
    if type(v) == "number" and v == v and type(h.epoch) == "number" then list[#list + 1] = { h.epoch, v } end
  end
  return list
end

--- One chart with a line for each run.
local function by_run(runs, title, pick, more)
  local o = { title = title, lines = {} }
  for k, v in pairs(more or {}) do o[k] = v end
  for i, g in ipairs(runs) do o.lines[i] = { name = g.name, points = points(g.history, pick), class = chart.class(i) } end
  return chart.lines(o)
end

--- Charts in which the runs are the lines.
function curves.together(runs)
  return { by_run(runs, "Training loss", function(h) return h.loss end),
    by_run(runs, "Validation Dice", function(h) return h.validation and h.validation.dice end, { marks = true }),
    by_run(runs, "Norm of the whole gradient", function(h) return h.gradient_norm end, { log = true, note = "before clipping" }),
    by_run(runs, "Learning rate", function(h) return h.rate end) }
end

--- "bce@side2#3" as loss, output and level; the level is 0 for an output without number.
function curves.parts(term)
  local loss, output = tostring(term):match "^([^@]+)@([^#]+)"
  loss, output = loss or tostring(term), output or ""
  return loss, output, tonumber(output:match "%d+$") or 0
end

--- Names of the terms of a history, sorted by loss, then level.
function curves.terms(history)
  local names, seen = {}, {}
  for _, h in ipairs(history) do
    for name in pairs(type(h.terms) == "table" and h.terms or {}) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  table.sort(names)
  return names
end

--- How the lines of terms look: a function of the term's name that gives class and dashes. The class is the loss, the dashes are the level.
-- names: of the terms.
function curves.looks(names)
  local losses, n = {}, 0
  local function class_of(loss)
    if not losses[loss] then
      n = n + 1
      losses[loss] = chart.class(n)
    end
    return losses[loss]
  end
  for _, name in ipairs(names) do class_of((curves.parts(name))) end
  return function(name)
    local loss, _, level = curves.parts(name)
    return class_of(loss), chart.DASHES[math.min(level, 5)]
  end
end

--- Lines of a run by term.
local function term_lines(g, field)
  local lines, look = {}, curves.looks(curves.terms(g.history))
  for _, name in ipairs(curves.terms(g.history)) do
    local class, dash = look(name)
    lines[#lines + 1] = { name = name, class = class, dash = dash,
      points = points(g.history, function(h) return h.terms and h.terms[name] and h.terms[name][field] end) }
  end
  return lines
end

--- Lines of a run by output, of log.outputs; pick(output's entry).
local function output_lines(g, pick)
  local names, seen, lines = {}, {}, {}
  for _, h in ipairs(g.history) do
    for name in pairs(h.outputs or {}) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    lines[i] = { name = name, points = points(g.history, function(h) return h.outputs and h.outputs[name] and pick(h.outputs[name]) end) }
  end
  return lines
end

--- Names of the teachers with whom a run's outputs were compared.
local function teachers_of(g)
  local list, seen = {}, {}
  for _, h in ipairs(g.history) do
    for _, o in pairs(h.outputs or {}) do
      for which in pairs(o.agreement or {}) do
        if not seen[which] then list[#list + 1], seen[which] = which, true end
      end
    end
  end
  table.sort(list)
  return list
end

--- Charts of one run: its terms, and its outputs where the run looked at them.
function curves.of_run(g)
  local list = { chart.lines { title = "Value of each loss term", note = "unweighted mean over the batches", lines = term_lines(g, "value") },
    chart.lines { title = "Gradient norm of each term", note = "of d(weight x loss) / d(logits of its output)", log = true,
      lines = term_lines(g, "gradient_norm") } }
  local function add(o)
    o.marks = true
    list[#list + 1] = chart.lines(o)
  end
  add { title = "Gradient norm at the decoder's parameters", log = true, lines = term_lines(g, "parameter_gradient_norm") }
  add { title = "Dice of each output", note = "on the validation split", lines = output_lines(g, function(o) return o.dice end) }
  add { title = "Patch entropy of each output", note = "bits, patches of 16x16; smaller is more certain",
    lines = output_lines(g, function(o) return o.patch_entropy end) }
  for _, which in ipairs(teachers_of(g)) do
    add { title = "Agreement with " .. which, note = "Dice of the two masks",
      lines = output_lines(g, function(o) return o.agreement and o.agreement[which] end) }
  end
  return list
end

--- How often a pixel of a probability is foreground, by run; nil where no run has it.
function curves.calibration(runs)
  local o = { title = "Calibration", note = "over the pixels of all test images; the dashed line is a calibrated model", across = "probability", whole = false,
    low = 0, high = 1, marks = true, lines = {} }
  local head, rows = { "probability" }, {}
  for i, g in ipairs(runs) do
    local list, bins = {}, g.scores and type(g.scores.pooled) == "table" and g.scores.pooled.calibration
    head[i + 1] = g.name
    for k, b in ipairs(type(bins) == "table" and bins or {}) do
      rows[k] = rows[k] or { ("%.3g to %.3g"):format(tonumber(b.low) or 0, tonumber(b.high) or 0) }
      for j = #rows[k] + 1, i do rows[k][j] = "-" end
      rows[k][i + 1] = "-"
      if tonumber(b.confidence) and tonumber(b.frequency) and (tonumber(b.count) or 0) > 0 then
        list[#list + 1] = { b.confidence, b.frequency }
        rows[k][i + 1] = ("%.4g"):format(b.frequency)
      end
    end
    o.lines[i] = { name = g.name, points = list, class = chart.class(i) }
  end
  local any = false
  for _, l in ipairs(o.lines) do any = any or #l.points > 0 end
  if not any then return nil end
  o.numbers = chart.numbers("Share of foreground among the pixels of a probability", head, rows)
  o.lines[#o.lines + 1] = { name = "calibrated", points = { { 0, 0 }, { 1, 1 } }, class = "ideal", dash = "3 4" }
  return chart.lines(o)
end

--- Dice of every test image, images sorted by the first run's.
function curves.by_image(runs, column, why_not)
  if not runs[1].scores then return nil end
  local first, order = column(runs[1], "dice"), {}
  for i = 1, #first do order[i] = i end
  table.sort(order, function(a, b)
    local x, y = first[a], first[b]
    if x ~= y and x == x and y == y then return x < y end
    if (x == x) ~= (y == y) then return x == x end
    return a < b
  end)
  local o = { title = "Dice of every test image", note = "sorted by that of " .. runs[1].name, across = "image", dots = true, lines = {} }
  for i, g in ipairs(runs) do
    local list = {}
    if g.scores and (i == 1 or not why_not(runs[1], g)) then
      local values = column(g, "dice")
      for k, image in ipairs(order) do if values[image] == values[image] then list[#list + 1] = { k, values[image] } end end
    end
    o.lines[i] = { name = g.name, points = list, class = chart.class(i) }
  end
  return chart.lines(o)
end

--- Charts side by side, where there are any.
function curves.grid(list)
  local kept = {}
  for i = 1, table.maxn(list) do kept[#kept + 1] = list[i] end
  return #kept > 0 and html("div", { class = "charts" }, kept) or nil
end

return curves
