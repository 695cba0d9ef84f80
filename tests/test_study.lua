--- ramus study: the file, keys of cells, results, and tiny studies on phantoms from end to end.
local check = require "check"
local definition = require "ramus.study.definition"
local files = require "ramus.base.files"
local key = require "ramus.study.key"
local process = require "ramus.base.process"
local ra = require "ramus"
local recipe_module = require "ramus.train.recipe"
local results = require "ramus.study.results"
local sh = require("processes").sh

local folder = files.absolute(check.folder "study")
local binary = files.absolute(require("processes").executable(check.root))

local RECIPE = [[{ data = { set = "phantom", options = { size = 32, train = 2, test = 6 }, batch = 2, steps = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, epochs = 2, optim = ra.optim.adamw { lr = 1e-2 },
  supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = ra.loss.bce {} } } }]]

--- Writes a study of this text (rows and more); its path.
local function write(name, text)
  local path = ("%s/%s/%s.lua"):format(folder, name, name)
  assert(files.make_folder(folder .. "/" .. name))
  assert(files.write(path, ("local ra = require 'ramus'\nreturn { recipe = %s,\n%s }\n"):format(RECIPE, text)))
  return path
end

--- Runs the command in the folder of a study; what it printed, and its status.
local function run(path, more)
  return sh(("cd '%s' && RAMUS_THREADS=1 RAMUS_DATA='%s/data' '%s' study '%s' %s"):format(files.split(path), folder, binary, path, more or ""))
end

local function raw_recipe() return assert(loadstring("local ra = ... return " .. RECIPE))(ra) end

-- ---- the file ---------------------------------------------------------------------------

check.case("study: what is wrong in a file is said", function()
  for text, wanted in pairs {
    ["rows = {}"] = "names no row",
    ["rows = { { name = 'a' }, { name = 'a' } }"] = "two rows are named 'a'",
    ["rows = { { name = 'a', against = 'b' } }"] = "unknown row 'b'",
    ["rows = { { name = 'a', against = 'a' } }"] = "compared with itself",
    ["rows = { { name = 'a|b' } }"] = "must be letters",
    ["rows = { { nam = 'a' } }"] = "did you mean 'name'",
    ["rows = { { name = 'a' } }, metrics = { 'dise' }"] = "did you mean 'dice'",
    ["rows = { { name = 'a' } }, seeds = { 1, 1 }"] = "the seed 1 twice",
    ["rows = { { name = 'a' } }, seeds = { 1.5 }"] = "whole numbers",
    ["rows = { { name = 'a', set = { ['optim.rl'] = 1 } } }"] = "did you mean 'lr'",
    ["rows = { { name = 'a', set = { optimm = 1 } } }"] = "did you mean 'optim'",
    ["rows = { { name = 'a', without = { 'supervise.7' } } }"] = "no such field",
    ["rows = { { name = 'a', recipe = 'absent.lua' } }"] = "absent.lua",
    ["rows = { { name = 'a' } }, score = { 'absent:test' }"] = "absent",
    ["rows = { { name = 'a', weights = 'best' } }, set = { ['data.val'] = false }"] = "needs a validation split",
    ["rows = { { name = 'a' } }, tables = { { rows = { 'b*' } } }"] = "unknown row 'b*'",
    ["rows = { { name = 'a' } }, tables = { { score = { 'x' } } }"] = "unknown score 'x'",
  } do check.fails(wanted, definition.load, write("wrong", text)) end
  check.fails("no such study", definition.load, folder .. "/absent.lua")
  assert(files.write(folder .. "/number.lua", "return 1"))
  check.fails("a study returns a table", definition.load, folder .. "/number.lua")
  local text, status = run(write("wrong", "rows = {}"))
  check.equal(status, 2, text)
end)

