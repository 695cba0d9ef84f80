--- How the file of a mask becomes foreground, classes and void: what a set declares, and what is found where it declares nothing.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fields = require "ramus.data.fields"
local ffi = require "ramus.base.ffi"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local augment = require "ramus.data.augment"
local mistake = require "ramus.base.mistake"
local tensor = require "ramus.lang.tensor"
local C = ffi.C
local folder = check.folder("masks")

local H, W = 12, 20
local function filled(f)
  local t = tensor.empty(H, W)
  for i = 0, H * W - 1 do t.data[i] = f(math.floor(i / W), i % W) end
  return t
end

--- Columns 0 to 3 hold a, 4 to 9 b, 10 to 14 c, the others d.
local function stripes(a, b, c, d)
  return filled(function(_, j) return j < 4 and a or j < 10 and b or j < 15 and c or d end)
end

assert(image.save(folder .. "/x.png", filled(function(i, j) return (i * W + j) % 256 / 255 end)))
assert(image.save(folder .. "/labels.png", stripes(0, 1 / 255, 2 / 255, 1)))
local rgb = tensor.zeros(3, H, W)
for i = 0, H * W - 1 do
  local j = i % W
  rgb.data[i] = j >= 4 and j < 10 and 128 / 255 or 0            -- #800000
  rgb.data[H * W + i] = j >= 10 and 1 or 0                     -- #00ff00
end
assert(image.save(folder .. "/colours.png", rgb))

--- The set of one sample whose mask is the file `name`.
local made = 0
local function set_of(name, def)
  made = made + 1
  def.name, def.folder = "masks" .. made, folder
  def.open = def.open or function() return { { id = "a", image = folder .. "/x.png", mask = folder .. "/" .. name } } end
  dataset.register(def)
  return dataset.open(def.name)
end

local function fields_of(set, names, given)
  given = given or {}
  given.fields, given.set = names, set.fields
  return assert(loader.one(set.samples[1], given)).fields
end

--- Values of row 1 in columns 1, 5, 11, 16: those of the four stripes.
local function row(t)
  return ("%g %g %g %g"):format(t:get(1, 1, 1, 1), t:get(1, 1, 1, 5), t:get(1, 1, 1, 11), t:get(1, 1, 1, 16))
end

check.case("values of two classes, by name and by number, inverted and ignored", function()
  local f = fields_of(assert(set_of("labels.png", { values = { [0] = "background", [1] = "vessel", [2] = 0, [255] = 1 } })), { "image", "mask" })
  check.equal(row(f.mask), "0 1 0 1")
  f = fields_of(assert(set_of("labels.png", { values = { [0] = 0, [1] = 1, rest = { 2, 255, 0 } }, invert = true })), { "image", "mask" })
  check.equal(row(f.mask), "1 0 1 1")
  local set = assert(set_of("labels.png", { values = { [0] = 0, [1] = 1, [2] = 1 }, ignore = 255 }))
  f = fields_of(set, { "image", "mask", "valid", "fov" })
  check.equal(row(f.mask), "0 1 1 0")
  check.equal(row(f.valid), "1 1 1 0")
  check.ok(set.fields.valid and not set.fields.label)
  -- void pixels beside a threshold: 1 is 1 of 255, so the threshold of 1 takes 1 and 2
  set = assert(set_of("labels.png", { threshold = 1, ignore = { 255, 2 } }))
  f = fields_of(set, { "image", "mask", "valid" })
  check.equal(row(f.mask), "0 1 0 0")
  check.equal(row(f.valid), "1 1 0 0")
end)

