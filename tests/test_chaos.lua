--- Commands stopped and failed at system calls that change state, power cuts, limits: a sample of what make chaos tries; and that the sweep and the
-- simulated power cut see what they look for.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
package.path = check.root .. "/tests/chaos/?.lua;" .. package.path
local limits = require "limits"
local power = require "power"
local sweep = require "sweep"
local transfer = require "transfer"
local sh = processes.sh

local strace = select(2, sh "strace -qq -o /dev/null true") == 0 and not os.getenv "RAMUS_SANITIZED"
local all = os.getenv "RAMUS_TEST_ALL"
local EVERY = { train = 71, fetch = 41, predict = 61 }
local POWER = { train = 180, fetch = 26, predict = 44 }
local folder = check.folder "chaos"
local ramus = sh("realpath " .. processes.executable(check.root)):gsub("\n", "")

if strace and select(2, sh "zip -v") == 0 then
  for _, scene in ipairs(require "scenes"(sh("realpath " .. folder):gsub("\n", ""), ramus)) do
    check.case(("chaos: %s ends in the same bytes after a power cut at any call"):format(scene.name), function()
      local r = power.run(scene, { every = all and 20 or POWER[scene.name] })
      check.ok(r.states > 50 and r.tried >= 2, ("%d states, %d tries"):format(r.states, r.tried))
      check.equal(#r.wrong, 0, table.concat(r.wrong, "\n"))
    end)
    check.case(("chaos: %s on a full disk, with little memory, few descriptors and threads, closed outputs, a jumping clock"):format(scene.name), function()
      local r = limits.run(scene, { every = all and 5 or 22 })
      check.ok(r.tried >= 5, r.tried .. " tries")
      check.equal(#r.wrong, 0, table.concat(r.wrong, "\n"))
    end)
    check.case(("chaos: %s ends in the same bytes after a kill or an error at any call"):format(scene.name), function()
      scene.every = all and 5 or EVERY[scene.name]
      local r = sweep.run(scene)
      check.ok(r.calls > 50 and r.tried > 5, ("%d calls, %d tries"):format(r.calls, r.tried))
      check.equal(#r.wrong, 0, table.concat(r.wrong, "\n"))
    end)
  end
else
  check.case("chaos", function() check.skip "needs strace and zip, and no sanitizer" end)
end

check.case("chaos: a command that leaves half a file, or loses one without a word, is found", function()
  if not strace then check.skip "needs strace, and no sanitizer" end
  local place = sh("realpath " .. check.folder "chaos_bad"):gsub("\n", "")
  assert(files.write(place .. "/half.lua", [[
    os.execute "mkdir -p out"
    if io.open "out/a" then os.exit(0, true) end
    for _, name in ipairs { "a", "b" } do
      local f = io.open("out/" .. name, "w")
      if f then f:write "text" f:close() end
    end]]))
  local r = sweep.run { name = "half", command = "run half.lua", kept = "out", folder = place, ramus = ramus, errors = { "EIO" } }
  local text = table.concat(r.wrong, "\n")
  check.ok(text:find("signal=KILL at write.*after the same command again a differs, b is missing"), text)
  check.ok(text:find("error=EIO at write.*status 0, but [ab] differs"), text)
end)

check.case("chaos: a command that renames what it has not synced is found", function()
  if not strace then check.skip "needs strace, and no sanitizer" end
  local place = sh("realpath " .. check.folder "chaos_unsynced"):gsub("\n", "")
  assert(files.write(place .. "/unsynced.lua", [[
    os.execute "mkdir -p out"
    if io.open "out/a" then os.exit(0, true) end
    local f = io.open("out/a.part", "w")
    f:write "text" f:close()
    os.rename("out/a.part", "out/a")]]))
  local r = power.run({ name = "unsynced", command = "run unsynced.lua", kept = "out", folder = place, ramus = ramus }, {})
  check.ok(table.concat(r.wrong, "\n"):find("names without their bytes left after rename.*a differs"), table.concat(r.wrong, "\n"))
end)

check.case("chaos: fetches from a server whose answers are drawn at random bring the right bytes, or a message and nothing that hinders the next", function()
  local place = sh("realpath " .. check.folder "chaos_hostile"):gsub("\n", "")
  local r, why = transfer.run { root = check.root, folder = place, seeds = all and 200 or 24, first = 1, command = all and ramus or nil }
  if not r then check.skip(why) end
  check.equal(#r.wrong, 0, table.concat(r.wrong, "\n"))
end)
