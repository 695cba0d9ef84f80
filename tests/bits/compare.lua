--- Trains with two builds and compares the models, array by array: ramus run tests/bits/compare.lua OTHER SCRATCH [NAME-PART]
-- OTHER: the other build's executable; this one is the tree's. Exit status 1 where a model differs that should not.
-- With --keep the hashes of the other build go into hashes.json; for trainings that are exempt, those of this one.
package.path = arg[0]:gsub("[^/]*/[^/]*$", "") .. "?.lua;" .. arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local bits = require "bits"
local hashes = require "keep"

local keep, words = false, {}
for _, a in ipairs(arg) do if a == "--keep" then keep = true else words[#words + 1] = a end end
local other, scratch, part = words[1], words[2], words[3]
local this = require("processes").executable(".")

--- The first arrays that differ, as text.
local function differences(a, b)
  local seen, list = {}, {}
  for _, line in ipairs(a) do seen[line] = true end
  for _, line in ipairs(b) do if not seen[line] then list[#list + 1] = line:match("^%x+ (.*)$") end end
  return ("%d of %d arrays differ: %s"):format(#list, #b, table.concat(list, ", ", 1, math.min(#list, 4)))
end

local failed, passed = 0, 0
for _, isa in ipairs(bits.sets) do
  for _, training in ipairs(bits.trainings) do
    local wanted = not part or training.name:find(part, 1, true)
    if wanted and not bits.has(isa) then print(("skipped: %s, %s: this processor has no %s"):format(training.name, isa, isa))
    elseif wanted then
      os.execute(("rm -rf %s && mkdir -p %s/before %s/after"):format(scratch, scratch, scratch))
      local before, lines = bits.run(other, training, isa, scratch .. "/before")
      if not before then print(("skipped: %s, %s: %s"):format(training.name, isa, lines))
      else
        local after, now = bits.run(this, training, isa, scratch .. "/after")
        local same = before == after
        if same or training.exempt then passed = passed + 1 else failed = failed + 1 end
        print(("%-10s %-8s %-46s %s"):format(same and "same" or training.exempt and "exempt" or "DIFFERENT", isa, training.name,
          same and after:sub(1, 16) or training.exempt or differences(lines, now)))
        if keep then hashes.put(isa, training.name, training.exempt and after or before) end
      end
      io.flush()
    end
  end
end
if keep then hashes.write() end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1, true)
