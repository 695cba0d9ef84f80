--- The story of a run as lines for a terminal: where it is, how long it will take, its curves and every term. Read from its files alone.
local drawing = require "ramus.draw.drawing"
local files = require "ramus.base.files"
local names = require "ramus.train.run.names"
local progress = require "ramus.base.progress"
local run = require "ramus.train.run"
local run_list = require "ramus.train.run.list"
local drawn = require "ramus.draw.show"
local show = require "ramus.base.show"
local trend = require "ramus.draw.trend"

local story = {}

--- Epochs whose mean length tells how long one takes.
local RECENT = 5
--- Lines that a picture takes at most, and those below which there is none.
local MOST, LEAST = 24, 6

--- Seconds that are left by the mean of the last epochs, counted from the last one's end; nil where nothing is known.
local function seconds_left(f, timing, changed)
  if f.state ~= "running" or #timing == 0 then return nil end
  local sum, n = 0, 0
  for i = math.max(1, #timing - RECENT + 1), #timing do sum, n = sum + timing[i].seconds, n + 1 end
  local since = changed and os.time() - changed or 0
  return math.max(0, (f.of - f.epochs) * sum / n - math.min(since, sum / n)), sum / n
end

--- The values of a field of a history; entries without it are left out.
local function column(history, get)
  local list = {}
  for _, h in ipairs(history) do
    local v = get(h)
    if type(v) == "number" and v == v then list[#list + 1] = v end
  end
  return list
end

--- Lines of a curve with its range to the left; {} where there is none yet.
local function curve(title, values, view, height)
  local lines, low, high = trend.lines(values, { width = view.columns - 12, height = height, plain = view.plain })
  if not lines then return {} end
  local out = { title }
  for i, line in ipairs(lines) do
    local label = i == 1 and ("%.4g"):format(high) or i == #lines and ("%.4g"):format(low) or ""
    out[#out + 1] = ("%10s  %s"):format(label, line)
  end
  return out
end

--- A line for each term: its last value, its gradient norm and a small curve.
local function term_lines(history, view)
  local last, list, lines = history[#history], {}, {}
  for name in pairs(last and last.terms or {}) do list[#list + 1] = name end
  table.sort(list)
  local longest = 0
  for _, name in ipairs(list) do longest = math.max(longest, #name) end
  local width = math.max(8, math.min(24, view.columns - longest - 36))
  for i, name in ipairs(list) do
    local values = column(history, function(h) return h.terms[name] and h.terms[name].value end)
    local small = trend.lines(values, { width = width, height = 1, plain = view.plain })
    local t = last.terms[name]
    local value = t.value and ("%9.4f"):format(t.value) or "        -"
    lines[i] = ("  %-" .. longest .. "s  %s  %s  |gradient| %.2g"):format(name, value, small and small[1] or "", t.gradient_norm or 0)
  end
  return lines
end

local function add(lines, more) for _, line in ipairs(more) do lines[#lines + 1] = line end end

--- The lines of a picture that fit into `rows`; {} where they are too few.
local function picture_lines(picture, caption, view, rows)
  if rows < LEAST then return {} end
  local plain = view.plain or (view.colours or 0) == 0
  local lines = drawing.lines(drawn.show(picture), { columns = math.min(view.columns, 4 * rows), rows = rows + 3,
    mode = plain and "characters" or "blocks", colours = plain and 0 or view.colours, cell = { 10, 20 } })
  lines[1] = plain and caption or caption .. "  (yellow found, blue missed, orange falsely found)"
  while #lines > rows do lines[#lines] = nil end
  return lines
end

--- What a script wants of a run: state, epochs, seconds that are left, the last epoch's numbers; then its history. nil and a message.
function story.facts(path)
  local f, err = run_list.facts(path)
  if not f then return nil, err end
  local opened = run.read(path)
  local history, timing = opened:history(), opened:timing()
  local _, changed = files.size(names.path_of(path, "metrics"))
  f.seconds_left, f.seconds_an_epoch = seconds_left(f, timing, changed)
  local last = history[#history]
  if last then f.loss, f.rate, f.terms, f.last_validation = last.loss, last.rate, last.terms, last.validation end
  return f, history
end

--- The lines of a run, and its state; nil and a message. view: { columns =, rows =, plain = true for stars in the place of braille, colours = of
-- the terminal, picture = [opt] what current.picture gave, caption = }; what does not fit is left out.
function story.lines(path, view)
  local f, history = story.facts(path)
  if not f then return nil, history end
  local left, each = f.seconds_left, f.seconds_an_epoch
  local last = history[#history]
  local lines = { ("%s: %s, epoch %d of %d%s"):format(path, f.state, f.epochs, f.of, left and (", ETA %s"):format(progress.time(left)) or "") }
  lines[2] = ("%s on %s, seed %s%s"):format(f.model, f.set, tostring(f.seed), f.bytes and ", " .. show.bytes(f.bytes) or "")
  if f.why then lines[#lines + 1] = f.why end
  if last then
    lines[#lines + 1] = ("loss %s  rate %.3g%s%s%s"):format(last.loss and ("%.4f"):format(last.loss) or "-", last.rate or 0,
      f.validation and ("  best val dice %.4f in epoch %d"):format(f.validation, f.best_epoch) or "",
      f.test and ("  test dice %.4f"):format(f.test) or "", each and ("  %.3g s an epoch"):format(each) or "")
  end
  local terms = term_lines(history, view)
  local reserved = (view.picture or view.caption) and math.min(MOST, math.floor(view.rows / 2)) or 0
  local height = math.max(2, math.min(8, math.floor((view.rows - reserved - #lines - #terms - 5) / 2)))
  add(lines, curve("loss", column(history, function(h) return h.loss end), view, height))
  add(lines, curve("val dice", column(history, function(h) return h.validation and h.validation.dice end), view, height))
  if #terms > 0 then lines[#lines + 1] = "terms" end
  add(lines, terms)
  if view.picture then add(lines, picture_lines(view.picture, view.caption, view, math.min(MOST, view.rows - #lines)))
  elseif view.caption then lines[#lines + 1] = "no picture: " .. view.caption end
  while #lines > view.rows do lines[#lines] = nil end
  return lines, f.state
end

return story
