--- Models, modules, schedules, supervision rows, checkpoints of models.
local check = require "check"
local ra = require "ramus"
local supervise = require "ramus.train.supervise"
local F, nn = ra.F, ra.nn
local C = require("ramus.base.ffi").C

local function same(a, b, what)
  check.equal(a.size, b.size, what)
  for i = 0, a.size - 1 do if a.data[i] ~= b.data[i] then error(("%s: element %d differs"):format(what, i + 1), 2) end end
end

check.case("an architecture of one's own; saved and loaded to the same bits", function()
  local net = ra.model(function(x)
    local a = F.relu(nn.batch_norm { 4 } (nn.conv2d { 1, 4, k = 3, pad = 1, bias = false } (x)))
    return { out = nn.conv2d { 4, 1, k = 1, name = "head" } (a), side1 = F.mean(a, { dim = 2, keepdim = true }) * ra.tensor(0.5) }
  end, { seed = 3 })
  local x = ra.rand(2, 1, 9, 11)
  net:forward(x, { train = true })
  local before = net:forward(x)
  local path = check.folder("model") .. "/m.safetensors"
  assert(net:save(path))
  local loaded = assert(ra.load_model(path))
  local after = loaded:forward(x)
  same(before.out, after.out, "out")
  same(before.side1, after.side1, "side1")
  check.equal(table.concat(loaded:output_names(), " "), "out side1")
end)

check.case("what a function raises while it is recorded is said with its own line, once", function()
  local chunk = assert(loadstring([=[
    local ra, broken = ...
    local F = ra.F
    ra.models.define { name = "broken_inside", help = "raises", schema = {}, build = function()
      return function(x) local y = F.relu(nowhere(x)); return y end
    end }
    local made = {
      function() local net = ra.model(function(x) local y = F.relu(nowhere(x)); return y end); return net end,
      function() local net = ra.models.broken_inside {}; return net end,
      function() local net = ra.model(function(x) local y = F.conv2d(x, ra.ones(1, 3, 3, 3)); return y end); return net end,
      function()
        local net = ra.model(function(x) return F.conv2d(x, ra.ones(1, 3, 3, 3)) end) -- a tail call: only the line of ra.model is left
        return net
      end,
    }
    return made[broken]]=], "@mine.lua"))
  for k, want in ipairs { "mine.lua:7: attempt to call global 'nowhere' (a nil value)", "mine.lua:4: attempt to call global 'nowhere' (a nil value)",
    "mine.lua:9: conv2d: x [1,1,96,128] has 1 channels, weight [1,3,3,3] wants 3",
    "mine.lua:11: conv2d: x [1,1,96,128] has 1 channels, weight [1,3,3,3] wants 3" } do
    local ok, message = pcall(chunk(ra, k))
    check.equal(ok, false, want)
    check.equal(message, want)
  end
end)

check.case("training mode moves the running statistics, evaluation does not", function()
  local net = ra.models.unet { depth = 2, width = 2 }
  local mean = net.values["encoder1.norm1.mean"]
  net:forward(ra.rand(1, 1, 16, 16))
  check.equal(mean:get(1), 0)
  net:forward(ra.rand(1, 1, 16, 16), { train = true })
  check.ok(mean:get(1) ~= 0, "the running mean did not move")
end)

check.case("a function that looks at its input's size is refused", function()
  check.raises("depends on the size of its input", ra.model, function(x) return F.upsample(x, { size = { x.shape[3], 64 } }) end)
  check.raises("named 'same'", ra.model, function(x)
    return nn.conv2d { 1, 1, k = 1, name = "same" } (nn.conv2d { 1, 1, k = 1, name = "same" } (x))
  end)
  check.raises("must return an output", ra.model, function() return 3 end)
end)

check.case("a function that looks at its batch, or computes with a size, is refused", function()
  check.raises("depends on the size of its input", ra.model, function(x)
    return F.reshape(x, { shape = { x.shape[1], 1, 0, 0 } })
  end)
  check.raises("a number that it computes with: 96 or 64", ra.model, function(x) return x * x.shape[3] end)
  check.raises("the shape of conv2d1.weight", ra.model, function(x) return nn.conv2d { 1, x.shape[4] / 64, k = 1 } (x) end)
end)

