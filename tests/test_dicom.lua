-- DICOM: the values of pydicom (tests/reference/dicom_fixtures.py), broken and hostile files.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local json = require "cjson"
local film = require "dicom_film"
local tensor = require "ramus.lang.tensor"

local here = check.root .. "/tests/reference/dicom"
local function bytes_of(name) return assert(files.read(("%s/%s.dcm"):format(here, name))) end
local function expected()
  local all = json.decode(assert(files.read(here .. "/expected.json")))
  for name, e in pairs(all) do if e.same then all[name] = all[e.same] end end
  return all
end

--- The values of frame f (from 0) in a list of [F,C,H,W].
local function compare(t, list, f, tolerance, what)
  for i = 0, t.size - 1 do
    local wanted = list[f * t.size + i + 1]
    if math.abs(t.data[i] - wanted) > tolerance then
      check.near(t.data[i], wanted, tolerance, ("%s, frame %d, value %d"):format(what, f, i))
    end
  end
end

local function LOOSE(name) return name:find "ybr" or name:find "rgb_jpeg" end

--- Whether this build has ramus_gdcm.so.
local function gdcm() return image.load(here .. "/plain12_lossless.dcm") ~= nil end
local function needs_gdcm(name) return name:find "lossless" or name:find "12_jpeg" or name:find "12_14" end

check.case("every kind of DICOM file has the values of the reference", function()
  local count = 0
  for name, e in pairs(expected()) do
    local path = ("%s/%s.dcm"):format(here, name)
    local info = assert(image.info(path))
    local colour = e.shape[2] == 3
    check.equal(info.frames, e.shape[1], name .. " frames")
    if not gdcm() and needs_gdcm(name) then
      check.fails("apt install g++ libgdcm-dev, then make", image.load, path)
      info.frames = 0
    end
    for f = 0, info.frames - 1 do
      local numbers = assert(image.load(path, { frame = f, numbers = true }))
      check.equal(numbers.rank == 3 and numbers.dim[0] * 1e6 + numbers.dim[1] * 1e3 + numbers.dim[2], e.shape[2] * 1e6 + e.shape[3] * 1e3 + e.shape[4], name)
      compare(numbers, e.numbers, f, LOOSE(name) and 1 or 1e-3, name .. " numbers")
      compare(assert(image.load(path, { frame = f })), e.shown, f, LOOSE(name) and 1 / 255 + 1e-6 or 2e-6, name .. " shown")
    end
    for k = 1, 2 do
      if e.window then check.near(info.window[k], e.window[k], 1e-9, name .. " window") end
      if e.spacing then check.near(info.spacing[k], e.spacing[k], 1e-9, name .. " spacing") end
    end
    check.ok(colour or info.window, name .. ": a grey image has a window")
    check.fails(("frame %d was asked for, the file has %d"):format(e.shape[1], e.shape[1]), image.load, path, { frame = e.shape[1] })
    count = count + 1
  end
  check.equal(count, 58)
end)

