--- Files in the place of an image: well known kinds are named with the command that makes an image of them; what is no file is refused at once.
local bit = require "bit"
local check = require "check"
local C = require("ramus.base.ffi").C
local files = require "ramus.base.files"
local processes = require "processes"
local ra = require "ramus"

local folder = check.folder "foreign"

--- Bytes, what the message calls them, and a part of the cure.
local KINDS = {
  { "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS", "git lfs pull" },
  { "/annex/objects/SHA256E-s1--a.png\n", "git-annex", "git annex get" },
  { "<!DOCTYPE html><html>404", "web page", "browser" }, { "\239\187\191 \n<HTML>", "web page", "browser" },
  { "<?xml version=\"1.0\"?><Error>", "XML", "server" }, { "<svg/>", "SVG", "rsvg-convert" }, { "{\"images\":[]}", "JSON", "image itself" },
  { "\0\0\0\12jP  \r\n\135\n\0\0", "JPEG 2000", "opj_decompress" }, { "\255\79\255\81\0", "JPEG 2000", "opj_decompress" },
  { "\255\10\250", "JPEG XL", "djxl" }, { "II\188\1", "JPEG XR", "JxrDecApp" },
  { "\0\0\0\28ftypheic\0\0", "HEIC", "heif-convert" }, { "\0\0\0\28ftypavif", "AVIF", "avifdec" }, { "\0\0\0\28ftypmif1", "HEIF", "heif-convert" },
  { "\0\0\0\32ftypisom", "a film", "ffmpeg" }, { "RIFF\1\0\0\0AVI LIST", "a film", "ffmpeg" }, { "\26E\223\163", "a film", "ffmpeg" },
  { "8BPS\0\1", "Photoshop", "convert" }, { "v/1\1", "OpenEXR", "convert" }, { "%PDF-1.4", "PDF", "pdfimages" },
  { "NRRD0004\n", "NRRD", "numpy.save" }, { "ObjectType = Image\nNDims = 2", "MetaImage", "numpy.save" }, { "NDims = 3", "MetaImage", "numpy.save" },
  { "MATLAB 5.0 MAT-file", "MATLAB", "loadmat" }, { "MATLAB 7.3 MAT-file", "MATLAB (HDF5)", "h5py" }, { "\137HDF\r\n\26\n", "HDF5", "h5py" },
  { "SIMPLE  =  T", "FITS", "numpy.save" }, { "\128\4\149", "pickle", "numpy.save" },
  { "PK\3\4\20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0a.pngx", "zip", "unpack" }, { "PK\5\6", "zip", "unpack" },
  { "BZh9", "bzip2", "bunzip2" }, { "\253" .. "7zXZ\0", "xz", "unxz" }, { "7z\188\175\39\28", "7z", "unpack" },
  { "Rar!\26\7", "RAR", "unpack" }, { ("\0"):rep(257) .. "ustar", "tar", "unpack" }, { "\208\207\17\224", "Thumbs.db", "leave it out" },
}

check.case("foreign files: each kind is named with its cure, cut anywhere it is an error", function()
  for i, kind in ipairs(KINDS) do
    local path = ("%s/%d.png"):format(folder, i)
    assert(files.write(path, kind[1]))
    local value, err = ra.image.load(path)
    check.ok(not value, path)
    for _, part in ipairs { path .. ": this is ", kind[2], kind[3] } do check.ok(err:find(part, 1, true), err .. " lacks " .. part) end
    local info, same = ra.image.info(path)
    check.ok(not info and same == err, tostring(same))
    for n = 0, #kind[1] - 1 do check.ok(not ra.image.decode(kind[1]:sub(1, n)), "cut to " .. n) end
  end
  for _, byte in ipairs { 0, 60, 80, 255 } do check.ok(not ra.image.decode(string.char(byte):rep(400)), "a byte repeated") end
end)

check.case("foreign files: kinds of JPEG that libjpeg does not read are named", function()
  local jpeg = files.read(check.root .. "/tests/reference/image/grey.jpg")
  local at = jpeg:find("\255\192", 1, true)
  check.fails("12 bits a sample", ra.image.decode, jpeg:sub(1, at + 3) .. "\12" .. jpeg:sub(at + 5))
  check.fails("lossless JPEG is not read; djpeg", ra.image.decode, jpeg:sub(1, at) .. "\195" .. jpeg:sub(at + 2))
end)

