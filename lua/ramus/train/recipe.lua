--- Recipes: one Lua table that says what to train, on what, how. Loading, checking, overriding from the command line, and writing back as Lua.
local augment = require "ramus.data.augment"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local fit = require "ramus.train.recipe.fit"
local initial = require "ramus.train.recipe.initial"
local function_source = require "ramus.lang.function_source"
local loader = require "ramus.data.loader"
local loss = require "ramus.lang.loss"
local model = require "ramus.lang.model"
local optim = require "ramus.lang.optim"
local options = require "ramus.base.options"
local override = require "ramus.train.recipe.override"
local ranges = require "ramus.lang.ranges"
local reading = require "ramus.data.reading"
local schedule = require "ramus.lang.schedule"
local show = require "ramus.base.show"
local teacher = require "ramus.train.teacher"
local utf8 = require "ramus.base.utf8"

local recipe = {}
local Recipe = {}
Recipe.__index = Recipe

local function instance(is, wanted)
  return function(v) return is(v) and v or nil, "must be " .. wanted .. ", given " .. options.show(v) end
end

local is_optim = instance(optim.is, "an optimizer, as ra.optim.adamw{ lr = 1e-3 }")

--- An optimizer whose fields are still what its constructor takes.
local function check_optim(v)
  local one, err = is_optim(v)
  if not one then return nil, err end
  local given = options.copy(v)
  given.kind = nil
  local ok, made = pcall(optim[v.kind], given)
  return ok and made or nil, ok and err or "is no longer what its constructor made: " .. options.plain(made)
end

--- An entry for a table with its own schema, which is also in `fields`.
local function section(schema)
  return { type = "table", default = nil, fields = schema, check = function(v) return options.validate(v, schema, "is wrong") end }
end

local data_schema = {
  set = { type = "string", required = true, help = "name of a data set (ramus datasets lists them), path of its definition, or a folder of pictures" },
  options = { type = "table", default = {}, help = "options of the set itself, as { train = 24 } for phantom" },
  edition = { type = "string", help = "full or subset, where a set has several" },
  split = { type = "string", default = "usual", help = "name of the division into train, val and test" },
  train = { type = "string", default = "train", help = "split that is trained on" },
  val = { type = "string|boolean", default = "val", check = function(v)
    if v == true then return nil, "must be the name of a split, or false for none, got true" end
    return v
  end, help = "split that is validated on; false for none" },
  test = { type = "string", default = "test", help = "split that ramus eval uses" },
  size = { type = "integer", min = 8, help = "side in pixels to which images are resized first; no resize if absent" },
  batch = { type = "integer", min = 1, default = 4 },
  steps = { type = "integer", min = 1, help = "number of batches per epoch; one pass over the images if left out" },
  drop_last = { type = "boolean", default = false, help = "true to leave out a last batch that is not full" },
  augment = { type = "table", default = {}, help = "augmentation, see ra.augment" },
  preprocess = { type = "table", default = {}, help = "preparation, once per image: clahe, blur, stretch (see ra.augment)" },
  threads = { type = "integer", min = 1, max = loader.schema.threads.max, default = 1, affects_results = false,
    help = "loader threads; results do not depend on it" },
  cache = { type = "number", min = 0, default = 1024, affects_results = false, help = "MB of decoded images to keep" },
}

for key, entry in pairs(reading.schema) do data_schema[key] = entry end

local teacher_schema = {
  kind = { type = "string", required = true, one_of = { "last_epoch", "best", "ema", "ago", "run" } },
  decay = { type = "number", min = 0, below = 1, default = 0.999, help = "decay per step, of kind ema" },
  k = { type = "integer", min = 1, default = 1, help = "number of epochs back, of kind ago" },
  path = { type = "string", help = "run folder or model file, of kind run" },
  from = { type = "integer", min = 0, help = "first epoch in which rows may read it; as soon as it exists unless given" },
  till = { type = "integer", min = 1, help = "first epoch in which rows no longer read it" },
}

