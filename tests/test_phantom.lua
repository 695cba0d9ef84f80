--- Synthetic angiograms: statistics of real ones (tests/reference/phantom.py over the 80 of cimat80), exactness, repeatability.
local check = require "check"
require "ramus.lang.tensor" -- t.data
local ffi = require "ramus.base.ffi"
local json = require "cjson"
local C = ffi.C

local function empty(H, W) return ffi.gc(C.ra_tensor_new(2, ffi.new("int32_t[2]", { H, W })), C.ra_tensor_release) end

local function phantom(H, W, seed, index, trees, contrast)
  local image, mask, label = empty(H, W), empty(H, W), empty(H, W)
  if trees then check.equal(C.ra_phantom_with(image, mask, label, seed, index, trees, contrast or 1), 0, "ra_phantom_with")
  else check.equal(C.ra_phantom(image, mask, seed, index), 0, "ra_phantom") end
  return image, mask, label
end

local function same(a, b) return ffi.string(ffi.data(a), a.size * ffi.sizeof "ra_real") == ffi.string(ffi.data(b), b.size * ffi.sizeof "ra_real") end

--- fraction, width, contrast as tests/reference/phantom.py defines them.
local function statistics(image, mask)
  local H, W = image.dim[0], image.dim[1]
  local skeleton, distance, contrast = empty(H, W), empty(H, W), empty(H, W)
  check.equal(C.ra_mask_skeleton(ffi.data(mask), H, W, ffi.data(skeleton)), 0)
  check.equal(C.ra_mask_distance(ffi.data(mask), H, W, ffi.data(distance)), 0)
  check.equal(C.ra_foreground_contrast(ffi.data(image), ffi.data(mask), H, W, ffi.data(contrast)), 0)
  local vessel, n, width, sum = 0, 0, 0, 0
  for i = 0, H * W - 1 do
    vessel = vessel + mask.data[i]
    if skeleton.data[i] == 1 then
      n, width, sum = n + 1, width + 2 * distance.data[i], sum + contrast.data[i]
    end
  end
  return { fraction = vessel / (H * W), width = width / n, contrast = sum / n }
end

local function read_json(path)
  local file = assert(io.open(path))
  local value = json.decode(file:read("*a"))
  file:close()
  return value
end

--- Three statistics of 40 phantoms against the range of the real ones.
local function near_real(trees)
  local real = read_json(check.root .. "/tests/reference/phantom.json").statistics
  local count, seen = 40, { fraction = {}, width = {}, contrast = {} }
  for i = 1, count do
    for key, value in pairs(statistics(phantom(300, 300, 2, i, trees))) do seen[key][i] = value end
  end
  for key, values in pairs(seen) do
    local inside = 0
    for _, v in ipairs(values) do
      if v >= real[key].p10 and v <= real[key].p90 then inside = inside + 1 end
    end
    table.sort(values)
    local median = (values[count / 2] + values[count / 2 + 1]) / 2
    check.ok(median > real[key].p10 and median < real[key].p90,
      ("%s: median %.4f, wanted %.4f to %.4f"):format(key, median, real[key].p10, real[key].p90))
    check.ok(inside >= 0.8 * count, ("%s: %d of %d within the real 10-90 %% range, wanted 80 %%"):format(key, inside, count))
  end
end

check.case("phantom: vessel fraction, width and contrast lie where those of real angiograms do", function() near_real() end)
check.case("phantom: of full trees too", function() near_real(C.RA_PHANTOM_FULL) end)

check.case("phantom: plain trees at contrast 1 are the phantoms as they were, full trees are others", function()
  for i = 1, 4 do
    local image, mask = phantom(96, 80, 5, i)
    local image2, mask2 = phantom(96, 80, 5, i, C.RA_PHANTOM_PLAIN, 1)
    check.ok(same(image, image2) and same(mask, mask2), "the same to the bit")
    check.ok(not same(mask, (select(2, phantom(96, 80, 5, i, C.RA_PHANTOM_FULL)))), "another tree")
  end
end)

