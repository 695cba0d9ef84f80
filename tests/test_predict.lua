--- What predict takes, what it names its results, and what it never replaces.
local check = require "check"
local files = require "ramus.base.files"
local outputs = require "ramus.train.predict.outputs"
local ra = require "ramus"
local F = ra.F

local folder = check.folder "predict"
local model = ra.model(function(x) return F.affine(x, { scale = 20, shift = -10 }) end) -- brighter than one half is foreground

--- A folder of pictures, each of one grey value.
local function pictures(name, values)
  local path = folder .. "/" .. name
  assert(files.make_folder(path))
  for file, v in pairs(values) do
    assert(files.make_folder(path .. "/" .. (file:match("^(.*)/") or "")))
    assert(ra.image.save(path .. "/" .. file, F.add(ra.zeros(8, 9), v)))
  end
  return path
end

local function share(path) return assert(ra.image.load(path)):stats().mean end

check.case("predict: its own files are known by their mark and replaced; those of others never", function()
  local at = pictures("own", { ["1.png"] = 1, ["2.png"] = 0 })
  local out = folder .. "/own_out"
  local first = assert(ra.predict(model, at, { output = out }))
  check.equal(outputs.mark_of(first[1].mask), outputs.mark(at .. "/1.png"))
  check.equal(outputs.mark_of(at .. "/1.png"), nil)
  assert(ra.image.save(at .. "/1.png", ra.zeros(8, 9)))
  local again = assert(ra.predict(model, at, { output = out }))
  check.equal(again[1].mask, first[1].mask, "the same image has the same names")
  check.equal(share(again[1].mask), 0, "its results are new")
  assert(ra.image.save(first[2].prob, ra.zeros(8, 9))) -- by another program
  local before = files.read(first[2].prob)
  check.fails("was not written by predict", ra.predict, model, at, { output = out })
  check.ok(files.read(first[2].prob) == before, "it was replaced")
  assert(ra.predict(model, at, { output = out, force = true }))
  check.ok(outputs.mark_of(first[2].prob), "force replaces it")
end)

check.case("predict: a result that somebody corrected is theirs, also where the program keeps a PNG's texts", function()
  local at, out = pictures("corrected", { ["1.png"] = 1 }), folder .. "/corrected_out"
  local path = assert(ra.predict(model, at, { output = out }))[1].mask
  local text = files.read(path)
  local name = text:find("raMK", 1, true)
  local length = text:byte(name - 1) + 256 * text:byte(name - 2)
  local edited = text:sub(1, name - 5) .. text:sub(name + 4 + length + 4) -- chunks that are not to be copied are gone, texts stay
  check.ok(edited:find("Software%zramus predict"), "the text is there")
  assert(files.write(path, edited))
  assert(ra.image.load(path))
  check.equal(outputs.mark_of(path), nil)
  check.fails("predict did not write", ra.predict, model, at .. "/1.png", { output = out })
  check.ok(files.read(path) == edited)
end)

