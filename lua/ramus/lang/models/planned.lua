--- The U-Net of nnU-Net (Isensee, Jaeger, Kohl, Petersen, Maier-Hein, Nature Methods 18, 2021), whose size `ra.plan_for` and `ramus plan`
-- choose from a data set.
--
-- Level i of 1..depth has min(width * 2^(i-1), most) channels at 1/2^(i-1) of the size: two 3x3 convolutions, each with instance
-- normalisation and leaky ReLU; from level 2 on the first has stride 2, in place of pooling. The decoder brings a level up by a transposed
-- convolution, concatenates the encoder's and has two convolutions again. Heads are 1x1 convolutions. With sides = true, decoder level i of
-- 1..depth-1 gives `side<i>`, brought to full size; side1 is `out`. Outputs are logits. Inputs of any size: padded at the bottom and right
-- by repeating the edge to a multiple of 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

--- Two convolutions, the first of a stride.
local function block(o, from, to, stride, name)
  return nn.sequence { blocks.convolution(o, from, to, name, { suffix = 1, stride = stride }), blocks.convolution(o, to, to, name, { suffix = 2 }) }
end

local function build(o)
  local function width(level) return math.min(blocks.width(o, level), math.max(o.most, o.width)) end
  local encoder, up, decoder, head = {}, {}, {}, {}
  for i = 1, o.depth do
    encoder[i] = block(o, i == 1 and o.channels or width(i - 1), width(i), i == 1 and 1 or 2, "encoder" .. i)
    if i < o.depth then
      up[i] = blocks.upsampling(o, width(i + 1), width(i), "up" .. i)
      decoder[i] = block(o, 2 * width(i), width(i), 1, "decoder" .. i)
      head[i] = nn.conv2d { width(i), o.classes or 1, k = 1, name = i == 1 and "head" or "side" .. i }
    end
  end

  return function(image)
    local x, skip, out = blocks.padded(o, image), {}, {}
    for i = 1, o.depth do
      x = encoder[i](x)
      skip[i] = x
    end
    for i = o.depth - 1, 1, -1 do
      x = decoder[i](F.concat(up[i](x), skip[i], { dim = 2 }))
      if o.sides or i == 1 then out["side" .. i] = blocks.side(head[i](x), i, image) end
    end
    out.out = out.side1
    if not o.sides then out.side1 = nil end
    return out
  end
end

return models.define {
  name = "planned", build = build, title = function(o) return ("planned depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with({
    depth = { type = "integer", min = 2, max = 8, default = 6, help = "levels, the bottleneck included" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
    most = { type = "integer", min = 1, max = 2048, default = 512, help = "channels of a level at most" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
    norm = blocks.option("norm", "instance"), act = blocks.option("act", "leaky_relu"), bias = blocks.option("bias", true),
  }, { "groups", "up" }),
  presets = {
    published = { options = { depth = 8, width = 32 } },
    light = { options = { depth = 5, width = 16 } },
  },
}
