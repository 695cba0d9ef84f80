--- Holistically-nested edge detection (Xie, Tu, ICCV 2015, arXiv 1504.06375): the five stages of VGG-16, each with a side output, and their
-- fusion.
--
-- Stage i of 1..depth has min(width * 2^(i-1), 8 * width) channels at 1/2^(i-1) of the size: two 3x3 convolutions in stages 1 and 2, three
-- in the others (Simonyan, Zisserman, ICLR 2015). Its side output is a 1x1 convolution, brought to full size (bilinear); `out` is a 1x1
-- convolution of all side outputs. With sides = true they are outputs too, `side1` .. `side<depth>`: the paper supervises all of them and
-- the fusion. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 2^(depth-1),
-- outputs cropped back (the paper pads by 35 zeros instead).
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local function build(o)
  local classes, stage, side, from = o.classes or 1, {}, {}, o.channels
  for i = 1, o.depth do
    local width, convolutions = math.min(blocks.width(o, i), 8 * o.width), {}
    for k = 1, i > 2 and 3 or 2 do
      convolutions[k] = blocks.convolution(o, from, width, "stage" .. i, { suffix = k })
      from = width
    end
    stage[i] = nn.sequence(convolutions)
    side[i] = nn.conv2d { width, classes, k = 1, name = "side" .. i }
  end
  local fuse = nn.conv2d { o.depth * classes, classes, k = 1, name = "fuse" }

  return function(image)
    local x, parts, out = blocks.padded(o, image), { [o.depth + 1] = { dim = 2 } }, {}
    for i = 1, o.depth do
      x = stage[i](i > 1 and F.max_pool2d(x, { k = 2 }) or x)
      parts[i] = blocks.side(side[i](x), i, image)
      if o.sides then out["side" .. i] = parts[i] end
    end
    out.out = fuse(F.concat(unpack(parts)))
    return out
  end
end

return models.define {
  name = "hed", build = build, title = function(o) return ("hed depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with({
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "stages" },
    width = { type = "integer", min = 1, max = 1024, default = 24, help = "channels of stage 1" },
    sides = { type = "boolean", default = false, help = "a side output per stage" },
  }, { "norm", "groups", "act", "bias" }),
  presets = {
    published = { options = { width = 64, norm = "none" }, parameters = 14716171, channels = 3,
      from = "the convolutions of VGG-16, 14,714,688, five side outputs, 1,477, and their fusion, 6 (section 3 of the paper; sniklaus/pytorch-hed)" },
    light = { options = { width = 24 } },
  },
}
