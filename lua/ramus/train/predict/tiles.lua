--- Probabilities of a model for one image, whole or in tiles, and which images are too large to be taken whole.
local F = require "ramus.lang.F"
local ffi = require "ramus.base.ffi"
local image = require "ramus.data.image"
local show = require "ramus.base.show"
local talk = require "ramus.base.talk"
local tensor = require "ramus.lang.tensor"
local tiling = require "ramus.train.predict.tiling"
local C = ffi.C

local tiles = {}

-- Pixels after preparation that one call of a model takes, measured: a U-Net of depth 5 and width 16 needs 200 bytes a pixel (docs/how-to/
-- predict-in-tiles.md); and pixels of an image that is cut into tiles, as many as are read.
local WHOLE_MOST, ALL_MOST, BYTES = tonumber(C.RA_PIXELS_AT_ONCE), 2 ^ 28, 200

--- Schema of the option.
tiles.schema = { type = "integer", min = 16, help = "side of a tile; whole images if left out" }

--- Schema of the other one: a budget, for which tiles are chosen.
tiles.memory_schema = { type = "string", check = function(v)
  local bytes, err = show.read_bytes(v)
  return bytes and v, err
end, help = "what the net's arrays may take, as \"300MB\": larger images are cut into tiles that overlap by the net's reach, to the same values" }

--- A message where an image of H x W pixels is too large to be predicted with tiles of a side (nil: whole), else nil. prepare: a program or nil.
-- refusal: a function (h, w) that decides in place of the size, way:refusal.
function tiles.too_large(prepare, H, W, side, refusal)
  local h, w = H, W
  if prepare then h, w = prepare:size(H, W) end
  local words = ("the image has %dx%d pixels%s"):format(W, H, (h ~= H or w ~= W) and (", after its preparation %dx%d"):format(w, h) or "")
  if h * w > ALL_MOST then return ("%s; at most 2^28 are predicted"):format(words) end
  local tile = side or math.huge
  if refusal then return refusal(h, w) end
  if math.min(h, tile) * math.min(w, tile) <= WHOLE_MOST then return nil end
  return ("%s%s, which takes about %.0f GB of memory with a U-Net of width 16; at most 2^24 are predicted at a time: cut it, --tile 512 or "
    .. "--memory 1GB"):format(words, side and (" and tiles of %d"):format(side) or "", h * w * BYTES / 1e9)
end

--- A message that names the samples whose images are too large for the model at a time, else nil. items: images of the verdict.
function tiles.too_large_among(items, samples, prepare, tile, refusal)
  local words, used = {}, {}
  for _, s in ipairs(samples) do used[s] = true end
  for _, item in ipairs(items) do
    local text = used[item.sample] and tiles.too_large(prepare, item.facts.height, item.facts.width, tile, refusal)
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

--- The same in windows of tiling.lua: of each only its cell.
local function in_windows(model, x, names, given, windows)
  local channels, H, W, result = x.dim[1], x.dim[2], x.dim[3], {}
  for _, r in ipairs(windows.rows) do
    for _, c in ipairs(windows.columns) do
      local part = x:narrow(3, r.from + 1, r.count):narrow(4, c.from + 1, c.count):clone():reshape(1, channels, r.count, c.count)
      local list, err = whole(model, part, names, given)
      if not list then return nil, err end
      for name, p in pairs(list) do
        result[name] = result[name] or tensor.zeros(1, p.dim[1], H, W)
        result[name]:narrow(3, r.from + r.skip + 1, r.keep):narrow(4, c.from + c.skip + 1, c.keep)
          :copy(p:narrow(3, r.skip + 1, r.keep):narrow(4, c.skip + 1, c.keep))
        p:free()
      end
      part:free()
    end
  end
  return result
end

--- The windows of a model within the budget for an input of h x w pixels; see tiling.of.
function tiles.windows(model, h, w, names, given)
  return tiling.of(model, h, w, names, { memory = given.memory, numerics = given.numerics or model.output.numerics })
end

--- The same within a budget: whole where that fits.
local function within(model, x, names, given)
  local windows, err = tiles.windows(model, x.dim[2], x.dim[3], names, given)
  if windows == nil then return nil, err end
  if not windows then return whole(model, x, names, given) end
  talk.detail("%s", tiling.text(windows))
  return in_windows(model, x, names, given, windows)
end

--- Probabilities { NAME = [1,K,h,w] } of named outputs for an input [1,C,h,w]. given: tile (side; whole unless given), memory (bytes), numerics (the model's),
-- check (function(name, logits): a message where these are not what is wanted). nil and a message.
function tiles.probabilities(model, x, names, given)
  return (given.tile and in_tiles or given.memory and within or whole)(model, x, names, given)
end

return tiles
