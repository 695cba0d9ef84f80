--- XCAD, HRF, FIVES, DRIVE, STARE and CHUAC on made-up archives of their layout.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local made_up = require "made_up"
local sum = require("numbers").sum
local verdict = require "ramus.data.verdict"
local folder = check.folder("sets_more")

--- Fetches a set from a path and opens it.
local function opened(name, from, o)
  local root = folder .. "/root_" .. name
  assert(fetch(name, { from = from, data_root = root, again = true, options = o and o.options }))
  return assert(dataset.open(name, { root = root, split = o and o.split, options = o and o.options })), root
end

--- The same from archives that are made up: with the published sums they are refused.
local function opened_made_up(name, from)
  check.fails("sha256", fetch, name, { from = from, data_root = folder .. "/root_" .. name, again = true })
  return made_up.without_sums(name, function() return opened(name, from) end)
end

--- Every file of every split is decoded and judged.
local function whole(set)
  local parts = {}
  for part, list in pairs(set.splits) do if list[1].mask then parts[#parts + 1] = part end end
  return assert(verdict.check(set, parts, {}))
end

check.case("xcad: pairs of test/ are divided 84 to 42, sequences whole; pictures without labels are a split of their own", function()
  local where = folder .. "/xcad_source"
  for k = 1, 126 do
    local name = ("%05d_%02d.png"):format(1000 + math.floor(k / 2), k)
    made_up.picture(where .. "/XCAD/test/images/" .. name, 1)
    made_up.mask(where .. "/XCAD/test/masks/" .. name, 5)
  end
  for k = 1, 5 do
    made_up.picture(("%s/XCAD/train/trainB/%05d_%02d.png"):format(where, k, k), 1)
    made_up.picture(("%s/XCAD/train/trainA/%05d_%02d.png"):format(where, k, k), 1)
  end
  made_up.put(where .. "/XCAD/test/images/.DS_Store", "x")
  made_up.put(where .. "/XCAD/test/masks/Thumbs.db", "x")
  made_up.shell(where, "tar cf ../xcad.tar XCAD")
  local set = opened("xcad", folder .. "/xcad.tar")
  check.equal(set.edition, "full")
  check.equal(set.counts.train, 84)
  check.equal(set.counts.test, 42)
  check.equal(set.counts.unlabelled, nil)
  local side = {}
  for part, list in pairs(set.splits) do
    for _, s in ipairs(list) do
      check.equal(side[s.group] or part, part, s.id)
      side[s.group] = part
    end
  end
  whole(set)
  set = opened("xcad", where, { options = { unlabelled = "trainB" } })
  check.equal(set.counts.unlabelled, 5)
  check.equal(set.splits.unlabelled[1].mask, nil)
  check.fails("test/images and test/masks", fetch, "xcad", { from = where, data_root = folder .. "/none", options = { unlabelled = "trainC" } })
  os.remove(where .. "/XCAD/test/masks/01000_01.png")
  check.fails("image '01000_01' has no mask", fetch, "xcad", { from = where, data_root = folder .. "/none" })
end)

check.case("xcad: the two shared pairs", function()
  local set = opened("xcad", check.shared("xcad_2pairs"))
  check.equal(set.edition, "part-1-0-1")
  whole(set)
  check.ok(sum(made_up.field(set, set.samples[1], "mask")) > 1000)
end)

--- The layout of HRF's all.zip; some endings are .JPG.
local function made_up_hrf(where)
  for _, kind in ipairs { "h", "g", "dr" } do
    for n = 1, 15 do
      local id = ("%02d_%s"):format(n, kind)
      made_up.picture(("%s/images/%s.%s"):format(where, id, kind == "dr" and "JPG" or "jpg"), 3)
      made_up.mask(("%s/manual1/%s.tif"):format(where, id), 5)
      made_up.mask(("%s/mask/%s_mask.tif"):format(where, id), 3, 16, 24, 3) -- of three channels in the original
    end
  end
end

check.case("hrf: 15 and 30, endings in both cases, fields of view", function()
  local where = folder .. "/hrf_source"
  made_up_hrf(where)
  local set = opened("hrf", where)
  check.equal(set.edition, "full")
  check.equal(set.counts.train, 15)
  check.equal(set.counts.test, 30)
  whole(set)
  check.equal(sum(made_up.field(set, set.samples[1], "fov")), 8 * 16)
  check.equal(sum(made_up.field(set, set.samples[1], "mask")), 8 * 16)
end)

check.case("fives: 600 and 200 by the folders; the archive's instruction says what to do", function()
  local where = folder .. "/fives_source/FIVES A Fundus Image Dataset for AI-based Vessel Segmentation"
  for part, n in pairs { train = 3, test = 2 } do
    for k = 1, n do
      for _, kind in ipairs { "A", "N" } do
        made_up.picture(("%s/%s/Original/%d_%s.png"):format(where, part, k, kind), 3)
        made_up.mask(("%s/%s/Ground truth/%d_%s.png"):format(where, part, k, kind), 5)
      end
    end
  end
  local set = opened("fives", folder .. "/fives_source")
  check.equal(set.edition, "part-6-0-4")
  check.equal(set.splits.test[4].id, "test/2_N")
  whole(set)
  check.fails("ramus fetch fives --from FOLDER", fetch, "fives", { data_root = folder .. "/none" })
end)

--- The layout of DRIVE's two archives; `full`: with the masks of the test images and second observers.
local function made_up_drive(where, full)
  for n = 1, 40 do
    local part = n > 20 and "training" or "test"
    local function path(form) return ("%s/%s/" .. form):format(where, part, n, part) end
    made_up.picture(path("images/%02d_%s.tif"), 3)
    made_up.mask(path("mask/%02d_%s_mask.gif"), 3)
    if n > 20 or full then made_up.mask(path("1st_manual/%02d_manual1.gif"), 5) end
    if n <= 20 and full then made_up.mask(path("2nd_manual/%02d_manual2.gif"), 6) end
  end
end

check.case("drive: the two archives in one folder, without the masks of the test images", function()
  local where, zips = folder .. "/drive_source", check.folder("sets_more/drive_zips")
  made_up_drive(where, false)
  for _, part in ipairs { "training", "test" } do made_up.shell(where, ("tar cf '%s/%s.zip' %s"):format(zips, part, part)) end -- content decides
  local set, root = opened_made_up("drive", zips)
  check.equal(set.edition, "no-test-masks")
  check.equal(set.counts.train, 20)
  check.equal(set.splits.train[1].id, "21")
  check.equal(set.splits.test[1].mask, nil)
  check.ok(set.splits.test[1].fov)
  whole(set)
  check.equal(sum(made_up.field(set, set.splits.train[1], "mask")), 8 * 16)
  check.equal(sum(made_up.field(set, set.splits.test[1], "fov")), 8 * 16)
  check.fails("sign in at https://drive.grand-challenge.org, download training.zip and test.zip", fetch, "drive", { data_root = folder .. "/none" })
  check.fails("does not hold test.zip unpacked", fetch, "drive", { from = where .. "/training", data_root = folder .. "/none" })
  made_up_drive(where, true)
  set = assert(dataset.open("drive", { root = root, split = "8:2" }))
  check.equal(set.edition, "no-test-masks")
end)

check.case("drive: with masks of the test images and the second observer", function()
  local where = folder .. "/drive_full"
  made_up_drive(where, true)
  local set = opened("drive", where)
  check.equal(set.edition, "full")
  check.equal(set.splits.test[1].observers[1].name, "2nd observer")
  check.equal(set.splits.train[1].observers, nil)
  whole(set)
end)

check.case("stare: gz in three tars, two observers", function()
  local where, tars = folder .. "/stare_source", check.folder("sets_more/stare_tars")
  for _, n in ipairs { 1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324 } do
    made_up.picture(("%s/stare-images/im%04d.ppm"):format(where, n), 3)
    made_up.mask(("%s/labels-ah/im%04d.ah.ppm"):format(where, n), 5, 16, 24, 3)
    made_up.mask(("%s/labels-vk/im%04d.vk.ppm"):format(where, n), 6, 16, 24, 3)
  end
  made_up.shell(where, "gzip */*.ppm")
  for _, name in ipairs { "stare-images", "labels-ah", "labels-vk" } do
    made_up.shell(where .. "/" .. name, ("tar cf '%s/%s.tar' *"):format(tars, name))
  end
  local set = opened_made_up("stare", tars)
  check.equal(set.edition, "full")
  check.equal(set.counts.train, 10)
  check.equal(set.splits.test[1].id, "0162")
  check.equal(set.splits.test[1].observers[1].name, "vk")
  whole(set)
  check.equal(sum(made_up.field(set, set.splits.test[1], "observer vk")), 8 * 16)
  -- unpacked by hand, in part, and without the second observer
  made_up.shell(where, "gunzip stare-images/im0001.ppm.gz labels-ah/*.gz && rm -r labels-vk")
  set = opened("stare", where)
  check.equal(set.edition, "one-observer")
  check.equal(set.splits.test[1].observers, nil)
  os.remove(where .. "/labels-ah/im0324.ah.ppm")
  check.fails("lacks im0324.ah.ppm.gz", fetch, "stare", { from = where, data_root = folder .. "/none" })
  made_up.put(where .. "/labels-ah/im0324.ah.ppm.gz", "\31\139 this is no gzip file")
  check.fails("im0324.ah.ppm.gz", fetch, "stare", { from = where, data_root = folder .. "/none" })
end)

check.case("chuac: pictures are brought to the size of their masks", function()
  local where = folder .. "/chuac_source/CHUAC"
  for n = 1, 30 do
    made_up.picture(("%s/Original/%d.png"):format(where, n), 1, 19, 19)
    made_up.mask(("%s/Photoshop/angio%dok.%s"):format(where, n, n > 10 and n < 18 and "PNG" or "png"), 5, 51, 51)
  end
  local set, root = opened("chuac", folder .. "/chuac_source")
  check.equal(set.edition, "full")
  check.equal(set.counts.train, 20)
  check.equal(set.splits.test[1].id, "21")
  whole(set)
  check.equal(made_up.field(set, set.samples[12], "image").shape[3], 51)
  check.equal(sum(made_up.field(set, set.samples[12], "mask")), 8 * 51)
  check.equal(dataset.mark(root .. "/chuac").notes[1], "30 of 30 pictures were brought to the size of their masks")
  check.fails("ramus fetch chuac --from FOLDER", fetch, "chuac", { data_root = folder .. "/none" })
end)

check.case("what a source lacks is said: an empty folder, a folder of something else", function()
  local empty = check.folder("sets_more/empty")
  made_up.put(empty .. "/notes.txt", "x")
  assert(files.make_folder(empty .. "/images"))
  for _, name in ipairs { "arcade", "xcad", "hrf", "fives", "drive", "stare", "chuac", "chase_db1" } do
    check.fails(name .. ":", fetch, name, { from = empty, data_root = folder .. "/none" })
  end
end)
