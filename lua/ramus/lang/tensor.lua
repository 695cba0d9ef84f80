--- Tensors: float32 numbers with a shape, NCHW where they are images.
-- Indices and dimensions count from 1. A tensor is a cdata that owns its memory.
local ffi = require "ramus.base.ffi"
local handle = require "ramus.lang.tensor_handle"
local index = require "ramus.lang.tensor_index"
local to_string = require "ramus.lang.tensor_text"
local C = ffi.C
local c_shape, view = handle.c_shape, handle.view

--- methods: those of tensors by name; ops are methods too.
local tensor = { is = handle.is, wrap = handle.wrap, c_shape = c_shape, shape_text = handle.shape_text, methods = {} }
local methods = tensor.methods

local function sizes_of(who, ...)
  local shape = type((...)) == "table" and (...) or { ... }
  return c_shape(who, shape, 3)
end

local function allocate(who, dims, rank) return (handle.allocate(who, dims, rank, 3)) end

function tensor.empty(...) return allocate("empty", sizes_of("empty", ...)) end

local function filled(who, value)
  return function(...)
    local t = allocate(who, sizes_of(who, ...))
    C.ra_tensor_fill(t, value)
    return t
  end
end
tensor.zeros = filled("zeros", 0)
tensor.ones = filled("ones", 1)

local state = { seed = 0, calls = 0 }

--- Seeds ra.rand, ra.randn and eager dropout; the same seed gives the same numbers.
function tensor.seed(n)
  if type(n) ~= "number" or n % 1 ~= 0 then error(("seed: wants a whole number, given %s"):format(tostring(n)), 2) end
  state.seed, state.calls = n, 0
end

--- Seed and number of this eager call.
function tensor.next_key()
  state.calls = state.calls + 1
  return state.seed, state.calls
end

local function random(who, normal)
  return function(...)
    local t = allocate(who, sizes_of(who, ...))
    local seed, call = tensor.next_key()
    C.ra_tensor_random(t, normal, 0, 1, seed, 0, call, C.RA_RANDOM_USER)
    return t
  end
end
tensor.rand = random("rand", false)
tensor.randn = random("randn", true)

