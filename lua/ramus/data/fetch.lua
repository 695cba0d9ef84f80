--- ra.fetch(name, options): brings a data set to the data root: downloads what is missing, checks it, unpacks it,
-- prepares it. Returns the set's folder, or nil and a message. A set that exists is not fetched again: no network.
--   from       a folder or archive that was fetched by hand, instead of the network
--   mirror     an address (http, https, file) or folder tried before the set's own, after RAMUS_MIRROR
--   data_root  instead of RAMUS_DATA, XDG_DATA_HOME/ramus, ~/.local/share/ramus
--   offline    no network: use what was downloaded before
--   again      prepare the set even if it exists
--   accept_changed   a file without a published checksum may be another one than before: download it, pin it, prepare the set
--   options    of the set itself
--   progress   function{ stage = "download"|"unpack"|"prepare"|"wait"|"pinned"|"left", file =, bytes =, total =, note = }
-- A mirror is looked up as MIRROR/SET/FILE, then as MIRROR/FILE. A file without a published checksum is pinned when it comes first
-- (received.lua); one that differs later is an error.
local always = require "ramus.base.always"
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local download = require "ramus.data.fetch.download"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local received = require "ramus.data.fetch.received"
local C = ffi.C

local fetch = {}

fetch.schema = {
  from = { type = "string" },
  mirror = { type = "string" },
  data_root = { type = "string" },
  offline = { type = "boolean", default = false },
  again = { type = "boolean", default = false },
  accept_changed = { type = "boolean", default = false },
  options = { type = "table" },
  progress = { type = "function" },
  patience = { type = "number", default = 600, min = 0, help = "seconds to wait for another process that fetches the set" },
  tries = { type = "integer", default = 5, min = 1, max = 100, help = "attempts per address without progress" },
  wait = { type = "number", default = 1, above = 0, help = "seconds before the second attempt, then doubled" },
  stall = { type = "number", default = 30, above = 0, help = "seconds without data that end an attempt" },
  poll = { type = "number", default = 0.1, above = 0, help = "seconds from one call of progress to the next" },
}

local function nothing() end

fetch.addresses, fetch.download = download.addresses, download.get

-- ---- sources ----

local function unpack_to(archive, folder, o, progress)
  progress { stage = "unpack", file = archive }
  if C.ra_path_remove(folder) ~= 0 or C.ra_archive_extract(archive, folder, o.max_bytes or 0) ~= 0 then
    local err, why = ffi.message(), ffi.new("char[512]")
    if C.ra_stranger(archive, why) == 0 and why[0] ~= 0 then err = ("%s: %s"):format(archive, ffi.string(why)) end
    return nil, err
  end
  return folder
end

--- Every file of the set below `place`, archives unpacked into `work`; the folder to prepare from.
local function from_files(def, place, work, progress)
  local source = work
  for _, file in ipairs(def.files) do
    local path = place .. "/" .. file.name
    local good, err
    if file.unpack then
      good, err = unpack_to(path, work .. "/" .. file.name, def, progress)
      source = good
    else
      good = C.ra_file_copy(path, work .. "/" .. file.name) == 0
      err = not good and ffi.message()
    end
    if not good then return nil, err end
  end
  return #def.files == 1 and source or work
end

local function has_files(def, folder)
  for _, file in ipairs(def.files) do
    if not files.is_file(folder .. "/" .. file.name) then return false end
  end
  return #def.files > 0
end

--- The file of the set that an archive given by hand stands for, or nil.
local function file_of(def, path)
  local _, name = files.split(path)
  for _, file in ipairs(def.files) do if file.name == name then return file end end
  return #def.files == 1 and def.files[1] or nil
end

--- True where a file that was given by hand is the file of the set; nil and a message.
local function check_given(file, path, record)
  local good, err = download.check(path, record:wanted(file))
  if good then return true end
  local other = record:other(file)
  return nil, other and err .. "\n" .. other or err
end

