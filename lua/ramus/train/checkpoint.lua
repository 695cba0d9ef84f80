--- Checkpoints: models and whole training states in one safetensors file.
--
-- Data only: the model is stored as the list of its ops, so that loading never
-- runs code. Arrays: "NAME" of every parameter and buffer, "constant.K"; of a
-- training state also "optim.*", "teacher.*", "ema.*", "gradient". Metadata, as
-- strings: "ramus.format" (this build reads its own and the one before),
-- "ramus.build" (JSON: what wrote it), "ramus.model" (JSON), "ramus.input" (JSON:
-- channels, size, preparation, range, scale: see scale.lua), "ramus.output" (JSON: main, activation,
-- threshold, classes, numerics; activation "softmax": one channel per class of
-- classes, a list of { name, value, colour }), "ramus.state" (JSON), "ramus.recipe" (source),
-- "ramus.losses" (JSON: what was recorded of rows whose loss is a function, by term), "ramus.resolved", "ramus.identity" (the recipe's
-- fields that decide the results), "ramus.schedules" (text: those of the model's ops, where there are any), "ramus.protocol" (JSON),
-- "ramus.data" (JSON: sha256 by sample).
local augment = require "ramus.data.augment"
local classes = require "ramus.data.classes"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local model = require "ramus.lang.model"
local names = require "ramus.train.run.names"
local options = require "ramus.base.options"
local prepared = require "ramus.data.prepared"
local scale = require "ramus.data.scale"
local safetensors = require "ramus.lang.safetensors"
local shape = require "ramus.base.shape"
local state_dict = require "ramus.lang.state_dict"

local checkpoint = {}

--- JSON arrays come back as tables; whole numbers stay numbers.
local function decode(text, what)
  local ok, value = pcall(json.decode, text)
  if not ok then return nil, ("%s is not valid JSON: %s"):format(what, value) end
  return value
end
checkpoint.decode, checkpoint.encode = decode, json.encode

--- Identity of this build: version, commit, kernels (a hash of their sources and flags).
function checkpoint.build()
  local build = require "ramus.base.build"
  return { version = build.version, commit = build.commit, kernels = build.kernels }
end

-- ---- the description of input and output ----------------------------------------

local SIDE_MAX = 2 ^ 20 -- as RA_IMAGE_SIDE_MAX
local count = { type = "integer", min = 1 }

--- Entries of `value` fit an options entry, and there are n of them; nil and a message.
local function check_list(value, n, entry, what)
  if value == nil then return true end
  for i = 1, n do
    local ok, err = options.value(value[i], entry)
    if ok == nil then return nil, ("%s: entry %d %s"):format(what, i, err) end
  end
  return #value == n or nil, ("%s: must be a list of %d numbers"):format(what, n)
end

--- What is wrong with the size and the range that ramus.input gives; nil where nothing is. They repeat what preparation and training did.
local function wrong_input(input)
  local size, range = input.size, input.range
  if range and (range[1] ~= 0 or range[2] ~= 1) then return "range: must be [0,1], to which images are scaled" end
  if size then
    for _, side in ipairs(size) do if side > SIDE_MAX then return ("size: must be at most %d pixels, is %d"):format(SIDE_MAX, side) end end
  end
  for _, s in ipairs(input.preparation or {}) do
    if (s.step == "size" or s.step == "clahe") and s.a % 1 ~= 0 or s.step == "size" and s.b % 1 ~= 0 then
      return ("preparation: %s wants whole numbers"):format(s.step)
    end
    if s.step == "size" and size and (size[1] ~= s.a or size[2] ~= s.b) then return "size: is not that of the preparation's resizing" end
  end
end

local input_schema = { channels = count, size = { type = "table" }, preparation = { type = "table" }, range = { type = "table" },
  scale = { type = "table" } }
local output_schema = { main = { type = "string", required = true }, activation = { type = "string", one_of = { "sigmoid", "softmax" }, required = true },
  threshold = { type = "number", min = 0, max = 1, required = true }, classes = { type = "table" },
  numerics = { type = "string", one_of = { "fast", "exact" }, default = "fast" } }

--- Writes into a model how a recipe prepares its images and which output it scores.
function checkpoint.describe(m, recipe)
  local prepare = augment.preparation(recipe.data)
  local size = recipe.data.size
  m.input.preparation, m.input.size = prepare and prepare:steps() or nil, size and { size, size } or nil
  m.output.main, m.output.threshold, m.output.numerics = recipe.main or "out", recipe.validate.threshold, recipe.numerics
end

--- Writes into a model what the channels of its main output are, where it has several. list: the data set's classes.
function checkpoint.describe_classes(m, main, list)
  local channels = m:output_channels()[main]
  if channels == 1 then return end
  m.output.activation, m.output.classes = "softmax", list or classes.default(channels)
end

--- The metadata of a training's model: format, build, template, input and output.
function checkpoint.meta(m, recipe)
  checkpoint.describe(m, recipe)
  local meta = m:meta()
  meta["ramus.build"] = json.encode(checkpoint.build())
  return meta
end

--- Input and output of format 1, which has a protocol and the recipe's text instead.
local function describe_old(m, meta)
  if meta["ramus.protocol"] then
    local protocol, err = decode(meta["ramus.protocol"], "ramus.protocol")
    if type(protocol) ~= "table" or type(protocol.preprocess or {}) ~= "table" then
      return nil, err or "ramus.protocol must be an object, and so its preprocess"
    end
    local given = { size = protocol.size }
    for k, v in pairs(protocol.preprocess or {}) do given[k] = v end
    local ok, prepare = pcall(augment.prepare, given)
    if not ok then return nil, "the protocol does not say how images are prepared: " .. tostring(prepare) end
    m.input.preparation, m.input.size = prepare:steps(), given.size and { given.size, given.size }
  end
  local exact = (meta["ramus.resolved"] or ""):find('\n  numerics = "exact"', 1, true)
  m.output.numerics = exact and "exact" or "fast"
  return true
end

--- A section of the metadata, checked; nil and a message where it is wrong.
local function read_section(meta, name, schema)
  local value, err = decode(meta[name] or "null", name)
  if type(value) ~= "table" then return nil, err or ("the checkpoint lacks %s"):format(name) end
  return options.validate(value, schema, name)
end

--- Reads ramus.input and ramus.output into a model; nil and a message where they do not fit it.
local function read_description(m, meta)
  if not meta["ramus.format"] then return describe_old(m, meta) end
  local input, output, err, ok
  input, err = read_section(meta, "ramus.input", input_schema)
  if not input then return nil, err end
  output, err = read_section(meta, "ramus.output", output_schema)
  if not output then return nil, err end
  ok, err = check_list(input.size, 2, count, "ramus.input: size")
  if ok then ok, err = check_list(input.range, 2, { type = "number" }, "ramus.input: range") end
  if not ok then return nil, err end
  ok, err = scale.check(input.scale)
  if not ok then return nil, "ramus.input: " .. err end
  ok, err = augment.of_steps(input.preparation or {})
  err = not ok and err or wrong_input(input)
  if err then return nil, "ramus.input: " .. err end
  if input.channels ~= m.template.channels then
    return nil, ("ramus.input: %s channels, and the model has %d"):format(tostring(input.channels), m.template.channels)
  end
  if not m.template.outputs[output.main] then
    return nil, "ramus.output: " .. options.unknown("output", output.main, m:output_names())
  end
  if output.activation == "softmax" then
    output.classes, err = classes.check(output.classes, "ramus.output: classes")
    if not output.classes then return nil, err end
    local channels = m:output_channels()[output.main]
    if #output.classes ~= channels then
      return nil, ("ramus.output: %d classes, and the output '%s' has %d channels"):format(#output.classes, output.main, channels)
    end
  end
  err = output.activation == "sigmoid" and output.classes and shape.wrong(output.classes, { list = "string" }, "ramus.output: classes")
  if err then return nil, err end
  m.input, m.output = input, output
  return true
end

--- The classes of a model's main output, { { name =, value =, colour = }, .. }; nil where it is foreground and background in one channel.
function checkpoint.classes(m) return m.output.activation == "softmax" and assert(classes.check(m.output.classes)) or nil end

--- The program that prepares a model's images, or nil: the one in the model's input, changed by { size =, preprocess = }.
function checkpoint.preparation(m, given)
  local steps = m.input.preparation or {}
  local o = given or {}
  if o.size or o.preprocess then
    local made = augment.preparation(o)
    local by_kind = { size = o.size ~= nil, other = o.preprocess ~= nil } -- which of the model's steps are replaced
    local list = {}
    for _, s in ipairs(steps) do
      if not by_kind[s.step == "size" and "size" or "other"] then list[#list + 1] = s end
    end
    for _, s in ipairs(made and made:steps() or {}) do table.insert(list, s.step == "size" and 1 or #list + 1, s) end
    steps = list
  end
  if #steps == 0 then return nil end
  return assert(augment.of_steps(steps))
end

-- ---- reading -------------------------------------------------------------------

--- The format of an open checkpoint: a number; nil and a message where this build does not read it.
function checkpoint.format(file)
  local text = file.meta["ramus.format"] or "1"
  local format = text:match("^%d+$") and tonumber(text)
  if format and format >= model.FORMAT - 1 and format <= model.FORMAT then return format end
  local build = decode(file.meta["ramus.build"] or "null", "ramus.build")
  local by = type(build) == "table" and type(build.version) == "string" and "Ramus " .. build.version:sub(1, 60) or "another version of Ramus"
  return nil, ("%s: was written by %s, in format %s; this build reads formats %d and %d"):format(file.path, by, text, model.FORMAT - 1, model.FORMAT)
end

--- Opens a checkpoint file; nil and a message where it is not a checkpoint, or is truncated, changed, or of another format.
function checkpoint.open(path)
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  if not file.meta["ramus.model"] then
    return nil, ("%s: holds no model (no 'ramus.model' in its metadata); weights of another program's go into a model of yours: "
      .. "ra.load_model(path, { into = MODEL, names = .. })"):format(path)
  end
  if not file.checked then return nil, ("%s: holds no checksum, so it is not a file that Ramus wrote"):format(path) end
  local format
  format, err = checkpoint.format(file)
  if not format then return nil, err end
  return file
end

--- The model in an open checkpoint; `prefix` reads another set of values, as "ema.", which must be whole.
function checkpoint.read_model(file, prefix)
  local function stored(name) return prefix and not name:find "^constant%." and prefix .. name or name end
  local values = { has = function(_, name) return file:has(stored(name)) end, get = function(_, name) return file:get(stored(name)) end,
    shape = function(_, name) return file:shape(stored(name)) end, read = function(_, name, t) return file:read(stored(name), t) end }
  local m, err = model.from_text(file.meta["ramus.model"], values)
  local of = prefix and (" (of the weights' average, %s*, which its state promises)"):format(prefix) or ""
  if not m then return nil, ("%s: %s%s"):format(file.path, err, of) end
  local ok
  ok, err = read_description(m, file.meta)
  if not ok then return nil, ("%s: %s"):format(file.path, err) end
  return m
end

--- Arrays of a checkpoint that are no part of the model.
local function of_training(name)
  return name:match "^optim%." or name:match "^teachers?%." or name:match "^constant%." or name == "gradient"
end

--- One SHA-256 of the parameters and buffers (and their running averages) in a checkpoint, metadata aside, and a list of "HASH NAME" by
-- array: the same bits, the same hash. nil and a message on failure.
function checkpoint.hash(path)
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  local lines, list = {}, {}
  for _, name in ipairs(file.names) do if not of_training(name) then list[#list + 1] = name end end
  table.sort(list)
  for i, name in ipairs(list) do
    local bytes
    bytes, err = file:bytes(name)
    if not bytes then return nil, err end
    lines[i] = prepared.sha256(bytes) .. " " .. name
  end
  return prepared.sha256(table.concat(lines, "\n")), lines
end

--- Weights of PyTorch's into the model that `into` names (state_dict.lua); the model. given: into, names, only, skip.
local function load_into(path, given)
  local o = options.copy(given)
  if not model.is(o.into) then error("load_model: into wants a model, as ra.models.unet { width = 64 }, given " .. options.show(o.into), 3) end
  local net = o.into
  o.into = nil
  local taken, err = state_dict.read(net, path, o)
  if not taken then return nil, err end
  return net
end

--- ra.load_model(path): a file, or a run folder (its best checkpoint, else its last). nil and a message on failure.
-- The model knows how its images are prepared (model.input) and which output is scored (model.output).
-- Returns the model and the open file. With { into = MODEL, names = TABLE, only =, skip = } path is a state dict of PyTorch as safetensors.
function checkpoint.load_model(path, given)
  if type(path) ~= "string" then error("load_model: wants a path, given " .. tostring(path), 2) end
  if given then return load_into(path, given) end
  if files.is_folder(path) then
    local best = names.path_of(path, "best")
    local last = names.path_of(path, "last")
    if not files.is_file(best) and not files.is_file(last) then
      return nil, files.no_folder(path) or ("%s holds no checkpoint (%s); wanted a run folder or a model's file"):format(path, names.files.last)
    end
    path = files.is_file(best) and best or last
  end
  local file, err = checkpoint.open(path)
  if not file then return nil, err end
  local state = {}
  if file.meta["ramus.state"] then state, err = decode(file.meta["ramus.state"], "ramus.state") end
  if type(state) ~= "table" or type(state.averaged or false) ~= "boolean" then
    return nil, ("%s: %s"):format(path, err or "ramus.state must be an object whose averaged is true or false")
  end
  local m
  m, err = checkpoint.read_model(file, state.averaged and "ema." or nil)
  if not m then return nil, err end
  return m, file
end

return checkpoint
