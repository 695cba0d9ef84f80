--- The result of an evaluation as JSON and as the table that a person reads.
local class_table = require "ramus.train.evaluate.class_table"
local json = require "ramus.base.json"
local metrics = require "ramus.data.metrics"
local millimetres = require "ramus.train.evaluate.millimetres"
local observer_rows = require "ramus.train.evaluate.observer_rows"

local score_text = {}

--- A plain table for JSON: scores per image, summary, protocol.
function score_text.json(result)
  local images = {}
  for i, m in ipairs(result.images) do
    local plain = { id = m.id, group = m.group, hd95_mm = m.hd95_mm == m.hd95_mm and m.hd95_mm or nil }
    for _, key in ipairs(metrics.keys) do
      local v = m[key]
      if v and v == v and v ~= math.huge then plain[key] = v end
    end
    for k, c in ipairs(result.classes or {}) do
      local scores = m.of[k - 1]
      plain.classes = plain.classes or {}
      if scores.tp + scores.fn + scores.fp > 0 then plain.classes[c.name] = { dice = scores.dice, tp = scores.tp, fp = scores.fp, fn = scores.fn } end
    end
    for _, o in ipairs(result.observers or {}) do
      plain.observers = plain.observers or {}
      plain.observers[o.name] = o.images[m.id]
    end
    images[i] = plain
  end
  local function clean(t)
    local copy = {}
    for k, v in pairs(t) do
      if type(v) == "table" then copy[k] = clean(v)
      elseif type(v) == "number" then if v == v and math.abs(v) ~= math.huge then copy[k] = v end
      elseif type(v) == "string" or type(v) == "boolean" then copy[k] = v end
    end
    return copy
  end
  local outputs = {}
  for name, s in pairs(result.outputs) do outputs[name] = clean { per_image = s.per_image, pooled = s.pooled, n = s.n } end
  local seen_by = {}
  for i, o in ipairs(result.observers or {}) do seen_by[i] = clean { name = o.name, n = o.n, model = o.model, mask = o.mask } end
  local per_class = {}
  for i, c in ipairs(result.classes or {}) do per_class[i] = clean(c) end
  return json.encode({ classes = result.classes and per_class, confusion = result.confusion,
    per_image = clean(result.per_image), pooled = clean(result.pooled), n = result.n, outputs = outputs, observers = result.observers and seen_by,
    images = images, protocol = clean(result.protocol), warnings = result.warnings }, 8)
end

local function cell(v, form) return v and v == v and (form or "%.4f"):format(v) or "-" end

--- The table of scores as text.
function score_text.text(result)
  local lines = { ("%-16s %9s %9s   %-19s %9s"):format("score", "mean", "sd", "95 % interval", "pooled") }
  for _, key in ipairs(millimetres.keys(result)) do
    local s, pooled = result.per_image[key], result.pooled[key]
    lines[#lines + 1] = ("%-16s %9s %9s   %-19s %9s"):format(key, cell(s.mean), cell(s.sd), ("%s to %s"):format(cell(s.low), cell(s.high)),
      type(pooled) == "number" and cell(pooled) or "-") .. (s.n < result.n and ("   mean of %d of %d"):format(s.n, result.n) or "")
  end
  if result.classes then lines[#lines + 1] = class_table.text(result) end
  local names = {}
  for name in pairs(result.outputs or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local s = result.outputs[name].per_image.dice
    lines[#lines + 1] = ("%-16s %9s %9s   (dice of this output%s)"):format(name, cell(s.mean), cell(s.sd),
      s.n < result.n and (", mean of %d of %d"):format(s.n, result.n) or "")
  end
  for _, line in ipairs(observer_rows.text(result.observers or {}, result.n)) do lines[#lines + 1] = line end
  local p = result.protocol
  if p then
    lines[#lines + 1] = ("%d images of %s, edition %s, split %s; %s; resize %s; %s"):format(p.pictures, p.set, p.edition, p.split,
      p.decision or ("threshold %.3g (%s)"):format(p.threshold, p.threshold_tuned), p.resize, p.field_of_view)
  end
  return table.concat(lines, "\n")
end

return score_text
