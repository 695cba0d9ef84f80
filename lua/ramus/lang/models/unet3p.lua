--- U-Net 3+ (Huang, Lin, Tong and others, ICASSP 2020, arXiv 2004.08790): every decoder level reads all levels.
--
-- The encoder is U-Net's. Decoder level i reads, for every k of 1..depth, a 3x3 convolution to `shared` channels (with normalisation and
-- activation) of: encoder level k pooled by maxima to its size where k < i, encoder level i, decoder level k brought up (bilinear) where
-- k > i, the bottleneck being the decoder's lowest level (equation 1); then a 3x3 convolution of all depth * shared channels. The head is a
-- 3x3 convolution. With sides = true, level i of 1..depth-1 gives `side<i>`, a 3x3 convolution brought to full size; side1 is `out`; with
-- bottom = true the bottleneck gives `side<depth>` too, as in the paper. Its classification of whole images (CGM) is not here. Outputs
-- are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

--- Decoder level i: a function of the encoder's levels and of the decoder's levels below it.
local function decoder(o, i)
  local from, name = {}, "decoder" .. i
  local all = o.depth * o.shared
  for k = 1, o.depth do
    local channels = (k <= i or k == o.depth) and blocks.width(o, k) or all
    from[k] = blocks.convolution(o, channels, o.shared, ("%s.from%d"):format(name, k))
  end
  local fuse = blocks.convolution(o, all, all, name)
  return function(encoded, decoded)
    local parts = {}
    for k = 1, o.depth do
      local x = k <= i and encoded[k] or decoded[k]
      if k < i then x = F.max_pool2d(x, { k = 2 ^ (i - k) }) end
      if k > i then x = F.upsample(x, { scale = 2 ^ (k - i), mode = "bilinear" }) end
      parts[k] = from[k](x)
    end
    parts[o.depth + 1] = { dim = 2 }
    return fuse(F.concat(unpack(parts)))
  end
end

local function build(o)
  local classes, encode, decode, side = o.classes or 1, blocks.encoder(o), {}, {}
  for i = 1, o.depth do
    decode[i] = i < o.depth and decoder(o, i) or function(encoded) return encoded[i] end
    local channels = i < o.depth and o.depth * o.shared or blocks.width(o, i)
    side[i] = nn.conv2d { channels, classes, k = 3, pad = 1, name = i == 1 and "head" or "side" .. i }
  end

  return function(image)
    local encoded, decoded, out = encode(blocks.padded(o, image)), {}, {}
    for i = o.depth, 1, -1 do
      decoded[i] = decode[i](encoded, decoded)
      if i == 1 then out.out = blocks.side(side[i](decoded[i]), i, image)
      elseif o.sides and (i < o.depth or o.bottom) then out["side" .. i] = blocks.side(side[i](decoded[i]), i, image) end
    end
    if o.sides then out.side1 = out.out end
    return out
  end
end

return models.define {
  name = "unet3p", build = build, title = function(o) return ("unet3p depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with({
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels of the encoder" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of the encoder's level 1" },
    shared = { type = "integer", min = 1, max = 1024, default = 16, help = "channels that a decoder level takes from each level" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
    bottom = { type = "boolean", default = false, help = "a side output of the bottleneck too, where sides are asked for" },
  }, { "norm", "groups", "act", "bias", "residual" }),
  presets = {
    published = { options = { width = 64, shared = 64, bias = true, bottom = true }, parameters = 26971777, channels = 3,
      from = "UNet_3Plus of the authors' ZJUGiveLab/UNet-Version; the paper's table 1 says 26.97 M" },
    light = { options = { width = 8, shared = 8 } },
  },
}
