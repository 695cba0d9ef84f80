--- hashes.json: compiler -> kernel set -> training -> hash, one line per hash, in order.
local bits = require "bits"
local cjson = require "cjson"
local files = require "ramus.base.files"

local keep = {}
local all = files.is_file(bits.hashes) and bits.read() or {}

--- Keeps a hash: "new", "changed" (other compilers' hashes of that training are stale then and go), or nil where it is the same.
function keep.put(isa, name, hash)
  local compiler = bits.compiler()
  all[compiler] = all[compiler] or {}
  all[compiler][isa] = all[compiler][isa] or {}
  local before = all[compiler][isa][name]
  if before == hash then return nil end
  all[compiler][isa][name] = hash
  if not before then return "new" end
  for other, sets in pairs(all) do
    if other ~= compiler then for _, of_set in pairs(sets) do of_set[name] = nil end end
  end
  return "changed"
end

local function text_of(value, indent)
  if type(value) ~= "table" then return cjson.encode(value) end
  local names, lines = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = indent .. "  " .. cjson.encode(name) .. ": " .. text_of(value[name], indent .. "  ") end
  return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

function keep.write() assert(files.write(bits.hashes, text_of(all, "") .. "\n")) end

return keep
