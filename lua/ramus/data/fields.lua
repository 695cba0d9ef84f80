--- Fields of a sample: an image and what belongs to its pixels.
--
--   { id =, image =, mask =, fov =, fields = { weight = "w.npy", tissue = { path = "t.png", kind = "label" } } }
--
-- A field has a name, a kind (image, mask, label, map) that decides how it is decoded, resized, warped and padded, and in
-- every sample a source: a path, a tensor, or { path =, frame =, threshold =, values =, .. } (see reading.lua). image, mask and fov are
-- known; a data set declares others as fields = { weight = { kind = "map" } }, or a sample's source says kind.
-- In a set with classes the field `label` holds the class numbers and `mask` is 1 where they are not 0, both from the sample's label or
-- mask; where values are ignored, `valid` is 1 where the truth is known.
local ffi = require "ramus.base.ffi"
local film = require "ramus.data.film"
local options = require "ramus.base.options"
local reading = require "ramus.data.reading"
local talk = require "ramus.base.talk"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local fields = {}

local NAN = 0 / 0

fields.kinds = { image = C.RA_FIELD_IMAGE, mask = C.RA_FIELD_MASK, label = C.RA_FIELD_LABEL, map = C.RA_FIELD_MAP }

--- Schema of a field that a data set declares.
fields.schema = {
  kind = { type = "string", required = true, one_of = { "image", "mask", "label", "map" },
    help = "image and map are bilinear, a mask is bilinear and 1 at or above one half, a label keeps whole numbers (nearest)" },
  channels = { type = "integer", default = 1, min = 1, max = 64, help = "of kind map; image: 1 or 3" },
  absent = { type = "number", help = "value of samples that have no such field; without it, asking for one is an error" },
  outside = { type = "number", help = "value where augmentation looks beyond the image; without it as the border of data.augment" },
}

--- Schema of the source of a sample's field.
fields.source_schema = {
  path = { type = "string", help = "file" },
  tensor = { type = "cdata", help = "or values in memory, [H,W] or [C,H,W]" },
  kind = { type = "string", one_of = { "image", "mask", "label", "map" }, help = "where the data set does not declare it" },
  frame = { type = "integer|string", min = 0, default = 0, help = "of a file with several, from 0; or \"best\", that with the most contrast agent" },
}
for key, entry in pairs(reading.schema) do fields.source_schema[key] = entry end

--- The fields that every sample may have.
fields.known = {
  image = { kind = "image", channels = 1 },
  mask = { kind = "mask", channels = 1 },
  fov = { kind = "mask", channels = 1, absent = 1, outside = 0 },
  label = { kind = "label", channels = 1 },
  valid = { kind = "mask", channels = 1, absent = 1 },
}
local TRUTH = { mask = true, label = true, valid = true }

--- A source as a table, from a path, a tensor or a table.
local function table_of(given)
  if type(given) == "string" then return { path = given } end
  if tensor.is(given) then return { tensor = given } end
  return given
end

--- What a sample gives for a field, as a table, or nil. In a set with classes mask and label are one.
local function given_for(sample, name)
  local more = sample.fields or {}
  local given
  if sample.classes and TRUTH[name] then given = sample.label or more.label or sample.mask
  elseif name == "valid" then given = more.valid or sample.mask
  elseif fields.known[name] then given = sample[name] end
  if given == nil then given = more[name] end
  if given == nil or given == false then return nil end
  return table_of(given)
end

