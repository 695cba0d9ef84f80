--- Commands of the command line. Each is a file commands/NAME.lua that returns
--
--   { name = "eval", order = 5, words = "RUN", help = "one line", example = "ramus eval runs/first", flags = { FLAG, ... }, run = function(words, given) }
--
-- and a file that is put there is a command. A FLAG is { name = "threshold", value = "T", wants = "a folder", help = "meaning" };
-- without value it is a switch. default: the value where the flag is absent, which run is given; or, where that is no constant,
-- unless: words that say what holds then ("that of the run"); a flag with a value has one of the two. short: a second spelling, as "-o";
-- many: may be given several times, its value is a list; number: its value is a number, from min to max; one_of: the values that it may have, in
-- the place of wants, and with list = true several of them with commas between. A command has one_of where its first word is one of these. raw = true:
-- run(args) reads its arguments itself. run returns the exit status (nil: 0), or false, a message and the status (1 unless given, 2
-- where the message is of a wrong declaration, see base/mistake.lua; a 2 that is given also shows the usage).
-- Usage lines, --help, messages, the manual page, completions and docs/reference/cli.md come from these tables. command.EVERY lists the flags
-- that all commands have; those with raw = true take them before their first word.
local guarded = require "ramus.base.guarded"
local options = require "ramus.base.options"
local show = require "ramus.base.show"
local talk = require "ramus.base.talk"

local command = {}

--- Flags that several commands have.
command.DATA_ROOT = { name = "data-root", value = "DIR", wants = "a folder", help = "where data sets live", unless = "RAMUS_DATA, else ~/.local/share/ramus" }
command.OFFLINE = { name = "offline", help = "never use the network" }
--- The definition of a run's data set where that is a program of the user's: a run alone starts none (data/registry.lua).
command.PROGRAM = { name = "data", value = "FILE", wants = "the file of a data set", many = true, unless = "none is run",
  help = "the file of a run's data set where that is a program (.lua): it runs if you name it" }
command.ACCEPT_ODD = { name = "accept-odd", help = "masks of another kind than the rest of the set are read by themselves" }
command.JSON = { name = "json", help = "standard output holds JSON and nothing else" }
command.THRESHOLD = { name = "threshold", value = "T", number = true, min = 0, max = 1, help = "probability from which a pixel is foreground",
  unless = "that of the run's validation" }
--- Flags of every command.
command.EVERY = {
  { name = "quiet", help = "print answers and errors only: no progress, no notes; nothing where what was asked for is a file" },
  { name = "verbose", help = "also say on standard error what is done: files opened, plans, libraries, times" },
}
--- How probabilities are made of an image (train/predict/way.lua), of serve, eval and predict.
command.LOOK = {
  { name = "tile", value = "N", number = true, min = 16, help = "side of the tiles into which images are cut; they overlap by half",
    unless = "whole images" },
  { name = "memory", value = "SIZE", wants = "a size as 300MB", unless = "as much as it takes",
    help = "what the net's arrays may take: larger images are cut into tiles that overlap by all that the net looks around a pixel, to the same values" },
  { name = "flips", value = "WHICH", one_of = { "none", "mirrored", "turned" }, default = "none",
    help = "mean over mirror images (mirrored: 4) and turns (turned: 8)" },
}
--- And how a mask, of eval and predict: these together.
command.WAY = {
  command.LOOK[1], command.LOOK[2], command.LOOK[3],
  { name = "with", value = "RUN", wants = "a run", many = true, unless = "none", help = "a further run, whose probabilities are averaged" },
  { name = "low", value = "T", number = true, min = 0, max = 1, unless = "no hysteresis",
    help = "hysteresis: pixels from T on count where connected to one at the threshold" },
  { name = "smallest", value = "N", number = true, min = 1, unless = "all stay", help = "regions of fewer pixels are removed from the mask" },
}

--- Tells the data sets which programs the user named with --data.
function command.trust(given)
  local dataset = given.data and require "ramus.data.dataset"
  for _, path in ipairs(given.data or {}) do dataset.trust(dataset.locate(path)) end
end

