--- Dice against latency: what the study of architectures says (architectures.json) over what cost.lua measured (cost.json), as pareto.svg.
--
--   ramus run docs/results/pareto.lua [FOLDER]      the folder that holds the three files: this one
--
-- A net is a disk without self-distillation and a ring with it, with the interval of its mean; across: the median latency of one picture of
-- 512x512 on two threads, which distillation does not change. The line is the front: no net on or left of it has a higher Dice.
local axes = require "ramus.draw.axes"
local files = require "ramus.base.files"
local json = require "cjson"
local svg = require "ramus.draw.svg"

local folder = arg[1] or arg[0]:match "^(.*)/[^/]*$" or "."
local TAUGHT = " taught" -- ends the name of a row with self-distillation

local function read(name)
  local text = files.read(folder .. "/" .. name)
  if not text then error(("%s/%s is not there: run docs/results/cost.lua and `ramus study recipes/architectures.lua` first"):format(folder, name), 0) end
  return json.decode(text)
end

--- { name =, taught =, ms =, dice =, low =, high = } of every net that was trained and timed, the fastest first.
local function points_of(costs, tables)
  local ms, points = {}, {}
  for _, c in ipairs(costs.rows) do if c.threads == 2 then ms[c.name] = c.ms end end
  for _, r in ipairs(tables.rows) do
    local name = r.row:gsub(TAUGHT .. "$", "")
    if r.metric == "dice" and r.mean and ms[name] then
      points[#points + 1] = { name = name, taught = name ~= r.row, ms = ms[name], dice = r.mean, low = r.low, high = r.high }
    end
  end
  table.sort(points, function(a, b) return a.ms < b.ms or a.ms == b.ms and a.dice > b.dice end)
  return points
end

--- The points that no faster one reaches.
local function front_of(points)
  local front = {}
  for _, p in ipairs(points) do
    if #front == 0 or p.dice > front[#front].dice then front[#front + 1] = p end
  end
  return front
end

-- ---- the picture ----------------------------------------------------------------------------

local BOX = { x = 64, y = 44, w = 620, h = 340 }
local MILLISECONDS = { 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000 }

--- Where a label may stand beside a point of radius 5: { dx, dy, anchor }.
local PLACES = { { 9, 4, "start" }, { -9, 4, "end" }, { 8, -9, "start" }, { 8, 17, "start" }, { -8, -9, "end" }, { -8, 17, "end" }, { 8, 30, "start" } }

--- A place for a label where it covers no point and no other label, of what is `taken` as { left, top, right, bottom }.
local function label(out, taken, x, y, what)
  local width, best, least = 6.4 * svg.length(what), nil, math.huge
  for _, place in ipairs(PLACES) do
    local left = x + place[1] - (place[3] == "end" and width or 0)
    local rect, hits = { left, y + place[2] - 10, left + width, y + place[2] + 3 }, left + width > BOX.x + BOX.w + 110 and 1 or 0
    for _, t in ipairs(taken) do
      if rect[1] < t[3] and t[1] < rect[3] and rect[2] < t[4] and t[2] < rect[4] then hits = hits + 1 end
    end
    if hits < least then best, least = { place = place, rect = rect }, hits end
  end
  taken[#taken + 1] = best.rect
  out[#out + 1] = svg.text(x + best.place[1], y + best.place[2], what, (' class="s" text-anchor="%s"'):format(best.place[3]))
end

local function draw(points, pictures)
  local low, high, out = math.huge, -math.huge, {}
  for _, p in ipairs(points) do low, high = math.min(low, p.low), math.max(high, p.high) end
  local across = math.log(points[#points].ms / points[1].ms)
  local function at(ms) return math.log(ms) end
  local room = 0.06 * across + 0.1
  local scale = axes.scale({ { points = { { at(points[1].ms) - room, low }, { at(points[#points].ms) + room, high } } } }, BOX, {})
  axes.draw(svg, out, scale, BOX, {})
  for _, v in ipairs(MILLISECONDS) do
    if at(v) >= scale.first and at(v) <= scale.last then
      out[#out + 1] = svg.line(scale.x(at(v)), BOX.y + BOX.h, scale.x(at(v)), BOX.y + BOX.h + 4, svg.GREY)
      out[#out + 1] = svg.text(scale.x(at(v)), BOX.y + BOX.h + 18, tostring(v), ' text-anchor="middle" class="s"')
    end
  end
  out[#out + 1] = svg.line(BOX.x, BOX.y + BOX.h, BOX.x + BOX.w, BOX.y + BOX.h, svg.GREY)
  for _, p in ipairs(points) do p.x, p.y = scale.x(at(p.ms)) + (p.taught and 3 or -3), scale.y(p.dice) end
  local steps, front = {}, front_of(points)
  for i, p in ipairs(front) do
    if i > 1 then steps[#steps + 1] = { p.x, front[i - 1].y } end
    steps[#steps + 1] = { p.x, p.y }
  end
  steps[#steps + 1] = { BOX.x + BOX.w, front[#front].y }
  out[#out + 1] = svg.path(steps, svg.GREY, ' stroke-dasharray="4 3"')
  local taken, named = {}, {}
  for i = 2, #steps do
    local a, b = steps[i - 1], steps[i]
    taken[i - 1] = { a[1], math.min(a[2], b[2]) - 1, b[1] + 1, math.max(a[2], b[2]) + 1 }
  end
  for _, p in ipairs(points) do
    taken[#taken + 1] = { p.x - 5, p.y - 5, p.x + 5, p.y + 5 }
    out[#out + 1] = svg.line(p.x, scale.y(p.low), p.x, scale.y(p.high), p.taught and svg.ORANGE or svg.BLUE, ' stroke-opacity="0.35"')
    out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s" stroke="%s" stroke-width="1.6"/>'):format(p.x, p.y,
      p.taught and "#FFFFFF" or svg.BLUE, p.taught and svg.ORANGE or svg.BLUE)
  end
  for _, p in ipairs(points) do -- one name for the two points of a net, at the first of them
    if not named[p.name] then
      named[p.name] = true
      label(out, taken, p.x, p.y, ("%s, %.0f ms"):format(p.name, p.ms))
    end
  end
  local y = BOX.y + BOX.h + 42
  out[#out + 1] = svg.text(BOX.x, y, "milliseconds for one picture of 512x512 on two threads", ' class="s"')
  out[#out + 1] = svg.text(12, 22, ("Dice on cimat80's %d test pictures"):format(pictures), ' class="b"')
  out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s"/>'):format(BOX.x + 370, y - 4, svg.BLUE)
  out[#out + 1] = svg.text(BOX.x + 380, y, "supervised sides", ' class="s"')
  out[#out + 1] = ('<circle cx="%.1f" cy="%.1f" r="4.5" fill="#FFFFFF" stroke="%s" stroke-width="1.6"/>'):format(BOX.x + 490, y - 4, svg.ORANGE)
  out[#out + 1] = svg.text(BOX.x + 500, y, "and self-distillation", ' class="s"')
  return svg.document(BOX.x + BOX.w + 120, y + 18, "Dice against latency", out)
end

local costs, tables = read "cost.json", read "architectures.json"
local points = points_of(costs, tables)
if #points == 0 then error("no net of architectures.json has a result and a time of two threads in cost.json", 0) end
assert(files.write(folder .. "/pareto.svg", draw(points, tables.rows[1].pictures)))
print(("%s/pareto.svg: %d points"):format(folder, #points))
