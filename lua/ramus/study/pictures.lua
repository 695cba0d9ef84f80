--- The data sets that cells read: brought before any cell runs, and whether they are those that a result was made with.
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local reading = require "ramus.data.reading"
local sets = require "ramus.data.sets"
local dataset = require "ramus.data.dataset"
local divisions = require "ramus.data.split"

local pictures = {}

--- A set as it is opened, and a text that is the same for the same set.
local function entry(set, options, split, edition, read_as)
  return { set = set, given = { options = options, split = split, edition = edition, reading = read_as } },
    json.encode { set = set, options = options or {}, edition = edition or "" }
end

local function of_training(c)
  local d = c.recipe.data
  return entry(d.set, d.options, d.split, d.edition, reading.of(d))
end

local function of_score(s)
  local f = s.facts
  return entry(f.set, f.options, f.split_rule, f.edition, f.reading)
end

--- Opens the set of an entry once; its hash, or false and a message. o: fetch (bring what is absent), data_root, offline, out.
local function look(known, e, name, o)
  if known[name] == nil then
    local given = { data_root = o.data_root, root = o.data_root, offline = o.offline, out = o.out }
    for k, v in pairs(e.given) do given[k] = v end
    given.split = nil -- sets are the same however they are divided, see wrong_split
    local set, err
    if o.fetch then set, err = sets.set(e.set, given) else set, err = dataset.open(e.set, given) end
    known[name] = { hash = set and set.hash or false, err = err, set = set, splits = {} }
  end
  return known[name].hash, known[name].err
end

--- Why the set of an entry, which has been looked at, cannot be divided as the entry says (a fold of more than there are pictures); nil where it can.
local function wrong_split(known, e, name)
  local k, rule = known[name], e.given.split or "usual"
  if k.set and k.splits[rule] == nil then
    local parts, err = divisions.named(k.set.definition, k.set.samples, rule)
    k.splits[rule] = parts and true or err
  end
  return type(k.splits[rule]) == "string" and k.splits[rule] or nil
end

--- Hashes of the sets that cells are trained and scored on, by set; false where one is absent. Nothing is fetched.
function pictures.here(cells, o)
  local known = {}
  for _, c in ipairs(cells) do
    local e, name = of_training(c)
    look(known, e, name, o)
    for _, s in ipairs(c.scores) do
      e, name = of_score(s)
      look(known, e, name, o)
    end
  end
  return known
end

--- Whether a line was made with other pictures than those that are here now.
function pictures.changed(c, line, known)
  local _, name = of_training(c)
  local now = known[name] and known[name].hash
  if now and line.data and line.data.hash ~= now then return true end
  for _, s in ipairs(c.scores) do
    _, name = of_score(s)
    now = known[name] and known[name].hash
    local kept = line.scores and line.scores[s.key]
    if now and kept and kept.protocol.data_hash ~= now then return true end
  end
  return false
end

--- Brings the sets of cells; returns the cells that have all of theirs, and the messages about the others by key. nil and a message where a set
-- that is here cannot be divided as a cell wants: a mistake of the study.
function pictures.bring(cells, o)
  local ready, absent, known = {}, {}, {}
  local given = { fetch = true, data_root = o.data_root, offline = o.offline, out = o.out }
  for _, c in ipairs(cells) do
    local here, err = true, nil
    for i = 0, #c.scores do
      local e, name
      if i == 0 then e, name = of_training(c) else e, name = of_score(c.scores[i]) end
      if here then here, err = look(known, e, name, given) end
      local wrong = here and wrong_split(known, e, name)
      if wrong then return mistake(("rows %s: %s"):format(table.concat(c.rows, ", "), wrong)) end
    end
    if here then ready[#ready + 1] = c else absent[c.key] = err end
  end
  return ready, absent
end

return pictures
