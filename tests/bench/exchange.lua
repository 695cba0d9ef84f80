--- What the exchange of gradients costs beside a step, in a group of ranks: mpirun -n N build/ramus run tests/bench/exchange.lua [WIDTH] [ROUNDS]
-- Prints, of rank 0, the least and the median of the seconds of a step's plan (one micro-batch of 4 crops of 256x256) and of an exchange of its
-- gradient; all ranks begin both together.
local ffi = require "ramus.base.ffi"
local groups = require "ramus.train.group"
local ra = require "ramus"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"
local C = ffi.C

local width, rounds = tonumber(arg[1] or 16), tonumber(arg[2] or 9)
local group = assert(groups.join())
local net = ra.models.unet { depth = 5, width = width }
local rows = assert(supervise.new({ { at = "out", loss = ra.loss.dice {} } }, net:output_names(), 1))
local steps = step.new { model = net, supervision = rows, accumulate = math.max(2, group.size), group = group }
local v = assert(steps:variant(0, { 4, 1, 256, 256 }))
v.buffers.image:copy(ra.rand(4, 1, 256, 256))
local times = { plan = {}, exchange = {} }

local function timed(list, f)
  group:any(false)
  local began = C.ra_clock()
  f()
  list[#list + 1] = C.ra_clock() - began
end

for i = 1, rounds + 1 do
  timed(times.plan, function() steps:run(v, { t = 0, t_step = 0, steps = 1, seed = 1, epoch = 0, step = i }) end)
  timed(times.exchange, function() steps:collect(true, group.size) end)
end
if group.rank == 0 then
  for _, name in ipairs { "plan", "exchange" } do
    table.remove(times[name], 1)
    table.sort(times[name])
  end
  local plan, exchange = times.plan, times.exchange
  print(("%d ranks, width %d, %.1f MB: plan %.1f ms (median %.1f), exchange %.2f ms (median %.2f), share %.1f %% (least of both)"):format(group.size,
    width, net.flat.size * 4e-6, 1e3 * plan[1], 1e3 * plan[math.ceil(#plan / 2)], 1e3 * exchange[1], 1e3 * exchange[math.ceil(#exchange / 2)],
    100 * exchange[1] / (plan[1] + exchange[1])))
end
group:leave()
