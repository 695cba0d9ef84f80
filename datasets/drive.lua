--- DRIVE: 40 retinal photographs with fields of view. Its page wants a login.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local gather = require "ramus.data.gather"

--- The samples of one part; masks where the folder has them (test.zip as it is offered today has none), second observers too.
local function part_of(folder, part)
  local patterns = { image = { "images", ("^(%%d%%d)_%s%%.tif$"):format(part) }, fov = { "mask", ("^(%%d%%d)_%s_mask%%.gif$"):format(part) } }
  if files.is_folder(folder .. "/1st_manual") then patterns.mask = { "1st_manual", "^(%d%d)_manual1%.gif$" } end
  local list, err = dataset.pair(folder, patterns)
  if not list then return nil, err end
  for _, s in ipairs(list) do
    local second = ("%s/2nd_manual/%s_manual2.gif"):format(folder, s.id)
    s.split = part == "training" and "train" or "test"
    if s.mask and files.is_file(second) then s.observers = { { name = "2nd observer", mask = second } } end
  end
  return list
end

local function open(folder)
  local samples = {}
  for _, part in ipairs { "training", "test" } do
    local list, err = part_of(folder .. "/" .. part, part)
    if not list then return nil, err end
    for _, s in ipairs(list) do samples[#samples + 1] = s end
  end
  return samples
end

--- The folder of a part, wherever below the source it was unpacked.
local function place_of(source, part)
  return dataset.below(source, function(folder)
    return gather.holds(folder, "images", "mask") and #(files.list(folder .. "/images") or {}) > 0
      and files.list(folder .. "/images")[1]:find("_" .. part .. ".", 1, true) ~= nil
  end)
end

local LOGIN = "it is behind a login: sign in at https://drive.grand-challenge.org, download training.zip and test.zip into one folder, then: "
  .. "ramus fetch drive --from FOLDER"

return {
  name = "drive",
  title = "DRIVE: 40 retinal photographs, 20 train and 20 test, with fields of view",
  picture = "565x584, 24 bit TIFF; PART/images/NN_PART.tif, 1st_manual/NN_manual1.gif, mask/NN_PART_mask.gif, 2nd_manual/NN_manual2.gif",
  counts = { train = 20, test = 20 },
  split_source = "the authors' folders training (21 to 40) and test (01 to 20)",
  licence = "given to those who sign in, for their own research; its owners prohibit copying and redistribution",
  citation = "J. Staal, M. D. Abramoff, M. Niemeijer, M. A. Viergever, B. van Ginneken: Ridge-based vessel segmentation in color images "
    .. "of the retina. IEEE Transactions on Medical Imaging 23(4):501-509, 2004. doi 10.1109/TMI.2004.825627",
  sources = { "https://drive.grand-challenge.org" },
  notes = {
    "test.zip as it is offered today has no masks of the test images: divide the 20 of training (split = \"7:1:2\"), or add 1st_manual (and "
      .. "2nd_manual) of an older copy to test/.",
    "Every image is said to be of another person; not verified.",
  },
  threshold = 128,

  files = {
    { name = "training.zip", unpack = true, seen = false, login = LOGIN,
      sha256 = "7101e19598e2b7aacdbd5e6e7575057b9154a4aaec043e0f4e28902bf4e2e209" },
    { name = "test.zip", unpack = true, seen = false, login = LOGIN,
      sha256 = "d76c95c98a0353487ffb63b3bb2663c00ed1fde7d8fdfd8c3282c6e310a02731" },
  },
  editions = {
    { name = "full", files = {}, counts = { train = 20, test = 20 } },
    { name = "no-test-masks", files = {}, counts = { train = 20, test = 20 } },
  },

  prepare = function(source, target)
    local n, without = 0, 0
    for _, part in ipairs { "training", "test" } do
      local place = place_of(source, part)
      if not place then return nil, ("drive: %s does not hold %s.zip unpacked (images/NN_%s.tif, mask/NN_%s_mask.gif)"):format(source, part, part, part) end
      local list, err = part_of(place, part)
      local ok = list
      if ok then ok, err = gather.samples(list, place, target .. "/" .. part) end
      if not ok then return nil, err end
      for _, s in ipairs(list) do n, without = n + 1, without + (s.mask and 0 or 1) end
    end
    if n ~= 40 then return "part-" .. n end
    return without == 0 and "full" or "no-test-masks"
  end,
  open = open,
}
