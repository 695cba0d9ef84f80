--- Trainings give the bits that tests/bits/hashes.json holds: the short ones here, with RAMUS_TEST_ALL the whole ones too.
-- `make rehash` renews the hashes, where results are meant to change.
local check = require "check"
package.path = check.root .. "/tests/bits/?.lua;" .. package.path
local bits = require "bits"

local binary = require("processes").executable(check.root)
local folder = check.folder("bits")
local all = os.getenv "RAMUS_TEST_ALL"
local kept = bits.read()[bits.compiler()]

for _, isa in ipairs(bits.sets) do
  for _, training in ipairs(bits.trainings) do
    if training.quick or all then
      check.case(("bits: %s, %s"):format(training.name, isa), function()
        if os.getenv "RAMUS_SANITIZED" then check.skip "the sanitized build is another build" end
        if not kept then check.skip("no hashes for " .. bits.compiler()) end
        if not bits.has(isa) then check.skip("this processor has no " .. isa) end
        if bits.unfit() then check.skip(bits.unfit()) end
        local hash, why = bits.run(binary, training, isa, folder)
        if not hash then check.skip(why) end
        check.ok(kept[isa] and kept[isa][training.name], "hashes.json holds no hash of it; make rehash adds it")
        check.equal(hash, kept[isa][training.name], "hash of the trained model (make rehash, if it is meant to change)")
      end)
    end
  end
end

check.case("bits: one changed bit changes the hash, and metadata does not", function()
  local ra, ffi = require "ramus", require "ramus.base.ffi"
  local arrays = { gradient = ra.zeros(2) }
  for i = 1, 12 do arrays["layer" .. i .. ".weight"] = ra.ones(3) end
  local path = folder .. "/a.safetensors"
  local function hash(meta)
    assert(ra.save(path, arrays, meta))
    return assert(bits.hash(path))
  end
  local before = hash { a = "1" }
  arrays.gradient.data[0] = 1
  check.equal(hash { a = "2" }, before)
  local word = ffi.cast("uint32_t *", ffi.data(arrays["layer7.weight"]))
  word[2] = word[2] + 1
  check.ok(hash { a = "1" } ~= before, "a changed bit was not seen")
end)
