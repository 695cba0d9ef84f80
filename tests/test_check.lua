--- ramus check: what is found in a set, who is blamed, the table, the JSON, the contact sheet.
local check = require "check"
local audit = require "ramus.data.audit"
local audit_text = require "ramus.data.audit.text"
local cjson = require "cjson"
local dataset = require "ramus.data.dataset"
local F = require "ramus.lang.F"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local utf8 = require "ramus.base.utf8"
local sheet = require "ramus.data.audit.sheet"
local tensor = require "ramus.lang.tensor"
local twice = require "ramus.data.audit.twice"
local binary = files.absolute(require("processes").executable(check.root))

--- A picture with fine structure, another one for every number.
local function picture(n, H, W)
  tensor.seed(n)
  return image.blur(tensor.rand(H or 96, W or 96), { sigma = 3 })
end

local function store(path, t, given)
  assert(files.make_folder((files.split(path))))
  assert(image.save(path, t, given))
end

--- A set with folders train, val and test: 4, 2 and 2 pairs.
local function made(name)
  local root = check.folder("check/" .. name)
  for i, part in ipairs { "train", "train", "train", "train", "val", "val", "test", "test" } do
    store(("%s/%s/images/p%d.png"):format(root, part, i), picture(i))
    local mask = tensor.zeros(96, 96)
    mask:narrow(1, 4 + i, 8):fill(1)
    store(("%s/%s/masks/p%d.png"):format(root, part, i), mask)
  end
  return root
end

local function report_of(root, given)
  local set = assert(dataset.open(root, given))
  return assert(audit.of(set, {})), set
end

local function texts(list)
  local lines = {}
  for i, f in ipairs(list) do lines[i] = f.text end
  table.sort(lines)
  return table.concat(lines, "\n")
end

