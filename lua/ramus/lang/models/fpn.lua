--- Feature pyramid (Lin, Dollar, Girshick, He, Hariharan, Belongie, CVPR 2017) between a U-Net's encoder and a light decoder.
--
-- Encoder -> feature pyramid -> side outputs (where distillation acts) -> decoder -> output. Encoder level i of 1..depth has
-- width * 2^(i-1) channels at 1/2^(i-1) of the size. The pyramid has `pyramid` channels at every level: a 1x1 convolution of the
-- encoder's level plus the level below brought to twice its size (nearest), then a 3x3 convolution. With sides = true, pyramid level
-- i of 1..depth-1 gives `side<i>`, as U-Net's decoder levels do. The decoder is that of panoptic feature pyramids (Kirillov,
-- Girshick, He, Dollar, CVPR 2019): each level goes through a 3x3 convolution and a doubling until it has full size; the
-- sum of all goes to the head. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a
-- multiple of 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local function doubled(x, mode) return F.upsample(x, { scale = 2, mode = mode }) end

--- The decoder's path of pyramid level i: i - 1 doublings, each behind a convolution; level 1 has one convolution.
local function path(o, level)
  local stages = {}
  for k = 1, math.max(level - 1, 1) do
    local name = ("decoder%d.%d"):format(level, k)
    stages[#stages + 1] = blocks.convolution(o, k == 1 and o.pyramid or o.merged, o.merged, name)
    if level > 1 then stages[#stages + 1] = function(x) return doubled(x, "bilinear") end end
  end
  return nn.sequence(stages)
end

local function build(o)
  local classes = o.classes or 1
  local encode, lateral, smooth, side, decoder = blocks.encoder(o), {}, {}, {}, {}
  for i = 1, o.depth do
    lateral[i] = nn.conv2d { blocks.width(o, i), o.pyramid, k = 1, name = "lateral" .. i }
    smooth[i] = nn.conv2d { o.pyramid, o.pyramid, k = 3, pad = 1, name = "pyramid" .. i }
    decoder[i] = path(o, i)
    if o.sides and i < o.depth then side[i] = nn.conv2d { o.pyramid, classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { o.merged, classes, k = 1, name = "head" }

  return function(image)
    local levels, out = encode(blocks.padded(o, image)), {}
    local above, sum
    for i = o.depth, 1, -1 do
      above = above and F.add(lateral[i](levels[i]), doubled(above, "nearest")) or lateral[i](levels[i])
      local p = smooth[i](above)
      if side[i] then out["side" .. i] = blocks.side(side[i](p), i, image) end
      local full = decoder[i](p)
      sum = sum and F.add(sum, full) or full
    end
    out.out = F.crop_like(head(sum), image)
    return out
  end
end

return models.define {
  name = "fpn", build = build, title = function(o) return ("fpn depth %d width %d pyramid %d"):format(o.depth, o.width, o.pyramid) end,
  schema = blocks.with {
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels of the encoder and of the pyramid" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of the encoder's level 1" },
    pyramid = { type = "integer", min = 1, max = 1024, default = 32, help = "channels of every level of the pyramid" },
    merged = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of the decoder" },
    sides = { type = "boolean", default = false, help = "a side output per level of the pyramid but the last" },
  },
  presets = { light = { options = { width = 16 } } },
}