--- Several teachers by name, each as `teacher` is.
local function teachers_check(v)
  local all = {}
  for name, given in pairs(v) do
    if type(name) ~= "string" or not name:match "^%a[%w_]*$" then
      return nil, ("must be { NAME = { kind = .. }, .. }, names of letters, digits and _, given %s"):format(options.show(name))
    end
    local one, err = options.validate(given, teacher_schema, "teachers." .. name)
    if not one then return nil, err end
    all[name] = one
  end
  return all
end

--- A field with affects_results = false may change when a run is resumed: it is not part of the recipe's identity. One that grows may do so too,
-- as long as the run has not gone beyond what it was.
local schema = {
  name = { type = "string", required = true, check = function(v)
    return v:match "^[%w%._%-]+$" and v:find "[^.]" and v or nil, "must be letters, digits, . _ -, and not dots alone, given " .. options.show(v)
  end },
  data = section(data_schema),
  model = { type = "table", required = true, check = instance(model.is, "a model, as ra.models.unet{}") },
  main = { type = "string", default = "out" },
  teacher = section(teacher_schema),
  teachers = { type = "table", check = teachers_check },
  supervise = { type = "table", required = true },
  optim = { type = "table", required = true, check = check_optim },
  init = section(initial.schema),
  freeze = { type = "string|table", check = ranges.freeze },
  epochs = { type = "integer", min = 1, max = 1e6, required = true },
  extend = { type = "integer", min = 0, max = 1e6, default = 0, grows = true },
  seed = { type = "integer", default = 0 },
  profile = { type = "boolean", default = false, help = "true to write profile.txt: time per part of an epoch, and speed of every step of the plan" },
  memory = { type = "string", affects_results = false, check = function(v)
    local bytes, err = show.read_bytes(v)
    return bytes and v, err
  end, help = "what the arrays of a training step may take, as \"300MB\": values are computed twice where that saves memory; the bits stay the same" },
  numerics = { type = "string", one_of = { "fast", "exact" }, default = "fast", help = "choice of algorithms; exact: no Winograd convolutions" },
  validate = section({ every = { type = "integer", min = 1, default = 1, help = "epochs" },
    threshold = { type = "number", min = 0, max = 1, default = 0.5 } }),
  early_stop = section({ patience = { type = "integer", min = 1, required = true, help = "epochs without a better validation Dice" } }),
  log = section({ pictures = { type = "integer", min = 0, default = 4, help = "sample overlays at the end" },
    grad_params = section({ every = { type = "integer", min = 1, default = 1, help = "epochs" },
      at = { type = "string", default = "^decoder", check = options.pattern, help = "Lua pattern of parameter names" } }),
    outputs = section({ every = { type = "integer", min = 1, default = 5, help = "epochs; and after the last" } }),
    histograms = section({ every = { type = "integer", min = 1, default = 5, help = "epochs; and after the last" },
      bins = { type = "integer", min = 2, max = 1000, default = 32 } }) }),
}
schema.data.required, schema.log.affects_results, schema.profile.affects_results = true, false, false
schema.validate.default, schema.log.default = {}, {}
for field, text in pairs {
  name = "name of the run's folder, runs/NAME", data = "data set, splits, batches and augmentation; see data", model = "ra.models.NAME{...} or ra.model(f)",
  main = "output of the model that is validated, evaluated and predicted; teacher.out is this output of the teacher",
  teacher = "the past self that rows compare with; none if left out",
  teachers = "several by name, { past = { kind = \"last_epoch\" }, .. }; teacher = X means teachers = { teacher = X }",
  supervise = "list of rows: output, loss, against, weight, from, till",
  init = "weights to begin with, from another run or file", freeze = "pattern of parameters that stay as they are, or { { at = PATTERN, till = epoch }, .. }",
  optim = "ra.optim.NAME{...}",
  epochs = "number of epochs; they count from 0",
  extend = "further epochs, of a run that has ended too: the rate's schedule begins anew over them, everything else stays as it was at the end",
  seed = "seed of initialisation, order, augmentation and dropout",
  validate = "interval and threshold of Dice on the validation split", early_stop = "end of training when validation no longer gets better",
  log = "records beside the losses",
} do schema[field].help = text end

