--- More of tensors, for exploring: statistics, sorting, places, shapes, ranges of numbers. They work on values, so not inside a model that is
-- being recorded. Lists of places count from 1, as indices do; only argmax and argmin count from 0, as classes do.
local ffi = require "ramus.base.ffi"
local handle = require "ramus.lang.tensor_handle"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local more = {}
local methods = tensor.methods

-- ---- statistics ---------------------------------------------------------------

local spread_schema = { dim = { type = "integer|table", wanted = "a dimension or a list of them" }, keepdim = { type = "boolean", default = false },
  unbiased = { type = "boolean", default = true } }

--- Variance over all elements or the dimensions o.dim, as PyTorch: divided by the count less 1, or by the count (unbiased = false).
local function variance(t, given, who)
  local o = options.check(given, spread_schema, who, 3)
  local count = 1
  for _, d in ipairs(type(o.dim) == "table" and o.dim or o.dim and { o.dim } or {}) do count = count * (t.shape[d] or 1) end
  if not o.dim then count = t.size end
  local mean = t:mean(o.dim and { dim = o.dim, keepdim = true } or {})
  local away = t - mean
  return (away * away):sum(o.dim and { dim = o.dim, keepdim = o.keepdim } or {}) / (count - (o.unbiased and 1 or 0))
end

--- Variance of all elements, or over dimensions: t:var{ dim = 1, keepdim = true }. unbiased = false divides by n, not n - 1.
function methods.var(t, given)
  local v = variance(t, given, "var")
  return v
end

--- Standard deviation, with the options of var.
function methods.std(t, given)
  local v = variance(t, given, "std")
  return v ^ 0.5
end

local extreme_schema = { dim = { type = "integer", min = 1 }, keepdim = { type = "boolean" } }

--- Where the greatest element lies along dim (2 unless given; a vector has one only), from 0: F.argmax.
function methods.argmax(t, given)
  local o = options.check(given, extreme_schema, "argmax")
  o.dim = o.dim or t.rank == 1 and 1 or nil
  return (tensor.op("argmax")(t, o))
end

--- Where the least element lies along dim, as argmax.
function methods.argmin(t, given)
  local o = options.check(given, extreme_schema, "argmin")
  return ((-t):argmax(o))
end

-- ---- sorting ------------------------------------------------------------------

local function like(t, who)
  local dims, rank = handle.c_shape(who, t.shape, 3)
  return (handle.allocate(who, dims, rank, 3))
end

local sort_schema = { dim = { type = "integer", min = 1, wanted = "a dimension (1 is the first)" }, descending = { type = "boolean", default = false } }

--- The lines of a tensor sorted along dim (the last unless given; descending = true), and where each value stood, from 1. NaN goes last.
function methods.sort(t, given)
  local o = options.check(given, sort_schema, "sort")
  if t.rank == 0 then error("sort: a tensor of no dimensions has nothing to sort", 2) end
  local values, order = like(t, "sort"), like(t, "sort")
  if C.ra_tensor_sort(t, (o.dim or t.rank) - 1, o.descending, values, order) ~= 0 then error(ffi.message(), 2) end
  return values, order + 1
end

local function vector(who, n)
  local dims, rank = handle.c_shape(who, { n }, 3)
  return (handle.allocate(who, dims, rank, 3))
end

--- The different values, ascending, and how often each occurs. Every NaN is one of its own.
function methods.unique(t)
  local sorted = t:reshape(-1):sort()
  local x, n, different = ffi.data(sorted), sorted.size, 0
  for k = 0, n - 1 do different = different + ((k == 0 or x[k] ~= x[k - 1]) and 1 or 0) end
  local values, counts = vector("unique", different), vector("unique", different)
  local y, z, at = ffi.data(values), ffi.data(counts), -1
  for k = 0, n - 1 do
    if k == 0 or x[k] ~= x[k - 1] then
      at = at + 1
      y[at], z[at] = x[k], 0
    end
    z[at] = z[at] + 1
  end
  return values, counts
end

-- ---- places -------------------------------------------------------------------

--- The places of the elements that are not 0: a row of indices, from 1, for each.
function methods.nonzero(t)
  local dense = t:clone()
  local x, count, rank, shape = ffi.data(dense), 0, t.rank, t.shape
  for k = 0, t.size - 1 do count = count + (x[k] ~= 0 and 1 or 0) end
  local dims, two = handle.c_shape("nonzero", { count, rank }, 2)
  local out = handle.allocate("nonzero", dims, two, 2)
  local y, row = ffi.data(out), 0
  for k = 0, t.size - 1 do
    if x[k] ~= 0 then
      local rest = k
      for d = rank, 1, -1 do
        y[row * rank + d - 1] = rest % shape[d] + 1
        rest = math.floor(rest / shape[d])
      end
      row = row + 1
    end
  end
  return out
end

