--- What the prompt shows of values that people look at: tables that fit the terminal.
local check = require "check"
local ra = require "ramus"
local columns = require "ramus.base.columns"
local files = require "ramus.base.files"
local processes = require "processes"
local repl = require "ramus.cli.repl"
local show = require "ramus.base.show"

local function has(text, part) check.ok(text:find(part, 1, true), ("no '%s' in\n%s"):format(part, text)) end

--- f() where the terminal has `width` columns.
local function at_width(width, f)
  local usual, room = show.width, show.room
  show.width = function() return width end
  show.room = show.width
  local ok, a, b = pcall(f)
  show.width, show.room = usual, room
  return ok, a, b
end

--- What a session shows of an expression, at a width.
local function shown(expression, width)
  local text = {}
  local s = repl.session { write = function(t) text[#text + 1] = t end, complain = function(t) text[#text + 1] = t end }
  local ok, err = at_width(width, function() return s:feed(expression) end)
  check.ok(ok and err, tostring(err) .. table.concat(text))
  return table.concat(text)
end

local function fits(expression)
  local text
  for _, width in ipairs { 60, 80, 120 } do
    text = shown(expression, width)
    for line in text:gmatch "[^\n]+" do check.ok(#line <= width or not line:find "%S%s+%S", ("%d columns at %d: %s"):format(#line, width, line)) end
  end
  return text
end

check.case("shown: a recipe, a schedule, a model, scores, a plan, functions", function()
  local net = ra.models.unet { depth = 2, width = 2, sides = true }
  rawset(_G, "recipe_shown", ra.recipe.load(check.root .. "/recipes/dsd_cimat80.lua"))
  rawset(_G, "net_shown", net)
  local text = fits "recipe_shown"
  has(text, "recipe dsd_cimat80: 60 epochs, seed 1")
  has(text, "1,944,453 parameters")
  has(text, "teacher.same  1 to 59  0.25")
  has(tostring(_G.recipe_shown), "return {")
  text = fits "net_shown"
  has(text, "in all")
  text = fits "ra.ramp(0, 0.5, 10)"
  has(text, "ra.ramp{ 0, 0.5, n = 10 }\n")
  has(text, "  value     0  0.125  0.25  0.375  0.5\n")
  has(fits "ra.cosine{ start = 3 }", "0 %")
  check.equal(fits 'ra.follow("val.dice")':match "[^\n]*\n(.*)$", "", "what follows a score has no values of its own")
  text = fits "ra.metrics(ra.full({ 8, 8 }, 0.9), ra.ones(8, 8))"
  has(text, "  dice             1.0000  2 tp / (2 tp + fp + fn)")
  has(text, "tp 64, fp 0, fn 0, tn 0")
  text = fits 'ra.plan_for("phantom", { options = { size = 64, train = 2, test = 2 } })'
  has(text, "by the rules of nnU-Net")
  has(text, "batch     2")
  has(fits "nn.conv2d", "?nn.conv2d explains it")
  has(fits "{ long = ('word '):rep(9), more = ('word '):rep(9), other = ('word '):rep(3) }", "more = ")
  rawset(_G, "recipe_shown", nil)
  rawset(_G, "net_shown", nil)
end)

check.case("shown: a run that was trained, and the same read from its folder", function()
  local folder = files.absolute(check.folder "display")
  local text, status = processes.sh(([[cd %s && %s <<'END'
set = { name = "small", data = { set = "phantom", val = "test", options = { size = 48, train = 4, test = 2 }, batch = 2 } }
set.model, set.optim = ra.models.unet { depth = 2, width = 2 }, ra.optim.adamw { lr = 1e-3 }
set.supervise, set.epochs = { { at = "out", loss = ra.loss.dice() }, { at = "out", loss = ra.loss.bce() } }, 13
run = ra.train(set, { quiet = true });
run
require("ramus.train.run").read "runs/small"
ra.evaluate("runs/small", { limit = 1 })
END]]):format(folder, files.absolute(processes.executable(check.root))))
  check.equal(status, 0, text)
  local first, second = text:match "^(run runs/small.-)(run runs/small.*)$"
  for _, part in ipairs { first or "", second or "" } do
    has(part, "run runs/small: 13 epochs, best val dice ")
    has(part, "  epoch    loss  val dice")
    has(part, "bce@out")
    has(part, "\n    ...")
    has(part, "\n     12  ")
    has(part, "95 % interval")
  end
  for line in text:gmatch "[^\n]+" do check.ok(#line <= 100, line) end
  local _, tables = text:gsub("95 %% interval", "")
  check.equal(tables, 3)
end)

check.case("columns: the last is wrapped, others are left out from the right and said to be", function()
  local head, row = { "name", "first number", "second number", "third" }, { "a", "1", "2", "3" }
  local _, narrow, wrapped = at_width(40, function()
    return columns.text(head, { row }, { true }), columns.text({ "name", "text" }, { { "a", ("word "):rep(20) } }, { true, true })
  end)
  local _, piped = at_width(math.huge, function() return columns.text(head, { row }, { true }) end)
  check.equal(piped, "  name  first number  second number  third\n  a                1              2      3", "a pipe gets all")
  check.equal(narrow, "  name  first number  second number ...\n  a                1              2")
  local _, chosen = at_width(40, function() return columns.text(head, { row }, { true }, { 3 }) end)
  check.equal(chosen, "  name  first number  third ...\n  a                1      3", "what can be spared goes first")
  for line in wrapped:gmatch "[^\n]+" do check.ok(#line <= 40, line) end
  local rows = {}
  for i = 1, 30 do rows[i] = { tostring(i) } end
  local some = columns.some(rows, 3, 8)
  check.equal(#some, 12)
  check.equal(some[4][1] .. some[3][1] .. some[5][1], "...323")
end)

check.case("display: names and numbers wider than 99 characters, which no width of string.format reaches", function()
  local long = ("x"):rep(150)
  check.equal(show.padded("ab", 4), "ab  ")
  check.equal(show.padded("ab", 4, true), "  ab")
  check.equal(show.padded(long, 4), long)
  local lines = show.columns { { long, "1" }, { "y", "2" } }
  check.equal(lines[2], "y" .. (" "):rep(151) .. "2")
  check.ok(columns.text({ "run", "dice" }, { { long, "0.5" } }, { true }):gsub("%s", ""):find(long, 1, true))
  -- nowhere is a width that is not known put into a format
  local found = {}
  for line in io.popen(("grep -rnE '\"%%-?\" ?\\.\\. ?[a-z_.]+|%%%%-?%%d' '%s/lua' --include=*.lua"):format(check.root)):lines() do found[#found + 1] = line end
  check.equal(table.concat(found, "\n"), "")
end)
