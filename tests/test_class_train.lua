--- Distillation of four classes on phantoms as a process: every term acts, kills and threads change no bit, evaluation and
-- prediction are of classes.
local check = require "check"
local classes = require "ramus.data.classes"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local json = require "cjson"
local ra = require "ramus"
local sh = require("processes").sh

local folder = check.folder "class_train"
local binary = require("processes").executable(check.root)
local recipe = folder .. "/classes.lua"

assert(files.write(recipe, [[
local ra = require "ramus"
return {
  name = "classes",
  data = { set = "phantom", options = { size = 64, train = 7, val = 2, test = 3, classes = true }, batch = 2,
    augment = { flip = true, rotate = 15, crop = 56, foreground_share = 0.5, noise = 0.02 } },
  model = ra.models.unet { depth = 3, width = 4, sides = true },
  teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = ra.loss.cross_entropy { class_weights = { 0.5, 1, 1, 1 }, smoothing = 0.05 } },
    { at = "out", loss = ra.loss.dice { average = "foreground" }, inside = "fov" },
    { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
    { at = "side*", loss = ra.loss.deep_distribution { patches = 16, scale = "fraction", tau = 0.3 }, against = "teacher.same", from = 1 },
    { at = "side*", loss = ra.loss.kl_divergence { tau = 2 }, against = "teacher.out", weight = 0.1, from = 2 },
    { at = "side*", loss = ra.loss.focal {}, weight = ra.ramp(0.5, 0) },
  },
  optim = ra.optim.adamw { lr = 4e-3, clip = 1, schedule = ra.cosine {} },
  epochs = 5, seed = 3,
}
]]))

local function train(run, environment)
  return ("env RAMUS_DATA=%s/data %s %s train %s --run %s"):format(folder, environment or "RAMUS_THREADS=1", binary, recipe, run)
end

local function same_run(a, b, what)
  check.equal(dataset.sha256_file(a .. "/last.safetensors"), dataset.sha256_file(b .. "/last.safetensors"), what .. ": sha256 of last.safetensors")
  check.ok(files.read(a .. "/metrics.jsonl") == files.read(b .. "/metrics.jsonl"), what .. ": metrics.jsonl differs")
end

local whole = folder .. "/whole"

check.case("classes: a distillation of four classes trains; every term has a gradient where it acts", function()
  local text, status = sh(train(whole))
  check.equal(status, 0, text)
  local seen = {}
  for line in files.read(whole .. "/metrics.jsonl"):gmatch "[^\n]+" do
    local entry = json.decode(line)
    for name, term in pairs(entry.terms) do
      check.ok(term.value == term.value and term.gradient_norm >= 0, name)
      seen[name] = math.max(seen[name] or 0, term.gradient_norm)
    end
    check.equal(entry.terms["deep_distribution@side1"] ~= nil, entry.epoch >= 1, "the teacher's rows begin in epoch 1")
  end
  for _, name in ipairs { "cross_entropy@out", "dice@out", "soft_target@out", "deep_distribution@side1", "deep_distribution@side2",
    "kl_divergence@side1", "focal@side2" } do
    check.ok((seen[name] or 0) > 0, name .. " has no gradient")
  end
  check.ok(text:find("macro", 1, true), text)
end)

check.case("classes: killed and resumed, and with two threads: the same bytes", function()
  local run = folder .. "/killed"
  local seconds = select(3, sh(train(folder .. "/two", "RAMUS_THREADS=2")))
  same_run(whole, folder .. "/two", "two threads")
  for k = 1, 4 do
    sh(("%s & pid=$!; sleep %.3f; kill -9 $pid 2>/dev/null; wait $pid"):format(train(run):gsub("^env", "exec env"), seconds * (0.2 + 0.15 * k)))
  end
  local text, status = sh(train(run))
  check.equal(status, 0, text)
  same_run(whole, run, "after four kills")
end)

check.case("classes: evaluation has the classes' scores and predict writes labels of classes", function()
  local evaluation = json.decode(assert(files.read(whole .. "/eval.json")))
  check.equal(#evaluation.classes, 4, "classes of eval.json")
  local out = folder .. "/predicted"
  local found = folder .. "/data/phantom-64x64-7-2-3-seed1-classes/test/1.png"
  check.ok(files.is_file(found), "no " .. found)
  local text, status = sh(("%s predict %s %s -o %s --probabilities"):format(binary, whole, found, out))
  check.equal(status, 0, text)
  check.ok(files.is_file(out .. "/1_labels.png"), text)
  check.ok(files.is_file(out .. "/1_overlay.png"), text)
  check.ok(not files.exists(out .. "/1_mask.png"), "a mask of classes")
  local p, shown = assert(ra.load(out .. "/1_probabilities.npy")), assert(ra.image.load(out .. "/1_labels.png"))
  check.equal(table.concat(p.shape, "x"), "4x64x64")
  local wrong = 0
  for k = 0, 64 * 64 - 1 do
    local best = 0
    for c = 1, 3 do if p.data[c * 4096 + k] > p.data[best * 4096 + k] then best = c end end
    for c, v in ipairs { classes.rgb(classes.colour(best)) } do
      if math.abs(shown.data[(c - 1) * 4096 + k] - v / 255) > 1e-6 then wrong = wrong + 1 end
    end
  end
  check.equal(wrong, 0, "pixels whose label is not the class of the largest probability")
  local again, ok = sh(("%s predict %s %s -o %s --probabilities --json"):format(binary, whole, found, out))
  check.equal(ok, 0, again)
  check.ok(json.decode(again)[1].shares.stem, "shares of the classes in --json")
  check.equal(select(2, sh(("%s predict %s %s -o %s --threshold 0.4"):format(binary, whole, found, out))), 2, "a threshold for classes")
end)

check.case("classes: a report has their scores, and pictures in their colours beside the truth", function()
  local path = folder .. "/report.html"
  local made = assert(require("ramus.report.report").write({ whole }, { output = path, pictures = true, data_root = folder .. "/data" }))
  local text = assert(files.read(path))
  check.equal(made.pictures, 3)
  for _, wanted in ipairs { "Classes of classes", "catheter</li>", "Truth painted on test/1" } do check.ok(text:find(wanted, 1, true), wanted) end
end)
