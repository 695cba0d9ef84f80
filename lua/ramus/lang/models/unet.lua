--- U-Net (Ronneberger, Fischer, Brox, MICCAI 2015) with a side head per decoder level.
--
-- Level i of 1..depth has width * 2^(i-1) channels at 1/2^(i-1) of the size; a level is two 3x3 convolutions, each with normalisation and activation.
-- With sides = true, decoder level i gives `side<i>`: a 3x3 convolution to one channel (or one per class), brought to full size by bilinear
-- upsampling. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 2^(depth-1), outputs
-- cropped back. residual = true: residual blocks, as in the residual U-Net (Zhang, Liu, Wang, IEEE GRSL 2018). fuse = true: `out` is a 1x1
-- convolution of the head and all side outputs (Xie, Tu, ICCV 2015; see `hed`).
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local function build(o)
  local classes = o.classes or 1
  local encode, decoder, up, side = blocks.encoder(o), {}, {}, {}
  for i = 1, o.depth - 1 do
    local width = blocks.width(o, i)
    up[i] = blocks.upsampling(o, 2 * width, width, "up" .. i)
    decoder[i] = blocks.block(o, 2 * width, width, "decoder" .. i)
    if o.sides or o.fuse then side[i] = nn.conv2d { width, classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { o.width, classes, k = 1, name = "head" }
  local fuse = o.fuse and nn.conv2d { o.depth * classes, classes, k = 1, name = "fuse" }

  return function(image)
    local skip, out = encode(blocks.padded(o, image)), {}
    local x, parts = skip[o.depth], { [o.depth + 1] = { dim = 2 } }
    if o.dropout > 0 then x = nn.dropout { p = o.dropout } (x) end
    for i = o.depth - 1, 1, -1 do
      x = decoder[i](F.concat(skip[i], up[i](x), { dim = 2 }))
      if side[i] then parts[i + 1] = blocks.side(side[i](x), i, image) end
      if o.sides then out["side" .. i] = parts[i + 1] end
    end
    parts[1] = F.crop_like(head(x), image)
    out.out = fuse and fuse(F.concat(unpack(parts))) or parts[1]
    return out
  end
end

return models.define {
  name = "unet", build = build, title = function(o) return ("unet depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with {
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels, the bottleneck included" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
    fuse = { type = "boolean", default = false, help = "out is learned from the head and the side outputs of all levels" },
    dropout = { type = "number", min = 0, below = 1, default = 0, help = "of the bottleneck" },
  },
  presets = {
    published = { options = { width = 64, norm = "none" }, parameters = 31030593,
      from = "figure 1 of the paper, with padded convolutions; at width 32 it is the 7,759,521 of the authors of U-Net++ (MrGiovanni/UNetPlusPlus, model.py)" },
    light = { options = { width = 16 } },
  },
}