check.case("phantom: a series of falling contrast keeps its masks", function()
  for trees = C.RA_PHANTOM_PLAIN, C.RA_PHANTOM_FULL do
    local sum, first = {}, {}
    for _, contrast in ipairs { 2, 1, 0.5, 0.25 } do
      sum[contrast] = 0
      for i = 1, 8 do
        local image, mask, label = phantom(200, 200, 4, i, trees, contrast)
        first[i] = first[i] or { mask, label }
        check.ok(same(mask, first[i][1]) and same(label, first[i][2]), "mask and classes do not change")
        sum[contrast] = sum[contrast] + statistics(image, mask).contrast
      end
    end
    for contrast, low_high in pairs { [2] = { 1.7, 2.1 }, [0.5] = { 0.45, 0.6 }, [0.25] = { 0.2, 0.4 } } do
      local ratio = sum[contrast] / sum[1]
      check.ok(ratio > low_high[1] and ratio < low_high[2], ("trees %d, contrast %g: %.3f of what it is at 1"):format(trees, contrast, ratio))
    end
  end
end)

check.case("phantom: full trees at any size and seed: values in range, classes agree with the mask, the same bits again", function()
  for _, s in ipairs { { 32, 32, 0 }, { 32, 700, 1 }, { 500, 40, 2 }, { 96, 128, -3 }, { 64, 64, 2 ^ 52 } } do
    for _, index in ipairs { 0, 1, 7, 2147483647, -5 } do
      local image, mask, label = phantom(s[1], s[2], s[3], index, C.RA_PHANTOM_FULL, index == 7 and 0.25 or 2)
      local good = true
      for k = 0, image.size - 1 do
        good = good and image.data[k] >= 0 and image.data[k] <= 1 and (mask.data[k] == 0 or mask.data[k] == 1)
          and (label.data[k] == 1 or label.data[k] == 2) == (mask.data[k] == 1)
      end
      check.ok(good, ("%d x %d, seed %g, index %d"):format(s[1], s[2], s[3], index))
      local again, again_mask = phantom(s[1], s[2], s[3], index, C.RA_PHANTOM_FULL, index == 7 and 0.25 or 2)
      check.ok(same(image, again) and same(mask, again_mask), "a pure function")
    end
  end
end)

check.case("phantom: wrong trees and contrasts are errors, a full one gives its memory back", function()
  local image, mask = empty(64, 64), empty(64, 64)
  for _, wrong in ipairs { { 2, 1, "plain" }, { -1, 1, "plain" }, { 1, 0.2, "0.25 to 2" }, { 1, 2.1, "0.25 to 2" }, { 1, 0 / 0, "0.25 to 2" } } do
    check.equal(C.ra_phantom_with(image, mask, nil, 1, 1, wrong[1], wrong[2]), C.RA_ERR_ARG)
    check.ok(ffi.message():find(wrong[3], 1, true), ffi.message())
  end
  collectgarbage()
  local before, failures = C.ra_mem_live(), 0
  for n = 0, 100 do
    C.ra_mem_fail_after(n)
    local code = C.ra_phantom_with(image, mask, nil, 1, 1, 1, 1)
    C.ra_mem_fail_after(-1)
    if code == 0 then break end
    failures = failures + 1
    check.equal(C.ra_mem_live(), before, "bytes alive after allocation " .. n .. " failed")
  end
  check.ok(failures >= 9 and failures < 100, "every allocation failed once, got " .. failures)
end)

check.case("phantom: the statistics of real pictures are computed alike here", function()
  local folder = check.shared("cimat80_dca1_subset")
  local wanted = read_json(check.root .. "/tests/reference/phantom.json").first
  local image = C.ra_image_load(folder .. "/Angios_40_training/1.png")
  local mask = C.ra_mask_load(folder .. "/Angios_40_training/1_gt.png", 128, nil)
  check.ok(image ~= nil and mask ~= nil, "the first picture and its mask can be read")
  image, mask = ffi.gc(image, C.ra_tensor_release), ffi.gc(mask, C.ra_tensor_release)
  local plane = ffi.gc(C.ra_tensor_reshape(image, 2, ffi.new("int32_t[2]", { 300, 300 })), C.ra_tensor_release)
  for key, value in pairs(statistics(plane, mask)) do check.near(value, wanted[key], 2e-5 * math.max(1, wanted[key]), key) end
end)

