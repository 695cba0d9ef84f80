--- Every command by its example, in a folder where that works: as it is, with --quiet, --verbose and --json.
local check = require "check"
local command = require "ramus.cli.command"
local verbs = require "verbs"

--- Those whose examples make files alone, of which --quiet says nothing.
local SILENT = { train = true, new = true, fetch = true, predict = true, export = true, report = true }

--- A text without what is said of a machine that has other work.
local function calm(text) return (text:gsub("The machine was busy[^\n]*\n?", "")) end

--- The same without its numbers and the blanks that fill columns: times differ.
local function shape(text) return (calm(text):gsub("%-?%d[%d%.:e+-]*", "#"):gsub(" +", " ")) end

for _, c in ipairs(verbs.all()) do
  check.case(("ramus %s: the example runs; --quiet says less, --verbose more on standard error, both the same otherwise"):format(c.name), function()
    local plain, errors, status = verbs.run(c)
    check.equal(status, 0, c.example .. ": " .. errors)
    check.ok(not (plain .. errors):find("\27", 1, true), c.example .. ": an escape byte where no terminal is")

    local quiet, quiet_errors, quiet_status = verbs.run(c, "--quiet")
    check.equal(quiet_status, 0, c.example .. " --quiet: " .. quiet_errors)
    check.equal(quiet_errors, errors:find("warning", 1, true) and quiet_errors or "", c.example .. " --quiet, standard error")
    if SILENT[c.name] then check.equal(quiet, "", c.example .. " --quiet") end
    check.ok(select(2, calm(quiet):gsub("\n", "")) <= select(2, calm(plain):gsub("\n", "")), c.example .. " --quiet says more than without")

    local verbose, said, verbose_status = verbs.run(c, "--verbose")
    check.equal(verbose_status, 0, c.example .. " --verbose: " .. said)
    check.equal(shape(verbose), shape(plain), c.example .. " --verbose, standard output")
    check.ok(said:match "%[ *%d+%.%d+ s%] libraries: [^\n]*libpng", c.example .. " --verbose: libraries\n" .. said)
    check.ok(said:find(("s] %s: status 0, at most "):format(c.name), 1, true), c.example .. " --verbose: the end\n" .. said)
  end)
end

check.case("--verbose names the files that are opened, the plans with their algorithms, the samples", function()
  local c = command.find "predict"
  local _, said = verbs.run(c, "--verbose")
  for _, part in ipairs { "bundle load runs/first/best.safetensors", "angiograms/1.pgm", "plan of ", "conv2d by " } do
    check.ok(said:find(part, 1, true), part .. " is not in\n" .. said)
  end
  _, said = verbs.run(command.find "train", "--verbose")
  for _, part in ipairs { "run recipe.lua", "sample ", "file store runs/third/resolved.json", "backward)" } do
    check.ok(said:find(part, 1, true), part .. " is not in\n" .. said)
  end
end)

check.case("--quiet and --verbose together are wrong use; `run` and `-e` leave those behind their first word alone", function()
  local _, errors, status = verbs.ramus "ls --quiet --verbose"
  check.ok(status == 2 and errors:find("say the opposite", 1, true), errors)
  check.equal((verbs.ramus "run script.lua --quiet --verbose"), "--quiet\t--verbose\n")
  check.equal((verbs.ramus "run --quiet script.lua --quiet x"), "--quiet\tx\n")
  _, errors, status = verbs.ramus "run --quiet --verbose script.lua"
  check.ok(status == 2 and errors:find("say the opposite", 1, true), errors)
end)

-- ---- defaults --------------------------------------------------------------------

check.case("every option with a value says what holds without it: a default that the parser gives, or words", function()
  for _, c in ipairs(command.all()) do
    check.ok(c.example and c.example:find "^ramus", c.name .. " has no example")
    local text = command.help(c)
    local _, given = command.parse(c, { c.name })
    for _, f in ipairs(command.flags_of(c)) do
      local name = ("%s --%s"):format(c.name, f.name)
      check.equal(f.value ~= nil, f.default ~= nil or f.unless ~= nil, name .. ": either default or unless, with a value only")
      check.ok(not (f.default ~= nil and f.unless), name .. ": both default and unless")
      check.equal(given[f.name], f.default, name .. ": what the parser gives")
      check.ok(not f.help:find("unless given", 1, true), name .. ": its default belongs into the field")
      if f.value then check.ok(text:find(("(default: %s)"):format(command.absent(f)), 1, true), name .. " in --help") end
    end
  end
end)

check.case("the manual page and the reference show the same defaults", function()
  local manual = require("ramus.cli.manual").page "x"
  local page = require("ramus.base.files").read(check.root .. "/docs/reference/cli.md")
  for _, c in ipairs(command.all()) do
    for _, f in ipairs(command.flags_of(c)) do
      local absent = f.value and ("(default: %s)"):format(command.absent(f))
      if absent then
        check.ok(manual:find((absent:gsub("%-", "\\-")), 1, true), ("%s --%s in the manual page"):format(c.name, f.name))
        check.ok(page:find((absent:gsub("|", "\\|")), 1, true), ("%s --%s in docs/reference/cli.md"):format(c.name, f.name))
      end
    end
  end
end)

local predictions = { ["predict flips"] = require("ramus.train.predict.way").schema.flips.default }

check.case("defaults of the command line are those of the functions", function()
  for name, wanted in pairs(predictions) do
    local verb, flag = name:match "(%S+) (%S+)"
    local _, given = command.parse(command.find(verb), { verb })
    check.equal(given[flag], wanted, name)
  end
end)

-- ---- colour ----------------------------------------------------------------------

local ALWAYS = { watch = true, ls = true, show = true }

check.case("at a terminal with NO_COLOR no command prints a colour", function()
  if select(2, require("processes").sh "command -v script") ~= 0 then check.skip "no script(1) to make a terminal" end
  for _, c in ipairs(verbs.all()) do
    if ALWAYS[c.name] or os.getenv "RAMUS_TEST_ALL" then
      local text = verbs.at_terminal(c, "NO_COLOR=1")
      check.ok(#text > 0 or c.name == "repl", c.name .. " printed nothing")
      check.ok(not text:find "\27%[[%d;:]*m", ("ramus %s: a colour in spite of NO_COLOR: %q"):format(c.name, text:sub(1, 400)))
    end
  end
  check.ok(verbs.at_terminal(command.find "watch", "COLORTERM=truecolor"):find "\27%[[%d;:]*m", "ramus watch draws in colour where it may")
end)
