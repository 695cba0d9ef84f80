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
os.execute(("chmod 000 %s/locked"):format(folder))

--- Words behind the wrong one, by command; commands whose words are no paths are left out.
local BEHIND = { predict = "cut.png", export = "m.onnx", diff = "text.txt" }
local NO_PATHS = { repl = true, run = true, ["-e"] = true, new = true, models = true, bench = true, completion = true, doctor = true, demo = true }

--- Those for which an empty folder is no mistake.
local EMPTY = { ls = true, gc = true }

local function expect(name, wrong)
  local form = name:find("%s", 1, true) and name or ("%s %%s %s"):format(name, BEHIND[name] or "")
  local arguments = form:gsub("%%s", wrong)
  local text, status = processes.sh(("cd %s && env RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_MODEL=none %s %s </dev/null"):format(folder, folder, folder,
    binary, arguments))
  check.ok(status == 1 or status == 2, ("ramus %s: status %s\n%s"):format(arguments, tostring(status), text))
  check.ok(text:find(wrong, 1, true), ("ramus %s does not name it: %s"):format(arguments, text))
  check.ok(not text:find("traceback", 1, true) and not text:find("defect", 1, true), ("ramus %s: %s"):format(arguments, text))
  check.ok(select(2, text:gsub("\n", "")) <= 3, ("ramus %s says more than a message and its usage: %s"):format(arguments, text))
  return text
end

for _, c in ipairs(command.all()) do
  if c.words and not NO_PATHS[c.name] then
    check.case(("ramus %s with nothing there, a text, an empty folder, a number, a locked folder"):format(c.name), function()
      for _, wrong in ipairs { "missing.xyz", "text.txt", "7" } do expect(c.name, wrong) end
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

os.execute(("chmod 700 %s/locked"):format(folder))
