--- Cross-validation in studies: what the cells of folds are, what is refused, and the pictures of all folds in one comparison.
local check = require "check"
local definition = require "ramus.study.definition"
local files = require "ramus.base.files"
local ra = require "ramus"
local results = require "ramus.study.results"
local divisions = require "ramus.data.split"
local run_study = require "ramus.study.study"
local summary = require "ramus.study.summary"

local folder = files.absolute(check.folder "folds")

local RECIPE = [[{ data = { set = "phantom", options = { size = 32, train = 5, test = 4 }, split = %q, batch = 2, steps = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, epochs = 1, optim = ra.optim.adamw { lr = 1e-2 },
  supervise = { { at = "out", loss = ra.loss.dice {} } } }]]

local function write(name, text, split)
  local path = ("%s/%s/%s.lua"):format(folder, name, name)
  assert(files.make_folder(folder .. "/" .. name))
  assert(files.write(path, ("local ra = require 'ramus'\nreturn { recipe = %s,\n%s }\n"):format(RECIPE:format(split or "usual"), text)))
  return path
end

local function splits(study)
  local list = {}
  for i, c in ipairs(study.cells) do list[i] = c.recipe.data.split .. "/" .. c.seed end
  return table.concat(list, "; ")
end

check.case("folds: a cell for each fold and seed; the fold stands before a share for validation, and takes the split's seed", function()
  local s = assert(definition.load(write("plain", "rows = { { name = 'a' } }, folds = 2, seeds = { 1, 2 }")))
  check.equal(splits(s), "usual, test fold 1 of 2/1; usual, test fold 2 of 2/1; usual, test fold 1 of 2/2; usual, test fold 2 of 2/2")
  check.equal(s.cells[2].fold, "fold 2 of 2")
  s = assert(definition.load(write("val", "rows = { { name = 'a', folds = 3 }, { name = 'b' } }, seeds = { 1 }", "usual, val 20%")))
  check.equal(splits(s), "usual, test fold 1 of 3, val 20%/1; usual, test fold 2 of 3, val 20%/1; usual, test fold 3 of 3, val 20%/1; usual, val 20%/1")
  s = assert(definition.load(write("seed", "rows = { { name = 'a' } }, folds = 2, seeds = { 1 }", "7:3, seed 5, val 20%")))
  check.equal(s.cells[1].recipe.data.split, "7:3, seed 5, test fold 1 of 2 seed 5, val 20%")
  check.ok(s.cells[1].hash ~= s.cells[2].hash and s.cells[1].scores[1].facts.split_rule ~= s.cells[2].scores[1].facts.split_rule)
end)

check.case("folds: of a recipe's file, and of a row's own recipe", function()
  local path = write("file", "rows = { { name = 'a', recipe = 'recipe.lua' } }, folds = 2, seeds = { 1 }")
  assert(files.write(folder .. "/file/recipe.lua", "local ra = require 'ramus'\nlocal r = " .. RECIPE:format "usual" .. "\nr.name = 'r'\nreturn r\n"))
  local s = assert(definition.load(path))
  check.equal(splits(s), "usual, test fold 1 of 2/1; usual, test fold 2 of 2/1")
  check.ok(s.cells[1].key ~= s.cells[2].key)
end)

check.case("folds: rows without them have the cells that they had; what is refused", function()
  local with = assert(definition.load(write("both", "rows = { { name = 'a' }, { name = 'b', folds = 2 } }, seeds = { 1 }")))
  local without = assert(definition.load(write("one", "rows = { { name = 'a' } }, seeds = { 1 }")))
  check.equal(with.cells[1].key, without.cells[1].key)
  check.equal(with.cells[1].fold, nil)
  for text, wanted in pairs {
    ["folds = 1"] = "folds must be",
    ["folds = 2, score = { 'train' }"] = "'phantom:train' is not the test split of the row's own set",
    ["folds = 2, score = { { part = 'test', split = 'usual' } }"] = "is not the test split",
  } do check.fails(wanted, definition.load, write("wrong", "rows = { { name = 'a' } }, " .. text)) end
end)

check.case("folds: more than there are pictures, or groups of them, are refused before anything is trained, with what is possible", function()
  local samples = { { id = "1" }, { id = "2" }, { id = "3" }, { id = "4" } }
  assert(divisions.named({ name = "four", splits = {} }, samples, "usual, test fold 4 of 4"))
  for _, rule in ipairs { "test fold 5 of 5", "val fold 1 of 1000" } do
    check.fails("folds of 4 images: there can be 2 to 4", divisions.named, { name = "four", splits = {} }, samples, "usual, " .. rule)
  end
  local path = write("many", "rows = { { name = 'a' } }, folds = 20, seeds = { 1 }")
  for _, how in ipairs { { check = true }, {} } do
    how.runs, how.quiet, how.data_root = folder .. "/no_runs", true, folder .. "/data"
    check.fails("rows a: phantom: split 'usual, test fold 1 of 20': 20 folds of 9 images: there can be 2 to 9", run_study, path, how)
    check.ok(not files.exists((path:gsub("lua$", "jsonl"))), "a cell was trained")
  end
  samples = { { id = "1", group = "p" }, { id = "2", group = "p" }, { id = "3", group = "q" }, { id = "4", group = "q" } }
  check.fails("3 folds of 4 images, of 2 groups (patients, films) that stay on one side: there can be 2", divisions.named, { name = "four", splits = {} },
    samples, "usual, val fold 1 of 3")
end)

check.case("folds: every picture is scored once with each seed, and rows are compared on all of them", function()
  local path = write("run", "rows = { { name = 'a' }, { name = 'b', set = { ['optim.lr'] = 0.1 }, against = 'a' } }, folds = 3, seeds = { 1, 2 }")
  local result = assert(ra.study(path, { quiet = true, data_root = folder .. "/data", runs = folder .. "/runs" }))
  check.equal(#result.failed, 0)
  local a, b = unpack(result.tables[1].blocks[1].rows)
  check.equal(a.pictures .. " " .. a.seeds .. " " .. b.difference.n, "9 2 9")
  local study = assert(definition.load(path))
  local known = assert(results.read(study.results))
  local seen, sum, count = {}, 0, 0
  for _, c in ipairs(study.cells) do
    local s = known[c.key].scores["phantom:test"]
    for i, id in ipairs(s.pictures) do
      if c.rows[1] == "a" then
        seen[id .. "/" .. c.seed] = (seen[id .. "/" .. c.seed] or 0) + 1
        sum, count = sum + s.outputs.out.dice[i], count + 1
      end
    end
  end
  check.equal(count, 18)
  for id, n in pairs(seen) do check.equal(n, 1, id) end
  check.near(a.mean, sum / count, 1e-9)
  -- a fold that lacks its result leaves the seed out, and says so
  known[study.cells[2].key] = nil
  local row = summary.of(study, known)[1].blocks[1].rows[1]
  check.equal(row.seeds .. " of " .. row.wanted, "1 of 2")
end)
