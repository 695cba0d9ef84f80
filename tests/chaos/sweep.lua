--- Stops or fails a command at every system call that changes state, one call a time (strace does it), and gives the same command again: what it
-- leaves must be the same bytes as that of an unbroken run.
--
--   local result = sweep.run { ramus = PATH, folder = FOLDER, name = "train", command = "train recipe.lua --run out", kept = "out",
--     ignore = { "^log%.txt$" }, every = 1 }
--   result.tried, result.survived, result.wrong = { "why", .. }
--
-- command     of ramus, run inside folder; kept: the folder that it writes there, removed before each try
-- ignore      patterns of files that are not compared (times, locks), relative to kept
-- leaves      [opt] pattern of what a command says that has done its work and could not remove what it no longer needs
-- every       each so many-th call only; errors: what a call fails with, besides being killed before it
-- log         [opt] a file with a line for every try; a sweep that is given it again goes on behind them, where the command makes the same calls
local cjson = require "cjson"
local compared = require "compared"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local sh = require("processes").sh

local sweep = {}

sweep.CALLS = { "openat", "write", "pwrite64", "rename", "renameat2", "link", "unlink", "unlinkat", "fsync", "fdatasync", "ftruncate", "mkdir", "rmdir" }
sweep.ERRORS = { "EIO", "ENOSPC", "EMFILE", "ENOMEM" }

local CANNOT = { "^write%([12], " } -- what is said is no state

--- Does a traced call change what a file system holds, or what a reader of the command sees?
local function changes(name, line)
  if name == "openat" then return line:find("O_WRONLY", 1, true) or line:find("O_RDWR", 1, true) or line:find("O_CREAT", 1, true) end
  return true
end

--- The calls of a trace by name: list of { number of the call among those of its name and thread, text }.
local function calls_of(path)
  local counts, list = {}, {}
  for line in (files.read(path) or ""):gmatch "[^\n]+" do
    local thread, name = line:match "^(%d+) +([%w_]+)%("
    if thread then
      local key = thread .. name
      counts[key] = (counts[key] or 0) + 1
      local text = line:match "^%d+ +(.*)$"
      local skipped = false
      for _, pattern in ipairs(CANNOT) do skipped = skipped or text:find(pattern) ~= nil end
      if not skipped and changes(name, line) then list[#list + 1] = { name = name, at = counts[key], text = text } end
    end
  end
  return list
end

--- One run of the command, its cache below folder too; inject: strace's words, or nil. Returns what it said and its status.
local function run(o, inject, trace)
  local before = inject and ("strace -f -qq -o %s -e trace=%s%s "):format(trace, inject.name,
    inject.how and (" -e inject=%s:%s:when=%d"):format(inject.name, inject.how, inject.at) or "") or ""
  return sh(("cd '%s' && env RAMUS_THREADS=1 XDG_CACHE_HOME=cache %s%s %s </dev/null"):format(o.folder, before, o.ramus, o.command))
end

--- One try: how is "signal=KILL" or "error=E..". Returns nothing, or what went wrong; and whether the command survived.
local function try(o, call, how, wanted)
  compared.fresh(o)
  local said, status = run(o, { name = call.name, at = call.at, how = how }, o.folder .. "/injected.txt")
  local where = ("%s at %s"):format(how, call.text:sub(1, 100))
  if how ~= "signal=KILL" then
    if status ~= 0 and status ~= 1 then return ("%s: status %d, wanted 0 or 1\n%s"):format(where, status, said) end
    if status == 1 and not said:find "ramus: " then return ("%s: status 1 without a message\n%s"):format(where, said) end
    if said:find "stack traceback" then return ("%s: a stack trace\n%s"):format(where, said) end
  end
  local survived = status == 0
  if survived and not (o.leaves and said:find(o.leaves)) then
    local why = compared.difference(compared.contents(o.folder .. "/" .. o.kept, o.ignore), wanted)
    if why then return ("%s: status 0, but %s\n%s"):format(where, why, said) end
  end
  said, status = run(o)
  if status ~= 0 then return ("%s: the same command again: status %d\n%s"):format(where, status, said) end
  local why = compared.difference(compared.contents(o.folder .. "/" .. o.kept, o.ignore), wanted)
  if why then return ("%s: after the same command again %s\n%s"):format(where, why, said) end
  return nil, survived
end

--- The tries that a log holds, by their number: { survived =, why = }; a log of other calls is an error.
local function tried_before(o, calls)
  local known, head = {}, ("%s %s, %d calls"):format(o.name, o.command, calls)
  local text = o.log and files.read(o.log) or ""
  for line in text:gmatch "[^\n]+" do
    local entry = cjson.decode(line)
    if entry.name == o.name then
      assert(entry.head == head, ("%s is of '%s', this is '%s'"):format(o.log, entry.head, head))
      known[entry.turn] = entry
    end
  end
  return known, head
end

function sweep.run(o)
  compared.fresh(o)
  local trace = o.folder .. "/trace.txt"
  local said, status = run(o, { name = table.concat(sweep.CALLS, ",") }, trace)
  assert(status == 0, said)
  local wanted, list = compared.contents(o.folder .. "/" .. o.kept, o.ignore), calls_of(trace)
  local result = { calls = #list, tried = 0, survived = 0, wrong = {} }
  local hows = { "signal=KILL" }
  for _, code in ipairs(o.errors or sweep.ERRORS) do hows[#hows + 1] = "error=" .. code end
  local turn, known, head = 0, tried_before(o, #list)
  for _, call in ipairs(list) do
    for _, how in ipairs(hows) do
      turn = turn + 1
      if turn % (o.every or 1) == 0 then
        local entry = known[turn]
        if not entry then
          local why, survived = try(o, call, how, wanted)
          entry = { name = o.name, head = head, turn = turn, call = call.text:sub(1, 100), how = how, why = why, survived = survived or false }
          if o.log then assert(files.append(o.log, json.encode(entry))) end
        end
        local why, survived = entry.why, entry.survived
        result.tried, result.survived = result.tried + 1, result.survived + (survived and 1 or 0)
        if why then result.wrong[#result.wrong + 1] = why end
        if o.each then o.each(call, how, why) end
      end
    end
  end
  return result
end

return sweep
