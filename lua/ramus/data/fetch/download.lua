--- The files of a data set: their addresses, the download of one, and what to say where it can only come by hand.
local always = require "ramus.base.always"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local prepared = require "ramus.data.prepared"
local C = ffi.C

local download = {}

local function nothing() end

-- ---- addresses ----

local function escaped(path) return (path:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)) end

local function as_url(place)
  if place:match("^%a[%w+.-]*://") then return (place:gsub("/+$", "")) end
  local path = place:sub(1, 1) == "/" and place or (os.getenv("PWD") or ".") .. "/" .. place
  return "file://" .. escaped(path:gsub("/+$", ""))
end

--- The addresses of a file in the order they are tried. Those of a file that wants a login are for people, not for programs.
function download.addresses(def, file, mirror)
  local list = {}
  for _, place in ipairs { os.getenv("RAMUS_MIRROR") or "", mirror or "" } do
    if place ~= "" then
      list[#list + 1] = as_url(place) .. "/" .. def.name .. "/" .. escaped(file.name)
      list[#list + 1] = as_url(place) .. "/" .. escaped(file.name)
    end
  end
  for _, url in ipairs(not file.login and file.urls or {}) do list[#list + 1] = url end
  return list
end

-- ---- one file ----

--- Runs a transfer from the first of the addresses that works; returns as download.get does.
local function run_transfer(transfer, addresses, file, given)
  for _, url in ipairs(addresses) do
    if C.ra_transfer_add(transfer, url) ~= 0 then return nil, ffi.message() end
  end
  local progress = given.progress or nothing
  local failed
  repeat
    if C.ra_transfer_step(transfer, given.poll or 0.1) ~= 0 then failed = ffi.message()
    elseif C.ra_signal_arrived() ~= 0 then failed = "interrupted; the part that was downloaded is kept, and the next call resumes it" end
    progress { stage = "download", file = file.name, bytes = C.ra_transfer_bytes(transfer),
      total = C.ra_transfer_total(transfer), note = ffi.string(C.ra_transfer_note(transfer)),
      url = ffi.string(C.ra_transfer_url(transfer)) }
  until failed or C.ra_transfer_done(transfer)
  local function text(f)
    local value = ffi.string(f(transfer))
    return value ~= "" and value or nil
  end
  local source = { from = text(C.ra_transfer_url), etag = text(C.ra_transfer_etag), modified = text(C.ra_transfer_modified) }
  if failed then return nil, failed end
  return source
end

--- Downloads one file: file.name, bytes, sha256 or md5 [opt], to `path`, from the first of the addresses that works. Resumes what
-- an earlier call left in PATH.part. Returns { from = address, etag =, modified = }, or nil and a message.
function download.get(path, addresses, file, given)
  given = given or {}
  local config = ffi.new("ra_transfer_config", { path = path, sha256 = file.sha256, md5 = file.md5, bytes = file.bytes or 0,
    most = given.most or 0, stall = given.stall or 0, wait = given.wait or 0, tries = given.tries or 0 })
  local transfer, err = ffi.own(C.ra_transfer_new(config), C.ra_transfer_release)
  if not transfer then return nil, err end
  return always(function() return run_transfer(transfer, addresses, file, given) end, function()
    ffi.release(transfer, C.ra_transfer_release) -- connection, file and lock
  end)
end

--- True where the file at path is the one that is wanted; nil and a message. Without a sum, any that is there.
function download.check(path, wanted)
  if not files.is_file(path) then return nil, path .. ": there is no such file" end
  local kind = wanted.sha256 and "sha256" or wanted.md5 and "md5"
  if not kind then return true end
  local sum, err = prepared[kind .. "_file"](path)
  if not sum then return nil, err end
  if sum == wanted[kind] then return true end
  return nil, ("%s is not %s: %s %s, wanted %s"):format(path, wanted.name, kind, sum, wanted[kind])
end

--- What to do where a file cannot be downloaded; path [opt]: where it may be put.
function download.by_hand(def, file, path)
  local put = path and (" (or put it at %s)"):format(path) or ""
  if file.login then
    local command = file.login:find("--from", 1, true) and "" or ("; then: ramus fetch %s --from PATH"):format(def.name)
    return ("%s cannot be fetched by a program: %s%s%s"):format(file.name, file.login, command, put)
  end
  return ("fetch %s by hand%s and pass it: ramus fetch %s --from PATH%s"):format(file.name,
    file.urls and file.urls[1] and " from " .. file.urls[1] or "", def.name, put)
end

--- A file of a set at `path`, downloaded unless the right one is there. record: see received.lua; o: options of ra.fetch. Returns true
-- where it was there, { from =, .. } where it came; nil and a message.
function download.file(def, file, path, record, o)
  local wanted = record:wanted(file)
  if o.offline or not o.accept_changed or wanted.sha256 or wanted.md5 then
    local whole = download.check(path, wanted)
    if whole then return true end
  end
  local by_hand = download.by_hand(def, file, path)
  if o.offline then return nil, ("%s is absent and --offline was given; %s"):format(file.name, by_hand) end
  local addresses = download.addresses(def, file, o.mirror)
  if file.login and #addresses == 0 then return nil, ("%s is absent; %s"):format(file.name, by_hand) end
  local source, err = download.get(path, addresses, wanted, o)
  if source then return source end
  -- "wanted": it came, and is another one
  return nil, ("%s\n%s"):format(err, err:find("wanted", 1, true) and record:other(file) or by_hand)
end

return download