check.case("foreign files: a pipe, a device, a folder are refused at once, by every reader", function()
  local pipe = folder .. "/pipe.png"
  check.equal(os.execute("mkfifo " .. pipe), 0)
  local binary = processes.executable(check.root)
  local code = ("local ra, d, f = require 'ramus', require 'ramus.data.dataset', '%s' print(ra.image.load(f)) print(ra.image.info(f)) print(d.sha256_file(f)) "
    .. "print(ra.load(f)) print(ra.load_model(f)) print(ra.image.load_mask(f, { threshold = 128 }))")
  for path, what in pairs { [pipe] = "a pipe (FIFO)", ["/dev/zero"] = "a device", [folder] = "a folder" } do
    local text = processes.sh(("timeout 20 %s -e \"%s\" 2>&1"):format(binary, code:format(path)))
    local count = select(2, text:gsub("it is " .. what:gsub("%W", "%%%0"), ""))
    check.ok(count >= (what == "a folder" and 5 or 6), what .. ": " .. text)
  end
  local text, status = processes.sh(("timeout 20 %s predict nothing %s -o %s/out 2>&1"):format(binary, pipe, folder))
  check.equal(status, 1, text)
end)

--- A PNG of one grey sample of `bits` a pixel whose header says W x H, with nothing in it but padding.
local function hollow_png(W, H, bits, padding)
  local function u32(n) return string.char(math.floor(n / 2 ^ 24) % 256, math.floor(n / 2 ^ 16) % 256, math.floor(n / 256) % 256, n % 256) end
  local function chunk(kind, data)
    local c = -1
    for i = 1, 4 + #data do
      c = bit.bxor(c, (kind .. data):byte(i))
      for _ = 1, 8 do c = bit.bxor(bit.rshift(c, 1), bit.band(0xedb88320, -bit.band(c, 1))) end
    end
    return u32(#data) .. kind .. data .. u32(bit.bnot(c) % 2 ^ 32)
  end
  return "\137PNG\r\n\26\n" .. chunk("IHDR", u32(W) .. u32(H) .. string.char(bits, 0, 0, 0, 0)) .. chunk("teSt", ("\0"):rep(padding or 0))
    .. chunk("IDAT", "\120\156\3\0\0\0\0\1") .. chunk("IEND", "")
end

check.case("large images: a header that the file cannot hold takes no memory; predict wants tiles above 2^24 pixels", function()
  local jpeg = files.read(check.root .. "/tests/reference/image/rgb_progressive_halved.jpg")
  local at = jpeg:find("\255\194", 1, true)
  local npy = "\147NUMPY\1\0\118\0" .. "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 9000, 9000), }" .. (" "):rep(49) .. "\n"
  collectgarbage()
  C.ra_mem_reset_peak()
  local before = C.ra_mem_live()
  for name, bytes in pairs { png1 = hollow_png(9000, 9000, 1), png16 = hollow_png(16000, 16000, 16), pgm = "P5 9000 9000 255\nabc",
    ppm = "P6 9000 9000 65535\nabc", pbm = "P4 9000 9000\nabc", ascii = "P3 9000 9000 255\n1 2 3",
    jpeg = jpeg:sub(1, at + 4) .. "\46\224\46\224" .. jpeg:sub(at + 9), npy = npy } do
    local t, err = ra.image.decode(bytes)
    check.ok(not t and not err:find("out of memory", 1, true), name .. ": " .. tostring(err))
  end
  check.ok(C.ra_mem_peak() - before < 1e6, "peak " .. C.ra_mem_peak() - before)
  local model = ra.model(function(x) return ra.F.affine(x, { scale = 20, shift = -10 }) end)
  local path = folder .. "/large.png"
  assert(files.write(path, hollow_png(4096, 4097, 1, 4000)))
  local function predict(given)
    given.output = folder .. "/out"
    return ra.predict(model, path, given)
  end
  check.fails("large.png: the image has 4096x4097 pixels", predict, {})
  check.fails("--tile 512", predict, {})
  check.fails("and tiles of 5000", predict, { tile = 5000 })
  check.fails("PNG: ", predict, { tile = 512 }) -- it is opened
  check.fails("PNG: ", predict, { size = 64 })
  check.fails("at most 2^28 are predicted", ra.predict.probability, model, ra.zeros(1, 8, 8), { size = 40000, tile = 512 })
end)
