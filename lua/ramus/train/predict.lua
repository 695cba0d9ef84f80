--- ra.predict(run, pictures, options): probability, mask and overlay for files and folders.
--
-- options: output (folder; "predictions"), threshold (the model's), tile (cut pictures into tiles of
-- this side, which overlap by half and are blended), size, preprocess (as the run was trained), numerics (as the run was trained).
-- Writes NAME_prob.png, NAME_mask.png (0 and 255) and NAME_overlay.png. Returns a list of
-- { image, prob, mask, overlay, vessel_share }, or nil and a message.
local F = require "ramus.lang.F"
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"

local predict = {}

local schema = {
  output = { type = "string", default = "predictions" }, threshold = { type = "number", min = 0, max = 1, help = "as the model was validated, unless given" },
  tile = { type = "integer", min = 16, help = "side of a tile; whole pictures if left out" }, size = { type = "integer", min = 8 },
  preprocess = { type = "table", help = "as in a recipe's data" },
  numerics = { type = "string", one_of = { "fast", "exact" }, help = "as the model was trained, unless given" }, out = { type = "table" },
}

--- The picture with the model's number of channels.
local function fit_channels(x, channels)
  if x.dim[0] == channels then return x end
  if channels == 1 then return image.grey(x) end
  if x.dim[0] == 1 then return F.concat(x, x, x, { dim = 1 }) end
  return nil, ("the model takes %d channels, the picture has %d"):format(channels, x.dim[0])
end

--- Weight of a pixel in a tile: falls off linearly towards the tile's border.
local function tent(i, n) return math.min(i + 1, n - i) / ((n + 1) / 2) end

--- Probability [1,1,H,W] of the model's main output.
local function main_output(model, x, numerics)
  local main = model.output.main
  return F.sigmoid(model:forward(x, { outputs = { main }, numerics = numerics or model.output.numerics })[main])
end

--- Probability [H,W] in overlapping tiles, blended with weights that fall off towards a tile's border.
local function in_tiles(model, x, tile, numerics)
  local C, H, W = x.dim[0], x.dim[1], x.dim[2]
  local sum, weight = tensor.zeros(H, W), tensor.zeros(H, W)
  local function starts(n)
    if n <= tile then return { 0 } end
    local list, count = {}, math.ceil((n - tile) / (tile / 2))
    for i = 0, count do list[#list + 1] = math.floor((n - tile) * i / count + 0.5) end
    return list
  end
  for _, top in ipairs(starts(H)) do
    for _, left in ipairs(starts(W)) do
      local h, w = math.min(tile, H), math.min(tile, W)
      local part = x:narrow(2, top + 1, h):narrow(3, left + 1, w):clone():reshape(1, C, h, w)
      local p = main_output(model, part, numerics)
      for i = 0, h - 1 do
        local at, wi = (top + i) * W + left, tent(i, h)
        for j = 0, w - 1 do
          local v = wi * tent(j, w)
          sum.data[at + j] = sum.data[at + j] + v * p.data[i * w + j]
          weight.data[at + j] = weight.data[at + j] + v
        end
      end
    end
  end
  return F.div(sum, weight)
end

--- Probability [H,W] of one picture [C,H,W] at its own size, prepared as the model's images were; nil and a message on failure.
-- given: tile, size, preprocess, numerics.
function predict.probability(model, picture, given)
  local o = given or {}
  local x, err = fit_channels(picture, model.template.channels)
  if not x then return nil, err end
  local H, W = x.dim[1], x.dim[2]
  local prepare = checkpoint.preparation(model, o)
  if prepare then x = prepare:apply(x, nil, nil, {}) end
  local p
  if o.tile then p = in_tiles(model, x, o.tile, o.numerics)
  else
    p = main_output(model, x, o.numerics)
    p = p:reshape(p.dim[2], p.dim[3])
  end
  return (p.dim[0] ~= H or p.dim[1] ~= W) and image.resize(p, { H, W, method = "bilinear" }) or p
end

--- Files of the given paths; folders give the pictures in them.
local function collect(paths)
  local list = {}
  for _, path in ipairs(paths) do
    if files.is_folder(path) then
      local names, err = files.list(path)
      if not names then return nil, err end
      local found = 0
      for _, name in ipairs(names) do
        local lower = name:lower()
        if lower:match("%.png$") or lower:match("%.jpe?g$") or lower:match("%.p[gpbn]m$") or lower:match("%.npy$") then
          found = found + 1
          list[#list + 1] = path:gsub("/+$", "") .. "/" .. name
        end
      end
      if found == 0 then return nil, ("the folder %s holds no pictures (png, jpg, pgm, ppm, pbm, npy)"):format(path) end
    elseif files.is_file(path) then
      list[#list + 1] = path
    else
      return nil, ("no such picture or folder: %s"):format(path)
    end
  end
  return list
end

--- Pictures of several folders may have one name: a number tells them apart.
local function unique_name(taken, path)
  local _, _, base = files.split(path)
  local name, k = base, 1
  while taken[name] do
    k = k + 1
    name = base .. "-" .. k
  end
  taken[name] = true
  return name
end

local function one(model, path, folder, name, o)
  local picture, err = image.load(path)
  if not picture then return nil, err end
  local p
  p, err = predict.probability(model, picture, o)
  if not p then return nil, ("%s: %s"):format(path, err) end
  local mask, hits = tensor.zeros(p.shape), 0
  for i = 0, p.size - 1 do
    if p.data[i] >= o.threshold then mask.data[i], hits = 1, hits + 1 end
  end
  local result = { image = path, vessel_share = hits / p.size }
  for _, kind in ipairs { "overlay", "prob", "mask" } do result[kind] = ("%s/%s_%s.png"):format(folder, name, kind) end
  local overlay = image.overlay(picture, p, nil, { threshold = o.threshold })
  local ok
  ok, err = image.save_all { { result.overlay, overlay }, { result.prob, p }, { result.mask, mask } } -- the one that takes longest first
  if not ok then return nil, err end
  return result
end

return setmetatable(predict, { __call = function(_, run, paths, given)
  local o = options.check(given, schema, "predict")
  local model, err = run
  if type(run) == "string" then
    local file
    model, file = checkpoint.load_model(run)
    if not model then return nil, file end
  end
  o.threshold = o.threshold or model.output.threshold
  if type(paths) == "string" then paths = { paths } end
  local list
  list, err = collect(paths)
  if not list then return nil, err end
  local ok
  ok, err = files.make_folder(o.output)
  if not ok then return nil, err end
  local results, taken = {}, {}
  for i, path in ipairs(list) do
    local result
    result, err = one(model, path, o.output, unique_name(taken, path), o)
    if not result then return nil, err end
    results[i] = result
    if o.out then o.out:line(("%s -> %s, vessel %.2f %%"):format(path, result.mask, 100 * result.vessel_share)) end
  end
  return results
end })
