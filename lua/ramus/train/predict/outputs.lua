--- Files that predictions and evaluations write: names that no two sources share, and a mark by which predict knows its own files again.
--
--   local list, err = outputs.plan(sources, folder, { prob = "_prob.png", mask = "_mask.png" }, { force = false })
--   list[1] = { source = "a/1.png", name = "1", paths = { prob = "FOLDER/1_prob.png", .. }, mark = "ramus predict 0123..." }
--
-- A result is named after its source's file. Sources of one name (or of names that differ in upper and lower case only, which some file
-- systems take for one) get a number: 1, 1-2. The mark holds a hash of the source's path: the same source replaces its own results, in
-- any later call, and never those of another. A file without mark is somebody else's and is not replaced, unless force = true.
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local json = require "ramus.base.json"
local prepared = require "ramus.data.prepared"
local serialize = require "ramus.lang.serialize"
local way = require "ramus.train.predict.way"

local outputs = {}

local SIGN = "ramus predict "
local LONGEST = 200 -- bytes of a name: file systems take 255 with ending and ".part"

-- ---- names -----------------------------------------------------------------------

--- Names that a file system may take for one have one key: upper and lower case of Latin, Greek and Cyrillic letters.
local function key_of(name)
  return (name:lower():gsub("([\195\206\207\208])([\128-\191])", function(lead, byte)
    local code = (lead:byte() - 192) * 64 + byte:byte() - 128
    if (code >= 0xC0 and code <= 0xDE) or (code >= 0x391 and code <= 0x3A9) or (code >= 0x410 and code <= 0x42F) then code = code + 0x20
    elseif code >= 0x400 and code <= 0x40F then code = code + 0x50 end
    return string.char(192 + math.floor(code / 64), 128 + code % 64)
  end))
end

--- A text as the name of a file, without ending: as it is, but for what no file can be called. Long ones are cut and end in a hash.
local function plain_name(text)
  local name = text:gsub("[%z\1-\31/\\:*?\"<>|\127]", "_"):gsub("^%.", "_")
  if #name <= LONGEST then return name end
  return name:sub(1, LONGEST - 9):gsub("[\192-\255]?[\128-\191]*$", "") .. "-" .. prepared.sha256(text):sub(1, 8)
end

--- The first of name, name-2, name-3, .. that free(candidate) takes.
local function numbered(name, free)
  local candidate, k = name, 1
  while not free(candidate) do
    k = k + 1
    candidate = ("%s-%d"):format(name, k)
  end
  return candidate
end

--- A file's name, without ending, for each of a list of texts (ids of samples); no two are one, also where case does not count.
function outputs.names(texts)
  local taken, names = {}, {}
  for i, text in ipairs(texts) do
    names[i] = numbered(plain_name(text), function(candidate) return not taken[key_of(candidate)] end)
    taken[key_of(names[i])] = true
  end
  return names
end

--- The name of an evaluation's files in a run: "eval" for the run's own data and threshold, a longer one for each other question.
-- o: the options of ra.evaluate.
function outputs.evaluation(o)
  local name = "eval"
  if o.data then
    local text = o.data:gsub("[^%w%-]", "_")
    local plain = o.data:find("^[%w%-]+:?[%w%-]*$") -- other texts may become the same one: a hash tells them apart
    name = ("%s-%s%s"):format(name, text:sub(1, 100), plain and "" or "-" .. prepared.sha256(o.data):sub(1, 8))
  end
  if o.options or o.reading then
    name = ("%s-set_%s"):format(name, prepared.sha256(json.encode { o.options or {}, o.reading or {} }):sub(1, 8))
  end
  if o.levels == false then name = name .. "-main" end
  name = name .. way.suffix(o)
  if o.tune then return name .. "-tuned" end
  if not o.threshold then return name end
  local short = ("%.6g"):format(o.threshold)
  return ("%s-threshold_%s"):format(name, ((tonumber(short) == o.threshold and short or ("%.17g"):format(o.threshold)):gsub("%.", "_")))
end

-- ---- marks -------------------------------------------------------------------------

--- The mark of a source's results: a path, or a path and what of it (" frame 3").
function outputs.mark(path, part) return SIGN .. prepared.sha256((files.absolute(path) or path) .. (part or "")):sub(1, 16) end

local function sidecar(path) return path .. ".json" end

--- Signs a file whose format holds no mark (.npy): a small file beside it. Returns true; nil and a message.
function outputs.sign(path, mark)
  local sum, err = prepared.sha256_file(path)
  if not sum then return nil, err end
  return files.write(sidecar(path), json.encode { software = mark, sha256 = sum } .. "\n")
end

