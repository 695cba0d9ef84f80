--- SegFormer (Xie, Wang, Yu, Anandkumar, Alvarez, Luo, NeurIPS 2021, arXiv 2105.15203): a pyramid of transformers, read by a light decoder.
--
-- Level i of 1..4 has width * multiples[i] channels at 1 / (stride * 2^(i-1)) of the size. It begins with overlapping patches (a convolution
-- of 2 stride - 1, then 3, with stride) and goes through depths[i] blocks of two halves, each behind a layer normalisation and added to its
-- input: attention whose keys and values are taken from reduction[i] x reduction[i] patches (section 3.1, equation 2), and the mixing layer
-- linear - 3x3 convolution of each channel - GELU - linear (equation 3), which stands for a position embedding. The decoder brings every
-- level to `decoder` channels by a linear layer and to the size of level 1 (bilinear), and fuses them by a 1x1 convolution with
-- normalisation (section 3.2); its output is brought to the size of the image (bilinear). With sides = true, level i gives `side<i>`, a 3x3
-- convolution of its decoder channels. Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a
-- multiple of stride * 8, outputs cropped back. The channel dropout of the authors' decoder is left out.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"
local tokens = require "ramus.lang.models.blocks_tokens"

local LEVELS, EPS = 4, 1e-6

--- Attention whose keys and values come from patches of r x r: f(x, image), image the shape that the tokens have.
local function attention(C, heads, r, name)
  local attend = tokens.attention(C, heads, name)
  local reduce = r > 1 and nn.conv2d { C, C, k = r, stride = r, name = name .. ".reduce" }
  local norm = r > 1 and tokens.norm(C, name .. ".norm")
  return function(x, image) return attend(x, reduce and norm(tokens.of(reduce(tokens.image(x, image)))) or x) end
end

--- The mixing layer (equation 3).
local function mix(C, hidden, name)
  local first, second = tokens.linear(C, hidden, name .. ".first"), tokens.linear(hidden, C, name .. ".second")
  local near = nn.conv2d { hidden, hidden, k = 3, pad = 1, groups = hidden, name = name .. ".near" }
  return function(x, image) return second(F.gelu(tokens.of(near(tokens.image(first(x), image))))) end
end

local function block(o, C, level, p, name)
  local attend, mixed = attention(C, o.heads[level], o.reduction[level], name .. ".attention"), mix(C, o.expansion * C, name .. ".mix")
  local norm1, norm2 = tokens.norm(C, name .. ".norm1", EPS), tokens.norm(C, name .. ".norm2", EPS)
  return function(x, image)
    x = tokens.residual(norm1, function(y) return attend(y, image) end, p)(x)
    return tokens.residual(norm2, function(y) return mixed(y, image) end, p)(x)
  end
end

--- A level of the encoder: from an image to an image.
local function encoder_level(o, from, to, level, rates)
  local name, stride = "encoder" .. level, level == 1 and o.stride or 2
  local k = 2 * stride - 1
  local patches = nn.conv2d { from, to, k = k, stride = stride, pad = stride - 1, name = name .. ".patches" }
  local norm, last, list = tokens.norm(to, name .. ".patches_norm"), tokens.norm(to, name .. ".norm", EPS), {}
  for b = 1, o.depths[level] do list[b] = block(o, to, level, table.remove(rates, 1), ("%s.block%d"):format(name, b)) end
  return function(x)
    local image = patches(x)
    local t = norm(tokens.of(image))
    for _, b in ipairs(list) do t = b(t, image) end
    return tokens.image(last(t), image)
  end
end

local function build(o)
  local classes, depth = o.classes or 1, 0
  for _, d in ipairs(o.depths) do depth = depth + d end
  local rates, level, project, side = tokens.drop_rates(o.drop_path, depth), {}, {}, {}
  for i = 1, LEVELS do
    local to = o.width * o.multiples[i]
    if to % o.heads[i] ~= 0 then error(("models.segformer: heads = %d do not divide the %d channels of level %d"):format(o.heads[i], to, i), 4) end
    level[i] = encoder_level(o, i == 1 and o.channels or o.width * o.multiples[i - 1], to, i, rates)
    project[i] = nn.conv2d { to, o.decoder, k = 1, name = "decoder.level" .. i }
    if o.sides then side[i] = nn.conv2d { o.decoder, classes, k = 3, pad = 1, name = "side" .. i } end
  end
  local fuse = nn.conv2d { LEVELS * o.decoder, o.decoder, k = 1, bias = o.norm == "none", name = "decoder.fuse" }
  local norm, head = blocks.normalise(o, o.decoder, "decoder.norm"), nn.conv2d { o.decoder, classes, k = 1, name = "head" }
  local shift = math.log(o.stride) / math.log(2) -- level 1 lies at 1/stride of the size

  return function(image)
    local x, out, list = F.pad_to(image, { multiple = o.stride * 8, mode = "edge" }), {}, {}
    for i = 1, LEVELS do
      x = level[i](x)
      local p = project[i](x)
      if side[i] then out["side" .. i] = blocks.side(side[i](p), i + shift, image) end
      table.insert(list, 1, i > 1 and F.upsample(p, { scale = 2 ^ (i - 1), mode = "bilinear" }) or p) -- deepest first, as the authors' weights
    end
    local y = fuse(F.concat(list[1], list[2], list[3], list[4], { dim = 2 }))
    out.out = blocks.side(head(nn[o.act] {}(norm and norm(y) or y)), 1 + shift, image)
    return out
  end
end

return models.define {
  name = "segformer", build = build, title = function(o) return ("segformer width %d stride %d"):format(o.width, o.stride) end,
  schema = blocks.with({
    width = { type = "integer", min = 1, max = 1024, default = 24, help = "channels of level 1 are so many times multiples[1]" },
    multiples = tokens.list(LEVELS, { 1, 2, 5, 8 }, "channels of the levels, in widths"),
    heads = tokens.list(LEVELS, { 1, 2, 5, 8 }, "of attention, a level"),
    depths = tokens.list(LEVELS, { 2, 2, 2, 2 }, "blocks of a level"),
    reduction = tokens.list(LEVELS, { 8, 4, 2, 1 }, "side of the patches that keys and values are taken from, a level"),
    stride = { type = "integer", one_of = { 2, 4 }, default = 2, help = "of the first patches: level 1 lies at 1/stride of the size; 2 for thin vessels" },
    expansion = { type = "integer", min = 1, max = 16, default = 4, help = "of the mixing layer" },
    decoder = { type = "integer", min = 1, max = 1024, default = 96, help = "channels of the decoder" },
    drop_path = tokens.drop_path,
    sides = { type = "boolean", default = false, help = "a side output per level" },
  }, { "norm", "groups", "act" }),
  presets = {
    published = { options = { width = 32, stride = 4, decoder = 256, drop_path = 0.1 }, parameters = 3714401, channels = 3,
      from = "B0: 3.8 M in table 1 of the paper, with 150 classes; the authors' encoder mit_b0 and head have 3 752 694 then, 257 less for each class" },
    light = { options = { width = 24, stride = 2, decoder = 96 } },
  },
}
