--- Recording, plans, gradients.
local check = require "check"
local ra = require "ramus"
local graph = require "ramus.lang.graph"
local F = ra.F

check.case("a node has a shape and no value", function()
  local r = graph.recorder()
  local x = r:input { 2, 3 }
  local y = F.relu(x) + 1
  check.equal(table.concat(y.shape, "x"), "2x3")
  for _, name in ipairs { "get", "set", "totable", "item" } do
    check.raises("no value while a model is being recorded", function() return y[name](y, 1, 1) end)
  end
  check.raises("cannot be compared", function() return x < y end)
  check.raises("two recordings", function() return x + graph.recorder():input { 2, 3 } end)
end)

check.case("a plan gives what eager calls give", function()
  ra.seed(1)
  local a, b = ra.randn(3, 4), ra.randn(4, 5)
  local function f(x, w) return F.softmax(F.tanh(F.matmul(x, w)) * 3 - 0.5, { dim = 2 }) end
  local r = graph.recorder()
  local x, w = r:input { 3, 4 }, r:tensor(b)
  local y = f(x, w)
  local plan = assert(r:plan { outputs = { y } })
  plan:bind(x, a)
  plan:run()
  local got, wanted = plan:output(1), f(a, b)
  for i = 0, got.size - 1 do check.equal(got.data[i], wanted.data[i], "element " .. i + 1) end
  check.raises("shape [3,4]", function() plan:bind(x, ra.zeros(4, 3)) end)
end)

check.case("a plan without its input says so", function()
  local r = graph.recorder()
  local x = r:input { 2 }
  local plan = assert(r:plan { outputs = { F.relu(x) } })
  check.raises("has no tensor", function() plan:run() end)
end)

