--- What came of a micro-batch as numbers that processes exchange: images, total, value and gradient norm of every term, then what the running
-- averages are moved by where the plan does not move them itself (ra_plan_hold).
local ffi = require "ramus.base.ffi"

local outcome = {}

local IMAGES, TOTAL, TERMS = 0, 1, 2

--- How many numbers the micro-batches of a variant's rows have.
function outcome.size(v) return TERMS + 2 * #v.terms + v.plan.held end

--- The numbers of variant v, which has run on so many images; images = 0: of a process that had none to compute.
function outcome.of(v, images)
  local numbers = ffi.new("double[?]", outcome.size(v))
  if images == 0 then return numbers end
  numbers[IMAGES], numbers[TOTAL] = images, v.total
  for i, t in ipairs(v.terms) do numbers[TERMS + 2 * i - 2], numbers[TERMS + 2 * i - 1] = t.value, t.gradient_norm end
  if v.plan.held > 0 then ffi.copy(numbers + TERMS + 2 * #v.terms, v.plan:statistics(), 8 * v.plan.held) end
  return numbers
end

--- Adds the numbers of a micro-batch to an epoch's sums, and moves the running averages. v: a variant with its rows.
function outcome.add(v, numbers, sums)
  for i, t in ipairs(v.terms) do
    local name = t.name
    sums.value[name] = (sums.value[name] or 0) + numbers[TERMS + 2 * i - 2]
    sums.gradient[name] = (sums.gradient[name] or 0) + numbers[TERMS + 2 * i - 1]
    sums.count[name] = (sums.count[name] or 0) + 1
  end
  sums.batches, sums.total, sums.images = sums.batches + 1, sums.total + numbers[TOTAL], sums.images + numbers[IMAGES]
  if v.plan.held > 0 then v.plan:move(numbers + TERMS + 2 * #v.terms) end
end

return outcome
