--- ra.nn.NAME{...}: an op with its parameters and buffers.
--
-- Weights start as He et al. (ICCV 2015) say: normal with standard deviation sqrt(2 / fan_in);
-- biases 0, scales 1, running mean 0, variance 1. Options of the op are options of the module too.
local ffi = require "ramus.base.ffi"
local module = require "ramus.lang.module"
local ops = require "ramus.lang.ops"
local options = require "ramus.base.options"

local nn = { is = module.is, initialise = module.initialise }

local function define(d) nn[d.name] = module.define(d) end

local function channels(what) return { type = "integer", min = 1, name = what, required = true } end

--- A whole number >= 1 or a pair of them.
local function window(default, help)
  return { type = "integer|table", wanted = "a whole number or a pair {height, width}", default = default, help = help, check = function(v)
    local pair = type(v) == "table" and v or { v, v }
    for k = 1, 2 do
      if type(pair[k]) ~= "number" or pair[k] % 1 ~= 0 or pair[k] < 1 or #pair ~= 2 then
        return nil, "must be a whole number >= 1 or a pair {height, width} of them, given " .. options.show(v)
      end
    end
    return v
  end }
end

local function both(k) return type(k) == "table" and k[1] or k, type(k) == "table" and k[2] or k end

--- The groups of a convolution; nil and a message where they do not divide its channels.
local function groups_of(o)
  local groups = o.groups or 1
  if o[1] % groups == 0 and o[2] % groups == 0 then return groups end
  return nil, ("groups = %d must divide channels in (%d) and out (%d)"):format(groups, o[1], o[2])
end

define {
  name = "conv2d", signature = "conv2d{ C, O, k = 3, stride = 1, pad = 0, dilation = 1, groups = 1, bias = true }",
  help = "a convolution from C to O channels",
  schema = { [1] = channels "channels in", [2] = channels "channels out", k = window(3, "size of the window"),
    bias = { type = "boolean", default = true, help = "a number added to every output channel" } },
  parameters = function(o)
    local kh, kw = both(o.k)
    local groups, wrong = groups_of(o)
    if not groups then return nil, wrong end
    return { { name = "weight", shape = { o[2], o[1] / groups, kh, kw }, init = { fan_in = o[1] / groups * kh * kw } },
      o.bias and { name = "bias", shape = { o[2] }, init = { value = 0 } } or nil }
  end,
}

define {
  name = "conv_transpose2d", signature = "conv_transpose2d{ C, O, k = 2, stride = 2, groups = 1, bias = true }",
  help = "a transposed convolution from C to O channels",
  schema = { [1] = channels "channels in", [2] = channels "channels out", k = window(2, "size of the window"),
    stride = window(2, "distance of windows in the output"),
    bias = { type = "boolean", default = true, help = "a number added to every output channel" } },
  parameters = function(o)
    local kh, kw = both(o.k)
    local sh, sw = both(o.stride)
    local groups, wrong = groups_of(o)
    if not groups then return nil, wrong end
    -- each output receives kh*kw/(stride_h*stride_w) weights a channel
    local fan_in = o[1] / groups * math.max(1, kh * kw / (sh * sw))
    return { { name = "weight", shape = { o[1], o[2] / groups, kh, kw }, init = { fan_in = fan_in } },
      o.bias and { name = "bias", shape = { o[2] }, init = { value = 0 } } or nil }
  end,
}

--- How weights start: normal with standard deviation o.std, or as He et al. say.
local std = { type = "number", min = 0, help = "standard deviation of the weights at the start; sqrt(2 / fan_in) unless given" }

define {
  name = "linear", signature = "linear{ K, O, bias = true }", help = "a linear layer from K to O numbers, over the last dimension",
  schema = { [1] = channels "numbers in", [2] = channels "numbers out", std = std,
    bias = { type = "boolean", default = true, help = "a number added to every output" } },
  parameters = function(o)
    return { { name = "weight", shape = { o[2], o[1] }, init = o.std and { std = o.std } or { fan_in = o[1] } },
      o.bias and { name = "bias", shape = { o[2] }, init = { value = 0 } } or nil }
  end,
}

define {
  name = "batch_norm", signature = "batch_norm{ C, momentum = 0.1, eps = 1e-5 }", help = "running mean and variance are buffers",
  schema = { [1] = channels "channels" },
  parameters = function(o)
    local C = { o[1] }
    return { { name = "weight", shape = C, init = { value = 1 } }, { name = "bias", shape = C, init = { value = 0 } },
      { name = "mean", shape = C, init = { value = 0 }, buffer = true }, { name = "var", shape = C, init = { value = 1 }, buffer = true } }
  end,
}

