--- Attention U-Net (Oktay, Schlemper, Le Folgoc and others, MIDL 2018, arXiv 1804.03999): U-Net whose skip connections are gated.
--
-- Encoder and decoder as in `unet`. Before level i of the encoder is concatenated it is multiplied by one number in 0..1 per pixel, which
-- is computed from it (x) and from what comes up from below (g), as equations 1 and 2 of the paper:
--   sigmoid(psi(act(theta(x) + phi(g))))    theta, phi: 1x1 to half the channels; psi: 1x1 to one channel; each with normalisation
-- In the paper x is brought down to the size of g, the level below; here, as in the two-dimensional nets that are counted and compared
-- under this name, g is brought up first and the gate has the size of its level. With sides = true, decoder level i of 1..depth-1 gives
-- `side<i>`, as U-Net's do. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of
-- 2^(depth-1), outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

--- The gate of a level of so many channels: a function of the level x and of g, what comes from below.
local function gate(o, width, name)
  local inside = math.ceil(width / 2)
  local linear = { act = false, k = 1 }
  local theta = blocks.convolution(o, width, inside, name .. ".theta", linear)
  local phi = blocks.convolution(o, width, inside, name .. ".phi", linear)
  local psi = blocks.convolution(o, inside, 1, name .. ".psi", linear)
  local act = nn[o.act] {}
  return function(x, g) return F.mul(x, F.sigmoid(psi(act(F.add(theta(x), phi(g)))))) end
end

local function build(o)
  local classes = o.classes or 1
  local encode, decoder, up, attend, side = blocks.encoder(o), {}, {}, {}, {}
  for i = 1, o.depth - 1 do
    local width = blocks.width(o, i)
    up[i] = blocks.upsampling(o, 2 * width, width, "up" .. i)
    attend[i] = gate(o, width, "gate" .. i)
    decoder[i] = blocks.block(o, 2 * width, width, "decoder" .. i)
    if o.sides then side[i] = nn.conv2d { width, classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { o.width, classes, k = 1, name = "head" }

  return function(image)
    local skip, out = encode(blocks.padded(o, image)), {}
    local x = skip[o.depth]
    for i = o.depth - 1, 1, -1 do
      local g = up[i](x)
      x = decoder[i](F.concat(attend[i](skip[i], g), g, { dim = 2 }))
      if o.sides then out["side" .. i] = blocks.side(side[i](x), i, image) end
    end
    out.out = F.crop_like(head(x), image)
    return out
  end
end

return models.define {
  name = "attention_unet", build = build, title = function(o) return ("attention_unet depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with {
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels, the bottleneck included" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
  },
  presets = {
    published = { options = { width = 64, up = "nearest", bias = true }, parameters = 34878573, channels = 3,
      from = "AttU_Net of LeeJunHyun/Image_Segmentation, network.py" },
    light = { options = { width = 16, up = "transpose" } },
  },
}