check.case("a list without a name is replayed as it was recorded", function()
  local net = ra.model(function(x) return F.permute(x, { 1, 2, 4, 3 }) end)
  local x = ra.rand(2, 1, 3, 5)
  same(net:forward(x).out, F.permute(x, { 1, 2, 4, 3 }), "permuted")
  local folded = ra.model(function(v) return F.reshape(F.reshape(v, { 0, -1 }), { 0, 1, 4, -1 }) end)
  check.equal(table.concat(folded:forward(ra.rand(3, 1, 4, 5)).out.shape, ","), "3,1,4,5")
end)

check.case("a loaded model is initialised as it was declared", function()
  local function build(seed)
    return ra.model(function(x)
      return nn.conv2d { 4, 1, k = 1 } (F.relu(nn.batch_norm { 4 } (nn.conv2d { 1, 4, k = 3, pad = 1 } (x))))
    end, { seed = seed })
  end
  local path = check.folder("init") .. "/m.safetensors"
  assert(build(3):save(path))
  local loaded = assert(ra.load_model(path))
  assert(loaded:initialise(9))
  same(loaded.flat, build(9).flat, "parameters")
  same(loaded.flat_buffers, build(9).flat_buffers, "buffers")
  for _, p in ipairs(loaded.entries) do p.init = nil end -- as in a checkpoint of format 1
  check.fails("does not say how 'conv2d1.weight' is initialised", loaded.initialise, loaded, 9)
end)

check.case("modules work on their own and bring their values into a model", function()
  local conv = nn.conv2d { 1, 2, k = 3, pad = 1 }
  local x = ra.rand(1, 1, 6, 6)
  local alone = conv(x)
  same(ra.model(function(v) return conv(v) end):forward(x).out, alone, "out")
  check.raises("did you mean 'pad'", nn.conv2d, { 1, 2, pda = 1 })
  check.raises("channels in", nn.conv2d, {})
  check.raises("unknown module", function() return nn.conv3d end)
end)

check.case("the same seed, the same weights", function()
  local a, b = ra.models.unet { depth = 3, width = 4, seed = 5 }, ra.models.unet { depth = 3, width = 4, seed = 5 }
  same(a.flat, b.flat, "weights")
  local w = a.values["encoder2.conv1.weight"]
  local s, n = 0, w.size
  for i = 0, n - 1 do s = s + w.data[i] ^ 2 end
  check.near(math.sqrt(s / n), math.sqrt(2 / (4 * 9)), 0.03, "deviation of He's initialisation")
end)

check.case("parameters are made and drawn when they are first asked for, to the same bits", function()
  local given = { depth = 3, width = 16, seed = 5 }
  collectgarbage()
  local live = C.ra_mem_live()
  local late = ra.models.unet(given)
  check.ok(late:count() > 1000 and late:output_channels().out == 1 and not rawget(late, "values"), "known without its numbers")
  collectgarbage()
  check.ok(C.ra_mem_live() - live < late:count(), "no memory is taken for them")
  same(late:initialise(5).flat, ra.models.unet(given).flat, "drawn anew with the seed that it was declared with")
  same(late.values["encoder1.norm1.var"], ra.ones(16), "buffers too")
  late.values["encoder1.norm1.var"]:fill(3)
  same(late.values["encoder1.norm1.var"], ra.ones(16) * 3, "made once")
  local x = ra.rand(1, 1, 16, 16)
  same(ra.models.unet(given):forward(x).out, ra.models.unet(given):initialise(5):forward(x).out, "a forward pass draws them")
end)

