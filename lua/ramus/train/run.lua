--- A run folder: runs/NAME/ with the recipe as written and as resolved, metrics,
-- checkpoints, pictures, evaluation.
--
--   recipe.lua            as written                 resolved.lua   every field, loads again
--   metrics.jsonl         a line an epoch, no clock times (part of what resume reproduces)
--   timing.jsonl          a line an epoch: seconds   log.txt        what was printed
--   last.safetensors      best.safetensors           eval.json, eval.txt, pictures/
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local cjson = require "cjson"

local run = {}
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

--- Opens or makes the run folder of a recipe. nil and a message where another recipe made it or it cannot be written.
-- Returns the run and, where there is something to resume, its open checkpoint.
function run.open(path, recipe)
  local ok, err = files.make_folder(path .. "/pictures")
  if not ok then return nil, err end
  local self = setmetatable({ path = path }, Run)
  self.unlock, err = files.lock(path .. "/lock")
  if not self.unlock then return nil, err end
  local resolved = tostring(recipe)
  local earlier = files.read(path .. "/resolved.lua")
  local last = path .. "/last.safetensors"
  if files.is_file(last) then
    if earlier and earlier ~= resolved then
      self:close()
      return nil, ("%s was made by another recipe; it now says\n%s\nchoose another folder with --run DIR, or remove that one")
        :format(path, differences(earlier, resolved, 5))
    end
    local file
    file, err = checkpoint.open(last)
    if not file then
      self:close()
      return nil, ("%s; remove it to start anew"):format(err)
    end
    return self, file
  end
  ok, err = files.write(path .. "/resolved.lua", resolved)
  if ok then ok, err = files.write(path .. "/recipe.lua", recipe.source or resolved) end
  if ok then ok, err = files.write(path .. "/metrics.jsonl", "") end
  if not ok then
    self:close()
    return nil, err
  end
  return self
end

function Run:close()
  if self.unlock then self.unlock() end
  self.unlock = nil
end

local function append(path, text)
  local file, err = io.open(path, "a")
  if not file then return nil, err end
  local ok
  ok, err = file:write(text)
  file:close()
  return ok and true or nil, err
end

--- Adds a line to metrics.jsonl (or another of the run's .jsonl files).
function Run:record(entry, name)
  return append(("%s/%s.jsonl"):format(self.path, name or "metrics"), json.encode(entry, 10) .. "\n")
end

--- Entries of metrics.jsonl.
function Run:history()
  local list = {}
  for line in (files.read(self.path .. "/metrics.jsonl") or ""):gmatch("[^\n]+") do
    local ok, entry = pcall(cjson.decode, line)
    if ok then list[#list + 1] = entry end
  end
  return list
end

--- Leaves the first n lines of metrics.jsonl: a checkpoint knows how many there were.
function Run:truncate(n)
  local kept = {}
  for line in (files.read(self.path .. "/metrics.jsonl") or ""):gmatch("[^\n]*\n") do
    if #kept < n then kept[#kept + 1] = line end
  end
  return files.write(self.path .. "/metrics.jsonl", table.concat(kept))
end

function Run:log(text) append(self.path .. "/log.txt", text .. "\n") end

return run
