--- What differs between two runs, or two files of one kind (contents.lua): only that.
--
--   difference.of(a, b)    { kind =, same =, sections = { { name =, rows = { { key, value in a, value in b }, .. } }, .. } }; nil and a message
-- a, b: paths. Sections of a run: recipe (every field of the resolved one), data (images whose files have another SHA-256, by split), code
-- (version, commit, kernels), state, scores (mean per image, pooled), protocol, weights (SHA-256).
local checkpoint = require "ramus.train.checkpoint"
local contents = require "ramus.study.contents"
local files = require "ramus.base.files"
local mistake = require "ramus.base.mistake"
local names = require "ramus.train.run.names"

local difference = {}

--- The leaves of a value by their path: "optim.lr", "supervise[2].weight".
local function leaves(v, at, out)
  if type(v) ~= "table" or next(v) == nil then
    out[at] = type(v) == "table" and "{}" or v
    return out
  end
  for k, inner in pairs(v) do
    leaves(inner, type(k) == "number" and ("%s[%d]"):format(at, k) or at == "" and tostring(k) or at .. "." .. tostring(k), out)
  end
  return out
end
difference.leaves = leaves

--- Rows of the leaves that differ, in the order of their keys.
local function compare(a, b)
  local x, y, keys, rows = leaves(a or {}, "", {}), leaves(b or {}, "", {}), {}, {}
  x[""], y[""] = nil, nil
  for key in pairs(x) do keys[#keys + 1] = key end
  for key in pairs(y) do if x[key] == nil then keys[#keys + 1] = key end end
  table.sort(keys)
  for _, key in ipairs(keys) do if x[key] ~= y[key] then rows[#rows + 1] = { key, x[key], y[key] } end end
  return rows
end

--- Hashes of a run's images: { ["test: ID"] = "SHA SHA", .. }; {} where the run does not say.
local function images_of(path)
  local value = checkpoint.decode(files.read(names.path_of(path, "samples")) or "null", "samples")
  local sums = {}
  for part, list in pairs(type(value) == "table" and type(value.parts) == "table" and value.parts or {}) do
    for _, sample in ipairs(list) do
      local of = {}
      for i, file in ipairs(sample.files or {}) do of[i] = tostring(file[2]):sub(1, 12) end
      sums[("%s: %s"):format(part, tostring(sample.id))] = table.concat(of, " ")
    end
  end
  return sums
end

--- Arrays by their name.
local function by_name(list)
  local t = {}
  for _, a in ipairs(list or {}) do t[a.name] = ("%s [%s]"):format(a.dtype, table.concat(a.shape, ",")) end
  return t
end

local function means(c)
  local t = {}
  for key, s in pairs(c.per_image or {}) do t[key] = type(s) == "table" and s.mean or nil end
  for _, key in ipairs { "dice", "cldice" } do t["pooled " .. key] = c.pooled and c.pooled[key] end
  return t
end

--- What is compared of one thing, by section.
local function sections_of(c)
  local protocol = {}
  for k, v in pairs(c.protocol or {}) do protocol[k] = k ~= "model" and v or nil end
  local t = { recipe = c.recipe, code = c.build, scores = means(c), protocol = protocol, arrays = by_name(c.arrays) }
  if c.kind == "run" then
    t.data, t.state = images_of(c.path), { epochs = c.epochs, state = c.state, validation = c.validation, best_epoch = c.best_epoch }
    t.weights = { best = c.best and c.best.weights, last = c.last and c.last.weights }
  elseif c.kind == "data set" then t.data, t.set = c.sums, { set = c.set, edition = c.edition, options = c.options, counts = c.counts }
  elseif c.kind == "results" then t.rows = c.rows
  elseif c.kind == "picture" then return { picture = { height = c.height, width = c.width, channels = c.channels, bits = c.bits } }
  else
    t.model = { model = c.model, parameters = c.parameters, input = c.input, output = c.output, outputs = c.outputs }
    t.data, t.state, t.weights = c.data, c.state, { sha256 = c.weights }
  end
  return t
end

local ORDER = { "set", "recipe", "model", "data", "code", "state", "rows", "arrays", "scores", "protocol", "weights", "picture" }

--- Kinds that are compared with each other: a checkpoint holds a model.
local function kind_of(c) return c.kind == "checkpoint" and "model" or c.kind end

function difference.of(path_a, path_b)
  local a, err = contents.of(path_a)
  if not a then return nil, err end
  local b
  b, err = contents.of(path_b)
  if not b then return nil, err end
  if kind_of(a) ~= kind_of(b) then return mistake(("diff: %s is a %s, %s a %s; wanted two of one kind"):format(path_a, a.kind, path_b, b.kind)) end
  local x, y, found = sections_of(a), sections_of(b), { kind = a.kind, same = true, sections = {} }
  for _, name in ipairs(ORDER) do
    local rows = compare(x[name], y[name])
    if #rows > 0 then
      found.sections[#found.sections + 1] = { name = name, rows = rows }
      found.same = false
    end
  end
  return found
end

return difference