--- Runs a recipe file, which can use all of plain Lua, require "ramus", and the modules beside it. Returns its table; nil and a message.
local function run_file(path)
  local value, message = files.run(path)
  if message then return nil, message end
  if type(value) ~= "table" then
    return nil, ("%s: a recipe file returns a table, this one returned %s"):format(path, options.show(value))
  end
  return value
end

-- ---- loading --------------------------------------------------------------------

--- A message if a field of data is wrong, else nil.
local function wrong_data(d)
  local program, err = augment.validate(d.augment)
  if not program then return err end
  local ok
  ok, err = pcall(augment.preparation, d)
  if not ok then return "preprocess: " .. options.plain(err):gsub("^prepare: ", "") end
  return nil
end

--- A checked recipe from a table; nil and a message where a field is wrong. base: the folder that a data set's path is relative to (else
-- the working directory); the resolved recipe has the whole path.
function recipe.resolve(raw, where, base)
  local r, err = options.validate(raw, schema, where or "recipe")
  if not r then return nil, err end
  for name, entry in pairs(schema) do -- sections that were left out get their defaults
    if r[name] and entry.check and entry.type == "table" and type(r[name]) == "table" and getmetatable(r[name]) == nil and name ~= "supervise" then
      r[name] = entry.check(r[name]) or r[name]
    end
  end
  err = wrong_data(r.data)
  if err then return nil, "recipe.data: " .. err end
  err = teacher.wrong(r)
  if err then return nil, err end
  if r.data.val == false then
    if r.early_stop then return nil, "recipe.early_stop needs a validation split, and data.val is false" end
  end
  r.data.set = dataset.locate(r.data.set, base)
  dataset.trust(r.data.set)
  for _, t in ipairs(teacher.of(r)) do -- beside the recipe, else as seen from the working directory
    if base and t.spec.path and files.exists(base .. "/" .. t.spec.path) then t.spec.path = files.absolute(base .. "/" .. t.spec.path) end
  end
  if base and r.init and files.exists(base .. "/" .. r.init.from) then r.init.from = files.absolute(base .. "/" .. r.init.from) end
  local definition
  definition, err = dataset.find(r.data.set)
  if not definition then return nil, "recipe.data: " .. err end
  err = fit.check(r, definition)
  if err then return nil, err end
  return setmetatable(r, Recipe)
end

--- The table of a recipe's file, and its text; nil and a message.
local function read_file(path)
  local file, why = files.open(path, "r")
  if not file then return nil, ("cannot read the recipe: %s"):format(why) end
  local source = file:read("*a")
  file:close()
  if not source then return nil, ("cannot read the recipe: %s is a folder"):format(path) end
  local raw, err = run_file(path)
  return raw, raw and source or err
end

--- The table of a recipe with the changes that a caller asks for: given.without (fields), given.values (values by field), given.set (texts
-- of the command line), given.seed, given.epochs, given.extend, given.memory. nil and a message.
local function changed(raw, given)
  local err
  raw, err = override.without(raw, given.without or {}, schema)
  if raw then raw, err = override.values(raw, given.values or {}, schema) end
  if raw then raw, err = override.texts(raw, given.set or {}, schema) end
  if not raw then return nil, err end
  raw = options.copy(raw)
  for _, key in ipairs { "seed", "epochs", "extend", "memory", "name" } do if given[key] then raw[key] = given[key] end end
  return raw
end

--- A checked recipe from a file, or from a table that is not checked yet (where [opt]: what messages call it; base: the folder that its
-- paths are relative to), changed as above; nil and a message on failure.
function recipe.load(what, given)
  local o = given or {}
  local raw, source = what, nil
  if type(what) ~= "table" then
    raw, source = read_file(what)
    if not raw then return nil, source end
  end
  local r, err = changed(raw, o)
  if not r then return nil, err end
  r, err = recipe.resolve(r, o.where or type(what) == "string" and what or nil, o.base or type(what) == "string" and (files.split(what)) or nil)
  if not r then return nil, err end
  r.source = source
  return r
end