check.case("study: rows, their recipes and cells", function()
  local s = assert(definition.load(write("rows", [[set = { ["data.batch"] = 1 }, seeds = { 4, 5 }, rows = { { name = "a" },
    { name = "b", set = { ["optim.lr"] = 1e-3, ["model.width"] = 3 }, without = { "supervise.1" }, against = "a" },
    { name = "same as a", set = { ["optim.lr"] = 1e-2 }, seeds = { 5, 6 } } }]])))
  check.equal(s.name, "rows")
  check.equal(s.results, folder .. "/rows/rows.jsonl")
  local b = s.by_name.b.recipe
  check.equal(b.optim.lr, 1e-3)
  check.equal(b.model.options.width, 3)
  check.equal(#b.supervise, 1)
  check.equal(b.supervise[1].loss.name, "bce")
  check.equal(b.data.batch, 1)
  check.equal(#s.cells, 5) -- a: 4, 5; b: 4, 5; the third row has seed 5 of a
  check.equal(table.concat(s.cells[2].rows, " + "), "a + same as a")
  check.equal(s.cells[5].recipe.seed, 6)
  check.equal(s.cells[1].scores[1].key, "phantom:test")
  s = assert(definition.load(s.path, { seeds = { 9 } }))
  check.equal(#s.cells, 2)
  check.equal(s.cells[1].seed, 9)
end)

check.case("study: the key of a recipe holds what decides its results, and nothing else", function()
  local function of(change)
    local raw = raw_recipe()
    raw.name = "r"
    change(raw)
    return key.of(assert(recipe_module.resolve(raw)))
  end
  local plain = of(function() end)
  for what, change in pairs {
    name = function(r) r.name = "other" end, seed = function(r) r.seed = 7 end, log = function(r) r.log = { pictures = 0 } end,
    ["a default"] = function(r) r.numerics = "fast" end, ["the scored split"] = function(r) r.data.test = "val" end,
    ["a default of the optimizer"] = function(r) r.optim = ra.optim.adamw { lr = 1e-2, beta1 = 0.9 } end,
    ["a default of the model"] = function(r) r.model = ra.models.unet { depth = 2, width = 2, sides = false } end,
    ["loader threads"] = function(r) r.data.threads = 2 end,
  } do check.equal(of(change), plain, what) end
  for what, change in pairs {
    epochs = function(r) r.epochs = 3 end, lr = function(r) r.optim = ra.optim.adamw { lr = 2e-2 } end, batch = function(r) r.data.batch = 1 end,
    loss = function(r) r.supervise[1].loss = ra.loss.dice { smooth = 2 } end, width = function(r) r.model = ra.models.unet { depth = 2, width = 3 } end,
    option = function(r) r.data.options.train = 3 end, weight = function(r) r.supervise[1].weight = ra.ramp(0, 1) end,
  } do check.ok(of(change) ~= plain, what) end
  local function own(width)
    return function(r)
      r.model = ra.model(function()
        local conv = ra.nn.conv2d { 1, width, k = 3, pad = 1 }
        local last = ra.nn.conv2d { width, 1, k = 1 }
        return function(x) return last(conv(x):relu()) end
      end)
    end
  end
  if pcall(own(2), raw_recipe()) then
    check.equal(of(own(2)), of(own(2)))
    check.ok(of(own(2)) ~= of(own(3)))
  end
end)

-- ---- results ----------------------------------------------------------------------------

check.case("study: results cut at every byte of the last line lose that line and no other", function()
  local path = folder .. "/lines.jsonl"
  assert(results.append(path, { cell = "a", n = 1 }))
  assert(results.append(path, { cell = "b", n = 2 }))
  assert(results.append(path, { cell = "a", n = 3 }))
  check.equal(results.read(path).a.n, 3)
  local text = files.read(path)
  local last = #text - #'{"cell":"a","n":3}\n'
  for cut = last, #text - 2 do
    assert(files.write(path, text:sub(1, cut)))
    local r = results.read(path)
    check.equal(r.a.n, 1)
    check.equal(r.b.n, 2)
    check.equal(r.damaged, cut > last and 1 or 0)
    assert(results.append(path, { cell = "c", n = 4 }))
    r = results.read(path)
    check.equal(r.c.n, 4)
    check.equal(r.a.n, 1)
  end
  assert(files.write(path, text:sub(1, -2))) -- an editor that leaves out the last end of a line
  check.equal(results.read(path).a.n, 3)
  assert(results.append(path, { cell = "c", n = 4 }))
  check.equal(results.read(path).a.n, 3)
  local _, gone = results.tidy(path, { "c", "a" })
  check.equal(gone, 1)
  check.equal(files.read(path), '{"cell":"c","n":4}\n{"cell":"a","n":3}\n{"cell":"b","n":2}\n')
  for _, junk in ipairs { "", "\n\n", "null\n", "[]\n", "{}\n", "{\"cell\":1}\n", "\0\n", ("["):rep(5000) .. "\n" } do
    assert(files.write(path, junk))
    check.equal(next(results.read(path)), nil)
  end
  check.equal(next(results.read(folder .. "/absent.jsonl")), nil)
end)

check.case("process: status, output, the end of what runs", function()
  local function ended(p)
    for _ = 1, 500 do
      local status = p:ended()
      if status then return status end
      require("ramus.base.ffi").C.ra_sleep(0.01)
    end
  end
  local log = folder .. "/process.txt"
  check.equal(ended(assert(process.start({ "sh", "-c", "echo $X; echo b >&2; exit 3" }, { output = log, environment = { X = "a c" } }))), 3)
  check.equal(files.read(log), "a c\nb\n")
  check.equal(ended(assert(process.start { "/no/such/program" })), 127)
  local p = assert(process.start { "sleep", "60" })
  check.equal(p:ended(), nil)
  p:stop()
  check.equal(ended(p), 128 + 15)
  p:stop() -- has ended: does nothing
  p = assert(process.start { "sleep", "60" })
  p:stop(true)
  check.equal(ended(p), 128 + 9)
  check.fails("wanted a program", process.start, {})
  check.fails("zero byte", process.start, { "a\0b" })
  check.fails("cannot write", process.start, { "true" }, { output = "/no/such/folder/x" })
end)

-- ---- whole studies ----------------------------------------------------------------------

local ROWS = [[rows = { { name = "both" }, { name = "dice", title = "Dice alone", without = { "supervise.2" }, against = "both" } }]]

check.case("study: runs, ends in a table, runs nothing again, and repairs what was cut", function()
  local path = write("tiny", ROWS .. ", seeds = { 1, 2 }, metrics = { 'dice', 'accuracy' }")
  local text, status = run(path)
  check.equal(status, 0, text)
  check.ok(text:find("both, seed 1: done", 1, true), text)
  check.ok(text:find("| Dice alone <sup>1</sup> | %d%.%d+ %[%d%.%d+, %d%.%d+%] | 2 x 6 | both | [+-]%d"), text)
  local made = files.read(folder .. "/tiny/tiny.jsonl")
  check.equal(select(2, made:gsub("\n", "")), 4)
  check.equal(#files.list(folder .. "/tiny/runs/tiny"), 0)
  local page = files.read(folder .. "/tiny/tiny.md")
  text, status = run(path)
  check.equal(status, 0, text)
  check.ok(not text:find("done in", 1, true), text)
  check.equal(files.read(folder .. "/tiny/tiny.jsonl"), made)
  assert(files.write(folder .. "/tiny/tiny.jsonl", made:sub(1, -30)))
  text, status = run(path)
  check.equal(status, 0, text)
  check.equal(select(2, text:gsub("done in", "")), 1, text)
  local again = results.read(folder .. "/tiny/tiny.jsonl")
  for line in made:gmatch "[^\n]+" do
    local one = require("cjson").decode(line)
    check.equal(again[one.cell].weights.last, one.weights.last)
    check.equal(#one.weights.last, 64)
    check.equal(#one.scores["phantom:test"].outputs.out.dice, 6)
  end
  local function scores(md) return (md:gsub("Cost of one training.*$", "")) end
  check.equal(scores(files.read(folder .. "/tiny/tiny.md")), scores(page))
  -- another question: every cell lacks it
  assert(files.write(path, (files.read(path):gsub("seeds = ", "score = { 'test', 'train' }, seeds = "))))
  text, status = run(path, "--only 'dic*' --keep")
  check.equal(status, 0, text)
  check.equal(select(2, text:gsub("done in", "")), 2, text)
  check.ok(text:find("dice on phantom:train", 1, true), text)
  check.equal(#files.list(folder .. "/tiny/runs/tiny"), 4) -- two runs, and what their processes printed
end)

check.case("study: a cell that fails is a line, and the others go on", function()
  local path = write("fails", [[rows = { { name = "bad", set = { ["optim.lr"] = 1e30 } }, { name = "good" } }, seeds = { 1 }, set = { epochs = 3 }]])
  local text, status = run(path)
  check.equal(status, 1, text)
  check.ok(text:find("bad, seed 1: failed", 1, true), text)
  check.ok(text:find("good, seed 1: done", 1, true), text)
  check.ok(text:find("<sup>1</sup> bad: failed, seed 1: epoch", 1, true), text)
  text, status = run(path) -- the loss was not finite: it would be so again
  check.equal(status, 1, text)
  check.ok(not text:find("seed 1: done", 1, true), text)
end)
