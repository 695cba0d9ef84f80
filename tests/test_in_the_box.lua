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
