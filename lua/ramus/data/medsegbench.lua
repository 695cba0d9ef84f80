--- Editions of data sets in MedSegBench: one .npz of arrays train_images [N,H,W] or [N,H,W,3], train_label [N,H,W], val_.., test_.., all of one
-- size; a set's file gives its facts to medsegbench.set. Prepared as PNG, one image at a time: memory is that of one.
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local C = ffi.C

local medsegbench = {}

local PARTS = { "train", "val", "test" }
local SIZES = { 128, 256, 512 }
local BYTES = { ["|u1"] = 1, ["|b1"] = 1, ["<u2"] = 2, ["<i2"] = 2, ["<u4"] = 4, ["<i4"] = 4, ["<u8"] = 8, ["<i8"] = 8 }
local FLOATS = { ["<f4"] = "float", ["<f8"] = "double" }

-- ---- one array, read piece by piece ----

--- The header of a .npy: { type =, dim = { N, H, W, C }, bytes = of one image, file =, path = }, the file at the first element; nil and a message.
local function open_array(path)
  local file, err = files.open(path, "rb")
  if not file then return nil, err end
  local function wrong(what)
    file:close()
    return nil, ("%s: %s"):format(path, what)
  end
  local head = file:read(12) or ""
  local version = head:byte(7) or 0
  if head:sub(1, 6) ~= "\147NUMPY" or version < 1 or version > 3 or #head < 12 then return wrong "is no .npy file" end
  local a, b, c, d = head:byte(9, 12)
  local length = version == 1 and a + 256 * b or a + 256 * b + 65536 * c + 2 ^ 24 * d
  if length > 65536 then return wrong(("has a header of %d bytes"):format(length)) end
  local text = (version == 1 and head:sub(11) or "") .. (file:read(version == 1 and length - 2 or length) or "")
  local kind, shape = text:match("'descr':%s*'([^']*)'"), text:match("'shape':%s*%(([%d%s,]*)%)")
  if not kind or not shape or text:find("'fortran_order':%s*True") then return wrong "is an array in a form that is not read" end
  local width = BYTES[kind] or FLOATS[kind] and ffi.sizeof(FLOATS[kind])
  if not width then return wrong(("holds numbers of type %s"):format(kind)) end
  local dim = {}
  for n in shape:gmatch("%d+") do dim[#dim + 1] = tonumber(n) end
  if #dim == 3 then dim[4] = 1 end
  if #dim ~= 4 or dim[2] < 1 or dim[2] > 4096 or dim[3] < 1 or dim[3] > 4096 or (dim[4] ~= 1 and dim[4] ~= 3) then
    return wrong(("has the shape (%s); wanted (N, H, W) or (N, H, W, 3)"):format(shape))
  end
  local bytes, at = dim[2] * dim[3] * dim[4] * width, file:seek()
  local size = file:seek("end")
  file:seek("set", at)
  if size ~= at + dim[1] * bytes then return wrong(("has %.0f bytes, its header says %.0f"):format(size, at + dim[1] * bytes)) end
  return { type = kind, dim = dim, bytes = bytes, file = file, path = path }
end

--- The next image of an array as bytes, one a number; nil and a message where one is none.
local function next_image(array)
  local raw = array.file:read(array.bytes)
  if not raw or #raw ~= array.bytes then return nil, array.path .. ": is cut short" end
  local width = BYTES[array.type]
  if width == 1 then return raw end
  local count = array.dim[2] * array.dim[3] * array.dim[4]
  local out = ffi.new("uint8_t[?]", count)
  local p = width and ffi.cast("const uint8_t *", raw) or ffi.cast("const " .. FLOATS[array.type] .. " *", raw)
  for i = 0, count - 1 do
    local v = 0
    if width then for k = width - 1, 0, -1 do v = v * 256 + p[i * width + k] end
    else v = p[i] end
    if not (v >= 0 and v <= 255 and v == math.floor(v)) then return nil, ("%s: holds the number %s; wanted 0 to 255"):format(array.path, tostring(v)) end
    out[i] = v
  end
  return ffi.string(out, count)
end

-- ---- from the archive to files ----

--- Writes the bytes of an image as a PNG; most: its largest value.
local function save(path, bytes, dim, most)
  local t, err = image.decode(("P%d\n%d %d\n%d\n"):format(dim[4] == 3 and 6 or 5, dim[3], dim[2], most) .. bytes)
  if not t then return nil, err end
  return image.save(path, t)
end

--- One split, from two arrays that are open; the number of its images, or nil and a message.
local function write_part(images, labels, target, part)
  for k = 1, 3 do
    if images.dim[k] ~= labels.dim[k] then
      return nil, ("%s has the shape %s, %s %s"):format(images.path, table.concat(images.dim, "x"), labels.path, table.concat(labels.dim, "x"))
    end
  end
  if labels.dim[4] ~= 1 then return nil, labels.path .. ": labels have one channel" end
  local ok, err = files.make_folder(target .. "/" .. part)
  for n = 1, ok and images.dim[1] or 0 do
    local path, x, y = ("%s/%s/%d"):format(target, part, n), next_image(images)
    if not x then return nil, y end
    y, err = next_image(labels)
    if not y then return nil, err end
    if y:find("[^%z\1]") then return nil, ("%s: label %d holds other numbers than 0 and 1"):format(labels.path, n) end
    ok, err = save(path .. ".png", x, images.dim, 255)
    if ok then ok, err = save(path .. "_gt.png", y, labels.dim, 1) end
    if not ok then return nil, err end
  end
  return ok and images.dim[1], err
end

local function prepare_part(place, target, part)
  local images, err = open_array(("%s/%s_images.npy"):format(place, part))
  if not images then return nil, err end
  local labels
  labels, err = open_array(("%s/%s_label.npy"):format(place, part))
  local n
  if labels then n, err = write_part(images, labels, target, part) end
  images.file:close()
  if labels then labels.file:close() end
  return n, err
end

--- The folder with the arrays of the archive as .npy: below the source where it is unpacked already, else unpacked into `aside`; nil and a message.
local function arrays(source, name, aside)
  local place = dataset.below(source, function(folder) return files.is_file(folder .. "/train_images.npy") end)
  if place then return place end
  place = dataset.below(source, function(folder) return files.is_file(folder .. "/" .. name) end)
  if not place then return nil, ("%s holds neither %s nor its arrays (train_images.npy, ..)"):format(source, name) end
  if C.ra_archive_extract(place .. "/" .. name, aside, 0) ~= 0 then return nil, ffi.message() end
  return aside
end

-- ---- a set ----

local function open(folder)
  local samples = {}
  for _, part in ipairs(PARTS) do
    local list, err = dataset.pair(folder .. "/" .. part, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
    if not list then return nil, err end
    for _, s in ipairs(list) do
      s.id, s.split = part .. "/" .. s.id, part
      samples[#samples + 1] = s
    end
  end
  return samples
end

local NOTES = {
  "Images and masks were resized to a square by the makers of MedSegBench; scores do not compare with those of the original.",
  "Which image of the original is which is not told, nor are patients: one may be on both sides.",
}

--- The definition of a set: facts (name, title, licence, citation, sources) with of = MedSegBench's name, md5 = { [size] = sum }, counts = { train =, .. }.
function medsegbench.set(def)
  local counts, of, md5 = def.counts, def.of, def.md5
  local function file(o) return ("%s_%d.npz"):format(of, o.size) end
  def.picture = "128x128, 256x256 or 512x512 (option size), 8 bit PNG; PART/N.png and its mask PART/N_gt.png, in the order of the arrays"
  def.split_source = "train, val and test of MedSegBench"
  def.citation = def.citation .. "\nThis edition: Z. Kus, M. Aydin: MedSegBench: A comprehensive benchmark for medical image segmentation in "
    .. "diverse data modalities. Scientific Data 11:1283, 2024. doi 10.1038/s41597-024-04159-2"
  def.sources = { "https://zenodo.org/records/13358372", unpack(def.sources) }
  def.notes, def.threshold, def.open = NOTES, 128, open
  def.schema = { size = { type = "integer", default = 512, one_of = SIZES, help = "pixels along a side" } }
  def.variant = function(o) return tostring(o.size) end
  def.files = function(o)
    return { { name = file(o), seen = false, md5 = md5[o.size], urls = { ("https://zenodo.org/records/13358372/files/%s?download=1"):format(file(o)) } } }
  end
  def.editions = { { name = "full", files = {}, counts = counts } }
  def.prepare = function(source, target, o)
    local aside, full = target .. "/.arrays", true
    local place, err = arrays(source, file(o), aside)
    if not place then return nil, ("%s: %s"):format(def.name, err) end
    local numbers = {}
    for i, part in ipairs(PARTS) do
      numbers[i], err = prepare_part(place, target, part)
      if not numbers[i] then return nil, ("%s: %s"):format(def.name, err) end
      full = full and numbers[i] == counts[part]
    end
    if C.ra_path_remove(aside) ~= 0 then return nil, ffi.message() end
    return full and "full" or "part-" .. table.concat(numbers, "-")
  end
  return def
end

return medsegbench
