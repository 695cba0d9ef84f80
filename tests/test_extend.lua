--- What docs/CONTRIBUTING.md promises: the tree is copied, exactly the named files and lines are added, and the copy builds, checks
-- the new gradients, and shows the new things in constructors, help and reference pages. tests/extend/ holds the files.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"

local sh = processes.sh
local source = check.root .. "/tests/extend"
local folder = check.folder "extend"
local tree = folder .. "/tree"

--- What is added: a file of tests/extend, and perhaps one line at the end of a list.
local additions = {
  { file = "core/op/softsign.c", list = "core/op/ops.def", line = "RA_OP(softsign)" },
  { file = "core/loss/far.c", list = "core/loss/losses.def", line = "RA_OP(far)" },
  { file = "core/codec/farbfeld.c", list = "core/codec/formats.def", line = "RA_IMAGE_FORMAT(farbfeld)" },
  { file = "lua/ramus/train/companions/counter.lua", edit = "lua/ramus/train/companions.lua", { before = " }\n\nlocal modules", text = ', "counter"' } },
  { edit = "lua/ramus/lang/schedule.lua", { before = "schedule.define {\n  name = \"piecewise\"", text = [[
schedule.define {
  name = "sawtooth", signature = "ra.sawtooth{teeth=, n=}", help = "From 1 down to 0, again and again.",
  schema = { teeth = { type = "integer", min = 1, default = 4 } },
  f = function(o) return function(t, n) return 1 - fraction(t, n) * o.teeth % 1 end end,
}

]] } },
  { edit = "core/image/augment_tone.c", -- a function and a row
    { before = "#define RANGE(low, high)", text = [[
enum { RA_AUGMENT_INVERT = RA_AUGMENT_COUNT };
static int32_t step_invert(const ra_tone_image *p, const ra_tone_step *s) {
  for (int64_t i = 0, n = values(p); i < n; i++) p->data[i] += (ra_real)s->value * (1 - 2 * p->data[i]);
  return RA_OK;
}

]] },
    { before = "  {{RA_AUGMENT_GAMMA", text = [[
  {{RA_AUGMENT_INVERT, RA_STEP_RANGE, RA_EXPAND_UP_TO, false, "invert", "towards 1 - x", "", RANGE(0, 1)}, NULL, step_invert},
]] } },
  { edit = "core/metric/scores.c", -- a function before the table, a row at its end
    { before = "/* P: predicted", text = [[
static int32_t area_error(const ra_scored *s, double *out) {
  double found = s->count[RA_METRIC_TP] + s->count[RA_METRIC_FP], wanted = s->count[RA_METRIC_TP] + s->count[RA_METRIC_FN];
  *out = found == wanted ? 0 : wanted > 0 ? fabs(found - wanted) / wanted : (double)NAN;
  return RA_OK;
}

]] },
    { before = "};\nenum { SCORES", text = [[
  {{.name = "area_error", .lower_is_better = true, .pooled = true, .help = "|pixels of P - of M| / pixels of M"}, area_error},
]] } },
}

--- What a command in the copy printed; it must end well.
local function run(command)
  local text, status = sh(("cd %s && unset MAKEFLAGS VARIANT && { %s; }"):format(tree, command))
  check.equal(status, 0, text)
  return text
end

--- Runs Lua source with the copy's own build.
local function ramus(text)
  assert(files.write(folder .. "/chunk.lua", text))
  return run("build/ramus run " .. folder .. "/chunk.lua")
end

