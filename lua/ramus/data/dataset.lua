--- Data sets: the form of a definition, and opening one. Definitions and places: registry.lua; pairs of files: pairing.lua; divisions:
-- split.lua; prepared folders: prepared.lua. All of their functions are here by name. Which files count: identity.lua.
--
-- A set is a file datasets/NAME.lua that returns a table: facts (name, title, picture, counts, split_source, licence,
-- citation, sources), and
--   files     { { name =, urls = { .. }, bytes =, sha256 =, md5 =, unpack = true, seen =, login = }, .. }  what is downloaded; {} for a made
--             set. Neither sha256 nor md5: none was published, and received.lua pins it. seen: when and by whom a real download was seen, or
--             false. login: what to do where the address wants one, and no download is tried
--   editions  { { name = "full", counts = { train = 40, .. }, files = { { path =, sha256 = }, .. } }, .. }
--   folder    [opt] folder that holds the images: the set is neither fetched nor copied (relative: to the definition's file)
--   schema    [opt] options of the set (see options.lua); variant(o): a word for the folder's name
--   prepare   [opt] function(source, target, o): fills the empty folder target; returns the edition's name and [opt] a list of
--             sentences about what was odd in the source, or nil and a message. Without it the files of the first edition that source
--             holds are copied and checked.
--   open      function(folder, o): the list of samples { id, image, mask, fov, label, split, group, fields, observers }; no side effects.
--             A sample may also say itself how its mask is read; observers: see observers.lua. Samples of one group (a patient, an eye, a
--             film) stay on one side of a division
--   threshold, values, colours, channel, invert, ignore   [opt] how the file of a mask becomes classes, see reading.lua
--   classes   [opt] { { name =, value =, colour = }, .. } of a set with more than two, see classes.lua
--   fields    [opt] { NAME = { kind = "map" }, .. }: fields beyond image, mask and fov, see fields.lua
--   splits    [opt] { NAME = function(samples) return { train =, val =, test = } end }; "usual" goes by sample.split
-- A prepared folder holds prepared.json: set, edition, options and the SHA-256 of every file.
local classes_module = require "ramus.data.classes"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local own_folder = require "ramus.data.folder"
local identity = require "ramus.data.identity"
local mistake = require "ramus.base.mistake"
local observers = require "ramus.data.observers"
local coco = require "ramus.data.coco"
local csv = require "ramus.data.csv"
local film = require "ramus.data.film"
local nnunet = require "ramus.data.nnunet"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local prepared = require "ramus.data.prepared"
local reading = require "ramus.data.reading"
local registry = require "ramus.data.registry"
local split = require "ramus.data.split"
local twice = require "ramus.data.audit.twice"

local dataset = { pair = pairing.pair, split = split.divide, prepare = prepared.make, mark = prepared.mark, verify = prepared.verify, below = prepared.below,
  sha256 = prepared.sha256, sha256_file = prepared.sha256_file }
for name, f in pairs(registry) do dataset[name] = f end

--- The definition of a set of one's own pictures, see folder.lua. (Given a definition: the place of its set, see dataset.place.)
function dataset.folder(given, ...)
  if type(given) == "table" and given.open then return dataset.place(given, ...) end
  return own_folder.define(given, 2)
end

--- The definition of a set that is a list of pairs, see csv.lua.
function dataset.csv(given) return csv.define(given, 2) end

--- The definition of a set in nnU-Net's folder layout, see nnunet.lua.
function dataset.nnunet(given) return nnunet.define(given, 2) end

--- The definition of a set of COCO's annotations, see coco.lua.
function dataset.coco(given) return coco.define(given, 2) end

--- Messages about images that are in two splits, compared by hash, and groups that are.
local function shared_between(parts, sums)
  local entries, warnings = twice.in_order(parts), {}
  for _, list in ipairs { twice.same(entries, "bytes", twice.bytes(sums)), twice.groups(entries) } do
    for _, p in ipairs(list) do if p.across then warnings[#warnings + 1] = twice.text(p) end end
  end
  return warnings
end

--- What is wrong with one sample of a definition; nil where nothing is. seen: the ids before it.
local function wrong_sample(s, i, seen)
  if type(s) ~= "table" or type(s.id) ~= "string" or not fields.source(s, "image") then return ("sample %d lacks an id or an image"):format(i) end
  for _, name in ipairs { "image", "mask", "fov", "label" } do
    local err = type(s[name]) == "table" and film.wrong(s[name].frame)
    if err then return ("image %s: %s: %s"):format(s.id, name, err) end
  end
  if seen[s.id] then return ("two samples have the id '%s'"):format(s.id) end
  if s.group ~= nil and type(s.group) ~= "string" then return ("image %s: group must be a text, got %s"):format(s.id, type(s.group)) end
end

--- Checks all samples; nil and a message that names all that is wrong.
local function check_samples(def, samples)
  local seen, bad = {}, {}
  for i, s in ipairs(samples) do
    local err = wrong_sample(s, i, seen)
    if err then bad[#bad + 1] = err
    else seen[s.id] = true end
  end
  if #bad > 0 then return mistake(("%s: %s"):format(def.name, pairing.some(bad, 10))) end
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
  ok, err = observers.attach(samples, classes, def.name)
  if not ok then return mistake(err) end
  return base, classes or false
end

--- The hashes of the samples' files by path, as the files are now, and the hash of the set; nil and a message that names all files that are
-- missing, or that are not those which were prepared.
local function hashes(def, folder, mark, samples)
  local paths, changed = identity.all_paths(samples), {}
  local sums, err = identity.sums(paths, folder)
  if not sums then return nil, ("%s: %s"):format(def.name, err) end
  for _, path in ipairs(paths) do
    local name = path:sub(#folder + 2)
    local was = mark.files and mark.files[name]
    if was and was ~= sums[path] then changed[#changed + 1] = name end
  end
  if #changed > 0 then
    return nil, ("%s: %s in %s %s changed since the set was prepared: %s; bring the files back with ramus fetch %s --again, or, if the change is meant, "
      .. "copy the folder and name the copy as data set"):format(def.name, #changed == 1 and "1 file" or #changed .. " files", folder,
      #changed == 1 and "has" or "have", pairing.some(changed), def.name)
  end
  return sums, mark.files and identity.hash(mark.files) or identity.hash(sums, folder)
end

--- The command that brings a set, with the options that it was asked for with.
local function fetch_command(name, given)
  local words = { "ramus fetch " .. name }
  for _, key in ipairs(options.names(given or {})) do words[#words + 1] = ("--set %s=%s"):format(key, tostring(given[key])) end
  return table.concat(words, " ")
end

--- The mark of a set that exists, checked against what was asked for (given, as dataset.open takes it); nil and a message.
local function mark_of(def, folder, name, given)
  local edition = given.edition
  local mark = not def.folder and prepared.mark(folder) or { edition = "in place" }
  if def.folder and not files.is_folder(folder) then return nil, ("data set %s: there is no folder %s"):format(def.name, folder) end
  if not def.folder and not mark.files then
    return nil, ("data set %s is not in %s; run: %s"):format(def.name, folder, fetch_command(name, given.options))
  end
  if edition and edition ~= mark.edition then
    return nil, ("%s: edition %s was asked for, %s holds edition %s"):format(def.name, edition, folder, mark.edition)
  end
  return mark
end

--- The checked samples of a definition, and paths of files that it does not use; nil and a message.
local function samples_of(def, folder, o)
  pairing.watch()
  local samples, err = def.open(folder, o)
  local unmatched = pairing.unmatched()
  if not samples then return nil, err end
  local good
  good, err = check_samples(def, samples)
  if not good then return nil, err end
  return samples, samples.unmatched or unmatched
end

--- Whether the folder of a set in place holds the set: counts of its samples by split, or in all; nil and a message.
function dataset.in_place(def, folder, o)
  if not files.is_folder(folder) then return nil, ("data set %s: there is no folder %s"):format(def.name, folder) end
  local samples, err = samples_of(def, folder, o)
  if not samples then return nil, err end
  local parts = split.named(def, samples, "usual")
  local counts = {}
  for part, list in pairs(parts or { all = samples }) do counts[part] = #list end
  return counts
end

local function below(folder, list)
  local names = {}
  for i, path in ipairs(list) do names[i] = path:sub(1, #folder + 1) == folder .. "/" and path:sub(#folder + 2) or path end
  return names
end

--- A line about pairs that lie in no split: beside the folders train, val and test, or in none of the lists that are given; or nil.
local function in_no_split(folder, list)
  if not list or #list == 0 then return nil end
  local one = #list == 1
  return ("%d pair%s of %s %s in no split (by folders train, val, test, or by lists) and %s not used: %s"):format(#list, one and "" or "s", folder,
    one and "is" or "are", one and "is" or "are", pairing.some(below(folder, list), 8))
end

--- A line about the files that a set in place does not use, or nil.
local function unused(def, folder, list)
  if not def.folder or #list == 0 then return nil end
  local names = below(folder, list)
  local one = #list == 1
  local why = def.kind == "folder" and (one and "belongs to no pair" or "belong to no pair") or (one and "fits no pattern" or "fit no pattern")
  return ("%d file%s of %s %s and %s not used: %s"):format(#list, one and "" or "s", folder, why, one and "is" or "are", pairing.some(names, 8))
end

--- Opens a prepared set. given: root (data root), split ("usual"), edition, options (of the set), base (folder that a relative path of
-- its file is looked for in first), reading (what a recipe says of masks, see reading.lua). Returns { name, title, folder, edition, split,
-- split_source (words), samples, fields = { NAME = { kind = }, .. }, splits = { train =, val =, test = }, counts, warnings, unmatched (paths of
-- files that are not used), sums = { path = SHA-256 } of the samples' files, hash, classes (nil: two), reading }, hash being one SHA-256 over the
-- names and hashes of the files of a fetched set, of the samples' files of a set in place; nil and a message where the set is absent.
function dataset.open(name, given)
  given = given or {}
  local def, err = dataset.find(name, given.base)
  if not def then return nil, err end
  local folder, o = dataset.place(def, given.root, given.options)
  local mark, samples, unmatched, all, sums
  mark, err = mark_of(def, folder, name, given)
  if not mark then return nil, err end
  samples, unmatched = samples_of(def, folder, o)
  if not samples then return nil, unmatched end
  local declared, classes = declare(def, samples, given.reading, o)
  if not declared then return nil, classes end
  all, err = fields.of(samples, def.fields, def.name)
  if not all then return nil, err end
  local division = given.split or "usual"
  local parts, source = split.named(def, samples, division)
  if not parts then return nil, source end
  local hash
  sums, hash = hashes(def, folder, mark, samples)
  if not sums then return nil, hash end
  local counts, warnings = {}, { unused(def, folder, unmatched) }
  warnings[#warnings + 1] = in_no_split(folder, samples.unsplit)
  for _, path in ipairs(samples.unsplit or {}) do unmatched[#unmatched + 1] = path end
  for part, list in pairs(parts) do counts[part] = #list end
  for _, w in ipairs(shared_between(parts, sums)) do warnings[#warnings + 1] = w end
  return { name = def.name, title = def.title, definition = def, folder = folder, edition = mark.edition, split = division, split_source = source,
    samples = samples, fields = all, splits = parts, counts = counts, warnings = warnings, unmatched = unmatched, sums = sums, hash = hash,
    classes = classes or nil, reading = declared }
end

--- A line for each set.
local List = { __tostring = function(list)
  local rows = {}
  for i, d in ipairs(list) do rows[i] = { d.name, d.title } end
  return table.concat(require("ramus.base.show").columns(rows), "\n")
end }

--- ra.datasets(): names and titles.
return setmetatable(dataset, { __call = function()
  local list = setmetatable({}, List)
  for i, name in ipairs(dataset.names()) do
    local def, err = dataset.find(name)
    list[i] = { name = name, title = def and def.title or err, definition = def }
  end
  return list
end })
