--- The house's own Lua is not compiled (see base/interpreted.lua), and what a script does is.
local check = require "check"
local ra = require "ramus"
local compiled = require "ramus.base.interpreted"
local funcinfo = require("jit.util").funcinfo

--- Sources of the functions in the traces that LuaJIT completes while f runs n times.
local function traced(f, n)
  local seen, recording = {}, {}
  local function watch_record(_, func)
    if type(func) == "function" then recording[funcinfo(func).source or "?"] = true end
  end
  local function watch_trace(what)
    if what == "stop" then for source in pairs(recording) do seen[source] = true end end
    recording = {}
  end
  jit.attach(watch_record, "record")
  jit.attach(watch_trace, "trace")
  local ok, err = pcall(function() for _ = 1, n do f() end end)
  jit.attach(watch_record)
  jit.attach(watch_trace)
  check.ok(ok, err)
  return seen
end

check.case("interpreted: no trace runs through the house's modules, scripts are compiled", function()
  local x, net = ra.ones(1, 1, 16, 16), ra.models.unet { depth = 2, width = 2 }
  local seen = traced(function()
    local _ = { ra.F.conv2d(x, ra.ones(1, 1, 3, 3), nil, { pad = 1 }) + 1, ra.loss.dice { smooth = 2 }, net:forward(x) }
    pcall(ra.nn.conv2d, { 1, 2, padd = 3 })
  end, 200)
  local mine = false
  for source in pairs(seen) do
    local module = source:match "lua/(ramus/.*)%.lua$"
    module = module and module:gsub("/", ".")
    check.ok(not module or compiled[module], ("%s was compiled"):format(source))
  end
  seen = traced(function()
    local sum = 0
    for i = 1, 300 do sum = sum + x:get(1, 1, 1, 1 + i % 16) end
  end, 5)
  for source in pairs(seen) do mine = mine or source:find("test_interpreted", 1, true) ~= nil end
  check.ok(mine, "the loop of this test was not compiled")
end)
