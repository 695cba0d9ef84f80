--- The way from an image to a mask, which is part of an evaluation's protocol: how a model's probabilities are made, and how they become a mask.
--
--   tile       side of the tiles into which images are cut (tiles.lua)
--   memory     bytes, as "300MB", that the net's arrays may take: tiles are chosen so that the values stay those of the whole (tiling.lua)
--   flips      "mirrored": the mean over the image, its two mirror images and both at once; "turned": over all 8 ways to mirror and turn it by 90
--              degrees (test-time augmentation)
--   with       further runs or model files: the mean of all probabilities (an ensemble)
--   low        second threshold of hysteresis: pixels above it belong to the mask where they are connected to one above the threshold
--   smallest   regions of fewer pixels are removed
-- way.new(model, options) checks that all of it fits; nil and a message. Means are of probabilities, not of logits.
local checkpoint = require "ramus.train.checkpoint"
local F = require "ramus.lang.F"
local image = require "ramus.data.image"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local prepared = require "ramus.data.prepared"
local show = require "ramus.base.show"
local tiles = require "ramus.train.predict.tiles"

local way = {}
local Way = {}
Way.__index = Way

way.schema = {
  tile = tiles.schema, memory = tiles.memory_schema,
  flips = { type = "string", one_of = { "none", "mirrored", "turned" }, default = "none",
    help = "mean over mirror images (mirrored: 4), or also over turns by 90 degrees (turned: 8)" },
  with = { type = "table", default = {}, help = "further runs or model files, whose probabilities are averaged with the model's" },
  low = { type = "number", min = 0, max = 1, help = "second threshold: pixels above it count where they are connected to one above the threshold" },
  smallest = { type = "integer", min = 1, help = "pixels; smaller regions of the mask are removed" },
}

--- Orientations of EXIF; each is undone by the one at the same place of UNDO.
local TURNS = { none = { 1 }, mirrored = { 1, 2, 3, 4 }, turned = { 1, 2, 3, 4, 5, 6, 7, 8 } }
local UNDO = { 1, 2, 3, 4, 5, 8, 7, 6 }

--- What two models must have in common to look at one input.
local function interface(m)
  return json.encode { channels = m.template.channels, size = m.input.size, preprocess = m.input.preprocess, scale = m.input.scale, main = m.output.main,
    classes = m.output.classes, activation = m.output.activation }
end

--- The models of an ensemble; nil and a message.
local function members_of(model, paths)
  local list = { model }
  for i, path in ipairs(paths) do
    local other, err = checkpoint.load_model(path)
    if not other then return nil, err end
    if interface(other) ~= interface(model) then
      return mistake(("%s reads other images, or has another main output, than the model that it is averaged with:\n  %s\n  %s"):format(path,
        interface(other), interface(model)))
    end
    list[i + 1] = other
  end
  return list
end

--- The way of a model. given: options of the schema and, of those that decide, threshold. nil and a message.
function way.new(model, given)
  local classes = model.output.activation == "softmax"
  if classes and (given.low or given.smallest) then
    return mistake "low and smallest are for a mask of the foreground; a model with classes decides by the largest probability"
  end
  local threshold = given.threshold or model.output.threshold
  if given.low and given.low > threshold then
    return mistake(("low = %g is above the threshold %g; it is the lower of the two"):format(given.low, threshold))
  end
  local members, err = members_of(model, given.with or {})
  if not members then return nil, err end
  if given.memory and given.tile then return mistake "give tile or memory, not both: a budget chooses the tiles" end
  local memory
  if given.memory then
    memory, err = show.read_bytes(given.memory)
    if not memory then return mistake("memory " .. err) end
  end
  return setmetatable({ members = members, turns = TURNS[given.flips or "none"], given = given, memory = memory }, Way)
end

