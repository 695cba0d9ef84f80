--- A power cut, simulated: what a command writes, renames and syncs is recorded once (strace), and played back up to each call with what was not
-- synced lost, torn or kept in another order. From each state that a disk may be left in the same command must end in the same bytes.
--
--   local result = power.run(scene, { every = 1, seed = 1, each = function(where, why) end })
--   result.calls, result.states, result.tried, result.wrong = { "why", .. }
--
-- The rules are the strictest that POSIX allows: bytes of a file are safe after fsync of that file, a name after fsync of its folder; a rename inside
-- a folder is one step, one between folders two. What is not yet safe may be there or not, each call for itself.
local compared = require "compared"
local files = require "ramus.base.files"
local sh = require("processes").sh
local trace = require "trace"

local power = {}

power.CALLS = { "open", "openat", "write", "pwrite64", "writev", "lseek", "close", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
  "unlinkat", "fsync", "fdatasync", "sync", "syncfs", "truncate", "ftruncate", "fallocate", "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat",
  "copy_file_range", "sendfile" }

--- Ways in which what is not safe may be left: names(), data() say of one pending step whether it is kept: true, false, or "torn".
local function always(what) return function() return what end end
local WAYS = {
  { name = "nothing that was not synced", names = always(false), data = always(false) },
  { name = "names without their bytes", names = always(true), data = always(false) },
  { name = "names with half of their bytes", names = always(true), data = always "torn" },
  { name = "bytes without their names", names = always(false), data = always(true) },
  { name = "any of it", names = function(random) return random(2) == 1 end, data = function(random) return ({ true, false, "torn" })[random(3)] end },
}

---- the disk: folders and files, each with what is safe and what is pending ----

local function new_folder() return { folder = true, names = {}, safe = {}, pending = {} } end
local function new_file() return { bytes = "", safe = "", pending = {} } end

--- The folder of a path and its last name; folders that were there before count as safe.
local function place(disk, path)
  local at, last = disk, nil
  for name in path:gmatch "[^/]+" do
    if last then
      if not at.names[last] then at.names[last] = new_folder() at.safe[last] = at.names[last] end
      at = at.names[last]
    end
    last = name
  end
  return at, last
end

local function find(disk, path)
  local at, name = place(disk, path)
  return at.names and at.names[name]
end