check.case("phantom: values, and vessels darker than what is around them", function()
  for i = 1, 6 do
    local image, mask = phantom(96, 128, 7, i)
    for k = 0, image.size - 1 do
      check.ok(image.data[k] >= 0 and image.data[k] <= 1, "image in 0..1")
      check.ok(mask.data[k] == 0 or mask.data[k] == 1, "mask of 0 and 1")
    end
    local s = statistics(image, mask)
    check.ok(s.contrast > 0.02, ("contrast of picture %d: %.4f"):format(i, s.contrast))
    check.ok(s.fraction > 0.02 and s.fraction < 0.15, ("vessel fraction of picture %d: %.4f"):format(i, s.fraction))
  end
end)

check.case("phantom: a function of seed, index and size alone", function()
  local image, mask = phantom(80, 64, 3, 5)
  phantom(64, 64, 1, 1)
  local image2, mask2 = phantom(80, 64, 3, 5)
  check.ok(same(image, image2) and same(mask, mask2), "the same key gives the same bits")
  check.ok(not same(mask, (select(2, phantom(80, 64, 3, 6)))), "another index, another tree")
  check.ok(not same(mask, (select(2, phantom(80, 64, 4, 5)))), "another seed, another tree")
end)

check.case("phantom: wrong sizes are errors, memory comes back", function()
  check.ok(C.ra_phantom(empty(16, 64), empty(16, 64), 0, 0) ~= 0, "too small")
  check.ok(ffi.message():find("32 to 4096", 1, true), ffi.message())
  check.ok(C.ra_phantom(empty(64, 64), empty(64, 65), 0, 0) ~= 0, "sizes differ")
  local image, mask = empty(64, 64), empty(64, 64)
  collectgarbage()
  local before, failures = C.ra_mem_live(), 0
  for n = 0, 100 do
    C.ra_mem_fail_after(n)
    local code = C.ra_phantom(image, mask, 1, 1)
    C.ra_mem_fail_after(-1)
    if code == 0 then break end
    failures = failures + 1
    check.equal(C.ra_mem_live(), before, "bytes alive after allocation " .. n .. " failed")
  end
  check.ok(failures >= 8 and failures < 100, "every allocation failed once, got " .. failures)
end)

