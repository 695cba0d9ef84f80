--- Cross-validation: a row with folds = N is trained N times a seed, each time with one of N parts of all pictures as its test, and is scored on the
-- pictures of all parts together. Groups (patients) stay on one side; which picture is in which part depends on the ids, the groups and the
-- split's own seed alone, so that all rows have the same parts.
local dataset = require "ramus.data.dataset"

local folds = {}

--- The entry of a schema.
function folds.entry(what) return { type = "integer", min = 2, max = 1000, help = "number of folds " .. what } end

--- A split's name with fold k of n as the test: behind what it begins with, so that a share for validation is taken from what is left.
local function split_of(name, k, n)
  local head = name:match "^[^,]*,%s*seed%s*=?%s*%d+" or name:match "^[^,]*"
  local seed = head:match "seed%s*=?%s*(%d+)"
  return ("%s, test fold %d of %d%s%s"):format(head, k, n, seed and " seed " .. seed or "", name:sub(#head + 1))
end

--- The parts of a row with this recipe, { recipe =, words = [opt] }; those of n folds (nil: none) are made by recipe_of(values). nil and a message.
function folds.parts(whole, n, recipe_of)
  if not n then return { { recipe = whole } } end
  local parts = {}
  for k = 1, n do
    local recipe, err = recipe_of { ["data.split"] = split_of(whole.data.split, k, n) }
    if not recipe then return nil, err end
    parts[k] = { recipe = recipe, words = ("fold %d of %d"):format(k, n) }
  end
  return parts
end

--- A message where a fold is not scored on its own test pictures, else nil.
function folds.wrong(part)
  local d = part.recipe.data
  for _, s in ipairs(part.scores) do
    if s.facts.set ~= dataset.locate(d.set) or s.facts.part ~= d.test or s.facts.split_rule ~= d.split then
      return ("score: '%s' is not the test split of the row's own set, which is what a row with folds is scored on"):format(s.label)
    end
  end
end

return folds
