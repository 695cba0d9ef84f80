--- The REPL: `ramus` without an argument. Lines are Lua; expressions show their
-- values, `;` at the end keeps silent, ?name explains, the tab key completes.
-- From a pipe it reads the same language without a prompt and stops at the first
-- error with exit status 1.
local complete = require "ramus.cli.complete"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local help = require "ramus.cli.help"
local show = require "ramus.base.show"

local repl = { candidates = complete.candidates, complete = complete.word }

-- ---- a session: what one line does ------------------------------------------------

local Session = {}
Session.__index = Session

local function globals()
  local names = {}
  for k in pairs(_G) do names[k] = true end
  return names
end

--- given: write(text), complain(text), watch(on) around running code, interactive.
function repl.session(given)
  local self = setmetatable({ write = given.write, complain = given.complain, watch = given.watch or function() end,
    interactive = given.interactive, unfinished = nil, times = false }, Session)
  rawset(_G, "ra", require "ramus")
  rawset(_G, "F", require "ramus.lang.F")
  rawset(_G, "who", function() self:who() end)
  rawset(_G, "timing", function(on)
    if on == nil then on = not self.times end
    self.times = on
  end)
  self.known = globals()
  return self
end

--- Lists the variables that were made in this session, and how much memory the core holds.
function Session:who()
  local names, width = {}, 4
  for k in pairs(_G) do
    if type(k) == "string" and not self.known[k] and k ~= "_" then
      names[#names + 1], width = k, math.max(width, #k)
    end
  end
  table.sort(names)
  local lines = {}
  for _, name in ipairs(names) do
    local v = _G[name]
    local text = type(v) == "function" and "function" or show.brief(v)
    lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(name, text)
  end
  if #names == 0 then lines[1] = "  no variables yet" end
  lines[#lines + 1] = ("  tensors and plans hold %.1f MB"):format(ffi.C.ra_mem_live() / 1e6)
  self.write(table.concat(lines, "\n") .. "\n")
end

--- What is behind a global that is nil: "; did you mean ra.zeros?"
local function hint_for(message)
  local name = message:match("global '([%w_]+)' %(a nil value%)")
  if not name then return "" end
  if rawget(require "ramus.lang.F", name) then return ("; did you mean F.%s?"):format(name) end
  if getmetatable(require "ramus").lazy()[name] then return ("; did you mean ra.%s?"):format(name) end
  local names = {}
  for k in pairs(_G) do names[#names + 1] = k end
  local near = require("ramus.base.options").nearest(name, names)
  return near and ("; did you mean %s?"):format(near) or ""
end

--- The frames between the error and the input, for errors that rose inside a library.
local function inner_frames(trace)
  local kept = {}
  for line in trace:gmatch("[^\n]+") do
    if line:find("input:", 1, true) then break end
    if line:find("^%s") and not line:find("[C]:", 1, true) and not line:find("ramus/cli/repl.lua", 1, true) then
      kept[#kept + 1] = "  " .. line:match("^%s*(.*)$"):gsub("^.*/lua/ramus/", "ramus/")
    end
  end
  return table.concat(kept, "\n", 1, math.min(#kept, 8))
end

function Session:report(err, trace)
  if type(err) ~= "string" then
    self.complain("error: " .. show.value(err) .. "\n")
    return
  end
  if err:find("interrupted$") then err, trace = "interrupted", nil end
  local text = err:gsub("^input:1: ", "") .. hint_for(err)
  local frames = not err:find("^input:") and trace and inner_frames(trace) or ""
  self.complain("error: " .. text .. "\n" .. (frames ~= "" and frames .. "\n" or ""))
end

local function compile(text) return loadstring(text, "=input") end

--- A `local` that begins the input is left out: at the prompt every input is a chunk of its own, and the variable would be
-- gone with it.
local function without_local(text)
  local kept = text:gsub("^%s*local%s+function%s+([%a_][%w_]*%s*%()", "function %1", 1)
  if kept == text and text:match("^%s*local%s+([%a_][%w_%s,]*)=[^=]") then kept = text:gsub("^%s*local%s+", "", 1) end
  return kept
end

--- A chunk for `statement; expression`, which returns the expression's values; nil where the text is none.
local function statements_then_expression(text)
  local at = #text
  repeat
    at = text:sub(1, at - 1):match("^.*();")
    local head, tail = text:sub(1, at or 0), text:sub((at or 0) + 1)
    if at and compile("return nil, " .. tail) and compile(head) then return (compile(head .. " return nil, " .. tail)) end
  until not at
  return nil
end

--- A chunk and whether its values are shown; nil and a message.
local function read_chunk(text)
  local stripped, silent = text:gsub("[%s;]*;%s*$", "")
  -- nil first: `return f(x)` alone would be a tail call, and errors would not find the caller's line
  local expression, open = compile("return nil, " .. stripped)
  if expression then return expression, silent == 0 end
  if open:find("near '<eof>'", 1, true) then return nil, open end
  stripped = without_local(stripped)
  local last = statements_then_expression(stripped)
  if last then return last, silent == 0 end
  local chunk, err = compile(without_local(text))
  return chunk, err
end

--- A value as text; for ra and its tables, the names in them.
local function text_of(v)
  if type(v) == "table" then
    local ra = require "ramus"
    if v == ra then return help.topics() end
    for _, room in ipairs { "F", "nn", "loss", "models", "optim", "image", "metrics", "schedule", "augment" } do
      local where = getmetatable(ra).lazy()[room]
      if v == (rawget(ra, room) or where and package.loaded[where[1]]) then return help.find(room) end
    end
  end
  return show.value(v)
end

--- Runs what read_chunk gave; true, or false after an error that was reported.
function Session:run(chunk, shown)
  jit.off(chunk, true) -- so that Ctrl-C ends a loop typed here: compiled loops do not look
  local start = ffi.C.ra_clock()
  local trace
  self.watch(true)
  local values = { n = 0 }
  local function take(...)
    values = { n = select("#", ...) - 1, select(2, ...) }
  end
  local ok, err = xpcall(function() take(chunk()) end, function(e)
    trace = debug.traceback("", 2)
    return e
  end)
  self.watch(false)
  local seconds = ffi.C.ra_clock() - start
  if ok and shown == true and values.n > 0 then
    ok, err = pcall(function()
      for i = 1, values.n do self.write(text_of(values[i]) .. "\n") end
    end)
    if values[1] ~= nil then rawset(_G, "_", values[1]) end
  end
  if not ok then self:report(err, trace) end
  if self.times then self.write(("%.1f ms\n"):format(1e3 * seconds)) end
  return ok
end

--- Runs one line. Returns "more" (the chunk is not complete), "leave", true, or false after an error.
function Session:feed(line)
  if not self.unfinished then
    local word = line:match("^%s*(%S*)%s*$")
    if word == "" then return true end
    if (word == "exit" or word == "quit") and rawget(_G, word) == nil then return "leave" end
    if word == "help" and rawget(_G, word) == nil then line = "?" end
    local asked = line:match("^%s*%?(.*)$") or line:match("^%s*(.-)%?%s*$")
    if asked and not line:find("[\"'=%(]") then
      local text, err = self:explain(asked)
      if not text then self.complain(err .. "\n") return false end
      self.write(text .. "\n")
      return true
    end
    line = line:gsub("^%s*=", "", 1)
  end
  local text = self.unfinished and self.unfinished .. "\n" .. line or line
  local chunk, shown = read_chunk(text)
  if not chunk then
    if shown:find("near '<eof>'", 1, true) then
      self.unfinished = text
      return "more"
    end
    self.unfinished = nil
    self:report(shown)
    return false
  end
  self.unfinished = nil
  return self:run(chunk, shown)
end

--- Help on a name, or on what a variable of the session holds.
function Session:explain(name)
  name = name:match("^%s*(.-)%s*$")
  local value = name:match("^[%a_][%w_]*$") and rawget(_G, name)
  if name == "ra" then return help.topics() end
  if value == nil or name == "F" then return help.find(name) end
  if type(value) == "function" then
    local comment, declared = help.comment_of(value)
    return comment and ("%s\n%s"):format(declared or name, comment) or help.find(name) or ("%s is a function"):format(name)
  end
  local kind = require("ramus.lang.tensor").is(value) and "tensor" or type(value) == "table" and require("ramus.lang.model").is(value) and "model"
    or type(value) == "table" and require("ramus.lang.loss").is(value) and "loss." .. value.name or nil
  return ("%s = %s"):format(name, show.value(value)) .. (kind and ("\n\n" .. help.find(kind)) or "")
end

--- Forgets an input that is not complete.
function Session:drop() self.unfinished = nil end

-- ---- the terminal ---------------------------------------------------------------------

--- The history file: $XDG_STATE_HOME/ramus/history, else ~/.local/state/ramus/history; one line an entry.
local function history_path()
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if (not state or state == "") and (not home or home == "") then return nil end
  return (state and state ~= "" and state or home .. "/.local/state") .. "/ramus/history"
end

local KEPT = 1000

--- Reads the history into the line editor; a file that has grown long is cut. Returns a function that adds a line.
local function open_history(line)
  local path = history_path()
  local entries = {}
  for entry in (path and files.read(path) or ""):gmatch("[^\n]+") do entries[#entries + 1] = entry end
  for i = math.max(1, #entries - KEPT + 1), #entries do line.add(entries[i]) end
  local usable = path and files.make_folder((files.split(path)))
  if usable and #entries > 2 * KEPT then
    files.write(path, table.concat(entries, "\n", #entries - KEPT + 1) .. "\n")
  end
  local last = entries[#entries]
  return function(text)
    if text:match("^%s*$") or text == last then return end
    last = text
    line.add(text)
    local file = usable and io.open(path, "a")
    if file then
      file:write(text, "\n")
      file:close()
    end
  end
end

--- Without libedit (a plain LuaJIT): lines from standard input.
local plain_line = {
  read = function(prompt)
    io.write(prompt)
    io.flush()
    return io.read("*l")
  end,
  add = function() end,
  watch = function() end,
}

local function write(text)
  io.write(text)
  io.flush()
end

local function complain(text)
  io.flush()
  io.stderr:write(text)
end

local function at_terminal()
  local ok, line = pcall(require, "ramus.line")
  if not ok then line = plain_line end
  local session = repl.session { write = write, complain = complain, watch = line.watch, interactive = true }
  write(("ramus %s, %s kernels, %d thread%s. ? lists topics, ?name explains, tab completes, Ctrl-D leaves.\n"):format(
    require("ramus").version, ffi.string(ffi.C.ra_isa()), ffi.C.ra_threads(), ffi.C.ra_threads() == 1 and "" or "s"))
  local remember = open_history(line)
  while true do
    local text = line.read(session.unfinished and ">> " or "> ", repl.complete)
    if text == nil then
      write("\n")
      return 0
    elseif text == false then session:drop()
    else
      remember(text)
      if session:feed(text) == "leave" then return 0 end
    end
  end
end

local function from_pipe()
  local session = repl.session { write = write, complain = complain }
  for text in io.lines() do
    local result = session:feed(text)
    if result == "leave" then return 0 end
    if not result then return 1 end
  end
  if session.unfinished then
    complain("error: the input ends in the middle of a chunk\n")
    return 1
  end
  return 0
end

--- Runs until the end of the input; returns the exit status.
function repl.main()
  if ffi.is_terminal(0) then return at_terminal() end
  return from_pipe()
end

return repl
