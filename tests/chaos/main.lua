--- make chaos: commands stopped and failed at every system call that changes state; power cuts; full disks, limits, strange outputs and clocks.
--
--   ramus run tests/chaos/main.lua [--kind calls|power|limits] [--only train|fetch|predict] [--every N] [--log FILE]
--
-- --log: of kind calls, a line for every try; the same command goes on behind them.
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
package.path = root .. "/tests/?.lua;" .. root .. "/tests/chaos/?.lua;" .. package.path
local sh = require("processes").sh
local ramus = sh("realpath " .. require("processes").executable(root)):gsub("\n", "")

local given = {}
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
local folder = sh("realpath $(mktemp -d)"):gsub("\n", "")
local passed, failed = 0, 0

local function tell(scene)
  return function(why)
    if why then io.write("FAILED: ", scene.name, ": ", why:sub(1, 900), "\n") end
    io.flush()
  end
end

--- What each kind tries, and a line of what came of it.
local KINDS = {
  { name = "calls", run = function(scene)
    local say = tell(scene)
    scene.every, scene.log, scene.each = given.every, given.log, function(_, _, why) say(why) end
    local r = require("sweep").run(scene)
    return r, ("%d calls that change state, %d tries, %d survived"):format(r.calls, r.tried, r.survived)
  end },
  { name = "power", run = function(scene)
    local say = tell(scene)
    local r = require("power").run(scene, { every = given.every, each = function(_, why) say(why) end })
    return r, ("%d calls, %d states that a power cut may leave, %d tried"):format(r.calls, r.states, r.tried)
  end },
  { name = "limits", run = function(scene)
    local say = tell(scene)
    local r = require("limits").run(scene, { every = given.every, each = function(_, why) say(why) end })
    return r, ("%d limits, %d survived%s"):format(r.tried, r.survived, #r.skipped > 0 and "; not tried: " .. table.concat(r.skipped, ", ") or "")
  end },
}

for _, kind in ipairs(KINDS) do
  if not given.kind or given.kind == kind.name then
    for _, scene in ipairs(require "scenes"(folder, ramus)) do
      if not given.only or scene.name == given.only then
        local r, text = kind.run(scene)
        io.write(("%s, %s: %s, %d wrong\n"):format(kind.name, scene.name, text, #r.wrong))
        io.flush()
        passed, failed = passed + r.tried - #r.wrong, failed + #r.wrong
      end
    end
  end
end
sh("rm -rf " .. folder)
io.write(("%d passed, %d failed\n"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
