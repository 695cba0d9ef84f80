--- ramus models: all architectures are listed, numbers are those of the models, wrong use is status 2.
local check = require "check"
local cjson = require "cjson"
local models = require "ramus.lang.models"
local processes = require "processes"
local ra = require "ramus"

local function run(arguments) return processes.sh(("%s models %s"):format(processes.executable(check.root), arguments)) end

check.case("models: every architecture has a line, without a size being timed", function()
  local text, status = run "--seconds 0 --size 32"
  check.equal(status, 0, text)
  for _, name in ipairs(models.names()) do
    if package.searchpath("ramus.lang.models." .. name, package.path) then check.ok(text:find("\n" .. name .. " ", 1, true), name .. " in\n" .. text) end
  end
  check.ok(not text:find(" ms", 1, true), text)
end)

check.case("models: JSON holds parameters, operations, memory and times of each size", function()
  local text, status = run "wnet unet --size 32 --size 48 --seconds 0.01 --preset all --channels 3 --json"
  check.equal(status, 0, text)
  local list = cjson.decode(text)
  check.equal(#list.models, 4, "two architectures, two presets")
  local row = list.models[2]
  check.equal(row.name .. " " .. row.preset, "wnet published", "the second")
  check.equal(row.parameters, 68482, "parameters")
  local cost = ra.models.wnet({ preset = "published", channels = 3 }):cost(48, 48)
  check.near(row.at[2].gflop, cost.flops / 1e9, 1e-9, "operations")
  check.near(row.at[2].mb, (cost.bytes + 4 * 68482) / 1e6, 1e-6, "memory")
  check.ok(row.at[1].size == 32 and row.at[1].ms > 0 and row.at[1].runs >= 3, text)
end)

check.case("models: a preset that an architecture has not is left out; wrong names and sizes are status 2", function()
  local text, status = run "fpn --preset published --seconds 0"
  check.ok(status == 2 and text:find("none of fpn has a preset published", 1, true), text)
  for arguments, wanted in pairs { unett = "did you mean 'unet'", ["unet --size x"] = "--size wants", ["unet --preset best"] = "light, published or all" } do
    text, status = run(arguments)
    check.ok(status == 2 and text:find(wanted, 1, true), text)
  end
end)
