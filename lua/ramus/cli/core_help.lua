--- Help on the functions of the core, C.ra_NAME: their declarations and comments in api.h.
local ffi = require "ramus.base.ffi"

local core_help = {}

local lines

local function api()
  if not lines then
    lines = {}
    for line in ffi.api_text():gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  end
  return lines
end

local DECLARED = "^[%w_ %*]-[ %*](ra_[%w_]+)%("

--- Sorted names of the functions.
function core_help.names()
  local list = {}
  for _, line in ipairs(api()) do
    local name = not line:find("^[ /}]") and not line:find("^typedef") and line:match(DECLARED)
    if name then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- The comment above line i and the declaration from there on; nil where the core has no such function.
function core_help.find(name)
  for i, line in ipairs(api()) do
    if line:match(DECLARED) == name and not line:find("^[ /}]") then
      local first, last = i, i
      while not api()[last]:find(";", 1, true) do last = last + 1 end
      if api()[i - 1]:find("%*/%s*$") and not api()[i - 1]:find(";", 1, true) then
        first = i - 1
        while not api()[first]:find("/*", 1, true) do first = first - 1 end
      end
      return "C." .. name .. "\n" .. table.concat(api(), "\n", first, last)
    end
  end
end

return core_help