--- The tree with what is built, so that only what changes is compiled; then the additions; then the builds.
local function prepare()
  if os.getenv "RAMUS_SANITIZED" then return "it builds the release" end
  if select(2, sh "command -v make && command -v gcc && command -v pkg-config") ~= 0 then return "no make, gcc or pkg-config" end
  local text, status = sh(("mkdir -p %s/build && cd %s && cp -a Makefile .ci README.md core lua docs recipes datasets tests %s && "
    .. "cp -a build/ramus build/release %s/build && { cp -a build/double %s/build || true; }"):format(tree, check.root, tree, tree, tree))
  check.equal(status, 0, text)
  for _, a in ipairs(additions) do
    if a.file then run(("cp %s/%s %s"):format(source, a.file, a.file)) end
    for _, insertion in ipairs(a) do
      local path = tree .. "/" .. a.edit
      local whole = assert(files.read(path))
      local at = assert(whole:find(insertion.before, 1, true), a.edit .. " lacks " .. insertion.before)
      assert(files.write(path, whole:sub(1, at - 1) .. insertion.text .. whole:sub(at)))
    end
    if a.list then assert(files.write(tree .. "/" .. a.list, assert(files.read(tree .. "/" .. a.list)) .. a.line .. "\n")) end
  end
  text = run "make build 2>&1 && make build VARIANT=double 2>&1"
  check.ok(not text:find("warning", 1, true), text)
end

local why
check.case("extend: a copy of the tree with one file and one line more builds", function()
  why = "the copy was not built"
  why = prepare()
  if why then check.skip(why) end
end)

local function case(name, f)
  check.case("extend: " .. name, function()
    if why then check.skip(why) end
    f()
  end)
end

--- Gradient checks of one op in the copy, in double precision.
local function gradients(name, samples)
  local text = run(("RAMUS_TEST_FILTER=%s build/double/ramus run tests/run.lua gradcheck"):format(name))
  check.ok(text:find(("%d passed, 0 failed"):format(samples + 1), 1, true), text)
end

local function reference(page, wanted)
  run "mkdir -p pages && build/ramus run docs/reference/generate.lua pages"
  check.ok(assert(files.read(tree .. "/pages/" .. page)):find(wanted, 1, true), page .. " does not show " .. wanted)
end

