--- Files of a folder that belong together: paired by the id that a pattern captures of each name, never by sort order.
--
-- An ending is an ending in upper and lower case: "^(%d+)%.png$" takes 7.PNG too. What systems leave in folders (hidden files, Thumbs.db,
-- desktop.ini, __MACOSX) is never a picture. Files that no pattern takes are kept in mind while a set is opened (watch, unmatched).
local files = require "ramus.base.files"
local options = require "ramus.base.options"

local pairing = {}

local SYSTEM = { ["thumbs.db"] = true, ["ehthumbs.db"] = true, ["desktop.ini"] = true, ["__macosx"] = true, ["@eadir"] = true,
  ["$recycle.bin"] = true, ["lost+found"] = true, ["icon\r"] = true }

local TEXT = {}
for ending in ("txt md rst csv tsv json jsonl xml yaml yml ini cfg log lua py ipynb m r sh pdf html htm doc docx xls xlsx odt ods "
  .. "zip tar gz tgz 7z rar sha256 md5 part bak tmp lnk url safetensors pt pth onnx mat"):gmatch("%S+") do TEXT[ending] = true end

--- True for the name of a file or folder (that of a folder may end in '/') that systems leave behind.
function pairing.is_system(name)
  name = name:gsub("/$", "")
  return name:sub(1, 1) == "." or SYSTEM[name:lower()] or false
end

--- True if a name's ending says that the file is text, an archive or a program's data rather than a picture.
function pairing.is_text(name)
  local ending = name:lower():match("%.(%w+)$")
  return ending ~= nil and TEXT[ending] == true and not name:lower():find("%.nii%.gz$") and not name:lower():find("%.p[gpbn]m%.gz$")
end

--- What a pattern captures of a name whose ending may be in upper or lower case; nil where it does not match.
function pairing.capture(name, pattern)
  local id = name:match(pattern)
  if id then return id end
  local stem, ending = name:match("^(.-)(%.%w+%.[gG][zZ])$")
  if not stem then stem, ending = name:match("^(.*)(%.%w+)$") end
  return stem and (((stem .. ending:lower()):match(pattern)) or ((stem .. ending:upper()):match(pattern))) or nil
end

local function key_of(text)
  return (text:gsub("%d+", function(d)
    local short = d:match("^0*(%d+)$")
    return ("0"):rep(24 - #short) .. short
  end))
end

local function before(a, b, x, y)
  if x ~= y then return x < y end
  return a < b
end

--- Numbers compare as numbers, whatever their length; names that differ only in zeros go by their bytes.
function pairing.natural(a, b) return before(a, b, key_of(a), key_of(b)) end

--- Sorts a list in this order of text(entry).
function pairing.sort(list, text)
  local names, keys = {}, {}
  for _, v in ipairs(list) do
    names[v] = text(v)
    keys[v] = key_of(names[v])
  end
  table.sort(list, function(a, b) return before(names[a], names[b], keys[a], keys[b]) end)
end

-- ---- files that no pattern takes ----

local watched -- path = true where a pattern took it, else false; of the folders that pair looked into

--- Begins to keep in mind which files pair takes.
function pairing.watch() watched = {} end

--- The sorted paths of the files in the folders that pair looked into which nothing took and which are no text; ends watching.
function pairing.unmatched()
  local list = {}
  for path, taken in pairs(watched or {}) do
    if not taken and not pairing.is_text(path) then list[#list + 1] = path end
  end
  watched = nil
  table.sort(list, pairing.natural)
  return list
end

local function note(path, taken)
  if watched then watched[path] = watched[path] or taken end
end

-- ---- pairs ----

--- "a; b; c and 4 more" of a list.
function pairing.some(list, most)
  most = most or 5
  return table.concat(list, "; ", 1, math.min(most, #list)) .. (#list > most and (" and %d more"):format(#list - most) or "")
end

--- The files that one pattern takes, { id = path below folder }, and the ids in the order of the names; nil and a message.
local function take(folder, kind, pattern)
  local sub, inner, found, ids = "", pattern, {}, {}
  if type(pattern) == "table" then sub, inner = pattern[1] .. "/", pattern[2] end
  local names, err = files.list(folder .. "/" .. sub)
  if not names then return nil, err end
  for _, name in ipairs(names) do
    local usable = name:sub(-1) ~= "/" and not pairing.is_system(name) and not (kind == "image" and pairing.is_text(name))
    local id = usable and pairing.capture(name, inner)
    if id and found[id] then return nil, ("%s: both %s and %s are the %s of '%s'"):format(folder, found[id], sub .. name, kind, id) end
    if id then found[id], ids[#ids + 1] = sub .. name, id end
    if usable then note(folder .. "/" .. sub .. name, id ~= nil) end
  end
  return found, ids
end

--- Pairs the files of a folder by the id that each pattern captures, as { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$",
-- fov = [opt] }; { "masks", PATTERN } looks into the folder masks. Returns a list of { id, image, mask, fov } in natural order; nil and
-- a message that names ids without a partner, or ids that several files claim.
function pairing.pair(folder, patterns)
  local found, order = { image = {}, mask = {}, fov = {} }, {}
  for _, kind in ipairs { "image", "mask", "fov" } do
    local pattern = patterns[kind]
    if type(pattern) == "table" then pattern = pattern[2] end
    local _, fault = options.pattern(pattern)
    if fault then error(("dataset.pair: the pattern of %s %s"):format(kind, fault), 2) end
    if patterns[kind] then
      local taken, ids = take(folder, kind, patterns[kind])
      if not taken then return nil, ids end
      found[kind] = taken
      if kind == "image" then order = ids end
    end
  end
  table.sort(order, pairing.natural)
  local samples, lonely = {}, {}
  for i, id in ipairs(order) do
    local s = { id = id, image = folder .. "/" .. found.image[id] }
    for _, kind in ipairs { "mask", "fov" } do
      if found[kind][id] then s[kind] = folder .. "/" .. found[kind][id]
      elseif patterns[kind] then lonely[#lonely + 1] = ("image '%s' has no %s"):format(id, kind) end
    end
    samples[i] = s
  end
  for _, kind in ipairs { "mask", "fov" } do
    for id, path in pairs(found[kind]) do
      local stray = not found.image[id]
      if stray and not pairing.is_text(path) then lonely[#lonely + 1] = ("%s '%s' has no image"):format(kind, id) end
    end
  end
  if #lonely > 0 then
    table.sort(lonely, pairing.natural)
    return nil, ("%s: %s"):format(folder, pairing.some(lonely))
  end
  if #samples == 0 then return nil, folder .. ": holds no images whose names match the pattern" end
  return samples
end

return pairing
