--- A run folder: runs/NAME/ with the recipe as written and as resolved, metrics, checkpoints, overlays, evaluation.
--
-- run.open(path, recipe) opens or makes one for training and locks it; run.read(path) opens one for reading:
--   local r = run.read "runs/first"
--   r.recipe               the resolved recipe as plain data     r:history()  the epochs' metrics
--   r:model "best"         a model, and its open file            r:timing()   the epochs' seconds
--   r:evaluation "eval"    scores, as `ramus eval --json`        r:images()   paths of the overlays
-- Reading a run never executes anything that its folder holds.
local always = require "ramus.base.always"
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local names = require "ramus.train.run.names"
local safetensors = require "ramus.lang.safetensors"
local shape = require "ramus.base.shape"
local resolved = require "ramus.train.run.resolved"

local run = {}

run.path_of = names.path_of

--- A line of the metrics, and of any other .jsonl file of a run.
local METRICS = { epoch = "integer", loss = "number?", rate = "number?", gradient_norm = "number?", steps = "integer?",
  terms = { optional = true, map = { map = "number" } },
  validation = { optional = true, dice = "number?" }, outputs = "table?" }
local LINE = { epoch = "integer?" }

--- Entries of a .jsonl file; a line that is cut short, or is no such entry, is left out.
local function read_lines(path, wanted)
  local list = {}
  for line in (files.read(path) or ""):gmatch("[^\n]+") do
    local ok, entry = pcall(json.decode, line)
    if ok and not shape.wrong(entry, wanted or LINE, "") then list[#list + 1] = entry end
  end
  return list
end

--- What readers of an evaluation take for granted.
local SUMMARY = { map = { mean = "number?", sd = "number?", low = "number?", high = "number?", n = "integer?" } }
local EVALUATION = { per_image = SUMMARY, pooled = "table?", n = "integer", images = { list = { id = "string" } }, outputs = { optional = true,
  map = { per_image = SUMMARY } }, protocol = { optional = true, map = "string|number|boolean|table" } }

-- ---- for reading ------------------------------------------------------------------

local Reading = {}
Reading.__index = Reading

function Reading:__tostring() return require("ramus.train.run.text").of(self.path, self:history(), self:evaluation()) end
function Reading:path_of(kind) return run.path_of(self.path, kind) end
function Reading:history() return read_lines(self:path_of "metrics", METRICS) end
function Reading:timing() return read_lines(self:path_of "timing") end

--- The model of the checkpoint "best" or "last" (best where there is one), and the open file; nil and a message.
function Reading:model(which) return checkpoint.load_model(which and self:path_of(which) or self.path) end

--- The result of an evaluation by the name of its file, "eval" unless given; nil and a message.
function Reading:evaluation(name)
  local text, err = files.read(("%s/%s.json"):format(self.path, name or "eval"))
  if not text then return nil, err end
  local value
  value, err = checkpoint.decode(text, name or "eval")
  err = err or shape.wrong(value, EVALUATION, ("%s/%s.json"):format(self.path, name or "eval"))
  if err then return nil, err end
  return setmetatable(value, require("ramus.train.run.text").scored)
end

--- Paths of the overlays.
function Reading:images()
  local folder, list = self:path_of "pictures", {}
  for _, name in ipairs(files.list(folder) or {}) do list[#list + 1] = folder .. "/" .. name end
  return list
end

--- The message about a run of format 1, whose recipe is Lua only; `where`: the folder.
local function old_run(where)
  return ("%s was made by an earlier version of Ramus; its recipe is a program, which is not executed: predict with it, "
    .. "score it with ramus eval %s --recipe FILE, train anew in another folder (--run DIR)"):format(where, where)
end

--- A run for reading; nil and a message where the folder holds none, or one of an earlier version.
function run.read(path)
  local wrong = files.no_folder(path)
  if wrong then return nil, ("%s is not a run folder: %s; ramus ls lists the runs"):format(path, wrong) end
  local self = setmetatable({ path = path }, Reading)
  if not files.is_file(self:path_of "data") then
    local has_model = files.is_file(self:path_of "last") or files.is_file(self:path_of "best")
    return nil, has_model and old_run(path) or ("%s is not a run folder: it holds no %s; ramus ls %s lists the runs below it"):format(
      path, names.files.data, path)
  end
  local text, err = files.read(self:path_of "data")
  if not text then return nil, err end
  local value
  value, err = resolved.parse(text, self:path_of "data")
  if not value then return nil, err end
  self.recipe, self.build = value.recipe, value.build
  return self
end

-- ---- for training -----------------------------------------------------------------

local Run = {}
Run.__index = Run

--- The lines that differ between two texts, at most `most`.
local function differences(a, b, most)
  local lines, list = {}, {}
  for line in a:gmatch("[^\n]+") do lines[line] = true end
  for line in b:gmatch("[^\n]+") do
    if not lines[line] and #list < most then list[#list + 1] = "    " .. line:match("^%s*(.-)%s*$") end
  end
  return table.concat(list, "\n")
end

--- The part of a recipe that decides the results, as text.
local function identity_of(recipe) return recipe.identity and recipe:identity() or tostring(recipe) end

--- A warning if another build began the run; nil if this one did.
local function other_build(file)
  local now, began = checkpoint.build(), checkpoint.decode(file.meta["ramus.build"] or "null", "ramus.build")
  if type(began) ~= "table" or began.kernels == now.kernels then return nil end
  return ("this run began with Ramus %s (kernels %s) and goes on with %s (kernels %s): results may no longer be the same to the bit")
    :format(tostring(began.version), tostring(began.kernels), now.version, now.kernels)
end

--- Writes what is resolved of a recipe; a run goes on with the recipe of that identity.
local function write_resolved(self, recipe, identity)
  local facts = { recipe = resolved.of(recipe), identity = identity, build = checkpoint.build() }
  local ok, err = files.write(self:path_of "resolved", tostring(recipe))
  if ok then ok, err = files.write(self:path_of "data", json.encode(facts) .. "\n") end
  return ok, err
end

--- A warning about the run, which the training prints.
function Run:say(text) self.warnings[#self.warnings + 1] = text end

--- Writes anew the texts of the recipe that are missing, and says so; nil and a message.
function Run:restore_texts(recipe)
  for _, kind in ipairs { "resolved", "recipe" } do
    if not files.is_file(self:path_of(kind)) then
      local text = tostring(recipe)
      local ok, err = files.write(self:path_of(kind), kind == "recipe" and recipe.source or text)
      if not ok then return nil, err end
      self:say(self:path_of(kind) .. " is missing; it is written anew")
    end
  end
  return true
end

--- The checkpoint to resume from; nil and a message where the run was made by another recipe or version.
function Run:resume(recipe)
  local file, err = checkpoint.open(self:path_of "last")
  if not file then return nil, ("%s; remove it to start anew"):format(err) end
  if checkpoint.format(file) < 2 then return nil, old_run(self.path) end
  local ok, known = pcall(json.decode, files.read(self:path_of "data") or "")
  local written, now = ok and type(known) == "table" and known.identity or nil, self.identity
  local earlier = file.meta["ramus.identity"] or written
  if earlier and earlier ~= now then
    return nil, ("%s was made by another recipe; it now says\n%s\nchoose another folder with --run DIR, or remove that one")
      :format(self.path, differences(earlier, now, 5))
  end
  self.warnings[1] = other_build(file)
  if not earlier or earlier ~= written then
    self:say(("%s is missing, damaged or changed, so the recipe was %s; it is written anew"):format(self:path_of "data",
      earlier and "compared with that in the checkpoint" or "not compared with that of the run"))
    local done
    done, err = self:describe(recipe)
    if not done then return nil, err end
  end
  ok, err = self:restore_texts(recipe)
  return ok and file or nil, err
end

--- Writes anew what is resolved of the run's recipe, of which the data have decided something. nil and a message.
function Run:describe(recipe) return write_resolved(self, recipe, self.identity) end

--- Writes the recipe in its three forms and empties the metrics.
function Run:begin(recipe)
  local text = tostring(recipe)
  local ok, err = write_resolved(self, recipe, self.identity)
  if ok then ok, err = files.write(self:path_of "recipe", recipe.source or text) end
  if ok then ok, err = files.write(self:path_of "metrics", "") end
  return ok, err
end

--- The files of a folder that is no run, which a new run would replace; those that hold what it would write are none.
local function foreign(self, recipe)
  if files.is_file(self:path_of "data") or files.is_file(self:path_of "last") then return {} end
  local list, same = {}, { recipe = recipe.source or tostring(recipe), resolved = tostring(recipe) }
  for kind, name in pairs(names.files) do
    local path = self:path_of(kind)
    if kind == "pictures" and #(files.list(path) or {}) > 0 then list[#list + 1] = name .. "/"
    elseif files.is_file(path) and kind ~= "lock" and files.read(path) ~= same[kind] then list[#list + 1] = name end
  end
  for _, name in ipairs { "eval.json", "eval.txt" } do
    if files.is_file(("%s/%s"):format(self.path, name)) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

--- True for a folder of the pictures that the recipe trains on: a run's files would make it one of the runs that a set does not look into.
local function is_of_set(self, recipe)
  local set = type(recipe.data) == "table" and files.is_folder(recipe.data.set or "") and files.absolute(recipe.data.set)
  local own = set and files.absolute(self.path)
  if not own or files.is_file(self:path_of "data") or #(files.list(own) or {}) == 0 then return false end
  return (own .. "/"):sub(1, #set + 1) == set .. "/"
end

--- Opens or makes the run folder of a recipe. nil and a message where another recipe made it or it cannot be written.
-- Returns the run and, where there is something to resume, its open checkpoint; run.warnings: texts about what is not as it was (another build, a
-- file that is missing).
function run.open(path, recipe)
  local self = setmetatable({ path = path, identity = identity_of(recipe), warnings = {} }, Run)
  if is_of_set(self, recipe) then return mistake(("%s holds the data set %s: choose another folder with --run DIR"):format(path, recipe.data.set)) end
  local others = foreign(self, recipe)
  if #others > 0 then
    return mistake(("%s is no run, and holds %s, which a run would replace: choose another folder with --run DIR"):format(path, table.concat(others, ", ")))
  end
  local ok, err = files.make_folder(self:path_of "pictures")
  if not ok then return nil, err end
  self.unlock, err = files.lock(self:path_of "lock")
  if not self.unlock then return nil, err end
  local result
  always(function()
    if files.is_file(self:path_of "last") then result, err = self:resume(recipe)
    else result, err = self:begin(recipe) end
  end, function() if not result then self:close() end end)
  if not result then return nil, err end
  return self, result ~= true and result or nil
end

function Run:path_of(kind) return run.path_of(self.path, kind) end

--- Writes a file of the run; nil and a message.
function Run:write(kind, text) return files.write(self:path_of(kind), text) end

--- Saves the checkpoint `name`; nil and a message.
function Run:save(name, arrays, meta) return safetensors.save(self:path_of(name), arrays, meta) end

--- Gives a checkpoint a second name; nil where the file system has no such thing.
function Run:share(name, second) return files.share(self:path_of(name), self:path_of(second)) end

function Run:close()
  if self.unlock then self.unlock() end
  self.unlock = nil
end

local function append(path, text)
  local file, err = files.open(path, "a")
  if not file then return nil, err end
  local ok, closed
  ok, err = file:write(text)
  local why
  closed, why = file:close() -- what was buffered is written here
  if ok and closed then return true end
  return nil, ("cannot add to '%s': %s"):format(path, (err or why or "?"):gsub("^.*: ", ""))
end

--- Adds a line to the metrics, synced, since the checkpoint that is saved next counts it; or to the run's file of another kind ("timing").
function Run:record(entry, kind)
  local line = json.encode(entry, 10)
  if kind then return append(self:path_of(kind), line .. "\n") end
  return files.append(self:path_of "metrics", line)
end

--- Entries of the metrics.
function Run:history() return read_lines(self:path_of "metrics", METRICS) end

--- Leaves the first n lines of the metrics: a checkpoint knows how many there were. Returns true and how many are missing; nil and a message.
function Run:truncate(n)
  local kept = {}
  for line in (files.read(self:path_of "metrics") or ""):gmatch("[^\n]*\n") do
    if #kept < n then kept[#kept + 1] = line end
  end
  local ok, err = files.write(self:path_of "metrics", table.concat(kept))
  if not ok then return nil, err end
  return true, n - #kept
end

function Run:log(text) append(self:path_of "log", text .. "\n") end

-- ---- for the processes beside the one that writes ------------------------------------

--- A run of which nothing is written: rank 0 does.
local Follower = { path_of = Run.path_of, resume = Run.resume }
Follower.__index = Follower
for _, name in ipairs { "write", "save", "share", "describe", "record", "log", "close", "restore_texts" } do Follower[name] = function() return true end end
function Follower.say() end
function Follower.history() return {} end
function Follower.truncate() return true, 0 end

--- The same as run.open, of a run that another process has opened.
function run.follow(path, recipe)
  local self = setmetatable({ path = path, identity = identity_of(recipe), warnings = {} }, Follower)
  if not files.is_file(self:path_of "last") then return self end
  local file, err = self:resume(recipe)
  return file and self, file or err
end

return run
