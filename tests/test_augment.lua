-- Augmentation: a pure function of its key, exact where nothing is interpolated, aligned, binary masks.
local check = require "check"
local ffi = require "ramus.base.ffi"
require "ramus.lang.tensor" -- t.data
local new = ffi
local C = ffi.C

local function own(t)
  if t == nil then return nil, ffi.message() end
  return new.gc(t, C.ra_tensor_release)
end

local function tensor(dim, f)
  local t = own(C.ra_tensor_new(#dim, new.new("int32_t[?]", #dim, dim)))
  if f then for i = 0, t.size - 1 do t.data[i] = f(i) end end
  return t
end

--- steps: {kind, a, b, share}; options height, width, border, vessel_share.
local function program(steps, options)
  options = options or {}
  local p = new.new("ra_augment")
  p.count = #steps
  for i, s in ipairs(steps) do
    p.step[i - 1].kind, p.step[i - 1].a, p.step[i - 1].b = s[1], s[2] or 0, s[3] or s[2] or 0
    p.step[i - 1].probability = s.share or 1
  end
  p.height, p.width = options.height or 0, options.width or options.height or 0
  p.border, p.foreground_share = options.border or C.RA_BORDER_EDGE, options.vessel_share or 0
  return p
end

local scratch = new.gc(C.ra_augment_scratch_new(), C.ra_augment_scratch_release)

local function picture(image, mask, fov)
  return ffi.hidden(require("ramus.data.augment").planes(image.dim[0], image.dim[1], image.dim[2], image, mask, fov))
end

local function apply(p, image, mask, fov, seed, epoch, sample)
  local size = new.new("int32_t[2]")
  if C.ra_augment_size(p, image.dim[1], image.dim[2], size, size + 1) ~= 0 then return nil, ffi.message() end
  local h, w = size[0], size[1]
  local x, y, f = tensor { image.dim[0], h, w }, mask and tensor { h, w }, tensor { h, w }
  if C.ra_augment_apply(p, picture(image, mask, fov), picture(x, y, f), seed or 1, epoch or 0, sample or 0, scratch) ~= 0 then
    return nil, ffi.message()
  end
  return x, y, f
end

local H, W = 31, 44
local image = tensor({ 1, H, W }, function(i) return C.ra_random_uniform(5, 0, 0, 0, i) end)
local mask = tensor({ H, W }, function(i) return math.abs(i % W - 20 - math.floor(i / W) / 4) < 2 and 1 or 0 end)

local everything = {
  { C.RA_AUGMENT_FLIP_H, share = 0.5 }, { C.RA_AUGMENT_FLIP_V, share = 0.5 }, { C.RA_AUGMENT_ROT90 },
  { C.RA_AUGMENT_ROTATE, -25, 25 }, { C.RA_AUGMENT_SCALE, 0.85, 1.2 }, { C.RA_AUGMENT_SHIFT, -5, 5 },
  { C.RA_AUGMENT_ELASTIC, 2, 6 }, { C.RA_AUGMENT_BLUR, 0, 1 }, { C.RA_AUGMENT_GAMMA, 0.7, 1.4 },
  { C.RA_AUGMENT_CONTRAST, 0.8, 1.2 }, { C.RA_AUGMENT_BRIGHTNESS, -0.1, 0.1 }, { C.RA_AUGMENT_NOISE, 0, 0.05 },
}

check.case("an empty program copies", function()
  local x, y, f = apply(program {}, image, mask)
  for i = 0, image.size - 1 do
    check.equal(x.data[i], image.data[i])
    check.equal(y.data[i], mask.data[i])
    check.equal(f.data[i], 1)
  end
end)

check.case("flips and quarter turns move pixels and change none", function()
  local x, y = apply(program { { C.RA_AUGMENT_FLIP_H } }, image, mask)
  for i = 0, image.size - 1 do
    local at = i - i % W + (W - 1 - i % W)
    check.equal(x.data[i], image.data[at])
    check.equal(y.data[i], mask.data[at])
  end
  x = apply(program { { C.RA_AUGMENT_FLIP_V }, { C.RA_AUGMENT_FLIP_H } }, image)
  for i = 0, image.size - 1 do check.equal(x.data[i], image.data[image.size - 1 - i]) end
  local seen = {}
  for sample = 0, 39 do
    x = apply(program({ { C.RA_AUGMENT_ROT90 } }, { height = 20 }), image, nil, nil, 1, 0, sample)
    local found
    for turn = 0, 3 do
      local h, w = turn % 2 == 0 and H or W, turn % 2 == 0 and W or H
      local function at(i, j)
        if turn == 0 then return i * W + j end
        if turn == 1 then return j * W + (W - 1 - i) end
        if turn == 2 then return (H - 1 - i) * W + W - 1 - j end
        return (H - 1 - j) * W + i
      end
      for top = 0, h - 20 do
        for left = 0, w - 20 do
          local same = true
          for k = 0, 399 do
            same = same and x.data[k] == image.data[at(top + math.floor(k / 20), left + k % 20)]
            if not same then break end
          end
          if same then found = turn end
        end
      end
    end
    check.ok(found, "sample " .. sample .. " is a turned window")
    seen[found] = true
  end
  for turn = 0, 3 do check.ok(seen[turn], "turn " .. turn) end
end)

check.case("a rotation by 90 degrees equals numbers moved by hand: counter-clockwise as seen", function()
  local square = tensor({ 1, 5, 5 }, function(i) return i / 25 end)
  local x = apply(program { { C.RA_AUGMENT_ROTATE, 90 } }, square)
  for i = 0, 4 do
    for j = 0, 4 do check.near(x.data[i * 5 + j], (j * 5 + 4 - i) / 25, 1e-6) end
  end
end)

check.case("scale and shift on a ramp", function()
  local ramp = tensor({ 1, 21, 21 }, function(i) return (i % 21) / 40 + math.floor(i / 21) / 80 end)
  local x = apply(program { { C.RA_AUGMENT_SCALE, 2 } }, ramp)
  for i = 0, 20 do
    for j = 0, 20 do check.near(x.data[i * 21 + j], (10 + (j - 10) / 2) / 40 + (10 + (i - 10) / 2) / 80, 1e-6) end
  end
  x = apply(program { { C.RA_AUGMENT_SHIFT, 3 } }, ramp)
  check.near(x.data[10 * 21 + 10], ramp.data[7 * 21 + 7], 1e-6)
  local _, _, f = apply(program { { C.RA_AUGMENT_SHIFT, 3 } }, ramp)
  check.equal(f.data[2], 0, "made up by the border")
  check.equal(f.data[3 * 21 + 3], 1)
  x = apply(program({ { C.RA_AUGMENT_SHIFT, 3 } }, { border = C.RA_BORDER_CONSTANT }), ramp)
  check.equal(x.data[5 * 21 + 1], 0)
  x = apply(program({ { C.RA_AUGMENT_SHIFT, 3 } }, { border = C.RA_BORDER_REFLECT }), ramp)
  check.near(x.data[5 * 21 + 1], ramp.data[2 * 21 + 2], 1e-6)
  x = apply(program { { C.RA_AUGMENT_SHIFT, 3 } }, ramp)
  check.near(x.data[5 * 21 + 1], ramp.data[2 * 21], 1e-6)
end)

check.case("the same key gives the same bits, another key another picture", function()
  local p = program(everything, { height = 24, vessel_share = 0.5 })
  local x, y, f = apply(p, image, mask, nil, 3, 4, 5)
  apply(p, image, mask, nil, 9, 9, 9) -- whatever the scratch held
  local x2, y2, f2 = apply(p, image, mask, nil, 3, 4, 5)
  for i = 0, x.size - 1 do
    check.equal(x.data[i], x2.data[i])
    check.equal(y.data[i], y2.data[i])
    check.equal(f.data[i], f2.data[i])
  end
  for _, key in ipairs { { 4, 4, 5 }, { 3, 5, 5 }, { 3, 4, 6 } } do
    local other = apply(p, image, mask, nil, key[1], key[2], key[3])
    local differ = 0
    for i = 0, x.size - 1 do differ = differ + (x.data[i] ~= other.data[i] and 1 or 0) end
    check.ok(differ > x.size / 2, "differing pixels " .. differ)
  end
end)

check.case("values stay in 0..1, the mask stays binary", function()
  local p = program(everything, { height = 24 })
  local area = 0
  local stripes = tensor({ H, W }, function(i) return i % W % 8 < 2 and 1 or 0 end)
  for sample = 0, 199 do
    local x, y, f = apply(p, image, stripes, nil, 1, 0, sample)
    for i = 0, x.size - 1 do
      check.ok(x.data[i] >= 0 and x.data[i] <= 1)
      check.ok(y.data[i] == 0 or y.data[i] == 1)
      check.ok(f.data[i] == 0 or f.data[i] == 1)
      area = area + y.data[i]
    end
  end
  check.near(area / 200 / 24 ^ 2, 0.25, 0.02, "share of vessel pixels")
end)

check.case("picture, mask and field of view move together", function()
  -- the picture is its own mask, smoothed so that half its height is the mask's edge
  local disc = tensor({ 60, 70 }, function(i)
    local y, x = math.floor(i / 70) - 25, i % 70 - 40
    return x * x + 3 * y * y < 400 and 1 or 0
  end)
  local soft = own(C.ra_image_blur(own(C.ra_tensor_reshape(disc, 3, new.new("int32_t[3]", 1, 60, 70))), 1))
  local space = { unpack(everything, 1, 7) }
  for sample = 0, 49 do
    local x, y, f = apply(program(space, { height = 48 }), soft, disc, disc, 1, 0, sample)
    local wrong = 0
    for i = 0, x.size - 1 do
      if (x.data[i] >= 0.5 and 1 or 0) ~= y.data[i] and math.abs(x.data[i] - 0.5) > 0.2 then wrong = wrong + 1 end
      check.ok(f.data[i] <= y.data[i], "field of view is the mask inside the picture")
    end
    check.equal(wrong, 0, "pixels where picture and mask disagree, sample " .. sample)
  end
end)

check.case("crops: inside, everywhere, and with vessel where asked", function()
  local dot = tensor({ 100, 90 }, function(i) return i == 13 * 90 + 77 and 1 or 0 end)
  local position = tensor({ 1, 100, 90 }, function(i) return i / 9000 end)
  local with, corners = 0, {}
  for sample = 0, 299 do
    local x, y = apply(program({}, { height = 16 }), position, dot, nil, 1, 0, sample)
    local at = math.floor(x.data[0] * 9000 + 0.5)
    local top, left = math.floor(at / 90), at % 90
    check.ok(top >= 0 and top <= 84 and left >= 0 and left <= 74, "inside")
    corners[#corners + 1] = top
    for i = 0, y.size - 1 do with = with + y.data[i] end
  end
  table.sort(corners)
  check.ok(corners[1] < 4 and corners[300] > 80, "the whole range of positions")
  check.ok(with < 40, "few crops of 16 hold the dot by chance, got " .. with)
  for _, steps in ipairs { {}, { { C.RA_AUGMENT_ROTATE, -10, 10 }, { C.RA_AUGMENT_SCALE, 1, 1.3 }, { C.RA_AUGMENT_ROT90 } } } do
    for _, share in ipairs { 1, 0.5 } do
      with = 0
      local visible = 0
      for sample = 0, 299 do
        local big = tensor({ 100, 90 }, function(i)
          return math.abs(math.floor(i / 90) - 40) < 2 and math.abs(i % 90 - 50) < 2 and 1 or 0
        end)
        local _, y = apply(program(steps, { height = 24, vessel_share = share }), position, big, nil, 1, 0, sample)
        local n = 0
        for i = 0, y.size - 1 do n = n + y.data[i] end
        if n > 0 then with = with + 1 end
        visible = visible + 1
      end
      if share == 1 then check.equal(with, visible, "all crops hold vessel")
      else check.ok(with > 150 and with < 230, "about half and those by chance, got " .. with) end
    end
  end
  -- no vessel at all: still a crop; smaller than the crop: padded in the middle
  check.ok(apply(program({}, { height = 16, vessel_share = 1 }), position, tensor({ 100, 90 }, function() return 0 end)))
  local x, _, f = apply(program({}, { height = 40 }), tensor({ 1, 31, 30 }, function(i) return i / 930 end), nil)
  check.equal(x.data[0], 0)
  check.equal(f.data[0], 0)
  check.near(x.data[4 * 40 + 5], 0, 1e-6)
  check.near(x.data[4 * 40 + 6], 1 / 930, 1e-6)
  check.near(x.data[40 * 40 - 1], 929 / 930, 1e-6)
end)

check.case("grey value steps compute their formulas", function()
  local x = apply(program { { C.RA_AUGMENT_GAMMA, 0.7 } }, image)
  for i = 0, image.size - 1 do check.near(x.data[i], image.data[i] ^ 0.7, 1e-6) end
  local edge = tensor({ 1, 1, 4 }, function(i) return ({ [0] = 0, 1, 1e-9, 0.999999 })[i] end)
  for _, g in ipairs { 0.2, 1, 5 } do
    x = apply(program { { C.RA_AUGMENT_GAMMA, g } }, edge)
    for i = 0, 3 do check.near(x.data[i], edge.data[i] ^ g, 2e-6, "gamma " .. g .. " of " .. edge.data[i]) end
  end
  local mean = 0
  for i = 0, image.size - 1 do mean = mean + image.data[i] / image.size end
  x = apply(program { { C.RA_AUGMENT_CONTRAST, 1.5 }, { C.RA_AUGMENT_BRIGHTNESS, 0.1 } }, image)
  for i = 0, image.size - 1 do
    check.near(x.data[i], math.max(0, math.min(1, (image.data[i] - mean) * 1.5 + mean + 0.1)), 2e-6)
  end
  local grey = tensor({ 1, 100, 100 }, function() return 0.5 end)
  x = apply(program { { C.RA_AUGMENT_NOISE, 0.05 } }, grey)
  local m, v = 0, 0
  for i = 0, 9999 do m = m + x.data[i] / 1e4 end
  for i = 0, 9999 do v = v + (x.data[i] - m) ^ 2 / 1e4 end
  check.near(m, 0.5, 0.002)
  check.near(math.sqrt(v), 0.05, 0.002)
  local blurred = own(C.ra_image_blur(image, 1.3))
  x = apply(program { { C.RA_AUGMENT_BLUR, 1.3 } }, image)
  for i = 0, image.size - 1 do check.near(x.data[i], blurred.data[i], 1e-6) end
  local equal = own(C.ra_image_clahe(image, 4, 2))
  x = apply(program { { C.RA_AUGMENT_CLAHE, 4, 2 } }, image)
  for i = 0, image.size - 1 do check.near(x.data[i], equal.data[i], 1e-6) end
  x = apply(program { { C.RA_AUGMENT_STRETCH } }, tensor({ 1, 1, 3 }, function(i) return 0.2 + 0.1 * i end))
  for i = 0, 2 do check.near(x.data[i], i / 2, 1e-6) end
end)

check.case("elastic displacement has the size and smoothness it says", function()
  local n = 128
  local ramp = tensor({ 1, n, n }, function(i) return (i % n) / (n - 1) end)
  local sum, slope, count = 0, 0, 0
  for sample = 0, 15 do
    local x = apply(program { { C.RA_AUGMENT_ELASTIC, 3, 8 } }, ramp, nil, nil, 1, 0, sample)
    for i = 0, n - 1 do
      for j = 20, n - 21 do
        local d = x.data[i * n + j] * (n - 1) - j
        local d2 = x.data[i * n + j + 1] * (n - 1) - j - 1
        sum, slope, count = sum + d * d, slope + (d2 - d) ^ 2, count + 1
      end
    end
  end
  check.near(math.sqrt(sum / count), 3, 0.3, "deviation in pixels")
  local per_pixel = math.sqrt(slope / count)
  check.ok(per_pixel > 3 / 8 / 2 and per_pixel < 3 / 8 * 1.5, "change from pixel to pixel " .. per_pixel)
end)

check.case("resize comes first and takes the mask along", function()
  local x, y = apply(program { { C.RA_AUGMENT_RESIZE, 62, 88 } }, image, mask)
  check.equal(x.dim[1], 62)
  check.equal(x.dim[2], 88)
  local want = own(C.ra_image_resize(image, 62, 88, 0))
  for i = 0, x.size - 1 do check.near(x.data[i], want.data[i], 1e-6) end
  for i = 0, y.size - 1 do check.ok(y.data[i] == 0 or y.data[i] == 1) end
end)

check.case("wrong programs are refused with a message", function()
  check.fails("resize must be the first", apply, program { { C.RA_AUGMENT_GAMMA, 1 }, { C.RA_AUGMENT_RESIZE, 5 } }, image)
  check.fails("scale wants values", apply, program { { C.RA_AUGMENT_SCALE, 0, 1 } }, image)
  check.fails("scale wants values", apply, program { { C.RA_AUGMENT_SCALE, 0 / 0, 1 } }, image)
  check.fails("unknown kind", apply, program { { 99 } }, image)
  check.fails("probability", apply, program { { C.RA_AUGMENT_FLIP_H, share = 2 } }, image)
  check.fails("foreground_share", apply, program({}, { vessel_share = -1 }), image)
  check.fails("elastic wants sigma of 1 to 1000", apply, program { { C.RA_AUGMENT_ELASTIC, 1, 0.5 } }, image)
  local x = tensor { 1, 9, 9 }
  check.equal(C.ra_augment_apply(program {}, picture(image), picture(x), 1, 0, 0, scratch), C.RA_ERR_SHAPE)
end)

check.case("a call allocates nothing once the scratch has grown", function()
  local p = program(everything, { height = 24, vessel_share = 0.5 })
  local x, y, f = tensor { 1, 24, 24 }, tensor { 24, 24 }, tensor { 24, 24 }
  local from, to = picture(image, mask), picture(x, y, f)
  for sample = 0, 20 do C.ra_augment_apply(p, from, to, 1, 0, sample, scratch) end
  local before = C.ra_mem_count()
  for sample = 0, 200 do check.equal(C.ra_augment_apply(p, from, to, 1, 1, sample, scratch), 0) end
  check.equal(C.ra_mem_count(), before)
end)

check.case("four crops of 256 are quick", function()
  local big, vessel = tensor({ 1, 300, 300 }, function(i) return i % 251 / 251 end), tensor({ 300, 300 }, function(i) return i % 2 end)
  local p = program({ { C.RA_AUGMENT_FLIP_H, share = 0.5 }, { C.RA_AUGMENT_ROTATE, -25, 25 }, { C.RA_AUGMENT_SCALE, 0.85, 1.2 },
    { C.RA_AUGMENT_GAMMA, 0.7, 1.4 }, { C.RA_AUGMENT_CONTRAST, 0.8, 1.2 } }, { height = 256 })
  local x, y = tensor { 1, 256, 256 }, tensor { 256, 256 }
  local from, to = picture(big, vessel), picture(x, y)
  local best = 1e9
  for round = 0, 9 do
    local start = C.ra_clock()
    for sample = 0, 3 do C.ra_augment_apply(p, from, to, 1, round, sample, scratch) end
    best = math.min(best, C.ra_clock() - start)
  end
  print(("  4 crops of 256x256: %.2f ms"):format(best * 1000))
  check.ok(best < 0.1, best .. " s") -- 10 ms is the aim; more under sanitizers and load
end)

-- ---- ramus.augment ----

local augment = require "ramus.data.augment"
local tensors = require "ramus.lang.tensor"

check.case("ramus.augment builds programs, prints them and applies them", function()
  local p = augment.program { flip = true, rotate = 25, scale = { 0.85, 1.2 }, gamma = { 0.7, 1.4, share = 0.5 },
    elastic = { alpha = 2, sigma = 8 }, crop = 24, vessel_share = 0.5, border = "reflect" }
  check.equal(tostring(p), "augmentation: flip horizontally, 50 % of the time; flip vertically, 50 % of the time; "
    .. "rotate -25 to 25 degrees; scale 0.85 to 1.2; elastic alpha 2, sigma 8 pixels; gamma 0.7 to 1.4, 50 % of the time; "
    .. "crop to 24 x 24, 50 % must hold foreground; border reflect")
  check.equal(C.ra_augment_check(ffi.hidden(p)), 0)
  local x, y, f = p:apply(image, mask, nil, { seed = 1, epoch = 2, sample = 3 })
  check.equal(tensors.shape_text(x), "[1,24,24]")
  check.equal(tensors.shape_text(y), "[24,24]")
  check.equal(tensors.shape_text(f), "[24,24]")
  local x2 = p:apply(image, mask, nil, { seed = 1, epoch = 2, sample = 3 })
  for i = 0, x.size - 1 do check.equal(x.data[i], x2.data[i]) end
  check.equal(tostring(augment.program {}), "augmentation: none")
  check.equal(tostring(augment.prepare { size = { 30, 40 }, clahe = true }), "augmentation: size to 30 x 40; clahe 8 tiles, clip 2")
  local r = augment.prepare({ size = 16 }):apply(image, mask)
  check.equal(tensors.shape_text(r), "[1,16,16]")
end)

check.case("adding a step does not change what the others draw", function()
  local bare, more = augment.program { rotate = 25, crop = 20 }, augment.program { flip = false, rotate = 25, crop = 20, gamma = { 1, 1 }, noise = 0 }
  local a, b = bare:apply(image), more:apply(image)
  for i = 0, a.size - 1 do check.near(a.data[i], b.data[i], 1e-6) end
end)

check.case("probability and foreground_share, and their older spellings share and vessel_share", function()
  local a = augment.program { gamma = { 0.7, 1.4, probability = 0.25 }, crop = 20, foreground_share = 0.5 }
  local b = augment.program { gamma = { 0.7, 1.4, share = 0.25 }, crop = 20, vessel_share = 0.5 }
  check.equal(tostring(a), tostring(b))
  check.equal(ffi.hidden(a).step[0].probability, 0.25)
  check.equal(ffi.hidden(b).foreground_share, 0.5)
end)

check.case("every kind of step has one row: its bounds hold in Lua and in the core", function()
  local seen, i = {}, 0
  while C.ra_augment_kind_at(i) ~= nil do
    local k = C.ra_augment_kind_at(i)
    check.ok(not seen[k.kind], "kind " .. k.kind .. " has two rows")
    seen[k.kind] = true
    if k.form == C.RA_STEP_RANGE then
      local name = ffi.string(k.name)
      check.raises("must lie in", augment.program, { [name] = { k.low[0], k.high[0] + 1 } })
      check.fails(name .. " wants values", apply, program { { k.kind, k.low[0], k.high[0] + 1 } }, image)
      check.ok(augment.program { [name] = { k.low[0], k.high[0] } })
    end
    i = i + 1
  end
  check.ok(i >= tonumber(C.RA_AUGMENT_COUNT), "a kind has no row") -- a new step's kind counts on from there
end)

check.case("numbers stand for ranges", function()
  local p = augment.program { rotate = 10, scale = 1.25, gamma = 2, contrast = 0.2, brightness = 0.1, noise = 0.05, blur = 1, shift = 3 }
  local got = {}
  local inside = ffi.hidden(p)
  for i = 0, inside.count - 1 do got[#got + 1] = ("%g..%g"):format(inside.step[i].a, inside.step[i].b) end
  check.equal(table.concat(got, " "), "-10..10 0.8..1.25 -3..3 0..1 0.5..2 0.8..1.2 -0.1..0.1 0..0.05")
end)

check.case("wrong options name what is wrong", function()
  check.raises("unknown option 'rotat'; did you mean 'rotate'?", augment.program, { rotat = 5 })
  check.raises("rotate is { low, high }, got low 5 above high -5", augment.program, { rotate = { 5, -5 } })
  check.raises("rotate wants 2 numbers", augment.program, { rotate = { 5 } })
  check.raises("gamma must lie in", augment.program, { gamma = { 0, 1 } })
  check.raises("gamma does not accept the number 0.5", augment.program, { gamma = 0.5 })
  check.raises("did you mean 'share'", augment.program, { gamma = { 1, 2, shar = 0.5 } })
  check.raises("a whole number of tiles", augment.program, { clahe = { 2.5, 1 } })
  check.raises("probability of 0 to 1", augment.program, { gamma = { 1, 2, share = 3 } })
  check.raises("the image folds", augment.program, { elastic = { 9, 3 } })
  check.raises("wants { alpha, sigma }", augment.program, { elastic = true })
  check.raises("foreground_share needs a crop", augment.program, { vessel_share = 0.5 })
  check.raises("crop wants a side", augment.program, { crop = 2.5 })
  check.raises("flip must be one of", augment.program, { flip = "sideways" })
  check.fails("did you mean 'crop'", augment.validate, { crp = 5 })
  check.raises("the mask is [5,5]", function() augment.program({}):apply(image, tensors.zeros(5, 5)) end)
end)

check.case("the loader prepares once, augments by key, and gives the same batches for any number of threads", function()
  local image_module, loader = require "ramus.data.image", require "ramus.data.loader"
  local folder, samples = check.folder("augment"), {}
  for i = 1, 5 do
    local base = folder .. "/" .. i
    assert(image_module.save(base .. ".png", tensors.rand(40 + i, 50)))
    assert(image_module.save(base .. "_gt.png", image_module.resize(mask, { 40 + i, 50, method = "nearest" })))
    samples[i] = { id = tostring(i), image = base .. ".png", mask = base .. "_gt.png" }
  end
  local program_of = augment.program { flip = true, rotate = 25, elastic = { 2, 8 }, gamma = { 0.7, 1.4 }, noise = 0.02, crop = 24,
    vessel_share = 0.5 }
  local function run(threads, cache)
    local l = assert(loader.new(samples, { batch = 2, steps = 4, epochs = 2, threads = threads, seed = 3, cache = cache,
      prepare = augment.prepare { size = { 36, 44 }, clahe = true }, augment = program_of }))
    assert(l:start(0, 0))
    local x, y, f = tensors.empty(2, 1, 24, 24), tensors.empty(2, 1, 24, 24), tensors.empty(2, 1, 24, 24)
    local values = {}
    while true do
      local n, err = l:next { image = x, mask = y, fov = f }
      check.ok(n, err)
      if n == 0 then break end
      for i = 0, x.size - 1 do
        values[#values + 1] = x.data[i]
        values[#values + 1] = y.data[i]
        check.ok(y.data[i] == 0 or y.data[i] == 1)
      end
    end
    return values
  end
  local one = run(1, 512)
  check.equal(#one, 2 * 4 * 2 * 2 * 24 * 24)
  for _, case in ipairs { { 3, 512 }, { 2, 0 } } do
    local other = run(case[1], case[2])
    check.equal(#other, #one)
    for i = 1, #one do if one[i] ~= other[i] then error(("value %d: %g and %g"):format(i, one[i], other[i])) end end
  end
end)

check.case("every option is in the reference page", function()
  local file = assert(io.open(check.root .. "/docs/reference/images.md"))
  local page = file:read("*a")
  file:close()
  for name in pairs(augment.schema) do check.ok(page:find("| `" .. name .. "` |", 1, true), name .. " is missing") end
  for name in pairs(augment.prepare_schema) do
    local at = page:find("augment.prepare{", 1, true)
    check.ok(page:sub(at, at + 60):find(name .. " =", 1, true), name .. " is missing")
  end
  for block in page:gmatch("```lua\n(.-)```") do assert(loadstring(block))() end
end)
