--- Swin-Unet (Cao, Wang, Chen, Jiang, Zhang, Tian, Wang, 2021, arXiv 2105.05537): a U of transformers with shifted windows (Liu, Lin, Cao, Hu,
-- Wei, Zhang, Lin, Guo, ICCV 2021, arXiv 2103.14030).
--
-- Level i of 1..4 has width * 2^(i-1) channels at 1 / (patch * 2^(i-1)) of the size. A block is attention inside windows of window x window
-- places with learned numbers for relative positions, then linear - GELU - linear, each behind a layer normalisation and added to its input;
-- every second block moves the windows by half of their side (Liu et al., 3.2). Between levels of the encoder 2x2 places become one of
-- twice the channels (patch merging), between those of the decoder one becomes 2x2 of half (patch expanding); at the top one becomes
-- patch x patch of as many. A skip is the input of the encoder's level, joined by a linear layer. With sides = true, decoder level i of
-- 1..3 gives `side<i>`, a 3x3 convolution brought to full size (bilinear). Outputs are logits. Inputs of any size: padded at the bottom
-- and right to a multiple of patch by repeating the edge; maps are padded to whole windows and 2x2 places, padding is masked in attention
-- (the authors have one size and no padding) and left out again. The four places of a merge are taken row by row, the authors' column by column.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"
local tokens = require "ramus.lang.models.blocks_tokens"

local LEVELS = 4

--- Attention inside windows: a function of a map.
local function window_attention(o, C, heads, shift, name)
  local attend = tokens.attention(C, heads, name)
  local positions = nn.parameter { shape = { (2 * o.window - 1) ^ 2, heads }, std = 0.02, name = name .. ".positions" }
  local windows = { window = o.window, shift = shift }
  return function(map)
    local inside = F.window_partition(map, windows)
    return F.window_merge(attend(inside, inside, F.window_bias(positions(map), map, windows)), map, windows)
  end
end

--- The blocks of a level, a function of a map; rates: of stochastic depth, a block.
local function level_blocks(o, level, rates, name)
  local C, list = blocks.width(o, level), {}
  for b, p in ipairs(rates) do
    local at = ("%s.block%d"):format(name, b)
    local shift = b % 2 == 0 and math.floor(o.window / 2) or 0
    list[#list + 1] = tokens.residual(tokens.norm(C, at .. ".norm1"), window_attention(o, C, o.heads[level], shift, at .. ".attention"), p)
    list[#list + 1] = tokens.residual(tokens.norm(C, at .. ".norm2"), tokens.mlp(C, 4 * C, at .. ".mlp"), p)
  end
  return nn.sequence(list)
end

--- 2x2 places to one of twice the channels: from a map to a map.
local function merging(C, name)
  local norm, reduce = tokens.norm(4 * C, name .. ".norm"), tokens.linear(4 * C, 2 * C, name .. ".reduce", false)
  return function(map) return reduce(norm(F.reshape(F.window_partition(map, { window = 2 }), { 0, 0, 0, -1 }))) end
end

--- One place of C channels to factor x factor of `to`, at the height and width of the map `like`.
local function expanding(C, to, factor, name)
  local expand, norm = tokens.linear(C, factor ^ 2 * to, name .. ".expand", false), tokens.norm(to, name .. ".norm")
  return function(map, like)
    return norm(F.window_merge(F.reshape(expand(map), { 0, 0, 0, factor ^ 2, -1 }), like, { window = factor }))
  end
end

--- The rates of stochastic depth of every level's blocks.
local function rates_of(o)
  local depth, list = 0, {}
  for _, d in ipairs(o.depths) do depth = depth + d end
  local all = tokens.drop_rates(o.drop_path, depth)
  for i, d in ipairs(o.depths) do
    list[i] = {}
    for b = 1, d do list[i][b] = table.remove(all, 1) end
  end
  return list
end

local function build(o)
  local classes, rates, encoder, decoder, merge, expand, join, side = o.classes or 1, rates_of(o), {}, {}, {}, {}, {}, {}
  for i = 1, LEVELS do
    local C = blocks.width(o, i)
    if C % o.heads[i] ~= 0 then error(("models.swin_unet: heads = %d do not divide the %d channels of level %d"):format(o.heads[i], C, i), 4) end
    encoder[i] = level_blocks(o, i, rates[i], "encoder" .. i)
    if i < LEVELS then
      merge[i], expand[i] = merging(C, "merge" .. i), expanding(2 * C, C, 2, "expand" .. i)
      join[i], decoder[i] = tokens.linear(2 * C, C, "join" .. i), level_blocks(o, i, rates[i], "decoder" .. i)
      if o.sides then side[i] = nn.conv2d { C, classes, k = 3, pad = 1, name = "side" .. i } end
    end
  end
  local patches, patches_norm = nn.conv2d { o.channels, o.width, k = o.patch, stride = o.patch, name = "patches" }, tokens.norm(o.width, "patches_norm")
  local deepest, last = tokens.norm(blocks.width(o, LEVELS), "deepest_norm"), tokens.norm(o.width, "last_norm")
  local full = expanding(o.width, o.width, o.patch, "full")
  local head = nn.conv2d { o.width, classes, k = 1, bias = false, name = "head" }
  local shift = math.log(o.patch) / math.log(2)

  return function(image)
    local padded, skip, out = F.pad_to(image, { multiple = o.patch, mode = "edge" }), {}, {}
    local x = patches_norm(tokens.map(patches(padded)))
    for i = 1, LEVELS do
      skip[i] = x
      x = encoder[i](x)
      if i < LEVELS then x = merge[i](x) end
    end
    x = deepest(x)
    for i = LEVELS - 1, 1, -1 do
      x = decoder[i](join[i](F.concat(expand[i](x, skip[i]), skip[i], { dim = 4 })))
      if side[i] then out["side" .. i] = blocks.side(side[i](tokens.unmap(x)), i + shift, image) end
    end
    out.out = F.crop_like(head(tokens.unmap(full(last(x), tokens.map(padded)))), image)
    return out
  end
end

return models.define {
  name = "swin_unet", build = build, title = function(o) return ("swin_unet width %d patch %d"):format(o.width, o.patch) end,
  schema = {
    width = { type = "integer", min = 1, max = 1024, default = 28, help = "channels of level 1" },
    heads = tokens.list(LEVELS, { 1, 2, 4, 8 }, "of attention, a level"),
    depths = tokens.list(LEVELS, { 2, 2, 2, 2 }, "blocks of a level, the same in encoder and decoder"),
    patch = { type = "integer", one_of = { 2, 4 }, default = 2, help = "side of the first patches: level 1 lies at 1/patch of the size; 2 for thin vessels" },
    window = { type = "integer", min = 2, max = 32, default = 8, help = "side of the windows of attention" },
    drop_path = tokens.drop_path,
    sides = { type = "boolean", default = false, help = "a side output per decoder level" },
  },
  presets = {
    published = { options = { width = 96, heads = { 3, 6, 12, 24 }, patch = 4, window = 7, drop_path = 0.2 }, parameters = 27168132, channels = 3,
      from = "the layers of SwinTransformerSys in HuCaoFighting/Swin-Unet 1c8b3e8, published as 27.17 M: 27 168 900 with its 9 classes, 96 for each" },
    light = { options = { width = 28, patch = 2 } },
  },
}
