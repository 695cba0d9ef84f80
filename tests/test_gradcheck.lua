--- Gradient check of every op and loss in double precision: analytic against
-- central differences (step 1e-5), through a plan with fusion and in-place steps.
--
-- Needs the library whose ra_real is double (make build VARIANT=double); from the
-- float executable this file runs that one and takes over its counts.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local F = ra.F
local specs, names = require("ramus.lang.ops").specs, require("ramus.lang.ops").names

if ffi.real ~= "double" then
  check.case("gradient checks in double precision", function()
    local binary = check.root .. "/build/double/ramus"
    if not io.open(binary) then check.skip("no " .. binary .. "; make gradcheck builds it") end
    local pipe = io.popen(binary .. " run " .. check.root .. "/tests/run.lua gradcheck 2>&1")
    local text = pipe:read("*a")
    pipe:close()
    local passed, failed = text:match("(%d+) passed, (%d+) failed")
    if not passed or tonumber(failed) > 0 or tonumber(passed) < 40 then error(text, 0) end
    check.passed = check.passed + tonumber(passed) - 1
  end)
  return
end

require("ramus.lang.graph").poison = true -- what backward reads without saying so is NaN by then

local STEP, TOLERANCE = 1e-5, 1e-6

--- "2,3,4:pos" to a tensor and whether it is differentiated.
local function sample_input(text)
  if text == "-" then return false end
  local dims, kind = text:match("^([%d,]*):?(%a*)$")
  local shape = {}
  for d in dims:gmatch("%d+") do shape[#shape + 1] = tonumber(d) end
  local t = ra.rand(unpack(shape))
  for i = 0, t.size - 1 do
    local u = t.data[i]
    if kind == "pos" or kind == "var" then t.data[i] = 0.5 + 1.5 * u
    elseif kind == "mask" then t.data[i] = u < 0.5 and 0 or 1
    elseif kind == "label" then t.data[i] = math.floor(4 * u) - 1 -- void and three classes
    elseif kind == "prob" then t.data[i] = 0.05 + 0.9 * u
    else -- away from the kinks at 0 and from ties
      local v = 2 * u - 1
      t.data[i] = v + (v < 0 and -0.05 or 0.05)
    end
  end
  return t, kind ~= "mask" and kind ~= "label" and kind ~= "var"
end

local function sample_options(text)
  local chunk = text:gsub("([%w_]+)=", ",%1="):gsub("^%s*,", "")
  return assert(loadstring("return {" .. chunk:gsub("=([%a][%w_]*)", function(word)
    return (word == "true" or word == "false") and "=" .. word or ("=%q"):format(word)
  end) .. "}"))()
end

local function check_sample(spec, line)
  local shapes, opts = line:match("^([^|]*)|?(.*)$")
  opts = sample_options(opts)
  ra.seed(7)
  local inputs, wanted, leaves = {}, {}, {}
  local k = 0
  for text in shapes:gmatch("%S+") do
    k = k + 1
    local t, differentiable = sample_input(text)
    inputs[k] = t
    if t and differentiable and ffi.C.ra_op_differentiable(spec.c, k - 1) then
      wanted[#wanted + 1] = k
      leaves[#leaves + 1] = t
    end
  end
  -- A fixed weighting of the output makes it a scalar; the factor 1 makes each input a node that may be overwritten.
  local weighting
  local function scalar(...)
    local args, given = {}, { ... }
    for i = 1, k do args[i] = inputs[i] or nil end
    for i, position in ipairs(wanted) do args[position] = given[i] * 1 end
    args[k + 1] = opts
    local y = F[spec.name](unpack(args, 1, k + 1))
    if type(y) == "number" then return y end
    if not weighting then
      weighting = ra.rand(unpack(y.shape))
      for i = 0, weighting.size - 1 do weighting.data[i] = weighting.data[i] + 0.25 end
    end
    return F.sum(y * weighting)
  end
  local results = { ra.grad(scalar, unpack(leaves)) }
  local worst, where = 0, ""
  for i, leaf in ipairs(leaves) do
    local gradient = results[i + 1]
    for j = 0, leaf.size - 1 do
      local kept = leaf.data[j]
      local function value(v)
        leaf.data[j] = v
        return (ra.grad(scalar, unpack(leaves)))
      end
      local numeric = (value(kept + STEP) - value(kept - STEP)) / (2 * STEP)
      leaf.data[j] = kept
      local difference = math.abs(numeric - gradient.data[j]) / math.max(1, math.abs(numeric))
      if difference ~= difference then difference = math.huge end
      if difference > worst then
        worst, where = difference, ("input %d element %d: analytic %.9g numeric %.9g"):format(wanted[i], j + 1, gradient.data[j], numeric)
      end
    end
  end
  if not (worst <= TOLERANCE) then
    error(("%s '%s' seed 7: largest difference %.3g, tolerance %g; %s"):format(spec.name, line, worst, TOLERANCE, where), 0)
  end
end

for _, name in ipairs(names) do
  local spec = specs[name]
  local differentiable = false
  for k = 0, #spec.inputs - 1 do differentiable = differentiable or ffi.C.ra_op_differentiable(spec.c, k) end
  if differentiable then
    check.case("samples of " .. name, function() check.ok(spec.samples ~= "", name .. " has no samples to check") end)
  end
  for line in spec.samples:gmatch("[^\n]+") do
    check.case(name .. " | " .. line, function()
      if differentiable then check_sample(spec, line) end
    end)
  end
end