--- A list of flags of which some entries are lists themselves.
function command.flags(list)
  local flat = {}
  for _, one in ipairs(list) do
    for _, flag in ipairs(one.name and { one } or one) do flat[#flat + 1] = flag end
  end
  return flat
end

--- Options of a function: the values of such a group of flags among those given, and more.
function command.options(group, given, more)
  local values = {}
  for name, value in pairs(more) do values[name] = value end
  for _, flag in ipairs(group) do values[flag.name] = given[flag.name] end
  return values
end

command.SET = { name = "set", value = "K=V", wants = "KEY=VALUE", many = true, help = "option of the set, or threshold, values, .. of its masks",
  unless = "as the set declares" }

--- Options of the set and what is said of its masks, from a list of KEY=VALUE; nil and a message.
function command.settings(list)
  local reading = require "ramus.data.reading"
  local set, masks = {}, {}
  for _, pair in ipairs(list or {}) do
    local k, v = pair:match("^([%w_]+)=(.*)$")
    if not k then return nil, ("--set wants KEY=VALUE, given '%s'"):format(pair) end
    local value = command.value(v)
    if reading.schema[k] then masks[k] = value else set[k] = value end
  end
  return set, masks
end

-- ---- the list -----------------------------------------------------------------

local PREFIX = "ramus.cli.commands."

--- The file of a command: -e is commands/e.lua.
local function module_of(name) return PREFIX .. name:gsub("^%-", "") end

--- The command of this name; nil where there is none.
function command.find(name)
  if not name:match("^%-?[%w_]+$") or not package.searchpath(module_of(name), package.path) then return nil end
  local found = require(module_of(name))
  return found.name == name and found or nil
end

--- All commands, in the order in which they are listed.
function command.all()
  local folder = package.searchpath(PREFIX .. "run", package.path):match("^(.*)/")
  local list = {}
  for _, file in ipairs(assert(require("ramus.base.files").list(folder))) do
    local name = file:match("^([%w_]+)%.lua$")
    if name then list[#list + 1] = require(PREFIX .. name) end
  end
  table.sort(list, function(a, b)
    if (a.order or 99) ~= (b.order or 99) then return (a.order or 99) < (b.order or 99) end
    return a.name < b.name
  end)
  return list
end

--- Their names.
function command.names()
  local names = {}
  for i, c in ipairs(command.all()) do names[i] = c.name end
  return names
end

-- ---- text ---------------------------------------------------------------------

--- "--threshold T", "-o DIR": as it is written.
local function spelling(f) return (f.short or "--" .. f.name) .. (f.value and " " .. f.value or "") end

--- "eval RUN [--threshold T] [--tune]"
function command.usage(c)
  local parts = { c.name == "repl" and "[repl]" or c.name, c.words }
  for _, f in ipairs(c.flags or {}) do parts[#parts + 1] = "[" .. spelling(f) .. "]" .. (f.many and "..." or "") end
  return table.concat(parts, " ")
end

--- All flags of a command.
function command.flags_of(c) return command.flags { c.flags or {}, command.EVERY } end

--- What holds where a flag with a value is absent, as text.
function command.absent(f)
  if f.default == nil then return f.unless end
  return type(f.default) == "table" and table.concat(f.default, " and ") or tostring(f.default)
end

--- What a flag's value is, in words: "none, mirrored or turned".
function command.wants(f)
  if not f.one_of then return f.wants or "a number" end
  local n = #f.one_of
  return table.concat(f.one_of, ", ", 1, n - 1) .. (n > 1 and (f.list and ", " or " or ") or "") .. f.one_of[n]
end

--- What a flag means, with its bounds and what holds without it.
function command.meaning(f)
  local bounds = f.one_of and ("; %s%s"):format(command.wants(f), f.list and ", with commas between" or "")
    or f.max and ("; %g to %g"):format(f.min, f.max) or f.min and ("; >= %g"):format(f.min) or ""
  local absent = command.absent(f)
  return f.help .. bounds .. (absent and (" (default: %s)"):format(absent) or "") .. (f.short and ("; also --%s"):format(f.name) or "")
    .. (f.many and "; may be given several times" or "")
end

--- What `ramus NAME --help` prints.
function command.help(c)
  local lines, width = { "usage: ramus " .. command.usage(c), c.help }, 0
  for _, f in ipairs(command.flags_of(c)) do width = math.max(width, #spelling(f)) end
  lines[#lines + 1] = ""
  for _, f in ipairs(command.flags_of(c)) do lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(spelling(f), command.meaning(f)) end
  if c.example then lines[#lines + 1] = "\nexample: " .. c.example end
  return table.concat(lines, "\n")
end

--- What `ramus --help` prints.
function command.overview()
  local lines = { "usage: ramus COMMAND ...", "" }
  for _, c in ipairs(command.all()) do lines[#lines + 1] = ("  ramus %s\n      %s"):format(command.usage(c), c.help) end
  lines[#lines + 1] = "\nramus COMMAND --help explains the options of one; each takes --quiet and --verbose. ramus --version says what was built."
  lines[#lines + 1] = "Exit status: 0 done, 1 failed (network, file, diverged), 2 wrong use, 130 interrupted and saved."
  return table.concat(lines, "\n")
end

-- ---- arguments ----------------------------------------------------------------

local function unknown_flag(c, a)
  local known = {}
  for _, f in ipairs(command.flags_of(c)) do known[#known + 1] = "--" .. f.name end
  local is_path = require("ramus.base.files").exists(a)
  return nil, is_path and ("%s is no option; the file of that name is written ./%s"):format(a, a) or options.unknown("option", a, known)
end

--- The flag that an argument names, and the value behind "=".
local function flag_of(c, a)
  local name, inline = a:match("^%-%-([%w%-]+)=(.*)$")
  name = name or a:match("^%-%-([%w%-]+)$")
  for _, f in ipairs(command.flags_of(c)) do
    if f.name == name or f.short == a then return f, inline end
  end
end

--- The part of a text that is none of the values that a flag may have; nil where there is none.
local function wrong_choice(f, text)
  local known = {}
  for _, name in ipairs(f.one_of) do known[name] = true end
  if not f.list then return not known[text] and text or nil end
  for one in (text .. ","):gmatch "([^,]*)," do
    if not known[one] then return one end
  end
end

--- The value of a flag from its text, or nil and a message; a: the flag as it was written.
local function read_value(f, a, text)
  if not text then return nil, ("%s wants %s"):format(a, command.wants(f)) end
  if text == "" then return nil, ("%s wants %s, given ''"):format(a, command.wants(f)) end
  local wrong = f.one_of and wrong_choice(f, text)
  if wrong then
    local near = options.nearest(wrong, f.one_of)
    return nil, ("%s wants %s, given '%s'%s"):format(a, command.wants(f), wrong, near and ("; did you mean '%s'?"):format(near) or "")
  end
  if not f.number then return text end
  local value = tonumber(text)
  if not value or value ~= value or math.abs(value) == math.huge then return nil, ("%s wants a number, given '%s'"):format(a, text) end
  if value < (f.min or value) or value > (f.max or value) then
    return nil, ("%s wants a number %s, given %g"):format(a, f.max and ("from %g to %g"):format(f.min, f.max) or (">= %g"):format(f.min), value)
  end
  return value
end

--- The value of KEY=VALUE: a number, true, false, or a table as Lua writes it; else the text.
function command.value(text)
  if text == "true" or text == "false" then return text == "true" end
  local chunk = text:match("^%s*{") and loadstring("return " .. text)
  if not chunk then return tonumber(text) or text end
  setfenv(chunk, {})
  local ok, value = pcall(chunk)
  return ok and value or text
end

--- Sorts args (from the second on) into words and values of flags by their names; nil and a message where one is wrong.
function command.parse(c, args)
  local words, given, i = {}, {}, 2
  while args[i] do
    local a = args[i]
    if a == "--" then
      for k = i + 1, #args do words[#words + 1] = args[k] end
      break
    end
    local f, text = flag_of(c, a)
    if not f and a:match("^%-.") then return unknown_flag(c, a) end
    if not f then words[#words + 1] = a
    else
      local value = true
      if f.value then
        if not text then
          i = i + 1
          text = args[i]
        end
        local err
        value, err = read_value(f, a, text)
        if value == nil then return nil, err end
      elseif text then return nil, ("--%s takes no value"):format(f.name) end
      if f.many then
        given[f.name] = given[f.name] or {}
        table.insert(given[f.name], value)
      else given[f.name] = value end
    end
    i = i + 1
  end
  for _, w in ipairs(words) do
    if w == "" then return nil, ("%s was given an empty text ('') as an argument: a variable of the shell that holds nothing?"):format(c.name) end
  end
  if given.quiet and given.verbose then return nil, "--quiet and --verbose say the opposite of each other" end
  for _, f in ipairs(c.flags or {}) do
    if given[f.name] == nil then given[f.name] = f.default end
  end
  return words, given
end

--- The arguments of a command that reads them itself, without the flags of every command before its first word, and these; nil and a message.
local function leading(c, args)
  local before, rest = { args[1] }, { args[1] }
  local i = 2
  while args[i] and flag_of({}, args[i]) do
    before[i] = args[i]
    i = i + 1
  end
  local words, given = command.parse({ name = c.name }, before)
  if not words then return nil, given end
  for k = i, #args do rest[#rest + 1] = args[k] end
  return rest, given
end

-- ---- running ------------------------------------------------------------------

function command.complain(text) io.stderr:write("ramus: ", tostring(text), "\n") end

--- Runs a chunk of the user's: an error gives one line, with the place in the user's own code, and status 1.
function command.run_chunk(chunk, ...)
  local args, n = { ... }, select("#", ...)
  local complaint = require "ramus.cli.complaint"
  local ok, err = guarded(function() chunk(unpack(args, 1, n)) end, complaint.caught)
  if ok then return 0 end
  command.complain(complaint.line(err))
  return 1
end

--- An error that rose in a command: one that was raised by error() is a mistake of the caller, found by a library: one line,
-- status 2 (1 where memory or a file failed). Anything else is a defect of Ramus: status 1. RAMUS_DEBUG=1 shows where either rose.
local function caught(e)
  if e == "not enough memory" then return { text = e, status = 1 } end -- passed on by always
  local raised = debug.getinfo(2, "f")
  local mistake = raised and raised.func == error
  local text = show.raised(e, 4)
  if os.getenv "RAMUS_DEBUG" == "1" then return { text = debug.traceback(text, 2), status = mistake and 2 or 1 } end
  local line = text:gsub("\nstack traceback:.*$", ""):gsub("^[^\n:]+%.lua:%d+: ", "")
  if not mistake then return { text = "a defect of Ramus: " .. text:gsub("\nstack traceback:.*$", "") .. " (RAMUS_DEBUG=1 shows where)", status = 1 } end
  local loaded, ffi = pcall(require, "ramus.base.ffi") -- which fails where the library does not fit
  if not loaded then return { text = line, status = 1 } end
  local code, C = ffi.C.ra_error_code(), ffi.C
  local world = (code == C.RA_ERR_MEMORY or code == C.RA_ERR_IO) and line:find(ffi.message(), 1, true)
  return { text = line, status = world and 1 or 2 }
end

--- Runs a command with args (args[1] is its name); returns the exit status.
function command.call(c, args)
  if args[2] == "--help" or args[2] == "-h" then
    print(command.help(c))
    return 0
  end
  for _, a in ipairs(c.raw and {} or args) do
    if a == "--help" or a == "-h" then
      print(command.help(c))
      return 0
    end
  end
  local words, given = (c.raw and leading or command.parse)(c, args)
  if not words then return command.fail(c, given, 2) end
  talk.set(given)
  local status = command.finish(c, words, given)
  if talk.verbose then
    talk.detail("libraries: %s", table.concat(talk.libraries(), ", "))
    talk.detail("%s: status %d, at most %.0f MB", c.name, status, require("ramus.base.process").peak_memory() or 0)
  end
  return status
end

--- The same of arguments that were read.
function command.finish(c, words, given)
  local status, message, code
  local ok, err = guarded(function() status, message, code = c.run(words, given) end, caught)
  if not ok then
    command.complain(err.text)
    return err.status
  end
  if status == false and not code and require("ramus.base.mistake").is(message) then
    command.complain(message)
    return 2
  end
  if status == false then return command.fail(c, message, code or 1) end
  return status or 0
end

--- Complains, shows the usage where the status is 2, and returns the status.
function command.fail(c, message, status)
  command.complain(message)
  if status == 2 then io.stderr:write("usage: ramus ", command.usage(c), "\n") end
  return status
end

return command
