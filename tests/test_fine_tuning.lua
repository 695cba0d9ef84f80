--- Fine-tuning: weights from another run, parts that stand still or learn at a rate of their own; the optimizer's ranges.
local check = require "check"
local ffi = require "ramus.base.ffi"
local ra = require "ramus"
local ranges = require "ramus.lang.ranges"
local recipe = require "ramus.train.recipe"
local C = ffi.C

local folder = check.folder "fine_tuning"

local function raw(name, more)
  local r = { name = name, data = { set = "phantom", options = { size = 32, train = 4, val = 1, test = 1 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
    optim = ra.optim.adamw { lr = 1e-2, weight_decay = 0.1 }, epochs = 3, seed = 3 }
  for k, v in pairs(more or {}) do r[k] = v end
  return r
end

local function train(name, more)
  local path = folder .. "/" .. name
  local result, err = ra.train(raw(name, more), { run = path, quiet = true, evaluate = false, data_root = folder .. "/data" })
  if not result then return nil, err end
  return assert(ra.load_model(path .. "/last.safetensors")), path
end

--- Names of parameters (of the given pattern) that differ between two models.
local function changed(a, b, pattern)
  local names = {}
  for _, p in ipairs(a:parameters()) do
    local other, same = b.values[p.name], true
    for i = 0, tonumber(other.size) - 1 do same = same and p.tensor:clone().data[i] == other:clone().data[i] end
    if not same and p.name:find(pattern or "") then names[#names + 1] = p.name end
  end
  return names
end

check.case("init: weights of another run; only and skip choose by name; what does not fit is named with the cure", function()
  local first = assert(train "first")
  local still = { optim = ra.optim.sgd { lr = 0 }, epochs = 1 }
  local from = folder .. "/first/last.safetensors"
  local function with(init)
    local more = { init = init, seed = 9 }
    for k, v in pairs(still) do more[k] = v end
    return more
  end
  local taken = assert(train("taken", with { from = from }))
  check.equal(#changed(first, taken), 0)
  local part = assert(train("part", with { from = from, only = "^encoder", skip = "^encoder2" }))
  check.equal(#changed(first, part, "^encoder1"), 0)
  check.ok(#changed(first, part, "^encoder2") > 0 and #changed(first, part, "^decoder") > 0)
  local wide = ra.models.unet { depth = 2, width = 3 }
  check.fails("'encoder1.conv1.weight' is [2,1,3,3] there, [3,1,3,3] here", train, "wide", { model = wide, init = { from = from } })
  check.fails("leave them out with init.skip", train, "deep", { model = ra.models.unet { depth = 3, width = 2 }, init = { from = from } })
  check.fails("no name fits only = 'xyz'", train, "none", { init = { from = from, only = "xyz" } })
  check.fails("init.from: ", train, "absent", { init = { from = folder .. "/nothing" } })
  check.fails("must be a Lua pattern", recipe.resolve, raw("bad", { init = { from = from, only = "[" } }))
end)

check.case("freeze: parameters stand still always or till an epoch, then learn; other patterns are refused", function()
  local begun = assert(train("begun", { optim = ra.optim.sgd { lr = 0 }, epochs = 1 }))
  local frozen = assert(train("frozen", { freeze = "^encoder" }))
  check.equal(#changed(begun, frozen, "^encoder"), 0)
  check.equal(#changed(begun, frozen, "^decoder"), 6)
  local later = { { at = "^encoder1", till = 2 }, { at = "^encoder" } }
  local two = assert(train("two", { freeze = later, epochs = 2 }))
  check.equal(#changed(begun, two, "^encoder"), 0)
  local three = assert(train("three", { freeze = later, epochs = 3 }))
  check.ok(#changed(begun, three, "^encoder1") > 0)
  check.equal(#changed(begun, three, "^encoder2"), 0)
  check.fails("fits no parameter; they are called encoder1.conv1.weight", train, "typo", { freeze = "^encodr" })
  check.fails("must be a Lua pattern", recipe.resolve, raw("bad", { freeze = "[" }))
  check.fails("unknown option 'til'", recipe.resolve, raw("bad", { freeze = { at = "x", til = 3 } }))
end)

check.case("optim: groups, layer_decay and decay become ranges of the block; alike neighbours are one", function()
  local net = ra.models.unet { depth = 2, width = 2 }
  local function text(o, freeze)
    local list, parts = assert(ranges.of(net, o, freeze, function(epoch) return epoch * 10 end)), {}
    local at = 0
    for i, r in ipairs(list) do
      check.equal(r.first, at)
      at = at + r.count
      parts[i] = ("%g/%g/%g"):format(r.lr, r.weight_decay, r.from)
    end
    check.equal(at, tonumber(net.flat.size))
    return table.concat(parts, " ")
  end
  check.equal(text(ra.optim.adamw { lr = 1, weight_decay = 0.1 }), "1/0.1/0")
  check.equal(text(ra.optim.adamw { lr = 1, layer_decay = 0.5 }), "0.0625/0/0 0.125/0/0 0.25/0/0 0.5/0/0 1/0/0")
  local groups = { { at = "^up1", lr = 0.1 }, { at = "^up", lr = 3 }, { at = "^head", weight_decay = 0 } }
  check.equal(text(ra.optim.adamw { lr = 1, weight_decay = 0.1, groups = groups }, ranges.freeze "^encoder1"), "1/0.1/inf 1/0.1/0 0.1/0.1/0 1/0.1/0 1/0/0")
  local plain = text(ra.optim.adamw { lr = 1, weight_decay = 0.1, decay = "weights" })
  check.equal(plain:sub(1, 17), "1/0.1/0 1/0/0 1/0")
  check.raises("unknown option 'rate'", ra.optim.sgd, { lr = 1, groups = { { at = "x", rate = 1 } } })
  check.raises("groups must be a list", ra.optim.sgd, { lr = 1, groups = {} })
end)

check.case("optim:step: a loop of one's own makes the steps of a training; clipping and other rates; what is missing is named", function()
  local net, y = ra.models.unet { depth = 2, width = 2, seed = 5 }, ra.zeros(1, 1, 16, 16)
  y:narrow(3, 5, 4):fill(1)
  local x, dice = ra.rand(1, 1, 16, 16), ra.loss.dice {}
  local function loss(m) return dice(m:forward(x).out, y) end
  local o = ra.optim.adamw { lr = 1e-2, clip = 1e-3, groups = { { at = "^head", lr = 0 } } }
  local head, first = net.values["head.weight"]:clone(), nil
  for _ = 1, 20 do
    local value, gradients = ra.grad(loss, net)
    local norm, clipped = o:step(net, gradients)
    first = first or value
    check.ok(norm > 0 and clipped)
  end
  check.ok((ra.grad(loss, net)) < first)
  for i = 0, 1 do check.equal(net.values["head.weight"]:clone().data[i], head.data[i]) end
  local kept = net.values["encoder1.conv1.weight"]:clone()
  o:step(net, select(2, ra.grad(loss, net)), { rate = 0 })
  check.equal(net.values["encoder1.conv1.weight"]:clone().data[3], kept.data[3])
  check.raises("no gradient of 'encoder1.conv1.weight'", o.step, o, net, {})
  check.raises("wants a model", o.step, o, 3, {})
end)

check.case("optim.swa: the mean of the weights of the last epochs, through a kill; it is what is saved and evaluated", function()
  local settings = { optim = ra.optim.sgd { lr = 0.1, swa = 1 }, epochs = 4 }
  local mean = assert(train("swa", settings))
  local weights = {}
  for epochs = 2, 4 do weights[#weights + 1] = assert(train("sgd" .. epochs, { optim = ra.optim.sgd { lr = 0.1 }, epochs = epochs })) end
  for _, p in ipairs(mean:parameters()) do
    for i = 0, tonumber(p.tensor.size) - 1, 5 do
      local sum = 0
      for _, m in ipairs(weights) do sum = sum + m.values[p.name]:clone().data[i] end
      check.near(p.tensor:clone().data[i], sum / 3, 1e-6, p.name)
    end
  end
  check.fails("the training has 3", train, "late", { optim = ra.optim.sgd { lr = 0.1, swa = 3 } })
  check.fails("give one", train, "both", { optim = ra.optim.sgd { lr = 0.1, swa = 1, ema = 0.9 } })
end)

check.case("ranges of the optimizer: each is what a block of its own would be, clipping by the norm of what moves", function()
  local norm, clipped = ffi.new("double[1]"), ffi.new("bool[1]")
  local function fill(t, n, shift) for i = 0, n - 1 do t.data[i] = math.sin(i * 0.7 + shift) end end
  for _, kind in ipairs { "sgd", "adam", "adamw" } do
    local config = ffi.new("ra_optim_config", { weight_decay = 0.2, momentum = 0.9, beta1 = 0.9, beta2 = 0.99, eps = 1e-8, clip = 0.5 })
    local w, g = ra.zeros(20), ra.zeros(20)
    fill(w, 20, 0)
    local o = ffi.gc(C.ra_optim_new(kind, config, w, g), C.ra_optim_release)
    local list = ffi.new("ra_optim_range[3]", { { 0, 5, 0.5, 0, 0 }, { 5, 7, 1, 0.2, math.huge }, { 12, 8, 1, 0.2, 2 } })
    check.equal(C.ra_optim_ranges(o, list, 3), 0)
    -- the same as two blocks: the first 5, and the last 8 from step 3 on
    local a, ga, b, gb = ra.zeros(5), ra.zeros(5), ra.zeros(8), ra.zeros(8)
    a:copy(w:narrow(1, 1, 5):clone())
    b:copy(w:narrow(1, 13, 8):clone())
    config.weight_decay, config.clip = 0, 0
    local one = ffi.gc(C.ra_optim_new(kind, config, a, ga), C.ra_optim_release)
    config.weight_decay = 0.2
    local two = ffi.gc(C.ra_optim_new(kind, config, b, gb), C.ra_optim_release)
    for step = 1, 5 do
      fill(g, 20, step)
      local sum = 0
      for i = 0, 19 do if i < 5 or i >= 12 and step > 2 then sum = sum + g.data[i] ^ 2 end end
      local scale = math.min(1, 0.5 / (math.sqrt(sum) + 1e-6))
      check.equal(C.ra_optim_step(o, 0.1, norm, clipped), 0)
      check.near(norm[0], math.sqrt(sum), 1e-5)
      for i = 0, 4 do ga.data[i] = g.data[i] * scale end
      for i = 0, 7 do gb.data[i] = g.data[12 + i] * scale end
      check.equal(C.ra_optim_step(one, 0.05, norm, clipped), 0)
      if step > 2 then check.equal(C.ra_optim_step(two, 0.1, norm, clipped), 0) end
      for i = 0, 19 do
        local wanted = i < 5 and a.data[i] or i >= 12 and b.data[i - 12] or math.sin(i * 0.7)
        check.near(w.data[i], wanted, 1e-5, ("%s, step %d, element %d"):format(kind, step, i))
      end
    end
    for _, wrong in ipairs { { { 0, 5, 1, 0, 0 }, { 6, 14, 1, 0, 0 } }, { { 0, 20, -1, 0, 0 } }, { { 0, 19, 1, 0, 0 } }, { { 0, 20, 1, 0, 0 / 0 } },
      { { 0, 2147483647, 1, 0, 0 } }, { { 0, -1, 1, 0, 0 }, { -1, 21, 1, 0, 0 } } } do
      check.ok(C.ra_optim_ranges(o, ffi.new("ra_optim_range[?]", #wrong, wrong), #wrong) ~= 0)
    end
  end
end)