check.case("check: a set with nothing wrong", function()
  local report = report_of(made("good"))
  check.equal(texts(report.wrong) .. texts(report.notes), "")
  check.equal(#report.images, 8)
  local lines = table.concat(audit_text.table(report), "\n")
  for _, wanted in ipairs { "\nimages +4 +2 +2 +8\n", "\nwidth x height +96x96 +96x96 +96x96 +96x96\n", "\nvalues of masks +0 and 255 ",
    "\nforeground +8.3 %% +8.3 %%", "\n  empty masks +0 +0 +0 +0", "\nchannels +1 of 8 bit " } do check.ok(lines:find(wanted), wanted .. "\n" .. lines) end
  check.ok(audit_text.of(report):find("nothing is wrong", 1, true))
end)

check.case("check: images of several sizes and kinds have a row each, and every column is aligned", function()
  local root = made("kinds")
  for i, side in ipairs { 80, 81, 82, 83, 84 } do
    local x, mask = picture(20 + i, side, side):reshape(1, side, side), tensor.zeros(side, side)
    mask:narrow(1, 4, 8):fill(1)
    store(("%s/test/images/k%d.png"):format(root, i), i < 3 and F.concat(x, x * 0.5, x, { dim = 1 }) or x)
    store(("%s/test/masks/k%d.png"):format(root, i), mask)
  end
  local report = report_of(root)
  report.order[2], report.classes = "验证", { { name = "背景" }, { name = "e\204\129" } } -- shown as two signs of two columns, and one of one
  for _, row in ipairs(report.images) do row.split, row.classes = row.split == "val" and "验证" or row.split, { [0] = 1, 1 } end
  local lines = audit_text.table(report)
  local text = table.concat(lines, "\n")
  for _, wanted in ipairs { "\nwidth x height\n  96x96 +4 +2 +2 +8\n", "\n  2 others +0 +0 +2 +2\n", "\n  1 of 8 bit +4 +2 +5 +11\n",
    "\n  3 of 8 bit +0 +0 +2 +2\n" } do
    check.ok(text:find(wanted), wanted .. "\n" .. text)
  end
  local function columns(s) return #s:gsub("[\228-\233]..", "xx"):gsub("\204\129", "") end
  local width = columns(lines[1])
  for i, line in ipairs(lines) do
    check.ok(line == "width x height" or line == "channels" or columns(line) == width, ("line %d\n%s"):format(i, text))
  end
end)

check.case("check: copies by bytes, by pixels and nearly; across splits the later one is blamed", function()
  local root = made("twice")
  local function move(from, to) assert(files.write(root .. to, assert(files.read(root .. from)))) end
  move("/train/images/p1.png", "/test/images/p7.png")                      -- bytes
  os.remove(root .. "/val/images/p5.png")
  store(root .. "/val/images/p5.pgm", picture(2))                          -- pixels
  store(root .. "/test/images/p8.png", image.resize(picture(3), { 64, 64 }) * 0.7 + 0.1) -- nearly
  store(root .. "/test/masks/p8.png", image.resize(tensor.ones(96, 96), { 64, 64 }) * 0)
  store(root .. "/train/images/p4.png", picture(3), { bits = 16 })         -- nearly, in one split
  local report = report_of(root)
  local wrong = texts(report.wrong)
  check.ok(wrong:find("train/p1 (in train) and test/p7 (in test) are the same image: scores on test are too good", 1, true), wrong)
  check.ok(wrong:find("train/p2 (in train) and val/p5 (in val) are the same image to the pixel: scores on val are too good", 1, true), wrong)
  check.ok(wrong:find("train/p3 %(in train%) and test/p8 %(in test%) are nearly the same image %(correlation 0%.9%d+%): scores on test are too good"), wrong)
  check.ok(texts(report.notes):find("train/p3 and train/p4 (both in train) are nearly the same image", 1, true), texts(report.notes))
  local kinds = {}
  for _, f in ipairs(report.wrong) do kinds[f.kind] = (kinds[f.kind] or 0) + 1 end
  check.equal(kinds.bytes, 1)
  check.equal(kinds.pixels, 1)
  check.ok(kinds.nearly >= 1)
end)

check.case("check: pictures of one kind, and of noise, are not nearly the same; what is stated of the measure holds", function()
  local n = 40
  local sources, keep = ffi.new("ra_source[?]", n + 5), {}
  for i = 1, n do keep[i] = picture(i) end
  local one = picture(1)
  keep[n + 1], keep[n + 2], keep[n + 3] = image.resize(one, { 64, 64 }), image.resize(one, { 150, 131 }), F.sqrt(one)
  keep[n + 4], keep[n + 5] = tensor.zeros(3, 5), tensor.ones(1, 1)
  for i, t in ipairs(keep) do sources[i - 1].tensor = t end
  local looks = ffi.new("ra_look[?]", #keep)
  check.equal(ffi.C.ra_survey(#keep, sources, looks), 0)
  local pair, value, turn = ffi.new("int32_t[?]", 200), ffi.new("double[?]", 100), ffi.new("int32_t[?]", 100)
  local found = ffi.C.ra_survey_alike(#keep, looks, twice.BITS, twice.ALIKE, 100, pair, value, turn)
  check.equal(found, 6, "pairs: picture 1 and its three copies")
  for i = 0, found - 1 do
    check.ok(pair[2 * i] == 0 or pair[2 * i] >= n)
    check.ok(value[i] >= twice.ALIKE and value[i] <= 1 + 1e-9)
    check.equal(turn[i], 0)
  end
  check.equal(ffi.C.ra_survey_alike(#keep, looks, twice.BITS, twice.ALIKE, 2, pair, value, turn), 6, "counted beyond the room")
  check.equal(looks[n + 3].low, 0)
  check.equal(looks[n + 4].high, 1)
  check.ok(looks[0].grey)
end)

check.case("check: copies that are mirrored or turned, in part over a black border, are found", function()
  local function turned(x, t) -- in this order: exchanged, columns backwards, rows backwards
    local H, W = x.dim[0], x.dim[1]
    local y = t >= 4 and tensor.zeros(W, H) or tensor.zeros(H, W)
    for i = 1, y.dim[0] do
      for j = 1, y.dim[1] do
        local r, c = t % 4 >= 2 and y.dim[0] + 1 - i or i, t % 2 == 1 and y.dim[1] + 1 - j or j
        y:set(i, j, t >= 4 and x:get(c, r) or x:get(r, c))
      end
    end
    return y
  end
  for k = 1, 4 do
    local x = picture(60 + k, 192, k % 2 == 0 and 256 or 192)
    if k > 2 then x:narrow(1, 1, 48):fill(0) end -- equal cells are neither brighter nor darker
    local keep, sources, looks = { x }, ffi.new("ra_source[?]", 9), ffi.new("ra_look[?]", 9)
    for t = 0, 7 do keep[t + 2] = t == 0 and picture(70 + k) or turned(x, t) end
    for i, t in ipairs(keep) do sources[i - 1].tensor = t end
    check.equal(ffi.C.ra_survey(9, sources, looks), 0)
    local pair, value, turn = ffi.new("int32_t[?]", 80), ffi.new("double[?]", 40), ffi.new("int32_t[?]", 40)
    local found, seen = ffi.C.ra_survey_alike(9, looks, twice.BITS, twice.ALIKE, 40, pair, value, turn), {}
    check.equal(found, 28, "every pair of the eight")
    for i = 0, found - 1 do
      if pair[2 * i] == 0 then
        seen[turn[i]] = true
        check.equal(turn[i], pair[2 * i + 1] - 1, "the turn")
        check.ok(value[i] > twice.ALIKE, tostring(value[i]))
      end
    end
    for t = 1, 7 do check.ok(seen[t] and twice.TURNS[t], "turn " .. t) end
  end
end)

check.case("check: numbers that are not finite, colours, equal channels", function()
  local root = check.folder("check/numbers")
  local t = picture(1, 16, 16)
  t:set(1, 1, 0 / 0)
  require("ramus.data.image").save(root .. "/x.png", picture(2, 16, 16))
  local sources, looks = ffi.new("ra_source[?]", 3), ffi.new("ra_look[?]", 3)
  local colour, grey = tensor.rand(3, 16, 16), tensor.zeros(3, 16, 16)
  sources[0].tensor, sources[1].tensor, sources[2].tensor = t, colour, grey
  check.equal(ffi.C.ra_survey(3, sources, looks), 0)
  check.equal(looks[0].odd, 1)
  check.ok(not looks[1].grey and looks[2].grey)
  local same = ffi.new("ra_look[?]", 1)
  local flat = tensor.zeros(16, 16)
  sources[0].tensor = flat
  check.equal(ffi.C.ra_survey(1, sources, same), 0)
  check.equal(ffi.string(same[0].pixels), ffi.string(looks[2].pixels), "three equal channels are one")
end)

check.case("check: all files that cannot be decoded are named in one go, each once", function()
  local root = made("broken")
  for _, path in ipairs { "/train/images/p2.png", "/val/masks/p6.png", "/test/images/p8.png" } do
    local text = assert(files.read(root .. path))
    assert(files.write(root .. path, text:sub(1, math.floor(#text / 2))))
  end
  assert(files.write(root .. "/test/images/p7.png", "no picture"))
  store(root .. "/train/masks/p1.png", tensor.zeros(50, 60))
  local report = report_of(root)
  check.equal(#report.wrong, 5, texts(report.wrong))
  for _, part in ipairs { "train/images/p2.png", "val/masks/p6.png", "test/images/p8.png", "test/images/p7.png",
    "the mask .*train/masks/p1.png has 60x50 pixels, the image 96x96" } do
    check.ok(texts(report.wrong):find(part), part .. "\n" .. texts(report.wrong))
  end
  check.ok(report.images[2].error and not report.images[1].error)
end)

check.case("check: masks without foreground, masks that cannot be read, images without mask, groups", function()
  local root = made("masks")
  store(root .. "/train/masks/p1.png", tensor.zeros(96, 96))
  local report = report_of(root)
  check.equal(texts(report.wrong), "")
  check.ok(texts(report.notes):find("1 of 8 masks have no foreground: train/p1", 1, true), texts(report.notes))
  local multi = tensor.zeros(96, 96)
  for k = 1, 12 do multi:narrow(1, 8 * k - 7, 4):fill(k / 255) end
  store(root .. "/val/masks/p5.png", multi)
  report = report_of(root)
  check.equal(#report.wrong, 1)
  check.equal(report.wrong[1].kind, "masks")
  check.ok(report.wrong[1].text:find("holds 13 values", 1, true), report.wrong[1].text)
  report = report_of(root, { reading = { threshold = 1 } })
  check.equal(texts(report.wrong), "")
  check.equal(report.masks[1], "masks: values from 1 (of 0..255) on are foreground (declared)")
  report = report_of(root, { reading = { threshold = 1 }, options = { groups = function(id) return id:find "p[18]" and "x" or id end } })
  check.equal(texts(report.wrong), "group 'x' is in train and in test: scores on test are too good")
  os.remove(root .. "/test/masks/p8.png")
  dataset.register { name = "lacks", folder = root, threshold = 1, open = function(at)
    local list = assert(dataset.pair(at .. "/test", { image = { "images", "^(.+)%.png$" } }))
    list[1].mask = at .. "/test/masks/p7.png"
    return list
  end }
  check.equal(texts(report_of("lacks").wrong), "image p8 of split 'train' has no mask")
end)

check.case("check: two observers of one picture are no duplicates; in two splits they are", function()
  local root = made("observers")
  local function open(other)
    dataset.register { name = "observed", folder = root, open = function(at)
      local one, two = at .. "/train/images/p1.png", at .. "/train/masks/p%d.png"
      return { { id = "a1", image = one, mask = two:format(1), split = "train" }, { id = "a2", image = one, mask = two:format(2), split = other },
        { id = "b", image = at .. "/train/images/p2.png", mask = two:format(3), split = "val" } }
    end }
    return report_of "observed"
  end
  local report = open "train"
  check.equal(texts(report.wrong) .. texts(report.notes), "")
  check.equal(texts(open("test").wrong), "a1 (in train) and a2 (in test) are the same image: scores on test are too good")
end)

check.case("check: second observers have a row, and empty masks of theirs are named; images without a field of view", function()
  local root = check.folder("check/second")
  for i = 1, 4 do
    store(("%s/images/%d.png"):format(root, i), picture(i, 20, 20))
    for k, kind in ipairs { "1st_manual", "2nd_manual", "fov" } do
      local mask = tensor.zeros(20, 20)
      if not (k == 2 and i == 4) then mask:narrow(1, 1, 2 + k):fill(1) end
      if not (k == 3 and i == 3) then store(("%s/%s/%d.png"):format(root, kind, i), mask) end
    end
  end
  local report = report_of(root)
  check.equal(texts(report.wrong), "")
  check.ok(table.concat(audit_text.table(report), "\n"):find("\nforeground, second observer .* 15%.0 %% in 4$"), audit_text.of(report))
  check.near(report.images[1].foreground, 0.15, 1e-9)
  check.equal(texts(report.notes), "1 of 4 images have no field of view, and are scored everywhere: 3\n1 of 8 masks have no foreground: 4")
end)

check.case("check: classes in pixels and pictures, void, field of view", function()
  local root = check.folder("check/classes")
  for i = 1, 3 do
    store(("%s/images/%d.png"):format(root, i), picture(i, 20, 20))
    local label, fov = tensor.zeros(20, 20), tensor.ones(20, 20)
    label:narrow(1, 1, 2):fill(1 / 255)
    if i == 1 then label:narrow(1, 5, 4):fill(2 / 255) end
    fov:narrow(1, 11, 10):fill(0)
    store(("%s/masks/%d.png"):format(root, i), label)
    store(("%s/fov/%d.png"):format(root, i), fov)
  end
  dataset.register((function()
    local def = dataset.folder { root, name = "classed", classes = { "background", "artery", "vein" } }
    return def
  end)())
  local report, set = report_of "classed"
  local lines = table.concat(audit_text.table(report), "\n")
  check.ok(lines:find("class 1 artery .* 10%.0 %% in 3\n"), lines)
  check.ok(lines:find("class 2 vein .* 6%.7 %% in 1"), lines)
  check.ok(lines:find("\nfield of view .* 50%.0 %%\n"), lines)
  check.equal(audit_text.plain(report).images[1].classes.artery, 40)
  local path = root .. "/sheet.png"
  check.equal(require("ramus.data.audit.sheet").write(path, report, set, {}), 3)
  local x = assert(image.load(path))
  check.equal(table.concat(x.shape, "x"), "3x304x532")
end)

-- ---- the command ----

local function shell(command)
  local out = check.scratch .. "/out.txt"
  local code = os.execute(("cd '%s' && '%s' %s > '%s' 2> '%s.err'"):format(check.scratch, binary, command, out, out))
  return code >= 256 and code / 256 or code, assert(files.read(out)), assert(files.read(out .. ".err"))
end

check.case("check: the command's status, JSON, sheet", function()
  local root = made("command")
  local _
  local code, out, err = shell("check '" .. root .. "'")
  check.equal(code, 0, err)
  check.ok(out:find("^data set command: ") and out:find("nothing is wrong\n$"), out)
  check.equal(err, "")
  assert(files.write(root .. "/test/images/p7.png", assert(files.read(root .. "/train/images/p1.png"))))
  code, out, err = shell("check --json -o sheet.png '" .. root .. "'")
  check.equal(code, 1, err)
  check.equal(err, "ramus: 1 thing is wrong with command (bytes 1)\n")
  local plain = cjson.decode(out)
  check.equal(plain.wrong[1].images[2], "test/p7")
  check.equal(plain.counts.train, 4)
  check.equal(#plain.images, 8)
  check.ok(out:find('"notes":[]', 1, true), out)
  local x = assert(image.load(check.scratch .. "/sheet.png"))
  check.equal(x.shape[1], 3)
  check.near(tonumber(x:get(1, 16 + 128 + 3, 5)), 0.6, 0.01, "red below train/p1")
  check.equal(shell("check -o sheet.png --most 2 '" .. root .. "'"), 1) -- a sheet replaces a sheet
  check.ok(assert(image.load(check.scratch .. "/sheet.png")).shape[3] < x.shape[3])
  code, _, err = shell(("check -o '%s/train/images/p1.png' '%s'"):format(root, root))
  check.equal(code, 2)
  check.ok(err:find("was not written by ramus check: choose another name", 1, true), err)
  check.equal(shell("check -o sheet.jpg '" .. root .. "'"), 2)
  check.equal(shell("check '" .. root .. "' --set threshold=128 --set 'split={all={\"p2\",\"p3\"}}'"), 0)
  check.equal(shell("check '" .. root .. "' --split halves"), 2)
  code, _, err = shell("check '" .. root .. "' --set massk=1")
  check.equal(code, 2, err)
  check.ok(err:find("did you mean 'masks'", 1, true), err)
  check.equal(shell("check ./nowhere"), 1)
  check.equal(shell("check"), 2)
  check.equal(shell("check phantom --data-root none"), 1)
end)

check.case("check: JSON is UTF-8, whatever the names of files are", function()
  local root = made("names")
  for _, what in ipairs { "images", "masks" } do
    assert(os.rename(("%s/train/%s/p1.png"):format(root, what), ("%s/train/%s/\233\255 \228\189.png"):format(root, what)))
  end
  local _, out = shell("check --json '" .. root .. "'")
  check.ok(not out:find("[\233\255]") and out:find('"train\\/\239\159\169\239\159\191 \239\159\164\239\158\189"', 1, true), out)
  for text, wanted in pairs { ["a\0b"] = "a\0b", ["é 目 \240\159\145\128"] = "é 目 \240\159\145\128", ["\192\128"] = "??", ["\237\160\128"] = "???",
    ["\244\144\128\128"] = "????", ["x\226\130"] = "x??", [""] = "" } do check.equal(utf8.shown(text), (wanted:gsub("%?", "\239\191\189"))) end
end)

check.case("check: folders that a division at random tears are a note, for each may be a patient", function()
  local root = check.folder("check/patients")
  for i = 1, 12 do
    local mask = tensor.zeros(48, 48)
    mask:narrow(1, 4 + i, 8):fill(1)
    store(("%s/images/p%d/%d.png"):format(root, i % 3, i), picture(60 + i, 48, 48))
    store(("%s/masks/p%d/%d.png"):format(root, i % 3, i), mask)
  end
  check.ok(texts(report_of(root).notes):find("images of one folder are on several sides of the split (p", 1, true))
  check.equal(texts(report_of(root, { options = { groups = "folder" } }).notes), "")
end)

check.case("check: the names of all classes are on the sheet, however many", function()
  local root, list, counts = made("legend"), { { name = "background" } }, {}
  for k = 1, 25 do list[k + 1] = { name = ("class with a name %d"):format(k), value = k * 5 } end
  for n, classes in pairs { few = { list[1], { name = "foreground", value = 255 } }, many = list } do
    local set = assert(dataset.open(root))
    set.classes = assert(require("ramus.data.classes").check(classes))
    local report = assert(audit.of(assert(dataset.open(root)), {}))
    for _, row in ipairs(report.images) do row.error = "not drawn" end
    assert(sheet.write(check.scratch .. "/legend.png", report, set, { most = 4 }))
    counts[n] = assert(image.load(check.scratch .. "/legend.png")).shape
  end
  check.equal(counts.few[3], counts.many[3])
  local lines = (counts.many[2] - counts.few[2]) / 16
  check.ok(lines >= 25 * 130 / counts.many[3] - 1 and lines < 12, tostring(lines))
end)

check.case("check: the cases that people had", function()
  local folder = check.cases()
  for name, part in pairs { dup_bytes = "03 (in train) and 18 (in test) are the same image: scores on test are too good", corrupt_test = "18.png",
    mask_small_test = "19.png has 24x24 pixels", mask_multi = "holds 13 values", nomask_test = "has no mask" } do
    local report = report_of(folder .. "/" .. name .. "/mine.lua")
    check.ok(texts(report.wrong):find(part, 1, true), name .. ": " .. texts(report.wrong))
  end
  local report = report_of(folder .. "/emptyval/mine.lua")
  check.ok(texts(report.notes):find("no mask of split 'val' has foreground", 1, true), texts(report.notes))
  for _, name in ipairs { "upper_part", "cjk", "dangling", "mask_good", "mask_zero1", "mask_u16_255" } do
    check.equal(texts(report_of(folder .. "/" .. name .. "/data").wrong), "", name)
  end
end)
