--- What every file about tensors needs: telling them, taking them over from the core, making them, their shape as text.
local ffi = require "ramus.base.ffi"
local C = ffi.C

local handle = {}
local tensor_type = ffi.typeof("ra_tensor")
local dims_type = ffi.typeof(("int32_t[%d]"):format(C.RA_MAX_RANK))

--- True if a value is a tensor.
function handle.is(value) return type(value) == "cdata" and (ffi.istype(tensor_type, value) or ffi.istype("ra_tensor *", value)) end

--- Takes ownership of a pointer that the core returned; nil and a message for NULL. The tensor is a struct of the collector's
-- that holds the values: a pointer would not do, LuaJIT would read t - 1 as arithmetic on an address, and a handle must
-- outlive t:free().
function handle.wrap(pointer)
  if pointer == nil then return nil, ffi.message() end
  local t = ffi.new(tensor_type)
  C.ra_tensor_move(pointer, t)
  return ffi.gc(t, C.ra_tensor_drop)
end

--- The tensor of a pointer that the core returned for a method `who`; an error `level` functions up for NULL.
function handle.view(who, pointer, level)
  local v, err = handle.wrap(pointer)
  if not v then error(err:find("^" .. who) and err or who .. ": " .. err, level + 1) end
  return v
end

--- The dimensions as a C array, and their number. Errors name `who`.
function handle.c_shape(who, shape, level)
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

--- A tensor that is not filled.
function handle.allocate(who, dims, rank, level)
  local bytes = ffi.sizeof("ra_real")
  for i = 0, rank - 1 do bytes = bytes * dims[i] end
  ffi.make_room(bytes)
  local t, err = handle.wrap(C.ra_tensor_new(rank, dims))
  if not t then error(who .. ": " .. err, level + 1) end
  return t
end

--- "[2,3]"
function handle.shape_text(t)
  local shape = {}
  for i = 1, t.rank do shape[i] = t.dim[i - 1] end
  return "[" .. table.concat(shape, ",") .. "]"
end

return handle
