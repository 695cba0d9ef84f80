--- ra.save and ra.load: tensors in files that other programs read and write too.
local ffi = require "ramus.base.ffi"
local tensor = require "ramus.lang.tensor"
local safetensors = require "ramus.lang.safetensors"
local C = ffi.C

local serialize = {}

--- Writes a tensor as .npy, a table of tensors as .npz or .safetensors, or a drawing (of ra.show) as .png or .svg; the
-- ending decides. Returns true, or nil and a message.
function serialize.save(path, value)
  if type(path) ~= "string" then error(("save: wanted a path first, got %s"):format(type(path)), 2) end
  local meta = type(value) == "table" and getmetatable(value)
  if type(meta) == "table" and meta.__save then -- a value that knows how it is written
    local good, err = meta.__save(value, path)
    if not good then return nil, err end
    return true
  end
  local ending = (path:match("%.(%w+)$") or ""):lower()
  if tensor.is(value) then
    if ending ~= "npy" then
      error(("save: a single tensor goes into a .npy file, given '%s'; save { name = tensor } as .npz or .safetensors")
        :format(path), 2)
    end
    if C.ra_npy_save(path, value) ~= 0 then return nil, ffi.message() end
    return true
  end
  if type(value) ~= "table" then
    error(("save: wanted a tensor or a table of tensors, got %s"):format(type(value)), 2)
  end
  if ending ~= "npz" and ending ~= "safetensors" then
    error(("save: a table of tensors goes into a .npz or .safetensors file, given '%s'"):format(path), 2)
  end
  local good, err = safetensors.save(path, value, nil, ending)
  return good, err
end

--- Reads by content: .npy gives a tensor of rank 1 to 4 (a single number has shape {1}), .npz and .safetensors a
-- table name -> tensor. nil and a message on failure.
function serialize.load(path)
  if type(path) ~= "string" then error(("load: wanted a path, got %s"):format(type(path)), 2) end
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  local all = {}
  for _, name in ipairs(file.names) do
    all[name], err = file:get(name)
    if not all[name] then return nil, err end
  end
  local single = all[""]
  if not single or #file.names ~= 1 then return all end
  return single.rank == 0 and single:reshape(1) or single
end

return serialize
