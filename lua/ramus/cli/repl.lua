--- The REPL: `ramus` without an argument (session.lua says what a line does). At a terminal it has a prompt, history and the tab key.
-- From a pipe it reads the same language without a prompt and stops at the first error with exit status 1.
local complete = require "ramus.cli.complete"
local ffi = require "ramus.base.ffi"
local session = require "ramus.cli.session"

local repl = { candidates = complete.candidates, complete = complete.word, session = session.new }

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
  local s = repl.session { write = write, complain = complain, watch = line.watch, interactive = true,
    remember = require("ramus.cli.history").open(line) }
  write(("ramus %s (%s, %d thread%s): ? lists topics, tab completes, Ctrl-D leaves\n"):format(require("ramus").version,
    ffi.string(ffi.C.ra_isa()), ffi.C.ra_threads(), ffi.C.ra_threads() == 1 and "" or "s"))
  local function at_tab(before) return complete.word(s.unfinished and s.unfinished .. "\n" .. before or before) end
  while true do
    local text = line.read(s.unfinished and ">> " or "> ", at_tab)
    if text == nil then
      write("\n")
      return 0
    elseif text == false then s:drop()
    elseif s:feed(text) == "leave" then return 0 end
  end
end

local function from_pipe()
  local s = repl.session { write = write, complain = complain }
  for text in io.lines() do
    local result = s:feed(text)
    if result == "leave" then return 0 end
    if not result then return 1 end
  end
  if s.unfinished then
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
