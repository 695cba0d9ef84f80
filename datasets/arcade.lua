--- ARCADE, task "syntax": 1500 X-ray coronary angiograms with polygons of the coronary segments.
local class_image = require "ramus.data.image.class_image"
local classes = require "ramus.data.classes"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local polygons = require "ramus.data.polygons"

--- Segments of the SYNTAX score in the order of the set's categories 1 to 25; category 26 is a stenosis, which this task does not draw.
local SEGMENTS = { "1 RCA proximal", "2 RCA mid", "3 RCA distal", "4 posterior descending (right)", "5 left main", "6 LAD proximal", "7 LAD mid",
  "8 LAD apical", "9 first diagonal", "9a first diagonal a", "10 second diagonal", "10a second diagonal a", "11 circumflex proximal",
  "12 intermediate", "12a obtuse marginal a", "13 circumflex distal", "14 left posterolateral", "14a left posterolateral a",
  "15 posterior descending (left)", "16 posterolateral (right)", "16a posterolateral a", "16b posterolateral b", "16c posterolateral c",
  "12b obtuse marginal b", "14b left posterolateral b" }
local STENOSIS = 26
local PARTS = { "train", "val", "test" }

local CLASSES = { { name = "background" } }
for k, name in ipairs(SEGMENTS) do CLASSES[k + 1] = { name = name, value = k } end

--- "coco" or "text" if a folder holds the splits with such annotations.
local function kind_of(folder)
  if folder:find("stenosis$") then return nil end
  for _, part in ipairs(PARTS) do
    local place = folder .. "/" .. part
    if files.is_file(("%s/annotations/%s.json"):format(place, part)) then return "coco" end
    if files.is_folder(place .. "/labels") and files.is_folder(place .. "/images") then return "text" end
  end
end

