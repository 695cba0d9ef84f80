--- ramus report of a study: its file or its results as one argument, seeds pooled, paired differences; several seeds of one recipe among runs.
local check = require "check"
local cjson = require "cjson"
local compare = require "ramus.data.metrics.compare"
local files = require "ramus.base.files"
local ra = require "ramus"
local report = require "ramus.report.report"
local results = require "ramus.study.results"
local study_page = require "ramus.report.study_page"
local sh = require("processes").sh

local folder = files.absolute(check.folder "report_study")
local binary = files.absolute(require("processes").executable(check.root))

local HOSTILE = "<img src=x onerror=alert(1)> & \"it\""

--- A line of results: scores = { [score] = list of Dice }.
local function line(row, recipe, seed, scores, more)
  local hash = recipe:rep(64):sub(1, 64)
  local l = { cell = ("%s-%d"):format(hash:sub(1, 16), seed), recipe = hash, study = "made", row = row, seed = seed, isa = "plain", compiler = "cc",
    processor = "none", threads = 1, build = { version = "0", commit = "c", kernels = "k" }, weights = { last = "0" },
    cost = { seconds = 60 * seed, cpu_seconds = 2, steps = 3, parameters = 4, peak_mb = 5 }, data = { set = "phantom", hash = "0" }, scores = {},
    curve = { epoch = { 0, 1, 2 }, loss = { 1, 0.5, 0.1 * seed }, val = { 0.1, 0.2, 0.3 },
      terms = { epoch = { 0, 2 }, gradient = { ["dice@out"] = { 0.1, 0.01 }, ["bce@side1"] = { 0.2, 0.02 } } } } }
  for key, list in pairs(scores) do
    local ids = {}
    for i = 1, #list do ids[i] = (more and more.ids or "") .. i end
    l.scores[key] = { pictures = ids, outputs = { out = { dice = list, hd95 = list } },
      protocol = { set = "phantom", data_hash = "0", output = "out", pictures = #list, split = "usual", threshold = 0.5 } }
  end
  if more and more.failed then l.failed, l.scores = more.failed, {} end
  return l
end

--- Writes lines as a file of results; its path.
local function write(name, lines)
  local path = ("%s/%s.jsonl"):format(folder, name)
  for _, l in ipairs(lines) do assert(results.append(path, l)) end
  return path
end

--- Dice of 12 images around a base, a seed apart.
local function scores_of(base, seed)
  local list = {}
  for i = 1, 12 do list[i] = tonumber(("%.4f"):format(base + (0.01 + base / 50) * i + 0.002 * seed)) end -- no two differences are the same
  return list
end

local lines, base, up = {}, {}, {}
for seed = 1, 3 do
  base[seed], up[seed] = scores_of(0.5, seed), scores_of(0.53, seed)
  up[seed][1] = tonumber(("%.4f"):format(up[seed][1] - 0.0103))
  lines[#lines + 1] = line("base", "a", seed, { ["phantom:test"] = base[seed], ["elsewhere:test"] = base[seed] })
  lines[#lines + 1] = line(HOSTILE, "b", seed, { ["phantom:test"] = up[seed] })
end
lines[#lines + 1] = line("broken", "c", 1, {}, { failed = "the loss is not finite" })
local path = write("made", lines)
assert(files.write(path, assert(files.read(path)) .. '{"cell":"cut'))

check.case("report of results: rows, seeds pooled, differences as data/metrics/compare.lua has them", function()
  local loaded = assert(study_page.load(path, {}))
  check.equal(loaded.trainings, 7)
  check.equal(loaded.results, 6)
  check.equal(loaded.failed, 1)
  check.equal(loaded.damaged, 1)
  local t = loaded.list[1]
  check.equal(t.blocks[1].key, "phantom:test", "the set that the rows are trained on is first")
  local first, second = t.blocks[1].rows[1], t.blocks[1].rows[2]
  check.equal(first.row.name, "base")
  check.near(first.mean, compare.mean(base).mean, 1e-9)
  check.near(first.low, compare.mean(base).low, 1e-9)
  local d = compare.paired(up, base)
  check.equal(second.difference.against, "base")
  check.near(second.difference.mean, d.mean, 1e-6)
  check.near(second.difference.p, d.p, 1e-9)
  check.near(second.by_picture[1], (up[1][1] + up[2][1] + up[3][1]) / 3, 1e-6)
end)

check.case("report of results: the page holds every part, and texts stay texts", function()
  local file = folder .. "/made.html"
  local made = assert(report.study(path, { output = file }))
  local text = assert(files.read(file))
  check.equal(made.bytes, #text)
  check.equal(made.rows, 3)
  for _, wanted in ipairs { "3 rows, 7 trainings: 6 with results, 1 failed, 1 damaged lines", "dice on phantom:test", "dice on elsewhere:test", "3 of 3",
    ("%.4f"):format(compare.mean(base).mean), ("%+.4f"):format(compare.paired(up, base).mean), "▲ better", "broken: failed", "by seed", "seed 3",
    "the loss is not finite", "Training loss", "Validation Dice", "Gradient norm of each term", "bce@side1", "Cost of one training", "2:00", "Protocol",
    "Ramus 0, commit c", "better than base", "dice of every image" } do
    check.ok(text:find(wanted, 1, true), "the page does not say " .. wanted)
  end
  check.ok(not text:find("<img src=x", 1, true), "a row's name is markup")
  check.ok(text:find("&lt;img src=x", 1, true), "a row's name is missing")
  check.ok(not text:find("nan", 1, true), "a number that is none")
  local ids = {}
  for id in text:gmatch ' id="([^"]*)"' do
    check.ok(not ids[id], "the id " .. id .. " stands twice")
    ids[id] = true
  end
end)

check.case("report of results: rows, control and metrics can be chosen; wrong names are answered with the nearest", function()
  local loaded = assert(study_page.load(path, { only = { "base", "<img*" }, against = HOSTILE, metrics = { "hd95" } }))
  local block = loaded.list[1].blocks[1]
  check.equal(#block.rows, 2)
  check.equal(block.metric, "hd95")
  check.equal(block.rows[1].difference.against, HOSTILE)
  check.equal(block.rows[1].difference.verdict, "better", "less of hd95 is better")
  for wanted, o in pairs { ["did you mean 'base'"] = { only = { "bse" } }, ["against: unknown row"] = { against = "none" },
    ["unknown metric"] = { metrics = { "dise" } } } do
    check.fails(wanted, study_page.load, path, o)
  end
end)

check.case("report of results: folds of a row are one, a row that was changed is two", function()
  local folds = write("folds", { line("cv", "a", 1, { ["phantom:test"] = { 0.5, 0.6 } }, { ids = "a" }),
    line("cv", "b", 1, { ["phantom:test"] = { 0.7, 0.8 } }, { ids = "b" }) })
  local rows = assert(study_page.load(folds, {})).list[1].blocks[1].rows
  check.equal(#rows, 1)
  check.equal(rows[1].pictures, 4)
  check.near(rows[1].mean, 0.65, 1e-9)
  local changed = write("changed", { line("x", "a", 1, { ["phantom:test"] = { 0.5, 0.6 } }), line("x", "b", 1, { ["phantom:test"] = { 0.7, 0.8 } }) })
  rows = assert(study_page.load(changed, {})).list[1].blocks[1].rows
  check.equal(rows[1].row.name, "x (aaaaaaaa)")
  check.equal(rows[2].row.name, "x (bbbbbbbb)")
end)

check.case("report of a study's file: its own tables; of one without results what to do", function()
  assert(files.write(folder .. "/recipe.lua", [[local ra = require "ramus"
return { name = "r", data = { set = "phantom", options = { size = 32, train = 2, val = 1, test = 3 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1 }]]))
  local file = folder .. "/s.lua"
  assert(files.write(file, [[return { title = "Two rates", recipe = "recipe.lua", seeds = { 1, 2 }, rows = { { name = "slow" },
    { name = "fast", set = { ["optim.lr"] = 0.1 }, without = { "augment" }, against = "slow" } } }]]))
  check.fails("without", study_page.load, file, {})
  assert(files.write(file, (assert(files.read(file)):gsub(', without = { "augment" }', ""))))
  local loaded, err = study_page.load(file, {})
  check.ok(not loaded and err:find("has no results yet: ramus study", 1, true), err)
  local study = assert(require("ramus.study.definition").load(file))
  for _, row in ipairs(study.rows) do
    for _, seed in ipairs(row.seeds) do
      local l = line(row.name, "d", seed, { ["phantom:test"] = scores_of(row.name == "slow" and 0.5 or 0.4, seed) })
      l.cell, l.recipe = study.cell_key(row.hash, seed), row.hash
      if not (row.name == "fast" and seed == 2) then assert(results.append(study.results, l)) end
    end
  end
  local made = assert(report.study(file, { output = folder .. "/s.html" }))
  check.equal(made.results, 3)
  check.equal(made.trainings, 4)
  local text = assert(files.read(folder .. "/s.html"))
  for _, wanted in ipairs { "Study Two rates", "optim.lr = 0.1", "1 not run yet", "mean of 1 of 2 seeds", "▼ worse" } do
    check.ok(text:find(wanted, 1, true), "the page does not say " .. wanted)
  end
end)

check.case("report: the command takes a study as one argument, and says what does not go together", function()
  local function run(words)
    return sh(("cd '%s' && '%s' report %s 2>&1"):format(folder, binary, words))
  end
  local out, status = run "made.jsonl --only base -o chosen.html --json"
  check.equal(status, 0, out)
  check.equal(cjson.decode(out:match "{.*}").trainings, 7)
  out, status = run "made.jsonl"
  check.equal(status, 0, out)
  check.ok(out:find("report.html: 0.", 1, true) and out:find("3 rows, 6 of 7 trainings", 1, true) and out:find("1 damaged line", 1, true), out)
  for words, wanted in pairs { ["made.jsonl folds.jsonl"] = "one study", ["made.jsonl --signs"] = "--signs is of runs",
    ["x --only a"] = "--only is of a study" } do
    out, status = run(words)
    check.equal(status, 2, out)
    check.ok(out:find(wanted, 1, true), out)
  end
  for words, wanted in pairs { ["none.jsonl"] = { 1, "no such results" }, ["none.lua"] = { 1, "no such study" },
    ["made.jsonl --only bse"] = { 2, "did you mean 'base'" }, ["recipe.lua"] = { 2, "is a recipe, not a study: ramus train recipe.lua" } } do
    out, status = run(words)
    check.equal(status, wanted[1], words .. ": " .. out)
    wanted = wanted[2]
    check.ok(out:find(wanted, 1, true), out)
    check.ok(not out:find("traceback", 1, true), out)
  end
end)

-- ---- runs of several seeds ----------------------------------------------------------------

local function train(name, width, seed, at)
  assert(ra.train({ name = name, data = { set = "phantom", options = { size = 32, train = 4, val = 2, test = 5 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = width }, supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2 },
    epochs = 2, seed = seed, log = { pictures = 0 } }, { run = ("%s/runs/%s"):format(folder, at), quiet = true, data_root = folder .. "/data" }))
end

check.case("report of runs: those whose recipes differ in the seed alone are pooled", function()
  local seeds, gather = require "ramus.report.seeds", require "ramus.report.gather"
  train("thin", 2, 1, "thin-1")
  train("thin", 2, 2, "thin-2")
  train("wide", 4, 1, "wide-1")
  local paths = { folder .. "/runs/thin-1", folder .. "/runs/thin-2", folder .. "/runs/wide-1" }
  local runs = assert(gather.runs(paths))
  local made = assert(seeds.of(runs))
  local html = require "ramus.report.html"
  local scores = {}
  for i, g in ipairs(runs) do scores[i] = require("ramus.report.compared").column(g, "dice") end
  local table_text = html.text(made.blocks[1].table)
  check.ok(table_text:find(("%.4f"):format(compare.mean({ scores[1], scores[2] }).mean), 1, true), table_text)
  check.ok(table_text:find("2 of 2", 1, true) and table_text:find("1 of 1", 1, true), table_text)
  check.ok(table_text:find(("%+.4f"):format(compare.paired({ scores[3] }, { scores[1] }).mean), 1, true), "the difference under the seed that both have")
  check.equal(seeds.of { runs[1], runs[3] }, nil, "one seed of each")
  local file = folder .. "/seeds.html"
  assert(report.write(paths, { output = file, pictures = false }))
  check.ok(assert(files.read(file)):find("Seeds together", 1, true), "no section")
  runs[3].recipe.name = "thin"
  check.ok(html.text(assert(seeds.of(runs)).blocks[1].table):find("thin (wide-1)", 1, true), "two recipes of one name are told apart")
end)

check.case("report of a study: in Chromium nothing fails, tabs move, axe-core finds nothing serious", function()
  local browser = dofile(check.root .. "/tests/browser/browser.lua")
  browser.wanted()
  assert(report.study(path, { output = folder .. "/browser.html" }))
  browser.report(folder .. "/browser.html", "Study made", function(view, where)
    check.ok(view.pointer:find("base", 1, true), where .. "numbers at the pointer: " .. view.pointer)
  end)
end)
