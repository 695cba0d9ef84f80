--- Which mask belongs to which image, by their names: the same name; else numbers of the same value ("7.png" and "007.png"); else one text
-- before or behind the name that is the same everywhere ("7.png" and "7_mask.png", "case_0000.png" and "case.png"); else the same name without
-- the words that say what a file is ("21_training.tif" and "21_manual1.gif"); else the same name in another form of Unicode. The rule that pairs the
-- most files holds for all of them; never sort order.
local layout = require "ramus.data.folder.layout"

local matching = {}

--- Files by a key; what two files claim is nobody's.
local function by_key(list, key)
  local found, twice = {}, {}
  for _, f in ipairs(list) do
    local k = key(f)
    if k and found[k] then twice[k] = true end
    if k then found[k] = f end
  end
  for k in pairs(twice) do found[k] = nil end
  return found
end

--- { [image] = other } of the files with one key.
local function join(images, others, image_key, other_key)
  local theirs, pairs_of, n = by_key(others, other_key or image_key), {}, 0
  for k, f in pairs(by_key(images, image_key)) do
    if theirs[k] then pairs_of[f], n = theirs[k], n + 1 end
  end
  return pairs_of, n
end

local function plain_key(f) return f.dir .. "/" .. f.stem end

--- A name whose numbers are written without zeros in front: "007" is "7".
local function short_key(f) return f.dir .. "/" .. f.stem:gsub("%d+", function(d) return d:match("^0*(%d+)$") end) end

--- A name without the words of roles and splits, the other words joined by one sign; numbers: those behind such words stay ("mask12").
local function key_without_words(f, numbers)
  local kept = {}
  for _, word in ipairs(layout.tokens(f.stem)) do
    local m, digits = layout.meaning(word)
    if not m or m == "neutral" then kept[#kept + 1] = word
    elseif numbers and digits ~= "" then kept[#kept + 1] = digits end
  end
  return f.dir .. "/" .. table.concat(kept, "_")
end
local function words_key(f) return key_without_words(f, false) end
local function numbered_key(f) return key_without_words(f, true) end

-- Letters with marks are written as one character or as a letter and its marks (the normal forms C and D of Unicode: macOS writes the latter). Both
-- become one sign; letters that no mark makes (also those of Chinese) stay.
local MARKED = { "[%z\1-\127\194-\244][\128-\191]*\204[\128-\191]", "[%z\1-\127\194-\244][\128-\191]*\205[\128-\175]", -- any letter and U+0300 to U+036F
  "\227[\129-\131][\128-\191]\227\130[\153\154]", -- kana and a voicing mark
  "\225\132[\128-\146]\225\133[\161-\181]\225[\134\135][\128-\191]", "\225\132[\128-\146]\225\133[\161-\181]", -- Hangul by its parts
  "[\195-\201][\128-\191]", "\225[\184-\187][\128-\191]", "[\206-\211][\128-\191]", "\227[\129-\131][\128-\191]", "[\234-\237][\128-\191][\128-\191]" }

local function unmarked(text)
  if not text:find "[\128-\255]" then return text end
  for i, pattern in ipairs(MARKED) do
    text = text:gsub(pattern, "\1")
    if i <= 2 then text = text:gsub("\1[\204\205][\128-\191]", "\1"):gsub("\1[\204\205][\128-\191]", "\1") end -- a letter with several
  end
  return text
end

local function marks_key(f) return unmarked(plain_key(f)) end

--- The text before or behind the stems of `short` that most stems of `long` have: { before =, behind = }, or nil.
local function affix(short, long)
  local known, votes, best = {}, {}, nil
  for _, f in ipairs(short) do known[plain_key(f)] = true end
  local function vote(stem, before, behind)
    -- a digit beside a digit is part of a number
    if before:find "%d$" and stem:find "^%d" or stem:find "%d$" and behind:find "^%d" then return end
    local key = before .. "\0" .. behind
    votes[key] = votes[key] or { before = before, behind = behind, n = 0 }
    votes[key].n = votes[key].n + 1
    local v = votes[key]
    if not best or v.n > best.n or (v.n == best.n and key < best.before .. "\0" .. best.behind) then best = v end
  end
  for _, f in ipairs(long) do
    for i = 1, #f.stem - 1 do
      local head, tail = f.stem:sub(1, i), f.stem:sub(i + 1)
      if known[f.dir .. "/" .. head] then vote(head, "", tail) end
      if known[f.dir .. "/" .. tail] then vote(tail, head, "") end
    end
  end
  return best
end

--- The key of a file with the affix taken away; nil where it has none.
local function without(a)
  return function(f)
    local s = f.stem
    if #s <= #a.before + #a.behind or s:sub(1, #a.before) ~= a.before or (a.behind ~= "" and s:sub(-#a.behind) ~= a.behind) then return nil end
    return f.dir .. "/" .. s:sub(#a.before + 1, #s - #a.behind)
  end
end

local RULES = {
  function(images, others) return join(images, others, plain_key) end,
  function(images, others) return join(images, others, short_key) end,
  function(images, others)
    local a = affix(images, others)
    if a then return join(images, others, plain_key, without(a)) end
  end,
  function(images, others)
    local a = affix(others, images)
    if a then return join(images, others, without(a), plain_key) end
  end,
  function(images, others) return join(images, others, numbered_key) end,
  function(images, others) return join(images, others, words_key) end,
  function(images, others) return join(images, others, marks_key) end,
}

--- The files without the folder in which all of them lie ("masks/0"), as files whose dir is shorter; nil where there is none.
local function without_common_folder(list)
  local head
  for _, f in ipairs(list) do
    local first = f.dir:match("^[^/]+")
    if not first or (head and head ~= first) then return nil end
    head = first
  end
  local shorter = {}
  for i, f in ipairs(list) do shorter[i] = setmetatable({ dir = f.dir:sub(#head + 2), whole = f.whole or f }, { __index = f }) end
  return head and shorter
end

local function best_of(images, others)
  local best, most = {}, 0
  for _, rule in ipairs(RULES) do
    local found, n = rule(images, others)
    if found and n > most then best, most = found, n end
    if most == #images and most == #others then break end
  end
  return best, most
end

--- { [image] = other } by the rule that pairs the most, and their number. Files are as layout.walk gives them. Where no rule pairs any, a folder
-- in which all images or all others lie ("masks/0/7.png") is passed over.
function matching.match(images, others)
  local found, n = best_of(images, others)
  local in_images, in_others = without_common_folder(images), without_common_folder(others)
  for _, try in ipairs(n == 0 and { { images, in_others }, { in_images, others } } or {}) do
    if n == 0 and try[1] and try[2] then found, n = best_of(try[1], try[2]) end
  end
  local whole = {}
  for f, other in pairs(found) do whole[f.whole or f] = other.whole or other end
  return whole, n
end

--- The id of an image: its folders and its name; the folders alone where the name says nothing but "image".
function matching.id(f)
  local alone = f.dir ~= "" and numbered_key(f) == f.dir .. "/"
  local id = alone and f.dir or f.dir == "" and f.stem or f.dir .. "/" .. f.stem
  return f.split and f.split .. "/" .. id or id
end

return matching
