-- Pictures: reading, writing, broken files, masks.
local check = require "check"
require "ramus.lang.tensor" -- t.data
local ffi = require "ramus.base.ffi"
local json = require "cjson"
local new = ffi
local C = ffi.C

local here = check.root .. "/tests/reference/image"

local function read_bytes(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

local function write_bytes(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

--- A raw tensor that frees itself, or nil and the message.
local function own(t)
  if t == nil then return nil, ffi.message() end
  return new.gc(t, C.ra_tensor_release)
end
local function load(path) return own(C.ra_image_load(path)) end
local function load_bytes(bytes) return own(C.ra_image_load_memory(bytes, #bytes)) end

local function make(dim, f)
  local t = own(C.ra_tensor_new(#dim, new.new("int32_t[?]", #dim, dim)))
  for i = 0, t.size - 1 do t.data[i] = f(i) end
  return t
end

local function expected() return json.decode(read_bytes(here .. "/expected.json")) end

check.case("every kind of PNG, JPEG and npy has the values of the reference", function()
  local count, out = 0, new.new("ra_image_details")
  for name, e in pairs(expected()) do
    local t, err = load(here .. "/" .. name)
    check.ok(t, err)
    check.equal(t.rank, 3)
    for d = 1, 3 do check.equal(t.dim[d - 1], e.shape[d], name .. " dimension " .. d) end
    local tolerance = name:find("%.jpg$") and 2.01 / 255 or 1e-6
    for i, v in ipairs(e.values) do check.near(t.data[i - 1], v, tolerance, name .. " value " .. i) end
    check.equal(C.ra_image_info(here .. "/" .. name, out), 0)
    for d, key in ipairs { "channels", "height", "width" } do check.equal(out[key], e.shape[d], name .. " info") end
    check.equal(out.bits, e.bits, name .. " bits")
    check.equal(out.frames, 1, name .. " frames")
    count = count + 1
  end
  check.equal(count, 43)
end)

-- name, bytes, channels, bits, values x white
local pnm = {
  { "P1 no blanks", "P1\n# a remark\n3 2\n011\n1 0 0\n", 1, 1, 1, { 1, 0, 0, 0, 1, 1 } },
  { "P2", "P2 3 2 10\n0 1 2\n10 9 8", 1, 8, 10, { 0, 1, 2, 10, 9, 8 } },
  { "P2 wide", "P2\n2 1\n#x\n1000\n1000 500\n", 1, 16, 1000, { 1000, 500 } },
  { "P3", "P3\n1 2\n255\n255 0 1\n2 3 4\n", 3, 8, 255, { 255, 2, 0, 3, 1, 4 } },
  { "P4", "P4\n9 2\n\170\128\0\0", 1, 1, 1, { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
  { "P5", "P5 2 2 255\n\0\127\200\255", 1, 8, 255, { 0, 127, 200, 255 } },
  { "P5 wide", "P5 2 1 65535\n\1\0\255\255", 1, 16, 65535, { 256, 65535 } },
  { "P6", "P6 1 1 255 \10\20\30", 3, 8, 255, { 10, 20, 30 } },
}

check.case("PBM, PGM, PPM, ASCII and binary", function()
  for _, p in ipairs(pnm) do
    local t, err = load_bytes(p[2])
    check.ok(t, p[1] .. ": " .. tostring(err))
    check.equal(t.dim[0], p[3], p[1])
    check.equal(t.size, #p[6], p[1])
    for i, v in ipairs(p[6]) do check.near(t.data[i - 1], v / p[5], 1e-7, p[1] .. " value " .. i) end
  end
end)

--- Every file that has one format, as bytes.
local function samples()
  local list = {}
  for _, name in ipairs { "grey1.png", "grey16_interlaced.png", "palette4.png", "rgb8.png", "grey.jpg",
    "rgb_progressive_halved.jpg", "u8.npy", "float.npy", "one.npz" } do
    list[#list + 1] = { name, read_bytes(here .. "/" .. name) }
  end
  for _, p in ipairs(pnm) do list[#list + 1] = { p[1], p[2] } end
  return list
end

check.case("a file cut anywhere is an error with a message, never half an image", function()
  collectgarbage()
  local before = C.ra_mem_live()
  for _, s in ipairs(samples()) do
    local name, bytes = s[1], s[2]
    local last = #bytes - 1
    if name == "P2" then last = #bytes - 2 end              -- "8" is the last sample
    if name == "P1 no blanks" or name == "P2 wide" or name == "P3" then last = #bytes - 3 end -- then a line end
    if name == "P2 wide" then last = #bytes - 5 end -- 50 and 5 are numbers too
    for n = 0, last do
      local t, err = load_bytes(bytes:sub(1, n))
      if t then error(("%s cut to %d of %d bytes was read"):format(name, n, #bytes)) end
      check.ok(#err > 10, "a message")
    end
  end
  collectgarbage()
  check.equal(C.ra_mem_live(), before, "bytes still allocated")
end)

check.case("damaged files neither crash nor leak, whatever byte is wrong", function()
  collectgarbage()
  local before = C.ra_mem_live()
  C.ra_mem_reset_peak()
  local refused, draws = 0, 0
  local function draw(n)
    draws = draws + 1
    return math.floor(C.ra_random_uniform(11, 0, 0, 0, draws) * n)
  end
  for _, s in ipairs(samples()) do
    for _ = 1, 300 do
      local bytes = new.new("uint8_t[?]", #s[2])
      new.copy(bytes, s[2], #s[2])
      for _ = 1, 1 + draw(3) do bytes[draw(#s[2])] = draw(256) end
      local t = own(C.ra_image_load_memory(bytes, #s[2]))
      if t then
        check.ok(t.size > 0 and t.size < 1e7, "a plausible size")
        C.ra_tensor_release(new.gc(t, nil))
      else
        refused = refused + 1
        check.ok(#ffi.message() > 10)
      end
    end
  end
  check.ok(refused > 1500, "most damages are noticed, got " .. refused)
  check.equal(C.ra_mem_live(), before, "bytes still allocated")
  check.ok(C.ra_mem_peak() - before < 64e6, "no wild allocation, peak " .. C.ra_mem_peak())
end)

check.case("running out of memory anywhere is an error that loses nothing", function()
  local folder = check.folder("image_memory")
  local t = make({ 1, 5, 7 }, function(i) return i / 40 end)
  local calls = {
    function() return C.ra_image_save(folder .. "/m.png", t, 8) == 0 end,
    function() return C.ra_image_save(folder .. "/m.pgm", t, 16) == 0 end,
  }
  for _, s in ipairs(samples()) do
    calls[#calls + 1] = function()
      local picture = C.ra_image_load_memory(s[2], #s[2])
      if picture == nil then return false end
      C.ra_tensor_release(picture)
      return true
    end
  end
  collectgarbage()
  local before = C.ra_mem_live()
  for i, f in ipairs(calls) do
    local n = 0
    while true do
      C.ra_mem_fail_after(n)
      local ok = f()
      C.ra_mem_fail_after(-1)
      check.equal(C.ra_mem_live(), before, "bytes still allocated, call " .. i)
      if ok then break end
      check.ok(ffi.message():lower():find("memory", 1, true), ffi.message())
      n = n + 1
      check.ok(n < 200)
    end
    check.ok(n >= 2, "allocations of call " .. i)
  end
end)

check.case("hostile headers are refused before anything is allocated", function()
  C.ra_mem_reset_peak()
  local before = C.ra_mem_live()
  check.fails("2^28 samples", load_bytes, "P5 100000 100000 255\n")
  check.fails("too short", load_bytes, "P5 10000 10000 255\nabc")
  check.fails("too short", load_bytes, "P1 10000 10000 0101")
  check.fails("empty", load_bytes, "P5 0 10 255\n")
  check.fails("header wants", load_bytes, "P5 99999999999999999999 1 255\n1")
  check.fails("header wants", load_bytes, "P5 1 1 70000\n12")
  check.fails("header wants", load_bytes, "P5 -1 1 255\n1")
  check.fails("above the maximum of 10", load_bytes, "P5 1 1 10\n\11")
  check.fails("above the maximum of 10", load_bytes, "P2 1 1 10\n11")
  check.fails("no number", load_bytes, "P2 2 1 10\n1 x")
  local png = read_bytes(here .. "/grey8.png")
  local jpeg = read_bytes(here .. "/grey.jpg")
  local at = jpeg:find("\255\192", 1, true) -- the frame header: height and width follow after 5 bytes
  check.fails("too short", load_bytes, jpeg:sub(1, at + 4) .. "\46\224\46\224" .. jpeg:sub(at + 9))
  check.fails("PNG", load_bytes, png:sub(1, 16) .. "\127\255\255\255" .. png:sub(21))
  check.fails("PNG", load_bytes, png:sub(1, 33) .. "\127\0\0\0eXIf" .. png:sub(34)) -- a chunk of 2 GB
  check.ok(C.ra_mem_peak() - before < 1e6, "peak " .. C.ra_mem_peak() - before)
end)

check.case("a file that is not an image is named", function()
  check.fails("file is empty", load_bytes, "")
  check.fails("it reads PNG", load_bytes, "hello")
  check.fails("nosuchfile.png", load, here .. "/nosuchfile.png")
  check.fails("reference", load, check.root .. "/tests/reference") -- a folder
end)

check.case("images come back as they were written", function()
  local folder = check.folder("image")
  for _, case in ipairs { { "a.png", 1, 8 }, { "b.png", 3, 8 }, { "c.png", 1, 16 }, { "d.png", 3, 16 }, { "e.pgm", 1, 8 },
    { "f.pgm", 1, 16 }, { "g.ppm", 3, 8 }, { "h.PNM", 3, 16 } } do
    local name, channels, bits = case[1], case[2], case[3]
    local white = 2 ^ bits - 1
    local t = make({ channels, 5, 7 }, function(i) return math.floor(C.ra_random_uniform(1, 0, 0, 0, i) * (white + 1)) / white end)
    check.equal(C.ra_image_save(folder .. "/" .. name, t, bits), 0, name)
    local back = assert(load(folder .. "/" .. name))
    for d = 0, 2 do check.equal(back.dim[d], t.dim[d], name) end
    for i = 0, t.size - 1 do check.near(back.data[i], t.data[i], 1e-6, name) end
  end
  -- a view with strides, values outside 0..1, rounding to the nearest
  local wide = make({ 2, 4 }, function(i) return ({ [0] = -1, 0.5, 2, 0.25, 0.1, 0.6 / 255, 0.4 / 255, 1 })[i] end)
  local view = own(C.ra_tensor_narrow(wide, 1, 1, 2))
  check.equal(C.ra_image_save(folder .. "/view.png", view, 8), 0)
  local back = assert(load(folder .. "/view.png"))
  check.equal(back.size, 4)
  for i, v in ipairs { 128, 255, 1, 0 } do check.near(back.data[i - 1] * 255, v, 1e-4) end
end)

check.case("writing fails with a message and leaves what was there", function()
  local folder = check.folder("image_bad")
  local t = make({ 2, 2 }, function() return 0.5 end)
  local function save(path, tensor, bits)
    if C.ra_image_save(path, tensor, bits) ~= 0 then return nil, ffi.message() end
    return true
  end
  check.ok(save(folder .. "/x.png", t, 8))
  local bytes = read_bytes(folder .. "/x.png")
  check.fails("NaN", save, folder .. "/x.png", make({ 2, 2 }, function() return 0 / 0 end), 8)
  check.equal(read_bytes(folder .. "/x.png"), bytes, "the old file")
  check.fails("written as .png", save, folder .. "/x.bmp", t, 8)
  check.fails("bits are 8 or 16", save, folder .. "/x.png", t, 12)
  check.fails("[H,W]", save, folder .. "/x.png", make({ 2, 2, 2 }, function() return 0 end), 8)
  check.fails(".pgm holds 1", save, folder .. "/x.pgm", make({ 3, 2, 2 }, function() return 0 end), 8)
  check.fails("cannot write", save, folder .. "/no/such/x.png", t, 8)
  if os.execute("ln -s /dev/full " .. folder .. "/full.png && test -c /dev/full") == 0 then
    check.fails("No space left", save, folder .. "/full.png", t, 8)
  end
end)

check.case("several images are written at once; the first that fails gives its message", function()
  local image, tensor = require "ramus.data.image", require "ramus.lang.tensor"
  local folder = check.folder("image_all")
  local function flat(value) return tensor.empty(1, 4, 5):fill(value) end
  local list = {}
  for i = 1, 9 do list[i] = { ("%s/%d.png"):format(folder, i), flat(i / 10) } end
  check.ok(image.save_all(list, { bits = 16 }))
  for i = 1, 9 do check.near(assert(image.load(list[i][1])).data[3], i / 10, 1e-5) end
  local bad = { { folder .. "/a.png", flat(1) }, { folder .. "/no/such/b.png", flat(1) }, { folder .. "/c.bmp", flat(1) } }
  check.fails("no/such/b.png", image.save_all, bad)
  check.near(assert(image.load(folder .. "/a.png")).data[0], 1, 0, "the whole ones are there")
  local picture, p, truth = tensor.rand(3, 9, 11), tensor.rand(9, 11), require("ramus.lang.F").gt(tensor.rand(9, 11), tensor.rand(9, 11))
  for k, given in ipairs { { truth = truth }, { threshold = 0.2 }, { alpha = 0.3, threshold = 0.7 } } do
    local x = k == 2 and picture:narrow(1, 1, 1) or k == 3 and picture:narrow(3, 2, 7) or picture -- grey; no whole tensor
    local plane = k == 3 and p:narrow(2, 2, 7) or p
    local entry = { folder .. "/laid.png", x, prediction = plane, truth = given.truth, threshold = given.threshold, alpha = given.alpha }
    check.ok(image.save_all({ entry }, { bits = 16 }))
    local whole = image.overlay(x, plane, given.truth, { threshold = given.threshold, alpha = given.alpha })
    check.ok(image.save(folder .. "/whole.png", whole, { bits = 16 }))
    check.equal(read_bytes(folder .. "/laid.png"), read_bytes(folder .. "/whole.png"), "painted row by row")
  end
  check.raises("sizes differ: image 9x11, prediction 11x9", image.save_all, { { folder .. "/a.png", picture, prediction = p:reshape(11, 9) } })
  check.ok(image.save_all {})
  check.raises("wants a list", image.save_all, folder .. "/a.png")
  check.raises("wants a tensor, got 3", image.save_all, { { folder .. "/a.png", 3 } })
end)

local function mask(path, threshold)
  local report = new.new("ra_mask_report")
  local t, err = own(C.ra_mask_load(path, threshold, report))
  return t, t and report or err
end

check.case("masks: a declared threshold, and an account of other values", function()
  local folder = check.folder("mask")
  write_bytes(folder .. "/m.pgm", "P5 4 2 255\n\0\255\127\128\0\0\255\16")
  local t, r = mask(folder .. "/m.pgm", 128)
  for i, v in ipairs { 0, 1, 0, 1, 0, 0, 1, 0 } do check.equal(t.data[i - 1], v) end
  check.equal(t.rank, 2)
  check.equal(r.pixels, 8)
  check.equal(r.ones, 3)
  check.equal(r.low, 0)
  check.equal(r.high, 255)
  check.equal(r.between, 3)
  check.equal(r.histogram[0], 3)
  check.equal(r.histogram[1], 1)
  check.equal(r.histogram[7], 1)
  check.equal(r.histogram[8], 1)
  check.equal(r.histogram[15], 2)
  -- 16 bit: the same threshold in the same units; 32896 = 128 * 257
  write_bytes(folder .. "/w.pgm", "P5 2 1 65535\n\128\128\128\127")
  t, r = mask(folder .. "/w.pgm", 128)
  check.equal(t.data[0], 1)
  check.equal(t.data[1], 0)
  check.equal(r.between, 0)
  write_bytes(folder .. "/c.ppm", "P6 2 1 255\n\255\255\255\255\0\0")
  t, r = mask(folder .. "/c.ppm", 128)
  check.equal(t.data[0], 1)
  check.equal(r.coloured, 1)
end)

check.case("cimat80: all images and masks are read, stray mask values are counted", function()
  local root = check.shared("cimat80_dca1_subset")
  local stray = {}
  for _, part in ipairs { "training", "testing" } do
    for n = 1, 40 do
      local base = ("%s/Angios_40_%s/%d"):format(root, part, n)
      local t = assert(load(base .. ".png"))
      check.equal(t.dim[1], 300)
      check.equal(t.dim[2], 300)
      local m, r = mask(base .. "_gt.png", 128)
      check.ok(m, r)
      if r.between > 0 then stray[part .. n] = r.between end
    end
  end
  check.equal(stray.training29, 24)
  check.equal(stray.testing23, 4)
  check.equal(stray.testing26, 11)
end)

-- ---- ramus.image ----

local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"

check.case("ramus.image reads, writes and tells what is wrong", function()
  local folder = check.folder("image_lua")
  local t = tensor.of { { 0, 0.5, 1 }, { 0.2, 0.4, 2 } }
  check.ok(image.save(folder .. "/a.png", t))
  local back = assert(image.load(folder .. "/a.png"))
  check.equal(back.rank, 3)
  check.near(back:get(1, 1, 2), 128 / 255, 1e-6)
  check.near(back:get(1, 2, 3), 1, 0)
  check.ok(image.save(folder .. "/b.pgm", back:reshape(1, 1, 2, 3), { bits = 16 }))
  local info = assert(image.info(folder .. "/b.pgm"))
  check.equal(("%d %d %d %d"):format(info.channels, info.height, info.width, info.bits), "1 2 3 16")
  check.fails("nosuch.png", image.load, folder .. "/nosuch.png")
  check.fails("nosuch.png", image.info, folder .. "/nosuch.png")
  check.fails("cannot write", image.save, folder .. "/no/dir.png", t)
  check.raises("wants a path, got 5", image.load, 5)
  check.raises("wants a tensor", image.save, folder .. "/a.png", { 1 })
  check.raises("did you mean 'bits'", image.save, folder .. "/a.png", t, { bit = 8 })
  check.equal(assert(image.decode(read_bytes(folder .. "/a.png"))):get(1, 1, 3), 1)
  check.fails("cannot", image.load, "")
end)

check.case("ramus.image masks come with a warning where they are odd", function()
  local folder = check.folder("mask_lua")
  write_bytes(folder .. "/clean.pgm", "P5 2 2 255\n\0\255\255\0")
  local t, report = image.load_mask(folder .. "/clean.pgm")
  check.equal(t:get(1, 2), 1)
  check.equal(report.warning, nil)
  write_bytes(folder .. "/stray.pgm", "P5 2 2 255\n\0\255\130\9")
  t, report = image.load_mask(folder .. "/stray.pgm", { threshold = 128 })
  check.equal(t:get(2, 1), 1)
  check.equal(report.between, 2)
  check.ok(report.warning:find("stray.pgm: 2 of 4 pixels are neither 0 nor 255", 1, true), report.warning)
  check.ok(report.warning:find("128-143: 1", 1, true), report.warning)
  write_bytes(folder .. "/empty.pgm", "P5 2 2 255\n\0\0\0\0")
  t, report = image.load_mask(folder .. "/empty.pgm")
  check.equal(t:get(1, 1), 0)
  check.ok(report.warning:find("mask is all 0", 1, true), report.warning)
  check.fails("not an image", image.load_mask, check.root .. "/Makefile")
end)

check.case("ramus.image filters take options and views", function()
  local t = tensor.rand(1, 20, 30)
  check.equal(tensor.shape_text(image.resize(t, { 10, 15 })), "[1,10,15]")
  check.equal(tensor.shape_text(image.resize(t:reshape(20, 30), { 10, 15, method = "nearest" })), "[10,15]")
  local view = t:narrow(3, 2, 9)
  local a, b = image.blur(view, { sigma = 1 }), image.blur(view:clone(), { sigma = 1 })
  check.equal(a:get(1, 5, 5), b:get(1, 5, 5))
  check.equal(tensor.shape_text(image.clahe(t)), "[1,20,30]")
  check.equal(tensor.shape_text(image.frangi(t, { scales = { 1, 2 } })), "[1,20,30]")
  check.equal(tensor.shape_text(image.grey(tensor.rand(3, 4, 5), { method = "green" })), "[1,4,5]")
  check.near(image.normalise(t):stats().max, 1, 1e-6)
  check.raises("height is missing", image.resize, t, {})
  check.raises("did you mean 'nearest'", image.resize, t, { 1, 1, method = "nearst" })
  check.raises("one channel", image.frangi, tensor.rand(3, 9, 9))
  check.raises("a scale is", image.frangi, t, { scales = { 0 } })
  check.raises("wants 1 to 32 scales", image.frangi, t, { scales = {} })
end)

check.case("overlay paints hits, false and missed pixels", function()
  local x = tensor.of { { 0.5, 0.5, 0.5, 0.5 } }
  local p, y = tensor.of { { 0.9, 0.9, 0.1, 0.1 } }, tensor.of { { 1, 0, 1, 0 } }
  local o = image.overlay(x, p, y, { alpha = 1 })
  check.equal(tensor.shape_text(o), "[3,1,4]")
  for c = 1, 3 do
    check.near(o:get(c, 1, 1), image.colours.hit[c], 1e-6)
    check.near(o:get(c, 1, 2), image.colours.false_[c], 1e-6)
    check.near(o:get(c, 1, 3), image.colours.missed[c], 1e-6)
    check.near(o:get(c, 1, 4), 0.5, 1e-6)
    check.near(image.overlay(x, p, nil, { alpha = 1 }):get(c, 1, 1), image.colours.found[c], 1e-6)
  end
  check.raises("sizes differ", image.overlay, x, tensor.rand(3, 3))
  check.raises("the image is [H,W]", image.overlay, tensor.rand(2, 4, 4), tensor.rand(4, 4))
end)

check.case("overlays and blended tiles: every pixel as the formula says", function()
  local H, W = 23, 31
  local x, p, y = tensor.rand(3, H, W), tensor.rand(H, W), tensor.zeros(H, W)
  for i = 0, y.size - 1 do y.data[i] = i % 3 == 0 and 1 or 0 end
  local order = { hit = { 1, 1 }, false_ = { 1, 0 }, missed = { 0, 1 } }
  local single = ffi.new("float[1]")
  for _, truth in ipairs { y, false } do
    local got = image.overlay(x, p, truth or nil, { threshold = 0.4, alpha = 0.3 })
    for c = 0, 2 do
      for i = 0, H * W - 1 do
        local positive, colour = p.data[i] >= 0.4, nil
        if truth then
          for name, state in pairs(order) do
            if (positive and 1 or 0) == state[1] and truth.data[i] == state[2] then colour = image.colours[name][c + 1] end
          end
        elseif positive then colour = image.colours.found[c + 1] end
        local v = x.data[c * H * W + i]
        single[0] = colour and v + 0.3 * (colour - v) or v
        check.equal(got.data[c * H * W + i], single[0])
      end
    end
  end
  check.equal(table.concat(image.tile_starts(100, 40), " "), "0 20 40 60")
  check.equal(table.concat(image.tile_starts(39, 40), " "), "0")
  check.equal(table.concat(image.tile_starts(41, 40), " "), "0 1")
  local sum, weight = tensor.zeros(H, W), tensor.zeros(H, W)
  local tile, places = tensor.rand(10, 12), { { 0, 0 }, { 5, 6 }, { 13, 19 } }
  for _, at in ipairs(places) do image.tile_add(sum, weight, tile, at[1], at[2]) end
  local function tent(i, n) return math.min(i + 1, n - i) / ((n + 1) / 2) end
  local want, total = ffi.new("float[?]", H * W), ffi.new("float[?]", H * W)
  for _, at in ipairs(places) do
    for i = 0, 9 do
      for j = 0, 11 do
        local v, k = tent(i, 10) * tent(j, 12), (at[1] + i) * W + at[2] + j
        want[k], total[k] = want[k] + v * tile.data[i * 12 + j], total[k] + v
      end
    end
  end
  for i = 0, H * W - 1 do
    check.equal(sum.data[i], want[i])
    check.equal(weight.data[i], total[i])
  end
  check.raises("does not lie in 23x31", image.tile_add, sum, weight, tile, 14, 0)
end)

check.case("formats: extensions, metadata, and the reference page come from the codecs", function()
  for _, ending in ipairs(image.extensions()) do check.ok(image.is_name("a/b." .. ending:upper()) and not image.is_name(ending), ending) end
  check.ok(image.is_name("x.npy") and not image.is_name("a.txt") and not image.is_name("a.gz"))
  local file = assert(io.open(check.root .. "/docs/reference/images.md"))
  local page = file:read("*a")
  file:close()
  for _, f in ipairs(image.formats()) do
    local row = ("| %s | `%s` | %s | %s |"):format(f.name, table.concat(f.extensions, "`, `"), f.reads, f.writes)
    check.ok(page:find(row, 1, true), "docs/reference/images.md lacks the row\n" .. row)
  end
  -- spacing: a PNG with 4000 x 2000 pixels per metre
  local path = check.folder("formats") .. "/spacing.png"
  assert(image.save(path, tensor.rand(3, 4)))
  check.ok(assert(image.info(path)).spacing == nil)
  local files = require "ramus.base.files"
  local bytes = assert(files.read(path))
  local function u32(n) return string.char(math.floor(n / 2 ^ 24) % 256, math.floor(n / 2 ^ 16) % 256, math.floor(n / 256) % 256, n % 256) end
  local function crc(text)
    local bit, c = require "bit", -1
    for i = 1, #text do
      c = bit.bxor(c, text:byte(i))
      for _ = 1, 8 do c = bit.bxor(bit.rshift(c, 1), bit.band(0xedb88320, -bit.band(c, 1))) end
    end
    return bit.bnot(c) % 2 ^ 32
  end
  local chunk = "pHYs" .. u32(4000) .. u32(2000) .. "\1"
  assert(files.write(path, bytes:sub(1, 33) .. u32(9) .. chunk .. u32(crc(chunk)) .. bytes:sub(34)))
  local info = assert(image.info(path))
  check.near(info.spacing[1], 0.5, 1e-12)
  check.near(info.spacing[2], 0.25, 1e-12)
end)