check.case("predict: a folder whose NAME_mask files are the truth gets none of its own", function()
  local at = pictures("truth", { ["1.png"] = 0, ["1_mask.png"] = 1, ["2.png"] = 0 })
  for _, image in ipairs { "1.png", "2.png" } do -- the second has no mask yet
    check.fails("1_mask.png", ra.predict, model, at .. "/" .. image, { output = at })
  end
  check.equal(share(at .. "/1_mask.png"), 1)
  check.equal(#files.list(at), 3, "files")
  local other = pictures("is_input", { ["a.png"] = 0 })
  assert(ra.predict(model, other .. "/a.png", { output = other }))
  check.fails("is itself one of the images", ra.predict, model, { other .. "/a.png", other .. "/a_mask.png" }, { output = other })
end)

check.case("predict: names that differ in anything, or in case only, never share a file", function()
  local names = { "患者甲", "患者乙", "a b", "a_b", "a.1", "a_1", "a-1", "X", "x", "Ärzte", "ärzte", ("n"):rep(240), ("n"):rep(239) .. "m" }
  local values = {}
  for i, name in ipairs(names) do values[name .. ".png"] = i % 2 end
  local at = pictures("names", values)
  local results = assert(ra.predict(model, at, { output = folder .. "/names_out" }))
  local seen = {}
  for _, r in ipairs(results) do
    local key = (r.mask:lower():gsub("Ä", "ä"))
    check.ok(not seen[key], key .. " twice")
    seen[key] = true
    check.equal(share(r.mask), share(r.image), r.image)
  end
  check.equal(#results, #names)
  check.ok(files.is_file(folder .. "/names_out/患者甲_mask.png") and files.is_file(folder .. "/names_out/a b_overlay.png"), "names are kept")
  local list = outputs.names { "患者甲", "患者乙", "a b", "a_b", "a/b", "a:b", "A b", ".x" }
  check.equal(table.concat(list, "|"), "患者甲|患者乙|a b|a_b|a_b-2|a_b-3|A b-2|_x")
end)

check.case("predict: one name in two folders, in one call and in two", function()
  local one, two = pictures("one", { ["p.png"] = 1, ["same.png"] = 1 }), pictures("two", { ["p.png"] = 0, ["P.png"] = 0 })
  local out = folder .. "/two_out"
  local a = assert(ra.predict(model, one, { output = out }))
  local b = assert(ra.predict(model, two, { output = out }))
  check.equal(a[1].mask, out .. "/p_mask.png")
  check.equal(share(a[1].mask), 1, "another image's mask was replaced")
  check.equal(b[1].mask .. " " .. b[2].mask, ("%s/P-2_mask.png %s/p-3_mask.png"):format(out, out))
  local again = assert(ra.predict(model, two, { output = out }))
  check.equal(again[2].mask, b[2].mask, "a later call finds its own")
  local both = assert(ra.predict(model, { one .. "/p.png", two .. "/p.png", one .. "/p.png" }, { output = folder .. "/both" }))
  check.equal(#both, 2, "an image that is named twice is done once")
end)

check.case("predict: all good files of a folder, the bad ones at the end, the others with the reason", function()
  local at = pictures("mixed", { ["b.png"] = 1, ["c.png"] = 0, [".hidden.png"] = 0, ["sub/d.png"] = 0, ["k.dat.png"] = 1 })
  assert(os.rename(at .. "/k.dat.png", at .. "/k.dat"))
  assert(files.write(at .. "/a.png", "no image"))
  assert(files.write(at .. "/Thumbs.db", "x"))
  local said, lines = {}, {}
  local out = { warn = function(_, text) said[#said + 1] = text end, line = function(_, text) lines[#lines + 1] = text end }
  local results, failed = assert(ra.predict(model, at, { output = at, out = out }))
  check.equal(#results .. " " .. #failed .. " " .. failed[1].image, "2 1 " .. at .. "/a.png")
  check.ok(failed[1].error:find("a.png", 1, true), failed[1].error)
  for _, part in ipairs { "left out 4 of 7", "hidden: .hidden.png", "no image's ending: Thumbs.db, k.dat", "sub/" } do
    check.ok(said[1]:find(part, 1, true), said[1])
  end
  results = assert(ra.predict(model, at, { output = at, out = out })) -- its own results lie in the folder now
  check.equal(#results, 2)
  check.ok(said[2]:find("written by predict before: b_mask.png", 1, true), said[2])
  local function by(pattern) return #assert(ra.predict(model, at, { output = folder .. "/by", pattern = pattern })) end
  check.equal(by "[bc].png", 2)
  check.equal(by "[!c]*.d?t", 1, "by a pattern whatever the ending")
  check.fails("by the pattern", ra.predict, model, at, { output = folder .. "/by", pattern = "*.tif" })
  check.fails("none of 2 images", ra.predict, model, { at .. "/a.png", at .. "/Thumbs.db" }, { output = folder .. "/by" })
end)

check.case("predict: results of formats without a mark are signed beside", function()
  local path, mark = folder .. "/p.npy", outputs.mark "p"
  assert(ra.save(path, ra.rand(3, 3)))
  check.equal(outputs.mark_of(path), nil)
  assert(outputs.sign(path, mark))
  check.equal(outputs.mark_of(path), mark)
  assert(ra.save(path, ra.rand(3, 3)))
  check.equal(outputs.mark_of(path), nil, "another file under that name is not predict's")
end)

check.case("eval: every question has files of its own", function()
  local seen = {}
  for _, o in ipairs { {}, { data = "a:b" }, { data = "a_b" }, { data = "a.b" }, { data = "患:b" }, { data = "者:b" }, { threshold = 0.3 },
    { threshold = 0.3000000001 }, { tune = true }, { data = "a:b", tune = true }, { levels = false }, { data = "./a.lua:b" }, { data = "/a.lua:b" } } do
    local name = outputs.evaluation(o)
    check.ok(not seen[name], name .. " twice")
    seen[name] = true
  end
  check.equal(outputs.evaluation { data = "phantom:train", threshold = 0.3 }, "eval-phantom_train-threshold_0_3")
end)
