--- What a run's model says of one picture now: the first of the validation split under the newest checkpoint (of the test split where the set
-- has none, else of the training split), as an overlay; of a run that has ended, the first overlay that its evaluation wrote.
--
--   local rgb, caption = current.picture("runs/first", "running", opened)     [3,H,W]; nil and why there is none
--
-- opened: a table that keeps the data set for the next call. Nothing is fetched, nothing is written, nothing of the folder is executed.
local checkpoint = require "ramus.train.checkpoint"
local class_image = require "ramus.data.image.class_image"
local evaluate = require "ramus.train.evaluate"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local names = require "ramus.train.run.names"
local scale = require "ramus.data.scale"
local scored_set = require "ramus.train.evaluate.scored_set"

local current = {}

--- The first overlay that the run holds; nil where it has none.
local function stored(path)
  local folder = names.path_of(path, "pictures")
  for _, name in ipairs(files.list(folder) or {}) do
    local rgb = name:match "%.png$" and image.load(folder .. "/" .. name)
    if rgb then return rgb, name end
  end
end

--- The newest checkpoint of a run and when it was written; nil where there is none.
function current.checkpoint(path)
  for _, kind in ipairs { "last", "best" } do
    local file = names.path_of(path, kind)
    local size, changed = files.size(file)
    if size then return file, ("%s %d %d"):format(file, size, changed) end
  end
end

--- The split whose first picture is shown: of those that the recipe names the first that the set has; nil and why there is none.
local function part_of(facts, opened)
  local err
  for _, part in ipairs { facts.val or false, facts.test or false, facts.train } do
    if not opened.part and part then
      facts.part = part
      local ok, why = scored_set.check(facts, { offline = true })
      opened.part, err = ok and part or nil, err or why
    end
  end
  return opened.part, err
end

local function predicted(path, opened)
  local file = current.checkpoint(path)
  if not file then return nil, "no checkpoint yet" end
  local model, err = checkpoint.load_model(file)
  if not model then return nil, err end
  local facts
  facts, err = evaluate.facts(path)
  if not facts then return nil, err end
  facts.part, err = part_of(facts, opened)
  if not facts.part then return nil, err end
  local rgb, caption
  local ok
  ok, err = evaluate.of_facts(model, facts, { scores = false, levels = false, limit = 1, offline = true, opened = opened, threshold = 0.5,
    each = function(sample, p, truth, _, _, threshold)
      local shown = assert(scale.picture(sample))
      if p.rank == 3 then rgb = class_image.overlay(shown, class_image.labels(p), checkpoint.classes(model), truth)
      else rgb = image.overlay(shown, p, truth, { threshold = threshold }) end
      caption = sample.id .. " under the newest checkpoint"
    end })
  if not ok then return nil, err end
  return rgb, caption
end

function current.picture(path, state, opened)
  if state ~= "running" then
    local rgb, caption = stored(path)
    if rgb then return rgb, caption end
  end
  local called, rgb, caption = pcall(predicted, path, opened) -- a checkpoint that is of another version must not end the view
  if not called then return nil, tostring(rgb) end
  return rgb, caption
end

return current