check.case("schedules: arithmetic, chains and restarts; each prints as what makes it again", function()
  local function made_again(v)
    return assert(loadstring("local ra = ...; return " .. tostring(v)))(ra)
  end
  local cases = {
    { 0.5 * ra.cosine {} + 0.1, { [0] = 0.6, [5] = 0.35, [10] = 0.1 } },
    { 1 - ra.ramp(0, 1, 4), { [0] = 1, [1] = 0.75, [8] = 0 } },
    { -ra.ramp(0, 1) / 2, { [0] = 0, [10] = -0.5 } },
    { ra.ramp(0, 1) * ra.ramp(1, 0), { [0] = 0, [5] = 0.25, [10] = 0 } },
    { ra.chain { { 2, ra.ramp(0, 1) }, { 4, 1 }, { 4, ra.cosine {} } }, { [0] = 0, [1] = 0.5, [2] = 1, [5.5] = 1, [8] = 0.5, [10] = 0, [99] = 0 } },
    { ra.restarts { of = ra.cosine {}, every = 2, longer = 2, times = 0.5 }, { [0] = 1, [1] = 0.5, [2] = 0.5, [4] = 0.25, [6] = 0.25 } },
    { ra.warmup { n = 2, after = 2 * ra.ramp(1, 0) }, { [0] = 0, [2] = 2, [6] = 1, [10] = 0 } },
  }
  for _, c in ipairs(cases) do
    for t, wanted in pairs(c[2]) do
      check.near(c[1](t, 10), wanted, 1e-12, ("%s at %g"):format(tostring(c[1]), t))
      check.near(made_again(c[1])(t, 10), wanted, 1e-12, ("%s, made again, at %g"):format(tostring(c[1]), t))
    end
  end
  local in_steps = 2 * ra.ramp { 0, 1, per = "step" }
  check.near(in_steps(0, 10, 50, 100), 1, 1e-12, "a part that counts steps")
  check.raises("wanted a number or a schedule on both sides of '+'", function() return ra.ramp(0, 1) + "x" end)
  check.raises("piece 2 must be { length, number or schedule }", ra.chain, { { 2, 1 }, { 0, 1 } })
  check.raises("of must be a schedule", ra.restarts, { of = {}, every = 2 })
end)

check.case("schedules", function()
  check.equal(ra.ramp(0, 0.5)(25, 50), 0.25)
  check.equal(ra.ramp(1, 3, 10)(100), 3)
  check.near(ra.step { every = 10, times = 0.3 } (25), 0.09, 1e-12)
  check.near(ra.cosine {} (30, 60), 0.5, 1e-12)
  check.near(ra.poly { power = 2 } (5, 10), 0.25, 1e-12)
  check.near(ra.warmup { n = 4, after = ra.cosine {} } (2, 12), 0.5, 1e-12)
  check.near(ra.warmup { n = 4, after = ra.cosine {} } (8, 12), 0.5, 1e-12)
  check.near(ra.onecycle {} (0.3 * 20, 20), 1, 1e-12)
  check.equal(ra.piecewise { points = { { 0, 1 }, { 10, 3 } } } (5), 2)
  check.equal(ra.piecewise { points = { { 0, 1 }, { 10, 3 } }, smooth = false } (5), 1)
  check.equal(ra.ramp { 0, 1, n = 100, per = "step" } (0, 10, 50, 1000), 0.5)
  check.raises("needs the number of epochs", ra.ramp(0, 1), 3)
  check.raises("growing t", ra.piecewise, { points = { { 1, 1 }, { 1, 2 } } })
  check.equal(tostring(ra.step { every = 10, times = 0.3 }), "ra.step{ every = 10, start = 1, times = 0.3 }")
end)

local outputs = { "out", "side1", "side2", "side3" }
local function row(extra)
  local r = { at = "out", loss = ra.loss.dice {} }
  for k, v in pairs(extra or {}) do r[k] = v end
  return r
end

