--- XCAD: 126 labelled X-ray coronary angiograms, and 1621 without labels.
local dataset = require "ramus.data.dataset"
local gather = require "ramus.data.gather"

local UNLABELLED = { "trainA", "trainB", "trainC" }

--- Pairs of test/, and the pictures of one folder of train/ without masks where o.unlabelled names it.
local function open(folder, o)
  local samples, err = dataset.pair(folder .. "/test", { image = { "images", "^(.+)%.png$" }, mask = { "masks", "^(.+)%.png$" } })
  if not samples then return nil, err end
  for _, s in ipairs(samples) do s.group = s.id:match("^(%d+)_%d+$") end
  local parts = dataset.split(samples, { train = 2, test = 1 }, 84)
  for part, list in pairs(parts) do for _, s in ipairs(list) do s.split = part end end
  if not o.unlabelled then return samples end
  local more
  more, err = dataset.pair(folder .. "/train", { image = { o.unlabelled, "^(.+)%.png$" } })
  if not more then return nil, err end
  for _, s in ipairs(more) do
    s.id, s.split = o.unlabelled .. "/" .. s.id, "unlabelled"
    samples[#samples + 1] = s
  end
  return samples
end

return {
  name = "xcad",
  title = "XCAD: 126 labelled X-ray coronary angiograms, 1621 without labels",
  picture = "512x512, 8 bit grey PNG; test/images/NNNNN_NN.png and the mask of the same name in test/masks, 0 and 255",
  counts = { train = 84, test = 42 },
  split_source = "at random by the groups, seed 84: two thirds train, one third test of the 126 pairs; the authors' list is not known",
  licence = "none is stated; the authors ask for the citation",
  citation = "Y. Ma, Y. Hua, H. Deng, T. Song, H. Wang, Z. Xue, H. Cao, R. Ma, H. Guan: Self-Supervised Vessel Segmentation via "
    .. "Adversarial Learning. ICCV 2021. doi 10.1109/ICCV48922.2021.00744",
  sources = { "https://github.com/AISIGSJTU/SSVS" },
  notes = {
    "Pictures whose names begin with the same number (NNNNN_NN) are kept on one side of every division, as if they were of one sequence.",
    "By the authors' README and code trainB holds angiograms, trainC pictures of the background, trainA drawn vessels; the numbers are not "
      .. "verified: look before you train on them.",
  },
  threshold = 128,
  schema = {
    unlabelled = { type = "string", one_of = UNLABELLED, help = "the folder of train/ whose pictures make the split 'unlabelled'; without it, none" },
  },
  variant = function(o) return o.unlabelled end,

  files = {
    { name = "XCAD.zip", unpack = true, seen = false, urls = {
      "https://www.dropbox.com/scl/fi/mvstwdgxo0hfk678x94d4/XCAD.zip?rlkey=qdztml0gzfzoc0t5d16k71u76&dl=1",
      "https://www.dropbox.com/s/z0lk5oz6gt9mgd2/XCAD.zip?dl=1", -- of the authors' README
    } },
  },
  editions = { { name = "full", files = {} } }, -- groups that stay whole may shift the numbers of its parts
  prepare = gather.prepare("xcad", function(folder, o)
    return gather.holds(folder, "test/images", "test/masks") and (not o.unlabelled or gather.holds(folder, "train/" .. o.unlabelled))
  end, "test/images and test/masks (and train/ with the folder that is asked for)", open, 126),
  open = open,
}
