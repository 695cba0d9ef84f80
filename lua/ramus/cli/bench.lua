--- ramus bench: how fast this machine trains and predicts, in seconds, without peers (those are in tests/bench).
--
--   local r = require("ramus.cli.bench").run { case = "train", width = 16, size = 256, batch = 4, steps = 9 }
--   print(r.ms, r.gflops)
--
-- Cases, all of a U-Net of depth 5 with batch norm and transposed-convolution upsampling, or of the light preset of another architecture:
--   train   a training step: forward, Dice, backward, AdamW
--   dsd     the same with a teacher and side outputs, as recipes/dsd_cimat80.lua from epoch 1 on
--   infer   the logits of a batch, in evaluation mode
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local process = require "ramus.base.process"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local bench = { cases = { "train", "dsd", "infer" } }

bench.schema = {
  case = { type = "string", one_of = bench.cases, default = "train" },
  width = { type = "integer", min = 1, default = 16, help = "channels of the first level" },
  model = { type = "string", help = "an architecture in its light preset, in place of the U-Net of a width", check = function(v)
    local models = require "ramus.lang.models"
    if models.find(v) then return v end
    return nil, "is an " .. options.unknown("model", v, models.names())
  end },
  size = { type = "integer", min = 16, default = 256, help = "side of the images" },
  batch = { type = "integer", min = 1, default = 4, help = "images in a batch" },
  steps = { type = "integer", min = 1, default = 9, help = "steps that are timed, after 2 that are not" },
  profile = { type = "boolean", default = false, help = "time and speed of every step of the plan" },
}

local DEPTH, WARM_UP = 5, 2

local function network(o, sides)
  local models = require "ramus.lang.models"
  if not o.model then return models.unet { depth = DEPTH, width = o.width, sides = sides } end
  return models[o.model] { preset = "light", sides = sides and models.find(o.model).schema.sides and true or nil }
end

--- The weights of the side outputs: 1/2, 1/4, ..
local function weights(net)
  local list = {}
  for i = 1, #net:output_names() - 1 do list[i] = 2 ^ -i end
  return list
end

--- A function that makes one training step, and its plan.
local function training(o)
  local loss, supervise, teacher = require "ramus.lang.loss", require "ramus.train.supervise", require "ramus.train.teacher"
  local dsd = o.case == "dsd"
  local net = network(o, dsd)
  local rows = { { at = "out", loss = loss.dice {} } }
  if dsd then
    rows[2] = { at = "out", loss = loss.soft_target { alpha = 0.25 }, against = "teacher.out" }
    rows[3] = { at = "side*", loss = loss.bce {}, weight = weights(net) }
    rows[4] = { at = "side*", loss = loss.deep_distribution { patches = 256, scale = "fraction", tau = 0.3 }, against = "teacher.same",
      weight = 0.25 }
  end
  local past = dsd and assert(teacher.new({ kind = "last_epoch" }, net)) or nil
  local supervision = assert(supervise.new(rows, net:output_names(), 2, past and 1))
  local steps = require("ramus.train.step").new { model = net, supervision = supervision, teachers = { teacher = past } }
  local v, err = steps:variant(1, { o.batch, 1, o.size, o.size })
  if not v then return nil, err end
  v.buffers.image:copy(tensor.rand(v.buffers.image.shape))
  local noise = tensor.rand(v.buffers.mask.shape)
  for i = 0, noise.size - 1 do v.buffers.mask.data[i] = noise.data[i] > 0.9 and 1 or 0 end
  local config = ffi.new("ra_optim_config", { weight_decay = 1e-5, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, clip = dsd and 1 or 0 })
  local optimizer = assert(ffi.own(C.ra_optim_new("adamw", config, net.flat, steps.gradient), C.ra_optim_release))
  local norm, clipped, count = ffi.new("double[1]"), ffi.new("_Bool[1]"), 0
  return function()
    count = count + 1
    v.plan:run { seed = 1, step = count }
    assert(C.ra_optim_step(optimizer, 2e-3, norm, clipped) == 0, ffi.message())
  end, v.plan
end

local function inference(o)
  local net, x = network(o, false), tensor.rand(o.batch, 1, o.size, o.size)
  local kept, err = net:plan(x.shape, { outputs = { "out" } })
  if not kept then return nil, err end
  return function() net:forward(x, { outputs = { "out" } }) end, kept.plan
end

--- Runs one case. Returns its options with ms (median of the steps), fastest, slowest, images_per_second, gflops (those of
-- the convolutions if they were computed directly, over the time), arena_mb, memory_mb, isa, threads and, where asked for,
-- profile (text); nil and a message where memory does not suffice.
function bench.run(given)
  local o = options.check(given, bench.schema, "bench")
  if o.batch * o.width * o.size * o.size >= 2 ^ 31 then
    return nil, ("bench: arrays of %dx%dx%dx%d have more than 2^31 elements; use a smaller size, batch or width"):format(o.batch, o.width, o.size, o.size)
  end
  local step, plan = (o.case == "infer" and inference or training)(o)
  if not step then return nil, plan end
  local times = {}
  for i = 1, o.steps + WARM_UP do
    if i == WARM_UP + 1 and o.profile then plan:profile(true) end
    local began = C.ra_clock()
    step()
    if i > WARM_UP then times[#times + 1] = 1e3 * (C.ra_clock() - began) end
  end
  table.sort(times)
  o.ms, o.fastest, o.slowest = times[math.ceil(#times / 2)], times[1], times[#times]
  o.images_per_second, o.gflops = 1e3 * o.batch / o.ms, plan:flops() / o.ms / 1e6
  o.arena_mb, o.memory_mb = plan:bytes() / 1e6, process.peak_memory()
  o.isa, o.threads = ffi.string(C.ra_isa()), C.ra_threads()
  o.profile = o.profile and plan:describe() or nil
  return o
end

bench.heading = ("%-6s %-28s %10s %22s %10s %10s %10s"):format("", "", "ms", "fastest to slowest", "images/s", "GFLOP/s", "arena MB")

--- A result as a line under bench.heading.
function bench.line(r)
  return ("%-6s %-28s %10.2f %22s %10.1f %10.0f %10.1f"):format(r.case, ("%s, %dx%dx%d"):format(r.model or "width " .. r.width, r.batch, r.size, r.size), r.ms,
    ("%.2f to %.2f"):format(r.fastest, r.slowest), r.images_per_second, r.gflops, r.arena_mb)
end

return bench
