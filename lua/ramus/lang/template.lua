--- A model as data: the list of its ops, which the core parses, checks and records into a graph.
--
-- The plain form, as JSON in checkpoints: entries { op, inputs, options, frozen (true: evaluation mode, always) }, outputs (name -> reference), channels,
-- parameters { name, shape, buffer, init }, constants (how many), name. References: "x", "n:K", "p:NAME", "c:K".
local ffi = require "ramus.base.ffi"
local json = require "ramus.base.json"
local ops = require "ramus.lang.ops"
local C = ffi.C

local template = {}
local Template = {}
Template.__index = Template

--- A template from its plain form, or from its text; nil and a message where the core refuses it.
-- schedules: list of { entry, slot, schedule }, options that follow one.
function template.new(given, schedules)
  local text = type(given) == "string" and given or json.encode(given)
  local c, err = ffi.own(C.ra_template_parse(text), C.ra_template_release)
  if not c then return nil, err end
  local ok, plain = true, given
  if type(given) == "string" then ok, plain = pcall(json.decode, given) end
  if not ok then return nil, "the model is not valid JSON: " .. tostring(plain) end
  local self = setmetatable({ c = c, entries = plain.entries, outputs = plain.outputs, channels = plain.channels, parameters = plain.parameters,
    constants = C.ra_template_leaves(c) - #plain.parameters, name = plain.name, schedules = schedules or {}, leaves = {}, output_names = {} }, Template)
  for i = 1, C.ra_template_leaves(c) do self.leaves[i] = ffi.string(C.ra_template_leaf_name(c, i - 1)) end
  for i = 1, C.ra_template_outputs(c) do self.output_names[i] = ffi.string(C.ra_template_output_name(c, i - 1)) end
  return self
end

function Template:__tostring()
  return ("template of %d ops, %d parameters and buffers, outputs %s"):format(#self.entries, #self.parameters, table.concat(self.output_names, ", "))
end

--- The plain form, for a checkpoint.
function Template:plain()
  local parameters = {}
  for i, p in ipairs(self.parameters) do parameters[i] = { name = p.name, shape = p.shape, buffer = p.buffer, init = p.init } end
  return { entries = self.entries, outputs = self.outputs, channels = self.channels, parameters = parameters, constants = self.constants,
    name = self.name }
end

--- Passes the recorded ops to a recorder that is a tracer, one by one.
local function trace_all(self, recorder, x, leaf_nodes, made)
  local function node_of(ref)
    if ref == "x" then return x end
    local kind, rest = ref:match("^(%a):(.*)$")
    return kind == "n" and made[tonumber(rest)] or kind == "p" and leaf_nodes[rest] or kind == "c" and leaf_nodes["constant." .. rest] or false
  end
  for i, e in ipairs(self.entries) do
    local inputs = {}
    for k, ref in ipairs(e.inputs) do inputs[k] = node_of(ref) end
    recorder:trace(ops.specs[e.op], made[i], inputs, #e.inputs, e.options, e.frozen)
  end
end

--- The nodes of the leaves that were used, by name; those that the core made are entered in the recorder. In the order of their
-- first use, leaf(name, tensor) is called.
local function adopt_leaves(self, recorder, tensors, ids, leaf)
  local used, nodes = {}, {}
  for i = 1, #self.leaves do if ids[i - 1] >= 0 then used[#used + 1] = i end end
  table.sort(used, function(a, b) return ids[a - 1] < ids[b - 1] end)
  for _, i in ipairs(used) do
    local name = self.leaves[i]
    nodes[name] = recorder:adopt(ids[i - 1], tensors[i])
    if leaf and i <= #self.parameters then leaf(name, tensors[i]) end
  end
  return nodes
end

--- Records the ops on node x. given: values (tensors of the leaves by name), train, leaf(name, tensor) for every parameter that is
-- used, entry(i, node) for every op. Returns the outputs by name; nil and a message where the ops do not fit.
function Template:record(recorder, x, given)
  local n = #self.leaves
  local value, ids, tensors = ffi.new("ra_tensor *[?]", n + 1), ffi.new("int32_t[?]", n + 1), {}
  for i, name in ipairs(self.leaves) do
    tensors[i] = given.values[name] or error(("the model's '%s' has no value"):format(name), 0)
    local known = recorder:known(tensors[i])
    value[i - 1], ids[i - 1] = tensors[i], known and known.id or -1
  end
  local entry, output = ffi.new("int32_t[?]", #self.entries + 1), ffi.new("int32_t[?]", #self.output_names + 1)
  if C.ra_template_record(self.c, recorder.c, x.id, given.train or false, value, ids, entry, output) ~= 0 then return nil, ffi.message() end
  local leaf_nodes, made, outputs = adopt_leaves(self, recorder, tensors, ids, given.leaf), {}, {}
  for i = 1, #self.entries do
    made[i] = recorder:node(entry[i - 1])
    if given.entry then given.entry(i, made[i]) end
  end
  for _, s in ipairs(self.schedules) do
    recorder.live[#recorder.live + 1] = { node = made[s.entry], slot = s.slot, schedule = s.schedule }
  end
  if recorder.trace then trace_all(self, recorder, x, leaf_nodes, made) end
  for i, name in ipairs(self.output_names) do outputs[name] = recorder.nodes[output[i - 1]] end
  return outputs
end

return template
