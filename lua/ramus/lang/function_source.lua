--- Where a Lua function is written, and the hash of what decides what it does.
local files = require "ramus.base.files"
local hash = require "ramus.base.hash"
local json = require "ramus.base.json"

local function_source = {}

--- The source of a function, and the numbers, strings and booleans that it uses from around it.
function function_source.of(f)
  local info, values = debug.getinfo(f, "S"), {}
  local lines, n = {}, 0
  for line in (files.read(info.source:match "^@(.*)" or "") or info.source):gmatch "([^\n]*)\n?" do
    n = n + 1
    if n >= info.linedefined and n <= info.lastlinedefined then lines[#lines + 1] = line end
  end
  for i = 1, 255 do
    local name, value = debug.getupvalue(f, i)
    if not name then break end
    local kind = type(value)
    if kind == "number" or kind == "string" or kind == "boolean" then values[name] = value end
  end
  return { source = table.concat(lines, "\n"), values = values }
end

--- The file that a function is written in, as a whole path, or nil; its first line.
function function_source.place(f)
  local info = debug.getinfo(f, "S")
  local path = info.source:match "^@(.*)"
  return path and files.is_file(path) and files.absolute(path) or nil, info.linedefined
end

--- SHA-256 of what `of` gives.
function function_source.sha256(f) return hash.sha256(json.encode(function_source.of(f))) end

--- { file =, line =, sha256 = } of a function; no file where it was not read from one.
function function_source.reference(f)
  local path, line = function_source.place(f)
  return { file = path, line = line, sha256 = function_source.sha256(f) }
end

--- The Lua expression that finds it again.
function function_source.expression(f)
  local r = function_source.reference(f)
  if not r.file then return ("nil --[[ a function of no file, sha256 %s: see the recipe as written ]]"):format(r.sha256) end
  return ("ra.loss.from { file = %q, line = %d, sha256 = %q }"):format(r.file, r.line, r.sha256)
end

--- Adds the functions that begin at a line of a file to `found`: in the value that the file returns, itself or up to `depth` tables deep.
local function search(value, line, depth, found)
  if type(value) == "function" and debug.getinfo(value, "S").linedefined == line then found[value] = true end
  if type(value) ~= "table" or depth == 0 then return found end
  for _, v in pairs(value) do search(v, line, depth - 1, found) end
  return found
end

--- The function that a reference means; nil and a message where it is no longer there, or another one. Runs the file.
function function_source.find(r)
  local value, err = files.run(r.file)
  if err then return nil, err end
  local found = search(value, r.line, 4, {})
  local f = next(found)
  if not f then return nil, ("%s: no function begins at line %d of what it returns"):format(r.file, r.line) end
  if next(found, f) then return nil, ("%s: several functions begin at line %d; give each a line of its own"):format(r.file, r.line) end
  local now = function_source.sha256(f)
  if now ~= r.sha256 then return nil, ("%s:%d: the function has changed: its sha256 is %s, wanted %s"):format(r.file, r.line, now, r.sha256) end
  return f
end

return function_source
