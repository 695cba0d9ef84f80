--- CHUAC: 30 X-ray coronary angiograms of the hospital of A Coruna.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local gather = require "ramus.data.gather"
local image = require "ramus.data.image"

--- Copies a picture, or brings it to the size of its mask. Returns whether it had to be resized; nil and a message.
local function bring_picture(from, mask, to)
  local x, err = image.load(from)
  if not x then return nil, err end
  local wanted
  wanted, err = image.info(mask)
  if not wanted then return nil, err end
  local resized = x.shape[2] ~= wanted.height or x.shape[3] ~= wanted.width
  local ok
  if resized then ok, err = image.save(to, image.resize(x, { wanted.height, wanted.width, method = "bilinear" }))
  else ok, err = files.copy(from, to) end
  if not ok then return nil, err end
  return resized
end

return {
  name = "chuac",
  title = "CHUAC: 30 X-ray coronary angiograms, 20 train and 10 test",
  picture = "Original/N.png, 189x189, and its mask Photoshop/angioNok.png, 512x512; prepared as N.png of the mask's size and N_gt.png",
  counts = { train = 20, test = 10 },
  split_source = "none is official; usual: 1-20 train, 21-30 test, as most papers",
  licence = "CC BY 4.0, as others say of its record; not verified",
  citation = "A. Carballal, F. J. Novoa, C. Fernandez-Lozano, M. Garcia-Guimaraes, G. Aldama-Lopez, R. Calvino-Santos, "
    .. "J. M. Vazquez-Rodriguez, A. Pazos: Automatic multiscale vascular image segmentation algorithm for coronary angiography. "
    .. "Biomedical Signal Processing and Control 46:1-9, 2018. doi 10.1016/j.bspc.2018.06.007",
  sources = { "https://figshare.com/s/4d24cf3d14bc901a94bf" },
  notes = {
    "Pictures smaller than their masks are brought to the masks' size (bilinear), as papers do.",
    "Not verified: the names of the authors, volume and pages of the citation (title and DOI are), and the sizes of the pictures.",
  },
  threshold = 128,

  files = {
    { name = "CHUAC.zip", seen = false, login = "its page gives no address of the archive: open https://figshare.com/s/4d24cf3d14bc901a94bf in a "
      .. "browser, download all, unpack it, then: ramus fetch chuac --from FOLDER (the one with Original and Photoshop)" },
  },
  editions = { { name = "full", files = {}, counts = { train = 20, test = 10 } } },

  prepare = function(source, target)
    local base = dataset.below(source, function(folder) return gather.holds(folder, "Original", "Photoshop") end)
    if not base then return nil, ("chuac: neither %s nor a folder below it holds Original and Photoshop"):format(source) end
    local list, err = dataset.pair(base, { image = { "Original", "^(%d+)%.png$" }, mask = { "Photoshop", "^angio(%d+)ok%.png$" } })
    if not list then return nil, err end
    local resized = 0
    for _, s in ipairs(list) do
      local to = target .. "/" .. s.id
      local grown, why = bring_picture(s.image, s.mask, to .. ".png")
      if grown == nil then return nil, why end
      local ok
      ok, err = gather.file(s.mask, to .. "_gt.png")
      if not ok then return nil, err end
      resized = resized + (grown and 1 or 0)
    end
    local notes = resized > 0 and { ("%d of %d pictures were brought to the size of their masks"):format(resized, #list) } or nil
    return #list == 30 and "full" or "part-" .. #list, notes
  end,

  open = function(folder)
    local samples, err = dataset.pair(folder, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
    if not samples then return nil, err end
    for _, s in ipairs(samples) do s.split = tonumber(s.id) <= 20 and "train" or "test" end
    return samples
  end,
}
