--- Channels: a model follows the colour of its data where the recipe leaves them open; colour into one channel is said; arrays that are no
-- image are named.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local processes = require "processes"
local ra = require "ramus"
local C = ffi.C

local folder = check.folder "channels"
local binary = processes.executable(check.root)

--- Eight pairs in folder/NAME; tint(t, c): what a channel of the image is made of.
local function make_set(name, tint)
  local at = folder .. "/" .. name
  for _, sub in ipairs { "images", "masks" } do assert(files.make_folder(at .. "/data/" .. sub)) end
  for i = 1, 8 do
    local grey, mask, rgb = ra.zeros(32, 40), ra.zeros(32, 40), ra.zeros(3, 32, 40)
    assert(C.ra_phantom(grey, mask, 3, i) == 0)
    for c = 0, 2 do
      for k = 0, grey.size - 1 do rgb.data[c * grey.size + k] = tint(grey.data[k], c) end
    end
    assert(ra.image.save_all { { ("%s/data/images/%d.png"):format(at, i), rgb }, { ("%s/data/masks/%d.png"):format(at, i), mask } })
  end
  assert(files.write(at .. "/mine.lua", [[
local dataset = require "ramus.dataset"
return { name = "mine", title = "t", folder = "data", licence = "x", citation = "x", split_source = "number", open = function(at)
  local samples = assert(dataset.pair(at, { image = { "images", "^(.+)%.png$" }, mask = { "masks", "^(.+)%.png$" } }))
  for i, s in ipairs(samples) do s.split = i <= 4 and "train" or i <= 6 and "val" or "test" end
  return samples
end }
]]))
  assert(files.write(at .. "/recipe.lua", [[
local ra = require "ramus"
return { name = "r", data = { set = "mine.lua", batch = 2 }, model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, seed = 1, log = { pictures = 0 } }
]]))
  return at
end

local coloured = make_set("coloured", function(v, c) return c == 0 and v or c == 1 and v * 0.6 or v * 0.3 end)
local grey = make_set("grey", function(v) return v end)

local function ramus(at, words)
  return processes.sh(("cd '%s' && XDG_CACHE_HOME='%s/cache' timeout 60 '%s' %s"):format(at, folder, binary, words))
end

local function count(text, part) return select(2, text:gsub(part, "")) end

check.case("channels: left open they follow the colour of the images, also when the run goes on", function()
  local text, status = ramus(coloured, "train recipe.lua --set epochs=1")
  check.equal(status, 0, text)
  check.ok(text:find("the model reads 3", 1, true), text)
  check.equal(assert(ra.load_model(coloured .. "/runs/r")).template.channels, 3)
  check.ok(assert(files.read(coloured .. "/runs/r/resolved.lua")):find("channels = 3", 1, true))
  text, status = ramus(coloured, "train recipe.lua --set epochs=1")
  check.equal(status, 0, text)
  check.ok(text:find("is complete", 1, true), text)
  text, status = ramus(coloured, "eval runs/r --data mine.lua")
  check.equal(status, 0, text)
  check.equal(count(text, "one channel"), 0, text)
  text, status = ramus(grey, "train recipe.lua --set model.width=3")
  check.equal(status, 0, text)
  local model = assert(ra.load_model(grey .. "/runs/r"))
  check.equal(model.template.channels, 1, "RGB files of grey are grey")
  check.ok(assert(files.read(grey .. "/runs/r/resolved.lua")):find("channels = 1", 1, true))
  text = ramus(grey, "predict runs/r data/images -o out")
  check.equal(count(text, "is coloured"), 0, text)
end)

check.case("channels: colour into one channel is said once, by train, eval and predict", function()
  local text, status = ramus(coloured, "train recipe.lua --set model.channels=1 --run runs/one")
  check.equal(status, 0, text)
  check.equal(assert(ra.load_model(coloured .. "/runs/one")).template.channels, 1)
  check.equal(count(text, "8 of 8 images are coloured, and the model reads one channel"), 1, text)
  check.ok(text:find("BT.601", 1, true) and text:find("images/1.png", 1, true), text)
  text = ramus(coloured, "eval runs/one --data mine.lua")
  check.equal(count(text, "2 of 2 images are coloured") + count(text, "8 of 8 images are coloured"), 1, text)
  text = ramus(coloured, "predict runs/one data/images -o out")
  check.equal(count(text, "is coloured, and the model reads one channel"), 1, text)
  text = ramus(grey, "train recipe.lua --set model.channels=3 --run runs/three")
  check.equal(count(text, "coloured"), 0, text)
  check.equal(assert(ra.load_model(grey .. "/runs/three")).template.channels, 3)
end)

local function npy(shape)
  local n, head = 1, ("{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }"):format(shape)
  for d in shape:gmatch "%d+" do n = n * tonumber(d) end
  head = head .. (" "):rep((64 - (#head + 11) % 64) % 64) .. "\n"
  return "\147NUMPY\1\0" .. string.char(#head % 256, math.floor(#head / 256)) .. head .. ("\7"):rep(n)
end

check.case("channels: an array that is no image is named, with what it holds and what an image is", function()
  local model = ra.models.unet { depth = 2, width = 2 }
  assert(model:initialise(1))
  for shape, found in pairs { ["20, 21, 33"] = "20 channels of 33x21", ["21, 33, 4"] = "4 channels of 33x21", ["4, 50, 3"] = "4 channels of 3x50",
    ["2, 9, 9"] = "2 channels of 9x9", ["9, 9, 2"] = "9 channels of 2x9" } do
    local path = ("%s/%s.npy"):format(folder, shape:gsub(", ", "_"))
    assert(files.write(path, npy(shape)))
    local loader = require "ramus.data.loader"
    local report = ffi.new("ra_image_report")
    for what, result in pairs { predict = { ra.predict(model, path, { output = folder .. "/out" }) }, loader = { loader.one({ id = "x", image = path },
      { fields = { "image" } }) }, inspect = { C.ra_image_inspect(ffi.new("ra_source", { path = path }), report) == 0 or nil, ffi.message() } } do
      check.ok(not result[1], what .. " took " .. shape)
      for _, part in ipairs { path, found, "an image has 1 or 3" } do check.ok(result[2]:find(part, 1, true), ("%s: %s"):format(what, result[2])) end
    end
  end
  local path = folder .. "/rank4.npy"
  assert(files.write(path, npy "1, 1, 9, 9"))
  check.fails("rank 4", ra.image.load, path)
end)