check.case("supervision rows: patterns, weights, epochs", function()
  local s = assert(supervise.new({
    row(), row { at = "side*", loss = ra.loss.bce {}, weight = { 1, ra.ramp(1, 0), 0 }, from = 2, till = 5 },
    row { loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" },
  }, outputs, 10, 1))
  check.equal(#s:active(0), 1)
  check.equal(#s:active(1), 2)
  check.equal(#s:active(2), 4, "a weight of 0 is not computed")
  check.equal(#s:active(5), 2)
  local text = tostring(s)
  check.ok(text:find("no teacher before epoch 1", 1, true) and text:find("2 to 4", 1, true), text)
end)

check.case("supervision rows: what is wrong is said", function()
  local function refused(part, rows, teacher) check.fails(part, supervise.new, rows, outputs, 10, teacher) end
  refused("did you mean 'side1'", { row { at = "sid1" } })
  refused("has no teacher", { row { against = "teacher.out" } })
  refused("no row is active in epoch 0", { row { from = 3 } })
  refused("no row is active in epoch 4", { row { till = 4 } })
  refused("weight must be a number, got nan", { row { weight = 0 / 0 } })
  refused("finite and >= 0", { row { weight = 1 / 0 } })
  refused("finite and >= 0", { row { weight = -1 } })
  refused("lists 2 values for 3 outputs", { row(), row { at = "side*", weight = { 1, 2 } } })
  refused("must be a loss", { row { loss = {} } })
  refused("did you mean 'against'", { { at = "out", loss = ra.loss.dice {}, agianst = "mask" } })
end)

check.case("losses are values", function()
  check.equal(tostring(ra.loss.dice { smooth = 2 }), "dice{smooth=2}")
  check.raises("did you mean 'smooth'", ra.loss.dice, { smoth = 1 })
  check.raises("unknown loss", function() return ra.loss.dce end)
  check.raises("must be one of batch, image", ra.loss.dice, { reduce = "all" })
  check.raises("cannot follow a schedule", ra.loss.deep_distribution, { patches = ra.ramp(4, 16) })
end)

check.case("an option of a model may follow a schedule, and a model may be part of another", function()
  local net = ra.model(function(x) return F.affine(x, { scale = ra.ramp(2, 4) }) end)
  local graph = require "ramus.lang.graph"
  local r = graph.recorder()
  net:record(r, r:input { 1, 1, 2, 2 })
  check.equal(#r.live, 1)
  local path = check.folder("schedule") .. "/m.safetensors"
  assert(net:save(path))
  check.equal(assert(ra.load_model(path)):forward(ra.ones(1, 1, 2, 2)).out.data[0], 2, "the value at the schedule's start")
  local inner = ra.models.unet { depth = 2, width = 2 }
  local outer = ra.model(function(x) return inner:forward(x).out * 2 + ra.ones(1, 1, 1, 1) end)
  local x = ra.rand(2, 1, 16, 16)
  same(outer:forward(x).out, inner:forward(x).out * 2 + 1, "outer")
end)

check.case("a model inside another is frozen, or learns with trainable = true", function()
  local inner = ra.models.unet { depth = 2, width = 2 }
  inner:forward(ra.rand(2, 1, 16, 16), { train = true }) -- running statistics that differ from their start
  local head = ra.nn.conv2d { 1, 1, k = 1, name = "last" }
  local x = ra.rand(2, 1, 16, 16)
  local function around(o) return ra.model(function(image) return head(inner:forward(image, o).out) end) end
  local frozen, learning = around(), around { trainable = true }
  check.equal(#frozen:parameters(), 2, "only the new layer's")
  check.ok(tostring(frozen):find "frozen: %d+ numbers", tostring(frozen))
  check.ok(not tostring(learning):find "frozen", tostring(learning))
  check.equal(learning:count(), inner:count() + 2, "all parameters")
  check.equal(learning:parameters()[1].name, "model1.encoder1.conv1.weight")
  for _, name in ipairs { "last.weight", "last.bias" } do learning.values[name]:copy(frozen.values[name]) end
  same(learning:forward(x).out, frozen:forward(x).out, "the inner model's values")
  -- the frozen part keeps its running statistics and its mode while the model trains
  same(frozen:forward(x, { train = true }).out, frozen:forward(x).out, "evaluation mode")
  local _, gradients = ra.grad(function(m) return F.mean(m:forward(x, { train = true }).out ^ 2) end, learning)
  local moved = 0
  for _, g in pairs(gradients) do moved = moved + (F.max(F.abs(g)) > 0 and 1 or 0) end
  check.ok(moved > 2, "gradients of the inner model")
  local path = check.folder("nested") .. "/m.safetensors"
  for name, net in pairs { frozen = frozen, learning = learning } do
    assert(net:save(path))
    local again = assert(ra.load_model(path))
    same(again:forward(x).out, net:forward(x).out, name)
    if name == "frozen" then same(again:forward(x, { train = true }).out, net:forward(x).out, "frozen after loading") end
  end
  local outermost = ra.model(function(image) return frozen:forward(image, { trainable = true }).out end)
  same(outermost:forward(x, { train = true }).out, frozen:forward(x).out, "what is frozen stays so inside a third")
end)

check.case("linear layers and parameters of their own", function()
  local scale, offset = ra.nn.parameter { shape = { 3 }, value = 2, name = "scale" }, ra.nn.parameter { shape = { 3 }, std = 0.5 }
  local first = ra.nn.linear { 4, 3, std = 0.02, name = "first" }
  local net = ra.model(function(image)
    local tokens = F.permute(F.reshape(image, { 0, 0, -1 }), { 1, 3, 2 })
    return F.reshape(F.permute(first(tokens) * scale(tokens) + offset(tokens), { 1, 3, 2 }), { 0, 0, -1, 8 })
  end, { channels = 4 })
  local list = net:parameters()
  check.equal(#list, 4)
  check.equal(list[1].name .. " " .. list[2].name .. " " .. list[3].name, "first.weight first.bias scale.value")
  check.equal(net.values["scale.value"].data[2], 2)
  check.ok(F.max(F.abs(net.values["parameter1.value"])) > 0, "drawn")
  check.ok(F.max(F.abs(net.values["first.weight"])) < 0.12, "std of linear")
  local x, weight = ra.rand(2, 4, 4, 8), net.values["first.weight"]
  local wanted = 0
  for k = 1, 4 do wanted = wanted + x:get(2, k, 3, 5) * weight:get(2, k) end
  check.near(net:forward(x).out:get(2, 2, 3, 5), 2 * wanted + net.values["parameter1.value"]:get(2), 1e-5, "value")
  local path = check.folder("parameter") .. "/m.safetensors"
  assert(net:save(path))
  same(assert(ra.load_model(path)):forward(x).out, net:forward(x).out, "loaded")
  check.raises("list of whole numbers", ra.nn.parameter, { shape = { 0 } })
  check.raises("numbers out", ra.nn.linear, { 4 })
end)

check.case("a template that was written by somebody else is refused with a message", function()
  local ffi = require "ramus.base.ffi"
  local shape = '"channels":1,"parameters":[],"outputs":{"out":"n:1"}'
  local function refused(part, text)
    local t = ffi.C.ra_template_parse(text)
    if t ~= nil then ffi.C.ra_template_release(t) error("was accepted: " .. text, 2) end
    check.ok(ffi.message():find(part, 1, true), ("wanted '%s', got: %s"):format(part, ffi.message()))
  end
  local function with(entry) return "{" .. shape .. ',"entries":[' .. entry .. "]}" end
  for _, text in ipairs { "", "null", "3", "[]", "{}", '{"entries":7}', ("["):rep(5000), '{"entries":null}' } do refused("", text) end
  refused("channels", '{"entries":[],"channels":-1}')
  refused("channels", '{"entries":[],"channels":1.5}')
  refused("channels", '{"entries":[],"channels":"1"}')
  refused("no outputs", '{"entries":[],"channels":1,"parameters":[],"outputs":{}}')
  refused("refers to 'n:1'", '{"entries":[],' .. shape .. "}")
  refused("no op that this build knows", with "null")
  refused("no op that this build knows", with '{"op":"exec"}')
  refused("inputs must be a list", with '{"op":"affine","inputs":"x","options":{}}')
  refused("input 1 is no text", with '{"op":"affine","inputs":[3],"options":{}}')
  for _, ref in ipairs { "n:1", "n:0", "n:-1", "n:9999999999999999999999", "n:1x", "c:1", "p:w", "y", "n:" } do
    refused("which it does not have", with('{"op":"affine","inputs":["' .. ref .. '"],"options":{}}'))
  end
  refused("unknown option 'scal'", with '{"op":"affine","inputs":["x"],"options":{"scal":1}}')
  refused("must be a number", with '{"op":"affine","inputs":["x"],"options":{"scale":"1"}}')
  refused("whole number", with '{"op":"pad","inputs":["x"],"options":{"pad":1e30}}')
  refused("a list of 1 to 5", with '{"op":"permute","inputs":["x"],"options":{"dims":[1,2,3,4,5,6]}}')
  refused("options must be an object", with '{"op":"affine","inputs":["x"]}')
  refused("size 1 of 'w'", '{"entries":[],"channels":1,"parameters":[{"name":"w","shape":[-5]}]}')
  refused("2^31 elements", '{"entries":[],"channels":1,"parameters":[{"name":"w","shape":[60000,60000]}]}')
  refused("the shape of 'w'", '{"entries":[],"channels":1,"parameters":[{"name":"w","shape":"abc"}]}')
  refused("has no name", '{"entries":[],"channels":1,"parameters":["x"]}')
  refused("two parameters", '{"entries":[],"channels":1,"parameters":[{"name":"w","shape":[1]},{"name":"w","shape":[1]}]}')
  refused("constants", '{"entries":[],"channels":1,"parameters":[],"constants":1000000000}')
end)

check.case("files that are no models are refused", function()
  local folder = check.folder("nomodel")
  assert(ra.save(folder .. "/t.safetensors", { a = ra.ones(2) }))
  check.fails("holds no model", ra.load_model, folder .. "/t.safetensors")
  check.fails("nothing.safetensors", ra.load_model, folder .. "/nothing.safetensors")
  local net = ra.models.unet { depth = 2, width = 2 }
  assert(net:save(folder .. "/m.safetensors"))
  local file = io.open(folder .. "/m.safetensors", "rb")
  local bytes = file:read("*a")
  file:close()
  for _, cut in ipairs { 0, 7, 100, #bytes - 1 } do
    file = io.open(folder .. "/cut.safetensors", "wb")
    file:write(bytes:sub(1, cut))
    file:close()
    check.ok(not ra.load_model(folder .. "/cut.safetensors"), ("a file of %d of %d bytes was taken"):format(cut, #bytes))
  end
  file = io.open(folder .. "/flip.safetensors", "wb")
  local at = math.floor(#bytes * 0.7)
  file:write(bytes:sub(1, at), string.char((bytes:byte(at + 1) + 1) % 256), bytes:sub(at + 2))
  file:close()
  check.ok(not ra.load_model(folder .. "/flip.safetensors"), "a file with one changed byte was taken")
end)

check.case("every recipe loads, and loads again from what is written", function()
  local files, recipe = require "ramus.base.files", require "ramus.train.recipe"
  local count = 0
  for _, name in ipairs(assert(files.list(check.root .. "/recipes"))) do
    local path = check.root .. "/recipes/" .. name
    if name == "models/" then check.ok(#assert(files.list(path)) > 0) -- weights
    elseif (assert(files.run(path))).rows then assert(require("ramus.study.definition").load(path))
    else
      local r, written = assert(recipe.load(path)), check.folder("recipe") .. "/r.lua"
      assert(files.write(written, tostring(r)))
      check.equal(tostring(assert(recipe.load(written))), tostring(r), name)
      count = count + 1
    end
  end
  check.ok(count >= 7, "recipes found: " .. count)
end)

check.case("nn: wrong options are errors in the constructor, at the caller's line", function()
  for _, wrong in ipairs {
    { "batch_norm", { 4, momentum = 7 }, "nn.batch_norm: momentum must be from 0 to 1, got 7" },
    { "max_pool2d", { k = "x" }, "nn.max_pool2d: k must be a whole number or a pair {height, width}" },
    { "permute", {}, "dims is missing" }, { "conv2d", { 1, 2, stride = 0 }, "stride must be from 1 to 1024, given 0" },
    { "conv2d", { 1, 2, stride = { 1, 2, 3 } }, "stride must be a whole number or a pair" },
    { "conv2d", { 1, 2, k = 0 }, "k must be a whole number >= 1" },
    { "conv2d", { 3, 4, groups = 2 }, "nn.conv2d: groups = 2 must divide" }, { "dropout", { p = "half" }, "p must be a number" },
    { "conv_transpose2d", { 1, 2, stride = 5000 }, "stride must be from 1 to 1024" },
    { "upsample", { scale = 2, mode = "biliner" }, "did you mean 'bilinear'" },
  } do
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, err = pcall(function() local m = nn[wrong[1]](wrong[2]) return m end)
    check.ok(not ok and tostring(err):find(wrong[3], 1, true), ("%s: wanted '%s', got %s"):format(wrong[1], wrong[3], tostring(err)))
    check.ok(err:find("test_model.lua:" .. line .. ":", 1, true), err)
  end
  check.equal(nn.conv2d { 1, 2 }.options.stride, nil, "defaults of the op are not written into a model")
  check.equal(nn.conv_transpose2d { 1, 2 }.options.stride, 2, "the module's own default")
end)

check.case("an architecture is one definition: --set model.x, the resolved recipe and help work for it", function()
  local models, recipe = ra.models, require "ramus.train.recipe"
  check.ok(not table.concat(models.names(), ","):find "blocks", "blocks.lua is no model")
  models.define { name = "plain", help = "convolutions in a row", schema = { width = { type = "integer", default = 3, min = 1 } },
    build = function(o)
      local first, last = nn.conv2d { o.channels, o.width, k = 3, pad = 1 }, nn.conv2d { o.width, 1, k = 1 }
      return function(x) return last(F.relu(first(x))) end
    end }
  check.ok(table.concat(models.names(), ","):find "plain", "known")
  check.raises("models.plain: unknown option 'widht'; did you mean 'width'", models.plain, { widht = 3 })
  check.ok(require("ramus.cli.help").find("models.plain"):find("convolutions in a row", 1, true), "help")
  local folder = check.folder("architecture")
  local file = assert(io.open(folder .. "/plain.lua", "w"))
  file:write([[local ra = require "ramus"
return { name = "plain", data = { set = "phantom", options = { size = 32 } }, model = ra.models.plain { width = 4 },
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.sgd { lr = 0.1 }, epochs = 1 }]])
  file:close()
  local r = assert(recipe.load(folder .. "/plain.lua", { set = { "model.width=7" } }))
  check.equal(r.model.options.width, 7, "--set model.width")
  check.equal(r.model.values["conv2d1.weight"].shape[1], 7, "the weights")
  check.ok(tostring(r):find("model = ra.models.plain { channels = 1, seed = 0, width = 7 }", 1, true), tostring(r))
  check.raises("unknown model 'unett'; did you mean 'unet'", function() return models.unett end)
end)

check.case("presets: options by one name; what is given too wins; a resolved recipe and a study's key hold values", function()
  local models, recipe, key = ra.models, require "ramus.train.recipe", require "ramus.study.key"
  local net = models.unetpp { preset = "published", width = 3, dropout = 0 }
  check.equal(net.options.norm, "none", "of the preset")
  check.equal(net.options.width, 3, "given")
  check.equal(net.options.preset, nil, "no name is kept")
  check.raises("preset must be one of light, published, got 'publshed'; did you mean 'published'?", models.unetpp, { preset = "publshed" })
  check.raises("models.unet: preset = 'light' changes nothing: width are given too", models.unet, { preset = "light", width = 4 })
  local folder = check.folder "presets"
  local function load(model, set)
    local file = assert(io.open(folder .. "/r.lua", "w"))
    file:write(([[local ra = require "ramus"
return { name = "p", data = { set = "phantom", options = { size = 32 } }, model = %s,
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.sgd { lr = 0.1 }, epochs = 1 }]]):format(model))
    file:close()
    return assert(recipe.load(folder .. "/r.lua", { set = set }))
  end
  local named, written = load 'ra.models.wnet { preset = "light" }', load "ra.models.wnet { width = 14 }"
  check.equal(tostring(named), tostring(written), "resolved")
  check.equal(key.of(named), key.of(written), "key")
  check.equal(load("ra.models.wnet { preset = \"light\" }", { "model.preset=published" }).model.options.width, 8, "--set model.preset")
  check.equal(load("ra.models.wnet { sides = true }", { "model.width=5", "model.preset=published" }).model.options.width, 5, "--set after --set")
  local both = load("ra.models.wnet { preset = \"light\" }", { "model.sides=true" }).model.options
  check.ok(both.sides and both.width == 14, "--set beside a preset")
end)