for name, help in pairs { group_norm = "a scale and a shift for every channel", instance_norm = "a scale and a shift for every channel",
  layer_norm = "a scale and a shift for every place of the last dimension" } do
  define {
    name = name, signature = name .. "{ C, ... }", help = help, schema = { [1] = channels "channels" },
    parameters = function(o)
      return { { name = "weight", shape = { o[1] }, init = { value = 1 } }, { name = "bias", shape = { o[1] }, init = { value = 0 } } }
    end,
  }
end

--- Every other op with one input: a module without parameters, nn.relu{}, nn.max_pool2d{k = 2}.
for name, spec in pairs(ops.specs) do
  if not module.defined[name] and not spec.is_loss and #spec.inputs == 1 and not spec.variadic then
    define { name = name, help = "the op as a module without parameters" }
  end
end

local function sizes(v)
  for _, d in ipairs(v) do
    if type(d) ~= "number" or d % 1 ~= 0 or d < 1 then return nil, "must be a list of whole numbers >= 1, given " .. options.show(v) end
  end
  if #v < 1 or #v > ffi.C.RA_MAX_RANK then return nil, ("must have 1 to %d sizes, given %s"):format(ffi.C.RA_MAX_RANK, options.show(v)) end
  return v
end

local parameter_schema = {
  shape = { type = "table", wanted = "a list of sizes", required = true, check = sizes, help = "its sizes" },
  value = { type = "number", default = 0, help = "every element at the start" },
  std = { type = "number", min = 0, help = "or: normal numbers with mean 0 and this standard deviation" },
  name = { type = "string", help = "name of the module in checkpoints" },
}

--- A parameter alone: a position embedding, a class token, a learned scale. Called on anything of a recording it gives the
-- parameter: local scale = nn.parameter{ shape = {8}, value = 1 }; x * scale(x).
function nn.parameter(given)
  local o = options.check(given, parameter_schema, "nn.parameter")
  return module.parameter(o.name, o.shape, o.std and { std = o.std } or { value = o.value })
end
module.defined.parameter = { name = "parameter", signature = "parameter{ shape = {C}, value = 0 }", schema = parameter_schema,
  help = "a parameter alone (position embedding, class token, learned scale): p(x) gives it, x being any tensor of the model" }

local Sequence = {}
Sequence.__index = Sequence

--- What does not fit is said with its place in the sequence, at the line of the caller.
function Sequence:__call(x)
  for i, m in ipairs(self) do
    local ok, y = pcall(m, x)
    if not ok and (type(y) ~= "string" or y:find "interrupted$") then error(y, 0) end -- of Ctrl-C: no mistake
    if not ok then error(("step %d of the sequence: %s"):format(i, y), 2) end
    x = y
  end
  return x
end

--- A line for each module, those of a sequence in it further in.
function Sequence:__tostring()
  local lines = { ("nn.sequence of %d"):format(#self) }
  for i, m in ipairs(self) do
    local text = type(m) == "function" and "function" or tostring(m)
    lines[#lines + 1] = ("  %d  %s"):format(i, (text:gsub("\n", "\n  ")))
  end
  return table.concat(lines, "\n")
end

--- True for what can be called on a tensor and is no model: a function, a module, a sequence.
function nn.is_callable(v) return type(v) == "function" or nn.is(v) or getmetatable(v) == Sequence end

--- Modules one after the other: nn.sequence{ nn.conv2d{1, 8}, nn.relu{}, ... } is called as a function is.
function nn.sequence(list)
  if type(list) ~= "table" or nn.is(list) then
    error("nn.sequence: wants a list of modules, given " .. (nn.is(list) and tostring(list) or options.show(list)), 2)
  end
  for key in pairs(list) do
    if type(key) ~= "number" then error(("nn.sequence: unknown option '%s'; it takes a list of modules and functions"):format(tostring(key)), 2) end
  end
  local kept = {}
  for i = 1, table.maxn(list) do
    local m = list[i]
    if not nn.is_callable(m) then error(("nn.sequence: entry %d must be a module or a function, given %s"):format(i, options.show(m)), 2) end
    kept[i] = m
  end
  return setmetatable(kept, Sequence)
end
module.defined.sequence = { name = "sequence", signature = "sequence{ nn.conv2d{1, 8}, nn.relu{}, ... }",
  help = "modules one after the other, called as a function is" }

return setmetatable(nn, {
  __index = function(_, name)
    error(("nn.%s: %s"):format(tostring(name), options.unknown("module", name, options.names(module.defined))), 2)
  end,
})
