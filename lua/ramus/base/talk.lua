--- How much a command says. As usual; quiet: answers and errors only; verbose: also what is being done, on standard error, so that
-- standard output holds the same as without.
--
--   talk.note("the recipe is in mine.lua")        on standard output, unless quiet: what a person would like to hear, no answer
--   talk.detail("plan: %d steps", 17)             on standard error where verbose: "[   0.123 s] plan: 17 steps"
local talk = { quiet = false, verbose = false, clock = os.clock } -- clock: that of the core, as soon as ffi.lua has it

function talk.note(text) if not talk.quiet then print(text) end end

--- Seconds since the process began: what it had computed at the first look, and the time from there.
local function seconds()
  local now = talk.clock()
  talk.start = talk.start or now - os.clock()
  return now - talk.start
end

function talk.detail(form, ...)
  if not talk.verbose then return end
  io.flush()
  io.stderr:write(("[%9.3f s] "):format(seconds()), form:format(...), "\n")
end

--- Switches it, by --quiet and --verbose.
function talk.set(given)
  talk.quiet, talk.verbose = given.quiet or false, given.verbose or false
  if talk.verbose then seconds() end
end

--- Names of the libraries that this process has opened, in order; empty where the system does not say.
function talk.libraries()
  local file, seen, list = io.open "/proc/self/maps", {}, {}
  for line in file and file:lines() or function() end do
    local name = line:match "/([^/]+%.so[%.%d]*)$"
    if name and not seen[name] then seen[name], list[#list + 1] = true, name end
  end
  if file then file:close() end
  table.sort(list)
  return list
end

return talk
