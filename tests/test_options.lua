local check = require "check"
local options = require "ramus.base.options"

local schema = {
  [1] = { type = "integer", name = "channels", required = true },
  k = { type = "integer", default = 2, min = 1 },
  smooth = { type = "number", default = 1, above = 0 },
  mode = { type = "string", default = "nearest", one_of = { "nearest", "bilinear" } },
  scale = { type = "number|table", check = function(v)
    if type(v) == "number" then return { v, v } end
    if #v == 2 then return v end
    return nil, "wants two numbers"
  end },
  bias = { type = "boolean", default = true },
}

check.case("defaults, conversion and given values", function()
  local o = options.check({ 3, scale = 2, bias = false }, schema, "op")
  check.equal(o[1], 3)
  check.equal(o.k, 2)
  check.equal(o.scale[2], 2)
  check.equal(o.bias, false, "false survives its default of true")
end)

check.case("wrong options say what was given, wanted and near", function()
  local function with(t) return function() options.check(t, schema, "op") end end
  check.raises("unknown option 'smoth'; did you mean 'smooth'?", with { 1, smoth = 1 })
  check.raises("unknown option 'kk'", with { 1, kk = 1 })
  check.raises("k must be >= 1, got 0", with { 1, k = 0 })
  check.raises("k must be of type integer, got 1.5", with { 1, k = 1.5 })
  check.raises("smooth must be > 0", with { 1, smooth = 0 })
  check.raises("smooth must be > 0", with { 1, smooth = 0 / 0 })
  check.raises("did you mean 'bilinear'?", with { 1, mode = "biliner" })
  check.raises("op: scale wants two numbers", with { 1, scale = {} })
  check.raises("channels is missing", with {})
  check.raises("unknown option '2'", with { 1, 2 })
  check.raises("options are a table, got 5", function() options.check(5, schema, "op") end)
end)

check.case("the error is reported at the caller's line", function()
  local function op(t)
    local o = options.check(t, schema, "op")
    return o
  end
  local line = debug.getinfo(1, "l").currentline + 1
  local _, err = pcall(function() op { 1, kx = 3 } return 1 end)
  check.ok(err:find("test_options.lua:" .. line .. ":", 1, true), err)
end)

check.case("nearest name", function()
  check.equal(options.nearest("rotat", { "rotate", "scale" }), "rotate")
  check.equal(options.nearest("rot", { "rotate", "gamma" }), "rotate")
  check.equal(options.nearest("zzz", { "rotate", "gamma" }), nil)
  check.equal(options.distance("abcd", "abdc"), 1)
  check.equal(options.distance("", "abc"), 3)
end)

