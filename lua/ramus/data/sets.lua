--- The data of a recipe: the set fetched and opened, a loader for training,
-- loaders for whole images, and what is known about them (hashes, protocol).
local always = require "ramus.base.always"
local augment = require "ramus.data.augment"
local class_scores = require "ramus.data.metrics.class_scores"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local fields = require "ramus.data.fields"
local ffi = require "ramus.base.ffi"
local loader = require "ramus.data.loader"
local identity = require "ramus.data.identity"
local mistake = require "ramus.base.mistake"
local notes = require "ramus.data.notes"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local prepared = require "ramus.data.prepared"
local reading = require "ramus.data.reading"
local split = require "ramus.data.split"
local verdict = require "ramus.data.verdict"
local json = require "ramus.base.json"
local F = require "ramus.lang.F"
local C = ffi.C

local data = {}
local Data = {}
Data.__index = Data

--- The opened data set `name`, fetched where it is absent. nil and a message on failure.
-- given: options, split, edition, reading (what a recipe says of masks), data_root, offline, out (progress).
function data.set(name, given)
  local o = { root = given.data_root, split = given.split, edition = given.edition, options = given.options, reading = given.reading }
  local opened, err = dataset.open(name, o)
  if opened then return opened end
  local def, unknown = dataset.find(name)
  if not def then return nil, unknown end
  local folder
  folder, o.options = dataset.place(def, given.data_root, given.options)
  if def.folder or dataset.mark(folder) then return nil, err end -- the set exists, and something else is wrong
  if given.out then given.out:line(("data set %s is absent; fetching it into %s"):format(def.name, folder)) end
  local ok
  ok, err = fetch(name, { data_root = given.data_root, offline = given.offline, options = given.options,
    progress = given.out and fetch.show(given.out) })
  if not ok then return nil, err end
  for _, note in ipairs(given.out and dataset.mark(folder).notes or {}) do given.out:line(def.name .. ": " .. note) end
  o.options = given.options
  return dataset.open(name, o)
end

--- The protocol: what an evaluation needs to prepare images as this run does.
local function protocol(d, set)
  return { set = set.name, edition = set.edition, split = set.split, size = d.size, preprocess = d.preprocess, range = set.reading.range,
    hash = set.hash }
end

--- The images of a split that have every field; nil and a message that names the first that has not.
local function check_fields(set, samples, names, what)
  for _, name in ipairs(names) do
    local entry = set.fields[name]
    if not entry and name ~= "mask" then return nil, ("%s: %s"):format(set.name, options.unknown("field", name, fields.names(set.fields))) end
    for _, s in ipairs(entry and entry.absent and {} or samples) do
      if not fields.source(s, name) then return nil, ("%s: image %s has no %s to %s"):format(set.name, s.id, name, what) end
    end
  end
  return true
end

--- Refuses names of splits that the set lacks, but for those that no recipe needs to name, and says where scores are of images that were trained on.
-- nil and a message.
local function check_splits(set, d, out)
  local known = options.names(set.splits)
  for _, key in ipairs { "train", "val", "test" } do
    local list = d[key] and set.splits[d[key]]
    if d[key] and not list and (key == "train" or d[key] ~= key) then
      return mistake(("%s: data.%s: %s"):format(set.name, key, options.unknown("split", d[key], known)))
    end
    if key == "train" and #list == 0 then return mistake(("%s: split '%s', which is trained on, has no images"):format(set.name, d.train)) end
    if key ~= "train" and list and d[key] == d.train and out then
      out:warn(("data.%s = '%s' is the split that is trained on: %s of it are too good"):format(key, d[key], key == "val" and "validation scores" or "scores"))
    end
  end
  return true
end

