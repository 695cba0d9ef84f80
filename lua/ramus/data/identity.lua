--- Which files a set's samples consist of, and whether they are those that a run began with.
--
-- Only the samples' own files count: what else lies in the folder of a set (a note, predictions, a run) may come, change and go.
-- A file's SHA-256 is kept by its size, times and inode below XDG_CACHE_HOME/ramus, so that an unchanged file is read once.
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local pairing = require "ramus.data.pairing"
local prepared = require "ramus.data.prepared"
local reading = require "ramus.data.reading"
local C = ffi.C

local identity = {}

--- The path of a file of the set below its folder, or as it is where it lies elsewhere.
local function short(path, folder)
  return path:sub(1, #folder + 1) == folder .. "/" and path:sub(#folder + 2) or path
end

--- Paths of a sample's files, image first.
function identity.paths(sample)
  local list, seen = {}, {}
  local function add(name)
    local s = fields.source(sample, name)
    if s and s.path and not seen[s.path] then list[#list + 1], seen[s.path] = s.path, true end
  end
  for _, name in ipairs(fields.names(fields.known)) do add(name) end
  local others = {}
  for name in pairs(sample.fields or {}) do others[#others + 1] = name end
  table.sort(others)
  for _, name in ipairs(others) do add(name) end
  return list
end

--- What is wrong with a path as a file of a set; nil where nothing is.
function identity.wrong(path)
  local kind = C.ra_path_kind(path, nil, nil)
  if kind == C.RA_PATH_FILE then return nil end
  if kind == C.RA_PATH_NONE then return "no such file: " .. path end
  return ("%s is %s, not a file"):format(path, kind == C.RA_PATH_FOLDER and "a folder" or "a device or pipe")
end

-- ---- hashes that are kept ----

local function cache_path(folder)
  local root = files.cache "sums"
  return root and ("%s/%s"):format(root, prepared.sha256(files.absolute(folder) or folder):sub(1, 24))
end

local function read_cache(path)
  local known = {}
  for sum, stamp, name in ((path and files.read(path)) or ""):gmatch("(%x+) (%S+) ([^\n]+)\n") do
    if #sum == 64 then known[name] = { sum = sum, stamp = stamp } end
  end
  return known
end

local text, age = ffi.new("char[96]"), ffi.new("double[1]")

--- { path = SHA-256 } of a list of paths; nil and a message that names all files that cannot be read. folder: of the set.
function identity.sums(list, folder)
  local where = cache_path(folder)
  local known, sums, lines, bad, fresh = read_cache(where), {}, {}, {}, false
  for _, path in ipairs(list) do
    local err = identity.wrong(path)
    local kept = known[path]
    local stamp = not err and C.ra_path_stamp(path, text, age) == 0 and ffi.string(text)
    if not err and kept and stamp and kept.stamp == stamp then sums[path] = kept.sum
    elseif not err then sums[path], err = prepared.sha256_file(path) end
    if err then bad[#bad + 1] = err
    elseif stamp and age[0] >= 2 and not path:find("\n") then -- a file that changed just now may change again within its clock's tick
      lines[#lines + 1] = ("%s %s %s\n"):format(sums[path], stamp, path)
      fresh = fresh or not kept or kept.stamp ~= stamp
    end
  end
  if #bad > 0 then return nil, pairing.some(bad, 10) end
  if fresh and where and files.make_folder((files.split(where))) then files.write(where, table.concat(lines)) end
  return sums
end

-- ---- what a run began with ----

local DECLARED = { "classes", "frame" }
for _, key in ipairs(reading.keys) do DECLARED[#DECLARED + 1] = key end

--- A source, or a table of them, without what identity.of has: their files.
local function without_paths(v)
  if type(v) ~= "table" then return nil end
  local result = {}
  for k, inner in pairs(v) do if k ~= "path" and type(inner) ~= "cdata" then result[k] = type(inner) == "table" and without_paths(inner) or inner end end
  return result
end

--- The samples of each split with the hashes of their files: { train = { { id =, files = { { path, sha256 }, .. } }, .. }, .. }.
function identity.of(set, names)
  local parts = {}
  for _, name in ipairs(names) do
    local list = {}
    for i, s in ipairs(set.splits[name] or {}) do
      local own = {}
      for k, path in ipairs(identity.paths(s)) do own[k] = { short(path, set.folder), set.sums[path] } end
      list[i] = { id = s.id, files = own }
    end
    parts[name] = list
  end
  return parts
end

--- A value as text, the same for the same value: keys sorted, numbers exact.
local function canonical(v)
  if type(v) == "number" then return ("%.17g"):format(v) end
  if type(v) ~= "table" then return type(v) .. " " .. tostring(v) end
  local lines = {}
  for k, inner in pairs(v) do lines[#lines + 1] = ("%s %s=%s"):format(type(k), tostring(k), canonical(inner)) end
  table.sort(lines)
  return "{" .. table.concat(lines, ";") .. "}"
end

--- What a set says of the samples of some splits beside their files (how masks are read, classes, frames, kinds of fields), as { KEY = SHA-256 } over
-- all of them: the same declaration, the same hashes.
function identity.declared(set, names)
  local by_key = {}
  local function add(key, v)
    by_key[key] = by_key[key] or {}
    table.insert(by_key[key], v == nil and "-" or canonical(v))
  end
  add("fields", set.fields)
  for _, name in ipairs(names) do
    for _, s in ipairs(set.splits[name] or {}) do
      for _, key in ipairs(DECLARED) do add(key, s[key]) end
      for _, part in ipairs { "image", "mask", "fov", "label", "fields" } do
        if type(s[part]) == "table" then add("sources", without_paths(s[part])) end
      end
    end
  end
  local sums = {}
  for key, list in pairs(by_key) do
    table.sort(list) -- the order of the samples is compared with their files
    sums[key] = prepared.sha256(table.concat(list, "\n"))
  end
  return sums
end

--- Keys of which a set says something else than before; none where nothing was kept.
function identity.declared_changes(was, now)
  local list = {}
  for key, sum in pairs(now) do if was and was[key] ~= sum then list[#list + 1] = key end end
  for key in pairs(was or {}) do if now[key] == nil then list[#list + 1] = key end end
  table.sort(list)
  return list
end

--- What differs between two samples' files: a list of sentences. excused: paths of files that an error had named.
local function file_changes(was, now, excused, into)
  local before = {}
  for _, f in ipairs(was.files) do before[f[1]] = f[2] end
  for _, f in ipairs(now.files) do
    local old = before[f[1]]
    if not old then into[#into + 1] = ("%s is new"):format(f[1])
    elseif old ~= f[2] and not excused[f[1]] then
      into[#into + 1] = ("%s has changed (SHA-256 was %s.., is %s..)"):format(f[1], old:sub(1, 12), tostring(f[2]):sub(1, 12))
    end
    before[f[1]] = nil
  end
  for path in pairs(before) do into[#into + 1] = ("%s is no longer used"):format(path) end
end

--- What differs between the samples of a split then and now: a list of sentences; empty where nothing does.
function identity.changes(was, now, excused)
  local list, then_by_id, now_by_id = {}, {}, {}
  for _, s in ipairs(was) do then_by_id[s.id] = s end
  for _, s in ipairs(now) do
    now_by_id[s.id] = true
    local old = then_by_id[s.id]
    if not old then list[#list + 1] = ("image '%s' is new"):format(s.id)
    else file_changes(old, s, excused, list) end
  end
  for _, s in ipairs(was) do
    if not now_by_id[s.id] then list[#list + 1] = ("image '%s' is gone"):format(s.id) end
  end
  for i = 1, #list == 0 and #now or 0 do
    if was[i].id ~= now[i].id then
      list[1] = ("the order has changed: image %d was '%s', is '%s'"):format(i, was[i].id, now[i].id)
      break
    end
  end
  return list
end

--- The files of a set that a message names, as identity.of calls them.
function identity.named_in(message, set)
  local list = {}
  for _, s in ipairs(set.samples) do
    for _, path in ipairs(identity.paths(s)) do
      if message:find(path, 1, true) then list[#list + 1] = short(path, set.folder) end
    end
  end
  return list
end

--- The paths of all samples' files, each once, sorted, and the hash of the set: one SHA-256 over the names and hashes of `sums`.
function identity.all_paths(samples)
  local list, seen = {}, {}
  for _, s in ipairs(samples) do
    for _, path in ipairs(identity.paths(s)) do
      if not seen[path] then list[#list + 1], seen[path] = path, true end
    end
  end
  table.sort(list)
  return list
end

--- One SHA-256 over names and hashes, { path = SHA-256 }.
function identity.hash(sums, folder)
  local lines = {}
  for path, sum in pairs(sums) do lines[#lines + 1] = sum .. "  " .. (folder and short(path, folder) or path) .. "\n" end
  table.sort(lines)
  return prepared.sha256(table.concat(lines))
end

return identity
