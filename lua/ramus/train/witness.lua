--- What a training depends on, kept as it began and compared when it goes on: the images (samples.json), the model's ops and constants, the
-- functions of its rows. What is absent or damaged is said; docs/explanation/determinism.md has the whole list.
local checkpoint = require "ramus.train.checkpoint"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local identity = require "ramus.data.identity"
local json = require "ramus.base.json"
local names = require "ramus.train.run.names"
local options = require "ramus.base.options"
local pairing = require "ramus.data.pairing"
local shape = require "ramus.base.shape"

local witness = {}

-- ---- the images -----------------------------------------------------------------

local SAMPLES = { parts = { map = { list = { id = "string", files = { list = { list = "string" } } } } },
  declared = { optional = true, map = "string" }, failed = { optional = true, list = "string" } }

--- What a run's folder says of the images that it began with: { parts =, declared =, failed = }; nil and why it says nothing.
function witness.samples(folder)
  local path = names.path_of(folder, "samples")
  if not files.is_file(path) then return nil, path .. " is missing" end
  local text, err = files.read(path)
  if not text then return nil, err end
  local facts
  facts, err = checkpoint.decode(text, path)
  if err then return nil, err end
  err = shape.wrong(facts, SAMPLES, path)
  if err then return nil, err .. ", so it is damaged" end
  return facts
end

--- Writes what the run began with: the images of its splits, the hashes of their files, and what the set declares of them. failed [opt]: files that
-- an error named; they may be repaired before the run goes on. nil and a message on failure.
function witness.remember(training, failed)
  local facts = { parts = training.data:samples(), declared = training.data:declared(), failed = failed and #failed > 0 and failed or nil }
  return training.run:write("samples", json.encode(facts) .. "\n")
end

--- Keeps in mind which files of the set an error names. Files that had been named before stay named.
function witness.note_failed(training, message)
  local kept = witness.samples(training.run.path)
  if not kept then return true end
  local named = identity.named_in(message, training.data.set)
  for _, path in ipairs(kept.failed or {}) do named[#named + 1] = path end
  if #named == 0 then return true end
  kept.failed = named
  return training.run:write("samples", json.encode(kept) .. "\n")
end

--- Refuses to go on with other images than those that the run began with, and says what has changed. nil and a message.
local function check_samples(training, file)
  local kept, absent = witness.samples(training.run.path)
  local ok, note = training.data:same(file.meta["ramus.data"], kept)
  if not ok then return nil, note end
  if absent then
    training.out:warn(absent .. ", so the images were compared by the one hash of their set that the checkpoint keeps; it is written anew")
  end
  if note then training.out:line("warning: " .. note) end
  if kept and not kept.failed and kept.declared and not note then return true end
  return witness.remember(training) -- repaired files are the run's from now on
end

--- What has changed of the images of a split since the run in `folder` began, as a text; nil where nothing has, or nothing is known.
function witness.changed(folder, set, part)
  local kept = witness.samples(folder)
  local before = kept and kept.parts[part]
  if not before or not set.splits[part] then return nil end
  local changes = identity.changes(before, identity.of(set, { part })[part], {})
  if #changes == 0 then return nil end
  return ("the images of split '%s' are not those that the run began with: %s"):format(part, pairing.some(changes))
end

-- ---- the model and the functions of the rows ---------------------------------------

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end

--- What differs between the templates of two models; nil where nothing does.
local function model_change(was, now)
  local count = math.max(#was.entries, #now.entries)
  for i = 1, count do
    local a, b = was.entries[i], now.entries[i]
    if not same(a, b) then
      local function text(e) return e and ("%s %s"):format(tostring(e.op), options.show(e.options)) or "absent" end
      return ("op %d of %d was %s, is %s"):format(i, count, text(a), text(b))
    end
  end
  for _, part in ipairs { "outputs", "channels", "parameters", "constants" } do
    if not same(was[part], now[part]) then return part .. " differ" end
  end
end

--- What differs between the model's constants and those in the file; nil where nothing does.
local function constant_change(model, file)
  for k, t in ipairs(model.constants) do
    t = model.constant_values["constant." .. k] or t -- without gaps
    if file:bytes("constant." .. k) ~= ffi.string(ffi.data(t), t.size * ffi.C.ra_real_size()) then return ("its tensor %d has other values"):format(k) end
  end
end

--- Refuses to go on with a model whose function, or what it calls, records something else than when the run began. nil and a message.
local function check_model(training, file)
  local was, err = checkpoint.decode(file.meta["ramus.model"], "ramus.model")
  if type(was) ~= "table" or type(was.entries) ~= "table" then return nil, err or "ramus.model must be an object" end
  local now = checkpoint.decode(json.encode(training.model:export_template()), "ramus.model") -- as it reads back
  local changed = model_change(was, now) or constant_change(training.model, file)
  local schedules = witness.schedules(training.model)
  if not changed and (file.meta["ramus.schedules"] or "") ~= (schedules or "") then changed = "schedules of its ops differ" end
  if not changed then return true end
  return nil, ("%s: the model is not the one that this run began with (its function, or what that calls, has changed): %s; bring it back, or choose "
    .. "another folder with --run DIR"):format(file.path, changed)
end

--- The schedules of a model's ops as a text, which its template lacks; nil where it has none.
function witness.schedules(model)
  local list = {}
  for i, s in ipairs(model.template.schedules) do list[i] = ("%d.%d: %s"):format(s.entry, s.slot, tostring(s.schedule)) end
  return #list > 0 and table.concat(list, "\n") or nil
end

--- Refuses to go on where a function of a row records other ops than those that the run began with. nil and a message.
local function check_functions(training, file)
  local kept, err = checkpoint.decode(file.meta["ramus.losses"] or "{}", "ramus.losses")
  if type(kept) ~= "table" then return nil, err or "ramus.losses must be an object" end
  for name, now in pairs(training.supervision:functions(training.data.set.fields)) do
    local before = kept[name]
    if type(before) ~= "table" or before.sha256 ~= now.sha256 then
      return nil, ("%s: the function of %s records other ops than when the run began (what it calls may have changed); the run's are in the "
        .. "metadata ramus.losses of the checkpoint; choose another folder with --run DIR"):format(file.path, name)
    end
  end
  return true
end

--- Compares a training with the open checkpoint that it goes on from, before anything of it is restored. nil and a message.
function witness.check(training, file)
  local ok, err = check_functions(training, file)
  if ok then ok, err = check_model(training, file) end
  if ok then ok, err = check_samples(training, file) end
  return ok, err
end

return witness
