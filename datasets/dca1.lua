--- DCA1: 134 X-ray coronary angiograms with hand-drawn vessel masks (Database_134_Angiograms).
local dataset = require "ramus.data.dataset"

local list = {}
for n = 1, 134 do
  list[#list + 1] = { path = n .. ".pgm" }
  list[#list + 1] = { path = n .. "_gt.pgm" }
end

return {
  name = "dca1",
  title = "DCA1: 134 X-ray coronary angiograms, 100 train and 34 test",
  picture = "300x300, 8 bit grey PGM; N.pgm and its mask N_gt.pgm, which is not strictly binary",
  counts = { train = 100, test = 34 },
  split_source = "usual: 1-100 train, 101-134 test, as most papers; 712: seeded 7:1:2",
  licence = "offered for research, without a formal licence; citation is asked for",
  citation = "F. Cervantes-Sanchez, I. Cruz-Aceves, A. Hernandez-Aguirre, M. A. Hernandez-Gonzalez, S. E. Solorio-Meza: "
    .. "Automatic Segmentation of Coronary Arteries in X-ray Angiograms using Multiscale Analysis and Artificial Neural "
    .. "Networks. Applied Sciences 9(24):5507, 2019. doi 10.3390/app9245507",
  sources = { "http://personal.cimat.mx:8181/~ivan.cruz/DB_Angiograms.html" },
  notes = { "Masks hold grey values between 0 and 255; they are thresholded at 128." },
  threshold = 128,

  files = {
    { name = "DB_Angiograms_134.zip", unpack = true, seen = false,
      sha256 = "7161638a6e92c6a6e47a747db039292c8a1a6bad809aac0d1fd16a10a6f22a11",
      urls = {
        "http://personal.cimat.mx:8181/~ivan.cruz/DB_Angiograms_files/DB_Angiograms_134.zip",
        "http://personal.cimat.mx:8181/~ivan.cruz/Databases/DB_Angiograms_134.zip",
      } },
  },
  editions = {
    -- Hashes of single files are recorded when the set is prepared; the archive's is checked before.
    { name = "full", counts = { train = 100, test = 34 }, files = list },
  },

  open = function(folder)
    local samples, err = dataset.pair(folder, { image = "^(%d+)%.pgm$", mask = "^(%d+)_gt%.pgm$" })
    if not samples then return nil, err end
    for _, s in ipairs(samples) do s.split = tonumber(s.id) <= 100 and "train" or "test" end
    return samples
  end,
  splits = {
    ["712"] = function(samples) return dataset.split(samples, { train = 7, val = 1, test = 2 }, 712) end,
  },
}
