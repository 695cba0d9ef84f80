--- A model as text: its parts with shapes, parameters and FLOPs.
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local show = require "ramus.base.show"
local C = ffi.C

local model_text = {}

--- The part of the model that an entry belongs to: its parameters' names up to the first dot.
local function part_of(entry)
  for _, ref in ipairs(entry.inputs) do
    local part = ref:match("^p:([^%.]+)%.")
    if part then return part end
  end
  return nil
end

--- Rows { part, shape, parameters, flops } in the order of computation for an input of this size.
function model_text.parts(model, height, width)
  local r = graph.recorder()
  local made = {}
  model:record(r, r:input { 1, model.template.channels, height, width }, { entry = function(i, node) made[i] = node end })
  local rows, by_part, current = {}, {}, nil
  for i, e in ipairs(model.template.entries) do
    local part = part_of(e) or current
    if part and not by_part[part] then
      by_part[part] = { part = part, flops = 0, parameters = 0 }
      rows[#rows + 1] = by_part[part]
    end
    current = part
    if part then
      if part_of(e) then by_part[part].shape = made[i].shape end
      by_part[part].flops = by_part[part].flops + C.ra_graph_flops(r.c, made[i].id)
    end
  end
  for _, p in ipairs(model.parameter_list) do
    local row = by_part[p.name:match("^[^%.]+")]
    if row then row.parameters = row.parameters + p.size end
  end
  return rows
end

--- Parts with shapes, parameters and FLOPs for an input of 256x256, and the memory of a forward pass.
function model_text.describe(model)
  local side = 256
  local lines = { ("%s: outputs %s; for an input of %dx%d:"):format(model.name or "model", table.concat(model:output_names(), ", "), side, side),
    ("  %-20s %-18s %12s %10s"):format("part", "shape", "parameters", "MFLOP") }
  local flops = 0
  for _, row in ipairs(model:parts(side, side)) do
    flops = flops + row.flops
    lines[#lines + 1] = ("  %-20s %-18s %12d %10.1f"):format(row.part, "[" .. table.concat(row.shape, ",") .. "]", row.parameters, row.flops / 1e6)
  end
  lines[#lines + 1] = ("  %-20s %-18s %12d %10.1f"):format("in all", "", model:count(), flops / 1e6)
  local frozen = 0
  for _, t in ipairs(model.constants) do frozen = frozen + (t.size > 1 and t.size or 0) end
  if frozen > 0 then lines[#lines + 1] = ("  frozen: %d numbers (constants; a model that was called inside, without trainable = true)"):format(frozen) end
  lines[#lines + 1] = ("  scratch memory of a forward pass: %.1f MB"):format(model:cost(side, side, { outputs = model:output_names() }).bytes / 1e6)
  return table.concat(lines, "\n")
end

--- Of the list that model:parameters() returns, and of what model:plan() does.
model_text.parameters = { __tostring = function(list)
  local rows, n = { { "parameter", "shape", "numbers" } }, 0
  for i, p in ipairs(list) do
    rows[i + 1], n = { p.name, "[" .. table.concat(p.shape, ",") .. "]", tostring(p.tensor.size) }, n + p.tensor.size
  end
  rows[#rows + 1] = { "in all", "", tostring(n) }
  return table.concat(show.columns(rows, { [3] = true }), "\n")
end }
model_text.planned = { __tostring = function(p) return ("plan for %s\n%s"):format(p.key, tostring(p.plan)) end }

return model_text
