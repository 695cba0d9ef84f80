--- ra.predict(run, images, options): probability, mask and overlay for files and folders; of a model with classes, labels and overlay.
--
-- options: output (folder; "predictions"), threshold (the model's), tile, memory, flips, with, low, smallest (way.lua: how the mask is
-- made), size, preprocess (as the run was trained), numerics (as the run was trained), range (the numbers of the files that are black and white; as
-- the run was trained, else as their types say), pattern (a glob for the names of a folder's images), frames ("all", "best", "1,5-9": of films; the
-- first unless given), force (replaces files that predict did not write), probabilities (true to write NAME_probabilities.npy too, [H,W] or [K,H,W]),
-- as (further forms of the masks, { "nifti", "rle", "svg" }: mask_formats.lua). Writes NAME_prob.png, NAME_mask.png (0 and 255) and NAME_overlay.png,
-- or NAME_labels.png (a palette whose entry is the class) and NAME_overlay.png with a legend; outputs.lua says which names, and what is never
-- replaced. Returns a list of { image, prob, mask, overlay, vessel_share, frame, milliseconds } (or labels, shares: class_pictures.lua) and a list of
-- { image, error } of the images that failed; nil and a message where nothing could be done.
local checkpoint = require "ramus.train.checkpoint"
local class_pictures = require "ramus.train.predict.class_pictures"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local frames = require "ramus.train.predict.frames"
local image = require "ramus.data.image"
local notes = require "ramus.data.notes"
local loader = require "ramus.data.loader"
local mistake = require "ramus.base.mistake"
local mask_formats = require "ramus.train.predict.mask_formats"
local mask_pictures = require "ramus.train.predict.mask_pictures"
local options = require "ramus.base.options"
local outputs = require "ramus.train.predict.outputs"
local reading = require "ramus.data.reading"
local scale = require "ramus.data.scale"
local sources = require "ramus.train.predict.sources"
local tiles = require "ramus.train.predict.tiles"
local tiling = require "ramus.train.predict.tiling"

local way = require "ramus.train.predict.way"

local C = ffi.C
local predict = {}

local HELD_MOST = 2 ^ 28 -- bytes of a film that are kept in memory while its frames are predicted

local schema = {
  output = { type = "string", default = "predictions" },
  threshold = { type = "number", min = 0, max = 1, help = "threshold of the probability; that of the model unless given" },
  size = { type = "integer", min = 8 },
  preprocess = { type = "table", help = "preparation, as in a recipe's data; the model's unless given" },
  numerics = { type = "string", one_of = { "fast", "exact" }, help = "numerics of the convolutions; those of the training unless given" },
  pattern = { type = "string", help = "glob for the names of images in folders" },
  frames = { type = "string", help = "frames of files that have several: all, best, or numbers from 0 as 1,5-9" },
  range = reading.schema.range,
  force = { type = "boolean", default = false, help = "true to replace files that predict did not write" },
  probabilities = { type = "boolean", default = false, help = "true to write the probabilities as .npy too" },
  as = { type = "table", help = "list of further forms of the masks: " .. table.concat(mask_formats.names(), ", "), check = mask_formats.check },
  out = { type = "table" },
}

for name, entry in pairs(way.schema) do schema[name] = entry end

--- Channels of the main output: 1 or the number of classes.
local function channels_of(model) return model.output.activation == "softmax" and #model.output.classes or 1 end

--- The module that writes a model's results.
local function pictures_of(model) return channels_of(model) > 1 and class_pictures or mask_pictures end

--- A message where the logits of a model's main output are of another kind than its classes say.
local function check_of(model)
  local K = channels_of(model)
  return function(name, logits)
    if logits.rank == 4 and logits.dim[0] == 1 and logits.dim[1] == K then return nil end
    return ("the model's output '%s' has the shape [%s], wanted [1,%d,H,W]"):format(name, table.concat(logits.shape, ","), K)
  end
end

--- The model's input [1,C,h,w] of an image [C,H,W] or [H,W], as a loader decodes and prepares it; nil and a message. A loader has images
-- of 1 or 3 channels; a tensor for a model with other channels is only prepared.
local function input_of(model, picture, given)
  local channels = model.template.channels
  if channels ~= 1 and channels ~= 3 then
    local has = picture.rank == 3 and picture.dim[0] or 1
    if has ~= channels then return nil, ("the model reads %d channels, the image has %d"):format(channels, has) end
    local prepare = checkpoint.preparation(model, given)
    local x = prepare and prepare:apply(picture, nil, nil, {}) or picture
    return x:clone():reshape(1, channels, x.dim[x.rank - 2], x.dim[x.rank - 1])
  end
  local one, err = loader.one({ id = "image", image = picture }, { fields = { "image" }, channels = channels,
    prepare = checkpoint.preparation(model, given) })
  return one and one.fields.image, err
end

--- A message where an image of H x W pixels is too large to be predicted as it is told by o and a way, else nil.
local function too_large(model, H, W, o, w, names)
  return tiles.too_large(checkpoint.preparation(model, o), H, W, o.tile, w:refusal(names, o.numerics))
end

--- A probability [1,K,h,w] at the size of a picture: [H,W], or [K,H,W].
local function at_size_of(picture, p)
  if p.dim[1] == 1 then p = p:reshape(p.dim[2], p.dim[3]) else p = p:reshape(p.dim[1], p.dim[2], p.dim[3]) end
  local H, W = picture.dim[picture.rank - 2], picture.dim[picture.rank - 1]
  return (p.dim[p.rank - 2] ~= H or p.dim[p.rank - 1] ~= W) and image.resize(p, { H, W, method = "bilinear" }) or p
