--- U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) with a side head per decoder level.
--
-- Level i of 1..depth has width * 2^(i-1) channels at 1/2^(i-1) of the size; a
-- level is two 3x3 convolutions, each with normalisation and activation. With
-- sides = true, decoder level i gives `side<i>`: a 3x3 convolution to one channel,
-- brought to full size by bilinear upsampling. Outputs are logits. Inputs of any
-- size: padded at the bottom and right by repeating the edge to a multiple of
-- 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local model = require "ramus.lang.model"
local nn = require "ramus.lang.nn"
local options = require "ramus.base.options"

local schema = {
  depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels, the bottleneck included" },
  width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
  sides = { type = "boolean", default = false, help = "a side output per decoder level" },
  norm = { type = "string", one_of = { "batch", "group", "instance", "none" }, default = "batch" },
  groups = { type = "integer", min = 1, default = 8, help = "of group normalisation" },
  act = { type = "string", one_of = { "relu", "leaky_relu", "silu", "gelu" }, default = "relu" },
  up = { type = "string", one_of = { "transpose", "bilinear" }, default = "transpose" },
  dropout = { type = "number", min = 0, below = 1, default = 0, help = "of the bottleneck" },
  channels = { type = "integer", min = 1, default = 1, help = "of the input" },
  seed = { type = "integer", default = 0, help = "of the initialisation" },
}

local function normalise(o, C, name)
  if o.norm == "batch" then return nn.batch_norm { C, name = name } end
  if o.norm == "instance" then return nn.instance_norm { C, name = name } end
  if o.norm == "group" then
    local groups = math.min(o.groups, C)
    while C % groups ~= 0 do groups = groups - 1 end
    return nn.group_norm { C, groups = groups, name = name }
  end
  return nil
end

--- Two convolutions of a level.
local function block(o, from, to, name)
  local stages = {}
  for i = 1, 2 do
    stages[#stages + 1] = nn.conv2d { i == 1 and from or to, to, k = 3, pad = 1, bias = o.norm == "none", name = ("%s.conv%d"):format(name, i) }
    stages[#stages + 1] = normalise(o, to, ("%s.norm%d"):format(name, i))
    stages[#stages + 1] = nn[o.act] {}
  end
  return nn.sequence(stages)
end

--- A module that brings level i+1 to the size of level i.
local function upsampling(o, from, to, name)
  if o.up == "transpose" then return nn.conv_transpose2d { from, to, k = 2, stride = 2, name = name } end
  return nn.sequence {
    function(x) return F.upsample(x, { scale = 2, mode = "bilinear" }) end,
    nn.conv2d { from, to, k = 1, name = name },
  }
end

return function(given)
  local o = options.check(given, schema, "models.unet")
  local function width(level) return o.width * 2 ^ (level - 1) end
  local encoder, decoder, up, side = {}, {}, {}, {}
  for i = 1, o.depth do encoder[i] = block(o, i == 1 and o.channels or width(i - 1), width(i), "encoder" .. i) end
  for i = 1, o.depth - 1 do
    up[i] = upsampling(o, width(i + 1), width(i), "up" .. i)
    decoder[i] = block(o, 2 * width(i), width(i), "decoder" .. i)
    if o.sides then side[i] = nn.conv2d { width(i), 1, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { width(1), 1, k = 1, name = "head" }

  local function forward(image)
    local x = F.pad_to(image, { multiple = 2 ^ (o.depth - 1), mode = "edge" })
    local skip, out = {}, {}
    for i = 1, o.depth do
      if i > 1 then x = F.max_pool2d(x, { k = 2 }) end
      x = encoder[i](x)
      skip[i] = x
    end
    if o.dropout > 0 then x = nn.dropout { p = o.dropout } (x) end
    for i = o.depth - 1, 1, -1 do
      x = decoder[i](F.concat(skip[i], up[i](x), { dim = 2 }))
      if o.sides then
        local s = side[i](x)
        if i > 1 then s = F.upsample(s, { scale = 2 ^ (i - 1), mode = "bilinear" }) end
        out["side" .. i] = F.crop_like(s, image)
      end
    end
    out.out = F.crop_like(head(x), image)
    return out
  end

  local net = model.new(forward, { channels = o.channels, seed = o.seed, name = ("unet depth %d width %d"):format(o.depth, o.width) })
  net.options, net.builder = o, "unet"
  return net
end
