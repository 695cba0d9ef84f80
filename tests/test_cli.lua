--- The command line: exit statuses, the ways to start, installed files, predictions on odd pictures.
local check = require "check"
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "cjson"
local processes = require "processes"

local sh = processes.sh
local folder = check.folder("cli")
local binary = processes.executable(check.root)
if binary:sub(1, 1) ~= "/" then binary = (sh("realpath " .. binary):gsub("\n", "")) end
local root = (sh("realpath " .. check.root):gsub("\n", ""))
local environment = ("env RAMUS_DATA=%s/data RAMUS_THREADS=1 RAMUS_MODEL=none "
  .. "http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 RAMUS_MIRROR=http://127.0.0.1:9/ ")
  :format(folder)

local function write(path, text) assert(files.write(path, text)) end
local function ramus(arguments, where) return sh(("cd %s && %s%s %s"):format(where or folder, environment, binary, arguments)) end

--- Runs `ramus ARGUMENTS` and holds it to a status and a part of what it prints; no traceback unless asked for.
local function expect(arguments, status, part, traceback)
  local text, got = ramus(arguments)
  check.equal(got, status, ("ramus %s: exit status\n%s"):format(arguments, text))
  check.ok(not part or text:find(part, 1, true), ("ramus %s: wanted '%s' in\n%s"):format(arguments, tostring(part), text))
  check.ok(traceback or not text:find("stack traceback", 1, true), ("ramus %s: a traceback\n%s"):format(arguments, text))
  return text
end

check.case("help, version and unknown commands", function()
  local text = expect("--help", 0, "usage: ramus")
  for _, name in ipairs { "train", "eval", "predict", "fetch", "datasets", "run FILE", "-e CODE", "doctor" } do
    check.ok(text:find(name, 1, true), name .. " is not in --help")
  end
  expect("help", 0, "usage")
  expect("help train", 0, "usage: ramus train RECIPE")
  expect("help trian", 2, "did you mean 'train'")
  expect("--version", 0, "ramus ")
  expect("train --help", 0, "usage: ramus train")
  expect("trian x", 2, "did you mean 'train'")
  expect("--nosuch", 2, "unknown command")
  expect("repl word", 2, "repl takes no argument, given 'word'")
  for _, c in ipairs(require("ramus.cli.command").all()) do
    check.ok(c.example and c.example:find "^ramus", c.name .. " has no example")
    for _, f in ipairs(c.flags or {}) do check.ok(f.help and (not f.value or f.wants or f.number or f.one_of), c.name .. " --" .. f.name) end
  end
  expect("train --help", 0, "example: ramus train")
  check.equal(ra.version, ffi.string(ffi.C.ra_build_info "version"))
end)

check.case("wrong use is 2", function()
  for arguments, part in pairs {
    ["run"] = "run wants a file", ["-e"] = "-e wants code", ["train"] = "one recipe", ["train a b"] = "given 2",
    ["train x.lua --seed"] = "wants a number", ["train x.lua --sed 3"] = "did you mean '--seed'", ["train x.lua --epochs many"] = "given 'many'",
    ["eval"] = "one run folder", ["eval a --thresold 1"] = "did you mean '--threshold'", ["predict"] = "wants a run", ["predict run"] = "wants a run",
    ["fetch"] = "at least one data set", ["fetch nosuch"] = "unknown data set", ["fetch phantm"] = "did you mean 'phantom'",
    ["fetch phantom --set size"] = "KEY=VALUE", ["datasets --jsno"] = "did you mean '--json'",
    ["ls --sort tset"] = "--sort wants name, date, val, test or size, given 'tset'; did you mean 'test'?",
    ["ls --state"] = "wants running, done, stopped or failed",
    ["predict a.png --as nifti,rel"] = "given 'rel'; did you mean 'rle'?", ["predict a.png --flips="] = "wants none, mirrored or turned, given ''",
    ["models --preset al"] = "did you mean 'all'",
  } do expect(arguments, 2, part) end
end)

