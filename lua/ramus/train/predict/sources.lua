--- The images that a list of paths stands for: files as they are, folders for the images in them; and what was left out, and why.
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local outputs = require "ramus.train.predict.outputs"

local sources = {}

--- A glob of a shell as a Lua pattern: * any text, ? one character, [abc] and [!abc] one of these or none of them.
local function pattern_of(glob)
  local text, at = "^", 1
  while at <= #glob do
    local c = glob:sub(at, at)
    local set, stop = glob:match("^%[([!^]?%]?[^%]]*)%]()", at)
    if c == "*" then text = text .. ".*"
    elseif c == "?" then text = text .. "[^\128-\191][\128-\191]*"
    elseif set then
      text = text .. "[" .. set:gsub("^!", "^"):gsub("[%%%]%[]", "%%%0") .. "]"
      at = stop - 1
    else text = text .. c:gsub("%W", "%%%0") end
    at = at + 1
  end
  return text .. "$"
end

--- Why a file of a folder is left out; nil where it is taken.
local function reason(path, name, pattern)
  if name:sub(1, 1) == "." or name == "__MACOSX/" then return "hidden" end
  if name:sub(-1) == "/" then return "folders in it, which are not looked into" end
  if pattern and not name:find(pattern) then return "do not fit the pattern" end
  if not pattern and not image.is_name(name) then return "no image's ending" end
  if outputs.mark_of(path) then return "written by predict before" end
  if not files.is_file(path) then return files.exists(path) and "no regular file" or "a link to nowhere" end
end

--- "left out 3 of 9 entries of FOLDER: no image's ending: notes.txt, Thumbs.db; hidden: .a.png"
local function text_of(folder, left, total)
  local order, by, count = {}, {}, 0
  for _, l in ipairs(left) do
    if not by[l.reason] then
      order[#order + 1], by[l.reason] = l.reason, {}
    end
    table.insert(by[l.reason], l.name)
    count = count + 1
  end
  for i, why in ipairs(order) do
    local names = by[why]
    order[i] = why .. ": " .. table.concat(names, ", ", 1, math.min(5, #names)) .. (#names > 5 and (", and %d more"):format(#names - 5) or "")
  end
  return ("left out %d of %d entries of %s: %s"):format(count, total, folder, table.concat(order, "; "))
end

--- Takes the images of a folder into list and adds what was left out to `left`. Returns true; nil and a message where it holds none.
local function of_folder(folder, pattern, list, left)
  local names, err = files.list(folder, { hidden = true })
  if not names then return nil, err end
  local out, found = {}, 0
  for _, name in ipairs(names) do
    local path = folder:gsub("(.)/+$", "%1") .. "/" .. name
    local why = reason(path, name, pattern)
    if why then out[#out + 1] = { name = name, path = path, reason = why }
    else
      found = found + 1
      list[#list + 1] = path
    end
  end
  if #out > 0 then left[#left + 1] = text_of(folder, out, #names) end
  if found > 0 then return true end
  return nil, ("the folder %s holds no images (%s)%s"):format(folder, pattern and "by the pattern" or table.concat(image.extensions(), ", "),
    #out > 0 and "; " .. left[#left] or "")
end

--- Paths of the images, each once, and a list of texts about what was left out; nil and a message. given: pattern (a glob for the
-- names in folders, whatever their endings).
function sources.collect(paths, given)
  local list, left = {}, {}
  local pattern = given and given.pattern and pattern_of(given.pattern)
  for _, path in ipairs(paths) do
    if files.is_folder(path) then
      local ok, err = of_folder(path, pattern, list, left)
      if not ok then return nil, err end
    elseif files.is_file(path) then list[#list + 1] = path
    else return nil, (files.exists(path) and "%s is no regular file" or "no such image or folder: %s"):format(path) end
  end
  local seen, once = {}, {}
  for _, path in ipairs(list) do
    local whole = files.absolute(path) or path
    if not seen[whole] then once[#once + 1] = path end
    seen[whole] = true
  end
  return once, left
end

return sources
