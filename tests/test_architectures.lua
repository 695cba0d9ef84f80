--- Every architecture, from its file alone: presets and published counts, sizes, channels and classes, a file that holds it, training with
-- distillation through a kill, and outputs and gradients against PyTorch (tests/reference/architectures.py).
local check = require "check"
local cjson = require "cjson"
local dataset = require "ramus.data.dataset"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local filled = require "filled"
local models = require "ramus.lang.models"
local processes = require "processes"
local ra = require "ramus"

local folder = check.folder "architectures"
local reference = cjson.decode(assert(files.read(check.root .. "/tests/reference/architectures.json")))
for name, row in pairs(cjson.decode(assert(files.read(check.root .. "/tests/reference/transformers.json")))) do reference[name] = row end
local names = {}
for _, name in ipairs(models.names()) do -- those of the house: other tests define some too
  if package.searchpath("ramus.lang.models." .. name, package.path) then names[#names + 1] = name end
end

--- Model NAME{...}, with sides where it has them.
local function make(name, given)
  local o = { sides = models.find(name).schema.sides and true or nil }
  for key, value in pairs(given or {}) do o[key] = value end
  return ra.models[name](o)
end

local function each(what, f)
  for _, name in ipairs(names) do check.case(("architecture %s: %s"):format(name, what), function() f(name, models.find(name)) end) end
end

check.case("architectures: there are those that the pages promise", function()
  for _, name in ipairs { "unet", "fpn", "attention_unet", "unetpp", "unet3p", "wnet", "frunet", "hed", "resnet34_unet", "planned" } do
    check.ok(models.find(name), name)
  end
  for _, name in ipairs { "segformer", "swin_unet", "transunet" } do check.ok(models.find(name), name) end -- transformers
end)

each("the published count of parameters is met, the light preset costs about what others do", function(name, found)
  check.ok(found.presets.light, "no light preset")
  for preset, p in pairs(found.presets) do
    local _, count = models.parameters(name, { preset = preset, channels = p.channels, classes = 1 })
    check.ok(count > 0, preset)
    if p.parameters then
      check.equal(count, p.parameters, preset)
      check.ok(p.from and #p.from > 10, preset .. ": where the count is written")
    end
  end
  local flops = ra.models[name]{ preset = "light" }:cost(256, 256).flops / 1e9
  check.ok(flops > 4 and flops < 8, ("light: %.2f GFLOP for 256x256, wanted 4 to 8"):format(flops))
  local lines = 0
  for _ in io.lines(package.searchpath("ramus.lang.models." .. name, package.path)) do lines = lines + 1 end
  check.ok(lines <= 150, "its file has " .. lines .. " lines")
end)

each("any size, number of channels and of classes; every output has the size of the image", function(name)
  for _, c in ipairs { { 1, 1, 7, 13, 2 }, { 3, 4, 33, 64, 1 }, { 2, 1, 1, 1, 1 }, { 1, 2, 70, 40, 1 } } do
    local net = make(name, { preset = "light", channels = c[1], classes = c[2] })
    for output, y in pairs(net:forward(ra.rand(c[5], c[1], c[3], c[4]))) do
      check.equal(table.concat(y.shape, "x"), table.concat({ c[5], c[2], c[3], c[4] }, "x"), output)
    end
  end
end)

each("its file gives the same bits through load_model alone", function(name)
  local path, net, x = folder .. "/model.safetensors", make(name, { preset = "light", seed = 3 }), ra.rand(1, 1, 40, 48)
  assert(net:save(path))
  local loaded, wanted = assert(ra.load_model(path)), net:forward(x)
  for output, y in pairs(loaded:forward(x)) do
    check.equal(check.relative_l2(y.data, wanted[output].data, y.size), 0, output)
    check.ok(y.data[0] == y.data[0], output .. " is no number")
  end
end)

check.case("architecture resnet34_unet: the encoder has the names and shapes of torchvision's resnet34", function()
  local shapes, count = {}, 0
  for _, p in ipairs((models.parameters("resnet34_unet", { preset = "published", channels = 3 }))) do
    shapes[p.name] = table.concat(p.shape, "x")
    local size = 1
    for _, n in ipairs(p.shape) do size = size * n end
    local encoder = p.name:find "^layer" or p.name:find "^conv1%." or p.name:find "^bn1%."
    count = count + (encoder and not p.buffer and size or 0)
  end
  check.equal(count, 21797672 - 513000, "parameters of torchvision's resnet34 without those of fc")
  for name, shape in pairs { ["conv1.weight"] = "64x3x7x7", ["bn1.bias"] = "64", ["layer1.0.conv1.weight"] = "64x64x3x3", ["layer2.0.downsample.0.weight"] =
    "128x64x1x1", ["layer2.0.downsample.1.weight"] = "128", ["layer3.5.conv2.weight"] = "256x256x3x3", ["layer4.2.bn2.weight"] = "512" } do
    check.equal(shapes[name], shape, name)
  end
  check.equal(shapes["layer1.0.downsample.0.weight"], nil, "layer1 has no downsample")
end)

-- ---- training -----------------------------------------------------------------

local function recipe_of(name, found)
  local path = ("%s/%s.lua"):format(folder, name)
  local rows = found.schema.sides and [[{ at = "side*", loss = ra.loss.bce {}, weight = 0.3 },
    { at = "side*", loss = ra.loss.mse {}, against = "teacher.same", from = 1 },]] or ""
  assert(files.write(path, ([[local ra = require "ramus"
return { name = "%s", data = { set = "phantom", options = { size = 32, train = 4, val = 2, test = 1 }, batch = 2, augment = { flip = true } },
  model = ra.models.%s { preset = "light"%s }, teacher = { kind = "last_epoch" },
  supervise = { { at = "out", loss = ra.loss.dice {} }, %s
    { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out", from = 1 } },
  optim = ra.optim.adamw { lr = 1e-3 }, epochs = 4, seed = 5 }]]):format(name, name, found.schema.sides and ", sides = true" or "", rows)))
  return path
end

--- Kills a training once its first epoch is done.
local KILL = "%s & pid=$!; n=0; while [ ! -s %s/metrics.jsonl ] && [ $n -lt 2000 ]; do sleep 0.01; n=$((n+1)); done; kill -9 $pid 2>/dev/null; wait $pid"

each("it trains with a teacher, and killed and resumed to the same bytes", function(name, found)
  local recipe, whole, killed = recipe_of(name, found), folder .. "/" .. name, folder .. "/" .. name .. "_killed"
  local function command(run)
    return ("env RAMUS_DATA=%s/data RAMUS_THREADS=1 %s train %s --quiet --run %s"):format(folder, processes.executable(check.root), recipe, run)
  end
  local text, status = processes.sh(command(whole))
  check.equal(status, 0, text)
  processes.sh(KILL:format("exec " .. command(killed), killed))
  text, status = processes.sh(command(killed))
  check.equal(status, 0, text)
  check.equal(dataset.sha256_file(killed .. "/last.safetensors"), dataset.sha256_file(whole .. "/last.safetensors"), "sha256 of last.safetensors")
  local first, last
  for line in io.lines(whole .. "/metrics.jsonl") do
    last = cjson.decode(line)
    first = first or last
  end
  -- transformers learn the share of the foreground first, which lowers the entropy of the side outputs before any Dice
  local function falls(term) return last.terms[term] and last.terms[term].value < first.terms[term].value end
  check.ok(falls "dice@out" or falls "bce@side1", "neither Dice nor entropy falls")
  check.ok(last.terms["soft_target@out"].gradient_norm > 0, "the teacher's term has a gradient")
end)

-- ---- PyTorch --------------------------------------------------------------------

--- The model of a reference case with its values.
local function filled_model(name, preset, act)
  local p, given = models.find(name).presets[preset], { preset = preset }
  if not p then given = { preset = "light", [preset] = true } end -- a switch of the architecture
  if models.find(name).schema.dropout then given.dropout = 0 end
  given.channels, given.act = p and p.channels, models.find(name).schema.act and act
  local net = make(name, given)
  for _, e in ipairs(net.entries) do filled.parameter(net.values[e.name], e.name, e.shape) end
  return net
end

local function image(batch, channels, size)
  local x = ra.zeros(batch, channels, size, size)
  filled.image(x)
  return x
end

local TOLERANCE = 2e-4

--- The gradient of the sum over the outputs of their products with fixed numbers, for the training mode, as one array in the order of the
-- parameters' names, and the norm for each part: its names up to the first dot.
local function gradient_of(net, x)
  local values = { ra.grad(function(model)
    local sum
    local out = model:forward(x, { train = true })
    for _, name in ipairs(net:output_names()) do
      local w, numbers = ra.zeros(unpack(out[name].shape)), filled.numbers("weight of " .. name, out[name]:numel())
      for i = 0, w.size - 1 do w.data[i] = numbers[i] end
      local term = ra.F.sum(ra.F.mul(out[name], w))
      sum = sum and sum + term or term
    end
    return sum
  end, net) }
  local by_name, order, n = values[2], {}, 0
  for _, p in ipairs(net:parameters()) do
    order[#order + 1] = p.name
    n = n + p.tensor.size
  end
  table.sort(order)
  local flat, squares, at = ffi.new("double[?]", n), {}, 0
  for _, name in ipairs(order) do
    local g, square, part = by_name[name], 0, name:match "^[^%.]+"
    for i = 0, g.size - 1 do
      flat[at + i], square = g.data[i], square + g.data[i] ^ 2
    end
    at, squares[part] = at + g.size, (squares[part] or 0) + square
  end
  return flat, n, squares
end

for _, name in ipairs(names) do
  for preset, wanted in pairs(reference[name] or {}) do
    check.case(("architecture %s: outputs of %s are PyTorch's"):format(name, preset), function()
      local net = filled_model(name, preset)
      check.equal(net:count(), wanted.parameters, "parameters with side outputs")
      local out, count = net:forward(image(1, net.template.channels, preset == "published" and 32 or 64)), 0
      for output, y in pairs(out) do
        local d = filled.distance(y.data, y.size, wanted.outputs[output] or error("no reference of " .. output))
        check.ok(d < TOLERANCE, ("%s: relative L2 %.3g"):format(output, d))
        count = count + 1
      end
      for output in pairs(wanted.outputs) do check.ok(out[output], output) end
      check.ok(count > 0, "no output")
    end)
    if wanted.gradient then
      check.case(("architecture %s: gradients of %s are PyTorch's"):format(name, preset), function()
        local net = filled_model(name, preset, "silu") -- ReLU's kink: see architectures.py
        local flat, n, squares = gradient_of(net, image(2, net.template.channels, 64))
        local d = filled.distance(flat, n, wanted.gradient)
        check.ok(d < TOLERANCE, ("all parameters: relative L2 %.3g"):format(d))
        for part, norm in pairs(wanted.parts) do
          check.near(math.sqrt(squares[part]), norm, TOLERANCE * norm + 1e-6 * wanted.gradient[1], "norm of the gradient of " .. part)
        end
      end)
    end
  end
end
