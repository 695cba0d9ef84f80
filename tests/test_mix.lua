--- Mixup and CutMix: what batches hold, the same bits for any number of threads and after a resume, and what is refused.
local augment = require "ramus.data.augment"
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local loader = require "ramus.data.loader"
local processes = require "processes"
local ra = require "ramus"
local recipe_module = require "ramus.train.recipe"
local tensor = require "ramus.lang.tensor"

local folder = check.folder "mix"
local H, W, N = 12, 16, 6
local SET = { tissue = { kind = "label" }, weight = { kind = "map", absent = 0.5 } }
local FIELDS = { "image", "mask", "fov", "tissue", "weight" }

local function plane(f)
  local t = tensor.zeros(H, W)
  for i = 0, H * W - 1 do t.data[i] = f(i) end
  return t
end

--- Sample k has the grey value k / 8; every second one has a map; the first lacks a field of view.
local samples = {}
for k = 1, N do
  samples[k] = { id = "s" .. k, image = plane(function() return k / 8 end), mask = plane(function(i) return i % N < k and 1 or 0 end),
    fov = k > 1 and plane(function(i) return (i + k) % 5 > 0 and 1 or 0 end) or nil,
    fields = { tissue = plane(function(i) return (i + k) % 3 end), weight = k % 2 == 0 and plane(function(i) return k + i / 100 end) or nil } }
end

--- Calls f(buffers, ids, epoch, step) for batches of a loader from one on.
local function each_batch(o, count, f, epoch, step)
  local l = assert(loader.new(samples, { fields = o.fields or FIELDS, set = SET, batch = o.batch or 4, seed = 3, steps = 5, threads = o.threads or 1,
    augment = augment.program(o.augment) }))
  assert(l:start(epoch, step))
  for _ = 1, count do
    local buffers = l:buffers(assert(l:peek()))
    local n, e, s, list = l:next(buffers)
    local ids = {}
    for i = 1, n do ids[i] = tonumber(list[i].id:match "%d") end
    f(buffers, ids, e, s)
  end
  l:stop()
end

