--- The images that an evaluation scores: the data set opened and looked at for a model, and which of its images are taken.
local checkpoint = require "ramus.train.checkpoint"
local data = require "ramus.data.sets"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local scale = require "ramus.data.scale"
local split = require "ramus.data.split"
local verdict = require "ramus.data.verdict"

local scored_set = {}

--- A message where a data set does not have the classes of a model, else nil.
local function wrong_classes(list, set)
  if not set.classes then
    return ("the model has %d classes, and data set %s declares none to score against; a folder's are declared in a file that returns "
      .. "ra.datasets.folder { \"FOLDER\", classes = .. }, which --data names"):format(#list, set.name)
  end
  if #set.classes ~= #list then return ("the model has %d classes, data set %s has %d"):format(#list, set.name, #set.classes) end
end

--- The samples of the part that is scored; nil and a message.
local function samples_of(set, part)
  if part == "all" then set.splits.all = set.splits.all or set.samples end
  local samples = set.splits[part]
  if samples and #samples > 0 then return samples end
  local names = split.order(set.splits)
  return mistake(("%s: %s; name one behind the set (SET:%s), or take every image (SET:all)"):format(set.name, options.unknown("split", part, names),
    names[#names] or "test"))
end

--- True where the set is there, or could be fetched, and has images in the part that is scored; nil and a message. Asked before a training.
function scored_set.check(facts, o)
  local set, err = data.set(facts.set, { options = facts.options, split = facts.split_rule, edition = facts.edition, data_root = o.data_root,
    offline = o.offline, reading = facts.reading })
  if not set then return nil, err end
  local samples
  samples, err = samples_of(set, facts.part)
  return samples and true, err
end

--- Those that are scored: the first so many, or those of some ids in the set's order. nil and a message where there is no such image.
function scored_set.chosen(samples, limit, ids)
  if limit then samples = { unpack(samples, 1, math.min(limit, #samples)) } end
  if not ids then return samples end
  local wanted, list = {}, {}
  for _, id in ipairs(ids) do wanted[id] = true end
  for _, sample in ipairs(samples) do if wanted[sample.id] then list[#list + 1] = sample end end
  if #list == 0 then return nil, ("the set has no image %s"):format(table.concat(ids, ", ")) end
  return list
end

--- The set, the samples of its part that is scored and what verdict.check says of them, for a model; nil and a message. With o.opened, a table, what
-- one model has opened serves the next with the same facts.
function scored_set.open(model, facts, o)
  local key = o.opened and json.encode { facts, model.input.scale or false, model.template.channels, checkpoint.classes(model) or false }
  if key and o.opened[key] then return unpack(o.opened[key]) end
  local set, err = data.set(facts.set, { options = facts.options, split = facts.split_rule, edition = facts.edition, data_root = o.data_root,
    offline = o.offline, out = o.out, reading = facts.reading })
  if not set then return nil, err end
  local samples
  samples, err = samples_of(set, facts.part)
  if not samples then return nil, err end
  local list = checkpoint.classes(model)
  err = list and wrong_classes(list, set)
  if err then return nil, err end
  scale.as_trained(model, set.samples)
  local judged
  judged, err = verdict.check(set, o.tune and facts.val and set.splits[facts.val] and { facts.part, facts.val } or { facts.part },
    { also = { facts.train, facts.val or facts.part, facts.test or facts.part }, accept_odd = o.accept_odd, out = o.out })
  if not judged then return nil, err .. (o.data and err:find("recipe's data", 1, true) and " (of the set that --data names: --set KEY=VALUE)" or "") end
  if judged.without[facts.part] then return nil, ("%s: no image of split '%s' has a mask to score against"):format(set.name, facts.part) end
  if key then o.opened[key] = { set, samples, judged } end
  return set, samples, judged
end

return scored_set
