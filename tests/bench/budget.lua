--- What a budget of memory costs: a training step of the U-Net within budgets, in turn.
--
--   build/ramus run tests/bench/budget.lua [WIDTH [SIZE [ROUNDS]]]
local ra = require "ramus"
local C = require("ramus.base.ffi").C
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"

local width, size, rounds = tonumber(arg[1] or 32), tonumber(arg[2] or 256), tonumber(arg[3] or 7)
local net = ra.models.unet { depth = 5, width = width }
local rows = assert(supervise.new({ { at = "out", loss = ra.loss.dice {} } }, net:output_names(), 1))
local image = ra.rand(4, 1, size, size)

--- A step within `budget` bytes; false where that cannot be.
local function contender(budget)
  local steps = step.new { model = net, supervision = rows, budget = budget }
  local v = steps:variant(0, image.shape)
  if not v then return false end
  v.buffers.image:copy(image)
  return { plan = v.plan, times = {}, run = function() steps:run(v, { t = 0, t_step = 0, steps = 1, epoch = 0, step = 0 }) end }
end

local list = { contender() }
for _, share in ipairs { 0.9, 0.8, 0.7, 0.6, 0.55, 0.5 } do list[#list + 1] = contender(share * list[1].plan:bytes()) or nil end
for round = 0, rounds do -- the first is for warming up
  for _, c in ipairs(list) do
    local began = C.ra_clock()
    c.run()
    if round > 0 then c.times[round] = C.ra_clock() - began end
  end
end

local function median(times)
  table.sort(times)
  return times[math.floor(#times / 2) + 1]
end

local whole = median(list[1].times)
print(("%8s %8s %10s %8s"):format("arena MB", "ms", "of it all", "GFLOP"))
for _, c in ipairs(list) do
  local time = median(c.times)
  print(("%8.1f %8.0f %10.3f %8.1f"):format(c.plan:bytes() / 1e6, 1e3 * time, time / whole, c.plan:flops() / 1e9))
end