check.case("fused and unfused plans agree: values, gradients, running statistics", function()
  -- a normalisation read by a pool, a concat and a transposed convolution; another that is an output and stays
  local function forward(x, p)
    local a = F.relu(F.batch_norm(F.conv2d(x, p.w1, { pad = 1 }), p.g1, p.b1, p.mean, p.var, { train = true }))
    local b = F.leaky_relu(F.batch_norm(F.conv2d(F.max_pool2d(a, { k = 2 }), p.w2, { pad = 1 }), p.g2, p.b2, { train = true }))
    local up = F.conv_transpose2d(b, p.w3, p.b3, { stride = 2 })
    local y = F.conv2d(F.concat(up, a, x, { dim = 2 }), p.w4, p.b4, { pad = 1 })
    return F.mean(F.mul(y, y)), F.batch_norm(y, { train = true })
  end
  local shapes = { w1 = { 8, 3, 3, 3 }, g1 = { 8 }, b1 = { 8 }, w2 = { 12, 8, 3, 3 }, g2 = { 12 }, b2 = { 12 }, w3 = { 12, 5, 2, 2 },
    b3 = { 5 }, w4 = { 4, 16, 3, 3 }, b4 = { 4 } }
  local results, given = {}, {}
  ra.seed(3)
  for name, shape in pairs(shapes) do given[name] = ra.randn(shape) end
  local image = ra.randn { 2, 3, 22, 38 }
  for _, fuse in ipairs { true, false } do
    local r = graph.recorder()
    local p, nodes, gradients = {}, {}, {}
    for name, shape in pairs(shapes) do
      p[name] = given[name]
      nodes[name] = r:tensor(p[name])
      gradients[name] = ra.zeros(shape)
    end
    p.mean, p.var = ra.zeros(8), ra.ones(8)
    nodes.mean, nodes.var = r:tensor(p.mean), r:tensor(p.var)
    local x = r:input { 2, 3, 22, 38 }
    local loss, y = forward(x, nodes)
    local list = {}
    for name, g in pairs(gradients) do list[#list + 1] = { nodes[name], g } end
    local plan = assert(r:plan { outputs = { loss, y }, loss = loss, gradients = list, fuse = fuse })
    plan:bind(x, image)
    plan:run()
    local text = plan:describe()
    check.equal(text:find("concat", 1, true) == nil, fuse, text)
    check.equal(text:find("when read", 1, true) ~= nil, fuse, text)
    results[fuse] = { loss = plan:output(1):clone(), y = plan:output(2):clone(), mean = p.mean, var = p.var }
    for name, g in pairs(gradients) do results[fuse]["d" .. name] = g end
  end
  for name, t in pairs(results[true]) do
    local other, scale = results[false][name], 1e-6
    for i = 0, t.size - 1 do scale = math.max(scale, math.abs(other.data[i])) end
    for i = 0, t.size - 1 do check.near(t.data[i], other.data[i], 2e-5 * scale, name .. " " .. i) end
  end
end)

check.case("inference: a residual is added in the convolution, before the activation behind it", function()
  local function block(x, p)
    local a = F.relu(F.batch_norm(F.conv2d(x, p.w1, { pad = 1 }), p.g, p.b, p.mean, p.var))
    local b = F.relu(F.conv2d(a, p.w2, { pad = 1 }) + x)                 -- the sum's second input is older
    local c = F.leaky_relu(F.conv2d(x, p.w3, p.b3) + F.conv2d(b, p.w2, { pad = 1 }))  -- two convolutions: the later one takes it
    local d = F.conv2d(c, p.w3) + p.s                                    -- shapes differ: an add of its own
    return F.conv2d(c, p.w3) + F.relu(d), b                              -- the younger summand is no convolution: likewise
  end
  local shapes = { w1 = { 6, 6, 3, 3 }, w2 = { 6, 6, 3, 3 }, w3 = { 6, 6, 1, 1 }, g = { 6 }, b = { 6 }, s = { 6, 1, 1 }, b3 = { 6 }, mean = { 6 }, var = { 6 } }
  ra.seed(5)
  local given, results = {}, {}
  for name, shape in pairs(shapes) do given[name] = ra.rand(shape) end
  local image = ra.randn { 2, 6, 17, 23 }
  for _, fuse in ipairs { true, false } do
    local r, nodes = graph.recorder(), {}
    for name, t in pairs(given) do nodes[name] = r:tensor(t) end
    local x = r:input { 2, 6, 17, 23 }
    local y, b = block(x, nodes)
    local plan = assert(r:plan { outputs = { y, b }, fuse = fuse })
    plan:bind(x, image)
    plan:run()
    local text, adds = plan:describe(), 0
    for _ in text:gmatch("%-> add") do adds = adds + 1 end
    check.equal(adds, fuse and 2 or 4, text)
    results[fuse] = { plan:output(1):clone(), plan:output(2):clone() }
  end
  for k = 1, 2 do
    local a, b, scale = results[true][k], results[false][k], 0
    for i = 0, b.size - 1 do scale = math.max(scale, math.abs(b.data[i])) end
    for i = 0, a.size - 1 do check.near(a.data[i], b.data[i], 5e-6 * scale, k .. " " .. i) end
  end
end)

check.case("the statistics of a sum are not those of the convolution that it was made in", function()
  local w, image, results = ra.randn { 20, 20, 3, 3 }, ra.randn { 2, 20, 24, 24 }, {}
  for _, fuse in ipairs { true, false } do
    local r = graph.recorder()
    local x = r:input { 2, 20, 24, 24 }
    local y = F.batch_norm(F.conv2d(x, r:tensor(w), { pad = 1 }) + x, { train = true })
    local plan = assert(r:plan { outputs = { y }, fuse = fuse })
    plan:bind(x, image)
    plan:run()
    check.equal(plan:describe():find("+add", 1, true) ~= nil, fuse, plan:describe())
    results[fuse] = plan:output(1):clone()
  end
  check.near(check.relative_l2(results[true].data, results[false].data, results[true].size), 0, 1e-5)
end)

check.case("grad of tensors, lists and what does not matter", function()
  local a, b = ra.tensor { 1, 2, 3 }, ra.tensor { 4, 5, 6 }
  local value, da, db = ra.grad(function(x, y) return F.sum(x * y * y) end, a, b)
  check.near(value, 16 + 50 + 108, 1e-4)
  check.near(da:get(2), 25, 1e-5)
  check.near(db:get(3), 36, 1e-5)
  local _, list, zero = ra.grad(function(l, _) return F.sum(l[1] * l[2]) end, { a, b }, ra.ones(2))
  check.near(list[1]:get(1), 4, 1e-6)
  check.near(list[2]:get(3), 3, 1e-6)
  check.equal(zero:get(1), 0)
  local _, twice = ra.grad(function(x) return F.sum(x * x + x) end, a)
  check.near(twice:get(3), 7, 1e-5, "an input that is read several times")
  check.raises("sum it", ra.grad, function(x) return x * 2 end, a)
  check.raises("must be a tensor", ra.grad, function(x) return x end, "a")
end)

check.case("grad of a model", function()
  local net = ra.model(function(x) return ra.nn.conv2d { 1, 2, k = 3, pad = 1, name = "c" } (x) end)
  local x = ra.rand(1, 1, 5, 5)
  local value, d = ra.grad(function(m) return F.sum(m:forward(x).out) end, net)
  check.equal(value, F.sum(net:forward(x).out))
  check.near(d["c.bias"]:get(1), 25, 1e-4)
end)

check.case("gradients accumulate and scale", function()
  local t, g = ra.tensor { 1, 2 }, ra.zeros(2)
  local r = graph.recorder()
  local node = r:tensor(t)
  local loss = F.sum(node * node)
  local plan = assert(r:plan { outputs = { loss }, loss = loss, gradients = { { node, g } } })
  plan:run()
  check.equal(g:get(2), 4)
  plan:run { accumulate = true, scale = 0.5 }
  check.equal(g:get(2), 6)
  plan:run()
  check.equal(g:get(2), 4)
end)

check.case("live parameters follow their schedule without a new plan", function()
  local r = graph.recorder()
  local x = r:input { 3 }
  local y = F.affine(x, { scale = ra.ramp(0, 10) })
  local plan = assert(r:plan { outputs = { y } })
  plan:bind(x, ra.ones(3))
  for _, t in ipairs { 0, 1, 4 } do
    plan:set_time(t, 4)
    plan:run()
    check.near(plan:output(1):get(1), 10 * t / 4, 1e-6)
  end
  check.raises("must be a number", function() F.affine(x, { scale = {} }) end)
end)

check.case("buffers whose lives do not overlap share memory", function()
  local r = graph.recorder()
  local x = r:input { 1, 4, 64, 64 }
  local y = x
  for _ = 1, 20 do y = F.conv2d(y, ra.randn(4, 4, 3, 3), { pad = 1 }) end
  local plan = assert(r:plan { outputs = { y } })
  local one = 4 * 64 * 64 * 4
  check.ok(plan:lower_bound() >= 2 * one and plan:bytes() <= 1.3 * plan:lower_bound(),
    ("%g bytes, lower bound %g"):format(plan:bytes(), plan:lower_bound()))
end)

check.case("options of ops are checked with the nearest name", function()
  check.raises("did you mean 'stride'", F.conv2d, ra.zeros(1, 1, 4, 4), ra.zeros(1, 1, 3, 3), { strid = 2 })
  check.raises("did you mean 'bilinear'", F.upsample, ra.zeros(1, 1, 4, 4), { scale = 2, mode = "bilnear" })
  check.raises("weight is missing", F.conv2d, ra.zeros(1, 1, 4, 4))
  check.raises("unknown op 'conv2'", function() return F.conv2 end)
  local ok, err = pcall(function()
    local y = F.conv2d(ra.zeros(1, 1, 4, 4), ra.zeros(1, 1, 3, 3), { strid = 2 })
    return y
  end)
  check.ok(not ok and err:find("test_graph.lua", 1, true), err)
end)

-- ---- poisoned plans: every buffer holds NaN before and after its life ----

--- Runs f while plans are poisoned.
local function poisoned(f)
  graph.poison = true
  local ok, err = pcall(f)
  graph.poison = nil
  if not ok then error(err, 0) end
end

--- The gradient of f(x + 0) by way of exp(f) + f, f an op that stands in no list: nothing else keeps x + 0.
local function gradient_of(name)
  local ffi = require "ramus.base.ffi"
  local op = ffi.testing().ra_op_faulty(name)
  local r, dx = graph.recorder(), ra.zeros(4)
  local x = r:input { 4 }
  local y = r:op(op, ffi.new("double[20]"), { x + 0 }, 1, 1)
  local loss = F.sum(F.exp(y * 1) + y)
  local plan = assert(r:plan { outputs = { loss }, loss = loss, gradients = { { x, dx } } })
  plan:bind(x, ra.ones(4))
  plan:run()
  return dx:get(2)
end

check.case("a poisoned plan finds an op whose table does not say what backward reads", function()
  local right = 2 * (math.exp(1) + 1)
  check.near(gradient_of "sound", right, 1e-5)
  poisoned(function()
    check.near(gradient_of "sound", right, 1e-5)
    local value = gradient_of "forgets"
    check.ok(value ~= value, "the missing flag went unnoticed: " .. value)
  end)
end)

--- Loss, output and gradients of one training step of `net` as bytes: every loss, two teachers' outputs, dropout.
local function training_step(net, x, y)
  local ffi = require "ramus.base.ffi"
  local r, leaf, gradients, results = graph.recorder { train = true }, {}, {}, {}
  local input, mask = r:tensor(x), r:tensor(y)
  local teacher = net:record(r, input, { train = false })
  local student = net:record(r, input, { train = true, leaf = function(name, value)
    if not leaf[name] then
      leaf[name] = r:tensor(value)
      if not name:find "running" then gradients[#gradients + 1] = { leaf[name], ra.zeros(value.shape) } end
    end
    return leaf[name]
  end })
  local total
  local others = student.out.shape[2] == 1 and { cross_entropy = true } or { bce = true, cldice = true }
  for _, name in ipairs(ra.loss.names) do
    local loss = ra.loss[not others[name] and name or "dice"] {}
    local term = loss(F.dropout(student.out, { p = 0.1, train = true }), mask, teacher.out) + loss(student.side2, mask, teacher.side2)
    total = total and total + term or term
  end
  local plan = assert(r:plan { outputs = { total, student.out }, loss = total, gradients = gradients })
  plan:run { seed = 3, epoch = 1, step = 2 }
  for _, t in ipairs { plan:output(1), plan:output(2) } do gradients[#gradients + 1] = { false, t } end
  for k, g in ipairs(gradients) do results[k] = ffi.string(ffi.data(g[2]), g[2].size * ffi.sizeof "ra_real") end
  return table.concat(results), plan:scalar(1)
end

check.case("one training step of every kernel set: the same bits poisoned and not", function()
  local ffi = require "ramus.base.ffi"
  local active = ffi.string(ffi.C.ra_isa())
  for _, classes in ipairs { 1, 3 } do
    local net = ra.models.unet { depth = 3, width = 12, sides = true, classes = classes }
    local x, y, kept = ra.rand(2, 1, 40, 56), ra.zeros(2, 1, 40, 56), net.flat_buffers:clone()
    y:narrow(4, 3, 20):fill(1)
    for _, isa in ipairs(check.kernel_sets()) do
      ffi.C.ra_isa_set(isa)
      net.flat_buffers:copy(kept)
      local plain, loss = training_step(net, x, y)
      check.ok(loss == loss and loss > 0, "loss " .. loss)
      net.flat_buffers:copy(kept)
      poisoned(function() check.ok(training_step(net, x, y) == plain, isa .. ": a step reads what is no longer, or not yet, there") end)
    end
  end
  ffi.C.ra_isa_set(active)
end)

check.case("dropout draws by its number among the random ops: other ops recorded before it change nothing", function()
  local x = ra.ones(64)
  local function mask_of(before, index)
    local r = graph.recorder()
    local node = r:tensor(x)
    for _ = 1, before do F.exp(node) end
    local nodes = {}
    for k = 1, 3 do nodes[k] = F.dropout(node, { p = 0.5, train = true }) end
    local plan = assert(r:plan { outputs = { nodes[index] } })
    plan:run { seed = 1 }
    return table.concat(plan:output(1):totable(), " ")
  end
  for index = 1, 3 do check.equal(mask_of(5, index), mask_of(0, index), "dropout " .. index) end
  check.ok(mask_of(0, 1) ~= mask_of(0, 2) and mask_of(0, 2) ~= mask_of(0, 3), "each dropout has numbers of its own")
end)

check.case("gradients through running statistics: an activation in the normalisation and one behind it agree", function()
  local x, gamma, beta, mean, var = ra.randn(3, 5, 9, 11), ra.randn(5), ra.randn(5), ra.randn(5), ra.rand(5)
  local results = {}
  for _, fuse in ipairs { true, false } do
    local r, gradients = graph.recorder(), {}
    local nodes = {}
    for k, t in ipairs { x, gamma, beta } do
      nodes[k] = r:tensor(t)
      gradients[k] = { nodes[k], ra.zeros(t.shape) }
    end
    local y = F.leaky_relu(F.batch_norm(nodes[1], nodes[2], nodes[3], mean, var), { slope = 0.2 })
    local loss = F.mean(y * y)
    local plan = assert(r:plan { outputs = { loss }, loss = loss, gradients = gradients, fuse = fuse })
    plan:run()
    results[fuse] = gradients
  end
  for k = 1, 3 do
    local a, b = results[true][k][2], results[false][k][2]
    check.near(check.relative_l2(a.data, b.data, a.size), 0, 1e-6, "gradient " .. k)
  end
end)

check.case("plan: a normalisation that is read by an activation and by another op keeps its value, with and without fusing", function()
  local nn = ra.nn
  ra.seed(3)
  for name, net in pairs {
    ["activation first"] = function(y) return F.add(F.relu(y), F.mul(y, 2)) end,
    ["activation last"] = function(y) return F.add(F.mul(y, 2), F.relu(y)) end,
    ["twice in one op"] = function(y) return F.mul(y, y) end,
    ["two activations"] = function(y) return F.add(F.relu(y), F.silu(y)) end,
  } do
    local m = ra.model(function(x) return net(nn.batch_norm { 3 } (nn.conv2d { 1, 3, k = 3, pad = 1 } (x))) end)
    local x, values = ra.randn(1, 1, 9, 7), {}
    for i, fuse in ipairs { true, false } do
      local r = require("ramus.lang.graph").recorder()
      local node = r:input { 1, 1, 9, 7 }
      local plan = assert(r:plan { outputs = { m:record(r, node).out }, fuse = fuse })
      plan:bind(node, x)
      plan:run {}
      values[i] = plan:output(1):clone()
    end
    check.ok((values[1] - values[2]):abs():max() < 1e-5, name)
    check.ok(values[1]:abs():max() > 0)
  end
end)

check.case("an empty batch goes through convolutions of every kind and whole nets", function()
  local nn, empty = ra.nn, ra.zeros(0, 4, 16, 16)
  for _, o in ipairs { { k = 3, pad = 1 }, { k = 1 }, { k = 3, stride = 2, pad = 1 }, { k = 3, dilation = 2, pad = 2 }, { k = 3, groups = 4, pad = 1 },
    { k = 5 } } do
    local m = ra.model(function(x) return nn.conv2d { 4, 8, k = o.k, pad = o.pad, stride = o.stride, dilation = o.dilation, groups = o.groups } (x) end,
      { channels = 4 })
    check.equal(m:forward(empty).out.dim[0], 0)
    check.equal(m:forward(empty, { train = true }).out.dim[0], 0)
  end
  check.equal(ra.models.unet { depth = 2, width = 2 }:forward(ra.zeros(0, 1, 8, 8)).out.dim[0], 0)
end)
