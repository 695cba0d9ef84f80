--- docs/results/pareto.lua: the figure of Dice against latency, from made-up results.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

local folder, binary = files.absolute(check.folder "pareto"), files.absolute(processes.executable(check.root))

check.case("pareto: Dice against latency is drawn from the results of the architectures and what a prediction costs", function()
  local json = require "cjson"
  local place = folder
  local function draw(rows)
    assert(files.write(place .. "/architectures.json", json.encode { rows = rows }))
    return sh(("'%s' run '%s/docs/results/pareto.lua' '%s'"):format(binary, files.absolute(check.root), place))
  end
  local said, status = draw {}
  check.ok(status ~= 0 and said:find("cost.json is not there", 1, true), said)
  assert(files.write(place .. "/cost.json", json.encode { rows = { { name = "unet", threads = 1, ms = 90 }, { name = "unet", threads = 2, ms = 50 },
    { name = "fpn", threads = 2, ms = 70 }, { name = "wnet", threads = 2, ms = 80 } } }))
  local function row(name, mean) return { row = name, metric = "dice", mean = mean, low = mean - 0.01, high = mean + 0.01, pictures = 40 } end
  said, status = draw { row("unknown", 0.5) }
  check.ok(status ~= 0 and said:find("no net of architectures.json", 1, true), said)
  said, status = draw { row("unet", 0.75), row("unet taught", 0.74), row("fpn", 0.73), row("fpn taught", 0.77), row("wnet", 0.76) }
  check.equal(status, 0, said)
  local picture = assert(files.read(place .. "/pareto.svg"))
  check.equal(select(2, picture:gsub("<circle", "")), 5 + 2) -- and two of the legend
  -- the front: unet, up at fpn with distillation, on to the right
  local front = picture:match '<polyline points="([^"]*)"'
  check.equal(select(2, front:gsub(",", "")), 4, front)
  for _, name in ipairs { "unet, 50 ms", "fpn, 70 ms", "wnet, 80 ms" } do check.equal(select(2, picture:gsub(name, "")), 1, name) end
  check.ok(not picture:find "nan" and not picture:find "inf")
end)
