--- The loader: the same batches for any number of threads, resume at any step, errors that name the sample.
local check = require "check"
local ffi = require "ramus.base.ffi"
local fields = require "ramus.data.fields"
local loader = require "ramus.data.loader"
local tensor = require "ramus.lang.tensor"
local C = ffi.C
local folder = check.folder("loader")

--- n pictures of 6x5 whose pixels all are i/255, masks with i ones, in PGM.
local function make_samples(n)
  local samples = {}
  for i = 1, n do
    local function pgm(name, value)
      local path = ("%s/%d%s.pgm"):format(folder, i, name)
      local file = assert(io.open(path, "w"))
      file:write("P2\n6 5\n255\n")
      for k = 1, 30 do file:write(value(k), " ") end
      file:write("\n")
      file:close()
      return path
    end
    samples[i] = { id = "s/" .. i, image = pgm("", function() return i end),
      mask = pgm("_gt", function(k) return k <= i and 255 or 0 end) }
  end
  return samples
end

local function collect(samples, o, count, epoch, step)
  local l = assert(loader.new(samples, o))
  assert(l:start(epoch, step))
  local seen = {}
  for _ = 1, count do
    local shape = assert(l:peek())
    local B, H, W = shape[1], shape[3], shape[4]
    local x, y, fov = tensor.zeros(shape), tensor.zeros(B, 1, H, W), tensor.zeros(B, 1, H, W)
    local n, e, s, list = l:next { image = x, mask = y, fov = fov }
    check.equal(n, shape[1])
    local ids = {}
    for i, sample in ipairs(list) do
      ids[i] = sample.id
      local k = tonumber(sample.id:match("%d+"))
      if not o.augment then
        check.near(x:get(i, 1, 5, 6), k / 255, 1e-7)
        local stats = ffi.new("double[5]")
        C.ra_tensor_stats(y:narrow(1, i, 1), stats)
        check.equal(stats[4], math.min(k, 30), "ones in the mask")
        C.ra_tensor_stats(fov:narrow(1, i, 1), stats)
        check.equal(stats[4], shape[3] * shape[4], "field of view")
      end
    end
    seen[#seen + 1] = ("%d.%d %s %s%s"):format(e, s, table.concat(ids, " "), ffi.string(ffi.data(x), x.size * 4),
      ffi.string(ffi.data(y), y.size * 4))
  end
  return seen
end

local function ids_of(batch) return batch:match("^%d+%.%d+ ([s/%d ]+) ") end

local samples = make_samples(7)

check.case("order: every sample once a pass, a partial last batch, new order each epoch", function()
  local seen = collect(samples, { batch = 3, seed = 5 }, 6)
  for epoch = 0, 1 do
    local times, all = {}, ""
    for b = 1, 3 do
      for id in seen[epoch * 3 + b]:match("^%d+%.%d+ ([s/%d ]+)"):gmatch("s/%d") do
        times[id] = (times[id] or 0) + 1
        all = all .. id
      end
    end
    for i = 1, 7 do check.equal(times["s/" .. i], 1, "s/" .. i) end
  end
  check.ok(ids_of(seen[1]) ~= ids_of(seen[4]), "the same order in both epochs")
  check.ok(seen[3]:find("^0.2 s/%d "), "the last batch has one sample")
  local plain = collect(samples, { batch = 3, shuffle = false }, 1)
  check.equal(ids_of(plain[1]), "s/1 s/2 s/3")
  check.equal(loader.new(samples, { batch = 3, drop_last = true }):steps(), 2)
  check.equal(loader.new(samples, { batch = 3 }):steps(), 3)
end)

check.case("the same bits for 1, 2 and 3 threads, any depth, with and without cache", function()
  local want = collect(samples, { batch = 3, seed = 9, steps = 5 }, 17)
  for threads = 1, 3 do
    for _, depth in ipairs { 1, 2, 7 } do
      for _, cache in ipairs { 0, 0.0001, 10 } do
        local got = collect(samples, { batch = 3, seed = 9, steps = 5, threads = threads, depth = depth, cache = cache }, 17)
        for i = 1, 17 do check.ok(got[i] == want[i], ("batch %d differs with %d threads"):format(i, threads)) end
      end
    end
  end
end)

