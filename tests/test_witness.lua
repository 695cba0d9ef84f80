--- What a run depends on, and what sees it change: each row of the table in docs/explanation/determinism.md, tried in a run that goes on.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local json = require "ramus.base.json"
local processes = require "processes"
local safetensors = require "ramus.lang.safetensors"
local tensor = require "ramus.lang.tensor"

local root = check.folder "witness"
local work, kept = root .. "/work", root .. "/kept"
local binary = files.absolute(processes.executable(check.root))

local function write(path, text) assert(files.write(work .. "/" .. path, text)) end
local function read(path) return assert(files.read(work .. "/" .. path)) end

--- Replaces a part of a file, which must be there.
local function edit(path, from, to)
  local text = read(path)
  local at, stop = text:find(from, 1, true)
  check.ok(at, ("%s does not hold '%s'"):format(path, from))
  write(path, text:sub(1, at - 1) .. to .. text:sub(stop + 1))
end

local function picture(path, seed)
  tensor.seed(seed)
  assert(image.save(path, tensor.rand(32, 32)))
end

-- ---- a run that depends on everything ----

assert(files.make_folder(work .. "/pictures"))
for n = 1, 4 do
  picture(("%s/pictures/%d.png"):format(work, n), n)
  local mask = tensor.zeros(32, 32)
  mask:narrow(1, 4 * n, 6):fill(1)
  assert(image.save(("%s/pictures/%d_mask.png"):format(work, n), mask))
end

