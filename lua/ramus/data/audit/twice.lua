--- What is in a set twice: images that are one picture, and groups that are on two sides of a split. What is in two splits makes the scores
-- of the later one too good (split.order): that one is blamed.
--
-- A pair is { kind = "bytes", a = sample, b = sample, a_split =, b_split =, across = in two splits, value =, turned = of nearly }. Two samples of one
-- file in one split are no pair: they are one picture as two observers saw it.
local fields = require "ramus.data.fields"
local split = require "ramus.data.split"

local twice = {}

twice.BITS, twice.ALIKE = 48, 0.95 -- of 256 bits of a difference hash; correlation of the fine structure (core/loader/survey.c)

--- What was done to one of two pictures, by the core's numbers.
twice.TURNS = { "mirrored left to right", "mirrored top to bottom", "turned by 180 degrees", "mirrored along a diagonal", "turned by 90 degrees",
  "turned by 90 degrees", "mirrored along a diagonal" }

--- Every sample of the parts with its part, later parts last: { { sample =, split = }, .. }.
function twice.in_order(parts)
  local list = {}
  for _, name in ipairs(split.order(parts)) do
    for _, s in ipairs(parts[name]) do list[#list + 1] = { sample = s, split = name } end
  end
  return list
end

local function file_of(s)
  local source = fields.source(s, "image")
  return source.path and ("%s frame %s"):format(source.path, source.frame) or source.tensor
end

local function pair(kind, a, b, value)
  return { kind = kind, a = a.sample, b = b.sample, a_split = a.split, b_split = b.split, across = a.split ~= b.split, value = value }
end

--- Pairs of entries of in_order with the same key(sample); each later one with the first of its key. kind: as in a pair.
function twice.same(entries, kind, key)
  local first, list = {}, {}
  for _, e in ipairs(entries) do
    local k = key(e.sample)
    local other = k and first[k]
    if k and not other then first[k] = e
    elseif other and other.sample ~= e.sample and (other.split ~= e.split or file_of(other.sample) ~= file_of(e.sample)) then
      list[#list + 1] = pair(kind, other, e)
    end
  end
  return list
end

--- The same for groups: one pair for each group and later split.
function twice.groups(entries)
  local first, told, list = {}, {}, {}
  for _, e in ipairs(entries) do
    local g = e.sample.group
    local other = g ~= nil and first[g]
    if g ~= nil and not other then first[g] = e
    elseif other and other.split ~= e.split and not told[g .. "\0" .. e.split] then
      told[g .. "\0" .. e.split] = true
      list[#list + 1] = pair("group", other, e)
    end
  end
  return list
end

--- The key of an image's bytes; sums: of the set's files.
function twice.bytes(sums)
  return function(s)
    local source = fields.source(s, "image")
    local sum = source.path and sums[source.path]
    return sum and source.frame ~= 0 and sum .. " frame " .. source.frame or sum
  end
end

local WORDS = { bytes = "are the same image", pixels = "are the same image to the pixel", nearly = "are nearly the same image%s (correlation %.3f)" }

--- A pair in words.
function twice.text(p)
  local late = (": scores on %s are too good"):format(p.b_split)
  if p.kind == "group" then return ("group '%s' is in %s and in %s%s"):format(p.b.group, p.a_split, p.b_split, late) end
  local what = WORDS[p.kind]:format(p.turned and ", one of them " .. p.turned or "", p.value or 0)
  if not p.across then return ("%s and %s (both in %s) %s"):format(p.a.id, p.b.id, p.a_split, what) end
  return ("%s (in %s) and %s (in %s) %s%s"):format(p.a.id, p.a_split, p.b.id, p.b_split, what, late)
end

return twice
