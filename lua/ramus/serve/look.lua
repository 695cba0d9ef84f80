--- A picture looked at: what a model makes of the bytes of a file, as one answer for the page. Nothing is written and nothing is kept.
--
--   look.at(subject, bytes, frame)    of a file's content; frame: of a film, from 0; the one with the most contrast agent unless given
--   look.example(subject, index)      of a made-up angiogram
-- subject: { model =, way =, range = [opt], numerics = }. The answer is a text: the length of a JSON text (4 bytes, the smallest first), the JSON
-- { width, height, channels, frames, frame, notes, milliseconds, main, levels, shares }, and what it describes, each padded to 4 bytes: the picture
-- (8-bit samples, the channels of a pixel beside each other), the main output (float32 probabilities, or of a model with classes the class of each
-- pixel in a byte), the probabilities of the levels in a byte each. nil and a sentence where the picture cannot be looked at.
local checkpoint = require "ramus.train.checkpoint"
local class_image = require "ramus.data.image.class_image"
local ffi = require "ramus.base.ffi"
local image = require "ramus.data.image"
local json = require "ramus.base.json"
local notes = require "ramus.data.notes"
local predict = require "ramus.train.predict"
local scale = require "ramus.data.scale"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local look = {}

local NAME = "the picture"
look.PIXELS_MOST = 2 ^ 24
local FILM_MOST = 200     -- frames of a film that are searched for the best one
local EXAMPLE_SIDE = 512

-- ---- the answer -------------------------------------------------------------------------

local function padded(text, pad) return text .. pad:rep(-#text % 4) end

local function length_bytes(n) return string.char(n % 256, math.floor(n / 2 ^ 8) % 256, math.floor(n / 2 ^ 16) % 256, math.floor(n / 2 ^ 24)) end

local function dense(t) return C.ra_tensor_contiguous(t) and t or t:clone() end

local function packed(facts, parts)
  local text = padded(json.encode(facts), " ")
  local list = { length_bytes(#text), text }
  for _, part in ipairs(parts) do list[#list + 1] = padded(part, "\0") end
  return table.concat(list)
end

--- Class numbers as bytes.
local function bytes_of_labels(labels)
  local x = dense(labels)
  local out, data = ffi.new("uint8_t[?]", x.size), ffi.data(x)
  for i = 0, x.size - 1 do out[i] = data[i] end
  return ffi.string(out, x.size)
end

--- Outputs that are shown beside the main one: those of one channel, where the main one has one as well.
local function levels_of(model)
  local list, channels = {}, model:output_channels()
  for _, name in ipairs(model:output_names()) do
    if name ~= model.output.main and channels[name] == 1 and channels[model.output.main] == 1 then list[#list + 1] = name end
  end
  return list
end

--- What the model makes of a picture [C,H,W]: facts are completed, parts are added.
local function outputs(subject, picture, facts, parts)
  local model, names = subject.model, levels_of(subject.model)
  local list, err = predict.probabilities(model, picture, { model.output.main, unpack(names) }, { way = subject.way, numerics = subject.numerics })
  if not list then return nil, err end
  facts.main, facts.levels = model.output.main, json.list(names)
  local classes, p = checkpoint.classes(model), list[model.output.main]
  if classes then
    local labels = class_image.labels(p)
    local counts = class_image.counts(labels, classes)
    facts.shares = {}
    for k = 1, #classes do facts.shares[k] = counts[k - 1] / labels.size end
    parts[2] = bytes_of_labels(labels)
  else
    local x = dense(p)
    parts[2] = ffi.string(ffi.data(x), 4 * x.size)
  end
  for i, name in ipairs(names) do
    parts[2 + i], err = image.samples(list[name])
    if not parts[2 + i] then return nil, ("output %s: %s"):format(name, err) end
  end
  return true
end

--- The answer for a picture [C,H,W].
local function answer(subject, picture, facts, began)
  local samples, err = image.samples(picture)
  if not samples then return nil, err end
  facts.channels, facts.height, facts.width = picture.dim[0], picture.dim[1], picture.dim[2]
  local parts = { samples }
  local ok
  ok, err = outputs(subject, picture, facts, parts)
  if not ok then return nil, err end
  facts.milliseconds = 1e3 * (C.ra_clock() - began)
  return packed(facts, parts), facts
end

-- ---- where pictures come from ---------------------------------------------------------------

--- The frame of a file to look at; nil and a sentence.
local function frame_of(bytes, header, wanted)
  if header.frames <= 1 then return 0 end
  if wanted then
    if wanted < header.frames then return wanted end
    return nil, ("frame %d was asked for, the file has %d, counted from 0"):format(wanted, header.frames)
  end
  if header.frames > FILM_MOST then return 0 end
  local list, err = image.contrast(NAME, { bytes = bytes })
  if not list then return nil, err end
  local best = 1
  for i, v in ipairs(list) do if v > list[best] then best = i end end
  return best - 1
end

function look.at(subject, bytes, wanted)
  local began = C.ra_clock()
  local header, err = image.info(NAME, { bytes = bytes })
  if not header then return nil, err end
  if header.width * header.height > look.PIXELS_MOST then
    return nil, ("the picture has %dx%d pixels; at most %d are looked at here (4096x4096), ramus predict takes larger ones"):format(header.width, header.height,
      look.PIXELS_MOST)
  end
  local frame
  frame, err = frame_of(bytes, header, wanted)
  if not frame then return nil, err end
  local picture, details = scale.load(subject.model, NAME, header, { frame = frame, range = subject.range, bytes = bytes })
  if not picture then return nil, details end
  local facts = { frames = header.frames, frame = frame, notes = json.list {} }
  notes.image(NAME, details, subject.model.template.channels, { warn = function(_, text) table.insert(facts.notes, text) end })
  return answer(subject, picture, facts, began)
end

function look.example(subject, index)
  local began = C.ra_clock()
  local picture, mask = tensor.zeros(EXAMPLE_SIDE, EXAMPLE_SIDE), tensor.zeros(EXAMPLE_SIDE, EXAMPLE_SIDE)
  if C.ra_phantom_with(picture, mask, nil, 2026, index, C.RA_PHANTOM_FULL, 1) ~= 0 then return nil, ffi.message() end
  return answer(subject, picture:reshape(1, EXAMPLE_SIDE, EXAMPLE_SIDE), { frames = 1, frame = 0, notes = json.list {} }, began)
end

return look
