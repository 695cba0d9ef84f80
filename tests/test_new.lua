--- ramus new: each file that it writes runs as it is.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"

local folder = check.folder "new"
local binary = files.absolute(processes.executable(check.root))

local expect = processes.inside(folder, binary)

check.case("new recipe and model: train as they are; options of the model", function()
  expect("new recipe mine", 0, "ramus train mine.lua")
  expect("train mine.lua --epochs 1 --set data.options.size=32", 0, "everything is in runs/mine")
  expect("new model thin", 0)
  expect("train thin.lua --epochs 1 --quiet --set model.width=2 --set data.options.size=37", 0)
  expect("eval runs/thin", 0, "dice")
end)

check.case("new study: its rows are trained and compared", function()
  expect("new study better", 0, "--check")
  expect("study better.lua --seeds 1", 0, "rate 1e-3")
end)

check.case("new dataset: read where its pictures are", function()
  expect("new dataset pictures", 0, "pictures/images")
  for i = 1, 5 do
    local mask = tensor.zeros(32, 32)
    mask:narrow(1, 4 * i, 4):fill(1)
    for _, at in ipairs { "images", "masks" } do assert(files.make_folder(folder .. "/pictures/" .. at)) end
    assert(image.save(("%s/pictures/images/%d.png"):format(folder, i), tensor.rand(32, 32)))
    assert(image.save(("%s/pictures/masks/%d.png"):format(folder, i), mask))
  end
  expect("check pictures.lua", 0, "nothing is wrong")
  expect("train mine.lua --epochs 1 --quiet --run runs/own --set data.set=pictures.lua --set data.options={} --set data.val=false", 0)
end)

check.case("new: nothing is written over, wrong words are wrong use", function()
  expect("new recipe mine", 1, "exists already")
  expect("new recip x", 2, "did you mean 'recipe'")
  expect("new recipe", 2, "a name")
  expect("new recipe ../x", 2, "letters, digits")
  expect("new model unet", 2, "already")
  check.ok(not files.exists(folder .. "/unet.lua"), "written")
end)
