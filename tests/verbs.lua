--- A folder in which the example of every command works, and ways to run them: made from the tables of the commands, so that a new command
-- is in the tests that use it (test_verbs.lua) without an edit.
local check = require "check"
local command = require "ramus.cli.command"
local files = require "ramus.base.files"
local processes = require "processes"

local verbs = { folder = check.folder "verbs" }
local binary = files.absolute(processes.executable(check.root))
local template = verbs.folder .. "/template"

--- Commands that are not run here, and why; test_cli and others drive them.
verbs.LONG = { demo = "it trains for minutes", serve = "it goes on until it is stopped" }

local function put(name, text)
  assert(files.make_folder((files.split(template .. "/" .. name))))
  assert(files.write(template .. "/" .. name, text))
end

local RECIPE = [[
local ra = require "ramus"
return { name = "third", data = { set = "phantom", options = { size = 32, train = 3, val = 1, test = 2 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = %d, log = { pictures = 1 } }
]]

--- Runs `ramus ARGUMENTS` inside a folder with nothing but the environment given here. Returns standard output, standard error, status and seconds.
function verbs.ramus(arguments, where, environment)
  local errors = verbs.folder .. "/errors.txt"
  local line = ("cd %s && env -u NO_COLOR RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 RAMUS_MODEL=none http_proxy=http://127.0.0.1:9 "
    .. "https_proxy=http://127.0.0.1:9 %s %s %s 2>%s </dev/null"):format(where or template, verbs.folder, where or template, environment or "", binary,
    arguments, errors)
  local text, status, seconds = processes.sh(line)
  return text, files.read(errors), status, seconds
end

--- The arguments of a command's example, without what the shell does with its output.
function verbs.example(c) return (c.example:gsub("^ramus *", ""):gsub(" *>.*$", "")) end

--- Runs the example of a command with further flags in a fresh copy of the folder. flags go behind the command's name.
function verbs.run(c, flags)
  local place = verbs.folder .. "/place"
  processes.sh(("rm -rf %s && cp -r %s %s"):format(place, template, place))
  local example = verbs.example(c)
  local rest = example:sub(#c.name + 2)
  local name = example == "" and flags and c.name or example ~= "" and c.name or ""
  return verbs.ramus(("%s %s %s"):format(name, flags or "", rest), place)
end

--- What the example of a command prints at a terminal of its own, made by script(1). environment: "NAME=VALUE".
function verbs.at_terminal(c, environment)
  local out = verbs.folder .. "/typescript"
  local inner = ("env TERM=xterm-256color RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache RAMUS_THREADS=1 RAMUS_MODEL=none %s %s %s"):format(verbs.folder,
    verbs.folder, environment, binary, verbs.example(c))
  processes.sh(("cd %s && env -u NO_COLOR script -qec %s %s </dev/null"):format(template, "'" .. inner:gsub("'", [['\'']]) .. "'", out))
  return files.read(out) or ""
end

--- The commands that are run.
function verbs.all()
  local list = {}
  for _, c in ipairs(command.all()) do if not verbs.LONG[c.name] then list[#list + 1] = c end end
  return list
end

put("recipe.lua", RECIPE:format(2))
put("recipes/paper.lua", [[
return { name = "paper", seeds = { 1 }, results = "paper.jsonl",
  rows = { { name = "first", recipe = "../recipe.lua", set = { epochs = 1 } } } }
]])
put("search.lua", [[return { recipe = "recipe.lua", search = { ["optim.lr"] = { 1e-4, 1e-1, log = true } }, trials = 2 }]])
put("script.lua", "print(arg[1], arg[2])")
put("runs/.old.part", "left by what was stopped")
for i = 1, 4 do
  local picture, mask, number = {}, {}, i
  for k = 1, 32 * 32 do
    number = number * 16807 % 2147483647
    picture[k], mask[k] = tostring(math.floor(number / 2147483647 * 256)), (k + 5 * i) % 32 < 4 and "255" or "0"
  end
  put(("pictures/images/%d.pgm"):format(i), "P2\n32 32\n255\n" .. table.concat(picture, "\n") .. "\n")
  put(("pictures/masks/%d.pgm"):format(i), "P2\n32 32\n255\n" .. table.concat(mask, "\n") .. "\n")
  put(("angiograms/%d.pgm"):format(i), "P2\n32 32\n255\n" .. table.concat(picture, "\n") .. "\n")
end
for name, more in pairs { first = "", second = " --set optim.lr=3e-3" } do
  local _, errors, status = verbs.ramus(("train recipe.lua --quiet --run runs/%s%s"):format(name, more))
  check.equal(status, 0, "the runs of the examples: " .. errors)
end

return verbs
