--- Every command that takes a file or folder, with what a stranger gives it by mistake: nothing there, a text, an empty folder, a number, a folder
-- that may not be read. One line that names it, status 1 or 2, no defect of Ramus.
local check = require "check"
local command = require "ramus.cli.command"
local files = require "ramus.base.files"
local processes = require "processes"

local folder = check.folder "wrong_paths"
local binary = files.absolute(processes.executable(check.root))
assert(files.write(folder .. "/text.txt", "hello\n"))
assert(files.write(folder .. "/cut.png", "\137PNG\r\n\26\n"))
assert(files.make_folder(folder .. "/empty"))
assert(files.make_folder(folder .. "/locked"))
os.execute(("chmod 000 %s/locked; mkfifo %s/pipe %s/pipe.onnx"):format(folder, folder, folder))

--- Words behind the wrong one, by command; commands whose words are no paths are left out.
local BEHIND = { predict = "cut.png", export = "m.onnx", diff = "text.txt" }
local NO_PATHS = { repl = true, run = true, ["-e"] = true, new = true, models = true, bench = true, completion = true, doctor = true, demo = true }

--- Those for which an empty folder is no mistake.
local EMPTY = { ls = true, gc = true }

local function expect(name, wrong)
  local form = name:find("%s", 1, true) and name or ("%s %%s %s"):format(name, BEHIND[name] or "")
  local arguments = form:gsub("%%s", wrong)
  local text, status = processes.sh(("cd %s && env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_MODEL=none timeout 20 %s %s </dev/null"):format(folder,
    folder, folder, binary, arguments))
  check.ok(status == 1 or status == 2, ("ramus %s: status %s\n%s"):format(arguments, tostring(status), text))
  check.ok(text:find(wrong, 1, true), ("ramus %s does not name it: %s"):format(arguments, text))
  check.ok(not text:find("traceback", 1, true) and not text:find("defect", 1, true), ("ramus %s: %s"):format(arguments, text))
  check.ok(select(2, text:gsub("\n", "")) <= 3, ("ramus %s says more than a message and its usage: %s"):format(arguments, text))
  return text
end

for _, c in ipairs(command.all()) do
  if c.words and not NO_PATHS[c.name] then
    check.case(("ramus %s with nothing there, a text, an empty folder, a number, a pipe, a device, a locked folder"):format(c.name), function()
      for _, wrong in ipairs { "missing.xyz", "text.txt", "7", "pipe", "/dev/zero" } do expect(c.name, wrong) end
      if not EMPTY[c.name] then expect(c.name, "empty") end
      if not files.list(folder .. "/locked") then -- root may read everything
        check.ok(expect(c.name, "locked"):find("ermission denied", 1, true), c.name .. " locked")
      end
    end)
  end
end

--- Paths that options take.
local OPTIONS = { "fetch dca1 --from %s", "fetch dca1 --mirror %s --from %s", "predict cut.png --model %s", "serve --port 1 %s", "train %s --run x", "tune %s",
  "check %s --set images=a", "replay %s --yes", "report %s --no-pictures", "report %s --signs", "watch %s --once", "export %s m.onnx --fold" }

for _, form in ipairs(OPTIONS) do
  check.case(("ramus %s: nothing there, a text, an empty folder"):format(form), function()
    for _, wrong in ipairs { "missing.xyz", "text.txt", "empty" } do expect(form, wrong) end
  end)
end


-- ---- what would be lost, and arguments that are empty ----------------------------------

local function ramus(arguments)
  return processes.sh(("cd %s && env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 %s %s </dev/null"):format(folder, folder, folder, binary,
    arguments))
end

local function refused(arguments, wanted)
  local text, status = ramus(arguments)
  check.equal(status, 2, arguments .. ": " .. text)
  check.ok(text:find(wanted, 1, true), arguments .. ": " .. text)
end

