--- Files and folders: what Lua itself lacks, from the core.
local border = require "ramus.ffi"
local C, ffi = border.C, border.cdata

local files = {}

function files.is_folder(path) return C.ra_path_kind(path) == 2 end
function files.is_file(path) return C.ra_path_kind(path) == 1 end
function files.exists(path) return C.ra_path_kind(path) ~= 0 end

--- Makes a folder and its parents; nil and a message on failure.
function files.make_folder(path)
  if C.ra_folder_make(path) ~= 0 then return nil, border.message() end
  return true
end

--- Sorted names in a folder, hidden ones left out; nil and a message on failure.
function files.list(path)
  local text = C.ra_folder_list(path)
  if text == nil then return nil, border.message() end
  local names = {}
  for name in ffi.string(text):gmatch("[^\n]+") do names[#names + 1] = name end
  C.ra_text_free(text)
  return names
end

--- The whole of a text file; nil and a message on failure.
function files.read(path)
  local file, err = io.open(path, "rb")
  if not file then return nil, err end
  local text = file:read("*a")
  file:close()
  if not text then return nil, path .. ": cannot be read" .. (files.is_folder(path) and " (a folder)" or "") end
  return text
end

--- Writes a file whole or not at all; nil and a message on failure.
function files.write(path, text)
  if C.ra_file_save(path, text, #text) ~= 0 then return nil, border.message() end
  return true
end

--- Takes a lock file; a function that gives it back, or nil and a message.
function files.lock(path)
  local lock = C.ra_lock(path)
  if lock < 0 then return nil, border.message() end
  return function() C.ra_unlock(lock) end
end

--- "a/b/c.png" -> "a/b", "c.png", "c"
function files.split(path)
  local folder, name = path:match("^(.*)/([^/]*)$")
  folder, name = folder or ".", name or path
  return folder, name, name:match("^(.+)%.[^.]*$") or name
end

return files
