--- What only one operating system has stands in one file, core/base/system.c; and the program finds itself.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

-- Calls, headers and fields that Linux or the GNU C library has and macOS has not.
local LINUX_ONLY = { "sched_getaffinity", "CPU_COUNT", "/proc/self", "prctl", "getauxval", "MADV_HUGEPAGE", "mremap", "memfd_create", "epoll_", "eventfd",
  "signalfd", "timerfd", "inotify_", "fallocate", "sync_file_range", "copy_file_range", "renameat2", "O_TMPFILE", "O_PATH", "accept4", "pipe2", "dup3",
  "SOCK_CLOEXEC", "SOCK_NONBLOCK", "MSG_NOSIGNAL", "pthread_condattr_setclock", "pthread_setname_np", "sigtimedwait", "sigwaitinfo", "ppoll", "statx",
  "secure_getenv", "program_invocation", "qsort_r", "strchrnul", "memrchr", "mempcpy", "st_mtim.", "st_ctim.", "sendfile", "dlmopen", "fdatasync",
  "posix_fadvise", "clock_nanosleep", "sys/auxv", "sys/prctl", "sys/epoll", "linux/" }

check.case("system: calls that only Linux has stand in core/base/system.c", function()
  local seen = 0
  local function look(path)
    local text = assert(files.read(path)):gsub("/%*.-%*/", "")
    for _, word in ipairs(LINUX_ONLY) do
      local found = text:find(word, 1, true)
      if path:find "core/base/system%.[ch]$" then seen = seen + (found and 1 or 0)
      else check.ok(not found, ("%s: %s belongs to core/base/system.c, with what other systems do instead"):format(path, word)) end
    end
  end
  for path in io.popen(("ls %s/core/*/*.c %s/core/*/*.h"):format(check.root, check.root)):lines() do look(path) end
  look(check.root .. "/lua/line.c")
  -- the heap of the GNU C library is prepared between #ifdef __GLIBC__ and #endif
  local main = assert(files.read(check.root .. "/lua/main.c")):gsub("#ifdef __GLIBC__.-#endif", "")
  for _, word in ipairs(LINUX_ONLY) do check.ok(not main:find(word, 1, true), "lua/main.c: " .. word) end
  check.ok(not main:find("mallopt", 1, true), "lua/main.c: mallopt outside of #ifdef __GLIBC__")
  check.ok(seen >= 6, seen .. " of the words are in system.c")
end)

check.case("system: the program knows its file, also without /proc", function()
  local binary = files.absolute(processes.executable(check.root))
  if os.getenv "RAMUS_TEST_PROGRAM" then check.skip "emulated" end
  local said, status = sh(([[%s -e 'print(require("ramus.base.process").executable())']]):format(binary))
  check.equal(said, binary .. "\n")
  check.equal(status, 0)
  if os.getenv "RAMUS_SANITIZED" then check.skip "AddressSanitizer needs /proc" end
  if sh "id -u" ~= "0\n" or select(2, sh "unshare -m true") ~= 0 then check.skip "the second half needs unshare" end
  said, status = sh(("unshare -m sh -c 'umount -l /proc && cd %s && ./%s -e \"print(require([[ramus.base.process]]).executable())\"'"):format(
    binary:match "^(.*)/", binary:match "[^/]*$"))
  check.equal(said, binary .. "\n")
  check.equal(status, 0)
end)

check.case("system: processors that affinity leaves", function()
  local binary = processes.executable(check.root)
  if os.getenv "RAMUS_TEST_PROGRAM" or select(2, sh "taskset -c 0 true") ~= 0 then check.skip "no taskset" end
  check.equal(sh(([[env -u RAMUS_THREADS taskset -c 0 %s -e 'print(require("ramus.base.ffi").C.ra_threads())']]):format(binary)), "1\n")
end)
