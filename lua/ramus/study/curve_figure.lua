--- Figures of a table over the epochs of training, means over the seeds, from the curves of the lines of results.
--
--   "terms"               for each row a panel: the norm of the gradient of every term at its output, on a logarithmic scale; 0 lies on the lowest line
--   "OUTPUT WHAT"         one panel, a line for each row: "out dice", "out patch_entropy", "out agreement.teacher" (log.outputs of the recipe)
--   "loss", "val"         one panel, a line for each row: training loss, validation Dice
-- curve_figure.svg(t, what): the SVG, or nil where no row has such a curve. t: a table of summary.of. curve_figure.lines and .terms: the numbers.
local axes = require "ramus.draw.axes"
local svg = require "ramus.draw.svg"

local curve_figure = {}

local WIDTH, HEIGHT, LEFT, TOP, FOOT = 250, 130, 52, 30, 34 -- pixels; of a small panel
local COLUMNS, LARGE_WIDTH, LARGE_HEIGHT = 3, 560, 280

--- Curves that are no such names are refused when a study is read.
function curve_figure.wrong(what)
  if what == "terms" or what == "loss" or what == "val" or tostring(what):match "^%S+ %S+$" then return nil end
  return ("figures are \"terms\", \"loss\", \"val\" and \"OUTPUT WHAT\", as \"out agreement.teacher\"; given %q"):format(tostring(what))
end

