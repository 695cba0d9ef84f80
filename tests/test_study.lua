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
    ["rows = { { name = 'a' } }, read = { 5 }"] = "read must be a list of files, given 5",
    ["rows = { { name = 'a' } }, tables = {}"] = "tables: names no table",
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
  check.equal(b.model, nil)
  check.equal(assert(definition.load(s.path, { rows = { b = true } })).by_name.b.recipe.model.options.width, 3)
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

--- A line of results with all that one has.
local function full_line(cell, n, scores)
  return { cell = cell, recipe = "r", isa = "i", compiler = "c", processor = "p", threads = 1, seed = n, n = n,
    build = { version = "1", commit = "2", kernels = "3" }, scores = scores or {}, weights = { last = "0" },
    cost = { seconds = 1, cpu_seconds = 1, steps = 1, parameters = 1 }, data = { set = "phantom", hash = "0" } }
end

check.case("study: results cut at every byte of the last line lose that line and no other", function()
  local path = folder .. "/lines.jsonl"
  assert(results.append(path, full_line("a", 1)))
  assert(results.append(path, full_line("b", 2)))
  assert(results.append(path, full_line("a", 3)))
  check.equal(results.read(path).a.n, 3)
  local text = files.read(path)
  local last = #text - #text:match "([^\n]*\n)$"
  for cut = last, #text - 2 do
    assert(files.write(path, text:sub(1, cut)))
    local r = results.read(path)
    check.equal(r.a.n, 1)
    check.equal(r.b.n, 2)
    check.equal(r.damaged, cut > last and 1 or 0)
    assert(results.append(path, full_line("c", 4)))
    r = results.read(path)
    check.equal(r.c.n, 4)
    check.equal(r.a.n, 1)
  end
  assert(files.write(path, text:sub(1, -2))) -- an editor that leaves out the last end of a line
  check.equal(results.read(path).a.n, 3)
  assert(results.append(path, full_line("c", 4)))
  check.equal(results.read(path).a.n, 3)
  local _, gone = results.tidy(path, { "c", "a" })
  check.equal(gone, 1)
  local order = {}
  for line in files.read(path):gmatch "[^\n]+" do order[#order + 1] = line:match '"cell":"(.)"' .. line:match '"n":(%d)' end
  check.equal(table.concat(order, " "), "c4 a3 b2")
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

-- ---- tables ---------------------------------------------------------------------------

--- Results of a study as if they had been run: scores[row][seed] = list; groups [opt] of the pictures.
local function made_up(study, scores, protocol_of, groups)
  local known = {}
  for _, row in ipairs(study.rows) do
    for seed, list in pairs(scores[row.name] or {}) do
      local p = { set = "phantom", edition = "full", split = "usual", pictures = #list, data_hash = "0", output = "out", threshold = 0.5,
        threshold_tuned = "not tuned", resize = "none", field_of_view = "the whole picture" }
      for k, v in pairs(protocol_of and protocol_of(row) or {}) do p[k] = v end
      local ids = {}
      for i = 1, #list do ids[i] = tostring(i) end
      local name = study.cell_key(row.hash, seed)
      known[name] = full_line(name, seed, { ["phantom:test"] = { pictures = ids, groups = groups, outputs = { out = { dice = list } }, protocol = p } })
    end
  end
  return known
end

check.case("study: pictures of one group count as one, and a footnote says so", function()
  local compare = require "ramus.data.metrics.compare"
  local summary, markdown = require "ramus.study.summary", require "ramus.study.markdown"
  local s = assert(definition.load(write("patients", [[seeds = { 1, 2 }, rows = { { name = "base" },
    { name = "up", set = { epochs = 3 }, against = "base" } }]])))
  local scores, groups = { base = {}, up = {} }, {}
  for i = 1, 12 do groups[i] = i < 12 and ("patient %d"):format((i + 1) / 2) or false end
  for seed = 1, 2 do
    scores.base[seed], scores.up[seed] = {}, {}
    for i = 1, 12 do
      local v = 0.5 + 0.01 * math.floor((i + 1) / 2) + 0.002 * seed
      scores.base[seed][i], scores.up[seed][i] = v, v + 0.02 + 0.001 * i
    end
  end
  local t = summary.of(s, made_up(s, scores, nil, groups))[1]
  local up = t.blocks[1].rows[2]
  local d = compare.paired(scores.up, scores.base, { groups = groups })
  check.equal(up.groups, 7)
  check.equal(up.low, compare.mean(scores.up, { groups = groups }).low)
  check.equal(up.difference.low, d.low)
  check.equal(up.difference.p, d.p)
  check.equal(up.difference.n, 7)
  local text = markdown.table(t)
  check.ok(text:find("its 12 pictures are of 7 groups (patients), which are drawn, and tested, as one each", 1, true), text)
end)

check.case("study: means, paired differences, Holm's correction, verdicts and footnotes of a table", function()
  local compare = require "ramus.data.metrics.compare"
  local summary, markdown, plain = require "ramus.study.summary", require "ramus.study.markdown", require "ramus.study.plain"
  local s = assert(definition.load(write("table", [[seeds = { 1, 2, 3 }, rows = { { name = "base" },
    { name = "up", set = { epochs = 3 }, against = "base" }, { name = "noise", set = { epochs = 4 }, against = "base" },
    { name = "other", set = { epochs = 5 }, against = "base" }, { name = "none", title = "a | b", set = { epochs = 6 }, against = "base" } }]])))
  local scores = { base = {}, up = {}, noise = {}, other = {} }
  for seed = 1, 3 do
    for name in pairs(scores) do scores[name][seed] = {} end
    for i = 1, 12 do
      local v = 0.5 + 0.01 * i + 0.002 * seed
      scores.base[seed][i], scores.up[seed][i] = v, v + 0.02 + 0.001 * i
      scores.noise[seed][i], scores.other[seed][i] = v + (i % 2 == 0 and 1 or -1) * 0.003 * i, v - 0.03 - 0.001 * i
    end
  end
  scores.noise[3] = nil
  scores.up[2][4] = require("cjson").null
  local known = made_up(s, scores, function(row) return row.name == "other" and { threshold = 0.4 } or nil end)
  local t = summary.of(s, known)[1]
  local rows, by = t.blocks[1].rows, {}
  for _, r in ipairs(rows) do by[r.row.name] = r end
  check.equal(t.tests, 3)
  local mean = compare.mean(scores.base)
  check.equal(by.base.mean, mean.mean)
  check.equal(by.base.low, mean.low)
  check.near(by.up.difference.mean, 0.02 + 0.001 * (6.5 * 2 + (78 - 4) / 11) / 3, 1e-9)
  local p = compare.holm { by.up.difference.p, by.noise.difference.p, by.other.difference.p }
  check.equal(by.up.difference.holm, p[1])
  check.equal(by.up.difference.verdict, "better")
  check.equal(by.other.difference.verdict, "worse")
  check.equal(by.noise.difference.verdict, "not distinguishable")
  check.equal(by.noise.difference.seeds, 2)
  check.equal(by.none.mean, nil)
  local text = markdown.table(t)
  check.ok(text:find("another protocol: threshold 0.4 instead of 0.5", 1, true), text)
  check.ok(text:find("mean of 2 of 3 seeds", 1, true), text)
  check.ok(text:find("| a \\| b | - | 0 x - |", 1, true), text)
  local csv = plain.csv(t)
  check.equal(select(2, csv:gsub("\n", "")), 6)
  check.ok(csv:find('\n[^\n]*,other,[^\n]*,worse,[^\n]*another protocol'), csv)
  local svg = require("ramus.study.figure").svg(t)
  check.equal(select(2, svg:gsub("<circle", "")), 4 + 3 + 3 + 2 + 3)
  check.ok(svg:find("a | b", 1, true) and not svg:find("nan") and not svg:find("inf"), svg)
  local curve_figure = require "ramus.study.curve_figure"
  check.equal(curve_figure.svg(t, "terms"), nil) -- no curves in these lines
  local null = require("cjson").null
  for i, entry in ipairs(t.blocks[1].rows) do
    entry.curves = i > 2 and {} or { { epoch = { 0, 1, 2 }, loss = { 3, 2, null }, terms = { epoch = { 0, 2 }, gradient = { ["dice@out"] = { 1e-3, 0 },
      ["mse@side2#3"] = { null, 2 } } }, outputs = { epoch = { 0, 2 }, out = { ["agreement.past"] = { null, 0.5 } } } } }
  end
  for what, lines in pairs { terms = 2 * 2 + 2, loss = 2 * 2, ["out agreement.past"] = 2 * 2, val = 0, ["side1 dice"] = 0 } do
    local picture = curve_figure.svg(t, what)
    check.equal(picture and select(2, picture:gsub("<polyline", "")) or 0, lines, what)
    check.ok(not (picture or ""):find "nan" and not (picture or ""):find "inf", what)
  end
  check.ok(curve_figure.wrong "gradients":find "OUTPUT WHAT" and not curve_figure.wrong "side1 dice")
  -- other pictures are never compared
  known = made_up(s, scores, function(row) return row.name == "other" and { data_hash = "1" } or nil end)
  t = summary.of(s, known)[1]
  check.equal(t.blocks[1].rows[4].difference, nil)
  check.ok(markdown.table(t):find("not compared with base: was scored on other pictures", 1, true))
end)

check.case("study: a page names the builds of its own rows, and a footnote only what differs", function()
  local summary, markdown = require "ramus.study.summary", require "ramus.study.markdown"
  local s = assert(definition.load(write("builds", [[seeds = { 1 }, rows = { { name = "a" }, { name = "b", set = { epochs = 3 } } },
    tables = { { name = "first", rows = { "a" } }, { name = "both", rows = { "a", "b" } } }]])))
  local known = made_up(s, { a = { { 0.5, 0.6 } }, b = { { 0.6, 0.8 } } }, function(row) return { split = row.name == "a" and
    "usual, train 5 (5 of 40 (seed 0)), part test" or "usual, train 10 (10 of 40 (seed 0)), part test" } end)
  for i, c in ipairs(s.cells) do known[c.key].build = { version = "9.9", commit = "commit" .. i, kernels = "k" } end
  local list = summary.of(s, known)
  check.equal(#list[1].builds, 1)
  check.equal(#list[2].builds, 2)
  check.equal(#list.builds, 2)
  local page = markdown.page(list[1], { command = "", figure = "" })
  check.ok(page:find("commit commit1", 1, true) and not page:find("commit2", 1, true), page)
  local text = markdown.table(list[2])
  check.ok(text:find("another protocol: split usual, train 10, part test instead of usual, train 5, part test", 1, true), text)
end)

check.case("study: a line with anything in the place of any of its fields breaks no table", function()
  local cjson, json = require "cjson", require "ramus.base.json"
  local summary, markdown, plain, figure = require "ramus.study.summary", require "ramus.study.markdown", require "ramus.study.plain",
    require "ramus.study.figure"
  local s = assert(definition.load(write("junk", "seeds = { 1 }, rows = { { name = 'a' }, { name = 'b', set = { epochs = 3 }, against = 'a' } }")))
  local known = made_up(s, { a = { { 0.5, 0.6 } }, b = { { 0.6, 0.8 } } })
  local a, b = known[s.cells[1].key], known[s.cells[2].key]
  local path, tried = folder .. "/junk/junk.jsonl", 0
  local function try()
    assert(files.write(path, json.encode(b) .. "\n" .. json.encode(a) .. "\n"))
    local list = summary.of(s, results.read(path))
    local t = list[1]
    local page = markdown.page(t, { command = "", figure = "" })
    check.ok(#(markdown.all(list) .. plain.csv(t) .. plain.json(t) .. figure.svg(t) .. page) > 0)
    tried = tried + 1
  end
  local function vary(t, depth)
    local names = {}
    for name in pairs(t) do names[#names + 1] = name end
    for _, name in ipairs(names) do
      local kept = t[name]
      for _, junk in ipairs { cjson.null, -1e300, "x", true, { 1, 2, 3 }, { x = {} } } do
        t[name] = junk
        try()
      end
      t[name] = nil
      try()
      t[name] = kept
      if type(kept) == "table" and depth < 6 then vary(kept, depth + 1) end
    end
  end
  vary(a, 1)
  check.ok(tried > 200, tried)
end)

-- ---- whole studies ----------------------------------------------------------------------

local ROWS = [[rows = { { name = "both" }, { name = "dice", title = "Dice alone", without = { "supervise.2" }, against = "both" } }]]

check.case("study: runs, ends in a table, runs nothing again, and repairs what was cut", function()
  local path = write("tiny", ROWS .. ", seeds = { 1, 2 }, metrics = { 'dice', 'width3-5', 'patch_entropy' }")
  local text, status = run(path)
  check.equal(status, 0, text)
  check.ok(text:find("both, seed 1: done", 1, true), text)
  check.ok(text:find("| Dice alone <sup>1</sup> | %d%.%d+ %[%d%.%d+, %d%.%d+%] | 2 x 6 | both | [+-]%d"), text)
  local made = files.read(folder .. "/tiny/tiny.jsonl")
  check.equal(select(2, made:gsub("\n", "")), 4)
  check.equal(#files.list(folder .. "/tiny/runs/tiny"), 0)
  local page = files.read(folder .. "/tiny/tiny.md")
  for _, ending in ipairs { "csv", "json", "svg" } do check.ok(files.is_file(folder .. "/tiny/tiny." .. ending), ending) end
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
  local function scores(md) return (md:gsub("Cost of one training.-\n\nRemade", "Remade")) end
  check.equal(scores(files.read(folder .. "/tiny/tiny.md")), scores(page))
  -- another question: every cell lacks it
  assert(files.write(path, (files.read(path):gsub("seeds = ", "score = { 'test', 'train' }, seeds = "))))
  text, status = run(path, "--only 'dic*' --keep")
  check.equal(status, 0, text)
  check.equal(select(2, text:gsub("done in", "")), 2, text)
  check.ok(text:find("dice on phantom:train", 1, true), text)
  check.equal(#files.list(folder .. "/tiny/runs/tiny"), 4) -- two runs, and what their processes printed
end)

check.case("study: --verify, by this build and by another; --check; another file of results; --json", function()
  local late = [[teachers = { late = { kind = "best", from = 2 } }, supervise = { { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.soft_target {}, against = "late.out", from = 3 } }]]
  local path = write("verify", ("rows = { { name = 'a', set = { epochs = 5, ['data.val'] = 'train', %s } } }, seeds = { 1, 2 }"):format(late))
  local text, status = run(path, "--check")
  check.equal(status, 0, text)
  check.ok(text:find("| a | 2 | 10 | %d+%.%d+ | 0:0%d | %d+ | 0.00 |"), text)
  check.ok(not files.exists(folder .. "/verify/verify.jsonl"))
  text, status = run(path, "--check --json")
  check.equal(require("cjson").decode(text).cells, 2, text)
  check.equal(status, 0)
  local other = folder .. "/verify/elsewhere/r.jsonl"
  text, status = run(path, ("--results '%s' --json"):format(other))
  check.equal(status, 0, text)
  check.equal(#require("cjson").decode(text).tables[1].rows, 1)
  check.ok(files.is_file(other) and not files.exists(folder .. "/verify/verify.jsonl"))
  text, status = run(path, ("--results '%s' --verify 5"):format(other))
  check.equal(status, 0, text)
  check.equal(select(2, text:gsub("same     a, seed %d: the weights are the same to the bit", "")), 2, text)
  local made = files.read(other)
  assert(files.write(other, (made:gsub('"last":"%w', '"last":"x'))))
  text, status = run(path, ("--results '%s' --verify 1"):format(other))
  check.equal(status, 1, text)
  check.ok(text:find("differs  a, seed", 1, true), text)
  assert(files.write(other, (made:gsub('"compiler":"', '"compiler":"x'))))
  text = run(path, ("--results '%s' --verify 1"):format(other))
  check.ok(text:find("made by another build: dice on phantom:test", 1, true), text)
  text, status = run(path, "--verify 1")
  check.equal(status, 1)
  check.ok(text:find("holds no result to verify", 1, true), text)
end)

check.case("study: pictures of one's own that change are trained on anew; a page of one's own is not replaced", function()
  local path = write("own", [[rows = { { name = "a" } }, seeds = { 1 }, set = { ["data.set"] = "mine", ["data.options"] = {}, ["data.split"] = "2:0:2" }]])
  assert(files.make_folder(folder .. "/own/mine"))
  local function picture(i, level)
    local mask = ra.zeros(32, 32)
    mask:narrow(1, 4 * i, 4):fill(1)
    assert(ra.image.save(("%s/own/mine/%d.png"):format(folder, i), ra.rand(32, 32) * level))
    assert(ra.image.save(("%s/own/mine/%d_mask.png"):format(folder, i), mask))
  end
  for i = 1, 4 do picture(i, 1) end
  local text, status = run(path)
  check.equal(status, 0, text)
  check.ok(text:find("a, seed 1: done", 1, true), text)
  text = run(path)
  check.ok(not text:find("a, seed 1: done", 1, true), text)
  picture(2, 0.5)
  text, status = run(path)
  check.equal(status, 0, text)
  check.ok(text:find("a, seed 1: done", 1, true), text)
  local page = folder .. "/own/own.md"
  assert(files.write(page, "Mine.\n" .. assert(files.read(page)) .. "And mine.\n"))
  check.equal(select(2, run(path)), 0)
  check.ok(files.read(page):find("^Mine%..*| a |.*And mine%.\n$"), files.read(page))
  assert(files.write(page, "Mine.\n"))
  text, status = run(path)
  check.equal(status, 2)
  check.ok(text:find("was not made by ramus study", 1, true), text)
end)

check.case("study: a set that cannot be had stops its cells and no others", function()
  local path = write("absent", [[rows = { { name = "here" }, { name = "there", set = { ["data.set"] = "cimat80", ["data.options"] = {} } } }, seeds = { 1 }]])
  local text, status = run(path, "--offline")
  check.equal(status, 1, text)
  check.ok(text:find("here, seed 1: done", 1, true), text)
  check.ok(text:find("0 of the study's cells failed, 1 have no data set", 1, true), text)
  check.equal(select(2, files.read(folder .. "/absent/absent.jsonl"):gsub("\n", "")), 1)
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

check.case("study: before anything is trained, files of others with a table's names and splits that a set lacks are found", function()
  local path = write("others", "rows = { { name = 'a' } }, seeds = { 1 }")
  for _, ending in ipairs { "csv", "json", "svg", "md" } do
    local other = path:gsub("lua$", ending)
    assert(files.write(other, "mine\n"))
    local text, status = run(path, "--jobs 1")
    check.equal(status, 2, text)
    check.ok(text:find("others." .. ending .. " is there and was not made by ramus study", 1, true), text)
    check.equal(files.read(other), "mine\n")
    check.ok(not files.exists((path:gsub("lua$", "jsonl"))), "nothing was trained")
    os.remove(other)
  end
  local text, status = run(path, "--jobs 1")
  check.equal(status, 0, text)
  os.remove((path:gsub("lua$", "md")))
  text, status = run(path, "--jobs 1")
  check.equal(status, 0, "its own files are made anew: " .. text)
  path = write("no_split", "rows = { { name = 'a' } }, seeds = { 1 }, score = { 'tset' }, read = { 'absent.jsonl' }")
  text, status = run(path, "--jobs 1 --keep")
  check.equal(status, 1, text)
  check.ok(text:find("unknown split 'tset'; did you mean 'test'?", 1, true), text)
  check.ok(text:find("absent.jsonl, so no results are taken from it", 1, true), text)
  check.ok(not text:find("epoch", 1, true) and #(files.list(files.split(path) .. "/runs/no_split") or {}) <= 2, "no run was made: " .. text)
end)
