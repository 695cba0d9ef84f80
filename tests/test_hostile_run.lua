--- A run from a stranger: programs stand in its folder, and its recipe names as data set a program elsewhere on the disk. No command that reads
-- runs executes one of them, until the user names it.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"
local verbs = require "verbs"

local place, mark = verbs.folder .. "/hostile", verbs.folder .. "/executed"
local program = verbs.folder .. "/elsewhere/set.lua"

--- Leaves a mark where it is executed, and is a definition that works.
local EVIL = ("local f = io.open(%q, 'a') f:write 'x' f:close()\n"):format(mark)
local SET = EVIL .. [[return require("ramus").datasets.folder { "../place/pictures" }]]

--- A fresh copy of the examples' folder whose runs are hostile.
local function make()
  os.remove(mark)
  processes.sh(("rm -rf %s && cp -r %s/template %s && mkdir -p %s"):format(place, verbs.folder, place, (files.split(program))))
  assert(files.write(program, (SET:gsub("%.%./place", place))))
  for _, name in ipairs { "first", "second" } do
    local path = ("%s/runs/%s/"):format(place, name)
    for _, file in ipairs { "recipe.lua", "resolved.lua" } do assert(files.write(path .. file, EVIL .. assert(files.read(path .. file)))) end
    local value = json.decode(assert(files.read(path .. "resolved.json")))
    value.recipe.data = { set = program, options = {}, split = "usual", train = "all", val = false, test = "all" }
    assert(files.write(path .. "resolved.json", json.encode(value)))
  end
end

--- What runs programs because the user says so.
local PROGRAMS = { run = true, ["-e"] = true, train = true, study = true, tune = true, replay = true, repl = true }

local function never(arguments)
  make()
  local said, errors, status = verbs.ramus(arguments, place)
  check.ok(not files.exists(mark), ("ramus %s executed what a run names: %s%s"):format(arguments, said, errors))
  check.ok(status ~= 139 and not errors:find("traceback", 1, true), arguments .. ": " .. errors)
  return said, errors, status
end

check.case("a hostile run: no command that reads runs executes what it holds or names", function()
  local tried = 0
  for _, c in ipairs(verbs.all()) do
    if not PROGRAMS[c.name] then
      never(verbs.example(c))
      tried = tried + 1
    end
  end
  check.ok(tried >= 15, "hardly any command was tried")
  for _, arguments in ipairs { "report runs/first --signs", "watch runs/first --once", "watch runs/first --json", "show runs/first", "ls runs --json",
    "compare runs/first runs/second --json", "eval runs/first --tune", "eval runs/first --data phantom:test",
    "predict runs/first angiograms -o o --with runs/second",
    "export runs/first model.onnx --outputs all", "replay runs/first", "gc --all",
    [[-e 'print(ra.open_run("runs/first"), ra.open_run("runs/first").recipe) ra.load_model("runs/first") ra.evaluate("runs/first")']] } do
    never(arguments)
  end
  -- A run that goes on is looked at with the newest checkpoint's picture.
  make()
  processes.sh(("rm -rf %s/runs/first/*.txt %s/runs/first/eval* %s/runs/first/pictures"):format(place, place, place))
  verbs.ramus("watch runs/first --once", place)
  verbs.ramus("report runs/first", place)
  check.ok(not files.exists(mark), "watch or report executed what a run names")
end)

check.case("a hostile run: the page serves its model and executes nothing", function()
  make()
  local said = processes.sh(("cd %s && timeout 6 %s serve runs/first 2>&1 </dev/null"):format(place,
    files.absolute(processes.executable(check.root))))
  check.ok(said:find("http://127", 1, true), said)
  check.ok(not files.exists(mark), "serve executed what a run names")
end)

check.case("eval of a run whose data set is a program: one line that says how to name it; named, it runs", function()
  local said, errors, status = never "eval runs/first"
  check.equal(status, 1, said .. errors)
  check.equal(select(2, errors:gsub("\n", "")), 1, errors)
  local wanted = ("%s is the data set that a run names; it is a program, which is not executed unless you name it: --data %s"):format(program, program)
  check.ok(errors:find(wanted, 1, true), errors)
  said, errors, status = verbs.ramus(("eval runs/first --data %s:all"):format(program), place)
  check.equal(status, 0, said .. errors)
  check.ok(files.exists(mark), "a set that the user names is not executed")
end)

check.case("report, watch and Lua run the program of a run's data set where the user names it", function()
  for _, arguments in ipairs { "report runs/first --data PROGRAM --signs", "watch runs/first --once --data PROGRAM",
    [[-e 'ra.datasets.trust "PROGRAM" assert(ra.evaluate "runs/first")']], [[-e 'assert(ra.evaluate("runs/first", { data = "PROGRAM:all" }))']],
    [[-e 'assert(ra.datasets.open("PROGRAM", { split = "usual" }))']] } do
    make()
    processes.sh(("rm -rf %s/runs/first/log.txt %s/runs/first/eval* %s/runs/first/pictures"):format(place, place, place))
    local said, errors, status = verbs.ramus(arguments:gsub("PROGRAM", program), place)
    check.equal(status, 0, arguments .. ": " .. said .. errors)
    check.ok(files.exists(mark), arguments .. ": the set that the user names was not executed\n" .. said .. errors)
  end
end)

check.case("a link is no other name for a program that a run names", function()
  make()
  local link = verbs.folder .. "/link.lua"
  os.execute(("ln -sf %s %s"):format(program, link))
  local path = place .. "/runs/first/resolved.json"
  assert(files.write(path, (assert(files.read(path)):gsub("elsewhere\\?/set", "link"))))
  local _, errors, status = verbs.ramus("eval runs/first", place)
  check.ok(status == 1 and errors:find("not executed", 1, true) and not files.exists(mark), errors)
end)
