--- TransUNet (Chen, Lu, Yu, Luo, Adeli, Wang, Lu, Yuille, Zhou, 2021, arXiv 2102.04306): a residual net, a transformer on its smallest map, and
-- a U-Net's decoder.
--
-- The encoder (ResNet V2 with group normalisation and standardised weights, Kolesnikov et al., arXiv 1912.11370): a 7x7 convolution with
-- stride 2 to `width` channels, a 3x3 maximum with stride 2, then three stages of layers[i] bottleneck units, to width * 4, 8 and 16
-- channels at 1/4, 1/8 and 1/16. A 1x1 convolution to `dim` channels gives a token a place; learned position embeddings (a grid x grid,
-- brought to the size of the map, bilinear) are added; `depth` blocks of attention and linear - GELU - linear follow, each behind a
-- layer normalisation and added to its input. The decoder begins with a 3x3 convolution to decoder[1] channels and doubles the size four
-- times (bilinear, aligned corners): concatenated with the encoder's levels at 1/8, 1/4 and 1/2 it goes through two 3x3 convolutions,
-- each with batch normalisation and activation, to decoder[2..5] channels. With sides = true, decoder level i of 1..4, at 1/2^(i-1) of
-- the size, gives `side<i>`, a 3x3 convolution brought to full size (bilinear). Outputs are logits. Inputs of any size: padded at the
-- bottom and right by repeating the edge to a multiple of 16, outputs cropped back.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"
local tokens = require "ramus.lang.models.blocks_tokens"

local EPS = 1e-6 -- of group and layer normalisation, as the authors have it

--- A convolution whose weights are standardised when they are used: of every output channel to mean 0 and variance 1.
local function standardised(from, to, k, stride, name)
  local weight = nn.parameter { shape = { to, from, k, k }, std = math.sqrt(2 / (from * k * k)), name = name }
  return function(x) return F.conv2d(x, F.layer_norm(weight(x), { dims = 3 }), { stride = stride, pad = (k - 1) / 2 }) end
end

--- The largest number of groups up to o.groups that divides C.
local function group_norm(o, C, name)
  local groups = math.min(o.groups, C)
  while C % groups ~= 0 do groups = groups - 1 end
  return nn.group_norm { C, groups = groups, eps = EPS, name = name }
end

