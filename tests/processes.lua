--- Commands for tests that start processes.
local processes = {}

--- The ramus executable that runs these tests (RAMUS_TEST_PROGRAM where that one is emulated; the tree's where a plain luajit does).
function processes.executable(root)
  if os.getenv "RAMUS_TEST_PROGRAM" then return os.getenv "RAMUS_TEST_PROGRAM" end
  local pipe = io.popen("readlink /proc/$PPID/exe")
  local path = pipe:read("*l")
  pipe:close()
  if path and path:match("/ramus$") then return path end
  return root .. "/build/ramus"
end

--- Runs a shell command; what it printed (both streams), its exit status (128 + n for signal n), and its seconds.
function processes.sh(command)
  local clock = require("ramus.base.ffi").C.ra_clock
  local start = clock()
  local pipe = io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\"")
  local text = pipe:read("*a")
  pipe:close()
  local said, status = text:match("^(.*)status (%d+)\n$")
  return said, tonumber(status), clock() - start
end

--- A function that runs `ramus ARGUMENTS` inside a folder, its data and cache below it, on one thread, and holds it to an exit status and, where
-- given, to a part of what it prints; returns what it printed.
function processes.inside(folder, binary)
  local check = require "check"
  return function(arguments, status, part)
    local text, got = processes.sh(("cd %s && env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 %s %s"):format(folder, folder, folder,
      binary, arguments))
    check.equal(got, status, ("ramus %s: exit status\n%s"):format(arguments, text))
    check.ok(not part or text:find(part, 1, true), ("ramus %s: wanted '%s' in\n%s"):format(arguments, tostring(part), text))
    return text
  end
end

return processes
