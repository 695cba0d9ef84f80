--- Threads, open files, locks and child processes are freed on every way out, not when Lua collects: counted in /proc before and after each
-- public operation, with the collector stopped.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local loader = require "ramus.data.loader"
local processes = require "processes"
local ra = require "ramus"
local sets = require "ramus.data.sets"

local folder = check.folder "resources"
local data_root = folder .. "/data"
local binary = files.absolute(processes.executable(check.root))

--- What this process holds: threads, descriptors with what they are, children.
local function held()
  local text = {}
  for _, what in ipairs { "task", "fd" } do text[what] = assert(files.list("/proc/self/" .. what, { hidden = true })) end
  local children = 0
  for _, task in ipairs(text.task) do
    for _ in (files.read(("/proc/self/task/%s/children"):format((task:gsub("/$", "")))) or ""):gmatch "%d+" do children = children + 1 end
  end
  return { threads = #text.task, descriptors = #text.fd, children = children }
end

--- Holds f, called `times` after once to warm up, to leave no thread, descriptor or child. f may fail; what it returns is not looked at.
local function leaves_nothing(name, f, times)
  pcall(f)
  collectgarbage()
  collectgarbage()
  collectgarbage "stop"
  local before = held()
  local results = {}
  for i = 1, times or 3 do results[i] = { pcall(f) } end -- kept, so that nothing can be collected
  local after = held()
  collectgarbage "restart"
  for what, n in pairs(before) do check.equal(after[what], n, ("%s: %s after %d calls"):format(name, what, #results)) end
end

check.case("always: release is called once on every way out, and an error goes on as what it was", function()
  local always, released = require "ramus.base.always", 0
  local function by_error(f)
    local raised
    local ok = xpcall(function() always(f, function() released = released + 1 end) end, function() raised = debug.getinfo(2, "f").func end)
    return not ok and raised == error
  end
  check.ok(by_error(function() error("a mistake of the caller", 0) end), "error() became something else")
  check.ok(not by_error(function() return tostring(nil .. "") end), "a defect became a mistake of the caller")
  check.equal(select("#", always(function() return 1, nil, nil end, function() released = released + 1 end)), 3)
  check.equal(released, 3)
end)

local function recipe(change)
  local r = { name = "held", data = { set = "phantom", options = { size = 32, train = 3, val = 2, test = 1 }, batch = 2, threads = 2 },
    model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 2 }
  for k, v in pairs(change or {}) do r[k] = v end
  return r
end

local count = 0
local function train(change, given)
  count = count + 1
  local o = { run = ("%s/run%d"):format(folder, count), quiet = true, data_root = data_root }
  for k, v in pairs(given or {}) do o[k] = v end
  return ra.train(recipe(change), o)
end

check.case("resources: the test sees a thread and a descriptor that are left", function()
  local before = held()
  local set = assert(sets.set("phantom", { options = recipe().data.options, data_root = data_root }))
  local l = assert(loader.new(set.splits.train, { batch = 1, threads = 2 }))
  assert(l:start())
  check.equal(held().threads, before.threads + 2)
  l:close()
  l:close()
  check.equal(held().threads, before.threads)
  check.ok(not pcall(l.peek, l), "a closed loader refuses")
  local file = assert(io.open("/dev/null"))
  check.equal(held().descriptors, before.descriptors + 1)
  file:close()
end)

check.case("resources: training, to its end and into errors", function()
  leaves_nothing("train", function() assert(train()) end, 2)
  leaves_nothing("a loss that throws", function() train { supervise = { { at = "out", loss = function() error "meant" end } } } end)
  leaves_nothing("a loss that is not finite", function()
    train { supervise = { { at = "out", loss = function(p) return ra.F.mean(ra.F.log(ra.F.sub(ra.F.mul(p, p), 1e9))) end } } }
  end)
  leaves_nothing("an init that does not fit", function() train { init = { from = folder .. "/none" } } end)
  leaves_nothing("a folder that another recipe made", function() train({ seed = 5 }, { run = folder .. "/run1" }) end)
  leaves_nothing("lr_find", function() assert(ra.lr_find(recipe(), { steps = 4, quiet = true, data_root = data_root })) end)
  local trainer = require "ramus.train.loop"
  local kept = trainer.one_batch
  trainer.one_batch = function() error "interrupted!" end
  leaves_nothing("an error in the middle of an epoch", function() train() end)
  trainer.one_batch = kept
end)

check.case("resources: a validation, whole, failing and interrupted, leaves no thread", function()
  local set = assert(sets.set("phantom", { options = recipe().data.options, data_root = data_root }))
  local given = { fields = { "image", "mask", "fov" }, set = set.fields, channels = 1 }
  leaves_nothing("whole", function() assert(sets.each_picture(set.samples, given, function() return true end)) end)
  leaves_nothing("that fails", function() sets.each_picture(set.samples, given, function() return nil, "no" end) end)
  leaves_nothing("that throws", function() sets.each_picture(set.samples, given, function() error "Ctrl-C" end) end)
  leaves_nothing("of a file that is none", function()
    sets.each_picture({ { id = "1", image = "/none.png", mask = "/none.png" } }, given, function() return true end)
  end)
  leaves_nothing("of samples that are wrong", function() loader.new({ { id = "1", image = 5 } }, { batch = 1 }) end)
end)

check.case("resources: evaluation, prediction, readers and writers", function()
  assert(train(nil, { run = folder .. "/run1" }))
  local path, picture = folder .. "/run1", folder .. "/picture.png"
  assert(image.save(picture, ra.rand(32, 32)))
  assert(files.write(folder .. "/broken.png", "\137PNG\r\n\26\nno"))
  assert(files.write(folder .. "/broken.safetensors", ("\255"):rep(64)))
  local model = assert(ra.load_model(path))
  for name, f in pairs {
    evaluate = function() assert(ra.evaluate(path, { data_root = data_root })) end,
    ["evaluate, throwing"] = function() ra.evaluate(path, { data_root = data_root, each = function() error "meant" end }) end,
    predict = function() assert(ra.predict(path, picture, { output = folder .. "/out" })) end,
    ["predict, broken"] = function() ra.predict(path, folder .. "/broken.png", { output = folder .. "/out" }) end,
    load_model = function() assert(ra.load_model(path)) end,
    ["load, broken"] = function() ra.load(folder .. "/broken.safetensors") end,
    ["load, a folder"] = function() ra.load(folder) end,
    save = function() assert(model:save(folder .. "/m.safetensors")) end,
    ["save, nowhere"] = function() model:save "/none/m.safetensors" end,
    npz = function()
      assert(ra.save(folder .. "/t.npz", { a = ra.ones(3) }))
      assert(ra.load(folder .. "/t.npz"))
    end,
    images = function()
      assert(image.load(picture))
      image.load(folder .. "/broken.png")
      image.load_mask(picture)
      image.save("/none/x.png", ra.rand(4, 4))
    end,
    open_run = function() assert(ra.open_run(path)):evaluation() end,
    export = function() assert(ra.export(path, folder .. "/m.onnx")) end,
    datasets = function() assert(ra.datasets.open("phantom", { options = recipe().data.options, root = data_root })) end,
    list = function() require("ramus.train.run.list").is_held(path) end,
  } do leaves_nothing(name, f) end
end)

check.case("resources: fetching, also from nowhere and into a folder that is held", function()
  local options = { size = 32, train = 1, val = 1, test = 1 }
  leaves_nothing("fetch", function() assert(ra.fetch("phantom", { options = options, data_root = data_root, again = true })) end)
  leaves_nothing("from a folder that lacks it", function() ra.fetch("chase_db1", { from = folder, data_root = data_root }) end)
  leaves_nothing("from a server that is none", function()
    require("ramus.data.fetch.download").get(folder .. "/x.zip", { "http://127.0.0.1:9/x.zip" }, { name = "x.zip" }, { tries = 1, wait = 0.01 })
  end)
  leaves_nothing("with a progress that throws", function()
    require("ramus.data.fetch.download").get(folder .. "/y.zip", { "file://" .. folder .. "/picture.png" }, { name = "y.zip" },
      { progress = function() error "no" end })
  end)
end)

check.case("resources: 60 validations fit into few threads and little memory", function()
  local path = folder .. "/many.lua"
  assert(files.write(path, [[
local ra = require "ramus"
return { name = "many", data = { set = "phantom", options = { size = 32, train = 2, val = 2, test = 1 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 1 }, supervise = { { at = "out", loss = ra.loss.bce() } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 60 }
]]))
  local arguments = ("env RAMUS_THREADS=1 RAMUS_DATA=%s %s train %s --quiet --run"):format(data_root, binary, path)
  local text, status
  if not os.getenv "RAMUS_SANITIZED" then -- whose shadow alone reserves terabytes
    text, status = processes.sh(("prlimit --as=%d %s %s/many_memory"):format(700e6, arguments, folder))
    if status == 127 then check.skip "no prlimit" end
    check.equal(status, 0, text)
  end
  local user, none = processes.sh "id -u && setpriv --version"
  if none ~= 0 or not user:find "^0\n" then check.skip "limits on threads hold for users other than root, and setpriv is absent or this is none" end
  processes.sh(("chmod -R a+rwX %s"):format(folder))
  text, status = processes.sh(("HOME=%s prlimit --nproc=4 setpriv --reuid 54321 --clear-groups %s %s/many_threads"):format(folder, arguments, folder))
  if text:find("Permission denied", 1, true) then check.skip "another user may not read the tree" end
  check.equal(status, 0, text)
end)
