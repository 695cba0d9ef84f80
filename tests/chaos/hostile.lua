--- A set fetched from a server whose every answer is drawn at random (transfer.lua).
--
--   ramus run tests/chaos/hostile.lua [--seeds 100] [--first 1] [--log FILE]
--
-- The log has a line of JSON for every fetch: { seed, outcome, seconds, wrong }.
local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
package.path = root .. "/tests/?.lua;" .. root .. "/tests/chaos/?.lua;" .. package.path
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local sh = require("processes").sh
local transfer = require "transfer"

local given = { seeds = 100, first = 1 }
for i = 1, #arg, 2 do given[arg[i]:match "^%-%-(%a+)$" or error("unknown option " .. arg[i], 0)] = tonumber(arg[i + 1]) or arg[i + 1] end
local folder = sh("realpath $(mktemp -d)"):gsub("\n", "")
local command = sh("realpath " .. require("processes").executable(root)):gsub("\n", "")

local function each(seed, why, outcome, seconds)
  if why then print(("FAILED: seed %d: %s"):format(seed, why:sub(1, 900))) end
  if not given.log then return end
  local entry = { seed = seed, wrong = why, outcome = outcome:sub(1, 300), seconds = tonumber(("%.3g"):format(seconds)) }
  assert(files.append(given.log, json.encode(entry)))
end

local r = assert(transfer.run { root = root, folder = folder, seeds = given.seeds, first = given.first, command = command, each = each })
sh("rm -rf " .. folder)
print(("%d fetches, %d came\n%d passed, %d failed"):format(r.tried, r.came, r.tried - #r.wrong, #r.wrong))
os.exit(#r.wrong == 0 and r.tried > 0 and 0 or 1, true)
