--- Editions of MedSegBench: arrays of a .npz become pictures, one at a time; arrays of other types, broken and odd ones.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local made_up = require "made_up"
local tensor = require "ramus.lang.tensor"
local verdict = require "ramus.data.verdict"
local C = ffi.C
local folder = check.folder("medsegbench")

--- A .npy: header and data.
local function npy(kind, shape, data, more)
  local text = ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }"):format(kind, more or "False", table.concat(shape, ", "))
  text = text .. (" "):rep(64 - (10 + #text + 1) % 64) .. "\n"
  return "\147NUMPY\1\0" .. string.char(#text % 256, math.floor(#text / 256)) .. text .. data
end

--- Bytes of N pictures whose value tells which it is, and labels with as many ones.
local function pictures(n, part, pixels, channels)
  local images, labels = {}, {}
  for k = 1, n do
    images[k] = string.char(40 * part + k):rep(pixels * channels)
    labels[k] = ("\1"):rep(k) .. ("\0"):rep(pixels - k)
  end
  return table.concat(images), table.concat(labels)
end

--- Writes the six arrays into a folder. counts: { 3, 1, 2 } of train, val, test.
local function arrays(where, counts, size, channels)
  for i, part in ipairs { "train", "val", "test" } do
    local images, labels = pictures(counts[i], i, size * size, channels)
    made_up.put(("%s/%s_images.npy"):format(where, part), npy("|u1", channels == 3 and { counts[i], size, size, 3 } or { counts[i], size, size }, images))
    made_up.put(("%s/%s_label.npy"):format(where, part), npy("|u1", { counts[i], size, size }, labels))
  end
end

local function opened(name, from, size)
  local root = folder .. "/root"
  local o = { from = from, data_root = root, again = true, accept_changed = true, options = { size = size } }
  if files.is_file(from) then check.fails("md5", fetch, name, o) end
  made_up.without_sums(name, function() return assert(fetch(name, o)) end)
  return assert(dataset.open(name, { root = root, options = { size = size } }))
end

local function value(path)
  local t = assert(image.load(path))
  return t:get(1, 1, 1) * 255
end

check.case("an archive becomes pictures in the order of its arrays; counts decide the edition", function()
  local where, archives = check.folder("medsegbench/dca1"), check.folder("medsegbench/archives")
  arrays(where, { 93, 13, 28 }, 12, 1)
  made_up.shell(where, ("tar cf '%s/dca1_128.npz' *.npy"):format(archives)) -- a file's content decides what it is
  local set = opened("dca1_medsegbench", archives, 128)
  check.equal(set.edition, "full")
  check.equal(set.counts.train, 93)
  check.equal(set.counts.val, 13)
  check.equal(set.counts.test, 28)
  check.equal(set.folder, folder .. "/root/dca1_medsegbench-128")
  check.equal(set.splits.val[2].id, "val/2")
  check.near(value(set.splits.val[2].image), 82, 1e-4)
  local mask = assert(loader.one(set.splits.val[2], { fields = { "image", "mask" }, set = set.fields, native = true })).native.mask
  local ones = 0
  for i = 0, mask.size - 1 do ones = ones + mask.data[i] end
  check.equal(ones, 2)
  assert(verdict.check(set, { "train", "val", "test" }, {}))
  check.ok(not files.exists(set.folder .. "/.arrays"))
end)

check.case("three channels; unpacked by hand, or the archive itself", function()
  local where = check.folder("medsegbench/drive")
  arrays(where, { 2, 1, 2 }, 10, 3)
  local set = opened("drive_medsegbench", where, 256)
  check.equal(set.edition, "part-2-1-2")
  check.equal(assert(image.info(set.samples[1].image)).channels, 3)
  check.near(value(set.splits.test[2].image), 122, 1e-4)
  made_up.shell(where, "tar cf ../drive_256.npz *.npy")
  check.equal(opened("drive_medsegbench", folder .. "/drive_256.npz", 256).edition, "part-2-1-2")
end)

check.case("numbers of other types; a .npz with floats", function()
  local where = check.folder("medsegbench/types")
  arrays(where, { 1, 1, 1 }, 4, 1)
  local one = ("\7"):rep(3) .. ("\0"):rep(13)
  for kind, form in pairs { ["<i8"] = "%s\0\0\0\0\0\0\0", ["<u2"] = "%s\0", ["|b1"] = "%s" } do
    made_up.put(where .. "/train_label.npy", npy(kind, { 1, 4, 4 }, (one:gsub("\7", "\1"):gsub(".", function(c) return (form:gsub("%%s", c)) end))))
    made_up.put(where .. "/val_images.npy", npy(kind == "|b1" and "|u1" or kind, { 1, 4, 4, 1 }, (one:gsub(".", function(c) return (form:gsub("%%s", c)) end))))
    local set = opened("chuac_medsegbench", where, 128)
    check.near(value(set.splits.val[1].image), 7, 1e-4, kind)
    check.near(value(set.splits.train[1].mask), 255, 1e-4, kind)
  end
  local b = ffi.gc(C.ra_bundle_new(), C.ra_bundle_release)
  for _, part in ipairs { "train", "val", "test" } do
    local x, y = tensor.zeros(2, 4, 4), tensor.zeros(2, 4, 4)
    x:fill(9)
    y:narrow(3, 1, 2):fill(1)
    assert(C.ra_bundle_add(b, part .. "_images", x) == 0 and C.ra_bundle_add(b, part .. "_label", y) == 0)
  end
  local npz = check.folder("medsegbench/npz") .. "/chuac_128.npz"
  assert(C.ra_bundle_save(b, npz, "npz") == 0, ffi.message())
  local set = opened("chuac_medsegbench", (files.split(npz)), 128)
  check.near(value(set.splits.test[2].image), 9, 1e-4)
  check.near(value(set.splits.test[2].mask), 255, 1e-4)
end)

check.case("arrays that are odd, cut or lie are refused with their file; nothing is left behind", function()
  local where, root = check.folder("medsegbench/wrong"), folder .. "/none"
  local function attempt(part, name, text)
    arrays(where, { 1, 1, 1 }, 4, 1)
    if text then made_up.put(where .. "/" .. name, text) else os.remove(where .. "/" .. name) end
    check.fails(part, fetch, "dca1_medsegbench", { from = where, data_root = root, options = { size = 128 } })
    check.fails(name, fetch, "dca1_medsegbench", { from = where, data_root = root, options = { size = 128 } })
    check.ok(not files.exists(root .. "/dca1_medsegbench-128.part"))
  end
  local ok = ("\0"):rep(16)
  attempt("No such file", "val_label.npy", nil)
  attempt("is no .npy file", "train_images.npy", "PK\3\4 something else")
  attempt("a form that is not read", "train_images.npy", npy("|u1", { 1, 4, 4 }, ok, "True"))
  attempt("numbers of type <c8", "train_images.npy", npy("<c8", { 1, 4, 4 }, ok))
  attempt("numbers of type |O", "train_images.npy", npy("|O", { 1, 4, 4 }, ok))
  attempt("has the shape (4, 4,)", "train_images.npy", npy("|u1", { 4, 4 }, ok))
  attempt("has the shape (1, 4, 4, 2,)", "train_images.npy", npy("|u1", { 1, 4, 4, 2 }, ok .. ok))
  attempt("has the shape (1, 99999, 4,)", "train_images.npy", npy("|u1", { 1, 99999, 4 }, ok))
  attempt("has the shape (1, 0, 4,)", "train_images.npy", npy("|u1", { 1, 0, 4 }, ""))
  attempt("its header says", "train_images.npy", npy("|u1", { 1000000000, 4, 4 }, ok))
  attempt("its header says", "test_label.npy", npy("|u1", { 1, 4, 4 }, ok .. "x"))
  attempt("label 1 holds other numbers than 0 and 1", "test_label.npy", npy("|u1", { 1, 4, 4 }, ok:sub(2) .. "\2"))
  attempt("has the shape 1x4x4x1", "test_label.npy", npy("|u1", { 1, 4, 5 }, ok .. "\0\0\0\0"))
  attempt("labels have one channel", "val_label.npy", npy("|u1", { 1, 4, 4, 3 }, ok:rep(3)))
  attempt("holds the number", "val_images.npy", npy("<u2", { 1, 4, 4 }, ("\0\1"):rep(16)))
  attempt("holds the number", "val_images.npy", npy("<f4", { 1, 4, 4 }, ("\0\0\0\63"):rep(16)))
  attempt("holds the number nan", "val_images.npy", npy("<f4", { 1, 4, 4 }, ("\0\0\192\127"):rep(16)))
  local whole = npy("|u1", { 1, 4, 4 }, ok)
  for n = 0, #whole - 1 do
    arrays(where, { 1, 1, 1 }, 4, 1)
    made_up.put(where .. "/val_label.npy", whole:sub(1, n))
    check.fails("val_label.npy", fetch, "dca1_medsegbench", { from = where, data_root = root, options = { size = 128 } })
  end
  check.fails("neither dca1_512.npz nor its arrays", fetch, "dca1_medsegbench", { from = check.folder("medsegbench/empty"), data_root = root })
  check.raises("size", fetch, "dca1_medsegbench", { data_root = root, options = { size = 64 } })
end)
