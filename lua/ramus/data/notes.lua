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

--- Of the images of a set: they are films, and nobody said which frame.
function notes.films(found, out)
  local names = {}
  for _, item in ipairs(found.image) do
    local n = item.facts.frames or 1
    if n > 1 and not item.source.frame_given then names[#names + 1] = ("%s (%d)"):format(item.source.path, n) end
  end
  if out and #names > 0 then
    out:warn(("%d file%s of the set %s several frames, the first is taken; frame = \"best\" takes that with the most contrast agent: %s"):format(#names,
      #names == 1 and "" or "s", #names == 1 and "has" or "have", pairing.some(names, NAMES)), "films")
  end
end

--- Of one image, by what image.load says of its file.
function notes.image(path, details, out)
  if (details.orientation or 0) > 1 then
    out:warn(("%s was turned as the orientation in EXIF says (%d); others that have one are too"):format(path, details.orientation), "turned")
  end
end

return notes
