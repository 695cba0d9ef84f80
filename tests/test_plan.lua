--- ra.plan_for and ramus plan: the rules on made-up facts, their count of operations, budgets, and a recipe that trains.
local check = require "check"
local cjson = require "cjson"
local files = require "ramus.base.files"
local plan_for = require "ramus.train.recipe.plan_for"
local processes = require "processes"
local ra = require "ramus"

local folder = check.folder "plan"

local function rules(height, width, pictures, given)
  local o = { gflop = 1e6, memory = 1e6 }
  for key, value in pairs(given or {}) do o[key] = value end
  return plan_for.rules({ height = height, width = width, pictures = pictures, pixels = height * width * pictures }, o)
end

check.case("plan: without limits, the crop is the median size, depth leaves 4 pixels, width is 32, batch 5 % of the pixels", function()
  for _, c in ipairs { { 256, 256, 7, 256, 256 }, { 300, 300, 7, 320, 320 }, { 512, 512, 8, 512, 512 }, { 584, 565, 8, 640, 640 }, { 40, 200, 4, 40, 200 },
    { 5, 9, 2, 6, 10 } } do
    local p = rules(c[1], c[2], 40)
    local what = ("%dx%d"):format(c[1], c[2])
    check.equal(p.depth, c[3], "depth for " .. what)
    check.equal(p.crop[1] .. "x" .. p.crop[2], c[4] .. "x" .. c[5], "crop for " .. what)
    check.equal(p.width, 32, "width for " .. what)
  end
  check.equal(rules(256, 256, 40).batch, 2, "5 % of 40 pictures")
  check.equal(rules(256, 256, 100).batch, 5, "5 % of 100 pictures")
  check.equal(rules(256, 256, 10000).batch, 16, "at most")
end)

check.case("plan: a budget shortens the longer side to 256, then takes channels, then shortens again; it is met", function()
  local seen = {}
  for _, gflop in ipairs { 400, 200, 100, 50, 25, 10, 5, 1 } do
    local p = rules(960, 1000, 1000, { gflop = gflop })
    check.ok(p.batch * plan_for.flops(p) <= gflop * 1e9 or gflop == 1 and p.batch == 2, ("%g GFLOP"):format(gflop))
    check.equal(p.crop[1] % 2 ^ (p.depth - 1) + p.crop[2] % 2 ^ (p.depth - 1), 0, "whole levels")
    check.ok(p.width == 32 or math.max(p.crop[1], p.crop[2]) <= 384, "channels go after the crop")
    seen[#seen + 1] = p.width
  end
  check.ok(seen[1] == 32 and seen[#seen] == 8, table.concat(seen, " "))
end)

check.case("plan: the count of operations is that of the recorded net", function()
  for _, p in ipairs { { crop = { 64, 128 }, depth = 4, width = 8 }, { crop = { 256, 256 }, depth = 7, width = 16 } } do
    local net = ra.models.planned { depth = p.depth, width = p.width }
    local counted = net:cost(p.crop[1], p.crop[2]).flops
    check.near(plan_for.flops(p), counted, 0.01 * counted, "operations")
  end
end)

check.case("plan: spacings are told, and the recipe's augmentation covers what they differ by", function()
  local text, p = require "ramus.train.recipe.plan_text", rules(64, 64, 10)
  p.facts = { pictures = 10, height = 64, width = 64, heights = { 60, 70 }, widths = { 64, 64 }, classes = 2, spacing = 0.25, spread = 1.3,
    title = "a b", set = "a" }
  p.memory, p.gflop, p.model = 1, 1, ra.models.planned { depth = 2, width = 2 }
  p.why = text.reasons(p, { gflop = 10, memory = 100 })
  local all = text.of(p)
  check.ok(all:find("0.25 mm", 1, true) and all:find("1.30 times the smallest", 1, true) and all:find("from 60x64 to 70x64", 1, true), all)
  check.ok(text.recipe(p):find("scale = { 0.769, 1.3 }", 1, true) and text.recipe(p):find('name = "planned_a_b"', 1, true), text.recipe(p))
end)

check.case("plan: the command says why, and writes a recipe that trains; wrong use is status 2", function()
  local path = folder .. "/planned.lua"
  local command = ("env RAMUS_DATA=%s/data %s "):format(folder, processes.executable(check.root))
  local text, status = processes.sh(command .. "plan phantom --gflop 2 --memory 150 -o " .. path)
  check.equal(status, 0, text)
  for _, part in ipairs { "crop", "depth", "width", "batch", "memory", "the median size", "the budget is 2" } do check.ok(text:find(part, 1, true), text) end
  check.ok(files.read(path):find("ra.models.planned", 1, true), "the recipe")
  text, status = processes.sh(command .. ("train %s --quiet --epochs 1 --set data.steps=1 --run %s/run"):format(path, folder))
  check.equal(status, 0, text)
  text, status = processes.sh(command .. "plan phantom --json 2>/dev/null")
  local p = cjson.decode(text)
  check.ok(status == 0 and p.depth == 7 and p.crop[1] == 256 and #p.why == 9 and p.memory_mb > 100, text)
  check.equal(select(2, processes.sh(command .. "plan phantom -o " .. path)), 2, "a file that exists")
  check.equal(select(2, processes.sh(command .. "plan")), 2, "no set")
  check.fails("memory allows 5", plan_for.make, "phantom", { data_root = folder .. "/data", memory = 5 })
end)
