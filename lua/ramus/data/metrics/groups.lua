--- Pictures that belong together (of one patient, of one film) where their scores are counted.
--
-- A list of groups has a text for each picture, or false for one that is alone.
local ffi = require "ramus.base.ffi"

local groups = {}

--- The groups of a list of pictures by a function that tells one's; nil where no two have one in common, so that each stands for itself.
function groups.of(pictures, group)
  local list, seen, common = {}, {}, false
  for i, p in ipairs(pictures) do
    local g = group(p)
    list[i] = g or false
    if g then common, seen[g] = common or seen[g] or false, true end
  end
  return common and list or nil
end

--- The place of each picture's group among the groups, in the order in which they come, and how many there are. list [opt]: nil: all alone.
local function places(list, n)
  local place, known, count = {}, {}, 0
  for i = 1, n do
    local g = list and list[i] or nil
    local at = g and known[g]
    if not at then
      count = count + 1
      at = count
      if g then known[g] = at end
    end
    place[i] = at
  end
  return place, count
end

--- The groups of n pictures as the core's bootstraps take them (nil where each picture is alone), and how many there are.
function groups.numbers(list, n)
  if not list then return nil, n end
  local place, count = places(list, n)
  local numbers = ffi.new("int32_t[?]", n)
  for i = 1, n do numbers[i - 1] = place[i] - 1 end
  return numbers, count
end

--- The mean of each group's numbers, in the order in which groups come, those that are not a number left out.
function groups.means(values, list)
  local place, count = places(list, #values)
  local sum, n, means = {}, {}, {}
  for i, v in ipairs(values) do
    if v == v then sum[place[i]], n[place[i]] = (sum[place[i]] or 0) + v, (n[place[i]] or 0) + 1 end
  end
  for k = 1, count do means[k] = n[k] and sum[k] / n[k] or 0 / 0 end
  return means
end

--- What intervals rest on, in words.
function groups.interval_text(samples, resamples)
  local list = groups.of(samples, function(s) return s.group end)
  local _, count = groups.numbers(list, #samples)
  return ("95 %%, bootstrap over %s, %d resamples"):format(list and ("the %d groups of the pictures"):format(count) or "pictures", resamples)
end

return groups
