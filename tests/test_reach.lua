--- How far a net looks around a pixel, measured by one pixel that changes; and predictions within a budget of memory, whose tiles overlap by it.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local predict = require "ramus.train.predict"
local processes = require "processes"
local ra = require "ramus"
local reach = require "ramus.lang.reach"
local tiling = require "ramus.train.predict.tiling"
local F = ra.F

local folder = check.folder "reach"

local function apart(a, b) return F.abs(F.sub(a:clone(), b:clone())):stats().max end

--- Every weight positive and every bias 0, so that what a pixel adds never cancels and what it does not reach stays as it was.
local function positive(net)
  for name, t in pairs(net.values) do
    t:fill((name:find "bias" or name:find "mean" or name:find "%.b$") and 0 or name:find "var" and 1 or 0.1)
  end
  return net
end

--- The farthest pixel of the output, along height and width, that changes with pixel (i, j) of an input of n x n pixels.
local function measured(net, n, i, j)
  local name, far = net.output.main, { 0, 0 }
  local before = net:forward(ra.zeros(1, 1, n, n), { outputs = { name }, numerics = "exact" })[name]
  local x = ra.zeros(1, 1, n, n)
  x:set(1, 1, i + 1, j + 1, 1)
  local after = net:forward(x, { outputs = { name }, numerics = "exact" })[name]
  for r, row in ipairs(F.sub(after, before):reshape(n, n):totable()) do
    for c, v in ipairs(row) do
      if v ~= 0 then far = { math.max(far[1], math.abs(r - 1 - i)), math.max(far[2], math.abs(c - 1 - j)) } end
    end
  end
  return far
end

--- The same for all places of the pixel on the grid.
local function measured_on_grid(net, n, grid)
  local most = { 0, 0 }
  for k = 0, grid - 1 do
    local far = measured(net, n, n / 2 + k, n / 2 + k)
    most = { math.max(most[1], far[1]), math.max(most[2], far[2]) }
  end
  return most
end

local nn = ra.nn
local small = { -- a net, its reach along height and width, its grid
  { function() local c = nn.conv2d { 1, 1, k = 3, pad = 1 } return function(x) return c(x) end end, 1, 1, 1 },
  { function() local c = nn.conv2d { 1, 1, k = { 5, 3 }, pad = { 4, 1 }, dilation = { 2, 1 } } return function(x) return c(x) end end, 4, 1, 1 },
  { function()
    local a, b, c = nn.conv2d { 1, 2, k = 3, pad = 1 }, nn.conv2d { 1, 2, k = 7, pad = 3 }, nn.conv2d { 4, 1, k = 1 }
    return function(x) return c(F.concat(a(x), F.relu(b(x)))) end
  end, 3, 3, 1 },
  { function()
    local a, up = nn.conv2d { 1, 2, k = 2, stride = 2 }, nn.conv_transpose2d { 2, 1, k = 2, stride = 2 }
    return function(x) return up(a(x)) end
  end, 1, 1, 2 },
  { function() return function(x) return F.upsample(F.max_pool2d(x, { k = 4 }), { scale = 4 }) end end, 3, 3, 4 },
}

check.case("the reach of small nets is what one pixel changes", function()
  for i, row in ipairs(small) do
    local net = positive(ra.model(row[1]()))
    local found = assert(reach.of(net, 64, 64, { "out" }))
    local far = measured_on_grid(net, 64, row[4])
    check.equal(found[1].grid, row[4], "grid " .. i)
    for axis = 1, 2 do
      check.equal(far[axis], row[1 + axis], ("net %d, axis %d: measured"):format(i, axis))
      check.ok(found[axis].pixels >= far[axis] and found[axis].pixels <= far[axis] + row[4], ("net %d, axis %d: computed %d, measured %d"):format(i, axis,
        found[axis].pixels, far[axis]))
    end
  end
end)

