--- Films: the frame with the most contrast agent, frames of predict, data sets of films; and that nothing of a patient leaves a file.
local check = require "check"
local ffi = require "ramus.base.ffi"
local film = require "dicom_film"
local files = require "ramus.base.files"
local ra = require "ramus"
local C, F = ffi.C, ra.F

local folder = check.folder "films"
local sh = require("processes").sh
local binary = require("processes").executable(check.root)

--- A film of 8 frames below `folder` into which contrast agent flows and out again; best: the frame with most of it.
local function flow(name, index, best, given)
  local o = given or {}
  local size, strengths, brightness = o.size or 96, {}, {}
  local x, mask = ra.zeros(size, size), ra.zeros(size, size)
  assert(C.ra_phantom(x, mask, 7, index) == 0)
  for k = 0, 7 do
    strengths[k + 1] = math.max(0, 1 - math.abs(k - best) * 0.2)
    brightness[k + 1] = o.steady and 1 or 0.85 + 0.15 * (k * 37 % 10) / 10
  end
  local list = film.flow(x, mask, strengths, brightness)
  if o.noise then for k, t in ipairs(list) do list[k] = F.add(t, F.affine(ra.randn(size, size), { scale = o.noise })) end end
  assert(files.write(folder .. "/" .. name, film.bytes(list, o.more)))
  return folder .. "/" .. name, mask, list
end