check.case("a DICOM file that ends too early is an error at every length", function()
  for _, name in ipairs { "explicit", "implicit", "big", "deflated", "sequences", "enhanced", "palette8", "bare_implicit",
    "plain8_rle", "plain12_ls", "plain12_2000", "plain8_jpeg", "fragments_table", "fragments_extended" } do
    local whole = bytes_of(name)
    for n = 0, #whole - 1 do
      local t, err = image.decode(whole:sub(1, n))
      -- the byte that makes the length of a deflated stream even is not missed
      if t and not (name == "deflated" and n >= #whole - 2) then error(("%s: %d of %d bytes gave an image"):format(name, n, #whole), 0) end
      if not t and #err < 20 then error("no message: " .. tostring(err), 0) end
    end
  end
end)

--- The bytes of an explicit element: tag, VR, value.
local function element(group, number, vr, value)
  local function word(n) return string.char(n % 256, math.floor(n / 256)) end
  return word(group) .. word(number) .. vr .. (vr == "OW" and "\0\0" .. word(#value) .. "\0\0" or word(#value)) .. value
end

--- A whole file from its elements after group 8; `change` replaces some of them.
local function made(change)
  local list = {
    { 0x28, 0x02, "US", "\1\0" }, { 0x28, 0x04, "CS", "MONOCHROME2 " }, { 0x28, 0x08, "IS", "1 " }, { 0x28, 0x10, "US", "\2\0" }, { 0x28, 0x11, "US", "\3\0" },
    { 0x28, 0x100, "US", "\8\0" }, { 0x28, 0x101, "US", "\8\0" }, { 0x28, 0x102, "US", "\7\0" }, { 0x28, 0x103, "US", "\0\0" }, { 0x28, 0x1050, "DS", "" },
    { 0x28, 0x1051, "DS", "" }, { 0x28, 0x1053, "DS", "" }, { 0x7fe0, 0x10, "OW", "\1\2\3\4\5\6" },
  }
  local out = { element(8, 0x60, "CS", "XA") }
  for _, e in ipairs(list) do
    local value = change and change[e[1] * 65536 + e[2]]
    if value ~= false then out[#out + 1] = element(e[1], e[2], e[3], value or e[4]) end
  end
  return table.concat(out)
end

check.case("what a DICOM header says wrongly is named", function()
  check.near(assert(image.decode(made())).data[0], 1 / 255, 1e-7)
  local function fails(part, tag, value) check.fails(part, image.decode, made { [0x280000 + tag] = value }) end
  fails("Rows (0028,0010) is 0, wanted 1 to 65535", 0x10, "\0\0")
  fails("Columns (0028,0011) is missing", 0x11, false)
  fails("the pixels are 6 bytes, 1 frame of 3 x 65535 pixels want 196605", 0x10, "\255\255")
  check.fails("1 frame of 65535 x 65535 pixels want 4294836225", image.decode, made { [0x280010] = "\255\255", [0x280011] = "\255\255" })
  fails("Number of Frames (0028,0008) is '1A'", 0x08, "1A")
  fails("Number of Frames (0028,0008) is '0'", 0x08, "0 ")
  fails("2147483647 frames of 3 x 2 pixels want", 0x08, "2147483647")
  fails("Bits Allocated (0028,0100) is 24", 0x100, "\24\0")
  fails("Bits Stored (0028,0101) is 9, wanted 1 to 8", 0x101, "\9\0")
  fails("High Bit (0028,0102) is 3", 0x102, "\3\0")
  fails("Samples per Pixel (0028,0002) is 4", 0x02, "\4\0")
  check.fails("MONOCHROME2 wants 1 sample per pixel, the file has 3", image.decode, made { [0x280002] = "\3\0", [0x7fe00010] = ("x"):rep(18) })
  fails("'ARGB' is not read", 0x04, "ARGB")
  fails("Rescale Slope (0028,1053) is '0'", 0x1053, "0 ")
  fails("Rescale Slope (0028,1053) is 'inf'", 0x1053, "inf ")
  fails("Rescale Slope (0028,1053) is '1e300'", 0x1053, "1e300 ")
  check.fails("the pixels are 6 bytes, 2 frames of 3 x 2 pixels want 12", image.decode, made { [0x280008] = "2 " })
  check.fails("no Pixel Data", image.decode, made { [0x7fe00010] = false })
  check.fails("its modality is XA", image.decode, made { [0x7fe00010] = false })
  -- a window that shows nothing is none
  for _, width in ipairs { "0 ", "-5", "x " } do
    local t = assert(image.decode(made { [0x281050] = "3 ", [0x281051] = width }))
    check.near(t.data[5], 6 / 255, 1e-7)
  end
  check.equal(assert(image.decode(made { [0x281050] = "3.5 ", [0x281051] = "1 " })).data[3], 1) -- a width of 1 is a step
end)

check.case("grey values of a DICOM file without a window that take few of its bits are not clear; a range is what it says", function()
  local path = check.folder "windowless" .. "/a.dcm"
  local function pixels(list) return (list:gsub("%-?%d+ ?", function(n) return string.char(n % 256, math.floor(n / 256) % 256) end)) end
  local function of(change, numbers)
    local all = { [0x280100] = "\16\0", [0x280101] = "\16\0", [0x280102] = "\15\0", [0x7fe00010] = pixels(numbers) }
    for k, v in pairs(change) do all[k] = v end
    assert(files.write(path, made(all)))
    local _, info = assert(image.load(path))
    return info
  end
  local dark = "0 100 200 4000 1 2"
  local info = of({}, dark)
  check.ok(info.unclear:find("takes 12 of its 16 bits", 1, true), info.unclear)
  check.equal(table.concat(info.advised, " "), "0 4095")
  check.fails("range = { 0, 4095 }", require("ramus.data.loader").one, { id = "x", image = path }, { fields = { "image" } })
  check.near(assert(image.load(path, { range = { 0, 4000 } })).data[1], 100 / 4000, 1e-7)
  -- a larger number that is the darker one: black is declared first
  info = of({ [0x280004] = "MONOCHROME1 " }, dark)
  check.equal(table.concat(info.advised, " "), "4095 0")
  check.equal(table.concat({ info.from, info.to }, " "), "65535 0")
  check.near(assert(image.load(path, { range = info.advised })).data[3], 95 / 4095, 1e-7)
  check.near(assert(image.load(path, { range = "auto" })).data[3], 0, 1e-7)
  -- signs, and numbers that are rescaled
  check.ok(of({ [0x280103] = "\1\0" }, "-1024 100 200 3000 1 2").unclear:find("from -1024 to 3000", 1, true))
  check.ok(of({ [0x280103] = "\1\0" }, dark).unclear:find("takes 12 of its 16 bits", 1, true))
  check.ok(of({ [0x281053] = "0.5 " }, dark).unclear:find("from 0 to 2000, and its bits can hold up to 32767.5", 1, true))
  -- what is clear: bits that the header says, a window, numbers that take most of their bits
  check.equal(of({ [0x280101] = "\12\0", [0x280102] = "\11\0" }, dark).unclear, nil)
  check.equal(of({ [0x281050] = "100 ", [0x281051] = "50" }, dark).unclear, nil)
  check.equal(of({}, "0 100 200 40000 1 2").unclear, nil)
end)

check.case("spacing: what it is measured on", function()
  local function of(name) return assert(image.info(("%s/%s.dcm"):format(here, name))).spacing_of end
  check.equal(of "explicit", "pixel")
  check.equal(of "sequences", "detector")
  check.equal(of "regions", "region")
  check.equal(of "bits1", nil)
  -- a Pixel Spacing that is that of the detector was not calibrated
  local path = check.folder "spacing" .. "/a.dcm"
  local both = { { 0x28, 0x30, "DS", "0.3\\0.3" }, { 0x18, 0x1164, "DS", "0.3\\0.3" } }
  assert(files.write(path, film.bytes({ tensor.rand(4, 4) }, both)))
  check.equal(assert(image.info(path)).spacing_of, "detector")
  both[1][4] = "0.2\\0.2"
  assert(files.write(path, film.bytes({ tensor.rand(4, 4) }, both)))
  check.equal(assert(image.info(path)).spacing_of, "pixel")
  check.near(assert(image.info(path)).spacing[1], 0.2, 1e-12)
end)

check.case("sequences in sequences without end", function()
  local deep = element(8, 0x60, "CS", "XA") .. ("\8\0\21\17SQ\0\0\255\255\255\255\254\255\0\224\255\255\255\255"):rep(100000)
  check.fails("more than 16 sequences in sequences", image.decode, deep)
  check.fails("where an item was wanted", image.decode, element(8, 0x60, "CS", "XA") .. "\8\0\21\17SQ\0\0\255\255\255\255" .. made())
end)

check.case("real files that others test with have pydicom's values", function()
  local folder = check.cases "dicom"
  local count = 0
  for name, e in pairs(json.decode(assert(files.read(here .. "/cases.json")))) do
    for f = 1, e.frames do
      local t, err = image.load(folder .. "/" .. name, { frame = f - 1, numbers = true })
      if not t and not gdcm() and name == "JPGExtended.dcm" then break end
      check.ok(t, err)
      local sum, weighted = 0, 0
      for i = 0, t.size - 1 do sum, weighted = sum + t.data[i], weighted + t.data[i] * (i % 251 + 1) end
      local most = name:find "rgb_jpeg" and 0.1 or 1e-3 -- a mean over the values; YBR is rounded differently
      check.near(sum, e.sum[f], most * t.size, name)
      check.near(weighted, e.weighted[f], 126 * most * t.size, name)
    end
    count = count + 1
  end
  check.equal(count, 12)
  check.fails("8192 bytes, of which the file holds 8130", image.load, folder .. "/MR_truncated.dcm")
  check.fails("'1A'", image.load, folder .. "/badVR.dcm")
  check.fails("its modality is RTPLAN", image.load, folder .. "/rtplan.dcm")
  check.fails("not an image Ramus knows", image.load, folder .. "/no_meta.dcm") -- its first byte is missing
end)

check.case("lossless JPEG and JPEG of 12 bits: broken streams, and a build without GDCM", function()
  local whole = bytes_of "plain12_lossless"
  local alone = check.folder "dicom_alone" .. "/ramus"
  local root = files.absolute(check.root)
  os.execute(("mkdir -p %s/build && cp %s/build/ramus %s/build/ && ln -s %s/lua %s/core %s/"):format(alone, root, alone, root, root, alone))
  local script = check.folder "dicom_script" .. "/load.lua"
  assert(files.write(script, ('print(require("ramus.data.image").load(%q))'):format(files.absolute(here) .. "/plain12_lossless.dcm")))
  local out = assert(io.popen(("%s/build/ramus run %s 2>&1"):format(alone, script))):read "*a"
  check.ok(out:find("apt install g++ libgdcm-dev, then make", 1, true), out)
  if not gdcm() then check.skip "no ramus_gdcm.so" end
  for n = 1, #whole - 1 do
    local t, err = image.decode(whole:sub(1, n))
    if t then error(("%d of %d bytes gave an image"):format(n, #whole), 0) end
    if #err < 20 then error("no message: " .. tostring(err), 0) end
  end
  local start = assert(whole:find("\255\195", 1, true)) -- the start of frame of a lossless stream: bits, then height and width
  check.fails("65535 x 65535 pixels of 1 sample(s) and 16 bits, the header says 16 x 12", image.decode,
    whole:sub(1, start + 4) .. "\255\255\255\255" .. whole:sub(start + 9))
end)
