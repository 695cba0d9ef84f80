--- Recording: a model or a loss is an ordinary Lua function; called on nodes
-- instead of tensors, its ops are written down. A node has a shape and no value.
local ffi = require "ramus.base.ffi"
local talk = require "ramus.base.talk"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local graph = {} -- graph.poison = true, for tests: buffers of plans hold NaN outside of their life

local F = {} -- filled by graph.operators

--- Gives nodes the ops of a table as operators and methods; F.lua calls it when it is loaded.
function graph.operators(functions) F = functions end

local Node = {}
local no_value = {
  get = true, set = true, totable = true, item = true, stats = true, copy = true, fill = true, clone = true,
}

function Node.__index(_, key)
  if no_value[key] then
    error(("%s: a node has a shape but no value while a model is being recorded"):format(key), 2)
  end
  if key == "numel" then
    return function(n)
      local size = 1
      for _, d in ipairs(n.shape) do size = size * d end
      return size
    end
  end
  local op = type(key) == "string" and rawget(F, key)
  if op then return op end
  return nil
end

local function operator(name)
  return function(a, b) return F[name](a, b) end
end
Node.__add, Node.__sub, Node.__mul, Node.__div = operator "add", operator "sub", operator "mul", operator "div"
function Node.__pow(a, p) return F.pow(a, { p = p }) end
function Node.__unm(a) return F.mul(a, -1) end
local function no_comparison() error("a node has no value while a model is being recorded, so it cannot be compared", 2) end
Node.__lt, Node.__le = no_comparison, no_comparison
function Node.__tostring(n) return ("node %d [%s]"):format(n.id, table.concat(n.shape, ",")) end

function graph.is_node(value) return getmetatable(value) == Node end

local Recorder = {}
Recorder.__index = Recorder

--- A new recorder. `train` tells modules in which mode they are recorded.
function graph.recorder(options)
  return setmetatable({
    c = ffi.own(C.ra_graph_new(), C.ra_graph_release) or error(ffi.message(), 2),
    train = options and options.train or false,
    nodes = {},     -- node objects by id
    constants = {}, -- node by address of a tensor
    tensors = {},   -- tensor that the graph reads, by node id
    copied = {},    -- tensors that are read as a copy: their addresses stay in use
    live = {},      -- { node, slot, schedule }: parameters that follow a schedule
  }, Recorder)
end

function Recorder:node(id, level)
  if id < 0 then error(ffi.message(), (level or 1) + 1) end
  local dims = ffi.new("int32_t[?]", C.RA_MAX_RANK)
  local rank = C.ra_graph_shape(self.c, id, dims)
  local shape = {}
  for i = 1, rank do shape[i] = dims[i - 1] end
  local node = setmetatable({ id = id, shape = shape, recorder = self }, Node)
  self.nodes[id] = node
  return node
end

--- A value that is bound before each run.
function Recorder:input(shape)
  local dims, rank = tensor.c_shape("input", shape, 2)
  return self:node(C.ra_graph_input(self.c, rank, dims), 2)
end

local function key_of(t) return tostring(t.address) .. tensor.shape_text(t) end

--- The node that reads a tensor already, or nil.
function Recorder:known(t) return self.constants[key_of(t)] end

--- Enters a node that the core made to read tensor t; the node.
function Recorder:adopt(id, t)
  local key = key_of(t)
  if not self.constants[key] then
    self.constants[key], self.tensors[id] = self:node(id, 2), t
  end
  return self.constants[key]
end

