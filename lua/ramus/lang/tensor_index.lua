--- t[i], t[{ {1, 3}, 2 }], t[mask]: parts of a tensor, and assignment to them. Indices count from 1, negative ones from the end.
--
--   t[2]              the second of the first dimension: a view without it, or a number where t is a vector
--   t[-1]             the last
--   t[{ 2, {} , 5 }]  an index for each dimension; {} is all of it, { 3, 7 } from 3 to 7, left out: all
--   t[t:gt(0.5)]      the elements where a mask of t's shape is not 0, as a vector: a copy
--   t[2] = 0.5        a number, or a tensor of the part's shape
local ffi = require "ramus.base.ffi"
local handle = require "ramus.lang.tensor_handle"
local C = ffi.C

local index = {}

--- Index i of dimension d (both from 1) counted from 0.
local function place(t, d, i, level)
  local n = t.dim[d - 1]
  local at = type(i) == "number" and (i < 0 and n + i or i - 1) or nil
  if not at or at < 0 or at >= n or at ~= math.floor(at) then
    error(n == 0 and ("index: dimension %d of %s is empty"):format(d, handle.shape_text(t))
      or ("index: %s is outside of dimension %d of %s; wanted 1 to %d, or -1 to -%d from the end"):format(tostring(i), d, handle.shape_text(t), n, n),
      level + 1)
  end
  return at
end

--- The view that a list of indices and ranges makes.
local function part(t, list, level)
  if #list > t.rank then error(("index: %d indices for %s"):format(#list, handle.shape_text(t)), level + 1) end
  local v, d = t, 1
  for k, item in ipairs(list) do
    if type(item) == "table" then
      local first, last = item[1], item[2] == nil and item[1] or item[2]
      if #item > 2 then error(("index: range %d must be {}, { i } or { first, last }"):format(k), level + 1) end
      if first ~= nil then
        local from, to = place(v, d, first, level + 1), place(v, d, last, level + 1)
        if to < from then error(("index: the range { %s, %s } ends before it begins"):format(tostring(first), tostring(last)), level + 1) end
        v = handle.view("index", C.ra_tensor_narrow(v, d - 1, from, to - from + 1), level + 1)
      end
      d = d + 1
    else v = handle.view("index", C.ra_tensor_select(v, d - 1, place(v, d, item, level + 1)), level + 1) end
  end
  return v
end

--- The elements at a mask's places, in order, and their number.
local function masked(t, mask, level)
  if handle.shape_text(mask) ~= handle.shape_text(t) then
    error(("index: a mask has the tensor's shape: given %s for %s"):format(handle.shape_text(mask), handle.shape_text(t)), level + 1)
  end
  local dense, values = mask:clone(), t:clone()
  return ffi.data(dense), ffi.data(values), dense, values
end

local function select_masked(t, mask, level)
  local m, x, dense, values = masked(t, mask, level + 1)
  local count = 0
  for k = 0, dense.size - 1 do count = count + (m[k] ~= 0 and 1 or 0) end
  local dims, rank = handle.c_shape("index", { count }, level + 1)
  local out = handle.allocate("index", dims, rank, level + 1)
  local y, at = ffi.data(out), 0
  for k = 0, values.size - 1 do
    if m[k] ~= 0 then
      y[at] = x[k]
      at = at + 1
    end
  end
  return out
end

--- t[key]
function index.get(t, key, level)
  if type(key) == "number" then
    if t.rank == 1 then return ffi.data(t)[place(t, 1, key, level + 1) * t.stride[0]] end
    if t.rank == 0 then error("index: a tensor of no dimensions has no index; t:item() is its value", level + 1) end
    return (handle.view("index", C.ra_tensor_select(t, 0, place(t, 1, key, level + 1)), level + 1))
  end
  if type(key) == "cdata" then return (select_masked(t, key, level + 1)) end
  local v = part(t, key, level + 1)
  return v.rank == 0 and ffi.data(v)[0] or v
end

local function put(v, value, level)
  if type(value) == "number" then
    v:fill(value)
    return
  end
  if not handle.is(value) then error("index: the value must be a number or a tensor, given a " .. type(value), level + 1) end
  if C.ra_tensor_copy(v, value) ~= 0 then error("index: " .. ffi.message():gsub("^copy: ", ""), level + 1) end
end

--- t[key] = value
function index.set(t, key, value, level)
  if type(key) == "number" then key = { key } end
  if type(key) == "table" then
    put(part(t, key, level + 1), value, level + 1)
    return -- no tail call: levels of errors count this frame
  end
  if type(value) ~= "number" then error("index: what is assigned by a mask must be a number", level + 1) end
  local m, x, dense, values = masked(t, key, level + 1)
  for k = 0, dense.size - 1 do if m[k] ~= 0 then x[k] = value end end
  put(t, values, level + 1)
end

return index
