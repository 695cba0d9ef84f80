--- One process of the training-step benchmark: prints the median step in ms.
--   ramus run tests/bench/step_ramus.lua KIND WIDTH SIZE BATCH STEPS [profile]
-- KIND: unet (Dice) or dsd (the supervision of recipes/dsd_cimat80.lua after epoch 0).
local ra = require "ramus"
local border = require "ramus.ffi"
local step = require "ramus.step"
local supervise = require "ramus.supervise"
local teacher = require "ramus.teacher"
local C, ffi = border.C, border.cdata

local kind, width, size, batch, steps = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])
local net = ra.models.unet { depth = 5, width = width, sides = kind == "dsd" }
local rows = { { at = "out", loss = ra.loss.dice {} } }
if kind == "dsd" then
  rows[2] = { at = "out", loss = ra.loss.soft_target { alpha = 0.25 }, against = "teacher.out" }
  rows[3] = { at = "side*", loss = ra.loss.bce {}, weight = { 1 / 2, 1 / 4, 1 / 8, 1 / 16 } }
  rows[4] = { at = "side*", loss = ra.loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
    weight = 0.25 }
end
local past = kind == "dsd" and assert(teacher.new({ kind = "last_epoch" }, net)) or nil
local plans = step.new { model = net, supervision = assert(supervise.new(rows, net:output_names(), 2, past and 1)), teacher = past }
local v = assert(plans:variant(1, { batch, 1, size, size }))
v.x_buffer:copy(ra.rand(batch, 1, size, size))
local noise = ra.rand(batch, 1, size, size)
for i = 0, noise.size - 1 do v.y_buffer.data[i] = noise.data[i] > 0.9 and 1 or 0 end
local config = ffi.new("ra_optim_config", { weight_decay = 1e-5, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, clip = kind == "dsd" and 1 or 0 })
local optim = border.own(C.ra_optim_new("adamw", config, net.flat, plans.gradient), C.ra_optim_free)
local norm, clipped = ffi.new("double[1]"), ffi.new("_Bool[1]")

local times = {}
for i = 1, steps + 2 do
  if i == 3 and arg[6] then v.plan:profile(true) end
  local start = C.ra_clock()
  v.plan:run { seed = 1, step = i }
  assert(C.ra_optim_step(optim, 2e-3, norm, clipped) == 0, border.message())
  if i > 2 then times[#times + 1] = C.ra_clock() - start end
end
table.sort(times)
print(("%.2f"):format(1e3 * times[math.ceil(#times / 2)]))
if arg[6] then print(v.plan:describe()) end