--- Calls f(probabilities by name) for every member and every turn, turned back.
local function each(self, x, names, given, f)
  local o = { tile = self.given.tile, memory = self.memory, numerics = given.numerics, check = given.check }
  local K, H, W = x.dim[1], x.dim[2], x.dim[3]
  for _, orientation in ipairs(self.turns) do
    local turned = x
    if orientation > 1 then
      local y = image.turn(x:reshape(K, H, W), orientation)
      turned = y:reshape(1, K, y.dim[1], y.dim[2])
    end
    for _, model in ipairs(self.members) do
      local list, err = tiles.probabilities(model, turned, names, o)
      if not list then return nil, err end
      for name, p in pairs(list) do
        local back = p
        if orientation > 1 then
          local y = image.turn(p:reshape(p.dim[1], p.dim[2], p.dim[3]), UNDO[orientation])
          back = y:reshape(1, y.dim[0], y.dim[1], y.dim[2])
        end
        f(name, back)
      end
    end
  end
  return true
end

--- Probabilities { NAME = [1,K,h,w] } of named outputs for an input [1,C,h,w]. given: numerics, check (see tiles.lua). nil and a message.
function Way:probabilities(x, names, given)
  local count = #self.members * #self.turns
  if count == 1 then
    return tiles.probabilities(self.members[1], x, names,
      { tile = self.given.tile, memory = self.memory, numerics = given.numerics, check = given.check })
  end
  local sums = {}
  local ok, err = each(self, x, names, given, function(name, p) sums[name] = sums[name] and F.add(sums[name], p) or p:clone() end)
  if not ok then return nil, err end
  for name, sum in pairs(sums) do sums[name] = F.div(sum, count) end
  return sums
end

--- Of a way with a budget, a function (h, w): a message where an input of that size cannot be computed within it, else nil; and what
-- tiling.of says of the first member. names: of the outputs. Without a budget nil.
function Way:refusal(names, numerics)
  if not self.memory then return nil end
  return function(h, w)
    local first
    for i, model in ipairs(self.members) do
      local windows, err = tiles.windows(model, h, w, names, { memory = self.memory, numerics = numerics })
      if windows == nil then return err end
      if i == 1 then first = windows end
    end
    return nil, first
  end
end

--- True where a mask is more than the pixels above the threshold.
function Way:decides() return (self.given.low or self.given.smallest) ~= nil end

--- The mask [H,W] of a probability [H,W].
function Way:mask(p, threshold)
  if not self:decides() then return image.threshold(p, threshold) end
  return image.decide(p, { threshold = threshold, low = math.min(self.given.low or threshold, threshold), smallest = self.given.smallest or 0 })
end

--- The probability with which an overlay shows the mask: that of the mask itself where it is more than the pixels above the threshold.
function Way:shown(p, threshold) return self:decides() and self:mask(p, threshold) or p end

--- What of it a protocol says, { tiles =, flips =, ensemble =, hysteresis =, smallest = }, each nil where it is not used.
function Way:facts()
  local g = self.given
  return { tiles = g.tile and ("of %d, overlapping by half and blended"):format(g.tile) or nil,
    flips = #self.turns > 1 and ("mean over %d mirror images and turns"):format(#self.turns) or nil,
    ensemble = #self.members > 1 and ("mean of %d models: %s"):format(#self.members, table.concat(g.with, ", ")) or nil,
    hysteresis = g.low and ("pixels from %g on that are connected to one at the threshold"):format(g.low) or nil,
    smallest = g.smallest and ("regions below %d pixels removed"):format(g.smallest) or nil }
end

--- The same as a part of a file's name, "" where nothing is used. o: the options.
function way.suffix(o)
  local parts = {}
  if o.tile then parts[#parts + 1] = ("-tile_%d"):format(o.tile) end
  if o.flips and o.flips ~= "none" then parts[#parts + 1] = "-" .. o.flips end
  if #(o.with or {}) > 0 then parts[#parts + 1] = "-with_" .. prepared.sha256(table.concat(o.with, "\n")):sub(1, 8) end
  if o.low then parts[#parts + 1] = ("-low_%s"):format((("%.6g"):format(o.low):gsub("%.", "_"))) end
  if o.smallest then parts[#parts + 1] = ("-smallest_%d"):format(o.smallest) end
  return table.concat(parts)
end

--- The way with the defaults of the schema filled in, from options that hold others too.
function way.options(o)
  local own = {}
  for name in pairs(way.schema) do own[name] = o[name] end
  return options.check(own, way.schema, "way")
end

return way
