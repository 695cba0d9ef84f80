--- Runs every tests/test_*.lua (or those named on the command line, by part of
-- their name), prints the totals, exits 1 when a test failed.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local check = require "check"
check.root = here == "tests" and "." or here .. "/.."

local files = {}
for path in io.popen("ls " .. here .. "/test_*.lua"):lines() do
  local wanted = #arg == 0
  for _, part in ipairs(arg) do wanted = wanted or path:find(part, 1, true) end
  if wanted then files[#files + 1] = path end
end
for _, path in ipairs(files) do
  local name = path:match("test_(.*)%.lua$")
  local before, start = check.passed, os.time()
  local ok, err = xpcall(dofile, debug.traceback, path)
  if not ok then
    check.failed = check.failed + 1
    io.write("FAILED: ", name, " could not be loaded\n  ", tostring(err), "\n")
  end
  io.write(("%-24s %4d passed  %3d s\n"):format(name, check.passed - before, os.time() - start))
  io.flush()
end
if check.scratch then os.execute("rm -rf " .. check.scratch) end
io.write(("%d passed, %d failed%s\n"):format(check.passed, check.failed,
  check.skipped > 0 and (", %d skipped"):format(check.skipped) or ""))
os.exit(check.failed == 0 and check.passed > 0 and 0 or 1, true)
