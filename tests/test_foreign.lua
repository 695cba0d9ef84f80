--- Files in the place of an image: well known kinds are named with the command that makes an image of them; what is no file is refused at once.
local check = require "check"
local files = require "ramus.base.files"
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
  { "\31\139\8\0abc", "gzip", "gunzip" }, { "BZh9", "bzip2", "bunzip2" }, { "\253" .. "7zXZ\0", "xz", "unxz" }, { "7z\188\175\39\28", "7z", "unpack" },
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
