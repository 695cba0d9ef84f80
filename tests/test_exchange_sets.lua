--- Sets as other programs have them, in place: nnU-Net's folders, and COCO's annotations with polygons and run lengths.
local check = require "check"
local cjson = require "cjson"
local dataset = require "ramus.data.dataset"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local ra = require "ramus"
local runs = require "ramus.data.runs"

local folder = check.folder "exchange_sets"

--- A grey picture of its own, so that no two are equal.
local function picture(path, k)
  assert(files.make_folder((files.split(path))))
  local t = ra.zeros(12, 10)
  t:set(1, k % 10 + 1, 1)
  t:set(2, math.floor(k / 10) + 1, 1)
  assert(ra.image.save(path, t))
end

--- A label file with the numbers of a function of the pixel.
local function labels(path, f)
  assert(files.make_folder((files.split(path))))
  local t = ra.zeros(12, 10)
  for i = 1, 12 do for j = 1, 10 do t:set(i, j, f(i, j) / 255) end end
  assert(ra.image.save(path, t))
end

local function nnunet(name, json, cases, tests)
  local at = folder .. "/" .. name
  for k = 1, cases do
    picture(("%s/imagesTr/case_%03d_0000.png"):format(at, k), k)
    labels(("%s/labelsTr/case_%03d.png"):format(at, k), function(i) return i == 1 and 2 or i == 2 and 1 or i == 3 and 3 or 0 end)
  end
  for k = 1, tests or 0 do
    picture(("%s/imagesTs/new_%03d_0000.png"):format(at, k), 50 + k)
    labels(("%s/labelsTs/new_%03d.png"):format(at, k), function(_, j) return j == 4 and 2 or 0 end)
  end
  json.numTraining, json.file_ending = cases, ".png"
  assert(files.write(at .. "/dataset.json", cjson.encode(json)))
  return at
end

--- The label or mask of a set's first training sample, as a loader decodes it.
local function first(set, field, part)
  local one = assert(require("ramus.data.loader").one(set.splits[part or "train"][1], { fields = { "image", field }, channels = 1 }))
  return one.fields[field]
end

