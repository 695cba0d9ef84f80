--- Templates of models, changed in structure while the file around them stays whole: ramus run tests/fuzz/templates.lua SEED COUNT FOLDER.
-- What reads them may give a model, or nil and a message; a Lua error is a defect, and so is whatever a sanitizer says. main.lua starts
-- this in a process of its own. The file that is being read is FOLDER/input.safetensors, so that it is there when the process dies.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local ra = require "ramus"
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local json = require "cjson"
local safetensors = require "ramus.lang.safetensors"
local change = require "mutate"

local seed, count, folder = tonumber(arg[1]), tonumber(arg[2]), arg[3]
math.randomseed(seed)
local function random(n) return math.random(1, n) end

--- The files that are changed: bytes, tensors, metadata.
local function models()
  os.execute(("rm -rf %s && mkdir -p %s"):format(folder, folder))
  local list = {}
  for i, m in ipairs { ra.models.unet { depth = 2, width = 2, sides = true }, ra.models.unet { depth = 2, width = 2, norm = "group" } } do
    local path = folder .. "/seed" .. i .. ".safetensors"
    assert(m:save(path))
    list[i] = assert(files.read(path))
  end
  return list
end

--- Writes a checkpoint whose template is changed in 1 to 3 places.
local function write_changed(bytes, path)
  assert(files.write(path, bytes))
  local file = assert(safetensors.load(path))
  local meta, arrays = {}, {}
  for key, value in pairs(file.meta) do meta[key] = value end
  for name, t in pairs(file.tensors) do arrays[name] = t end
  local template = json.decode(meta["ramus.model"])
  for _ = 1, random(3) do change(template) end
  meta["ramus.model"] = json.encode(template)
  assert(ra.save(path, arrays, meta))
end

local function read(path)
  local m, err = checkpoint.load_model(path)
  if not m then return nil, err end
  local ok, why = pcall(m.forward, m, ra.zeros(1, 1, 16, 16)) -- a model that opens may still refuse a picture
  return ok, not ok and why or nil
end

local input, list = folder .. "/input.safetensors", models()
for i = 1, count do
  write_changed(list[random(#list)], input)
  local ok, value, err = pcall(read, input)
  if not ok then error(("file %d of seed %d: an error was raised, where nil and a message are promised: %s"):format(i, seed, tostring(value)), 0) end
  if not value and (type(err) ~= "string" or #err < 8) then error(("file %d of seed %d: no message (%s)"):format(i, seed, tostring(err)), 0) end
  if i % 64 == 0 then collectgarbage() end
end
