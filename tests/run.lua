--- Runs every tests/test_*.lua (or those named on the command line, by part of
-- their name), prints the totals, exits 1 when a test failed. Several files run
-- each in a process of its own: what one registers or crashes the next never sees.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local check = require "check"
check.root = here == "tests" and "." or here .. "/.."

local TOTAL = "^(%d+) passed, (%d+) failed(.*)"

local function run_here(path)
  local name = path:match("test_(.*)%.lua$")
  local before, start = check.passed, os.time()
  local ok, err = xpcall(dofile, debug.traceback, path)
  if not ok then
    check.failed = check.failed + 1
    io.write("FAILED: ", name, " could not be loaded\n  ", tostring(err), "\n")
  end
  io.write(("%-24s %4d passed  %3d s\n"):format(name, check.passed - before, os.time() - start))
end

--- The same in a process of its own; its last line is added to the totals.
local function run_apart(path)
  local pipe = assert(io.popen(("'%s' run '%s' '%s' 2>&1"):format(require("processes").executable(check.root), arg[0], path)))
  local passed, failed, rest
  for line in pipe:lines() do
    local p, f, r = line:match(TOTAL)
    if p then
      passed, failed, rest = p, f, r
    else
      io.write(line, "\n")
      io.flush()
    end
  end
  pipe:close()
  check.passed = check.passed + (passed or 0)
  check.failed = check.failed + (failed or 1)
  check.skipped = check.skipped + (rest and rest:match "(%d+) skipped" or 0)
  if not passed then io.write("FAILED: ", path, " ended before its last line\n") end
end

local files = {}
for path in io.popen("ls " .. here .. "/test_*.lua"):lines() do
  local wanted = #arg == 0
  for _, part in ipairs(arg) do wanted = wanted or path:find(part, 1, true) end
  if wanted then files[#files + 1] = path end
end
for _, path in ipairs(files) do (#files == 1 and run_here or run_apart)(path) end
if check.scratch then os.execute("rm -rf " .. check.scratch) end
io.write(("%d passed, %d failed%s\n"):format(check.passed, check.failed,
  check.skipped > 0 and (", %d skipped"):format(check.skipped) or ""))
os.exit(check.failed == 0 and check.passed + check.skipped > 0 and 0 or 1, true)
