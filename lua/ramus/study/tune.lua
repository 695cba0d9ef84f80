--- Rows of a study made by a search: fields of a recipe drawn at random, trained, and compared on the validation split.
--
--   tune(FILE, { runs, jobs, data_root, offline, quiet })   { study =, trials = { { name, epochs, set, dice }, .. }, best }; nil and a message
-- FILE returns { recipe = "unet.lua", search = { ["optim.lr"] = { 1e-4, 1e-2, log = true }, ["model.width"] = { among = { 8, 16 } } }, .. }, see SCHEMA.
-- The trials are rows of a study, FILE's name with -trials.lua, which is written anew and run row by row: what has its result is not run again.
-- A value depends on seed, trial and field alone. Hyperband (Li et al., JMLR 18, 2018): brackets of trials that begin short; the best third of each
-- goes on with three times the epochs.
local definition = require "ramus.study.definition"
local files = require "ramus.base.files"
local hash = require "ramus.base.hash"
local mistake = require "ramus.base.mistake"
local options = require "ramus.base.options"
local recipe_module = require "ramus.train.recipe"
local run_study = require "ramus.study.study"
local runner = require "ramus.study.runner"

local tune = {}

local ETA = 3
local MARK = "-- Made by ramus tune; made anew by it.\n"

tune.schema = {
  recipe = { type = "string", required = true, help = "the recipe's file, relative to this one" },
  search = { type = "table", required = true,
    help = "by field: { LOW, HIGH }, with log = true by its logarithm, whole = true whole numbers; or { among = LIST }" },
  method = { type = "string", one_of = { "random", "hyperband" }, default = "random", help = "random: every trial has all epochs" },
  trials = { type = "integer", min = 1, max = 1000, default = 20, help = "number of trials, of method random; hyperband has its own" },
  seed = { type = "integer", min = 0, default = 1, help = "seed of the search and of every training" },
}

-- ---- drawing values ---------------------------------------------------------------------

--- A number of 0..1 that depends on these words alone.
local function uniform(...) return tonumber(hash.sha256(table.concat({ ... }, " ")):sub(1, 8), 16) / 2 ^ 32 end

--- Fields that are no choice of a recipe: why a search does not vary them.
local NO_CHOICE = {
  seed = "the best of several seeds is luck, not a setting; `seed` of this file is that of all trials, and a study with seeds = { 1, 2, .. } shows what "
    .. "it changes",
  epochs = "trials are compared after the same epochs; --set epochs=N of the recipe, or method = \"hyperband\", which begins short",
  ["data.split"] = "scores on other pictures cannot be compared", ["data.val"] = "scores on other pictures cannot be compared",
  ["data.set"] = "scores on other pictures cannot be compared",
}

--- What is wrong with an entry of search; nil where nothing is.
local function wrong_range(entry)
  if type(entry) ~= "table" then return "wants { LOW, HIGH } or { among = LIST }" end
  for key in pairs(entry) do
    local known = entry.among ~= nil and { "among" } or { "1", "2", "log", "whole" }
    if not (" " .. table.concat(known, " ") .. " "):find((" %s "):format(tostring(key)), 1, true) then return options.unknown("option", key, known) end
  end
  if entry.among ~= nil then
    if type(entry.among) ~= "table" or #entry.among == 0 then return "among wants a list" end
    local no_list = options.no_list(entry.among)
    return no_list and "among " .. no_list
  end
  local low, high = entry[1], entry[2]
  if type(low) ~= "number" or type(high) ~= "number" or not (low < high) then return "wants { LOW, HIGH } with LOW < HIGH, or { among = LIST }" end
  if high - low == math.huge then return "wants two numbers whose distance is one too" end
  if entry.whole and (low % 1 ~= 0 or high % 1 ~= 0) then return "whole wants whole numbers" end
  return entry.log and low <= 0 and "log wants LOW > 0" or nil
end

