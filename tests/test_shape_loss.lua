--- Losses of overlap, order, distance and skeletons against PyTorch numbers (tests/reference/shape_loss.py) and by what is special to each;
-- what holds for all losses is in test_loss.lua and test_class_loss.lua.
local check = require "check"
local json = require "cjson"
local numbers = require "numbers"
local ra = require "ramus"

local TOLERANCE = 2e-5 -- relative, of values and (L2) of gradients

local distance, make, norm, tensor_of = numbers.distance, numbers.make, numbers.norm, numbers.tensor_of

local function grad(loss, x, y, more) return ra.grad(function(p) return loss(p, y, nil, more) end, x) end

local file = assert(io.open(check.root .. "/tests/reference/shape_loss.json"))
local reference = json.decode(file:read("*a"))
file:close()

for _, case in ipairs(reference.cases) do
  local parts = {}
  for k, v in pairs(case.options) do parts[#parts + 1] = k .. "=" .. tostring(v) end
  table.sort(parts)
  check.case(("%s on %s (%s) {%s}"):format(case.loss, case.input, case.use, table.concat(parts, ", ")), function()
    local input = reference.inputs[case.input]
    local shape = input.shape
    local flat = input.labels and { shape[1], 1, shape[3], shape[4] } or shape
    local x, y = tensor_of(input.x, shape), tensor_of(input.y, flat)
    local more = { inside = case.use:find "i" and tensor_of(input.i, flat) or nil, weight = case.use:find "w" and tensor_of(input.w, flat) or nil }
    local loss = ra.loss[case.loss](case.options)
    local value, dx = grad(loss, x, y, more)
    local wanted = tensor_of(case.grad, shape)
    check.near(loss(x, y, nil, more), case.value, TOLERANCE * math.abs(case.value) + 1e-7, "value at once")
    check.near(value, case.value, TOLERANCE * math.abs(case.value) + 1e-7, "value of the plan")
    check.near(distance(dx, wanted), 0, TOLERANCE * norm(wanted) + 1e-10, "gradient, L2")
  end)
end

--- A horizontal band in a picture of 40x60, from row `top` to `bottom`; gap: columns that it lacks.
local function band(top, bottom, gap)
  return make({ 1, 1, 40, 60 }, function(k)
    local row, column = math.floor(k / 60), k % 60
    local missing = gap and column >= gap[1] and column <= gap[2]
    return row >= top and row <= bottom and not missing and 1 or 0
  end)
end

check.case("focal_tversky: an exponent of 1 is tversky; the mask itself costs nothing and has a finite gradient", function()
  local x = make({ 2, 1, 13, 17 }, function(k) return 3 * math.sin(12.9898 * k) end)
  local y = make({ 2, 1, 13, 17 }, function(k) return k % 3 == 0 and 1 or 0 end)
  local options = { alpha = 0.3, beta = 0.7 }
  local wanted = ra.loss.tversky(options)(x, y)
  check.near(ra.loss.focal_tversky { gamma = 1 }(x, y), wanted, 1e-6)
  check.near(ra.loss.focal_tversky()(x, y), wanted ^ 0.75, 1e-6)
  local value, dx = grad(ra.loss.focal_tversky { input = "prob" }, band(16, 22), band(16, 22))
  check.equal(value, 0, "value")
  check.ok(norm(dx) < 10, "gradient")
  check.raises("gamma must be from 0.05 to 10", function() ra.loss.focal_tversky { gamma = 0 } end)
end)