--- The segments among a picture's polygons, as class numbers; nil and a message for a category that is none. count.stenoses grows.
local function segments(list, first, count)
  local kept = {}
  for _, p in ipairs(list) do
    local class = p.class - first + 1
    if class < 1 or class > STENOSIS then
      return nil, ("a polygon has the category %d; this set has %d to %d"):format(p.class, first, first + STENOSIS - 1)
    end
    if class == STENOSIS then count.stenoses = count.stenoses + 1
    else kept[#kept + 1] = { class = class, points = p.points } end
  end
  return kept
end

--- Pictures of a split, { { name =, polygons = }, .. }, those of text read when they are drawn; nil and a message.
local function pictures_of(kind, place, part, notes)
  if kind == "coco" then
    local path = ("%s/annotations/%s.json"):format(place, part)
    local coco, err = polygons.coco(path)
    if not coco then return nil, err end
    for id, name in pairs(coco.categories) do
      local wanted = id == STENOSIS and "stenosis" or SEGMENTS[id] and SEGMENTS[id]:match("^%w+")
      if name:lower() ~= wanted then return nil, ("%s: category %d is '%s', in this set it is '%s'"):format(path, id, name, tostring(wanted)) end
    end
    for _, note in ipairs(coco.notes) do notes[#notes + 1] = part .. ": " .. note end
    return coco.pictures
  end
  local pairs_, err = dataset.pair(place, { image = { "images", "^(%d+)%.png$" }, mask = { "labels", "^(%d+)%.txt$" } })
  if not pairs_ then return nil, err end
  local list = {}
  for i, s in ipairs(pairs_) do list[i] = { name = s.id .. ".png", text = s.mask } end
  return list
end

--- Copies one picture and draws its label map; false where nothing is drawn on it; nil and a message.
local function bring(p, place, target, count)
  local id = p.name:match("^(%d+)%.png$")
  if not id then return nil, ("%s: pictures are called NUMBER.png, not %s"):format(place, p.name) end
  local from = ("%s/images/%s"):format(place, p.name)
  local info, err = image.info(from)
  if not info then return nil, err end
  if (p.height or info.height) ~= info.height or (p.width or info.width) ~= info.width then
    return nil, ("%s is %dx%d, its annotation says %sx%s"):format(from, info.width, info.height, tostring(p.width), tostring(p.height))
  end
  local list = p.polygons
  if p.text then list, err = polygons.text(p.text, info.height, info.width) end
  if list then list, err = segments(list, p.text and 0 or 1, count) end
  if not list then return nil, ("%s: %s"):format(from, err) end
  if #list == 0 then return false end
  local labels
  labels, err = polygons.draw(list, info.height, info.width)
  if not labels then return nil, ("%s: %s"):format(from, err) end
  local to = ("%s/%s"):format(target, id)
  local ok
  ok, err = files.copy(from, to .. ".png")
  if ok then ok, err = class_image.save(to .. "_gt.png", labels, assert(classes.check(CLASSES))) end
  return ok, err
end

--- One split; the number of its pictures, or nil and a message.
local function prepare_part(kind, base, target, part, notes)
  local place, count, absent, empty, n = base .. "/" .. part, { stenoses = 0 }, 0, 0, 0
  if not files.is_folder(place) then return 0 end
  local list, err = pictures_of(kind, place, part, notes)
  local ok = list and files.make_folder(target .. "/" .. part)
  if not ok then return nil, err end
  for _, p in ipairs(list) do
    if not files.is_file(("%s/images/%s"):format(place, p.name)) then absent = absent + 1
    else
      ok, err = bring(p, place, target .. "/" .. part, count)
      if ok == nil then return nil, err end
      if ok then n = n + 1 else empty = empty + 1 end
    end
  end
  for _, note in ipairs { { absent, "annotated pictures are absent" }, { empty, "pictures have no segment drawn and were left out" },
    { count.stenoses, "polygons are stenoses, not segments, and were left out" } } do
    if note[1] > 0 then notes[#notes + 1] = ("%s: %d %s"):format(part, note[1], note[2]) end
  end
  if n == 0 and #list > 0 then return nil, ("%s holds no segment; is it the task 'stenosis'?"):format(place) end
  return n
end

return {
  name = "arcade",
  title = "ARCADE: 1500 X-ray coronary angiograms, SYNTAX segments (25 classes, or their union)",
  picture = "512x512, 8 bit PNG, grey or with three equal channels; N.png and its label map N_gt.png, filled from the polygons",
  counts = { train = 1000, val = 200, test = 300 },
  split_source = "the authors' folders train, val and test (the numbers are reused, the pictures are different)",
  licence = "offered on Zenodo as an open data set; CC0 1.0, as others say of its record; not verified",
  citation = "M. Popov, A. Amanturdieva, N. Zhaksylyk, A. Alkanov, A. Saniyazbekov, T. Aimyshev et al.: Dataset for Automatic Region-based "
    .. "Coronary Artery Disease Diagnostics Using X-Ray Angiography Images. Scientific Data 11, 2024. doi 10.1038/s41597-023-02871-z",
  sources = { "https://zenodo.org/records/10390295" },
  notes = {
    "Only segments that count for the SYNTAX score are drawn: other visible branches are background.",
    "A pixel belongs to a polygon where the even-odd rule puts its centre inside; where polygons overlap, the smaller one wins.",
    "Neighbouring segments often leave a hairline gap, so that vessels are not one piece.",
    "train holds pairs of equal pictures (478 and 887, 20 and 214, 337 and 972, 168 and 793, 501 and 612). Patients are not given.",
  },
  schema = {
    labels = { type = "string", default = "union", one_of = { "union", "segments" }, help = "union: vessel or not; segments: 25 classes" },
  },
  classes = function(o) return o.labels == "segments" and CLASSES or nil end,

  files = {
    { name = "arcade.zip", unpack = true, seen = false, sha256 = "a396cdea7c92c55dc97bbf3dd8e3df517d76872b289a8bcb45513bdb3350837f",
      urls = { "https://zenodo.org/records/10390295/files/arcade.zip" } },
  },
  editions = { { name = "full", files = {}, counts = { train = 1000, val = 200, test = 300 } } },

  --- From COCO's JSON or from text polygons; both unions and segments are read from what it writes. Anything but the whole of the original is
  -- an edition of its own, named by its annotations and its numbers.
  prepare = function(source, target)
    local base, kind = dataset.below(source, kind_of)
    if not base then
      return nil, ("arcade: %s holds no folders train, val, test with images/ and annotations/SPLIT.json or labels/N.txt"):format(source)
    end
    local notes, n = {}, {}
    for i, part in ipairs(PARTS) do
      local err
      n[i], err = prepare_part(kind, base, target, part, notes)
      if not n[i] then return nil, err end
    end
    if kind == "coco" and n[1] == 1000 and n[2] == 200 and n[3] == 300 then return "full", notes end
    return ("%s-%d-%d-%d"):format(kind, n[1], n[2], n[3]), notes
  end,

  open = function(folder, o)
    local samples = {}
    for _, part in ipairs(PARTS) do
      local list, err = {}, nil
      if files.is_folder(folder .. "/" .. part) then
        list, err = dataset.pair(folder .. "/" .. part, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
      end
      if not list then return nil, err end
      for _, s in ipairs(list) do
        s.id, s.split = part .. "/" .. s.id, part
        if o.labels ~= "segments" then s.values = { [0] = "background", { 1, #SEGMENTS, "vessel" } } end
        samples[#samples + 1] = s
      end
    end
    return samples
  end,
}
