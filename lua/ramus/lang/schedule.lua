--- Schedules: values that change over training, as pure functions of time, and of the scores so far where they follow one.
--
-- A schedule is called s(t, epochs): t is the epoch, counted from 0, with its fraction inside the epoch; `per = "step"` makes it count optimizer
-- steps instead. `n` is its length, all of the training where it is left out.
-- A learning rate's schedule multiplies `lr`; elsewhere the value itself is used.
-- ra.follow(source, {..}) also reads a score that the training has seen last: s(t, epochs, t_step, steps, seen), seen by schedule.key.
-- Schedules add, subtract, multiply and divide, with each other and with numbers: 0.5 * ra.cosine{} + 0.1.
local options = require "ramus.base.options"

local schedule = {}
local Schedule = {}
Schedule.__index = Schedule

--- Whether v is a schedule, as ra.ramp(0, 1) makes one.
function schedule.is(v) return getmetatable(v) == Schedule end

--- Value at time t. epochs: length of the training (for schedules without n); steps: the same in steps, with t_step; seen: scores by key.
function Schedule.__call(s, t, epochs, t_step, steps, seen)
  if s.parts then return s.parts(t, epochs, t_step, steps, seen) end
  if s.per == "step" and t_step then return s.f(t_step, s.args.n or steps, steps, seen) end
  return s.f(t, s.args.n or epochs, epochs, seen)
end

--- The name under which a schedule's score is kept: "val.dice", or "val.dice smooth=0.9" for a running average of it.
function schedule.key(o) return o[1] .. (o.smooth > 0 and (" smooth=%.14g"):format(o.smooth) or "") end

--- Adds what a value follows to `found`, { key = { source =, smooth = } }: a number or a schedule, and those that it is made of. Returns found.
function schedule.follows(v, found)
  found = found or {}
  if type(v) ~= "table" then return found end
  if not schedule.is(v) then
    for _, part in pairs(v) do schedule.follows(part, found) end
    return found
  end
  if v.name == "follow" then found[schedule.key(v.args)] = { source = v.args[1], smooth = v.args.smooth } end
  schedule.follows(v.args, found)
  return schedule.follows(v.of, found)
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
  if s.text then return s.text end
  local shown = {}
  for k, v in pairs(s.args) do
    if not (k == "per" and v == "epoch") then shown[k] = v end
  end
  return "ra." .. s.name .. literal(shown)
end

