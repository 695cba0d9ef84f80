--- make fuzz: damaged files for every reader and damaged templates, seconds long, each reader in a process of its own.
--   ramus run tests/fuzz/main.lua [--seed N] [--count N] [--only READER]
-- Meant for the sanitized build. What a reader may do is give a value, or nil and a message. A file that breaks it stays in build/fuzz/.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. arg[0]:gsub("[^/]*/[^/]*$", "") .. "?.lua;" .. package.path
local processes = require "processes"
local readers = require "readers"

local given = { seed = 1, count = 300 }
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
local names = {}
for name in pairs(readers) do if not given.only or given.only == name then names[#names + 1] = name end end
table.sort(names)

local binary, here = processes.executable("."), arg[0]:gsub("[^/]*$", "")
local passed, failed = 0, 0
for _, name in ipairs(names) do
  local folder = "build/fuzz/" .. name
  os.execute("rm -rf " .. folder .. " && mkdir -p " .. folder)
  local text, status, seconds = processes.sh(("timeout 300 %s run %sone.lua %s %d %d %s"):format(binary, here, name, given.seed, given.count, folder))
  if status == 0 then passed = passed + 1 else failed = failed + 1 end
  print(("%-10s %5d files, seed %d: %s (%.1f s)"):format(name, given.count, given.seed, status == 0 and "held" or "FAILED, exit status " .. status, seconds))
  if status ~= 0 then print(text, "the file: " .. folder .. "/input") end
  io.flush()
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
