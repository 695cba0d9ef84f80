--- HRF: 45 retinal photographs of high resolution, of healthy, glaucomatous and diabetic eyes.
local dataset = require "ramus.data.dataset"
local gather = require "ramus.data.gather"

local function open(folder)
  local samples, err = dataset.pair(folder, { image = { "images", "^(%d%d_%l+)%.jpg$" }, mask = { "manual1", "^(%d%d_%l+)%.tif$" },
    fov = { "mask", "^(%d%d_%l+)_mask%.tif$" } })
  if not samples then return nil, err end
  for _, s in ipairs(samples) do s.split = tonumber(s.id:sub(1, 2)) <= 5 and "train" or "test" end
  return samples
end

local FULL = { train = 15, test = 30 }

return {
  name = "hrf",
  title = "HRF: 45 retinal photographs of high resolution, with fields of view",
  picture = "3504x2336, 24 bit JPEG; images/NN_K.jpg (K: h healthy, g glaucoma, dr diabetic retinopathy), manual1/NN_K.tif, mask/NN_K_mask.tif",
  counts = FULL,
  split_source = "none is official; usual: 01 to 05 of each kind train, the others test (Orlando et al. 2017)",
  licence = "CC BY 4.0, as the set's page says",
  citation = "A. Budai, R. Bock, A. Maier, J. Hornegger, G. Michelson: Robust Vessel Segmentation in Fundus Images. International "
    .. "Journal of Biomedical Imaging 2013, article 154860. doi 10.1155/2013/154860",
  sources = { "https://www5.cs.fau.de/research/data/fundus-images/" },
  notes = { "Some pictures end in .JPG, others in .jpg.", "Patients are not given." },
  threshold = 128,

  files = {
    { name = "all.zip", unpack = true, seen = false, sha256 = "a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4",
      urls = { "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip" } },
  },
  editions = { { name = "full", files = {}, counts = FULL } },
  prepare = gather.prepare("hrf", function(folder) return gather.holds(folder, "images", "manual1", "mask") end,
    "images, manual1 and mask", open, FULL),
  open = open,
}
