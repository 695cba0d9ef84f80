--- ramus predict without a run: which words are a run, which are images, and the model in the box.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"
local ra = require "ramus"

local sh = processes.sh
local folder = check.folder "in_the_box"
local binary = processes.executable(check.root)
if binary:sub(1, 1) ~= "/" then binary = (sh("realpath " .. binary):gsub("\n", "")) end

--- Masks all (1) or nothing (0).
local function save_model(path, foreground)
  assert(ra.model(function(x) return ra.F.affine(x, { scale = 0, shift = foreground * 20 - 10 }) end):save(path))
end

local all, nothing = folder .. "/all.safetensors", folder .. "/nothing.safetensors"
save_model(all, 1)
save_model(nothing, 0)
assert(ra.image.save(folder .. "/a.png", ra.rand(1, 12, 14)))
assert(files.make_folder(folder .. "/pictures"))
for _, name in ipairs { "b", "c" } do assert(ra.image.save(("%s/pictures/%s.png"):format(folder, name), ra.rand(1, 12, 14))) end
assert(files.make_folder(folder .. "/run"))
assert(files.copy(nothing, folder .. "/run/last.safetensors"))
assert(files.copy(nothing, folder .. "/noending"))

local function ramus(arguments, status, model)
  local text, got = sh(("cd %s && env RAMUS_THREADS=1 RAMUS_MODEL=%s %s %s"):format(folder, model or "none", binary, arguments))
  check.equal(got, status, ("ramus %s\n%s"):format(arguments, text))
  return text
end

--- Mean of the mask that predict wrote.
local function share(out, name) return assert(ra.image.load(("%s/%s/%s_mask.png"):format(folder, out, name))):stats().mean end

check.case("in the box: where no run is named the model is named first, and taken for files and folders", function()
  local text = ramus("predict a.png pictures -o one", 0, all)
  check.equal(text:find("model   " .. all .. " (the model in the box", 1, true), 1, text)
  for _, name in ipairs { "a", "b", "c" } do check.equal(share("one", name), 1, name) end
  check.equal(#json.decode(ramus("predict pictures -o two --json", 0, all)), 2)
  ramus("predict pictures -o three", 0, folder .. "/run")
  check.equal(share("three", "b"), 0, "RAMUS_MODEL may be a run")
end)

check.case("in the box: a run or a model goes first, by content; --model before both", function()
  for _, first in ipairs { "run", "nothing.safetensors", "noending" } do
    local text = ramus(("predict %s a.png -o by_%s"):format(first, first), 0, all)
    check.ok(not text:find("in the box", 1, true), text)
    check.equal(share("by_" .. first, "a"), 0, first)
  end
  ramus("predict a.png pictures --model nothing.safetensors -o given", 0, all)
  for _, name in ipairs { "a", "b", "c" } do check.equal(share("given", name), 0, name) end
  ramus("predict a.png --model none.safetensors", 1, all)
end)

check.case("in the box: what is no model and no image, and a box that is empty, are said", function()
  for arguments, wanted in pairs {
    ["predict a.png"] = { 1, "a.png is no run" }, ["predict pictures"] = { 1, "no model is in the box (RAMUS_MODEL is none)" },
    ["predict nosuch"] = { 2, "predict wants a run" }, ["predict"] = { 2, "predict wants a run" }, ["predict run"] = { 2, "no image follows it" },
    ["predict --model run"] = { 2, "images behind --model run" }, ["predict nosuch a.png"] = { 1, "nosuch" },
  } do
    local text = ramus(arguments, wanted[1])
    check.ok(text:find(wanted[2], 1, true), ("%s: wanted '%s' in\n%s"):format(arguments, wanted[2], text))
  end
  assert(files.write(folder .. "/odd.st", ("\255"):rep(8) .. "{}{}"))
  check.ok(ramus("predict odd.st a.png -o odd", 1, all):find("odd.st is no image that Ramus knows and no model", 1, true))
  check.ok(not files.exists(folder .. "/odd"), "nothing is predicted")
  check.ok(ramus("predict a.png", 1, "nowhere.safetensors"):find("nowhere.safetensors, which is not there", 1, true))
end)

check.case("in the box: the file beside the Lua files is found", function()
  local tree = folder .. "/tree"
  sh(("mkdir -p %s/build %s/core %s/recipes/models && cp %s %s/build/ && cp -r %s/lua %s/ && cp %s/core/api.h %s/core/"):format(tree, tree, tree, binary,
    tree, check.root, tree, check.root, tree))
  local function predict(status)
    local text, got = sh(("cd %s && env RAMUS_THREADS=1 %s/build/ramus predict a.png -o shipped"):format(folder, tree))
    check.equal(got, status, text)
    return text
  end
  check.ok(predict(1):find("this build has no recipes/models/coronary.safetensors", 1, true))
  assert(files.copy(all, tree .. "/recipes/models/coronary.safetensors"))
  check.ok(predict(0):find("recipes/models/coronary.safetensors (the model in the box", 1, true))
  check.equal(share("shipped", "a"), 1)
end)

check.case("in the box: the model that is shipped is the one of its card, below a megabyte, and finds the vessels of phantoms it was not trained on", function()
  local path = check.root .. "/recipes/models/coronary.safetensors"
  local bytes, card = assert(files.read(path)), assert(files.read(check.root .. "/docs/models/coronary.md"))
  check.ok(#bytes < 1e6, #bytes .. " bytes")
  check.ok(card:find(require("ramus.base.hash").sha256(bytes), 1, true), "docs/models/coronary.md names the SHA-256 of the file")
  local net, C = assert(ra.load_model(path)), require("ramus.base.ffi").C
  local total, COUNT = 0, 4
  for i = 1, COUNT do
    local image, mask = ra.zeros(160, 160), ra.zeros(160, 160)
    check.equal(C.ra_phantom_with(image, mask, nil, 77, i, 1, 1), 0)
    local p = ra.F.sigmoid(net:forward(image:reshape(1, 1, 160, 160)).out)
    total = total + ra.metrics(p, mask:reshape(1, 1, 160, 160)).dice
  end
  check.ok(total / COUNT > 0.8, "Dice " .. total / COUNT)
end)

check.case("in the box: a model's file is scored on a set that is named, and nothing is written beside it", function()
  local data = folder .. "/data"
  local function eval(arguments, status)
    local text, got = sh(("cd %s && env RAMUS_THREADS=1 %s eval %s --data-root %s"):format(folder, binary, arguments, data))
    check.equal(got, status, text)
    return text
  end
  assert(files.write(folder .. "/text.safetensors", "no model"))
  assert(files.make_folder(folder .. "/pairs"))
  for i = 1, 3 do
    local mask = ra.zeros(1, 16, 16)
    mask:narrow(2, 4, 2 + i):fill(1)
    assert(ra.image.save(("%s/pairs/%d.png"):format(folder, i), ra.rand(1, 16, 16)))
    assert(ra.image.save(("%s/pairs/%d_gt.png"):format(folder, i), mask))
  end
  check.ok(eval("all.safetensors", 2):find("name a set, --data SET:SPLIT", 1, true))
  check.ok(eval("text.safetensors --data pairs:all", 1):find("text.safetensors", 1, true), "no model")
  local text = eval("all.safetensors --data pairs:all", 0)
  check.ok(text:find("sensitivity +1.0000"), text)
  check.ok(not files.exists(folder .. "/eval.json") and not files.exists(folder .. "/all.safetensors/eval.json"))
end)
