--- W-Net (Galdran, Anjos, Dolz, Chakor, Lombaert, Ben Ayed, Scientific Reports 12, 2022: "State-of-the-art retinal vessel segmentation
-- with minimalistic models"): two small U-Nets, of which the second reads the image and the first one's logits.
--
-- Level i of 1..depth of each has width * 2^(i-1) channels. A block is two times 3x3 convolution, activation, normalisation (in this
-- order), to which a 1x1 convolution of the block's input with normalisation is added. What goes from the encoder to the decoder passes a
-- bridge: one more convolution, activation and normalisation. With sides = true, `side1` is the output of the first net, which the paper
-- supervises like `out`. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of
-- 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

--- 3x3 convolution, activation, normalisation.
local function unit(o, from, to, name, number)
  return nn.sequence { nn.conv2d { from, to, k = 3, pad = 1, name = ("%s.conv%s"):format(name, number) }, nn[o.act] {},
    blocks.normalise(o, to, ("%s.norm%s"):format(name, number)) }
end

local function block(o, from, to, name)
  local first, second, shortcut = unit(o, from, to, name, 1), unit(o, to, to, name, 2), blocks.shortcut(o, from, to, name)
  return function(x) return F.add(second(first(x)), shortcut(x)) end
end

--- One U-Net: a function of the padded image that gives logits. prefix: of its modules' names.
local function small(o, channels, prefix)
  local encoder, bridge, up, decoder = {}, {}, {}, {}
  for i = 1, o.depth do
    local width = blocks.width(o, i)
    encoder[i] = block(o, i == 1 and channels or width / 2, width, prefix .. "encoder" .. i)
    if i < o.depth then
      bridge[i] = unit(o, width, width, prefix .. "bridge" .. i, "")
      up[i] = blocks.upsampling(o, 2 * width, width, prefix .. "up" .. i)
      decoder[i] = block(o, 2 * width, width, prefix .. "decoder" .. i)
    end
  end
  local head = nn.conv2d { o.width, o.classes or 1, k = 1, name = prefix .. "head" }
  return function(x)
    local skip = {}
    for i = 1, o.depth do
      x = encoder[i](i > 1 and F.max_pool2d(x, { k = 2 }) or x)
      skip[i] = x
    end
    for i = o.depth - 1, 1, -1 do x = decoder[i](F.concat(up[i](x), bridge[i](skip[i]), { dim = 2 })) end
    return head(x)
  end
end

local function build(o)
  local first, second = small(o, o.channels, "first_"), small(o, o.channels + (o.classes or 1), "second_")
  return function(image)
    local x = blocks.padded(o, image)
    local y = first(x)
    return { side1 = o.sides and F.crop_like(y, image) or nil, out = F.crop_like(second(F.concat(x, y, { dim = 2 })), image) }
  end
end

return models.define {
  name = "wnet", build = build, title = function(o) return ("wnet depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with({
    depth = { type = "integer", min = 2, max = 8, default = 3, help = "levels of each of the two nets" },
    width = { type = "integer", min = 1, max = 1024, default = 8, help = "channels of level 1" },
    sides = { type = "boolean", default = false, help = "the output of the first net" },
    act = blocks.option("act", "leaky_relu"),
  }, { "norm", "groups", "up" }),
  presets = {
    published = { options = { depth = 3, width = 8 }, parameters = 68482, channels = 3,
      from = "wnet of the authors' agaldran/lwnet, models/get_model.py; the paper says around 68 thousand" },
    light = { options = { width = 14 } },
  },
}