--- The parts of the first dimension at these places, a list or a vector of them, in their order: x:take{ 3, 1 }, x:take(order).
function methods.take(t, places)
  local list = handle.is(places) and places:reshape(-1):totable() or places
  if type(list) ~= "table" then error("take: wants a list of places, given " .. options.show(places), 2) end
  local shape = t.shape
  shape[1] = #list
  local dims, rank = handle.c_shape("take", shape, 2)
  local out = handle.allocate("take", dims, rank, 2)
  for k, i in ipairs(list) do
    if type(i) ~= "number" or i < 1 or i > #t or i % 1 ~= 0 then
      error(("take: place %d must be a whole number from 1 to %d, given %s"):format(k, #t, tostring(i)), 2)
    end
    out[k] = t[i]
  end
  return out
end

-- ---- element by element ----------------------------------------------------------

--- A tensor of what a Lua function makes of each element: x:map(math.floor), x:map(function(v) return v % 2 end).
function methods.map(t, f)
  if type(f) ~= "function" then error("map: wants a function of a number, given " .. options.show(f), 2) end
  local dense = t:clone()
  local x = ffi.data(dense)
  for k = 0, dense.size - 1 do
    local v = f(x[k])
    if type(v) ~= "number" then error(("map: the function gave %s for %.6g, wanted a number"):format(options.show(v), x[k]), 2) end
    x[k] = v
  end
  return dense
end

--- The elements rounded to whole numbers, halves up.
function methods.round(t) return (t:map(function(v) return math.floor(v + 0.5) end)) end

--- The largest whole numbers that are not above the elements.
function methods.floor(t) return (t:map(math.floor)) end

-- ---- shapes -------------------------------------------------------------------

--- All elements as a vector.
function methods.flatten(t) return (t:reshape(-1)) end

--- A view without the dimensions of size 1, or without the dimension dim, which has size 1.
function methods.squeeze(t, dim)
  local kept = {}
  for d, n in ipairs(t.shape) do
    if n ~= 1 or dim and dim ~= d then kept[#kept + 1] = n end
  end
  if dim and #kept ~= t.rank - 1 then error(("squeeze: dimension %s of %s has not size 1"):format(tostring(dim), handle.shape_text(t)), 2) end
  return (t:reshape(kept))
end

--- The same with one more dimension, of size 1, at dim.
function methods.unsqueeze(t, dim)
  local shape = t.shape
  if type(dim) ~= "number" or dim < 1 or dim > #shape + 1 or dim % 1 ~= 0 then
    error(("unsqueeze: dim must be from 1 to %d, given %s"):format(#shape + 1, tostring(dim)), 2)
  end
  table.insert(shape, dim, 1)
  return (t:reshape(shape))
end

--- A matrix with rows and columns changed: a copy.
function methods.t(t)
  if t.rank ~= 2 then error("t: wants a matrix, given " .. handle.shape_text(t) .. "; permute changes any dimensions", 2) end
  return (t:permute { 2, 1 })
end

-- ---- numbers ------------------------------------------------------------------

local function number(who, name, v, level)
  if type(v) ~= "number" or v ~= v or math.abs(v) == math.huge then
    error(("%s: %s must be a number, given %s"):format(who, name, tostring(v)), level + 1)
  end
  return v
end

--- Numbers from start on that lie before stop, a step apart; ra.arange(n): 0 to n - 1.
function more.arange(start, stop, step)
  if stop == nil then start, stop = 0, start end
  number("arange", "start", start, 2)
  number("arange", "stop", stop, 2)
  step = number("arange", "step", step or 1, 2)
  if step == 0 then error("arange: step must not be 0", 2) end
  local t = vector("arange", math.max(0, math.ceil((stop - start) / step)))
  for k = 0, t.size - 1 do ffi.data(t)[k] = start + k * step end
  return t
end

--- n numbers from first to last, equally far apart.
function more.linspace(first, last, n)
  number("linspace", "first", first, 2)
  number("linspace", "last", last, 2)
  if number("linspace", "n", n, 2) < 1 or n % 1 ~= 0 then error("linspace: n must be a whole number >= 1, given " .. tostring(n), 2) end
  local t = vector("linspace", n)
  for k = 0, n - 1 do ffi.data(t)[k] = n == 1 and first or first + (last - first) * k / (n - 1) end
  return t
end

--- A tensor filled with a number: ra.full({ 2, 3 }, 0.5).
function more.full(shape, value)
  if type(shape) ~= "table" then error("full: wants a list of sizes and a number, as ra.full({ 2, 3 }, 0.5)", 2) end
  local dims, rank = handle.c_shape("full", shape, 2)
  return (handle.allocate("full", dims, rank, 2):fill(number("full", "value", value, 2)))
end

--- The unit matrix.
function more.eye(n)
  local dims, rank = handle.c_shape("eye", { n, n }, 2)
  local t = handle.allocate("eye", dims, rank, 2):fill(0)
  for k = 0, #t - 1 do ffi.data(t)[k * (n + 1)] = 1 end
  return t
end

return more
