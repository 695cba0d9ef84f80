--- The verdict on masks before the first step: what is obvious is read as what it is, everything else stops with the file, its values and
-- the line to write; what is judged once is kept.
local check = require "check"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local mistake = require "ramus.base.mistake"
local progress = require "ramus.base.progress"
local sets = require "ramus.data.sets"
local tensor = require "ramus.lang.tensor"
local verdict = require "ramus.data.verdict"

local H, W = 12, 20
local folder = check.folder "verdict"

--- A tensor of 12x20 whose columns 0 to 4 hold `one` and the others `zero`, or f(row, column).
local function stripe(zero, one)
  local t = tensor.empty(H, W)
  for i = 0, H * W - 1 do
    local row, column = math.floor(i / W), i % W
    t.data[i] = type(zero) == "function" and zero(row, column) or column < 5 and one or zero
  end
  return t
end

assert(image.save(folder .. "/x.png", stripe(0.2, 0.7)))

local made = 0
--- Writes a mask and returns its path. t: tensor in 0..1 for a PNG of `bits`, "npy:DTYPE" bytes otherwise.
local function write(t, bits)
  made = made + 1
  local path = ("%s/m%d.png"):format(folder, made)
  assert(image.save(path, t, { bits = bits or 8 }))
  return path
end

--- A .npy of one byte or two a number.
local function write_npy(dtype, size, f)
  made = made + 1
  local path, bytes = ("%s/m%d.npy"):format(folder, made), {}
  for i = 0, H * W - 1 do
    local v = f(math.floor(i / W), i % W)
    bytes[i + 1] = size == 1 and string.char(v % 256) or string.char(v % 256, math.floor(v / 256) % 256)
  end
  local header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }"):format(dtype, H, W)
  header = header .. (" "):rep(63 - (10 + #header) % 64) .. "\n"
  assert(files.write(path, "\147NUMPY\1\0" .. string.char(#header % 256, math.floor(#header / 256)) .. header .. table.concat(bytes)))
  return path
end

local names = 0
--- A set of samples { mask = path or table, fov =, split = }; more: further fields of its definition. Opened.
local function set_of(list, more)
  names = names + 1
  local def = { name = "verdict" .. names, folder = folder, open = function()
    local samples = {}
    for i, s in ipairs(list) do
      samples[i] = { id = tostring(i), image = folder .. "/x.png", mask = s.mask, fov = s.fov, fields = s.fields, split = s.split or "train" }
    end
    return samples
  end }
  for k, v in pairs(more or {}) do def[k] = v end
  dataset.register(def)
  return assert(sets.set(def.name, {}))
end

local PARTS = { "train", "val", "test" }

--- The verdict on a set: its result or nil, the message, its warnings, the set.
local function judged(set, given)
  local out = progress.new { quiet = true }
  local o = { train = "train", val = "val", out = out }
  for k, v in pairs(given or {}) do o[k] = v end
  local ok, err = verdict.check(set, PARTS, o)
  return ok, err, table.concat(out.warnings, "\n"), set
end

local function left(_, column) return column < 5 end

-- ---- what is obvious ----

check.case("verdict: two values are read as what they are, of any type and depth", function()
  local kinds = {
    { "0 and 255", write(stripe(0, 1)) }, { "0 and 1", write(stripe(0, 1 / 255)) }, { "0 and 65535", write(stripe(0, 1), 16) },
    { "0 and 255 in 16 bits", write(stripe(0, 255 / 65535), 16) }, { "1 and 2", write(stripe(1 / 255, 2 / 255)) },
    { "bool", write_npy("|b1", 1, function(r, c) return left(r, c) and 1 or 0 end) },
    { "uint8 0 and 1", write_npy("|u1", 1, function(r, c) return left(r, c) and 1 or 0 end) },
    { "int16 0 and 1", write_npy("<i2", 2, function(r, c) return left(r, c) and 1 or 0 end) },
  }
  for _, k in ipairs(kinds) do
    local set = set_of { { mask = k[2] }, { mask = k[2], split = "test" } }
    local ok, err, warnings = judged(set)
    check.ok(ok, ("%s: %s"):format(k[1], tostring(err)))
    check.equal(warnings, "", k[1])
    local ones = 0
    assert(sets.each_sample(set.splits.test, { channels = 1, set = set.fields, native = true, fields = { "image", "mask" } }, function(_, one)
      ones = ones + one.native.mask:stats().mean * H * W
      return true
    end))
    check.near(ones, 5 * H, 1e-3, k[1] .. ": pixels of foreground")
  end
end)

check.case("verdict: stray greys are cut at half the maximum, with a warning that names the worst", function()
  local stray = write(stripe(function(row, column) return column < 5 and 1 - row % 3 / 100 or column == 5 and 0.02 or 0 end))
  local ok, err, warnings = judged(set_of { { mask = stray }, { mask = write(stripe(0, 1)) } })
  check.ok(ok, err)
  check.ok(warnings:find("hold grey values", 1, true) and warnings:find(stray, 1, true) and warnings:find("threshold = 128", 1, true), warnings)
end)

-- ---- what stops, before training, with the line to write ----

--- set is refused as a wrong declaration whose message holds every text of the list.
local function stops(set, texts, given)
  local ok, err = judged(set, given)
  check.ok(not ok, "accepted")
  check.ok(mistake.is(err), "a wrong declaration (exit 2): " .. tostring(err))
  for _, text in ipairs(texts) do check.ok(tostring(err):find(text, 1, true), ("'%s' in: %s"):format(text, tostring(err))) end
end

check.case("verdict: values that nobody declared stop with the file, a histogram and the line to write", function()
  local many = write(stripe(function(_, column) return column % 7 / 255 end))
  stops(set_of { { mask = many } }, { many, "7 values", "0: ", "values = {" })
  local colours = tensor.zeros(3, H, W)
  for i = 0, H * W - 1 do if i % W < 5 then colours.data[i] = 1 end end
  colours = write(colours)
  stops(set_of { { mask = colours } }, { colours, "#ff0000", "colours = {" })
  local soft = write(stripe(function(_, column) return column / 20 end))
  stops(set_of { { mask = soft } }, { soft, "20 values", "threshold = " })
end)

check.case("verdict: more foreground than background stops, and so does a training split that is all empty or all full", function()
  stops(set_of { { mask = write(stripe(1, 0)) } }, { "75 % of all pixels", "more likely background", "invert = true" })
  stops(set_of { { mask = write(stripe(0, 0)) }, { mask = write(stripe(0, 0)) } }, { "split 'train' are empty" })
  stops(set_of({ { mask = write(stripe(1, 1)) } }, { threshold = 128 }), { "split 'train' are foreground everywhere", "nothing to learn" })
  stops(set_of({ { mask = write(stripe(0, 1 / 255)) } }, { threshold = 128 }), { "split 'train' are empty", "threshold = " })
end)

check.case("verdict: a mask of another convention than the rest stops, unless it is accepted", function()
  local odd = write(stripe(0, 1 / 255))
  local list = { { mask = write(stripe(0, 1)) }, { mask = write(stripe(0, 1)) }, { mask = odd, split = "test" } }
  stops(set_of(list), { odd, "1 of 3 masks are of another kind", "--accept-odd", "threshold = " })
  local ok, err, warnings, set = judged(set_of(list), { accept_odd = true })
  check.ok(ok, err)
  check.ok(warnings:find(odd, 1, true), warnings)
  check.ok(set.splits.test[1].found.mask < 2, "read by itself")
end)

check.case("verdict: declarations hold, and what they do not cover stops", function()
  local m = write(stripe(function(_, column) return column < 5 and 2 / 255 or column < 8 and 1 or 0 end))
  local ok, err = judged(set_of({ { mask = m } }, { values = { [0] = "background", [2] = "foreground", [255] = "background" } }))
  check.ok(ok, err)
  stops(set_of({ { mask = m } }, { values = { [0] = "background", [2] = "foreground" } }), { m, "255" })
end)

check.case("verdict: a field of view of 0 and 1 is read as what it is; one that nobody can read stops", function()
  local ok, err, _, set = judged(set_of { { mask = write(stripe(0, 1)), fov = write(stripe(function(row) return row < 9 and 1 / 255 or 0 end)) } })
  check.ok(ok, err)
  check.ok(set.splits.train[1].found.fov <= 1, "cut between 0 and 1")
  local bad = write(stripe(function(_, column) return column % 9 / 255 end))
  stops(set_of { { mask = write(stripe(0, 1)), fov = bad } }, { bad, "fov = {" })
  local seen, coloured = stripe(1, 0), tensor.zeros(3, H, W)
  for c = 1, 2 do coloured:narrow(1, c, 1):copy((seen * (c / 2)):reshape(1, H, W)) end
  stops(set_of { { mask = write(stripe(0, 1)), fov = write(coloured) } }, { "colours = { [\"#000000\"] = \"background\", [\"#80ff00\"] = \"foreground\" }" })
end)

-- ---- warnings, broken files, what is kept ----

check.case("verdict: a validation split without foreground is warned of, and named", function()
  local ok, err, warnings = judged(set_of { { mask = write(stripe(0, 1)) }, { mask = write(stripe(0, 0)), split = "val" },
    { mask = write(stripe(0, 1)), split = "test" } })
  check.ok(ok, err)
  check.ok(ok.empty.val and not ok.empty.test and not ok.empty.train, "val is empty")
  check.ok(warnings:find("no mask of split 'val' has foreground", 1, true) and warnings:find("chooses no best", 1, true), warnings)
end)

check.case("verdict: all broken files are named at once, images too", function()
  local whole = assert(files.read(write(stripe(0, 1))))
  local cut, small, text = folder .. "/cut.png", write(tensor.zeros(5, 5)), folder .. "/text.png"
  assert(files.write(cut, whole:sub(1, #whole - 20)))
  assert(files.write(text, "no picture"))
  local set = set_of { { mask = write(stripe(0, 1)) }, { mask = cut }, { mask = small, split = "val" }, { mask = text, split = "test" } }
  local ok, err = judged(set)
  check.ok(not ok and not mistake.is(err), "a broken file is no mistake of the declaration")
  for _, name in ipairs { cut, small, text, "5x5 pixels" } do check.ok(err:find(name, 1, true), ("%s in: %s"):format(name, err)) end
end)

check.case("verdict: what was decoded once is known by its content, and looked at again when it changes", function()
  local path = write(stripe(function(row, column) return column < 5 and row > 1 and 1 or 0 end))
  local first, second = judged(set_of { { mask = path } }), judged(set_of { { mask = path } })
  check.ok(first and second, "both are fine")
  check.equal(second.decoded, 0, "files decoded the second time")
  check.equal(second.known, 2, "the image and the mask are known")
  assert(image.save(path, stripe(0, 0)))
  stops(set_of { { mask = path } }, { "split 'train' are empty" })
end)

-- ---- further fields --------------------------------------------------------------

check.case("further fields are looked at before the first step: broken files, sizes, values, class numbers", function()
  local good = write_npy("|u1", 1, function(_, x) return x % 3 end)
  local function judge(kind, sources, classes)
    local masks = {}
    for i in ipairs(sources) do masks[i] = { mask = write(stripe(0, 1)), fields = { tissue = sources[i] } } end
    local set = set_of(masks, { fields = { tissue = { kind = kind } } })
    return verdict.check(set, { "train" }, { train = "train", fields = { "image", "mask", "tissue" }, classes = { tissue = classes } })
  end
  assert(judge("label", { good, good }, 3))
  assert(judge("label", { good }))
  local small = folder .. "/small.png"
  assert(image.save(small, tensor.zeros(H, W - 1)))
  local cut = folder .. "/cut.npy"
  assert(files.write(cut, assert(files.read(good)):sub(1, -20)))
  for _, kind in ipairs { "label", "mask", "map" } do
    local ok, err = judge(kind, { good, small, cut }, 3)
    check.ok(not ok and err:find("small.png has 19x12 pixels, the image 20x12", 1, true) and err:find("cut.npy", 1, true), tostring(err))
  end
  local void = write_npy("|u1", 1, function(y, x) return y == 0 and 255 or x % 3 end)
  local ok, err = judge("label", { good, void }, 3)
  check.ok(not ok and mistake.is(err), tostring(err))
  for _, part in ipairs { void, "1 of 2 files of field 'tissue'", "of the 3 that it is compared with (0 to 2)", "255: 20", "ignore = 255" } do
    check.ok(err:find(part, 1, true), err)
  end
  assert(judge("label", { good, { path = void, ignore = 255 } }, 3))
  assert(judge("label", { good, void }), "of nothing with classes")
  check.fails("not as they are declared", judge, "label", { { path = void, values = { [0] = 0, [1] = 1, [2] = 2 } } }, 3)
  check.fails("more than 64 values", judge, "label", { write_npy("|u1", 1, function(y, x) return 20 * y + x end) }, 3)
  -- a mask of three values is judged as the truth would be; one that is mostly foreground may be
  check.fails("tissue = { path = .., values = {", judge, "mask", { good })
  assert(judge("mask", { write(stripe(1, 0)) }))
  local nan, t = folder .. "/nan.npy", tensor.zeros(H, W)
  t.data[7] = 0 / 0
  assert(require("ramus").save(nan, t))
  check.fails("not finite", judge, "map", { nan })
end)
