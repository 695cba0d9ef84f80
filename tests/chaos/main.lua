--- make chaos: commands stopped and failed at every system call that changes state.
--
--   ramus run tests/chaos/main.lua [--only train|fetch|predict] [--every N]
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
package.path = root .. "/tests/?.lua;" .. root .. "/tests/chaos/?.lua;" .. package.path
local sh = require("processes").sh
local ramus = sh("realpath " .. require("processes").executable(root)):gsub("\n", "")
local sweep = require "sweep"

local only, every
for i, a in ipairs(arg) do
  if a == "--only" then only = arg[i + 1] elseif a == "--every" then every = assert(tonumber(arg[i + 1])) end
end
local folder = sh "mktemp -d":gsub("\n", "")
local passed, failed = 0, 0
for _, scene in ipairs(require "scenes"(folder, ramus)) do
  if not only or scene.name == only then
    scene.every = every
    scene.each = function(_, _, why)
      if why then io.write("FAILED: ", scene.name, ": ", why:sub(1, 600), "\n") end
      io.flush()
    end
    local r = sweep.run(scene)
    io.write(("%s: %d calls that change state, %d tries, %d survived, %d wrong\n"):format(scene.name, r.calls, r.tried, r.survived, #r.wrong))
    passed, failed = passed + r.tried - #r.wrong, failed + #r.wrong
  end
end
sh("rm -rf " .. folder)
io.write(("%d passed, %d failed\n"):format(passed, failed))
os.exit(failed == 0 and 0 or 1, true)
