--- What can be deleted without loss of results: leftovers of what was stopped, caches, and (when all is asked for) data that can be fetched again.
--
--   leftovers.find { data_root =, runs = [opt] folder, all = }   { { path =, kind =, bytes =, why = }, .. }
-- kind: "leftover" (half-made files and work folders, unchanged for an hour), "cache" (made again when it is needed), and with all "download"
-- and "data set" (prepared folders). Runs, results and what Ramus did not make are never listed.
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local runs = require "ramus.train.run.list"

local leftovers = {}

--- Seconds without a change after which nobody works on a leftover.
local QUIET = 3600

--- Caches by their folder, and what they hold.
local CACHES = { best = "best frames of films", sums = "hashes of files of data sets", facts = "what masks of data sets look like",
  study = "measurements of how long trainings take" }

--- The latest change of a file, or of anything in a folder.
local function latest(path)
  local _, changed = files.size(path)
  for _, name in ipairs(files.is_folder(path) and files.list(path, { hidden = true }) or {}) do
    changed = math.max(changed or 0, latest(path .. "/" .. name:gsub("/$", "")))
  end
  return changed or 0
end

local function is_leftover(name) return name:match "^%..+%.work$" or name:match "%.part$" or name:match "%.part%-%d+$" or name:match "%.unpacked$" end

--- Adds what is left over directly in a folder.
local function add_leftovers(list, folder)
  for _, name in ipairs(files.list(folder, { hidden = true }) or {}) do
    local bare = name:gsub("/$", "")
    local path = folder .. "/" .. bare
    if is_leftover(bare) and os.time() - latest(path) > QUIET then
      list[#list + 1] = { path = path, kind = "leftover", bytes = files.bytes(path), why = "of something that was stopped" }
    end
  end
end

local function add_caches(list)
  for name, why in pairs(CACHES) do
    local path = files.cache(name)
    if path and files.is_folder(path) then list[#list + 1] = { path = path, kind = "cache", bytes = files.bytes(path), why = why .. "; made again" } end
  end
end

--- Downloads and prepared folders of a data root.
local function add_data(list, root)
  for _, name in ipairs(files.list(root) or {}) do
    local path = root .. "/" .. name:gsub("/$", "")
    if files.is_file(path .. "/prepared.json") and not is_leftover((name:gsub("/$", ""))) then
      list[#list + 1] = { path = path, kind = "data set", bytes = files.bytes(path), why = "ramus fetch makes it again, where its source is still there" }
    end
  end
  for _, name in ipairs(files.list(root .. "/downloads") or {}) do
    local path = root .. "/downloads/" .. name:gsub("/$", "")
    list[#list + 1] = { path = path, kind = "download", bytes = files.bytes(path), why = "archives that data sets were made of" }
  end
end

function leftovers.find(o)
  local list, root = {}, dataset.root(o.data_root)
  add_leftovers(list, root)
  for _, name in ipairs(files.list(root .. "/downloads") or {}) do add_leftovers(list, root .. "/downloads/" .. name:gsub("/$", "")) end
  if o.runs then
    runs.walk(o.runs, function(folder)
      add_leftovers(list, folder)
      return false
    end)
  end
  add_caches(list)
  if o.all then add_data(list, root) end
  table.sort(list, function(a, b)
    if a.kind ~= b.kind then return a.kind > b.kind end
    return a.path < b.path
  end)
  return list
end

--- Deletes what find found; bytes that were freed, and messages about what could not be deleted.
function leftovers.remove(list)
  local freed, failed = 0, {}
  for _, entry in ipairs(list) do
    local ok, err = files.remove(entry.path)
    if ok then freed = freed + entry.bytes else failed[#failed + 1] = err end
  end
  return freed, failed
end

return leftovers
