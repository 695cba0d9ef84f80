--- The pictures of a report: the best, the median and the worst test image of the first run, and what each run makes of them.
--
--   local shown = pictures.of(runs, { data_root = })
--   { groups = { { title, id, class, css, runs = { { name, dice, layer, truth, levels } } } }, why = { messages } }
--
-- The run's model runs on these images alone; nothing is fetched and nothing is written into the run. A layer is a PNG with a palette: black where
-- the image is seen through it, else a colour (style.lua mixes them). Longer sides are at most SIDE pixels.
local C = require("ramus.base.ffi").C
local checkpoint = require "ramus.train.checkpoint"
local class_image = require "ramus.data.image.class_image"
local compared = require "ramus.report.compared"
local evaluate = require "ramus.train.evaluate"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local scale = require "ramus.data.scale"
require "ramus.lang.F" -- operators of tensors
local base64 = require "ramus.base.base64"

local pictures = {}

local SIDE, SMALL = 320, 128 -- pixels: longer side of a picture, of the picture of a level
local GREYS = 16 -- of the picture of a level

-- ---- PNG in the page --------------------------------------------------------------------

--- What `write(path)` puts into a file, as an address for src; nil and a message.
local function address(write)
  local name = os.tmpname()
  local path = name .. ".png"
  local ok, err = write(path)
  local bytes
  if ok then bytes, err = files.read(path) end
  os.remove(path)
  os.remove(name)
  if not bytes then return nil, err end
  return "data:image/png;base64," .. base64.encode(bytes)
end

