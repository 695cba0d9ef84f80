--- Folders of one's own pictures: layouts, pairs by name, splits, groups; what is left aside; a training without any code.
local check = require "check"
local files = require "ramus.base.files"
local dataset = require "ramus.data.dataset"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local ra = require "ramus"
local binary = files.absolute(require("processes").executable(check.root))

--- A folder with empty files of the names in a text; "1..3" stands for a file each.
local function made(name, text)
  local root = check.folder("folder/" .. name)
  for path in text:gmatch("%S+") do
    local from, to = path:match("(%d+)%.%.(%d+)")
    for i = tonumber(from or 1), tonumber(to or 1) do
      local one = root .. "/" .. path:gsub("%d+%.%.%d+", tostring(i)):gsub("~", " ")
      assert(files.make_folder((files.split(one))))
      assert(files.write(one, one))
    end
  end
  return root
end

--- "ID IMAGE MASK FOV OBSERVER SPLIT" of every sample, sorted; nil and a message.
local function opened(root, given)
  local options = { root }
  for k, v in pairs(given or {}) do options[k] = v end
  dataset.register((function()
    local def = dataset.folder(options)
    def.name = "under_test"
    return def
  end)())
  local set, err = dataset.open("under_test")
  if not set then return nil, err end
  local lines = {}
  for i, s in ipairs(set.samples) do
    local function short(path) return path and path:sub(#set.folder + 2) or "-" end
    lines[i] = table.concat({ s.id, short(s.image), short(s.mask), short(s.fov), short(s.observers and s.observers[1].mask), s.split or "-" }, " ")
  end
  table.sort(lines)
  return lines, set
end

--- name, files, number of pairs, the first line, files that are not used.
local LAYOUTS = {
  { "images and masks", "images/1..4.png masks/1..4.png", 4, "1 images/1.png masks/1.png - -" },
  { "image and label, other endings", "image/a1..3.jpg label/a1..3.png", 3, "a1 image/a1.jpg label/a1.png - -" },
  { "imgs and ground truth", "imgs/1..2.png Ground~truth/1..2.png", 2, "1 imgs/1.png Ground truth/1.png - -" },
  { "a suffix in the folder of masks", "images/c1..3.png masks/c1..3_mask.png", 3, "c1 images/c1.png masks/c1_mask.png - -" },
  { "an unknown suffix", "images/c1..3.png masks/c1..3-outline.png", 3, "c1 images/c1.png masks/c1-outline.png - -" },
  { "an unknown prefix", "images/c1..3.png masks/roots_c1..3.png", 3, "c1 images/c1.png masks/roots_c1.png - -" },
  { "a suffix of the images", "imagesTr/c1..3_0000.png labelsTr/c1..3.png", 3, "train/c1_0000 imagesTr/c1_0000.png labelsTr/c1.png - - train" },
  { "loose pairs", "1..12.png 1..12_mask.png", 12, "1 1.png 1_mask.png - -" },
  { "loose pairs, overlays beside them", "1..3.png 1..3_mask.png 1..3_overlay.png", 3, "1 1.png 1_mask.png - -", 3 },
  { "loose pairs of words", "image_1..3.png mask_1..3.png", 3, "image_1 image_1.png mask_1.png - -" },
  { "loose pairs of words with numbers", "img1..3.png seg1..3.png", 3, "img1 img1.png seg1.png - -" },
  { "numbers with zeros before them", "images/1..12.png masks/001.png masks/002.png masks/00003..9.png masks/0010..12.png", 12,
    "1 images/1.png masks/001.png - -" },
  { "two names with a number of one value are nobody's",
    "images/1.png images/01.png images/2.png masks/001.png masks/02.png", 1, "2 images/2.png masks/02.png - -", 3 },
  { "images loose, masks in a folder", "1..3.png masks/1..3.png", 3, "1 1.png masks/1.png - -" },
  { "masks in the folder of images", "images/1..3.png images/1..3_gt.png", 3, "1 images/1.png images/1_gt.png - -" },
  { "splits above", "train/images/1..3.png train/masks/1..3.png val/images/1.png val/masks/1.png test/images/1..2.png test/masks/1..2.png", 6,
    "test/1 test/images/1.png test/masks/1.png - - test" },
  { "splits below", "images/training/1..3.png images/test/4.png annotations/training/1..3.png annotations/test/4.png", 4,
    "test/4 images/test/4.png annotations/test/4.png - - test" },
  { "splits in the names of folders", "train_images/1..2.png train_masks/1..2.png test_images/3.png test_masks/3.png", 3,
    "test/3 test_images/3.png test_masks/3.png - - test" },
  { "splits with loose pairs", "Angios_40_training/1..2.png Angios_40_training/1..2_gt.png Angios_40_testing/1.png Angios_40_testing/1_gt.png", 3,
    "test/1 Angios_40_testing/1.png Angios_40_testing/1_gt.png - - test" },
  { "DRIVE", "training/images/21..23_training.tif training/1st_manual/21..23_manual1.gif training/mask/21..23_training_mask.gif "
    .. "test/images/1..2_test.tif test/mask/1..2_test_mask.gif", 5, "test/1_test test/images/1_test.tif - test/mask/1_test_mask.gif - test" },
  { "HRF", "images/1..3_h.JPG manual1/1..3_h.tif mask/1..3_h_mask.tif", 3, "1_h images/1_h.JPG manual1/1_h.tif mask/1_h_mask.tif -" },
  { "CHASE_DB1", "Image_1..3L.jpg Image_1..3L_1stHO.png Image_1..3L_2ndHO.png", 3, "Image_1L Image_1L.jpg Image_1L_1stHO.png - Image_1L_2ndHO.png" },
  { "loose manual segmentations and fields of view", "1..3_training.png 1..3_manual1.png 1..3_training_mask.png", 3,
    "1_training 1_training.png 1_manual1.png 1_training_mask.png -" },
  { "two observers", "images/1..2.png 1st_manual/1..2.png 2nd_manual/1..2.png fov/1..2.png", 2, "1 images/1.png 1st_manual/1.png fov/1.png 2nd_manual/1.png" },
  { "patients below", "images/p1/1..2.png images/p2/1.png masks/p1/1..2.png masks/p2/1.png", 3, "p1/1 images/p1/1.png masks/p1/1.png - -" },
  { "patients above", "p1/images/1..2.png p1/masks/1..2.png p2/images/1.png p2/masks/1.png", 3, "p1/1 p1/images/1.png p1/masks/1.png - -" },
  { "a folder a case", "p1..3/image.png p1..3/mask.png", 3, "p1 p1/image.png p1/mask.png - -" },
  { "masks in a folder of their folder", "images/1..3.png masks/0/1..3.png", 3, "1 images/1.png masks/0/1.png - -" },
  { "images in a folder of their folder", "images/all/1..3.png masks/1..3_mask.png", 3, "all/1 images/all/1.png masks/1_mask.png - -" },
  { "what a zip unpacks to", "set-main/set/images/1..3.png set-main/set/masks/1..3.png __MACOSX/set-main/images/._1.png", 3,
    "1 set-main/set/images/1.png set-main/set/masks/1.png - -" },
  { "upper-case endings", "images/1..2.png images/3..4.PNG masks/1..2.PNG masks/3..4.png", 4, "1 images/1.png masks/1.PNG - -" },
  { "names beyond ASCII", "images/患者甲.png masks/患者甲.png images/b.png masks/b.png", 2, "b images/b.png masks/b.png - -" },
  { "no endings", "images/IM1..3 masks/IM1..3.png", 3, "IM1 images/IM1 masks/IM1.png - -" },
  { "what is no picture", "images/1..3.png masks/1..3.png images/Thumbs.db images/desktop.ini images/._1.png images/.DS_Store images/notes.txt README LICENSE "
    .. "masks/__MACOSX/._1.png results.csv", 3, "1 images/1.png masks/1.png - -", 0 },
  { "files without a partner", "images/1..4.png masks/2..5.png overview.jpg", 3, "2 images/2.png masks/2.png - -", 3 },
  { "two folders of images, one with plain words", "images/1..2.png images_512/1..2.png masks/1..2.png", 2, "1 images/1.png masks/1.png - -", 2 },
  { "a run and predictions in it", "images/1..2.png masks/1..2.png runs/a/last.safetensors runs/a/pictures/1.png predictions/1_mask.png", 2,
    "1 images/1.png masks/1.png - -", 1 },
}

for _, l in ipairs(LAYOUTS) do
  check.case("folder: " .. l[1], function()
    local lines, set = assert(opened(made("layout", l[2])))
    check.equal(#lines, l[3], "pairs")
    check.equal(lines[1]:sub(1, #l[4]), l[4])
    if l[5] then check.equal(#set.unmatched, l[5], "unused: " .. table.concat(set.unmatched, " ")) end
  end)
end

check.case("folder: unmatched files are listed", function()
  local _, set = assert(opened(made("stray", "images/1..4.png masks/2..5.png overview.jpg")))
  check.ok(set.warnings[1]:find("3 files of .*/stray belong to no pair and are not used: images/1.png; masks/5.png; overview.jpg"), set.warnings[1])
end)

check.case("folder: an image with several masks is named, with the line that takes the first", function()
  local function refused(name, text, parts, line, count)
    local root = made(name, text)
    local ok, err = opened(root)
    check.ok(not ok and require("ramus.base.mistake").is(err), tostring(err))
    for _, part in ipairs(parts) do check.ok(err:find(part, 1, true), err) end
    check.equal(err:match 'masks = "([^"]*)"', line)
    if line then check.equal(#assert(opened(root, { masks = line })), count) end
  end
  refused("several_1",
    "x~(1..6).png x~(1..6)_mask.png x~(3)_mask_1.png", { "x (3).png has several masks: x (3)_mask.png; x (3)_mask_1.png (so 1 of 6 images)" },
    "*_mask.png", 6)
  refused("several_2", "images/p1..4.png masks/p1..4_1.png masks/p1..4_2.png", { "images/p1.png has several masks: masks/p1_1.png; masks/p1_2.png (so 4 of 4" },
    "masks/*_1.png", 4)
  refused("several_3", "images/1..4.png masks/0/1..4.png masks/1/1..4.png", { "images/1.png has several masks: masks/0/1.png; masks/1/1.png" }, "masks/0", 4)
  refused("several_4", "a/images/x.png b/images/y.png a/masks/s.png a/masks/t.png b/masks/u.png b/masks/v.png", { "a/images/x.png has several masks: " })
  -- masks of other images, or of images that are not there, are no further ones
  check.equal(#assert(opened(made("several_not", "images/7.png images/8.png masks/7.png masks/8.png masks/71.png masks/9.png"))), 2)
  check.equal(#assert(opened(made("several_no", "1..3.png 1..3_mask.png 1_b_mask.png 4_mask.png"))), 3)
end)

check.case("folder: links, pipes and large neighbours do not matter", function()
  local root = made("links", "images/1..3.png masks/1..3.png")
  for _, command in ipairs { "ln -s /nowhere '%s/images/9.png'", "ln -s loop '%s/loop'", "ln -s .. '%s/images/up'", "ln -s . '%s/again'",
    "mkfifo '%s/pipe.png'", "truncate -s 2G '%s/volume.bin'", "truncate -s 2G '%s/images/volume.npy'" } do os.execute(command:format(root)) end
  local began = os.clock()
  local lines = assert(opened(root))
  check.equal(#lines, 3)
  check.ok(os.clock() - began < 1, "neighbours were read")
end)

check.case("folder: where nothing fits together the message says what was looked for and shows names", function()
  check.fails("no image has a mask. Looked for a folder of images (image, images,", opened, made("none", "scans/a1..3.png outlines/b1..3.png"))
  check.fails("it holds 6 pictures: outlines/b1.png; outlines/b2.png;", opened, made("none", "scans/a1..3.png outlines/b1..3.png"))
  check.fails("it holds no pictures, but: a.zip", opened, made("none", "a.zip"))
  check.fails("the folder holds nothing; wanted a folder of images", opened, check.folder("folder/empty"))
  check.fails("both images_a/ and images_b/ look like the folder of images: say which, as images = \"images_a\"", opened,
    made("none", "images_a/1.png images_b/1.png masks/1.png"))
end)

check.case("folder: images, masks and fov by folder or by a name with a star", function()
  local root = made("given", "scans/a1..3.jpg scans/a1..3.txt outlines/b_1..3_x.png view/1..3.png")
  local lines = assert(opened(root, { images = "scans/a*.jpg", masks = "outlines/b_*_x.png", fov = "view" }))
  check.equal(lines[1]:sub(1, 46), "1 scans/a1.jpg outlines/b_1_x.png view/1.png -", lines[1])
  check.equal(#assert(opened(root, { images = root .. "/scans/a*.JPG", masks = root .. "/outlines/b_*" .. "_x" })), 3)
  check.fails("masks = 'contours': no such folder in", opened, root, { images = "scans", masks = "contours" })
  check.fails("there is no folder", opened, root, { images = "s/*.png", masks = "outlines" })
  check.fails("Looked for images 'scans/*.png' and masks 'outlines'", opened, root, { images = "scans/*.png", masks = "outlines" })
  local loose = made("given", "1..3.tif 1..3.contour.png")
  check.equal(#assert(opened(loose, { images = "*.tif", masks = "*.contour.png" })), 3)
end)

check.case("folder: shares, lists, a function; groups stay on one side", function()
  local root = made("splits", "images/p1..9_1.png images/p1..9_2.png masks/p1..9_1.png masks/p1..9_2.png")
  assert(files.write(root .. "/test.txt", "\239\187\191p1_1\r\n# patients\r\nimages/p1_2.png\r\n\r\n"))
  local function counts(given)
    local _, set = assert(opened(root, given))
    local c = set.counts
    return ("%d %d %d, %s"):format(c.train or 0, c.val or 0, c.test or 0, set.split_source), set
  end
  check.equal(counts {}, "12 2 4, train 7 : val 1 : test 2, at random by the ids, seed 0")
  check.equal(counts { split = "2:1 seed 5" }, "12 0 6, train 2 : test 1, at random by the ids, seed 5")
  check.equal(counts { split = { train = 2, test = 1, seed = 5 } }, "12 0 6, train 2 : test 1, at random by the ids, seed 5")
  local text, set = counts { split = "2:1 seed 5", groups = "^(p%d)" }
  check.equal(text, "12 0 6, train 2 : test 1, at random by the groups, seed 5")
  check.equal(#set.warnings, 0)
  check.equal(counts { split = function(id) return id:find "_1" and "train" or "test" end, groups = function(id) return id end },
    "9 0 9, a function of the definition")
  text, set = counts { split = { train = { "p2_1", "p3_1.png" }, test = "test.txt" } }
  check.equal(text, "2 0 2, lists of the definition")
  check.equal(#set.unmatched, 14)
  local function fails(part, given) check.fails(part, opened, root, given) end
  fails("no image is called 'p99' of test; images are called p1_1", { split = { train = { "p1_1" }, test = { "p99" } } })
  fails("image 'p1_1' is in test and in train", { split = { train = { "p1_1" }, test = "test.txt" } })
  fails("cannot read the list", { split = { train = "none.txt" } })
  fails("wants shares as", { split = "most" })
  fails("the weight of 'train' must be >= 0", { split = { train = -1, test = 2 } })
  fails("groups: image 'p1_1' has none by the pattern '^(q%d)'", { groups = "^(q%d)" })
  check.raises("did you mean 'images'", dataset.folder, { root, image = "x" })
end)

check.case("folder: `folder` groups are the folders of patients; a recipe's split overrides", function()
  local root = made("patients", "p1..6/images/a.png p1..6/images/b.png p1..6/masks/a.png p1..6/masks/b.png")
  local _, set = assert(opened(root, { groups = "folder" }))
  check.equal(set.samples[1].group, "p1")
  check.equal(set.split_source, "train 7 : val 1 : test 2, at random by the groups, seed 0")
  check.equal(assert(dataset.open("under_test", { split = "1:1" })).counts.test, 6)
  check.equal(assert(dataset.open(root, { options = { groups = "folder" } })).samples[1].group, "p1")
end)

-- ---- a training without any code ----

local function shell(command)
  local out = check.scratch .. "/out.txt"
  local code = os.execute(command .. " > '" .. out .. "' 2>&1")
  return code >= 256 and code / 256 or code, assert(files.read(out))
end

check.case("folder: ramus train RECIPE --set data.set=FOLDER, resumed with a stray file, evaluated", function()
  local root = check.folder("folder/cli")
  assert(files.make_folder(root .. "/own/images"))
  assert(files.make_folder(root .. "/own/masks"))
  for n = 1, 8 do
    local mask = tensor.zeros(32, 32)
    mask:narrow(1, 2 + 2 * n, 4):fill(1)
    tensor.seed(n)
    assert(image.save(("%s/own/images/%d.png"):format(root, n), tensor.rand(32, 32)))
    assert(image.save(("%s/own/masks/%d.png"):format(root, n), mask))
    if n % 2 == 0 then os.rename(("%s/own/images/%d.png"):format(root, n), ("%s/own/images/%d.PNG"):format(root, n)) end
  end
  assert(files.make_folder(root .. "/r"))
  assert(files.write(root .. "/r/recipe.lua", [[local ra = require "ramus"
return { name = "own", data = { set = "phantom", batch = 4 }, model = ra.models.unet { depth = 2, width = 4 },
  supervise = { { at = "out", loss = ra.loss.dice() } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1 }]]))
  local train = ("cd '%s' && RAMUS_THREADS=1 '%s' train r/recipe.lua --set data.set="):format(root, binary)
  for _, set in ipairs { "own", "./own/", root .. "/own" } do
    local code, text = shell(train .. set .. " --run own/runs/a --epochs 1")
    check.equal(code, 0, text)
    assert(files.write(root .. "/own/images/Thumbs.db", "x"))
    assert(files.write(root .. "/own/stray.txt", "x"))
  end
  local code, text = shell(("cd '%s' && '%s' eval own/runs/a --json"):format(root, binary))
  check.equal(code, 0, text)
  check.ok(text:find('"n": 2', 1, true) or text:find('"n":2', 1, true), text)
  for _, data in ipairs { "own:train", root .. "/own/:all" } do
    code, text = shell(("cd '%s' && '%s' eval own/runs/a --data '%s'"):format(root, binary, data))
    check.equal(code, 0, text)
  end
  check.ok(text:find("\n8 images of own, .*part all"), text)
  local run, patients = root .. "/own/runs/a", {}
  local alone = assert(ra.evaluate(run, { data = root .. "/own:all" }))
  check.equal(alone.protocol.interval, "95 %, bootstrap over pictures, 2000 resamples")
  for n = 1, 8 do patients[tostring(n)] = "patient " .. math.ceil(n / 2) end
  local grouped = assert(ra.evaluate(run, { data = root .. "/own:all", options = { groups = patients } }))
  check.equal(grouped.protocol.interval, "95 %, bootstrap over the 4 groups of the pictures, 2000 resamples")
  check.equal(grouped.per_image.dice.mean, alone.per_image.dice.mean)
  check.ok(grouped.per_image.dice.low ~= alone.per_image.dice.low, "drawn in groups")
  check.equal(require("cjson").decode(require("ramus.train.evaluate.score_text").json(grouped)).images[8].group, "patient 4")
  code, text = shell(train .. "./none")
  check.equal(code, 2, text)
  check.ok(text:find("./none: it does not exist; wanted a name that ramus datasets lists, a folder, COCO's annotations (.json), a list", 1, true),
    text)
  code, text = shell(train .. "r")
  check.equal(code, 2, text)
  check.ok(text:find("no image has a mask", 1, true), text)
end)

check.case("folder: the cases that people had", function()
  local folder = check.cases()
  for _, name in ipairs { "upper_part", "cjk", "dangling", "mask_good", "mask_zero1", "mask_u16_255", "mask_npy_u1" } do
    local set = assert(dataset.open(folder .. "/" .. name .. "/data"), name)
    check.equal(#set.samples, 8, name)
    for _, s in ipairs(set.samples) do check.ok(s.mask, name) end
  end
end)

check.case("folder: names of splits, images and masks in other languages", function()
  for _, words in ipairs { { "Entrenamiento", "Validacion", "Prueba", "imagenes", "mascaras" }, { "Training", "Validierung", "Test", "Bilder", "Masken" },
    { "entrainement", "validation", "test", "images", "masques" }, { "训练集", "验证集", "测试集", "图像", "标签" },
    { "train", "val", "holdout", "images", "masks" }, { "TREINO", "VALIDACAO", "TESTE", "IMAGENS", "MASCARAS" } } do
    local train, val, test, images, masks = unpack(words)
    local text = {}
    for i, part in ipairs { train, val, test } do
      for _, kind in ipairs { images, masks } do text[#text + 1] = ("%s/%s/%d..%d.png"):format(part, kind, 10 * i, 10 * i + 2) end
    end
    local root = made("words_" .. train, table.concat(text, " "))
    local set = assert(dataset.open(root))
    check.equal(set.split_source, "the names of its folders", train)
    for i, part in ipairs { "train", "val", "test" } do
      check.equal(#set.splits[part], 3, train .. " " .. part)
      check.ok(set.splits[part][1].image:find(words[i] .. "/" .. images, 1, true), set.splits[part][1].image)
    end
  end
end)

check.case("folder: pairs in a folder beside train and val are named as in no split", function()
  local root = made("beside_splits", "train/images/1..3.png train/masks/1..3.png eval/images/4..5.png eval/masks/4..5.png eval/images/9.png")
  local set = assert(dataset.open(root))
  local text = table.concat(set.warnings, "\n")
  check.ok(text:find("2 pairs of .* are in no split %(by folders train, val, test, or by lists%) and are not used: eval/images/4.png; eval/images/5.png"), text)
  check.ok(text:find("1 file of .* belongs to no pair and is not used: eval/images/9.png"), text)
end)

check.case("folder: names of images and masks in two forms of Unicode are one", function()
  local forms = { { "\195\169", "e\204\129" }, { "\225\187\135", "e\204\163\204\130" }, { "\227\129\140", "\227\129\139\227\130\153" },
    { "\237\149\156", "\225\132\146\225\133\161\225\134\171" }, { "\234\176\128", "\225\132\128\225\133\161" },
    { "\195\188\230\130\163", "u\204\136\230\130\163" } }
  for i, form in ipairs(forms) do
    local c, d = form[1], form[2]
    local root = made("unicode_" .. i, ("images/%s1..4.png masks/%s1..4.png"):format(i % 2 == 0 and c or d, i % 2 == 0 and d or c))
    local set = assert(dataset.open(root))
    check.equal(#set.samples, 4, form[1])
    for _, s in ipairs(set.samples) do check.equal(s.image:match "(%d)%.png$", s.mask:match "(%d)%.png$") end
  end
  local root = made("unicode_two", "images/u\204\1361.png images/o\204\1361.png images/2.png masks/\195\1881.png masks/\195\1821.png masks/2.png")
  check.equal(#assert(dataset.open(root)).samples, 1, "two letters that would be one are no pair")
end)

check.case("folder: folders that a division at random tears are known", function()
  local split = require "ramus.data.split"
  local torn = split.torn(assert(dataset.open(made("torn", "p1/images/1..4.png p1/masks/1..4.png p2/images/1..4.png p2/masks/1..4.png"))))
  check.ok(#torn >= 1 and torn[torn[1]], "some patient is on two sides")
  check.equal(#split.torn(assert(dataset.open(made("not_torn", "x/images/1..9.png x/masks/1..9.png")))), 0, "one folder is no patient")
end)

check.case("folder: lists of splits: numbers, ./ before a path; what is no list is refused", function()
  local root = made("listed", "images/1..6.png masks/1..6.png")
  local function set_of(how) return dataset.open(root, { options = { split = how } }) end
  local set = assert(set_of { train = { 1, 2, "./images/3.png" }, test = { "4.png" } })
  check.equal(#set.splits.train, 3)
  local text = table.concat(set.warnings, "\n")
  check.ok(text:find("2 pairs of .* are in no split .*: images/5.png; images/6.png"), text)
  for _, bad in ipairs { true, 5.5, { {} } } do
    local opened_set, err = set_of { train = bad, test = { "4" } }
    check.ok(not opened_set and err:find "^split", tostring(err))
  end
end)
