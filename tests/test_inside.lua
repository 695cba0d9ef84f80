--- Values between the parts of a model, and gradients with respect to them.
local check = require "check"
local ra = require "ramus"
local F = ra.F

local function apart(a, b) return F.abs(F.sub(a:clone(), b:clone())):stats().max end

--- Two convolutions with an activation behind the first, as named parts.
local function small()
  local first, second = ra.nn.conv2d { 1, 2, k = 3, pad = 1, name = "first" }, ra.nn.conv2d { 2, 1, k = 1, name = "second" }
  return ra.model(function(x) return { out = second(F.relu(first(x))), raw = F.mul(x, 2) } end)
end

check.case("model:activations: the value behind a part and its activation; one, several, all", function()
  local m, x = small(), ra.randn(2, 1, 6, 5)
  local v = m.values
  local hidden = F.relu(F.conv2d(x, v["first.weight"], v["first.bias"], { pad = 1 }))
  check.ok(apart(m:activations(x, "first"), hidden) < 1e-6)
  local all = m:activations(x)
  check.ok(apart(all.first, hidden) < 1e-6 and apart(all.second, m:forward(x).out) < 1e-6)
  check.equal(all.raw, nil)
  local u = ra.models.unet { depth = 3, width = 4, sides = true }
  local image = ra.rand(1, 1, 32, 24)
  check.equal(table.concat(u:activations(image, "decoder2").shape, "x"), "1x8x16x12")
  check.equal(table.concat(u:activations(image, "encoder1.conv1").shape, "x"), "1x4x32x24")
  check.ok(u:activations(image, { "decoder1" }).decoder1:stats().min >= 0) -- behind the ReLU
  check.ok(apart(F.crop_like(u:activations(image, "head"), image), u:forward(image).out) < 1e-6)
  check.raises("did you mean 'decoder2'", u.activations, u, image, "decodr2")
  check.raises("reads [B,1,H,W]", u.activations, u, ra.rand(1, 2, 8, 8), "head")
end)

check.case("log.histograms: weights and activations of every part, and no change of what is trained", function()
  local checkpoint, files, json = require "ramus.train.checkpoint", require "ramus.base.files", require "cjson"
  local folder = check.folder "inside"
  local function train(name, log)
    assert(ra.train({ name = name, data = { set = "phantom", options = { size = 32, train = 4, val = 1, test = 1 }, batch = 2 },
      model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2 },
      epochs = 4, log = log }, { run = folder .. "/" .. name, quiet = true, evaluate = false, data_root = folder .. "/data" }))
    return checkpoint.hash(folder .. "/" .. name .. "/last.safetensors")
  end
  check.equal(train("seen", { histograms = { every = 2, bins = 8 } }), train("unseen"))
  local lines = {}
  for line in files.read(folder .. "/seen/histograms.jsonl"):gmatch "[^\n]+" do lines[#lines + 1] = json.decode(line) end
  check.equal(#lines, 3) -- epochs 0, 2 and 3
  local w, a = lines[3].weights["encoder1.conv1.weight"], lines[3].activations.encoder1
  local sum = 0
  for _, n in ipairs(w.counts) do sum = sum + n end
  check.equal(#w.counts .. "/" .. sum, "8/18")
  local model = ra.load_model(folder .. "/seen/last.safetensors")
  check.near(w.mean, model.values["encoder1.conv1.weight"]:stats().mean, 1e-6)
  check.ok(a.low >= 0 and a.high > a.low)
end)

check.case("model:gradients: with respect to the input and to values inside, as differences say", function()
  local m, x, y = small(), ra.randn(1, 1, 4, 4), ra.zeros(1, 1, 4, 4)
  local function value(out) return F.mean(F.pow(F.sub(out.out, y), { p = 2 })) end
  local g, v = m:gradients { x = x, of = value, at = { "input", "first" } }
  check.near(v, value(m:forward(x)), 1e-6)
  check.equal(table.concat(g.first.shape, "x"), "1x2x4x4")
  local eps = 1e-2
  for _, at in ipairs { { 1, 1 }, { 2, 3 }, { 4, 4 } } do
    local kept = x:get(1, 1, at[1], at[2])
    x:set(1, 1, at[1], at[2], kept + eps)
    local up = value(m:forward(x))
    x:set(1, 1, at[1], at[2], kept - eps)
    local down = value(m:forward(x))
    x:set(1, 1, at[1], at[2], kept)
    check.near(g.input:get(1, 1, at[1], at[2]), (up - down) / (2 * eps), 2e-3)
  end
  -- of a value inside: what the rest of the model makes of it
  local hidden, weight, bias = m:activations(x, "first"), m.values["second.weight"], m.values["second.bias"]
  local _, wanted = ra.grad(function(h) return F.mean(F.pow(F.sub(F.conv2d(h, weight, bias), y), { p = 2 })) end, hidden)
  check.ok(apart(g.first, wanted) < 1e-6)
  local u = ra.models.unet { depth = 3, width = 2, sides = true }
  local image, truth = ra.rand(1, 1, 16, 20), ra.zeros(1, 1, 16, 20)
  local dice = ra.loss.dice {}
  local inner, loss = u:gradients { x = image, of = function(out) return dice(out.out, truth) end, at = { "decoder2", "encoder1" } }
  check.near(loss, dice(u:forward(image).out, truth), 1e-5)
  check.equal(table.concat(inner.encoder1.shape, "x"), "1x2x16x20")
  check.raises("must return one value", m.gradients, m, { x = x, of = function(out) return out.out end })
  check.raises("unknown part 'third'", m.gradients, m, { x = x, of = value, at = { "third" } })
end)
