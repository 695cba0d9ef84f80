--- What a file or folder of Ramus holds, as plain data and as text. Nothing in it is executed.
--
--   contents.of(path)    { kind =, path =, bytes =, .. }; nil and a message where it is nothing that Ramus writes
-- contents_text.lua writes that as lines for people.
-- kind: "run", "checkpoint" (the state of a training), "model", "arrays", "data set", "results" (of a study), "scores" (eval.json), "picture".
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local names = require "ramus.train.run.names"
local pickle = require "ramus.lang.pickle"
local prepared = require "ramus.data.prepared"
local run = require "ramus.train.run"
local runs = require "ramus.train.run.list"
local safetensors = require "ramus.lang.safetensors"
local studies = require "ramus.study.studies"
local tensor = require "ramus.lang.tensor"

local contents = {}

--- A section of the metadata as data; nil where it is absent or no JSON.
local function section(meta, name)
  local value = meta[name] and checkpoint.decode(meta[name], name)
  return type(value) == "table" and value or nil
end

--- Names, shapes and types of a bundle's arrays.
local function arrays_of(file)
  local list = {}
  for i, name in ipairs(file.names) do list[i] = { name = name, shape = file:shape(name), dtype = file:dtype(name) } end
  return list
end

--- A checkpoint or a model: its net, how images go in and masks come out, what made it.
local function of_model(path, file)
  local net, err = checkpoint.read_model(file)
  if not net then return nil, err end
  local meta = file.meta
  local state = section(meta, "ramus.state")
  local c = { kind = state and "checkpoint" or "model", model = net.name, parameters = net:count(), outputs = net:output_names(), arrays = arrays_of(file),
    format = checkpoint.format(file), input = section(meta, "ramus.input"), output = section(meta, "ramus.output"), build = section(meta, "ramus.build"),
    data = section(meta, "ramus.data"), protocol = section(meta, "ramus.protocol"), weights = checkpoint.hash(path) }
  if c.data then c.data.samples, c.data.files = nil, nil end
  if state then
    c.state = { epoch = state.epoch, batch = state.batch, complete = state.complete, best = tonumber(state.best),
      best_epoch = state.best_epoch, isa = state.isa }
  end
  return c
end

local function of_arrays(path)
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  if file.meta["ramus.model"] then
    file, err = checkpoint.open(path)
    if not file then return nil, err end
    return of_model(path, file)
  end
  return { kind = "arrays", arrays = arrays_of(file), metadata = file.meta }
end

--- A single array of a .npy file.
local function of_array(path)
  local value, err = require("ramus.lang.serialize").load(path)
  if not value then return nil, err end
  return { kind = "arrays", arrays = { { name = "array", shape = tensor.is(value) and value.shape or {}, dtype = "F32" } } }
end

local function of_run(path)
  local c, err = runs.facts(path)
  if not c then return nil, err end
  local opened = run.read(path)
  c.kind, c.recipe, c.build, c.files = "run", opened.recipe, opened.build, {}
  for i, name in ipairs(files.list(path)) do c.files[i] = { name = name, bytes = files.bytes(path .. "/" .. name:gsub("/$", "")) } end
  local scores = opened:evaluation()
  if type(scores) == "table" then c.per_image, c.pooled, c.protocol = scores.per_image, scores.pooled, scores.protocol end
  for _, which in ipairs { "best", "last" } do
    local at = names.path_of(path, which)
    if files.is_file(at) then
      local inner = contents.of(at)
      if inner then c.parameters, c[which] = inner.parameters, { weights = inner.weights, state = inner.state } end
    end
  end
  return c
end

local function of_set(path)
  local mark = prepared.mark(path)
  if not mark.files then return nil, ("%s: its mark cannot be read"):format(path) end
  local n = 0
  for _ in pairs(mark.files) do n = n + 1 end
  return { kind = "data set", set = mark.set, edition = mark.edition, options = mark.options, counts = mark.counts, notes = mark.notes,
    files = n, sums = mark.files }
end

local function of_json(path)
  local value = checkpoint.decode(files.read(path) or "", path)
  if type(value) ~= "table" or type(value.protocol) ~= "table" or type(value.per_image) ~= "table" then
    return nil, ("%s: holds no scores of ramus eval"):format(path)
  end
  return { kind = "scores", per_image = value.per_image, pooled = value.pooled, protocol = value.protocol, images = value.n }
end

local function of_results(path)
  local f, err = studies.facts(path)
  if f then f.kind = "results" end
  return f, err
end

local function of_picture(path)
  local d, err = image.info(path)
  if not d then return nil, err end
  d.kind = "picture"
  return d
end

local function of_folder(path)
  if runs.is(path) then return of_run(path) end
  if files.is_file(path .. "/prepared.json") then return of_set(path) end
  local opened, err = run.read(path)
  return opened and of_run(path), err
end

--- Readers by the ending of a file.
local READERS = { safetensors = of_arrays, npz = of_arrays, npy = of_array, json = of_json, jsonl = of_results }

function contents.of(path)
  if not files.exists(path) then return nil, ("there is no file or folder %s"):format(path) end
  if path:match "%.lua$" then
    return nil, ("%s is a program, which show does not run; ramus train %s --dry-run says what a recipe would do"):format(path, path)
  end
  if not files.is_folder(path) and not files.is_file(path) then return nil, ("%s is neither a file nor a folder"):format(path) end
  local foreign = files.is_file(path) and pickle(path)
  if foreign then return nil, foreign end
  local reader = files.is_folder(path) and of_folder or READERS[path:match "%.(%w+)$" or ""] or of_picture
  local c, err = reader(path)
  if not c then return nil, err end
  c.path, c.bytes = path, files.bytes(path)
  return c
end

return contents
