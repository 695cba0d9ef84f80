--- Anyone's own pictures as a data set: ra.datasets.folder { "mine" }, or a folder's path where a data set's name is wanted.
--
--   return ra.datasets.folder { "mine" }                                              the usual layouts are found by their names
--   return ra.datasets.folder { "mine", images = "scans/*.jpg", masks = "gt/*_gt.png", split = "8:1:1 seed 5", groups = "^(%d+)_" }
--
-- Paths are relative to the folder ("." unless given), which is relative to the definition's file. What names say: layout.lua; which mask
-- belongs to which image: matching.lua. Also takes name, title, licence, citation, and what is declared of masks (reading.lua).
local fields = require "ramus.data.fields"
local film = require "ramus.data.film"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local layout = require "ramus.data.folder.layout"
local matching = require "ramus.data.folder.matching"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local parts = require "ramus.data.folder.split"
local several = require "ramus.data.folder.several"
local reading = require "ramus.data.reading"

local folder = {}

local WHERE = "a folder, or a folder and a name with one star, as \"scans/*.jpg\""
local schema = {
  images = { type = "string", help = WHERE .. "; found by their names unless given" },
  masks = { type = "string", help = WHERE .. "; found by their names unless given" },
  fov = { type = "string", help = "fields of view: " .. WHERE },
  split = { type = "string|table|function", help = "\"7:1:2 seed 5\"; { train = LIST, test = LIST } of names, or a text file's path; a function of the id; "
    .. "unless given the folders train, val, test, else 7:1:2" },
  groups = { type = "string|table|function", check = options.pattern, help = "what stays on one side: a Lua pattern that captures it of the id, "
    .. "\"folder\", { [id] = group }, or a function of the id" },
  frame = { type = "integer|string", min = 0, help = "frame of films: a number from 0, or \"best\", that with the most contrast agent",
    check = function(v)
      local wrong = film.wrong(v)
      return not wrong and v or nil, wrong
    end },
  classes = { type = "table", help = "of a set with more than two: { { name =, value =, colour = }, .. }, the background first" },
}
folder.schema = schema

-- ---- files that the caller names ----

