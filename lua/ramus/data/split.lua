--- Samples of a data set: files paired by id, and divisions into train, val and test.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local options = require "ramus.base.options"
local C = ffi.C

local split = {}

local function natural(a, b)
  local x, y = a:gsub("%d+", function(d) return ("%09d"):format(tonumber(d)) end), b:gsub("%d+", function(d)
    return ("%09d"):format(tonumber(d))
  end)
  return x < y
end

--- Pairs the files of a folder by the id that each pattern captures, as { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$",
-- fov = [opt] }. Returns a list of { id, image, mask, fov } in natural order; nil and a message that names ids without
-- a partner, or ids that several files claim.
function split.pair(folder, patterns)
  local found, ids = { image = {}, mask = {}, fov = {} }, {}
  for kind, pattern in pairs(patterns) do
    local sub, inner = "", pattern
    if type(pattern) == "table" then sub, inner = pattern[1] .. "/", pattern[2] end
    local names, err = files.list(folder .. "/" .. sub)
    if not names then return nil, err end
    for _, name in ipairs(names) do
      local id = name:match(inner)
      if id and found[kind][id] then
        return nil, ("%s: both %s and %s are the %s of '%s'"):format(folder, found[kind][id], name, kind, id)
      end
      if id then
        found[kind][id] = sub .. name
        if kind == "image" then ids[#ids + 1] = id end
      end
    end
  end
  table.sort(ids, natural)
  local samples, lonely = {}, {}
  for i, id in ipairs(ids) do
    local s = { id = id, image = folder .. "/" .. found.image[id] }
    for _, kind in ipairs { "mask", "fov" } do
      if found[kind][id] then s[kind] = folder .. "/" .. found[kind][id]
      elseif patterns[kind] then lonely[#lonely + 1] = ("image '%s' has no %s"):format(id, kind) end
    end
    samples[i] = s
  end
  for _, kind in ipairs { "mask", "fov" } do
    for id in pairs(found[kind]) do
      if not found.image[id] then lonely[#lonely + 1] = ("%s '%s' has no image"):format(kind, id) end
    end
  end
  if #lonely > 0 then
    table.sort(lonely, natural)
    return nil, ("%s: %s%s"):format(folder, table.concat(lonely, "; ", 1, math.min(5, #lonely)),
      #lonely > 5 and (" and %d more"):format(#lonely - 5) or "")
  end
  if #samples == 0 then return nil, folder .. ": holds no images whose names match the pattern" end
  return samples
end

--- Divides samples at random by weights, as { train = 7, val = 1, test = 2 }: a function of the ids and the seed alone.
-- Sizes by largest remainder, so that they add up; order within a part is that of the ids.
function split.divide(samples, weights, seed)
  local names, total = {}, 0
  for name, w in pairs(weights) do
    if type(w) ~= "number" or w ~= w or w < 0 then
      error(("split: the weight of '%s' must be >= 0, got %s"):format(name, tostring(w)), 2)
    end
    names[#names + 1], total = name, total + w
  end
  if total <= 0 then error("split: the weights add up to 0", 2) end
  table.sort(names)
  local order = {}
  for i, s in ipairs(samples) do order[i] = s end
  table.sort(order, function(a, b) return natural(a.id, b.id) end)
  local place = {}
  for i, s in ipairs(order) do place[s] = i end
  for i = #order, 2, -1 do
    local k = math.floor(C.ra_random_uniform(seed or 0, -1, 0, C.RA_RANDOM_SHUFFLE, i) * i) + 1
    order[i], order[k] = order[k], order[i]
  end
  local size, rest, left = {}, {}, #order
  for i, name in ipairs(names) do
    local exact = #order * weights[name] / total
    size[name] = math.floor(exact + 1e-9)
    left = left - size[name]
    rest[i] = { name = name, part = exact - size[name] }
  end
  table.sort(rest, function(a, b) return a.part > b.part + 1e-12 or (math.abs(a.part - b.part) <= 1e-12 and a.name < b.name) end)
  for i = 1, left do size[rest[i].name] = size[rest[i].name] + 1 end
  local parts, at = {}, 0
  for _, name in ipairs(names) do
    local part = {}
    for i = 1, size[name] do part[i] = order[at + i] end
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

--- The division `name` of a set's samples, { train =, val =, test = }, and the words that say where it comes from: A:B:C, one of the
-- definition's own, or "usual" (the split that each sample declares). nil and a message for an unknown name.
function split.named(def, samples, name)
  local train, val, test = name:match("^([%d.]+):([%d.]+):([%d.]+)$")
  if train then
    return split.divide(samples, { train = tonumber(train), val = tonumber(val), test = tonumber(test) }, 0),
      "at random by the ids, seed 0"
  end
  if def.splits[name] then return def.splits[name](samples), name == "usual" and def.split_source or "of the data set's file" end
  if name == "usual" then return declared(samples), def.split_source or "declared" end
  local all = { "usual", "7:1:2" }
  for key in pairs(def.splits) do all[#all + 1] = key end
  return nil, options.unknown("split of " .. def.name, name, all)
end

return split
