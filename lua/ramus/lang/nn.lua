--- ra.nn.NAME{...}: an op with its parameters and buffers.
--
-- A module declares the shapes and the initialisation of what it owns. Inside a
-- model these live in the model's flat blocks; a lone module in the REPL makes
-- its own at its first call. Weights start as He et al. (ICCV 2015) say: normal
-- with deviation sqrt(2 / fan_in); biases 0, scales 1, running mean 0, variance 1.
local F = require "ramus.lang.F"
local graph = require "ramus.lang.graph"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local ffi = require "ramus.base.ffi"

local nn = {}
local Module = {}
Module.__index = Module
local specs = require("ramus.lang.ops").specs

function nn.is(v) return getmetatable(v) == Module end

--- Fills a tensor as an initialisation says; `key` numbers it within (seed).
function nn.initialise(t, init, seed, key)
  if init.fan_in then
    ffi.C.ra_tensor_random(t, true, 0, math.sqrt(2 / init.fan_in), seed, key, 0, ffi.C.RA_RANDOM_INIT)
  else
    t:fill(init.value)
  end
end

--- Parameters and buffers of a lone module, made at its first call.
local function own_values(module)
  if not module.values then
    module.values = {}
    for i, p in ipairs(module.parameters) do
      module.values[p.name] = tensor.zeros(p.shape)
      nn.initialise(module.values[p.name], p.init, tensor.next_key(), i)
    end
  end
  return module.values
end

function Module:__call(x)
  if type(x) ~= "number" and not tensor.is(x) and not graph.is_node(x) then
    error(("nn.%s: wants a tensor, given %s"):format(self.kind, options.show(x)), 2)
  end
  local recorder = graph.is_node(x) and x.recorder
  local get
  if recorder and recorder.parameter then
    get = function(name) return recorder:parameter(self, name) end
  else
    local values = own_values(self)
    get = function(name) return values[name] end
  end
  local given = {}
  for k, v in pairs(self.options) do given[k] = v end
  for _, p in ipairs(self.parameters) do given[p.name] = get(p.name) end
  if self.has_mode then given.train = recorder and recorder.train or self.training or false end
  return F[self.kind](x, given)
end

