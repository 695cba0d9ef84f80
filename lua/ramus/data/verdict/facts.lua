--- Facts of a set's files: what the pixels of masks and fields of view are (every one is decoded), and that images are whole (header and
-- end). Kept by content below XDG_CACHE_HOME/ramus, so that a file is looked at once.
--
--   local f = facts.open(set)
--   f:mask(sample, "mask")   { height =, width =, values = n, list = { { level, number, count }, .. }, low =, high =, ones =, .. }
--   f:image(sample)          { height =, width = }             nil and a message where the file is broken
--   f:close()                f.decoded, f.known: how many files were looked at, and how many were known
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local image = require "ramus.data.image"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local prepared = require "ramus.data.prepared"
local reading = require "ramus.data.reading"
local C = ffi.C

local facts = {}
local Facts = {}
Facts.__index = Facts

local MOST = tonumber(C.RA_FACTS_MAX)
local NUMBERS = { "pixels", "coloured", "tinted", "palette", "alpha", "values", "low", "high", "upper", "far", "far_most", "colours", "ones", "voids" }

--- The file that keeps facts of a set's files, or nil where there is no place for it.
local function place(set)
  local root = files.cache "facts"
  if not root or not set.folder then return nil end
  return ("%s/%s.jsonl"):format(root, prepared.sha256(files.absolute(set.folder) or set.folder):sub(1, 24))
end

--- Facts of the files of an opened set.
function facts.open(set)
  local self = setmetatable({ set = set, kept = {}, fresh = {}, decoded = 0, known = 0, place = place(set),
    build = ffi.string(C.ra_build_info("commit")) }, Facts)
  for line in (self.place and files.read(self.place) or ""):gmatch("[^\n]+") do
    local ok, entry = pcall(json.decode, line)
    if ok and type(entry) == "table" and type(entry.key) == "string" then self.kept[entry.key] = entry end
  end
  return self
end

--- What decides the facts of a file beside its content, and the content: one hash. nil where the file cannot be read.
function Facts:key(path, what)
  local size = ffi.new("double[1]")
  if C.ra_path_kind(path, size, nil) ~= C.RA_PATH_FILE then return nil end
  local sum = self.set.sums and self.set.sums[path] or prepared.sha256_file(path)
  return sum and prepared.sha256(("%s %s %d %s"):format(self.build, sum, size[0], what)):sub(1, 32)
end

--- The facts that are kept under a key, else those of make(), which returns a table, or nil and a message.
function Facts:of(key, make)
  local found = key and (self.kept[key] or self.fresh[key])
  if found then
    self.known = self.known + 1
    self.fresh[key] = found
    return found
  end
  self.decoded = self.decoded + 1
  local made, err = make()
  if not made then return nil, err end
  made.key = key
  if key then self.fresh[key], self.changed = made, true end
  return made
end

--- The core's facts as a plain table.
local function plain(f)
  local t = { height = f.details.height, width = f.details.width, channels = f.details.channels, orientation = f.details.orientation,
    frames = f.details.frames,
    list = {}, colour_list = {}, histogram = {}, refused = ffi.string(f.refused) }
  for _, name in ipairs(NUMBERS) do t[name] = tonumber(f[name]) end
  for i = 1, math.min(t.values, MOST) do t.list[i] = { f.level[i - 1], f.number[i - 1], f.count[i - 1] } end
  for i = 1, math.min(t.colours, MOST) do t.colour_list[i] = { f.colour[i - 1], f.colour_count[i - 1] } end
  for i = 1, 16 do t.histogram[i] = f.histogram[i - 1] end
  return t
end

--- Facts of a field of kind mask or label of a sample, which has it.
function Facts:mask(sample, name, kind)
  local source = fields.source(sample, name)
  local r, wrong = reading.rules(source, source.classes)
  if not r then return nil, wrong end
  local what = ("%s %s %s"):format(kind, source.frame, json.encode(r))
  return self:of(source.path and self:key(source.path, what), function()
    local array, held = fields.sources(sample, { { name = name, kind = kind } })
    if not array then return nil, held end
    local f = ffi.new("ra_mask_facts")
    if C.ra_mask_inspect(fields.kinds[kind], array[0], f) ~= 0 then return nil, ffi.message() end
    return plain(f)
  end)
end

--- Size of a field of kind map or image of a sample, whose file is whole from header to end.
function Facts:map(sample, name)
  local source, details = fields.source(sample, name), ffi.new("ra_image_details")
  if not source.path then
    local t = source.tensor
    return { height = t.dim[t.rank - 2], width = t.dim[t.rank - 1] }
  end
  return self:of(self:key(source.path, "map"), function()
    if C.ra_image_check(source.path, details) ~= 0 then return nil, ffi.message() end
    return { height = details.height, width = details.width }
  end)
end

--- What image.report says of a sample's image, whose file is whole from header to end; unclear is "" where the scale is clear.
function Facts:image(sample)
  local source = fields.source(sample, "image")
  if not source.path then
    local t = source.tensor
    return { height = t.dim[t.rank - 2], width = t.dim[t.rank - 1], unclear = "", outside = 0, coloured = 0 }
  end
  return self:of(self:key(source.path, ("image %s %s"):format(source.frame, json.encode(source.range or false))), function()
    local array = fields.sources(sample, { { name = "image" } })
    local report = ffi.new("ra_image_report")
    if C.ra_image_inspect(array[0], report) ~= 0 then return nil, ffi.message() end
    local found = image.report(report)
    found.unclear = found.unclear or ""
    return found
  end)
end

--- Keeps what was found. A place that cannot be written costs time at the next start and nothing else.
function Facts:close()
  if not self.changed or not self.place then return end
  local lines, count = {}, 0
  for key, entry in pairs(self.kept) do
    count = count + 1
    if count < 20000 and not self.fresh[key] then lines[#lines + 1] = json.encode(entry, 12) end
  end
  for _, entry in pairs(self.fresh) do lines[#lines + 1] = json.encode(entry, 12) end
  table.sort(lines)
  if files.make_folder((files.split(self.place))) then files.write(self.place, table.concat(lines, "\n") .. "\n") end
end

return facts
