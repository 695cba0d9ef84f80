--- Commands for tests that start processes.
local processes = {}

--- The ramus executable that runs these tests (the tree's where a plain luajit does).
function processes.executable(root)
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

return processes