assert(files.write(folder .. "/tiny.lua", [[
local ra = require "ramus"
return { name = "tiny", data = { set = "phantom", options = { size = 32, train = 2, val = 1, test = 1 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice() } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1, seed = 1, log = { pictures = 0 } }
]]))

check.case("an empty argument is refused by every command, and so is an empty value", function()
  for _, c in ipairs(command.all()) do
    if not c.raw and c.name ~= "repl" then refused(c.name .. " ''", "empty text") end
    for _, f in ipairs(c.raw and {} or c.flags or {}) do
      if f.value then refused(("%s --%s ''"):format(c.name, f.name), "given ''") end
    end
  end
end)

check.case("a pipe that nobody reads is not written to, and one in a run or a list of names is not read: said at once", function()
  local function said(arguments)
    return processes.sh(("cd %s && mkdir -p some/images some/masks && timeout 20 %s %s </dev/null"):format(folder, binary, arguments))
  end
  local model = "require 'ramus'.models.unet { depth = 2, width = 2 }:save 'm.safetensors'"
  check.equal(select(2, said(('-e "%s"'):format(model))), 0)
  local text, status = said "export m.safetensors pipe.onnx --force"
  check.equal(status, 1, text)
  check.ok(text:find("pipe%.onnx': it is a pipe that nobody reads"), text)
  text, status = said [[-e "print(require 'ramus.base.files'.read 'pipe') print(require 'ramus.base.files'.run 'pipe')"]]
  check.equal(status, 0, text)
  check.equal(select(2, text:gsub("pipe is a pipe, a socket or a device; wanted a file", "")), 2, text)
  os.execute(("cd %s && mkdir -p runs/a && mkfifo runs/results.jsonl runs/a/log.txt"):format(folder))
  text, status = said "ls runs"
  check.ok(status == 0 or status == 1, text)
end)

check.case("Lua opens files that others name at one place, files.open, which knows pipes and devices", function()
  -- what these open is named by nobody: /proc, /dev/urandom, the house's own files, programs for `ramus run`
  local OWN = { ["base/files.lua"] = true, ["base/ffi.lua"] = true, ["base/interpreted.lua"] = true, ["base/process.lua"] = true, ["base/paths.lua"] = true,
    ["base/talk.lua"] = true, ["serve/gate.lua"] = true, ["cli/doctor.lua"] = true, ["cli/help_text.lua"] = true, ["cli/search.lua"] = true,
    ["cli/commands/run.lua"] = true }
  local root, found = check.root .. "/lua/ramus/", 0
  for path in processes.sh(("find '%s' -name '*.lua'"):format(root)):gmatch "[^\n]+" do
    local text, name = files.read(path), path:sub(#root + 1)
    local opens = text:find "io%.open[%s%(]" or text:find "io%.lines%(%w" or text:find "loadfile" or text:find "dofile"
    check.ok(not opens or OWN[name], name .. ": opens a file by itself; use files.open")
    found = found + (opens and 1 or 0)
  end
  check.ok(found > 5, "nothing was looked through")
end)

check.case("a file whose name looks like an option is named with its path", function()
  assert(files.write(folder .. "/-x.png", "x"))
  refused("predict -x.png", "-x.png is no option; the file of that name is written ./-x.png")
end)

check.case("numbers of options are finite", function()
  for _, word in ipairs { "nan", "-nan", "inf", "1e400", "-1e400" } do
    refused("eval x --tile " .. word, "wants a number, given '" .. word .. "'")
    refused("watch x --every " .. word, "wants a number, given '" .. word .. "'")
  end
end)

check.case("--quiet before the command says where it goes", function() refused("--quiet eval x", "--quiet goes behind the command: ramus eval --quiet") end)

check.case("a training replaces no files of a folder that is no run", function()
  for _, name in ipairs { "log.txt", "recipe.lua", "metrics.jsonl", "eval.json", "pictures/1.png" } do
    local own = folder .. "/own_" .. name:gsub("%W", "_")
    assert(files.make_folder(own .. "/pictures"))
    assert(files.write(own .. "/" .. name, "mine\n"))
    refused("train tiny.lua --run " .. own, name:match "^[^/]+")
    check.equal(files.read(own .. "/" .. name), "mine\n")
    check.ok(not files.exists(own .. "/resolved.json"), "nothing was written")
  end
  assert(files.make_folder(folder .. "/beside"))
  assert(files.write(folder .. "/beside/recipe.lua", files.read(folder .. "/tiny.lua")))
  assert(files.write(folder .. "/beside/notes.txt", "mine\n"))
  local text, status = ramus "train beside/recipe.lua --run beside"
  check.equal(status, 0, "the recipe itself, and other files: " .. text)
  check.equal(files.read(folder .. "/beside/notes.txt"), "mine\n")
end)

check.case("a training does not make a run of the folder that holds its pictures", function()
  local ra = require "ramus"
  for i = 1, 4 do
    local image, mask = ra.rand(32, 32), ra.zeros(32, 32)
    mask:narrow(1, 4 * i, 4):fill(1)
    for kind, t in pairs { images = image, masks = mask } do
      assert(files.make_folder(("%s/set/train/%s"):format(folder, kind)))
      assert(ra.image.save(("%s/set/train/%s/%d.png"):format(folder, kind, i), t))
    end
  end
  local set = " --set data.set=set --set data.options='{}'"
  refused("train tiny.lua --run set" .. set, "holds the data set")
  refused("train tiny.lua --run set/train" .. set, "holds the data set")
  local text, status = ramus("train tiny.lua --run set/run" .. set)
  check.equal(status, 0, "a new folder in it is looked past: " .. text)
  text, status = ramus("check set")
  check.equal(status, 0, text)
end)

check.case("a report replaces a report and nothing else; a replay is not compared with itself", function()
  local text, status = ramus "train tiny.lua --run done"
  check.equal(status, 0, text)
  local before = files.read(folder .. "/cut.png")
  refused("report done -o cut.png", "was not written by ramus report")
  check.equal(files.read(folder .. "/cut.png"), before)
  for _ = 1, 2 do
    text, status = ramus "report done -o new.html"
    check.equal(status, 0, text)
  end
  refused("replay done --run ./done/ --yes", "is the run itself")
end)

check.case("splits that the set lacks are refused by their names, and the split that is trained on is no test", function()
  refused("train tiny.lua --run s1 --set data.val=vall", "data.val: unknown split 'vall'; did you mean 'val'?")
  refused("train tiny.lua --run s1 --set data.test=tests", "data.test: unknown split 'tests'; did you mean 'test'?")
  refused("train tiny.lua --run s1 --set data.train=trian", "data.train: unknown split 'trian'; did you mean 'train'?")
  refused("train tiny.lua --run s1 --set data.val=true", "must be the name of a split, or false")
  local text, status = ramus "train tiny.lua --run s2 --set data.test=train"
  check.equal(status, 0, text)
  check.ok(text:find("data.test = 'train' is the split that is trained on", 1, true), text)
end)

check.case("--set adds no row with a hole before it, and no field to a list", function()
  refused("train tiny.lua --run s3 --set supervise.9.weight=1", "is a list of 1 row, and has the entry 9 beside them")
  refused("train tiny.lua --run s3 --set supervise.x.weight=1", "has the entry 'x' beside them")
end)

check.case("what is declared of masks has its type wherever it is declared", function()
  refused("check set --set threshold=abc", "threshold must be of type number")
  refused("check set --set channel=x", "channel must be of type integer")
  refused("check set --set invert=5", "invert must be of type boolean")
  refused("check set --set values=5", "values must be of type table")
  refused("check set --set groups='['", "groups must be a Lua pattern")
end)

check.case("an error that is no text has a place and one line", function()
  for i, code in ipairs { "error({ code = 7 })", "error()", "error(setmetatable({}, { __tostring = function() error('x') end }))" } do
    assert(files.write(("%s/raise%d.lua"):format(folder, i), "\n" .. code .. "\n"))
    refused(("train raise%d.lua"):format(i), ("raise%d.lua:2: "):format(i))
    local text, status = ramus(("run raise%d.lua"):format(i))
    check.equal(status, 1, text)
    check.ok(text:find(("raise%d.lua:2: "):format(i), 1, true), text)
    check.ok(not text:find("0x", 1, true) and select(2, text:gsub("\n", "")) == 1, text)
  end
end)

os.execute(("chmod 700 %s/locked"):format(folder))