local function bytes(o, count, epoch, step)
  local seen = {}
  each_batch(o, count, function(b, ids, e, s)
    local parts = { ("%d.%d %s"):format(e, s, table.concat(ids, " ")) }
    for _, name in ipairs(o.fields or FIELDS) do parts[#parts + 1] = ffi.string(ffi.data(b[name]), b[name].size * 4) end
    seen[#seen + 1] = table.concat(parts, " ")
  end, epoch, step)
  return seen
end

local NO_LABEL = { "image", "mask", "fov", "weight" }

--- The value of a field of sample k at pixel i, and what it is where the sample lacks it.
local function value(k, name, i)
  local s = samples[k]
  local t = s[name] or s.fields[name]
  return t and t.data[i] or name == "fov" and 1 or 0.5
end

check.case("mixup: images, masks and maps are averaged by one number a batch; pixels count where both do", function()
  local sum, squares, batches = 0, 0, 0
  each_batch({ augment = { mixup = 0.4 }, fields = NO_LABEL }, 300, function(b, ids)
    local l
    for i, k in ipairs(ids) do -- the partner is that whose share fits all other fields too
      local x = b.image:get(i, 1, 1, 1) * 8
      local fits = math.abs(x - k) < 1e-5 -- its own partner
      for _, p in ipairs(fits and {} or ids) do
        local share = p ~= k and (x - p) / (k - p)
        if share and share > -1e-5 and share < 1 + 1e-5 and (not l or math.abs(share - l) < 1e-4) then
          local same = true
          for at = 0, H * W - 1 do
            local function mixed(name) return share * value(k, name, at) + (1 - share) * value(p, name, at) end
            local function got(name) return b[name]:get(i, 1, math.floor(at / W) + 1, at % W + 1) end
            same = same and math.abs(got "mask" - mixed "mask") < 1e-4 and math.abs(got "weight" - mixed "weight") < 1e-4
              and got "fov" == math.min(value(k, "fov", at), value(p, "fov", at))
          end
          if same then fits, l = true, share end
        end
      end
      check.ok(fits, ("image %d of the batch"):format(i))
    end
    if l then sum, squares, batches = sum + l, squares + l * l, batches + 1 end
  end)
  check.ok(batches > 250, "batches that were mixed")
  check.near(sum / batches, 0.5, 0.06, "mean of Beta(a, a)")
  check.near(squares / batches - (sum / batches) ^ 2, 1 / (4 * (2 * 0.4 + 1)), 0.02, "its variance")
end)

check.case("cutmix: a window of every field is another image's, at one place in the batch", function()
  local area, most = 0, 0
  each_batch({ augment = { cutmix = { alpha = 1, probability = 1 } } }, 200, function(b, ids)
    local inside = {} -- [pixel] true where an image is another's
    for i, k in ipairs(ids) do
      local partner
      for at = 0, H * W - 1 do
        local r, c = math.floor(at / W) + 1, at % W + 1
        local p = math.floor(b.image:get(i, 1, r, c) * 8 + 0.5)
        for _, name in ipairs(FIELDS) do check.equal(b[name]:get(i, 1, r, c), value(p, name, at), name) end
        if p ~= k then
          check.equal(p, partner or p, "one partner")
          partner, inside[at] = p, true
        end
      end
      if partner then -- the same window in every image
        for at in pairs(inside) do check.ok(math.floor(b.image:get(i, 1, math.floor(at / W) + 1, at % W + 1) * 8 + 0.5) == partner, "window") end
      end
    end
    local top, bottom, left, right, n = H, -1, W, -1, 0
    for at in pairs(inside) do
      local r, c = math.floor(at / W), at % W
      top, bottom, left, right, n = math.min(top, r), math.max(bottom, r), math.min(left, c), math.max(right, c), n + 1
    end
    if n > 0 then check.equal(n, (bottom - top + 1) * (right - left + 1), "a rectangle") end
    area, most = area + n, math.max(most, n)
  end)
  check.ok(area / 200 > 0.2 * H * W and area / 200 < 0.5 * H * W and most > 0.7 * H * W, ("%g %g"):format(area / 200, most))
end)

check.case("mixing: the same bits for any number of threads and from anywhere; off, the batch is as it was", function()
  for _, o in ipairs { { augment = { mixup = 0.2, flip = true, noise = 0.1 }, fields = NO_LABEL },
    { augment = { cutmix = { 1, probability = 0.5 }, rotate = 10 } },
    { augment = { mixup = { 0.3, probability = 0.5 }, cutmix = { alpha = 0.5, probability = 0.5 } }, fields = NO_LABEL } } do
    local whole = bytes(o, 10)
    for threads = 2, 3 do
      o.threads = threads
      for i, text in ipairs(bytes(o, 10)) do check.ok(text == whole[i], ("batch %d with %d threads"):format(i, threads)) end
    end
    for i, text in ipairs(bytes(o, 3, 1, 2)) do check.ok(text == whole[7 + i], "from the middle on") end
    local without = { augment = { flip = o.augment.flip, noise = o.augment.noise, rotate = o.augment.rotate }, fields = o.fields }
    local plain, differs = bytes(without, 10), 0
    for i = 1, 10 do differs = differs + (plain[i] ~= whole[i] and 1 or 0) end
    check.ok(differs > 2, "nothing was mixed")
    without.augment.mixup, without.augment.cutmix = { 0.2, probability = 0 }, false
    for i, text in ipairs(bytes(without, 10)) do check.ok(text == plain[i], "off") end
  end
end)

check.case("mixing: what is refused, and how a program prints", function()
  check.raises("must be of type", augment.program, { mixup = "yes" })
  check.raises("alpha is 0.05 to 1, given 2", augment.program, { mixup = 2 })
  check.raises("alpha is 0.05 to 1, given 0", augment.program, { cutmix = { alpha = 0 } })
  check.raises("wants a probability of 0 to 1", augment.program, { cutmix = { 1, probability = 2 } })
  check.raises("add to more than 1", augment.program, { cutmix = 1, mixup = 0.2 })
  check.equal(tostring(augment.program { cutmix = { 1, probability = 0.25 } }), "augmentation: cutmix of batches, alpha 1, 25 % of the time")
  check.fails("cannot average the class numbers of field 'tissue'; use cutmix", loader.new, samples, { fields = FIELDS, set = SET,
    augment = augment.program { mixup = 1 } })
  local function recipe(loss, more)
    local r = { name = "x", data = { set = "phantom", options = { size = 32, train = 5, val = 1, test = 1 }, batch = 2, augment = { mixup = 0.2 } },
      model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = loss } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1 }
    for k, v in pairs(more or {}) do r.data[k] = v end
    return recipe_module.resolve(r)
  end
  assert(recipe(ra.loss.bce {}))
  local _, err = recipe(ra.loss.lovasz {})
  check.ok(err and err:find("supervise row 1: ra.loss.lovasz wants a mask of 0 and 1", 1, true), tostring(err))
  assert(recipe(ra.loss.lovasz {}, { augment = { cutmix = 1 } }))
  _, err = recipe(ra.loss.bce {}, { batch = 1 })
  check.ok(err and err:find("data.batch is 1", 1, true), tostring(err))
end)

local path = folder .. "/mixed.lua"
assert(files.write(path, [[
local ra = require "ramus"
return {
  name = "mixed", data = { set = "phantom", options = { size = 32, train = 7, val = 2, test = 1, classes = true }, batch = 2, threads = 2,
    augment = { flip = true, cutmix = { alpha = 1, probability = 0.7 } } },
  model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.cross_entropy { smoothing = 0.1 }, inside = "fov" } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 5, seed = 4,
}
]]))

check.case("cutmix of classes: killed and resumed, the same bytes; mixup of classes is refused before anything is fetched", function()
  local command = ("env RAMUS_DATA=%s/data %s train %s --run %s/"):format(folder, processes.executable(check.root), path, folder)
  local text, status = processes.sh(command .. "whole")
  check.equal(status, 0, text)
  for _, lines in ipairs { 1, 3 } do
    processes.sh(([[exec %skilled & pid=$!; n=0; while [ $(cat %s/killed/metrics.jsonl 2>/dev/null | wc -l) -lt %d ] && [ $n -lt 3000 ]; do
      sleep 0.01; n=$((n+1)); done; kill -9 $pid 2>/dev/null; wait $pid]]):format(command, folder, lines))
  end
  text, status = processes.sh(command .. "killed")
  check.equal(status, 0, text)
  for _, file in ipairs { "metrics.jsonl", "last.safetensors" } do
    check.ok(files.read(folder .. "/whole/" .. file) == files.read(folder .. "/killed/" .. file), file .. " differs")
  end
  local _, err = recipe_module.load(path, { values = { ["data.augment"] = { mixup = 0.2 } } })
  check.ok(err and err:find("supervise row 1: field 'label' holds class numbers, which mixup cannot average; use data.augment.cutmix", 1, true), tostring(err))
end)