local function draw(entry, u)
  if entry.among then return entry.among[1 + math.floor(u * #entry.among)] end
  local low, high = entry[1], entry[2]
  if entry.whole then return low + math.floor(u * (high - low + 1)) end
  local value = entry.log and low * (high / low) ^ u or low + u * (high - low)
  return tonumber(("%.4g"):format(value))
end

--- The fields of trial i.
local function trial(o, i)
  local set = {}
  for field, entry in pairs(o.search) do set[field] = draw(entry, uniform(o.seed, i, field)) end
  return { number = i, set = set }
end

-- ---- the study --------------------------------------------------------------------------

local function lua_text(v) return type(v) == "string" and ("%q"):format(v) or type(v) == "number" and ("%.17g"):format(v) or tostring(v) end

--- The study of all rows so far as Lua.
local function study_text(o, rows)
  local out = { MARK, ("return { recipe = %q, seeds = { %d }, score = { \"val\" }, weights = \"best\", rows = {\n"):format(o.recipe, o.seed) }
  for _, row in ipairs(rows) do
    local fields = {}
    for field, v in pairs(row.set) do fields[#fields + 1] = ("[%q] = %s"):format(field, lua_text(v)) end
    fields[#fields + 1] = ("epochs = %d"):format(row.epochs)
    table.sort(fields)
    out[#out + 1] = ("  { name = %q, set = { %s } },\n"):format(row.name, table.concat(fields, ", "))
  end
  out[#out + 1] = "} }\n"
  return table.concat(out)
end

--- The mean Dice of a row on the validation images; nil where it failed.
local function dice_of(study, row, known)
  local line = known[study.cell_key(row.parts[1].hash, row.seeds[1])]
  local s = line and line.scores and line.scores[row.scores[1].key]
  local sum, n = 0, 0
  for _, v in ipairs(s and s.outputs[s.protocol.output].dice or {}) do if type(v) == "number" then sum, n = sum + v, n + 1 end end
  return n > 0 and sum / n or nil
end

--- Trains what of these trials has no result, with so many epochs, and sets their dice. true; nil and a message.
local function train(self, list, epochs)
  local names = {}
  for i, t in ipairs(list) do
    names[i] = ("t%03d e%d"):format(t.number, epochs)
    self.rows[#self.rows + 1] = { name = names[i], set = t.set, epochs = epochs, trial = t }
  end
  local ok, err = files.write(self.path, study_text(self.o, self.rows))
  if not ok then return nil, err end
  local result
  result, err = run_study(self.path, { only = names, runs = self.given.runs, jobs = self.given.jobs, data_root = self.given.data_root,
    offline = self.given.offline, quiet = self.given.quiet })
  if not result then return nil, err end
  if result.interrupted then return nil, "interrupted", "interrupted" end
  local _, absent = next(result.absent)
  if absent then return nil, absent end
  local study = result.study
  local known = runner.known(study)
  for i, t in ipairs(list) do
    t.dice, t.epochs, t.name = dice_of(study, study.by_name[names[i]], known), epochs, names[i]
    self.rows[#self.rows - #list + i].dice = t.dice
  end
  table.sort(list, function(a, b)
    if (a.dice or -1) ~= (b.dice or -1) then return (a.dice or -1) > (b.dice or -1) end
    return a.number < b.number
  end)
  return true
end

--- Hyperband's brackets for R epochs: { { trials, epochs of the first rung, rungs }, .. }.
function tune.brackets(R)
  local most, list = math.floor(math.log(R) / math.log(ETA) + 1e-9), {}
  for s = most, 0, -1 do list[#list + 1] = { math.ceil((most + 1) / (s + 1) * ETA ^ s), math.max(1, math.floor(R / ETA ^ s)), s + 1 } end
  return list
end

--- Runs all trials. true; nil, a message, and "interrupted".
local function search(self, epochs)
  local o, next_trial = self.o, 1
  local brackets = o.method == "random" and { { o.trials, epochs, 1 } } or tune.brackets(epochs)
  for _, b in ipairs(brackets) do
    local list = {}
    for i = 1, b[1] do list[i], next_trial = trial(o, next_trial), next_trial + 1 end
    for rung = 1, b[3] do
      local ok, err, kind = train(self, list, rung == b[3] and epochs or b[2] * ETA ^ (rung - 1))
      if not ok then return nil, err, kind end
      for _ = 1, rung < b[3] and #list - math.max(1, math.floor(#list / ETA)) or 0 do list[#list] = nil end
    end
  end
  return true
end

--- Reads FILE; its table, the path of the study, the epochs of the recipe; nil and a message.
local function read(path)
  local none = files.no_file(path)
  if none then return nil, "tune: " .. none end
  local raw, err = files.run(path)
  if err then return nil, err end
  local o
  o, err = options.validate(raw, tune.schema, path)
  if not o then return mistake(err) end
  if next(o.search) == nil then return mistake(path .. ": search names no field") end
  for field, entry in pairs(o.search) do
    local wrong = NO_CHOICE[field] and ": " .. NO_CHOICE[field] or wrong_range(entry)
    if wrong then return mistake(("%s: search: %s%s%s"):format(path, tostring(field), NO_CHOICE[field] and "" or " ", wrong)) end
  end
  local folder, _, base = files.split(path)
  local study = ("%s/%s-trials.lua"):format(folder, base):gsub("^%./", "")
  local there = files.read(study)
  if there and there:sub(1, #MARK) ~= MARK then return mistake(study .. " was not made by ramus tune; move it away") end
  local recipe
  recipe, err = recipe_module.load(o.recipe:sub(1, 1) == "/" and o.recipe or folder .. "/" .. o.recipe)
  if not recipe then return mistake(err) end
  if not recipe.data.val then return mistake(o.recipe .. ": data.val = false, and a search compares on the validation split") end
  return o, study, recipe.epochs
end

function tune.run(path, given)
  local o, study, epochs = read(path)
  if not o then return nil, study end
  local self = { o = o, path = study, given = given, rows = {} }
  local ok, err = definition.of({ recipe = o.recipe, seeds = { o.seed }, score = { "val" }, rows = { { name = "first", set = trial(o, 1).set } } }, study)
  if not ok then return mistake(err) end -- a field that is none is found before anything is trained
  local kind
  ok, err, kind = search(self, epochs)
  if not ok then return nil, err, kind end
  local result = { study = study, trials = {}, epochs = epochs }
  for i, row in ipairs(self.rows) do
    result.trials[i] = { name = row.name, epochs = row.epochs, set = row.set, dice = row.dice }
    if row.dice and row.epochs == epochs and (not result.best or row.dice > result.best.dice) then result.best = result.trials[i] end
  end
  return result
end

return tune
