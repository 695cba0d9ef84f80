--- U-Net with the encoder ResNet-34 (He, Zhang, Ren, Sun, CVPR 2016), which people bring weights for.
--
-- The encoder: `conv1` 7x7 of stride 2 with `bn1` and activation (1/2 of the size), 3x3 maxima of stride 2, then `layer1` .. `layer4` of 3, 4,
-- 6 and 3 residual blocks with width, 2, 4 and 8 * width channels at 1/4 .. 1/32 of the size. The decoder has a level for each of them:
-- what comes from below is brought to twice its size (nearest), the encoder's level is concatenated (not at full size, where there is none),
-- and two 3x3 convolutions with normalisation and activation follow, to 4, 2, 1, 1/2 and 1/4 * width channels from the lowest level on; the
-- head is a 3x3 convolution. With sides = true, level i of 1..5 gives `side<i>`, a 3x3 convolution brought to full size. Outputs are logits.
-- Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 32, outputs cropped back.
--
-- Parameters of the encoder have the names and shapes of torchvision's resnet34, with width = 64: NAME.weight and NAME.bias are the same,
-- NAME.running_mean is NAME.mean here, NAME.running_var NAME.var; num_batches_tracked and fc.* have no place. With one channel, conv1.weight
-- [64,1,7,7] is the sum of torchvision's [64,3,7,7] over its second dimension. Those weights expect images less the mean (0.485, 0.456,
-- 0.406), divided by (0.229, 0.224, 0.225).
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local BLOCKS = { 3, 4, 6, 3 }

--- A convolution and its normalisation, by their names.
local function unit(o, from, to, conv, norm, k, stride)
  return nn.sequence { nn.conv2d { from, to, k = k, stride = stride, pad = (k - 1) / 2, bias = o.norm == "none", name = conv },
    blocks.normalise(o, to, norm) }
end

--- A residual block (figure 2 of the paper), by torchvision's names.
local function residual(o, from, to, stride, name)
  local first = unit(o, from, to, name .. ".conv1", name .. ".bn1", 3, stride)
  local second = unit(o, to, to, name .. ".conv2", name .. ".bn2", 3, 1)
  local shortcut = (stride > 1 or from ~= to) and unit(o, from, to, name .. ".downsample.0", name .. ".downsample.1", 1, stride)
  local act = nn[o.act] {}
  return function(x) return act(F.add(second(act(first(x))), shortcut and shortcut(x) or x)) end
end

--- The encoder: a function of the padded image that gives its levels at 1/2, 1/4, .. 1/32 of the size.
local function encoder(o)
  local stem, act, layer, from = unit(o, o.channels, o.width, "conv1", "bn1", 7, 2), nn[o.act] {}, {}, o.width
  for i, count in ipairs(BLOCKS) do
    local list, to = {}, blocks.width(o, i)
    for k = 1, count do
      list[k] = residual(o, from, to, k == 1 and i > 1 and 2 or 1, ("layer%d.%d"):format(i, k - 1))
      from = to
    end
    layer[i] = nn.sequence(list)
  end
  return function(x)
    local levels = { act(stem(x)) }
    for i = 1, #BLOCKS do levels[i + 1] = layer[i](i == 1 and F.max_pool2d(levels[1], { k = 3, stride = 2, pad = 1 }) or levels[i]) end
    return levels
  end
end

local function build(o)
  local encode, decoder, side, classes, from = encoder(o), {}, {}, o.classes or 1, blocks.width(o, #BLOCKS)
  for i = #BLOCKS + 1, 1, -1 do -- level i reads the encoder's level i - 1
    local to, skip = math.max(1, math.floor(o.width * 2 ^ (i - 3))), i > 1 and blocks.width(o, math.max(i - 2, 1)) or 0
    decoder[i] = blocks.block(o, from + skip, to, "decoder" .. i)
    if o.sides then side[i] = nn.conv2d { to, classes, k = 3, pad = 1, name = "side" .. i } end
    from = to
  end
  local head = nn.conv2d { from, classes, k = 3, pad = 1, name = "head" }

  return function(image)
    local levels, out = encode(F.pad_to(image, { multiple = 2 ^ (#BLOCKS + 1), mode = "edge" })), {}
    local x = levels[#levels]
    for i = #levels, 1, -1 do
      x = F.upsample(x, { scale = 2, mode = "nearest" })
      x = decoder[i](i > 1 and F.concat(x, levels[i - 1], { dim = 2 }) or x)
      if o.sides then out["side" .. i] = blocks.side(side[i](x), i, image) end
    end
    out.out = F.crop_like(head(x), image)
    return out
  end
end

return models.define {
  name = "resnet34_unet", build = build, title = function(o) return ("resnet34_unet width %d"):format(o.width) end,
  schema = blocks.with({
    width = { type = "integer", min = 1, max = 1024, default = 40, help = "channels of layer1; 64 in ResNet-34" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
  }, { "act", "norm", "groups" }),
  presets = {
    published = { options = { width = 64 }, parameters = 24436369, channels = 3,
      from = "the U-Net of segmentation_models_pytorch with resnet34, 24.4 M; its encoder has 21,284,672, torchvision's resnet34 without fc" },
    light = { options = { width = 40 } },
  },
}
