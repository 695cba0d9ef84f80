--- phantom: synthetic coronary angiograms with exact masks, made here; needs no network.
-- With classes = true a mask holds class numbers: the main vessels, the branches that leave them, the catheter beside them.
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local F = require "ramus.lang.F"
local C = ffi.C

--- Of pictures with classes, in the order of RA_PHANTOM_*.
local CLASSES = { { name = "background" }, { name = "stem" }, { name = "branch" }, { name = "catheter" } }

local TREES = { plain = C.RA_PHANTOM_PLAIN, full = C.RA_PHANTOM_FULL }
local PARTS = { "train", "val", "test" }

local function height_of(o) return o.height or o.size end
local function width_of(o) return o.width or o.size end

local function blank(o)
  local pointer = C.ra_tensor_new(2, ffi.new("int32_t[2]", height_of(o), width_of(o)))
  if pointer == nil then return nil, ffi.message() end
  return ffi.gc(pointer, C.ra_tensor_release)
end

local function save(path, t)
  if C.ra_image_save(path, t, 8) ~= 0 then return nil, ffi.message() end
  return true
end

return {
  name = "phantom",
  title = "synthetic coronary angiograms with exact masks; any size and number",
  picture = "8 bit grey PNG; N.png and its mask N_gt.png, 0 and 255, or with classes 0 to 3",
  counts = "options train, val, test (24, 0, 12)",
  split_source = "every split has pictures of its own; a larger split holds the pictures of a smaller one",
  licence = "made by Ramus (core/phantom/phantom.c): yours",
  citation = "none needed",
  sources = {},
  notes = {
    "Vessel fraction, mean width and local contrast at 300x300 lie within the 10-90 % range of cimat80 (tests/test_phantom.lua).",
    "The mask is the geometry that was projected, thin faint ends included; the catheter is not vessel.",
    "trees = \"full\": side branches of several orders with Murray's radii and angles (1926), agent that streams and fades, rougher tissue, wires and "
      .. "organs; twigs narrower than about 2 of 300 pixels are drawn, but no part of the mask, as experts leave them out; "
      .. "the mask ends where a vessel's shadow has half its depth, as experts see edges (a plain tree's ends at the wall).",
    "Medians of 40 at 300x300, seed 2, plain, full and the 80 of cimat80: forks 9, 7.5, 6; ends 9, 6, 6; unevenness of contrast 0.64, 0.58, 0.53; "
      .. "clutter 0.43, 1.17, 1.23; deviation of grey values 0.087, 0.118, 0.126; vessel fraction 0.054, 0.053, 0.052 (tests/reference/phantom.py).",
    "contrast = 0.25 to 2 multiplies the vessels' contrast; nothing else of the picture changes, and not the mask.",
    "With classes = true: 1 stem (the right coronary artery, or the left main stem with its two arteries), 2 branch, 3 catheter.",
  },
  classes = function(o) return o.classes and CLASSES or nil end,

  schema = {
    size = { type = "integer", default = 256, min = 32, max = 4096, help = "pixels along a side" },
    height = { type = "integer", min = 32, max = 4096, help = "height in pixels, if not square" },
    width = { type = "integer", min = 32, max = 4096, help = "width in pixels, if not square" },
    train = { type = "integer", default = 24, min = 0, max = 99999, help = "number of training images" },
    val = { type = "integer", default = 0, min = 0, max = 99999, help = "number of validation images" },
    test = { type = "integer", default = 12, min = 0, max = 99999, help = "number of test images" },
    seed = { type = "integer", default = 1, min = 0, help = "seed of the images" },
    classes = { type = "boolean", default = false, help = "true for masks of four classes: background, stem, branch, catheter" },
    trees = { type = "string", default = "plain", one_of = { "plain", "full" }, help = "full for more branches, uneven contrast, more that is no vessel" },
    contrast = { type = "number", default = 1, min = 0.25, max = 2, help = "factor of the vessels' contrast" },
  },
  variant = function(o)
    return ("%dx%d-%d-%d-%d-seed%d"):format(height_of(o), width_of(o), o.train, o.val, o.test, o.seed) .. (o.classes and "-classes" or "")
      .. (o.trees ~= "plain" and "-" .. o.trees or "") .. (o.contrast ~= 1 and ("-contrast%.14g"):format(o.contrast) or "")
  end,
  editions = {
    { name = "full", files = {}, counts = function(o)
      local counts = {}
      for _, part in ipairs(PARTS) do counts[part] = o[part] > 0 and o[part] or nil end
      return counts
    end },
  },

  --- Image n of the k-th split has index (k - 1) * 100000 + n.
  prepare = function(_, target, o)
    local image, err = blank(o)
    local mask = image and blank(o)
    local label = mask and o.classes and blank(o) or nil
    if not mask or o.classes and not label then return nil, err or ffi.message() end
    for k, part in ipairs(PARTS) do
      local good = true
      if o[part] > 0 then good, err = files.make_folder(target .. "/" .. part) end
      for n = 1, good and o[part] or 0 do
        if C.ra_phantom_with(image, mask, label, o.seed, (k - 1) * 100000 + n, TREES[o.trees], o.contrast) ~= 0 then return nil, ffi.message() end
        local path = ("%s/%s/%d"):format(target, part, n)
        good, err = save(path .. ".png", image)
        if good then good, err = save(path .. "_gt.png", label and F.div(label, 255) or mask) end
        if not good then return nil, err end
      end
      if not good then return nil, err end
    end
    return "full"
  end,

  open = function(folder, o)
    local samples = {}
    for _, part in ipairs(PARTS) do
      if o[part] > 0 then
        local list, err = dataset.pair(folder .. "/" .. part, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
        if not list then return nil, err end
        for _, s in ipairs(list) do
          s.id, s.split, s.threshold = part .. "/" .. s.id, part, not o.classes and 128 or nil
          samples[#samples + 1] = s
        end
      end
    end
    return samples
  end,
}
