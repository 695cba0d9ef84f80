--- What is said once of images that are read otherwise than their bytes lie: through out:warn, a kind once per command.
local pairing = require "ramus.data.pairing"

local notes = {}

local NAMES = 5 -- files named in one message

--- Of the files of a set, { image = items, mask = items, fov = items } as verdict.lua has them: the orientation of EXIF was applied.
function notes.turned(found, out)
  local names = {}
  for _, field in ipairs { "image", "mask", "fov" } do
    for _, item in ipairs(found[field]) do
      local way = item.facts.orientation or 0
      if way > 1 then names[#names + 1] = ("%s (%d)"):format(item.source.path, way) end
    end
  end
  if out and #names > 0 then
    out:warn(("%d file%s of the set %s turned as the orientation in EXIF says: %s"):format(#names, #names == 1 and "" or "s",
      #names == 1 and "was" or "were", pairing.some(names, NAMES)), "turned")
  end
end

--- "PATH (frames)" of the items that have several frames or pages and of which nobody said which one.
local function films_of(items)
  local names = {}
  for _, item in ipairs(items) do
    local n = item.facts.frames or 1
    if n > 1 and not item.source.frame_given then names[#names + 1] = ("%s (%d)"):format(item.source.path, n) end
  end
  return names
end

local function plural(names) return #names == 1 and "" or "s", #names == 1 and "has" or "have" end

--- Of the images and masks of a set: they are films or have several pages, and nobody said which one.
function notes.films(found, out)
  local images, masks = films_of(found.image), films_of(found.mask)
  if out and #images > 0 then
    local s, have = plural(images)
    out:warn(("%d file%s of the set %s several frames or pages, the first is taken; frame = 2 takes one by its number from 0, frame = \"best\" that with "
      .. "the most contrast agent: %s"):format(#images, s, have, pairing.some(images, NAMES)), "films")
  end
  if out and #masks > 0 then
    local s, have = plural(masks)
    out:warn(("%d mask%s of the set %s several frames or pages, the first is taken; mask = { path = .., frame = 2 } of a sample takes another: %s")
      :format(#masks, s, have, pairing.some(masks, NAMES)), "films of masks")
  end
end

local COLOUR = 0.01 -- an image in which this share of the pixels has a colour is a coloured one

local LUMA = "its luma (ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue)"

--- True if most images of a set, items as verdict.lua has them, are coloured; part: of this split alone.
function notes.is_coloured(images, part)
  local count, n = 0, 0
  for _, item in ipairs(images) do
    if not part or item.part == part then
      n = n + 1
      if (item.facts.coloured or 0) > COLOUR then count = count + 1 end
    end
  end
  return 2 * count > n
end

--- Of the images of a set for a model of so many channels: that their colours become one.
function notes.coloured(images, channels, out)
  local names = {}
  for _, item in ipairs(images) do
    if (item.facts.coloured or 0) > COLOUR then names[#names + 1] = item.source.path end
  end
  if out and channels == 1 and #names > 0 then
    out:warn(("%d of %d images are coloured, and the model reads one channel: of each %s (%s)"):format(#names, #images, LUMA,
      pairing.some(names, NAMES)), "coloured")
  end
end

--- Of one image, by what image.load says of its file, for a model of so many channels.
function notes.image(path, details, channels, out)
  if channels == 1 and (details.coloured or 0) > COLOUR then
    out:warn(("%s is coloured, and the model reads one channel: %s; of other coloured images too"):format(path, LUMA), "coloured")
  end
  if (details.orientation or 0) > 1 then
    out:warn(("%s was turned as the orientation in EXIF says (%d); others that have one are too"):format(path, details.orientation), "turned")
  end
end

return notes