check.case("what is named and is not there is 1 in every command, an unknown name is 2", function()
  write(folder .. "/there.png", "x")
  for arguments, part in pairs {
    ["train none.lua"] = "none.lua", ["train ."] = "is a folder", ["run none.lua"] = "none.lua", ["run ."] = "irectory", ["eval none"] = "none",
    ["predict none there.png"] = "none", ["predict . there.png"] = "last.safetensors",
    ["fetch dca1 --from none.zip"] = "none.zip", ["check none/at/all"] = "does not exist",
    ["fetch none.lua"] = "none.lua", ["check none.lua"] = "none.lua", ["study none.lua"] = "none.lua",
  } do expect(arguments, 1, part) end
  for _, arguments in ipairs { "fetch none", "check none" } do expect(arguments, 2, "unknown data set") end
end)

check.case("a recipe with a wrong option of a loss or module is wrong use, before anything is fetched", function()
  local recipe = [[local ra = require "ramus"
return { name = "wrong", data = { set = "dca1" }, model = %s, supervise = { { at = "out", loss = %s } }, optim = ra.optim.sgd { lr = 0.1 }, epochs = 1 }]]
  write(folder .. "/loss.lua", recipe:format("ra.models.unet {}", "ra.loss.deep_distribution { patches = 15 }"))
  expect("train loss.lua --offline", 2, "patches = 15 must be a square number")
  write(folder .. "/module.lua", recipe:format("ra.model(function(x) return ra.nn.max_pool2d { k = \"x\" } (x) end)", "ra.loss.dice {}"))
  expect("train module.lua --offline", 2, "k must be a whole number")
end)

