--- Data sets: the form of a definition, and opening one. Definitions and places: registry.lua; pairs of files and divisions: split.lua;
-- prepared folders: prepared.lua. All of their functions are here by name.
--
-- A set is a file datasets/NAME.lua that returns a table: facts (name, title, picture, counts, split_source, licence,
-- citation, sources), and
--   files     { { name =, urls = { .. }, bytes =, sha256 =, unpack = true }, .. }  what is downloaded; {} for a made set
--   editions  { { name = "full", counts = { train = 40, .. }, files = { { path =, sha256 = }, .. } }, .. }
--   folder    [opt] folder that holds the images: the set is neither fetched nor copied (relative: to the definition's file)
--   schema    [opt] options of the set (see options.lua); variant(o): a word for the folder's name
--   prepare   [opt] function(source, target, o): fills the empty folder target; returns the edition's name, or nil and
--             a message. Without it the files of the first edition that source holds are copied and checked.
--   open      function(folder, o): the list of samples { id, image, mask, fov, label, split, fields }; no side effects. A sample may also
--             say itself how its mask is read
--   threshold, values, colours, channel, invert, ignore   [opt] how the file of a mask becomes classes, see reading.lua
--   classes   [opt] { { name =, value =, colour = }, .. } of a set with more than two, see classes.lua
--   fields    [opt] { NAME = { kind = "map" }, .. }: fields beyond image, mask and fov, see fields.lua
--   splits    [opt] { NAME = function(samples) return { train =, val =, test = } end }; "usual" goes by sample.split
-- A prepared folder holds prepared.json: set, edition, options and the SHA-256 of every file.
local classes_module = require "ramus.data.classes"
local fields = require "ramus.data.fields"
local mistake = require "ramus.base.mistake"
local prepared = require "ramus.data.prepared"
local reading = require "ramus.data.reading"
local registry = require "ramus.data.registry"
local split = require "ramus.data.split"

local dataset = { pair = split.pair, split = split.divide, prepare = prepared.make, mark = prepared.mark, verify = prepared.verify,
  sha256 = prepared.sha256, sha256_file = prepared.sha256_file }
for name, f in pairs(registry) do dataset[name] = f end

--- A list of messages about images that are in two splits, compared by hash.
local function shared_pictures(parts, mark, folder)
  local first, warnings = {}, {}
  local names = {}
  for name in pairs(parts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, s in ipairs(parts[name]) do
      local source = fields.source(s, "image")
      local sum = source.path and (mark.files[source.path:sub(#folder + 2)] or prepared.sha256_file(source.path))
      if sum and source.frame > 0 then sum = sum .. " frame " .. source.frame end
      local other = sum and first[sum]
      if other and other.split ~= name then
        warnings[#warnings + 1] = ("%s (in %s) and %s (in %s) are the same image: scores on %s are too good")
          :format(other.id, other.split, s.id, name, name)
      elseif sum and not other then
        first[sum] = { split = name, id = s.id }
      end
    end
  end
  return warnings
end

local function check_samples(def, samples)
  local seen = {}
  for i, s in ipairs(samples) do
    if type(s.id) ~= "string" or not fields.source(s, "image") then
      return nil, ("%s: sample %d lacks an id or an image"):format(def.name, i)
    end
    if seen[s.id] then return nil, ("%s: two samples have the id '%s'"):format(def.name, s.id) end
    seen[s.id] = true
  end
  return #samples > 0, def.name .. ": holds no samples"
end

--- Gives every sample the set's classes and what the caller, else the sample, else the set declares of masks. Returns the declaration
-- of the set { values =, .. } with its classes (false where it has none); nil and a message for a wrong one.
local function declare(def, samples, given, o)
  local classes, err = classes_module.of(def, o)
  if err then return mistake(err) end
  local base = reading.over(given or {}, def)
  local ok
  ok, err = reading.rules(base, classes)
  if not ok then return mistake(("%s: %s"):format(def.name, err)) end
  for _, s in ipairs(samples) do
    local merged = reading.over(given or {}, reading.over(s, def))
    for _, key in ipairs(reading.keys) do s[key] = merged[key] end
    s.classes = classes
    if s.range == nil then s.range = def.range end
  end
  return base, classes or false
end

--- Opens a prepared set. given: root (data root), split ("usual"), edition, options (of the set), base (folder that a relative path of
-- its file is looked for in first),
-- reading (what a recipe says of masks, see reading.lua). Returns { name, title, folder, edition, split, split_source (words), samples,
-- fields = { NAME = { kind = }, .. }, splits = { train =, val =, test = }, counts, warnings, hash, classes (nil: two), reading },
-- hash being one SHA-256 over the names and hashes of all its files; nil and a message where the set is absent.
function dataset.open(name, given)
  given = given or {}
  local def, err = dataset.find(name, given.base)
  if not def then return nil, err end
  local folder, o = dataset.folder(def, given.root, given.options)
  local mark
  if def.folder then
    mark, err = prepared.mark_in_place(def, folder)
    if not mark then return nil, err end
  else
    mark = prepared.mark(folder)
  end
  if not mark then
    return nil, ("data set %s is not in %s; run: ramus fetch %s"):format(def.name, folder, name)
  end
  if given.edition and given.edition ~= mark.edition then
    return nil, ("%s: edition %s was asked for, %s holds edition %s"):format(def.name, given.edition, folder, mark.edition)
  end
  local samples
  samples, err = def.open(folder, o)
  if not samples then return nil, err end
  local good
  good, err = check_samples(def, samples)
  if not good then return nil, err end
  local declared, classes = declare(def, samples, given.reading, o)
  if not declared then return nil, classes end
  local all
  all, err = fields.of(samples, def.fields, def.name)
  if not all then return nil, err end
  local division = given.split or "usual"
  local parts, source = split.named(def, samples, division)
  if not parts then return nil, source end
  local counts, lines = {}, {}
  for part, list in pairs(parts) do counts[part] = #list end
  for path, sum in pairs(mark.files) do lines[#lines + 1] = sum .. "  " .. path .. "\n" end
  table.sort(lines)
  return { name = def.name, title = def.title, definition = def, folder = folder, edition = mark.edition, split = division, split_source = source,
    samples = samples, fields = all, splits = parts, counts = counts, warnings = shared_pictures(parts, mark, folder),
    hash = prepared.sha256(table.concat(lines)), classes = classes or nil, reading = declared }
end

--- ra.datasets(): names and titles.
return setmetatable(dataset, { __call = function()
  local list = {}
  for i, name in ipairs(dataset.names()) do
    local def, err = dataset.find(name)
    list[i] = { name = name, title = def and def.title or err, definition = def }
  end
  return list
end })
