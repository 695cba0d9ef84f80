--- CHASE_DB1: 28 retinal photographs of 14 children, each with the vessels that two observers drew.
local dataset = require "ramus.data.dataset"

local list = {}
for child = 1, 14 do
  for _, eye in ipairs { "L", "R" } do
    for _, ending in ipairs { ".jpg", "_1stHO.png", "_2ndHO.png" } do
      list[#list + 1] = { path = ("Image_%02d%s%s"):format(child, eye, ending) }
    end
  end
end

--- A division by the number of the child, so that both eyes are on one side.
local function up_to(last)
  return function(samples)
    local parts = { train = {}, test = {} }
    for _, s in ipairs(samples) do table.insert(tonumber(s.group) <= last and parts.train or parts.test, s) end
    return parts
  end
end

return {
  name = "chase_db1",
  title = "CHASE_DB1: 28 retinal photographs of 14 children, two observers",
  picture = "999x960, 24 bit JPEG; Image_NNE.jpg (child NN, eye L or R) with the masks _1stHO.png and _2ndHO.png, 1 bit",
  counts = { train = 20, test = 8 },
  split_source = "none is official; usual: the first 20 train, the last 8 test, which are 10 and 4 children; 14_14: 7 and 7 children",
  licence = "made available by Kingston University London with St George's, University of London, to train and test vessel "
    .. "segmentation; CC BY 4.0, as others say of its page; not verified",
  citation = "M. M. Fraz, P. Remagnino, A. Hoppe, B. Uyyanonvara, A. R. Rudnicka, C. G. Owen, S. A. Barman: An Ensemble "
    .. "Classification-Based Approach Applied to Retinal Blood Vessel Segmentation. IEEE Transactions on Biomedical Engineering "
    .. "59(9):2538-2548, 2012. doi 10.1109/TBME.2012.2205687",
  sources = { "https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4" },
  notes = {
    "The first observer is the reference, as in most papers; the second is scored against it and the model against the second.",
    "The set has no masks of the field of view; papers that use one made it from the photograph.",
  },
  threshold = 128,

  files = {
    { name = "CHASEDB1.zip", unpack = true, seen = false, md5 = "d9e47c4bac125b29996fae4380a68db1", urls = {
      "https://researchinnovation.kingston.ac.uk/files/40659508/CHASEDB1.zip", -- may ask for a browser
      "https://staffnet.kingston.ac.uk/~ku15565/CHASE_DB1/assets/CHASEDB1.zip",
    } },
  },
  editions = { { name = "full", counts = { train = 20, test = 8 }, files = list } },

  open = function(folder)
    local samples, err = dataset.pair(folder, { image = "^Image_(%d%d[LR])%.jpg$", mask = "^Image_(%d%d[LR])_1stHO%.png$" })
    if not samples then return nil, err end
    for _, s in ipairs(samples) do
      s.group = s.id:sub(1, 2)
      s.split = tonumber(s.group) <= 10 and "train" or "test"
      s.observers = { { name = "2nd observer", mask = ("%s/Image_%s_2ndHO.png"):format(folder, s.id) } }
    end
    return samples
  end,
  splits = { ["14_14"] = up_to(7) },
}
