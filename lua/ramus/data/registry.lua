--- The registry of data sets: definitions by name or by the path of their file, and where prepared sets live.
local coco = require "ramus.data.coco"
local csv = require "ramus.data.csv"
local files = require "ramus.base.files"
local folder = require "ramus.data.folder"
local mistake = require "ramus.base.mistake"
local nnunet = require "ramus.data.nnunet"
local options = require "ramus.base.options"
local shape = require "ramus.base.shape"

local registry = {}
local here = debug.getinfo(1, "S").source:match("^@(.*)data/registry%.lua$") or "./"

local function home()
  for _, place in ipairs { here .. "../../datasets", here .. "datasets", here .. "../../../ramus/datasets" } do
    if files.is_folder(place) then return place end
  end
  return here .. "../../datasets"
end

local known = {}

--- Files that are a set by themselves, by their ending.
local LISTS = { [".json"] = coco, [".csv"] = csv }

--- What fetching reads of a definition.
local FILES = { list = { name = "string", urls = { optional = true, list = "string" }, bytes = "number?", sha256 = "string?", md5 = "string?",
  unpack = "boolean?", login = "string?" } }
local SHAPE = { title = "string?", splits = { map = "function" },
  editions = { list = { name = "string", counts = "table|function?", files = { list = { path = "string", sha256 = "string?" } } } } }

--- What is wrong with the files of a definition; nil where nothing is.
local function wrong_files(list, where)
  local err = shape.wrong(list, FILES, where .. ": files")
  if err then return err end
  for i, file in ipairs(list) do
    if file.name:find "[/%z]" or file.name:find "^%.*$" then
      return ("%s: files.%d.name: must be a file's name without a folder, is %q"):format(where, i, file.name)
    end
  end
end

--- Completes a definition; what is wrong with it, or nil.
local function complete(def, where)
  def.files, def.editions, def.splits = def.files or {}, def.editions or {}, def.splits or {}
  local err = type(def.files) ~= "function" and wrong_files(def.files, where) or shape.wrong(def, SHAPE, where)
  for i, edition in ipairs(err and {} or def.editions) do
    local counts = type(edition.counts) == "table" and edition.counts
    err = err or counts and shape.wrong(counts, { map = "integer" }, ("%s: editions.%d.counts"):format(where, i))
  end
  return err
end

local function read_definition(path)
  local def, err = files.run(path)
  if err then return nil, err end
  if type(def) ~= "table" or type(def.name) ~= "string" or type(def.open) ~= "function" then
    return nil, path .. ": a data set's file returns a table with at least a name and an open function"
  end
  err = complete(def, path)
  if err then return nil, err end
  def.path, def.title = path, def.title or def.name
  return def
end

--- Adds a definition under its name (for sets that have no file of their own).
function registry.register(def)
  if type(def) ~= "table" or type(def.name) ~= "string" or type(def.open) ~= "function" then
    error("register: wanted a table with a name and an open function", 2)
  end
  local err = complete(def, "data set " .. def.name)
  if err then error("register: " .. err, 2) end
  def.title = def.title or def.name
  known[def.name] = def
  return def
end

