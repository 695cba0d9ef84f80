--- make demo: trains recipes/demo.lua on synthetic angiograms, scores it on held-out ones,
-- scores a classical vesselness filter (Frangi) on the same pictures, and says where to look.
local ra = require "ramus"
local baseline = require "ramus.baseline"
local dataset = require "ramus.dataset"
local evaluate = require "ramus.evaluate"
local files = require "ramus.files"
local recipe_module = require "ramus.recipe"

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local run = arg[1] or here .. "/../runs/demo"
if here == "tests" and not arg[1] then run = "runs/demo" end
local clock = require("ramus.ffi").C.ra_clock
local start = clock()

local function stop(err)
  io.stderr:write("demo: ", tostring(err), "\n")
  os.exit(1, true)
end

local recipe, err = recipe_module.load(here .. "/../recipes/demo.lua")
if not recipe then stop(err) end
-- the pictures are made here, beside the run; no network is asked
local data_root = run .. "/data"
local result, message, kind = ra.train(recipe, { run = run, data_root = data_root, offline = true, evaluate = false })
if kind == "interrupted" then os.exit(130, true) end
if not result then stop(message) end

local set
set, err = dataset.open(recipe.data.set, { root = data_root, options = recipe.data.options })
if not set then stop(err) end
local scores
scores, err = evaluate(run, { data_root = data_root, offline = true, pictures = recipe.log.pictures, folder = run .. "/pictures" })
if not scores then stop(err) end
print("\nFrangi's vesselness filter, tuned on the training pictures, on the same held-out ones ...")
local bar
bar, err = baseline.frangi { train = set.splits.train, test = set.splits.test }
if not bar then stop(err) end

local keys = { { "dice", "Dice" }, { "iou", "IoU" }, { "sensitivity", "sensitivity" }, { "precision", "precision" }, { "cldice", "clDice" },
  { "roc_auc", "ROC AUC" }, { "pr_auc", "PR AUC" }, { "hd95", "HD95 (pixels)" } }
local lines = { ("%-16s %16s %16s"):format(("%d test pictures"):format(#set.splits.test), "Frangi filter", "this net") }
for _, key in ipairs(keys) do
  local function cell(summary)
    local s = summary.per_image and summary.per_image[key[1]] or summary[key[1]]
    return s and s.mean and ("%.4f +- %.4f"):format(s.mean, s.sd or 0) or "-"
  end
  lines[#lines + 1] = ("%-16s %16s %16s"):format(key[2], cell(bar.summary), cell(scores))
end
local text = table.concat(lines, "\n") .. "\nmean and standard deviation over pictures; threshold of the net 0.5, of the filter tuned on the training pictures\n"
print("\n" .. text)
local ok
ok, err = files.write(run .. "/table.txt", text)
if not ok then stop(err) end
print(("%s/table.txt    this table; all scores in eval.txt and eval.json"):format(run))
print(("%s/pictures/    the held-out pictures: found vessels green, missed red, false alarms blue"):format(run))
print(("%s/             recipe, checkpoints, metrics.jsonl, log.txt"):format(run))
print(("made in %.0f s; the same command again only scores; to try it on pictures of yours:"):format(clock() - start))
print(("  build/ramus predict %s PICTURE... -o FOLDER"):format(run))
local net, filter = scores.per_image.dice.mean, bar.summary.per_image.dice.mean
if not (net > filter) then stop(("the net (Dice %.4f) does not beat the filter (%.4f)"):format(net, filter)) end
os.exit(0, true)
