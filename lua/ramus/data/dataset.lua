--- Data sets: the registry, where they live, preparing, opening, splits.
--
-- A set is a file datasets/NAME.lua that returns a table: facts (name, title, picture, counts, split_source, licence,
-- citation, sources), and
--   files     { { name =, urls = { .. }, bytes =, sha256 =, unpack = true }, .. }  what is downloaded; {} for a made set
--   editions  { { name = "full", counts = { train = 40, .. }, files = { { path =, sha256 = }, .. } }, .. }
--   folder    [opt] where the pictures are already: the set is neither fetched nor copied (relative: to the definition's file)
--   schema    [opt] options of the set (see options.lua); variant(o): a word for the folder's name
--   prepare   [opt] function(source, target, o): fills the empty folder target; returns the edition's name, or nil and
--             a message. Without it the files of the first edition that source holds are copied and checked.
--   open      function(folder, o): the list of samples { id, image, mask, fov, split, threshold, fields }; no side effects
--   fields    [opt] { NAME = { kind = "map" }, .. }: fields beyond image, mask and fov, see fields.lua
--   splits    [opt] { NAME = function(samples) return { train =, val =, test = } end }; "usual" goes by sample.split
-- A prepared folder holds prepared.json: set, edition, options and the SHA-256 of every file.
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local C = ffi.C

local dataset = {}
local here = debug.getinfo(1, "S").source:match("^@(.*)data/dataset%.lua$") or "./"
local MARK = "prepared.json"

-- ---- hashes ----

local hex = ffi.new("char[65]")

--- SHA-256 of a string.
function dataset.sha256(text)
  C.ra_sha256(text, #text, hex)
  return ffi.string(hex)
end

--- SHA-256 of a file; nil and a message on failure.
function dataset.sha256_file(path)
  if C.ra_sha256_file(path, hex) ~= 0 then return nil, ffi.message() end
  return ffi.string(hex)
end

-- ---- the registry ----

local function home()
  for _, place in ipairs { here .. "../../datasets", here .. "datasets", here .. "../../../ramus/datasets" } do
    if files.is_folder(place) then return place end
  end
  return here .. "../../datasets"
end

local known = {}

local function read_definition(path)
  local chunk, err = loadfile(path)
  if not chunk then return nil, err end
  local ok, def = pcall(chunk, path)
  if not ok then return nil, tostring(def) end
  if type(def) ~= "table" or type(def.name) ~= "string" or type(def.open) ~= "function" then
    return nil, path .. ": a data set's file returns a table with at least a name and an open function"
  end
  def.files, def.editions, def.splits = def.files or {}, def.editions or {}, def.splits or {}
  def.path, def.title = path, def.title or def.name
  return def
end

--- Adds a definition under its name (for sets that have no file of their own).
function dataset.register(def)
  if type(def) ~= "table" or type(def.name) ~= "string" or type(def.open) ~= "function" then
    error("register: wanted a table with a name and an open function", 2)
  end
  def.files, def.editions, def.splits = def.files or {}, def.editions or {}, def.splits or {}
  def.title = def.title or def.name
  known[def.name] = def
  return def
end

--- Names of all sets, sorted.
function dataset.names()
  local names, seen = {}, {}
  for _, file in ipairs(files.list(home()) or {}) do
    local name = file:match("^([%w_%-]+)%.lua$")
    if name then names[#names + 1], seen[name] = name, true end
  end
  for name in pairs(known) do if not seen[name] then names[#names + 1] = name end end
  table.sort(names)
  return names
end

--- The definition of a set: a registered one, datasets/NAME.lua, or any path that ends in .lua.
-- nil and a message where it is unknown or broken.
function dataset.find(name)
  if type(name) ~= "string" then error(("data set: wanted a name, got %s"):format(type(name)), 2) end
  if known[name] then return known[name] end
  local path = name:find("%.lua$") and name or ("%s/%s.lua"):format(home(), name)
  if not files.is_file(path) then return nil, options.unknown("data set", name, dataset.names()) end
  local def, err = read_definition(path)
  if not def then return nil, err end
  if not name:find("%.lua$") then known[name] = def end
  return def
end

--- Reads a list as sha256sum writes it, beside the definition: { { path =, sha256 = }, .. }.
function dataset.sums(name)
  local list = {}
  local path = home() .. "/" .. name
  for line in io.lines(path) do
    local sum, file = line:match("^(%x+) [ *](.+)$")
    if sum then list[#list + 1] = { path = file, sha256 = sum } end
  end
  return list
end

-- ---- where sets live ----

--- The data root: as given, else RAMUS_DATA, else XDG_DATA_HOME/ramus, else ~/.local/share/ramus.
function dataset.root(given)
  local function set(v) return v and v ~= "" and v or nil end
  local xdg, user = set(os.getenv("XDG_DATA_HOME")), set(os.getenv("HOME"))
  return set(given) or set(os.getenv("RAMUS_DATA")) or (xdg and xdg .. "/ramus") or (user or ".") .. "/.local/share/ramus"
end

--- Folder of a prepared set below a root, and its checked options. Wrong options are errors.
function dataset.folder(def, root, given)
  local o = options.check(given or {}, def.schema or {}, "data set " .. def.name, 3)
  if def.folder then
    local beside = def.path and def.folder:sub(1, 1) ~= "/"
    return beside and files.split(def.path) .. "/" .. def.folder or def.folder, o
  end
  local variant = def.variant and def.variant(o)
  return dataset.root(root) .. "/" .. def.name .. (variant and "-" .. variant or ""), o
end

-- ---- pairing and splits ----

local function natural(a, b)
  local x, y = a:gsub("%d+", function(d) return ("%09d"):format(tonumber(d)) end), b:gsub("%d+", function(d)
    return ("%09d"):format(tonumber(d))
  end)
  return x < y
end

--- Pairs the files of a folder by the id that each pattern captures, as { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$",
-- fov = [opt] }. Returns a list of { id, image, mask, fov } in natural order; nil and a message that names ids without
-- a partner, or ids that several files claim.
function dataset.pair(folder, patterns)
  local found, ids = { image = {}, mask = {}, fov = {} }, {}
  for kind, pattern in pairs(patterns) do
    local sub, inner = "", pattern
    if type(pattern) == "table" then sub, inner = pattern[1] .. "/", pattern[2] end
    local names, err = files.list(folder .. "/" .. sub)
    if not names then return nil, err end
    for _, name in ipairs(names) do
      local id = name:match(inner)
      if id and found[kind][id] then
        return nil, ("%s: both %s and %s are the %s of '%s'"):format(folder, found[kind][id], name, kind, id)
      end
      if id then
        found[kind][id] = sub .. name
        if kind == "image" then ids[#ids + 1] = id end
      end
    end
  end
  table.sort(ids, natural)
  local samples, lonely = {}, {}
  for i, id in ipairs(ids) do
    local s = { id = id, image = folder .. "/" .. found.image[id] }
    for _, kind in ipairs { "mask", "fov" } do
      if found[kind][id] then s[kind] = folder .. "/" .. found[kind][id]
      elseif patterns[kind] then lonely[#lonely + 1] = ("image '%s' has no %s"):format(id, kind) end
    end
    samples[i] = s
  end
  for _, kind in ipairs { "mask", "fov" } do
    for id in pairs(found[kind]) do
      if not found.image[id] then lonely[#lonely + 1] = ("%s '%s' has no image"):format(kind, id) end
    end
  end
  if #lonely > 0 then
    table.sort(lonely, natural)
    return nil, ("%s: %s%s"):format(folder, table.concat(lonely, "; ", 1, math.min(5, #lonely)),
      #lonely > 5 and (" and %d more"):format(#lonely - 5) or "")
  end
  if #samples == 0 then return nil, folder .. ": holds no pictures that fit the pattern of their names" end
  return samples
end

--- Divides samples at random by weights, as { train = 7, val = 1, test = 2 }: a function of the ids and the seed alone.
-- Sizes by largest remainder, so that they add up; order within a part is that of the ids.
function dataset.split(samples, weights, seed)
  local names, total = {}, 0
  for name, w in pairs(weights) do
    if type(w) ~= "number" or w ~= w or w < 0 then
      error(("split: the weight of '%s' must be >= 0, got %s"):format(name, tostring(w)), 2)
    end
    names[#names + 1], total = name, total + w
  end
  if total <= 0 then error("split: the weights add up to nothing", 2) end
  table.sort(names)
  local order = {}
  for i, s in ipairs(samples) do order[i] = s end
  table.sort(order, function(a, b) return natural(a.id, b.id) end)
  local place = {}
  for i, s in ipairs(order) do place[s] = i end
  for i = #order, 2, -1 do
    local k = math.floor(C.ra_random_uniform(seed or 0, -1, 0, 2, i) * i) + 1 -- purpose 2: order of samples
    order[i], order[k] = order[k], order[i]
  end
  local size, rest, left = {}, {}, #order
  for i, name in ipairs(names) do
    local exact = #order * weights[name] / total
    size[name] = math.floor(exact + 1e-9)
    left = left - size[name]
    rest[i] = { name = name, part = exact - size[name] }
  end
  table.sort(rest, function(a, b) return a.part > b.part + 1e-12 or (math.abs(a.part - b.part) <= 1e-12 and a.name < b.name) end)
  for i = 1, left do size[rest[i].name] = size[rest[i].name] + 1 end
  local parts, at = {}, 0
  for _, name in ipairs(names) do
    local part = {}
    for i = 1, size[name] do part[i] = order[at + i] end
    at = at + size[name]
    table.sort(part, function(a, b) return place[a] < place[b] end)
    parts[name] = part
  end
  return parts
end

--- By the split that each sample declares.
local function declared(samples)
  local parts = {}
  for _, s in ipairs(samples) do
    local name = s.split or "train"
    parts[name] = parts[name] or {}
    table.insert(parts[name], s)
  end
  return parts
end

local function divide(def, samples, name)
  local train, val, test = name:match("^([%d.]+):([%d.]+):([%d.]+)$")
  if train then
    return dataset.split(samples, { train = tonumber(train), val = tonumber(val), test = tonumber(test) }, 0)
  end
  if def.splits[name] then return def.splits[name](samples) end
  if name == "usual" then return declared(samples) end
  local all = { "usual", "7:1:2" }
  for key in pairs(def.splits) do all[#all + 1] = key end
  return nil, options.unknown("split of " .. def.name, name, all)
end

-- ---- preparing ----

local function holds_all(folder, list)
  local missing, first = 0, nil
  for _, f in ipairs(list) do
    if not files.is_file(folder .. "/" .. f.path) then missing, first = missing + 1, first or f.path end
  end
  return missing == 0, missing, first
end

--- The folder at or up to two levels below `source` that holds every file of the list; else nil, how many the best one
-- lacks, the first of these, and that folder.
local function find_base(source, list)
  local least, name, where
  local function look(folder, depth)
    local all, missing, first = holds_all(folder, list)
    if all then return folder end
    if not least or missing < least then least, name, where = missing, first, folder end
    for _, sub in ipairs(depth > 0 and files.list(folder) or {}) do
      local found = sub:sub(-1) == "/" and look(folder .. "/" .. sub:sub(1, -2), depth - 1)
      if found then return found end
    end
  end
  local found = look(source, 2)
  if found then return found end
  return nil, least, name, where
end

local function copy_checked(from, to, f)
  local folder = files.split(to)
  local good, err = files.make_folder(folder)
  if not good then return nil, err end
  if C.ra_file_copy(from, to) ~= 0 then return nil, ffi.message() end
  local sum = f.sha256 and dataset.sha256_file(to)
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

local function hash_all(folder, below, into)
  for _, name in ipairs(assert(files.list(folder .. "/" .. below))) do
    local path = below .. name
    if name:sub(-1) == "/" then
      local good, err = hash_all(folder, path, into)
      if not good then return nil, err end
    else
      local sum, err = dataset.sha256_file(folder .. "/" .. path)
      if not sum then return nil, err end
      into[#into + 1] = { path = path, sha256 = sum }
    end
  end
  return into
end

local function edition_named(def, name)
  for _, e in ipairs(def.editions) do if e.name == name then return e end end
end

--- Samples per split, and whether they are as the edition says.
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
      return nil, ("%s, edition %s: split %s has %d pictures, wanted %d"):format(def.name, edition_name, split,
        counts[split] or 0, n)
    end
  end
  return counts
end

local function mark_text(def, edition, o, counts, list)
  local lines = {}
  table.sort(list, function(a, b) return a.path < b.path end)
  for i, f in ipairs(list) do lines[i] = ("    %s: %s"):format(cjson.encode(f.path), cjson.encode(f.sha256)) end
  local function flat(t)
    local keys, parts = {}, {}
    for k in pairs(t) do keys[#keys + 1] = k end
    table.sort(keys)
    for i, k in ipairs(keys) do parts[i] = cjson.encode(k) .. ": " .. cjson.encode(t[k]) end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  return ('{\n  "set": %s,\n  "edition": %s,\n  "options": %s,\n  "counts": %s,\n  "files": {\n%s\n  }\n}\n'):format(
    cjson.encode(def.name), cjson.encode(edition), flat(o), flat(counts), table.concat(lines, ",\n"))
end

--- Fills `target` from the folder `source` (nil for a made set): aside, checked, then renamed over what was there.
-- Returns the folder, or nil and a message.
function dataset.prepare(def, source, target, o)
  local part = target .. ".part"
  local function fail(err)
    C.ra_path_remove(part)
    return nil, err
  end
  if C.ra_path_remove(part) ~= 0 then return nil, ffi.message() end
  local good, err = files.make_folder(part)
  if not good then return nil, err end
  local edition
  edition, err = (def.prepare or function(...) return copy_edition(def, ...) end)(source, part, o or {})
  if not edition then return fail(err) end
  if edition == true then edition = def.editions[1] and def.editions[1].name or "full" end
  local counts
  counts, err = check_counts(def, part, edition, o or {})
  if not counts then return fail(err) end
  local list
  list, err = hash_all(part, "", {})
  if not list then return fail(err) end
  if C.ra_folder_sync(part) ~= 0 then return fail(ffi.message()) end -- the mark comes last
  good, err = files.write(part .. "/" .. MARK, mark_text(def, edition, o or {}, counts, list))
  if not good then return fail(err) end
  if C.ra_path_remove(target) ~= 0 or C.ra_path_rename(part, target) ~= 0 then return fail(ffi.message()) end
  return target
end

-- ---- opening ----

--- What prepared.json would say of a set that stays where it is; nil and a message.
local function mark_in_place(def, folder)
  if not files.is_folder(folder) then return nil, ("data set %s: there is no folder %s"):format(def.name, folder) end
  local list, err = hash_all(folder, "", {})
  if not list then return nil, err end
  local mark = { set = def.name, edition = "in place", files = {} }
  for _, f in ipairs(list) do mark.files[f.path] = f.sha256 end
  return mark
end

--- What prepared.json says of a folder, or nil.
function dataset.mark(folder)
  local text = files.read(folder .. "/" .. MARK)
  local ok, mark = pcall(cjson.decode, text or "")
  if ok and type(mark) == "table" and type(mark.files) == "table" then return mark end
end

--- Pictures that two splits share, by their hash: a list of messages.
local function shared_pictures(parts, mark, folder)
  local first, warnings = {}, {}
  local names = {}
  for name in pairs(parts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, s in ipairs(parts[name]) do
      local source = fields.source(s, "image")
      local sum = source.path and (mark.files[source.path:sub(#folder + 2)] or dataset.sha256_file(source.path))
      if sum and source.frame > 0 then sum = sum .. " frame " .. source.frame end
      local other = sum and first[sum]
      if other and other.split ~= name then
        warnings[#warnings + 1] = ("%s (in %s) and %s (in %s) are the same picture: scores on %s are too good")
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
    seen[s.id], s.threshold = true, s.threshold or def.threshold or 128
  end
  return #samples > 0, def.name .. ": holds no samples"
end

--- Opens a prepared set. given: root (data root), split ("usual"), edition, options (of the set).
-- Returns { name, title, folder, edition, split, samples, fields = { NAME = { kind = }, .. }, splits = { train =, val =, test = },
-- counts, warnings, hash },
-- hash being one SHA-256 over the names and hashes of all its files; nil and a message where it is not there.
function dataset.open(name, given)
  given = given or {}
  local def, err = dataset.find(name)
  if not def then return nil, err end
  local folder, o = dataset.folder(def, given.root, given.options)
  local mark
  if def.folder then
    mark, err = mark_in_place(def, folder)
    if not mark then return nil, err end
  else
    mark = dataset.mark(folder)
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
  local all
  all, err = fields.of(samples, def.fields, def.name)
  if not all then return nil, err end
  local split = given.split or "usual"
  local parts
  parts, err = divide(def, samples, split)
  if not parts then return nil, err end
  local counts, lines = {}, {}
  for part, list in pairs(parts) do counts[part] = #list end
  for path, sum in pairs(mark.files) do lines[#lines + 1] = sum .. "  " .. path .. "\n" end
  table.sort(lines)
  return { name = def.name, title = def.title, definition = def, folder = folder, edition = mark.edition, split = split,
    samples = samples, fields = all, splits = parts, counts = counts, warnings = shared_pictures(parts, mark, folder),
    hash = dataset.sha256(table.concat(lines)) }
end

--- Reads every file of a prepared set again; true, or nil and the files that changed.
function dataset.verify(folder)
  local mark = dataset.mark(folder)
  if not mark then return nil, folder .. ": no prepared set" end
  local bad = {}
  for path, sum in pairs(mark.files) do
    if dataset.sha256_file(folder .. "/" .. path) ~= sum then bad[#bad + 1] = path end
  end
  table.sort(bad)
  if #bad == 0 then return true end
  return nil, ("%s: %d files are missing or changed, the first is %s; fetch the set again"):format(folder, #bad, bad[1])
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
