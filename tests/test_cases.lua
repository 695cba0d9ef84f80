--- Inputs that people really have (../shared/cases, which is not part of the project): each ends in right values or in an error before
-- training that names the file and the cure. Skipped where the folder is absent; tests of the kinds behind them stand in the other files.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local ra = require "ramus"
local sh = require("processes").sh

local binary = require("processes").executable(check.root)
local cases
check.case("cases: the folder of inputs", function() cases = assert(files.absolute(check.cases())) end)
if not cases then return end

local folder = check.folder "cases"

--- What `ramus train` of a copy of a case prints, its exit status, and the copy.
local function train(name)
  local copy = folder .. "/" .. name
  local text, status = sh(("cp -r %s/%s %s && cd %s && env RAMUS_THREADS=1 RAMUS_DATA=%s/data timeout 60 %s train recipe.lua")
    :format(cases, name, copy, copy, folder, binary))
  return text, status, copy
end

-- ---- training: name, exit status, what is printed, pixels of the truth in the test pictures ----

local TRAININGS = {
  { "mask_good", 0, "masks: 0 is background, 255 foreground", pixels = 467 },
  { "mask_zero1", 0, "masks: 0 is background, 1 foreground", pixels = 467 },
  { "mask_u16_255", 0, "masks: 0 is background, 255 foreground", pixels = 467 },
  { "mask_npy_u1", 0, "masks: 0 is background, 1 foreground", pixels = 467 },
  { "mask_pal", 2, 'colours = { ["#000000"] = "background", ["#800000"] = "foreground" }' },
  { "mask_rgba_alpha", 2, "channel = 4" },
  { "mask_multi", 2, 'values = { [0] = "background", { 1, 12, "foreground" } }' },
  { "mask_pbm", 2, "invert = true" },
  { "mask_gif", 0, "masks: 0 is background", pixels = 467 },
  { "fov255", 0, "dice                0.2411" },
  { "emptyval", 0, "no mask of split 'val' has foreground" },
  { "exif_oblong_3", 0, "8 files of the set were turned as the orientation in EXIF says" },
  { "dup_bytes", 0, "scores on test are too good" },
  { "corrupt_test", 1, "18.png: PNG: the file ends before its last chunk" },
  { "mask_small_test", 1, "masks/19.png has 24x24 pixels, the image 48x48" },
  { "nomask_test", 1, "image 08 of split 'test' has no mask" },
  { "upper_part", 0, "everything is in", pixels = 467 },
  { "cjk", 0, "everything is in", pictures = 2 },
  { "dangling", 0, "everything is in" },
}

