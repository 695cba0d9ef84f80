--- Prepared folders of data sets: made from a source, checked, marked by prepared.json (set, edition, options and the SHA-256 of every
-- file), and verified.
local json = require "ramus.base.json"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local hash = require "ramus.base.hash"
local shape = require "ramus.base.shape"
local C = ffi.C

local prepared = {}
local MARK = "prepared.json"
--- What its readers take for granted.
local MARK_SHAPE = { set = "string", edition = "string", files = { map = "string" }, counts = "table?", options = "table?", notes = "table?" }

local hex = ffi.new("char[65]")

prepared.sha256 = hash.sha256

--- SHA-256 of a file; nil and a message on failure.
function prepared.sha256_file(path)
  if C.ra_sha256_file(path, hex) ~= 0 then return nil, ffi.message() end
  return ffi.string(hex)
end

--- The same as MD5, which some publishers give and nothing better.
function prepared.md5_file(path)
  if C.ra_md5_file(path, hex) ~= 0 then return nil, ffi.message() end
  return ffi.string(hex)
end

local function holds_all(folder, list)
  local missing, first = 0, nil
  for _, f in ipairs(list) do
    if not files.is_file(folder .. "/" .. f.path) then missing, first = missing + 1, first or f.path end
  end
  return missing == 0, missing, first
end

--- The folder at or up to two levels below `source` for which test(folder) gives a value, and that value; nil where there is none.
function prepared.below(source, test, depth)
  local value = test(source)
  if value then return source, value end
  for _, sub in ipairs((depth or 2) > 0 and files.list(source) or {}) do
    if sub:sub(-1) == "/" then
      local found
      found, value = prepared.below(source .. "/" .. sub:sub(1, -2), test, (depth or 2) - 1)
      if found then return found, value end
    end
  end
end

--- The folder at or up to two levels below `source` that holds every file of the list; else nil, how many the best one
-- lacks, the first of these, and that folder.
local function find_base(source, list)
  local least, name, where
  local found = prepared.below(source, function(folder)
    local all, missing, first = holds_all(folder, list)
    if not all and (not least or missing < least) then least, name, where = missing, first, folder end
    return all
  end)
  if found then return found end
  return nil, least, name, where
end

local function copy_checked(from, to, f)
  local folder = files.split(to)
  local good, err = files.make_folder(folder)
  if not good then return nil, err end
  good, err = files.copy(from, to)
  if not good then return nil, err end
  local sum = f.sha256 and prepared.sha256_file(to)
  if f.sha256 and sum ~= f.sha256 then
    return nil, ("%s is not the file of this set: sha256 %s, wanted %s"):format(from, tostring(sum), f.sha256)
  end
  return true
end

