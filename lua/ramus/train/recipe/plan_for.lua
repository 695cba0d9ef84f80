--- ra.plan_for(SET, options): a net and a recipe whose size follows from a data set, and why; `ramus plan` prints it.
--
-- The rules are those of nnU-Net (Isensee, Jaeger, Kohl, Petersen, Maier-Hein, Nature Methods 18, 2021, supplementary note 2) with a budget
-- of computation beside that of memory, for machines without a GPU:
--   crop    the median size of the training pictures, up to a multiple of 2^(depth-1)
--   depth   levels until the crop's smaller side would have less than 4 pixels, at most 8
--   width   32 channels, twice as many a level below, at most 512
--   budget  where a forward pass of two crops costs more than `gflop`: the crop's longer side is shortened, not below 256; then width becomes
--           24, 16, 12 or 8; then the crop is shortened again. The same where a training step needs more than `memory`
--   batch   as many crops as the budgets allow, at least 2, at most 16 and 5 % of the training pixels
-- Where files say how large a pixel is, nnU-Net brings all pictures to the median; Ramus does not, and the plan says what they differ by: the
-- augmentation changes sizes by as much.
local data = require "ramus.data.sets"
local fields = require "ramus.data.fields"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local loss = require "ramus.lang.loss"
local models = require "ramus.lang.models"
local options = require "ramus.base.options"
local plan_text = require "ramus.train.recipe.plan_text"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"

local plan_for = {}

local LEAST_EDGE, MOST_LEVELS, MOST_CHANNELS = 4, 8, 512
local WIDTHS, CONTEXT, LEAST_CROP = { 32, 24, 16, 12, 8 }, 256, 32
local LEAST_BATCH, MOST_BATCH, SHARE = 2, 16, 0.05

plan_for.schema = {
  split = { type = "string", default = "usual", help = "division of the set; what is planned for is its split train" },
  options = { type = "table", default = {}, help = "options of the set" },
  data_root = { type = "string", help = "where data sets live" },
  offline = { type = "boolean", default = false, help = "never use the network" },
  out = { type = "table", help = "where progress is shown" },
  gflop = { type = "number", above = 0, default = 25, help = "10^9 operations of a forward pass of the batch, at most; a step is about three" },
  memory = { type = "number", above = 0, default = 2000, help = "MB of a training step, at most" },
}

-- ---- the data set -----------------------------------------------------------------

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

--- Height and width of a sample's image, and mm of a pixel where its file says so.
local function size_of(sample, set)
  local source = fields.source(sample, "image")
  if source and source.path then
    local info, err = image.info(source.path)
    if not info then return nil, err end
    local in_patient = info.spacing and info.spacing_of ~= "print"
    return info.height, info.width, in_patient and math.sqrt(info.spacing[1] * info.spacing[2]) or nil
  end
  local one, err = loader.one(sample, { fields = { "image" }, set = set.fields, channels = 1 })
  if not one then return nil, err end
  return one.fields.image.shape[3], one.fields.image.shape[4]
end

