--- What is fuzzed: reader name -> { seeds = function(root, folder) -> list of file contents, read = function(path) }.
-- read gives a value, or nil and a message; a Lua error in it is a defect, and so is whatever a sanitizer says.
local ra = require "ramus"
local C = require("ramus.base.ffi").C
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local safetensors = require "ramus.lang.safetensors"
local json = require "cjson"

local readers = {}

local function contents(root, folder, pattern)
  local list = {}
  for _, name in ipairs(assert(files.list(root .. "/" .. folder))) do
    if name:match(pattern) then list[#list + 1] = assert(files.read(root .. "/" .. folder .. "/" .. name)) end
  end
  assert(#list > 0, "no seeds in " .. folder)
  return list
end

local function picture(path)
  local loaded, err = image.load(path)
  local info = image.info(path)
  if loaded and not info then error("a picture that loads has no header", 0) end
  return loaded, err
end

readers.png = { seeds = function(root) return contents(root, "tests/reference/image", "%.png$") end, read = picture }
readers.jpeg = { seeds = function(root) return contents(root, "tests/reference/image", "%.jpg$") end, read = picture }
readers.npy = { seeds = function(root) return contents(root, "tests/reference/image", "%.np[yz]$") end, read = picture }

readers.pnm = { read = picture, seeds = function(_, folder)
  local t, list = ra.rand(3, 5, 7), {}
  for _, ending in ipairs { "pgm", "ppm" } do
    local path = folder .. "/seed." .. ending
    assert(image.save(path, ending == "pgm" and t:narrow(1, 1, 1) or t))
    list[#list + 1] = assert(files.read(path))
  end
  list[3], list[4] = "P1\n# plain\n3 2\n0 1 0\n1 0 1\n", "P2 2 2 300\n0 5 299 300\n"
  return list
end }

--- Every array of a bundle, whole.
local function bundle(path)
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  for _, name in ipairs(file.names) do
    local _, why = file:bytes(name), file:get(name)
    if why == "" then error("an error without a message", 0) end
  end
  return file
end

readers.bundle = { read = bundle, seeds = function(root, folder)
  local list = contents(root, "tests/reference/image", "%.np[yz]$")
  local path = folder .. "/seed.safetensors"
  assert(ra.save(path, { a = ra.rand(2, 3), b = ra.rand(4), ["c.weight"] = ra.rand(1, 2, 3) }, { note = "some text" }))
  list[#list + 1] = assert(files.read(path))
  return list
end }

readers.archive = {
  read = function(path)
    local out = path .. ".out"
    os.execute("rm -rf " .. out .. " && mkdir " .. out)
    if C.ra_archive_extract(path, out, 1e6) == 0 then return true end
    return nil, ffi.message()
  end,
  seeds = function(_, folder)
    os.execute(("cd %s && mkdir -p x/y && echo text > x/a && echo more > x/y/b && tar cf s.tar x && tar czf s.tgz x"):format(folder))
    return { assert(files.read(folder .. "/s.tar")), assert(files.read(folder .. "/s.tgz")) }
  end,
}

-- ---- templates: structure is changed, the file around it stays whole -------------------------------------------------

local STRANGE = { -1, 0, 1, 3, 2 ^ 31, 2 ^ 53, -2 ^ 40, 0.5, 1e300, "", "relu", "x", json.null, true, false, {}, { 1 }, { { {} } } }

--- Changes one place of a table, at any depth: another value, no value, a value from elsewhere.
local function change(t, random)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  if #keys == 0 then return end
  local key = keys[random(#keys)]
  if type(t[key]) == "table" and random(5) > 1 then return change(t[key], random) end
  local kind = random(4)
  if kind == 1 then t[key] = nil
  elseif kind == 2 then t[key] = t[keys[random(#keys)]]
  else t[key] = STRANGE[random(#STRANGE)] end
end

local template_models
readers.template = {
  ending = ".safetensors",
  seeds = function(_, folder)
    template_models = {
      ra.models.unet { depth = 2, width = 2, sides = true },
      ra.models.unet { depth = 2, width = 2, norm = "group" },
    }
    local list = {}
    for i, m in ipairs(template_models) do
      assert(m:save(folder .. "/seed" .. i .. ".safetensors"))
      list[i] = assert(files.read(folder .. "/seed" .. i .. ".safetensors"))
    end
    return list
  end,
  --- Writes a checkpoint whose template is changed in 1 to 3 places.
  mutate = function(bytes, random, path)
    assert(files.write(path, bytes))
    local file = assert(safetensors.load(path))
    local meta, arrays = {}, {}
    for key, value in pairs(file.meta) do meta[key] = value end
    for name, t in pairs(file.tensors) do arrays[name] = t end
    local template = json.decode(meta["ramus.model"])
    for _ = 1, random(3) do change(template, random) end
    meta["ramus.model"] = json.encode(template)
    assert(ra.save(path, arrays, meta))
  end,
  read = function(path)
    local m, err = checkpoint.load_model(path)
    if not m then return nil, err end
    local ok, why = pcall(m.forward, m, ra.zeros(1, 1, 16, 16)) -- a model that opens may still refuse a picture
    return ok, not ok and why or nil
  end,
}

return readers