check.case("no net of the list is reached from farther than its reach says, and that is not much more than it is", function()
  for _, name in ipairs { "unet", "unetpp", "unet3p", "attention_unet", "fpn", "hed", "wnet", "frunet" } do
    local net = positive(ra.models[name] { depth = name ~= "frunet" and 3 or nil, width = name ~= "hed" and 4 or nil })
    local found = assert(reach.of(net, 256, 256, { net.output.main }))
    local far = measured_on_grid(net, 160, found[1].grid)
    for axis = 1, 2 do
      check.ok(far[axis] <= found[axis].pixels, ("%s: %d pixels away, reach %d"):format(name, far[axis], found[axis].pixels))
      check.ok(found[axis].pixels <= far[axis] + 2 * found[axis].grid, ("%s: reach %d, only %d measured"):format(name, found[axis].pixels, far[axis]))
    end
  end
end)

check.case("what sees all of a picture has no finite reach, and is named", function()
  local conv = nn.conv2d { 1, 1, k = 3, pad = 1 }
  local nets = {
    instance_norm = function(x) return F.instance_norm(conv(x)) end,
    mean = function(x) return F.mul(x, F.mean(x, { dim = { 3, 4 }, keepdim = true })) end,
    upsample_like = function(x) return F.upsample_like(F.max_pool2d(x, { k = 2 }), x, { mode = "bilinear", align_corners = true }) end,
    softmax = function(x) return F.softmax(x, { dim = 4 }) end,
    arange = function(x) return F.mul(x, F.arange(x, { dim = 4 })) end,
  }
  for name, f in pairs(nets) do
    local found, err = reach.of(ra.model(f), 64, 64, { "out" })
    check.ok(not found and err:find("reach: " .. name, 1, true), name .. ": " .. tostring(err))
  end
  for _, name in ipairs { "segformer", "swin_unet", "transunet" } do
    check.equal(reach.of(ra.models[name] {}, 256, 256, { "out" }), nil, name)
  end
  -- without pad_to an odd size is scaled by another factor than an even one: said of that size only
  local net = ra.model(function(x) return F.add(x, F.upsample_like(F.max_pool2d(x, { k = 2 }), x)) end)
  check.ok(reach.of(net, 64, 64, { "out" }))
  local found, err = reach.of(net, 65, 64, { "out" })
  check.ok(not found and err:find("scales it by another factor", 1, true), tostring(err))
end)

