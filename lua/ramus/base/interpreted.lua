--- The house's own Lua runs in the interpreter; scripts, recipes and data sets are compiled as usual.
--
-- LuaJIT before August 2023, which is what Debian 12 has, can give a side trace that returns to its caller a wrong base
-- register ("Fix base register coalescing in side trace"): the process then dies, once in some 500 starts of `ramus doctor`.
-- What the house does in Lua is checking and arranging, nothing that compiling makes faster where a user would notice. So
-- its modules are loaded with compiling off, but for those whose functions stand in loops of scripts.
jit.off(true, true) -- this file too, whose loader runs at every require

local COMPILED = { ["ramus.base.ffi"] = true, ["ramus.base.border"] = true, ["ramus.lang.tensor"] = true }

table.insert(package.loaders, 2, function(name)
  if not name:find "^ramus" or COMPILED[name] then return nil end
  local path = package.searchpath(name, package.path)
  if not path then return nil end
  local chunk, message = loadfile(path)
  if not chunk then error(message, 0) end
  jit.off(chunk, true)
  return chunk
end)

return COMPILED