--- A map of whole numbers [H,W] as a PNG with this palette, a list of { r, g, b } in 0..1.
local function with_palette(map, palette)
  local colours = ffi.new("double[?]", 3 * #palette)
  for k, c in ipairs(palette) do for i = 1, 3 do colours[3 * k + i - 4] = c[i] end end
  return address(function(path)
    if C.ra_image_save_labels(path, map:clone(), #palette, colours, nil) ~= 0 then return nil, ffi.message() end
    return true
  end)
end

--- Height and width with a longer side of at most `side`.
local function fitted(H, W, side)
  local k = math.min(1, side / math.max(H, W))
  return math.max(1, math.floor(H * k + 0.5)), math.max(1, math.floor(W * k + 0.5))
end

--- A mask of 0 and 1 in another size: a pixel that holds a third of foreground counts, so that thin vessels do not vanish.
local function smaller(mask, h, w)
  if mask.dim[0] == h and mask.dim[1] == w then return mask end
  return image.threshold(image.resize(mask, { h, w }), 1 / 3)
end

local BLACK = { 0, 0, 0 }
local PALETTE = { BLACK, image.colours.hit, image.colours.false_, image.colours.missed }

--- Found, falsely found and missed pixels in their colours.
local function verdict_layer(mask, truth, h, w)
  local p, y = smaller(mask, h, w), smaller(truth, h, w)
  return with_palette(p * y + (p - p * y) * 2 + (y - p * y) * 3, PALETTE)
end

--- A class map in the classes' colours, the background as black.
local function class_layer(labels, list, h, w)
  local palette, rgb = { BLACK }, require("ramus.data.classes").rgb
  for k = 2, #list do
    local r, g, b = rgb(list[k].colour)
    palette[k] = { r / 255, g / 255, b / 255 }
  end
  if labels.dim[0] ~= h or labels.dim[1] ~= w then labels = image.resize(labels, { h, w, method = "nearest" }) end
  return with_palette(labels, palette)
end

--- A probability [H,W] in shades of grey, small.
local function level_picture(p)
  local h, w = fitted(p.dim[0], p.dim[1], SMALL)
  if p.dim[0] ~= h or p.dim[1] ~= w then p = image.resize(p, { h, w }) end
  local shades = {}
  for k = 1, GREYS do
    local v = (k - 1) / (GREYS - 1)
    shades[k] = { v, v, v }
  end
  return with_palette(p:map(function(v) return v > 0 and math.floor((GREYS - 1) * math.min(v, 1) + 0.5) or 0 end), shades)
end

--- Dice of a probability against the truth, among the pixels that are seen.
local function dice_of(p, truth, seen, threshold)
  local mask = image.threshold(p, threshold)
  local hits, found, wanted = (mask * truth * seen):sum(), (mask * seen):sum(), (truth * seen):sum()
  return found + wanted > 0 and 2 * hits / (found + wanted) or nil
end

-- ---- which images, and what the models say ------------------------------------------------

--- Positions of the best, the median and the worst image of a run by Dice: { { title, index } }.
local function chosen(g)
  local dice, order = compared.column(g, "dice"), {}
  for i, v in ipairs(dice) do if v == v then order[#order + 1] = i end end
  table.sort(order, function(a, b) return dice[a] > dice[b] or (dice[a] == dice[b] and a < b) end)
  local list, taken = {}, {}
  for _, one in ipairs { { "Best", 1 }, { "Median", math.ceil(#order / 2) }, { "Worst", #order } } do
    local i = order[one[2]]
    if i and not taken[i] then list[#list + 1], taken[i] = { title = one[1], id = g.scores.images[i].id, index = i }, true end
  end
  return list
end

--- Layers and levels of one image under one model.
local function layers_of(model, p, truth, seen, threshold, by_output, h, w)
  local list, entry = checkpoint.classes(model), { levels = {}, h = h, w = w }
  local channels = model:output_channels()
  if list then
    local labels = class_image.labels(p)
    entry.layer, entry.truth = class_layer(labels, list, h, w), class_layer(truth, list, h, w)
  else
    entry.layer = verdict_layer(image.threshold(p, threshold), truth, h, w)
  end
  for _, name in ipairs(model:output_names()) do
    local q = by_output[name]
    if q and channels[name] == 1 and not list then
      entry.levels[#entry.levels + 1] = { name = name, picture = level_picture(q), dice = dice_of(q, truth, seen, threshold) }
    end
  end
  return entry
end

--- What one run makes of the images: by id { layer, truth, levels, dice of the levels }, and the images themselves; nil and a message.
local function look(g, ids, o)
  local facts, err = evaluate.facts(g.path)
  if not facts then return nil, err end
  local model
  model, err = checkpoint.load_model(g.path)
  if not model then return nil, err end
  local found = { classes = checkpoint.classes(model) }
  local protocol = g.scores.protocol or {}
  local result
  result, err = evaluate.of_facts(model, facts, { scores = false, only = ids, offline = true, data_root = o.data_root, opened = o.opened,
    threshold = not found.classes and protocol.threshold or nil,
    each = function(sample, p, truth, _, seen, threshold, by_output)
      local shown = assert(scale.picture(sample))
      local H, W = shown.dim[shown.rank - 2], shown.dim[shown.rank - 1]
      local h, w = fitted(H, W, SIDE)
      found[sample.id] = layers_of(model, p, truth, seen, threshold, by_output, h, w)
      found[sample.id].picture = function() return address(function(path) return image.save(path, image.resize(shown, { h, w })) end) end
    end })
  if not result then return nil, err end
  return found
end

--- See the top of the file. Runs that were scored on other images than the first are left out; why: a message for each that is.
function pictures.of(runs, o)
  local shown = { groups = {}, why = {} }
  local first = runs[1]
  if not first.scores then
    shown.why[1] = ("%s was not scored: ramus eval %s"):format(first.name, first.path)
    return shown
  end
  local ids, opened = {}, {}
  for i, one in ipairs(chosen(first)) do
    shown.groups[i], ids[i] = one, one.id
    one.runs, one.class = {}, "picture" .. i
  end
  for k, g in ipairs(runs) do
    local why, found = k > 1 and compared.why_not(first, g) or nil, nil
    if not why then found, why = look(g, ids, { data_root = o.data_root, opened = opened }) end
    if not found then shown.why[#shown.why + 1] = ("%s: %s"):format(g.name, why)
    else
      for _, one in ipairs(shown.groups) do
        local entry = found[one.id]
        one.css = one.css or entry.picture()
        entry.name, entry.dice, entry.classes = g.name, tonumber(g.scores.images[one.index].dice), found.classes
        one.runs[#one.runs + 1] = entry
      end
    end
  end
  if shown.groups[1] and not shown.groups[1].css then shown.groups = {} end
  return shown
end

return pictures
