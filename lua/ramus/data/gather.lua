--- Bringing the files of a set's samples from where they were unpacked into the prepared folder, for sets whose archives wrap folders around
-- them or whose files have names that are not known beforehand.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local identity = require "ramus.data.identity"
local prepared = require "ramus.data.prepared"
local C = ffi.C

local gather = {}

--- Paths of a sample's files, those of its observers last.
local function paths_of(sample)
  local list = identity.paths(sample)
  for _, o in ipairs(sample.observers or {}) do list[#list + 1] = o.mask end
  return list
end

--- Copies one file, its folder made, a lone .gz unpacked; `to` without the .gz. nil and a message.
function gather.file(from, to)
  local ok, err = files.make_folder((files.split(to)))
  if not ok then return nil, err end
  if not from:lower():find("%.gz$") then return files.copy(from, to) end
  local aside = to .. ".unpacked"
  if C.ra_archive_extract(from, aside, 0) ~= 0 then return nil, ffi.message() end
  local inside = files.list(aside)
  ok = #inside == 1 and C.ra_path_rename(aside .. "/" .. inside[1], to) == 0
  err = not ok and (#inside == 1 and ffi.message() or from .. " holds several files; wanted one that was packed by gzip")
  C.ra_path_remove(aside)
  return ok or nil, err
end

--- Copies the files of all samples, which lie below the folder `base`, to the same places below `target`; nil and a message.
function gather.samples(samples, base, target)
  for _, s in ipairs(samples) do
    for _, path in ipairs(paths_of(s)) do
      local ok, err = gather.file(path, target .. path:sub(#base + 1))
      if not ok then return nil, err end
    end
  end
  return true
end

--- Numbers of samples by split as text, as "20-0-8" of train, val and test.
local function numbers(samples)
  local n = { train = 0, val = 0, test = 0 }
  for _, s in ipairs(samples) do if n[s.split] then n[s.split] = n[s.split] + 1 end end
  return ("%d-%d-%d"):format(n.train, n.val, n.test), n
end

--- The edition of what a source held: "full" where the numbers of samples are those of `full`, { train =, val =, test = }, or add up to it,
-- else a name that says them.
function gather.edition(samples, full)
  local text, n = numbers(samples)
  local whole = type(full) == "table" or n.train + n.val + n.test == full
  for part, wanted in pairs(type(full) == "table" and full or {}) do whole = whole and n[part] == wanted end
  return whole and "full" or "part-" .. text
end

--- A prepare function for a set whose samples `open(folder, o)` finds in the folder for which is_base(folder, o) holds, at or up to two levels
-- below the source. wanted: what such a folder holds, for the message.
function gather.prepare(name, is_base, wanted, open, full)
  return function(source, target, o)
    local base = prepared.below(source, function(folder) return is_base(folder, o) end)
    if not base then return nil, ("%s: neither %s nor a folder below it holds %s"):format(name, source, wanted) end
    local samples, err = open(base, o)
    if not samples then return nil, err end
    local ok
    ok, err = gather.samples(samples, base, target)
    if not ok then return nil, err end
    return gather.edition(samples, full)
  end
end

--- True if a folder holds all of these folders.
function gather.holds(folder, ...)
  for _, name in ipairs { ... } do if not files.is_folder(folder .. "/" .. name) then return false end end
  return true
end

return gather
