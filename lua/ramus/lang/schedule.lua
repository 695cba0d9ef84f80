--- Schedules: values that change over training, as pure functions of time.
--
-- A schedule is called s(t, epochs): t is the epoch, counted from 0, with its
-- fraction inside the epoch; `per = "step"` makes it count optimizer steps
-- instead. `n`, how long it lasts, is all of the training where it is left out.
-- A learning rate's schedule multiplies `lr`; elsewhere the value itself is used.
local options = require "ramus.base.options"

local schedule = {}
local Schedule = {}
Schedule.__index = Schedule

function schedule.is(v) return getmetatable(v) == Schedule end

local function make(name, args, f)
  return setmetatable({ is_schedule = true, name = name, args = args, per = args.per or "epoch", f = f }, Schedule)
end

--- Value at time t. epochs: length of the training (for schedules without n); steps: the same in steps, with t_step.
function Schedule.__call(s, t, epochs, t_step, steps)
  if s.per == "step" and t_step then return s.f(t_step, s.args.n or steps, steps) end
  return s.f(t, s.args.n or epochs, epochs)
end

local function literal(v)
  if schedule.is(v) then return tostring(v) end
  if type(v) == "string" then return ("%q"):format(v) end
  if type(v) ~= "table" then return tostring(v) end
  local parts, done = {}, {}
  for i, x in ipairs(v) do
    parts[#parts + 1] = literal(x)
    done[i] = true
  end
  local keys = {}
  for k in pairs(v) do if not done[k] then keys[#keys + 1] = k end end
  table.sort(keys)
  for _, k in ipairs(keys) do parts[#parts + 1] = k .. " = " .. literal(v[k]) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- The Lua expression that makes it: "ramp{ 0, 0.5 }".
function Schedule.__tostring(s)
  local shown = {}
  for k, v in pairs(s.args) do
    if not (k == "per" and v == "epoch") then shown[k] = v end
  end
  return "ra." .. s.name .. literal(shown)
end

--- t as a share of n, from 0 to 1; without a length only the start is known.
local function share(t, n)
  if t <= 0 then return 0 end
  if not n then error("a schedule without n needs the number of epochs: s(t, epochs)", 3) end
  return math.min(t / n, 1)
end

local length = { type = "number", above = 0, help = "how long it lasts, in epochs (or steps); all of the training if left out" }
local per = { type = "string", one_of = { "epoch", "step" }, default = "epoch", help = "what t counts" }
local function number(default, help) return { type = "number", default = default, help = help } end

--- Positional forms: ra.ramp(0, 0.5, 10) is ra.ramp{0, 0.5, 10}.
local function arguments(first, ...)
  if type(first) == "table" and not schedule.is(first) then return first end
  return { first, ... }
end

--- Always `value`.
function schedule.constant(...)
  local o = options.check(arguments(...), { [1] = { type = "number", name = "value", required = true } }, "constant")
  return make("constant", o, function() return o[1] end)
end

--- From a to b in a straight line over n, then b.
function schedule.ramp(...)
  local o = options.check(arguments(...), { [1] = { type = "number", name = "a", required = true },
    [2] = { type = "number", name = "b", required = true }, [3] = length, n = length, per = per }, "ramp")
  o.n, o[3] = o.n or o[3], nil
  return make("ramp", o, function(t, n) return o[1] + (o[2] - o[1]) * share(t, n) end)
end

--- start * times^floor(t / every).
function schedule.step(given)
  local o = options.check(given, { every = { type = "number", above = 0, required = true },
    times = { type = "number", default = 0.1 }, start = number(1), per = per }, "step")
  return make("step", o, function(t) return o.start * o.times ^ math.floor(t / o.every) end)
end

--- stop + (start - stop) * (1 - t/n)^power (Chen et al., DeepLab, 2017).
function schedule.poly(given)
  local o = options.check(given or {}, { power = { type = "number", default = 0.9, min = 0 }, start = number(1), stop = number(0),
    n = length, per = per }, "poly")
  return make("poly", o, function(t, n) return o.stop + (o.start - o.stop) * (1 - share(t, n)) ^ o.power end)
end

--- Half a cosine from start to stop (Loshchilov and Hutter, SGDR, ICLR 2017).
function schedule.cosine(given)
  local o = options.check(given or {}, { start = number(1), stop = number(0), n = length, per = per }, "cosine")
  return make("cosine", o, function(t, n)
    return o.stop + (o.start - o.stop) * 0.5 * (1 + math.cos(math.pi * share(t, n)))
  end)
end

--- From `from` to 1 in a straight line over n, then the schedule `after` (which sees t from its own start).
function schedule.warmup(given)
  local o = options.check(given, { n = { type = "number", above = 0, required = true }, from = number(0),
    after = { type = "table" }, per = per }, "warmup")
  if o.after and not schedule.is(o.after) then error("warmup: after must be a schedule, as ra.cosine{}", 2) end
  return make("warmup", o, function(t, _, total)
    if t < o.n then return o.from + (1 - o.from) * t / o.n end
    if not o.after then return 1 end
    local rest = total and math.max(total - o.n, 1e-9)
    return o.after.f(t - o.n, o.after.args.n or rest, rest)
  end)
end

--- Up from 1/div to 1 over `up` of the length, then down to 1/(div*final), both as half cosines (Smith and Topin, 2018).
function schedule.onecycle(given)
  local o = options.check(given or {}, { up = { type = "number", default = 0.3, above = 0, below = 1 },
    div = { type = "number", default = 25, above = 0 }, final = { type = "number", default = 1e4, above = 0 }, n = length, per = per },
    "onecycle")
  local function between(a, b, s) return b + (a - b) * 0.5 * (1 + math.cos(math.pi * s)) end
  return make("onecycle", o, function(t, n)
    local s = share(t, n)
    if s < o.up then return between(1 / o.div, 1, s / o.up) end
    return between(1, 1 / (o.div * o.final), (s - o.up) / (1 - o.up))
  end)
end

--- Straight lines between points { {t, value}, ... }; the ends go on flat. smooth = false: steps.
function schedule.piecewise(given)
  local o = options.check(given, { points = { type = "table", required = true }, smooth = { type = "boolean", default = true }, per = per },
    "piecewise")
  local last
  for i, p in ipairs(o.points) do
    if type(p) ~= "table" or type(p[1]) ~= "number" or type(p[2]) ~= "number" or (last and p[1] <= last) then
      error(("piecewise: point %d must be {t, value} with growing t, given %s"):format(i, options.show(p)), 2)
    end
    last = p[1]
  end
  if not last then error("piecewise: points must hold one point or more", 2) end
  return make("piecewise", o, function(t)
    local before = o.points[1]
    if t <= before[1] then return before[2] end
    for i = 2, #o.points do
      local p = o.points[i]
      if t < p[1] then
        if not o.smooth then return before[2] end
        return before[2] + (p[2] - before[2]) * (t - before[1]) / (p[1] - before[1])
      end
      before = p
    end
    return before[2]
  end)
end

--- A number or a schedule, at time t.
function schedule.at(v, t, epochs, t_step, steps)
  return type(v) == "number" and v or v(t, epochs, t_step, steps)
end

return schedule
