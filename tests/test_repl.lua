-- The REPL, by pipe and, where tmux is there, at a terminal.
local check = require "check"
local processes = require "processes"
local ra = require "ramus"
local help = require "ramus.cli.help"
local repl = require "ramus.cli.repl"
local show = require "ramus.base.show"

local binary = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus")

--- Feeds lines to `ramus`; returns output, errors and status.
local function pipe(text, environment)
  local folder = check.folder("repl")
  local input = assert(io.open(folder .. "/in.lua", "w"))
  input:write(text)
  input:close()
  local status = os.execute(("%s %s < %s/in.lua > %s/out 2> %s/err"):format(environment or "", binary, folder, folder, folder))
  local function read(name)
    local file = assert(io.open(folder .. "/" .. name))
    local all = file:read("*a")
    file:close()
    return all
  end
  return read "out", read "err", status
end

check.case("repl: expressions show their values, ; keeps silent", function()
  local out, err, status = pipe('1 + 1\n"a", nil, true\n3 + 4;\nx = 5\nx\n')
  check.equal(out, '2\n"a"\nnil\ntrue\n5\n')
  check.equal(err, "")
  check.equal(status, 0)
end)

check.case("repl: statement; expression on one line shows the expression", function()
  local out, err, status = pipe('x = 5; x + 1\nlocal y = 2; y\ny = "a; b"; y\nx = 1; y = 2; x, y\nx = 7; x;\nx = 1 -- one; two\nx\n'
    .. 'function f() return 1; end f()\nfor i = 1, 2 do x = i; end\nx = 1; print(x)\n"p; q"\n')
  check.equal(out, '6\n2\n"a; b"\n1\n2\n1\n1\n"p; q"\n')
  check.equal(err .. status, "0")
end)

check.case("repl: chunks over several lines", function()
  local out, _, status = pipe("for i = 1, 2 do\n  print(i)\nend\n1 +\n  2\nt = {\n 1,\n}\n#t\ns = [[a\nb]]\ns\n")
  check.equal(out, "1\n2\n3\n1\na\nb\n")
  check.equal(status, 0)
  local _, err, unfinished = pipe("for i = 1, 2 do\n")
  check.ok(unfinished ~= 0 and err:find("middle of a chunk", 1, true), err)
end)

check.case("repl: a local at the start of an input stays", function()
  local out = pipe("local a, b = 1, 2\na, b\nlocal function f() return 7 end\nf()\n")
  check.equal(out, "1\n2\n7\n")
end)

check.case("repl: ra, F, who() and timing() are there; print and require are Lua's own", function()
  local out = pipe('ra.version\ny = ra.ones(2, 3)\nwho()\nF.relu(ra.tensor{-1, 2}):totable()\n'
    .. 'timing(true)\n1\ntiming(false)\nprint == debug.getregistry()._LOADED._G.print\n')
  check.ok(out:find('"' .. ra.version .. '"', 1, true), out)
  check.ok(out:find("  y     tensor [2,3]", 1, true), out)
  check.ok(out:find("{ 0, 2 }", 1, true), out)
  check.ok(out:find("\n1\n%d+%.%d [mu]s"), out)
  check.ok(out:find("true\n$"), out)
end)

check.case("repl: from a pipe the first error ends it with status 1", function()
  local out, err, status = pipe('1\nerror("broken")\n2\n')
  check.equal(out, "1\n")
  check.ok(err:find("error: broken", 1, true), err)
  check.ok(status ~= 0, "status")
  local _, syntax, second = pipe("x = = 1\n")
  check.ok(syntax:find("error: ", 1, true) and second ~= 0, syntax)
  local _, unknown, third = pipe("?covn2d\n")
  check.ok(unknown:find("did you mean ?conv2d", 1, true) and third ~= 0, unknown)
end)

