--- Bundles: named tensors with string metadata, in safetensors and .npz files.
--   local file = safetensors.load(path)     -- nil and a message on failure
--   file.tensors  name -> tensor            file.names  names in the file's order
--   file.meta     key -> string             file.checked  true if the file had a checksum and it was right
--   safetensors.save(path, { ["conv1.weight"] = t, .. }, { epoch = "3" })
-- Reading is lazy: file:get(name) converts one array, file:read(name, t) does so into an existing tensor,
-- file.tensors at first use; file:bytes(name) gives an array as it is stored, as a string.
local ffi = require "ramus.base.ffi"
local pickle = require "ramus.lang.pickle"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local safetensors = {}

local methods = {}

--- One array as a tensor; nil and a message where it is absent or too large.
function methods.get(file, name)
  local index = C.ra_bundle_find(file.bundle, name)
  if index < 0 then return nil, ("%s holds no array '%s'"):format(file.path, name) end
  ffi.make_room(0)
  return tensor.wrap(C.ra_bundle_tensor(file.bundle, index))
end

--- Fills tensor t with an array of its shape. true; nil and a message where it is absent or has another shape.
function methods.read(file, name, t)
  if not tensor.is(t) then error(("read: wants a tensor to fill, got %s"):format(tostring(t)), 2) end
  local index = C.ra_bundle_find(file.bundle, name)
  if index < 0 then return nil, ("%s holds no array '%s'"):format(file.path, name) end
  if C.ra_bundle_read(file.bundle, index, t) ~= 0 then return nil, ffi.message() end
  return true
end

function methods.has(file, name) return C.ra_bundle_find(file.bundle, name) >= 0 end

--- The shape of an array as it is stored, nothing is converted; nil where it is absent.
function methods.shape(file, name)
  local index = C.ra_bundle_find(file.bundle, name)
  if index < 0 then return nil end
  local dims, shape = ffi.new("double[?]", C.RA_BUNDLE_RANK), {}
  for i = 1, C.ra_bundle_shape(file.bundle, index, dims) do shape[i] = dims[i - 1] end
  return shape
end

--- The stored type of an array: "F32", "U8", "I64", ...
function methods.dtype(file, name)
  local index = C.ra_bundle_find(file.bundle, name)
  return index >= 0 and ffi.string(C.ra_bundle_dtype(file.bundle, index)) or nil
end

--- The stored bytes of an array as a string.
function methods.bytes(file, name)
  local index = C.ra_bundle_find(file.bundle, name)
  if index < 0 then return nil, ("%s holds no array '%s'"):format(file.path, name) end
  local size = ffi.new("double[1]")
  local bytes = C.ra_bundle_bytes(file.bundle, index, size)
  return ffi.string(bytes, size[0])
end

local file_type = {}
function file_type.__index(file, key)
  if methods[key] then return methods[key] end
  if key ~= "tensors" then return nil end
  local all = {}
  for _, name in ipairs(file.names) do
    local t, err = file:get(name)
    if not t then error(("%s: %s"):format(file.path, err), 2) end
    all[name] = t
  end
  rawset(file, "tensors", all)
  return all
end

function file_type.__tostring(file)
  return ("file %s: %d array%s%s"):format(file.path, #file.names, #file.names == 1 and "" or "s", next(file.meta) and " and meta" or "")
end

local function describe(bundle, path)
  local file = { bundle = bundle, path = path, names = {}, meta = {}, checked = C.ra_bundle_checked(bundle) }
  for i = 0, C.ra_bundle_count(bundle) - 1 do file.names[i + 1] = ffi.string(C.ra_bundle_name(bundle, i)) end
  for i = 0, C.ra_bundle_meta_count(bundle) - 1 do
    local key = C.ra_bundle_meta_key(bundle, i)
    file.meta[ffi.string(key)] = ffi.string(C.ra_bundle_meta_get(bundle, key))
  end
  return setmetatable(file, file_type)
end

--- Opens a safetensors, .npz or .npy file (told apart by content). nil and a message on failure.
function safetensors.load(path)
  ffi.make_room(0)
  local bundle, err = ffi.own(C.ra_bundle_load(path), C.ra_bundle_release)
  if not bundle then return nil, pickle(path) or err end
  return describe(bundle, path)
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) ~= "string" then error(("save: names are strings, got %s"):format(tostring(key)), 4) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function fill(bundle, tensors, meta)
  for _, name in ipairs(sorted_keys(tensors)) do
    local value = tensors[name]
    local code
    if type(value) == "string" then code = C.ra_bundle_add_bytes(bundle, name, value, #value)
    elseif tensor.is(value) then code = C.ra_bundle_add(bundle, name, value)
    else error(("save: '%s' is a %s, wanted a tensor or a string of bytes"):format(name, type(value)), 3) end
    if code ~= 0 then return nil, ffi.message() end
  end
  for _, key in ipairs(sorted_keys(meta or {})) do
    if C.ra_bundle_set_meta(bundle, key, tostring(meta[key])) ~= 0 then return nil, ffi.message() end
  end
  return true
end

--- Writes tensors (name -> tensor, or string of bytes) and metadata (key -> string) in the order of their names, so
-- that the same content gives the same bytes. The old file stays until the new one is whole and on the disk.
-- format: "safetensors" (default) or "npz", which stores no metadata. Returns true, or nil and a message.
function safetensors.save(path, tensors, meta, format)
  if type(tensors) ~= "table" then error(("save: wanted a table of tensors, got %s"):format(type(tensors)), 2) end
  local bundle, err = ffi.own(C.ra_bundle_new(), C.ra_bundle_release)
  if not bundle then return nil, err end
  local good
  good, err = fill(bundle, tensors, meta)
  if not good then return nil, err end
  if C.ra_bundle_save(bundle, path, format or "safetensors") ~= 0 then return nil, ffi.message() end
  return true
end

return safetensors
