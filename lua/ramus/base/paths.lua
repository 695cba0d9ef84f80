--- The paths of `require`. LuaJIT also looks in the current folder: there a file named cjson.lua would be run by every command
-- that reads JSON. So a command begins without relative entries (paths.close), and those that run code of the user give
-- the current folder back, behind Ramus' own modules (paths.open).
local paths = {}

--- The entries of a path that begin with / or that the user gave in an environment variable.
local function without_relative(path, given)
  local kept = {}
  for entry in path:gmatch("[^;]+") do
    local own = given and (";" .. given .. ";"):find(";" .. entry .. ";", 1, true)
    if entry:sub(1, 1) == "/" or own then kept[#kept + 1] = entry end
  end
  return table.concat(kept, ";")
end

--- Loads lua-cjson from the paths of this moment: no folder that is added later can replace it.
local function keep_cjson()
  local path, cpath = package.path, package.cpath
  package.preload.cjson = package.preload.cjson or function(name)
    local file = package.searchpath(name, path)
    if file then return assert(loadfile(file))(name) end
    local library, why = package.searchpath(name, cpath)
    if not library then error("module 'cjson' (lua-cjson) is not installed:" .. why, 0) end
    return assert(package.loadlib(library, "luaopen_cjson"))(name)
  end
end

--- Removes relative entries.
function paths.close()
  package.path = without_relative(package.path, os.getenv "LUA_PATH")
  package.cpath = without_relative(package.cpath, os.getenv "LUA_CPATH")
  keep_cjson()
end

--- Lets modules of the current folder be required; Ramus' own, the first two entries (main.c), precede them.
function paths.open()
  local house, rest = package.path:match("^([^;]*;[^;]*)(.*)$")
  package.path = house .. ";./?.lua" .. rest
  package.cpath = "./?.so;" .. package.cpath
end

return paths