--- The same for people: "follows val.dice (min 0.01, times 1)".
function schedule.text(s)
  if s.name ~= "follow" then return (tostring(s):gsub("^ra%.", "")) end
  local list, usual = {}, schedule.defined.follow.schema
  for _, k in ipairs { "max", "min", "plus", "smooth", "start", "times" } do
    local v = s.args[k]
    if v and (v ~= usual[k].default or k == "min") then list[#list + 1] = ("%s %g"):format(k, v) end
  end
  return ("follows %s (%s)"):format(s.args[1], table.concat(list, ", "))
end

--- A number or a schedule, at time t.
function schedule.at(v, t, epochs, t_step, steps, seen)
  return type(v) == "number" and v or v(t, epochs, t_step, steps, seen)
end

--- The value of a number or a schedule that is part of another one, at t of the part's own length n.
local function inside(v, t, n, seen) return type(v) == "number" and v or v.f(t, v.args.n or n, n, seen) end

--- The sum, product, .. of two, each a number or a schedule, as a schedule that prints as its expression.
local function expression(sign, a, b, f)
  for _, v in ipairs { a, b } do
    if type(v) ~= "number" and not schedule.is(v) then
      error(("a schedule and %s: wanted a number or a schedule on both sides of '%s'"):format(options.show(v), sign), 3)
    end
  end
  local function text(v) return type(v) == "number" and ("%.17g"):format(v) or tostring(v) end
  local per = schedule.is(a) and a.per or b.per
  return setmetatable({ is_schedule = true, name = "expression", args = {}, of = { a, b }, per = per, text = ("(%s %s %s)"):format(text(a), sign, text(b)),
    f = function(t, _, total, seen) return f(inside(a, t, total, seen), inside(b, t, total, seen)) end,
    parts = function(...) return f(schedule.at(a, ...), schedule.at(b, ...)) end }, Schedule)
end

function Schedule.__add(a, b) return expression("+", a, b, function(x, y) return x + y end) end
function Schedule.__sub(a, b) return expression("-", a, b, function(x, y) return x - y end) end
function Schedule.__mul(a, b) return expression("*", a, b, function(x, y) return x * y end) end
function Schedule.__div(a, b) return expression("/", a, b, function(x, y) return x / y end) end
function Schedule.__unm(a) return expression("-", 0, a, function(_, y) return -y end) end

--- t as a fraction of n, from 0 to 1; without a length only the start is known.
local function fraction(t, n)
  if t <= 0 then return 0 end
  if not n then error("a schedule without n needs the number of epochs: s(t, epochs)", 3) end
  return math.min(t / n, 1)
end

-- ---- definitions --------------------------------------------------------------

--- name -> { name, signature, help, schema }: the source of constructors, ra.NAME, help and reference pages.
schedule.defined = {}

--- Names of all schedules, sorted.
function schedule.names() return options.names(schedule.defined) end

local length = { type = "number", above = 0, help = "length in epochs (or steps); all of the training if left out" }
local per = { type = "string", one_of = { "epoch", "step" }, default = "epoch", help = "unit of t" }

--- Positional forms: ra.ramp(0, 0.5, 10) is ra.ramp{0, 0.5, 10}; a table at the end holds options by name.
local function arguments(first, ...)
  if type(first) == "table" and not schedule.is(first) then return first end
  local given = { first, ... }
  local named = #given > 1 and given[#given]
  if type(named) == "table" and not schedule.is(named) then
    given[#given] = nil
    for key, v in pairs(named) do given[key] = v end
  end
  return given
end

--- Defines schedule.NAME{...} and ra.NAME{...}. schema: its options, besides n (its length) and per, which it has
-- too unless they are false there; check(o): [opt] a message if they are wrong, or nil; f(o) returns the value as a function of (t, n, total, seen).
-- Options are positional where the schema has numbers for keys; n may follow them. list: [opt] the option that a plain list stands for.
function schedule.define(d)
  local schema = { n = length, per = per }
  for key, entry in pairs(d.schema) do schema[key] = entry or nil end
  local last = #d.schema + 1
  if last > 1 and schema.n then schema[last] = length end
  schedule.defined[d.name] = { name = d.name, signature = d.signature, help = d.help, schema = schema }
  schedule[d.name] = function(...)
    local given = arguments(...)
    if d.list and type(given) == "table" and given[1] ~= nil then
      local named = { [d.list] = { unpack(given) } }
      for key, v in pairs(given) do if type(key) == "string" then named[key] = v end end
      given = named
    end
    local o = options.check(given, schema, d.name)
    if last > 1 then o.n, o[last] = o.n or o[last], nil end
    local wrong = d.check and d.check(o)
    if wrong then error(("%s: %s"):format(d.name, wrong), 2) end
    return setmetatable({ is_schedule = true, name = d.name, args = o, per = o.per or "epoch", f = d.f(o) }, Schedule)
  end
end

local function number(default, help) return { type = "number", default = default, help = help } end
local function required(name) return { type = "number", name = name, required = true } end

schedule.define {
  name = "constant", signature = "ra.constant(value)", help = "Always `value`.", schema = { required "value", n = false, per = false },
  f = function(o) return function() return o[1] end end,
}

schedule.define {
  name = "ramp", signature = "ra.ramp(a, b, n)", help = "From a to b in a straight line over n, then b.",
  schema = { required "a", required "b" },
  f = function(o) return function(t, n) return o[1] + (o[2] - o[1]) * fraction(t, n) end end,
}

schedule.define {
  name = "geometric", signature = "ra.geometric(a, b, n)", help = "From a to b over n by a constant factor (a straight line of the logarithm), then b.",
  schema = { required "a", required "b" },
  check = function(o) return not (o[1] > 0 and o[2] > 0) and "a and b must be above 0" or nil end,
  f = function(o) return function(t, n) return o[1] * (o[2] / o[1]) ^ fraction(t, n) end end,
}

schedule.define {
  name = "step", signature = "ra.step{every=, times=0.1, start=1}", help = "start * times^floor(t / every).",
  schema = { every = { type = "number", above = 0, required = true }, times = number(0.1), start = number(1), n = false },
  f = function(o) return function(t) return o.start * o.times ^ math.floor(t / o.every) end end,
}

schedule.define {
  name = "poly", signature = "ra.poly{power=0.9, start=1, stop=0, n=}",
  help = "stop + (start - stop) * (1 - t/n)^power (Chen et al., DeepLab, 2017).",
  schema = { power = { type = "number", default = 0.9, min = 0 }, start = number(1), stop = number(0) },
  f = function(o) return function(t, n) return o.stop + (o.start - o.stop) * (1 - fraction(t, n)) ^ o.power end end,
}

schedule.define {
  name = "cosine", signature = "ra.cosine{start=1, stop=0, n=}",
  help = "Half a cosine from start to stop (Loshchilov and Hutter, SGDR, ICLR 2017).", schema = { start = number(1), stop = number(0) },
  f = function(o)
    return function(t, n) return o.stop + (o.start - o.stop) * 0.5 * (1 + math.cos(math.pi * fraction(t, n))) end
  end,
}

schedule.define {
  name = "warmup", signature = "ra.warmup{n=, from=0, after=schedule}",
  help = "From `from` to 1 in a straight line over n, then the schedule `after` (which sees t from its own start).",
  schema = { n = { type = "number", above = 0, required = true }, from = number(0), after = { type = "table" } },
  check = function(o) return o.after and not schedule.is(o.after) and "after must be a schedule, as ra.cosine{}" or nil end,
  f = function(o)
    return function(t, _, total, seen)
      if t < o.n then return o.from + (1 - o.from) * t / o.n end
      if not o.after then return 1 end
      local rest = total and math.max(total - o.n, 1e-9)
      return inside(o.after, t - o.n, rest, seen)
    end
  end,
}

--- Half a cosine from a to b.
local function between(a, b, s) return b + (a - b) * 0.5 * (1 + math.cos(math.pi * s)) end

schedule.define {
  name = "onecycle", signature = "ra.onecycle{up=0.3, div=25, final=1e4, n=}",
  help = "Up from 1/div to 1 over `up` of the length, then down to 1/(div*final), both as half cosines (Smith and Topin, 2018).",
  schema = { up = { type = "number", default = 0.3, above = 0, below = 1 }, div = { type = "number", default = 25, above = 0 },
    final = { type = "number", default = 1e4, above = 0 } },
  f = function(o)
    return function(t, n)
      local s = fraction(t, n)
      if s < o.up then return between(1 / o.div, 1, s / o.up) end
      return between(1, 1 / (o.div * o.final), (s - o.up) / (1 - o.up))
    end
  end,
}

--- A message if a list of points is wrong, or nil.
local function wrong_points(o)
  local last
  for i, p in ipairs(o.points) do
    if type(p) ~= "table" or type(p[1]) ~= "number" or type(p[2]) ~= "number" or (last and p[1] <= last) then
      return ("point %d must be {t, value} with growing t, given %s"):format(i, options.show(p))
    end
    last = p[1]
  end
  return not last and "points must hold one point or more" or nil
end

schedule.define {
  name = "piecewise", signature = "ra.piecewise{points={{t, value}, ...}, smooth=true}",
  help = "Straight lines between points { {t, value}, ... }; the ends go on flat. smooth = false: steps.",
  schema = { points = { type = "table", required = true }, smooth = { type = "boolean", default = true }, n = false },
  check = wrong_points,
  f = function(o)
    return function(t)
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
    end
  end,
}

--- A message if the pieces of a chain are wrong, or nil.
local function wrong_pieces(o)
  for i, p in ipairs(o.pieces) do
    local value = type(p) == "table" and not schedule.is(p) and p[2]
    if not value or type(p[1]) ~= "number" or not (p[1] > 0) or not (type(value) == "number" or schedule.is(value)) then
      return ("piece %d must be { length, number or schedule }, the length above 0, given %s"):format(i, options.show(p))
    end
  end
  return #o.pieces == 0 and "wants one piece or more, as { 20, ra.ramp(0, 1) }" or nil
end

schedule.define {
  name = "chain", signature = "ra.chain{ {length, schedule}, ... }", list = "pieces",
  help = "One after the other, each for its length and seeing t from its own start; the last one stays at its end.",
  schema = { pieces = { type = "table", required = true, help = "{ {length, number or schedule}, ... }" }, n = false },
  check = wrong_pieces,
  f = function(o)
    return function(t, _, _, seen)
      for i, p in ipairs(o.pieces) do
        if t < p[1] or i == #o.pieces then return inside(p[2], math.min(t, p[1]), p[1], seen) end
        t = t - p[1]
      end
    end
  end,
}

schedule.define {
  name = "restarts", signature = "ra.restarts{of=schedule, every=, longer=1, times=1}",
  help = "`of` again and again: the first time over `every`, each next time `longer` times as long and `times` times as large\n"
    .. "(Loshchilov and Hutter, SGDR, ICLR 2017, with of = ra.cosine{}).",
  schema = { of = { type = "table", required = true }, every = { type = "number", above = 0, required = true },
    longer = { type = "number", default = 1, min = 1 }, times = number(1), n = false },
  check = function(o) return not schedule.is(o.of) and "of must be a schedule, as ra.cosine{}" or nil end,
  f = function(o)
    return function(t, _, _, seen)
      local span, scale = o.every, 1
      while t >= span do
        t, span, scale = t - span, span * o.longer, scale * o.times
      end
      return scale * inside(o.of, t, span, seen)
    end
  end,
}

--- What a schedule may follow.
schedule.SOURCES = { "val.dice", "loss" }

schedule.define {
  name = "follow", signature = "ra.follow(source, {min=0.01, max=, times=1, plus=0, start=0, smooth=0})",
  help = "plus + times * the last score of `source`, kept between min and max, so never 0. Sources: \"val.dice\", the Dice of the last\n"
    .. "validation; \"loss\", the mean of the epoch before. It changes at the ends of epochs.",
  schema = { { type = "string", name = "source", required = true, one_of = schedule.SOURCES },
    min = { type = "number", above = 0, default = 0.01, help = "smallest value" }, max = { type = "number", above = 0, help = "largest value" },
    times = number(1), plus = number(0), start = number(0, "what counts as the score before there is one"),
    smooth = { type = "number", min = 0, below = 1, default = 0, help = "decay of a running average of the score; 0: the last one" },
    n = false, per = false },
  check = function(o) return o.max and o.max < o.min and ("max = %g must not be below min = %g"):format(o.max, o.min) or nil end,
  f = function(o)
    local key = schedule.key(o)
    return function(_, _, _, seen)
      return math.min(math.max(o.plus + o.times * (seen and seen[key] or o.start), o.min), o.max or math.huge)
    end
  end,
}

return schedule