--- A tensor that is read at each run: parameter, buffer or constant.
function Recorder:tensor(t)
  local node = self:known(t)
  if not node then
    local dense = C.ra_tensor_contiguous(t) and t or t:clone()
    node = self:adopt(C.ra_graph_tensor(self.c, dense), t)
    self.tensors[node.id], self.copied[#self.copied + 1] = dense, dense ~= t and t or nil
  end
  return node
end

--- The tensor that a node of Recorder:tensor reads; nil for other nodes.
function Recorder:constant_of(node) return self.tensors[node.id] end

--- Adds an op. `inputs`: nodes or false, n of them; `slots`: its parameters as doubles.
function Recorder:op(op, slots, inputs, n, level)
  local ids = ffi.new("int32_t[?]", math.max(n, 1))
  for k = 1, n do ids[k - 1] = inputs[k] and inputs[k].id or -1 end
  local node = self:node(C.ra_graph_op(self.c, op, slots, n, ids), level + 1)
  return node -- no tail call: levels of errors count this frame
end

local Plan = {}
Plan.__index = Plan
Plan.__tostring = function(p) return p:describe() end

--- The scratch memory that all plans and eager calls share.
local shared_arena
function graph.arena()
  shared_arena = shared_arena or ffi.own(C.ra_arena_new(), C.ra_arena_release) or error(ffi.message(), 2)
  return shared_arena
end

--- Values of the option `numerics`, with the core's number for each.
graph.NUMERICS = { fast = C.RA_NUMERICS_FAST, exact = C.RA_NUMERICS_EXACT }

--- A plan's description in a line, for --verbose: "plan of 17 steps ..; conv2d by winograd 11, direct 2; 12 with fused ops".
local function choices(text)
  local counts, names, fused = {}, {}, 0
  for line in text:gmatch "[^\n]+" do
    local op, algorithm = line:match "^%s*%d+ %S%S (%S+) .*  (%a+) %("
    local name = op and ("%s by %s"):format(op, algorithm)
    if name and not counts[name] then names[#names + 1], counts[name] = name, 0 end
    if name then counts[name] = counts[name] + 1 end
    if line:find "%+%l[%l_]+" then fused = fused + 1 end
  end
  for i, name in ipairs(names) do names[i] = ("; %s %d"):format(name, counts[name]) end
  return ("plan of %s%s; %d with fused ops"):format(text:match "([^\n]*)\n$" or text, table.concat(names), fused)
end

--- Decides memory, fusions and algorithms.
-- options: outputs (list of nodes), loss (node), gradients (list of { node, tensor }), numerics ("fast"), fuse (default true), budget (bytes of
-- the arena; unless given as many as it takes: within a budget values are computed twice, to the same bits).
-- Returns the plan, or nil and a message.
function Recorder:plan(options)
  local outputs, gradients = options.outputs or {}, options.gradients or {}
  local output = ffi.new("int32_t[?]", #outputs + 1)
  for i, node in ipairs(outputs) do output[i - 1] = node.id end
  local leaf = ffi.new("int32_t[?]", #gradients + 1)
  local gradient = ffi.new("ra_tensor *[?]", #gradients + 1)
  for i, g in ipairs(gradients) do leaf[i - 1], gradient[i - 1] = g[1].id, g[2] end
  local o = ffi.new("ra_plan_options", {
    outputs = #outputs, output = output, loss = options.loss and options.loss.id or -1,
    gradients = #gradients, leaf = leaf, gradient = gradient,
    numerics = graph.NUMERICS[options.numerics or "fast"] or error(("plan: unknown numerics %q"):format(options.numerics), 2),
    fuse = options.fuse ~= false, budget = options.budget or 0, poison = graph.poison or false, arena = options.arena or graph.arena(),
  })
  ffi.make_room(0)
  local began = C.ra_clock()
  local c, err = ffi.own(C.ra_plan_new(self.c, o), C.ra_plan_release)
  if not c then return nil, err end
  local text = talk.verbose and C.ra_plan_describe(c)
  if text and text ~= nil then talk.detail("%s; made in %.1f ms", choices(ffi.string(text)), 1e3 * (C.ra_clock() - began)) end
  return setmetatable({ c = c, recorder = self, outputs = outputs, gradients = gradients, arena = o.arena, held = 0 }, Plan)
end

local function must(code, level)
  if code ~= 0 then error(ffi.message(), level + 1) end
end

function Plan:bind(node, t) must(C.ra_plan_bind(self.c, node.id, t), 2) end

--- Sets a live parameter.
function Plan:set(node, slot, value) must(C.ra_plan_set(self.c, node.id, slot, value), 2) end

--- Sets every parameter that follows a schedule to its value at epoch t (fractional) of `epochs`, optimizer step `step` of `steps`; seen: the
-- scores that schedules follow.
function Plan:set_time(t, epochs, step, steps, seen)
  for _, l in ipairs(self.recorder.live) do self:set(l.node, l.slot, l.schedule(t, epochs, step, steps, seen)) end
end

--- options: accumulate, scale (1), seed, epoch, step.
function Plan:run(options)
  local o = options or {}
  must(C.ra_plan_run(self.c, o.accumulate or false, o.scale or 1, o.seed or 0, o.epoch or 0, o.step or 0), 2)
end

--- A copy of output i (1-based) of the last run.
function Plan:output(i)
  local view = C.ra_plan_output(self.c, i - 1)
  if view == nil then error(ffi.message(), 2) end
  local t = tensor.wrap(view)
  return t:clone()
end

--- A view of it: valid until the arena is used again.
function Plan:peek(i) return assert(tensor.wrap(C.ra_plan_output(self.c, i - 1))) end

--- From here on runs leave the running averages as they are. held: how many doubles say by what they would have moved them (statistics,
-- of the last run); move makes the move of a run of this plan, or of one of the same ops.
function Plan:hold()
  self.held = C.ra_plan_hold(self.c)
  if self.held < 0 then error(ffi.message(), 2) end
end
function Plan:statistics() return C.ra_plan_statistics(self.c) end
function Plan:move(statistics) C.ra_plan_move(self.c, statistics) end

function Plan:scalar(i) return C.ra_plan_scalar(self.c, i - 1) end
function Plan:gradient_norm(node) return C.ra_plan_gradient_norm(self.c, node.id) end
--- FLOPs of a run: multiply-adds x 2 of convolutions and matmul, as if computed directly.
function Plan:flops() return C.ra_plan_flops(self.c) end
function Plan:bytes() return C.ra_plan_arena_bytes(self.c) end
function Plan:lower_bound() return C.ra_plan_lower_bound(self.c) end
function Plan:profile(on) C.ra_plan_profile(self.c, on) end

--- The steps with shapes, algorithms, fusions, bytes, and times after profiled runs.
function Plan:describe()
  local text = C.ra_plan_describe(self.c)
  if text == nil then error(ffi.message(), 2) end
  return ffi.string(text)
end

return graph
