--- ra.export(run, path, options): a run, a model file or a model as an ONNX file (path ends in .onnx).
--
-- options: fold (batch normalisation into the weights of the convolution before it), outputs ("main", the output that is scored; "all"; or a list of
-- names), force (replaces a file that is there). The file has these outputs as the model gives them (logits) and "probability", the main
-- one behind its sigmoid or softmax. Its metadata: classes, threshold, preprocessing (JSON, or a number) for every program; of a run
-- also what its checkpoint says of itself ("ramus.input", "ramus.output", "ramus.recipe", "ramus.resolved", "ramus.protocol", "ramus.build").
-- Returns { file, bytes, outputs, folded, threshold, classes }; nil and a message.
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local onnx = require "ramus.lang.onnx"
local options = require "ramus.base.options"

local schema = {
  fold = { type = "boolean", default = false, help = "batch normalisation becomes part of the weights of the convolution before it" },
  outputs = { type = "any", default = "main", help = "main, all, or a list of names" },
  force = { type = "boolean", default = false, help = "replace a file that is there" },
}

--- What of a checkpoint's metadata goes along.
local KEPT = { "ramus.input", "ramus.output", "ramus.recipe", "ramus.resolved", "ramus.protocol", "ramus.build" }

--- Names of the classes, background first.
local function class_names(model)
  local names = {}
  for i, class in ipairs(model.output.classes) do names[i] = type(class) == "table" and class.name or class end
  return names
end

local function metadata(model, file)
  local meta = { classes = json.encode(class_names(model)), threshold = ("%.9g"):format(model.output.threshold),
    preprocessing = json.encode(json.list(model.input.preparation or {})) }
  for key, text in pairs(model:meta()) do if key ~= "ramus.model" then meta[key] = text end end
  for _, key in ipairs(file and KEPT or {}) do meta[key] = file.meta[key] or meta[key] end
  return meta
end

--- The outputs of the file as onnx.save wants them; nil and a message.
local function outputs_of(model, wanted)
  local main, known = model.output.main, {}
  for _, name in ipairs(model:output_names()) do known[name] = true end
  local list = { { main } }
  for _, name in ipairs(wanted == "all" and model:output_names() or wanted == "main" and {} or wanted) do
    if not known[name] then return nil, options.unknown("output", name, model:output_names()) end
    if name ~= main then list[#list + 1] = { name } end
  end
  table.insert(list, 2, { main, as = known.probability and "probability_of_main" or "probability", activation = model.output.activation })
  return list
end

return function(run, path, given)
  local o = options.check(given, schema, "export")
  if type(path) ~= "string" or not path:find "%.onnx$" then error("export: writes a file that ends in .onnx, given " .. options.show(path), 2) end
  if not (o.outputs == "main" or o.outputs == "all" or type(o.outputs) == "table") then
    error("export: outputs must be main, all, or a list of names, given " .. options.show(o.outputs), 2)
  end
  if files.exists(path) and not o.force then return nil, ("%s is there already; force replaces it"):format(path) end
  local model, file = run, nil
  if type(run) == "string" then
    model, file = checkpoint.load_model(run)
    if not model then return nil, file end
  end
  local list, err = outputs_of(model, o.outputs)
  if not list then return mistake("export: " .. err) end
  local ok
  ok, err = onnx.save(model, path, { fold = o.fold, outputs = list, meta = metadata(model, file) })
  if not ok then return nil, err end
  local size = ffi.new("double[1]")
  ffi.C.ra_path_kind(path, size, nil)
  local named = {}
  for i, output in ipairs(list) do named[i] = output.as or output[1] end
  return { file = path, bytes = size[0], outputs = named, folded = o.fold, threshold = model.output.threshold, classes = class_names(model) }
end