case("an op is a file and a line: gradient, help, page, module, result", function()
  gradients("softsign", 2)
  reference("ops.md", "x / (1 + |x|)")
  check.equal(ramus [[
    local ra = require "ramus"
    print(require("ramus.cli.help").find "softsign" ~= nil)
    print(ra.F.softsign(ra.ones(2)):totable()[1])
    local m = ra.model(function(x) return { out = ra.F.softsign(ra.nn.conv2d { 1, 1, k = 1 }(x)) } end)
    print(#m:forward(ra.ones(1, 1, 4, 4)).out.shape)
  ]], "true\n0.5\n4\n")
end)

--- What needs no build: files that are put in their place.
local function drop(file) run(("cp %s/%s %s"):format(source, file, file)) end

case("an architecture is a file, at run time: help, page, --set, resolved recipe", function()
  drop "lua/ramus/lang/models/plain_stack.lua"
  reference("models.md", "plain_stack")
  assert(files.write(folder .. "/recipe.lua", [[
    local ra = require "ramus"
    return { name = "stack", data = { set = "phantom", options = { size = 32, train = 2, test = 1 }, batch = 2 },
      model = ra.models.plain_stack { width = 3 }, supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 }
  ]]))
  run(("RAMUS_DATA=%s/data build/ramus train %s/recipe.lua --quiet --run %s/run --set model.width=5"):format(folder, folder, folder))
  local m = ramus(([[print(require("ramus").load_model("%s/run"):count())]]):format(folder))
  check.equal(m, (5 * 9 + 5 + 5 * 5 * 9 + 5 + 5 + 1) .. "\n", "parameters of the trained model")
  check.ok(assert(files.read(folder .. "/run/resolved.lua")):find("plain_stack", 1, true), "resolved.lua")
end)

case("a command is a file, at run time: usage, --help, page, flags, exit status", function()
  drop "lua/ramus/cli/commands/count.lua"
  check.ok(run "build/ramus --help":find("count the parameters", 1, true), "not in --help")
  check.ok(run "build/ramus count --help":find("--channels N", 1, true), "count --help")
  reference("cli.md", "count the parameters")
  local wanted = ramus [[io.write(require("ramus").models.unet { channels = 2 }:count())]]
  check.equal(run "build/ramus count unet --channels 2 --json", ('{"parameters":%s}\n'):format(wanted))
  local text, status = sh(("cd %s && build/ramus count unet --chanels 2"):format(tree))
  check.equal(status, 2, text)
  check.ok(text:find("--channels", 1, true), text)
end)

case("a loss with an input of its own is a file and a line: gradient, help, page, result", function()
  gradients("far", 2)
  reference("losses.md", "signed distance")
  check.equal(ramus [[
    local ra = require "ramus"
    print(require("ramus.cli.help").find "far" ~= nil)
    local l = ra.loss.far { input = "prob" }
    print(l(ra.ones(4) * 0.5, nil, nil, { distance = ra.ones(4) * 3 }))
  ]], "true\n1.5\n")
end)

case("a metric is a function and a row in one file: result, pooled value, help", function()
  check.equal(ramus [[
    local ra = require "ramus"
    local one = ra.metrics(ra.tensor { { 1, 1, 1, 0 } }, ra.tensor { { 1, 1, 0, 0 } })
    print(one.area_error, ra.metrics.summarize({ one, one }).pooled.area_error, ra.metrics.lower_is_better.area_error)
    print(require("ramus.cli.help").find "area_error" ~= nil, ra.metrics.keys[#ra.metrics.keys])
  ]], "0.5\t0.5\ttrue\ntrue\tarea_error\n")
end)

case("an image format is a file and a line: read by its content, known by its extension, listed", function()
  assert(files.write(folder .. "/one.ff", "farbfeld\0\0\0\2\0\0\0\1" .. "\255\255\0\0\0\0\9\9" .. "\0\0\255\255\0\0\9\9"))
  check.equal(ramus(([[
    local ra = require "ramus"
    local x = assert(ra.image.load "%s/one.ff")
    print(table.concat(x.shape, " "), table.concat(x:reshape(6):totable(), " "), ra.image.is_name "a.FF",
      ra.image.formats()[#ra.image.formats()].reads, ra.image.formats()[#ra.image.formats()].writes)
  ]]):format(folder)), "3 1 2\t1 0 0 1 0 0\ttrue\t16 bit RGBA; alpha is dropped\t-\n")
end)

case("an augmentation step is a function and a row in one file: option, result, help, page", function()
  reference("recipe.md", "towards 1 - x")
  check.equal(ramus [[
    local ra = require "ramus"
    local p = ra.augment.program { invert = { 1, 1 } }
    print(p:steps()[1].step, pcall(ra.augment.program, { invert = 2 }))
    print(require("ramus.cli.help").find "augment" :find "invert" ~= nil)
  ]]:gsub("^.-\n", function(line) return line:match "^invert\tfalse" and "good\n" or line end), "good\ntrue\n")
end)

case("a schedule is an entry, a training companion a file and its name: both act in a training", function()
  check.equal(ramus(([[
    local ra = require "ramus"
    print(ra.schedule.at(ra.sawtooth { teeth = 2, n = 8 }, 1), require("ramus.cli.help").find "sawtooth" ~= nil)
    local recipe = { name = "t", data = { set = "phantom", options = { train = 4, val = 1, test = 1, size = 32 }, batch = 2,
      augment = { invert = 0.5 } }, model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice() } },
      optim = ra.optim.adamw { lr = 1e-2, schedule = ra.sawtooth { teeth = 2 } }, epochs = 2 }
    assert(ra.train(recipe, { run = "%s/companion", data_root = "%s/data", quiet = true }))
    local last
    for line in io.lines "%s/companion/metrics.jsonl" do last = line end
    print(last:match '"counted":(%%d+)')
  ]]):format(folder, folder, folder)), "0.75\ttrue\n4\n")
end)