check.case("colours and a channel", function()
  local f = fields_of(assert(set_of("colours.png", { colours = { ["#000000"] = "background", ["#800000"] = "vessel", ["#00FF00"] = 0 } })),
    { "image", "mask" })
  check.equal(row(f.mask), "0 1 0 0")
  f = fields_of(assert(set_of("colours.png", { channel = 2, threshold = 128 })), { "image", "mask" })
  check.equal(row(f.mask), "0 0 1 1")
  local set = assert(set_of("colours.png", { colours = { ["#000000"] = 0, ["#800000"] = 1 }, ignore = "#00ff00" }))
  f = fields_of(set, { "image", "mask", "valid" })
  check.equal(row(f.mask) .. ", " .. row(f.valid), "0 1 0 0, 1 1 0 0")
  set = assert(set_of("colours.png", { channel = 5 }))
  check.fails("channel 5 was asked for, the file has 3", loader.one, set.samples[1], { fields = { "image", "mask" } })
  set = assert(set_of("colours.png", { values = { [0] = 0, [1] = 1 } }))
  check.fails("has the colour #800000", loader.one, set.samples[1], { fields = { "image", "mask" } })
end)

check.case("the entries of a palette are the numbers, its colours the colours; channel 4 is alpha", function()
  local class_image = require "ramus.data.image.class_image"
  local list = { { colour = "#000000" }, { colour = "#ff0000" }, { colour = "#ff0000" }, { colour = "#ffffff" } }
  assert(class_image.save(folder .. "/palette.png", stripes(0, 1, 2, 3), list))
  local names = { "image", "mask" }
  check.equal(row(fields_of(assert(set_of("palette.png", { values = { [0] = 0, [1] = 0, [2] = 1, [3] = 0 } })), names).mask), "0 0 1 0")
  check.equal(row(fields_of(assert(set_of("palette.png", { values = { [0] = 0, [255] = 1 }, channel = 1 })), names).mask), "0 1 1 1")
  check.equal(row(fields_of(assert(set_of("palette.png", { colours = { ["#ff0000"] = 1, ["#000000"] = 0, ["#ffffff"] = 0 } })), names).mask), "0 1 1 0")
  check.equal(row(fields_of(assert(set_of("palette.png", { classes = { { name = "a" }, { name = "b" }, { name = "c" }, { name = "d" } } })),
    { "image", "label" }).label), "0 1 2 3")
  local path = folder .. "/palette.png"
  local f, source = ffi.new "ra_mask_facts", ffi.new("ra_source", { path = path, threshold = 128 })
  check.equal(C.ra_mask_inspect(C.RA_FIELD_MASK, source, f), 0)
  check.equal(("%d entries, alpha %d"):format(f.palette, f.alpha), "4 entries, alpha 0")
  -- of the grey values of this file one is transparent: that of its first pixel
  path = check.root .. "/tests/reference/image/grey8_transparent.png"
  local grey = assert(image.load(path))
  source = ffi.new("ra_source", { path = path, threshold = 128, channel = 4 })
  check.equal(C.ra_mask_inspect(C.RA_FIELD_MASK, source, f), 0)
  check.equal(("%d entries, alpha %d"):format(f.palette, f.alpha), "0 entries, alpha 2")
  local opaque = 0
  for i = 0, grey.size - 1 do opaque = opaque + (grey.data[i] ~= grey.data[0] and 1 or 0) end
  check.equal(f.ones, opaque)
  check.ok(opaque > 0 and opaque < grey.size)
end)

local CLASSES = { { name = "background" }, { name = "artery" }, { name = "vein", value = 2 } }