--- The source of a sample's field as a table, or nil where it has none: path or tensor, kind, frame, range, and how a mask or
-- label is read: what it declares itself, else (the truth's) what the sample does, else the threshold that was found (verdict.lua).
function fields.source(sample, name)
  local s = given_for(sample, name)
  if not s then return nil end
  local truth = TRUTH[name] and (name ~= "label" or sample.classes)
  local source = reading.over(s, truth and sample or {})
  source.path, source.tensor, source.kind, source.frame = s.path, s.tensor, s.kind, s.frame or name == "image" and sample.frame or 0
  source.frame_given = s.frame ~= nil or (name == "image" and sample.frame ~= nil)
  source.range = s.range or name == "image" and (sample.range or sample.found_range) or nil
  source.classes = truth and sample.classes or nil
  if not reading.declares(source) and sample.found then source.threshold = sample.found[name == "valid" and "mask" or name] end
  return source
end

--- All fields of a list of samples, { NAME = { kind =, channels =, absent =, outside = } }: the known ones that a sample has (fov
-- always), those that the data set declares, and those whose sources say their kind. nil and a message for a wrong one.
function fields.of(samples, declared, where)
  local all = { fov = fields.known.fov }
  for name, given in pairs(declared or {}) do
    local entry, err = options.validate(given, fields.schema, ("%s: field %s"):format(where, name))
    if not entry then return nil, err end
    all[name] = entry
  end
  for _, s in ipairs(samples) do
    for _, name in ipairs { "image", "mask", "label" } do
      if given_for(s, name) and (name ~= "label" or s.label or s.classes) then all[name] = all[name] or fields.known[name] end
    end
    if s.ignore ~= nil and given_for(s, "mask") then all.valid = all.valid or fields.known.valid end
    for name, given in pairs(s.fields or {}) do
      local what = ("%s: field %s of sample %s"):format(where, name, s.id)
      local source, err = options.validate(table_of(given), fields.source_schema, what)
      if not source then return nil, err end
      if not source.path and not source.tensor then return nil, what .. " has no path" end
      if film.wrong(source.frame) then return nil, what .. ": " .. film.wrong(source.frame) end
      local kind = all[name] and all[name].kind or source.kind
      if not kind then
        return nil, ("%s has no kind; the data set declares it: fields = { %s = { kind = \"map\" } } (or image, mask, label)"):format(what, name)
      end
      if source.kind and source.kind ~= kind then return nil, ("%s is of kind %s, elsewhere it is %s"):format(what, source.kind, kind) end
      all[name] = all[name] or { kind = kind, channels = 1 }
    end
  end
  return all
end

--- Names of a table of fields, image first, then mask, label and fov, then the others in alphabetical order.
function fields.names(all)
  local names, first = {}, { "image", "mask", "label", "fov", "valid" }
  for name in pairs(all) do if not fields.known[name] then names[#names + 1] = name end end
  table.sort(names)
  for i = #first, 1, -1 do if all[first[i]] then table.insert(names, 1, first[i]) end end
  return names
end

--- Checked entries { name =, kind =, channels =, absent =, outside = } from names or such entries; an error at `level` for wrong ones.
-- all: the data set's fields; channels: of the image.
function fields.list(given, all, channels, level)
  local list = {}
  for i, f in ipairs(given) do
    local name = type(f) == "table" and f.name or f
    local entry = type(f) == "table" and f or all[name]
    if type(name) ~= "string" then error(("fields: entry %d wants a name, got %s"):format(i, options.show(name)), level + 1) end
    if not entry then error(options.unknown("field", name, fields.names(all)), level + 1) end
    if not fields.kinds[entry.kind] then
      error(("field %s: %s"):format(name, options.unknown("kind", tostring(entry.kind), fields.schema.kind.one_of)), level + 1)
    end
    list[i] = { name = name, kind = entry.kind, channels = name == "image" and channels or entry.channels or 1,
      absent = entry.absent, outside = entry.outside }
  end
  return list
end

--- A list of fields as the core's array, which points to the names in the list.
function fields.array(list)
  local array = ffi.new("ra_field[?]", math.max(1, #list))
  for i, f in ipairs(list) do
    local a = array[i - 1]
    a.name, a.kind, a.channels, a.absent, a.outside = f.name, fields.kinds[f.kind], f.channels, f.absent or NAN, f.outside or NAN
  end
  return array
end

--- Rules { low, high, class } as the core's array.
local function rule_array(list)
  local rules = ffi.new("ra_value_rule[?]", math.max(1, #list))
  for i, r in ipairs(list) do rules[i - 1].low, rules[i - 1].high, rules[i - 1].becomes = r[1], r[2], r[3] end
  return rules
end

--- A sample's sources for a list of fields as the core's array, and the rules that it points to (the caller keeps
-- them until the core has copied all); nil and a message.
function fields.sources(sample, list)
  local array, held = ffi.new("ra_source[?]", math.max(1, #list)), {}
  for i, f in ipairs(list) do
    local s, a = fields.source(sample, f.name), array[i - 1]
    a.threshold, a.range[0], a.range[1] = NAN, NAN, NAN
    if s then
      if s.path then talk.detail("sample %s, %s: %s", sample.id, f.name, s.path) end
      local r, err = reading.rules(s, s.classes)
      if r and f.name == "valid" then r = reading.valid_rules(r) end
      if not r then return nil, ("sample %s, field %s: %s"):format(sample.id, f.name, err) end
      a.path, a.tensor, a.frame = s.path, s.tensor, film.frame(s)
      a.threshold, a.channel, a.invert, a.key = r.threshold or NAN, r.channel, r.invert, r.key
      a.automatic = s.range == "auto"
      if type(s.range) == "table" then a.range[0], a.range[1] = s.range[1], s.range[2] end
      if #r.rules > 0 then
        held[#held + 1] = rule_array(r.rules)
        a.rule, a.rules = held[#held], #r.rules
      end
    end
  end
  return array, held
end

return fields