--- The shape of a nested table, checked against being ragged.
local function nested_shape(value, shape, depth)
  if type(value) ~= "table" then return end
  if shape[depth] and shape[depth] ~= #value then
    error(("tensor: ragged table: one row has %d entries, another %d"):format(shape[depth], #value), 0)
  end
  shape[depth] = #value
  for _, row in ipairs(value) do nested_shape(row, shape, depth + 1) end
end

local function fill_nested(t, value, at)
  if type(value) == "table" then
    for _, row in ipairs(value) do at = fill_nested(t, row, at) end
    return at
  end
  local number = tonumber(value)
  if not number then error(("tensor: element %d is no number: %s"):format(at + 1, tostring(value)), 0) end
  ffi.data(t)[at] = number
  return at + 1
end

--- tensor.of{{1,2},{3,4}} is [2,2]; tensor.of(0.5) has no dimensions.
function tensor.of(nested)
  if tensor.is(nested) then return nested:clone() end
  local shape = {}
  local ok, err = pcall(nested_shape, nested, shape, 1)
  if not ok then error(err, 2) end
  local t = allocate("tensor", c_shape("tensor", shape, 2))
  local count
  ok, count = pcall(fill_nested, t, nested, 0)
  if not ok then error(count, 2) end
  if count ~= t.size then error("tensor: ragged table: rows differ in depth", 2) end
  return t
end

--- The number of elements.
function methods.numel(t) return t.size end

local function offset(t, who, ...)
  local given = select("#", ...)
  if given ~= t.rank then error(("%s: wants %d indices, given %d"):format(who, t.rank, given), 3) end
  local at = 0
  for i = 1, given do
    local place = select(i, ...)
    if type(place) ~= "number" or place < 1 or place > t.dim[i - 1] or place ~= math.floor(place) then
      error(("%s: index %d must be from 1 to %d, given %s"):format(who, i, t.dim[i - 1], tostring(place)), 3)
    end
    at = at + (place - 1) * t.stride[i - 1]
  end
  return at
end

--- t:get(i, j, ...): one element.
function methods.get(t, ...) return ffi.data(t)[offset(t, "get", ...)] end

--- t:set(i, j, ..., value)
function methods.set(t, ...)
  local args, n = { ... }, select("#", ...)
  local value = args[n]
  if type(value) ~= "number" then error("set: the last argument is the value, a number", 2) end
  ffi.data(t)[offset(t, "set", unpack(args, 1, n - 1))] = value
  return t
end

--- Nested Lua tables of the values; a number for a tensor of no dimensions.
function methods.totable(t)
  local function rows(depth, at)
    if depth > t.rank then return ffi.data(t)[at] end
    local list = {}
    for i = 1, t.dim[depth - 1] do list[i] = rows(depth + 1, at + (i - 1) * t.stride[depth - 1]) end
    return list
  end
  return rows(1, 0)
end

--- The value of a tensor of one element.
function methods.item(t)
  if t.size ~= 1 then error(("item: wants one element, this tensor has %d"):format(t.size), 2) end
  return ffi.data(t)[0]
end

--- A view of `count` indices of dimension `dim` from `first`.
function methods.narrow(t, dim, first, count)
  if type(dim) ~= "number" or type(first) ~= "number" or type(count) ~= "number" then
    error("narrow: wants three numbers, a dimension, the first index and how many: t:narrow(1, 2, 5)", 2)
  end
  if dim % 1 ~= 0 or first % 1 ~= 0 or count % 1 ~= 0 then
    error(("narrow: wants whole numbers, given %s, %s, %s"):format(tostring(dim), tostring(first), tostring(count)), 2)
  end
  return (view("narrow", C.ra_tensor_narrow(t, dim - 1, first - 1, count), 2))
end

--- Another shape for the same elements; one -1 is worked out. A view where t is contiguous, else a copy.
function methods.reshape(t, ...)
  local shape = type((...)) == "table" and { unpack((...)) } or { ... }
  local known, open = 1, nil
  for i, d in ipairs(shape) do
    if d == -1 then open = i else known = known * d end
  end
  if open then
    if known == 0 or t.size % known ~= 0 then
      error(("reshape: %d elements do not divide into %s"):format(t.size, table.concat(shape, "x")), 2)
    end
    shape[open] = t.size / known
  end
  local dims, rank = c_shape("reshape", shape, 2)
  local dense = C.ra_tensor_contiguous(t) and t or t:clone()
  return (view("reshape", C.ra_tensor_reshape(dense, rank, dims), 2))
end

--- A dense copy with memory of its own.
function methods.clone(t)
  ffi.make_room(t.size * ffi.sizeof("ra_real"))
  return (view("clone", C.ra_tensor_clone(t), 2))
end

--- Copies the values of another tensor of the same shape into this one.
function methods.copy(t, from)
  if C.ra_tensor_copy(t, from) ~= 0 then error(ffi.message(), 2) end
  return t
end

--- Sets every element to a number; returns t.
function methods.fill(t, value)
  C.ra_tensor_fill(t, value)
  return t
end

--- Minimum, maximum, mean, how many values are not finite, and sum.
function methods.stats(t)
  local out = ffi.new("double[5]")
  C.ra_tensor_stats(t, out)
  return { min = out[0], max = out[1], mean = out[2], not_finite = out[3], sum = out[4] }
end

--- Gives the memory back now instead of when the collector comes by. The tensor has no values any more; views of it keep theirs.
function methods.free(t)
  if t.storage ~= nil then C.ra_tensor_drop(t) end
end

local F = {} -- filled by tensor.operators

--- Gives tensors the ops of a table as operators and methods; F.lua calls it when it is loaded.
function tensor.operators(functions) F = functions end

--- An op by its name.
function tensor.op(name) return F[name] end

local function operator(name)
  return function(a, b) return F[name](a, b) end
end

--- t.data[i]: element i (from 0) of the memory that t spans, within its bounds.
local Values = {}

local function bounded(v, i)
  if type(i) ~= "number" or i < 0 or i >= v.extent or i ~= math.floor(i) then
    error(("data: index must be from 0 to %d, given %s"):format(v.extent - 1, tostring(i)), 3)
  end
  return ffi.data(v.tensor)
end
function Values.__index(v, i) return bounded(v, i)[i] end
function Values.__newindex(v, i, value) bounded(v, i)[i] = value end

local function values_of(t)
  local extent = t.size > 0 and 1 or 0
  for i = 0, t.size > 0 and t.rank - 1 or -1 do extent = extent + (t.dim[i] - 1) * t.stride[i] end
  return setmetatable({ tensor = t, extent = extent }, Values)
end

--- t.shape: a list that prints as [2,3] and is equal to another with the same sizes.
local Shape = { __tostring = function(s) return "[" .. table.concat(s, ",") .. "]" end,
  __eq = function(a, b) return table.concat(a, ",") == table.concat(b, ",") end }

--- What a tensor has besides its methods and ops.
local fields = {
  data = values_of,
  dtype = function() return ffi.real == "float" and "float32" or "float64" end,
  shape = function(t)
    local shape = {}
    for i = 1, t.rank do shape[i] = t.dim[i - 1] end
    return setmetatable(shape, Shape)
  end,
}

--- What other libraries call it.
local ELSEWHERE = { view = "reshape", ndim = "rank", tolist = "totable", numpy = "totable", apply = "map", mm = "matmul", dot = "matmul",
  transpose = "permute", T = "t", topk = "sort", clip = "clamp", index_select = "take", cat = "concat" }

local function unknown(key)
  if ELSEWHERE[key] then error(("a tensor has no field or method '%s'; it is '%s' here"):format(key, ELSEWHERE[key]), 3) end
  local names = { "shape", "dtype", "data", "rank", "size" }
  for _, list in ipairs { methods, F } do
    for name in next, list do names[#names + 1] = name end
  end
  local near = require("ramus.base.options").nearest(key, names)
  error(("a tensor has no field or method '%s'%s"):format(tostring(key), near and ("; did you mean '" .. near .. "'?") or ""), 3)
end

local function compared(_, _)
  error("tensors cannot be compared by < or >, which are true or false in Lua; a:lt(b), le, gt, ge, eq and ne compare element by element", 2)
end

ffi.metatype(ffi.typeof "ra_tensor", {
  __index = function(t, key)
    if type(key) ~= "string" then
      if type(key) == "number" or type(key) == "table" or handle.is(key) then return (index.get(t, key, 2)) end
      error("index: wants a number, a list of them, a mask or a name, given a " .. type(key), 2)
    end
    if fields[key] then return fields[key](t) end
    local found = methods[key] or rawget(F, key) -- t:relu(), t:sum{dim = 2}
    if found then return found end
    unknown(key)
  end,
  __newindex = function(t, key, value)
    if type(key) == "string" then error(("a tensor's field '%s' cannot be set"):format(key), 2) end
    index.set(t, key, value, 2)
  end,
  __tostring = to_string,
  __len = function(t) return t.rank > 0 and t.dim[0] or 0 end,
  __add = operator "add",
  __sub = operator "sub",
  __mul = operator "mul",
  __div = operator "div",
  __pow = function(a, p) return F.pow(a, { p = p }) end,
  __unm = function(a) return F.mul(a, -1) end,
  __lt = compared,
  __le = compared,
})

return tensor
