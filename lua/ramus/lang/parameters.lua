--- Parameters and buffers of a model: two flat blocks that never move, and a view in them for each.
--
-- They are made when they are first asked for, as model.flat, model.flat_buffers or model.values, and drawn then with the seed that the model was
-- declared with: many models are made for their ops alone, and drawing takes longer than all the rest of making one.
local ffi = require "ramus.base.ffi"
local module = require "ramus.lang.module"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

--- late: the fields of a model that parameters.make makes.
local parameters = { late = { flat = true, flat_buffers = true, values = true } }

--- Views in a flat block begin at multiples of 16 elements: whole vectors.
local ALIGN = 16

local function aligned(n) return math.ceil(n / ALIGN) * ALIGN end

local function shape_size(shape)
  local n = 1
  for _, d in ipairs(shape) do n = n * d end
  return n
end

--- Places each entry of list in a flat block; the size of the block.
local function place(list)
  local total = 0
  for _, p in ipairs(list) do
    p.offset, p.size = total, shape_size(p.shape)
    total = total + aligned(p.size)
  end
  return math.max(total, 1)
end

--- Views of the entries of list in a block, by name.
local function cut(list, block, views)
  for _, p in ipairs(list) do
    local dims, rank = tensor.c_shape("parameter", p.shape, 2)
    views[p.name] = assert(tensor.wrap(C.ra_tensor_slice(block, p.offset, rank, dims)))
  end
  return views
end

--- Gives a model of entries { name, shape, buffer, init } its lists of parameters and buffers, and what cuts blocks into views.
function parameters.lay_out(model)
  local list, buffers = {}, {}
  for _, p in ipairs(model.entries) do table.insert(p.buffer and buffers or list, p) end
  model.parameter_list, model.buffer_list = list, buffers
  model.flat_size, model.buffers_size = place(list), place(buffers)
  model.cut = function(flat, flat_buffers) return cut(buffers, flat_buffers, cut(list, flat, {})) end
  model.cut_gradients = function(flat) return cut(list, flat, {}) end
end

--- Draws every parameter as its module declares: a pure function of (seed, position of the parameter).
function parameters.draw(model, seed)
  for i, p in ipairs(model.entries) do module.initialise(model.values[p.name], p.init, seed, i) end
end

--- Makes the blocks of a model and their views, zero, or drawn with model.seed where there is one; the model.
function parameters.make(model)
  local flat, flat_buffers = tensor.zeros(model.flat_size), tensor.zeros(model.buffers_size)
  model.values = model.cut(flat, flat_buffers)
  model.flat, model.flat_buffers = flat, flat_buffers
  if model.seed then parameters.draw(model, model.seed) end
  return model
end

return parameters
