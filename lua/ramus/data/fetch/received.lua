--- What was received of a set's files, kept beside the set as ROOT/SET.received.json: where a file came from, when, its size and
-- SHA-256, and what the server said of it. It is the pin of a file whose publisher gives no checksum.
--
--   local r = received.open(def, root)
--   r.files[NAME]                  { sha256 =, bytes =, when = (it came first), from =, etag =, modified = } or nil
--   r:wanted(file)                 { name =, bytes =, sha256 =, md5 = }: what a file must be, by its definition, else by its pin
--   r:add(file, path, source)      source: { from =, etag =, modified = }; nil and a message
--   r:store()
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local prepared = require "ramus.data.prepared"

local received = {}
local Received = {}
Received.__index = Received

--- Whether every file that the set keeps of its archives has a SHA-256 of its own, so that the archive needs none (some servers pack
-- theirs anew, with other bytes each time).
local function checked_inside(def)
  for _, edition in ipairs(def.editions) do
    if #edition.files == 0 then return false end
    for _, f in ipairs(edition.files) do if not f.sha256 then return false end end
  end
  return #def.editions > 0 and not def.prepare
end

--- What a file of a set is checked by: "sha256", "md5", "files" (each file in it has a SHA-256) or "pin".
function received.check_of(def, file)
  if file.sha256 then return "sha256" end
  if file.md5 then return "md5" end
  return checked_inside(def) and "files" or "pin"
end

--- The record of a set below a data root, empty where there is none; nil and a message where it is damaged.
function received.open(def, root)
  local self = setmetatable({ def = def, path = ("%s/%s.received.json"):format(root, def.name), files = {} }, Received)
  if not files.exists(self.path) then return self end
  local ok, kept = pcall(json.decode, files.read(self.path) or "")
  if not ok or type(kept) ~= "table" or type(kept.files) ~= "table" then
    return nil, self.path .. ": cannot be read as JSON with the field files; it holds what was pinned: restore it, or remove it to pin anew"
  end
  self.files = kept.files
  return self
end

--- The pin of a file, or nil: it has a published sum, or was never received.
function Received:pin(file)
  local kept = self.files[file.name]
  if received.check_of(self.def, file) == "pin" and type(kept) == "table" and type(kept.sha256) == "string" then return kept end
end

function Received:wanted(file)
  local pin = self:pin(file)
  if pin then return { name = file.name, sha256 = pin.sha256, bytes = pin.bytes } end
  return file
end

--- What to say where a file is not the one that was pinned.
function Received:other(file)
  local pin = self:pin(file)
  if not pin then return nil end
  return ("the publisher of %s gives no checksum, so it was pinned when it came first: sha256 %s, %d bytes, on %s from %s (%s). "
    .. "If it may be another one now: ramus fetch %s --accept-changed"):format(file.name, pin.sha256, pin.bytes or 0, tostring(pin.when),
    tostring(pin.from), self.path, self.def.name)
end

--- Forgets what is pinned.
function Received:forget()
  for _, file in ipairs(self.def.files) do if self:pin(file) then self.files[file.name] = nil end end
end

--- Adds a file. Returns true where this pins it.
function Received:add(file, path, source)
  local pinned, before = self:pin(file), self.files[file.name]
  local sum, err = prepared.sha256_file(path)
  if not sum then return nil, err end
  local size = ffi.new("double[1]")
  ffi.C.ra_path_kind(path, size, nil)
  local when = type(before) == "table" and before.sha256 == sum and before.when or os.date("!%Y-%m-%dT%H:%M:%SZ") -- of its first coming
  self.files[file.name] = { sha256 = sum, bytes = tonumber(size[0]), when = when, from = source.from, etag = source.etag, modified = source.modified }
  return not pinned and received.check_of(self.def, file) == "pin"
end

function Received:store() return files.write(self.path, json.encode({ set = self.def.name, files = self.files }) .. "\n") end

return received
