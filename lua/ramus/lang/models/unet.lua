--- U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) with a side head per decoder level.
--
-- Level i of 1..depth has width * 2^(i-1) channels at 1/2^(i-1) of the size; a
-- level is two 3x3 convolutions, each with normalisation and activation. With
-- sides = true, decoder level i gives `side<i>`: a 3x3 convolution to one channel
-- (or one per class), brought to full size by bilinear upsampling. Outputs are logits. Inputs of any
-- size: padded at the bottom and right by repeating the edge to a multiple of
-- 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local function build(o)
  local function width(level) return o.width * 2 ^ (level - 1) end
  local classes = o.classes or 1
  local encoder, decoder, up, side = {}, {}, {}, {}
  for i = 1, o.depth do encoder[i] = blocks.block(o, i == 1 and o.channels or width(i - 1), width(i), "encoder" .. i) end
  for i = 1, o.depth - 1 do
    up[i] = blocks.upsampling(o, width(i + 1), width(i), "up" .. i)
    decoder[i] = blocks.block(o, 2 * width(i), width(i), "decoder" .. i)
    if o.sides then side[i] = nn.conv2d { width(i), classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { width(1), classes, k = 1, name = "head" }

  return function(image)
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
      if o.sides then out["side" .. i] = blocks.side(side[i](x), i, image) end
    end
    out.out = F.crop_like(head(x), image)
    return out
  end
end

return models.define {
  name = "unet", build = build, title = function(o) return ("unet depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with {
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels, the bottleneck included" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
    dropout = { type = "number", min = 0, below = 1, default = 0, help = "of the bottleneck" },
  },
}
