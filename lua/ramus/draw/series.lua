--- What plot was given, as series: { name =, x = { .. }, y = { .. } }. Values that are not finite are gaps.
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"
local tensor = require "ramus.lang.tensor"

local series = {}

local MOST = 8 -- columns of a table that are drawn without being named

--- The numbers of a list or of a tensor of one dimension (others of size 1 aside); nil where it is none.
local function numbers_of(v)
  if tensor.is(v) then
    local long = 0
    for _, n in ipairs(v.shape) do if n > 1 then long = long + 1 end end
    return v.size > 0 and long <= 1 and v:reshape(-1):totable() or nil
  end
  if type(v) ~= "table" or getmetatable(v) ~= nil or #v == 0 then return nil end
  local list = {}
  for i = 1, #v do
    if type(v[i]) ~= "number" then return nil end
    list[i] = v[i]
  end
  return list
end

local function counted(n)
  local x = {}
  for i = 1, n do x[i] = i end
  return x
end

--- Names of a table's columns: its lists of numbers, `epoch` aside.
local function columns_of(t)
  local names = {}
  for _, key in ipairs(options.names(t)) do
    if type(key) == "string" and key ~= "epoch" and type(t[key]) == "table" and type(t[key][1]) == "number" then names[#names + 1] = key end
  end
  return names
end

--- Columns of a table by name, over its column `epoch` where it has one.
local function of_columns(t, names, level)
  local known, list = columns_of(t), {}
  if #names == 0 then
    if #known > MOST then
      error(("plot: name some of the %d columns, as plot(history, %q): %s"):format(#known, known[1], table.concat(known, ", ")), level + 1)
    end
    names = known
  end
  for i, name in ipairs(names) do
    local y = type(name) == "string" and rawget(t, name)
    if type(y) ~= "table" or type(y[1]) ~= "number" then error("plot: " .. options.unknown("column", name, known), level + 1) end
    local epoch = type(t.epoch) == "table" and #t.epoch == #y and name ~= "epoch" and t.epoch or nil
    list[i] = { name = name, x = epoch or counted(#y), y = y }
  end
  list.x_name = list[1] and list[1].x == t.epoch and "epoch" or nil
  return list
end

--- A schedule over the epochs of a training.
local function of_schedule(s, epochs, level)
  local n, one = epochs or rawget(s, "args") and s.args.n or 100, { name = tostring(s):gsub("^ra%.", ""), x = {}, y = {} }
  for i = 0, 200 do
    local t = n * i / 200
    local ok, value = pcall(s, t, n, t, n, {})
    if not ok or type(value) ~= "number" then error(("plot: %s has no value without a training"):format(tostring(s)), level + 1) end
    one.x[i + 1], one.y[i + 1] = t, value
  end
  return one
end

--- Series of the values; o: x, names, epochs. An error `level` up where there is none.
function series.of(values, o, level)
  local first = values[1]
  local single = numbers_of(first)
  if #values > 0 and type(first) == "table" and not single and not schedule.is(first) and #columns_of(first) > 0 then
    local columns = of_columns(first, { unpack(values, 2) }, level + 1) -- no tail call: errors count the frames
    return columns
  end
  if #values == 1 and type(first) == "table" and getmetatable(first) == nil and not single then values = first end -- a list of series
  local list, x = {}, o.x and numbers_of(o.x)
  for i, v in ipairs(values) do
    local y = numbers_of(v)
    if schedule.is(v) then list[i], list.x_name = of_schedule(v, o.epochs, level + 1), "epoch"
    elseif y then list[i] = { name = tostring(i), x = x or counted(#y), y = y }
    else
      error("plot: draws lists of numbers, tensors of one dimension, schedules and columns of a table, got "
        .. (tensor.is(v) and "a tensor " .. tensor.shape_text(v) .. "; show draws it" or options.show(v)), level + 1)
    end
    if #list[i].x ~= #list[i].y then error(("plot: x has %d values, series %d has %d"):format(#list[i].x, i, #list[i].y), level + 1) end
    list[i].name = o.names and o.names[i] or list[i].name
  end
  if #list == 0 then error("plot: nothing to draw; give a list of numbers", level + 1) end
  return list
end

--- Is it a number that can be drawn?
function series.finite(v) return type(v) == "number" and v - v == 0 end

return series
