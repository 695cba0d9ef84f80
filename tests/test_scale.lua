--- The scale of images: one picture in many encodings gives one prediction, or an error that says what to declare; declared ranges in
-- sets, samples, recipes and predict; what a model keeps of its training.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local loader = require "ramus.data.loader"
local safetensors = require "ramus.lang.safetensors"
local scale = require "ramus.data.scale"
local verdict = require "ramus.data.verdict"
local ra = require "ramus"
local C = ffi.C

local folder = check.folder "scale"

local function u16(n) return string.char(n % 256, math.floor(n / 256)) end
local function f32(v) return ffi.string(ffi.new("float[1]", v), 4) end
local function f64(v) return ffi.string(ffi.new("double[1]", v), 8) end
local function u32(n) return u16(n % 65536) .. u16(math.floor(n / 65536)) end

--- A .npy file of H x W numbers, each number as write(v) gives it.
local function npy(descr, H, W, values, write)
  local head = ("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }"):format(descr, H, W)
  head = head .. (" "):rep((64 - (#head + 11) % 64) % 64) .. "\n"
  local out = {}
  for i = 1, H * W do out[i] = write(values[i]) end
  return "\147NUMPY\1\0" .. u16(#head) .. head .. table.concat(out)
end

--- A PGM of 16 bits.
local function pgm(H, W, values, factor)
  local out = {}
  for i = 1, H * W do out[i] = u16(values[i] * factor):reverse() end
  return ("P5 %d %d 65535\n"):format(W, H) .. table.concat(out)
end

local H, W = 40, 48
local levels = {}
do
  local picture, mask = ra.zeros(H, W), ra.zeros(H, W)
  assert(C.ra_phantom(picture, mask, 5, 1) == 0)
  for i = 0, H * W - 1 do levels[i + 1] = math.floor(picture.data[i] * 255 + 0.5) end
end

--- Name, bytes, the range that has to be declared (nil: none), and how far a value may lie from the others.
local ENCODINGS = {
  { "u8.npy", npy("|u1", H, W, levels, string.char) },
  { "u8.pgm", ("P5 %d %d 255\n"):format(W, H) .. string.char(unpack(levels)) },
  { "u16_full.pgm", pgm(H, W, levels, 257) },
  { "u16_full.npy", npy("<u2", H, W, levels, function(v) return u16(v * 257) end) },
  { "f32_01.npy", npy("<f4", H, W, levels, function(v) return f32(v / 255) end) },
  { "u16_12bit.pgm", pgm(H, W, levels, 16), { 0, 4080 } },
  { "i16_12bit.npy", npy("<i2", H, W, levels, function(v) return u16(v * 16) end), { 0, 4080 } },
  { "u16_8bit.npy", npy("<u2", H, W, levels, u16), { 0, 255 } },
  { "f32_255.npy", npy("<f4", H, W, levels, f32), { 0, 255 } },
  { "f64_hounsfield.npy", npy("<f8", H, W, levels, function(v) return f64(4 * v - 1024) end), { -1024, -4 } },
  { "i32_255.npy", npy("<i4", H, W, levels, u32), { 0, 255 } },
  { "f32_negative.npy", npy("<f4", H, W, levels, function(v) return f32(255 - v) end), { 255, 0 } },
  { "i8_127.npy", npy("|i1", H, W, levels, function(v) return string.char(math.floor(v * 127 / 255 + 0.5)) end), nil, 0.5 / 127 },
  { "i16_full.npy", npy("<i2", H, W, levels, function(v) return u16(math.floor(v * 32767 / 255 + 0.5)) end), nil, 0.5 / 32767 },
}
for _, e in ipairs(ENCODINGS) do
  e.path = folder .. "/" .. e[1]
  assert(files.write(e.path, e[2]))
end

local function same(a, b, tolerance, what)
  check.equal(table.concat(a.shape, ","), table.concat(b.shape, ","), what)
  for i = 0, a.size - 1 do
    if math.abs(a.data[i] - b.data[i]) > tolerance then error(("%s: value %d is %.9g, wanted %.9g"):format(what, i, a.data[i], b.data[i]), 2) end
  end
end

local function pixels(path)
  local t = assert(ra.image.load(path))
  return ffi.string(ffi.data(t), 4 * t.size)
end

local function save(path, m) return safetensors.save(path, m:arrays(), m:meta()) end

local model = ra.models.unet { depth = 2, width = 2 }
assert(model:initialise(3))

check.case("scale: one picture in many encodings gives one prediction to the bit, or an error that says what to declare", function()
  local first
  for i, e in ipairs(ENCODINGS) do
    local out = ("%s/out%d"):format(folder, i)
    local function predict(range) return ra.predict(model, e.path, { output = out, range = range, force = true }) end
    local results, err = predict()
    if e[3] then
      check.ok(not results and err:find(e.path, 1, true), tostring(err))
      check.ok(scale.parse((assert(err:match "%-%-range ([^ ]+), or %-%-range auto", err))), err)
      results = assert(predict(e[3]))
    else check.ok(results, err) end
    local picture = assert(ra.image.load(e.path, { range = e[3] }))
    first = first or { picture, pixels(results[1].prob) }
    same(picture, first[1], e[4] or 0, e[1])
    if not e[4] then check.ok(pixels(results[1].prob) == first[2], e[1] .. ": another prediction") end
  end
end)

check.case("scale: auto takes percentiles by rank, so that every exact encoding gives the same bits", function()
  local sorted = { unpack(levels) }
  table.sort(sorted)
  local cut = math.floor(#sorted / 200)
  local low, high = sorted[cut + 1], sorted[#sorted - cut]
  local wanted = assert(ra.image.load(ENCODINGS[1].path, { range = { low, high } }))
  for _, e in ipairs(ENCODINGS) do
    if e[1] ~= "f32_negative.npy" and e[1] ~= "f32_01.npy" and not e[4] then
      local t, info = ra.image.load(e.path, { range = "auto" })
      same(t, wanted, 0, e[1])
      check.ok(info.outside > 0 and info.outside <= 0.01 and info.from < info.to and info.low <= info.from and info.high >= info.to)
    end
  end
  local flat = folder .. "/flat.npy"
  assert(files.write(flat, npy("<f4", 2, 2, { 7, 7, 7, 7 }, f32)))
  check.equal(assert(ra.image.load(flat, { range = "auto" })):stats().max, 0, "an image of one value is black")
end)

local function sample(i, range) return { id = ENCODINGS[i][1], image = ENCODINGS[i].path, range = range } end

check.case("scale: samples are read by their ranges, in the loader and alone; without one a file that is not clear is refused", function()
  local wanted = assert(loader.one(sample(1), { fields = { "image" } })).fields.image
  for i, e in ipairs(ENCODINGS) do
    same(assert(loader.one(sample(i, e[3]), { fields = { "image" } })).fields.image, wanted, e[4] or 0, e[1])
    if e[3] then check.fails("range = {", loader.one, sample(i), { fields = { "image" } }) end
  end
  local of_field = { id = "x", image = { path = ENCODINGS[9].path, range = { 0, 255 } } }
  same(assert(loader.one(of_field, { fields = { "image" } })).fields.image, wanted, 0, "of the field itself")
  local t = wanted:clone():reshape(1, H, W)
  local in_memory = assert(loader.one({ id = "t", image = { tensor = t, range = { 0, 0.5 } } }, { fields = { "image" } })).fields.image
  check.near(in_memory.data[5], math.min(1, t.data[5] * 2), 1e-6)
  check.equal(t.data[5], wanted.data[5], "the tensor is as it was")
  check.ok(loader.one({ id = "t", image = ra.F.affine(t, { scale = 300 }) }, { fields = { "image" } }), "values in memory are taken as they are")
end)

--- Judges a set of encodings; ranges by their order.
local function judge(list, ranges, definition)
  local said, samples = {}, {}
  for i, k in ipairs(list) do samples[i] = sample(k, ranges and ranges[i]) end
  local out = { warn = function(_, text) said[#said + 1] = text end, once = function(_, text) said[#said + 1] = text end, update = function() end }
  local set = { name = "made", samples = samples, splits = { train = samples }, definition = definition or {}, reading = {} }
  local result, err = verdict.check(set, { "train" }, { train = "train", out = out })
  return result, err, table.concat(said, "\n"), samples
end

check.case("scale: a set whose numbers are not clear stops with the file, its numbers and the line to write", function()
  local mistake = require "ramus.base.mistake"
  local result, err = judge({ 1, 6, 7 }, nil, { path = "datasets/made.lua" })
  check.ok(not result and mistake.is(err), tostring(err))
  for _, part in ipairs { ENCODINGS[6].path, "12 of its 16 bits", "range = { 0, 4095 }", "so 2 of 3", "datasets/made.lua" } do
    check.ok(err:find(part, 1, true), err)
  end
  local _, folder_of = judge({ 6 }, nil, { kind = "folder" })
  check.ok(folder_of:find("write it into the recipe's data$"), folder_of)
  local _, negative = judge { 10 }
  check.ok(negative:find("range = { -728, ", 1, true), negative)
  local declared, wrong, said = judge({ 6, 7 }, { { 0, 4080 }, { 0, 4080 } })
  check.ok(declared, wrong)
  check.ok(said:find("0 is black, 4080 white (declared)", 1, true), said)
  check.equal(declared.scale.range[2] .. " " .. table.concat(declared.scale.bits, " "), "4080 16")
  local auto = judge({ 1, 6 }, { "auto", "auto" })
  check.equal(auto.scale.range, "auto")
  local mixed = judge({ 1, 6 }, { nil, { 0, 4080 } })
  check.equal(mixed.scale, nil)
  local _, _, beyond = judge({ 6 }, { { 0, 2000 } })
  check.ok(beyond:find("beyond the declared range", 1, true), beyond)
end)

check.case("scale: a dark file among others of 16 bits is read as these, and said", function()
  local dark = folder .. "/dark.pgm"
  assert(files.write(dark, pgm(H, W, levels, 16)))
  local kept = ENCODINGS[6].path
  ENCODINGS[6].path = dark
  local result, err, said, samples = judge { 3, 6 }
  ENCODINGS[6].path = kept
  check.ok(result, err)
  check.ok(said:find("dark.pgm", 1, true), said)
  local one = assert(loader.one(samples[2], { fields = { "image" } })).fields.image
  check.near(one.data[3], levels[4] * 16 / 65535, 1e-7)
end)

check.case("scale: a model keeps its training's range; it holds for files of as many bits, in Lua and C", function()
  local path = folder .. "/model.safetensors"
  local m = ra.models.unet { depth = 2, width = 2 }
  assert(m:initialise(3))
  m.input.scale = { range = { 0, 4080 }, bits = { 16 } }
  assert(save(path, m))
  local loaded = assert(ra.load_model(path))
  check.equal(loaded.input.scale.range[2], 4080)
  local function prob(k, given)
    given = given or {}
    given.output, given.force = folder .. "/kept", true
    local results, err = ra.predict(loaded, ENCODINGS[k].path, given)
    return results and pixels(results[1].prob), err
  end
  local wanted = assert(prob(1))
  check.ok(prob(6) == wanted and prob(7) == wanted, "12 bits by the model's range")
  check.fails("beyond", prob, 3) -- all 16 bits
  check.ok(prob(3, { range = { 0, 65535 } }) == wanted)
  local opened = ffi.gc(C.ra_model_open(path), C.ra_model_close)
  local function run(k)
    local p = C.ra_model_run(opened, ENCODINGS[k].path)
    return p ~= nil and ffi.gc(p, C.ra_tensor_release) or nil, ffi.message()
  end
  local first = assert(run(1))
  for _, k in ipairs { 6, 7 } do same(assert(run(k)), first, 0, "from C") end
  check.fails("range = {", run, 9)
  local _, message = run(9)
  check.equal(select(2, message:gsub("f32_255", "")), 1, "the path once: " .. message)
  assert(files.write(folder .. "/cut.png", "\137PNG\r\n\26\n"))
  check.ok(C.ra_model_run(opened, folder .. "/cut.png") == nil and select(2, ffi.message():gsub("cut%.png", "")) == 1, ffi.message())
  check.equal(C.ra_model_range(opened, 0, 255), 0)
  same(assert(run(9)), first, 0, "from C, as the caller says")
  check.ok(C.ra_model_range(opened, 3, 3) ~= 0 and C.ra_model_range(opened, 0 / 0, 0 / 0) == 0)
  same(assert(run(6)), first, 0, "from C, as trained again")
  m.input.scale = { range = "auto", bits = { 8 } }
  assert(save(path, m))
  loaded = assert(ra.load_model(path))
  wanted = assert(prob(1))
  for _, k in ipairs { 3, 6, 9, 10, 11 } do check.ok(prob(k) == wanted, ENCODINGS[k][1] .. " by auto") end
  opened = ffi.gc(C.ra_model_open(path), C.ra_model_close)
  same(assert(run(10)), assert(run(1)), 0, "auto from C")
  for _, wrong in ipairs { 5, { range = "no" }, { range = { 1 } }, { range = { 0, 0 / 0 } }, { range = { 0, 1 }, bits = { "x" } } } do
    local ok = pcall(function() m.input.scale = wrong assert(save(path, m)) assert(ra.load_model(path)) end)
    check.ok(not ok, "a wrong scale was read")
  end
end)

check.case("scale: an evaluation reads images of as many bits as a model's training by its range, and refuses what lies beyond", function()
  local dataset = require "ramus.data.dataset"
  local mask = folder .. "/truth.pgm"
  assert(files.write(mask, ("P5 %d %d 255\n"):format(W, H) .. ("\0\255"):rep(H * W / 2)))
  for k, e in ipairs(ENCODINGS) do
    dataset.register { name = "one" .. k, folder = folder, open = function()
      return { { id = "x", image = e.path, mask = mask, split = "test" } }
    end }
  end
  local m = ra.models.unet { depth = 2, width = 2 }
  assert(m:initialise(3))
  m.input.scale = { range = { 0, 4080 }, bits = { 16 } }
  local function auc(k, reading) return assert(ra.evaluate(m, { data = "one" .. k .. ":test", reading = reading })).images[1].roc_auc end
  check.equal(auc(6), auc(1))
  check.equal(auc(3, { range = { 0, 65535 } }), auc(1))
  check.fails("the model was trained on images in which 0 is black, 4080 white; ", ra.evaluate, m, { data = "one3:test" })
  check.fails("--set", ra.evaluate, m, { data = "one9:test" })
  check.equal(auc(9, { range = { 0, 255 } }), auc(1))
end)

check.case("scale: ranges on the command line and in definitions are checked", function()
  check.equal(scale.parse("auto"), "auto")
  check.equal(table.concat(scale.parse("-1024, 3e3"), " "), "-1024 3000")
  for _, text in ipairs { "", "5", "5,5", "a,b", "1,2,3", "nan,1" } do check.fails("--range", scale.parse, text) end
  local reading = require "ramus.data.reading"
  check.fails("range must be", reading.rules, { range = { 4 } }, nil)
  check.equal(reading.over({ range = "auto" }, { range = { 0, 9 } }).range, "auto")
  check.equal(reading.over({ threshold = 9 }, { range = "auto" }).range, "auto")
end)