check.case("films: the best frame has the most contrast agent, whatever its brightness, with noise, at any size", function()
  for index = 1, 8 do
    local best = index % 8
    local path = flow("best.dcm", index, best, { size = index % 3 == 0 and 300 or 150, noise = index % 2 == 0 and 0.02 or nil })
    check.equal(assert(ra.image.best_frame(path)), best, "film " .. index)
    check.equal(#assert(ra.image.contrast(path)), 8)
  end
  -- without any the first: all frames are equal
  local x = ra.rand(40, 50)
  assert(files.write(folder .. "/equal.dcm", film.bytes { x, x, x }))
  check.equal(assert(ra.image.best_frame(folder .. "/equal.dcm")), 0)
  check.fails("No such file", ra.image.best_frame, folder .. "/none.dcm")
end)

check.case("films: the measure is the formula that the page states", function()
  local x = ra.rand(1, 60, 84)
  assert(files.write(folder .. "/formula.dcm", film.bytes { x }))
  x = assert(ra.image.load(folder .. "/formula.dcm"))
  local s, b = ra.image.blur(x, { sigma = 60 / 340 }), ra.image.blur(x, { sigma = 60 / 42 })
  local dark, all = 0, 0
  for i = 0, x.size - 1 do dark, all = dark + math.max(0, b.data[i] - s.data[i]), all + b.data[i] end
  check.near(ra.image.contrast(folder .. "/formula.dcm")[1], dark / all, 1e-6)
end)

check.case("films: predict takes the frames that it is asked for", function()
  local model = ra.model(function(x) return F.affine(x, { scale = -20, shift = 10 }) end)
  local path = flow("flow.dcm", 3, 5)
  local function names(frames)
    local list, out = {}, folder .. "/out"
    os.execute("rm -rf " .. out)
    for i, r in ipairs(assert(ra.predict(model, path, { output = out, frames = frames }))) do
      list[i] = r.mask:match "([^/]*)_mask.png$"
      check.ok(r.milliseconds > 0 and files.is_file(r.overlay))
    end
    return table.concat(list, " "), out
  end
  check.equal((names "1,5-7,6"), "flow_frame001 flow_frame005 flow_frame006 flow_frame007")
  check.equal((names "best"), "flow_frame005")
  check.equal((names()), "flow")
  local load, info, held, looks = ra.image.load, ra.image.info, 0, 0
  function ra.image.load(at, given)
    if at == path and given.bytes then held = held + 1 end
    return load(at, given)
  end
  function ra.image.info(at)
    looks = looks + (at == path and 1 or 0)
    return info(at)
  end
  local all, out = names "all"
  ra.image.load, ra.image.info = load, info
  check.equal(held, 8, "the file is read once for all frames")
  check.equal(looks, 2, "for its frames, and for its size")
  check.equal(select(2, all:gsub("flow_frame00%d", "")), 8)
  -- a frame's results are those of the frame alone
  for k = 0, 7 do
    local p = ra.predict.probability(model, assert(ra.image.load(path, { frame = k })))
    local got = assert(ra.image.load(("%s/flow_frame%03d_prob.png"):format(out, k)))
    for i = 0, p.size - 1, 7 do check.near(got.data[i], math.min(math.max(p.data[i], 0), 1), 0.6 / 255, "frame " .. k) end
  end
  check.fails("frame 8 was asked for, the file has 8, counted from 0", ra.predict, model, path, { output = out, frames = "8" })
  check.raises("frames are all, best, or numbers", ra.predict, model, path, { output = out, frames = "3-1" })
  local grey = folder .. "/one.png"
  assert(ra.image.save(grey, ra.rand(20, 20)))
  check.ok(files.is_file(assert(ra.predict(model, grey, { output = out, frames = "all" }))[1].mask))
  check.ok(files.is_file(out .. "/one_mask.png"), "a file with one frame keeps its name")
end)

check.case("films: ramus predict --frames says the milliseconds a frame", function()
  local net = ra.models.unet { depth = 2, width = 2 }
  local model, path = folder .. "/model.safetensors", flow("cli.dcm", 4, 2)
  assert(net:save(model))
  local text, status = sh(("%s predict %s %s -o %s/cli --frames all"):format(binary, model, path, folder))
  check.equal(status, 0, text)
  check.ok(text:find "cli.dcm: 8 frames, %d+ milliseconds a frame", text)
  check.ok(text:find("cli.dcm -> " .. folder .. "/cli/cli_frame003_mask.png", 1, true), text)
  text, status = sh(("%s predict %s %s -o %s/cli2"):format(binary, model, path, folder))
  check.equal(status, 0, text)
  check.ok(text:find("has 8 frames, the first is taken; --frames all, best or 1,5-9 takes others", 1, true), text)
  text, status = sh(("%s predict %s %s -o %s/cli3 --frames x"):format(binary, model, path, folder))
  check.equal(status, 2, text)
  check.ok(text:find("given 'x'", 1, true), text)
end)

-- ---- a data set of films ---------------------------------------------------------------

local SECRETS = { "Zephyrine^Quill", "QX-PATIENT-77123", "19470318", "St. Nowhere Hospital", "Dr^Unnamed" }

--- Six films with their masks as a data set; the truth belongs to the best frame.
local function set()
  local lines = {}
  for k = 1, 6 do
    local _, mask = flow(("case%d.dcm"):format(k), k, 2 + k % 4, { size = 64, more = {
      { 0x10, 0x10, "PN", SECRETS[1] }, { 0x10, 0x20, "LO", SECRETS[2] }, { 0x10, 0x30, "DA", SECRETS[3] }, { 0x08, 0x80, "LO", SECRETS[4] },
      { 0x08, 0x90, "PN", SECRETS[5] }, { 0x28, 0x30, "DS", "0.2\\0.2" },
    } })
    assert(ra.image.save(("%s/case%d.png"):format(folder, k), mask))
    lines[k] = ('{ id = "case%d", image = { path = root .. "/case%d.dcm", frame = "best" }, mask = root .. "/case%d.png" }'):format(k, k, k)
  end
  local path = folder .. "/films.lua"
  assert(files.write(path, ([[
local root = %q
local s = { %s }
for i, x in ipairs(s) do x.split = i < 5 and "train" or i == 5 and "val" or "test" end
return { name = "films", folder = root, open = function() return s end }
]]):format(folder, table.concat(lines, ",\n"))))
  return path
end

check.case("films: a data set of best frames is trained and scored, and nothing of a patient is written", function()
  local run = folder .. "/run"
  local result = assert(ra.train({
    name = "films", data = { set = set(), batch = 2, threshold = 128 }, model = ra.models.unet { depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.bce {} } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1,
  }, { run = run, quiet = true, data_root = folder .. "/data" }))
  local e = result.evaluation
  check.equal(e.protocol.spacing, "0.2 mm a pixel, in the patient (Pixel Spacing)")
  check.near(e.per_image.hd95_mm.mean, 0.2 * e.per_image.hd95.mean, 1e-9)
  check.ok(files.read(run .. "/eval.txt"):find "\nhd95_mm +%d", "a row in millimetres")
  check.ok(files.read(run .. "/eval.json"):find('"hd95":"pixels; hd95_mm in millimetres"', 1, true), "the protocol says so")
  assert(ra.predict(run, folder .. "/case6.dcm", { output = run .. "/predictions", frames = "best" }))
  check.ok(files.is_file(run .. "/predictions/case6_frame004_mask.png"), "the best frame of the sixth film is the fourth")
  local count = 0
  for path in io.popen(("find %s %s/data %s -type f 2>/dev/null"):format(run, folder, os.getenv "XDG_CACHE_HOME" or "/nonexistent")):lines() do
    local text = assert(files.read(path))
    for _, secret in ipairs(SECRETS) do
      if text:find(secret, 1, true) then error(("%s holds %s"):format(path, secret), 0) end
    end
    count = count + 1
  end
  check.ok(count > 8, "only " .. count .. " files were looked through")
end)

check.case("films: a folder of films; one whose frame nobody said is told of", function()
  local own = folder .. "/own"
  os.execute(("mkdir -p %s/images %s/masks && cp %s/case*.dcm %s/images/ && cp %s/case*.png %s/masks/"):format(own, own, folder, own, folder, own))
  local sets, warned = require "ramus.data.sets", {}
  local out = setmetatable({ warn = function(_, text) warned[#warned + 1] = text end }, { __index = function() return function() end end })
  local function image_of(options)
    local opened = assert(sets.set(own, { options = options, data_root = folder .. "/data" }))
    assert(require("ramus.data.verdict").check(opened, { "train" }, { also = {}, out = out }))
    local sample = opened.splits.train[1]
    return assert(require("ramus.data.loader").one(sample, { fields = { "image" } })).fields.image, sample.id
  end
  local function near(t, id, frame)
    local wanted = assert(ra.image.load(("%s/%s.dcm"):format(folder, id), { frame = frame }))
    for i = 0, wanted.size - 1, 3 do check.near(t.data[i], wanted.data[i], 1e-6, id) end
  end
  local t, id = image_of {}
  near(t, id, 0)
  check.ok(table.concat(warned, "\n"):find("have several frames or pages, the first is taken; frame = 2 takes one", 1, true), "no word of the frames")
  local said = #warned
  t, id = image_of { frame = "best" }
  near(t, id, 2 + tonumber(id:match "%d") % 4)
  t, id = image_of { frame = 3 }
  near(t, id, 3)
  check.equal(#warned, said, "a frame that is declared is no news")
end)

check.case("films: a model of C takes the frame that is set", function()
  local run, path = folder .. "/run", folder .. "/case6.dcm"
  local m = ffi.gc(C.ra_model_open(run), C.ra_model_close)
  local model = assert(ra.load_model(run))
  for _, frame in ipairs { 0, 4, 7 } do
    C.ra_model_set_frame(m, frame)
    local p = ffi.own(C.ra_model_run(m, path), C.ra_tensor_release)
    local wanted = ra.predict.probability(model, assert(ra.image.load(path, { frame = frame })))
    for i = 0, p.size - 1, 5 do check.near(p.data[i], wanted.data[i], 1e-6, "frame " .. frame) end
  end
  for frame, part in pairs { [8] = "frame 8 was asked for, the file has 8", [-1] = "there is no frame -1" } do
    C.ra_model_set_frame(m, frame)
    check.ok(C.ra_model_run(m, path) == nil and ffi.message():find(part, 1, true), ffi.message())
  end
end)

check.case("films: a frame that is none is named with its image", function()
  local path = folder .. "/wrong.lua"
  for frame, part in pairs { ['"bset"'] = "'bset'", ["-1"] = "-1", ["1.5"] = "1.5" } do
    assert(files.write(path, ([[
return { name = "wrong", folder = %q, open = function() return { { id = "a", split = "train", image = { path = %q, frame = %s } } } end }
]]):format(folder, folder .. "/case1.dcm", frame)))
    check.fails("image a: image: frame is a number from 0, or \"best\", given " .. part, require("ramus.data.sets").set, path,
      { data_root = folder .. "/data" })
  end
end)

check.case("films: masks of several pages of which nobody said the page are named, others are not", function()
  local facts, dataset = require "ramus.data.verdict.facts", require "ramus.data.dataset"
  local pages = check.root .. "/tests/reference/tiff/pages.tif"
  local image = { path = pages, frame = 1 }
  local function warned(mask)
    local def = dataset.register { name = "pages", folder = folder, open = function()
      return { { id = "a", image = image, mask = mask, split = "train" } }
    end }
    local opened, out = assert(dataset.open(def.name)), require("ramus.base.progress").new { quiet = true }
    local look = facts.open(opened)
    local function item(kind)
      local s = opened.samples[1]
      local found = kind == "image" and look:image(s) or look:mask(s, kind, "mask")
      return { sample = s, source = require("ramus.data.fields").source(s, kind), facts = assert(found) }
    end
    require("ramus.data.notes").films({ image = { item "image" }, mask = { item "mask" } }, out)
    return table.concat(out.warnings, "\n")
  end
  check.ok(warned(pages):find("^1 mask of the set has several frames or pages, the first is taken; .*pages.tif %(3%)$"), warned(pages))
  check.equal(warned { path = pages, frame = 2 }, "")
end)
