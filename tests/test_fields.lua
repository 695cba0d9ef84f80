--- Fields of a sample beyond image, mask and field of view: how each kind is decoded, warped, padded and batched.
local check = require "check"
local ffi = require "ramus.base.ffi"
local augment = require "ramus.data.augment"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local sets = require "ramus.data.sets"
local tensor = require "ramus.lang.tensor"
local C = ffi.C
local folder = check.folder("fields")

local function filled(h, w, f)
  local t = tensor.empty(h, w)
  for i = 0, h * w - 1 do t.data[i] = f(math.floor(i / w), i % w) end
  return t
end

local H, W = 20, 30
local function class(i, j) return i < 7 and 0 or j < 11 and 3 or 17 end
local function weight(i, j) return 100 * i - j / 8 end

assert(image.save(folder .. "/x.png", filled(H, W, function(i, j) return (i * W + j) % 256 / 255 end)))
assert(image.save(folder .. "/m.png", filled(H, W, function(i, j) return (i + j) % 5 < 2 and 1 or 0 end)))
assert(image.save(folder .. "/c.png", filled(H, W, function(i, j) return class(i, j) / 255 end)))
assert(image.save(folder .. "/c16.png", filled(H, W, function(i, j) return 1000 * class(i, j) / 65535 end), { bits = 16 }))
assert(C.ra_npy_save(folder .. "/w.npy", filled(H, W, weight)) == 0)
local declared = { weight = { kind = "map", channels = 1 }, tissue = { kind = "label", channels = 1 } }
local sample = { id = "a", image = folder .. "/x.png", mask = folder .. "/m.png",
  fields = { weight = folder .. "/w.npy", tissue = folder .. "/c.png" } }
local names = { "image", "mask", "fov", "weight", "tissue" }

local function batch(s, o)
  o.fields, o.set, o.batch, o.epochs = o.fields or names, o.set or declared, 1, 1
  local l = assert(loader.new({ s }, o))
  assert(l:start())
  local shape, err = l:peek()
  if not shape then return nil, err end
  local buffers = l:buffers(shape)
  local n
  n, err = l:next(buffers)
  if not n then return nil, err end
  return buffers
end

check.case("labels keep their numbers and maps their values, with and without the cache", function()
  for _, cache in ipairs { 0, 10 } do
    local l = assert(loader.new({ sample }, { fields = names, set = declared, batch = 1, epochs = 2, cache = cache }))
    assert(l:start())
    for _ = 1, 2 do
      local b = l:buffers(assert(l:peek()))
      assert(l:next(b))
      for i = 0, H - 1 do
        for j = 0, W - 1 do
          check.equal(b.tissue:get(1, 1, i + 1, j + 1), class(i, j))
          check.near(b.weight:get(1, 1, i + 1, j + 1), weight(i, j), 1e-4)
        end
      end
    end
  end
end)

check.case("values of the file become classes by rule, of 8 and 16 bits and of arrays", function()
  local function tissue(source)
    return batch({ id = "a", image = sample.image, fields = { tissue = source } }, { fields = { "image", "tissue" } })
  end
  local b = assert(tissue { path = folder .. "/c.png", values = { [0] = 0, [3] = 1, [17] = 2 } })
  check.equal(b.tissue:get(1, 1, 8, 1), 1)
  check.equal(b.tissue:get(1, 1, 20, 30), 2)
  b = assert(tissue { path = folder .. "/c16.png", values = { { 0, 2999, 0 }, { 3000, 16999, 4 }, [17000] = 9 } })
  check.equal(b.tissue:get(1, 1, 1, 1), 0)
  check.equal(b.tissue:get(1, 1, 8, 1), 4)
  check.equal(b.tissue:get(1, 1, 20, 30), 9)
  assert(C.ra_npy_save(folder .. "/c.npy", filled(H, W, class)) == 0)
  check.equal(assert(tissue(folder .. "/c.npy")).tissue:get(1, 1, 20, 30), 17)
  check.fails("no rule of `values` covers 17 in row 8, column 12", tissue, { path = folder .. "/c.png", values = { [0] = 0, [3] = 1 } })
  check.fails("is no class", tissue, folder .. "/w.npy")
  assert(image.save(folder .. "/rgb.png", tensor.rand(3, H, W)))
  check.fails("colours are no classes by themselves", tissue, folder .. "/rgb.png")
  check.fails("frame 2 was asked for, the file has 1", tissue, { path = folder .. "/c.png", frame = 2 })
end)

