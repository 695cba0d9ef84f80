--- U-Net++ (Zhou, Siddiquee, Tajbakhsh, Liang, DLMIA 2018, arXiv 1807.10165): nested U-Nets of every depth over one encoder.
--
-- Node (i, j), i of 1..depth from the top, j of 0..depth-i, has width * 2^(i-1) channels at 1/2^(i-1) of the size; column 0 is the encoder.
-- Another node reads all nodes before it in its row and the node (i+1, j-1) below, brought to twice its size, concatenated (equation 1):
-- each node is two 3x3 convolutions with normalisation and activation. Every node (1, j), j > 0, ends a U-Net of depth j + 1 and may have a
-- head, a 1x1 convolution: the deep supervision of the paper. `out` is the head of the deepest; with mean = true the mean of all heads
-- (the paper's accurate mode). With sides = true, side1 is the head of the deepest, side2 that of the next, .. side<depth-1>. Outputs are
-- logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 2^(depth-1), outputs cropped back.
-- The authors' code has ELU where this has ReLU, and drops half the values behind every convolution: dropout = 0.5.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

--- A block with dropout behind each of its activations; behind the last where it is residual.
local function dropping(o, from, to, name)
  if o.dropout == 0 then return blocks.block(o, from, to, name) end
  local drop = nn.dropout { p = o.dropout }
  if o.residual then return nn.sequence { blocks.block(o, from, to, name), drop } end
  return nn.sequence { blocks.convolution(o, from, to, name, { suffix = 1 }), drop, blocks.convolution(o, to, to, name, { suffix = 2 }), drop }
end

--- The modules of every node and of what brings the one below it up: node[i][j], up[i][j].
local function grid(o)
  local node, up = {}, {}
  for i = 1, o.depth do
    local width = blocks.width(o, i)
    node[i], up[i] = { [0] = dropping(o, i == 1 and o.channels or width / 2, width, ("node%d_0"):format(i)) }, {}
    for j = 1, o.depth - i do
      up[i][j] = blocks.upsampling(o, 2 * width, width, ("up%d_%d"):format(i, j))
      node[i][j] = dropping(o, (j + 1) * width, width, ("node%d_%d"):format(i, j))
    end
  end
  return node, up
end

--- The values of row 1 of the grid, by column.
local function first_row(o, node, up, x)
  local value = {}
  for i = 1, o.depth do
    value[i] = { [0] = node[i][0](i > 1 and F.max_pool2d(value[i - 1][0], { k = 2 }) or x) }
    for row = i - 1, 1, -1 do -- the diagonal that the new encoder level makes possible
      local j, before = i - row, {}
      for k = 0, j - 1 do before[k + 1] = value[row][k] end
      before[j + 1] = up[row][j](value[row + 1][j - 1])
      before[j + 2] = { dim = 2 }
      value[row][j] = node[row][j](F.concat(unpack(before)))
    end
  end
  return value[1]
end

local function build(o)
  local last, head = o.depth - 1, {}
  local node, up = grid(o)
  for j = 1, last do head[j] = nn.conv2d { o.width, o.classes or 1, k = 1, name = "head" .. j } end

  return function(image)
    local row, out, sum = first_row(o, node, up, blocks.padded(o, image)), {}, nil
    for j = (o.sides or o.mean) and 1 or last, last do
      local y = F.crop_like(head[j](row[j]), image)
      if o.sides then out["side" .. o.depth - j] = y end
      sum = o.mean and sum and F.add(sum, y) or y
    end
    out.out = o.mean and F.mul(sum, 1 / last) or sum
    return out
  end
end

return models.define {
  name = "unetpp", build = build, title = function(o) return ("unetpp depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with {
    depth = { type = "integer", min = 2, max = 8, default = 5, help = "levels of the encoder" },
    width = { type = "integer", min = 1, max = 1024, default = 16, help = "channels of level 1" },
    sides = { type = "boolean", default = false, help = "an output per nested U-Net, all at full size" },
    mean = { type = "boolean", default = false, help = "out is the mean of the logits of all nested U-Nets" },
    dropout = { type = "number", min = 0, below = 1, default = 0, help = "behind every activation" },
  },
  presets = {
    published = { options = { width = 32, norm = "none", dropout = 0.5 }, parameters = 9041601,
      from = "Nest_Net of the authors' MrGiovanni/UNetPlusPlus, model.py; the paper's table 2 says 9.04 M" },
    light = { options = { width = 10 } },
  },
}
