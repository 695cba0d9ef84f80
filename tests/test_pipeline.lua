--- The two pipelines of docs/how-to/pipeline.md, as they stand there, on three small sets of phantoms.
local check = require "check"
local cjson = require "cjson"
local files = require "ramus.base.files"
local processes = require "processes"

local folder = check.folder "pipeline"
local binary = files.absolute(processes.executable(check.root))
local page = assert(files.read(check.root .. "/docs/how-to/pipeline.md"))

--- The block of the page that is the file `name`.
local function block(name)
  local from, to = page:find("file: " .. name .. "\n", 1, true)
  return assert(from and page:sub(to + 1):match "^(.-)```", name)
end

local function lines_of(text) return select(2, text:gsub("\n", "")) end

assert(files.make_folder(folder .. "/bin"))
assert(processes.sh(("ln -s %s %s/bin/ramus"):format(binary, folder)))
assert(files.write(folder .. "/recipe.lua", (block "recipe.lua":gsub("epochs = 20", "epochs = 1"):gsub("width = 8", "width = 2"))))
local SETS = { "one", "two", "three" }
for i, name in ipairs(SETS) do
  local text, status = processes.sh(("cd %s && env RAMUS_DATA=%s/%s %s fetch phantom --set size=32 --set train=4 --set val=1 --set test=2 --set seed=%d")
    :format(folder, folder, name, binary, i))
  check.equal(status, 0, text)
  local inner = assert(files.list(("%s/%s"):format(folder, name)))[1]
  assert(files.write(("%s/%s.lua"):format(folder, name), ([[
local phantom = require("ramus.data.dataset").find "phantom"
return { name = "%s", folder = "%s/%s", split_source = "as phantom", open = function(where) return phantom.open(where, { train = 4, val = 1, test = 2 }) end }
]]):format(name, name, inner:gsub("/$", ""))))
end

local function run(command)
  local text, status = processes.sh(("cd %s && env PATH=%s/bin:$PATH RAMUS_THREADS=1 RAMUS_DATA=%s/none XDG_CACHE_HOME=%s/cache %s"):format(
    folder, folder, folder, folder, command))
  check.equal(status, 0, text)
  return text
end

check.case("pipeline: ten lines of shell", function()
  local script = block "pipeline.sh"
  check.ok(lines_of(script) <= 10, "lines: " .. lines_of(script))
  assert(files.write(folder .. "/pipeline.sh", script))
  run "sh pipeline.sh one.lua two.lua three.lua"
  for _, a in ipairs(SETS) do
    for _, b in ipairs(SETS) do
      local scores = cjson.decode(assert(files.read(("%s/runs/%s/on-%s.json"):format(folder, a, b))))
      check.ok(scores.protocol.set:find(b, 1, true) and scores.n == 2 and scores.per_image.dice.mean, a .. " on " .. b)
    end
  end
  check.ok(files.size(folder .. "/report.html") > 10000, "report")
end)

check.case("pipeline: fifteen lines of Lua", function()
  local script = block "pipeline.lua"
  check.ok(lines_of(script) <= 15, "lines: " .. lines_of(script))
  assert(files.write(folder .. "/pipeline.lua", script))
  processes.sh(("rm -r %s/runs %s/report.html"):format(folder, folder))
  local text = run "ramus run pipeline.lua one.lua two.lua three.lua"
  check.equal(select(2, text:gsub("runs/%w+\t%w+%.lua\t[01]%.%d%d%d%d\n", "")), 9, text)
  check.ok(files.size(folder .. "/report.html") > 10000, "report")
end)
