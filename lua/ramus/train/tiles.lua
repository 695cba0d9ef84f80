--- Probabilities of a model for one image, whole or in tiles, and which images are too large to be taken whole.
local F = require "ramus.lang.F"
local ffi = require "ramus.base.ffi"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local tiles = {}

-- Pixels after preparation that one call of a model takes, measured: a U-Net of depth 5 and width 16 needs 200 bytes a pixel (docs/how-to/
-- predict-in-tiles.md); and pixels of an image that is cut into tiles, as many as are read.
local WHOLE_MOST, ALL_MOST, BYTES = tonumber(C.RA_PIXELS_AT_ONCE), 2 ^ 28, 200

--- Schema of the option.
tiles.schema = { type = "integer", min = 16, help = "side of a tile; whole images if left out" }

--- A message where an image of H x W pixels is too large to be predicted with tiles of a side (nil: whole), else nil. prepare: a program or nil.
function tiles.too_large(prepare, H, W, side)
  local h, w = H, W
  if prepare then h, w = prepare:size(H, W) end
  local words = ("the image has %dx%d pixels%s"):format(W, H, (h ~= H or w ~= W) and (", after its preparation %dx%d"):format(w, h) or "")
  if h * w > ALL_MOST then return ("%s; at most 2^28 are predicted"):format(words) end
  local tile = side or math.huge
  if math.min(h, tile) * math.min(w, tile) <= WHOLE_MOST then return nil end
  return ("%s%s, which takes about %.0f GB of memory with a U-Net of width 16; at most 2^24 are predicted at a time: cut it, --tile 512"):format(words,
    side and (" and tiles of %d"):format(side) or "", h * w * BYTES / 1e9)
end

--- A message that names the samples whose images are too large for the model at a time, else nil. items: images of the verdict.
function tiles.too_large_among(items, samples, prepare, tile)
  local words, used = {}, {}
  for _, s in ipairs(samples) do used[s] = true end
  for _, item in ipairs(items) do
    local text = used[item.sample] and tiles.too_large(prepare, item.facts.height, item.facts.width, tile)
    if text then words[#words + 1] = ("%s: %s"):format(item.source.path or item.sample.id, text) end
  end
  return words[1] and words[1] .. (#words > 1 and (" (so %d images)"):format(#words) or "")
end

--- Probabilities [1,K,h,w] of named outputs for an input [1,C,h,w]: of one channel a sigmoid, of several a softmax; nil and a message where
-- check(name, logits) gives one.
local function whole(model, x, names, given)
  local logits, list = model:forward(x, { outputs = names, numerics = given.numerics or model.output.numerics }), {}
  for _, name in ipairs(names) do
    local wrong = given.check and given.check(name, logits[name])
    if wrong then return nil, wrong end
    list[name] = logits[name].dim[1] == 1 and F.sigmoid(logits[name]) or F.softmax(logits[name], { dim = 2 })
  end
  return list
end

--- Adds a tile's probabilities [1,K,h,w] to sums and weights [H,W] of every channel, made at the first tile.
local function add_tile(to, p, H, W, top, left)
  for k = 1, p.dim[1] do
    to[k] = to[k] or { tensor.zeros(H, W), tensor.zeros(H, W) }
    image.tile_add(to[k][1], to[k][2], p:narrow(2, k, 1):clone():reshape(p.dim[2], p.dim[3]), top, left)
  end
end

--- The same in overlapping tiles, blended with weights that fall off towards a tile's border.
local function in_tiles(model, x, names, given)
  local channels, H, W, sums = x.dim[1], x.dim[2], x.dim[3], {}
  local h, w = math.min(given.tile, H), math.min(given.tile, W)
  for _, name in ipairs(names) do sums[name] = {} end
  for _, top in ipairs(image.tile_starts(H, given.tile)) do
    for _, left in ipairs(image.tile_starts(W, given.tile)) do
      local part = x:narrow(3, top + 1, h):narrow(4, left + 1, w):clone():reshape(1, channels, h, w)
      local list, err = whole(model, part, names, given)
      if not list then return nil, err end
      for _, name in ipairs(names) do add_tile(sums[name], list[name], H, W, top, left) end
    end
  end
  local result = {}
  for _, name in ipairs(names) do
    result[name] = tensor.zeros(1, #sums[name], H, W)
    for k, s in ipairs(sums[name]) do result[name]:narrow(2, k, 1):copy(F.div(s[1], s[2]):reshape(1, 1, H, W)) end
  end
  return result
end

--- Probabilities { NAME = [1,K,h,w] } of named outputs for an input [1,C,h,w]. given: tile (side; whole unless given), numerics (the model's),
-- check (function(name, logits): a message where these are not what is wanted). nil and a message.
function tiles.probabilities(model, x, names, given)
  return (given.tile and in_tiles or whole)(model, x, names, given)
end

return tiles
