--- Optimizers against PyTorch's numbers (tests/reference/optim.py), with every kernel
-- set; clipping, refusal of gradients that are not finite, state, averages of weights.
local check = require "check"
local cjson = require "cjson"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local C = ffi.C

local function optimizer(kind, options, weight, gradient)
  local config = ffi.new("ra_optim_config", {
    weight_decay = options.weight_decay or 0, momentum = options.momentum or 0,
    beta1 = options.betas and options.betas[1] or 0.9, beta2 = options.betas and options.betas[2] or 0.999,
    eps = options.eps or 1e-8, clip = options.clip or 0,
    nesterov = options.nesterov or false })
  local o = C.ra_optim_new(kind, config, weight, gradient)
  if o == nil then return nil, ffi.message() end
  return ffi.gc(o, C.ra_optim_release)
end

local norm, clipped = ffi.new("double[1]"), ffi.new("bool[1]")

local function start(n)
  local w, g = ra.zeros(n), ra.zeros(n)
  for i = 0, n - 1 do w.data[i] = math.sin(i) end
  return w, g
end

local function gradient(w, g, t)
  for i = 0, w.size - 1 do g.data[i] = math.cos(0.5 * i + t) + 0.1 * w.data[i] end
end

local file = assert(io.open(check.root .. "/tests/reference/optim.json"))
local cases = cjson.decode(file:read("*a"))
file:close()

local active = ffi.string(C.ra_isa())
for _, isa in ipairs(check.kernel_sets()) do
  for _, case in ipairs(cases) do
    case.options.clip = case.clip
    check.case(("%s as PyTorch: %s %s"):format(isa, case.kind, cjson.encode(case.options)), function()
      C.ra_isa_set(isa)
      local w, g = start(#case.weights)
      local o = assert(optimizer(case.kind, case.options, w, g))
      for t = 0, case.steps - 1 do
        gradient(w, g, t)
        check.equal(C.ra_optim_step(o, case.options.lr, norm, clipped), 0)
        check.near(norm[0], case.norms[t + 1], 1e-5 * case.norms[t + 1], "norm of step " .. t)
        check.equal(clipped[0], case.clip > 0 and norm[0] > case.clip, "clipped")
      end
      for i, wanted in ipairs(case.weights) do check.near(w.data[i - 1], wanted, 3e-6, "weight " .. i) end
      check.equal(C.ra_optim_steps(o), case.steps)
    end)
  end
end
C.ra_isa_set(active)

check.case("a gradient that is not finite changes nothing", function()
  for _, bad in ipairs { 0 / 0, math.huge } do
    local w, g = start(9)
    local o = assert(optimizer("adam", {}, w, g))
    g.data[4] = bad
    check.equal(C.ra_optim_step(o, 0.1, norm, clipped), C.RA_ERR_STATE)
    check.ok(ffi.message():find("not finite", 1, true), ffi.message())
    check.ok(norm[0] ~= norm[0] or norm[0] == math.huge, "norm reported")
    for i = 0, 8 do check.near(w.data[i], math.sin(i), 1e-7, "weight") end
    check.equal(C.ra_optim_steps(o), 0)
  end
end)

check.case("state copied to another optimizer continues to the bit", function()
  local w, g = start(40000)
  local o = assert(optimizer("adamw", { weight_decay = 0.1 }, w, g))
  for t = 0, 3 do gradient(w, g, t) C.ra_optim_step(o, 0.01, norm, clipped) end
  local w2, g2 = w:clone(), g:clone()
  local o2 = assert(optimizer("adamw", { weight_decay = 0.1 }, w2, g2))
  for _, name in ipairs { "m", "v" } do
    local from = ffi.gc(C.ra_optim_state(o, name), C.ra_tensor_release)
    local to = ffi.gc(C.ra_optim_state(o2, name), C.ra_tensor_release)
    check.equal(C.ra_tensor_copy(to, from), 0)
  end
  C.ra_optim_set_steps(o2, C.ra_optim_steps(o))
  local before = C.ra_threads()
  for t = 4, 6 do
    gradient(w, g, t)
    gradient(w2, g2, t)
    C.ra_threads_set(1)
    C.ra_optim_step(o, 0.01, norm, clipped)
    C.ra_threads_set(2) -- and the same bits with 2 threads
    C.ra_optim_step(o2, 0.01, norm, clipped)
  end
  C.ra_threads_set(before)
  check.ok(ffi.string(ffi.data(w), 4 * w.size) == ffi.string(ffi.data(w2), 4 * w2.size), "weights differ")
end)

check.case("unknown kinds, lengths that differ, state that is not kept", function()
  local w, g = start(4)
  check.fails("known are sgd", optimizer, "adagrad", {}, w, g)
  check.fails("one length", optimizer, "sgd", {}, w, ra.zeros(5))
  local o = assert(optimizer("sgd", {}, w, g))
  check.ok(C.ra_optim_state(o, "m") == nil, "sgd without momentum keeps nothing")
end)

check.case("average of weights", function()
  local average, value = ra.tensor { 1, 2, 3 }, ra.tensor { 3, 2, -1 }
  check.equal(C.ra_ema_update(average, value, 0.75), 0)
  for i, wanted in ipairs { 1.5, 2, 2 } do check.near(average.data[i - 1], wanted, 1e-6) end
  check.equal(C.ra_ema_update(average, ra.zeros(4), 0.5), C.RA_ERR_SHAPE)
end)
