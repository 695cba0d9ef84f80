--- One reader on one seed, in a process of its own: ramus run tests/fuzz/one.lua READER SEED COUNT FOLDER. main.lua starts it.
-- The file that is being read is FOLDER/input, so that it is there when the process ends before its time.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local files = require "ramus.base.files"
local readers = require "readers"

local root = arg[0]:gsub("tests/fuzz/[^/]*$", "")
if root == "" then root = "." end
local reader, seed, count, folder = assert(readers[arg[1]], "no such reader"), tonumber(arg[2]), tonumber(arg[3]), arg[4]
math.randomseed(seed)
local function random(n) return math.random(1, n) end

local WORDS = { "\0", "\255", "\127\255\255\255", "\255\255\255\255", "\0\0\0\0", "\1\0\0\0", "9999999999", "-1", "{", "}", "[", "\n" }

--- Changes that find their way into headers: most near the beginning, some by whole words.
local function bytes_changed(text)
  for _ = 1, random(4) do
    local n = #text
    if n == 0 then return text end
    local at = random(3) > 1 and random(math.min(n, 128)) or random(n)
    local kind = random(6)
    if kind == 1 then text = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1)
    elseif kind == 2 then text = text:sub(1, at) -- cut short
    elseif kind == 3 then
      local word = WORDS[random(#WORDS)]
      text = text:sub(1, at - 1) .. word .. text:sub(at + #word)
    elseif kind == 4 then text = text:sub(1, at) .. WORDS[random(#WORDS)] .. text:sub(at + 1)
    elseif kind == 5 then text = text:sub(1, at) .. text:sub(at + random(16)) -- a hole
    else text = text:sub(1, at) .. text:sub(math.max(1, at - random(64))) end -- a repetition
  end
  return text
end

local input = folder .. "/input" .. (reader.ending or "")
local seeds = reader.seeds(root, folder)
for i = 1, count do
  local text = seeds[random(#seeds)]
  if reader.mutate then reader.mutate(text, random, input) else assert(files.write(input, bytes_changed(text))) end
  local ok, value, err = pcall(reader.read, input)
  if not ok then error(("file %d of seed %d: an error was raised, where nil and a message are promised: %s"):format(i, seed, tostring(value)), 0) end
  if not value and (type(err) ~= "string" or #err < 8) then error(("file %d of seed %d: no message (%s)"):format(i, seed, tostring(err)), 0) end
  if i % 64 == 0 then collectgarbage() end
end
