--- A plan of plan_for.lua as text: the reasons of its values, and the recipe that it makes.
local plan_text = {}

local function by(pair) return ("%dx%d"):format(pair[1], pair[2]) end

--- Rows { what, value, reason }.
function plan_text.reasons(p, o)
  local f, rows = p.facts, {}
  local function row(what, value, ...) rows[#rows + 1] = { what = what, value = tostring(value), reason = (...):format(select(2, ...)) } end
  local sizes = f.heights[1] == f.heights[2] and f.widths[1] == f.widths[2] and "all have this size"
    or ("the median; from %dx%d to %dx%d"):format(f.heights[1], f.widths[1], f.heights[2], f.widths[2])
  row("pictures", f.pictures, "to train on, of %dx%d: %s", f.height, f.width, sizes)
  if not f.spacing then row("pixel", "-", "not every file says how large a pixel is: nothing is made of it")
  else
    row("pixel", ("%.3g mm"):format(f.spacing), f.spread > 1.05 and "the median; the largest is %.2f times the smallest, and augmentation scales by as much"
      or "the median; the largest is %.2f times the smallest", f.spread)
  end
  row("crop", by(p.crop), p.crop[1] == p.full[1] and p.crop[2] == p.full[2] and "the median size, up to a multiple of %d"
    or "the median size, up to a multiple of %d, would be %s: shortened until the budget is met", 2 ^ (p.depth - 1), by(p.full))
  local edge = math.min(p.crop[1], p.crop[2]) / 2 ^ (p.depth - 1)
  row("depth", p.depth, "halved %d times, %d pixels are left of the crop's smaller side; %s", p.depth - 1, edge, p.depth == 8 and "8 levels are the most"
    or "4 are the least")
  row("width", p.width, p.place == 1 and "channels of level 1; twice as many a level below, at most 512"
    or "channels of level 1; 32 would cost more than the budget with crops of 256")
  local limit = p.batch == math.max(2, p.by_cost) and ("the budget of %g GFLOP a forward pass"):format(o.gflop)
    or p.batch == math.max(2, p.by_data) and "5 % of the training pixels" or p.batch == 16 and "16 are the most" or "the budget of memory"
  row("batch", p.batch, "%s; 2 are the least", limit)
  row("cost", ("%.1f GFLOP"):format(p.gflop), "a forward pass of the batch; the budget is %g", o.gflop)
  row("memory", ("%.0f MB"):format(p.memory), "a training step, parameters and optimizer; the budget is %g%s", o.memory,
    p.short and (", %.0f were too many"):format(p.short) or "")
  row("net", ("%.1f M"):format(p.model:count() / 1e6), "parameters of %s", p.model.name)
  return rows
end

--- The plan for a reader.
function plan_text.of(p)
  local lines = { ("a plan for %s, by the rules of nnU-Net (?plan_for)"):format(p.facts.title) }
  for _, r in ipairs(p.why) do lines[#lines + 1] = ("  %-9s %-10s %s"):format(r.what, r.value, r.reason) end
  return table.concat(lines, "\n")
end

--- The recipe as Lua: the plan's values, and what nnU-Net trains with (Dice and cross entropy, at the side outputs with half the weight a level).
function plan_text.recipe(p)
  local f, weights = p.facts, {}
  for i = 1, p.depth - 1 do weights[i] = ("%g"):format(2 ^ -i) end
  local loss = f.classes > 2 and "cross_entropy" or "bce"
  local spread = math.min(f.spread or 1, 1.4)
  local lines = { "-- Made by `ramus plan`:" }
  for _, r in ipairs(p.why) do lines[#lines + 1] = ("--   %s %s: %s"):format(r.what, r.value, r.reason) end
  lines[#lines + 1] = "local ra = require \"ramus\""
  lines[#lines + 1] = ([[
return {
  name = "planned_%s",
  data = { set = %q, batch = %d,
    augment = { flip = true, rotate = 20, scale = { %.3g, %.3g }, gamma = { 0.7, 1.5 }, crop = { %d, %d }, foreground_share = 0.33 } },
  model = ra.models.planned { depth = %d, width = %d, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.%s {} },
    { at = "side*", loss = ra.loss.%s {}, weight = { %s } },
  },
  optim = ra.optim.adamw { lr = 1e-3, weight_decay = 1e-5, clip = 1, schedule = ra.poly {} },
  epochs = 50, seed = 42,
}
]]):format((f.title:gsub("[^%w_]", "_")), f.set, p.batch, math.min(0.8, 1 / spread), math.max(1.25, spread), p.crop[1], p.crop[2], p.depth, p.width, loss, loss,
    table.concat(weights, ", "))
  return table.concat(lines, "\n")
end

return plan_text
