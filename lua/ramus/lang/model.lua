--- ra.model(f): a function over modules as a model with named outputs.
--
-- f is called on recorded inputs of two sizes (trace.lua); what it recorded, a list of ops with the names of their parameters, is the model from then
-- on: training, evaluation, teachers and checkpoints all replay that list, at any size, and a checkpoint needs no source code. Parameters and buffers
-- lie in two flat blocks that never move.
require "ramus.lang.F" -- gives tensors and nodes their operators
local ffi = require "ramus.base.ffi"
local graph = require "ramus.lang.graph"
local inside = require "ramus.lang.inside"
local json = require "ramus.base.json"
local model_text = require "ramus.lang.model_text"
local nn = require "ramus.lang.nn"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local parameters = require "ramus.lang.parameters"
local places = require "ramus.base.places"
local safetensors = require "ramus.lang.safetensors"
local template = require "ramus.lang.template"
local tensor = require "ramus.lang.tensor"
local trace = require "ramus.lang.trace"
local C = ffi.C

--- FORMAT: version of the checkpoints that this build writes; it also reads the one before.
local model = { FORMAT = 2 }
local Model = {}

--- The metatable of models. Their flat blocks and the views in them are made when they are first asked for (parameters.lua): a study of fifty rows
-- makes fifty models and reads the numbers of none.
local Meta = { methods = Model, lazy = function() return parameters.late end, __index = function(self, name)
  if parameters.late[name] then return parameters.make(self)[name] end
  return Model[name]
end }

--- Plans of forward passes kept per model, least recently used first out.
local KEPT_PLANS = 8

function model.is(v) return getmetatable(v) == Meta end

-- ---- making ------------------------------------------------------------------

--- Defaults for the preparation of the model's input and the reading of its output: images in 0..1 of any size; the output
-- called "out", else the first one, as logits of the foreground.
local function default_input(self) return { channels = self.template.channels, range = { 0, 1 } } end

local function default_output(self)
  local names = self:output_names()
  local main = self.template.outputs.out and "out" or names[1]
  return { main = main, activation = "sigmoid", threshold = 0.5, classes = { "background", "foreground" }, numerics = "fast" }
end

--- A main output of several channels is read as logits of so many classes, the first of them the background.
local function describe_classes(self)
  local channels, names = self:output_channels()[self.output.main], { "background" }
  if channels == 1 then return end
  for k = 2, channels do names[k] = "class " .. k - 1 end
  self.output.activation, self.output.classes = "softmax", names
end

--- A model of a template and its constants, a list of tensors; parameters and buffers are zero.
local function assemble(shape_of_model, constants)
  local self = setmetatable({ template = shape_of_model, constants = constants, entries = shape_of_model.parameters, plans = {}, training = false,
    name = shape_of_model.name }, Meta)
  parameters.lay_out(self)
  self.constant_values = {}
  for k, t in ipairs(constants) do self.constant_values["constant." .. k] = C.ra_tensor_contiguous(t) and t or t:clone() end
  self.input, self.output = default_input(self), default_output(self)
  return self
end

