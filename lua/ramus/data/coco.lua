--- Annotations of COCO's JSON as a data set: polygons and run lengths become label maps when the set is prepared.
--
--   ramus train RECIPE --set data.set=scans/annotations.json            the file's path is the set's name
--   return ra.datasets.coco { "annotations.json", images = "png" }      the same in a definition's file
--   return ra.datasets.coco { { train = "train.json", test = "test.json" }, labels = "union" }
--
-- Paths are relative to the definition's file, images to the annotations'. Each category is a class, in the order of their ids; with
-- labels = "union", or one category, there are background and foreground. A picture without annotations is all background. The prepared set lies
-- in the data root with copies of the pictures; other annotations (by their bytes) make another one.
local class_image = require "ramus.data.image.class_image"
local classes = require "ramus.data.classes"
local files = require "ramus.base.files"
local folder = require "ramus.data.folder"
local identity = require "ramus.data.identity"
local image = require "ramus.data.image"
local options = require "ramus.base.options"
local polygons = require "ramus.data.polygons"
local prepared = require "ramus.data.prepared"

local coco = {}

local PARTS = { "train", "val", "test" }

local schema = {
  labels = { type = "string", default = "categories", one_of = { "categories", "union" }, help = "categories: a class each; union: annotated or not" },
  split = { type = "string|table", help = "\"7:1:2 seed 5\", or { train = LIST, test = LIST } of names; unless given the files' own, else 7:1:2" },
  groups = { type = "string|table", check = options.pattern, help = "what stays on one side: a Lua pattern that captures it of the id, or { [id] = group }" },
}