for _, case in ipairs(TRAININGS) do
  local name, wanted, said = unpack(case)
  check.case("cases: training on " .. name, function()
    local text, status, copy = train(name)
    check.equal(status, wanted, text)
    check.ok(text:find(said, 1, true), text)
    if wanted ~= 0 then check.ok(not text:find("epoch   0", 1, true), "found before the first step") end
    local evaluation = files.read(copy .. "/runs/r/eval.json")
    check.equal(evaluation ~= nil, wanted == 0, "an evaluation")
    if case.pixels then check.equal(json.decode(evaluation).pooled.tp + json.decode(evaluation).pooled.fn, case.pixels, "pixels of the truth") end
    if case.pictures then check.equal(#assert(files.list(copy .. "/runs/r/pictures")), case.pictures, "overlays, no two of one name") end
    if name == "exif_oblong_3" then
      check.ok(json.decode(evaluation).per_image.dice.mean > 0.7, "pictures that lie as their masks do: " .. text)
    end
  end)
end

-- ---- single files ----

check.case("cases: every file of formats/ and npy/ is read, or its error names it", function()
  for _, place in ipairs { "formats", "npy" } do
    for _, name in ipairs(assert(files.list(cases .. "/" .. place))) do
      local path = ("%s/%s/%s"):format(cases, place, name)
      local ok, image, err = pcall(ra.image.load, path)
      check.ok(ok, ("%s: %s"):format(name, tostring(image)))
      if not image then check.ok(err:find(name, 1, true) and not err:find "\n", err) end
    end
  end
  for name, said in pairs { ["lfs.png"] = "git lfs pull", ["x.jp2"] = "opj_decompress", ["html.png"] = "HTML", ["png_trunc.png"] = "ends too early" } do
    check.fails(said, ra.image.load, ("%s/formats/%s"):format(cases, name))
  end
end)

check.case("cases: a hostile model file is refused in one line, within a second and 100 MB", function()
  for _, name in ipairs(assert(files.list(cases .. "/hostile"))) do
    local text, status, seconds = sh(("%s %s predict %s/hostile/%s %s/overwrite/1.png -o %s/hostile"):format(
      os.getenv "RAMUS_SANITIZED" and "" or "ulimit -v 4000000;", binary, cases, name, cases, folder))
    check.equal(status, 1, name .. ": " .. text)
    check.ok(text:match "^ramus: [^\n]+\n$" and text:find(name, 1, true), name .. ": " .. text)
    check.ok(seconds < (os.getenv "RAMUS_SANITIZED" and 20 or 2), ("%s took %.1f s"):format(name, seconds))
  end
end)

-- ---- one picture in ten encodings ----

--- Grey values of a written PNG, 0..1, in one list.
local function values_of(path)
  local t, list = assert(ra.image.load(path)), {}
  for i = 0, t.size - 1 do list[i + 1] = t.data[i] end
  return list
end

check.case("cases: the ten encodings of scale/ give one prediction, four of them with the range that the refusal names", function()
  local copy, said = folder .. "/scale", { ["0,255"] = 0, ["0,4095"] = 0 }
  sh(("cp -r %s/mask_good %s && cd %s && env RAMUS_DATA=%s/data %s train recipe.lua --epochs 25"):format(cases, copy, copy, folder, binary))
  local first, count = nil, 0
  for _, name in ipairs(assert(files.list(cases .. "/scale"))) do
    local base = name:match "^(%l_.*)%."
    if base then
      local command = ("cd %s && %s predict runs/r %s/scale/%s --probabilities"):format(copy, binary, cases, name)
      local text, status = sh(command)
      local range = text:match "%-%-range (%S+), or"
      if range then
        check.equal(status, 1, text)
        said[range] = said[range] + 1
        text, status = sh(command .. " --range " .. range)
      end
      check.equal(status, 0, text)
      local mask, p = values_of(("%s/predictions/%s_mask.png"):format(copy, base)), assert(ra.load(("%s/predictions/%s_probabilities.npy"):format(copy, base)))
      local this = { p = p, mask = mask }
      first = first or this
      local differ, most = 0, 0
      for i = 1, #mask do
        differ = differ + math.abs(mask[i] - first.mask[i])
        most = math.max(most, math.abs(p.data[i - 1] - first.p.data[i - 1]))
      end
      -- 8 bit, 16 bit, real numbers: to the bit; 7 and 15 bits, and 255 x 16 of 4095: of steps that are larger
      local exact = base:find "^[acdhij]_"
      check.ok(differ <= (exact and 0 or #mask / 500) and most <= (exact and 0 or 0.03), ("%s: %d pixels differ, %g"):format(name, differ, most))
      count = count + 1
    end
  end
  check.equal(count, 10)
  check.equal(("%d %d"):format(said["0,255"], said["0,4095"]), "2 2")
end)

-- ---- commands ----

check.case("cases: the user's own mask is not replaced by predict", function()
  local place = folder .. "/overwrite"
  sh(("cp -r %s/overwrite %s"):format(cases, place))
  if not files.is_file(folder .. "/mask_good/runs/r/last.safetensors") then train "mask_good" end
  local before = assert(files.read(place .. "/1_mask.png"))
  local text, status = sh(("cd %s && %s predict %s/mask_good/runs/r 1.png -o ."):format(place, binary, folder))
  check.equal(files.read(place .. "/1_mask.png"), before, "1_mask.png is another")
  check.ok(status == 1 and text:find("choose another folder with -o", 1, true), text)
end)

check.case("cases: a run goes on after files that are no pictures appear in the set's folder", function()
  local text = sh(("sh %s/resume/resume.sh %s"):format(cases, binary))
  local stopped = 0
  for status in text:gmatch "status (%d+)" do
    check.equal(status, "130", text)
    stopped = stopped + 1
  end
  check.equal(stopped, 4, text)
end)

check.case("cases: archives as people make them", function()
  for name, count in pairs { mac = 8, back = 8, cp437 = 8, utf = 8, upper = 0, root3 = 0, enc = 0, cut = 0 } do
    local root = ("%s/zip_%s"):format(folder, name)
    local text, status = sh(("cp %s/zip/zs.lua %s && cd %s && %s fetch zs.lua --data-root %s --from %s/zip/%s.zip")
      :format(cases, folder, folder, binary, root, cases, name))
    check.equal(status, count == 0 and 1 or 0, name .. ": " .. text)
    check.equal(tonumber((sh(("find %s -name '*.png' 2>/dev/null | wc -l"):format(root)))), count, name .. ": pictures")
  end
end)
