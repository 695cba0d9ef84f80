--- Images to which several masks belong by their names, as "x_mask.png" beside "x_mask_1.png" (one for each lesion), or one in each of masks/0
-- and masks/1: a sample has one mask, and none of these is the truth by itself.
local mistake = require "ramus.base.mistake"
local pairing = require "ramus.data.pairing"

local several = {}

--- A stem without the number that counts masks behind it: "x_mask_1" and "x_mask (1)" are "x_mask".
local function base(stem) return (stem:gsub("[%s_%-%.]*%(?%d+%)?$", "")) end

--- Does a name begin with another, and not in the middle of a number?
local function begins(stem, head)
  return stem:sub(1, #head) == head and not (head:find "%d$" and stem:find("^%d", #head + 1))
end

--- Does an unused mask belong to an image as `mask` does?
local function is_another(g, f, mask)
  if g.stem == mask.stem then return g.dir ~= mask.dir and begins(g.stem, f.stem) end
  return g.dir == mask.dir and begins(g.stem, f.stem) and (base(g.stem) == mask.stem or base(g.stem) == base(mask.stem))
end

--- Masks of images without one: those of its name in several folders, or all in the folder of a single image.
local function all_of(f, masks, alone)
  local named, beside = {}, {}
  for _, g in ipairs(masks) do
    if g.stem == f.stem then named[#named + 1] = g end
    if alone and g.dir == f.dir then beside[#beside + 1] = g end
  end
  return #named > 1 and named or #beside > 1 and beside or nil
end

--- The value of `masks` that takes the first of an image's masks and its like, or nil.
local function option(root, f, mask)
  local place = (mask.path:sub(#root + 2):match("^(.*)/[^/]*$") or "")
  if mask.dir ~= f.dir then return place end -- one folder of several
  local head = mask.dir ~= "" and place:sub(-#mask.dir) == mask.dir and place:sub(1, -#mask.dir - 1):gsub("/$", "") or mask.dir == "" and place
  if not head or not begins(mask.stem, f.stem) then return nil end
  return (head ~= "" and head .. "/" or "") .. "*" .. mask.stem:sub(#f.stem + 1) .. mask.name:sub(#mask.stem + 1)
end

--- nil, or a message (a mistake) that names images with several masks. images, masks: files of one split (layout.walk); pairs_of: matching's.
function several.check(root, images, masks, pairs_of)
  local taken, open, count, found = {}, {}, {}, {}
  for _, g in pairs(pairs_of) do taken[g] = true end
  for _, g in ipairs(masks) do if not taken[g] then open[#open + 1] = g end end
  if #open == 0 then return nil end
  for _, f in ipairs(images) do count[f.dir] = (count[f.dir] or 0) + 1 end
  for _, f in ipairs(images) do
    local mask = pairs_of[f]
    local list = mask and { mask } or all_of(f, open, count[f.dir] == 1) or {}
    for _, g in ipairs(mask and open or {}) do if is_another(g, f, mask) then list[#list + 1] = g end end
    if #list > 1 then found[#found + 1] = { image = f, masks = list } end
  end
  if #found == 0 then return nil end
  local first, names = found[1], {}
  for i, g in ipairs(first.masks) do names[i] = g.path:sub(#root + 2) end
  local line = option(root, first.image, first.masks[1])
  local _, message = mistake(("%s: %s has several masks: %s (so %d of %d images), and a sample has one; make one file of them, as ImageMagick does "
    .. "(convert MASK MASK -evaluate-sequence max WHOLE)%s"):format(root, first.image.path:sub(#root + 2), pairing.some(names, 4), #found, #images,
    line and (", or take the first only: masks = \"%s\" (in a recipe data.options.masks)"):format(line) or ""))
  return message
end

return several