--- ra.model(f, { channels = 1, seed = 0 }): f reads the input [B,C,H,W] and returns an output or a table of named ones. level: [opt] of the caller
-- whose line a mistake that has none is said at, as for error.
function model.new(f, given, level)
  local o = options.check(given, { channels = { type = "integer", min = 1, default = 1, help = "channels of the input" },
    seed = { type = "integer", default = 0, help = "seed of the initialisation" }, name = { type = "string" } }, "model")
  if not nn.is_callable(f) then error("model: wants a function of the input, given " .. options.show(f), 2) end
  local recorded, err = trace.record(f, o.channels)
  if not recorded then places.raise_again(err, level or 2) end
  local list, made = {}
  for i, p in ipairs(recorded.parameters) do list[i] = { name = p.name, shape = p.shape, buffer = p.buffer, init = p.init } end
  made, err = template.new({ entries = recorded.entries, outputs = recorded.outputs, channels = o.channels, parameters = list,
    constants = #recorded.constants, name = o.name }, recorded.schedules)
  if not made then error("model: " .. err, 2) end
  local self = assemble(made, recorded.constants)
  self.seed, self.shapes = o.seed, recorded.shapes
  describe_classes(self)
  for _, p in ipairs(recorded.parameters) do -- modules that were used on their own before bring their values
    if p.values then self.values[p.name]:copy(p.values) end
  end
  return self
end

--- Draws every parameter anew as its module declares; a pure function of (seed, position of the parameter).
-- nil and a message for a model from a checkpoint that does not say how.
function Model:initialise(seed)
  for _, p in ipairs(self.entries) do
    if not p.init then
      return nil, ("the model was read from a checkpoint of format 1, which does not say how '%s' is initialised; "
        .. "build the model anew, as ra.models.unet{...}, to train it from the start"):format(p.name)
    end
  end
  self.seed = nil -- what is made is not drawn first as the model was declared
  parameters.draw(self, seed)
  return self
end

--- The template for a checkpoint: plain data.
function Model:export_template()
  local plain = self.template:plain()
  plain.name = self.name
  return plain
end

--- True if the file holds every parameter with its shape, else nil and a message. Nothing is allocated before this check.
local function check_arrays(list, file)
  for _, p in ipairs(list) do
    local shape = file:shape(p.name)
    if not shape then return nil, ("the file lacks '%s'"):format(p.name) end
    if table.concat(shape, ",") ~= table.concat(p.shape, ",") then
      return nil, ("'%s' has the shape [%s] in the file, [%s] in the model"):format(p.name, table.concat(shape, ","), table.concat(p.shape, ","))
    end
    local init = p.init
    local number = type(init) == "table" and (init.fan_in or init.std or init.value)
    local fine = init == nil or type(number) == "number" and math.abs(number) < 1e30 and number >= (init.fan_in and 1 or init.std and 0 or -1e30)
    if type(p.buffer or false) ~= "boolean" or not fine then
      return nil, ("the model says of '%s' neither how it is initialised nor what it is"):format(p.name)
    end
  end
  return true
end

--- A model from a template's text and its values in an open file (constants as "constant.K"), or in anything that has the
-- file's has, shape, get and read; nil and a message where they do not fit.
function model.from_text(text, file)
  local read, err = template.new(text)
  if not read then return nil, err end
  if type(read.name or "") ~= "string" or #(read.name or "") > 200 then return nil, "the model's name must be a text of at most 200 bytes" end
  local ok
  ok, err = check_arrays(read.parameters, file)
  if not ok then return nil, err end
  local constants = {}
  for k = 1, read.constants do
    constants[k] = file:has("constant." .. k) and file:get("constant." .. k)
    if not constants[k] then return nil, ("the file lacks the model's constant %d"):format(k) end
  end
  local self = assemble(read, constants)
  ok, err = self:load_values(file)
  if not ok then return nil, err end
  local r = graph.recorder() -- a template that cannot be recorded is refused here
  ok, err = pcall(function() return self:record(r, r:input { 1, read.channels, 64, 64 }) end)
  if not ok then return nil, "the model in the file does not fit together: " .. tostring(err):gsub("^[^ ]*%.lua:%d+: ", "") end
  return self
end

--- Reads parameters and buffers from an open file; nil and a message where one is missing or has another shape.
function Model:load_values(file)
  for _, p in ipairs(self.entries) do
    if not file:has(p.name) then return nil, ("the file lacks '%s'"):format(p.name) end
  end
  for _, p in ipairs(self.entries) do
    local ok, err = file:read(p.name, self.values[p.name])
    if not ok then return nil, err end
  end
  return true
end

-- ---- replay -----------------------------------------------------------------

--- Records the model into `recorder` on node x; returns its named outputs.
-- options: train (mode), values (parameters by name; the model's own), leaf(name, tensor): called for every parameter that is used,
-- entry(i, node): called for every op.
function Model:record(recorder, x, given)
  local o = given or {}
  local values = o.values or self.values
  if #x.shape ~= 4 or x.shape[2] ~= self.template.channels then
    error(("the model reads [B,%d,H,W], given [%s]"):format(self.template.channels, table.concat(x.shape, ",")), 2)
  end
  local all = setmetatable({}, { __index = function(_, name) return values[name] or self.constant_values[name] end })
  local outputs, err = self.template:record(recorder, x, { values = all, train = o.train, leaf = o.leaf, entry = o.entry })
  if not outputs then error(err, 2) end
  return outputs
end

--- Sorted names of the outputs.
function Model:output_names()
  local list = {}
  for name in pairs(self.template.outputs) do list[#list + 1] = name end
  table.sort(list, function(a, b)
    local x, y = tonumber(a:match("%d+$")), tonumber(b:match("%d+$"))
    if x and y and a:match("^%D*") == b:match("^%D*") then return x < y end
    return a < b
  end)
  return list
end

--- Shapes of every output for an image of 96x128, { NAME = { 1, C, 96, 128 } }: a model that was recorded knows them.
function Model:output_shapes()
  if not self.shapes then
    local r, found = graph.recorder(), {}
    for name, node in pairs(self:record(r, r:input { 1, self.template.channels, 96, 128 })) do found[name] = node.shape end
    self.shapes = found
  end
  return self.shapes
end

--- Channels of every output, { NAME = channels }: 1 is the logit of the foreground, more are those of the classes.
function Model:output_channels()
  local found = {}
  for name, shape in pairs(self:output_shapes()) do found[name] = shape[2] or 1 end
  return found
end

--- The plan of a forward pass for inputs of this shape; plans are kept, the least recently used goes first.
function Model:plan(shape, given)
  local o = given or {}
  local wanted = o.outputs or self:output_names()
  local key = table.concat(shape, "x") .. (o.train and " train " or " eval ") .. table.concat(wanted, ",") .. " " .. (o.numerics or "fast")
  for i, kept in ipairs(self.plans) do
    if kept.key == key then
      table.insert(self.plans, 1, table.remove(self.plans, i))
      return kept
    end
  end
  local r = graph.recorder { train = o.train }
  local x = r:input(shape)
  local outputs = self:record(r, x, { train = o.train })
  local nodes = {}
  for i, name in ipairs(wanted) do
    nodes[i] = outputs[name]
    if not nodes[i] then return nil, options.unknown("output", name, self:output_names()) end
  end
  local plan, err = r:plan { outputs = nodes, numerics = o.numerics }
  if not plan then return nil, err end
  local kept = setmetatable({ key = key, plan = plan, x = x, names = wanted }, model_text.planned)
  table.insert(self.plans, 1, kept)
  self.plans[KEPT_PLANS + 1] = nil
  return kept
end

--- forward in a recording: the ops are recorded on node x.
local function forward_recorded(self, x, o)
  local r = x.recorder
  local outer = r.frozen
  local leaf = r.model_leaf and r.model_leaf(self) or r.nest and r:nest(self, o.trainable)
  local outputs = self:record(r, x, { train = o.train, leaf = leaf })
  r.frozen = outer
  return outputs
end

--- Named outputs for x [B,C,H,W] (or [C,H,W], or [H,W]); evaluation mode unless { train = true }.
-- In a recording, x is a node and the ops are recorded. In the function of another ra.model this model is frozen: its values are
-- constants there and its ops keep to evaluation mode. With { trainable = true } its parameters are the new model's, beginning with
-- this model's values.
function Model:forward(x, given)
  local o = options.check(given, { train = { type = "boolean", default = false },
    trainable = { type = "boolean", default = false }, outputs = { type = "table" },
    numerics = { type = "string", one_of = { "fast", "exact" } }, exact = { type = "boolean" } }, "model:forward")
  if o.exact ~= nil and o.numerics then error("model:forward: give numerics = \"exact\" or exact = true, not both", 2) end
  o.numerics = o.numerics or (o.exact and "exact" or "fast")
  if graph.is_node(x) then
    return forward_recorded(self, x, o)
  end
  if not tensor.is(x) then error("model:forward: wants a tensor [B,C,H,W], given " .. options.show(x), 2) end
  if x.rank == 2 then x = x:reshape(1, 1, x.dim[0], x.dim[1]) end
  if x.rank == 3 then x = x:reshape(1, x.dim[0], x.dim[1], x.dim[2]) end
  if x.rank ~= 4 or x.dim[1] ~= self.template.channels then
    error(("model:forward: reads [B,%d,H,W], given %s"):format(self.template.channels, tensor.shape_text(x)), 2)
  end
  local kept, err = self:plan(x.shape, o)
  if not kept then error("model:forward: " .. err, 2) end
  local seed, call = tensor.next_key()
  kept.plan:bind(kept.x, C.ra_tensor_contiguous(x) and x or x:clone())
  kept.plan:run { seed = seed, step = call }
  local result = {}
  for i, name in ipairs(kept.names) do result[name] = kept.plan:output(i) end
  return result
end

--- List of { name, shape, tensor }; in the order of the modules' first use.
function Model:parameters()
  local list = setmetatable({}, model_text.parameters)
  for i, p in ipairs(self.parameter_list) do list[i] = { name = p.name, shape = p.shape, tensor = self.values[p.name] } end
  return list
end

function Model:count()
  local n = 0
  for _, p in ipairs(self.parameter_list) do n = n + p.size end
  return n
end

--- What computes the matrix products of the model (`ra_blas`), on which its bits depend; nil for a model without any.
function Model:blas()
  for _, e in ipairs(self.template.entries) do
    if C.ra_op_has_products(ops.specs[e.op].c) then return ffi.string(C.ra_blas()) end
  end
  return nil
end

--- A copy of parameters and buffers: a teacher's block.
function Model:snapshot()
  local flat, flat_buffers = self.flat:clone(), self.flat_buffers:clone()
  return { flat = flat, flat_buffers = flat_buffers, values = self.cut(flat, flat_buffers) }
end

--- Multiply-adds x 2 of a forward pass for one input of this height and width, and the plan's bytes.
function Model:cost(height, width, given)
  local r = graph.recorder()
  local x = r:input { 1, self.template.channels, height, width }
  local outputs = self:record(r, x)
  local flops = 0
  for id in pairs(r.nodes) do flops = flops + C.ra_graph_flops(r.c, id) end
  local nodes = {}
  for _, name in ipairs(given and given.outputs or { "out" }) do nodes[#nodes + 1] = outputs[name] end
  if #nodes == 0 then for _, node in pairs(outputs) do nodes[#nodes + 1] = node end end
  local plan = assert(r:plan { outputs = nodes })
  return { flops = flops, bytes = plan:bytes(), parameters = self:count() }
end

--- Arrays by name, as a checkpoint holds them. values: another block's, as an average's.
function Model:arrays(values)
  local arrays = {}
  for _, p in ipairs(self.entries) do arrays[p.name] = (values or self.values)[p.name] end
  for k, t in ipairs(self.constants) do arrays["constant." .. k] = t end
  return arrays
end

--- The model as the metadata of a checkpoint: its format, template, input and output; strings by name.
function Model:meta()
  return { ["ramus.format"] = tostring(model.FORMAT), ["ramus.model"] = json.encode(self:export_template()),
    ["ramus.input"] = json.encode(self.input), ["ramus.output"] = json.encode(self.output) }
end

--- Writes the model (template, input, output, parameters, buffers) as safetensors; nil and a message on failure.
-- meta: further metadata, strings by name.
function Model:save(path, meta)
  local all = self:meta()
  for k, v in pairs(meta or {}) do all[k] = v end
  return safetensors.save(path, self:arrays(), all)
end

--- Rows { part, shape, parameters, flops } in the order of computation for an input of this size.
function Model:parts(height, width) return model_text.parts(self, height, width) end

Model.activations, Model.gradients = inside.activations, inside.gradients
Meta.__tostring, Meta.__call = model_text.describe, Model.forward

return model