--- A bottleneck unit: 1x1, 3x3 with stride and 1x1 convolutions, added to its input or, where shapes differ, to a 1x1 convolution of it.
local function unit(o, from, middle, to, stride, name)
  local stages, act = {}, nn[o.act] {}
  for i, c in ipairs { { from, middle, 1, 1 }, { middle, middle, 3, stride }, { middle, to, 1, 1 } } do
    stages[#stages + 1] = standardised(c[1], c[2], c[3], c[4], ("%s.conv%d"):format(name, i))
    stages[#stages + 1] = group_norm(o, c[2], ("%s.norm%d"):format(name, i))
    if i < 3 then stages[#stages + 1] = act end
  end
  local inside = nn.sequence(stages)
  if from == to and stride == 1 then return function(x) return act(F.add(x, inside(x))) end end
  local shortcut = standardised(from, to, 1, stride, name .. ".shortcut")
  local norm = nn.group_norm { to, groups = to, name = name .. ".shortcut_norm" }
  return function(x) return act(F.add(norm(shortcut(x)), inside(x))) end
end

--- A function of the padded image that gives the maps at 1/2, 1/4, 1/8 and 1/16 of its size.
local function encoder(o)
  local root, norm, act, stage = standardised(o.channels, o.width, 7, 2, "encoder1.conv"), group_norm(o, o.width, "encoder1.norm"), nn[o.act] {}, {}
  for i = 1, 3 do
    local middle, list = o.width * 2 ^ (i - 1), {}
    for k = 1, o.layers[i] do
      local from = k > 1 and 4 * middle or i > 1 and 2 * middle or o.width
      list[k] = unit(o, from, middle, 4 * middle, k == 1 and i > 1 and 2 or 1, ("encoder%d.unit%d"):format(i + 1, k))
    end
    stage[i] = nn.sequence(list)
  end
  return function(image)
    local first = act(norm(root(image)))
    local second = stage[1](F.max_pool2d(first, { k = 3, stride = 2 })) -- without a border: a row and a column less than 1/4
    local third = stage[2](second)
    return first, F.pad(second, { 0, 1, 0, 1 }), third, stage[3](third)
  end
end

--- The transformer, from a map to a map of dim channels.
local function transformer(o, from)
  local embed = nn.conv2d { from, o.dim, k = 1, name = "embed" }
  local positions = nn.parameter { shape = { 1, o.dim, o.grid, o.grid }, std = 0.02, name = "positions" }
  local list, last, drop = {}, tokens.norm(o.dim, "transformer.norm", EPS), tokens.dropout(o.dropout)
  for b = 1, o.depth do
    local name = "transformer.block" .. b
    local attend = tokens.attention(o.dim, o.heads, name .. ".attention")
    list[#list + 1] = tokens.residual(tokens.norm(o.dim, name .. ".norm1", EPS), function(y) return attend(y, y) end, 0)
    list[#list + 1] = tokens.residual(tokens.norm(o.dim, name .. ".norm2", EPS), tokens.mlp(o.dim, 4 * o.dim, name .. ".mlp", o.dropout), 0)
  end
  local all = nn.sequence(list)
  return function(x)
    local map = embed(x)
    map = F.add(map, F.upsample_like(positions(x), map, { mode = "bilinear" }))
    return tokens.image(last(all(drop(tokens.of(map)))), map)
  end
end

local function build(o)
  if o.dim % o.heads ~= 0 then error(("models.transunet: heads = %d do not divide dim = %d"):format(o.heads, o.dim), 4) end
  local classes, encode, transform = o.classes or 1, encoder(o), transformer(o, 16 * o.width)
  local skip_channels, decoder, side = { 0, o.width, 4 * o.width, 8 * o.width }, {}, {}
  local bridge = blocks.convolution(o, o.dim, o.decoder[1], "bridge")
  for i = 4, 1, -1 do
    local from, to, name = o.decoder[5 - i], o.decoder[6 - i], "decoder" .. i
    decoder[i] = nn.sequence { blocks.convolution(o, from + skip_channels[i], to, name, { suffix = 1 }),
      blocks.convolution(o, to, to, name, { suffix = 2 }) }
    if o.sides then side[i] = nn.conv2d { to, classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local head = nn.conv2d { o.decoder[5], classes, k = 3, pad = 1, name = "head" }

  return function(image)
    local half, quarter, eighth, smallest = encode(F.pad_to(image, { multiple = 16, mode = "edge" }))
    local skip, x, out = { false, half, quarter, eighth }, bridge(transform(smallest)), {}
    for i = 4, 1, -1 do
      x = F.upsample(x, { scale = 2, mode = "bilinear", align_corners = true })
      x = decoder[i](skip[i] and F.concat(x, skip[i], { dim = 2 }) or x)
      if side[i] then out["side" .. i] = blocks.side(side[i](x), i, image) end
    end
    out.out = F.crop_like(head(x), image)
    return out
  end
end

return models.define {
  name = "transunet", build = build, title = function(o) return ("transunet width %d dim %d depth %d"):format(o.width, o.dim, o.depth) end,
  schema = blocks.with({
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels at 1/2 of the size; 4, 8, 16 times as many below" },
    layers = tokens.list(3, { 2, 2, 2 }, "units of the encoder's stages"),
    dim = { type = "integer", min = 1, max = 4096, default = 192, help = "channels of the transformer" },
    depth = { type = "integer", min = 1, max = 64, default = 4, help = "blocks of the transformer" },
    heads = { type = "integer", min = 1, max = 64, default = 6, help = "of attention" },
    grid = { type = "integer", min = 1, max = 256, default = 16, help = "side of the grid of position embeddings" },
    decoder = tokens.list(5, { 128, 96, 64, 32, 24 }, "channels of the decoder, from 1/16 of the size to the whole"),
    dropout = { type = "number", min = 0, below = 1, default = 0, help = "of the transformer" },
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
  }, { "norm", "groups", "act" }),
  presets = {
    published = { options = { width = 64, layers = { 3, 4, 9 }, dim = 768, depth = 12, heads = 12, grid = 14, decoder = { 512, 256, 128, 64, 16 },
      groups = 32, dropout = 0.1 }, parameters = 105275921, channels = 3, from = "the layers of R50-ViT-B_16 in Beckschen/TransUNet 0d325fb, "
      .. "published as 105.28 M: 105 277 081 with 9 classes, 145 for each" },
    light = { options = { width = 16, dim = 192, depth = 4 } },
  },
}