--- Places where a file's pictures usually lie, by the folder and name of the annotations: "instances_train.json" has them in train/.
local function places(path, given)
  local where, _, stem = files.split(path)
  if given then return { given:sub(1, 1) == "/" and given or where .. "/" .. given } end
  local list = {}
  for _, base in ipairs { where, where .. "/.." } do
    for _, name in ipairs { "", "/images", "/" .. stem, "/" .. (stem:match "_([^_]+)$" or stem) } do list[#list + 1] = base .. name end
  end
  return list
end

--- The folder that has the first pictures; nil and a message.
local function folder_of(path, given, pictures)
  for _, place in ipairs(places(path, given)) do
    for i = 1, math.min(3, #pictures) do
      if files.is_file(place .. "/" .. pictures[i].name) then return place end
    end
  end
  return nil, ("%s: its pictures (%s, ..) are not in %s; say where: images = \"FOLDER\""):format(path, pictures[1].name,
    table.concat(places(path, given), ", "))
end

--- Paths of those pictures of an annotation file that are there.
local function present(path, given, list)
  local place, found = folder_of(path, given, list), {}
  for _, p in ipairs(place and list or {}) do
    local from = place .. "/" .. p.name
    if files.is_file(from) then found[#found + 1] = from end
  end
  return found
end

--- The classes of categories, background first, and class by category id; nil and a message.
local function classes_of(categories, path)
  local ids, list, by_id = {}, { { name = "background", value = 0 } }, {}
  for id in pairs(categories) do ids[#ids + 1] = id end
  table.sort(ids)
  for k, id in ipairs(ids) do list[k + 1], by_id[id] = { name = categories[id], value = k }, k end
  if #ids == 0 then return nil, path .. ": names no categories" end
  local ok, err = classes.check(list, path)
  if not ok then return nil, err end
  return list, by_id
end

--- One picture and its label map into the prepared folder; nil and a message.
local function bring(p, from, target, list, by_id)
  local info, err = image.info(from)
  if not info then return nil, err end
  if (p.height or info.height) ~= info.height or (p.width or info.width) ~= info.width then
    return nil, ("%s is %dx%d, its annotation says %sx%s"):format(from, info.width, info.height, tostring(p.width), tostring(p.height))
  end
  local shapes = {}
  for i, shape in ipairs(p.polygons) do
    local class = by_id[shape.class]
    if not class then return nil, ("%s: an annotation has the category %d, which is not among the categories"):format(p.name, shape.class) end
    shapes[i] = { class = class, points = shape.points, runs = shape.runs }
  end
  local labels
  labels, err = polygons.draw(shapes, info.height, info.width)
  if not labels then return nil, ("%s: %s"):format(p.name, err) end
  local ok
  ok, err = files.copy(from, target .. "/images/" .. p.name)
  if not ok then return nil, err end
  return class_image.save(("%s/masks/%s.png"):format(target, p.name:match "^(.+)%.[^.]*$" or p.name), labels, assert(classes.check(list)))
end

--- The pictures of one file; nil and a message. notes grows.
local function prepare_file(path, images, target, notes)
  local read, err = polygons.coco(path)
  if not read then return nil, err end
  if #read.pictures == 0 then return nil, path .. ": holds no images" end
  local list, by_id = classes_of(read.categories, path)
  if not list then return nil, by_id end
  local place, ok
  place, err = folder_of(path, images, read.pictures)
  if not place then return nil, err end
  for _, sub in ipairs { "/images", "/masks" } do
    ok, err = files.make_folder(target .. sub)
    if not ok then return nil, err end
  end
  local absent = 0
  for _, p in ipairs(read.pictures) do
    local from = place .. "/" .. p.name
    if files.is_file(from) then ok, err = bring(p, from, target, list, by_id) else absent = absent + 1 end
    if not ok then return nil, ("%s: %s"):format(path, err) end
  end
  for _, note in ipairs(read.notes) do notes[#notes + 1] = note end
  if absent > 0 then notes[#notes + 1] = ("%d annotated pictures are absent"):format(absent) end
  return true
end

local DEFINITION = { [1] = { type = "string|table", name = "annotations", required = true, help = "a JSON file, or { train =, val =, test = } of them" },
  images = { type = "string", help = "folder of the pictures, relative to the annotations; the usual places are looked at unless given" } }
for _, key in ipairs { "name", "title", "licence", "citation" } do DEFINITION[key] = { type = "string", help = "a fact of the set" } end
for key, entry in pairs(schema) do DEFINITION[key] = entry end
coco.definition_schema = DEFINITION

--- The annotation files by split ("" for one of all), with their paths: { { part, path }, .. }. def: relative paths are beside its file.
local function lists_of(o, def)
  local function whole(path) return def.path and path:sub(1, 1) ~= "/" and files.split(def.path) .. "/" .. path or path end
  if type(o[1]) == "string" then return { { "", whole(o[1]) } } end
  local list = {}
  for _, part in ipairs(PARTS) do if o[1][part] then list[#list + 1] = { part, whole(o[1][part]) } end end
  return list
end

--- A message where the table of annotations is none.
local function wrong_lists(lists)
  for part, path in pairs(type(lists) == "table" and lists or {}) do
    if not (part == "train" or part == "val" or part == "test") or type(path) ~= "string" then
      return ("datasets.coco: annotations are a path or { train =, val =, test = } of paths, given %s = %s"):format(tostring(part), options.show(path))
    end
  end
  if type(lists) == "table" and not next(lists) then return "datasets.coco: no annotations are given" end
end

--- What tells a set from others: its annotations and the pictures that are there. pictures: paths by annotation file, which grows.
local function key_of(lists, given, pictures)
  local sums = {}
  for _, entry in ipairs(lists) do
    local path = entry[2]
    local read = not pictures[path] and polygons.coco(path)
    if not pictures[path] then pictures[path] = read and present(path, given, read.pictures) or {} end
    sums[#sums + 1] = prepared.sha256_file(path) or "absent"
    local known = identity.sums(pictures[path], path) or {}
    for _, from in ipairs(pictures[path]) do sums[#sums + 1] = known[from] end
  end
  return prepared.sha256(table.concat(sums)):sub(1, 12)
end

--- The definition of a set. Its options in a recipe are labels, split, groups.
function coco.define(given, level)
  local o = options.check(type(given) == "string" and { given } or given, DEFINITION, "datasets.coco", (level or 1) + 1)
  local wrong = wrong_lists(o[1])
  if wrong then error(wrong, (level or 1) + 1) end
  local first = type(o[1]) == "string" and o[1] or o[1].train or o[1].val or o[1].test
  local _, _, stem = files.split(first)
  local def = { kind = "coco", name = o.name or "coco-" .. stem:gsub("[^%w_%-]", "_"), title = o.title or "COCO annotations " .. first, licence = o.licence,
    citation = o.citation, files = {}, editions = {}, splits = {}, schema = {} }
  for key, entry in pairs(schema) do
    def.schema[key] = options.copy(entry)
    def.schema[key].default = o[key]
  end
  local known, pictures = nil, {} -- read once
  local function categories()
    if known == nil then
      local read = polygons.coco(lists_of(o, def)[1][2])
      known = read and classes_of(read.categories, "coco") or false
    end
    return known
  end
  function def.classes(own)
    local list = own.labels ~= "union" and categories()
    return list and #list > 2 and list or nil
  end
  function def.variant()
    return key_of(lists_of(o, def), o.images, pictures)
  end
  function def.prepare(_, target)
    local notes = {}
    for _, entry in ipairs(lists_of(o, def)) do
      local ok, err = prepare_file(entry[2], o.images, entry[1] == "" and target or target .. "/" .. entry[1], notes)
      if not ok then return nil, err end
    end
    return "full", notes
  end
  function def.open(place, own)
    local samples, err = folder.samples(place, { split = own.split, groups = own.groups, classes = def.classes(own) })
    if not samples then return nil, err end
    for _, s in ipairs(samples) do
      if not def.classes(own) then s.values = { [0] = 0, { 1, 255, 1 } } end
    end
    return samples
  end
  return def
end

return coco
