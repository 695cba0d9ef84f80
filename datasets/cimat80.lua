--- cimat80: 80 X-ray coronary angiograms with hand-drawn vessel masks, the part of DCA1 that a public repository held.
local dataset = require "ramus.data.dataset"

local commit = "e35b2ded624a020bb51548853f7e213def24bd3b"

return {
  name = "cimat80",
  title = "80 X-ray coronary angiograms (part of DCA1), 40 train and 40 test",
  picture = "300x300, 8 bit grey PNG; N.png and its mask N_gt.png, 0 and 255",
  counts = { train = 40, test = 40 },
  split_source = "the folders of the authors' repository: Angios_40_training, Angios_40_testing (the numbers are reused, the "
    .. "pictures are different)",
  licence = "no licence for the images was found; the repository carries a BSD 3-clause notice for its whole content. "
    .. "Citation is asked for",
  citation = "F. Cervantes-Sanchez, I. Cruz-Aceves, A. Hernandez-Aguirre, M. A. Hernandez-Gonzalez, S. E. Solorio-Meza: "
    .. "Automatic Segmentation of Coronary Arteries in X-ray Angiograms using Multiscale Analysis and Artificial Neural "
    .. "Networks. Applied Sciences 9(24):5507, 2019. doi 10.3390/app9245507",
  sources = { "github.com/fercer/Coronary, commit " .. commit },
  notes = {
    "Not to be reported as DCA1: the papers' split of the full set is another one.",
    "Three masks hold a few stray grey values; they are thresholded at 128.",
    "train/37 and test/19 look like neighbouring frames of one patient; patients are not given, so one may be on both sides.",
  },
  threshold = 128,

  files = {
    -- The archive's own hash is not stable; every file in it is checked.
    { name = "Coronary-" .. commit:sub(1, 7) .. ".tar.gz", unpack = true, seen = false,
      urls = { "https://codeload.github.com/fercer/Coronary/tar.gz/" .. commit } },
  },
  editions = {
    { name = "full", counts = { train = 40, test = 40 }, files = dataset.sums("cimat80.sha256") },
  },

  open = function(folder)
    local samples = {}
    for _, part in ipairs { { "Angios_40_training", "train" }, { "Angios_40_testing", "test" } } do
      local pairs_, err = dataset.pair(folder .. "/" .. part[1], { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
      if not pairs_ then return nil, err end
      for _, s in ipairs(pairs_) do
        s.id, s.split = part[2] .. "/" .. s.id, part[2]
        samples[#samples + 1] = s
      end
    end
    return samples
  end,
  splits = {
    ["712"] = function(samples) return dataset.split(samples, { train = 7, val = 1, test = 2 }, 712) end,
  },
}