--- Copies the files of the first edition that source holds as a whole.
local function copy_edition(def, source, target)
  local why = {}
  for _, edition in ipairs(def.editions) do
    local base, missing, first, where = find_base(source, edition.files)
    if base then
      for _, f in ipairs(edition.files) do
        local good, err = copy_checked(base .. "/" .. f.path, target .. "/" .. f.path, f)
        if not good then return nil, err end
      end
      return edition.name
    end
    why[#why + 1] = ("edition %s: %d of %d files are missing in %s, the first is %s"):format(edition.name, missing,
      #edition.files, where, first)
  end
  return nil, ("%s: %s does not hold the set (%s)"):format(def.name, source, table.concat(why, "; "))
end

--- Paths of all files below folder/below, hidden ones aside, appended to a list; nil and a message where a folder cannot be listed.
local function walk(folder, below, into)
  local names, err = files.list(folder .. "/" .. below)
  if not names then return nil, err end
  for _, name in ipairs(names) do
    local path = below .. name
    if name:sub(-1) ~= "/" then into[#into + 1] = path
    else
      local good
      good, err = walk(folder, path, into)
      if not good then return nil, err end
    end
  end
  return into
end

--- A list of { path =, sha256 = } of all files below a folder, hidden ones aside; nil and a message.
local function hash_all(folder)
  local paths, err = walk(folder, "", {}) -- first, so that a circle of links fails before anything is read
  if not paths then return nil, err end
  local list = {}
  for i, path in ipairs(paths) do
    local sum
    sum, err = prepared.sha256_file(folder .. "/" .. path)
    if not sum then return nil, err end
    list[i] = { path = path, sha256 = sum }
  end
  return list
end

local function edition_named(def, name)
  for _, e in ipairs(def.editions) do if e.name == name then return e end end
end

--- Samples per split, checked against the edition's counts.
local function check_counts(def, folder, edition_name, o)
  local samples, err = def.open(folder, o)
  if not samples then return nil, err end
  local counts = {}
  for _, s in ipairs(samples) do counts[s.split or "train"] = (counts[s.split or "train"] or 0) + 1 end
  local edition = edition_named(def, edition_name)
  local wanted = edition and edition.counts
  if type(wanted) == "function" then wanted = wanted(o) end
  for split, n in pairs(wanted or {}) do
    if counts[split] ~= n then
      return nil, ("%s, edition %s: split %s has %d images, wanted %d"):format(def.name, edition_name, split,
        counts[split] or 0, n)
    end
  end
  return counts
end

local function mark_text(def, edition, o, counts, notes, list)
  local lines = {}
  table.sort(list, function(a, b) return a.path < b.path end)
  for i, f in ipairs(list) do lines[i] = ("    %s: %s"):format(json.encode(f.path), json.encode(f.sha256)) end
  local function flat(t)
    local keys, parts = {}, {}
    for k in pairs(t) do keys[#keys + 1] = k end
    table.sort(keys)
    for i, k in ipairs(keys) do parts[i] = json.encode(k) .. ": " .. json.encode(t[k]) end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  local said = {}
  for i, note in ipairs(notes) do said[i] = json.encode(note) end
  return ('{\n  "set": %s,\n  "edition": %s,\n  "options": %s,\n  "counts": %s,\n%s  "files": {\n%s\n  }\n}\n'):format(
    json.encode(def.name), json.encode(edition), flat(o), flat(counts),
    #said > 0 and ('  "notes": [%s],\n'):format(table.concat(said, ", ")) or "", table.concat(lines, ",\n"))
end

--- Fills `target` from the folder `source` (nil for a made set): aside, checked, then renamed over what was there.
-- Returns the folder, or nil and a message.
function prepared.make(def, source, target, o)
  local part = target .. ".part"
  local function fail(err)
    C.ra_path_remove(part)
    return nil, err
  end
  if C.ra_path_remove(part) ~= 0 then return nil, ffi.message() end
  local good, err = files.make_folder(part)
  if not good then return nil, err end
  local edition, notes
  edition, notes = (def.prepare or function(...) return copy_edition(def, ...) end)(source, part, o or {})
  if not edition then return fail(notes) end
  if edition == true then edition = def.editions[1] and def.editions[1].name or "full" end
  local counts
  counts, err = check_counts(def, part, edition, o or {})
  if not counts then return fail(err) end
  local list
  list, err = hash_all(part)
  if not list then return fail(err) end
  if C.ra_folder_sync(part) ~= 0 then return fail(ffi.message()) end -- the mark comes last
  good, err = files.write(part .. "/" .. MARK, mark_text(def, edition, o or {}, counts, notes or {}, list))
  if not good then return fail(err) end
  if C.ra_path_remove(target) ~= 0 or C.ra_path_rename(part, target) ~= 0 then return fail(ffi.message()) end
  return target
end

--- One SHA-256 over names and hashes of every file below a folder, hidden ones aside: what runs of earlier versions kept of a set
-- that is opened in place. nil where a file cannot be read.
function prepared.hash_below(folder)
  local list = hash_all(folder)
  if not list then return nil end
  local lines = {}
  for i, f in ipairs(list) do lines[i] = f.sha256 .. "  " .. f.path .. "\n" end
  table.sort(lines)
  return prepared.sha256(table.concat(lines))
end

--- The content of a folder's prepared.json, or nil.
function prepared.mark(folder)
  local text = files.read(folder .. "/" .. MARK)
  local ok, mark = pcall(json.decode, text or "")
  if ok and not shape.wrong(mark, MARK_SHAPE, MARK) then return mark end
end

--- Reads every file of a prepared set again; true, or nil and the files that changed.
function prepared.verify(folder)
  local mark = prepared.mark(folder)
  if not mark then return nil, folder .. ": is not a prepared set" end
  local bad = {}
  for path, sum in pairs(mark.files) do
    if prepared.sha256_file(folder .. "/" .. path) ~= sum then bad[#bad + 1] = path end
  end
  table.sort(bad)
  if #bad == 0 then return true end
  return nil, ("%s: %d files are missing or changed, the first is %s; fetch the set again"):format(folder, #bad, bad[1])
end

return prepared
