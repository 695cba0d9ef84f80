--- What a whole set is, and what is wrong with it: every file is decoded, every two images are compared. `ramus check` shows it.
--
--   local report = audit.of(set, { out =, accept_odd = })     set: of dataset.open
--
-- report: set, title, folder, edition, split, split_source, masks (how they are read, lines), parts (a table a split, the last one "all"),
-- classes, images (a table each), wrong and notes: lists of { kind =, text =, images = { id, .. } }. What is wrong would spoil a training or a
-- score: files that cannot be decoded, masks that cannot be read, images or groups in two splits. Duplicates within a split, empty masks
-- and what opening the set warned of are notes.
local fields = require "ramus.data.fields"
local ffi = require "ramus.base.ffi"
local classes = require "ramus.data.audit.classes"
local observers = require "ramus.data.observers"
local pairing = require "ramus.data.pairing"
local reading = require "ramus.data.reading"
local split = require "ramus.data.split"
local twice = require "ramus.data.audit.twice"
local verdict = require "ramus.data.verdict"
local C = ffi.C

local audit = {}

local AT_ONCE, PAIRS = 64, 20000 -- images between two lines of progress; pairs of images that are kept

-- ---- looking ----

--- Looks of all entries' images by the core, in their order (nil where there is nothing to decode); nil and a message.
local function survey(set, entries, out)
  local count = #entries
  local looks = ffi.new("ra_look[?]", math.max(1, count))
  local list = { { name = "image", kind = "image" } }
  for first = 1, count, AT_ONCE do
    local n = math.min(AT_ONCE, count - first + 1)
    local sources = ffi.new("ra_source[?]", n)
    for i = 1, n do -- an image's source points to its path, which the sample holds, and to no rules
      local one, err = fields.sources(entries[first + i - 1].sample, list)
      if not one then return nil, err end
      sources[i - 1] = one[0]
    end
    if C.ra_survey(n, sources, looks + (first - 1)) ~= 0 then return nil, ffi.message() end
    if out then out:update(("decoding the images of %s, %d of %d"):format(set.name, first + n - 1, count)) end
  end
  return looks
end

