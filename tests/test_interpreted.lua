--- The house's own Lua is not compiled (see base/interpreted.lua), and what a script does is. In processes of their own, where
-- LuaJIT has compiled nothing yet.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"

local folder = check.folder "interpreted"
local ramus = processes.executable(check.root)

--- Prints the source of every function that is part of a completed trace while f runs n times.
local WATCH = [[
local ra = require "ramus"
local funcinfo = require("jit.util").funcinfo
local function watched(n, f)
  local recording = {}
  jit.attach(function(_, func) if type(func) == "function" then recording[funcinfo(func).source or "?"] = true end end, "record")
  jit.attach(function(what)
    if what == "stop" then for source in pairs(recording) do print(source) end end
    recording = {}
  end, "trace")
  for _ = 1, n do f() end
end
]]

--- Sources of the functions in the traces of a script.
local function traced(name, body)
  local path = ("%s/%s.lua"):format(folder, name)
  assert(files.write(path, WATCH .. body))
  local text, status = processes.sh(("%s run %s"):format(ramus, path))
  check.equal(status, 0, text)
  local list = {}
  for source in text:gmatch "[^\n]+" do list[#list + 1] = source end
  return list
end

check.case("interpreted: no trace runs through the house's modules", function()
  local compiled = require "ramus.base.interpreted"
  for _, source in ipairs(traced("house", [[
    local x, net = ra.ones(1, 1, 16, 16), ra.models.unet { depth = 2, width = 2 }
    watched(200, function()
      local _ = { ra.F.conv2d(x, ra.ones(1, 1, 3, 3), nil, { pad = 1 }) + 1, ra.loss.dice { smooth = 2 }, net:forward(x) }
      pcall(ra.nn.conv2d, { 1, 2, padd = 3 })
    end)]])) do
    local module = source:match "lua/(ramus/.*)%.lua$"
    module = module and module:gsub("/", ".")
    check.ok(not module or compiled[module], ("%s was compiled"):format(source))
  end
end)

check.case("interpreted: the loops of scripts are compiled, with the elements of tensors in them", function()
  local sources = table.concat(traced("script", [[
    local x, sum = ra.ones(1, 1, 16, 16), 0
    watched(5, function()
      for i = 1, 300 do sum = sum + x:get(1, 1, 1, 1 + i % 16) end
    end)]]), "\n")
  check.ok(sources:find("script.lua", 1, true), "the script's loop was not compiled: " .. sources)
end)
