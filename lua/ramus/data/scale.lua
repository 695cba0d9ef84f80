--- The scale of images: which numbers of a file are black and white.
--
--   range = { 0, 4095 }   these numbers become 0 and 1; what lies beyond is cut
--   range = "auto"        of each image the percentiles 0.5 and 99.5 of its own numbers (core/codec/scale.c)
--
-- Without one the file's type says it: 8 and 16 bits are divided by their largest value, other numbers are as they are. Where that cannot be
-- meant (12 bits in a file of 16, real numbers beyond 0..1) a set stops before training. What a model was trained with goes into its
-- checkpoint (ramus.input: scale = { range =, bits = { .. } }) and holds for every image whose samples have as many bits; "auto" for all.
local fields = require "ramus.data.fields"
local film = require "ramus.data.film"
local mistake = require "ramus.base.mistake"
local pairing = require "ramus.data.pairing"
local reading = require "ramus.data.reading"

local scale = {}

local NAMES = 5     -- files named in one message
local MOST = 0.01   -- a share of numbers beyond the range above this is worth a word

scale.AUTO = "each from its percentile 0.5 to its percentile 99.5"

--- A range in words; nil where there is none.
function scale.text(range)
  if range == "auto" then return scale.AUTO end
  return range and ("%.6g is black, %.6g white"):format(range[1], range[2]) or nil
end

--- A range from the command line, "0,4095" or "auto"; nil and a message.
function scale.parse(text)
  local low, high = text:match("^%s*([^,]+),([^,]+)$")
  local range = text == "auto" and text or { tonumber(low), tonumber(high) }
  local ok, err = reading.range(range)
  if not low and text ~= "auto" then return nil, ("--range wants two numbers as 0,4095, or auto, given '%s'"):format(text) end
  if not ok then return nil, ("--range %s: range %s"):format(text, err) end
  return range
end

-- ---- a set ---------------------------------------------------------------------

local function named(items, words)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = ("%s (%s)"):format(item.source.path, words(item.facts)) end
  return pairing.some(parts, NAMES)
end

