--- Charts of what the supervision of a run was told to do: the weight of each row at each output by epoch, and the scheduled options of the losses.
-- Schedules are read from the text in resolved.json, not executed; one that follows a score of the training is left out.
local chart = require "ramus.report.chart"
local curves = require "ramus.report.curves"
local schedule = require "ramus.lang.schedule"
local schedule_text = require "ramus.lang.schedule_text"

local weights = {}

--- The outputs that a row's `at` matches, in order.
local function matches(g, at)
  local pattern, list = "^" .. tostring(at):gsub("%p", "%%%0"):gsub("%%%*", ".*") .. "$", {}
  for _, name in ipairs(type(g.recipe.model) == "table" and type(g.recipe.model.outputs) == "table" and g.recipe.model.outputs or {}) do
    if tostring(name):find(pattern) then list[#list + 1] = tostring(name) end
  end
  return #list > 0 and list or { tostring(at) }
end

--- Points of a number or a schedule's text over the epochs in which a row acts; nil where it cannot be known.
local function points(g, v, row)
  local s = type(v) == "string" and schedule_text.read(v) or v
  if type(s) ~= "number" and not schedule.is(s) then return nil end
  local epochs, list = tonumber(g.recipe.epochs) or #g.history, {}
  for _, h in ipairs(g.history) do
    local t, steps = tonumber(h.epoch), tonumber(h.steps) or 1
    if t and t >= (tonumber(row.from) or 0) and t < (tonumber(row.till) or math.huge) then
      local ok, w = pcall(schedule.at, s, t, epochs, t * steps, epochs * steps)
      if not ok or type(w) ~= "number" or w ~= w then return nil end
      list[#list + 1] = { t, w }
    end
  end
  return list
end

local function loss_name(row) return type(row.loss) == "table" and tostring(row.loss.name or "function") or "function" end

--- Adds the lines of a row's weights.
local function add_weights(lines, g, row, look)
  for i, output in ipairs(matches(g, row.at)) do
    local v = row.weight == nil and 1 or row.weight
    if type(v) == "table" then v = v[i] end
    local name = loss_name(row) .. "@" .. output
    local class, dash = look(name)
    lines[#lines + 1] = { name = name, points = points(g, v, row) or {}, class = class, dash = dash }
  end
end

--- Two charts, each nil where there is nothing to draw.
function weights.of(g)
  local lines, options, look = {}, {}, curves.looks(curves.terms(g.history))
  for _, row in ipairs(type(g.recipe.supervise) == "table" and g.recipe.supervise or {}) do
    add_weights(lines, g, row, look)
    for name, v in pairs(type(row.loss) == "table" and type(row.loss.options) == "table" and row.loss.options or {}) do
      local list = type(v) == "string" and v:find("ra.", 1, true) and points(g, v, row)
      if list then options[#options + 1] = { name = ("%s of %s@%s"):format(tostring(name), loss_name(row), tostring(row.at)), points = list } end
    end
  end
  table.sort(options, function(a, b) return a.name < b.name end)
  return { chart.lines { title = "Weight of each term", note = "as the recipe says; where a line ends the row does not act", lines = lines },
    chart.lines { title = "Scheduled options of the losses", lines = options } }
end

return weights
