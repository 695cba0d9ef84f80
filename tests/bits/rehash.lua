--- make rehash WHY="what changed the bits": trains everything with this build and renews hashes.json. Where a hash changes, the
--- reason becomes a line in docs/CHANGELOG.md, and without one nothing is written. Hashes of other compilers that are known to
--- be stale now are dropped. ONLY=PART: the trainings whose name holds it.
package.path = arg[0]:gsub("[^/]*/[^/]*$", "") .. "?.lua;" .. arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local bits = require "bits"
local files = require "ramus.base.files"
local keep = require "keep"

local why, only = os.getenv "WHY" or "", os.getenv "ONLY" or ""
local CHANGELOG, SECTION = "docs/CHANGELOG.md", "\nThe house\n"
local scratch = "build/bits/rehash"
os.execute("rm -rf " .. scratch .. " && mkdir -p " .. scratch)

local changed = {}
for _, isa in ipairs(bits.sets) do
  for _, training in ipairs(bits.trainings) do
    if training.name:find(only, 1, true) and bits.has(isa) then
      local hash, reason = bits.run(require("processes").executable("."), training, isa, scratch)
      local news = hash and keep.put(isa, training.name, hash)
      if news == "changed" then changed[#changed + 1] = training.name .. " (" .. isa .. ")" end
      print(("%-9s %-8s %-46s %s"):format(not hash and "skipped" or news or "the same", isa, training.name, hash and hash:sub(1, 16) or reason))
      io.flush()
    end
  end
end

if #changed > 0 then
  if why == "" then
    print("nothing is written: " .. #changed .. " hashes changed; say what changed the bits: make rehash WHY=\"...\"")
    os.exit(1, true)
  end
  local text = assert(files.read(CHANGELOG))
  local at = select(2, text:find(SECTION, 1, true))
  assert(at, CHANGELOG .. " has no section " .. SECTION)
  assert(files.write(CHANGELOG, text:sub(1, at) .. "- Results change in their bits: " .. why .. "\n" .. text:sub(at + 1)))
end
keep.write()