check.case("within a budget a picture in tiles has the values of the whole, and the arrays stay within it", function()
  for _, name in ipairs { "unet", "fpn", "attention_unet", "unet3p" } do
    local net = ra.models[name] { depth = 3, width = 4, seed = 3 }
    for _, t in pairs(net.values) do if t.rank == 1 then t:copy(F.add(t, F.mul(ra.rand(t.dim[0]), 0.2))) end end
    local x = ra.rand(1, 333, 501)
    local whole = assert(predict.probability(net, x, {}))
    local all = assert(net:plan({ 1, 1, 333, 501 }, { outputs = { "out" } })).plan:bytes()
    for _, share in ipairs { 0.35, 0.6, 1 } do
      local budget = share * all
      local p = assert(predict.probability(net, x, { memory = ("%.0fB"):format(budget) }))
      check.ok(apart(p, whole) <= 1e-5, ("%s, %.0f %%: %g"):format(name, 100 * share, apart(p, whole)))
      local found = tiling.of(net, 333, 501, { "out" }, { memory = math.floor(budget + 0.5), numerics = "fast" })
      check.equal(found == false, share == 1, name .. ": the whole fits")
      if found then
        check.ok(found.bytes <= budget and #found.rows * #found.columns > 1, name)
        for _, cells in ipairs { found.rows, found.columns } do
          local at = 0
          for k, c in ipairs(cells) do
            check.equal(c.from + c.skip, at, "cells lie beside each other")
            at = at + c.keep
            check.ok(k == 1 or c.skip >= found.reach[1], "overlap before")
            check.ok(k == #cells or c.count - c.skip - c.keep >= found.reach[1], "overlap behind")
          end
          check.equal(at, cells == found.rows and 333 or 501)
        end
      end
    end
  end
end)

check.case("tiles narrower than the reach do differ: the bound is one that matters", function()
  local net = positive(ra.models.unet { depth = 3, width = 4 })
  local found = assert(reach.of(net, 256, 256, { "out" }))[1]
  local x = ra.rand(1, 1, 256, 256)
  local function out(t) return net:forward(t, { numerics = "exact" }).out end
  local whole = out(x)
  local top = whole:stats().max
  local function difference(margin) -- of the row at 128, computed in a window that begins margin before it
    local cut = out(x:narrow(3, 128 - margin + 1, 128 + margin):clone())
    return apart(cut:narrow(3, margin + 1, 1), whole:narrow(3, 129, 1)) / top
  end
  local enough = math.ceil(found.pixels / found.grid) * found.grid
  check.ok(difference(enough) <= 1e-6, "enough: " .. difference(enough))
  check.ok(difference(enough / 2) > 1e-5, "half: " .. difference(enough / 2))
end)

check.case("a budget that cannot be met says what can; a net without a reach is refused where the whole does not fit", function()
  local net, x = ra.models.unet { depth = 3, width = 4 }, ra.rand(1, 333, 501)
  local p, err = predict.probability(net, x, { memory = "0.2MB" })
  check.ok(not p, "0.2 MB do")
  local least = tonumber(err:match "0%.2 MB are less than this model can do with, which is ([%d.]+) MB")
  check.ok(least, err)
  check.ok(predict.probability(net, x, { memory = ("%.1fMB"):format(least + 0.1) }), "the least does")
  p, err = predict.probability(net, x, { memory = ("%.1fMB"):format(least - 0.1) })
  check.ok(not p and err:find("less than", 1, true), "less than the least does not")
  local blind = ra.model(function(t) return F.instance_norm(t) end)
  p, err = predict.probability(blind, x, { memory = "1KB" })
  check.ok(not p and err:find("no finite reach: instance_norm", 1, true), tostring(err))
  check.ok(predict.probability(blind, x, { memory = "10MB" }), "the whole fits")
end)

check.case("an evaluation within a budget scores what one of whole pictures does", function()
  local net, set = ra.models.unet { depth = 3, width = 4, seed = 3 }, folder .. "/pairs"
  assert(files.make_folder(set .. "/test"))
  for i = 1, 2 do
    local mask = ra.zeros(1, 200, 260)
    mask:narrow(2, 50 * i, 20):fill(1)
    assert(image.save(("%s/test/%d.png"):format(set, i), ra.rand(1, 200, 260) * 0.4 + mask * 0.6))
    assert(image.save(("%s/test/%d_mask.png"):format(set, i), mask))
  end
  local function scores(memory) return ra.evaluate(net, { data = set .. ":test", memory = memory, threshold = 0.45 }) end
  local whole, tiles = assert(scores()), assert(scores "1MB")
  for _, name in ipairs { "dice", "roc_auc", "sensitivity" } do
    local a, b = whole.per_image[name].mean, tiles.per_image[name].mean
    check.ok(math.abs(a - b) < 1e-3, ("%s: %g whole, %g in tiles"):format(name, a, b))
  end
  check.ok(tiling.of(net, 200, 260, net:output_names(), { memory = 1e6, numerics = net.output.numerics }), "tiles were made")
  local result, err = scores "0.2MB"
  check.ok(not result and err:find("less than this model can do with", 1, true), tostring(err))
end)

check.case("ramus predict --memory: the files of the whole, the tiles said", function()
  local net = ra.models.unet { depth = 3, width = 4 }
  local path = function(name) return folder .. "/" .. name end
  assert(net:save(path "net.safetensors"))
  assert(image.save(path "one.png", ra.rand(300, 420)))
  local run = processes.inside(folder, processes.executable(check.root))
  run("predict net.safetensors one.png -o whole", 0)
  local out = run("predict net.safetensors one.png -o tiles --memory 4MB", 0, "tiles of at most")
  check.ok(out:find("the values are those of the whole", 1, true), out)
  check.ok(apart(assert(image.load(path "whole/one_prob.png")), assert(image.load(path "tiles/one_prob.png"))) <= 1.01 / 255)
  run("predict net.safetensors one.png -o none --memory 0.2MB", 1, "one.png: memory: 0.2 MB are less than")
  run("predict net.safetensors one.png -o none --memory 4MB --tile 64", 2, "give tile or memory, not both")
  run("predict net.safetensors one.png -o none --memory lots", 2, 'wants a size as "300MB"')
end)