--- The files of one of images, masks, fov as the caller gives it, the star's text as their stem; nil and a message.
local function named_files(root, what, text)
  local path = text:sub(1, 1) == "/" and text or root .. "/" .. text
  if files.is_folder(path) then return layout.walk((path:gsub("(.)/+$", "%1")), { roles = false }) end
  local where, name = files.split(path)
  local before, behind = name:match("^([^*]*)%*([^*]*)$")
  if not before then return mistake(("%s = '%s': no such folder in %s; wants %s"):format(what, text, root, WHERE)) end
  if not files.is_folder(where) then return mistake(("%s = '%s': there is no folder %s"):format(what, text, where)) end
  local whole = behind:find(".", 1, true) ~= nil -- the ending is given too
  local list, err = layout.walk(where, { roles = false, any = whole })
  if not list then return nil, err end
  local kept = {}
  local pattern = "^" .. before:gsub("%W", "%%%0") .. "(.+)" .. behind:gsub("%W", "%%%0") .. "$"
  for _, f in ipairs(list) do
    f.stem = pairing.capture(whole and f.name or f.stem, pattern)
    if f.stem then kept[#kept + 1] = f end
  end
  return kept
end

-- ---- files that are found by their names ----

--- The files of the folders that say a role; of several such folders that of plain words ("images" before "images_512"). nil and a message.
local function of_role(list, role)
  local by, names = {}, {}
  for _, f in ipairs(list) do
    if f.role == role then
      if not by[f.folder] then
        by[f.folder] = { said = f.said }
        names[#names + 1] = f.folder
      end
      table.insert(by[f.folder], f)
    end
  end
  if #names <= 1 then return by[names[1]] or {} end
  local exact = {}
  for _, name in ipairs(names) do if by[name].said.exact then exact[#exact + 1] = name end end
  if #exact == 1 then return by[exact[1]] end
  local key = role == "image" and "images" or role == "mask" and "masks" or "fov"
  return mistake(("both %s/ and %s/ look like the folder of %s: say which, as %s = \"%s\""):format(names[1], names[2], key, key, names[1]))
end

--- The images, masks, observers and fields of view of one split; nil and a message.
local function roles_of(list)
  local found = {}
  for _, role in ipairs { "image", "mask", "observer", "fov" } do
    local taken, err = of_role(list, role)
    if not taken then return nil, err end
    found[role] = taken
  end
  local loose = {}
  for _, f in ipairs(list) do if not f.role then loose[#loose + 1] = f end end
  if #found.image == 0 then found.image = loose end
  if #found.mask > 0 then return found end
  -- no folder of masks: names say it
  local all = found.image
  found.image = {}
  layout.sort(all, found)
  return found
end

--- The lists of files by split, { [""] or train =, .. = { image =, mask =, .. } }; nil and a message.
local function by_split(root, o)
  local lists, order = {}, {}
  local function add(role, f)
    local s = f.split or ""
    if not lists[s] then
      lists[s] = { image = {}, mask = {}, observer = {}, fov = {} }
      order[#order + 1] = s
    end
    table.insert(role and lists[s][role] or lists[s], f)
  end
  local given, taken = { image = o.images, mask = o.masks, fov = o.fov }, {}
  local found, err = layout.walk(root)
  if not found then return nil, err end
  for role, text in pairs(given) do
    local list
    list, err = named_files(root, role == "fov" and "fov" or role .. "s", text)
    if not list then return nil, err end
    for _, f in ipairs(list) do
      add(role, f)
      taken[f.path] = true
    end
  end
  layout.settle(found)
  for _, f in ipairs(found) do if not taken[f.path] then add(nil, f) end end
  for _, s in ipairs(order) do
    local own
    own, err = roles_of(lists[s])
    if not own then return nil, err end
    for role in pairs(own) do
      if not given[role] then lists[s][role] = own[role] end
    end
  end
  return lists, order, found
end

-- ---- samples ----

--- The samples of one split's lists, appended; marks used files in `used`. Observers are of sets with two classes. A message where images have
-- several masks.
local function pair(root, lists, split, into, used, o)
  local masks = matching.match(lists.image, lists.mask)
  local wrong = several.check(root, lists.image, lists.mask, masks)
  if wrong then return wrong end
  local fovs, second = matching.match(lists.image, lists.fov), matching.match(lists.image, lists.observer)
  local bare = #lists.mask == 0 and split ~= "" -- the truth of a test split is often kept back
  for _, f in ipairs(lists.image) do
    local mask = masks[f]
    if mask or bare then
      local s = { id = matching.id(f), image = f.path, mask = mask and mask.path, fov = fovs[f] and fovs[f].path, split = split ~= "" and split or nil }
      if second[f] and not o.classes then s.observers = { { name = "second observer", mask = second[f].path } } end
      into[#into + 1], s.file = s, f
      for _, g in ipairs { f, mask or f, fovs[f] or f, second[f] or f } do used[g.path] = true end
    end
  end
end

--- "images, image, img, ..": the words of a role, for a message.
local function some_words(role)
  local list = {}
  for word in layout.words[role]:gmatch("%S+") do if #list < 7 then list[#list + 1] = word end end
  return table.concat(list, ", ")
end

--- The message where nothing fits together: what was looked for, and what is there.
local function nothing(root, o, found)
  local looked
  if o.images or o.masks then
    looked = ("images %s and masks %s"):format(o.images and "'" .. o.images .. "'" or "by their names", o.masks and "'" .. o.masks .. "'" or "by their names")
  else
    looked = ("a folder of images (%s, ..) beside one of masks (%s, ..), or 7.png beside 7_mask.png, also below train, val and test"):format(
      some_words "image", some_words "mask")
  end
  local names = {}
  for i, f in ipairs(found) do names[i] = f.path:sub(#root + 2) end
  local entries = #names == 0 and files.list(root) or {}
  if #names + #entries == 0 then return nil, ("%s: no image has a mask, for the folder holds nothing; wanted %s"):format(root, looked) end
  return mistake(("%s: no image has a mask. Looked for %s; %s: %s. Name them: images = \"scans/*.jpg\", masks = \"gt/*_gt.png\" (in a recipe "
    .. "data.options.images and data.options.masks)"):format(root, looked, #names > 0 and ("it holds %d picture%s"):format(#names, #names == 1 and "" or "s")
    or "it holds no pictures, but", #names + #entries > 0 and pairing.some(#names > 0 and names or entries, 6) or "nothing"))
end

--- The samples of a folder; nil and a message. o: checked options.
function folder.samples(root, o)
  local lists, order, found = by_split(root, o)
  if not lists then return nil, order end
  local samples, used, n = {}, {}, 0
  local has_splits = #order > 1 or order[1] ~= ""
  for _, s in ipairs(order) do
    local wrong = not (has_splits and s == "") and pair(root, lists[s], s, samples, used, o)
    if wrong then return nil, wrong end
  end
  for _, s in ipairs(samples) do if s.mask then n = n + 1 end end
  if n == 0 and has_splits and lists[""] then -- folders of the names of splits beside a set that needs none
    samples, used = {}, {}
    local wrong = pair(root, lists[""], "", samples, used, o)
    if wrong then return nil, wrong end
    for _, s in ipairs(samples) do if s.mask then n = n + 1 end end
  end
  if n == 0 then return nothing(root, o, found) end
  for _, s in ipairs(samples) do s.frame = o.frame end
  samples.unmatched, samples.unsplit = {}, {}
  for image_of, mask in pairs(has_splits and lists[""] and matching.match(lists[""].image, lists[""].mask) or {}) do
    if not used[image_of.path] then
      used[image_of.path], used[mask.path] = true, true
      table.insert(samples.unsplit, image_of.path)
    end
  end
  table.sort(samples.unsplit, pairing.natural)
  for _, f in ipairs(found) do -- what Ramus wrote says so
    if not used[f.path] and not (image.mark(f.path) or ""):find("^[Rr]amus") then table.insert(samples.unmatched, f.path) end
  end
  return parts.assign(samples, root, o)
end

--- The only folder in a folder without pictures (what a zip unpacks to), as often as there is one; else the folder itself.
local function inner(root)
  for _ = 1, 3 do
    local names, sub, pictures = files.list(root) or {}, {}, false
    for _, name in ipairs(names) do
      if name:sub(-1) == "/" and not pairing.is_system(name) then sub[#sub + 1] = name:sub(1, -2)
      elseif layout.is_picture(name) then pictures = true end
    end
    if pictures or #sub ~= 1 or layout.folder(sub[1]) then break end
    root = root .. "/" .. sub[1]
  end
  return root
end

-- ---- definitions ----

local DEFINITION = { [1] = { type = "string", name = "folder", default = ".", help = "the folder, relative to the definition's file" } }
for _, key in ipairs { "name", "title", "licence", "citation", "picture" } do DEFINITION[key] = { type = "string", help = "a fact of the set" } end
for key, entry in pairs(schema) do DEFINITION[key] = entry end
for key, entry in pairs(reading.schema) do DEFINITION[key] = entry end
DEFINITION.range = fields.source_schema.range
folder.definition_schema = DEFINITION

--- The definition of a set of a folder's pictures. Its options in a recipe (data.options) are images, masks, fov, split, groups, classes.
function folder.define(given, level)
  local o = options.check(type(given) == "string" and { given } or given, DEFINITION, "datasets.folder", (level or 1) + 1)
  local path = o[1]:gsub("(.)/+$", "%1")
  local _, last = files.split(files.absolute(path) or path)
  local def = { kind = "folder", folder = path, title = o.title or ("images of " .. path), name = o.name or (last:find("[^./]") and last or "images"),
    files = {}, editions = {}, splits = {}, schema = {} }
  for _, key in ipairs { "licence", "citation", "picture", "range" } do def[key] = o[key] end
  for _, key in ipairs(reading.keys) do def[key] = o[key] end
  for key, entry in pairs(schema) do
    def.schema[key] = {}
    for k, v in pairs(entry) do def.schema[key][k] = v end
    def.schema[key].default = o[key]
  end
  function def.classes(own) return own.classes end
  function def.open(root, own) return folder.samples(own.images and root or inner(root), own) end
  return def
end

return folder
