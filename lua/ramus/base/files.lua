--- Files and folders: functions of the core that Lua itself lacks.
local ffi = require "ramus.base.ffi"
local show = require "ramus.base.show"
local talk = require "ramus.base.talk"
local C = ffi.C

local files = {}

function files.is_folder(path) return C.ra_path_kind(path, nil, nil) == 2 end
function files.is_file(path) return C.ra_path_kind(path, nil, nil) == 1 end
function files.exists(path) return C.ra_path_kind(path, nil, nil) ~= 0 end

local number = ffi.new("double[2]")

--- Bytes of a file, and seconds since 1970 of its last change; nil where there is none.
function files.size(path)
  if C.ra_path_kind(path, number, number + 1) ~= C.RA_PATH_FILE then return nil end
  return number[0], number[1]
end

--- Removes a file, or a folder with all that is in it; absent is fine. nil and a message on failure.
function files.remove(path)
  if C.ra_path_remove(path) ~= 0 then return nil, ffi.message() end
  return true
end

local stamp, age = ffi.new("char[96]"), ffi.new("double[1]")

--- Bytes of a file, or of all files in a folder, hidden ones too; a file with two names there counts once, a folder that is a link not at all.
function files.bytes(path)
  local seen, sum = {}, 0
  local function add(at)
    if files.is_folder(at) then
      local above, name = files.split(at)
      if at ~= path and files.absolute(at) ~= files.absolute(above) .. "/" .. name then return end
      for _, below in ipairs(files.list(at, { hidden = true }) or {}) do add(at .. "/" .. below:gsub("/$", "")) end
      return
    end
    local size = files.size(at)
    local same = size and C.ra_path_stamp(at, stamp, age) == 0 and ffi.string(stamp) or at
    if size and not seen[same] then seen[same], sum = true, sum + size end
  end
  add(path)
  return sum
end

--- The folder where what can be made again is kept; nil where the user has none. name [opt]: one in it.
function files.cache(name)
  local xdg, user = os.getenv "XDG_CACHE_HOME", os.getenv "HOME"
  local root = xdg and xdg ~= "" and xdg or user and user ~= "" and user .. "/.cache"
  return root and root .. "/ramus" .. (name and "/" .. name or "")
end

--- Why a path is no folder that can be read: it is not there, is a file, may not be listed; nil where it is one.
function files.no_folder(path)
  if files.is_folder(path) then
    local names, err = files.list(path)
    return not names and err or nil
  end
  if files.exists(path) then return ("%s is a file; wanted a folder"):format(path) end
  return ("there is no folder %s"):format(path)
end

--- Why a path is a pipe, a socket or a device, which would be waited for, or have no end; nil for a file, a folder and what is not there.
local function no_regular(path)
  return C.ra_path_kind(path, nil, nil) == C.RA_PATH_OTHER and ("%s is a pipe, a socket or a device; wanted a file"):format(path) or nil
end

--- io.open of a regular file: the one place where Lua opens what a person, a set or a run names. nil and a message.
function files.open(path, mode)
  local err = no_regular(path)
  if err then return nil, err end
  return io.open(path, mode)
end

--- The same as no_folder of a file.
function files.no_file(path)
  if files.is_folder(path) then return ("%s is a folder; wanted a file"):format(path) end
  local err = no_regular(path)
  if err then return err end
  local file
  file, err = io.open(path, "rb")
  if file then file:close() end
  if file or files.exists(path) then return not file and ("cannot read %s"):format(err) or nil end
  return ("there is no file %s"):format(path)
end

--- Makes a folder and its parents; nil and a message on failure.
function files.make_folder(path)
  if C.ra_folder_make(path) ~= 0 then return nil, ffi.message() end
  return true
end

--- Sorted names in a folder, those of folders ending in '/', hidden ones left out unless given.hidden; nil and a message on failure.
function files.list(path, given)
  local size = ffi.new("double[1]")
  local text = C.ra_folder_list(path, size)
  if text == nil then return nil, ffi.message() end
  local names = {}
  for name in ffi.string(text, size[0]):gmatch("[^%z]+") do
    if name:sub(1, 1) ~= "." or given and given.hidden then names[#names + 1] = name end
  end
  C.ra_text_release(text)
  return names
end

--- The whole content of a text file; nil and a message on failure.
function files.read(path)
  talk.detail("read %s", path)
  local file, err = files.open(path, "rb")
  if not file then return nil, err end
  local text = file:read("*a")
  file:close()
  if not text then return nil, path .. ": cannot be read" .. (files.is_folder(path) and " (a folder)" or "") end
  return text
end

--- The same of a text that a person wrote: without the byte order mark that editors of Windows put first.
function files.read_text(path)
  local text, err = files.read(path)
  if not text then return nil, err end
  return (text:gsub("^\239\187\191", ""))
end

--- Writes a file whole or not at all; nil and a message on failure.
function files.write(path, text)
  if C.ra_file_store(path, text, #text) ~= 0 then return nil, ffi.message() end
  return true
end

--- Adds a whole line to a file, which other processes may write too, and syncs it; nil and a message on failure.
function files.append(path, line)
  if C.ra_file_append(path, line, #line) ~= 0 then return nil, ffi.message() end
  return true
end

--- Copies a file, whole or not at all; nil and a message on failure.
function files.copy(from, to)
  if C.ra_file_copy(from, to) ~= 0 then return nil, ffi.message() end
  return true
end

--- Makes `to` a second name of the file `from`, replacing any file `to`; nil and a message where the file system has no links.
function files.share(from, to)
  if C.ra_path_share(from, to) ~= 0 then return nil, ffi.message() end
  return true
end

--- Acquires a lock file; returns a function that releases it, or nil and a message.
function files.lock(path)
  local lock, err = ffi.own(C.ra_lock_take(path), C.ra_lock_release)
  if not lock then return nil, err end
  return function()
    if lock then ffi.release(lock, C.ra_lock_release) end
    lock = nil
  end
end

--- The path from the root of the file system, without links; nil and a message where there is no such file.
function files.absolute(path)
  local text = C.ra_path_absolute(path)
  if text == nil then return nil, ffi.message() end
  local whole = ffi.string(text)
  C.ra_text_release(text)
  return whole
end

--- Runs a Lua file and returns its value; modules beside it are found by their name. nil and a message where it fails.
function files.run(path)
  talk.detail("run %s", path)
  local chunk, err = nil, no_regular(path)
  if not err then chunk, err = loadfile(path) end
  if not chunk then return nil, err end
  local kept = package.path
  local folder = path:match("^(.*)/[^/]*$") or "."
  package.path = (files.absolute(folder) or folder) .. "/?.lua;" .. kept
  local ok, value = xpcall(function() return chunk(path) end, show.raised)
  package.path = kept
  if not ok then return nil, value end
  return value
end

--- "a/b/c.png" -> "a/b", "c.png", "c"
function files.split(path)
  local folder, name = path:match("^(.*)/([^/]*)$")
  folder, name = folder or ".", name or path
  return folder, name, name:match("^(.+)%.[^.]*$") or name
end

return files
