--- Runs of one recipe with several seeds, pooled as the rows of a study are: seeds.of(runs) gives { blocks (of pooled.block), tests } or nil
-- where no recipe has two scored seeds. Runs of the same recipe and seed count once, the last of them.
local cjson = require "cjson"
local files = require "ramus.base.files"
local from_results = require "ramus.study.from_results"
local hash = require "ramus.base.hash"
local json = require "ramus.base.json"
local metrics = require "ramus.data.metrics"
local pooled = require "ramus.report.pooled"
local summary = require "ramus.study.summary"

local seeds = {}

local SHOWN = { "dice", "cldice", "sensitivity", "precision" }

--- What a run's recipe is but for name and seed, as a hash.
local function hash_of(recipe)
  local kept = {}
  for k, v in pairs(recipe) do if k ~= "name" and k ~= "seed" then kept[k] = v end end
  return hash.sha256(json.encode(kept))
end

--- The scores of a run as those of a line of results: { pictures, outputs = { [main] = columns }, protocol }.
local function scores_of(g)
  local ids, columns, protocol = {}, {}, {}
  for i, image in ipairs(g.scores.images) do ids[i] = image.id end
  for _, name in ipairs(metrics.keys) do
    columns[name] = {}
    for i, image in ipairs(g.scores.images) do columns[name][i] = tonumber(image[name]) or cjson.null end
  end
  for k, v in pairs(g.scores.protocol or {}) do protocol[k] = v end
  protocol.model, protocol.output = nil, protocol.output or "out"
  return { pictures = ids, outputs = { [protocol.output] = columns }, protocol = protocol }
end

--- A line for each scored run, and how many seeds each recipe has: { [hash] = { n, seeds, folders } }.
local function lines_of(runs)
  local lines, groups = {}, {}
  for _, g in ipairs(runs) do
    local seed = tonumber(g.recipe.seed)
    if g.scores and seed then
      local of = hash_of(g.recipe)
      local group = groups[of] or { n = 0, seeds = {}, folders = {}, name = tostring(g.recipe.name or "run") }
      groups[of] = group
      if not group.seeds[seed] then group.n, group.seeds[seed] = group.n + 1, true end
      table.insert(group.folders, (select(2, files.split((g.path:gsub("/+$", ""))))))
      local s = scores_of(g)
      lines[#lines + 1] = { recipe = of, seed = seed, row = group.name, scores = { [tostring(s.protocol.set or "test")] = s } }
    end
  end
  return lines, groups
end

--- Two recipes of one name are told apart by their folders.
local function name_apart(lines, groups)
  local count = {}
  for _, group in pairs(groups) do count[group.name] = (count[group.name] or 0) + 1 end
  for _, line in ipairs(lines) do
    local group = groups[line.recipe]
    if count[group.name] > 1 then line.row = ("%s (%s)"):format(group.name, table.concat(group.folders, ", ")) end
  end
end

--- See the top of the file.
function seeds.of(runs)
  local lines, groups = lines_of(runs)
  local most = 0
  for _, group in pairs(groups) do most = math.max(most, group.n) end
  if most < 2 then return nil end
  name_apart(lines, groups)
  local study, known = from_results.of(lines, { name = "runs", path = "runs", metrics = SHOWN })
  local t = summary.of(study, known)[1]
  local blocks = {}
  for _, block in ipairs(t.blocks) do
    local made = pooled.block(block)
    if made then
      made.images = #blocks == 0 and pooled.images(block) or nil
      blocks[#blocks + 1] = made
    end
  end
  return { blocks = blocks, tests = pooled.tests(t) }
end

return seeds
