--- Commented files to begin with, by kind: what `ramus new KIND NAME` writes. @NAME@ stands for the name. Each runs as it is written
-- (a data set as soon as there are pictures in its folder).
local skeletons = {}

skeletons.recipe = { next = "ramus train @NAME@.lua", text = [[
-- @NAME@: what is trained, on what, and how.     ramus train @NAME@.lua --dry-run     says what that costs
local ra = require "ramus"

return {
  name = "@NAME@", -- the run goes to runs/@NAME@

  -- Synthetic angiograms, made on the spot; instead: a set of `ramus datasets`, a file like `ramus new dataset` writes, a folder of pictures.
  data = { set = "phantom", options = { size = 96, train = 12, val = 4, test = 4 }, batch = 4,
    augment = { flip = true, rotate = 20 } }, -- ?ra.augment lists the steps

  model = ra.models.unet { depth = 3, width = 8, sides = true }, -- ramus models lists the architectures

  -- One row for each term of the loss: at which output, what, from which epoch.
  supervise = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4 } }, -- the decoder's levels, finest first
    -- { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 }, -- wants the teacher below
  },
  -- teacher = { kind = "last_epoch" },

  optim = ra.optim.adamw { lr = 2e-3, weight_decay = 1e-5, clip = 1, schedule = ra.cosine {} },
  epochs = 10, seed = 1,
}
]] }

skeletons.model = { next = "ramus train @NAME@.lua", text = [[
-- @NAME@: an architecture of one's own, and a recipe that trains it. --set model.width=16 works as for the built-in ones.
local ra = require "ramus"
local F, nn = ra.F, ra.nn

ra.models.define {
  name = "@NAME@", help = "two levels with one skip connection",
  schema = { width = { type = "integer", default = 8, min = 1, help = "channels of the first level" } },
  -- Modules are made once, in build; the function that it returns is called with every batch x [B,C,H,W], of any height and width.
  build = function(o)
    local w = o.width
    local enter, down = nn.conv2d { o.channels, w, k = 3, pad = 1 }, nn.conv2d { w, 2 * w, k = 3, pad = 1 }
    local up, head = nn.conv2d { 3 * w, w, k = 3, pad = 1 }, nn.conv2d { w, 1, k = 1, name = "head" }
    return function(x)
      local first = F.relu(enter(F.pad_to(x, { multiple = 2 })))
      local second = F.relu(down(F.max_pool2d(first, { k = 2 })))
      local mixed = F.relu(up(F.concat(first, F.upsample(second, { scale = 2 }))))
      return { out = F.crop_like(head(mixed), x) } -- more outputs: side1 = .., which rows of supervise can name
    end
  end,
}

return {
  name = "@NAME@", data = { set = "phantom", options = { size = 64, train = 8, val = 2, test = 2 }, batch = 4 },
  model = ra.models.@NAME@ {}, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 2e-3 }, epochs = 5, seed = 1,
}
]] }

skeletons.dataset = { next = "ramus check @NAME@.lua", text = [[
-- @NAME@: a data set of one's own.     ramus check @NAME@.lua     reads every file and says what is odd
-- In a recipe beside it: data = { set = "@NAME@.lua", split = "8:1:1" }
local dataset = require "ramus.data.dataset"

return {
  name = "@NAME@",
  title = "what the pictures are", licence = "their terms", citation = "whom to cite",
  folder = "@NAME@", -- where the pictures lie, beside this file; they stay there
  split_source = "declared here: every fifth picture is a test picture",

  -- Picture and mask are paired by what the brackets capture: @NAME@/images/7.png and @NAME@/masks/7.png.
  open = function(folder)
    local samples = dataset.pair(folder, { image = { "images", "^(.+)%.png$" }, mask = { "masks", "^(.+)%.png$" } })
    for i, s in ipairs(samples or {}) do
      s.split = i % 5 == 0 and "test" or "train"
      -- s.group = s.id:match "^(%w+)_" -- the patient: pictures of one never lie on both sides of a division
    end
    return samples
  end,

  -- threshold = 128, -- a pixel of a mask counts from this value on; docs/reference/data.md has more
}
]] }

skeletons.study = { next = "ramus study @NAME@.lua --check", text = [[
-- @NAME@: is B better than A?     ramus study @NAME@.lua --check     says what it costs;     ramus study @NAME@.lua     runs what has no result yet
local ra = require "ramus"

local recipe = {
  name = "@NAME@", data = { set = "phantom", options = { size = 64, train = 8, val = 2, test = 4 }, batch = 4 },
  model = ra.models.unet { depth = 3, width = 4, sides = true }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 2e-3 }, epochs = 3,
}

return {
  title = "Dice, and another rate", recipe = recipe, -- or the path of a recipe's file
  seeds = { 1, 2, 3 }, score = { "test" }, metrics = { "dice", "cldice" },
  -- A row is the recipe with some fields set to other values; `against` is the row that it is compared with, picture by picture.
  rows = {
    { name = "base", title = "rate 2e-3" },
    { name = "slow", title = "rate 1e-3", set = { ["optim.lr"] = 1e-3 }, against = "base" },
  },
}
]] }

return skeletons
