--- A recipe, its data set's file and a module beside them are found from any working directory, and so is what a run needs later.
local check = require "check"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local folder = check.folder("places")
local binary = files.absolute(require("processes").executable(check.root))

local project, elsewhere = folder .. "/project", folder .. "/elsewhere"
assert(files.make_folder(project .. "/pictures"))
assert(files.make_folder(elsewhere))
for i = 1, 6 do
  local mask = tensor.zeros(32, 32)
  mask:narrow(1, 4 * i, 4):fill(1)
  assert(image.save(("%s/pictures/%d.png"):format(project, i), tensor.rand(32, 32)))
  assert(image.save(("%s/pictures/%d_gt.png"):format(project, i), mask))
end
assert(files.write(project .. "/mine.lua", [[
local dataset = require "ramus.data.dataset"
return { name = "mine", folder = "pictures", split_source = "declared by me", open = function(folder)
  local list = dataset.pair(folder, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
  for i, s in ipairs(list) do s.split = i > 4 and "test" or "train" end
  return list
end }
]]))
assert(files.write(project .. "/beside.lua", "return { lr = 1e-3 }\n"))
assert(files.write(project .. "/recipe.lua", [[
local ra = require "ramus"
return { name = "places", data = { set = "mine.lua", batch = 2, val = false }, model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = require("beside").lr }, epochs = 1, log = { pictures = 0 } }
]]))

local function shell(command)
  local out = folder .. "/out.txt"
  local code = os.execute(command .. " > '" .. out .. "' 2>&1")
  return code, files.read(out)
end

check.case("train in one folder, evaluate from another", function()
  local code, text = shell(("cd '%s' && '%s' train ../project/recipe.lua --run '%s/run'"):format(elsewhere, binary, folder))
  check.equal(code, 0, text)
  local resolved = assert(files.read(folder .. "/run/resolved.lua"))
  check.ok(resolved:find(files.absolute(project) .. "/mine.lua", 1, true), resolved)
  code, text = shell(("cd / && '%s' eval '%s/run'"):format(binary, folder))
  check.ok(code ~= 0 and text:find("mine.lua is the data set that a run names; it is a program", 1, true), text)
  code, text = shell(("cd / && '%s' eval '%s/run' --data '%s/mine.lua'"):format(binary, folder, project))
  check.equal(code, 0, text)
  check.ok(text:find("declared by me", 1, true), text)
end)

check.case("the words about a split are those of the split that was asked for", function()
  local set = assert(dataset.open(project .. "/mine.lua"))
  check.equal(set.split_source, "declared by me")
  check.equal(set.folder, files.absolute(project) .. "/pictures")
  set = assert(dataset.open("mine.lua", { base = project, split = "4:0:2" }))
  check.equal(set.split_source, "at random by the ids, seed 0")
  check.equal(set.counts.train, 4)
end)
