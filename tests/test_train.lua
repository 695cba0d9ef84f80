--- Training as a process: the same bits after kills, interruptions and resumes, for
-- any number of threads; teachers, early stop, divergence; errors with their exit status.
local check = require "check"
local ra = require "ramus"
local files = require "ramus.base.files"
local dataset = require "ramus.data.dataset"
local json = require "cjson"

local folder = check.folder("train")
local data_root = folder .. "/data"
local binary = require("processes").executable(check.root)
local sh = require("processes").sh

local function write(path, text) assert(files.write(path, text)) end

local recipe_text = require "hard_recipe"
local recipe = folder .. "/tiny.lua"
write(recipe, recipe_text())

--- `ramus train` with no way to any network; returns what it printed and its exit status.
local function command(arguments, environment)
  return ("env RAMUS_DATA=%s http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 RAMUS_MIRROR=http://127.0.0.1:9/ RAMUS_THREADS=1 %s %s train %s")
    :format(data_root, environment or "", binary, arguments)
end
local function train(arguments, environment) return sh(command(arguments, environment)) end

local function same_run(a, b, what)
  check.equal(dataset.sha256_file(a .. "/last.safetensors"), dataset.sha256_file(b .. "/last.safetensors"), what .. ": sha256 of last.safetensors")
  check.ok(files.read(a .. "/metrics.jsonl") == files.read(b .. "/metrics.jsonl"), what .. ": metrics.jsonl differs")
end

local whole = folder .. "/whole"