write("own.lua", [[
return { name = "own", title = "four pictures", folder = "pictures", files = {}, editions = {}, threshold = 128,
  open = function(folder)
    local list = {}
    for n = 1, 4 do list[n] = { id = tostring(n), image = folder .. "/" .. n .. ".png", mask = folder .. "/" .. n .. "_mask.png",
      split = n <= 2 and "train" or n == 3 and "val" or "test" } end
    return list
  end }
]])
write("parts.lua", "return { slope = 0.1, rate = 1e-3 }")
write("recipe.lua", [[
local ra = require "ramus"
local parts = require "parts"
local F, nn = ra.F, ra.nn
local shift = ra.tensor { 0.25 }
local function net(x)
  return F.add(nn.conv2d { 4, 1, k = 1 } (F.leaky_relu(nn.conv2d { 1, 4, k = 3, pad = 1 } (x), { slope = parts.slope })), shift)
end
return {
  name = "w", data = { set = "own.lua", batch = 2 }, model = ra.model(net), init = { from = "other.safetensors" },
  teacher = { kind = "run", path = "other.safetensors" },
  supervise = {
    { at = "out", loss = function(p, y) return F.mean(F.mul(F.sub(F.sigmoid(p), y), F.sub(F.sigmoid(p), y))) end },
    { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" },
  },
  optim = ra.optim.adamw { lr = parts.rate }, epochs = 1,
}
]])
write("phantom.lua", [[
local ra = require "ramus"
return {
  name = "p", data = { set = "phantom", options = { size = 32, train = 2, val = 1, test = 1 }, batch = 2 },
  model = ra.model(function(x) return ra.F.permute(ra.F.matmul(ra.F.permute(ra.nn.conv2d { 1, 1, k = 3, pad = 1 } (x), { 1, 2, 4, 3 }),
    ra.F.permute(ra.F.matmul(x, ra.F.permute(x, { 1, 2, 4, 3 })), { 1, 2, 4, 3 })), { 1, 2, 4, 3 }) end),
  supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1,
}
]])

--- A command of ramus in the folder, all data and caches below it; what it printed and its status.
local function ramus(arguments, environment)
  return processes.sh(("cd %s && env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 %s %s %s"):format(work, work, work, environment or "",
    binary, arguments))
end

local function first(recipe, run)
  local text, status = ramus(("train %s --quiet --run %s"):format(recipe, run))
  check.equal(status, 0, text)
end

local ready = false
local function make_ready()
  if ready then return end
  local text, status = processes.sh(("cd %s && %s -e '%s'"):format(work, binary, [[local r = require "parts"; local ra = require "ramus"
    local m = ra.model(function(x)
      return ra.F.add(ra.nn.conv2d { 4, 1, k = 1 } (ra.F.leaky_relu(ra.nn.conv2d { 1, 4, k = 3, pad = 1 } (x))), ra.tensor { 0.5 })
    end)
    assert(m:save("other.safetensors"))]]))
  check.equal(status, 0, text)
  first("recipe.lua", "own")
  first("phantom.lua", "prepared")
  assert(os.execute(("rm -rf %s && cp -a %s %s"):format(kept, work, kept)) == 0)
  ready = true
end

-- ---- the rows ----

local function resume(recipe, run, environment) return ramus(("train %s --run %s --extend 1"):format(recipe, run), environment) end
local function resume_own(environment) return resume("recipe.lua", "own", environment) end
local function resume_prepared(environment) return resume("phantom.lua", "prepared", environment) end

--- What must happen: exit status 1 and a text, or 0 and a text that is there, or 0 and no warning.
local function refused(part, text, status) check.ok(status == 1 and text:find(part, 1, true) and not text:find("traceback", 1, true), text) end
local function warned(part, text, status) check.ok(status == 0 and text:find("warning", 1, true) and text:find(part, 1, true), text) end
local function goes_on(text, status) check.ok(status == 0 and not text:find("warning", 1, true), text) end

local function prepared_picture()
  local set = assert(files.list(work .. "/data"))[1]:gsub("/$", "")
  local mark = require("cjson").decode(read("data/" .. set .. "/prepared.json"))
  local names = {}
  for path in pairs(mark.files) do if path:find("%.%a+$") then names[#names + 1] = path end end
  table.sort(names)
  return "data/" .. set .. "/" .. names[1]
end

--- Another byte at the end of a file, or so many bytes fewer.
local function change_bytes(path)
  local text = read(path)
  write(path, text:sub(1, -2) .. string.char((text:byte(-1) + 1) % 256))
end

--- The run's last checkpoint with another value in its metadata.
local function change_meta(run, key, change)
  local path = ("%s/%s/last.safetensors"):format(work, run)
  local file, meta = assert(safetensors.load(path)), {}
  for k, v in pairs(file.meta) do if k ~= "ramus.sha256" then meta[k] = v end end
  meta[key] = change(meta[key])
  assert(safetensors.save(path, file.tensors, meta))
end

local rows = {
  ["a field of the recipe"] = function()
    edit("recipe.lua", "batch = 2", "batch = 1")
    refused("batch = 1", resume_own())
  end,
  ["a field that changes no result (`data.threads`, `data.cache`, `log`, `profile`)"] = function()
    edit("recipe.lua", "batch = 2", "batch = 2, threads = 2, cache = 1")
    goes_on(resume_own())
  end,
  ["the function of a model"] = function()
    edit("recipe.lua", "F.leaky_relu(", "F.gelu(")
    edit("recipe.lua", ", { slope = parts.slope }", "")
    refused("was leaky_relu", resume_own())
  end,
  ["a file that the recipe requires"] = function()
    write("parts.lua", "return { slope = 0.2, rate = 1e-3 }")
    refused("slope = 0.2", resume_own())
    write("parts.lua", "return { slope = 0.1, rate = 2e-3 }")
    refused("lr = 0.002", resume_own())
  end,
  ["numbers in tensors of the model's function"] = function()
    edit("recipe.lua", "{ 0.25 }", "{ 0.375 }")
    refused("its tensor 1 has other values", resume_own())
  end,
  ["a function of `supervise`"] = function()
    edit("recipe.lua", "F.mean(F.mul(", "F.sum(F.mul(")
    refused("made by another recipe", resume_own())
  end,
  ["an image or mask of a prepared set"] = function()
    local path = prepared_picture()
    change_bytes(path)
    refused("changed since the set was prepared", resume_prepared())
    refused("changed since the set was prepared", ramus "eval prepared")
    refused("changed since the set was prepared", ramus "train phantom.lua --run new")
    check.ok(not files.is_file(work .. "/new/last.safetensors"))
    assert(os.execute(("cp -a %s/%s %s/%s"):format(kept, path, work, path)) == 0)
    goes_on(resume_prepared())
  end,
  ["an image or mask of a set in place"] = function()
    picture(work .. "/pictures/1.png", 9)
    refused("1.png has changed", resume_own())
  end,
  ["a test image of a set in place"] = function()
    picture(work .. "/pictures/4.png", 9)
    warned("4.png has changed", ramus "eval own --data own.lua")
    warned("4.png has changed", resume_own())
  end,
  ["which images a split has"] = function()
    edit("own.lua", "n <= 2", "n <= 1")
    refused("image '2' is gone", resume_own())
  end,
  ["how the set's definition reads its masks (threshold, values, classes, fields)"] = function()
    edit("own.lua", "threshold = 128", "threshold = 255")
    refused("(threshold)", resume_own())
  end,
  ["weights of `init`"] = function() -- the teacher's file too; only the net of the same shape is asked of it
    local before = read "own/last.safetensors"
    local other = assert(safetensors.load(work .. "/other.safetensors"))
    for _, t in pairs(other.tensors) do t:fill(0.5) end
    local meta = {}
    for k, v in pairs(other.meta) do if k ~= "ramus.sha256" then meta[k] = v end end
    assert(safetensors.save(work .. "/other.safetensors", other.tensors, meta))
    goes_on(resume_own())
    local after = read "own/last.safetensors"
    assert(os.execute(("rm -rf %s && cp -a %s %s"):format(work, kept, work)) == 0)
    goes_on(resume_own())
    check.ok(before ~= after and read "own/last.safetensors" == after, "the run went on from other weights")
  end,
  ["the kernel set (processor, `RAMUS_ISA`)"] = function() warned("goes on with generic", resume_own "RAMUS_ISA=generic") end,
  ["what computes matrix products (`RAMUS_BLAS`, OpenBLAS and its core)"] = function()
    change_meta("prepared", "ramus.state", function(text)
      local new, n = text:gsub('"blas":"[^"]*"', '"blas":"another"')
      check.equal(n, 1)
      return new
    end)
    warned("matrix products by 'another'", resume_prepared())
  end,
  ["the build"] = function()
    change_meta("own", "ramus.build", function() return '{"version":"0.0.9","commit":"abc","kernels":"other"}' end)
    warned("began with Ramus 0.0.9", resume_own())
  end,
  ["`RAMUS_THREADS`"] = function() goes_on(resume_own "RAMUS_THREADS=2") end,
  ["the place of the data (`RAMUS_DATA`, `--data-root`)"] = function()
    assert(os.rename(work .. "/data", work .. "/elsewhere") == true)
    goes_on(ramus("train phantom.lua --run prepared --extend 1 --offline --data-root " .. work .. "/elsewhere"))
  end,
  ["`resolved.json` is missing"] = function()
    local before = read "own/resolved.json"
    os.remove(work .. "/own/resolved.json")
    edit("recipe.lua", "batch = 2", "batch = 1")
    refused("batch = 1", resume_own())
    edit("recipe.lua", "batch = 1", "batch = 2")
    warned("resolved.json is missing", resume_own())
    check.ok(#read "own/resolved.json" >= #before - 20)
    write("own/resolved.json", "")
    warned("resolved.json is missing, damaged", resume_own())
  end,
  ["`resolved.lua` is missing"] = function()
    os.remove(work .. "/own/resolved.lua")
    warned("resolved.lua is missing", resume_own())
    check.ok(files.is_file(work .. "/own/resolved.lua"))
  end,
  ["`samples.json` is missing"] = function()
    for _, text in ipairs { false, "", "[]", '{"parts":{"train":[1]}}', '{"parts":5}', '{"parts":{"train":[{"id":"1","files":[5]}]}}' } do
      if text then write("own/samples.json", text) else os.remove(work .. "/own/samples.json") end
      warned("samples.json", resume_own())
      check.ok(read("own/samples.json"):find "declared")
    end
    os.remove(work .. "/own/samples.json")
    picture(work .. "/pictures/1.png", 9)
    refused("not those that this run began with", resume_own())
  end,
  ["lines of `metrics.jsonl` are missing"] = function()
    write("own/metrics.jsonl", "")
    warned("metrics.jsonl lacks 1 of the 1 epochs", resume_own())
  end,
  ["`last.safetensors` is damaged"] = function()
    local text = read "own/last.safetensors"
    write("own/last.safetensors", text:sub(1, -40) .. "x" .. text:sub(-38))
    refused("last.safetensors", resume_own())
  end,
}
rows["weights of a teacher that is a run"] = rows["weights of `init`"]

local listed = {}
local page = assert(files.read(check.root .. "/docs/explanation/determinism.md"))
for line in page:match("and what sees it change.-\n|%-[^\n]*\n(.-)\n\n"):gmatch "[^\n]+" do listed[#listed + 1] = line:match "^| (.-) |" end

check.case("witness: the page and this test name the same things", function()
  local names = {}
  for _, name in ipairs(listed) do
    names[name] = true
    check.ok(rows[name], "no test of: " .. name)
  end
  for name in pairs(rows) do check.ok(names[name], "not on the page: " .. name) end
end)

for _, name in ipairs(listed) do
  check.case("witness: " .. name, function()
    make_ready()
    assert(os.execute(("rm -rf %s && cp -a %s %s"):format(work, kept, work)) == 0)
    rows[name]()
  end)
end

check.case("witness: declarations are the same whatever the order of their keys", function()
  local identity = require "ramus.data.identity"
  local function of(values) return identity.declared({ fields = {}, splits = { a = { { id = "1", values = values } } } }, { "a" }) end
  check.equal(json.encode(of { [0] = "a", [255] = "b" }), json.encode(of { [255] = "b", [0] = "a" }))
  check.equal(identity.declared_changes(of { [0] = "a" }, of { [0] = "b" })[1], "values")
  check.equal(#identity.declared_changes(nil, of {}), 0)
end)
