--- ramus export: the ONNX file passes the ONNX project's checker and gives Ramus's own output in ONNX Runtime, for every architecture and
-- every op of the table, at any size. Skipped where python3-onnx or onnxruntime-node (npm) is missing; make test-all installs both.
local check = require "check"
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local models = require "ramus.lang.models"
local onnx = require "ramus.lang.onnx"
local ops = require "ramus.lang.ops"
local processes = require "processes"
local ra = require "ramus"
local runtime = dofile(check.root .. "/tests/onnx/runtime.lua")
local C, F, nn = ffi.C, ra.F, ra.nn

local folder = check.folder "export"
local python = os.getenv "PYTHON" or "/usr/bin/python3"
local ramus = processes.executable(check.root)

if os.getenv "RAMUS_TEST_ALL" and not runtime.version(check.root) then runtime.install(check.root) end
local has_runtime = runtime.version(check.root) ~= nil
local has_checker = select(2, processes.sh(python .. " -c 'import onnx'")) == 0
local single = C.ra_real_size() == 4

local function need(what)
  if what ~= "checker" and not has_runtime then check.skip "no onnxruntime-node" end
  if what ~= "runtime" and not has_checker then check.skip "no python3-onnx" end
end

--- What the checker says of files: list of { opset, ops, meta, input, outputs }.
local function checked(paths)
  local text, status = processes.sh(("%s %s/tests/onnx/check.py %s"):format(python, check.root, table.concat(paths, " ")))
  check.equal(status, 0, text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = cjson.decode(line) end
  return list
end

local function write_input(path, x)
  local n = {}
  for i = 1, x.size do n[i] = ffi.data(x)[i - 1] end
  assert(files.write(path, ffi.string(ffi.new("float[?]", x.size, n), 4 * x.size)))
end

--- Runs jobs { model = path, x = tensor, names } in ONNX Runtime; a list of { NAME = { shape, values } }.
local function run_all(jobs)
  local list = {}
  for i, job in ipairs(jobs) do
    local outputs = {}
    for _, name in ipairs(job.names) do outputs[name] = ("%s/%d_%s.f32"):format(folder, i, name) end
    list[i] = { model = job.model, input = ("%s/%d.f32"):format(folder, i), shape = job.x.shape, outputs = outputs }
    write_input(list[i].input, job.x)
  end
  assert(files.write(folder .. "/jobs.json", cjson.encode(list)))
  local text, status = processes.sh(("NODE_PATH=%s node %s/tests/onnx/run.js %s/jobs.json"):format(runtime.modules(check.root), check.root, folder))
  check.equal(status, 0, text)
  local results, i = {}, 0
  for line in text:gmatch "[^\n]+" do
    i = i + 1
    results[i] = {}
    for name, shape in pairs(cjson.decode(line)) do results[i][name] = { shape, assert(files.read(list[i].outputs[name])) } end
  end
  check.equal(i, #jobs, "jobs that came back")
  return results
end

--- The largest difference to a tensor must be 1e-4 of its largest value (or of 1, where all are smaller); all zeros are no proof.
local function compare(got, wanted, what)
  check.equal(table.concat(got[1], "x"), table.concat(wanted.shape, "x"), what .. ": shape")
  local v, w, worst, top = ffi.cast("const float *", got[2]), ffi.data(wanted:clone()), 0, 0
  for i = 0, wanted.size - 1 do
    local d = math.abs(v[i] - w[i])
    if not (d <= worst) then worst = d end
    top = math.max(top, math.abs(w[i]))
  end
  check.ok(top > 1e-3, what .. ": the output is all zero")
  check.ok(worst <= 1e-4 * math.max(top, 1), ("%s: differs by %.3g of %.3g"):format(what, worst, top))
end

--- Running averages that are not 0 and 1, and weights of normalisations that are not 1.
local function live(net)
  for i, p in ipairs(net.parameter_list) do
    if #p.shape == 1 then
      local v = net.values[p.name]
      for k = 1, v.size do v:set(k, v:get(k) + 0.1 * math.sin(7 * k + i)) end
    end
  end
  for _ = 1, 3 do net:forward(ra.rand(2, net.template.channels, 64, 64), { train = true }) end
  return net
end

local function house_models()
  local list = {}
  for _, name in ipairs(models.names()) do
    if package.searchpath("ramus.lang.models." .. name, package.path) then list[#list + 1] = name end
  end
  return list
end

--- In short tests a net of convolutions and one of windows stand for all.
for _, name in ipairs(os.getenv "RAMUS_TEST_ALL" and house_models() or { "unet", "swin_unet" }) do
  check.case("export: " .. name .. " in ONNX Runtime, plain and folded, two sizes", function()
    need()
    if not single then check.skip "the double build" end
    local net = live(ra.models[name] { preset = "light", classes = 2, sides = models.find(name).schema.sides and true or nil })
    local jobs, paths, names = {}, {}, net:output_names()
    for i, size in ipairs { { 1, 64, 64 }, { 2, 90, 77 } } do
      paths[i] = ("%s/%s_%d.onnx"):format(folder, name, i)
      assert(ra.export(net, paths[i], { fold = i == 2, outputs = "all", force = true }))
      jobs[i] = { model = paths[i], x = ra.rand(size[1], 1, size[2], size[3]), names = { "probability", unpack(names) } }
    end
    jobs[3] = { model = paths[1], x = jobs[2].x, names = jobs[2].names } -- the same file at another size
    local said = checked(paths)
    check.equal(said[1].opset, 17)
    check.equal(table.concat(said[1].input, ","), "batch,1,height,width")
    check.equal(table.concat(said[1].outputs.probability, ","), "batch,2,height,width")
    local plain, folded = said[1].nodes.BatchNormalization or 0, said[2].nodes.BatchNormalization or 0
    check.ok(folded < math.max(plain, 1), ("%d of %d normalisations were not folded"):format(folded, plain))
    if name == "unet" then check.equal(folded, 0) end
    for i, result in ipairs(run_all(jobs)) do
      local wanted = net:forward(jobs[i].x, { exact = true })
      for _, output in ipairs(names) do compare(result[output], wanted[output], ("%s, job %d, %s"):format(name, i, output)) end
      compare(result.probability, F.softmax(wanted[net.output.main]:clone()), "probability")
    end
    for _, path in ipairs(paths) do os.remove(path) end
  end)
end

--- Ops that no architecture has, each an output: functions of x [B,2,H,W] and x + 0.5, which is positive.
local ALONE = {
  silu = function(x) return F.silu(x) end, tanh = function(x) return F.tanh(x) end, softplus = function(x) return F.softplus(x) end,
  softmax = function(x) return F.softmax(x, { dim = 4 }) end, log_softmax = function(x) return F.log_softmax(x) end,
  exp = function(x) return F.exp(x) end, log = function(_, y) return F.log(y) end, sqrt = function(_, y) return F.sqrt(y) end,
  abs = function(x) return F.abs(x) end, pow = function(_, y) return F.pow(y, { p = 1.7 }) end,
  clamp = function(x) return F.clamp(x, { min = -0.2, max = 0.3 }) end,
  clamp_low = function(x) return F.clamp(x, { min = 0.1 }) end, affine = function(x) return F.affine(x, { scale = 3, shift = -1 }) end,
  sub = function(x, y) return F.sub(x, F.mul(y, y)) end, div = function(x, y) return F.div(x, y) end,
  matmul = function(x, y) return F.matmul(x, F.permute(y, { 1, 2, 4, 3 })) end,
  narrow = function(x) return F.narrow(x, { dim = 3, first = 3, count = 5 }) end,
  sum = function(x) return F.sum(x, { dim = { 2, 4 } }) end, mean = function(x) return F.mean(x, { dim = 3, keepdim = true }) end,
  max = function(x) return F.max(x, { dim = 2 }) end, min = function(x) return F.min(x, { dim = { 3 }, keepdim = true }) end,
  argmax = function(x) return F.argmax(x, { dim = 2, keepdim = true }) end, eq = function(x) return F.eq(F.relu(x), F.abs(x)) end,
  ne = function(x) return F.ne(F.relu(x), F.abs(x)) end, lt = function(x, y) return F.lt(y, F.abs(x)) end,
  le = function(x) return F.le(F.abs(x), F.relu(x)) end, gt = function(x, y) return F.gt(F.abs(x), y) end,
  ge = function(x) return F.ge(F.relu(x), F.abs(x)) end, where = function(x, y) return F.where(F.relu(x), x, y) end,
  detach = function(x) return F.detach(x) end,
  dropout = function(x) return F.dropout(x, { p = 0.5 }) end, drop_path = function(x) return F.drop_path(x, { p = 0.5 }) end,
  avg_pool2d = function(x) return F.avg_pool2d(x, { k = 3, stride = 2, pad = 1 }) end,
  avg_pool2d_inside = function(x) return F.avg_pool2d(x, { k = 3, stride = 2, pad = 1, count_pad = false }) end,
  pad = function(x) return F.pad(x, { pad = { 1, 2, 3, 0 }, mode = "reflect" }) end,
  pad_value = function(x) return F.pad(x, { pad = { 0, 1, 2, 0 }, value = 2 }) end,
  pad_to = function(x) return F.pad_to(x, { multiple = { 7, 5 }, mode = "constant", value = -1 }) end,
  upsample = function(x) return F.upsample(x, { size = { 30, 21 }, mode = "bilinear" }) end,
  upsample_nearest = function(x) return F.upsample(x, { size = { 40, 11 } }) end, instance_norm = function(x) return F.instance_norm(x) end,
  group_norm = function(x) return F.group_norm(x, { groups = 1 }) end, layer_norm = function(x) return F.layer_norm(x) end,
  conv_transpose2d = function(x)
    return F.conv_transpose2d(x, ra.rand(2, 2, 3, 3), ra.rand(4), { stride = 2, pad = 1, output_pad = 1, groups = 2 })
  end,
  attention = function(x, y) return F.attention(x, x, y, { scale = 0.5 }) end,
}

check.case("export: every op of the table that no architecture has", function()
  need()
  if not single then check.skip "the double build" end
  local covered = {}
  local net = ra.model(function(x)
    local outputs, y = { out = nn.conv2d { 2, 1, k = 1 } (x) }, F.affine(x, { scale = 0.5, shift = 1 })
    for name, f in pairs(ALONE) do outputs[name] = f(x, y) end
    return outputs
  end, { channels = 2 })
  for _, e in ipairs(net.template.entries) do covered[e.op] = true end
  for _, name in ipairs(house_models()) do
    for _, e in ipairs(ra.models[name] { preset = "light" }.template.entries) do covered[e.op] = true end
  end
  for name, spec in pairs(ops.specs) do
    check.ok(covered[name] or not C.ra_onnx_knows(spec.c) or name == "watch", name .. " is in the table and not tried here")
  end
  local path = folder .. "/ops.onnx"
  assert(ra.export(net, path, { outputs = "all", force = true }))
  checked { path }
  local jobs = {}
  for i, size in ipairs { { 1, 20, 14 }, { 3, 33, 17 } } do
    jobs[i] = { model = path, x = F.affine(ra.rand(size[1], 2, size[2], size[3]), { scale = 2, shift = -1 }), names = net:output_names() }
  end
  for i, result in ipairs(run_all(jobs)) do
    for name, wanted in pairs(net:forward(jobs[i].x, { exact = true })) do compare(result[name], wanted, name) end
  end
end)

check.case("export: a transposed convolution in groups is folded too", function()
  need "checker"
  local net = live(ra.model(function(x)
    local y = nn.batch_norm { 2 } (nn.conv2d { 1, 2, k = 3, pad = 1 } (x))
    return nn.batch_norm { 4 } (F.conv_transpose2d(y, ra.rand(2, 2, 2, 2), { stride = 2, groups = 2 }))
  end))
  local path = folder .. "/fold.onnx"
  local said = assert(ra.export(net, path, { fold = true, force = true }))
  check.equal(said.folded, true)
  check.equal(table.concat(checked({ path })[1].ops, " "), "Conv ConvTranspose Identity Softmax")
  if not has_runtime then return end
  local x = ra.rand(1, 1, 9, 8)
  compare(run_all({ { model = path, x = x, names = { "out" } } })[1].out, net:forward(x, { exact = true }).out, "folded")
end)

check.case("export: the command, its metadata, and what it refuses", function()
  local net = ra.models.unet { depth = 2, width = 4, sides = true }
  net.output.threshold, net.input.preparation = 0.25, { { step = "size", a = 64, b = 64 } }
  local file, model = folder .. "/said.onnx", folder .. "/model.safetensors"
  os.remove(file)
  assert(net:save(model))
  local text, status = processes.sh(("%s export %s %s --fold --outputs side1 --json"):format(ramus, model, file))
  check.equal(status, 0, text)
  local said = cjson.decode(text)
  check.equal(table.concat(said.outputs, ","), "out,probability,side1")
  check.equal(said.bytes, #assert(files.read(file)))
  if has_checker then
    local meta = checked({ file })[1].meta
    check.equal(meta.threshold, "0.25")
    check.equal(meta.classes, '["background","foreground"]')
    check.equal(cjson.decode(meta.preprocessing)[1].step, "size")
    check.equal(cjson.decode(meta["ramus.output"]).main, "out")
  end
  for arguments, wanted in pairs { [model .. " " .. file] = { 1, "is there already" }, [model] = { 2, "given 1 words" },
    [model .. " x.pt"] = { 2, "given x.pt" },
    [model .. " new.onnx --outputs sides1"] = { 2, "side1" }, ["/nowhere new.onnx"] = { 1, "nowhere" } } do
    text, status = processes.sh(("cd %s && %s export %s"):format(folder, ramus, arguments))
    check.equal(status, wanted[1], arguments)
    check.ok(text:find(wanted[2], 1, true), arguments .. ": " .. text)
  end
  check.ok(not files.exists(folder .. "/new.onnx"))
  local odd = ra.model(function(x) return F.add(nn.conv2d { 1, 1, k = 1 } (x), F.arange(x, { dim = 4 })) end)
  local ok, err = onnx.save(odd, folder .. "/odd.onnx", { outputs = { { "out" } } })
  check.ok(not ok and err:find "no counterpart is known for arange", err)
end)
