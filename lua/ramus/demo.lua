--- ramus demo: trains recipes/demo.lua on synthetic angiograms, evaluates it on
-- pictures it has not seen, and scores Frangi's filter on the same pictures as
-- the bar to clear. Returns the exit status.
local baseline = require "ramus.baseline"
local border = require "ramus.ffi"
local data = require "ramus.data"
local files = require "ramus.files"
local progress = require "ramus.progress"
local recipe = require "ramus.recipe"

--- recipes/demo.lua beside the Lua files, in the tree and installed.
local function recipe_path()
  local here = debug.getinfo(1, "S").source:match("^@(.*)demo%.lua$") or "./"
  return here .. "../../recipes/demo.lua"
end

local function row(name, summary)
  local function cell(key) return ("%.2f"):format(100 * summary.per_image[key].mean) end
  return ("%-34s %8s %8s %12s %8s"):format(name, cell "dice", cell "iou", cell "sensitivity", cell "cldice")
end

return function(given)
  local started = border.C.ra_clock()
  local out = progress.new {}
  local r, err = recipe.load(recipe_path())
  if not r then return nil, err end
  local run = given.run or "runs/demo"
  local result, kind
  result, err, kind = require "ramus.train" (r, { run = run, data_root = given.data_root })
  if not result then return nil, err, kind end
  out:line("scoring Frangi's vesselness filter on the same pictures, tuned on the training ones")
  local set
  set, err = data.set(r.data.set, { options = r.data.options, split = r.data.split, data_root = given.data_root })
  if not set then return nil, err end
  local bar
  bar, err = baseline.frangi { train = set.splits.train, test = set.splits.test }
  if not bar then return nil, err end
  local table_text = table.concat({
    ("%-34s %8s %8s %12s %8s"):format("mean over 12 test pictures, %", "Dice", "IoU", "sensitivity", "clDice"),
    row("Frangi filter (no learning)", bar.summary), row("U-Net, deep self-distillation", result.evaluation),
  }, "\n")
  local ok
  ok, err = files.write(run .. "/demo.txt", table_text .. "\n")
  if not ok then return nil, err end
  out:line(table_text)
  out:line(("done in %s; look at %s/pictures/*.png (yellow found, orange false, blue missed), %s/eval.txt, %s/resolved.lua")
    :format(progress.time(border.C.ra_clock() - started), run, run, run))
  return true
end
