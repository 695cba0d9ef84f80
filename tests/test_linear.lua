--- Readers of files take time in proportion to what a file holds, however many names are in it.
local check = require "check"
local files = require "ramus.base.files"
local ra = require "ramus"

local folder = check.folder "linear"
local FEW, TIMES = os.getenv "RAMUS_TEST_ALL" and 10000 or 4000, 10

--- A safetensors file: its header as text, and the bytes of its data.
local function safetensors(path, header, size)
  local n = #header
  local length = string.char(n % 256, math.floor(n / 256) % 256, math.floor(n / 65536) % 256, math.floor(n / 16777216), 0, 0, 0, 0)
  assert(files.write(path, length .. header .. ("\0"):rep(size)))
end

local makers = {
  ["metadata keys"] = function(path, count)
    local keys = {}
    for i = 1, count do keys[i] = ('"key %d":"v"'):format(i) end
    safetensors(path, ('{"__metadata__":{%s},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'):format(table.concat(keys, ",")), 4)
  end,
  ["safetensors arrays"] = function(path, count)
    local list = {}
    for i = 1, count do list[i] = ('"array %d":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'):format(i, 4 * i - 4, 4 * i) end
    safetensors(path, "{" .. table.concat(list, ",") .. "}", 4 * count)
  end,
  ["npz arrays"] = function(path, count)
    local one, list = ra.zeros(1), {}
    for i = 1, count do list["array " .. i] = one end
    assert(ra.save(path, list))
  end,
}

--- A file of a model: a chain of a quarter as many ops.
makers["ops of a model"] = function(path, count)
  local list = {}
  for i = 1, count / 4 do list[i] = ('{"op":"relu","inputs":["%s"],"options":{}}'):format(i == 1 and "x" or "n:" .. i - 1) end
  local model = assert(require("ramus.lang.template").new(('{"entries":[%s],"outputs":{"out":"n:%d"},"channels":1,"parameters":[],"constants":0}'):format(
    table.concat(list, ","), #list)))
  local constants = ra.model(function(x) return ra.F.relu(x) end)
  constants.template = model
  assert(constants:save(path))
end

--- Opens a file of the kind; how many things it holds.
local function open(what, path)
  if what == "ops of a model" then
    local m = assert(ra.load_model(path))
    m:forward(ra.rand(1, 1, 8, 8))
    return 4 * #m.template.entries
  end
  local found = 0
  for _ in pairs(assert(ra.load(path))) do found = found + 1 end
  return found
end

for what, make in pairs(makers) do
  check.case(("linear: ten times as many %s take about ten times as long"):format(what), function()
    local seconds = {}
    for i, count in ipairs { FEW, FEW * TIMES } do
      local path = ("%s/%d%s"):format(folder, count, what:find "npz" and ".npz" or ".safetensors")
      make(path, count)
      for _ = 1, 3 do -- processor time, the best of three: the machine may be busy
        collectgarbage()
        local began = os.clock()
        local found = open(what, path)
        seconds[i] = math.min(seconds[i] or math.huge, os.clock() - began)
        check.equal(found, what == "metadata keys" and 1 or count)
      end
    end
    -- with the square it would be a hundred times; small files take what starting takes
    check.ok(seconds[2] < 4 * TIMES * math.max(seconds[1], 0.01), ("%.3f and %.3f s"):format(seconds[1], seconds[2]))
  end)
end