--- A session that keeps what it shows.
local function session()
  local text = {}
  local function write(s) text[#text + 1] = s end
  local s = repl.session { write = write, complain = write, interactive = true }
  return s, function()
    local all = table.concat(text)
    text = {}
    return all
  end
end

check.case("repl: an error does not end the session, and says where it was", function()
  local s, shown = session()
  check.equal(s:feed('ra.loss.dice{ smoth = 1 }'), false)
  check.ok(shown():find("error: loss.dice: unknown option 'smoth'; did you mean 'smooth'", 1, true))
  check.equal(s:feed("F.conv2d(ra.ones(1,2,3,3), ra.ones(1,3,3,3))"), false)
  check.equal(shown(), "error: conv2d: x [1,2,3,3] has 2 channels, weight [1,3,3,3] wants 3\n")
  check.equal(s:feed("zeros(3)"), false)
  check.ok(shown():find("did you mean ra.zeros?", 1, true))
  check.equal(s:feed("error{ code = 5 }"), false)
  check.ok(shown():find("{ code = 5 }", 1, true))
  check.equal(s:feed("error()"), false)
  check.equal(s:feed("for"), "more")
  s:drop()
  check.equal(s:feed("6 * 7"), true)
  check.ok(shown():find("42", 1, true))
  check.equal(s:feed("exit"), "leave")
end)

check.case("repl: ra and its rooms show what is in them", function()
  local s, shown = session()
  s:feed("ra")
  check.ok(shown():find("?loss", 1, true))
  s:feed("F")
  check.ok(shown():find("ops, called", 1, true))
  s:feed("{ f = print }")
  check.equal(shown(), "{ f = function }\n")
end)

check.case("repl: help on names and on variables", function()
  local s, shown = session()
  check.equal(s:feed("?conv2d"), true)
  local text = shown()
  check.ok(text:find("conv2d(x, weight, bias?, {stride=1, pad=0, dilation=1, groups=1})", 1, true), text)
  check.ok(text:find("1 to 1024", 1, true), text)
  for _, case in ipairs { { "?", "?loss" }, { "help", "?loss" }, { "?loss.dice", "smooth" }, { "? ra.nn.batch_norm", "running mean" },
    { "?unet", "levels, the bottleneck included" }, { "?ramp", "ra.ramp(a, b, n)" }, { "?hd95", "95th percentile" }, { "?recipe.data", "batch" },
    { "?adamw", "weight_decay" },
    { "?checks", "by_width" }, { "?augment.rotate", "rotate" }, { "?recipe.epochs", "number of epochs" }, { "?checks.by_contrast", "contrast" },
    { "?image.load", "told apart by content" }, { "?model.forward", "evaluation mode" }, { "?ra.train", "options" },
    { "conv2d?", "cross-correlation" } } do
    check.equal(s:feed(case[1]), true, case[1])
    text = shown()
    check.ok(text:find(case[2], 1, true), case[1] .. " gave " .. text)
  end
  s:feed("net = ra.models.unet { depth = 2, width = 2 };")
  s:feed("?net")
  check.ok(shown():find("methods: ", 1, true))
  rawset(_G, "net", nil)
end)

check.case("help: every op, loss, module, schedule, optimizer, metric and public name has a text", function()
  local function has(name)
    local text, err = help.find(name)
    check.ok(text and #text > 10 and not text:find("no comment", 1, true), name .. ": " .. tostring(text or err))
  end
  for _, name in ipairs(help.names()) do has(name) end
  for _, name in ipairs(ra.op_names()) do has(name) end
  for name in pairs(ra.nn) do if name ~= "is" and name ~= "initialise" then has("nn." .. name) end end
  local seen = 0
  for module, where in pairs(getmetatable(ra).lazy()) do -- functions of public modules
    for name, f in pairs(not where[2] and type(ra[module]) == "table" and ra[module] or {}) do
      if type(f) == "function" then
        seen = seen + 1
        has(module .. "." .. name)
      end
    end
  end
  check.ok(seen > 50, seen)
  for _, key in ipairs(ra.metrics.keys) do has("metrics." .. key) end
  for _, name in ipairs(help.tensor_methods()) do
    check.ok(ra.zeros(1)[name] ~= nil, name)
    has("t." .. name)
  end
  for name in pairs(help.tensor_fields) do
    check.ok(ra.zeros(1)[name] ~= nil, name)
    has("t." .. name)
  end
end)

check.case("completion: globals, lazy fields, methods, options, help", function()
  session()
  local function has(before, wanted)
    local list = repl.candidates(before)
    local all = " " .. table.concat(list, " ") .. " "
    check.ok(all:find(" " .. wanted .. " ", 1, true), before .. " gave" .. all)
  end
  has("pri", "print")
  has("x = ra.lo", "load_model")
  has("ra.models.un", "unet")
  has("F.conv", "conv_transpose2d")
  has("ra.loss.dice{ sm", "smooth")
  has("ra.optim.adamw { lr = 1, we", "weight_decay")
  has("?ra", "ramp")
  rawset(_G, "t", ra.zeros(2))
  has("t:nu", "numel")
  has("print(t.sh", "shape")
  rawset(_G, "t", nil)
  check.equal(repl.complete("ra.load_"), "model")
  check.equal((repl.complete("nothing_like_this")), nil)
  local insert, list = repl.complete("ra.lo")
  check.equal(insert, nil)
  check.ok(list:find("load", 1, true) and list:find("loss", 1, true), list)
end)

check.case("show: nested tables, cycles, long lists, strings", function()
  check.equal(show.value { a = 1, b = { 2, "x" } }, '{ a = 1, b = { 2, "x" } }')
  check.equal(show.value "a\nb", "a\nb")
  check.equal(show.value { "a\nb" }, '{ "a\\nb" }')
  check.equal(show.value(0.1), "0.1")
  local t = { name = "t" }
  t.t = t
  check.equal(show.value(t), '{ name = "t", t = { itself } }')
  local long = {}
  for i = 1, 1000 do long[i] = i end
  local text = show.value(long)
  check.ok(text:find("... 940 more", 1, true) and #text < 1000, text)
  for line in text:gmatch("[^\n]+") do check.ok(#line <= 102, line) end
  check.equal(show.value(setmetatable({}, { __tostring = function() return "mine" end })), "mine")
  check.ok(#show.brief { a = ("x"):rep(500) } <= 80)
end)

check.case("repl: a Ctrl-D that was typed before the prompt was there leaves at the prompt", function()
  if select(2, processes.sh "command -v python3") ~= 0 then check.skip "no python3" end
  local text, status = processes.sh(("env XDG_STATE_HOME=%s FAKE_TERMINAL_EARLY=1 TERM=dumb python3 %s/tests/fake_terminal.py plain %s < /dev/null")
    :format(check.folder "early", check.root, processes.executable(check.root)))
  check.equal(status, 0, text)
end)
