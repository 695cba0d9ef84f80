--- What architectures share: normalisation, blocks of convolutions, the encoder, upsampling, side outputs. o: a model's options, checked
-- by blocks.schema (norm, groups, act, up, bias, residual), which an architecture copies into its own schema.
local F = require "ramus.lang.F"
local nn = require "ramus.lang.nn"
local options = require "ramus.base.options"

local blocks = {}

blocks.schema = {
  norm = { type = "string", one_of = { "batch", "group", "instance", "none" }, default = "batch", help = "normalisation behind every convolution" },
  groups = { type = "integer", min = 1, default = 8, help = "of group normalisation" },
  act = { type = "string", one_of = { "relu", "leaky_relu", "silu", "gelu" }, default = "relu", help = "activation" },
  up = { type = "string", one_of = { "transpose", "bilinear", "nearest" }, default = "transpose", help = "how a level is brought to twice its size: "
    .. "a transposed convolution; interpolation and a 1x1 convolution; repetition and a 3x3 convolution with normalisation and activation" },
  bias = { type = "boolean", default = false, help = "numbers added by convolutions also where a normalisation follows, which takes them away "
    .. "again; as published modules count them" },
  residual = { type = "boolean", default = false, help = "residual blocks (He et al., CVPR 2016): a block adds its input, through a 1x1 convolution "
    .. "with normalisation where the channels differ, before its last activation" },
}

--- The normalisation of C channels that o.norm asks for; nil for none. Groups are as many as divide C, at most o.groups.
function blocks.normalise(o, C, name)
  if o.norm == "batch" then return nn.batch_norm { C, name = name } end
  if o.norm == "instance" then return nn.instance_norm { C, name = name } end
  if o.norm == "group" then
    local groups = math.min(o.groups, C)
    while C % groups ~= 0 do groups = groups - 1 end
    return nn.group_norm { C, groups = groups, name = name }
  end
  return nil
end

--- A k x k convolution with normalisation, named NAME.convSUFFIX and NAME.normSUFFIX. given: k (3), stride (1), suffix (""), act
-- (false: none follows).
function blocks.convolution(o, from, to, name, given)
  local k, suffix = given and given.k or 3, given and given.suffix or ""
  local stages = { nn.conv2d { from, to, k = k, pad = (k - 1) / 2, stride = given and given.stride, bias = o.bias or o.norm == "none",
    name = name .. ".conv" .. suffix } }
  stages[#stages + 1] = blocks.normalise(o, to, name .. ".norm" .. suffix)
  if not (given and given.act == false) then stages[#stages + 1] = nn[o.act] {} end
  return nn.sequence(stages)
end

--- A 1x1 convolution with normalisation that brings x to the channels of what it is added to: the shortcut of a residual block.
function blocks.shortcut(o, from, to, name) return blocks.convolution(o, from, to, name .. ".shortcut", { k = 1, act = false }) end

--- Two 3x3 convolutions, each with normalisation and activation; a residual block where o.residual says so.
function blocks.block(o, from, to, name)
  local first = blocks.convolution(o, from, to, name, { suffix = 1 })
  local second = blocks.convolution(o, to, to, name, { suffix = 2, act = not o.residual })
  if not o.residual then return nn.sequence { first, second } end
  local shortcut = from ~= to and blocks.shortcut(o, from, to, name)
  local act = nn[o.act] {}
  return function(x) return act(F.add(second(first(x)), shortcut and shortcut(x) or x)) end
end

--- Channels of level 1, 2, ...: o.width, twice that, ...
function blocks.width(o, level) return o.width * 2 ^ (level - 1) end

--- The image at a size that o.depth levels can halve: more rows below and columns at the right, that repeat the edge.
function blocks.padded(o, image) return F.pad_to(image, { multiple = 2 ^ (o.depth - 1), mode = "edge" }) end

--- An encoder of o.depth blocks with 2x2 maxima between them: a function of the padded image that gives the list of its levels.
function blocks.encoder(o)
  local encoder = {}
  for i = 1, o.depth do encoder[i] = blocks.block(o, i == 1 and o.channels or blocks.width(o, i - 1), blocks.width(o, i), "encoder" .. i) end
  return function(x)
    local levels = {}
    for i = 1, o.depth do levels[i] = encoder[i](i > 1 and F.max_pool2d(levels[i - 1], { k = 2 }) or x) end
    return levels
  end
end

--- A module that brings level i+1 to the size of level i.
function blocks.upsampling(o, from, to, name)
  if o.up == "transpose" then return nn.conv_transpose2d { from, to, k = 2, stride = 2, name = name } end
  local function resized(x) return F.upsample(x, { scale = 2, mode = o.up }) end
  if o.up == "nearest" then return nn.sequence { resized, blocks.convolution(o, from, to, name) } end
  return nn.sequence { resized, nn.conv2d { from, to, k = 1, name = name } }
end

--- The side output s of level i at the size of the image.
function blocks.side(s, level, image)
  if level > 1 then s = F.upsample(s, { scale = 2 ^ (level - 1), mode = "bilinear" }) end
  return F.crop_like(s, image)
end

--- An option of the blocks with another default.
function blocks.option(key, default)
  local entry = options.copy(blocks.schema[key])
  entry.default = default
  return entry
end

--- An architecture's own options together with those of the blocks, or with those that `names` lists.
function blocks.with(schema, names)
  for _, key in ipairs(names or options.names(blocks.schema)) do schema[key] = schema[key] or blocks.schema[key] end
  return schema
end

return blocks
