--- ls, show, diff, replay and gc, driven as commands on runs of phantoms.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"
local ra = require "ramus"

local folder = check.folder "runs_verbs"
local binary = files.absolute(processes.executable(check.root))
local environment = ("env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 NO_COLOR=1 "):format(folder, folder)

local function ramus(arguments) return processes.sh(("cd %s && %s%s %s"):format(folder, environment, binary, arguments)) end

local function expect(arguments, status, part)
  local text, got = ramus(arguments)
  check.equal(got, status, ("ramus %s: exit status\n%s"):format(arguments, text))
  check.ok(not part or text:find(part, 1, true), ("ramus %s: wanted '%s' in\n%s"):format(arguments, tostring(part), text))
  return text
end

assert(files.write(folder .. "/recipe.lua", [[
local ra = require "ramus"
return { name = "first", data = { set = "phantom", options = { size = 32, train = 3, val = 1, test = 2 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, log = { pictures = 1 } }
]]))
expect("train recipe.lua --quiet", 0)
expect("train recipe.lua --quiet --set optim.lr=3e-3 --run runs/other", 0)
expect("train recipe.lua --quiet --run runs/short --epochs 1", 0)
-- What an interruption leaves: a run of more epochs that were not trained.
assert(files.write(folder .. "/runs/short/resolved.json", (assert(files.read(folder .. "/runs/short/resolved.json")):gsub('"epochs":1', '"epochs":5'))))

check.case("ls: runs with state, epochs and scores; states; order; the same as JSON", function()
  local text = expect("ls", 0)
  check.ok(text:match "runs/first +done +2/2 +0%.%d+ +0%.%d+ ", text)
  check.ok(text:match "runs/short +stopped +1/5", text)
  check.ok(not expect("ls --state done", 0):find("short", 1, true), "a stopped run among the done ones")
  local list = json.decode(expect("ls runs --json --sort test", 0)).runs
  check.equal(#list, 3)
  check.ok(list[1].test >= list[2].test and list[2].test >= list[3].test, "order")
  check.ok(list[1].changed:match "^%d%d%d%d%-%d%d%-%d%dT", list[1].changed)
  check.ok(list[1].bytes > 5000 and list[1].of == 2)
  expect("ls --state don", 2, "did you mean 'done'")
  expect("ls --sort dat", 2, "did you mean 'date'")
  expect("ls none", 1, "none")
  expect("ls data", 0, "no run")
end)

check.case("ls: a run that a process holds is running; one whose log ends in an error failed", function()
  local release = assert(files.lock(folder .. "/runs/short/lock"))
  local text = expect("ls", 0)
  release()
  check.ok(text:match "runs/short +running", text)
  local log = assert(files.read(folder .. "/runs/short/log.txt"))
  assert(files.write(folder .. "/runs/short/log.txt", log .. "stopped: the loss is not finite\n"))
  local f = json.decode(expect("ls --state failed --json", 0)).runs
  assert(files.write(folder .. "/runs/short/log.txt", log))
  check.equal(#f, 1)
  check.equal(f[1].why, "the loss is not finite")
end)

check.case("ls and show: results of a study", function()
  local here = files.absolute(check.root) .. "/docs/results"
  local by_name = {}
  for _, s in ipairs(json.decode(expect("ls " .. here .. " --json", 0)).studies) do by_name[s.name] = s end
  check.ok(by_name.paper and by_name.paper.cells >= 19 and #by_name.paper.rows > 3, "paper, whatever studies stand beside it")
  expect("show " .. here .. "/paper.jsonl", 0, "cimat80:test")
end)

check.case("show: a run, checkpoint, model, arrays, data set, scores and picture", function()
  local text = expect("show runs/first", 0, "best.safetensors")
  check.ok(text:match "parameters +%d+" and text:match "dice +0%.%d%d%d%d" and text:find("phantom", 1, true), text)
  local c = json.decode(expect("show runs/first/last.safetensors --json", 0))
  check.equal(c.kind, "checkpoint")
  check.equal(c.state.complete, true)
  local net = assert(ra.load_model(folder .. "/runs/first/last.safetensors"))
  check.equal(c.parameters, net:count())
  assert(net:save(folder .. "/net.safetensors"))
  check.equal(json.decode(expect("show net.safetensors --json", 0)).kind, "model")
  assert(ra.save(folder .. "/a.npz", { x = ra.zeros(2, 3) }))
  check.ok(expect("show a.npz", 0):match "x +%S+ +%[2,3%]")
  assert(ra.save(folder .. "/a.npy", ra.zeros(4, 5)))
  expect("show a.npy", 0, "[4,5]")
  for _, name in ipairs(assert(files.list(folder .. "/data"))) do expect("show data/" .. name, 0, "train = 3") end
  expect("show runs/first/eval.json", 0, "zero_rule")
  expect("show runs/first/pictures/" .. files.list(folder .. "/runs/first/pictures")[1], 0, "width")
  expect("show none", 1, "no file or folder none")
  expect("show recipe.lua", 1, "is a program")
  expect("show runs", 1, "ramus ls runs")
  expect("show", 2, "one file or folder")
end)

check.case("diff: only what differs", function()
  local text = expect("diff runs/first runs/other", 0, "optim.lr")
  check.ok(not text:find("supervise", 1, true), text)
  check.ok(text:match "optim%.lr +0%.01 +0%.003" and text:match "\n +roc_auc +0" and text:match "\n +last +%x+ +%x+", text)
  expect("diff runs/first runs/first", 0, "nothing differs")
  check.equal(json.decode(expect("diff runs/first runs/first/ --json", 0)).same, true)
  local d = json.decode(expect("diff runs/first/last.safetensors runs/other/last.safetensors --json", 0))
  check.equal(d.same, false)
  expect("diff runs/first net.safetensors", 2, "two of one kind")
  expect("diff runs/first", 2, "given 1")
end)

check.case("diff: images of which another file was trained on", function()
  processes.sh(("cp -r %s/runs/first %s/changed"):format(folder, folder))
  local path = folder .. "/changed/samples.json"
  assert(files.write(path, (assert(files.read(path)):gsub('(%["test\\/1.png",")%x%x%x%x', "%1beef"))))
  local text = expect("diff runs/first changed", 0, "test: test/1")
  check.ok(text:find("beef", 1, true) and not text:find("test/2", 1, true), text)
end)

check.case("replay: asks, trains again, finds the same bits, and says where they are not", function()
  expect("replay runs/first", 2, "--yes")
  check.ok(not files.exists(folder .. "/runs/first-replay"), "trained without being asked")
  local text = expect("replay runs/first --yes", 0, "the same bits")
  check.ok(not text:find("DIFFER", 1, true), text)
  local r = json.decode(expect("replay runs/first --yes --json --run runs/third", 0))
  check.equal(r.same, true)
  processes.sh(("cp %s/runs/other/*.safetensors %s/changed/"):format(folder, folder))
  expect("replay changed --yes", 1, "DIFFER")
  expect("replay runs/short --yes", 1, "is stopped")
  expect("replay none --yes", 1, "none")
  assert(files.write(folder .. "/changed/recipe.lua", "error 'it was run'"))
  assert(files.write(folder .. "/changed/resolved.lua", "error 'it was run'"))
  expect("replay changed", 2, "--yes")
  expect("show changed", 0)
  expect("replay changed --yes", 2, "it was run")
  expect("replay changed --yes --recipe recipe.lua --run again", 1, "DIFFER")
end)

check.case("gc: lists, deletes with --yes only, and nothing that is new or a run", function()
  assert(files.make_folder(folder .. "/data/.old.work"))
  assert(files.write(folder .. "/data/.old.work/x", ("x"):rep(1000)))
  processes.sh(("touch -d '2 hours ago' %s/data/.old.work/x"):format(folder))
  assert(files.write(folder .. "/data/fresh.part", "x"))
  assert(files.make_folder(folder .. "/cache/ramus/sums"))
  assert(files.write(folder .. "/cache/ramus/sums/a", ("x"):rep(500)))
  local text = expect("gc", 0, "nothing was deleted")
  check.ok(text:find(".old.work", 1, true) and not text:find("fresh", 1, true) and not text:find("phantom", 1, true), text)
  check.ok(files.exists(folder .. "/data/.old.work/x"), "deleted without --yes")
  check.ok(expect("gc --all", 0):match "data set +[%d.]+ KB +%S+phantom")
  local r = json.decode(expect("gc --yes --json", 0))
  check.ok(r.freed == r.bytes and r.freed >= 1500, "freed")
  check.ok(not files.exists(folder .. "/data/.old.work") and not files.exists(folder .. "/cache/ramus/sums"), "still there")
  check.ok(files.exists(folder .. "/data/fresh.part") and files.is_folder(folder .. "/runs/first"), "deleted too much")
  os.remove(folder .. "/data/fresh.part")
  expect("gc none", 1, "no folder none")
end)

check.case("watch: once where there is no terminal: state, curves, every term", function()
  local text = expect("watch runs/first", 0, "done, epoch 2 of 2")
  check.ok(text:match "dice@out +0%.%d%d%d%d" and text:match "loss %d" and text:match "val dice\n", text)
  for line in text:gmatch "[^\n]+" do check.ok(#line:gsub("[\128-\191]", "") <= 80, line) end
  check.ok(text:match "\n[%w_]+%.png\n", "a picture of a run that has ended: " .. text)
  local release = assert(files.lock(folder .. "/runs/short/lock"))
  text = expect("watch runs/short --once", 0, "running, epoch 1 of 5, ETA ")
  release()
  check.ok(not text:match "\nloss\n", "a curve of one epoch")
  release = assert(files.lock(folder .. "/runs/short/lock"))
  text = expect("watch runs/short", 0, " under the newest checkpoint")
  check.ok(not text:find("\27", 1, true), "an escape byte where no terminal is")
  check.ok(not expect("watch runs/short --no-picture", 0):find("checkpoint", 1, true), "--no-picture")
  release()
  expect("train recipe.lua --quiet --set data.options.val=0 --run runs/no_val", 0)
  release = assert(files.lock(folder .. "/runs/no_val/lock"))
  expect("watch runs/no_val", 0, "test/1 under the newest checkpoint") -- the set has no validation split, which recipes name unless told otherwise
  release()
  check.equal(json.decode(expect("watch runs/first --json", 0)).state, "done")
  expect("watch none", 1, "none")
  expect("watch", 2, "one run")
end)

check.case("trend: the ends of a list are at the ends of its lines", function()
  local trend = require "ramus.draw.trend"
  local lines, low, high = trend.lines({ 0, 1 }, { width = 4, height = 2, plain = true })
  check.ok(lines[1]:match "%*$" and lines[2]:match "^%*" and not lines[1]:match "^%*", table.concat(lines, "|"))
  check.ok(low == 0 and high == 1)
  lines = trend.lines({ 1, 1 }, { width = 3, height = 1 })
  check.equal(#lines[1], 9) -- three characters of braille
  check.ok(not trend.lines({ 1 }, { width = 3, height = 1 }) and not trend.lines({ 0, math.huge }, { width = 3, height = 1 }))
end)

check.case("train --dry-run: cost and schedule, and nothing is written", function()
  local before = processes.sh("find " .. folder .. " -type f | sort | xargs sha256sum")
  local text = expect("train recipe.lua --dry-run --run runs/none", 0, "nothing was written")
  check.ok(text:match "images test 2, train 3, val 1" and text:match "rate +0%.01 in epoch 0" and text:match "cost +%S+ s a batch", text)
  local d = json.decode(expect("train recipe.lua --dry-run --json", 0))
  check.ok(d.batches == 2 and d.epochs == 2 and d.seconds_per_batch > 0 and d.earlier.state == "done", "facts")
  local absent = "train recipe.lua --dry-run --set data.options.size=40"
  local advice = expect(absent, 1, "run: ramus fetch phantom"):match "run: ramus ([^\n]+)"
  local after = processes.sh("find " .. folder .. " -type f -not -path '*/cache/*' | sort | xargs sha256sum")
  for line in after:gmatch "[^\n]+" do check.ok(before:find(line, 1, true), "written: " .. line) end
  expect(advice, 0) -- what the message says to run brings the set that was missing
  expect(absent, 0, "40x40")
end)

check.case("progress: several live lines, then one again", function()
  local written = {}
  local to = { write = function(self, ...) written[#written + 1] = table.concat({ ... }); return self end, flush = function() end }
  local p = require("ramus.base.progress").new {}
  p.to, p.live = to, true
  p:update("epoch 1\n  dice 0.5", true)
  check.ok(table.concat(written):find("epoch 1\n  dice 0.5", 1, true), "two lines")
  p:update("epoch 2", true)
  local text = table.concat(written)
  check.ok(text:find("\27[1A\27[J", 1, true) and text:match "epoch 2 *$", text) -- both are taken away first
  check.ok(p.height == nil and p.width == #"epoch 2")
end)
