--- What the report and `ramus compare` know of a run, read from its folder alone: { path, name, recipe, build, history, timing, scores, cost }.
--
-- scores: eval.json as data, where the run was scored. Nothing is computed and nothing of the folder is executed.
local difference = require "ramus.study.difference"
local files = require "ramus.base.files"
local run = require "ramus.train.run"

local gather = {}

--- Sums over the epochs of timing.jsonl.
local function time_of(timing)
  local sum = { seconds = 0, cpu_seconds = 0, images = 0 }
  for _, t in ipairs(timing) do
    for k in pairs(sum) do sum[k] = sum[k] + (tonumber(t[k]) or 0) end
  end
  return sum
end

--- What the training said of its cost in the head of its log; the last head is that of the last resume.
local function said(log)
  local found = {}
  for parameters, flop, height, width in log:gmatch "model  (%d+) parameters, ([%d.]+) GFLOP an image of (%d+)x(%d+)" do
    found.parameters, found.gflop, found.size = tonumber(parameters), tonumber(flop), height .. "x" .. width
  end
  for kernels, threads in log:gmatch "; (%w+) kernels[^\n]-, (%d+) threads" do found.kernels, found.threads = kernels, tonumber(threads) end
  for scratch, weights in log:gmatch "memory (%d+) MB of scratch[^\n]-, (%d+) MB for weights" do
    found.scratch_mb, found.weights_mb = tonumber(scratch), tonumber(weights)
  end
  return found
end

--- A run; nil and a message.
function gather.run(path)
  local r, err = run.read(path)
  if not r then return nil, err end
  local g = { path = path, recipe = r.recipe, build = r.build or {}, history = r:history(), timing = r:timing() }
  g.name = tostring(r.recipe.name or path)
  g.scores = r:evaluation()
  if type(g.scores) ~= "table" or type(g.scores.images) ~= "table" or type(g.scores.per_image) ~= "table" then g.scores = nil end
  g.cost = said(files.read(r:path_of "log") or "")
  for k, v in pairs(time_of(g.timing)) do g.cost[k] = v end
  g.text = files.read(r:path_of "resolved") or ""
  return g
end

--- Gives runs names that tell them apart: the recipe's where they do, else the folder's, else the path.
local function name_apart(list)
  local function folder_of(g) return (select(2, files.split((g.path:gsub("/+$", ""))))) end
  for _, of in ipairs { function(g) return g.name end, folder_of, function(g) return g.path end } do
    local seen, twice = {}, false
    for _, g in ipairs(list) do
      twice = twice or seen[of(g)]
      seen[of(g)] = true
    end
    if not twice or of(list[1]) == list[1].path then
      for _, g in ipairs(list) do g.name = of(g) end
      return
    end
  end
end

--- Several runs; nil and a message.
function gather.runs(paths)
  local list = {}
  for i, path in ipairs(paths) do
    local g, err = gather.run(path)
    if not g then return nil, err end
    list[i] = g
  end
  name_apart(list)
  return list
end

--- The fields of the recipes that are not the same in all runs: a list of { field, value of each run or nil }, sorted.
function gather.differences(list)
  local each, names, seen = {}, {}, {}
  for i, g in ipairs(list) do
    each[i] = difference.leaves(g.recipe, "", {})
    each[i]["build.commit"], each[i]["build.kernels"] = g.build.commit, g.build.kernels
    for name in pairs(each[i]) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
  end
  table.sort(names)
  local rows = {}
  for _, name in ipairs(names) do
    local row, differs = { name, n = #list + 1 }, false
    for i in ipairs(list) do
      row[i + 1] = each[i][name] ~= nil and tostring(each[i][name]) or nil
      differs = differs or each[i][name] ~= each[1][name]
    end
    if differs then rows[#rows + 1] = row end
  end
  return rows
end

return gather