check.case("augmented: the same bits for 1, 2 and 3 threads, another draw every pass", function()
  local augment = require "ramus.data.augment"
  local program = augment.program { flip = true, rotate = 25, scale = { 0.85, 1.2 }, gamma = { 0.7, 1.4 }, noise = 0.05,
    crop = 4 }
  local prepare = augment.prepare { size = { 8, 7 }, stretch = true }
  local function o(threads) return { batch = 3, seed = 9, steps = 5, threads = threads, augment = program, prepare = prepare } end
  local want = collect(samples, o(1), 12)
  check.ok(want[1]:sub(-144) ~= want[6]:sub(-144))
  for threads = 1, 3 do
    local got = collect(samples, o(threads), 12)
    for i = 1, 12 do check.ok(got[i] == want[i], ("batch %d differs with %d threads"):format(i, threads)) end
  end
  check.ok(collect(samples, o(2), 3, 1, 2)[1] == want[8], "started in the middle")
  -- the same sample in two passes of one epoch is augmented differently, and without augmentation it is not
  local one = { samples[7] }
  local twice = collect(one, { batch = 2, steps = 1, augment = augment.program { noise = 0.1 } }, 1)[1]
  local pixels = twice:sub(-(2 * 30 * 4 * 2), -(2 * 30 * 4) - 1)
  check.ok(pixels:sub(1, 120) ~= pixels:sub(121, 240), "both passes have the same noise")
end)

check.case("steps: more than one pass takes every sample equally often; start anywhere continues exactly", function()
  local o = { batch = 2, seed = 1, steps = 7, threads = 2 }
  local seen = collect(samples, o, 21)
  local times = {}
  for i = 1, 7 do
    check.ok(seen[i]:find(("^0.%d "):format(i - 1)))
    for id in seen[i]:match("^%d+%.%d+ ([s/%d ]+)"):gmatch("s/%d") do times[id] = (times[id] or 0) + 1 end
  end
  for i = 1, 7 do check.equal(times["s/" .. i], 2, "s/" .. i) end
  for at = 0, 13 do
    local got = collect(samples, o, 3, math.floor(at / 7), at % 7)
    for i = 1, 3 do check.ok(got[i] == seen[at + i], "resume at " .. at) end
  end
end)

check.case("epochs: next gives 0 after the last; a loader can start again", function()
  local l = assert(loader.new(samples, { batch = 4, epochs = 2 }))
  for _ = 1, 2 do
    assert(l:start())
    local x, batches = tensor.zeros(4, 1, 5, 6), 0
    while assert(l:next { image = x }) > 0 do batches = batches + 1 end
    check.equal(batches, 4)
    check.equal(assert(l:next { image = x }), 0)
  end
  check.equal(assert(loader.new(samples, { batch = 4 })).options.shuffle, true)
end)

check.case("a broken, absent or unfit sample is an error that names it, every time", function()
  local function bad(change, part, y)
    local list = {}
    for i, s in ipairs(samples) do list[i] = { id = s.id, image = s.image, mask = s.mask } end
    change(list[4])
    for threads = 1, 3 do
      local l = assert(loader.new(list, { batch = 3, shuffle = false, threads = threads }))
      assert(l:start())
      local x = tensor.zeros(3, 1, 5, 6)
      check.equal(assert(l:next { image = x, mask = y and tensor.zeros(3, 1, 5, 6) }), 3)
      for _ = 1, 2 do
        local n, err = l:next { image = x, mask = y and tensor.zeros(3, 1, 5, 6) }
        check.ok(n == nil)
        check.ok(err:find(part, 1, true), err)
        check.ok(err:find("s/4", 1, true), err)
      end
    end
  end
  local cut = folder .. "/cut.pgm"
  local file = io.open(cut, "w")
  file:write("P2\n6 5\n255\n1 2 3")
  file:close()
  local wide = folder .. "/wide.pgm"
  file = io.open(wide, "w")
  file:write("P2\n2 1\n255\n1 2\n")
  file:close()
  bad(function(s) s.image = folder .. "/absent.pgm" end, "No such file")
  bad(function(s) s.image = cut end, "cut.pgm")
  bad(function(s) s.mask = wide end, "2x1 pixels, the image 6x5")
  bad(function(s) s.image, s.mask = wide, nil end, "6x5")
  bad(function(s) s.mask = nil end, "has no mask", true)
end)

