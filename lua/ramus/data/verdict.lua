--- The verdict on a set before it is used: every mask and field of view is decoded and judged, every image checked from header to end, sizes
-- are compared. Nothing is trained on a mask whose values nobody declared and that is not obvious.
--
--   local ok, err = verdict.check(set, { "train", "val", "test" }, { accept_odd =, out = })
--
-- It says in one line how masks are read, warns through out:warn, and leaves in each sample what it found for those that nothing is declared
-- of (sample.found, a threshold by field). nil and a message that names all files: a broken one, or (a mistake, status 2) a wrong declaration.
-- How values are told apart: values.lua. What is decoded and kept: facts.lua. Fields beside image, truth and field of view: further.lua.
local facts = require "ramus.data.verdict.facts"
local fields = require "ramus.data.fields"
local further = require "ramus.data.verdict.further"
local observers = require "ramus.data.observers"
local mistake = require "ramus.base.mistake"
local notes = require "ramus.data.notes"
local pairing = require "ramus.data.pairing"
local reading = require "ramus.data.reading"
local scale = require "ramus.data.scale"
local values = require "ramus.data.verdict.values"

local verdict = {}

local MOSTLY = 0.6 -- a share of foreground above this is more likely background
local NAMES = 10   -- files named in one message

--- The name of a source in messages.
local function where(item) return item.source.path or ("%s of image %s"):format(item.field, item.sample.id) end

--- "a.png (what it is), b.png (..)": the first files of a list, each with words(item).
local function listed(items, words)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = words and ("%s %s"):format(where(item), words(item)) or where(item) end
  return pairing.some(parts, NAMES)
end

-- ---- looking at the files -------------------------------------------------------