function Module:__tostring()
  local parts = {}
  for _, p in ipairs(self.parameters) do parts[#parts + 1] = p.name .. " [" .. table.concat(p.shape, ",") .. "]" end
  return "nn." .. self.kind .. (#parts > 0 and " (" .. table.concat(parts, ", ") .. ")" or "")
end

local function module(kind, given, parameters, name)
  return setmetatable({ kind = kind, options = given, parameters = parameters, name = name,
    has_mode = specs[kind].by_name.train ~= nil }, Module)
end

local function channels(position, what)
  return { type = "integer", min = 1, name = what, required = position }
end
local pair = { type = "integer|table" }

--- The options of an op (by its table), besides those that the module itself has.
local function op_options(kind, schema)
  for _, p in ipairs(specs[kind].params) do
    if not schema[p.name] and p.name ~= "train" then schema[p.name] = { type = "any" } end
  end
  schema.name = { type = "string", help = "name of the module in checkpoints" }
  return schema
end

local function split(o, kind)
  local rest = {}
  for _, p in ipairs(specs[kind].params) do rest[p.name] = o[p.name] end
  return rest
end

local function both(k) return type(k) == "table" and k[1] or k, type(k) == "table" and k[2] or k end

--- nn.conv2d{ C, O, k = 3, stride = 1, pad = 0, dilation = 1, groups = 1, bias = true }
function nn.conv2d(given)
  local schema = op_options("conv2d", { [1] = channels(true, "channels in"), [2] = channels(true, "channels out"),
    k = { type = "integer|table", default = 3 }, bias = { type = "boolean", default = true }, stride = pair, pad = pair, dilation = pair })
  local o = options.check(given, schema, "nn.conv2d")
  local kh, kw = both(o.k)
  local groups = o.groups or 1
  if o[1] % groups ~= 0 or o[2] % groups ~= 0 then
    error(("nn.conv2d: groups = %d must divide channels in (%d) and out (%d)"):format(groups, o[1], o[2]), 2)
  end
  local parameters = { { name = "weight", shape = { o[2], o[1] / groups, kh, kw }, init = { fan_in = o[1] / groups * kh * kw } } }
  if o.bias then parameters[2] = { name = "bias", shape = { o[2] }, init = { value = 0 } } end
  return module("conv2d", split(o, "conv2d"), parameters, o.name)
end

--- nn.conv_transpose2d{ C, O, k = 2, stride = 2, bias = true }
function nn.conv_transpose2d(given)
  local schema = op_options("conv_transpose2d", { [1] = channels(true, "channels in"), [2] = channels(true, "channels out"),
    k = { type = "integer|table", default = 2 }, stride = { type = "integer|table", default = 2 }, bias = { type = "boolean", default = true } })
  local o = options.check(given, schema, "nn.conv_transpose2d")
  local kh, kw = both(o.k)
  local sh, sw = both(o.stride)
  -- each output receives kh*kw/(stride_h*stride_w) weights a channel
  local fan_in = o[1] * math.max(1, kh * kw / (sh * sw))
  local parameters = { { name = "weight", shape = { o[1], o[2], kh, kw }, init = { fan_in = fan_in } } }
  if o.bias then parameters[2] = { name = "bias", shape = { o[2] }, init = { value = 0 } } end
  return module("conv_transpose2d", split(o, "conv_transpose2d"), parameters, o.name)
end

--- nn.batch_norm{ C, momentum = 0.1, eps = 1e-5 }: running mean and variance are buffers.
function nn.batch_norm(given)
  local o = options.check(given, op_options("batch_norm", { [1] = channels(true, "channels") }), "nn.batch_norm")
  local C = { o[1] }
  return module("batch_norm", split(o, "batch_norm"), {
    { name = "weight", shape = C, init = { value = 1 } }, { name = "bias", shape = C, init = { value = 0 } },
    { name = "mean", shape = C, init = { value = 0 }, buffer = true }, { name = "var", shape = C, init = { value = 1 }, buffer = true },
  }, o.name)
end

--- group_norm, instance_norm: a scale and a shift a channel; layer_norm: of the last dimensions.
local function normalisation(kind)
  return function(given)
    local o = options.check(given, op_options(kind, { [1] = channels(true, "channels") }), "nn." .. kind)
    return module(kind, split(o, kind), { { name = "weight", shape = { o[1] }, init = { value = 1 } },
      { name = "bias", shape = { o[1] }, init = { value = 0 } } }, o.name)
  end
end
nn.group_norm = specs.group_norm and normalisation "group_norm"
nn.instance_norm = specs.instance_norm and normalisation "instance_norm"
nn.layer_norm = specs.layer_norm and normalisation "layer_norm"

--- Every other op with one input: a module without parameters, nn.relu{}, nn.max_pool2d{k = 2}.
for kind, spec in pairs(specs) do
  if not rawget(nn, kind) and not spec.is_loss and #spec.inputs == 1 and not spec.variadic then
    nn[kind] = function(given)
      local o = options.check(given, op_options(kind, {}), "nn." .. kind)
      return module(kind, split(o, kind), {}, o.name)
    end
  end
end

--- Modules one after the other: nn.sequence{ nn.conv2d{1, 8}, nn.relu{}, ... } is a function.
function nn.sequence(list)
  for i, m in ipairs(list) do
    if not nn.is(m) and type(m) ~= "function" then
      error(("nn.sequence: entry %d must be a module or a function, given %s"):format(i, options.show(m)), 2)
    end
  end
  return function(x)
    for _, m in ipairs(list) do x = m(x) end
    return x
  end
end

return setmetatable(nn, {
  __index = function(_, name)
    local known = {}
    for k in pairs(nn) do known[#known + 1] = k end
    error(("nn.%s: %s"):format(tostring(name), options.unknown("module", name, known)), 2)
  end,
})
