--- STARE: 20 retinal photographs, each with the vessels that two observers drew.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local gather = require "ramus.data.gather"

local NUMBERS = { 1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324 }

--- The endings of each kind of file, packed as in the archives or unpacked by hand.
local KINDS = { { "images", ".ppm", true }, { "ah", ".ah.ppm", true }, { "vk", ".vk.ppm", false } }

local function found(folder, number, ending)
  local path = ("%s/im%04d%s"):format(folder, number, ending)
  return files.is_file(path .. ".gz") and path .. ".gz" or files.is_file(path) and path or nil
end

local URL = "http://cecas.clemson.edu/~ahoover/stare/probing/"

return {
  name = "stare",
  title = "STARE: 20 retinal photographs, half of them pathological, two observers",
  picture = "700x605, 24 bit PPM; imNNNN.ppm with the masks imNNNN.ah.ppm (A. Hoover) and imNNNN.vk.ppm (V. Kouznetsova), 0 and 255",
  counts = { train = 10, test = 10 },
  split_source = "none is official; usual: the first 10 train, the last 10 test by number; many papers leave one out in turn",
  licence = "offered for research; no licence's tag is stated",
  citation = "A. Hoover, V. Kouznetsova, M. Goldbaum: Locating Blood Vessels in Retinal Images by Piecewise Threshold Probing of a Matched "
    .. "Filter Response. IEEE Transactions on Medical Imaging 19(3):203-210, 2000. doi 10.1109/42.845178",
  sources = { "http://cecas.clemson.edu/~ahoover/stare/probing/index.html" },
  notes = { "The first observer (ah) is the reference; vk drew more of the thin vessels.", "Patients are not given." },
  threshold = 128,

  files = {
    { name = "stare-images.tar", unpack = true, seen = false, urls = { URL .. "stare-images.tar" },
      sha256 = "5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433" },
    { name = "labels-ah.tar", unpack = true, seen = false, urls = { URL .. "labels-ah.tar" },
      sha256 = "ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f" },
    { name = "labels-vk.tar", unpack = true, seen = false, urls = { URL .. "labels-vk.tar" },
      sha256 = "47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576" },
  },
  editions = {
    { name = "full", files = {}, counts = { train = 10, test = 10 } },
    { name = "one-observer", files = {}, counts = { train = 10, test = 10 } },
  },

  prepare = function(source, target)
    local edition = "full"
    for _, kind in ipairs(KINDS) do
      local name, ending, needed = unpack(kind)
      local place = dataset.below(source, function(folder) return found(folder, NUMBERS[1], ending) ~= nil end)
      if not place and needed then return nil, ("stare: neither %s nor a folder below it holds im0001%s.gz"):format(source, ending) end
      if not place then edition = "one-observer" end
      for _, n in ipairs(place and NUMBERS or {}) do
        local from = found(place, n, ending)
        if not from then return nil, ("stare: %s lacks im%04d%s.gz"):format(place, n, ending) end
        local ok, err = gather.file(from, ("%s/%s/im%04d%s"):format(target, name, n, ending))
        if not ok then return nil, err end
      end
    end
    return edition
  end,

  open = function(folder)
    local samples, err = dataset.pair(folder, { image = { "images", "^im(%d+)%.ppm$" }, mask = { "ah", "^im(%d+)%.ah%.ppm$" } })
    if not samples then return nil, err end
    for i, s in ipairs(samples) do
      local second = ("%s/vk/im%s.vk.ppm"):format(folder, s.id)
      s.split = i <= 10 and "train" or "test"
      if files.is_file(second) then s.observers = { { name = "vk", mask = second } } end
    end
    return samples
  end,
}
