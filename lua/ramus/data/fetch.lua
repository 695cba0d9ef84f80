--- ra.fetch(name, options): brings a data set to the data root: downloads what is missing, checks it, unpacks it,
-- prepares it. Returns the set's folder, or nil and a message. A set that exists is not fetched again: no network.
--   from       a folder or archive that was fetched by hand, instead of the network
--   mirror     an address (http, https, file) or folder tried before the set's own, after RAMUS_MIRROR
--   data_root  instead of RAMUS_DATA, XDG_DATA_HOME/ramus, ~/.local/share/ramus
--   offline    no network: use what was downloaded before
--   again      prepare the set even if it exists
--   options    of the set itself
--   progress   function{ stage = "download"|"unpack"|"prepare"|"wait", file =, bytes =, total =, note = }
-- A mirror is looked up as MIRROR/SET/FILE, then as MIRROR/FILE.
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local C = ffi.C

local fetch = {}

fetch.schema = {
  from = { type = "string" },
  mirror = { type = "string" },
  data_root = { type = "string" },
  offline = { type = "boolean", default = false },
  again = { type = "boolean", default = false },
  options = { type = "table" },
  progress = { type = "function" },
  patience = { type = "number", default = 600, min = 0, help = "seconds to wait for another process that fetches the set" },
  tries = { type = "integer", default = 5, min = 1, max = 100, help = "attempts per address without progress" },
  wait = { type = "number", default = 1, above = 0, help = "seconds before the second attempt, then doubled" },
  stall = { type = "number", default = 30, above = 0, help = "seconds without data that end an attempt" },
}

local function nothing() end

-- ---- addresses ----

local function escaped(path) return (path:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)) end

local function as_url(place)
  if place:match("^%a[%w+.-]*://") then return (place:gsub("/+$", "")) end
  local path = place:sub(1, 1) == "/" and place or (os.getenv("PWD") or ".") .. "/" .. place
  return "file://" .. escaped(path:gsub("/+$", ""))
end

