--- Codecs with committed files of every kind (tests/reference/NAME.py makes them and says what they hold), and with the files that
-- people have: Pillow's pixels or an error.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local json = require "cjson"
local loader = require "ramus.data.loader"
local processes = require "processes"
local C = ffi.C

local here = check.root .. "/tests/reference/"

local sets = { "tiff", "gif", "bmp", "webp", "nifti" }

--- NAME -> what the file holds: { bits, shape, white, numbers, alpha, entry, orientation, frames }; NAME#2: its frame 2.
local function expected(set) return json.decode(assert(files.read(here .. set .. "/expected.json"))) end

local function label(source)
  local set = { label = { kind = "label", channels = 1 } }
  local sample = { id = "x", image = { path = source.path, range = "auto" }, fields = { label = source } }
  local got, err = loader.one(sample, { fields = { "image", "label" }, set = set })
  return got and got.fields.label, err
end

local function same_integers(t, wanted, what)
  check.equal(t.size, #wanted, what)
  for i, v in ipairs(wanted) do check.equal(t.data[i - 1], v, what .. " " .. i) end
end

local function same_numbers(t, e, name)
  check.equal(t.size, #e.numbers, name)
  for i, v in ipairs(e.numbers) do check.near(t.data[i - 1], v / e.white, 1e-7 * math.max(1, math.abs(v / e.white)), name .. " value " .. i) end
end

check.case("every kind of file has the values of the reference", function()
  for _, set in ipairs(sets) do
    for name, e in pairs(expected(set)) do
      local path, frame = here .. set .. "/" .. name:gsub("#.*", ""), tonumber(name:match "#(%d+)")
      local info = assert(image.info(path))
      if frame then
        local range = e.white > 1 and { 0, e.white } or nil
        local one = assert(loader.one({ id = "x", image = { path = path, frame = frame, range = range } }, { fields = { "image" }, channels = e.shape[1] }))
        same_numbers(one.fields.image, e, name)
      else
        local t = assert(image.load(path))
        for d = 1, 3 do check.equal(t.shape[d], e.shape[d], name .. " dimension " .. d) end
        check.equal(("%d %d %d"):format(info.channels, info.height, info.width), table.concat(e.shape, " "), name)
        same_numbers(t, e, name)
        check.equal(info.bits, e.bits, name .. " bits")
        check.equal(info.orientation, e.orientation, name .. " orientation")
        check.equal(info.frames, e.frames or 1, name .. " frames")
        for k = 1, 2 do
          if e.spacing then check.near(info.spacing[k], e.spacing[k], 1e-9, name .. " spacing") end
          if e.window then check.equal(info.window[k], e.window[k], name .. " window") end
        end
      end
      if e.entry then same_integers(assert(label { path = path }), e.entry, name .. " entry") end
      if e.alpha then same_integers(assert(label { path = path, channel = 4 }), e.alpha, name .. " alpha")
      elseif not frame then check.fails("channel 4 was asked for", label, { path = path, channel = 4 }) end
    end
  end
end)

--- The committed files' bytes, and what they decode to.
local function all_files()
  local list = {}
  for _, set in ipairs(sets) do
    for _, name in ipairs(assert(files.list(here .. set))) do
      if not name:find "%.json$" then
        local bytes = assert(files.read(here .. set .. "/" .. name))
        local whole, err = image.decode(bytes)
        check.ok(whole or name == "animation.webp", err)
        if whole then list[#list + 1] = { name = name, bytes = bytes, whole = whole } end
      end
    end
  end
  return list
end

local function equal(a, b)
  if a.size ~= b.size then return false end
  for i = 0, a.size - 1 do if a.data[i] ~= b.data[i] then return false end end
  return true
end

check.case("a file cut anywhere is an error, or whole: never half an image", function()
  for _, f in ipairs(all_files()) do
    for n = 0, #f.bytes - 1 do
      local t, err = image.decode(f.bytes:sub(1, n))
      if t and not equal(t, f.whole) then error(("%s cut to %d of %d bytes is another image"):format(f.name, n, #f.bytes)) end
      if not t then check.ok(#err > 10, "a message") end
    end
  end
end)

check.case("damaged files neither crash nor leak nor take memory, whatever bytes are wrong", function()
  collectgarbage()
  local list = all_files()
  local before, draws = C.ra_mem_live(), 0
  C.ra_mem_reset_peak()
  local function draw(n)
    draws = draws + 1
    return math.floor(C.ra_random_uniform(12, 0, 0, 0, draws) * n)
  end
  for _, f in ipairs(list) do
    for _ = 1, 60 do
      local bytes = ffi.new("uint8_t[?]", #f.bytes)
      ffi.copy(bytes, f.bytes, #f.bytes)
      for _ = 1, 1 + draw(3) do bytes[draw(#f.bytes)] = draw(256) end
      local t, err = image.decode(ffi.string(bytes, #f.bytes))
      if t then t:free() else check.ok(#err > 10, "a message") end
    end
  end
  collectgarbage()
  check.equal(C.ra_mem_live(), before, "bytes still allocated")
  check.ok(C.ra_mem_peak() - before < 256e6, "no wild allocation, peak " .. C.ra_mem_peak())
end)

check.case("running out of memory anywhere is an error that loses nothing", function()
  local list = all_files()
  collectgarbage()
  local before = C.ra_mem_live()
  for _, f in ipairs(list) do
    for n = 0, 100 do
      C.ra_mem_fail_after(n)
      local t = C.ra_image_load_memory(f.bytes, #f.bytes)
      C.ra_mem_fail_after(-1)
      local done = t ~= nil
      if done then C.ra_tensor_release(t) else check.ok(ffi.message():lower():find("memory", 1, true), f.name .. ": " .. ffi.message()) end
      check.equal(C.ra_mem_live(), before, f.name .. ": bytes still allocated")
      if done then break end
      check.ok(n < 100, f.name)
    end
  end
end)

--- The values of a TIFF's page at these offsets: offset -> bytes.
local function patched(bytes, changes)
  for at, text in pairs(changes) do bytes = bytes:sub(1, at) .. text .. bytes:sub(at + #text + 1) end
  return bytes
end

--- The offset of a tag's entry in a little-endian TIFF of one page.
local function tag_at(bytes, tag)
  local function number(at, n) return n == 0 and 0 or bytes:byte(at + 1) + 256 * number(at + 1, n - 1) end
  local at = number(4, 4)
  for i = 0, number(at, 2) - 1 do if number(at + 2 + 12 * i, 2) == tag then return at + 2 + 12 * i end end
  error("no tag " .. tag)
end

check.case("hostile TIFF headers are refused with a reason", function()
  local bytes = assert(files.read(here .. "tiff/rgb8_tiles.tif"))
  local grey = assert(files.read(here .. "tiff/grey8_le.tif"))
  local function fails(text, b, tag, value) check.fails(text, image.decode, patched(b, { [tag_at(b, tag) + 8] = value })) end
  fails("too short", grey, 256, "\0\0\8\0") -- width
  fails("size is zero", grey, 256, "\0\0\0\0")
  local strip = assert(files.read(here .. "tiff/rgb8_strip.tif"))
  fails("2^28 samples", patched(strip, { [tag_at(strip, 278) + 8] = "\255\255\255\127" }), 257, "\255\255\255\127") -- rows in a strip
  fails("more than the file can hold", bytes, 322, "\0\255\0\0")
  fails("compression 34676 is not read", grey, 259, "\116\135")
  local many = {} -- tags of which each claims the whole file
  for _, tag in ipairs { 258, 282, 283, 324, 325 } do many[tag_at(bytes, tag) + 4] = "\255\255\255\15" end
  check.fails("more data than the file holds", image.decode, patched(bytes, many))
  fails("samples of 40 bit", grey, 258, "\40\0")
  fails("colours of kind 8 (L*a*b*) are not read", bytes, 262, "\8\0")
  fails("a pixel has 3 samples, its colour wants 4", bytes, 262, "\5\0")
  fails("a pixel has 3 samples, and nothing says that they are colours", bytes, 262, "\1\0")
  check.fails("in a circle", image.decode, patched(grey, { [#grey - 4] = grey:sub(5, 8) }))
  check.fails("page 2 lies beyond the end", image.decode, patched(grey, { [#grey - 4] = "\0\16\0\0" }))
  check.fails("no page", image.decode, "II*\0\0\0\0\0")
  check.fails("frame 3 was asked for, the file has 3", label, { path = here .. "tiff/pages.tif", frame = 3 })
end)

check.case("hostile GIF, BMP and WebP files are refused with a reason", function()
  local function read(name) return assert(files.read(here .. name)) end
  local function fails(text, bytes, at, value) check.fails(text, image.decode, patched(bytes, { [at] = value })) end
  local frames, inset = here .. "gif/frames.gif", read "gif/inset.gif"
  check.fails("only the first is read", label, { path = frames, frame = 1 })
  check.fails("frame 3 was asked for, the file has 3", label, { path = frames, frame = 3 })
  fails("too short", inset, 6, "\255\15\255\15") -- the canvas
  fails("2^28 samples", inset, 6, "\255\255\255\255")
  fails("begins no block", inset, inset:find(",", 14, true) - 1, "?")
  check.fails("no image", image.decode, "GIF89a\1\0\1\0\0\0\0;")
  local bmp, runs = read "bmp/rgb24.bmp", read "bmp/runs8.bmp"
  fails("24 bits with compression 4 are not read", bmp, 30, "\4")
  fails("9 bits with compression 0", bmp, 28, "\9")
  fails("is empty", bmp, 18, "\0\0\0\0")
  fails("is empty", bmp, 22, "\0\0\0\0")
  fails("too short", bmp, 22, "\255\1\0\0")
  fails("sides of 2^20", bmp, 22, "\0\0\0\128")
  fails("is empty", bmp, 18, "\0\0\0\128") -- negative
  fails("beyond its end", bmp, 10, "\255\255\255\255")
  fails("more rows than the header says", runs, 22, "\3\0\0\0")
  fails("before its end mark", runs, #runs - 1, "\0")
  local webp = read "webp/lossy.webp"
  fails("bytes of", webp, 4, "\255\255\0\0")
  fails("a chunk is longer than the file", webp, 16, "\255\255\0\0")
  for n = 1, 7 do fails("a chunk is longer than the file", webp .. ("\0"):rep(n), 4, string.char(webp:byte(5) + n)) end -- too few bytes for one
  check.fails("webpmux -get frame 1", image.decode, read "webp/animation.webp")
end)

--- What gzip makes of bytes.
local function packed(bytes)
  local path = check.folder "packed" .. "/x"
  assert(files.write(path, bytes))
  assert(os.execute("gzip -9 " .. path) == 0)
  return assert(files.read(path .. ".gz"))
end

check.case("hostile NIfTI and gzip files are refused with a reason, and what is packed without end takes no memory", function()
  local function fails(text, bytes, at, value) check.fails(text, image.decode, patched(bytes, { [at] = value })) end
  local nii = assert(files.read(here .. "nifti/u1_le.nii"))
  fails("numbers of type 32", nii, 70, "\32\0")
  fails("says 9 dimensions", nii, 40, "\9\0")
  fails("is empty", nii, 42, "\0\0")
  fails("is empty", nii, 44, "\255\255")
  fails("dimension 3 has 0 entries", nii, 40, "\3\0\7\0\5\0\0\0")
  fails("too short", nii, 40, "\3\0\7\0\5\0\255\127")
  fails("slices are more", nii, 40, "\7\0\7\0\5\0\255\127\255\127\255\127\255\127")
  fails("2^28 samples", nii, 42, "\255\127\255\127")
  fails("begin at byte", nii, 108, "\0\0\128\127") -- infinity
  check.fails("frame 6 was asked for, the file has 6", label, { path = here .. "nifti/slices.nii", frame = 6 })
  check.fails("frame 2 was asked for, the file has 2", label, { path = here .. "nifti/slices.nii.gz", frame = 2 })
  check.fails("values are not finite", image.decode, patched(assert(files.read(here .. "nifti/f4_le.nii")), { [352] = "\0\0\192\127" }))
  check.fails("second file", image.decode, patched(nii, { [344] = "ni1" }))

  local ppm = assert(files.read(here .. "nifti/rgb.ppm.gz"))
  check.fails("neither PGM", image.decode, packed(("text "):rep(100)))
  check.fails("neither PGM", image.decode, packed(ppm))
  check.fails("NIfTI: numbers of type 32", image.decode, packed(patched(nii, { [70] = "\32\0" })))
  fails("the stream is broken", ppm, #ppm - 8, "\1\2\3\4") -- the checksum
  fails("the stream is broken", ppm, #ppm - 4, "\1\2\3\4") -- the length
  collectgarbage()
  local bomb = packed("P5 2 2 255\n" .. ("\0"):rep(64e6))
  C.ra_mem_reset_peak()
  local before = C.ra_mem_live()
  check.fails("more than its header says", image.decode, bomb)
  check.ok(C.ra_mem_peak() - before < 8e6, "peak " .. C.ra_mem_peak() - before)
end)

-- ---- what people have ----

--- Folder of shared inputs, or a skip.
local function cases(name)
  local folder = check.cases(name)
  if os.execute "/usr/bin/python3 -c 'import PIL, numpy' 2>/dev/null" ~= 0 then check.skip "no python3 with Pillow and NumPy" end
  return folder
end

--- Is t what Pillow says? Where colours were multiplied by alpha, Pillow divides integers of 8 bits: a step is 1 / (255 alpha).
local function as_pillow(t, out, name)
  local alpha = files.is_file(out .. name .. ".alpha.npy") and image.load(out .. name .. ".alpha.npy")
  local p = assert(image.load(out .. name .. ".npy"))
  if p.size ~= t.size or p.shape[3] ~= t.shape[3] then return false end
  local a, b, worst = t.data, p.data, 0
  for i = 0, t.size - 1 do
    local step = alpha and 1 + 1 / math.max(alpha.data[i % alpha.size], 1 / 255) or 1
    worst = math.max(worst, math.abs(a[i] - b[i]) * 255 / step)
  end
  return worst <= 1 -- a file of 16 bits per colour has more than Pillow keeps
end

--- What Pillow reads has Pillow's pixels; `refused` names what we do not read on purpose.
local function compare(folder, pattern, refused)
  local out, list = check.folder "pillow" .. "/", {}
  for _, name in ipairs(assert(files.list(folder))) do if name:find(pattern) then list[#list + 1] = name end end
  check.ok(#list > 0, "files in " .. folder)
  local text, status = processes.sh(("cd %s && /usr/bin/python3 %s %s %s"):format(folder, files.absolute(here .. "pillow.py"), out,
    table.concat(list, " ")))
  check.equal(status, 0, text)
  local count = 0
  for _, name in ipairs(list) do
    local t, err = image.load(folder .. "/" .. name)
    if files.is_file(out .. name .. ".error") then check.ok(t or #err > 20, err)
    elseif not t then check.ok(refused[name] and err:find(refused[name], 1, true), err)
    else
      check.ok(as_pillow(t, out, name), name .. " has other pixels than Pillow gives")
      count = count + 1
    end
  end
  return count
end

check.case("TIFF, GIF, BMP and WebP files of others have Pillow's pixels, or an error", function()
  check.ok(compare(cases "tiff_gif", "%.[tg]iff?$", {}) >= 52, "files that both read")
  check.equal(compare(cases "formats", "^x%.[bw]", {}), 2)
end)

check.case("files made to crash a TIFF reader or to take its memory are refused within 300 MB", function()
  local folder = cases "tiff_gif"
  for _, name in ipairs(assert(files.list(folder))) do
    if name:find "^crash" or name:find "^oom" then
      if not os.getenv "RAMUS_SANITIZED" then
        local text, status = processes.sh(("ulimit -v 300000; timeout 10 %s -e 'print(require(\"ramus.data.image\").load(\"%s/%s\"))'"):format(
          processes.executable(check.root), folder, name))
        check.equal(status, 0, text)
        check.ok(text:find("TIFF: ", 1, true) and not text:find("memory", 1, true), text)
      end
    end
  end
end)