--- The source of what came by hand; came[NAME] = { path =, from = } of the files in it.
local function from_given(def, from, work, record, came, progress)
  local given = {}
  if files.is_folder(from) then
    if not has_files(def, from) then return from end
    for _, file in ipairs(def.files) do given[file] = from .. "/" .. file.name end
  elseif files.is_file(from) then
    local file = file_of(def, from)
    if file then given[file] = from end
  else return nil, ("--from %s: there is no such file or folder"):format(from) end
  for file, path in pairs(given) do
    local good, err = check_given(file, path, record)
    if not good then return nil, err end
    came[file.name] = { path = path, from = "by hand, " .. (files.absolute(path) or path) }
  end
  if files.is_folder(from) then return from_files(def, from, work, progress) end
  return unpack_to(from, work .. "/given", def, progress)
end

local function from_network(def, root, work, record, came, o, progress)
  local downloads = root .. "/downloads/" .. def.name
  local good, err = files.make_folder(downloads)
  if not good then return nil, err end
  for _, file in ipairs(def.files) do
    local path = downloads .. "/" .. file.name
    good, err = download.file(def, file, path, record, o)
    if not good then return nil, err end
    if good ~= true or not record.files[file.name] then
      came[file.name] = { path = path, from = good == true and "by hand, " .. path or good.from, etag = good ~= true and good.etag or nil,
        modified = good ~= true and good.modified or nil }
    end
  end
  local source
  source, err = from_files(def, downloads, work, progress)
  if source then return source end
  -- A broken archive that has no sum of its own would be broken again next time.
  for _, file in ipairs(def.files) do
    if file.unpack and not file.sha256 and not file.md5 then os.remove(downloads .. "/" .. file.name) end
  end
  return nil, err
end

--- Records what came, after the set was made of it: a web page in the place of an archive is never pinned.
local function keep(def, record, came, progress)
  if not next(came) then return true end
  for _, file in ipairs(def.files) do
    local source = came[file.name]
    if source then
      local pinned, err = record:add(file, source.path, source)
      if pinned == nil then return nil, err end
      if pinned then
        local kept = record.files[file.name]
        progress { stage = "pinned", file = file.name, note = ("the publisher of %s gives no checksum; pinned as it came: sha256 %s, %d bytes")
          :format(file.name, kept.sha256, kept.bytes) }
      end
    end
  end
  return record:store()
end

-- ---- the set ----

local function take_lock(path, o, progress, ready)
  local stop = C.ra_clock() + o.patience
  while true do
    local unlock, err = files.lock(path)
    if unlock then return unlock end
    if not err:find("another process", 1, true) then return nil, err end
    if ready() then return false end
    if C.ra_clock() >= stop then return nil, err .. "; it fetches this set, wait for it or stop it" end
    progress { stage = "wait", note = "another process fetches this set" }
    C.ra_sleep(2 * o.poll)
  end
end

local function work_of(root, def) return ("%s/.%s.work"):format(root, def.name) end
local function lock_of(root, def) return ("%s/.%s.lock"):format(root, def.name) end

--- Removes what a fetch that was killed has left behind a set that is ready; not while another one works, nor where nothing may be written.
local function clear(root, def)
  if not files.exists(work_of(root, def)) then return end
  local unlock = files.lock(lock_of(root, def))
  if not unlock then return end
  C.ra_path_remove(work_of(root, def))
  unlock()
end