check.case("a schedule is one definition: constructor, ra.NAME, help, reference", function()
  local ra, schedule, help = require "ramus", require "ramus.lang.schedule", require "ramus.cli.help"
  schedule.define { name = "sawtooth", signature = "ra.sawtooth{every=}", help = "From 0 to 1 again and again.",
    schema = { every = { type = "number", above = 0, required = true }, n = false },
    f = function(o) return function(t) return t / o.every % 1 end end }
  check.equal(ra.sawtooth { every = 4 }(5), 0.25)
  check.equal(tostring(ra.sawtooth { every = 4 }), "ra.sawtooth{ every = 4 }")
  check.raises("sawtooth: unknown option 'evry'; did you mean 'every'", function() return ra.sawtooth { evry = 4 } end)
  check.ok(help.find("sawtooth"):find("again and again", 1, true) and help.find("schedule"):find("ra.sawtooth", 1, true))
  schedule.defined.sawtooth, schedule.sawtooth = nil, nil
  for name, d in pairs(schedule.defined) do
    check.ok(d.signature:find("ra." .. name, 1, true) and #d.help > 5 and help.find(name), name)
    check.equal(ra[name], schedule[name], name)
  end
  check.equal(ra.ramp(0, 1, 4)(2), 0.5)
  check.equal(ra.ramp { 0, 1, n = 4 } (2), 0.5)
  check.raises("step: unknown option 'n'", function() return ra.step { every = 1, n = 3 } end)
end)

check.case("a Lua pattern is checked without a text", function()
  for _, bad in ipairs { "[", "a[", "(", "a)", "%", "a%", "%b(", "%f", "%1", "(%1)", "[^]", "[a-", "[%", "%0", ("(a)"):rep(33) } do
    local v, err = options.pattern(bad)
    check.ok(v == nil and err:find "^must be a Lua pattern", bad)
  end
  for _, good in ipairs { "", "^a$", "[]]", "[^]]", "[%]]", "(a)%1", "%bxy", "%f[a]", "()", "(a(b))%2", "%%", "a-b*c+d?" } do
    check.equal(options.pattern(good), good)
    check.ok(pcall(string.find, "aaaa", good), good)
  end
end)

check.case("the text of a value in a message is one line, also where its own fails", function()
  check.equal(options.show(require "ramus".zeros(2, 2)):find "\n", nil)
  local odd = newproxy(true)
  getmetatable(odd).__tostring = function() error "no text" end
  check.equal(options.show(odd), "userdata")
end)

check.case("numbers with a lower bound are finite", function()
  local one = { rate = { type = "number", min = 0 }, step = { type = "number", above = 0 }, free = { type = "number" } }
  check.raises("rate must be finite and >= 0, got inf", function() options.check({ rate = math.huge }, one, "op") end)
  check.raises("step must be finite and > 0, got inf", function() options.check({ step = math.huge }, one, "op") end)
  check.equal(options.check({ free = math.huge }, one, "op").free, math.huge)
  check.raises("lr must be finite", require "ramus".optim.adamw, { lr = math.huge })
end)

check.case("a list loses nothing: what stands behind a nil or has a name is refused, wherever lists are given", function()
  check.equal(options.no_list {}, nil)
  check.equal(options.no_list { 1, false, 3 }, nil)
  check.equal(options.no_list { 1, nil, 3 }, "is a list of 1 element, and has the entry 3 beside them, behind a nil")
  check.equal(options.no_list({ 1, 2, x = 3 }, "row"), "is a list of 2 rows, and has the entry 'x' beside them")
  check.equal(options.no_list { [0] = 1, 2 }, "is a list of 1 element, and has the entry 0 beside them")
  local ra = require "ramus"
  local definition = require "ramus.study.definition"
  local function recipe(t)
    t.name, t.data = "holes", { set = "phantom", options = { size = 32, train = 2, val = 1, test = 1 } }
    t.model, t.optim, t.epochs = ra.models.unet { depth = 2, width = 2, sides = true }, ra.optim.adamw { lr = 1e-3 }, 1
    t.supervise = t.supervise or { { at = "out", loss = ra.loss.dice {} } }
    return t
  end
  assert(require("ramus.train.recipe").load(recipe {}))
  local row = { at = "out", loss = ra.loss.bce {} }
  for wanted, t in pairs { ["supervise: is a list of 1 row, and has the entry 3 beside them, behind a nil"] = { supervise = { row, nil, row } },
    ["freeze is a list of 1 element, and has the entry 3 beside them, behind a nil"] = { freeze = { { at = "^encoder" }, nil, { at = "^decoder" } } } } do
    check.fails(wanted, require("ramus.train.recipe").load, recipe(t))
  end
  for _, list in ipairs { "seeds = { 1, nil, 3 }", "metrics = { 'dice', x = 'iou' }", "read = { [2] = 'a.jsonl' }", "score = { 'test', nil, 'val' }",
    "without = { a = 'teacher' }", "tables = { {}, nil, {} }" } do
    local t = assert(loadstring("return { " .. list .. " }"))()
    t.recipe, t.rows = recipe {}, { { name = "a" } }
    check.fails("beside them", definition.of, t, "study.lua")
  end
  check.fails("rows is a list of 1 element", definition.of, { recipe = recipe {}, rows = { { name = "a" }, nil, { name = "b" } } }, "study.lua")
end)
