--- The results of a study: a file of JSON lines, one for each training, which is committed and outlives the run folders.
--
--   local r = results.read(path)      r[KEY] is the newest line of a cell; r.damaged the number of lines that are cut or no result (then the cell is run
--                                     again)
--   results.list(path)                the newest line of every cell, in the order of the file; the number of damaged lines
--   results.append(path, line)        adds one: under a lock, whole, synced
--   results.tidy(path, keys)          writes the file anew without superseded and damaged lines, in the order of the keys
local always = require "ramus.base.always"
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local C = ffi.C

local results = {}

-- ---- what a line must be for tables to be made of it ------------------------------------

local function all(t, is)
  if type(t) ~= "table" then return false end
  for k, v in pairs(t) do if not is(v, k) then return false end end
  return true
end

local function of_type(name) return function(v) return type(v) == name end end
local is_text, is_number = of_type "string", of_type "number"
local function is_score(v) return type(v) == "number" or v == cjson.null end
local function is_plain(v) return type(v) ~= "table" or all(v, is_text) end

--- Lists of as many numbers as there are pictures, by metric.
local function are_columns(columns, count)
  return all(columns, function(list, name) return is_text(name) and all(list, is_score) and #list == count end)
end

local function is_scored(s)
  if type(s) ~= "table" or not all(s.pictures, is_text) or #s.pictures == 0 or not all(s.protocol, is_plain) then return false end
  if s.groups ~= nil and not (all(s.groups, function(g) return g == false or is_text(g) end) and #s.groups == #s.pictures) then return false end
  local main = s.protocol.output
  return is_text(main) and type(s.outputs) == "table" and s.outputs[main] ~= nil
    and all(s.outputs, function(columns) return are_columns(columns, #s.pictures) end)
end

--- Fields by name: whether a value is one.
local FIELDS = {
  cell = is_text, recipe = is_text, isa = is_text, compiler = is_text, processor = is_text, threads = is_number, seed = is_number,
  build = function(v) return all(v, is_text) and v.version and v.commit and v.kernels end,
}
local OF_SCORES = {
  scores = function(v) return all(v, is_scored) end,
  weights = function(v) return all(v, is_text) and next(v) ~= nil end,
  cost = function(v) return all(v, is_number) and v.seconds and v.cpu_seconds and v.steps and v.parameters end,
  data = function(v) return all(v, is_text) and v.set and v.hash end,
}

local function has(line, fields)
  for name, is in pairs(fields) do if not is(line[name]) then return false end end
  return true
end

--- Whether tables can be made of a line: it has all fields, of the right kind.
local function is_result(line)
  if not has(line, FIELDS) then return false end
  if line.blas ~= nil and not is_text(line.blas) then return false end
  if line.failed ~= nil then return is_text(line.failed) end
  return has(line, OF_SCORES)
end

--- A line as a table; nil where it is cut short, or was not written for a cell.
local function decode(text)
  local ok, value = pcall(json.decode, text)
  return ok and type(value) == "table" and type(value.cell) == "string" and value or nil
end

--- Lines of a file as text, with or without an end.
local function lines_of(path) return (files.read(path) or ""):gmatch "[^\n]+" end

--- The newest line of every cell by its key, keys in the order of the file, the number of damaged lines.
local function read(path)
  local list, order, damaged = {}, {}, 0
  for text in lines_of(path) do
    local line = decode(text)
    if line and is_result(line) then
      if not list[line.cell] then order[#order + 1] = line.cell end
      list[line.cell] = line
    else damaged = damaged + 1 end
  end
  return list, order, damaged
end

function results.read(path)
  local list, _, damaged = read(path)
  return setmetatable(list, { __index = { damaged = damaged } })
end

function results.list(path)
  local newest, order, damaged = read(path)
  for i, key in ipairs(order) do order[i] = newest[key] end
  return order, damaged
end

-- Seconds that a process waits for others that write the file.
local PATIENCE = 60

--- f() while no other process writes the file; nil and a message.
local function alone(path, f)
  local till, release, err = C.ra_clock() + PATIENCE, files.lock(path .. ".lock")
  while not release and C.ra_clock() < till do
    C.ra_sleep(0.05)
    release, err = files.lock(path .. ".lock")
  end
  if not release then return nil, err end
  return always(f, release)
end

--- Numbers have 6 significant digits; true, or nil and a message.
function results.append(path, line)
  local text = json.encode(line, 6)
  local ok, err = files.make_folder((files.split(path)))
  if not ok then return nil, err end
  return alone(path, function() return files.append(path, text) end)
end

--- The same of a file that nobody else writes.
local function tidy(path, keys)
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

--- keys: cells in the order that the file gets; others follow, as they were. Returns true and how many lines went; nil and a message.
function results.tidy(path, keys)
  if not files.exists(path) then return true, 0 end
  return alone(path, function() return tidy(path, keys) end)
end

return results
