--- Which model a prediction takes: the run or model file that is named, else the model in the box, a small one for coronary angiograms that
-- lies beside the Lua files. RAMUS_MODEL names another one for that place (a run or a model's file), or none.
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local names = require "ramus.train.run.names"
local pickle = require "ramus.lang.pickle"

local box = {}
local here = debug.getinfo(1, "S").source:match("^@(.*)train/predict/in_the_box%.lua$") or "./"

box.NAME = "recipes/models/coronary.safetensors"

--- The path of the model in the box; nil and why there is none.
function box.path()
  local given = os.getenv "RAMUS_MODEL"
  if given == "none" then return nil, "RAMUS_MODEL is none" end
  if given and given ~= "" then
    if files.exists(given) then return given end
    return nil, ("RAMUS_MODEL names %s, which is not there"):format(given)
  end
  local path = here .. "../../" .. box.NAME
  if files.is_file(path) then return files.absolute(path) or path end
  return nil, ("this build has no %s"):format(box.NAME)
end

--- Does a file begin as safetensors do: 8 bytes, the length of a header that opens with a brace?
local function is_safetensors(path)
  local file = files.open(path, "rb")
  local head = file and file:read(9)
  if file then file:close() end
  if not head or #head < 9 or head:sub(9) ~= "{" then return false end
  return head:sub(5, 8) == "\0\0\0\0"
end

--- Is a path a run (a folder with a checkpoint) or a model, by its content or its name?
function box.is_model(path)
  if files.is_folder(path) then return files.is_file(names.path_of(path, "best")) or files.is_file(names.path_of(path, "last")) end
  return files.is_file(path) and (path:find "%.safetensors$" ~= nil or is_safetensors(path))
end

--- The model and the images that a command's words name. given: the model of --model, or nil. A first word that is not there counts as a run
-- where images follow it; one that is there and neither image nor model is refused before any image is looked at. Returns the model's path, a
-- list of images, and a line to print first where the model is that in the box; nil, a message and whether the use was wrong.
function box.choose(words, given)
  local first = words[1]
  if given then
    if not first then return nil, "predict wants images behind --model " .. given, true end
    return given, words
  end
  if not first then return nil, "predict wants a run (or model file) and images", true end
  if box.is_model(first) or not files.exists(first) and words[2] then
    if not words[2] then return nil, ("predict wants a run (or model file) and images; %s is a run, and no image follows it"):format(first), true end
    return first, { unpack(words, 2) }
  end
  if words[2] and files.is_file(first) and not image.info(first) then
    return nil, pickle(first)
      or ("predict: %s is no image that Ramus knows and no model: a model's file is safetensors, a run a folder with %s"):format(first, names.files.last)
  end
  local path, why = box.path()
  if path then return path, words, ("model   %s (the model in the box; name another: --model RUN)"):format(path) end
  local message = ("predict wants a run (or model file) and images: %s is no run (no %s in it) and no model, and no model is in the box (%s); "
    .. "write ramus predict RUN IMAGE..., or --model RUN"):format(first, names.files.last, why)
  return nil, message, not files.exists(first)
end

return box