check.case("phantom: the data set is made, opened, and keeps its pictures when a split grows", function()
  local dataset = require "ramus.data.dataset"
  local root = check.folder("phantom")
  local function make(given)
    local def = assert(dataset.find("phantom"))
    local folder, o = dataset.folder(def, root, given)
    assert(dataset.prepare(def, nil, folder, o))
    return assert(dataset.open("phantom", { root = root, options = given }))
  end
  local small = make { size = 64, train = 3, test = 2 }
  check.equal(small.counts.train, 3, "train")
  check.equal(small.counts.test, 2, "test")
  check.equal(small.counts.val, nil, "val")
  check.equal(#small.warnings, 0, "no picture in two splits")
  check.equal(small.samples[1].id, "train/1", "id")
  check.ok(small.folder:find("phantom%-64x64%-3%-0%-2%-seed1$"), small.folder)
  local mask = ffi.gc(C.ra_mask_load(small.samples[1].mask, 128, nil), C.ra_tensor_release)
  check.ok(same(mask, (select(2, phantom(64, 64, 1, 1)))), "the mask's file holds the mask")
  local large = make { size = 64, train = 5, val = 1, test = 2 }
  check.equal(large.counts.val, 1, "val")
  check.equal(dataset.sha256_file(large.splits.test[2].image), dataset.sha256_file(small.splits.test[2].image), "test picture 2")
  local full = make { size = 64, train = 1, test = 1, trees = "full", contrast = 0.5 }
  check.ok(full.folder:find("phantom%-64x64%-1%-0%-1%-seed1%-full%-contrast0%.5$"), full.folder)
  mask = ffi.gc(C.ra_mask_load(full.samples[1].mask, 128, nil), C.ra_tensor_release)
  check.ok(same(mask, (select(2, phantom(64, 64, 1, 1, C.RA_PHANTOM_FULL)))), "the mask of a full tree")
  check.raises("must be one of plain, full", dataset.folder, dataset.find("phantom"), root, { trees = "ful" })
  check.raises("from 0.25 to 2", dataset.folder, dataset.find("phantom"), root, { contrast = 0.1 })
  check.raises("did you mean 'train'", dataset.folder, dataset.find("phantom"), root, { trian = 3 })
end)

check.case("baseline: Frangi is tuned on the training pictures and finds phantom vessels", function()
  local baseline = require "ramus.train.baseline"
  local function list(first, count)
    local samples = {}
    for i = 1, count do
      local image, mask = phantom(128, 128, 5, first + i)
      samples[i] = { id = tostring(i), image = image, mask = mask }
    end
    return samples
  end
  local train = list(0, 4)
  local b = assert(baseline.frangi { train = train, test = list(100, 3), scales = { { 1, 1.5 }, { 4 } }, beta = { 0.5 }, c = { 0.02 } })
  check.equal(b.summary.n, 3, "pictures scored")
  check.equal(b.choice.scales[1], 1, "the scale of the vessels is chosen")
  check.ok(b.choice.train_dice > 0.4, "mean Dice on the training pictures: " .. b.choice.train_dice)
  check.ok(b.summary.per_image.dice.mean > 0.3, "mean Dice on the test pictures: " .. b.summary.per_image.dice.mean)
  local other = assert(baseline.frangi { train = train, test = list(200, 2), scales = { { 1, 1.5 }, { 4 } }, beta = { 0.5 }, c = { 0.02 } })
  check.equal(other.choice.threshold, b.choice.threshold, "the test pictures have no part in the choice")
  local eyes = list(100, 4)
  for i, sample in ipairs(eyes) do sample.group = i < 3 and "a" or "b" end
  local apart = assert(baseline.frangi { train = train, test = list(100, 4), scales = { { 1 } }, beta = { 0.5 }, c = { 0.02 } }).summary.per_image.dice
  local together = assert(baseline.frangi { train = train, test = eyes, scales = { { 1 } }, beta = { 0.5 }, c = { 0.02 } }).summary.per_image.dice
  check.equal(together.mean, apart.mean, "the mean is over images")
  check.ok(together.low ~= apart.low or together.high ~= apart.high, "images of one group were drawn one by one")
  check.fails("no/such.png", baseline.frangi, { train = { { id = "a", image = "no/such.png", mask = "no/such.png" } }, test = train })
  check.raises("at least one sample", baseline.frangi, { train = {}, test = train })
end)

check.case("phantom: classes agree with the mask, which stays the same to the bit, and the catheter lies beside the vessels", function()
  local seen = { [0] = 0, 0, 0, 0 }
  for index = 1, 6 do
    local plain, plain_mask = phantom(96, 128, 7, index)
    local image, mask, label = empty(96, 128), empty(96, 128), empty(96, 128)
    check.equal(C.ra_phantom_classes(image, mask, label, 7, index), 0, "ra_phantom_classes")
    check.ok(same(plain, image) and same(plain_mask, mask), "image and mask differ with classes")
    for i = 0, label.size - 1 do
      local class = label.data[i]
      seen[class] = seen[class] + 1
      check.ok((class == 1 or class == 2) == (mask.data[i] == 1), "pixel " .. i)
    end
  end
  for class = 0, 3 do check.ok(seen[class] > 50, ("class %d has %d pixels"):format(class, seen[class])) end
  check.ok(seen[1] > seen[2], "the stem is the larger part")
  check.equal(C.ra_phantom_classes(empty(96, 128), empty(96, 128), empty(96, 96), 7, 1), C.RA_ERR_SHAPE)
end)

check.case("phantom: no expression draws twice, so that every compiler draws in the same order", function()
  local files = require "ramus.base.files"
  local seen = 0
  local function draws(text)
    local n = 0
    for call in text:gmatch "([%w_]+)%(" do
      if call == "UNI" or call == "ra_phantom_uniform" or call == "ra_phantom_chance" then n = n + 1 end
    end
    return n
  end
  for _, name in ipairs(assert(files.list(check.root .. "/core/phantom"))) do
    local text = name:find "%.c$" and assert(files.read(check.root .. "/core/phantom/" .. name)):gsub("/%*.-%*/", "") or ""
    seen = seen + draws(text)
    for initialiser in text:gmatch "=%s*(%b{})" do check.equal(draws(initialiser), 0, name .. ": an initialiser draws: " .. initialiser) end
    for call, list in text:gmatch "([%w_]+)(%b())" do
      if call ~= "if" and call ~= "for" and call ~= "while" then check.ok(draws(list) < 2, ("%s: two arguments draw: %s%s"):format(name, call, list)) end
    end
    for operands in text:gmatch "[^;,?:{}=]*" do check.ok(draws(operands) < 2, name .. ": two operands draw: " .. operands) end
  end
  check.ok(seen > 100, seen .. " draws seen")
end)