check.case("a warp makes no new classes, keeps maps smooth, and pads as declared", function()
  local program = augment.program { rotate = { 17, 17 }, scale = { 0.6, 0.6 }, gamma = 2 }
  local set = { weight = { kind = "map", channels = 1, outside = -7 }, tissue = { kind = "label", channels = 1, outside = 255 } }
  local b = assert(batch(sample, { augment = program, set = set }))
  local seen, outside = {}, 0
  for i = 0, H * W - 1 do
    seen[b.tissue.data[i]] = true
    if b.fov.data[i] == 0 then
      outside = outside + 1
      check.equal(b.weight.data[i], -7)
      check.equal(b.tissue.data[i], 255)
    else
      check.ok(b.tissue.data[i] ~= 255 and b.weight.data[i] ~= -7)
    end
    check.ok(b.mask.data[i] == 0 or b.mask.data[i] == 1)
  end
  check.ok(outside > 100, "the field of view ends where the image does")
  local list = {}
  for v in pairs(seen) do list[#list + 1] = v end
  table.sort(list)
  check.equal(table.concat(list, " "), "0 3 17 255")
  -- without a declared value: as the border, here mirrored
  b = assert(batch(sample, { augment = augment.program { shift = { 5, 5 }, border = "reflect" } }))
  check.equal(b.tissue:get(1, 1, 20, 20), class(14, 14))
  check.near(b.weight:get(1, 1, 3, 20), weight(3, 14), 1e-3, "row 2 mirrors row 3 of the input")
end)

check.case("resizing takes the nearest class", function()
  local b = assert(batch(sample, { prepare = augment.prepare { size = { 13, 41 } } }))
  for i = 0, b.tissue.size - 1 do
    local v = b.tissue.data[i]
    check.ok(v == 0 or v == 3 or v == 17, "class " .. v)
  end
  check.equal(b.weight.dim[3], 41)
end)

check.case("a field that a sample lacks: an error when asked for, or its declared value", function()
  local bare = { id = "bare", image = sample.image }
  check.fails("sample bare has no weight", batch, bare, { fields = { "image", "weight" } })
  local b = assert(batch(bare, { fields = { "image", "weight" }, set = { weight = { kind = "map", channels = 1, absent = 2 } } }))
  check.equal(b.weight:get(1, 1, 1, 1), 2)
  -- the field of view is 1 in the image and 0 where the border was made up
  b = assert(batch(bare, { fields = { "image", "fov" }, augment = augment.program { shift = { 4, 4 } } }))
  check.equal(b.fov:get(1, 1, 2, 9), 0)
  check.equal(b.fov:get(1, 1, 10, 10), 1)
end)

check.case("what the loader says reaches those who walk over a set", function()
  check.fails("sample bare has no mask", sets.each_picture, { { id = "bare", image = sample.image } }, { channels = 1 }, function() end)
end)

check.case("one sample without a loader: the bits of the loader, and the fields at their own size", function()
  local prepare = augment.prepare { size = { 13, 41 }, clahe = true }
  local b = assert(batch(sample, { prepare = prepare }))
  local one = assert(loader.one(sample, { fields = names, set = declared, prepare = prepare, native = true }))
  for _, name in ipairs(names) do
    local t = one.fields[name]
    check.equal(tensor.shape_text(t), "[1,1,13,41]")
    for i = 0, t.size - 1 do if t.data[i] ~= b[name].data[i] then error(name .. " differs from the loader's") end end
    check.equal(tensor.shape_text(one.native[name]), "[1,1,20,30]")
  end
  check.equal(one.reports.mask.between, 0)
  check.equal(one.native.tissue:get(1, 1, 20, 30), 17)
  local three = assert(loader.one({ id = "b", image = sample.image }, { channels = 3, fields = { "image", "mask" } }))
  check.equal(tensor.shape_text(three.fields.image), "[1,3,20,30]")
  check.ok(three.fields.mask == nil)
  check.fails("sample c: ", loader.one, { id = "c", image = folder .. "/absent.png" })
end)

check.case("values in memory are a source like a file, and a set can be walked over", function()
  local x, m = assert(image.load(sample.image)), assert(image.load_mask(sample.mask))
  local s = { id = "m", image = x, mask = m, fields = { weight = filled(H, W, weight) } }
  local prepare = augment.prepare { size = 16 }
  local a = assert(loader.one(s, { fields = { "image", "mask", "weight" }, set = declared, prepare = prepare }))
  local b = assert(loader.one(sample, { fields = { "image", "mask", "weight" }, set = declared, prepare = prepare }))
  for name, t in pairs(a.fields) do
    for i = 0, t.size - 1 do if t.data[i] ~= b.fields[name].data[i] then error(name .. " differs from the file's") end end
  end
  local colour = assert(loader.one({ id = "c", image = tensor.rand(3, 5, 6) }, { fields = { "image" } }))
  check.equal(tensor.shape_text(colour.fields.image), "[1,1,5,6]")
  check.fails("sample r: values in memory are", loader.one, { id = "r", image = tensor.rand(2, 1, 5, 6) }, { fields = { "image" } })
  local seen = {}
  assert(sets.each_sample({ sample, s }, { channels = 1, prepare = prepare, native = true }, function(one, got)
    seen[#seen + 1] = one.id .. " " .. tensor.shape_text(got.native.mask) .. tensor.shape_text(got.fields.fov)
    return true
  end))
  check.equal(table.concat(seen, "; "), "a [1,1,20,30][1,1,16,16]; m [1,1,20,30][1,1,16,16]")
  check.fails("stop here", sets.each_sample, { sample }, { channels = 1 }, function() return nil, "stop here" end)
end)

check.case("Dice of logits: counts inside the field of view, in C as by hand", function()
  local p, y, v = tensor.rand(41, 37), tensor.zeros(41, 37), tensor.ones(41, 37)
  local both, sum = 0, 0
  for i = 0, p.size - 1 do
    y.data[i], v.data[i] = i % 4 == 0 and 1 or 0, i % 7 == 0 and 0 or 1
    if v.data[i] >= 0.5 then
      local hit = p.data[i] >= 0.3 and 1 or 0
      both, sum = both + hit * y.data[i], sum + hit + y.data[i]
    end
  end
  check.equal(C.ra_metric_dice(ffi.data(p), ffi.data(y), ffi.data(v), p.size, 0.3), 2 * both / sum)
  local nothing = C.ra_metric_dice(ffi.data(p), ffi.data(y), nil, 0, 0.3)
  check.ok(nothing ~= nothing, "a score over no pixel is no score")
end)

check.case("a data set declares fields; opening it lists them; training names what is missing", function()
  local file, root = check.root .. "/tests/sets/weighted.lua", folder .. "/root"
  assert(fetch(file, { data_root = root }))
  local set = assert(dataset.open(file, { root = root }))
  check.equal(table.concat(require("ramus.data.fields").names(set.fields), " "), "image mask fov tissue weight")
  check.equal(set.fields.weight.kind, "map")
  local recipe = { seed = 1, data = { set = file, split = "usual", train = "train", val = "val", test = "test", batch = 2, threads = 1,
    cache = 10, augment = { flip = true, crop = 32 }, options = {}, preprocess = {} } }
  local d = assert(sets.open(recipe, { channels = 1, data_root = root, fields = { "image", "mask", "weight", "tissue" } }))
  assert(d.train_loader:start())
  local buffers = d.train_loader:buffers(assert(d.train_loader:peek()))
  check.equal(assert(d.train_loader:next(buffers)), 2)
  for i = 0, buffers.mask.size - 1 do
    check.ok(buffers.tissue.data[i] == 0 or buffers.tissue.data[i] == 1 or buffers.tissue.data[i] == 2)
    if buffers.mask.data[i] == 1 and buffers.tissue.data[i] ~= 1 then error("mask and label disagree") end
    check.ok(buffers.weight.data[i] == 1 or buffers.weight.data[i] == 3)
  end
  check.fails("unknown field 'wieght'; did you mean 'weight'?", sets.open, recipe, { channels = 1, data_root = root, fields = { "image", "wieght" } })
end)

check.case("wrong fields are named", function()
  check.raises("did you mean 'weight'", loader.new, { sample }, { fields = { "image", "wight" }, set = declared })
  check.fails("the first field must be of kind image", loader.new, { sample }, { fields = { "mask" } })
  check.fails("channels of weight is 65", loader.new, { sample }, { fields = { "image", { name = "weight", kind = "map", channels = 65 } } })
  local l = assert(loader.new({ sample }, { fields = { "image", "mask" }, batch = 1 }))
  assert(l:start())
  check.raises("unknown field 'maks'; did you mean 'mask'?", l.next, l, { maks = tensor.zeros(1, 1, H, W) })
  local fields = require "ramus.data.fields"
  check.fails("has no kind", fields.of, { { id = "q", fields = { depth = "d.npy" } } }, nil, "set s")
  check.fails("is of kind map, elsewhere it is label", fields.of, { { id = "q", fields = { depth = { path = "d", kind = "map" } } } },
    { depth = { kind = "label" } }, "set s")
end)