--- Whether v is a recipe, as ra.recipe makes one of a table.
function recipe.is(v) return getmetatable(v) == Recipe end

--- A recipe with some fields changed, which are not checked again.
function Recipe:with(changes)
  local r = setmetatable(options.copy(self), Recipe)
  for key, value in pairs(changes) do r[key] = value end
  return r
end

-- ---- writing -----------------------------------------------------------------

-- profile and memory are left out: they change no result, so a run may be resumed with or without them
local order = { "name", "data", "model", "main", "teacher", "teachers", "supervise", "init", "freeze",
  "optim", "epochs", "extend", "seed", "numerics", "validate", "early_stop", "log" }

--- A name that may stand before = in a table: no word of the language.
local function is_identifier(k) return type(k) == "string" and k:match("^[%a_][%w_]*$") and loadstring("local " .. k) ~= nil end

--- A number as Lua that gives the same one.
local function number_text(v)
  if v ~= v then return "0/0" end
  if math.abs(v) == math.huge then return v > 0 and "1/0" or "-1/0" end
  local short = ("%.14g"):format(v)
  return tonumber(short) == v and short or ("%.17g"):format(v)
end

local write

local function write_fields(t, indent, keys)
  local parts, listed = {}, {}
  for i, v in ipairs(t) do
    parts[#parts + 1] = write(v, indent .. "  ")
    listed[i] = true
  end
  if not keys then
    keys = {}
    for k in pairs(t) do if not listed[k] then keys[#keys + 1] = k end end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  end
  for _, k in ipairs(keys) do
    if t[k] ~= nil then
      local name = is_identifier(k) and k or ("[%s]"):format(type(k) == "string" and utf8.quoted(k) or type(k) == "number" and number_text(k) or tostring(k))
      parts[#parts + 1] = name .. " = " .. write(t[k], indent .. "  ")
    end
  end
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + #indent < 100 and not line:find("\n") then return line end
  return "{\n" .. indent .. "  " .. table.concat(parts, ",\n" .. indent .. "  ") .. ",\n" .. indent .. "}"
end

function write(v, indent)
  if schedule.is(v) then return tostring(v) end
  if loss.is(v) then return "ra.loss." .. v.name .. " " .. write_fields(v.options, indent) end
  if optim.is(v) then
    local given = options.copy(v)
    given.kind = nil
    return "ra.optim." .. v.kind .. " " .. write_fields(given, indent)
  end
  if model.is(v) then
    if not v.options then return "nil --[[ a model made by a function: see the recipe as written ]]" end
    return "ra.models." .. v.builder .. " " .. write_fields(v.options, indent)
  end
  if type(v) == "function" then return function_source.expression(v) end
  if type(v) == "table" then return write_fields(v, indent) end
  if type(v) == "string" then return utf8.quoted(v) end
  if type(v) == "number" then return number_text(v) end
  return tostring(v)
end

--- Rows whose functions stand as their hashes: a recipe may move to another place.
local function rows_by_hash(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row
    if type(row) == "table" and type(row.loss) == "function" then
      list[i] = options.copy(row)
      list[i].loss = "function " .. function_source.sha256(row.loss)
    end
  end
  return list
end

--- The fields that determine the results, as text: the resolved recipe without those that may change when a run is resumed.
function Recipe:identity()
  local kept = {}
  for name, value in pairs(self) do
    local entry = schema[name]
    if entry and entry.affects_results ~= false and not entry.grows then
      kept[name] = value
      if entry.fields and type(value) == "table" then
        kept[name] = {}
        for field, v in pairs(value) do
          if entry.fields[field].affects_results ~= false then kept[name][field] = v end
        end
      end
    end
  end
  kept.supervise = rows_by_hash(kept.supervise)
  return write_fields(kept, "", order)
end

--- The resolved recipe as Lua that loads again.
function Recipe:__tostring()
  return "local ra = require \"ramus\"\nreturn " .. write_fields(self, "", order) .. "\n"
end

recipe.schema, recipe.data_schema, recipe.teacher_schema = schema, data_schema, teacher_schema

return recipe