--- Names of all sets, sorted.
function registry.names()
  local names, seen = {}, {}
  for _, file in ipairs(files.list(home()) or {}) do
    local name = file:match("^([%w_%-]+)%.lua$")
    if name then names[#names + 1], seen[name] = name, true end
  end
  for name in pairs(known) do if not seen[name] then names[#names + 1] = name end end
  table.sort(names)
  return names
end

--- The name of a set, or the absolute path of its file where `name` is a path that ends in .lua, of its folder where it is a folder (and no
-- set has that name): relative to the folder `base` where there is such a file or folder, else to the working directory.
function registry.locate(name, base)
  local is_file = name:find("%.lua$") or LISTS[name:match "%.%w+$"]
  if known[name] or not is_file and files.is_file(("%s/%s.lua"):format(home(), name)) and not name:find("/", 1, true) then return name end
  for _, path in ipairs { base and name:sub(1, 1) ~= "/" and base .. "/" .. name or name, name } do
    if (is_file and files.is_file or files.is_folder)(path) then return files.absolute(path) or path end
  end
  return name
end

-- ---- who names a program ----

local suspected, trusted = {}, {}

local function whole(path) return files.absolute(path) or path end

--- Says that a file named this set, not the user: where it is a program, `find` does not run it in this process until `trust` is told of it. What
-- reads names of sets from files (train/run/resolved.lua) calls it, so that no command needs to think of it.
function registry.suspect(name) suspected[whole(name)] = true end

--- Says that the user, or a program of the user's, named this set: its definition may run.
function registry.trust(name) trusted[whole(name)] = true end

--- The message about a program that only a file names; nil where it may run.
local function not_named(path)
  if not suspected[whole(path)] or trusted[whole(path)] then return nil end
  return ("%s is the data set that a run names; it is a program, which is not executed unless you name it: --data %s (in Lua ra.datasets.trust(%q))"):format(
    path, path, path)
end

--- Why a name is no set's.
local function unknown(name)
  if not name:find("/", 1, true) then return options.unknown("data set", name, registry.names()) .. "; nor is it a folder" end
  return ("unknown data set %s: it %s; wanted a name that ramus datasets lists, a folder, COCO's annotations (.json), "
    .. "a list of pairs (.csv), or a definition's file that ends in .lua"):format(name,
    files.exists(name) and "is a file" or "does not exist")
end

--- The definition of a set: a registered one, datasets/NAME.lua, any path that ends in .lua, or a folder of pictures (see locate).
-- nil and a message where it is unknown or broken.
function registry.find(name, base)
  if type(name) ~= "string" then error(("data set: wanted a name, got %s"):format(type(name)), 2) end
  if known[name] then return known[name] end
  name = registry.locate(name, base)
  local list = LISTS[name:match "%.%w+$"]
  if list and files.is_file(name) then return list.define { name } end
  local is_path = list or name:find("%.lua$")
  local path = is_path and name or ("%s/%s.lua"):format(home(), name)
  -- a name holds no path, so that it cannot lead out of the folder of the sets
  if not (is_path or name:find("^[%w_%-]+$")) or not files.is_file(path) then
    if files.is_folder(name) then return (nnunet.is(name) and nnunet.define or folder.define) { name } end
    if is_path or name:find("/", 1, true) then return nil, unknown(name) end -- a file or folder that is not there
    return mistake(unknown(name))
  end
  local err = is_path and not_named(path)
  if err then return nil, err end
  local def
  def, err = read_definition(path)
  if not def then return nil, err end
  if not name:find("%.lua$") then known[name] = def end
  return def
end

--- Reads a list as sha256sum writes it, beside the definition: { { path =, sha256 = }, .. }.
function registry.sums(name)
  local list = {}
  local path = home() .. "/" .. name
  for line in assert(files.read(path)):gmatch "[^\r\n]+" do
    local sum, file = line:match("^(%x+) [ *](.+)$")
    if sum then list[#list + 1] = { path = file, sha256 = sum } end
  end
  return list
end

-- ---- where sets live ----

--- The data root: as given, else RAMUS_DATA, else XDG_DATA_HOME/ramus, else ~/.local/share/ramus.
function registry.root(given)
  local function set(v) return v and v ~= "" and v or nil end
  local xdg, user = set(os.getenv("XDG_DATA_HOME")), set(os.getenv("HOME"))
  return set(given) or set(os.getenv("RAMUS_DATA")) or (xdg and xdg .. "/ramus") or (user or ".") .. "/.local/share/ramus"
end

--- The definition for checked options: one whose `files` is a function of them gets its list.
function registry.with(def, o)
  if type(def.files) ~= "function" then return def end
  local list = def.files(o)
  local err = wrong_files(list, "data set " .. def.name)
  if err then error(err, 0) end
  return setmetatable({ files = list }, { __index = def })
end

--- Folder of a set (of a prepared one below a root), and its checked options. Wrong options are errors.
function registry.place(def, root, given)
  local o = options.check(given or {}, def.schema or {}, "data set " .. def.name, 3)
  if def.folder then
    local beside = def.path and def.folder:sub(1, 1) ~= "/"
    return beside and files.split(def.path) .. "/" .. def.folder or def.folder, o
  end
  local variant = def.variant and def.variant(o)
  return registry.root(root) .. "/" .. def.name .. (variant and "-" .. variant or ""), o
end

return registry
