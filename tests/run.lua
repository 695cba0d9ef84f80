--- Runs every tests/test_*.lua (or those named on the command line, by part of
-- their name), prints the totals, exits 1 when a test failed. Several files run
-- each in a process of its own, as many at a time as there are processors (JOBS=N: so many): what one registers or crashes no other sees.
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

--- Prints what a file's process wrote; its last line is added to the totals.
local function add_up(path, log)
  local passed, failed, rest
  for line in io.lines(log) do
    local p, f, r = line:match(TOTAL)
    if p then passed, failed, rest = p, f, r else io.write(line, "\n") end
  end
  check.passed = check.passed + (passed or 0)
  check.failed = check.failed + (failed or 1)
  check.skipped = check.skipped + (rest and rest:match "(%d+) skipped" or 0)
  if not passed then io.write("FAILED: ", path, " ended before its last line\n") end
  io.flush()
end

--- Each file in a process of its own, several at a time (JOBS=1: one); a file's lines are printed when it has ended.
local function run_apart(files)
  local function first_line(command)
    local pipe = assert(io.popen(command))
    local line = pipe:read "*l"
    pipe:close()
    return line
  end
  local jobs, logs = tonumber(os.getenv "JOBS") or tonumber((first_line "nproc")) or 1, first_line "mktemp -d"
  local list = assert(io.open(logs .. "/list", "w"))
  list:write(table.concat(files, "\n"), "\n")
  list:close()
  local one = [[sh -c '"$0" run "$1" "$3" > "$2/$(basename "$3").log" 2>&1; echo "$3"']]
  local ended = assert(io.popen(("xargs -P %d -n 1 %s '%s' '%s' '%s' < '%s/list'"):format(math.max(1, jobs), one,
    require("processes").executable(check.root), arg[0], logs, logs)))
  for path in ended:lines() do add_up(path, ("%s/%s.log"):format(logs, path:match "[^/]*$")) end
  ended:close()
  os.execute(("rm -rf '%s'"):format(logs))
end

local files = {}
for path in io.popen("ls " .. here .. "/test_*.lua"):lines() do
  local wanted = #arg == 0
  for _, part in ipairs(arg) do wanted = wanted or path:find(part, 1, true) end
  if wanted then files[#files + 1] = path end
end
if #files == 1 then run_here(files[1]) else run_apart(files) end
if check.scratch then os.execute("rm -rf " .. check.scratch) end
io.write(("%d passed, %d failed%s\n"):format(check.passed, check.failed,
  check.skipped > 0 and (", %d skipped"):format(check.skipped) or ""))
os.exit(check.failed == 0 and check.passed + check.skipped > 0 and 0 or 1, true)
