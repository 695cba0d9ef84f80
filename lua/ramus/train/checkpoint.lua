--- Checkpoints: models and whole training states in one safetensors file.
--
-- Data only: the model is stored as the list of its ops, so that loading never
-- runs code. Arrays: "NAME" of every parameter and buffer, "constant.K"; of a
-- training state also "optim.*", "teacher.*", "ema.*", "gradient". Metadata, as
-- strings: "ramus.model" (JSON), "ramus.state" (JSON), "ramus.recipe" (source),
-- "ramus.resolved", "ramus.protocol" (JSON), "ramus.data" (JSON: sha256 by sample).
local cjson = require "cjson"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local model = require "ramus.lang.model"
local safetensors = require "ramus.lang.safetensors"

local checkpoint = {}

--- JSON arrays come back as tables; whole numbers stay numbers.
local function decode(text, what)
  local ok, value = pcall(cjson.decode, text)
  if not ok then return nil, ("%s is not valid JSON: %s"):format(what, value) end
  return value
end
checkpoint.decode, checkpoint.encode = decode, json.encode

--- Opens a checkpoint file; nil and a message where it is no checkpoint, cut short or changed.
function checkpoint.open(path)
  local file, err = safetensors.load(path)
  if not file then return nil, err end
  if not file.meta["ramus.model"] then return nil, ("%s: holds no model (no 'ramus.model' in its metadata)"):format(path) end
  if not file.checked then return nil, ("%s: holds no checksum, so it is not a file that Ramus wrote"):format(path) end
  return file
end

--- The model in an open checkpoint; `prefix` takes another set of values, as "ema.".
function checkpoint.read_model(file, prefix)
  local template, err = decode(file.meta["ramus.model"], "the model in " .. file.path)
  if not template then return nil, err end
  local function stored(name) return prefix and file:has(prefix .. name) and prefix .. name or name end
  local values = { has = function(_, name) return file:has(stored(name)) end, get = function(_, name) return file:get(stored(name)) end,
    read = function(_, name, t) return file:read(stored(name), t) end }
  local m
  m, err = model.from_template(template, values)
  if not m then return nil, ("%s: %s"):format(file.path, err) end
  return m
end

--- ra.load_model(path): a file, or a run folder (its best checkpoint, else its last). nil and a message on failure.
-- Returns the model and the open file.
function checkpoint.load_model(path)
  if type(path) ~= "string" then error("load_model: wants a path, given " .. tostring(path), 2) end
  if files.is_folder(path) then
    local best, last = path .. "/best.safetensors", path .. "/last.safetensors"
    path = files.is_file(best) and best or last
  end
  local file, err = checkpoint.open(path)
  if not file then return nil, err end
  local state = file.meta["ramus.state"] and decode(file.meta["ramus.state"], "state")
  local m
  m, err = checkpoint.read_model(file, state and state.averaged and "ema." or nil)
  if not m then return nil, err end
  return m, file
end

return checkpoint