local function bring(def, root, folder, set_options, o, progress)
  if #def.files == 0 and not o.from and not def.prepare then
    return nil, "it has no address to be fetched from; bring it by hand: ramus fetch " .. def.name .. " --from PATH"
  end
  if #def.files == 0 and not o.from then
    progress { stage = "prepare", file = def.name }
    return dataset.prepare(def, nil, folder, set_options)
  end
  local record, err = received.open(def, root)
  if not record then return nil, err end
  if o.accept_changed then record:forget() end
  local work = work_of(root, def)
  if C.ra_path_remove(work) ~= 0 then return nil, ffi.message() end
  local source, result, good
  good, err = files.make_folder(work)
  if not good then return nil, err end
  local came = {}
  if o.from then source, err = from_given(def, o.from, work, record, came, progress)
  else source, err = from_network(def, root, work, record, came, o, progress) end
  if source then
    progress { stage = "prepare", file = def.name }
    result, err = dataset.prepare(def, source, folder, set_options)
    if not result and next(came) and not o.from then
      err = ("%s\nwhat was downloaded is kept in %s/downloads/%s; remove it to download it anew"):format(err, root, def.name)
    end
  end
  if C.ra_path_remove(work) ~= 0 then
    progress { stage = "left", note = ("%s; it is no longer needed, the next fetch of %s removes it"):format(ffi.message(), def.name) }
  end
  if result then good, err = keep(def, record, came, progress) end
  if result and good then return result end
  return nil, err
end

--- What a call of progress says, in one line.
function fetch.describe(p)
  local size = p.bytes and ("%.1f%s MB"):format(p.bytes / 1e6, (p.total or 0) > 0 and (" of %.1f"):format(p.total / 1e6) or "")
  return ("%s %s %s"):format(p.stage, p.file or "", size or p.note or "")
end

--- A progress function that shows on `out` (base/progress): live what happens, as a line what stays.
function fetch.show(out)
  return function(p)
    if p.stage == "pinned" or p.stage == "left" then out:line(p.note)
    else out:update(fetch.describe(p)) end
  end
end

--- See the top of the file.
function fetch.fetch(name, given)
  local o = options.check(given, fetch.schema, "fetch", 3)
  local progress = o.progress or nothing
  local def, err = dataset.find(name)
  if not def then return nil, err end
  local root = dataset.root(o.data_root)
  local folder, set_options = dataset.place(def, root, o.options)
  def = dataset.with(def, set_options)
  if def.folder then
    local held
    held, err = dataset.in_place(def, folder, set_options)
    return held and folder or nil, err
  end
  local function ready() return not (o.from or o.again or o.accept_changed) and dataset.mark(folder) ~= nil end
  if ready() then
    clear(root, def)
    return folder
  end
  local good
  good, err = files.make_folder(root)
  if not good then return nil, err end
  local unlock
  unlock, err = take_lock(lock_of(root, def), o, progress, ready)
  if unlock == nil then return nil, err end
  if unlock == false then return folder end
  local result, message = always(function()
    if ready() then return folder end -- another process has prepared it meanwhile
    return bring(def, root, folder, set_options, o, progress)
  end, unlock)
  if result then return result end
  return nil, ("data set %s: %s"):format(def.name, message)
end

-- ---- several sets ----

local YIELDS = { download = true, wait = true } -- stages at which another set has its turn

--- Brings several sets at once: their downloads run beside each other in one thread, unpacking and preparing take turns. given: as above,
-- and progress(i, what), of the i-th set. Calls done(i, folder, message) [opt] as each ends. Returns { { name =, folder =, error = }, .. }.
function fetch.several(names, given, done)
  local results, running = {}, {}
  for i, name in ipairs(names) do
    local o = { poll = 0.1 / #names }
    for k, v in pairs(given or {}) do o[k] = v end
    o.progress = function(p)
      if given.progress then given.progress(i, p) end
      if YIELDS[p.stage] then coroutine.yield() end
    end
    results[i], running[i] = { name = name }, coroutine.create(function() return fetch.fetch(name, o) end)
  end
  local left = #names
  while left > 0 do
    for i, r in ipairs(results) do
      if running[i] then
        local ok, folder, err = coroutine.resume(running[i])
        if coroutine.status(running[i]) == "dead" then
          running[i], left = nil, left - 1
          r.folder, r.error = ok and folder or nil, not ok and tostring(folder) or err
          if done then done(i, r.folder, r.error) end
        end
      end
    end
  end
  return results
end

return setmetatable(fetch, { __call = function(_, name, given)
  local folder, err = fetch.fetch(name, given)
  return folder, err
end })
