--- The history of a training in short, for a line of results: at most 50 epochs of loss and validation Dice, at most 12 of the terms and of
-- the outputs.
local cjson = require "cjson"

local curve = {}

local MOST, MOST_TERMS = 50, 12

--- Evenly spaced places of n entries, the first and the last among them, at most `most`.
local function places(n, most)
  if n <= most then most = n end
  local list = {}
  for i = 1, most do list[i] = most == 1 and n or math.floor(1 + (i - 1) * (n - 1) / (most - 1) + 0.5) end
  return list
end

--- A number with 4 significant digits; null where there is none.
local function short(v) return v and v == v and math.abs(v) ~= math.huge and tonumber(("%.4g"):format(v)) or cjson.null end

--- Entries that have `outputs` (see train/companions/output_probe.lua), as { epoch = { .. }, NAME = { dice = { .. }, .. } }; nil where none has.
local function outputs_of(history)
  local list = {}
  for _, h in ipairs(history) do if h.outputs then list[#list + 1] = h end end
  local found = { epoch = {} }
  for k, i in ipairs(places(#list, MOST_TERMS)) do
    found.epoch[k] = list[i].epoch
    for name, o in pairs(list[i].outputs) do
      local all = { dice = o.dice or cjson.null, patch_entropy = o.patch_entropy or cjson.null }
      for which, v in pairs(o.agreement or {}) do all["agreement." .. which] = v end
      for what, v in pairs(all) do
        found[name] = found[name] or {}
        found[name][what] = found[name][what] or {}
        for j = #found[name][what] + 1, k - 1 do found[name][what][j] = cjson.null end -- a teacher that was not there yet
        found[name][what][k] = v ~= cjson.null and short(v) or v
      end
    end
  end
  return #list > 0 and found or nil
end

--- history: entries of metrics.jsonl. Returns { epoch = { .. }, loss = { .. }, val = { .. } or nil, terms = { epoch = { .. }, gradient = { NAME = { .. } } },
-- outputs = [opt] }, gradient being the norms of the terms' gradients.
function curve.of(history)
  local c, terms = { epoch = {}, loss = {}, val = {} }, { epoch = {}, gradient = {} }
  for k, i in ipairs(places(#history, MOST)) do
    local h = history[i]
    c.epoch[k], c.loss[k], c.val[k] = h.epoch, short(h.loss), short(h.validation and h.validation.dice)
  end
  local names = {}
  for _, h in ipairs(history) do for name in pairs(h.terms or {}) do names[name] = true end end
  for k, i in ipairs(places(#history, MOST_TERMS)) do
    terms.epoch[k] = history[i].epoch
    for name in pairs(names) do
      local t = (history[i].terms or {})[name]
      terms.gradient[name] = terms.gradient[name] or {}
      terms.gradient[name][k] = short(t and t.gradient_norm)
    end
  end
  c.terms = next(names) and terms or nil
  c.outputs = outputs_of(history)
  return c
end

return curve