--- One field of a sample: its facts; a problem where the file is broken or has another size than the image.
local function look_at(look, sample, part, field, image, problems)
  local source, kind = fields.source(sample, field), fields.known[field] and fields.known[field].kind or observers.is_field(field) and "mask"
  kind = kind or look.set.fields[field].kind
  local f, err
  if kind == "mask" or kind == "label" then f, err = look:mask(sample, field, kind) else f, err = look:map(sample, field) end
  if not f then
    problems[#problems + 1] = err
    return nil
  end
  if image and (f.height ~= image.height or f.width ~= image.width) then
    local last = (f.channels or 1) > 4 and f.channels == image.height and f.height == image.width -- [H,W,K]
    problems[#problems + 1] = ("the %s %s has %dx%d pixels, the image %dx%d%s"):format(field == "fov" and "field of view" or field,
      source.path or "of image " .. sample.id, f.width, f.height, image.width, image.height,
      last and ("; an array of planes is [K,H,W], this one is read as %d of them: save numpy.moveaxis(a, -1, 0)"):format(f.channels) or "")
  end
  return { sample = sample, part = part, field = field, source = source, facts = f, declared = reading.declares(source) or source.classes ~= nil }
end

--- The samples of the parts, each once: { { sample, part }, .. }.
local function samples_of(set, parts)
  local list, seen = {}, {}
  for _, part in ipairs(parts) do
    for _, s in ipairs(set.splits[part] or {}) do
      if not seen[s] then
        seen[s] = true
        list[#list + 1] = { s, part }
      end
    end
  end
  return list
end

--- Facts of every image, mask and field of view of the parts, { image = items, mask = items, fov = items }, and what is wrong with files, a list of sentences.
-- needed: { PART = true }: problems of others are passed over. more: further fields of part `train`, whose items are in found.more[NAME].
local function look_at_all(set, parts, needed, more, train, out)
  local look, problems, found, list = facts.open(set), {}, { image = {}, mask = {}, fov = {}, more = {} }, samples_of(set, parts)
  for _, name in ipairs(more) do found.more[name] = {} end
  local truth = set.classes and "label" or "mask"
  for i, entry in ipairs(list) do
    local s, part = entry[1], entry[2]
    local own = needed[part] and problems or {}
    local image, err = look:image(s)
    if image then table.insert(found.image, { sample = s, part = part, field = "image", source = fields.source(s, "image"), facts = image })
    else own[#own + 1] = err end
    local looked = { truth, "fov" }
    for _, o in ipairs(s.observers or {}) do looked[#looked + 1] = observers.field(o.name) end
    for _, name in ipairs(part == train and more or {}) do looked[#looked + 1] = name end
    for _, field in ipairs(looked) do
      local item = fields.source(s, field) and look_at(look, s, part, field, image, own)
      if item then table.insert(found.more[field] or found[field == "fov" and "fov" or "mask"], item) end
    end
    if out then out:update(("looking at the files of %s, %d of %d"):format(set.name, i, #list)) end
  end
  look:close()
  return found, problems, look
end

-- ---- one convention per set ------------------------------------------------------

--- The two levels that most masks with two values have, else those of the grey ones; nil where all masks have one value.
local function convention_of(items)
  local count, best = {}, nil
  for weight, kind in ipairs { "grey", "two" } do
    for _, item in ipairs(items) do
      if item.kind == kind then
        local low, high = kind == "two" and item.facts.low or 0, item.facts.high
        local key = ("%.9g %.9g"):format(low, high)
        count[key] = count[key] or { low = low, high = high, n = 0 }
        count[key].n = count[key].n + (weight == 2 and #items + 1 or 1)
        if not best or count[key].n > best.n then best = count[key] end
      end
    end
  end
  return best
end

--- How a mask of which nothing is declared is read: its threshold, its share of foreground, and whether it is odd in its set.
local function read_as(item, convention)
  local f, kind = item.facts, item.kind
  if kind == "two" then
    item.cut, item.ones = (f.low + f.high) / 2, f.list[2][3]
    item.odd = not (f.low == convention.low and f.high == convention.high)
  elseif kind == "void" then item.cut, item.ones = 1, 0
  elseif kind == "grey" then
    item.cut, item.ones = f.high / 2, f.upper
    item.odd = not (convention.low <= 0 and math.abs(f.high - convention.high) <= convention.high / 8)
  else
    local full = f.low > 0
    if convention then full, item.odd = f.low == convention.high, f.low ~= convention.low and f.low ~= convention.high end
    if item.odd then full = f.low > 0 end
    item.cut, item.ones = full and f.low or f.low + 1, full and f.pixels or 0
  end
  if item.source.invert then item.ones = f.pixels - item.ones end
end

--- Masks of the items whose values are not obvious, by kind, in the order of values.words.
local function unclear(items)
  local groups, order = {}, {}
  for _, item in ipairs(items) do
    item.kind = values.kind(item.facts)
    if values.words[item.kind] then
      if not groups[item.kind] then order[#order + 1] = item.kind end
      groups[item.kind] = groups[item.kind] or {}
      table.insert(groups[item.kind], item)
    end
  end
  return order[1] and groups[order[1]], order[1]
end

--- Where a line is to be written. A folder of pictures has no definition of its own; a recipe's data may say the same.
local function definition_of(set)
  local def = set.definition
  return def.path or def.kind == "folder" and "the recipe's data" or ("the definition of data set " .. set.name)
end

--- Is a field the truth, or an observer's?
local function is_truth(field) return field == "mask" or field == "label" or observers.is_field(field) end

--- "the masks of 3 images": the items' noun.
local function noun(items)
  local field = items[1].field
  return field == "fov" and "fields of view" or is_truth(field) and "masks" or ("masks of field '%s'"):format(field)
end

--- The place of the line for a field: of a field of view and of further fields the sample's source.
local function write_text(set, items, line)
  local field = items[1].field
  if not is_truth(field) then
    return ("write them as 0 and 255, or say in the samples of a definition: %s = { path = .., %s }"):format(field, (line:gsub(", or classes.*", "")))
  end
  if set.definition.kind == "folder" and not set.definition.path then line = line:gsub("or classes = (%b{})", "or options = { classes = %1 }") end
  return ("write into %s: %s"):format(definition_of(set), line)
end

local function stop_unclear(set, group, kind, all)
  local first = group[1]
  local same = #group > 1 and (" (so %s of %d %s)"):format(#group == #all and "all" or tostring(#group), #all, noun(all)) or ""
  return mistake(("%s %s%s, and it is not declared which are foreground%s; %s"):format(where(first), values.describe(first.facts, kind),
    same, kind == "channels" and "" or "; its values: " .. values.histogram(first.facts),
    write_text(set, group, values.line(first.facts, kind, first.field == "fov"))))
end

--- A threshold that reads the odd ones and the others alike.
local function common_threshold(items)
  local low, high = -math.huge, math.huge
  for _, item in ipairs(items) do
    if item.kind ~= "single" then low, high = math.max(low, item.facts.low), math.min(high, item.facts.high) end
  end
  return high > low and high < math.huge and values.threshold(low, high) or nil
end

local function stop_odd(set, odd, items)
  local threshold = common_threshold(items)
  local rest, full = {}, false
  for _, item in ipairs(odd) do full = full or item.ones > MOSTLY * item.facts.pixels end
  for _, item in ipairs(items) do if not item.odd then rest[#rest + 1] = item end end
  local cure = threshold and write_text(set, items, ("threshold = %g"):format(threshold)) or "declare how they are read, or mend them"
  if full then cure = "look at them: a mask with hardly any background is often inverted, or wrong; if they are right, " .. cure end
  return mistake(("%d of %d %s are of another kind than the rest: %s; the rest are as %s (%s); %s, or accept them with --accept-odd"):format(#odd, #items,
    noun(items), listed(odd, function(item) return "(" .. values.histogram(item.facts) .. ")" end), rest[1] and where(rest[1]) or "none",
    rest[1] and values.histogram(rest[1].facts) or "", cure))
end

local function stop_mostly(set, items, share, convention)
  local first = items[1]
  for _, item in ipairs(items) do if item.ones / item.facts.pixels > first.ones / first.facts.pixels then first = item end end
  return mistake(("%.0f %% of all pixels of the %s are foreground, which is more likely background: %s holds %s; %s, or threshold = %g if foreground "
    .. "is that large"):format(100 * share, noun(items), where(first), values.histogram(first.facts), write_text(set, items, "invert = true"),
    convention and values.threshold(convention.low, convention.high) or 128))
end

--- Judges the masks of which nothing is declared. Returns the convention; nil and a message.
local function judge(set, items, given)
  local group, kind = unclear(items)
  if group then return stop_unclear(set, group, kind, items) end
  local convention, ones, pixels, odd = convention_of(items), 0, 0, {}
  for _, item in ipairs(items) do
    read_as(item, convention)
    ones, pixels = ones + item.ones, pixels + item.facts.pixels
  end
  local is_mask = is_truth(items[1].field)
  if is_mask and convention and ones > MOSTLY * pixels then return stop_mostly(set, items, ones / pixels, convention) end
  for _, item in ipairs(items) do
    item.odd = item.odd or is_mask and convention and item.ones > MOSTLY * item.facts.pixels
    if item.odd then odd[#odd + 1] = item end
    item.sample.found = item.sample.found or {}
    item.sample.found[item.field] = item.cut
  end
  if #odd > 0 and not given.accept_odd then return stop_odd(set, odd, items) end
  if #odd > 0 and given.out then
    given.out:warn(("%d of %d %s are of another kind than the rest, and are read by themselves (--accept-odd): %s"):format(#odd, #items, noun(items),
      listed(odd)))
  end
  return convention or false
end

-- ---- words ------------------------------------------------------------------------

--- Says in one line how masks are read, and warns of stray greys.
local function say(set, items, convention, out)
  local grey, most = {}, nil
  for _, item in ipairs(items) do
    if item.kind == "grey" then
      grey[#grey + 1] = item
      local more = most and item.facts.far - most.facts.far -- of equal ones the first by name, whatever the order of the splits
      if not most or more > 0 or (more == 0 and where(item) < where(most)) then most = item end
    end
  end
  if convention and is_truth(items[1].field) then
    local n, most_of = {}, nil -- of files of several formats the numbers that most hold
    for _, item in ipairs(items) do
      if item.kind == "two" and not item.odd then
        local low, high = item.facts.list[1][2], item.facts.list[2][2]
        local numbers = ("%.6g is background, %.6g foreground"):format(item.source.invert and high or low, item.source.invert and low or high)
        n[numbers] = (n[numbers] or 0) + 1
        if not most_of or n[numbers] > n[most_of] then most_of = numbers end
      end
    end
    if most_of then out:once(("masks: %s (found; nothing is declared)"):format(most_of)) end
  end
  if most then
    out:warn(("%d of %d %s hold grey values, and are cut at half of their maximum; the most in %s (%s); %s says so"):format(#grey, #items, noun(items),
      where(most), values.histogram(most.facts), write_text(set, items, ("threshold = %g"):format(values.threshold(0, most.facts.high)))))
  end
end

--- Warns of fields of view in which no pixel counts.
local function say_empty(items, out)
  local empty = {}
  for _, item in ipairs(items) do if item.ones == 0 then empty[#empty + 1] = item end end
  table.sort(empty, function(a, b) return where(a) < where(b) end)
  if #empty > 0 then
    out:warn(("%d of %d fields of view cover no pixel, and their images have no scores: %s"):format(#empty, #items, listed(empty)))
  end
end

--- Masks whose declaration does not fit: nil and a message, else true.
local function check_declared(set, items)
  local refused = {}
  for _, item in ipairs(items) do if item.facts.refused ~= "" then refused[#refused + 1] = item end end
  if #refused == 0 then return true end
  local first = refused[1]
  return mistake(("%d of %d %s are not as %s declares%s: %s; values of the first: %s"):format(#refused, #items, noun(items), definition_of(set),
    set.classes and " (" .. (reading.text(set.reading, set.classes) or "classes") .. ")" or "",
    listed(refused, function(item) return "(" .. item.facts.refused .. ")" end), values.histogram(first.facts)))
end

-- ---- foreground in the splits -------------------------------------------------------

local function ones_of(item) return item.ones or 0 end

local function hint(set, item)
  local f = item.facts
  if not item.declared or f.values < 2 then return "there is nothing to learn from them" end
  return write_text(set, { item }, ("threshold = %g"):format(values.threshold(f.list[1][1], f.list[2][1])))
end

--- A split to train on that is all empty or all full stops; another one without foreground is warned of. Returns { PART = true } of these.
local function check_foreground(set, items, parts, given)
  local empty = {}
  for _, part in ipairs(parts) do
    local ones, pixels, first, n = 0, 0, nil, 0
    for _, item in ipairs(items) do
      if item.part == part and not observers.is_field(item.field) then
        ones, pixels, n, first = ones + ones_of(item), pixels + item.facts.pixels, n + 1, first or item
      end
    end
    local full = ones == pixels and ones > 0
    if n > 0 and part == given.train and (ones == 0 or full) then
      return mistake(("all %d masks of split '%s' are %s; %s holds %s; %s"):format(n, part, full and "foreground everywhere" or "empty", where(first),
        values.histogram(first.facts), hint(set, first)))
    end
    if n > 0 and ones == 0 then empty[part] = true end
    if empty[part] and given.out then
      given.out:warn(("no mask of split '%s' has foreground (%d of them; %s holds %s): its overlap scores are undefined%s"):format(part, n, where(first),
        values.histogram(first.facts), part == given.val and ", and it chooses no best checkpoint" or ""))
    end
  end
  return empty
end

--- Samples of the parts that have no mask: a sentence for each, where others of their part have one. Returns also the parts without any.
local function missing(set, parts)
  local sentences, without = {}, {}
  local truth = set.classes and "label" or "mask"
  for _, part in ipairs(parts) do
    local has, lacks = 0, {}
    for _, s in ipairs(set.splits[part] or {}) do
      if fields.source(s, truth) then has = has + 1 else lacks[#lacks + 1] = ("image %s of split '%s' has no mask"):format(s.id, part) end
    end
    if has == 0 and #lacks > 0 then without[part] = true
    else for _, text in ipairs(lacks) do sentences[#sentences + 1] = text end end
  end
  return sentences, without
end

--- Looks at the files of the parts and of given.also: { image =, mask =, fov = items, problems = sentences about broken files and missing
-- masks, without = { PART = true } of parts without any mask, decoded =, known = }; an item is { sample, part, field, source, facts, declared }.
function verdict.look(set, parts, given)
  local all, needed = {}, {}
  for _, part in ipairs(parts) do all[#all + 1], needed[part] = part, true end
  for _, part in ipairs(given.also or {}) do if not needed[part] then all[#all + 1] = part end end
  local problems, without = missing(set, parts)
  local found, broken, look = look_at_all(set, all, needed, further.names(given.fields), given.train, given.out)
  for _, text in ipairs(broken) do problems[#problems + 1] = text end
  return { image = found.image, mask = found.mask, fov = found.fov, more = found.more,
    problems = problems, without = without, decoded = look.decoded, known = look.known }
end

--- Judges the masks of one field; true, or nil and a message.
local function judge_field(set, items, given)
  local open = {}
  local ok, err = check_declared(set, items)
  if not ok then return nil, err end
  for _, item in ipairs(items) do
    if item.declared then item.ones = item.facts.ones else open[#open + 1] = item end
  end
  local convention = nil
  if #open > 0 then convention, err = judge(set, open, given) end
  if convention == nil and #open > 0 then return nil, err end
  if given.out and #open > 0 then say(set, open, convention, given.out) end
  return true
end

--- Judges what verdict.look has seen. Each item gets its share of foreground, item.ones. Returns { PART = true } of parts without foreground;
-- nil and a message.
function verdict.judge(set, parts, seen, given)
  local ok, wrong = judge_field(set, seen.mask, given)
  if ok then ok, wrong = judge_field(set, seen.fov, given) end
  for _, name in ipairs(ok and further.names(given.fields) or {}) do
    local kind, items = set.fields[name].kind, seen.more[name]
    if kind == "mask" then ok, wrong = judge_field(set, items, given)
    elseif kind == "label" then ok, wrong = further.judge_labels(set, name, items, (given.classes or {})[name]) end
    if not ok then break end
  end
  if not ok then return nil, wrong end
  if given.out then say_empty(seen.fov, given.out) end
  notes.turned(seen, given.out)
  notes.films(seen, given.out)
  local fine, scaled = scale.judge(set, seen.image, given.out)
  if not fine then return nil, scaled end
  local text = given.out and #seen.mask > 0 and reading.text(set.reading, set.classes)
  if text then given.out:once(text .. " (declared)") end
  local empty, err = check_foreground(set, seen.mask, parts, given)
  return empty, empty and scaled or err
end

--- See the top of the file. parts: names of splits that will be used. given: also (other splits that help to see the convention), train and
-- val (names), fields (names of those that the training reads), classes (by field the channels of the output that is compared with it),
-- accept_odd, out. Returns { without = { PART = true } of parts without any mask, empty = { PART = true } of parts without
-- foreground, scale = what scale.judge gives, images = items, decoded =, known = }; nil and a message.
function verdict.check(set, parts, given)
  given = given or {}
  local seen = verdict.look(set, parts, given)
  if #seen.problems > 0 then return nil, ("%s: %s"):format(set.name, pairing.some(seen.problems, 2 * NAMES)) end
  local empty, scaled = verdict.judge(set, parts, seen, given)
  if not empty then return nil, scaled end
  return { without = seen.without, empty = empty, scale = scaled, images = seen.image, decoded = seen.decoded, known = seen.known }
end

return verdict
