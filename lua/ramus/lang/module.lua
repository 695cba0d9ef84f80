--- Modules of ra.nn: an op with its parameters and buffers.
--
-- A module declares the shapes and the initialisation of what it owns. Inside a model these live in the model's flat
-- blocks; a lone module in the REPL makes its own at its first call.
local F = require "ramus.lang.F"
local graph = require "ramus.lang.graph"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local ffi = require "ramus.base.ffi"

local module = {}
local Module = {}
Module.__index = Module

--- Whether v is a module, as ra.nn.conv2d { 1, 8 } makes one.
function module.is(v) return getmetatable(v) == Module end

--- Fills a tensor as an initialisation says: { fan_in = } (He et al.), { std = } (normal, mean 0) or { value = }; `key` numbers it
-- within (seed).
function module.initialise(t, init, seed, key)
  local std = init.fan_in and math.sqrt(2 / init.fan_in) or init.std
  if std then
    ffi.C.ra_tensor_random(t, true, 0, std, seed, key, 0, ffi.C.RA_RANDOM_INIT)
  else
    t:fill(init.value)
  end
end

--- Parameters and buffers of a lone module, made at its first call.
local function own_values(self)
  if not self.values then
    self.values = {}
    for i, p in ipairs(self.parameters) do
      self.values[p.name] = tensor.zeros(p.shape)
      module.initialise(self.values[p.name], p.init, tensor.next_key(), i)
    end
  end
  return self.values
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
  if self.kind == "parameter" then return given.value end
  return F[self.kind](x, given)
end

function Module:__tostring()
  local parts = {}
  for _, p in ipairs(self.parameters) do parts[#parts + 1] = p.name .. " [" .. table.concat(p.shape, ",") .. "]" end
  return "nn." .. self.kind .. (self.written or "") .. (#parts > 0 and " (" .. table.concat(parts, ", ") .. ")" or "")
end

--- The options that were given, as they were written: "{ 1, 8, k = 3 }".
local function written(given)
  local parts = {}
  for _, key in ipairs(options.names(given or {})) do
    local text = type(given[key]) == "table" and options.show(given[key]) or type(given[key]) == "string" and ("%q"):format(given[key])
    parts[#parts + 1] = (type(key) == "number" and "" or key .. " = ") .. (text or tostring(given[key]))
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

--- The module of a parameter alone: called on anything of a recording, it gives the parameter.
function module.parameter(name, shape, init)
  return setmetatable({ kind = "parameter", options = {}, parameters = { { name = "value", shape = shape, init = init } }, name = name }, Module)
end

-- ---- definitions --------------------------------------------------------------

--- name -> { name, signature, help, schema }: the source of constructors, help and reference pages.
module.defined = {}

--- Defines the module of the op `name`; returns its constructor. schema: options besides the op's own, or in their place;
-- signature: its call as text, from the name on; parameters(o): a list of { name, shape, init, buffer }, or nil and a
-- message about the options.
function module.define(d)
  local schema = { name = { type = "string", help = "name of the module in checkpoints" } }
  for key, entry in pairs(ops.schema(d.name)) do
    if key ~= "train" then schema[key] = entry end -- the mode of the model decides
  end
  for key, entry in pairs(d.schema or {}) do schema[key] = entry end
  local where, op = "nn." .. d.name, ops.specs[d.name]
  module.defined[d.name] = { name = d.name, signature = d.signature or d.name .. "{...}", help = d.help, schema = schema }
  return function(given)
    local o = ops.check(d.name, given, where, schema)
    local parameters, wrong = (d.parameters or function() return {} end)(o)
    if not parameters then error(where .. ": " .. wrong, 2) end
    local kept = {}
    for _, p in ipairs(op.params) do kept[p.name] = o[p.name] end
    return setmetatable({ kind = d.name, options = kept, parameters = parameters, name = o.name, written = written(given),
      has_mode = op.by_name.train ~= nil }, Module)
  end
end

return module
