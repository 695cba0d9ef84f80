--- A folder as nnU-Net has it, as a data set: imagesTr, labelsTr, dataset.json, and where they are there imagesTs, labelsTs and splits_final.json.
--
--   ramus train RECIPE --set data.set=nnUNet_raw/Dataset001_Coronary        the folder's path is the set's name
--   return ra.datasets.nnunet { "nnUNet_raw/Dataset001_Coronary", fold = 2 }  the same in a definition's file
--
-- Labels are those of dataset.json (of nnU-Net v2, or "modality" and turned labels of v1); two are background and foreground. One file a case,
-- CASE_0000, grey or RGB, of any format that is read. Training and validation are a fold of splits_final.json, else shares; the test set is
-- what labelsTs has truth for.
local cjson = require "cjson"
local files = require "ramus.base.files"
local folder = require "ramus.data.folder"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"

local nnunet = {}

local schema = {
  fold = { type = "integer", min = 0, default = 0, help = "fold of splits_final.json, where that file is beside dataset.json" },
  split = folder.schema.split, groups = folder.schema.groups,
}

--- True for a folder of nnU-Net's.
function nnunet.is(path) return files.is_file(path .. "/dataset.json") and files.is_folder(path .. "/imagesTr") end

local function read_json(path)
  local text, err = files.read_text(path)
  if not text then return nil, err end
  local ok, value = pcall(cjson.decode, text)
  if not ok or type(value) ~= "table" then return nil, ("%s: is no JSON object: %s"):format(path, ok and type(value) or value) end
  return value
end

--- The labels of dataset.json: list of { name =, value = } by their numbers, and the number that is ignored; nil and a message.
local function labels_of(json, where)
  local list, ignored = {}, nil
  if type(json.labels) ~= "table" then return nil, where .. ": holds no labels" end
  for name, value in pairs(json.labels) do
    if tonumber(name) and type(value) == "string" then name, value = value, tonumber(name) end -- version 1
    if type(value) == "table" then return nil, ("%s: label '%s' is a region of several; regions are not read"):format(where, name) end
    if type(value) ~= "number" then return nil, ("%s: label '%s' has no number"):format(where, tostring(name)) end
    if name == "ignore" then ignored = value else list[#list + 1] = { name = name, value = value } end
  end
  table.sort(list, function(a, b) return a.value < b.value end)
  if #list < 2 or list[1].value ~= 0 then return nil, where .. ": wants a label 0, the background, and at least one more" end
  return list, ignored
end

--- What dataset.json says: { labels =, ignore =, channels }; nil and a message.
local function facts_of(path)
  local json, err = read_json(path .. "/dataset.json")
  if not json then return nil, err end
  local labels, ignore = labels_of(json, path .. "/dataset.json")
  if not labels then return nil, ignore end
  return { labels = labels, ignore = ignore }
end

--- A message where cases have several files, one a channel.
local function several_channels(path)
  for _, name in ipairs(files.list(path .. "/imagesTr") or {}) do
    if name:find "_000[1-9]%.%w+" then
      return ("%s/imagesTr/%s: a case has one file a channel; a set of Ramus's has one picture a case, grey or RGB"):format(path, name)
    end
  end
end

--- The split that splits_final.json gives, as lists of names; nil where there is no such file; nil and a message.
local function of_fold(path, fold)
  local place = path .. "/splits_final.json"
  if not files.is_file(place) then return nil end
  local json, err = read_json(place)
  if not json then return nil, err end
  local lists = json[fold + 1]
  if type(lists) ~= "table" or type(lists.train) ~= "table" or type(lists.val) ~= "table" then
    return mistake(("%s: has %d folds, fold %d was asked for"):format(place, #json, fold))
  end
  local split = {}
  for _, part in ipairs { "train", "val" } do
    split[part] = {}
    for i, case in ipairs(lists[part]) do split[part][i] = tostring(case) .. "_0000" end
  end
  return split
end

--- The samples of one pair of folders, with what the labels say of masks; nil and a message.
local function pairs_of(path, images, masks, facts, o)
  local samples, err = folder.samples(path, { images = images, masks = masks, classes = #facts.labels > 2 and facts.labels or nil, split = o.split,
    groups = o.groups })
  if not samples then return nil, err end
  for _, s in ipairs(samples) do
    s.id = s.id:gsub("_0000$", "")
    if #facts.labels == 2 then s.values = { [0] = 0, [facts.labels[2].value] = 1 } end
    s.ignore = facts.ignore
  end
  return samples
end

--- The samples of a set; nil and a message.
local function open(path, o)
  local facts, err = facts_of(path)
  err = err or several_channels(path)
  if err then return nil, err end
  local tested = files.is_folder(path .. "/labelsTs") and files.is_folder(path .. "/imagesTs")
  local split, why = o.split, nil
  if not split then split, why = of_fold(path, o.fold) end
  if why then return nil, why end
  local samples
  samples, err = pairs_of(path, "imagesTr", "labelsTr", facts, { split = split or (tested and { train = 7, val = 1 } or "7:1:2"), groups = o.groups })
  if not samples or not tested then return samples, err end
  local test
  test, err = pairs_of(path, "imagesTs", "labelsTs", facts, { split = function() return "test" end })
  if not test then return nil, err end
  for _, s in ipairs(test) do
    s.id = "test/" .. s.id
    samples[#samples + 1] = s
  end
  samples.unmatched = nil -- each of the two has the other's files
  samples.split_source = ("%s; test: imagesTs"):format(type(split) == "table" and ("fold %d of splits_final.json"):format(o.fold) or samples.split_source)
  return samples
end

local DEFINITION = { [1] = { type = "string", name = "folder", required = true, help = "the folder of dataset.json" } }
for _, key in ipairs { "name", "title", "licence", "citation" } do DEFINITION[key] = { type = "string", help = "a fact of the set" } end
for key, entry in pairs(schema) do DEFINITION[key] = entry end
nnunet.definition_schema = DEFINITION

--- The definition of a set. Its options in a recipe are fold, split, groups.
function nnunet.define(given, level)
  local o = options.check(type(given) == "string" and { given } or given, DEFINITION, "datasets.nnunet", (level or 1) + 1)
  local path = o[1]:gsub("(.)/+$", "%1")
  local _, last = files.split(path)
  local json = read_json(path .. "/dataset.json") or {}
  local function said(key) return type(json[key]) == "string" and json[key] ~= "" and json[key] or nil end
  local def = { kind = "nnunet", folder = path, name = o.name or last, title = o.title or said "description" or said "name" or "nnU-Net's " .. last,
    licence = o.licence or said "licence" or said "license", citation = o.citation or said "reference", files = {}, editions = {}, splits = {}, schema = {} }
  for key, entry in pairs(schema) do
    def.schema[key] = options.copy(entry)
    def.schema[key].default = o[key]
  end
  local function place() return def.path and path:sub(1, 1) ~= "/" and files.split(def.path) .. "/" .. path or path end
  function def.classes()
    local facts = facts_of(place())
    return facts and #facts.labels > 2 and facts.labels or nil
  end
  def.open = open
  return def
end

return nnunet
