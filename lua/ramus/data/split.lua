--- Divisions of a data set's samples into train, val and test. Samples of one group (a patient, an eye, a film) stay on one side.
local ffi = require "ramus.base.ffi"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local C = ffi.C

local split = {}

--- The names of the parts in alphabetical order and the sum of their weights; an error two calls up for a wrong weight.
local function parts_of(weights)
  local names, total = {}, 0
  for name, w in pairs(weights) do
    if type(w) ~= "number" or w ~= w or w < 0 or w == math.huge then
      error(("split: the weight of '%s' must be >= 0, got %s"):format(name, tostring(w)), 3)
    end
    names[#names + 1], total = name, total + w
  end
  if total <= 0 then error("split: the weights add up to 0", 3) end
  table.sort(names)
  return names, total
end

--- Sizes of the parts of n samples, by largest remainder, so that they add up.
local function sizes_of(names, weights, total, n)
  local size, rest, left = {}, {}, n
  for i, name in ipairs(names) do
    local exact = n * weights[name] / total
    size[name] = math.floor(exact + 1e-9)
    left = left - size[name]
    rest[i] = { name = name, part = exact - size[name] }
  end
  table.sort(rest, function(a, b) return a.part > b.part + 1e-12 or (math.abs(a.part - b.part) <= 1e-12 and a.name < b.name) end)
  for i = 1, left do size[rest[i].name] = size[rest[i].name] + 1 end
  return size
end

local function shuffle(list, seed)
  for i = #list, 2, -1 do
    local k = math.floor(C.ra_random_uniform(seed or 0, -1, 0, C.RA_RANDOM_SHUFFLE, i) * i) + 1
    list[i], list[k] = list[k], list[i]
  end
end

--- The groups of samples (which are in order): lists of those that have a group in common; a sample without one is alone.
local function groups_of(order)
  local groups, known = {}, {}
  for _, s in ipairs(order) do
    local g = s.group ~= nil and known[s.group]
    if not g then
      g = { at = #groups + 1 }
      groups[#groups + 1] = g
      if s.group ~= nil then known[s.group] = g end
    end
    g[#g + 1] = s
  end
  return groups
end

--- Gives whole groups to parts: the largest first, each to the part that lacks most (of equal ones the first by name); then a part
-- that got none takes the smallest group of a part that has several. Groups of one size go in the order of the shuffle.
local function deal(groups, names, size)
  local place = {}
  for i, g in ipairs(groups) do place[g] = i end
  table.sort(groups, function(a, b)
    if #a ~= #b then return #a > #b end
    return place[a] < place[b]
  end)
  local got, have = {}, {}
  for _, name in ipairs(names) do got[name], have[name] = {}, 0 end
  for _, g in ipairs(groups) do
    local best = names[1]
    for _, name in ipairs(names) do if size[name] - have[name] > size[best] - have[best] then best = name end end
    table.insert(got[best], g)
    have[best] = have[best] + #g
  end
  for _, name in ipairs(names) do
    local from = names[1]
    for _, other in ipairs(names) do if #got[other] > #got[from] then from = other end end
    if size[name] > 0 and #got[name] == 0 and #got[from] > 1 then got[name][1] = table.remove(got[from]) end
  end
  return got
end

--- Divides samples at random by weights, as { train = 7, val = 1, test = 2 }: a function of the ids, the groups and the seed alone.
-- Samples with the same `group` stay together, so that sizes are only near the weights; order within a part is that of the ids.
function split.divide(samples, weights, seed)
  local names, total = parts_of(weights)
  local order, place = {}, {}
  for i, s in ipairs(samples) do order[i] = s end
  pairing.sort(order, function(s) return s.id end)
  for i, s in ipairs(order) do place[s] = i end
  local size, units = sizes_of(names, weights, total, #order), groups_of(order)
  shuffle(units, seed)
  local parts, at = {}, 0
  local dealt = #units < #order and deal(units, names, size)
  for _, name in ipairs(names) do
    local part = {}
    for i = 1, dealt and #dealt[name] or size[name] do
      for _, s in ipairs(dealt and dealt[name][i] or units[at + i]) do part[#part + 1] = s end
    end
    at = at + size[name]
    table.sort(part, function(a, b) return place[a] < place[b] end)
    parts[name] = part
  end
  return parts
end

--- By the split that each sample declares.
local function declared(samples)
  local parts = {}
  for _, s in ipairs(samples) do
    local name = s.split or "train"
    parts[name] = parts[name] or {}
    table.insert(parts[name], s)
  end
  return parts
end

--- "7:1:2", "8:2" (no validation), "7:1:2 seed 5" as weights and seed; nil for anything else.
function split.ratio(text)
  local ratio, seed = text:match("^%s*([%d.:]+)%s*$"), 0
  if not ratio then
    ratio, seed = text:match("^%s*([%d.:]+)%s*,?%s*seed%s*=?%s*(%d+)%s*$")
  end
  local list = {}
  for number in (ratio or ""):gmatch("[^:]+") do list[#list + 1] = tonumber(number) end
  if #list == 3 then return { train = list[1], val = list[2], test = list[3] }, tonumber(seed) end
  if #list == 2 then return { train = list[1], test = list[2] }, tonumber(seed) end
end

--- Parts in the order train, validation, test, then the others by name: what is in two of them makes the scores of the later one too good.
function split.order(parts)
  local rank, names = { train = 1, training = 1, val = 2, valid = 2, validation = 2, test = 4, testing = 4 }, {}
  for name in pairs(parts) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    local x, y = rank[a] or 3, rank[b] or 3
    if x ~= y then return x < y end
    return a < b
  end)
  return names
end

-- ---- what stands behind a comma ---------------------------------------------------------

--- Parts in which `from` of the training samples (or, for test, of all) becomes `into`, the rest train; nil and a message.
local function moved(parts, into, divided, from)
  if #divided.into == 0 or #divided.rest == 0 then
    return nil, ("%s of %d images leaves none for %s"):format(from, #divided.into + #divided.rest, #divided.into == 0 and into or "train")
  end
  local result = {}
  for name, list in pairs(parts) do result[name] = list end
  result.train, result[into] = divided.rest, divided.into
  return result
end

--- Fold k of n of samples, { into = fold k, rest = the others in their order }.
local function fold_of(samples, k, n, seed)
  local weights, chosen = {}, {}
  for i = 1, n do weights[("%05d"):format(i)] = 1 end
  local result = { into = split.divide(samples, weights, seed)[("%05d"):format(k)], rest = {} }
  for _, s in ipairs(result.into) do chosen[s] = true end
  for _, s in ipairs(samples) do if not chosen[s] then table.insert(result.rest, s) end end
  return result
end

--- Suffixes of a division's name: a pattern, and what it does with the parts, { parts } and words; nil and a message.
local SUFFIXES = {
  { "^val%s+([%d.]+)%s*%%$", function(parts, seed, share)
    share = tonumber(share) or 0
    if parts.val then return nil, "it has a validation split already" end
    if share <= 0 or share >= 100 then return nil, "the share that is held out must be above 0 and below 100 %" end
    local d, words = split.divide(parts.train or {}, { rest = 100 - share, into = share }, seed), ("%g %% of train"):format(share)
    local result, err = moved(parts, "val", d, words)
    return result, err or words .. " held out for validation"
  end },
  { "^train%s+(%d+)$", function(parts, seed, count)
    local all = parts.train or {}
    count = tonumber(count)
    if count < 1 or count > #all then return nil, ("it has %d training images"):format(#all) end
    parts.train = split.divide(all, { into = count, rest = #all - count }, seed).into
    return parts, ("%d of %d images of train"):format(count, #all)
  end },
  { "^(%a+)%s+fold%s+(%d+)%s+of%s+(%d+)$", function(parts, seed, into, k, n)
    k, n = tonumber(k), tonumber(n)
    if into ~= "val" and into ~= "test" then return nil, ("a fold is for val or for test, not for %s"):format(into) end
    if k < 1 or k > n or n < 2 or n > 10000 then return nil, ("there is no fold %d of %d"):format(k, n) end
    if into == "val" and parts.val then return nil, "it has a validation split already" end
    local pool, whole = {}, into == "test"
    for _, name in ipairs(whole and { "train", "val", "test" } or { "train" }) do
      for _, s in ipairs(parts[name] or {}) do pool[#pool + 1] = s end
    end
    if whole then parts.val = nil end
    local most = #groups_of(pool)
    if n > most then
      local each = most < #pool and (", of %d groups (patients, films) that stay on one side"):format(most) or ""
      return nil, ("%d folds of %d images%s: there can be %s"):format(n, #pool, each, most < 2 and "none" or most == 2 and "2" or ("2 to %d"):format(most))
    end
    local words = ("fold %d of %d of %s"):format(k, n, whole and "all" or "train")
    local result, err = moved(parts, into, fold_of(pool, k, n, seed), words)
    return result, err or ("%s for %s"):format(words, whole and "the test" or "validation")
  end },
}

--- The rest of a name before its last comma, and what its suffix does: f(parts), as above; nil where it has none.
local function suffix_of(name)
  local base, suffix = name:match("^(.*%S)%s*,%s*(.-)%s*$")
  if not base then return nil end
  local plain, seed = suffix:match("^(.-)%s+seed%s*=?%s*(%d+)$")
  for _, rule in ipairs(SUFFIXES) do
    local a, b, c = (plain or suffix):match(rule[1])
    if a then return base, function(parts) return rule[2](parts, tonumber(seed) or 0, a, b, c) end, tonumber(seed) or 0 end
  end
end

--- The division of a name with a suffix, as split.named; nothing for one without.
local function with_suffix(def, samples, name)
  local base, apply, seed = suffix_of(name)
  if not base then return end
  local whole, from = split.named(def, samples, base)
  if not whole then return nil, from end
  local parts, words = apply(whole)
  if not parts then return mistake(("%s: split '%s': %s"):format(def.name, name, words)) end
  return parts, ("%s; %s, %s"):format(from, words, split.words(samples, seed))
end

--- The division `name` of a set's samples, { train =, val =, test = }, and the words that say where it comes from: A:B:C, one of the
-- definition's own, or "usual" (the split that each sample declares). Behind a comma: "val 20%" or "val fold 2 of 5" of train for validation,
-- "test fold 2 of 5" of all for the test, "train 10" for as many of train, each with "seed N". nil and a message for an unknown name.
function split.named(def, samples, name)
  local divided, words = with_suffix(def, samples, name)
  if divided or words then return divided, words end
  if def.splits[name] then return def.splits[name](samples), name == "usual" and def.split_source or "of the data set's file" end
  local weights, seed = split.ratio(name)
  if weights then
    local ok, parts = pcall(split.divide, samples, weights, seed)
    if not ok then return nil, ("%s: split '%s': %s"):format(def.name, name, options.plain(parts):gsub("^split: ", "")) end
    return parts, split.words(samples, seed)
  end
  if name == "usual" then return declared(samples), samples.split_source or def.split_source or "declared" end
  local all = { "usual", "7:1:2" }
  for key in pairs(def.splits) do all[#all + 1] = key end
  return mistake(options.unknown("split of " .. def.name, name, all))
end

--- How a division at random came about.
function split.words(samples, seed)
  for _, s in ipairs(samples) do
    if s.group ~= nil then return ("at random by the groups, seed %d"):format(seed) end
  end
  return ("at random by the ids, seed %d"):format(seed)
end

--- Folders of an opened folder's ids ("p1" of "p1/7") that a division at random put into several parts: a list, which also holds each as a key. None
-- where all ids have one folder in common.
function split.torn(set)
  local first, torn, folders = {}, {}, 0
  if set.definition.kind ~= "folder" or not set.split_source:find("at random by the ids", 1, true) then return torn end
  for _, part in ipairs(split.order(set.splits)) do
    for _, s in ipairs(set.splits[part]) do
      local folder = s.id:match "^(.*)/"
      if folder and not first[folder] then first[folder], folders = part, folders + 1 end
      if folder and first[folder] ~= part and not torn[folder] then torn[folder], torn[#torn + 1] = true, folder end
    end
  end
  return folders > 1 and torn or {}
end

return split