--- What the rules read: { set, pictures, height, width (medians), low, high (smallest and largest, as text), pixels (of all), spacing (median,
-- nil where a file does not say), spread (largest over smallest spacing), classes }; nil and a message.
function plan_for.measure(name, o)
  local set, err = data.set(name, { data_root = o.data_root, offline = o.offline, out = o.out, split = o.split, options = o.options })
  if not set then return nil, err end
  local train = set.splits.train
  if not train or #train == 0 then return nil, ("%s has no images in split 'train'"):format(set.name) end
  local heights, widths, spacings, pixels = {}, {}, {}, 0
  for i, sample in ipairs(train) do
    local h, w, mm = size_of(sample, set)
    if not h then return nil, w end
    heights[i], widths[i], pixels = h, w, pixels + h * w
    spacings[#spacings + 1] = mm
  end
  local facts = { set = name, title = set.name, pictures = #train, pixels = pixels, height = median(heights), width = median(widths),
    classes = set.classes and #set.classes or 2, heights = { heights[1], heights[#heights] }, widths = { widths[1], widths[#widths] } }
  if #spacings == #train then facts.spacing, facts.spread = median(spacings), spacings[#spacings] / spacings[1] end
  return facts
end

-- ---- the rules --------------------------------------------------------------------

local function levels_for(side)
  local n = 1
  while n < MOST_LEVELS and side / 2 ^ n >= LEAST_EDGE do n = n + 1 end
  return math.max(n, 2)
end

--- Height and width up to multiples of what their depth asks for, and the depth.
local function whole_crop(height, width)
  local depth = levels_for(math.min(height, width))
  local multiple = 2 ^ (depth - 1)
  return math.ceil(height / multiple) * multiple, math.ceil(width / multiple) * multiple, depth
end

--- Operations of a forward pass of `planned`, one picture of one channel: its convolutions, multiplications and additions.
function plan_for.flops(p)
  local function c(level) return level == 0 and 1 or math.min(p.width * 2 ^ (level - 1), math.max(MOST_CHANNELS, p.width)) end
  local sum = 2 * c(1) * p.crop[1] * p.crop[2]
  for i = 1, p.depth do
    local places = p.crop[1] * p.crop[2] / 4 ^ (i - 1)
    sum = sum + 18 * places * c(i) * (c(i - 1) + c(i))
    if i < p.depth then sum = sum + places * (54 * c(i) ^ 2 + 2 * c(i) * c(i + 1)) end
  end
  return sum
end

--- The longer side shortened by the least that depth allows; nil where it would be below `least`.
local function shorter(p, least)
  local k = p.crop[1] >= p.crop[2] and 1 or 2
  local side = p.crop[k] - 2 ^ (p.depth - 1)
  if side < least then return nil end
  local crop = { p.crop[1], p.crop[2] }
  crop[k] = side
  local depth = levels_for(math.min(crop[1], crop[2]))
  return { crop = crop, depth = depth, width = p.width, place = p.place }
end

--- The next smaller plan.
local function smaller(p)
  local less = shorter(p, CONTEXT)
  if less then return less end
  if WIDTHS[p.place + 1] then return { crop = p.crop, depth = p.depth, width = WIDTHS[p.place + 1], place = p.place + 1 } end
  return shorter(p, LEAST_CROP)
end

--- depth, width, crop and batch for what measure gives, within the budget of computation.
function plan_for.rules(facts, o)
  local height, width, depth = whole_crop(facts.height, facts.width)
  local p = { crop = { height, width }, depth = depth, width = WIDTHS[1], place = 1 }
  while LEAST_BATCH * plan_for.flops(p) > o.gflop * 1e9 do
    local less = smaller(p)
    if not less then break end
    p = less
  end
  p.full = { height, width }
  local by_cost = math.floor(o.gflop * 1e9 / plan_for.flops(p))
  local by_data = math.floor(SHARE * facts.pixels / (p.crop[1] * p.crop[2]))
  p.by_cost, p.by_data = by_cost, by_data
  p.batch = math.max(LEAST_BATCH, math.min(MOST_BATCH, by_cost, by_data))
  return p
end

local function make(p, facts)
  return models.planned { depth = p.depth, width = p.width, most = MOST_CHANNELS, sides = true, classes = facts.classes > 2 and facts.classes or nil }
end

--- MB of a training step of the plan: its arena, parameters, gradients and the two moments of the optimizer.
local function memory_of(net, p, facts)
  local row = { at = "out", loss = facts.classes > 2 and loss.cross_entropy {} or loss.dice {} }
  local supervision, err = supervise.new({ row }, net:output_names(), 1, nil, net:output_channels())
  if not supervision then return nil, err end
  local v
  v, err = step.new({ model = net, supervision = supervision }):variant(0, { p.batch, 1, p.crop[1], p.crop[2] })
  if not v then return nil, err end
  return (v.plan:bytes() + 4 * 4 * net:count()) / 1e6
end

--- A plan for the data set `name` (a name, a path of a definition or a folder): { facts, depth, width, crop = { height, width }, batch,
-- gflop, memory (MB), model, why = { { what, value, reason }, .. } }; nil and a message where the set cannot be read.
function plan_for.make(name, given)
  local o = options.check(given, plan_for.schema, "plan_for", 2)
  local facts, err = plan_for.measure(name, o)
  if not facts then return nil, err end
  local p = plan_for.rules(facts, o)
  while true do
    p.model = make(p, facts)
    p.memory, err = memory_of(p.model, p, facts)
    if not p.memory then return nil, err end
    if p.memory <= o.memory then break end
    p.short = p.memory
    if p.batch > LEAST_BATCH then p.batch = p.batch - 1
    else
      local less = smaller(p)
      if not less then return nil, ("plan_for: a step of the smallest net needs %.0f MB, memory allows %.0f"):format(p.memory, o.memory) end
      for key, value in pairs(less) do p[key] = value end
    end
  end
  p.facts, p.gflop = facts, p.batch * plan_for.flops(p) / 1e9
  p.why = plan_text.reasons(p, o)
  return setmetatable(p, { __tostring = plan_text.of })
end

return setmetatable(plan_for, { __call = function(_, name, given) return plan_for.make(name, given) end })
