--- Rows of an evaluation for every further observer: the model against the observer, and the observer against the set's mask, over the
-- images that the observer drew.
--
--   local rows = observer_rows.new(samples)     nil where there is no observer
--   rows:add(sample, p, native, seen, threshold)
--   rows:summary()    { { name =, n =, model = summary, mask = summary, images = { ID = { model = dice, mask = dice } } }, .. }
local metrics = require "ramus.data.metrics"
local observers = require "ramus.data.observers"

local observer_rows = {}
local Rows = {}
Rows.__index = Rows

--- Scores that need probabilities mean nothing of a mask that was drawn.
local OF_PROBABILITIES = { "roc_auc", "pr_auc", "ece" }

function observer_rows.new(samples)
  local names = observers.names(samples)
  if #names == 0 then return nil end
  local self = setmetatable({ names = names }, Rows)
  for _, name in ipairs(names) do self[name] = { model = {}, mask = {}, images = {} } end
  return self
end

--- p: probability [H,W] of the model; native: the sample's fields at that size, the observers' among them; seen: which pixels count.
function Rows:add(sample, p, native, seen, threshold)
  local H, W = p.dim[0], p.dim[1]
  for _, o in ipairs(sample.observers or {}) do
    local drawn, row = native[observers.field(o.name)]:reshape(H, W), self[o.name]
    local model = metrics(p, drawn, { threshold = threshold, fov = seen })
    local mask = metrics(drawn, native.mask:reshape(H, W), { threshold = 0.5, fov = seen, curve = false })
    model.group, mask.group = sample.group, sample.group
    for _, key in ipairs(OF_PROBABILITIES) do mask[key] = 0 / 0 end
    table.insert(row.model, model)
    table.insert(row.mask, mask)
    row.images[sample.id] = { model = model.dice, mask = mask.dice }
  end
end

function Rows:summary()
  local list = {}
  for i, name in ipairs(self.names) do
    local row = self[name]
    metrics.without_foreground(row.model)
    metrics.without_foreground(row.mask)
    list[i] = { name = name, n = #row.model, model = metrics.summarize(row.model), mask = metrics.summarize(row.mask), images = row.images }
    for _, key in ipairs(OF_PROBABILITIES) do list[i].mask.per_image[key], list[i].mask.pooled[key] = nil, nil end
    list[i].mask.pooled.calibration = nil
  end
  return list
end

local function cell(v) return v and v == v and ("%.4f"):format(v) or "-" end

--- The lines of a table: per observer a row of the model against it, and one of it against the set's mask.
function observer_rows.text(list, of)
  local lines = {}
  for _, o in ipairs(list) do
    for _, row in ipairs { { o.model, "dice of the model against " .. o.name }, { o.mask, ("dice of %s against the set's mask"):format(o.name) } } do
      local s = row[1].per_image.dice
      lines[#lines + 1] = ("%-16s %9s %9s   %-19s %9s   (%s%s)"):format(o.name:sub(1, 16), cell(s.mean), cell(s.sd),
        ("%s to %s"):format(cell(s.low), cell(s.high)), cell(row[1].pooled.dice), row[2], s.n < of and (", mean of %d of %d"):format(s.n, of) or "")
    end
  end
  return lines
end

return observer_rows
