--- FIVES: 800 retinal photographs with the vessels that experts drew.
local dataset = require "ramus.data.dataset"
local gather = require "ramus.data.gather"

local PARTS = { "train", "test" }

local function open(folder)
  local samples = {}
  for _, part in ipairs(PARTS) do
    local list, err = dataset.pair(folder .. "/" .. part, { image = { "Original", "^(%d+_%u)%.png$" }, mask = { "Ground truth", "^(%d+_%u)%.png$" } })
    if not list then return nil, err end
    for _, s in ipairs(list) do
      s.id, s.split = part .. "/" .. s.id, part
      samples[#samples + 1] = s
    end
  end
  return samples
end

local FULL = { train = 600, test = 200 }

return {
  name = "fives",
  title = "FIVES: 800 retinal photographs, four kinds of eyes",
  picture = "2048x2048, 24 bit PNG; PART/Original/N_K.png and PART/Ground truth/N_K.png (K: A macular degeneration, D diabetic "
    .. "retinopathy, G glaucoma, N normal)",
  counts = FULL,
  split_source = "the authors' folders train and test (the numbers are reused, the pictures are different)",
  licence = "CC BY 4.0, as others say of its record; not verified",
  citation = "K. Jin, X. Huang, J. Zhou, Y. Li, Y. Yan, Y. Sun, Q. Zhang, Y. Wang, J. Ye: FIVES: A Fundus Image Dataset for Artificial "
    .. "Intelligence based Vessel Segmentation. Scientific Data 9:475, 2022. doi 10.1038/s41597-022-01564-3",
  sources = { "https://doi.org/10.6084/m9.figshare.19688169.v1" },
  notes = { "Patients are not given." },
  threshold = 128,

  files = {
    { name = "FIVES.rar", seen = false, login = "it is a RAR archive (1764974308 bytes, md5 789c80dd5376a82063e27fa49192bac9 as others say), which "
      .. "Ramus does not unpack: download https://ndownloader.figshare.com/files/34969398 (record https://doi.org/10.6084/m9.figshare.19688169.v1), "
      .. "unpack it (bsdtar -xf, or unar), then: ramus fetch fives --from FOLDER" },
  },
  editions = { { name = "full", files = {}, counts = FULL } },
  prepare = gather.prepare("fives", function(folder) return gather.holds(folder, "train/Original", "test/Original") end,
    "train/Original and test/Original", open, FULL),
  open = open,
}
