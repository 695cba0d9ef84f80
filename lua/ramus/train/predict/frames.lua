--- Frames of films: which ones a call asks for, and what their results are called.
--
--   frames.check "1,5-9"                  nil, or what is wrong with it
--   frames.expand({ "film.dcm" }, "all")  { { path =, frame = 0, part = " frame 0", name = "film_frame000" }, .. }
local film = require "ramus.data.film"
local files = require "ramus.base.files"
local image = require "ramus.data.image"

local frames = {}

local WANTS = "frames are all, best, or numbers from 0 as 1,5-9; given '%s'"

--- Ranges { first, last } of a text as 1,5-9; nil where it is none.
local function ranges_of(text)
  local list = {}
  for part in (text .. ","):gmatch "([^,]*),%s*" do
    local first, last = part:match "^(%d+)%-(%d+)$"
    first = tonumber(first or part:match "^%d+$")
    last = tonumber(last) or first
    if not first or first > last or last >= 2 ^ 31 then return nil end
    list[#list + 1] = { first, last }
  end
  return list
end

--- nil, or what is wrong with a text that asks for frames.
function frames.check(text)
  if text ~= "all" and text ~= "best" and not ranges_of(text) then return WANTS:format(text) end
end

--- The numbers that a text asks for of a file with n frames, each once, ascending; nil and a message.
local function numbers_of(path, text, n)
  if text == "best" then
    local best, err = film.best(path)
    return best and { best }, err
  end
  local wanted, list = {}, {}
  for _, r in ipairs(text == "all" and { { 0, n - 1 } } or ranges_of(text)) do
    if r[2] >= n then return nil, ("%s: frame %d was asked for, the file has %d, counted from 0"):format(path, r[2], n) end
    for k = r[1], r[2] do wanted[k] = true end
  end
  for k = 0, n - 1 do if wanted[k] then list[#list + 1] = k end end
  return list
end

--- Sources for outputs.plan: the frames of every path, or (text = nil) its first one. The results of a file with one frame have its name,
-- those of others NAME_frameNNN. A file that cannot be read is left as it is, so that its turn says why. nil and a message where a file
-- has not the frames; and a list of texts about films of which only the first frame is taken.
function frames.expand(paths, text)
  local list, said = {}, {}
  for _, path in ipairs(paths) do
    local info = image.info(path)
    local n = info and info.frames or 1
    local numbers, err = { 0 }, nil
    if info and text then numbers, err = numbers_of(path, text, n) end
    if not numbers then return nil, err end
    if n > 1 and not text then said[#said + 1] = ("%s has %d frames, the first is taken; --frames all, best or 1,5-9 takes others"):format(path, n) end
    local _, _, base = files.split(path)
    for _, k in ipairs(numbers) do
      local several = n > 1 and text
      list[#list + 1] = { path = path, frame = k, part = several and (" frame %d"):format(k) or nil,
        name = several and ("%s_frame%0" .. math.max(3, #tostring(n - 1)) .. "d"):format(base, k) or nil }
    end
  end
  return list, said
end

--- Texts that say how long a frame of every film took in the mean of predict's results. The first, which plans the model for its size, is
-- left out.
function frames.times(results)
  local texts, sum, n = {}, 0, 0
  for i, r in ipairs(results) do
    local before, after = results[i - 1], results[i + 1]
    if before and before.image == r.image then sum, n = sum + r.milliseconds, n + 1 end
    if not (after and after.image == r.image) then
      if n > 0 then texts[#texts + 1] = ("%s: %d frames, %.0f milliseconds a frame"):format(r.image, n + 1, sum / n) end
      sum, n = 0, 0
    end
  end
  return texts
end

return frames