check.case("nnU-Net: classes, the number that is ignored, shares, test cases with truth", function()
  local at = nnunet("Dataset001_A", { labels = { background = 0, stem = 1, branch = 2, ignore = 3 }, channel_names = { ["0"] = "XA" } }, 16, 3)
  local set = assert(dataset.open(at))
  check.equal(set.counts.train + set.counts.val, 16)
  check.equal(set.counts.val, 2)
  check.equal(set.counts.test, 3)
  check.equal(#set.classes, 3)
  check.equal(set.classes[3].name, "branch")
  local y = first(set, "label")
  local function at_row(i) return y:reshape(12, 10):get(i, 5) end
  check.equal(at_row(1), 2)
  check.equal(at_row(2), 1)
  check.equal(at_row(4), 0)
  check.equal(at_row(3), require("ramus.data.reading").VOID)
  check.equal(#set.warnings, 0, table.concat(set.warnings, "; "))
end)

check.case("nnU-Net: two labels are background and foreground; version 1; folds of splits_final.json", function()
  local at = nnunet("Task002_B", { labels = { ["0"] = "background", ["2"] = "vessel" }, modality = { ["0"] = "XA" } }, 5)
  for k = 1, 5 do labels(("%s/labelsTr/case_%03d.png"):format(at, k), function(i) return i < 3 and 2 or 0 end) end
  local set = assert(dataset.open(at .. "/"))
  check.equal(set.classes, nil)
  check.equal(first(set, "mask"):stats().mean, 20 / 120)
  check.equal(set.counts.train + (set.counts.val or 0) + set.counts.test, 5)
  assert(files.write(at .. "/splits_final.json", cjson.encode { { train = { "case_001" }, val = { "case_002" } },
    { train = { "case_001", "case_003", "case_004", "case_005" }, val = { "case_002" } } }))
  set = assert(dataset.open(at, { options = { fold = 1 } }))
  check.equal(set.counts.train, 4)
  check.equal(set.splits.val[1].id, "case_002")
  check.fails("has 2 folds, fold 7", dataset.open, at, { options = { fold = 7 } })
  picture(at .. "/imagesTr/case_001_0001.png", 77)
  check.fails("one file a channel", dataset.open, at)
end)

check.case("nnU-Net: what cannot be read is said", function()
  check.fails("is a region of several", dataset.open, nnunet("Dataset003_C", { labels = { background = 0, whole = { 1, 2 } } }, 2))
  check.fails("wants a label 0", dataset.open, nnunet("Dataset004_D", { labels = { vessel = 1 } }, 2))
  local at = nnunet("Dataset005_E", { labels = { background = 0, vessel = 1 } }, 2)
  assert(files.write(at .. "/dataset.json", "{"))
  check.fails("is no JSON", dataset.open, at)
end)

-- ---- COCO ----

check.case("run lengths: lists and texts", function()
  local mask = ra.zeros(3, 4) -- columns: 010, 011, 000, 111
  for _, p in ipairs { { 2, 1 }, { 2, 2 }, { 3, 2 }, { 1, 4 }, { 2, 4 }, { 3, 4 } } do mask:set(p[1], p[2], 1) end
  local counts = runs.of(mask, 1)
  check.equal(table.concat(counts, ","), "1,1,2,2,3,3")
  check.equal(runs.encode(counts), "112111") -- 1, 1, 2, 2 - 1, 3 - 2, 3 - 2
  local seed = 7
  for n = 1, 40 do
    local list = {}
    for i = 1, n do
      seed = (seed * 1103515245 + 12345) % 2 ^ 31
      list[i] = seed % ({ 2, 40, 5000, 3e6 })[i % 4 + 1]
    end
    check.equal(table.concat(assert(runs.decode(runs.encode(list))), ","), table.concat(list, ","))
  end
  local again = runs.mask(counts, 3, 4)
  check.equal(ffi.string(ffi.data(again), 48), ffi.string(ffi.data(mask), 48))
  check.fails("within a number", runs.decode, "P")
  check.fails("add up to 3", runs.read, { size = { 2, 2 }, counts = { 1, 2 } }, 2, 2)
end)

local function coco(name, change)
  local at = folder .. "/" .. name
  for k = 1, 5 do picture(("%s/images/%d.png"):format(at, k), k) end
  local json = { images = {}, annotations = {}, categories = { { id = 7, name = "artery" }, { id = 3, name = "catheter" } } }
  for k = 1, 5 do json.images[k] = { id = k, file_name = k .. ".png", height = 12, width = 10 } end
  for k = 1, 4 do
    json.annotations[2 * k - 1] = { id = 2 * k - 1, image_id = k, category_id = 7, segmentation = { { 0, 0, 10, 0, 10, 4, 0, 4 } } }
    json.annotations[2 * k] = { id = 2 * k, image_id = k, category_id = 3, segmentation = { size = { 12, 10 }, counts = { 24, 2, 94 } } }
  end
  if change then change(json) end
  assert(files.write(at .. "/annotations.json", cjson.encode(json)))
  return at .. "/annotations.json"
end

check.case("COCO: categories are classes in the order of their ids; or the union; a picture without annotation is background", function()
  local path, root = coco "plain", folder .. "/data"
  check.fails("ramus fetch", dataset.open, path, { root = root })
  assert(ra.fetch(path, { data_root = root }))
  local set = assert(dataset.open(path, { root = root, options = { split = "1:0:0" } }))
  check.equal(set.counts.train, 5)
  check.equal(set.classes[2].name, "catheter")
  check.equal(set.classes[3].name, "artery")
  for _, s in ipairs(set.splits.train) do
    local y = assert(require("ramus.data.loader").one(s, { fields = { "image", "label" }, channels = 1 })).fields.label:reshape(12, 10)
    local annotated = s.id:find "5" == nil
    check.equal(y:get(1, 1), annotated and 2 or 0, s.id)
    check.equal(y:get(2, 3), annotated and 1 or 0, "the smaller one wins")
    check.equal(y:get(5, 3), 0)
  end
  set = assert(dataset.open(path, { root = root, options = { labels = "union", split = "1:0:0" } }))
  check.equal(set.classes, nil)
  check.equal(first(set, "mask"):stats().mean, 40 / 120)
end)

check.case("COCO: a training on annotations fetches what it needs; a definition's file names splits", function()
  local path = coco "train"
  coco "test"
  assert(files.write(folder .. "/both.lua", [[return require("ramus").datasets.coco {
    { train = "train/annotations.json", test = "test/annotations.json" }, labels = "union" }]]))
  local root = folder .. "/data2"
  assert(ra.fetch(folder .. "/both.lua", { data_root = root }))
  local set = assert(dataset.open(folder .. "/both.lua", { root = root }))
  check.equal(set.counts.train, 5)
  check.equal(set.counts.test, 5)
  local said = assert(ra.train({ name = "c", data = { set = path, size = 32, batch = 2 }, model = ra.models.unet { depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.cross_entropy {} } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 },
    { run = folder .. "/run", data_root = root, quiet = true, evaluate = false }))
  check.equal(#assert(ra.load_model(said.run)).output.classes, 3)
end)

check.case("COCO: the same annotations of other pictures are another set, prepared from those", function()
  local root, one, two = folder .. "/data4", coco "one", coco "two"
  check.equal(files.read(one), files.read(two))
  assert(files.write(folder .. "/two/images/3.png", files.read(folder .. "/two/images/4.png")))
  assert(ra.fetch(one, { data_root = root }))
  local first_set = assert(dataset.open(one, { root = root }))
  check.fails("ramus fetch", dataset.open, two, { root = root })
  assert(ra.fetch(two, { data_root = root }))
  local second = assert(dataset.open(two, { root = root }))
  check.ok(first_set.folder ~= second.folder and first_set.hash ~= second.hash, "two folders")
  check.equal(files.read(second.folder .. "/images/3.png"), files.read(folder .. "/two/images/3.png"))
  check.equal(assert(dataset.open(one, { root = root })).folder, first_set.folder)
end)

check.case("COCO: what does not fit is said", function()
  local root = folder .. "/data3"
  local function refused(part, name, change) check.fails(part, ra.fetch, coco(name, change), { data_root = root }) end
  refused("category 9", "odd1", function(j) j.annotations[1].category_id = 9 end)
  refused("its annotation says 10x13", "odd2", function(j) j.images[1].height, j.annotations[2].segmentation = 13, { { 1, 1, 2, 2, 3, 1 } } end)
  refused("add up to 119", "odd3", function(j) j.annotations[2].segmentation.counts[3] = 93 end)
  refused("its annotation says 12x10", "odd5", function(j)
    j.images[2].height, j.images[2].width = nil, nil
    j.annotations[4].segmentation.size = { 10, 12 }
  end)
  refused("say where", "odd4", function(j) for k, p in ipairs(j.images) do p.file_name = "x" .. k .. ".png" end end)
  check.raises("paths", ra.datasets.coco, { { training = "x.json" } })
end)

-- ---- lists of pairs ----

local function pairs_file(name, text)
  for k = 1, 6 do
    picture(("%s/list/scans/%d.png"):format(folder, k), 70 + k)
    labels(("%s/list/gt/%d_m.png"):format(folder, k), function(i) return i == 1 and 255 or 0 end)
  end
  local path = ("%s/list/%s.csv"):format(folder, name)
  assert(files.write(path, text))
  return path
end

local function lines(form, n)
  local list = {}
  for k = 1, n or 6 do list[k] = (form:gsub("%%d", k)) end
  return table.concat(list, "\n") .. "\n"
end

local function ids(list)
  local names = {}
  for i, s in ipairs(list or {}) do names[i] = s.id end
  return table.concat(names, " ")
end

check.case("CSV: pairs without a line of names, with one in any order, as spreadsheets write them", function()
  local plain = assert(dataset.open(pairs_file("plain", lines "scans/%d.png,gt/%d_m.png"), { split = "7:1:2" }))
  check.equal(ids(plain.samples), "scans/1 scans/2 scans/3 scans/4 scans/5 scans/6")
  check.equal(plain.samples[3].mask, folder .. "/list/gt/3_m.png")
  check.equal(first(plain, "mask"):get(1, 1, 1, 1), 1)
  check.equal(plain.name, "plain")
  local odd = "\239\187\191Mask;age;IMAGE;Split\r\n" .. lines("gt/%d_m.png;\"4;2\n\"\"x\";\"scans/%d.png\"; train", 4):gsub("\n", "\r\n")
    .. "\r\n;;scans/5.png;test\r\ngt/6_m.png;;" .. folder .. "/list/scans/6.png;val"
  local set = assert(dataset.open(pairs_file("odd", odd)))
  check.equal(ids(set.splits.train), "scans/1 scans/2 scans/3 scans/4")
  check.equal(ids(set.splits.test), "scans/5")
  check.equal(set.splits.test[1].mask, nil)
  check.equal(set.splits.val[1].id, (folder:sub(2) .. "/list/scans/6"))
  check.equal(set.split_source, "the column split")
  check.equal(set.splits.train[1].mask, plain.samples[1].mask)
  local grouped = assert(dataset.open(pairs_file("groups", "image\tmask\tgroup\tid\n" .. lines("scans/%d.png\tgt/%d_m.png\tp1\tn%d", 4)
    .. lines("scans/%d.png\tgt/%d_m.png\tp2\tm%d", 2)), { split = "1:0:1" }))
  for _, part in pairs(grouped.splits) do
    for _, s in ipairs(part) do check.equal(s.group, part[1].group) end
  end
  check.equal(grouped.samples[1].id, "n1")
end)

check.case("CSV: a training, a definition's file with its own options, another list is another set", function()
  local path = pairs_file("run", lines "scans/%d.png,gt/%d_m.png")
  assert(files.write(folder .. "/list/own.lua", [[return require("ramus").datasets.csv { "run.csv", groups = "(%d)$", split = "1:1:1", licence = "x" }]]))
  local set = assert(dataset.open(folder .. "/list/own.lua"))
  check.equal(set.counts.train + set.counts.val + set.counts.test, 6)
  check.equal(set.samples[1].group ~= nil, true)
  assert(ra.train({ name = "csv", data = { set = path, batch = 2, threshold = 128 }, model = ra.models.unet { depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1 }, { run = folder .. "/csv_run", quiet = true }))
  local hash = assert(dataset.open(path)).hash
  pairs_file("run", lines("scans/%d.png,gt/%d_m.png", 5))
  check.ok(assert(dataset.open(path)).hash ~= hash, "the hash is that of other pictures")
end)

check.case("CSV: what cannot be read is said, with its line", function()
  local good = "scans/1.png,gt/1_m.png\n"
  for text, part in pairs {
    [""] = "bad.csv:1: wants fields separated by", ["\n\n"] = "bad.csv:1: wants fields", ["scans/1.png"] = "bad.csv:1: wants fields",
    [","] = "bad.csv:1: names no image",
    [good .. "scans/9.png,gt/1_m.png"] = "bad.csv:2: image: there is no file",
    [good .. "scans,gt/1_m.png"] = "bad.csv:2: image: .*scans is a folder",
    [good .. "\n" .. good] = "bad.csv:3: the image 'scans/1' is in line 1 already",
    [good .. "scans/2.png"] = "bad.csv:2: has 1 field, wanted 2", [good .. "scans/2.png,gt/2_m.png,x"] = "bad.csv:2: has 3 fields, wanted 2",
    ["a,b,c\n" .. good] = "bad.csv:1: has 3 fields; without a line of names", ["mask,split\n" .. good] = "no column is called image",
    ["image,image\n" .. good] = "two columns are called image", ["image,maks\n" .. good] = "did you mean 'mask'",
    ["image,mask\n"] = "names no image", ["image,mask,split\n" .. good:gsub("\n", ",\n")] = "bad.csv:2: names no split",
    ["image,mask\n\"scans/1.png,gt/1_m.png\n"] = "bad.csv:2: a quote is not closed",
    ["image,mask\n\"scans/1.png\"x,gt/1_m.png\n"] = "bad.csv:2: 'x' stands behind a closed quote",
    ["image,mask,id\nscans/1.png,gt/1_m.png,../..\n"] = "bad.csv:2: the id '../..' is no name", ["a,\0b\n"] = "is no text",
  } do
    local set, err = dataset.open(pairs_file("bad", text))
    check.ok(not set and err:find(part) and not err:find "traceback", ("%q: %s"):format(text, tostring(err)))
  end
  check.fails("unknown data set", dataset.open, folder .. "/list/none.csv")
  local long = {}
  for i = 1, 20000 do long[i] = ("\"scans/%d.png\",\"gt/%d_m.png\""):format(i, i) end
  local before = os.clock()
  check.equal(#assert(require("ramus.data.csv").records(table.concat(long, "\n"), "long")), 20000)
  check.ok(os.clock() - before < 2, "20000 lines took " .. os.clock() - before .. " s")
end)
