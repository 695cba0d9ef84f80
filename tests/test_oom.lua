--- Out of memory: on every main path of the core each allocation fails once. The call must say so, and nothing may stay allocated. What is
-- called is recorded: every function of api.h must have been called, and must have failed at an allocation of its own if it makes any.
-- `make oom` runs this alone.
local check = require "check"
local ra = require "ramus"
local augment = require "ramus.data.augment"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local metrics = require "ramus.data.metrics"
local safetensors = require "ramus.lang.safetensors"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"
local C = ffi.C

local folder = check.folder("oom")

-- ---- what is called, and in which function an allocation failed ----

--- Of every function of api.h that was called: how often, whether it ever allocated, whether an allocation in it failed.
local called = {}

--- Names of all functions of api.h.
local function declared()
  local names = {}
  for name in ffi.api_text():gsub("/%*.-%*/", " "):gmatch "[%s*](ra_[%w_]+)%s*%b()%s*;" do names[#names + 1] = name end
  return names
end

--- Puts a recorder in the place of each function in the table that every module calls the core through.
local allocations, failed_ones = C.ra_mem_count, C.ra_mem_failures
for _, name in ipairs(declared()) do
  local f = C[name]
  local seen = { calls = 0, allocates = false, failed = false }
  called[name] = seen
  local function done(before, before_failures, ...)
    seen.failed = seen.failed or failed_ones() > before_failures
    seen.allocates = seen.allocates or seen.failed or allocations() > before
    return ...
  end
  rawset(C, name, function(...)
    seen.calls = seen.calls + 1
    return done(allocations(), failed_ones(), f(...))
  end)
end

local function collect()
  collectgarbage()
  collectgarbage()
end

--- Whether f failed, and its message. (f's value must be garbage before bytes are counted.)
local function outcome(f)
  local ok, value, err = pcall(f)
  return not ok or not value, tostring(not ok and value or err)
end

--- Calls f with the n-th allocation failing, for n = 0, 1, .. until f ends before it comes to n (from n = 150 on
-- with growing strides). f returns a true value, or nil and a message, or raises an error. After an earlier call that
-- succeeded (warm-up of what the core keeps), no failing call may leave a byte behind.
-- forgiving: some allocations may fail without harm (a cache), so the end is where nothing failed any more.
local function fail_each(f, forgiving)
  local dense = 150
  for _ = 1, 2 do assert(f()) end
  collect()
  local n, failures = 0, 0
  while true do
    local live, count = C.ra_mem_live(), C.ra_mem_count()
    C.ra_mem_fail_after(n)
    local failed, message = outcome(f)
    C.ra_mem_fail_after(-1)
    local made = C.ra_mem_count() - count
    if not failed and made <= n then
      check.ok(failures > 0, "no allocation was made")
      return
    end
    check.ok(failed or forgiving, ("allocation %d failed and the call said nothing of it"):format(n))
    if failed then
      failures = failures + 1
      check.ok(message:find("memory", 1, true), ("allocation %d failed, and the message was: %s"):format(n, message))
    end
    collect()
    local now = C.ra_mem_live() -- less is fine: what a compiled trace held may go late
    check.ok(now <= live, ("%d bytes are left after allocation %d failed (%s)"):format(now - live, n, message))
    n = n + (n < dense and 1 or 1 + math.floor(n / 8))
  end
end

local function case(name, f, forgiving)
  check.case("each allocation fails once: " .. name, function() fail_each(f, forgiving) end)
end

case("tensors and views", function()
  local t = ra.zeros(4, 6):clone():reshape(3, 8):narrow(2, 3, 4)
  return t:clone()
end)

case("ops, called at once", function()
  local x, w = ra.ones(1, 2, 9, 9), ra.ones(3, 2, 3, 3)
  local y = ra.F.relu(ra.F.conv2d(x, w, nil, { pad = 1 }))
  y = ra.F.batch_norm(y, ra.ones(3), ra.zeros(3), { train = true })
  y = ra.F.upsample(ra.F.max_pool2d(y), { scale = 2, mode = "bilinear" })
  y = ra.F.permute(ra.F.softmax(ra.F.concat(y, y)), { 1, 3, 4, 2 })
  return ra.F.conv_transpose2d(x, ra.ones(2, 2, 2, 2), nil, { stride = 2 }) and ra.F.matmul(ra.ones(3, 4), ra.ones(4, 5)) and y
end)

case("losses and their gradients", function()
  local x, m, t = ra.zeros(2, 1, 8, 8), ra.ones(2, 1, 8, 8), ra.zeros(2, 1, 8, 8)
  local sum = 0
  for _, loss in ipairs { ra.loss.dice {}, ra.loss.bce {}, ra.loss.soft_target { alpha = 0.5 },
    ra.loss.deep_distribution { patch = 4, scale = "fraction", tau = 0.5 } } do
    sum = sum + ra.grad(function(p) return loss(p, m, t) end, x)
  end
  return sum
end)

case("a model and its inference plan", function()
  local net = ra.models.unet { depth = 2, width = 2 }
  return net:forward(ra.zeros(1, 1, 10, 12)).out
end)

case("a training step: graph, plan, run, optimizer", function()
  local net = ra.models.unet { depth = 2, width = 2, sides = true }
  local rows = { { at = "out", loss = ra.loss.dice {} }, { at = "side*", loss = ra.loss.bce {} } }
  local s = step.new { model = net, supervision = assert(supervise.new(rows, net:output_names(), 1)) }
  local v, err = s:variant(0, { 2, 1, 8, 8 })
  if not v then return nil, err end
  v.plan:run {}
  local optim
  optim, err = ffi.own(C.ra_optim_new("adamw", ffi.new("ra_optim_config", { beta1 = 0.9, beta2 = 0.99, eps = 1e-8 }), net.flat, s.gradient),
    C.ra_optim_release)
  if not optim then return nil, err end
  if C.ra_optim_step(optim, 1e-3, ffi.new("double[1]"), ffi.new("_Bool[1]")) ~= 0 then return nil, ffi.message() end
  return v.plan:scalar(1)
end)

local picture = folder .. "/a.png"
assert(image.save(picture, ra.rand(1, 40, 48)))
local mask = ra.zeros(1, 40, 48)
mask:narrow(2, 10, 6):fill(1)
assert(image.save(folder .. "/a_gt.png", mask))
assert(image.save(folder .. "/a.pgm", ra.rand(1, 40, 48)))

case("pictures read and written", function()
  for _, name in ipairs { "a.png", "a.pgm" } do
    local x, err = image.load(folder .. "/" .. name)
    if not x then return nil, err end
    local ok
    ok, err = image.save(folder .. "/b.png", x)
    if not ok then return nil, err end
  end
  local m, report = image.load_mask(folder .. "/a_gt.png")
  if not m then return nil, report end
  return m
end)

case("filters", function()
  local x = ra.rand(1, 40, 48)
  return image.resize(x, { 20, 24 }) and image.blur(x, { sigma = 2 }) and image.clahe(x, { tiles = 4, clip = 2 }) and image.frangi(x, { scales = { 2 } })
end)

local program = augment.program { flip = true, rotate = 20, elastic = { 2, 8 }, crop = 32, vessel_share = 1, gamma = 1.2, blur = 1, noise = 0.1 }

case("augmentation", function()
  -- its scratch is kept by the module: a fresh one each time
  local scratch, err = ffi.own(C.ra_augment_scratch_new(), C.ra_augment_scratch_release)
  if not scratch then return nil, err end
  local x, y, f = ra.rand(1, 40, 48), ra.zeros(40, 48), ra.ones(40, 48)
  local to_x, to_y, to_f = ra.zeros(1, 32, 32), ra.zeros(32, 32), ra.zeros(32, 32)
  local from, to = augment.planes(1, 40, 48, x, y, f), augment.planes(1, 32, 32, to_x, to_y, to_f)
  if C.ra_augment_apply(ffi.hidden(program), ffi.hidden(from), ffi.hidden(to), 1, 0, 0, scratch) ~= 0 then return nil, ffi.message() end
  return to_x
end)

local function one_batch(cache)
  local l, err = loader.new({ { id = "a", image = picture, mask = folder .. "/a_gt.png" },
    { id = "b", image = folder .. "/a.pgm", mask = folder .. "/a_gt.png" } },
    { batch = 2, depth = 1, epochs = 1, augment = program, cache = cache })
  if not l then return nil, err end
  local x, y = ra.zeros(2, 1, 32, 32), ra.zeros(2, 1, 32, 32) -- before its threads allocate, which the recorder above would count to these
  local ok
  ok, err = l:start(0, 0)
  if not ok then return nil, err end
  local count
  count, err = l:next { image = x, mask = y }
  l:stop()
  return count, err
end

case("the loader", function() return one_batch(0) end)
case("the loader with its cache (a picture that cannot be kept is decoded again)", function() return one_batch(10) end, true)

case("safetensors, npz and npy", function()
  for _, name in ipairs { "t.safetensors", "t.npz" } do
    local path = folder .. "/" .. name
    local ok, err = safetensors.save(path, { a = ra.ones(3, 4), b = ra.zeros(7), c = "bytes" }, { key = "value" },
      name == "t.npz" and "npz" or nil)
    if not ok then return nil, err end
    local file
    file, err = safetensors.load(path)
    if not file then return nil, err end
    local t
    t, err = file:get("a")
    if not t then return nil, err end
  end
  local ok, err = ra.save(folder .. "/t.npy", ra.ones(5))
  if not ok then return nil, err end
  return ra.load(folder .. "/t.npy")
end)

case("a failed write leaves the old file", function()
  local path = folder .. "/kept.safetensors"
  local ok, err = safetensors.save(path, { a = ra.ones(3) })
  local good = files.read(path)
  check.ok(not good or #good > 20, "the file is cut")
  return ok, err
end)

local trained = folder .. "/model.safetensors"
local prepared = ra.models.unet { depth = 2, width = 2 }
prepared.input.preparation = augment.prepare({ size = 16, stretch = true }):steps()
assert(prepared:save(trained))

case("a trained model in C: opened, an image segmented", function()
  local m, err = ffi.own(C.ra_model_open(trained), C.ra_model_close)
  if not m then return nil, err end
  local p
  p, err = ffi.own(C.ra_model_run(m, picture), C.ra_tensor_release)
  if not p then return nil, err end
  local found
  found, err = ffi.own(C.ra_model_mask(m, p), C.ra_tensor_release)
  return found, err
end)

case("a sorted tensor", function()
  local x = ra.tensor { 3, 1, 2 }
  if C.ra_tensor_sort(x, 0, false, x:clone(), nil) ~= 0 then return nil, ffi.message() end
  return x
end)

case("a model written as ONNX", function()
  return require("ramus.train.export")(prepared, folder .. "/model.onnx", { fold = true, force = true })
end)

case("scores, skeletons, widths", function()
  local p, m = ra.rand(40, 48), ra.zeros(40, 48)
  m:narrow(1, 10, 6):fill(1)
  return metrics(p, m, {})
end)

case("synthetic angiograms", function()
  local x, m = ra.zeros(48, 48), ra.zeros(48, 48)
  if C.ra_phantom(x, m, 1, 1) ~= 0 then return nil, ffi.message() end
  return x
end)

case("archives and hashes", function()
  local hex = ffi.new("char[65]")
  if C.ra_sha256_file(picture, hex) ~= 0 then return nil, ffi.message() end
  return ffi.string(hex)
end)

-- ---- every function ----

for _, c in ipairs(require "oom_calls"(folder .. "/calls")) do
  check.case("called, and each allocation fails once: " .. c.name, function()
    local before = allocations()
    local value, err = c.call()
    check.ok(value, tostring(err))
    if allocations() > before then fail_each(c.call, c.forgiving) end
  end)
end

--- Functions for which the rule below cannot hold, and why.
local CANNOT = {}

check.case("every function of api.h was called, and failed at an allocation of its own or never made one", function()
  local bad, n, failed = {}, 0, 0
  for name, seen in pairs(called) do
    n, failed = n + 1, failed + (seen.failed and 1 or 0)
    local good = seen.calls > 0 and (seen.failed or not seen.allocates)
    if good == (CANNOT[name] ~= nil) then
      bad[#bad + 1] = CANNOT[name] and name .. " can after all: strike it from CANNOT" or seen.calls == 0 and name .. " is not called"
        or name .. " allocates, and none of its allocations failed"
    end
  end
  table.sort(bad)
  check.ok(#bad == 0, table.concat(bad, "\n"))
  check.ok(n > 240 and failed > 80, ("%d functions, %d failed"):format(n, failed))
  print(("  %d functions of api.h: %d failed at an allocation, %d make none"):format(n, failed, n - failed))
end)