--- Pairs of images that are alike: by bytes, by pixels, nearly; each pair once, by the strongest.
local function duplicates(set, entries, looks)
  local list, known = {}, {}
  local place = {}
  for i, e in ipairs(entries) do place[e.sample] = i - 1 end
  local function sum_of(s)
    local look = looks[place[s]]
    return look.code == 0 and ffi.string(look.pixels) or nil
  end
  local function add(p)
    local key = place[p.a] .. " " .. place[p.b]
    if not known[key] then list[#list + 1] = p end
    known[key] = true
  end
  for _, p in ipairs(twice.same(entries, "bytes", twice.bytes(set.sums))) do add(p) end
  for _, p in ipairs(twice.same(entries, "pixels", sum_of)) do add(p) end
  local found, value, turn = ffi.new("int32_t[?]", 2 * PAIRS), ffi.new("double[?]", PAIRS), ffi.new("int32_t[?]", PAIRS)
  local n = C.ra_survey_alike(#entries, looks, twice.BITS, twice.ALIKE, PAIRS, found, value, turn)
  if n < 0 then return nil, ffi.message() end
  for i = 0, math.min(n, PAIRS) - 1 do
    local a, b = entries[found[2 * i] + 1], entries[found[2 * i + 1] + 1]
    local equal = sum_of(a.sample) == sum_of(b.sample)
    if not equal then
      add { kind = "nearly", a = a.sample, b = b.sample, a_split = a.split, b_split = b.split, across = a.split ~= b.split, value = value[i],
        turned = twice.TURNS[turn[i]] }
    end
  end
  return list
end

-- ---- what is wrong ----

local function finding(kind, text, ids) return { kind = kind, text = text, images = ids or {} } end

--- Files that cannot be decoded, then what the verdict found broken elsewhere, without saying a file twice.
local function broken_files(entries, looks, seen, wrong)
  local named = {}
  for i, e in ipairs(entries) do
    local look = looks[i - 1]
    if look.code ~= 0 then
      wrong[#wrong + 1] = finding("file", ffi.string(look.message), { e.sample.id })
      named[#named + 1] = fields.source(e.sample, "image").path
    end
  end
  for _, text in ipairs(seen.problems) do
    local said = false
    for _, path in ipairs(named) do said = said or text:find(path, 1, true) ~= nil end
    if not said then wrong[#wrong + 1] = finding("file", text) end
  end
end

--- Takes what the verdict says: { lines =, warnings = }.
local function listener(out)
  local heard = { lines = {}, warnings = {} }
  function heard:once(text) self.lines[#self.lines + 1] = text end
  function heard:line(text) self:once(text) end
  function heard:warn(text, kind)
    if not (kind and self[kind]) then self.warnings[#self.warnings + 1] = text end
    if kind then self[kind] = true end
  end
  function heard.update(_, text) if out then out:update(text) end end
  return heard
end

--- The line of masks of which the samples, and not the set, declare how they are read.
local function by_samples(seen, set, lines)
  local first = seen.mask[1]
  local text = #lines == 0 and first and reading.text(first.source, set.classes)
  if text then lines[1] = text .. " (declared)" end
end

--- Pictures with masks without foreground, and with nothing but it.
local function empty_masks(items, notes)
  local empty = {}
  for _, item in ipairs(items) do if item.ones == 0 then empty[#empty + 1] = item.sample.id end end
  if #empty > 0 then
    notes[#notes + 1] = finding("empty", ("%d of %d masks have no foreground: %s"):format(#empty, #items, pairing.some(empty, 8)), empty)
  end
end

-- ---- tables ----

--- The facts of one image for the report.
local function image_row(e, look, items, set)
  local source = fields.source(e.sample, "image")
  local row = { id = e.sample.id, split = e.split, group = e.sample.group, image = source.path }
  if look.code ~= 0 then row.error = ffi.string(look.message)
  else
    row.height, row.width, row.channels, row.bits = look.details.height, look.details.width, look.details.channels, look.details.bits
    row.low, row.high, row.grey = look.low, look.high, look.grey
    if look.odd > 0 then row.not_finite = look.odd end
  end
  local mask, fov = items.mask[e.sample], items.fov[e.sample]
  if mask then
    row.mask, row.mask_values = mask.source.path, mask.facts.values
    row.mask_low, row.mask_high = classes.numbers(mask.facts)
    if mask.ones then row.foreground = mask.ones / mask.facts.pixels end
    row.void = mask.facts.voids > 0 and mask.facts.voids or nil
    row.classes = classes.count(mask, set.classes)
  end
  if fov and fov.ones then row.fov = fov.ones / fov.facts.pixels end
  for _, o in ipairs(e.sample.observers or {}) do
    local item = (items[observers.field(o.name)] or {})[e.sample]
    row.observers = row.observers or {}
    if item and item.ones then row.observers[o.name] = item.ones / item.facts.pixels end
  end
  return row
end

--- Items by field and sample: mask (also of classes), fov, and those of observers.
local function by_field(seen, set)
  local items = { mask = {}, fov = {} }
  for _, list in ipairs { seen.mask, seen.fov } do
    for _, item in ipairs(list) do
      local name = item.field == (set.classes and "label" or "mask") and "mask" or item.field
      items[name] = items[name] or {}
      items[name][item.sample] = item
    end
  end
  return items
end

--- Images without a field of view where others have one.
local function missing_fov(entries, items, notes)
  local lacking = {}
  for _, e in ipairs(entries) do if not items.fov[e.sample] then lacking[#lacking + 1] = e.sample.id end end
  if #lacking > 0 and #lacking < #entries then
    notes[#notes + 1] = finding("fov", ("%d of %d images have no field of view, and are scored everywhere: %s"):format(#lacking, #entries,
      pairing.some(lacking, 8)), lacking)
  end
end

--- Folders of a folder's images that a division at random put on several sides: each may be a patient.
local function torn_folders(set, entries, notes)
  local torn, ids = split.torn(set), {}
  if #torn == 0 then return end
  for _, e in ipairs(entries) do
    local folder = e.sample.id:match "^(.*)/"
    if folder and torn[folder] then ids[#ids + 1] = e.sample.id end
  end
  notes[#notes + 1] = finding("folders", ("images of one folder are on several sides of the split (%s): where a folder is a patient, "
    .. "--set groups=folder keeps it on one side"):format(pairing.some(torn, 4)), ids)
end

--- Images and groups that are in the set twice, and what opening the set warned of beside that; nil and a message.
local function find_twice(set, entries, looks, wrong, notes)
  local list, err = duplicates(set, entries, looks)
  if not list then return nil, err end
  for _, p in ipairs(twice.groups(entries)) do list[#list + 1] = p end
  local said = {}
  for _, p in ipairs(list) do
    local f = finding(p.kind, twice.text(p), { p.a.id, p.b.id })
    said[f.text] = true
    table.insert(p.across and wrong or notes, f)
  end
  for _, text in ipairs(set.warnings) do if not said[text] then notes[#notes + 1] = finding("set", text) end end
  return true
end

--- See the top of the file. given: out (progress), accept_odd.
function audit.of(set, given)
  local out, parts = given.out, split.order(set.splits)
  local entries, wrong, notes = twice.in_order(set.splits), {}, {}
  local looks, err = survey(set, entries, out)
  if not looks then return nil, err end
  local heard = listener(out)
  local seen = verdict.look(set, parts, { out = heard })
  broken_files(entries, looks, seen, wrong)
  local ok, problem = verdict.judge(set, parts, seen, { train = set.splits.train and "train" or nil, val = "val", accept_odd = given.accept_odd,
    out = heard })
  if not ok then wrong[#wrong + 1] = finding("masks", problem) end
  local found
  found, err = find_twice(set, entries, looks, wrong, notes)
  if not found then return nil, err end
  for _, text in ipairs(heard.warnings) do notes[#notes + 1] = finding("masks", text) end
  by_samples(seen, set, heard.lines)
  if ok then empty_masks(seen.mask, notes) end
  local items, rows = by_field(seen, set), {}
  missing_fov(entries, items, notes)
  torn_folders(set, entries, notes)
  for i, e in ipairs(entries) do rows[i] = image_row(e, looks[i - 1], items, set) end
  return { set = set.name, title = set.title, folder = set.folder, edition = set.edition, split = set.split, split_source = set.split_source,
    masks = heard.lines, classes = set.classes, observers = observers.names(set.samples), order = parts, images = rows, wrong = wrong, notes = notes,
    entries = entries, hash = set.hash }
end

return audit
