--- Runs a command where something is short or strange: a full disk of every size, limits on memory, descriptors, threads and the size of files, outputs that
-- are closed or full, a clock that jumps, a second writer, a folder that is renamed or made read-only under it.
--
--   local result = limits.run(scene, { every = 1, only = "disk", each = function(name, why) end })
--   result.tried, result.survived, result.wrong = { "why", .. }, result.skipped = { "why", .. }
--
-- every: each so-many-th of a kind, at least one.
-- Each try must end well with the right bytes, or with a message and status 1 (130 where the training was stopped and saved), or be killed by the
-- limit's own signal. The same command again, without limits, must end in the same bytes as an unbroken run.
local compared = require "compared"
local files = require "ramus.base.files"
local sh = require("processes").sh

local limits = {}
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

---- what a try does: list of { name, before = words before the command, after = words behind it, mount = bytes of its disk } ----

local function with(list, name, values, try)
  for _, v in ipairs(values) do
    local t = try(v)
    t.name = name:format(v)
    list[#list + 1] = t
  end
end

local function range(first, last, step)
  local list = {}
  for v = first, last, step do list[#list + 1] = v end
  return list
end

local OUTPUTS = { ">&-", "2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "<&- >&- 2>&-" }

--- space: KB that the unbroken run's files take.
local function tries(o, shim, space)
  local list = {}
  with(list, "disk of %d KB", range(4, 2 * space + 16, math.max(4, 4 * math.ceil(space / 80))), function(v) return { mount = v, kind = "disk" } end)
  with(list, "memory of %d MB", range(20, 400, 20), function(v) return { before = "prlimit --as=" .. v * 1000000, kind = "memory" } end)
  with(list, "%d descriptors", range(3, 24, 1), function(v) return { before = "prlimit --nofile=" .. v, kind = "descriptors" } end)
  with(list, "files of %d bytes", { 0, 1, 100, 1000, 4096, 10000, 20000, 50000, 100000 }, function(v)
    return { before = "prlimit --fsize=" .. v, kind = "size" }
  end)
  with(list, "no thread or process from number %d on", range(1, 8, 1), function(v)
    local tracer = "strace -f -qq -o /dev/null -e trace=clone,clone3 -e inject=clone,clone3:error=EAGAIN:when=%d+"
    return { before = tracer:format(v), threads = 4, kind = "threads" }
  end)
  with(list, "outputs %s", OUTPUTS, function(v) return { after = v, kind = "outputs", quiet = true } end)
  with(list, "a clock that jumps", { 1 }, function() return { before = "env LD_PRELOAD=" .. shim, kind = "clock", must = true } end)
  with(list, "a second writer", { 1 }, function() return { twice = true, kind = "writers" } end)
  if o.name == "train" then
    with(list, "a folder renamed under it", { 1 }, function() return { meanwhile = "mv out moved", back = "rm -rf out; mv moved out", kind = "renamed" } end)
    with(list, "a folder read-only under it", { 1 }, function()
      return { mount = 65536, meanwhile = "mount -o remount,ro out", back = "mount -o remount,rw out", kind = "read-only" }
    end)
  end
  return list
end

---- one try ----

local function line_of(o, t)
  return ("env RAMUS_THREADS=%d XDG_CACHE_HOME=cache %s timeout 120 %s %s"):format(t.threads or 1, t.before or "", o.ramus, o.command)
end

--- Runs it; what it said and its status. Two at a time, or with something done once the training has written its first line.
local function run(o, t)
  local line = line_of(o, t)
  if t.twice then
    return sh(("cd '%s' && { %s </dev/null >a.txt 2>&1 & %s </dev/null; s=$?; wait; cat a.txt; (exit $s); }"):format(o.folder, line, line))
  elseif t.meanwhile then
    return sh(([[cd '%s' && { %s </dev/null & p=$!; while [ ! -s out/metrics.jsonl ] && kill -0 $p 2>/dev/null; do sleep 0.01; done
      n=0; until %s 2>/dev/null || [ $n -gt 200 ]; do n=$((n + 1)); sleep 0.01; done; wait $p; }]]):format(o.folder, line, t.meanwhile))
  end
  return sh(("cd '%s' && { %s %s; } %s"):format(o.folder, line, t.after or "", (t.after or ""):find "<" and "" or "</dev/null"))
end

local SIGNALS = { [124] = "it hung for two minutes", [134] = "SIGABRT", [135] = "SIGBUS", [136] = "SIGFPE", [139] = "SIGSEGV" }

local function verdict(o, t, said, status, wanted)
  if SIGNALS[status] then return SIGNALS[status] end
  if said:find "stack traceback" then return "a stack trace" end
  if status == 0 and not (o.leaves and said:find(o.leaves)) then
    if t.meanwhile then return nil, true end -- what it wrote lies elsewhere by now
    return compared.difference(compared.contents(o.folder .. "/" .. o.kept, o.ignore), wanted), true
  end
  if t.must then return "status " .. status end
  if status == 1 and not t.quiet and not said:find "ramus: " then return "status 1 without a message" end
  if status == 2 then return "status 2, as if the command were wrong" end
end

local function try(o, t, wanted)
  local kept = ("%s/%s"):format(o.folder, o.kept)
  compared.fresh(o)
  if t.mount then sh(("mkdir -p '%s' && mount -t tmpfs -o size=%dk none '%s'"):format(kept, t.mount, kept)) end
  local said, status = run(o, t)
  local why, survived = verdict(o, t, said, status, wanted)
  if t.back then sh(("cd '%s'; %s"):format(o.folder, t.back)) end
  if t.mount then sh(("mount -o remount,size=65536k '%s'"):format(kept)) end
  if not why then
    local again, code = run(o, {})
    why = code ~= 0 and ("the same command again: status %d\n%s"):format(code, again)
      or compared.difference(compared.contents(kept, o.ignore), wanted)
    why = why and (why .. ", after the same command again")
  end
  if t.mount then sh(("umount '%s'"):format(kept)) end
  return why and ("%s: %s\nit had said (status %d): %s"):format(t.name, why, status, said:sub(1, 600)), survived
end

--- Why this machine cannot try a kind; nil where it can.
local function missing(kind, o, shim)
  local function fails(command) return select(2, sh(command)) ~= 0 end
  if (kind == "disk" or kind == "read-only") and fails(("mkdir -p '%s/disk' && mount -t tmpfs -o size=4k none '%s/disk' && umount '%s/disk'"):format(
    o.folder, o.folder, o.folder)) then return "may not mount a tmpfs" end
  if kind == "threads" and fails "strace -qq -o /dev/null true" then return "no strace" end
  if kind == "clock" and not files.is_file(shim) then return "no compiler" end
end

--- Whether try i of n is one of every so-many; of a kind with fewer, its middle one is.
local function due(i, n, every) return i % every == 0 or n < every and i == math.ceil(n / 2) end

function limits.run(o, given)
  local shim = o.folder .. "/clock.so"
  sh(("cc -shared -fPIC -O1 -o '%s' '%s/clock.c'"):format(shim, here))
  compared.fresh(o)
  local said, status = run(o, {})
  assert(status == 0, said)
  local wanted = compared.contents(o.folder .. "/" .. o.kept, o.ignore)
  local result = { tried = 0, survived = 0, wrong = {}, skipped = {} }
  local lacks, turn, count = {}, {}, {}
  local space = tonumber(sh(("du -sk '%s/%s'"):format(o.folder, o.kept)):match "%d+")
  local list = tries(o, shim, space)
  for _, t in ipairs(list) do count[t.kind] = (count[t.kind] or 0) + 1 end
  for _, t in ipairs(list) do
    if lacks[t.kind] == nil then
      lacks[t.kind] = missing(t.kind, o, shim) or false
      if lacks[t.kind] then result.skipped[#result.skipped + 1] = t.kind .. ": " .. lacks[t.kind] end
    end
    turn[t.kind] = (turn[t.kind] or 0) + 1
    if not lacks[t.kind] and (not given.only or given.only == t.kind) and due(turn[t.kind], count[t.kind], given.every or 1) then
      local why, survived = try(o, t, wanted)
      result.tried, result.survived = result.tried + 1, result.survived + (survived and 1 or 0)
      result.wrong[#result.wrong + 1] = why
      if given.each then given.each(t.name, why) end
    end
  end
  return result
end

return limits
