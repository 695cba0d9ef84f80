--- ramus predict --as nifti,rle,svg: the same pixels as the mask, read back here and by other programs where they are there.
local check = require "check"
local cjson = require "cjson"
local contours = require "ramus.data.contours"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local outputs = require "ramus.train.predict.outputs"
local polygons = require "ramus.data.polygons"
local processes = require "processes"
local ra = require "ramus"
local runs = require "ramus.data.runs"
local F = ra.F

local folder = check.folder "mask_formats"
local python = os.getenv "PYTHON" or "/usr/bin/python3"

--- A label map of so many classes with islands, holes and pixels that touch at corners.
local function noise(H, W, K, seed)
  ra.seed(seed)
  local t = ra.rand(H, W)
  for i = 0, t.size - 1 do ffi.data(t)[i] = math.floor(ffi.data(t)[i] * K) end
  return t
end

local function same(a, b, what)
  check.equal(table.concat(a.shape, "x"), table.concat(b.shape, "x"), what)
  for i = 0, a.size - 1 do
    if ffi.data(a)[i] ~= ffi.data(b)[i] then error(("%s: pixel %d is %g, wanted %g"):format(what, i, ffi.data(a)[i], ffi.data(b)[i]), 2) end
  end
end

--- 1 where an odd number of polygons covers the pixel.
local function filled(list, H, W)
  local sum = ra.zeros(H, W)
  for _, points in ipairs(list) do
    local one = ra.zeros(H, W)
    assert(polygons.fill(one, points, 1))
    for i = 0, sum.size - 1 do ffi.data(sum)[i] = (ffi.data(sum)[i] + ffi.data(one)[i]) % 2 end
  end
  return sum
end

check.case("contours: filled again they are the mask, for islands, holes and corners; each class of a label map", function()
  for seed = 1, 12 do
    local labels = noise(7 + seed, 20 - seed, 2 + seed % 3, seed)
    for value = 1, 1 + seed % 3 do
      local wanted = labels:clone()
      for i = 0, wanted.size - 1 do ffi.data(wanted)[i] = ffi.data(labels)[i] == value and 1 or 0 end
      same(filled(contours.of(labels, value), wanted.dim[0], wanted.dim[1]), wanted, "seed " .. seed)
      same(runs.mask(assert(runs.decode(runs.encode(runs.of(labels, value)))), wanted.dim[0], wanted.dim[1]), wanted, "run lengths, seed " .. seed)
    end
  end
  local ring = ra.zeros(5, 6)
  ring:narrow(1, 2, 3):narrow(2, 2, 4):fill(1)
  ring:set(3, 3, 0)
  check.equal(#contours.of(ring, 1), 2)
  check.equal(contours.path(ring, 1), "M1 1H5V4H1Z M3 2H2V3H3Z")
  check.equal(contours.path(ra.zeros(3, 3), 1), "")
end)

local model = ra.model(function(x) return F.affine(x, { scale = 20, shift = -10 }) end) -- brighter than one half is foreground

check.case("predict --as: mask, NIfTI, run lengths and outline hold the same pixels; they are predict's own files", function()
  local path, out, saved = folder .. "/9.png", folder .. "/out", folder .. "/model.safetensors"
  local truth = noise(31, 22, 2, 5)
  assert(ra.image.save(path, truth))
  assert(model:save(saved))
  local command = ("%s predict %s %s -o %s --as nifti,rle,svg --json"):format(processes.executable(check.root), saved, path, out)
  local text, status = processes.sh(command)
  check.equal(status, 0, text)
  local said = cjson.decode(text)[1]
  check.equal(said.nifti, out .. "/9_mask.nii")
  check.equal(outputs.mark_of(said.svg), outputs.mark(path))
  check.equal(select(2, processes.sh(command)), 0, "the same again replaces its own")
  local mask = assert(ra.image.load(said.mask)):reshape(31, 22)
  same(mask, truth, "mask")
  same(F.affine(assert(ra.image.load(said.nifti)), { scale = 255 }):reshape(31, 22), truth, "NIfTI")
  local list = cjson.decode(assert(files.read(said.rle)))
  check.equal(list[1].category, "foreground")
  same(runs.mask(assert(runs.read(list[1].segmentation, 31, 22)), 31, 22), truth, "run lengths")
  if select(2, processes.sh(python .. " -c 'import nibabel'")) == 0 then
    text = processes.sh(([[%s -c "
import nibabel
n = nibabel.load('%s'); a = n.get_fdata()
print(n.shape, int(a.sum()), int(a[3, 5, 0]), n.get_data_dtype())"]]):format(python, said.nifti))
    check.equal(text, ("(22, 31, 1) %d %d uint8\n"):format(truth:stats().sum or truth:stats().mean * truth.size + 0.5, truth:get(6, 4)))
  end
  if select(2, processes.sh "command -v rsvg-convert") == 0 then
    local plain = assert(files.read(said.svg)):gsub('fill%-opacity="0.5" stroke="[^"]+" stroke%-width="1"', 'shape-rendering="crispEdges"')
      :gsub('fill="#%x+"', 'fill="#ffffff"')
    assert(files.write(folder .. "/plain.svg", plain))
    text, status = processes.sh(("rsvg-convert -b black %s/plain.svg -o %s/plain.png"):format(folder, folder))
    check.equal(status, 0, text)
    same(assert(ra.image.load(folder .. "/plain.png")):narrow(1, 1, 1):clone():reshape(31, 22), truth, "SVG")
  end
end)

check.case("predict --as: classes by their values; what is unknown or somebody else's is refused", function()
  local net = ra.model(function(x) return F.concat(F.affine(x, { scale = -9 }), F.affine(x, { scale = 9, shift = -9 }), F.affine(x, { scale = 0, shift = -3 }),
    { dim = 2 }) end)
  net.output.classes = { { name = "background" }, { name = "left & right", value = 40, colour = "#112233" }, { name = "other", value = 7 } }
  net.output.activation = "softmax"
  local path, out = folder .. "/8.png", folder .. "/classes"
  assert(ra.image.save(path, noise(9, 8, 2, 3)))
  local said = assert(ra.predict(net, path, { output = out, as = { "nifti", "svg", "rle" } }))[1]
  local top = assert(ra.image.load(said.nifti)):stats().max
  check.near(top, 40 / 255, 1e-6)
  check.ok(assert(files.read(said.svg)):find('<path id="class-40" fill="#112233"', 1, true))
  check.ok(assert(files.read(said.svg)):find("left &amp; right", 1, true))
  check.equal(cjson.decode(assert(files.read(said.rle)))[1].category_id, 40)
  check.raises("nifty", ra.predict, net, path, { output = out, as = { "nifty" } })
  local text, status = processes.sh(("%s predict %s %s --as svgs"):format(processes.executable(check.root), folder .. "/model.safetensors", path))
  check.equal(status, 2, text)
  check.ok(text:find("svg", 1, true), text)
  assert(files.write(out .. "/8_contours.svg", "<svg/>"))
  check.fails("was not written by predict", ra.predict, net, path, { output = out, as = { "svg" } })
end)