check.case("a set with classes: label, mask and valid from one file; void stays void in a warp and a resize", function()
  local set = assert(set_of("labels.png", { classes = CLASSES, ignore = 255 }))
  check.equal(#set.classes, 3)
  check.equal(set.classes[3].name, "vein")
  check.equal(set.fields.label.kind .. set.fields.mask.kind .. set.fields.valid.kind, "labelmaskmask")
  local f = fields_of(set, { "image", "label", "mask", "valid" })
  check.equal(row(f.label), "0 1 2 -1")
  check.equal(row(f.mask), "0 1 1 0")
  check.equal(row(f.valid), "1 1 1 0")
  local allowed = { [0] = true, [1] = true, [2] = true, [-1] = true }
  local l = assert(loader.new(set.samples, { fields = { "image", "label", "valid" }, set = set.fields, batch = 1, epochs = 1, cache = 1,
    augment = augment.program { rotate = { 11, 11 }, scale = { 0.8, 0.8 } } }))
  assert(l:start())
  local b = l:buffers(assert(l:peek()))
  assert(l:next(b))
  local voids = 0
  for i = 0, H * W - 1 do
    check.ok(allowed[b.label.data[i]], "class " .. b.label.data[i])
    if b.label.data[i] == -1 then voids = voids + 1 end
  end
  check.ok(voids > 20, voids .. " void pixels")
  f = fields_of(set, { "image", "label" }, { prepare = augment.prepare { size = { 6, 10 } } })
  for i = 0, f.label.size - 1 do check.ok(allowed[f.label.data[i]], "class " .. f.label.data[i]) end
  check.equal(f.label:get(1, 1, 3, 10), -1)
  -- values in the file by the names of classes; the label may be a field of its own
  set = assert(set_of("labels.png", { classes = CLASSES, values = { [0] = "background", [1] = "vein", [2] = "vein", [255] = "artery" },
    open = function() return { { id = "a", image = folder .. "/x.png", label = folder .. "/labels.png" } } end }))
  f = fields_of(set, { "image", "label", "mask" })
  check.equal(row(f.label) .. ", " .. row(f.mask), "0 2 2 1, 0 1 1 1")
end)

check.case("wrong declarations are mistakes of the user's, with a cure", function()
  for _, c in ipairs {
    { { values = { [0] = "background", [1] = "artery", [2] = "vein" } }, "names three classes" },
    { { values = { [0] = 0 }, threshold = 1 }, "not both" },
    { { values = { zero = 0 } }, "maps numbers of the file to classes" },
    { { values = { [0] = "void", [1] = 1.5 } }, "is no class" },
    { { colours = { red = 1 } }, "maps \"#rrggbb\"" },
    { { values = { [0] = 0, [1] = 1 }, ignore = "#ffffff" }, "is a colour, the classes go by values" },
    { { classes = CLASSES, threshold = 3 }, "a threshold makes two classes" },
    { { classes = CLASSES, values = { [0] = "background", [1] = "atery" } }, "did you mean 'artery'" },
    { { classes = { "background", "x", "x" } }, "has the name 'x'" },
  } do
    local set, err = set_of("labels.png", c[1])
    check.ok(not set, "expected a failure with " .. c[2])
    check.ok(err:find(c[2], 1, true), err)
    check.ok(mistake.is("data: " .. err), "status 2")
  end
  local set = assert(set_of("labels.png", { values = { [0] = 0, [1] = 1 } }))
  check.fails("no rule of `values` covers 2 in row 1, column 11", loader.one, set.samples[1], { fields = { "image", "mask" } })
end)

check.case("nothing declared: of two values the larger is foreground, of any depth", function()
  local function mask(t, name, bits)
    if name:find("npy$") then assert(C.ra_npy_save(folder .. "/" .. name, t) == 0)
    else assert(image.save(folder .. "/" .. name, t, { bits = bits or 8 })) end
    return row(fields_of(assert(set_of(name, {})), { "image", "mask" }).mask)
  end
  check.equal(mask(stripes(0, 1 / 255, 0, 1 / 255), "one.png"), "0 1 0 1")
  check.equal(mask(stripes(0, 255 / 65535, 0, 255 / 65535), "deep.png", 16), "0 1 0 1")
  check.equal(mask(stripes(0, 1, 0, 1), "float.npy"), "0 1 0 1")
  check.equal(mask(stripes(-1, 1, -1, 1), "signed.npy"), "0 1 0 1")
  check.equal(mask(stripes(0, 1, 0, 1), "usual.png"), "0 1 0 1")
  check.equal(mask(stripes(0, 0, 0, 0), "empty.png"), "0 0 0 0")
  check.equal(fields.source({ id = "a", image = "x", mask = "m" }, "mask").threshold, nil)
end)
