--- What a command left below a folder, and what differs between two such.
--   contents(folder, ignore) -> { path = hash of its bytes }    difference(got, wanted) -> text, or nil    fresh(scene) removes what it left
local files = require "ramus.base.files"
local hash = require "ramus.base.hash"
local sh = require("processes").sh

local compared = { hash = hash.sha256 }

function compared.contents(folder, ignore)
  local found = {}
  for line in sh(("cd '%s' 2>/dev/null && find . -type f | sort"):format(folder)):gmatch "[^\n]+" do
    local name = line:gsub("^%./", "")
    local ignored = false
    for _, pattern in ipairs(ignore or {}) do ignored = ignored or name:find(pattern) ~= nil end
    if not ignored then found[name] = hash.sha256(assert(files.read(folder .. "/" .. name))) end
  end
  return found
end

function compared.difference(got, wanted)
  local list = {}
  for name, value in pairs(wanted) do
    if not got[name] then list[#list + 1] = name .. " is missing" elseif got[name] ~= value then list[#list + 1] = name .. " differs" end
  end
  for name in pairs(got) do
    if not wanted[name] then list[#list + 1] = name .. " is too many" end
  end
  table.sort(list)
  return #list > 0 and table.concat(list, ", ") or nil
end

--- Removes what a scene's command writes, its cache too.
function compared.fresh(o) sh(("cd '%s' && rm -rf cache '%s'"):format(o.folder, o.kept)) end

return compared
