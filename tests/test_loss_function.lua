--- Rows of a recipe whose loss is a Lua function: what they compute, what they are given, what is refused, and what a run keeps of them.
local check = require "check"
local cjson = require "cjson"
local checkpoint = require "ramus.train.checkpoint"
local files = require "ramus.base.files"
local key = require "ramus.study.key"
local loader = require "ramus.data.loader"
local loss_function = require "ramus.lang.loss_function"
local numbers = require "numbers"
local ra = require "ramus"
local recipe = require "ramus.train.recipe"
local supervise = require "ramus.train.supervise"

local folder = check.folder "loss_function"
local data_root = folder .. "/data"
local F = ra.F

local function raw(rows, fields)
  local r = { name = "own", data = { set = "phantom", options = { size = 64, train = 4, val = 2, test = 2 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = 4, sides = true }, supervise = rows, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, seed = 1 }
  for k, v in pairs(fields or {}) do r[k] = v or nil end
  return r
end

local function train(name, r) return ra.train(r, { run = folder .. "/" .. name, quiet = true, data_root = data_root, evaluate = false }) end

local function cross(p, y) return F.mean(F.softplus(p) - p * y) end

check.case("a function trains as the built-in loss of the same formula; its gradient norm is measured", function()
  local own = assert(train("own", raw { { at = "out", loss = cross, weight = 0.5 }, { at = "out", loss = ra.loss.dice {} } }))
  local built = assert(train("built", raw { { at = "out", loss = ra.loss.bce {}, weight = 0.5 }, { at = "out", loss = ra.loss.dice {} } }))
  for epoch = 1, 2 do
    local a, b = own.history[epoch].terms["function@out"], built.history[epoch].terms["bce@out"]
    check.near(a.value, b.value, 1e-4 * b.value, "value")
    check.near(a.gradient_norm, b.gradient_norm, 1e-3 * b.gradient_norm, "gradient norm")
    check.near(own.history[epoch].loss, built.history[epoch].loss, 1e-4, "total")
  end
end)

check.case("a function on tensors is called, on nodes its recording is: one recording for every size", function()
  local calls = 0
  local l = loss_function.of(function(p, y) calls = calls + 1 return cross(p, y) end, true)
  local function both(shape)
    local p, y = numbers.make(shape, function(k) return math.sin(k) end), numbers.make(shape, function(k) return k % 3 == 0 and 1 or 0 end)
    local wanted = ra.loss.bce {}(p, y)
    check.near(l(p, y), wanted, 1e-6, "tensors")
    local value, dp = ra.grad(function(x) return l(x, y) end, p)
    local _, expected = ra.grad(function(x) return ra.loss.bce {}(x, y) end, p)
    check.near(value, wanted, 1e-6, "nodes")
    check.near(numbers.distance(dp, expected), 0, 1e-5 * numbers.norm(expected), "gradient")
  end
  both { 2, 1, 9, 11 }
  local before = calls
  both { 1, 1, 32, 8 }
  check.equal(calls, before + 1, "only the call on tensors")
end)

check.case("inputs: teacher, the net itself without a gradient, inside, and fields by name", function()
  local seen
  local rows = {
    { at = "out", loss = function(p, y, t, more)
      seen = { y = y, t = t, more = more }
      return F.mean(more.inside * more.near * (p - t) ^ 2)
    end, against = "teacher.out", inside = "fov", with = { near = "near" } },
    { at = "side1", loss = function(p, _, t) return F.mean((p - t) ^ 2) end, against = "self.out" },
  }
  local s = assert(supervise.new(rows, { "out", "side1" }, 4, 0, nil, { near = { kind = "map", channels = 1 } }))
  check.equal(table.concat(supervise.fields(s.terms), " "), "image mask fov near")
  check.ok(seen.t and seen.more.inside and seen.more.near, "all are given")
  local graph = require "ramus.lang.graph"
  local r = graph.recorder { train = true }
  local shape = { 1, 1, 8, 8 }
  local out, side = r:input(shape), r:input(shape)
  local total = s:record({ s.terms[2] }, { out = out, side1 = side }, setmetatable({}, { __index = function() return r:input(shape) end }), {}, "out")
  local d_out, d_side = ra.zeros(unpack(shape)), ra.zeros(unpack(shape))
  local plan = assert(r:plan { outputs = { total }, loss = total, gradients = { { out, d_out }, { side, d_side } } })
  plan:bind(out, ra.ones(unpack(shape)))
  plan:bind(side, ra.zeros(unpack(shape)))
  plan:run()
  check.near(plan:scalar(1), 1, 1e-6)
  check.equal(numbers.norm(d_out), 0, "the target")
  check.near(numbers.norm(d_side), 2 / 8, 1e-6, "the prediction")
end)

check.case("classes: a function of K logits and a label map", function()
  local rows = { { at = "out", loss = function(p, y) return ra.loss.cross_entropy {}(p, y) + F.mean(p ^ 2) * 0.01 end } }
  local r = raw(rows, { model = ra.models.unet { depth = 2, width = 4, classes = 4 } })
  r.data.options = { size = 64, train = 4, val = 2, test = 2, classes = true }
  check.ok(assert(train("classes", r)).history[2].terms["function@out"].gradient_norm > 0)
end)

check.case("schedules inside a function are followed", function()
  local rows = { { at = "out", loss = function(p, y) return F.affine(cross(p, y), { scale = ra.ramp(1, 0, 2) }) end } }
  local h = assert(train("scheduled", raw(rows, { optim = ra.optim.adamw { lr = 0 }, data = { set = "phantom", batch = 4,
    options = { size = 64, train = 4, val = 2, test = 2 } } }))).history
  check.near(h[2].terms["function@out"].value, h[1].terms["function@out"].value / 2, 1e-3 * h[1].terms["function@out"].value)
end)

check.case("what a function may not do is said before anything is fetched", function()
  local function refused(message, f, row)
    local given = { at = "out", loss = f }
    for k, v in pairs(row or {}) do given[k] = v end
    check.fails(message, recipe.resolve, raw({ given }, { teacher = { kind = "last_epoch" } }))
  end
  refused("it must return one number", function(p) return p end)
  refused("it must return one number", function() return 3 end)
  refused("does not use the prediction", function(_, y) return F.mean(y) end)
  refused("no gradient reaches the prediction", function(p) return F.mean(p * 0) end)
  refused("no gradient reaches the prediction", function(p) return F.mean(F.detach(p)) end)
  local function straight(p, y) return ra.loss.deep_distribution { patch = 8, count = "hard" } (p, y) end
  refused("its gradient is wrong", straight)
  refused("does not use its third argument", cross, { against = "self.side1" })
  refused("does not use inside", cross, { inside = "fov" })
  refused("does not use near of its fourth argument", cross, { with = { near = "fov" } })
  refused("depends on the size of its input", function(p) return F.sum(p) * (1 / p.shape[4]) end)
  refused("its value is", function(p) return F.mean(F.log(p * 0)) end)
  refused("it has parameters", function(p) return F.mean(ra.nn.conv2d { 1, 1, k = 1 }(p)) end)
  refused("a tensor of 4225 numbers is part", function(p) return F.mean(p) + F.sum(ra.ones(65, 65)) * F.mean(ra.ones(65, 65) * F.mean(p)) end)
  local line = debug.getinfo(1, "l").currentline
  refused(("line %d: mean: x is missing"):format(line + 1), function(p) return F.mean(p.nothing) end) -- a tail call leaves no place
  refused(("test_loss_function.lua:%d: mean: x is missing"):format(line + 3), function(p)
    local value = F.mean(p.nothing)
    return value
  end)
  check.fails("must be a loss, as ra.loss.dice{}, or a function", recipe.resolve, raw { { at = "out", loss = {} } })
  check.ok(recipe.resolve(raw { { at = "out", loss = straight, check = false } }), "unless it is told so")
end)

check.case("the check of a gradient passes for every loss, and counts what is detached as a constant", function()
  for _, name in ipairs(ra.loss.names) do
    for _, K in ipairs { 1, 3 } do
      if not (K == 3 and name == "bce" or K == 1 and name == "cross_entropy") then
        local l = loss_function.of(function(p, y) return ra.loss[name] {}(p, y, name == "soft_target" and F.detach(p) or nil) end, true)
        check.ok(l:graph { prediction = K, mask = 1 }, name)
      end
    end
  end
  check.ok(loss_function.of(function(p) return F.mean(p * F.detach(p)) end, true):graph { prediction = 1, mask = 1 })
end)

check.case("void pixels of a set: a function must heed them", function()
  local deaf = assert(supervise.new({ { at = "out", loss = cross } }, { "out" }, 1))
  deaf:leave_out_void()
  check.raises("does not use inside", deaf.functions, deaf, {})
  local s = assert(supervise.new({ { at = "out", loss = function(p, y, _, more) return ra.loss.bce {}(p, y, nil, { inside = more.inside }) end } },
    { "out" }, 1))
  s:leave_out_void()
  check.equal(s:functions({})["function@out"].graph.entries[1].op, "bce")
end)

-- ---- what a run keeps ---------------------------------------------------------------

local SOURCE = [[
local ra = require "ramus"
local F = ra.F
local power = POWER
return {
  name = "file", data = { set = "phantom", options = { size = 64, train = 4, val = 2, test = 2 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 4 }, teacher = { kind = "last_epoch" },
  supervise = {
    { at = "out", loss = function(p, y) return F.mean(F.softplus(p) - p * y) end },
    { at = "out", loss = function(p, y, t)
      return OWN(F.sigmoid(p) - F.sigmoid(t)) * power
    end, against = "teacher.out", from = 1 },
  },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 3, seed = 1,
}
]]

local function written(name, power)
  local path = ("%s/%s"):format(folder, name)
  assert(files.write(path, (SOURCE:gsub("POWER", power or 1))))
  return path
end

rawset(_G, "OWN", function(d) return F.mean(d ^ 2) end) -- a helper elsewhere, of which the recipe's text says nothing

check.case("a resolved recipe names file, line and hash, and loads again; another function there is refused", function()
  local r = assert(recipe.load(written "a.lua"))
  local text = tostring(r)
  check.ok(text:find("/a.lua\", line = 9, sha256 = \"%x+\"", 1), text)
  assert(files.write(folder .. "/resolved.lua", text))
  local again = assert(recipe.load(folder .. "/resolved.lua"))
  check.equal(again:identity(), r:identity())
  check.equal(key.of(again), key.of(r), "the key of a study")
  assert(files.make_folder(folder .. "/elsewhere"))
  check.equal(assert(recipe.load(written "elsewhere/b.lua")):identity(), r:identity(), "in another place")
  local other = assert(recipe.load(written("a.lua", 2)))
  check.ok(other:identity() ~= r:identity() and key.of(other) ~= key.of(r), "another value around the function")
  local before, own = key.of(r), rawget(_G, "OWN")
  rawset(_G, "OWN", function(d) return F.mean(d ^ 2) * 3 end)
  check.ok(key.of(assert(recipe.load(written "a.lua"))) ~= before, "another helper that it calls: what was recorded counts")
  rawset(_G, "OWN", own)
  assert(files.write(folder .. "/spaced.lua", (SOURCE:gsub("POWER", 1):gsub("return OWN", "-- a remark\n      return   OWN"))))
  check.equal(key.of(assert(recipe.load(folder .. "/spaced.lua"))), before, "how it is written does not")
  written("a.lua", 2)
  check.fails("a.lua:9: the function has changed", recipe.load, folder .. "/resolved.lua")
  written "a.lua"
end)

check.case("interrupted and resumed: the same bytes; what the function calls may not change", function()
  local path = written "run.lua"
  local function one(name) return train(name, assert(recipe.load(path))) end
  assert(one "whole")
  local methods, count = getmetatable(assert(loader.new({ { id = "a", image = "a.png" } }, {}))).__index, 0
  local kept = methods.next
  methods.next = function(...)
    count = count + 1
    if count == 4 then os.execute "kill -TERM $PPID" end -- the second batch of the second epoch
    return kept(...)
  end
  local ok, value, err = pcall(one, "broken")
  methods.next = kept
  check.ok(ok and value == nil and err == "interrupted", tostring(value) .. " " .. tostring(err))
  local meta = checkpoint.open(folder .. "/broken/last.safetensors").meta
  local functions = cjson.decode(meta["ramus.losses"])
  check.equal(functions["function@out#1"].graph.entries[1].op, "softplus")
  check.ok(functions["function@out#2"].sha256:match "^%x+$" and #functions["function@out#2"].graph.entries >= 4)
  local own = rawget(_G, "OWN")
  rawset(_G, "OWN", function(d) return F.mean(d ^ 2) * 2 end)
  check.fails("records other ops than when the run began", one, "broken")
  rawset(_G, "OWN", own)
  assert(one "broken")
  check.ok(files.read(folder .. "/whole/last.safetensors") == files.read(folder .. "/broken/last.safetensors"), "the checkpoints differ")
  check.ok(ra.load_model(folder .. "/broken"), "the model alone needs no function")
end)