--- Writes a tensor as .npy and signs it. Returns true; nil and a message.
function outputs.save_array(path, t, mark)
  local ok, err = serialize.save(path, t)
  if not ok then return nil, err end
  return outputs.sign(path, mark)
end

--- The mark of a file that predict wrote; nil where it is no such file.
function outputs.mark_of(path)
  local text = path:lower():find("%.png$") and image.mark(path)
  if not text and files.is_file(sidecar(path)) then
    local ok, value = pcall(json.decode, files.read(sidecar(path)) or "")
    text = ok and type(value) == "table" and value.sha256 == prepared.sha256_file(path) and value.software
  end
  return type(text) == "string" and text:sub(1, #SIGN) == SIGN and text or nil
end

-- ---- a plan --------------------------------------------------------------------------

--- Names in a folder by their key, { KEY = { NAME, .. } }.
local function names_in(folder)
  local by_key = {}
  for _, name in ipairs(files.is_folder(folder) and files.list(folder) or {}) do
    local key = key_of((name:gsub("/$", "")))
    by_key[key] = by_key[key] or {}
    table.insert(by_key[key], (name:gsub("/$", "")))
  end
  return by_key
end

--- Whether a name is free for a source's results: no other source of this call has it, and no file of it is another source's.
local function is_free(plan, candidate, mark)
  if plan.taken[key_of(candidate)] then return false end
  for _, ending in pairs(plan.endings) do
    for _, name in ipairs(plan.there[key_of(candidate .. ending)] or {}) do
      local other = outputs.mark_of(plan.folder .. "/" .. name)
      if other and other ~= mark then return false end
    end
  end
  return true
end

--- A message where a result would replace what predict did not write, or one of the sources; else nil.
local function refused(plan, entry)
  for _, path in pairs(entry.paths) do
    local whole = files.exists(path) and (files.absolute(path) or path)
    if whole and plan.sources[whole] then return ("%s is itself one of the images; choose another folder with -o"):format(path) end
    if whole and not files.is_file(path) then return ("%s is no regular file; choose another folder with -o"):format(path) end
    if whole and not plan.force and not outputs.mark_of(path) then
      return ("%s is there and was not written by predict; choose another folder with -o, or --force to replace it"):format(path)
    end
  end
end

--- A message where the folder holds masks (NAME_mask.png, of any ending) that predict did not write: its own would be taken for such truth.
local function holds_truth(plan)
  local mask = plan.endings.mask or plan.endings.labels
  local stem = mask and mask:match "^(.+)%.%w+$"
  for _, names in pairs(stem and not plan.force and plan.there or {}) do
    for _, name in ipairs(names) do
      local path = plan.folder .. "/" .. name
      if #name > #stem and name:lower():match("^.+(_%w+)%.%w+$") == stem and image.is_name(name) and not outputs.mark_of(path) then
        return ("%s holds masks that predict did not write (%s), and its own would lie among them; choose another folder with -o, or --force")
          :format(plan.folder, name)
      end
    end
  end
end

--- Where the results of every source go, decided and checked before anything is computed. sources: paths, or { path =, part =, name = }
-- (part: what of the file it is, as a frame; name: instead of the file's). endings: { KIND = "_kind.png" }. given: force. Returns a list
-- as above; nil and a message.
function outputs.plan(sources, folder, endings, given)
  local plan = { folder = folder, endings = endings, force = given and given.force, taken = {}, there = names_in(folder), sources = {} }
  local err = holds_truth(plan)
  if err then return nil, err end
  local list = {}
  for i, given_source in ipairs(sources) do
    local s = type(given_source) == "table" and given_source or { path = given_source }
    local _, _, base = files.split(s.path)
    list[i] = { source = s.path, frame = s.frame or 0, part = s.part, mark = outputs.mark(s.path, s.part), base = plain_name(s.name or base), paths = {} }
    plan.sources[files.absolute(s.path) or s.path] = true
  end
  for _, entry in ipairs(list) do
    entry.name = numbered(entry.base, function(candidate) return is_free(plan, candidate, entry.mark) end)
    plan.taken[key_of(entry.name)] = true
    for kind, ending in pairs(endings) do entry.paths[kind] = ("%s/%s%s"):format(folder, entry.name, ending) end
    err = refused(plan, entry)
    if err then return nil, err end
  end
  return list
end

--- The same check for one entry of a plan, right before its results are written: a message, or nil.
function outputs.changed(entry, force)
  for _, path in pairs(entry.paths) do
    local mark = files.exists(path) and (outputs.mark_of(path) or "none")
    if mark and mark ~= entry.mark and not (force and mark == "none") then
      return ("%s was written by another program or for another image meanwhile"):format(path)
    end
  end
end

return outputs
