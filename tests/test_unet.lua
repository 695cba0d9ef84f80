--- The U-Net: ten training steps against PyTorch (tests/reference/unet_steps.py),
-- fusion, sizes, and the same bits for one and two threads.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"
local C = ffi.C

local function reference() return assert(ra.load(check.root .. "/tests/reference/unet_steps.npz")) end

--- A net with the reference's weights, its optimizer and its step.
local function start(ref, options)
  local net = ra.models.unet { depth = 3, width = 4, sides = true }
  local names = { mean = "running_mean", var = "running_var" }
  for _, p in ipairs(net.entries) do
    local module, field = p.name:match("^(.*)%.([^.]*)$")
    net.values[p.name]:copy(ref["p." .. module .. "." .. (names[field] or field)])
  end
  local rows = {
    { at = "out", loss = ra.loss.dice {} },
    { at = "side2", loss = ra.loss.bce {}, weight = 0.5 }, { at = "side1", loss = ra.loss.bce {} },
  }
  local s = step.new { model = net, supervision = assert(supervise.new(rows, net:output_names(), 1)), numerics = options and options.numerics }
  local v = assert(s:variant(0, ref.x.shape))
  v.buffers.image:copy(ref.x)
  v.buffers.mask:copy(ref.y)
  local config = ffi.new("ra_optim_config", { weight_decay = 1e-2, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 })
  local optim = ffi.own(C.ra_optim_new("adamw", config, net.flat, s.gradient), C.ra_optim_release)
  return net, v, function()
    v.plan:run {}
    check.equal(C.ra_optim_step(optim, 2e-3, ffi.new("double[1]"), ffi.new("_Bool[1]")), 0, "optimizer")
    return v.plan:scalar(1)
  end
end

for _, numerics in ipairs { "fast", "exact" } do
  check.case(("ten AdamW steps follow PyTorch to 1e-3 (numerics = %s)"):format(numerics), function()
    local ref = reference()
    local net, _, one = start(ref, { numerics = numerics })
    for i = 1, 10 do check.near(one(), ref.losses:get(i), 1e-3 * ref.losses:get(i), "loss of step " .. i) end
    local out, difference, size = net:forward(ref.x).out, 0, 0
    for i = 0, out.size - 1 do
      difference, size = difference + (out.data[i] - ref.out.data[i]) ^ 2, size + ref.out.data[i] ^ 2
    end
    check.ok(math.sqrt(difference / size) < 5e-3, ("output after ten steps: relative L2 %.3g"):format(math.sqrt(difference / size)))
  end)
end

check.case("the same bits with one and with two threads", function()
  local ref, kept = reference(), C.ra_threads()
  local first
  for threads = 1, 2 do
    C.ra_threads_set(threads)
    local net, _, one = start(ref)
    for _ = 1, 5 do one() end
    local bytes = ffi.string(ffi.data(net.flat), net.flat.size * ffi.sizeof("ra_real"))
    first = first or bytes
    check.ok(bytes == first, "weights after 5 steps differ between 1 and 2 threads")
  end
  C.ra_threads_set(kept)
end)

check.case("any input size; an untouched border", function()
  local net = ra.models.unet { depth = 4, width = 4, sides = true }
  for _, size in ipairs { { 1, 1 }, { 7, 13 }, { 33, 64 }, { 100, 51 } } do
    local out = net:forward(ra.rand(1, 1, size[1], size[2]))
    for _, name in ipairs { "out", "side1", "side3" } do
      check.equal(table.concat(out[name].shape, "x"), ("1x1x%dx%d"):format(size[1], size[2]), name)
    end
  end
end)

check.case("an inference plan has no normalisation and no activation of its own", function()
  local net = ra.models.unet { depth = 3, width = 4 }
  local text = net:plan({ 1, 1, 32, 32 }, { outputs = { "out" } }).plan:describe()
  check.ok(not text:find("-> batch_norm", 1, true), text)
  check.ok(not text:find("relu  ", 1, true) and not text:find("concat", 1, true), text)
  check.ok(text:find("+batch_norm+relu", 1, true), text)
end)

check.case("a training plan has no activation of its own and says what memory it needs", function()
  local _, v = start(reference())
  local text = v.plan:describe()
  check.ok(not text:find("relu  ", 1, true) and not text:find("concat", 1, true), text)
  check.ok(text:find("+relu when read, statistics from above", 1, true) and text:find("of 2 segments", 1, true), text)
  check.ok(v.plan:bytes() >= v.plan:lower_bound() and v.plan:bytes() < 1.25 * v.plan:lower_bound(), text:match("[^\n]*lower bound[^\n]*"))
end)

check.case("a plan says why each convolution is computed as it is, and after profiled runs how fast", function()
  local net = ra.models.unet { depth = 2, width = 16 }
  local plan = net:plan({ 1, 1, 40, 40 }, { outputs = { "out" } }).plan
  local text = plan:describe()
  check.ok(text:find("direct (3x3 of too few channels for transforms)", 1, true) and text:find("winograd (3x3, stride 1)", 1, true), text)
  check.ok(not text:find("GFLOP/s", 1, true), text)
  plan:profile(true)
  for _ = 1, 3 do net:forward(ra.rand(1, 1, 40, 40), { outputs = { "out" } }) end
  text = plan:describe()
  check.ok(text:find("GFLOP/s +peak +GB/s") and text:find("conv2d[^\n]+%d%%[^\n]+winograd"), text)
  local shares = 0
  for share in text:gmatch("%] +[%d%.]+ +([%d%.]+) ") do shares = shares + tonumber(share) end
  check.near(shares, 100, 2, "percent of the run")
  local exact = net:plan({ 1, 1, 40, 40 }, { outputs = { "out" }, numerics = "exact" }).plan:describe()
  check.ok(exact:find("direct (exact numerics)", 1, true) and not exact:find("winograd", 1, true), exact)
end)

check.case("numerics is one value: a forward pass by name, by the older exact = true, and wrong ones", function()
  local net = ra.models.unet { depth = 2, width = 4 }
  local x = ra.rand(1, 1, 40, 40)
  local fast, exact, older = net:forward(x).out:clone(), net:forward(x, { numerics = "exact" }).out:clone(), net:forward(x, { exact = true }).out
  local differ = 0
  for i = 0, fast.size - 1 do
    check.equal(older.data[i], exact.data[i], "exact = true")
    if fast.data[i] ~= exact.data[i] then differ = differ + 1 end
  end
  check.ok(differ > 0, "Winograd and direct convolutions gave the same bits everywhere: numerics did not arrive")
  check.raises("one of", function() net:forward(x, { numerics = "bf16" }) end)
  check.raises("not both", function() net:forward(x, { numerics = "exact", exact = true }) end)
  check.raises('unknown numerics "bf16"', function() net:plan({ 1, 1, 40, 40 }, { outputs = { "out" }, numerics = "bf16" }) end)
end)

check.case("wrong inputs are errors at the caller's line", function()
  local net = ra.models.unet { depth = 2, width = 2 }
  check.raises("[1,3,8,8]", net.forward, net, ra.rand(1, 3, 8, 8))
  check.raises("did you mean 'width'", ra.models.unet, { widht = 3 })
  local ok, err = pcall(function()
    local out = net:forward(ra.rand(1, 3, 8, 8))
    return out
  end)
  check.ok(not ok and err:find("test_unet.lua", 1, true), err)
end)
