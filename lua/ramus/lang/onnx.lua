--- A model as an ONNX file, for other programs: its ops in evaluation mode, for any batch, height and width.
--
--   onnx.save(model, "model.onnx", { fold = true, outputs = { { "out" }, { "out", as = "probability", activation = "sigmoid" } }, meta = { .. } })
local ffi = require "ramus.base.ffi"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local C = ffi.C

local onnx = {}

--- The ops of a model that cannot be written, sorted.
function onnx.unknown_ops(model)
  local seen, list = {}, {}
  for _, e in ipairs(model.template.entries) do
    if not seen[e.op] and not C.ra_onnx_knows(ops.specs[e.op].c) then list[#list + 1] = e.op end
    seen[e.op] = true
  end
  table.sort(list)
  return list
end

--- The object of the core, with its outputs and metadata; nil and a message.
local function prepared(model, o)
  local t = model.template
  local value = ffi.new("ra_tensor *[?]", #t.leaves + 1)
  for i, name in ipairs(t.leaves) do value[i - 1] = model.values[name] or model.constant_values[name] end
  local c, err = ffi.own(C.ra_onnx_new(t.c, value, o.fold or false), C.ra_onnx_release)
  if not c then return nil, err end
  local index = {}
  for i, name in ipairs(t.output_names) do index[name] = i - 1 end
  for _, output in ipairs(o.outputs) do
    local name = output[1]
    if not index[name] then return nil, options.unknown("output", name, model:output_names()) end
    if C.ra_onnx_output(c, index[name], output.as or name, output.activation or "none") ~= 0 then return nil, ffi.message() end
  end
  for key, text in pairs(o.meta or {}) do
    if C.ra_onnx_meta(c, key, text) ~= 0 then return nil, ffi.message() end
  end
  return c
end

--- Writes a model. given: fold (batch normalisation into the weights of the convolution before it), outputs (list of { NAME, as =, activation =
-- "none", "sigmoid" or "softmax" }), meta (strings by name). true; nil and a message.
function onnx.save(model, path, given)
  local unknown = onnx.unknown_ops(model)
  if #unknown > 0 then
    return nil, ("the model cannot be written as ONNX: no counterpart is known for %s (the table is core/export/rows.c)"):format(table.concat(unknown, ", "))
  end
  local c, err = prepared(model, given)
  if not c then return nil, err end
  if C.ra_onnx_save(c, path) ~= 0 then return nil, ffi.message() end
  return true
end

return onnx
