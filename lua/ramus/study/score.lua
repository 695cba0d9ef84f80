--- What a cell is scored on: a part of a data set, with the weights that are taken.
--
--   "test"                a split of the row's own set            "cimat80:test"    a split of a set
--   { set = "phantom", part = "test", options = { .. }, split =, edition =, threshold =, tune =, name = "faint" }   the same in full
-- score.of returns { key, label, facts (as evaluation wants them), weights, threshold, tune }. The key says all of it, so that results are
-- found again under it: "cimat80:test", "phantom:test {"options":{"size":64}}", "cimat80:test @best".
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local options = require "ramus.base.options"
local reading = require "ramus.data.reading"

local score = {}

local SCHEMA = {
  set = { type = "string", help = "name of a data set, path of its definition, or a folder; the row's own unless given" },
  part = { type = "string", default = "test", help = "split that is scored" },
  options = { type = "table", help = "options of the set itself" },
  split = { type = "string", help = "name of the division into splits" },
  edition = { type = "string", help = "edition of the set" },
  threshold = { type = "number", min = 0, max = 1, help = "threshold of the probability; that of validation unless given" },
  tune = { type = "boolean", help = "true to choose the threshold on the validation split" },
  name = { type = "string", help = "its name in tables" },
}
score.schema = SCHEMA

--- A set's name in keys: the same on every machine.
local function short(set)
  if set:sub(1, 1) ~= "/" then return set end
  local _, name = files.split(set)
  return name
end

--- "test", "SET:test" or "SET" as a table.
local function from_text(text)
  local set, part = text:match "^(.*):([^:]+)$"
  if set then return { set = set, part = part } end
  return { part = text }
end

--- The facts that evaluation needs: those of the recipe's own set, or of another one.
local function facts_of(o, data)
  local own = o.set == data.set
  return { set = o.set, options = o.options or own and data.options or nil, split_rule = o.split or own and data.split or "usual", part = o.part,
    edition = o.edition or own and data.edition or nil, val = own and data.val or "val", train = own and data.train or "train",
    test = own and data.test or nil, reading = own and reading.of(data) or nil }
end

--- A score as a study writes it, for a row with this data section. given: weights, base (folder that paths are relative to). nil and a message.
function score.of(what, data, given)
  if type(what) == "string" then what = from_text(what) end
  local o, err = options.validate(what, SCHEMA, "is wrong")
  if not o then return nil, err end
  o.set = o.set and dataset.locate(o.set, given.base) or data.set
  dataset.trust(o.set)
  local def
  def, err = dataset.find(o.set)
  if not def then return nil, err end
  local more = { options = o.options, split = o.split, edition = o.edition, threshold = o.threshold, tune = o.tune or nil }
  local text = ("%s:%s"):format(short(o.set), o.part) .. (next(more) and " " .. json.encode(more) or "")
  return { key = text .. (given.weights == "best" and " @best" or ""), label = o.name or text, facts = facts_of(o, data),
    weights = given.weights, threshold = o.threshold, tune = o.tune }
end

return score