check.case("bench: every case, as text with a profile and as JSON", function()
  local text = expect("bench train --width 2 --size 32 --batch 1 --steps 2 --profile", 0, "GFLOP/s")
  check.ok(text:find("train  width 2, 1x32x32", 1, true) and text:find("<- conv2d", 1, true), text)
  local list = json.decode(expect("bench --width 2 --size 64 --batch 2 --steps 3 --json", 0))
  check.equal(#list, 3, "cases")
  for i, case in ipairs { "train", "dsd", "infer" } do
    local r = list[i]
    check.equal(r.case, case)
    check.ok(r.fastest <= r.ms and r.ms <= r.slowest and r.gflops > 0 and r.memory_mb > 0, case)
  end
  list = json.decode(expect("bench train dsd --model wnet --size 32 --batch 1 --steps 2 --json", 0))
  check.ok(list[1].model == "wnet" and list[2].ms > 0, "an architecture in its light preset")
  expect("bench --model wnett", 2, "did you mean 'wnet'")
  expect("bench infr", 2, "did you mean 'infer'")
  expect("bench --width 0", 2, ">= 1")
  expect("bench --width 1.5", 2, "integer")
  expect("bench infer --size 100000", 1, "2^31")
end)

check.case("what the world refuses is 1", function()
  expect("eval nowhere", 1, "nowhere")
  expect("predict nowhere picture.png", 1, "nowhere")
  expect("run nowhere.lua", 1, "nowhere.lua")
  expect("fetch dca1 --offline", 1, "offline")
end)

check.case("-e: output, status, errors", function()
  check.equal(expect("-e 'print(6 * 7)'", 0), "42\n", "output")
  expect("-e 'print(ra.zeros(2, 3))'", 0, "[2,3]")
  expect("-e 'error(\"oh\")'", 1, "oh", true)
  expect("-e 'x ='", 1, "-e:1")
  expect("-e 'require \"no.such.module\"'", 1, "no.such.module", true)
  expect("-e 'os.exit(7)'", 7)
  expect("-e 'local x = nil; return x.y'", 1, "attempt to index", true)
end)

check.case("run: arg as lua sets it, status, errors with their line", function()
  write(folder .. "/args.lua", "print(arg[0], #arg, arg[1], arg[2], ...)")
  check.equal(expect("run args.lua one 'two three'", 0), "args.lua\t2\tone\ttwo three\tone\ttwo three\n", "output")
  write(folder .. "/bad.lua", "local x = 1\nerror 'oh'\n")
  expect("run bad.lua", 1, "bad.lua:2: oh", true)
  write(folder .. "/syntax.lua", "x = = 1\n")
  expect("run syntax.lua", 1, "syntax.lua:1")
  write(folder .. "/exit.lua", "os.exit(5)")
  expect("run exit.lua", 5)
  write(folder .. "/help.lua", "print(arg[1])") -- an argument of the script, not of ramus
  check.equal(expect("run help.lua --help", 0), "--help\n", "output")
end)

check.case("datasets and doctor", function()
  local list = json.decode(expect("datasets --json", 0))
  local names = {}
  for _, d in ipairs(list) do names[d.name] = true end
  for _, name in ipairs { "phantom", "cimat80", "dca1" } do check.ok(names[name], name .. " is not listed") end
  expect("datasets", 0, folder .. "/data")
  expect("doctor --offline", 0, "kernels")
  local d = json.decode(expect("doctor --json", 0)) -- the proxy of these tests refuses
  check.ok(d.threads == 1 and d.processors >= 1 and d.disk_free > 0 and d.memory_free > 0 and d.terminal.is_terminal == false, "facts")
  check.ok(d.network ~= "reached" and table.concat(d.advice, "\n"):find("RAMUS_MIRROR", 1, true), tostring(d.network))
  check.equal(d.data_root, folder .. "/data")
end)

-- ---- the ways to start ----------------------------------------------------------

check.case("from another folder through a symbolic link", function()
  sh(("ln -s %s %s/link && ln -s link %s/link2"):format(binary, folder, folder))
  local text, status = sh(("cd / && %s %s/link2 -e 'print(ra.version)'"):format(environment, folder))
  check.equal(status, 0, text)
  check.equal(text, require("ramus").version .. "\n", "version")
end)

local in_tree = files.is_file(root .. "/Makefile") and not os.getenv "RAMUS_SANITIZED" and ffi.real == "float"

check.case("plain luajit with the paths set", function()
  if not in_tree then check.skip("the library of this build wants its own runtime") end
  if select(2, sh("command -v luajit")) ~= 0 then check.skip("no luajit") end
  local text, status = sh(("cd / && LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' luajit -e 'local ra = require \"ramus\"; print(ra.ones(2, 2):totable()[2][2])'")
    :format(root, root))
  check.equal(status, 0, text)
  check.equal(text, "1\n", "output")
end)

check.case("make install: works from there, without the tree", function()
  if not in_tree then check.skip("one build is enough") end
  local prefix = folder .. "/prefix"
  local _, text, status
  text, status = sh(("make -C %s --no-print-directory install PREFIX=%s"):format(root, prefix))
  check.equal(status, 0, text)
  for _, path in ipairs { "bin/ramus", "lib/libramus.so", "share/ramus/lua/ramus/init.lua", "share/ramus/recipes/demo.lua",
    "share/ramus/datasets/phantom.lua", "share/ramus/core/api.h" } do
    check.ok(files.is_file(prefix .. "/" .. path), path .. " is missing")
  end
  _, status = sh(("cd / && %s strace -f -e trace=open,openat -o %s/trace %s/bin/ramus -e 'print(ra.ones(3):totable()[3])'"):format(environment,
    folder, prefix))
  if status == 0 then
    check.ok(not files.read(folder .. "/trace"):find(root .. "/", 1, true), "the installed tree reads files of the source tree")
  end
  for _, run in ipairs { prefix .. "/bin/ramus datasets", prefix .. "/bin/ramus fetch phantom --set size=32 --set train=2 --set test=1 --offline" } do
    text, status = sh("cd / && " .. environment .. run)
    check.equal(status, 0, text)
    check.ok(text:find("phantom", 1, true), text)
  end
  if select(2, sh("command -v luajit")) == 0 then
    text, status = sh(("cd / && LUA_PATH='%s/share/ramus/lua/?.lua;%s/share/ramus/lua/?/init.lua;;' luajit -e 'print(require(\"ramus\").ones(1):totable()[1])'")
      :format(prefix, prefix))
    check.equal(status, 0, text)
  end
end)

-- ---- predict, eval ---------------------------------------------------------------

local model = folder .. "/model.safetensors"
assert(ra.models.unet { depth = 3, width = 2 }:save(model))

local pictures = folder .. "/pictures"
assert(files.make_folder(pictures))
assert(ra.image.save(pictures .. "/grey.png", ra.rand(1, 40, 56)))
assert(ra.image.save(pictures .. "/odd.png", ra.rand(1, 33, 17)))
assert(ra.image.save(pictures .. "/one.png", ra.rand(1, 1, 1)))
assert(ra.image.save(pictures .. "/colour.png", ra.rand(3, 20, 30)))
assert(ra.image.save(pictures .. "/plain.pgm", ra.rand(1, 9, 11)))
if ffi.C.ra_image_save(pictures .. "/deep.png", ra.rand(1, 24, 24), 16) ~= 0 then error(ffi.message()) end

check.case("predict: a folder with pictures of every size and depth", function()
  local results = json.decode(expect(("predict %s %s -o out --json 2>predict.txt"):format(model, pictures), 0))
  check.ok(files.read(folder .. "/predict.txt"):find("colour.png is coloured, and the model reads one channel", 1, true))
  check.equal(#results, 6, "pictures")
  for _, r in ipairs(results) do
    local picture = assert(ra.image.load(r.image))
    for _, kind in ipairs { "prob", "mask", "overlay" } do
      local made = assert(ra.image.load(folder .. "/" .. r[kind]))
      check.equal(made.dim[1] * 100000 + made.dim[2], picture.dim[1] * 100000 + picture.dim[2], r[kind] .. ": its size")
      check.equal(made.dim[0], kind == "overlay" and 3 or 1, r[kind] .. ": channels")
    end
    local mask = assert(ra.image.load(folder .. "/" .. r.mask))
    for i = 0, mask.size - 1 do check.ok(mask.data[i] == 0 or mask.data[i] == 1, "a mask of 0 and 255") end
  end
  expect(("predict %s %s/grey.png %s/odd.png --output=out2 --tile 16"):format(model, pictures, pictures), 0, "out2/odd_mask.png")
end)

check.case("predict: broken, truncated, missing pictures and empty folders: exit 1 and the file's name", function()
  local good = files.read(pictures .. "/grey.png")
  write(folder .. "/cut.png", good:sub(1, math.floor(#good / 2)))
  write(folder .. "/text.png", "this is no picture")
  write(folder .. "/empty.png", "")
  files.make_folder(folder .. "/nothing")
  for _, name in ipairs { "cut.png", "text.png", "empty.png", "missing.png", "nothing" } do
    expect(("predict %s %s -o out3"):format(model, name), 1, name)
  end
  expect(("predict %s %s/grey.png -o /proc/nowhere"):format(model, pictures), 1, "/proc/nowhere")
  expect(("predict %s %s/grey.png --tile 8"):format(model, pictures), 2, "tile")
  expect(("predict %s %s/grey.png --threshold 2"):format(model, pictures), 2, "threshold")
end)

check.case("predict: model files that are none", function()
  local good = files.read(model)
  write(folder .. "/cut.safetensors", good:sub(1, #good - 7))
  write(folder .. "/flipped.safetensors", good:sub(1, -20) .. string.char((good:byte(-19) + 1) % 256) .. good:sub(-18))
  for _, name in ipairs { "cut.safetensors", "flipped.safetensors", "pictures/grey.png", "nothing" } do
    expect(("predict %s %s/grey.png -o out4"):format(name, pictures), 1, name)
  end
end)

check.case("train, eval and predict of a run folder; --json parses", function()
  write(folder .. "/tiny.lua", [[local ra = require "ramus"
return { name = "tiny", data = { set = "phantom", options = { size = 32, train = 2, test = 2 }, batch = 2, val = false },
  model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.sgd { lr = 0.1 }, epochs = 1 }]])
  local trained = json.decode((expect("train tiny.lua --json", 0):gsub("^[^{]*\n", "")))
  check.equal(trained.n, 2, "pictures in train --json")
  local scored = json.decode(expect("eval runs/tiny --json", 0))
  check.near(scored.per_image.dice.mean, trained.per_image.dice.mean, 0, "Dice of eval and of train")
  for _, key in ipairs { "set", "split", "threshold", "threshold_tuned", "resize", "zero_rule", "field_of_view" } do
    check.ok(scored.protocol[key] ~= nil, "the protocol lacks " .. key)
  end
  expect("eval runs/tiny --data phantom:train --json", 0)
  expect("eval runs/tiny --data phantom:tarin", 2, "did you mean 'train'")
  expect("eval runs/tiny --data phantm", 2, "did you mean 'phantom'")
  expect("predict runs/tiny " .. pictures .. "/odd.png -o out5", 0, "out5/odd_mask.png")
end)

check.case("--help of every command shows every flag with its meaning; an unknown flag names the near one", function()
  local command = require "ramus.cli.command"
  local overview = expect("--help", 0)
  for _, c in ipairs(command.all()) do
    local text = expect(c.name .. " --help", 0, "usage: ramus " .. command.usage(c))
    check.ok(overview:find(command.usage(c), 1, true), c.name .. " is not in --help")
    for _, f in ipairs(c.flags or {}) do
      check.ok(#f.help > 5 and text:find("%-%-" .. f.name:gsub("%-", "%%-") .. "%f[%W]"), c.name .. ": " .. f.name)
      check.ok(text:find(f.help, 1, true), c.name .. ": the meaning of " .. f.name)
    end
    if not c.raw and #(c.flags or {}) > 0 then expect(c.name .. " --" .. c.flags[1].name .. "x", 2, "did you mean '--" .. c.flags[1].name .. "'") end
  end
  check.ok(expect("fetch --help", 0):find("--again", 1, true))
end)

check.case("a file in cli/commands is a command", function()
  local copy = folder .. "/copy"
  sh(("mkdir -p %s/build && cp -r %s/lua %s/core %s/ && cp %s %s/build/ramus"):format(copy, root, root, copy, binary, copy))
  write(copy .. "/lua/ramus/cli/commands/hello.lua", [[return { name = "hello", words = "NAME", help = "greet", flags = {
  { name = "loud", help = "with an exclamation mark" } }, run = function(words, given)
  if #words ~= 1 then return false, "hello wants a name", 2 end
  print("hello " .. words[1] .. (given.loud and "!" or ""))
end }]])
  local text, status = sh(("%s %s/build/ramus hello you --loud"):format(environment, copy))
  check.equal(text, "hello you!\n")
  check.equal(status, 0)
  text, status = sh(("%s %s/build/ramus hello"):format(environment, copy))
  check.equal(status, 2, text)
  check.ok(text:find("usage: ramus hello NAME [--loud]", 1, true), text)
  check.ok(sh(("%s %s/build/ramus --help"):format(environment, copy)):find("ramus hello NAME", 1, true))
end)

check.case("--version names release, commit and the hash of the kernels; doctor --json is JSON", function()
  local version = expect("--version", 0)
  local d = json.decode(expect("doctor --json", 0))
  check.equal(version, ("ramus %s, commit %s, kernels %s\n"):format(d.version, d.commit, d.kernels))
  check.ok(d.threads == 1 and d.small_unet_ms > 0 and d.isa ~= "", "threads, time, kernel set")
end)

check.case("mistakes that a library finds are one line and exit 2; RAMUS_DEBUG=1 shows where", function()
  for arguments, part in pairs {
    ["fetch phantom --set colour=3"] = "unknown option 'colour'", ["fetch phantom --set size=big"] = "size must be",
    ["fetch dca1 --set size=3"] = "has no options",
  } do
    local text = expect(arguments, 2, part)
    check.equal(select(2, text:gsub("\n", "")), 2, "one line and the usage: " .. text)
  end
  local recipe = [[local ra = require "ramus"
return { name = "wrong", data = { set = "phantom", options = { size = 32, train = 2, test = 2 }, batch = 2, val = false%s },
  model = %s, supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.sgd { lr = 0.1 }, epochs = 1 }]]
  for name, row in pairs {
    preprocess = { ", preprocess = { clahee = 2 }", "ra.models.unet { depth = 2, width = 2 }", "clahe" },
    channels = { "", "ra.models.unet { depth = 2, width = 2, channels = 4 }", "channels" },
    small = { "", "ra.model(function(x) return ra.F.max_pool2d(ra.nn.conv2d { 1, 1, k = 1 } (x), { k = 2 }) end)", "" },
  } do
    write(folder .. "/" .. name .. ".lua", recipe:format(row[1], row[2]))
    local text = expect(("train %s.lua --run runs/%s --quiet"):format(name, name), 2, row[3])
    check.ok(select(2, text:gsub("\n", "")) <= 2, name .. ": " .. text)
  end
  local command = require "ramus.cli.command"
  local function run(f, debugging)
    write(folder .. "/call.lua", ([[local command = require "ramus.cli.command"
os.exit(command.call({ name = "x", help = "x", run = function() %s end }, { "x" }))]]):format(f))
    return sh(("cd %s && %s %s %s run call.lua"):format(folder, environment, debugging or "", binary))
  end
  check.ok(command.call)
  local text, status = run "ra_undefined.field = 1"
  check.ok(status == 1 and text:find("a defect of Ramus", 1, true) and not text:find("traceback", 1, true), text)
  text, status = run("ra_undefined.field = 1", "RAMUS_DEBUG=1")
  check.ok(status == 1 and text:find("stack traceback", 1, true), text)
  text, status = run "require('ramus').loss.dice { smoth = 1 }"
  check.ok(status == 2 and text:find("^ramus: loss.dice: unknown option 'smoth'"), text)
end)

check.case("a full or closed standard output is an error", function()
  if not io.open("/dev/full", "w") then check.skip("no /dev/full") end
  for _, arguments in ipairs { "--help", "--version", "datasets", "datasets --json", "-e 'print(1)'", "-e 'print(1) os.exit(0)'", "doctor" } do
    for _, to in ipairs { "> /dev/full", ">&-" } do
      local text, status = sh(("cd %s && %s %s %s %s"):format(folder, environment, binary, arguments, to))
      check.equal(status, 1, arguments .. to .. ": " .. text)
      check.ok(text:find("cannot write to standard output", 1, true), arguments .. to .. ": " .. text)
    end
  end
  check.equal(select(2, sh(("%s %s -e 'os.exit(3)' >&-"):format(environment, binary))), 3, "nothing was printed")
end)

check.case("a cjson in the current folder is not loaded by commands, nor in front of the house's own by scripts", function()
  local hostile = folder .. "/hostile"
  files.make_folder(hostile)
  local touch = ("io.open(%q, 'w'):close() return nil"):format(hostile .. "/touched")
  for _, name in ipairs { "cjson.lua", "ramus.lua", "ffi.lua" } do write(hostile .. "/" .. name, touch) end
  sh(("mkdir -p %s/ramus/base && cp %s/cjson.lua %s/ramus/base/json.lua && cp %s %s/cjson.so"):format(hostile, hostile, hostile, model, hostile))
  write(hostile .. "/beside.lua", "return 7")
  write(hostile .. "/tiny.lua", "require 'beside'\n" .. files.read(folder .. "/tiny.lua"))
  write(hostile .. "/script.lua", "print(require('beside'), require('cjson').encode { 1 })")
  for _, arguments in ipairs { "datasets --json", "train tiny.lua --quiet --json", "eval runs/tiny --json", "doctor --json",
    ("predict %s %s/grey.png -o out --json"):format(model, pictures), "fetch phantom --set size=32 --set train=2 --set test=1 --offline",
    "run script.lua", "-e 'dofile(\"script.lua\")'" } do
    local text, status = ramus(arguments, hostile)
    check.equal(status, 0, arguments .. ": " .. text)
    check.ok(not files.exists(hostile .. "/touched"), arguments .. " ran a file of the current folder")
    if arguments:find "script" then check.equal(text, "7\t[1]\n") end
  end
  local text = sh(("LUA_PATH='mine/?.lua;;' %s -e 'print(package.path:find(\"mine/?.lua\", 1, true) ~= nil)'"):format(binary))
  check.equal(text, "true\n", "entries that the user gave stay")
end)

check.case("an environment variable that asks for what is not there is refused, not taken as unset", function()
  for variable, part in pairs { ["RAMUS_THREADS=many"] = "wanted a whole number from 1", ["RAMUS_THREADS=0"] = "wanted a whole number from 1",
    ["RAMUS_ISA=avx9"] = "unknown kernel set 'avx9'", ["RAMUS_BLAS=mkl"] = "wanted none or openblas" } do
    for _, arguments in ipairs { "-e 'print(1)'", "datasets", "train none.lua" } do
      local text, status = sh(("env %s %s %s"):format(variable, binary, arguments))
      check.equal(status, 2, variable .. " " .. arguments .. ": " .. text)
      check.ok(text:find("^ramus: the environment variable " .. variable:match "^[^=]*") and text:find(part, 1, true) and #text < 300, text)
    end
  end
  local text, status = sh(("env RAMUS_THREADS= RAMUS_ISA= RAMUS_BLAS= %s -e 'print(1)'"):format(binary))
  check.equal(status, 0, text)
  check.equal(select(2, sh(("env RAMUS_THREADS=many %s --version"):format(binary))), 0)
end)