--- The items whose scale is not clear; those that are only darker than other files of their kind get the kind's range.
local function unclear_of(images, out)
  local bright, unclear, dark = {}, {}, {}
  for _, item in ipairs(images) do
    local f = item.facts
    if f.unclear == "" and f.bits == 16 and f.high then bright[f.from .. " " .. f.to] = true end
  end
  for _, item in ipairs(images) do
    local f = item.facts
    if f.unclear ~= "" and f.low >= 0 and bright[f.from .. " " .. f.to] then
      dark[#dark + 1], item.sample.found_range = item, { f.from, f.to }
    elseif f.unclear ~= "" then unclear[#unclear + 1] = item end
  end
  if #dark > 0 and out then
    out:warn(("%d of %d images use few of their 16 bits, others of the set all: they are read as these: %s"):format(#dark, #images,
      named(dark, function(f) return ("%g to %g"):format(f.low, f.high) end)))
  end
  return unclear
end

--- Where the line is to be written; a folder of pictures has no definition of its own.
local function place_of(definition, name)
  if definition.kind == "folder" and not definition.path then return "the recipe's data" end
  return (definition.path or "the definition of data set " .. name) .. ", or into the recipe's data"
end

--- The range that holds what is advised for each of the items; the larger number is black where it is so for the first.
local function advised(items)
  local down = items[1].facts.advised[1] > items[1].facts.advised[2]
  local low, high = math.huge, -math.huge
  for _, item in ipairs(items) do
    local a, b = unpack(item.facts.advised)
    low, high = math.min(low, a, b), math.max(high, a, b)
  end
  return down and { high, low } or { low, high }
end

local function warn_beyond(images, out)
  local beyond = {}
  for _, item in ipairs(images) do if item.facts.outside > MOST then beyond[#beyond + 1] = item end end
  if #beyond == 0 or not out then return end
  table.sort(beyond, function(a, b) return a.facts.outside > b.facts.outside end)
  local f = beyond[1].facts
  out:warn(("%d of %d images hold numbers beyond the declared range, %.6g to %.6g, which are cut: %s"):format(#beyond, #images, f.from, f.to,
    named(beyond, function(b) return ("%.0f %% of it, %.6g to %.6g"):format(100 * b.outside, b.low, b.high) end)))
end

--- A message where numbers of images lie beyond the range of a model's training (as_trained), else nil.
local function beyond_trained(images)
  for _, item in ipairs(images) do
    local f = item.facts
    if item.sample.trained_range and f.outside > MOST then
      return ("%s: the model was trained on images in which %s; %.0f %% of this one's numbers lie beyond, from %.6g to %.6g; declare them, as "
        .. "--set 'range={ LOW, HIGH }'"):format(item.source.path, scale.text(item.source.range), 100 * f.outside, f.low, f.high)
    end
  end
end

--- What a training on these images leaves in its model: { range =, bits = { .. } }, or nil where no range was declared for all of them.
local function of_training(images)
  local first, bits, seen = images[1] and images[1].source.range, {}, {}
  if not first then return nil end
  for _, item in ipairs(images) do
    local r, b = item.source.range, item.facts.bits
    if not r or (r ~= first and not (type(r) == "table" and type(first) == "table" and r[1] == first[1] and r[2] == first[2])) then return nil end
    if b and not seen[b] then
      bits[#bits + 1], seen[b] = b, true
    end
  end
  table.sort(bits)
  return { range = first, bits = bits }
end

--- Judges the images of a set, items { sample =, source =, facts = } as verdict.lua has them. Returns true and of_training's value; nil and
-- a message (a mistake) where the scale of a file is not clear.
function scale.judge(set, images, out)
  local files = {}
  for _, item in ipairs(images) do if item.source.path then files[#files + 1] = item end end
  local unclear = unclear_of(files, out)
  if #unclear > 0 then
    local first, r = unclear[1], advised(unclear)
    return mistake(("%s: %s%s; declare the numbers of black and white, as range = { %.10g, %.10g }, or range = \"auto\": write it into %s"):format(
      first.source.path, first.facts.unclear, #unclear > 1 and (" (so %d of %d images)"):format(#unclear, #files) or "", r[1], r[2],
      place_of(set.definition, set.name)))
  end
  local far = beyond_trained(files)
  if far then return mistake(far) end
  warn_beyond(files, out)
  local found = of_training(images)
  if found and out then out:once("images: " .. scale.text(found.range) .. " (declared)") end
  return true, found
end

-- ---- a model --------------------------------------------------------------------

--- Checks the scale in a checkpoint; nil and a message.
function scale.check(given)
  if given == nil then return true end
  local ok, err = type(given) == "table" or nil, "must be an object"
  if ok then ok, err = reading.range(given.range) end
  if not ok then return nil, "scale: range " .. err end
  for _, b in ipairs(type(given.bits) == "table" and given.bits or {}) do
    if type(b) ~= "number" then return nil, "scale: bits must be numbers" end
  end
  return true
end

--- The range by which a model reads an image of so many bits, as its training did; nil: by the file's type.
function scale.of_model(model, bits)
  local trained = model.input.scale
  if not trained or trained.range == "auto" then return trained and trained.range end
  for _, b in ipairs(trained.bits or {}) do if b == bits then return trained.range end end
end

--- Gives images of which no range is declared that of the model's training, where they have as many bits: as predict reads them.
function scale.as_trained(model, samples)
  local trained = model.input.scale
  if not trained or trained.range == "auto" then return end
  for _, s in ipairs(samples) do
    local source = fields.source(s, "image")
    local info = source.path and not source.range and require("ramus.data.image").info(source.path)
    local range = info and scale.of_model(model, info.bits)
    if range then s.found_range, s.trained_range = range, true end
  end
end

--- An image of a file [C,H,W], read as the model's images were; nil and a message where its scale is not clear. header: image.info of the
-- file; given: frame, range (in place of the model's), bytes (the file's content, where it is at hand). Returns also what image.load says.
function scale.load(model, path, header, given)
  local image = require "ramus.data.image"
  local own = given.range or scale.of_model(model, header.bits)
  local picture, info = image.load(path, { frame = given.frame, range = own, bytes = given.bytes })
  if not picture then return nil, info end
  if info.channels ~= 1 and info.channels ~= 3 and info.channels ~= model.template.channels then
    return nil, ("%s: the file holds %d channels of %dx%d pixels, an image has 1 or 3; an array is [H,W], [C,H,W], or [H,W,C] where only the last is 1, "
      .. "3 or 4"):format(path, info.channels, info.width, info.height)
  end
  if info.unclear then
    return nil, ("%s: %s; say the numbers of black and white: --range %.10g,%.10g, or --range auto (percentiles)"):format(path, info.unclear,
      info.advised[1], info.advised[2])
  end
  if own and not given.range and own ~= "auto" and info.outside > MOST then
    return nil, ("%s: the model was trained on images in which %s; %.0f %% of this one's numbers lie beyond, from %.6g to %.6g; say --range LOW,HIGH")
      :format(path, scale.text(own), 100 * info.outside, info.low, info.high)
  end
  return picture, info
end

--- The image of a sample as its file shows it, [C,H,W]; nil and a message.
function scale.picture(sample)
  local source = fields.source(sample, "image")
  if source.tensor then return source.tensor end
  return require("ramus.data.image").load(source.path, { frame = film.frame(source), range = source.range })
end

return scale
