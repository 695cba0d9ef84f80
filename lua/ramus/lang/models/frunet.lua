--- FR-UNet (Liu, Yang, Tian, Pan, Cao, Zhu, IEEE J. Biomed. Health Inform. 26, 2022: "Full-resolution network and dual-threshold
-- iteration for retinal vessel and coronary angiograph segmentation"): a row at full size that is never left, with rows below.
--
-- Row i of 1..depth has width * 2^(i-1) channels at 1/2^(i-1) of the size, and the steps i..2*depth-i. Node (i, s) reads, concatenated,
-- (i-1, s-1) brought down by a 2x2 convolution of stride 2, (i, s-1), and (i+1, s-1) brought up by a transposed convolution, as far as
-- they exist. Where the number of channels differs from its own, it begins with feature aggregation: the sum of a 1x1, a 3x3 and a
-- dilated 3x3 convolution. Then comes a residual block of two 3x3 convolutions. Heads, 1x1 convolutions, are on the nodes of row 1 from
-- step depth - 1 on; `out` is the mean of their logits. With sides = true, side1 is the head of the last node, side2 of the one before, ...
-- Outputs are logits. Inputs of any size: padded at the bottom and right by repeating the edge to a multiple of 2^(depth-1), outputs
-- cropped back. The authors drop whole channels with probability 0.2 while training; dropout here drops single values.
local F = require "ramus.lang.F"
local blocks = require "ramus.lang.models.blocks"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

local function activation(o) return o.act == "leaky_relu" and nn.leaky_relu { slope = 0.1 } or nn[o.act] {} end

--- A convolution with normalisation and an activation. what: "conv2d" or "conv_transpose2d"; given: k, pad, stride, drop (dropout before the
-- activation), linear (no activation).
local function unit(o, what, from, to, name, given)
  local more = { from, to, bias = o.norm == "none", name = name .. ".conv", k = given.k, pad = given.pad, stride = given.stride }
  local stages = { nn[what](more) }
  stages[#stages + 1] = blocks.normalise(o, to, name .. ".norm")
  stages[#stages + 1] = given.drop and o.dropout > 0 and nn.dropout { p = o.dropout } or nil
  stages[#stages + 1] = not given.linear and activation(o) or nil
  return nn.sequence(stages)
end

--- Feature aggregation.
local function aggregate(o, from, to, name)
  local function conv(suffix, k, pad, dilation)
    return nn.conv2d { from, to, k = k, pad = pad, dilation = dilation, bias = false, name = name .. suffix }
  end
  local one, three, wide, norm = conv(".one", 1, 0, 1), conv(".three", 3, 1, 1), conv(".wide", 3, 2, 2), blocks.normalise(o, to, name .. ".norm")
  return function(x)
    local sum = F.add(F.add(one(x), three(x)), wide(x))
    return norm and norm(sum) or sum
  end
end

local function node(o, from, to, name)
  local fuse = from ~= to and aggregate(o, from, to, name .. ".fuse")
  local first = unit(o, "conv2d", to, to, name .. ".first", { k = 3, pad = 1, drop = true })
  local second = unit(o, "conv2d", to, to, name .. ".second", { k = 3, pad = 1, drop = true, linear = true })
  local act = activation(o)
  return function(x)
    x = fuse and fuse(x) or x
    return act(F.add(second(first(x)), x))
  end
end

--- The value of node (i, s) from those of step s - 1, by row; what it reads in this order: from above, its own row, from below.
local function step(o, before, i, s)
  local width, parts, channels = blocks.width(o, i), {}, 0
  local function read(x, C)
    parts[#parts + 1], channels = x, channels + C
  end
  local function moved(what, from, x) return unit(o, what, from, width, ("%s%d_%d"):format(from < width and "down" or "up", i, s), { k = 2, stride = 2 })(x) end
  if before[i - 1] then read(moved("conv2d", width / 2, before[i - 1]), width) end
  if before[i] then read(before[i], width) end
  if before[i + 1] then read(moved("conv_transpose2d", 2 * width, before[i + 1]), width) end
  local x = parts[1]
  if #parts > 1 then
    parts[#parts + 1] = { dim = 2 }
    x = F.concat(unpack(parts))
  end
  return node(o, channels, width, ("node%d_%d"):format(i, s))(x)
end

local function build(o)
  return function(image)
    local values, out, sum = {}, {}, nil
    local first, last = math.max(2, o.depth - 1), 2 * o.depth - 1
    values[1] = node(o, o.channels, o.width, "node1_1")(blocks.padded(o, image))
    for s = 2, last do
      local after = {}
      for i = 1, math.min(s, 2 * o.depth - s) do after[i] = step(o, values, i, s) end
      values = after
      if s >= first then
        local y = F.crop_like(nn.conv2d { o.width, o.classes or 1, k = 1, name = "head" .. s } (values[1]), image)
        if o.sides then out["side" .. last - s + 1] = y end
        sum = sum and F.add(sum, y) or y
      end
    end
    out.out = F.mul(sum, 1 / (last - first + 1))
    return out
  end
end

return models.define {
  name = "frunet", build = build, title = function(o) return ("frunet depth %d width %d"):format(o.depth, o.width) end,
  schema = blocks.with({
    depth = { type = "integer", min = 2, max = 6, default = 4, help = "rows" },
    width = { type = "integer", min = 1, max = 1024, default = 8, help = "channels of row 1" },
    sides = { type = "boolean", default = false, help = "the heads of row 1, all at full size" },
    act = blocks.option("act", "leaky_relu"),
    dropout = { type = "number", min = 0, below = 1, default = 0, help = "behind the convolutions of a block" },
  }, { "norm", "groups" }),
  presets = {
    published = { options = { depth = 4, width = 32, dropout = 0.2 }, parameters = 5719621,
      from = "FR_UNet of the authors' lseventeen/FR-UNet, models/fr_unet.py, without the layers that its forward pass does not use; the paper says 5.72 M" },
    light = { options = { width = 8 } },
  },
}
