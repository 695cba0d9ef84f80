--- The reach of a model: how far around a pixel its outputs look, from the ops that it is made of (core/graph/reach.c).
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local C = ffi.C

local reach = {}

--- Of named outputs for a picture of H x W pixels, { { pixels, grid }, { pixels, grid } } for height and width: windows that begin at multiples
-- of grid give the values of the whole where they are `pixels` or more from an edge that is none of the picture's. nil and a message
-- where an op reads the whole picture.
function reach.of(model, H, W, names)
  local r = graph.recorder()
  local x = r:input { 1, model.template.channels, H, W }
  local outputs, one, most = model:record(r, x), ffi.new "ra_reach", {}
  for axis = 1, 2 do
    most[axis] = { pixels = 0, grid = 1 }
    for _, name in ipairs(names) do
      if C.ra_graph_reach(r.c, x.id, outputs[name].id, axis - 1, one) ~= 0 then
        return nil, ffi.message()
      end
      most[axis].pixels, most[axis].grid = math.max(most[axis].pixels, one.pixels), math.max(most[axis].grid, one.grid)
    end
  end
  return most
end

return reach
