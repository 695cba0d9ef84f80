--- frame = "best": the frame of a film with the most contrast agent, by the measure of image.contrast.
-- Looking at a film takes some 10 ms a frame, so its answer is kept by content below XDG_CACHE_HOME/ramus/best.
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local prepared = require "ramus.data.prepared"

local film = {}

local MEASURE = "contrast 1" -- another formula: another number
local known = {}

--- The file that keeps the answer for a film, or nil where there is no place for it.
local function place(path)
  local root = files.cache "best"
  local sum = root and prepared.sha256_file(path)
  return sum and ("%s/%s"):format(root, prepared.sha256(MEASURE .. " " .. sum):sub(1, 32))
end

--- The best frame of a film, from 0; nil and a message.
function film.best(path)
  local at = place(path)
  local key = at or path
  known[key] = known[key] or (at and tonumber(files.is_file(at) and files.read(at) or ""))
  if known[key] then return known[key] end
  local frame, err = image.best_frame(path)
  if not frame then return nil, err end
  known[key] = frame
  if at and files.make_folder((files.split(at))) then files.write(at, ("%d\n"):format(frame)) end -- lost where it cannot be written
  return frame
end

--- The number of a source's frame; of a film that cannot be read 0, so that whoever reads it says why.
function film.frame(source)
  if source.frame ~= "best" then return source.frame end
  return source.path and film.best(source.path) or 0
end

--- What is wrong with a frame that a data set declares; nil where nothing is.
function film.wrong(frame)
  if frame == nil or frame == "best" then return nil end
  if type(frame) == "number" and frame >= 0 and frame == math.floor(frame) and frame < 2 ^ 31 then return nil end
  return ("frame is a number from 0, or \"best\", given %s"):format(type(frame) == "string" and ("'%s'"):format(frame) or tostring(frame))
end

return film
