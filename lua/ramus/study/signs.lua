--- Signs of how a segmentation fails, as scores of a picture beside those of data/metrics.lua, for the tables of a study.
--
--   width<3, width3-5, width5-8, width>=8              sensitivity of vessel pixels by the vessel's local width in pixels
--   contrast<0.03, contrast0.03-0.06, .., contrast>=0.1   by local contrast in grey values from 0 to 1 (of three channels: the second)
--   patch_entropy                                      mean entropy, in bits, of patches of 16x16 pixels
-- Definitions: train/checks.lua. A picture without such pixels has no score.
local checks = require "ramus.train.checks"

local signs = { names = {}, help = {} }

local WIDTH, CONTRAST = { 3, 5, 8 }, { 0.03, 0.06, 0.1 }

--- Names of the groups between edges.
local function names_of(kind, edges)
  local list = {}
  for i = 1, #edges + 1 do
    list[i] = i == 1 and ("%s<%g"):format(kind, edges[1]) or i > #edges and ("%s>=%g"):format(kind, edges[#edges])
      or ("%s%g-%g"):format(kind, edges[i - 1], edges[i])
  end
  return list
end

local widths, contrasts = names_of("width", WIDTH), names_of("contrast", CONTRAST)
for _, name in ipairs(widths) do signs.help[name] = "sensitivity of vessel pixels by local width in pixels" end
for _, name in ipairs(contrasts) do signs.help[name] = "sensitivity of vessel pixels by local contrast" end
--- Neither more nor less of these is better.
signs.neutral = { patch_entropy = true }

signs.help.patch_entropy = "mean entropy of patches of 16x16 pixels, in bits; smaller is more certain"
for _, list in ipairs { widths, contrasts, { "patch_entropy" } } do
  for _, name in ipairs(list) do signs.names[#signs.names + 1] = name end
end

local function add(into, names, groups)
  for i, g in ipairs(groups) do into[names[i]] = g.sensitivity end
end

--- The scores of one picture: probability, truth and seen [H,W], image [1,C,H,W]; by name, nil where there is none.
function signs.of(probability, truth, image, seen, threshold)
  local H, W, found = truth.dim[0], truth.dim[1], {}
  add(found, widths, checks.by_width(probability, truth, { threshold = threshold, edges = WIDTH, fov = seen }))
  local channels = image.dim[1]
  local grey = (channels >= 3 and image:narrow(2, 2, 1):clone() or image:narrow(2, 1, 1):clone()):reshape(H, W)
  add(found, contrasts, checks.by_contrast(probability, grey, truth, { threshold = threshold, edges = CONTRAST, fov = seen }))
  found.patch_entropy = checks.patch_entropy(probability).mean
  return found
end

return signs