check.case("an unbroken run, twice, gives the same bytes; eval and pictures are written", function()
  local text, status = train(recipe .. " --run " .. whole)
  check.equal(status, 0, text)
  for _, name in ipairs { "recipe.lua", "resolved.lua", "metrics.jsonl", "timing.jsonl", "log.txt", "last.safetensors", "best.safetensors", "eval.json" } do
    check.ok(files.is_file(whole .. "/" .. name), name .. " is missing")
  end
  check.ok(#assert(files.list(whole .. "/pictures")) == 2, "two overlays in pictures/")
  local lines = 0
  for line in files.read(whole .. "/metrics.jsonl"):gmatch("[^\n]+") do
    local entry = json.decode(line)
    check.equal(entry.epoch, lines, "epoch of a line")
    check.ok(entry.terms["dice@out"].gradient_norm > 0, "a gradient norm per term")
    check.ok((entry.terms["soft_target@out"] ~= nil) == (lines >= 2), "the teacher's rows begin in epoch 2")
    lines = lines + 1
  end
  check.equal(lines, 12, "lines of metrics.jsonl")
  text, status = train(recipe .. " --quiet --set profile=true --run " .. folder .. "/again")
  check.equal(status, 0, text)
  check.equal(text, "", "--quiet")
  same_run(whole, folder .. "/again", "second run, with a profile")
end)

check.case("timing.jsonl says where each epoch's time went; profile.txt the last one's, step by step", function()
  for line in files.read(folder .. "/again/timing.jsonl"):gmatch("[^\n]+") do
    local e = json.decode(line)
    check.near(e.plan + e.optimizer + e.waited_for_data + e.validation + e.saving + e.other, e.seconds, 0.01 * e.seconds, "sum of the parts")
    check.ok(e.plan > 0 and e.saving > 0 and e.images > 0, line)
  end
  local text = files.read(folder .. "/again/profile.txt")
  check.ok(text:find("^epoch 11: ") and text:find("waiting for data", 1, true) and text:find("GFLOP/s", 1, true), text)
  local shares = 0
  for share in text:gmatch(" s +([%d%.]+) %%") do shares = shares + tonumber(share) end
  check.near(shares, 100, 1, "percent of the epoch")
  check.ok(not files.exists(whole .. "/profile.txt"), "a profile that nobody asked for")
end)

check.case("killed with SIGKILL at ten random moments and resumed: the same bytes", function()
  local seed = tonumber(os.getenv("RAMUS_TEST_SEED")) or os.time()
  math.randomseed(seed)
  local started = os.time()
  local _, _, seconds = sh(command(recipe .. " --quiet --run " .. folder .. "/timed"))
  local kills, finished, run = 0, 0, folder .. "/killed"
  local wanted = os.getenv "RAMUS_SANITIZED" and 3 or 10 -- the sanitized build is slow
  while kills < wanted do
    check.ok(os.time() - started < 300, "the kills within five minutes, seed " .. seed)
    local delay = seconds * (0.1 + 0.8 * math.random())
    local text, status = sh(("%s & pid=$!; sleep %.3f; kill -9 $pid 2>/dev/null; wait $pid"):format(
      command(recipe .. " --quiet --run " .. run):gsub("^env", "exec env") , delay))
    if status == 137 then kills = kills + 1
    else
      check.equal(status, 0, ("seed %d, after %d kills: %s"):format(seed, kills, text))
      finished = finished + 1
      same_run(whole, run, ("seed %d, after %d kills"):format(seed, kills))
      run = folder .. "/killed" .. finished
    end
  end
  local text, status = train(recipe .. " --run " .. run)
  check.equal(status, 0, ("seed %d: %s"):format(seed, text))
  same_run(whole, run, ("seed %d, after %d kills"):format(seed, kills))
  print(("  %d kills at random moments, seed %d (RAMUS_TEST_SEED repeats it)"):format(kills, seed))
end)

for _, signal in ipairs { "INT", "TERM" } do
  check.case(("SIG%s in mid-epoch: exit 130, a checkpoint, and the same bytes after resuming"):format(signal), function()
    -- an epoch long enough to be hit inside
    local long = folder .. "/long.lua"
    write(long, recipe_text { epochs = "2", data = [[{ set = "phantom", options = { size = 64, train = 7, val = 2, test = 2 }, batch = 2,
      steps = 151, augment = { flip = true, rotate = 15, noise = 0.02 } }]] })
    local unbroken, run = folder .. "/long", folder .. "/long" .. signal
    if signal == "INT" then check.equal(select(2, train(long .. " --quiet --run " .. unbroken)), 0, "unbroken run") end
    local inside, text, status = 0
    for _ = 1, 12 do
      text, status = sh(([[rm -f %s/log.txt; %s & pid=$!
        n=0; while ! grep -q memory %s/log.txt 2>/dev/null && ! grep -q resuming %s/log.txt 2>/dev/null && [ $n -lt 600 ]; do sleep 0.02; n=$((n+1)); done
        sleep 0.0%d; kill -%s $pid 2>/dev/null; wait $pid]]):format(run, (command(long .. " --run " .. run):gsub("^env", "exec env")), run, run,
        math.random(1, 9), signal))
      if text:find("interrupted in epoch", 1, true) then inside = inside + 1 end
      if status == 0 or inside == 2 then break end
      check.equal(status, 130, text)
      check.ok(files.is_file(run .. "/last.safetensors"), "a checkpoint")
    end
    check.ok(inside >= 1, "no signal hit the inside of an epoch: " .. tostring(text))
    text, status = train(long .. " --run " .. run)
    check.equal(status, 0, text)
    same_run(unbroken, run, "after SIG" .. signal)
  end)
end

check.case("one thread, two threads, and two loader threads: the same bits", function()
  for threads = 1, 2 do
    local run = folder .. "/threads" .. threads
    local text, status = train(recipe .. " --quiet --run " .. run, "RAMUS_THREADS=" .. threads)
    check.equal(status, 0, text)
    same_run(whole, run, threads .. " threads")
  end
  local run = folder .. "/loaders"
  local text, status = train(recipe .. " --quiet --set data.threads=2 --run " .. run)
  check.equal(status, 0, text)
  check.ok(files.read(whole .. "/metrics.jsonl") == files.read(run .. "/metrics.jsonl"), "metrics.jsonl differs with two loader threads")
  local a, b = assert(ra.load(whole .. "/last.safetensors")), assert(ra.load(run .. "/last.safetensors"))
  for name, t in pairs(a) do
    if ra.is_tensor and ra.is_tensor(t) or type(t) == "cdata" then
      for i = 0, t.size - 1 do
        if t.data[i] ~= b[name].data[i] then error(("%s[%d] differs with two loader threads"):format(name, i)) end
      end
    end
  end
end)

check.case("data in place: no network call", function()
  local trace = folder .. "/trace"
  local _, status = sh(("strace -f -e trace=socket,connect -o %s true"):format(trace))
  if status ~= 0 then check.skip("no strace that may trace (the other cases run with every proxy at a closed port)") end
  local text
  text, status = sh((command(recipe .. " --quiet --epochs 2 --run " .. folder .. "/traced")
    :gsub("^env", "strace -f -e trace=socket,connect -o " .. trace .. " env ASAN_OPTIONS=detect_leaks=0"))) -- no leak check under ptrace
  check.equal(status, 0, text)
  check.ok(not files.read(trace):find("AF_INET", 1, true), files.read(trace))
end)

check.case("a complete run says so and changes nothing; its evaluation can be made again", function()
  local before = assert(dataset.sha256_file(whole .. "/last.safetensors"))
  local text, status = train(recipe .. " --run " .. whole)
  check.equal(status, 0, text)
  check.ok(text:find("is complete (12 epochs)", 1, true), text)
  check.equal(dataset.sha256_file(whole .. "/last.safetensors"), before, "sha256 of last.safetensors")
end)

check.case("killed after training and before the evaluation's end: the same command evaluates", function()
  local run = folder .. "/unscored"
  sh("cp -r " .. whole .. " " .. run .. " && rm " .. run .. "/eval.json " .. run .. "/eval.txt")
  local text, status = train(recipe .. " --run " .. run)
  check.equal(status, 0, text)
  check.ok(files.is_file(run .. "/eval.json"), "eval.json is back")
end)

check.case("more epochs, or another recipe, in the folder of a run are refused", function()
  local before = assert(dataset.sha256_file(whole .. "/last.safetensors"))
  local text, status = train(recipe .. " --set optim.lr=0.5 --run " .. whole)
  check.equal(status, 1, text)
  check.ok(text:find("another recipe", 1, true) and text:find("lr = 0.5", 1, true) and text:find("--run DIR", 1, true), text)
  text, status = train(recipe .. " --epochs 20 --run " .. whole)
  check.equal(status, 1, text)
  check.ok(text:find("epochs = 20", 1, true), text)
  check.equal(dataset.sha256_file(whole .. "/last.safetensors"), before, "sha256 of last.safetensors")
end)

check.case("loader threads, cache, log and profile may change while a run goes on", function()
  local text, status = train(recipe .. " --set data.threads=2 --set data.cache=9 --set log.pictures=1 --set profile=true --run " .. whole)
  check.equal(status, 0, text)
  check.ok(text:find("is complete (12 epochs)", 1, true), text)
end)

check.case("a bit-flipped, truncated or empty checkpoint is refused and left alone", function()
  local run = folder .. "/spoiled"
  sh("cp -r " .. whole .. " " .. run)
  local good = files.read(whole .. "/last.safetensors")
  local middle = math.floor(#good / 2)
  local spoiled = {
    ["its checksum does not fit"] = good:sub(1, middle) .. string.char((good:byte(middle + 1) + 4) % 256) .. good:sub(middle + 2),
    ["not a whole safetensors file"] = good:sub(1, middle), ["it is empty"] = "",
  }
  for part, text in pairs(spoiled) do
    local file = assert(io.open(run .. "/last.safetensors", "wb"))
    file:write(text)
    file:close()
    local said, status = train(recipe .. " --run " .. run)
    check.equal(status, 1, said)
    check.ok(said:find(part, 1, true) and not said:find("traceback", 1, true), said)
    check.ok(files.read(run .. "/last.safetensors") == text, "the file was touched")
    check.ok(files.read(run .. "/metrics.jsonl") == files.read(whole .. "/metrics.jsonl"), "metrics.jsonl was touched")
  end
end)

check.case("two processes in one run folder: the second is refused", function()
  local lock = assert(files.lock(whole .. "/lock"))
  local text, status = train(recipe .. " --run " .. whole)
  lock()
  check.equal(status, 1, text)
  check.ok(text:find("lock", 1, true) or text:find("another", 1, true), text)
end)

check.case("a read-only folder and a full disk: a clear message, exit 1, nothing lost", function()
  local text, status = train(recipe .. " --run /proc/ramus")
  check.equal(status, 1, text)
  check.ok(text:find("/proc/ramus", 1, true) and not text:find("traceback", 1, true), text)
  local disk = folder .. "/disk"
  files.make_folder(disk)
  local _, mounted = sh("mount -t tmpfs -o size=1m ramus-test " .. disk)
  if mounted ~= 0 then check.skip("no right to mount a small disk") end
  local run = disk .. "/run"
  local ok, err = pcall(function()
    text, status = train(recipe .. " --quiet --set epochs=3 --run " .. run)
    check.equal(status, 0, text)
    local _, full = sh(("cp %s/last.safetensors %s/kept; rm -rf %s; %s; dd if=/dev/zero of=%s/filler bs=1k 2>/dev/null"):format(run, folder, run,
      command(recipe .. " --quiet --set epochs=3 --set seed=9 --run " .. run .. " >/dev/null"), disk))
    check.ok(full ~= 0, "the disk is full")
    local before = files.read(run .. "/last.safetensors")
    text, status = train(recipe .. " --quiet --set epochs=3 --extend 1 --set seed=9 --run " .. run)
    check.equal(status, 1, text)
    check.ok(text:find("No space left", 1, true) and not text:find("traceback", 1, true), text)
    check.ok(files.read(run .. "/last.safetensors") == before, "last.safetensors was touched")
  end)
  sh("umount " .. disk)
  if not ok then error(err, 0) end
end)

-- ---- teachers and validation, in this process ---------------------------------

local function tiny(fields)
  local r = {
    name = "tiny", data = { set = "phantom", options = { size = 64, train = 7, val = 2, test = 2 }, batch = 4, augment = { flip = true } },
    model = ra.models.unet { depth = 2, width = 2, sides = true },
    supervise = { { at = "out", loss = ra.loss.dice {} },
      { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" },
      { at = "side*", loss = ra.loss.deep_distribution { patch = 8, tau = 0.3, scale = "fraction" }, against = "teacher.same", weight = { 0.5 } } },
    optim = ra.optim.adamw { lr = 1e-2 }, epochs = 4, seed = 1,
  }
  for k, v in pairs(fields) do r[k] = v end
  return r
end

for _, case in ipairs {
  { { kind = "last_epoch" }, 1 }, { { kind = "best" }, 1 }, { { kind = "ema", decay = 0.9 }, 0 }, { { kind = "ago", k = 3 }, 3 },
  { { kind = "run", path = whole .. "/last.safetensors" }, 0, model = "ra.models.unet { depth = 2, width = 3, sides = true, dropout = 0.1 }" },
} do
  check.case(("teacher %s trains and acts from epoch %d"):format(case[1].kind, case[2]), function()
    local fields = { teacher = case[1] }
    if case.model then fields.model = assert(loadstring("local ra = require 'ramus' return " .. case.model))() end
    local run = folder .. "/teacher_" .. case[1].kind
    local result = assert(ra.train(tiny(fields), { run = run, quiet = true, data_root = data_root, evaluate = false }))
    check.equal(#result.history, 4, "epochs")
    for i, entry in ipairs(result.history) do
      local term = entry.terms["soft_target@out"]
      check.equal(term ~= nil, i - 1 >= case[2], ("a teacher in epoch %d"):format(i - 1))
      check.ok(not term or term.value > 0 and term.gradient_norm > 0, "value and gradient norm of soft_target")
      check.equal(entry.terms["deep_distribution@side1"] ~= nil, term ~= nil, "the side row acts with it")
    end
  end)
end

check.case("a fixed run's teacher never changes; a net of another shape is refused", function()
  local a = assert(ra.load(folder .. "/teacher_run/last.safetensors"))
  local wanted = assert(ra.load_model(whole .. "/last.safetensors"))
  local kept = wanted.cut(a["teacher.flat"], a["teacher.buffers"])
  for _, p in ipairs(wanted.entries) do
    local t = wanted.values[p.name]
    for k = 0, t.size - 1 do
      if kept[p.name].data[k] ~= t.data[k] then error(("%s[%d] of the teacher changed"):format(p.name, k)) end
    end
  end
  check.fails("must have the model's architecture", ra.train, tiny { teacher = { kind = "run", path = whole } },
    { run = folder .. "/misfit", quiet = true, data_root = data_root })
  check.fails("nowhere", ra.train, tiny { teacher = { kind = "run", path = folder .. "/nowhere" } },
    { run = folder .. "/misfit", quiet = true, data_root = data_root })
end)

check.case("early stop: ends after `patience` epochs without a better Dice; best holds the best epoch", function()
  local r = tiny { teacher = { kind = "last_epoch" }, early_stop = { patience = 2 }, epochs = 40, optim = ra.optim.sgd { lr = 1e-12 } }
  r.supervise = { { at = "out", loss = ra.loss.dice {} } }
  local run = folder .. "/early"
  local result = assert(ra.train(r, { run = run, quiet = true, data_root = data_root, evaluate = false }))
  check.ok(#result.history < 40, ("stopped after %d epochs"):format(#result.history))
  local best, at = -1, nil
  for _, entry in ipairs(result.history) do
    if entry.validation.dice > best then best, at = entry.validation.dice, entry.epoch end
  end
  check.equal(#result.history - 1 - at, 2, "epochs after the best")
  local _, file = ra.load_model(run .. "/best.safetensors")
  check.equal(json.decode(file.meta["ramus.state"]).best_epoch, at, "epoch of best.safetensors")
  local again = assert(ra.train(r, { run = run, quiet = true, data_root = data_root, evaluate = false }))
  check.equal(#again.history, #result.history, "epochs after the same command again")
end)

check.case("a loss that is not finite stops with epoch, batch, pictures, term and advice", function()
  local value, err = ra.train(tiny { teacher = { kind = "last_epoch" }, optim = ra.optim.sgd { lr = 1e30 } },
    { run = folder .. "/diverged", quiet = true, data_root = data_root })
  check.equal(value, nil, "result")
  for _, part in ipairs { "epoch 0", "batch 1", "train/", "dice@out", "lower optim.lr" } do check.ok(err:find(part, 1, true), err) end
  local _, status = train(recipe .. " --run " .. folder .. "/diverged2 --set optim.lr=1e30 --set optim.clip=nil --set 'optim.schedule=nil'")
  check.equal(status, 1, "exit status")
end)

-- ---- wrong recipes -------------------------------------------------------------

for _, case in ipairs {
  { "optim.lrr=1", "did you mean 'lr'" }, { "opti.lr=1", "did you mean 'optim'" }, { "optim.lr=abc", "lr must be of type number" },
  { "data.batc=3", "did you mean 'batch'" }, { "data.batch=0", "batch must be >= 1" }, { "data.set=phantm", "did you mean 'phantom'" },
  { "data.augment.rotat=3", "did you mean 'rotate'" }, { "supervise.1.at=sid1", "did you mean 'side1'" },
  { "supervise.1.weight=0/0", "weight must be" }, { "supervise.1.weight=1/0", "finite" }, { "supervise.1.weight=ra.ramp(1,-1)", "at epoch" },
  { "supervise.1.weight=0", "no row is active in epoch 0" }, { "supervise.1.from=1", "no row is active in epoch 0" },
  { "supervise.3.weight={1,2,3}", "3 values for 1 outputs" }, { "teacher=nil", "the recipe has no teacher" },
  { "teacher.kind=bets", "did you mean 'best'" }, { "model.widht=3", "did you mean 'width'" }, { "model=3", "model must be" },
  { "model.sides=false", "matches no output" }, { "epochs=x", "epochs must be of type integer" },
  { "supervise.1.loss.smooth=-1", "smooth must be" }, { "novalue", "KEY=VALUE" },
} do
  check.case("--set " .. case[1] .. ": exit 2 and a clear message", function()
    local run = folder .. "/wrong"
    local text, status = train(("%s --run %s --set '%s'"):format(recipe, run, case[1]))
    check.equal(status, 2, text)
    check.ok(text:find(case[2], 1, true) and not text:find("traceback", 1, true), text)
    check.ok(not files.exists(run), "no run folder is made")
  end)
end

check.case("recipes that are no recipe: exit 2", function()
  for text, part in pairs { ["return 3"] = "returns a table", ["x ="] = "wrong.lua:1", ["error 'oh'"] = "oh", ["return {}"] = "is missing",
    [recipe_text { epoch = "3" }] = "did you mean 'epochs'", [recipe_text { early_stop = "{ patience = 2 }",
      data = '{ set = "phantom", val = false }' }] = "needs a validation split" } do
    write(folder .. "/wrong.lua", text)
    local said, status = train(folder .. "/wrong.lua --run " .. folder .. "/wrong")
    check.equal(status, 2, said)
    check.ok(said:find(part, 1, true) and not said:find("traceback", 1, true), said)
  end
end)
