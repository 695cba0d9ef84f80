--- Further fields that a training reads beside image, truth and field of view (rows with against = "tissue"): which ones, and what is wrong
-- with class numbers among them. verdict.lua looks at their files and judges those of kind mask as it judges masks.
local fields = require "ramus.data.fields"
local mistake = require "ramus.base.mistake"
local pairing = require "ramus.data.pairing"
local values = require "ramus.data.verdict.values"

local further = {}

local NAMES = 5 -- files named in one message

--- Names of the further fields in a list of names (a training's), in their order.
function further.names(list)
  local names = {}
  for _, name in ipairs(list or {}) do if not fields.known[name] then names[#names + 1] = name end end
  return names
end

--- The numbers of a label's file that are no class of K (nil: of any number): whole numbers from 0 to K - 1 are.
local function strangers(f, K)
  local list = {}
  for _, v in ipairs(f.list) do
    local n = v[2]
    if n % 1 ~= 0 or n < 0 or (K and n >= K) then list[#list + 1] = ("%.6g"):format(n) end
  end
  if f.values > #f.list then list[#list + 1] = ("more than %d values"):format(#f.list) end
  return list
end

--- Judges the items of a field of kind label. K: channels of the output that is compared with it, nil where it is not known. True; nil and a
-- message (a mistake) that names the files and the line to write.
function further.judge_labels(set, name, items, K)
  local refused, odd = {}, {}
  for _, item in ipairs(items) do
    if item.facts.refused ~= "" then refused[#refused + 1] = ("%s (%s)"):format(item.source.path or item.sample.id, item.facts.refused) end
    item.strangers = not item.declared and strangers(item.facts, K) or {}
    if #item.strangers > 0 then odd[#odd + 1] = item end
  end
  if #refused > 0 then
    return mistake(("%d of %d files of field '%s' are not as they are declared: %s"):format(#refused, #items, name, pairing.some(refused, NAMES)))
  end
  if #odd == 0 then return true end
  local words, first = {}, odd[1]
  for i, item in ipairs(odd) do words[i] = item.source.path or item.sample.id end
  local ignore = #first.strangers == 1 and tonumber(first.strangers[1]) and first.strangers[1]
  return mistake(("%d of %d files of field '%s' of data set %s hold numbers that are no class%s: %s; the first holds %s, of which these are none: %s; "
    .. "write into the source of the field how its numbers become classes, as %s = { path = .., values = { [0] = 0, [255] = 1 } }, or %s for pixels "
    .. "that nobody could label"):format(#odd, #items, name, set.name, K and (" of the %d that it is compared with (0 to %d)"):format(K, K - 1) or "",
    pairing.some(words, NAMES), values.histogram(first.facts), table.concat(first.strangers, ", "), name,
    ignore and ("ignore = %s"):format(ignore) or "ignore = 255"))
end

return further