--- One step of names inside a folder: { name = node, or false where it goes }.
local function rename_step(folder, step)
  for name, node in pairs(step) do folder.names[name] = node or nil end
  folder.pending[#folder.pending + 1] = step
end

local function patch(bytes, at, text)
  if #bytes < at then bytes = bytes .. ("\0"):rep(at - #bytes) end
  return bytes:sub(1, at) .. text .. bytes:sub(at + #text + 1)
end

local function apply_data(bytes, step)
  if step.size then return #bytes > step.size and bytes:sub(1, step.size) or bytes .. ("\0"):rep(step.size - #bytes) end
  return patch(bytes, step.at, step.text)
end

local function data_step(node, step)
  node.bytes = apply_data(node.bytes, step)
  node.pending[#node.pending + 1] = step
end

--- Makes what a node holds safe: a file's bytes, a folder's names.
local function sync(node)
  if node.folder then
    for _, step in ipairs(node.pending) do for name, to in pairs(step) do node.safe[name] = to or nil end end
  else node.safe = node.bytes end
  node.pending = {}
end

local function sync_below(node)
  sync(node)
  for _, below in pairs(node.names or {}) do sync_below(below) end
end

---- the calls ----

local act = {}

function act.open(disk, c)
  if not c.path then return end
  local node = find(disk, c.path)
  if not node and c.flags:find "O_CREAT" then
    node = new_file()
    local folder, name = place(disk, c.path)
    rename_step(folder, { [name] = node })
  end
  if node and not node.folder and c.flags:find "O_TRUNC" and #node.bytes > 0 then data_step(node, { size = 0 }) end
  if node then disk.open[c.fd] = { node = node, at = 0, append = c.flags:find "O_APPEND" ~= nil } end
end

function act.write(disk, c)
  local f = disk.open[c.fd]
  if not f then return end
  local at = c.at or (f.append and #f.node.bytes or f.at)
  data_step(f.node, { at = at, text = c.text })
  if not c.at then f.at = at + #c.text end
end

function act.seek(disk, c) if disk.open[c.fd] then disk.open[c.fd].at = c.value end end
function act.close(disk, c) disk.open[c.fd] = nil end
function act.size(disk, c)
  local node = c.fd and disk.open[c.fd] and disk.open[c.fd].node or c.path and find(disk, c.path)
  if node then data_step(node, { size = c.size }) end
end

function act.sync(disk, c)
  local node = disk.open[c.fd] and disk.open[c.fd].node or c.path and find(disk, c.path)
  if c.path == "" then node = disk end
  if node then sync(node) end
end

function act.sync_all(disk) sync_below(disk) end

function act.make(disk, c)
  local folder, name = place(disk, c.path)
  rename_step(folder, { [name] = new_folder() })
end

function act.remove(disk, c)
  local folder, name = place(disk, c.path)
  if folder.names[name] then rename_step(folder, { [name] = false }) end
end

function act.link(disk, c)
  local folder, name = place(disk, c.to)
  rename_step(folder, { [name] = assert(find(disk, c.path), c.path) })
end

function act.rename(disk, c)
  local from, was = place(disk, c.path)
  local to, name = place(disk, c.to)
  local node = from.names[was]
  if not node then return end
  if from == to then return rename_step(from, { [was] = false, [name] = node }) end
  rename_step(to, { [name] = node })
  rename_step(from, { [was] = false })
end

---- what may be left ----

--- { path = bytes of a file, true of a folder } after a cut.
local function left(node, way, random, prefix, into)
  local names = {}
  for name, to in pairs(node.safe) do names[name] = to end
  for _, step in ipairs(node.pending) do
    if way.names(random) then for name, to in pairs(step) do names[name] = to or nil end end
  end
  local sorted = {}
  for name in pairs(names) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    local to, path = names[name], prefix .. name
    if to.folder then
      into[path] = true
      left(to, way, random, path .. "/", into)
    else
      local bytes = to.safe
      for _, step in ipairs(to.pending) do
        local kept = way.data(random)
        if kept == "torn" and step.text then step = { at = step.at, text = step.text:sub(1, math.floor(#step.text / 2)) } end
        if kept then bytes = apply_data(bytes, step) end
      end
      into[path] = bytes
    end
  end
  return into
end

--- A text that is the same for the same state.
local function key_of(state)
  local list = {}
  for path, bytes in pairs(state) do list[#list + 1] = path .. "\0" .. (bytes == true and "/" or bytes) end
  table.sort(list)
  return table.concat(list, "\0\0")
end

--- A generator of whole numbers 1..n of its own.
local function generator(seed)
  local x = seed
  return function(n)
    x = (x * 16807) % 2147483647
    return x % n + 1
  end
end

--- Every distinct state that a cut may leave: list of { where, how, files }. And the disk at the end, nothing lost.
local function states(calls, seed)
  local disk, list, seen, random = new_folder(), {}, {}, generator(seed)
  disk.open = {}
  for _, c in ipairs(calls) do
    act[c.act](disk, c)
    if c.act ~= "seek" and c.act ~= "close" then
      for _, way in ipairs(WAYS) do
        local state = left(disk, way, random, "", {})
        local key = key_of(state)
        if not seen[key] then
          seen[key] = true
          list[#list + 1] = { where = c.said, how = way.name, files = state }
        end
      end
    end
  end
  sync_below(disk)
  return list, left(disk, WAYS[1], random, "", {})
end

local function put(o, state)
  compared.fresh(o)
  local paths = {}
  for path in pairs(state) do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    local to = o.folder .. "/" .. path
    if state[path] == true then assert(files.make_folder(to))
    else
      local f = assert(io.open(to, "wb"))
      f:write(state[path])
      f:close()
    end
  end
end

local function command(o, tracer)
  return sh(("cd '%s' && env RAMUS_THREADS=1 XDG_CACHE_HOME=cache %s%s %s </dev/null"):format(o.folder, tracer or "", o.ramus, o.command))
end

--- Whether the record says the same as the disk: the bytes of every file that the command left.
local function check_record(o, final)
  for path, value in pairs(compared.contents(o.folder .. "/" .. o.kept)) do
    local bytes = final[o.kept .. "/" .. path]
    if not bytes or compared.hash(bytes) ~= value then error(("the record of %s misses what happened to %s"):format(o.name, path), 0) end
  end
end

function power.run(o, given)
  compared.fresh(o)
  local path = o.folder .. "/power.txt"
  local tracer = ("strace -f -y -xx -qq -s 100000000 -o %s -e trace=?%s -e signal=none "):format(path, table.concat(power.CALLS, ",?"))
  local said, status = command(o, tracer)
  assert(status == 0, said)
  local calls = trace.read(path, o.folder)
  local wanted = compared.contents(o.folder .. "/" .. o.kept, o.ignore)
  local list, final = states(calls, given.seed or 1)
  check_record(o, final)
  local result = { calls = #calls, states = #list, tried = 0, wrong = {} }
  for i, s in ipairs(list) do
    if i % (given.every or 1) == 0 then
      put(o, s.files)
      said, status = command(o)
      local why = status ~= 0 and ("status %d\n%s"):format(status, said) or compared.difference(compared.contents(o.folder .. "/" .. o.kept, o.ignore), wanted)
      why = why and ("%s left after %s: the same command again: %s"):format(s.how, s.where:sub(1, 120), why)
      result.tried = result.tried + 1
      result.wrong[#result.wrong + 1] = why
      if given.each then given.each(s, why) end
    end
  end
  return result
end

return power
