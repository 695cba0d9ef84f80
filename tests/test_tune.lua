--- ramus tune: random search and Hyperband on phantoms; going on; wrong files.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"
local tune = require "ramus.study.tune"

local folder = check.folder "tune"
local binary = files.absolute(processes.executable(check.root))

local expect = processes.inside(folder, binary)

local function search(text, name) assert(files.write(("%s/%s.lua"):format(folder, name or "search"), "return { recipe = 'r.lua', " .. text .. " }")) end

assert(files.write(folder .. "/r.lua", [[
local ra = require "ramus"
return { name = "r", data = { set = "phantom", options = { size = 32, train = 2, val = 2, test = 1 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 3, log = { pictures = 0 } }
]]))
local LR = "search = { ['optim.lr'] = { 1e-4, 1e-1, log = true }, ['data.augment.rotate'] = { 0, 9, whole = true } }, "

check.case("tune: random trials, in the bounds, best first; more of them keep the earlier ones", function()
  search(LR .. "trials = 2")
  expect("tune search.lua --jobs 1", 0, "best: --set data.augment.rotate=")
  local first = json.decode(expect("tune search.lua --json", 0))
  local lines = select(2, assert(files.read(folder .. "/search-trials.jsonl")):gsub("\n", ""))
  check.equal(lines, 2)
  search(LR .. "trials = 3")
  local more = json.decode(expect("tune search.lua --json --jobs 1", 0))
  check.equal(#more.trials, 3)
  local best = 0
  for i, t in ipairs(more.trials) do
    local lr, turn = t.set["optim.lr"], t.set["data.augment.rotate"]
    check.ok(lr >= 1e-4 and lr <= 1e-1 and turn >= 0 and turn <= 9 and turn % 1 == 0, "bounds")
    if first.trials[i] then check.equal(t.set["optim.lr"], first.trials[i].set["optim.lr"]) end
    best = math.max(best, t.dice)
  end
  check.equal(more.best.dice, best)
  check.equal(select(2, assert(files.read(folder .. "/search-trials.jsonl")):gsub("\n", "")), 3)
end)

check.case("tune: Hyperband's brackets, as published for R = 81", function()
  local b = tune.brackets(81)
  local wanted = { { 81, 1, 5 }, { 34, 3, 4 }, { 15, 9, 3 }, { 8, 27, 2 }, { 5, 81, 1 } }
  for i, row in ipairs(wanted) do for k = 1, 3 do check.equal(b[i][k], row[k], ("bracket %d"):format(i)) end end
end)

check.case("tune: Hyperband goes on with the best third", function()
  search(LR .. "method = 'hyperband'", "hyper")
  local r = json.decode(expect("tune hyper.lua --json --jobs 1", 0))
  local short, long = {}, {}
  for _, t in ipairs(r.trials) do table.insert(t.epochs == 3 and long or short, t) end
  check.ok(#short == 3 and #long == 3, ("%d short, %d long"):format(#short, #long)) -- 3 with 1 epoch, 1 of them and 2 others with 3
  table.sort(short, function(a, b) return a.dice > b.dice end)
  check.equal(long[1].set["optim.lr"], short[1].set["optim.lr"])
  check.equal(r.best.epochs, 3)
end)

check.case("tune: wrong files are wrong use, before anything is trained", function()
  local function wrong(text, part)
    search(text, "wrong")
    expect("tune wrong.lua", 2, part)
  end
  wrong("search = { ['optim.lr'] = { 1, 1 } }", "LOW < HIGH")
  wrong("search = { ['optim.lr'] = { 0, 1, log = true } }", "LOW > 0")
  wrong("search = { ['optim.lrr'] = { 1e-3, 1e-2 } }", "lrr")
  wrong("search = {}", "names no field")
  wrong("search = { ['optim.lr'] = { 1e-3, 1e-2, lgo = true } }", "unknown option 'lgo'; did you mean 'log'?")
  wrong("search = { ['optim.lr'] = { among = { 1, 2 }, 3 } }", "unknown option '1'")
  wrong("search = { ['model.width'] = { 1.5, 3, whole = true } }", "whole wants whole numbers")
  for _, range in ipairs { "0, 1/0", "-1/0, 1", "-1e308, 1e308", "0/0, 1" } do wrong(("search = { ['optim.lr'] = { %s } }"):format(range), "wants") end
  wrong("search = { ['model.width'] = { among = {} } }", "wants a list")
  wrong("search = { seed = { 1, 9, whole = true } }", "search: seed: the best of several seeds is luck")
  wrong("search = { ['optim.lr'] = { 1e-3, 1e-2 }, epochs = { among = { 1, 2 } } }", "search: epochs: trials are compared after the same epochs")
  wrong("search = { ['data.split'] = { among = { '7:1:2', '7:1:2 seed 1' } } }", "search: data.split: scores on other pictures cannot be compared")
  assert(files.write(folder .. "/kept-trials.lua", "return 1"))
  search(LR, "kept")
  expect("tune kept.lua", 2, "not made by ramus tune")
  check.equal(files.read(folder .. "/kept-trials.lua"), "return 1")
  expect("tune none.lua", 1, "none.lua")
end)
