--- Sensitivity by vessel width and by contrast, and patch entropy, over the whole test split: the model of each run looks at every image.
-- The numbers are those of study/signs.lua.
local checkpoint = require "ramus.train.checkpoint"
local evaluate = require "ramus.train.evaluate"
local groups = require "ramus.data.metrics.groups"
local html = require "ramus.report.html"
local metrics = require "ramus.data.metrics"
local scale = require "ramus.data.scale"
local study_signs = require "ramus.study.signs"
local tables = require "ramus.report.tables"

local signs = {}

--- Scores of a run by sign, a list for each with NaN where an image has none, and [opt] the images' groups; nil and a message.
local function of_run(g, o)
  local facts, err = evaluate.facts(g.path)
  if not facts then return nil, err end
  local model
  model, err = checkpoint.load_model(g.path)
  if not model then return nil, err end
  if checkpoint.classes(model) then return nil, "is of a model with classes, whose pixels have no single probability" end
  local found, n = {}, 0
  for _, name in ipairs(study_signs.names) do found[name] = {} end
  local result
  result, err = evaluate.of_facts(model, facts, { levels = false, offline = true, data_root = o.data_root,
    threshold = g.scores and g.scores.protocol and g.scores.protocol.threshold,
    each = function(sample, p, truth, _, seen, threshold)
      n = n + 1
      local shown = assert(scale.picture(sample))
      local one = study_signs.of(p, truth, shown:reshape(1, shown:numel() / truth:numel(), truth.dim[0], truth.dim[1]), seen, threshold)
      for name, list in pairs(found) do list[n] = one[name] or 0 / 0 end
    end })
  if not result then return nil, err end
  return found, groups.of(result.images, function(m) return m.group end)
end

--- A table with a column for each run, as a child of the page; nil and a message.
function signs.of(runs, o)
  local head, rows, each, together = { "where" }, {}, {}, {}
  for i, g in ipairs(runs) do
    local found, more = of_run(g, o)
    if not found then return nil, ("--signs: %s: %s"):format(g.name, more) end
    head[i + 1], each[i], together[i] = g.name, found, more
  end
  for i, name in ipairs(study_signs.names) do
    rows[i] = { name }
    for k in ipairs(runs) do
      local m = metrics.bootstrap(each[k][name], { groups = together[k] })
      local range = (" %s to %s, %d images"):format(tables.number(m.low), tables.number(m.high), m.n)
      rows[i][k + 1] = m.n > 0 and { tables.number(m.mean), html("small", {}, range) } or "–"
    end
  end
  return html.table("Sensitivity of vessel pixels by local width (pixels) and local contrast (grey values of 0 to 1), and patch entropy (bits): "
    .. "mean over images with its 95 % interval", head, rows)
end

return signs