--- Names of the splits that a recipe uses, train first.
local function parts_of(set, d)
  local list = {}
  for _, name in ipairs { d.train, d.val or false, d.test or false } do if name and set.splits[name] then list[#list + 1] = name end end
  return list
end

--- given: fields (names of those to train with, or a function of the set that gives them; image and mask unless given), classes (of fields that
-- hold class numbers, how many: { NAME = K }), channels, follow
-- (function(coloured): channels that are chosen when the images are known, or nil), data_root, offline, accept_odd (masks that are of another
-- kind than the rest of the set), out. nil and a message on failure.
function data.open(recipe, given)
  local d, names = recipe.data, given.fields or { "image", "mask" }
  local set, err = data.set(d.set, { options = d.options, split = d.split, edition = d.edition, reading = reading.of(d), data_root = given.data_root,
    offline = given.offline, out = given.out })
  if not set then return nil, err end
  if type(names) == "function" then names = names(set) end
  for _, w in ipairs(set.warnings) do if given.out then given.out:warn(w) end end
  local torn = split.torn(set)
  if given.out and #torn > 0 then
    given.out:warn(("images of one folder are on several sides of the split, which is at random (%s): where a folder is a patient, data.options = { groups = "
      .. "\"folder\" } keeps it on one side; where it is a part of the set, call the folders train, val and test"):format(pairing.some(torn, 4)))
  end
  local ok
  ok, err = check_splits(set, d, given.out)
  if not ok then return nil, err end
  local train = set.splits[d.train]
  ok, err = check_fields(set, train, names, "train on")
  if not ok then return nil, err end
  local judged
  judged, err = verdict.check(set, parts_of(set, d), { train = d.train, val = d.val, fields = names, classes = given.classes,
    accept_odd = given.accept_odd, out = given.out })
  if not judged then return nil, err end
  local channels = given.follow and given.follow(notes.is_coloured(judged.images, d.train)) or given.channels
  notes.coloured(judged.images, channels, given.out)
  local function part(name)
    local list = name and set.splits[name]
    local scored = list and #list > 0 and not judged.without[name]
    if list and #list > 0 and not scored and given.out then
      given.out:warn(("no image of split '%s' has a mask: it is left out"):format(name))
    end
    return scored and list or nil
  end
  local self = setmetatable({
    set = set, title = ("%s (%s)"):format(set.name, set.title), train = train, val = part(d.val), test = part(d.test),
    train_count = #train, channels = channels, recipe_data = d,
    images = judged.images, val_is_empty = judged.empty[d.val] or false, scale = judged.scale,
    facts = { set = set.name, edition = set.edition, split = set.split, hash = set.hash }, protocol = protocol(d, set),
  }, Data)
  self.prepare = augment.preparation(d)
  self.train_loader, err = loader.new(train, { fields = names, set = set.fields, batch = d.batch, channels = channels,
    steps = d.steps or 0, threads = d.threads, drop_last = d.drop_last, seed = recipe.seed,
    cache = d.cache, prepare = self.prepare, augment = augment.program(d.augment) })
  if not self.train_loader then return nil, err end
  -- batches of an epoch are full but, perhaps, for the last
  self.full_batch = d.steps and d.batch or math.min(d.batch, #train)
  local rest = #train % d.batch
  self.last_batch = (d.steps or d.drop_last or rest == 0) and self.full_batch or rest
  return self
end

--- The samples of every split that a training reads, with the hashes of their files: what a run keeps beside its checkpoints.
function Data:samples() return identity.of(self.set, self:read_splits()) end

--- What the data set declares of these samples beside their files, { KEY = SHA-256 }.
function Data:declared() return identity.declared(self.set, self:read_splits()) end

--- Names of the splits that a training reads: those to train and validate on, then that of the scores.
function Data:read_splits()
  local d = self.recipe_data
  local list = { d.train }
  if d.val then list[2] = d.val end
  list[#list + 1] = d.test
  return list
end

--- The message of a run of an earlier version, which kept one hash of the set only; nil where it is this set's.
local function differs_from_hash(set, hash)
  if hash == set.hash or set.definition.folder and hash == prepared.hash_below(set.folder) then return nil end
  if not set.definition.folder then return "the data set's files are not those that this run began with; choose another folder with --run DIR" end
  return ("the files in %s are not those that this run began with. It was begun by a version that kept one hash over every file there, whatever it was, "
    .. "so that which one came, went or changed cannot be told: remove what was added, or choose another folder with --run DIR"):format(set.folder)
end

--- Compares with what a run began with: facts, the text in its checkpoint; kept, what was kept of it then, { parts = as Data:samples gave,
-- declared [opt], failed = files that an error named } (nil: a run of an earlier version). Returns true and [opt] a note about test images; nil and a message.
function Data:same(facts, kept)
  local d = self.recipe_data
  if not kept then
    local ok, plain = pcall(json.decode, facts or "")
    local err = differs_from_hash(self.set, ok and type(plain) == "table" and plain.hash)
    return not err or nil, err
  end
  local declared = identity.declared_changes(kept.declared, self:declared())
  if #declared > 0 then
    return nil, ("data set %s says something else of its samples than when this run began (%s); bring the definition back, or choose another folder with "
      .. "--run DIR"):format(self.set.name, table.concat(declared, ", "))
  end
  local now, excused, note = self:samples(), {}, nil
  for _, path in ipairs(kept.failed or {}) do excused[path] = true end
  for _, name in ipairs(self:read_splits()) do
    local changes = identity.changes(kept.parts[name] or {}, now[name] or {}, excused)
    local trained_on = name == d.train or name == d.val
    if #changes > 0 and trained_on then
      return nil, ("the images of split '%s' are not those that this run began with: %s; bring them back, or choose another folder with --run DIR")
        :format(name, pairing.some(changes))
    elseif #changes > 0 then
      note = ("the images of split '%s', which only scores use, are not those that this run began with: %s"):format(name, pairing.some(changes))
    end
  end
  return true, note
end

--- Frees the loader's threads and memory now.
function Data:close() self.train_loader:close() end

--- The fields that scores need: image, mask, field of view, label where there are classes, and which pixels are not void where the set
-- says so.
function data.scored_fields(declared, classes)
  local names = { "image", "mask", "fov" }
  if classes then names[#names + 1] = "label" end
  if declared and declared.valid then names[#names + 1] = "valid" end
  return names
end

--- Calls f(sample, one) for every sample, whole and in order; one is as loader.one gives it: { fields =, native =, reports = }.
-- given: fields (names), set (set.fields), channels, prepare, native (also the fields at the size of their files). Returns true
-- and the seconds that were waited for decoding; nil and a message on failure.
function data.each_sample(samples, given, f)
  local o = { fields = given.fields, set = given.set, channels = given.channels, prepare = given.prepare, native = given.native }
  local waited = 0
  for _, sample in ipairs(samples) do
    local began = C.ra_clock()
    local one, err = loader.one(sample, o)
    waited = waited + C.ra_clock() - began
    if not one then return nil, err end
    local ok
    ok, err = f(sample, one)
    if ok == nil and err then return nil, err end
  end
  return true, waited
end

--- The same with the next samples decoded ahead by a thread, without native and reports: f(sample, { NAME = tensor [1,C,H,W] }).
local function each_ahead(samples, given, f)
  local l, err = loader.new(samples, { fields = given.fields, set = given.set, batch = 1, channels = given.channels, epochs = 1,
    shuffle = false, threads = 1, depth = 2, cache = 0, prepare = given.prepare })
  if not l then return nil, err end
  return always(function()
    local ok, why = l:start(0, 0)
    while ok do
      local shape, message = l:peek()
      if shape == nil then return nil, message end
      if not shape then return true, l:waited() end
      local buffers = l:buffers(shape)
      local count, wrong, _, batch = l:next(buffers)
      if not count then return nil, wrong end
      ok, why = f(batch[1], buffers)
    end
    return nil, why
  end, function() l:close() end)
end

--- The pixels of a batch that count: inside the field of view, and not void.
local function seen_of(b) return b.valid and F.mul(b.fov, b.valid) or b.fov end

--- A threshold of the probability as one of the logit.
function data.cut(threshold)
  local t = math.min(math.max(threshold, 1e-6), 1 - 1e-6)
  return math.log(t / (1 - t))
end

--- Calls f(sample, x [1,C,H,W], mask [1,1,H,W], seen [1,1,H,W]) for every sample, whole and in order. given: channels, prepare. Returns
-- true and the seconds that were waited for decoding; nil and a message on failure.
function data.each_picture(samples, given, f)
  return each_ahead(samples, given, function(sample, b)
    local ok, err = f(sample, b.image, b.mask, seen_of(b))
    return not (ok == nil and err), err
  end)
end

--- The same for a model with K classes: the mean of the classes' Dice, from all pixels of the split, over the classes that it holds (the
-- background left out): { dice =, pictures =, classes = how many that are, of_classes = of how many where it lacks some }; without any dice is nil.
local function validate_classes(self, model, recipe, K)
  local confusion, n = ffi.new("double[?]", K * K), 0
  local given = { fields = { "image", "label", "fov" }, set = self.set.fields, channels = self.channels, prepare = self.prepare }
  local ok, waited = each_ahead(self.val, given, function(_, b)
    local scores = model:forward(b.image, { outputs = { recipe.main }, numerics = recipe.numerics })[recipe.main]
    if class_scores.count(scores, b.label, b.fov, K, confusion) then n = n + 1 else return nil, ffi.message() end
    return true
  end)
  if not ok then return nil, waited end
  local dice, present = class_scores.macro_dice(confusion, K)
  local some = present > 0
  return { dice = some and dice or nil, pictures = some and n or 0, of = not some and n or nil, classes = present,
    of_classes = some and present < K - 1 and K - 1 or nil }, waited
end

--- Mean Dice per image of the validation split, { dice =, pictures = images in the mean, of = all of them where some are left out }, and the
-- seconds that were waited for decoding. dice is nil where no image has a score: no foreground in the split, or no pixel in a field of view.
function Data:validate(model, recipe)
  local K = model:output_channels()[recipe.main]
  if K > 1 then return validate_classes(self, model, recipe, K) end
  local cut = data.cut(recipe.validate.threshold)
  local sum, n, all, has_foreground = 0, 0, 0, false
  local ok, waited = each_ahead(self.val, { channels = self.channels, prepare = self.prepare, set = self.set.fields,
    fields = data.scored_fields(self.set.fields) }, function(_, b)
    local out = model:forward(b.image, { outputs = { recipe.main }, numerics = recipe.numerics })[recipe.main]
    local seen = seen_of(b)
    local dice = C.ra_metric_dice(ffi.data(out), ffi.data(b.mask), ffi.data(seen), b.mask.size, cut)
    has_foreground = has_foreground or F.mul(b.mask, seen):stats().max > 0 -- a field of view may hide all of it
    all = all + 1
    if dice == dice then sum, n = sum + dice, n + 1 end
    return true
  end)
  if not ok then return nil, waited end
  if self.val_is_empty or not has_foreground then sum, n = 0, 0 end
  return { dice = n > 0 and sum / n or nil, pictures = n, of = n < all and all or nil }, waited
end

return data