--- The mean of several lists of the same places, NaN and null left out: { { epoch, value }, .. }.
local function mean_of(epochs, lists)
  local points = {}
  for i, epoch in ipairs(epochs) do
    local sum, n = 0, 0
    for _, list in ipairs(lists) do
      if type(list[i]) == "number" then sum, n = sum + list[i], n + 1 end
    end
    if n > 0 then points[#points + 1] = { epoch, sum / n } end
  end
  return points
end

--- A curve of a row: pick(curve) gives its epochs and values; nil where no seed has it.
local function of_row(entry, pick)
  local epochs, lists
  for _, c in ipairs(entry.curves) do
    local e, values = pick(c)
    if e and values and (not epochs or #e == #epochs) then
      epochs = epochs or e
      lists = lists or {}
      lists[#lists + 1] = values
    end
  end
  local points = lists and mean_of(epochs, lists)
  return points and #points > 0 and points or nil
end

--- How the curve `what` is found in a line's curves.
local function picker(what)
  if what == "loss" or what == "val" then return function(c) return c.epoch, c[what] end end
  local output, name = what:match "^(%S+) (%S+)$"
  return function(c)
    local o = c.outputs
    return o and o.epoch, o and o[output] and o[output][name]
  end
end

-- ---- drawing ----------------------------------------------------------------------------

--- The scale of a panel: epochs from 0.
local function scale_of(lines, box, log) return axes.scale(lines, box, { log = log, first = 0, last = 1 }) end

--- Colour by the loss, dashes by the output: { colour, dash } of a term "loss@output#row".
local function style_of(term, losses)
  local name, output = term:match "^([^@]+)@([^#]+)"
  if name and not losses[name] then
    losses.n = (losses.n or 0) + 1
    losses[name] = svg.colours[(losses.n - 1) % #svg.colours + 1]
  end
  local level = tonumber((output or ""):match "%d+$")
  return losses[name] or svg.INK, level and level > 1 and (' stroke-dasharray="%d %d"'):format(8 - 2 * math.min(level, 3), math.min(level, 5)) or nil
end

--- The gradient norms of a row's terms: { { name, points }, .. } in the order of their names.
function curve_figure.terms(entry)
  local names, list = {}, {}
  for _, c in ipairs(entry.curves) do
    for name in pairs(c.terms and c.terms.gradient or {}) do names[name] = true end
  end
  local sorted = {}
  for name in pairs(names) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    local points = of_row(entry, function(c) return c.terms and c.terms.epoch, c.terms and c.terms.gradient[name] end)
    if points then list[#list + 1] = { name = name, points = points } end
  end
  return list
end

--- The lines of a row's panel.
local function term_lines(entry, losses)
  local list = curve_figure.terms(entry)
  for _, l in ipairs(list) do l.colour, l.dash = style_of(l.name, losses) end
  return list
end

local function terms_svg(t, entries)
  local panels, losses, legend, known, all = {}, {}, {}, {}, {}
  for _, entry in ipairs(entries) do
    local lines = term_lines(entry, losses)
    if #lines > 0 then panels[#panels + 1] = { title = entry.row.title, lines = lines } end
    for _, l in ipairs(lines) do
      all[#all + 1] = l
      if not known[l.name] then legend[#legend + 1], known[l.name] = l, true end
    end
  end
  if #panels == 0 then return nil end
  local out, columns, width = {}, math.min(COLUMNS, #panels), 0
  local step_x, step_y = LEFT + WIDTH + 20, TOP + HEIGHT + FOOT
  for i, panel in ipairs(panels) do
    local box = { x = LEFT + (i - 1) % columns * step_x, y = TOP + math.floor((i - 1) / columns) * step_y, w = WIDTH, h = HEIGHT }
    local scale = scale_of(all, box, true) -- one for all panels, so that they can be compared
    local title = svg.length(panel.title) > 44 and panel.title:sub(1, 42) .. ".." or panel.title
    out[#out + 1] = svg.text(box.x, box.y - 10, title, ' class="s b"')
    axes.draw(svg, out, scale, box)
    axes.lines(svg, out, panel.lines, scale)
    width = math.max(width, box.x + box.w + 20)
  end
  local bottom = axes.legend(svg, out, legend, 12, TOP + math.ceil(#panels / columns) * step_y + 10, width - 24)
  out[#out + 1] = svg.text(12, bottom, "Norm of d(weight x loss) / d(logits of its output) by epoch, mean over the seeds.", ' class="s"')
  return svg.document(width, bottom + 14, t.title, out)
end

local NAMES = { loss = "training loss", val = "Dice on the validation split" }

--- A line for each row that has such a curve: { { name, points }, .. }. entries: rows of a block of summary.of.
function curve_figure.lines(entries, what)
  local lines = {}
  for _, entry in ipairs(entries) do
    local points = of_row(entry, picker(what))
    if points then lines[#lines + 1] = { name = entry.row.title, points = points } end
  end
  return lines
end

local function lines_svg(t, entries, what)
  local lines = curve_figure.lines(entries, what)
  for i, l in ipairs(lines) do
    l.colour, l.dash = svg.colours[(i - 1) % #svg.colours + 1], i > #svg.colours and ' stroke-dasharray="5 3"' or nil
  end
  if #lines == 0 then return nil end
  local box, out = { x = LEFT, y = TOP, w = LARGE_WIDTH, h = LARGE_HEIGHT }, {}
  local scale = scale_of(lines, box, false)
  out[1] = svg.text(box.x, 18, NAMES[what] or what:gsub("^(%S+) (%S+)$", "%2 of %1 on the validation split"), ' class="b"')
  axes.draw(svg, out, scale, box)
  axes.lines(svg, out, lines, scale)
  local bottom = axes.legend(svg, out, lines, 12, box.y + box.h + 42, LARGE_WIDTH + LEFT)
  out[#out + 1] = svg.text(12, bottom, "By epoch, mean over the seeds.", ' class="s"')
  return svg.document(LEFT + LARGE_WIDTH + 24, bottom + 14, t.title, out)
end

function curve_figure.svg(t, what)
  local entries = t.blocks[1] and t.blocks[1].rows or {}
  if what == "terms" then return terms_svg(t, entries) end
  return lines_svg(t, entries, what)
end

--- The name of a figure's file behind that of its table: "terms", "out-agreement-teacher".
function curve_figure.suffix(what) return (what:gsub("[^%w]+", "-")) end

return curve_figure
