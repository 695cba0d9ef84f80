--- Tensors: float32 numbers with a shape, NCHW where they are images.
-- Indices and dimensions count from 1. A tensor is a cdata that owns its memory.
local ffi = require "ramus.base.ffi"
local C = ffi.C

local tensor = {}
local methods = {}
local tensor_type = ffi.typeof("ra_tensor")
local dims_type = ffi.typeof(("int32_t[%d]"):format(ffi.C.RA_MAX_RANK))

--- True if a value is a tensor.
function tensor.is(value) return type(value) == "cdata" and (ffi.istype(tensor_type, value) or ffi.istype("ra_tensor *", value)) end

--- Takes ownership of a pointer that the core returned; nil and a message for NULL. The tensor is a struct of the collector's
-- that holds the values: a pointer would not do, LuaJIT would read t - 1 as arithmetic on an address, and a handle must
-- outlive t:free().
function tensor.wrap(pointer)
  if pointer == nil then return nil, ffi.message() end
  local t = ffi.new(tensor_type)
  C.ra_tensor_move(pointer, t)
  return ffi.gc(t, C.ra_tensor_drop)
end

--- The dimensions as a C array, and their number. Errors name `who`.
local function c_shape(who, shape, level)
  local dims = dims_type()
  if #shape > C.RA_MAX_RANK then error(("%s: a tensor has at most %d dimensions, given %d"):format(who, C.RA_MAX_RANK, #shape), level + 1) end
  for i, d in ipairs(shape) do
    if type(d) ~= "number" or d < 0 or d ~= math.floor(d) or d >= 2 ^ 31 then
      error(("%s: dimension %d must be a whole number >= 0, given %s"):format(who, i, tostring(d)), level + 1)
    end
    dims[i - 1] = d
  end
  return dims, #shape
end
tensor.c_shape = c_shape

local function sizes_of(who, ...)
  local shape = type((...)) == "table" and (...) or { ... }
  return c_shape(who, shape, 3)
end

local function allocate(who, dims, rank)
  local bytes = ffi.sizeof("ra_real")
  for i = 0, rank - 1 do bytes = bytes * dims[i] end
  ffi.make_room(bytes)
  local t, err = tensor.wrap(C.ra_tensor_new(rank, dims))
  if not t then error(who .. ": " .. err, 3) end
  return t
end

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
  if type(n) ~= "number" then error("seed: wants a number", 2) end
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
    local index = select(i, ...)
    if type(index) ~= "number" or index < 1 or index > t.dim[i - 1] or index ~= math.floor(index) then
      error(("%s: index %d must be from 1 to %d, given %s"):format(who, i, t.dim[i - 1], tostring(index)), 3)
    end
    at = at + (index - 1) * t.stride[i - 1]
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

local function view(who, pointer)
  local v, err = tensor.wrap(pointer)
  if not v then error(err:find("^" .. who) and err or who .. ": " .. err, 3) end
  return v
end

--- A view of `count` indices of dimension `dim` from `first`.
function methods.narrow(t, dim, first, count)
  return (view("narrow", C.ra_tensor_narrow(t, dim - 1, first - 1, count)))
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
  return (view("reshape", C.ra_tensor_reshape(dense, rank, dims)))
end

--- A dense copy with memory of its own.
function methods.clone(t)
  ffi.make_room(t.size * ffi.sizeof("ra_real"))
  return (view("clone", C.ra_tensor_clone(t)))
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

function tensor.shape_text(t)
  local shape = {}
  for i = 1, t.rank do shape[i] = t.dim[i - 1] end
  return "[" .. table.concat(shape, ",") .. "]"
end

local function number_text(v) return (("%.4g"):format(v)) end

--- Rows of a small matrix or vector, for printing.
local function values_text(t)
  if t.rank == 0 then return number_text(ffi.data(t)[0]) end
  if t.rank > 2 or t.size > 64 or t.size == 0 then return nil end
  local lines = {}
  for _, row in ipairs(t.rank == 1 and { t:totable() } or t:totable()) do
    local cells = {}
    for i, v in ipairs(row) do cells[i] = ("%10s"):format(number_text(v)) end
    lines[#lines + 1] = table.concat(cells)
  end
  return table.concat(lines, "\n")
end

local function to_string(t)
  if t.storage == nil then return "tensor (freed)" end
  local s = t:stats()
  local text = ("tensor %s"):format(tensor.shape_text(t))
  if t.size > 0 then
    text = text .. (" min %s max %s mean %s"):format(number_text(s.min), number_text(s.max), number_text(s.mean))
  end
  if s.not_finite > 0 then text = text .. (" (%d not finite)"):format(s.not_finite) end
  local values = t.size > 0 and values_text(t)
  return values and text .. "\n" .. values or text
end

local F = {} -- filled by tensor.operators

--- Gives tensors the ops of a table as operators and methods; F.lua calls it when it is loaded.
function tensor.operators(functions) F = functions end

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

ffi.metatype(tensor_type, {
  __index = function(t, key)
    if key == "data" then return values_of(t) end
    if key == "shape" then
      local shape = {}
      for i = 1, t.rank do shape[i] = t.dim[i - 1] end
      return shape
    end
    local method = methods[key]
    if method then return method end
    local op = type(key) == "string" and rawget(F, key) -- t:relu(), t:sum{dim = 2}
    if op then return op end
    error(("a tensor has no field or method '%s'"):format(tostring(key)), 2)
  end,
  __tostring = to_string,
  __len = function(t) return t.rank > 0 and t.dim[0] or 0 end,
  __add = operator "add",
  __sub = operator "sub",
  __mul = operator "mul",
  __div = operator "div",
  __pow = function(a, p) return F.pow(a, { p = p }) end,
  __unm = function(a) return F.mul(a, -1) end,
})

return tensor
