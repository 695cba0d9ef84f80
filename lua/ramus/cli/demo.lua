--- ramus demo (and make demo): trains recipes/demo.lua on synthetic angiograms,
-- evaluates it on images it has not seen, and scores Frangi's filter on the same
-- images as the baseline that it must beat. Returns true, or nil, a message and "interrupted".
local baseline = require "ramus.train.baseline"
local ffi = require "ramus.base.ffi"
local data = require "ramus.data.sets"
local files = require "ramus.base.files"
local progress = require "ramus.base.progress"
local recipe = require "ramus.train.recipe"

--- recipes/demo.lua beside the Lua files, in the tree and installed.
local function recipe_path()
  local here = debug.getinfo(1, "S").source:match("^@(.*)cli/demo%.lua$") or "./"
  return here .. "../../recipes/demo.lua"
end

local SHOWN = { { "dice", "Dice" }, { "iou", "IoU" }, { "sensitivity", "sensitivity" }, { "precision", "precision" }, { "cldice", "clDice" },
  { "roc_auc", "ROC AUC" }, { "hd95", "HD95 (pixels)" } }

--- Mean and standard deviation over images, the filter beside the net.
local function comparison(filter, net, pictures)
  local lines = { ("%-20s %18s %18s"):format(("%d test images"):format(pictures), "Frangi filter", "U-Net, this run") }
  for _, key in ipairs(SHOWN) do
    local function cell(summary)
      local s = summary.per_image[key[1]]
      return ("%.3f +- %.3f"):format(s.mean, s.sd)
    end
    lines[#lines + 1] = ("%-20s %18s %18s"):format(key[2], cell(filter), cell(net))
  end
  lines[#lines + 1] = "mean and standard deviation over images; the net's threshold is 0.5, the filter's is tuned on the training images"
  return table.concat(lines, "\n")
end

return function(given)
  local started = ffi.C.ra_clock()
  local out = progress.new {}
  local r, err = recipe.load(recipe_path())
  if not r then return nil, err end
  local run = given.run or "runs/demo"
  local data_root = given.data_root or run .. "/data" -- the images are made here, beside the run
  local result, kind
  result, err, kind = require "ramus.train.trainer" (r, { run = run, data_root = data_root, offline = true })
  if not result then return nil, err, kind end
  out:line("scoring Frangi's vesselness filter on the same images")
  local set
  set, err = data.set(r.data.set, { options = r.data.options, split = r.data.split, data_root = data_root, offline = true })
  if not set then return nil, err end
  local bar
  bar, err = baseline.frangi { train = set.splits.train, test = set.splits.test }
  if not bar then return nil, err end
  local text = comparison(bar.summary, result.evaluation, #set.splits.test)
  local ok
  ok, err = files.write(run .. "/table.txt", text .. "\n")
  if not ok then return nil, err end
  out:answer("\n" .. text .. "\n")
  for _, line in ipairs {
    ("%s/table.txt   this table; every score is in eval.txt and eval.json"):format(run),
    ("%s/pictures/   the test images: vessels found yellow, missed blue, false alarms orange"):format(run),
    ("%s/            recipe, checkpoints, metrics.jsonl, log.txt"):format(run),
    ("made in %s; for images of your own: build/ramus predict %s IMAGE... -o FOLDER"):format(
      progress.time(ffi.C.ra_clock() - started), run),
  } do out:line(line) end
  local net, filter = result.evaluation.per_image.dice.mean, bar.summary.per_image.dice.mean
  if not (net > filter) then return nil, ("the net (Dice %.3f) does not beat the filter (%.3f)"):format(net, filter) end
  return true
end
