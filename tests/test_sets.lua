--- The known data sets, on made-up archives of their layout and, where they are at hand, on real pictures.
local check = require "check"
local cjson = require "cjson"
local class_image = require "ramus.data.image.class_image"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local field = require("made_up").field
local sum = require("numbers").sum
local tensor = require "ramus.lang.tensor"
local folder = check.folder("sets")

local function write(path, text)
  assert(files.make_folder((files.split(path))))
  assert(files.write(path, text))
end

--- A picture of noise.
local function picture(path, height, width, channels)
  assert(files.make_folder((files.split(path))))
  assert(image.save(path, tensor.rand(channels or 1, height, width or height)))
end

check.case("every set says what it is, and its files are declared as fetch wants them", function()
  for _, name in ipairs(dataset.names()) do
    local def = assert(dataset.find(name))
    for _, key in ipairs { "title", "picture", "split_source", "licence", "citation" } do check.equal(type(def[key]), "string", name .. "." .. key) end
    check.ok(def.sources and def.notes, name)
    for _, f in ipairs(dataset.with(def, select(2, dataset.place(def))).files) do
      check.ok(type(f.name) == "string" and (type(f.urls) == "table" or type(f.login) == "string"), name)
      check.ok(not f.sha256 or f.sha256:find("^%x+$") and #f.sha256 == 64, name)
      check.ok(not f.md5 or f.md5:find("^%x+$") and #f.md5 == 32, name)
      check.ok(f.seen == nil or type(f.seen) == "boolean", name)
    end
  end
end)

-- ---- ARCADE ----

local SQUARE = { 8, 8, 24, 8, 24, 24, 8, 24 }
local SMALL = { 8, 8, 16, 8, 16, 16, 8, 16 }

--- The layout of arcade.zip: syntax and stenosis; 3, 1 and 1 pictures, and what is odd in it.
local function made_up_arcade(where)
  local names = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "9a", "10", "10a", "11", "12", "12a", "13", "14", "14a", "15", "16", "16a", "16b",
    "16c", "12b", "14b", "stenosis" }
  local categories = {}
  for id, name in ipairs(names) do categories[id] = { id = id, name = name, supercategory = "" } end
  for part, n in pairs { train = 3, val = 1, test = 1 } do
    local json = { images = {}, annotations = {}, categories = categories }
    for i = 1, n do
      picture(("%s/arcade/syntax/%s/images/%d.png"):format(where, part, i), 32, 32, i % 2 == 0 and 3 or 1)
      json.images[i] = { id = i, file_name = i .. ".png", width = 32, height = 32 }
      json.annotations[#json.annotations + 1] = { id = i, image_id = i, category_id = 25, segmentation = { SQUARE }, area = 256, iscrowd = 0 }
    end
    json.annotations[#json.annotations + 1] = { id = 1, image_id = 1, category_id = 1, segmentation = { SMALL } }
    json.annotations[#json.annotations + 1] = { id = 8, image_id = 77, category_id = 1, segmentation = { SMALL } }
    json.annotations[#json.annotations + 1] = { id = 9, image_id = 1, category_id = 26, segmentation = { { 0, 0, 32, 0, 32, 32 } } }
    if part == "train" then json.images[4] = { id = 4, file_name = "4.png", width = 32, height = 32 } end
    if part == "val" then
      picture(where .. "/arcade/syntax/val/images/2.png", 32)
      json.images[2] = { id = 2, file_name = "2.png", width = 32, height = 32 }
    end
    write(("%s/arcade/syntax/%s/annotations/%s.json"):format(where, part, part), cjson.encode(json))
    write(("%s/arcade/stenosis/%s/annotations/%s.json"):format(where, part, part), "{}")
  end
end

check.case("arcade: from a zip of the original's layout, as a union and as segments", function()
  local source, root = folder .. "/arcade", folder .. "/arcade_root"
  made_up_arcade(source)
  local place = assert(fetch("arcade", { from = source, data_root = root }))
  local mark = dataset.mark(place)
  check.equal(mark.edition, "coco-3-1-1")
  local notes = table.concat(mark.notes, "\n")
  for _, part in ipairs { "train: an annotation belongs to no picture", "train: an annotation has the id of another", "train: 1 annotated pictures are absent",
    "val: 1 pictures have no segment drawn", "test: 1 polygons are stenoses" } do check.ok(notes:find(part, 1, true), notes) end

  local set = assert(dataset.open("arcade", { root = root }))
  check.equal(set.counts.train, 3)
  check.equal(set.counts.val, 1)
  check.equal(set.classes, nil)
  check.equal(sum(field(set, set.splits.train[1], "mask")), 256)
  set = assert(dataset.open("arcade", { root = root, options = { labels = "segments" } }))
  check.equal(#set.classes, 26)
  check.equal(set.classes[26].name, "14b left posterolateral b")
  local label = field(set, set.splits.train[1], "label")
  check.equal(label:get(1, 1, 9, 9), 1) -- the smaller one wins
  check.equal(label:get(1, 1, 20, 20), 25)
  check.equal(label:get(1, 1, 1, 1), 0)
  check.equal(class_image.counts(label, set.classes)[1], 64)
  check.equal(field(set, set.splits.train[2], "label"):get(1, 1, 9, 9), 25)
  check.raises("labels", dataset.open, "arcade", { root = root, options = { labels = "all" } })
end)

check.case("arcade: another task, another size, other categories are refused", function()
  local where = folder .. "/arcade_wrong"
  local function attempt(part) check.fails(part, fetch, "arcade", { from = where, data_root = folder .. "/arcade_none" }) end
  made_up_arcade(where)
  local path = where .. "/arcade/syntax/train/annotations/train.json"
  local good = assert(files.read(path))
  local function with(change)
    local t = cjson.decode(good)
    change(t)
    assert(files.write(path, cjson.encode(t)))
  end
  with(function(t) t.images[1].width = 64 end)
  attempt("is 32x32, its annotation says 64x32")
  with(function(t) t.annotations[1].category_id = 27 end)
  attempt("has the category 27; this set has 1 to 26")
  with(function(t) t.categories[10].name = "10" end)
  attempt("category 10 is '10', in this set it is '9a'")
  with(function(t) t.images[1].file_name = "one.png" end)
  picture(where .. "/arcade/syntax/train/images/one.png", 32)
  attempt("pictures are called NUMBER.png")
  with(function(t) for _, a in ipairs(t.annotations) do a.category_id = 26 end end)
  attempt("is it the task 'stenosis'?")
  assert(files.write(path, good:sub(1, -2)))
  attempt("is no JSON")
  check.fails("holds no folders train, val, test", fetch, "arcade", { from = folder .. "/arcade_root/arcade/train", data_root = folder .. "/arcade_none" })
end)

check.case("arcade: the text polygons of the shared subset", function()
  local source = check.shared("arcade_syntax_subset")
  local root = folder .. "/arcade_text"
  assert(fetch("arcade", { from = source, data_root = root }))
  local set = assert(dataset.open("arcade", { root = root }))
  check.equal(set.edition, "text-167-25-75")
  check.equal(set.counts.test, 75)
  for i = 1, 75, 15 do -- masks drawn there by another program, at 4x4 points a pixel
    local s = set.splits.test[i]
    local mine, theirs = field(set, s, "mask"), image.load_mask(("%s/test/masks_from_polygons/%s.png"):format(source, s.id:match("%d+")))
    local both, all = 0, sum(mine) + sum(theirs)
    for k = 0, theirs.size - 1 do both = both + mine.data[k] * theirs.data[k] end
    check.ok(2 * both / all > 0.96, s.id)
  end
  set = assert(dataset.open("arcade", { root = root, options = { labels = "segments" } }))
  local present = {}
  for _, s in ipairs(set.splits.val) do
    for k, n in pairs(class_image.counts(field(set, s, "label"), set.classes)) do present[k] = n > 0 or present[k] or false end
  end
  check.ok(present[0] and present[1] and present[6])
end)
