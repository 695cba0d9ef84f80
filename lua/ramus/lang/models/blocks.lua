--- What architectures share: normalisation, blocks of convolutions, upsampling, side outputs. o: a model's options, checked by
-- blocks.schema (norm, groups, act, up), which an architecture copies into its own schema.
local F = require "ramus.lang.F"
local nn = require "ramus.lang.nn"

local blocks = {}

blocks.schema = {
  norm = { type = "string", one_of = { "batch", "group", "instance", "none" }, default = "batch", help = "normalisation behind every convolution" },
  groups = { type = "integer", min = 1, default = 8, help = "of group normalisation" },
  act = { type = "string", one_of = { "relu", "leaky_relu", "silu", "gelu" }, default = "relu", help = "activation" },
  up = { type = "string", one_of = { "transpose", "bilinear" }, default = "transpose", help = "how a level is brought to twice its size" },
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

--- Two 3x3 convolutions, each with normalisation and activation.
function blocks.block(o, from, to, name)
  local stages = {}
  for i = 1, 2 do
    stages[#stages + 1] = nn.conv2d { i == 1 and from or to, to, k = 3, pad = 1, bias = o.norm == "none", name = ("%s.conv%d"):format(name, i) }
    stages[#stages + 1] = blocks.normalise(o, to, ("%s.norm%d"):format(name, i))
    stages[#stages + 1] = nn[o.act] {}
  end
  return nn.sequence(stages)
end

--- A module that brings level i+1 to the size of level i.
function blocks.upsampling(o, from, to, name)
  if o.up == "transpose" then return nn.conv_transpose2d { from, to, k = 2, stride = 2, name = name } end
  return nn.sequence {
    function(x) return F.upsample(x, { scale = 2, mode = "bilinear" }) end,
    nn.conv2d { from, to, k = 1, name = name },
  }
end

--- The side output s of level i at the size of the image.
function blocks.side(s, level, image)
  if level > 1 then s = F.upsample(s, { scale = 2 ^ (level - 1), mode = "bilinear" }) end
  return F.crop_like(s, image)
end

--- An architecture's own options together with those of the blocks.
function blocks.with(schema)
  for key, entry in pairs(blocks.schema) do schema[key] = schema[key] or entry end
  return schema
end

return blocks