check.case("wrong use: no samples, wrong shapes, not started, unknown options", function()
  check.raises("list of samples", loader.new, {})
  check.raises("did you mean 'batch'", loader.new, samples, { bach = 3 })
  local l = assert(loader.new(samples, { batch = 2 }))
  check.fails("not started", l.next, l)
  check.fails("steps are 0 to 3", l.start, l, 0, 4)
  check.fails("no full batch", function()
    return assert(loader.new(samples, { batch = 8, drop_last = true })):start()
  end)
  assert(l:start())
  check.fails("the batch [2,1,5,6]", l.next, l, { image = tensor.zeros(2, 1, 6, 5) })
  check.fails("the batch [2,1,5,6]", l.next, l, { image = tensor.zeros(1, 1, 5, 6) })
  check.equal(assert(l:next { image = tensor.zeros(4, 1, 5, 6) }), 2, "a larger target is fine")
end)

check.case("released while its threads work; nothing leaks", function()
  collectgarbage()
  collectgarbage()
  local live = C.ra_mem_live()
  for i = 1, 60 do
    local l = assert(loader.new(samples, { batch = 3, threads = 1 + i % 3, depth = 8 }))
    assert(l:start(0, i % 3))
    if i % 2 == 0 then assert(l:peek()) end
    C.ra_loader_release(ffi.gc(l.pointer, nil))
  end
  collectgarbage()
  local now = C.ra_mem_live() -- less is fine: what a compiled trace held may go late
  check.ok(now <= live, ("%d bytes are left"):format(now - live))
end)

check.case("every failing allocation is a message and leaks nothing", function()
  collectgarbage()
  collectgarbage()
  local live, n, failures = C.ra_mem_live(), 0, 0
  local config = ffi.new("ra_loader_config", { batch = 2, threads = 1, depth = 1, epochs = 1, cache_bytes = 1e6 })
  local list = fields.list({ "image", "mask", "fov" }, fields.known, 1, 1)
  local array, to = fields.array(list), ffi.new("ra_tensor *[3]")
  local count, dims = ffi.new("int32_t[1]"), ffi.new("int32_t[4]", 2, 1, 5, 6)
  local x = C.ra_tensor_new(4, dims)
  to[0] = x
  local with_x = C.ra_mem_live()
  local function run()
    local l = C.ra_loader_new(config, 3, array, nil, nil)
    if l == nil then return false end
    local good = true
    for i = 1, 3 do good = good and C.ra_loader_add(l, samples[i].id, (fields.sources(samples[i], list))) == 0 end
    good = good and C.ra_loader_start(l, 0, 0) == 0
    for _ = 1, 3 do good = good and C.ra_loader_next(l, to, count, nil) == 0 end
    C.ra_loader_release(l)
    return good
  end
  repeat
    C.ra_mem_fail_after(n)
    local good = run()
    C.ra_mem_fail_after(-1)
    if not good then failures = failures + 1 end
    check.equal(C.ra_mem_live(), with_x, "bytes after failing allocation " .. n)
    n = n + 1
  until n > 90
  C.ra_tensor_release(x)
  check.equal(C.ra_mem_live(), live, "bytes left")
  check.ok(failures > 15, failures .. " failures")
end)

check.case("cimat80: all 80 pairs decode, masks are binary after the threshold", function()
  local root = check.shared("cimat80_dca1_subset")
  local list = {}
  for _, part in ipairs { "training", "testing" } do
    for i = 1, 40 do
      local base = ("%s/Angios_40_%s/%d"):format(root, part, i)
      list[#list + 1] = { id = part .. "/" .. i, image = base .. ".png", mask = base .. "_gt.png" }
    end
  end
  local l = assert(loader.new(list, { batch = 8, shuffle = false, epochs = 1 }))
  assert(l:start())
  local x, y, ones = tensor.zeros(8, 1, 300, 300), tensor.zeros(8, 1, 300, 300), 0
  local stats = ffi.new("double[5]")
  while assert(l:next { image = x, mask = y }) > 0 do
    C.ra_tensor_stats(y, stats)
    ones = ones + stats[4]
    C.ra_tensor_stats(x, stats)
    check.ok(stats[0] >= 0 and stats[1] <= 1)
  end
  check.ok(ones / (80 * 90000) > 0.03 and ones / (80 * 90000) < 0.12, "vessel fraction " .. ones / (80 * 90000))
  local stray = 0
  for i = 1, 80 do if assert(l:mask_report(i)).between > 0 then stray = stray + 1 end end
  check.equal(stray, 3, "masks with stray grey values")
end)
