--- The results of a study: a file of JSON lines, one for each training, which is committed and outlives the run folders.
--
--   local r = results.read(path)      r[KEY] is the newest line of a cell; r.damaged the number of lines that are cut or no result
--   results.append(path, line)        adds one: under a lock, whole, synced
--   results.tidy(path, keys)          writes the file anew without superseded and damaged lines, in the order of the keys
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local C = ffi.C

local results = {}

--- A line as a table; nil where it is cut short, or no result.
local function decode(text)
  local ok, value = pcall(cjson.decode, text)
  return ok and type(value) == "table" and type(value.cell) == "string" and value or nil
end

--- Lines of a file as text, with or without an end.
local function lines_of(path) return (files.read(path) or ""):gmatch "[^\n]+" end

function results.read(path)
  local list = setmetatable({}, { __index = { damaged = 0 } })
  local damaged = 0
  for text in lines_of(path) do
    local line = decode(text)
    if line then list[line.cell] = line else damaged = damaged + 1 end
  end
  getmetatable(list).__index.damaged = damaged
  return list
end

--- Numbers have 6 significant digits; true, or nil and a message.
function results.append(path, line)
  local text = json.encode(line, 6)
  local ok, err = files.make_folder((files.split(path)))
  if not ok then return nil, err end
  if C.ra_file_append(path, text, #text) ~= 0 then return nil, ffi.message() end
  return true
end

--- keys: cells in the order that the file gets; others follow, as they were. Returns true and how many lines went; nil and a message.
function results.tidy(path, keys)
  local newest, order, total = {}, {}, 0
  local before = files.read(path)
  if not before then return true, 0 end
  for text in lines_of(path) do
    local line = decode(text)
    total = total + 1
    if line then
      if not newest[line.cell] then order[#order + 1] = line.cell end
      newest[line.cell] = text
    end
  end
  local out, done = {}, {}
  for _, list in ipairs { keys, order } do
    for _, key in ipairs(list) do
      if newest[key] and not done[key] then out[#out + 1], done[key] = newest[key] .. "\n", true end
    end
  end
  local text = table.concat(out)
  if text == before then return true, 0 end
  local ok, err = files.write(path, text)
  return ok, ok and total - #out or err
end

return results
