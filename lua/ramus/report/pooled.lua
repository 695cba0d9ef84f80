--- Tables of a study in the report: rows whose seeds are pooled, as study/summary.lua gives them.
--
--   pooled.block(block)      { chart, table, notes, seeds } of one score and metric, for pooled.html; nil where no row has a number or failed
--   pooled.images(block)     a chart of every image's score, mean over the seeds
--   pooled.seeds(block)      the mean of every row under each seed
--   pooled.cost(list), pooled.protocol(list), pooled.training(list)    of all tables
local chart = require "ramus.report.chart"
local curve_figure = require "ramus.study.curve_figure"
local curves = require "ramus.report.curves"
local figure = require "ramus.study.figure"
local frame = require "ramus.report.frame"
local html = require "ramus.report.html"
local metrics = require "ramus.data.metrics"
local progress = require "ramus.base.progress"
local summary = require "ramus.study.summary"
local svg = require "ramus.draw.svg"
local tables = require "ramus.report.tables"

local pooled = {}

local number = tables.number

local WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 440, 12, 12, 36, 6, 24 -- pixels of the chart of intervals
local CLASS = { better = "s1", worse = "s2", higher = "s7", lower = "s7" }

--- The rows of a block that were asked for this score: those with numbers, and those that failed or are still missing.
local function shown(block)
  local list = {}
  for _, r in ipairs(block.rows) do
    for _, s in ipairs(r.row.scores) do
      if s.key == block.key then list[#list + 1] = r end
    end
  end
  return list
end

local function has(r) return r.mean and r.mean == r.mean end

-- ---- the chart of intervals -----------------------------------------------------------

local function draw_row(out, r, y, place)
  local d = r.difference
  local class = d and (CLASS[d.verdict] or "s8") or "s7"
  local words = has(r) and r.row.title or ("%s: %s"):format(r.row.title, r.failed > 0 and "failed" or "no result yet")
  out[#out + 1] = svg.text(LEFT, y - 10, words)
  if not has(r) then return end
  out[#out + 1] = svg.line(place(r.low), y, place(r.high), y, "currentColor", (' class="line %s"'):format(class))
  for _, v in ipairs(r.by_seed) do
    if v == v then out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="2.2" class="seed %s"/>'):format(place(v), y + 7, class) end
  end
  out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="4.5" class="%s %s"/>'):format(place(r.mean), y, (not d or CLASS[d.verdict]) and "mean" or "mean open", class)
end

local VERDICT = { better = "better than", worse = "worse than", higher = "higher than", lower = "lower than" }

--- What the chart says, for those who do not see it.
local function in_words(title, rows, form)
  local list = {}
  for _, r in ipairs(rows) do
    local d = r.difference
    if has(r) then
      list[#list + 1] = ("%s %s, %s to %s%s"):format(r.row.title, form:format(r.mean), number(r.low, form), number(r.high, form),
        d and (", %s %s"):format(VERDICT[d.verdict] or "not distinguishable from", d.against) or "")
    end
  end
  return ("%s: %s."):format(title, table.concat(list, "; "))
end

--- A row a line: its mean with the interval, its seeds below it, its control's mean as a dashed line.
local function intervals(block, rows, title)
  local axis = figure.axis { rows = rows }
  if not axis then return nil end
  local function place(v) return LEFT + 8 + (WIDTH - LEFT - RIGHT - 16) * (v - axis.low) / (axis.high - axis.low) end
  local bottom, out, controls = TOP + ROW * #rows, {}, {}
  for _, v in ipairs(axis.marks) do
    out[#out + 1] = svg.line(place(v), TOP, place(v), bottom, "#999", ' class="grid"')
    out[#out + 1] = svg.text(place(v), bottom + 16, axis.form:format(v), ' text-anchor="middle"')
  end
  for _, r in ipairs(rows) do if r.difference then controls[r.difference.against] = true end end
  for i, r in ipairs(rows) do
    if controls[r.row.name] and has(r) then out[#out + 1] = svg.line(place(r.mean), TOP, place(r.mean), bottom, "#555", ' class="cross"') end
    draw_row(out, r, TOP + ROW * (i - 1) + 24, place)
  end
  local words = in_words(title, rows, summary.form(block))
  return html("figure", { class = "chart" }, html("figcaption", {}, html("b", {}, title), html("span", { class = "note" },
    " mean with its 95 % interval; small: each seed; dashed: the control; hollow: not distinguishable from it")),
    html("svg", { viewBox = ("0 0 %d %d"):format(WIDTH, bottom + FOOT), role = "img", ["aria-label"] = words }, html.raw(table.concat(out))))
end

-- ---- tables ---------------------------------------------------------------------------

local function name_of(r)
  local seen, marks = {}, {}
  for _, n in ipairs(r.notes) do
    if not seen[n] then marks[#marks + 1], seen[n] = tostring(n), true end
  end
  return { r.row.title, #marks > 0 and html("sup", {}, " " .. table.concat(marks, ", ")) }
end

local function table_of(block, rows, title)
  local form, compared, lines = summary.form(block), false, {}
  for _, r in ipairs(rows) do compared = compared or r.difference ~= nil end
  for i, r in ipairs(rows) do
    local d = r.difference
    lines[i] = { name_of(r), has(r) and tables.interval(r, form) or r.failed > 0 and "failed" or "no result yet", r.seeds > 1 and number(r.sd, form) or "–",
      ("%d of %d"):format(r.seeds, r.wanted), r.pictures and ("%d"):format(r.pictures) or "–" }
    if compared then lines[i][6], lines[i][7] = d and d.against or "–", d and tables.difference(d, form:gsub("^%%", "%%+")) or "–" end
  end
  local head = { "row", "mean, 95 % interval", "SD of seeds", "seeds", "images" }
  if compared then head[6], head[7] = "against", "paired difference" end
  return html.table(title, head, lines)
end

local function title_of(block)
  return ("%s on %s%s"):format(block.metric, block.score, metrics.lower_is_better[block.metric] and " (smaller is better)" or "")
end

function pooled.block(block)
  local rows, notes, title = shown(block), {}, title_of(block)
  local any = false
  for _, r in ipairs(rows) do any = any or has(r) or r.failed > 0 end
  if not any then return nil end
  for i, text in ipairs(block.notes) do notes[i] = html("li", {}, text) end
  return { chart = intervals(block, rows, title), table = table_of(block, rows, title), notes = #notes > 0 and html("ol", { class = "note" }, notes),
    seeds = pooled.seeds(block) }
end

--- Children of what pooled.block gives; images [opt]: a chart beside that of the intervals.
function pooled.html(made) return { curves.grid { made.chart, made.images }, made.table, made.notes, made.seeds } end

--- What the numbers of a table rest on; nil where nothing is compared.
function pooled.tests(t)
  if t.tests == 0 then return nil end
  return html("p", { class = "note" }, summary.tests_text(t))
end

--- Whether two rows were scored on the same images.
local function same_images(a, b)
  if #a.ids ~= #b.ids then return false end
  for i = 1, #a.ids do if a.ids[i] ~= b.ids[i] then return false end end
  return true
end

function pooled.images(block)
  local first, order, lines, left = nil, {}, {}, 0
  for _, r in ipairs(block.rows) do
    if has(r) then
      first = first or r
      if same_images(first, r) then
        if #order == 0 then
          for k, v in ipairs(r.by_picture) do if v == v then order[#order + 1] = k end end
          table.sort(order, function(a, b)
            local x, y = r.by_picture[a], r.by_picture[b]
            return x < y or x == y and a < b
          end)
        end
        local points = {}
        for i, k in ipairs(order) do if r.by_picture[k] == r.by_picture[k] then points[#points + 1] = { i, r.by_picture[k] } end end
        if #lines < 8 then lines[#lines + 1] = { name = r.row.title, points = points } else left = left + 1 end
      end
    end
  end
  if #lines == 0 then return nil end
  local note = ("mean over the seeds, sorted by that of %s%s"):format(first.row.title, left > 0 and ("; %d more rows are left out"):format(left) or "")
  return chart.lines { title = ("%s of every image of %s"):format(block.metric, block.score), note = note, across = "image", dots = true, lines = lines }
end

function pooled.seeds(block)
  local seeds, seen, rows, head = {}, {}, {}, { "row" }
  for _, r in ipairs(block.rows) do
    for _, seed in ipairs(r.of_seeds) do
      if not seen[seed] then seeds[#seeds + 1], seen[seed] = seed, true end
    end
  end
  if #seeds < 2 then return nil end
  table.sort(seeds)
  for i, seed in ipairs(seeds) do head[i + 1] = ("seed %d"):format(seed) end
  for _, r in ipairs(shown(block)) do
    local cells, of = { r.row.title }, {}
    for i, seed in ipairs(r.of_seeds) do of[seed] = r.by_seed[i] end
    for i, seed in ipairs(seeds) do cells[i + 1] = number(of[seed], summary.form(block)) end
    if #r.of_seeds > 0 then rows[#rows + 1] = cells end
  end
  local title = title_of(block) .. ", mean over the images"
  return html("details", {}, html("summary", {}, title .. ", by seed"), html.table(title, head, rows))
end

--- The rows of all tables, each once, as its first block has it.
local function all_rows(list)
  local rows, seen = {}, {}
  for _, t in ipairs(list) do
    for _, r in ipairs(t.blocks[1].rows) do
      if not seen[r.row.name] then rows[#rows + 1], seen[r.row.name] = r, true end
    end
  end
  return rows
end

--- Mean cost of one training of each row, with its scores.
function pooled.cost(list)
  local rows = {}
  for _, r in ipairs(all_rows(list)) do
    local c = r.cost
    if c then
      rows[#rows + 1] = { r.row.title, c.steps and ("%d"):format(c.steps) or "–", progress.time(c.seconds), progress.time(c.cpu_seconds),
        c.peak_mb > 0 and ("%.0f MB"):format(c.peak_mb) or "–", c.parameters and ("%d"):format(c.parameters) or "–" }
    end
  end
  return #rows > 0 and html.table("Cost of one training with its scores, mean over the seeds", { "row", "steps", "time", "processor time", "most memory",
    "parameters" }, rows) or nil
end

--- How each score was computed, by its key.
function pooled.protocol(list)
  local columns, head, seen = {}, { "field" }, {}
  for _, t in ipairs(list) do
    for _, block in ipairs(t.blocks) do
      if block.protocol and not seen[block.key] then
        columns[#columns + 1], head[#head + 1], seen[block.key] = block.protocol, block.score, true
      end
    end
  end
  return tables.by_field("Protocol: how the scores were computed, of the first row that has each", head, tables.fields(columns))
end

--- Loss and validation of the rows of a table, means over the seeds.
local function curves_of(t)
  local list = {}
  for _, what in ipairs { { "loss", "Training loss" }, { "val", "Validation Dice" } } do
    local lines = curve_figure.lines(t.blocks[1].rows, what[1])
    for i, l in ipairs(lines) do l.dash = chart.DASHES[math.floor((i - 1) / 8)] end
    list[#list + 1] = chart.lines { title = what[2], note = "mean over the seeds", lines = lines }
  end
  return curves.grid(list)
end

--- The norms of the gradients of a row's terms, means over the seeds.
local function terms_of(r)
  local lines, names = curve_figure.terms(r), {}
  for i, l in ipairs(lines) do names[i] = l.name end
  local look = curves.looks(names)
  for _, l in ipairs(lines) do l.class, l.dash = look(l.name) end
  return curves.grid { chart.lines { title = "Gradient norm of each term", note = "at its output, mean over the seeds", log = true, lines = lines } }
end

function pooled.training(list)
  local of_tables, of_rows = {}, {}
  for _, t in ipairs(list) do
    local made = curves_of(t)
    if made then of_tables[#of_tables + 1] = { t.title, made } end
  end
  for _, r in ipairs(all_rows(list)) do
    local made = terms_of(r)
    if made then of_rows[#of_rows + 1] = { r.row.title, made } end
  end
  return #of_tables > 0 and frame.tabs("training-of", "Training of", of_tables) or nil, #of_rows > 0 and frame.tabs("terms-of", "Loss terms of", of_rows) or nil
end

return pooled
