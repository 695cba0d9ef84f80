--- The prompt: completion, search, history, errors, what begins with a sign or word of its own; by pipe and, where tmux is there, by keys.
local check = require "check"
local ra = require "ramus"
local complaint = require "ramus.cli.complaint"
local files = require "ramus.base.files"
local history = require "ramus.cli.history"
local processes = require "processes"
local repl = require "ramus.cli.repl"
local show = require "ramus.base.show"

local binary = os.getenv "RAMUS_BIN" or check.root .. "/build/ramus"

local function piped(input, more)
  local folder = check.folder "prompt"
  assert(files.write(folder .. "/input", input))
  local text, status = processes.sh(("cd %s && %s %s %s < input"):format(folder, more or "", files.absolute(binary), ""))
  return text, status, folder
end

local function has(text, part) check.ok(text:find(part, 1, true), ("no '%s' in\n%s"):format(part, text)) end

--- A session that keeps what it shows.
local function session()
  local text = {}
  local function write(s) text[#text + 1] = s end
  local s = repl.session { write = write, complain = write }
  return s, function()
    local all = table.concat(text)
    text = {}
    return all
  end
end

-- ---- completion -------------------------------------------------------------------

check.case("completion: what there is, from the tables that define it", function()
  session()
  local G = _G
  rawset(G, "net", ra.models.unet { depth = 2, width = 1 })
  rawset(G, "x", ra.zeros(2, 2))
  rawset(G, "t", { inner = { deep = ra.zeros(1), call = print } })
  for before, wanted in pairs {
    ["ra.lo"] = "load load_model loss", ["ra.loss.dice{ av"] = "average", ["ra.loss.dice{ average = "] = '"all" "foreground" "occurring" "present"',
    ['ra.loss.dice{ average = "fo'] = "foreground", ["ra.loss.dice({ average = \"fo"] = "foreground",
    ['ra.optim.adamw { lr = 1e-3, decay = "'] = "all weights", ["ra.optim.sgd { nest"] = "nesterov", ["ra.optim.sgd { nesterov = "] = "false true",
    ['ra.models.segformer{ preset = "'] = "light published", ["ra.models.unet{ resid"] = "residual", ["nn.conv2d{ 1, 8, pa"] = "pad",
    ['F.upsample(x, { mode = "'] = "bilinear nearest", ["x:sort{ de"] = "descending", ["x:unsq"] = "unsqueeze", ["x.dt"] = "dtype", ["x:dt"] = "",
    ["x[1]:nonz"] = "nonzero", ["ra.zeros(2):squ"] = "squeeze", ["t.inner.de"] = "deep", ["t.inner:"] = "call", ["t.inner.deep:argm"] = "argmax argmin",
    ["net:forw"] = "forward", ["ra.cosine{ sto"] = "stop", ['ra.cosine{ per = "'] = "epoch step", ['ra.follow("'] = "loss val.dice",
    ["ra.train({ data = { bat"] = "batch", ["ra.train({ data = { augment = { rota"] = "rotate", ['ra.train({ data = { set = "phan'] = "phantom",
    ["ra.train({}, { qui"] = "quiet", ["ra.image.resize(x, { me"] = "method", ['ra.predict(net, "x", { flips = "'] = "mirrored none turned",
    ["?loss.dic"] = "dice", ["?image.loa"] = "load load_mask",
    ["?predict.prob"] = "probabilities probability", ["C.ra_tensor_so"] = "ra_tensor_sort",
    ["$ ramus doc"] = "doctor", ["$ ramus predict x.png --flips m"] = "mirrored", ["$ ramus new d"] = "dataset",
    ["$ ramus ls --state "] = "done failed running stopped",
    ["$ ramus train --epo"] = "--epochs", ["$ ramus check driv"] = "drive drive_medsegbench", ['help "conv2'] = "conv2d",
    ["-- ra.lo"] = "", ["for i = 1, #x do prin"] = "print", ["time ra.zer"] = "zeros", ['("a, {"):len() .. ra.zer'] = "zeros", ["nothing.like.this"] = "",
    ["f{ a = { b = '}' }, c = ra.zer"] = "zeros", ["ra.loss.dice{ smooth = ra.ram"] = "ramp",
    ["ra.models.unet {\n  depth = 3,\n  wid"] = "width",
  } do check.equal(table.concat(repl.candidates(before), " "), wanted, before) end
  for name in pairs { net = 1, x = 1, t = 1 } do rawset(G, name, nil) end
end)

check.case("completion: every option of every op, loss, module, model, optimizer and schedule, and every choice", function()
  session()
  local tried = 0
  local function complete_all(callee, schema)
    for key, entry in pairs(schema) do
      if type(key) == "string" then
        tried = tried + 1
        has(" " .. table.concat(repl.candidates(callee .. "{ " .. key), " ") .. " ", " " .. key .. " ")
        local values = " " .. table.concat(repl.candidates(callee .. "{ " .. key .. " = "), " ") .. " "
        for _, v in ipairs(entry.one_of or {}) do has(values, type(v) == "string" and (' "%s" '):format(v) or (" %s "):format(tostring(v))) end
      end
    end
  end
  local ops = require "ramus.lang.ops"
  for _, name in ipairs(ops.names) do complete_all((ops.specs[name].is_loss and "ra.loss." or "F.") .. name, ops.schema(name)) end
  for name, d in pairs(require("ramus.lang.module").defined) do complete_all("nn." .. name, d.schema or {}) end
  for _, name in ipairs(ra.models.names()) do complete_all("ra.models." .. name, ra.models.find(name).schema) end
  for _, name in ipairs(ra.optim.names) do complete_all("ra.optim." .. name, ra.optim.schema(name)) end
  for name, d in pairs(require("ramus.lang.schedule").defined) do complete_all("ra." .. name, d.schema) end
  check.ok(tried > 300, tried)
end)

check.case("completion: names of files in strings, and what the tab key inserts", function()
  session()
  check.equal(repl.complete('ra.image.load("' .. check.root .. "/docs/tut"), "orial/")
  check.equal(repl.complete("ra.load('" .. check.root .. "/README.m"), "d'")
  check.equal(repl.complete "ra.loss.dice{ smo", "oth = ")
  check.equal(repl.complete 'ra.loss.dice{ average = "fo', 'reground"')
  check.equal(repl.complete "ra.loss.dice{ average = ", '"')
  check.equal(repl.complete "ra.load_", "model")
  check.equal((repl.complete "nothing_like_this"), nil)
  local insert, list = repl.complete "ra."
  check.equal(insert, nil)
  for line in list:gmatch "[^\n]+" do check.ok(#line <= 100, line) end
end)

-- ---- help and search ----------------------------------------------------------------

check.case("help(): of a name, a function, a value; ? of commands and of the core", function()
  local s, shown = session()
  for line, part in pairs { ["help()"] = "?loss", ["help"] = "?loss", ['help "ramp"'] = "ra.ramp(a, b, n)", ["help(F.conv2d)"] = "cross-correlation",
    ["help(ra.image.load)"] = "told apart by content", ["help(ra.loss.dice())"] = "smooth", ["help(ra.zeros(1))"] = "methods:",
    ["help(ra.cosine{})"] = "Half a cosine", ["help(C)"] = "core/api.h", ["?C.ra_tensor_sort"] = "NaN at the end", ["?eval"] = "usage: ramus eval",
    ["?commands"] = "doctor", ["?predict.probability"] = "Probability [H,W]", ["?optim.adamw"] = "weight_decay", ["?F.conv2d"] = "stride",
    ["?covn2d"] = "did you mean ?conv2d", ["?checks"] = "by_width", ["nn"] = "conv2d", ["C"] = "the core" } do
    s:feed(line)
    has(shown(), part)
  end
  s:feed "help(print)"
  has(shown(), 'a name goes in quotes, as help "conv2d"')
end)

check.case("??word: names, help and lines of documents, at most a screenful", function()
  local text, status = piped "??hysteresis\n??dropout\n"
  check.equal(status, 0)
  has(text, "?commands.predict")
  has(text, "docs/how-to/better-masks.md:")
  has(text, "?nn.dropout")
  local _, lines = text:gsub("\n", "")
  check.ok(lines <= 2 * 42, lines)
  for line in text:gmatch "[^\n]+" do check.ok(#line <= 100, line) end
  text, status = piped "??nothing_holds_this\n"
  has(text, "nothing holds 'nothing_holds_this'")
  check.equal(status, 1)
  local s, shown = session()
  s:feed "?? soft dice"
  has(shown(), "?loss.dice")
end)

-- ---- lines --------------------------------------------------------------------------

check.case("time EXPRESSION, $ COMMAND, a script of the session", function()
  local text, status, folder = piped('x = ra.ones(2, 2)\ntime x:sum()\n$ echo from the shell\nlocal y = x:sum() + 1; y\nwho()\nwho\n?x\nnil\n'
    .. 'for i = 1, 2 do\n  x = x + i\nend\nC.ra_threads();\nscript("first.lua")\n')
  check.equal(status, 0, text)
  check.ok(text:find "^4\n[%d%.]+ [um]?s\nfrom the shell\n5\n", text)
  local script = files.read(folder .. "/first.lua")
  check.equal(script, [[
local ra = require "ramus"
local F, nn = ra.F, ra.nn
local C = require("ramus.base.ffi").C
x = ra.ones(2, 2)
print(x:sum())
y = x:sum() + 1; print(y)
print(who)
print(nil)
for i = 1, 2 do
  x = x + i
end
local _ = C.ra_threads()
]])
  local said, code = processes.sh(("cd %s && %s run first.lua"):format(folder, files.absolute(binary)))
  check.equal(code, 0, said)
  has(said, "4\n5\n")
  text, status = piped 'time = 3\ntime\n$ exit 3\n'
  check.ok(status == 1 and text:find("3\nerror: $ exit 3: status 3\n", 1, true), text)
  text, status = piped 'script("input")\n'
  check.ok(status == 1 and text:find("script: input is there already; choose another name", 1, true), text)
end)

check.case("errors are one line: the place in the user's own code, the nearest name, no frames of Ramus", function()
  local folder = check.folder "prompt_errors"
  assert(files.write(folder .. "/mine.lua",
    'local ra = require "ramus"\nlocal function g(x)\n  local y = ra.F.conv2d(x, ra.ones(1, 3, 3, 3))\n  return y\nend\n'
    .. "return function(x)\n  local y = g(x)\n  return y\nend\n"))
  assert(files.write(folder .. "/wrong.lua", "for = 1\n"))
  assert(files.write(folder .. "/bare.lua", "local x = ra.zeros(2)\n"))
  local before = ("package.path = '%s/?.lua;' .. package.path\n"):format(folder)
  for line, wanted in pairs {
    ["ra.rndn(3)"] = "unknown name 'ra.rndn'; did you mean 'randn'?", ["ra.sigmoid(1)"] = "ra.sigmoid is an op: ra.F.sigmoid",
    ["zeros(3)"] = "attempt to call global 'zeros' (a nil value); did you mean ra.zeros?", ["relu(3)"] = "did you mean F.relu?",
    ["net = ra.models.unet{ depth = 2, width = 1 }; net:forwrd(1)"] = "attempt to call method 'forwrd' (a nil value); did you mean forward?",
    ["x = ra.zeros(2); x:size()"] = ".shape the list of sizes",
    ["x = ra.zeros(2); x:rank()"] = "it is a number, without parentheses: .rank", ["import torch"] = "ra, F and nn are defined",
    ["x = {}; x != 2"] = "a:ne(b)", ["x[1, 2]"] = "several indices stand in braces: x[{ 1, 2 }]", ["x = [1, 2]"] = "lists stand in braces",
    ["C.ra_tensor_fil(1)"] = "the core has no 'ra_tensor_fil'; did you mean 'ra_tensor_fill'?",
    ["ra.predict(nil, 1)"] = "the first argument is a run's folder", ["torch.zeros(3)"] = "did you mean ra?",
    ["ra.cat(1)"] = "did you mean 'ra.F.concat'?", ["ra.Tensor(1)"] = "did you mean 'tensor'?",
    ["nn.conv2d(1, 8)"] = "write nn.conv2d{ .. }", ["x = ra.zeros(2); x.mean()"] = "usage: F.mean(x) or x:mean()",
    ["x = ra.zeros(2); x:mean():item()"] = "gives a number, without item()", ["ra.zeros(2):view(1, 2)"] = "it is 'reshape' here",
    ["x:foo()"] = "attempt to index global 'x' (a nil value)\n",
    ["ra.loss.dice{ smoth = 1 }"] = "loss.dice: unknown option 'smoth'; did you mean 'smooth'?",
    ["x = = 1"] = "unexpected symbol near '='", ['x = "abc'] = "unfinished string near '<eof>'", ['require "nothing_here"'] = "module 'nothing_here' not found",
    ["for i = 1, 3 do\n  y = {} + 1\nend"] = "line 2: attempt to perform arithmetic on a table value",
    ['error("mine")'] = "mine", ["error{ code = 5 }"] = "{ code = 5 }",
    ['f = require "mine"; f(ra.zeros(1, 2, 4, 4))'] = "mine.lua:3: conv2d: x [1,2,4,4] has 2 channels, weight [1,3,3,3] wants 3 (called from",
    ['require "wrong"'] = "wrong.lua:1: '<name>' expected near '='",
    ["setmetatable(ra.zeros(1), {})"] = "bad argument #1 to 'setmetatable'",
    ["F.where(1)"] = "where: a is missing", ["ra.models.unet{ norm = 'bach' }"] = "did you mean 'batch'?",
  } do
    local text, status = piped(before .. line .. "\n")
    check.equal(status, 1, line)
    has(text, "error: ")
    has(text, wanted)
    local _, lines = text:gsub("\n", "")
    check.ok(lines == 1 and not text:find("lua/ramus", 1, true) and not text:find("stack", 1, true), line .. " gave\n" .. text)
  end
  local function run(what, wanted)
    local text, status = processes.sh(("cd %s && %s %s"):format(folder, files.absolute(binary), what))
    check.equal(status, 1, text)
    has(text, wanted)
    local _, lines = text:gsub("\n", "")
    check.equal(lines, 1, text)
  end
  for _, house in ipairs { "/home/me/ramus/lua/ramus/", "/usr/share/lua/5.1/ramus/", "...me/ramus/ramus/ramus/lua/ramus/" } do
    check.equal(complaint.line { is_complaint = true, text = house .. "lang/trace.lua:122: conv2d: no", places = { "model.lua:3" } },
      "model.lua:3: conv2d: no", house)
  end
  assert(files.write(folder .. "/model.lua",
    'local ra = require "ramus"\nlocal c = ra.nn.conv2d { 3, 8 }\nlocal net = ra.model(function(x) return c(x) end)\nreturn net\n'))
  run("run model.lua", "ramus: model.lua:3: conv2d: x [1,1,96,128] has 1 channels")
  run("run bare.lua", "ramus: bare.lua:1: attempt to index global 'ra' (a nil value); a file begins with: local ra = require \"ramus\"")
  run("run wrong.lua", "wrong.lua:1: '<name>' expected")
  run([[-e 'local f = dofile("mine.lua") f(ra.zeros(1, 2, 4, 4))']], "mine.lua:3: conv2d: x [1,2,4,4] has 2 channels")
  local text = processes.sh(("cd %s && RAMUS_DEBUG=1 %s run bare.lua"):format(folder, files.absolute(binary)))
  has(text, "stack traceback")
end)

check.case("what fails with nil and a message says so, also where it is assigned", function()
  local text, status = piped 'ra.load("nope")\nx = ra.load("nope")\nx\nlocal y = 1 == 1\ny\nnil, 3\nt = { 1,\n2 }\n#t\n'
  check.equal(status, 0)
  has(text, "nil: cannot read 'nope'")
  has(text, "x is nil: cannot read 'nope'")
  has(text, "nil\ntrue\nnil\n3\n2\n")
end)

check.case("== of tensors says what it asks", function()
  local text = piped "x = ra.ones(2)\nx == 1\n1 == 1\n"
  check.equal(text, "false\n  (asks whether both are the same tensor; x:eq(..) and :ne(..) compare element by element)\ntrue\n")
end)

check.case("an error inside Ramus says where, and that it should not have been", function()
  local house = debug.getinfo(complaint.line, "S").source:match "^@(.*)cli/"
  local f = assert(loadstring("return function(x) return x.y.z end", "@" .. house .. "lang/made_up.lua"))()
  local ok, err = xpcall(function()
    local v = f {}
    return v
  end, complaint.caught)
  check.ok(not ok)
  has(complaint.line(err, "f{}"), "(in lang/made_up.lua:1 of Ramus, which should have said what is wrong)")
end)

check.case("help: comments of the source are paragraphs on a screen of any width", function()
  local help = require "ramus.cli.help"
  local usual = show.width
  for _, width in ipairs { 70, 100, 130 } do
    show.width = function() return width end
    for name, from in pairs { ["checks.by_width"] = "A list of {", ["predict.probability"] = "Probability [H,W]", unet = "Level i of 1", supervise = "A row {",
      unetpp = "Node (i, j), i" } do
      local text = show.wrapped(help.find(name)) .. "\n"
      local lines, inside = {}, false
      for line in text:gmatch "([^\n]*)\n" do
        if line:find(from, 1, true) then inside = true elseif line == "" or line:find "^ *checks%." or line:find "^  act " then inside = false end
        if inside then lines[#lines + 1] = line end
      end
      check.ok(#lines >= 2, name .. " has no such paragraph:\n" .. text)
      for i = 1, #lines - 1 do
        local word = lines[i + 1]:match "%S+"
        check.ok(#lines[i] + 1 + #word > width - 1, ("?%s, %d columns, is ragged at\n%s\n%s"):format(name, width, lines[i], lines[i + 1]))
      end
    end
  end
  show.width = usual
  local rows = "  name    a column" .. (" "):rep(100) .. "and another\n  other   of the table"
  check.equal(help.joined(rows), rows)
  check.equal(help.joined(("word "):rep(30) .. "x\nand more\nshort\nshort"), ("word "):rep(30) .. "x and more\nshort\nshort")
end)

check.case("ra and its tables print their names, and how many there are", function()
  local all, named = 0, select(2, tostring(ra):gsub("ra%.%a+", ""))
  for name in pairs(getmetatable(ra).lazy()) do
    local value = ra[name]
    all = all + (name ~= "version" and 1 or 0)
    if type(value) == "table" then
      local text, callable = tostring(value), getmetatable(value).__call
      check.ok(text:find(("ra.%s%s"):format(name, callable and "(...), with " or ": "), 1, true) == 1 and #text < 220, text)
      has(text, "(?" .. name)
      if not callable then has(tostring(ra), "ra." .. name) end
    end
  end
  has(tostring(ra), ("and %d functions"):format(all + 1 - named)) -- and op_names
  has(tostring(ra.checks), "ra.checks: by_contrast, by_width, merge, patch_entropy (?checks at the prompt explains them)")
end)

check.case("text is wrapped below its column", function()
  for _, line in ipairs { ("word "):rep(60), "  name    default   " .. ("meaning "):rep(30), ("x"):rep(300) } do
    local text = show.wrapped(line)
    check.equal(text:gsub("%s+", ""), (line:gsub("%s+", "")))
    for one in text:gmatch "[^\n]+" do check.ok(#one <= 100 or not one:find " ", one) end
  end
  has(show.wrapped("  name    default   " .. ("meaning "):rep(30)), "\n" .. (" "):rep(20) .. "meaning")
  check.equal(show.wrapped("  name  default  " .. ("value "):rep(10) .. " " .. ("meaning "):rep(6)),
    "  name  default  " .. ("value "):rep(10):sub(1, -2) .. "\n" .. (" "):rep(17) .. ("meaning "):rep(6),
    "a column with little room begins on a line of its own")
  local usual, models = show.width, require "ramus.lang.models"
  for _, width in ipairs { 60, 80, 120 } do
    show.width = function() return width end
    for _, name in ipairs(models.names()) do
      for line in show.wrapped(require("ramus.cli.help").find("models." .. name)):gmatch "[^\n]+" do check.ok(#line < width, line) end
    end
  end
  show.width = usual
  for _, drawing in ipairs { "  " .. ("⠉⠒ "):rep(40), "\27[31m" .. ("x "):rep(90) .. "\27[0m" } do check.equal(show.wrapped(drawing), drawing, "a drawing") end
end)

--- One unit of the last digit of a number as text.
local function unit(text)
  local digits, power = text:match "%.(%d+)", text:match "[eE]([+-]?%d+)$"
  return 10 ^ ((power and tonumber(power) or 0) - (digits and #digits or 0))
end

--- Text as words, in which numbers are numbers: the bits of a loss depend on the machine, and where they are rounded the last digit.
local function like(got, wanted)
  local a, b = got:gmatch "%S+", wanted:gmatch "%S+"
  while true do
    local x, y = a(), b()
    if x == nil and y == nil then return true end
    x, y = x and x:gsub('"', ""), y and y:gsub('"', "")
    local m, n = tonumber(x), tonumber(y)
    local same = x == y or m and n and math.abs(m - n) <= 0.06 * math.abs(n) + math.max(1e-3, y:find "%." and 1.001 * unit(y) or 0)
    if not same then return false end
  end
end

check.case("docs: the sessions of the pages are real", function()
  local folder = check.folder "prompt_pages"
  local binary_path, tutorial = files.absolute(binary), check.root .. "/docs/tutorial/"
  for _, page in ipairs { tutorial .. "repl.md", check.root .. "/docs/reference/repl.md" } do
    local committed = assert(files.read(page))
    assert(files.write(folder .. "/page.md", committed))
    local said, status = processes.sh(("cd %s && %s run %s/session.lua page.md"):format(folder, binary_path, files.absolute(tutorial)))
    check.equal(status, 0, said)
    local made = assert(files.read(folder .. "/page.md"))
    local function lines(text) -- without hits in other pages, which change with these, memory, and gradients, which the kernels' rounding drives apart
      local list = {}
      for line in text:gmatch "[^\n]+" do
        if not line:find "^docs/[^:]*:%d" and not line:find "tensors and plans hold" and not line:find "^  gradients " then list[#list + 1] = line end
      end
      return list
    end
    local a, b = lines(made), lines(committed)
    for i = 1, math.max(#a, #b) do
      check.ok(like(a[i] or "", b[i] or ""), ("%s: the session gives\n    %s\n  the page has\n    %s\n  build/ramus run docs/tutorial/session.lua %s")
        :format(page, tostring(a[i]), tostring(b[i]), page))
    end
  end
end)

-- ---- history ------------------------------------------------------------------------

check.case("history: a block is one entry", function()
  local list = history.entries "1 + 1\nfor i = 1, 2 do\n\t  print(i)\n\t\n\tend\nx\n"
  check.equal(#list, 3)
  check.equal(list[2], "for i = 1, 2 do\n  print(i)\n\nend")
  check.equal(#history.entries "\tlost\n", 1)
end)

check.case("at a terminal: keys for completion, history of blocks, Ctrl-C in Lua and in the core", function()
  if os.execute "command -v tmux > /dev/null 2>&1" ~= 0 then check.skip "no tmux" end
  local folder = check.folder "prompt_terminal"
  local t = require "terminal"(folder)
  local run, wait_for = t.run, t.wait_for
  local function keys(...) run("send-keys -- " .. table.concat({ ... }, " ")) end
  local function line(text)
    run("send-keys -l -- '" .. text .. "'")
    keys "Enter"
  end
  local function typed(text) run("send-keys -l -- '" .. text .. "'") end
  local ok, err = pcall(function()
    run(("-u new-session -d -x 100 -y 50 'XDG_STATE_HOME=%s %s; echo status $?; sleep 60'"):format(folder, binary))
    wait_for "tab completes"
    line "40 + 2"
    wait_for "\n42\n"
    line "for i = 7, 8 do"
    wait_for ">>"
    line "  print(i)"
    line "end"
    wait_for "\n7\n8\n"
    line "6 * 7000"
    wait_for "\n42000\n"
    keys("Up", "Up", "Enter") -- the block
    wait_for "\n42000\n> for i = 7, 8 do\n  print(i)\nend\n7\n8\n"
    line "for i = 1, 2 do"
    wait_for ">>"
    keys "C-c"
    wait_for "^C"
    typed "ra.vers"
    keys("Tab", "Enter")
    wait_for('"' .. ra.version .. '"')
    line "x = \"äöü\"; x"
    wait_for "\n\"äöü\""
    typed 'ra.loss.dice{ aver'
    keys "Tab"
    wait_for "average ="
    keys("Tab", "Tab")
    wait_for "foreground"
    typed 'fo'
    keys "Tab"
    typed " }"
    keys "Enter"
    wait_for 'dice{average='
    line "while true do end"
    os.execute "sleep 0.3"
    keys "C-c"
    wait_for "interrupted"
    line "x = ra.rand(4000, 4000); for i = 1, 1000 do y = F.exp(x) end"
    os.execute "sleep 0.5"
    keys "C-c"
    for _ = 1, 100 do
      if select(2, run "capture-pane -p":gsub("error: interrupted", "")) == 2 then break end
      os.execute "sleep 0.1"
    end
    line "error(1)"
    line "1000 + 1"
    wait_for "\n1001\n"
    keys "C-d"
    wait_for "status 0"
  end)
  run "kill-server"
  if not ok then error(err, 0) end
  local kept = files.read(folder .. "/ramus/history")
  has(kept, "40 + 2\n")
  has(kept, "for i = 7, 8 do\n\t  print(i)\n\tend\n")
  has(kept, "ra.version\n")
end)