--- The addresses of a file in the order they are tried.
function fetch.addresses(def, file, mirror)
  local list = {}
  for _, place in ipairs { os.getenv("RAMUS_MIRROR") or "", mirror or "" } do
    if place ~= "" then
      list[#list + 1] = as_url(place) .. "/" .. def.name .. "/" .. escaped(file.name)
      list[#list + 1] = as_url(place) .. "/" .. escaped(file.name)
    end
  end
  for _, url in ipairs(file.urls or {}) do list[#list + 1] = url end
  return list
end

-- ---- one file ----

--- Downloads one file: file.name, bytes, sha256 [opt], to `path`, from the first of the addresses that works. Resumes what
-- an earlier call left in PATH.part. Returns true, or nil and a message.
function fetch.download(path, addresses, file, given)
  given = given or {}
  local config = ffi.new("ra_transfer_config", { path = path, sha256 = file.sha256, bytes = file.bytes or 0,
    stall = given.stall or 0, wait = given.wait or 0, tries = given.tries or 0 })
  local transfer, err = ffi.own(C.ra_transfer_new(config), C.ra_transfer_release)
  if not transfer then return nil, err end
  for _, url in ipairs(addresses) do
    if C.ra_transfer_add(transfer, url) ~= 0 then return nil, ffi.message() end
  end
  local progress = given.progress or nothing
  local failed
  repeat
    if C.ra_transfer_step(transfer, 0.1) ~= 0 then failed = ffi.message()
    elseif C.ra_signal_arrived() ~= 0 then failed = "interrupted; the part that was downloaded is kept, and the next call resumes it" end
    progress { stage = "download", file = file.name, bytes = C.ra_transfer_bytes(transfer),
      total = C.ra_transfer_total(transfer), note = ffi.string(C.ra_transfer_note(transfer)),
      url = ffi.string(C.ra_transfer_url(transfer)) }
  until failed or C.ra_transfer_done(transfer)
  C.ra_transfer_release(ffi.gc(transfer, nil)) -- releases the lock now
  if failed then return nil, failed end
  return true
end

local function is_whole(path, file)
  if not files.is_file(path) then return false end
  if not file.sha256 then return true end -- the file was renamed only when it was complete; the set's own check follows
  return dataset.sha256_file(path) == file.sha256
end

local function by_hand(def, file, path)
  return ("fetch %s by hand%s and pass it: ramus fetch %s --from PATH (or put it at %s)"):format(file.name,
    file.urls and file.urls[1] and " from " .. file.urls[1] or "", def.name, path)
end

local function get_file(def, file, path, o)
  if is_whole(path, file) then return true end
  if o.offline then return nil, ("%s is absent and --offline was given; %s"):format(file.name, by_hand(def, file, path)) end
  local addresses = fetch.addresses(def, file, o.mirror)
  if file.login and #addresses == 0 then return nil, ("%s is absent, and %s"):format(file.name, file.login) end
  local good, err = fetch.download(path, addresses, file, o)
  if good then return true end
  return nil, ("%s\n%s"):format(err, by_hand(def, file, path))
end

-- ---- sources ----

local function unpack_to(archive, folder, o, progress)
  progress { stage = "unpack", file = archive }
  if C.ra_path_remove(folder) ~= 0 or C.ra_archive_extract(archive, folder, o.max_bytes or 0) ~= 0 then
    return nil, ffi.message()
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

local function from_given(def, from, work, progress)
  if files.is_folder(from) then
    if has_files(def, from) then return from_files(def, from, work, progress) end
    return from
  end
  if not files.is_file(from) then return nil, ("--from %s: there is no such file or folder"):format(from) end
  local file = #def.files == 1 and def.files[1]
  local sum = file and file.sha256 and dataset.sha256_file(from)
  if sum and sum ~= file.sha256 then
    return nil, ("%s is not %s: sha256 %s, wanted %s"):format(from, file.name, sum, file.sha256)
  end
  return unpack_to(from, work .. "/given", def, progress)
end

local function from_network(def, root, work, o, progress)
  local downloads = root .. "/downloads/" .. def.name
  local good, err = files.make_folder(downloads)
  if not good then return nil, err end
  for _, file in ipairs(def.files) do
    good, err = get_file(def, file, downloads .. "/" .. file.name, o)
    if not good then return nil, err end
  end
  local source
  source, err = from_files(def, downloads, work, progress)
  if source then return source end
  -- A broken archive that has no hash of its own would be broken again next time.
  for _, file in ipairs(def.files) do
    if file.unpack and not file.sha256 then os.remove(downloads .. "/" .. file.name) end
  end
  return nil, err
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
    C.ra_sleep(0.2)
  end
end

local function bring(def, root, folder, set_options, o, progress)
  if #def.files == 0 and not o.from and not def.prepare then
    return nil, "it has no address to be fetched from; bring it by hand: ramus fetch " .. def.name .. " --from PATH"
  end
  if #def.files == 0 and not o.from then
    progress { stage = "prepare", file = def.name }
    return dataset.prepare(def, nil, folder, set_options)
  end
  local work = ("%s/.%s.work"):format(root, def.name)
  if C.ra_path_remove(work) ~= 0 then return nil, ffi.message() end
  local source, result
  local good, err = files.make_folder(work)
  if not good then return nil, err end
  if o.from then source, err = from_given(def, o.from, work, progress)
  else source, err = from_network(def, root, work, o, progress) end
  if source then
    progress { stage = "prepare", file = def.name }
    result, err = dataset.prepare(def, source, folder, set_options)
  end
  C.ra_path_remove(work)
  if result then return result end
  return nil, err
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
    if files.is_folder(folder) then return folder end
    return nil, ("data set %s: there is no folder %s"):format(def.name, folder)
  end
  local function ready() return not o.from and not o.again and dataset.mark(folder) ~= nil end
  if ready() then return folder end
  local good
  good, err = files.make_folder(root)
  if not good then return nil, err end
  local unlock
  unlock, err = take_lock(("%s/.%s.lock"):format(root, def.name), o, progress, ready)
  if unlock == nil then return nil, err end
  if unlock == false then return folder end
  local ok, result, message
  if ready() then ok, result = true, folder -- another process has prepared it meanwhile
  else ok, result, message = xpcall(bring, debug.traceback, def, root, folder, set_options, o, progress) end
  unlock()
  if not ok then error(result, 0) end
  if result then return result end
  return nil, ("data set %s: %s"):format(def.name, message)
end

return setmetatable(fetch, { __call = function(_, name, given)
  local folder, err = fetch.fetch(name, given)
  return folder, err
end })
