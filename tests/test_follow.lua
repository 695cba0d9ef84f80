--- ra.follow: values that follow a validation score. Their text, values, arithmetic, and trainings that resume to the same bytes.
local check = require "check"
local files = require "ramus.base.files"
local key = require "ramus.study.key"
local processes = require "processes"
local ra = require "ramus"
local recipe_module = require "ramus.train.recipe"
local schedule = require "ramus.lang.schedule"

local folder = check.folder "follow"
local path = folder .. "/follow.lua"

assert(files.write(path, [[
local ra = require "ramus"
return {
  name = "x", data = { set = "phantom", options = { size = 32, train = 5, val = 2, test = 1 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2, sides = true },
  supervise = {
    { at = "out", loss = ra.loss.dice {}, weight = 1.5 - ra.follow("val.dice", { max = 1 }) },
    { at = "out", loss = ra.loss.tversky {}, weight = ra.follow("val.dice", { min = 0.1, times = 2, smooth = 0.5 }) },
    { at = "side1", loss = function(p, y) return ra.F.affine(ra.F.bce(p, y), { scale = ra.follow("loss", { start = 1 }) }) end, check = false },
    { at = "side1", loss = ra.loss.soft_target { alpha = ra.follow "val.dice" }, against = "self.out" },
  },
  optim = ra.optim.adamw { lr = 1e-2, schedule = ra.chain { { 1, 1 }, { 9, ra.follow("val.dice", { plus = 1, times = -1 }) } } },
  epochs = 6, seed = 4,
}
]]))

local function recipe(values) return recipe_module.load(path, { values = values }) end

local function train(name, values)
  return ra.train(assert(recipe(values)), { run = folder .. "/" .. name, quiet = true, evaluate = false, data_root = folder .. "/data" })
end

local function bytes(name, file) return files.read(("%s/%s/%s"):format(folder, name, file)) end

check.case("follow: values between min and max, a start, arithmetic, and the text that makes it again", function()
  local s = ra.follow("val.dice", { min = 0.2, max = 0.9, times = 2, start = 0.3 })
  check.near(s(0, 10), 0.6, 1e-12)
  check.near(s(3, 10, nil, nil, { ["val.dice"] = 0.7 }), 0.9, 1e-12)
  check.near(s(3, 10, nil, nil, { ["val.dice"] = 0 }), 0.2, 1e-12)
  check.equal(tostring(s), 'ra.follow{ "val.dice", max = 0.9, min = 0.2, plus = 0, smooth = 0, start = 0.3, times = 2 }')
  check.equal(schedule.text(s), "follows val.dice (max 0.9, min 0.2, start 0.3, times 2)")
  check.equal(schedule.text(ra.follow "loss"), "follows loss (min 0.01)")
  local again = assert(loadstring("local ra = require 'ramus' return " .. tostring(s)))()
  check.near(again(0, 10), 0.6, 1e-12)
  local seen = { ["val.dice"] = 0.5, ["val.dice smooth=0.9"] = 0.25 }
  check.near((1 - 0.5 * s)(1, 10, nil, nil, seen), 0.55, 1e-12)
  check.near(ra.follow("val.dice", { smooth = 0.9 })(1, 10, nil, nil, seen), 0.25, 1e-12)
  check.near(ra.warmup { n = 2, after = ra.chain { { 20, ra.restarts { of = s, every = 3 } } } }(4, 10, nil, nil, { ["val.dice"] = 0.4 }), 0.8, 1e-12)
  local names = {}
  for k in pairs(schedule.follows { 1, 2 * ra.warmup { n = 2, after = s } + ra.follow "loss" }) do names[#names + 1] = k end
  table.sort(names)
  check.equal(table.concat(names, " "), "loss val.dice")
end)

check.case("follow: what is refused", function()
  check.raises("val.dice", ra.follow, "val.iou")
  check.raises("min must be", ra.follow, "val.dice", { min = 0 })
  check.raises("max = 0.1 must not be below min = 0.5", ra.follow, "val.dice", { min = 0.5, max = 0.1 })
  local _, err = recipe { ["data.val"] = false }
  check.ok(err and err:find("a schedule follows val.dice, which needs a validation split, and data.val is false", 1, true), tostring(err))
end)

check.case("follow: weights, options and the rate follow the scores; killed and resumed to the same bytes", function()
  local line = assert(train("whole")).history
  check.equal(line[1].followed, nil)
  local dice = line[2].followed["val.dice"]
  check.near(dice, line[1].validation.dice, 1e-9)
  check.near(line[2].followed.loss, line[1].loss, 1e-9)
  check.near(line[3].followed["val.dice smooth=0.5"], (line[1].validation.dice + line[2].validation.dice) / 2, 1e-9)
  check.near(line[2].rate, 1e-2 * math.max(0.01, 1 - dice), 1e-9)
  local again = ("env RAMUS_DATA=%s/data %s train %s --run %s/killed"):format(folder, processes.executable(check.root), path, folder)
  for k = 1, 5, 2 do
    processes.sh(([[%s & pid=$!; n=0; while [ $(cat %s/killed/metrics.jsonl 2>/dev/null | wc -l) -lt %d ] && [ $n -lt 3000 ]; do
      sleep 0.01; n=$((n+1)); done; kill -9 $pid 2>/dev/null; wait $pid]]):format(again:gsub("^env", "exec env"), folder, k))
  end
  local text, status = processes.sh(again)
  check.equal(status, 0, text)
  check.ok(bytes("killed", "log.txt"):find("follows val.dice (min 0.1, smooth 0.5, times 2)", 1, true), bytes("killed", "log.txt"))
  check.ok(bytes("whole", "metrics.jsonl") == bytes("killed", "metrics.jsonl"), "metrics.jsonl differs")
  check.ok(bytes("whole", "last.safetensors") == bytes("killed", "last.safetensors"), "last.safetensors differs")
end)

check.case("follow: an extended run has the bytes of one that was planned so, also where validations are rarer than epochs", function()
  local rare = { epochs = 3, ["validate.every"] = 2 }
  assert(train("late", rare))
  rare.extend = 3
  assert(train("late", rare))
  assert(train("early", rare))
  check.ok(bytes("late", "metrics.jsonl") == bytes("early", "metrics.jsonl"), "metrics.jsonl differs")
  check.ok(bytes("late", "last.safetensors") == bytes("early", "last.safetensors"), "last.safetensors differs")
end)

check.case("follow: its text is part of a study's key", function()
  local function hash(min)
    return (key.of(assert(recipe { supervise = { { at = "out", loss = ra.loss.dice {}, weight = ra.follow("val.dice", { min = min }) } } })))
  end
  check.equal(hash(0.1), hash(0.1))
  check.ok(hash(0.1) ~= hash(0.2))
end)