end

--- Probabilities { NAME = [H,W] } of named outputs of one image, a tensor [C,H,W] in 0..1, at its own size, prepared as the model's images were; of
-- a model with classes [K,H,W]. The outputs have as many channels as the main one. nil and a message on failure.
-- given: the options of way.lua (or way, made of them), size, preprocess, numerics.
function predict.probabilities(model, picture, names, given)
  local o = given or {}
  local w, err = o.way, nil
  if not w then w, err = way.new(model, o) end
  if not w then return nil, err end
  local large = too_large(model, picture.dim[picture.rank - 2], picture.dim[picture.rank - 1], o, w, names)
  if large then return nil, large end
  local x
  x, err = input_of(model, picture, o)
  if not x then return nil, err end
  local list
  list, err = w:probabilities(x, names, { numerics = o.numerics, check = check_of(model) })
  if not list then return nil, err end
  local sized = {}
  for _, name in ipairs(names) do sized[name] = at_size_of(picture, list[name]) end
  return sized
end

--- Probability [H,W] of the main output of one image, a tensor [C,H,W] in 0..1, at its own size, prepared as the model's images were; of a model
-- with classes [K,H,W]. nil and a message on failure. given: as predict.probabilities takes it.
function predict.probability(model, picture, given)
  local list, err = predict.probabilities(model, picture, { model.output.main }, given)
  if not list then return nil, err end
  return list[model.output.main]
end

--- What is known of an entry's file, { path, header, bytes = [opt] its content }: held, where that is of the same file. The content is kept
-- of a film (several: the next entry is of the same file) of which it is not too much. nil and a message.
local function file_of(entry, held, several)
  if held and held.path == entry.source then return held end
  local header, err = image.info(entry.source)
  if not header then return nil, err end
  local size = ffi.new("double[1]")
  C.ra_path_kind(entry.source, size, nil)
  return { path = entry.source, header = header, bytes = several and header.frames > 1 and size[0] <= HELD_MOST and files.read(entry.source) or nil }
end

--- Predicts one entry of a plan and writes its files; nil and a message. file: of file_of.
local function one(model, entry, o, file, began)
  local header = file.header
  local large, windows = too_large(model, header.height, header.width, o, o.way, { model.output.main })
  if large then return nil, ("%s: %s"):format(entry.source, large) end
  if windows and o.out then o.out:line(("%s: %s"):format(entry.source, tiling.text(windows))) end
  local picture, err = scale.load(model, entry.source, header, { frame = entry.frame, range = o.range, bytes = file.bytes })
  if not picture then return nil, err end
  if o.out then notes.image(entry.source, err, model.template.channels, o.out) end
  local p
  p, err = predict.probability(model, picture, o)
  if not p then return nil, ("%s%s: %s"):format(entry.source, entry.part or "", err) end
  err = outputs.changed(entry, o.force)
  if err then return nil, err end
  local result
  o.header = header
  result, err = pictures_of(model).write(model, picture, p, entry, o)
  if not result then return nil, err end
  result.frame, result.milliseconds = entry.frame, 1e3 * (C.ra_clock() - began)
  return result
end

--- Predicts all entries of a plan: results and failures as below.
local function all(model, plan, o)
  local results, failed, file = {}, {}, nil
  for i, entry in ipairs(plan) do
    local began, result, why = C.ra_clock(), nil, nil
    local found, err = file_of(entry, file, plan[i + 1] and plan[i + 1].source == entry.source)
    file = found
    if found then result, why = one(model, entry, o, found, began) end
    if result then
      results[#results + 1] = result
      if o.out then o.out:line(pictures_of(model).text(result)) end
    else failed[#failed + 1] = { image = entry.source, error = err or why } end
  end
  for _, text in ipairs(o.out and frames.times(results) or {}) do o.out:line(text) end
  if #results > 0 or #failed == 0 then return results, failed end
  local lines = { #failed > 1 and ("none of %d images could be done:"):format(#failed) or failed[1].error }
  for i = 1, #failed > 1 and #failed or 0 do lines[i + 1] = "  " .. failed[i].error end
  return nil, table.concat(lines, "\n")
end

return setmetatable(predict, { __call = function(_, run, paths, given)
  local o = options.check(given, schema, "predict")
  if o.frames and frames.check(o.frames) then error("predict: " .. frames.check(o.frames), 2) end
  local model, err = run
  if type(run) == "string" then
    model, err = checkpoint.load_model(run)
    if not model then return nil, err end
  elseif type(run) ~= "table" or not run.output then
    error("predict: the first argument is a run's folder, a model's file or a model, given " .. options.show(run), 2)
  end
  if channels_of(model) > 1 and o.threshold then
    return mistake "a model with classes has no threshold: the class of a pixel is the one with the largest probability"
  end
  o.threshold = o.threshold or model.output.threshold
  o.way, err = way.new(model, o)
  if not o.way then return nil, err end
  local list, left = sources.collect(type(paths) == "string" and { paths } or paths, { pattern = o.pattern })
  if not list then return nil, left end
  local said
  list, said = frames.expand(list, o.frames)
  if not list then return nil, said end
  local plan
  plan, err = outputs.plan(list, o.output, pictures_of(model).endings(o), { force = o.force })
  if not plan then return nil, err end
  local ok
  ok, err = files.make_folder(o.output)
  if not ok then return nil, err end
  for _, texts in ipairs(o.out and { left, said } or {}) do for _, text in ipairs(texts) do o.out:warn(text) end end
  return all(model, plan, o)
end })
