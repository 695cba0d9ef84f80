--- A small test harness: check.case(name, function) registers a test, the
-- asserting functions say what they saw, check.skip(reason) ends a case as
-- skipped. tests/run.lua runs every tests/test_*.lua and prints the totals.
-- RAMUS_TEST_FILTER=TEXT: only the cases whose name holds it.
local check = { passed = 0, failed = 0, skipped = 0, filter = os.getenv "RAMUS_TEST_FILTER" }

require("ramus.base.ffi").testing() -- C has what api_test.h declares, in every test

local SKIP = {}

--- Runs f as one test and counts it.
function check.case(name, f)
  if check.filter and not name:find(check.filter, 1, true) then return end
  local ok, err = xpcall(f, function(e)
    if type(e) == "table" and e[1] == SKIP then return e end
    return debug.traceback(tostring(e), 2)
  end)
  if ok then
    check.passed = check.passed + 1
  elseif type(err) == "table" and err[1] == SKIP then
    check.skipped = check.skipped + 1
    io.write("skipped: ", name, ": ", err.reason, "\n")
  else
    check.failed = check.failed + 1
    io.write("FAILED: ", name, "\n  ", (err:gsub("\n", "\n  ")), "\n")
  end
  io.flush()
end

--- Names of the kernel sets that this build and processor have, the plainest first.
function check.kernel_sets()
  local ffi = require "ramus.base.ffi"
  local active, sets, i = ffi.string(ffi.C.ra_isa()), {}, 0
  while ffi.C.ra_isa_name(i) ~= nil do
    if ffi.C.ra_isa_set(ffi.C.ra_isa_name(i)) == 0 then sets[#sets + 1] = ffi.string(ffi.C.ra_isa_name(i)) end
    i = i + 1
  end
  assert(ffi.C.ra_isa_set(active) == 0)
  return sets
end

function check.skip(reason) error({ SKIP, reason = reason }, 0) end

function check.ok(value, message) if not value then error(message or "expected a true value", 2) end end

function check.equal(got, wanted, what)
  if got ~= wanted then
    error(("%s: got %s, wanted %s"):format(what or "value", tostring(got), tostring(wanted)), 2)
  end
end

function check.near(got, wanted, tolerance, what)
  if not (math.abs(got - wanted) <= tolerance) then
    error(("%s: got %.9g, wanted %.9g, difference %.3g, tolerance %.3g")
      :format(what or "value", got, wanted, math.abs(got - wanted), tolerance), 2)
  end
end

--- Relative L2 distance of n numbers; infinite where one is NaN.
function check.relative_l2(got, wanted, n)
  local d, s = 0, 0
  for i = 0, n - 1 do
    if got[i] ~= got[i] then return 1 / 0 end
    d, s = d + (got[i] - wanted[i]) ^ 2, s + wanted[i] ^ 2
  end
  return math.sqrt(d / math.max(s, 1e-30))
end

--- f must raise an error whose text holds `part` (plain).
function check.raises(part, f, ...)
  local ok, err = pcall(f, ...)
  if ok then error(("expected an error with '%s', got none"):format(part), 2) end
  if not tostring(err):find(part, 1, true) then
    error(("expected an error with '%s', got: %s"):format(part, tostring(err)), 2)
  end
end

--- f must return nil and a message that holds `part`.
function check.fails(part, f, ...)
  local value, err = f(...)
  if value then error(("expected nil and a message with '%s', got %s"):format(part, tostring(value)), 2) end
  if not tostring(err):find(part, 1, true) then
    error(("expected a message with '%s', got: %s"):format(part, tostring(err)), 2)
  end
end

--- A fresh folder for a test's files; removed by tests/run.lua at its end.
local made
function check.folder(name)
  if not made then
    made = os.tmpname()
    os.remove(made)
    os.execute("mkdir -p " .. made)
    check.scratch = made
  end
  local folder = made .. "/" .. name
  os.execute("rm -rf " .. folder .. " && mkdir -p " .. folder)
  return folder
end

--- A folder of ../shared, which is not part of the project, that holds README.md below `inner`, or a skip: as the environment names it, beside this
-- checkout, or, where this is a worktree of git, beside the main one.
local function shared(name, variable, inner)
  local given = os.getenv(variable)
  local pointer = io.open(check.root .. "/.git/HEAD") or io.open(check.root .. "/.git")
  local main = pointer and (pointer:read "*l" or ""):match "^gitdir: (.*)/%.git/worktrees/"
  if pointer then pointer:close() end
  local places = given and { given } or { check.root .. "/../shared/" .. name, main and main .. "/../shared/" .. name }
  for _, folder in ipairs(places) do
    local file = io.open(folder .. inner .. "/README.md")
    if file then
      file:close()
      return folder .. inner
    end
  end
  check.skip(("no %s in %s"):format(name .. inner, table.concat(places, " or ")))
end

--- Folder of the shared real data sets, or a skip where it is absent.
function check.shared(set) return shared("datasets", "RAMUS_TEST_DATASETS", "/" .. set) end

--- Folder of the shared small inputs that people had, or one of its folders; a skip where it is absent.
function check.cases(name)
  local folder = shared("cases", "RAMUS_TEST_CASES", "")
  return name and folder .. "/" .. name or folder
end

return check
