--- Curves and histograms: braille of a given series, axes, columns of a run's metrics, counts, files.
local check = require "check"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local ra = require "ramus"
local axes = require "ramus.draw.axes"
local canvas = require "ramus.draw.canvas"
local drawing = require "ramus.draw.drawing"
local history = require "ramus.train.run.history"

local function view(mode, colours, more)
  local v = { columns = 60, rows = 24, mode = mode, colours = colours or 0, cell = { 8, 16 } }
  for k, x in pairs(more or {}) do v[k] = x end
  return v
end

local function text(d, ...) return table.concat(drawing.lines(d, view(...)), "\n") end

check.case("plot: braille dots", function()
  local c = canvas.new(2, 2)
  c:line(0, 0, 3, 7, 1)
  local function none() return nil end
  check.equal(table.concat(c:text(0, none, none), "|"), "⢣ | ⢣")
  c:dot(3, 0, 2)
  c:dot(9, 0, 2) -- outside
  check.equal(table.concat(c:text(24, function(k) return { k, 0, 0 } end, none), "|"), "\27[38;2;1;0;0m⢣\27[0m\27[38;2;2;0;0m⠈\27[0m| \27[38;2;1;0;0m⢣\27[0m")
  for row = 0, 3 do
    for column = 0, 1 do
      local one = canvas.new(1, 1)
      one:dot(column, row, 1)
      check.equal(one:text(0, none, none)[1], ({ { "⠁", "⠈" }, { "⠂", "⠐" }, { "⠄", "⠠" }, { "⡀", "⢀" } })[row + 1][column + 1])
    end
  end
end)

check.case("plot: a straight line in braille, with its axes", function()
  local got = drawing.lines(ra.plot { 0, 1 }, view("blocks", 0, { columns = 14, rows = 11 }))
  check.equal(table.concat(got, "\n"), table.concat({ "plot of 2 values, 0 to 1", "  1 ┤        ⡠⠊", "    │      ⡠⠊", "0.5 ┤    ⡠⠊",
    "    │  ⡠⠊", "  0 ┤⡠⠊", "    └┬────────┬", "     1        2" }, "\n"))
end)

check.case("plot: series have signs, names and gaps; lines fit", function()
  local d = ra.plot({ 1, 2, 3 }, ra.tensor { 3, 0 / 0, 1 }, { names = { "up", "down" } })
  check.equal(d.caption, "plot of 2 series, 1 to 3")
  local got = text(d, "characters")
  check.ok(got:find("* up   o down", 1, true), got)
  check.equal(select(2, got:gsub("o", "")), 7, got) -- two points with a gap between them, and in "plot of .. to .. o down"
  for _, columns in ipairs { 30, 60, 200 } do
    for i, line in ipairs(drawing.lines(d, view("blocks", 0, { columns = columns }))) do
      check.ok(i == 1 or select(2, line:gsub("[^\128-\191]", "")) <= columns + 7, line)
    end
  end
  local log = text(ra.plot({ 1, 0, 1e-4 }, { log = true }), "characters")
  check.ok(log:find("1e-4", 1, true) and log:find("1e0", 1, true), log)
  check.ok(text(ra.plot { 5 }, "blocks"):find("┤", 1, true))
end)

check.case("plot: schedules over their epochs", function()
  local d = ra.plot(ra.cosine {}, { epochs = 20 })
  check.ok(d.caption:find("^plot of cosine.*, 0 to 1$"), d.caption)
  check.ok(text(d, "characters"):find("20  epoch", 1, true), text(d, "characters"))
  check.ok(ra.plot(ra.ramp(0, 0.5, 7)).caption:find("0 to 0.5", 1, true))
end)

check.case("plot: wrong use is refused in one line", function()
  for _, case in ipairs { { "ra.plot()", "nothing to draw" }, { "ra.plot(3)", "draws lists of numbers" }, { "ra.plot(ra.ones(3, 4))", "show draws it" },
    { "ra.plot({ loss = { 1 } }, 'los')", "did you mean 'loss'" }, { "ra.plot({ 1, 2 }, { x = { 1 } })", "x has 1 values" }, { "ra.plot{ 0 / 0 }", "no value" },
    { "ra.plot({ 1 }, { lgo = true })", "unknown option" }, { "ra.hist('x')", "wants a tensor" }, { "ra.hist({ 0 / 0 })", "no finite value" },
    { "ra.hist({ 1 }, { bins = 0 })", "from 1 to 1000" }, { "ra.open_run(3)", "wants the folder of a run" } } do
    local ok, err = pcall(assert(loadstring("local ra = require 'ramus' return nil, " .. case[1], "=input")))
    check.ok(not ok and tostring(err):find(case[2], 1, true) and tostring(err):find "^input:1: ", case[1] .. ": " .. tostring(err))
  end
end)

check.case("open_run: the metrics as columns", function()
  local folder = check.folder "open_run"
  local entries = { { epoch = 0, loss = 2, rate = 0.1, terms = { ["dice@out"] = { value = 0.9, gradient_norm = 3 } } },
    { epoch = 1, loss = 1, rate = 0.1, terms = { ["dice@out"] = { value = 0.5, gradient_norm = 2 }, ["bce@side1"] = { value = 0.25 } },
      validation = { dice = 0.75, pictures = 4 }, outputs = { out = { dice = 0.7, agreement = { teacher = 0.8 } } } } }
  local columns = history.columns(entries)
  check.equal(table.concat(columns.loss, " "), "2 1")
  check.equal(table.concat(columns["dice@out"], " "), "0.9 0.5")
  check.equal(table.concat(columns["dice@out.gradient_norm"], " "), "3 2")
  check.equal(columns["val.dice"][2] .. " " .. columns["bce@side1"][2] .. " " .. columns["out.dice"][2] .. " " .. columns["out.agreement.teacher"][2],
    "0.75 0.25 0.7 0.8")
  check.ok(columns["val.dice"][1] ~= columns["val.dice"][1] and #columns["val.dice"] == 2)
  check.ok(tostring(columns):find "\nloss +2 +1 +1 +2\n", tostring(columns))
  local d = ra.plot(columns, "loss", "dice@out")
  check.equal(d.caption, "plot of 2 series, 0.5 to 2")
  check.ok(text(d, "characters"):find("epoch", 1, true))
  local missing, err = ra.open_run(folder .. "/none")
  check.ok(missing == nil and err:find("not a run folder", 1, true), tostring(err))
  local lines = {}
  for i, e in ipairs(entries) do lines[i] = json.encode(e) .. "\n" end
  assert(files.write(folder .. "/metrics.jsonl", table.concat(lines)))
  local recipe = { name = "x", data = { set = "phantom", train = "train", test = "test" }, model = {}, supervise = {}, optim = {}, epochs = 2 }
  assert(files.write(folder .. "/resolved.json", json.encode { recipe = recipe, build = {} }))
  local run = assert(ra.open_run(folder))
  check.equal(run.recipe.name .. table.concat(run.history.loss, " "), "x2 1")
  local shown = tostring(run) -- the table that a run prints, and what else it has
  check.ok(shown:find(": 2 epochs", 1, true) and shown:find "\n  epoch +loss" and shown:find(".history, .recipe", 1, true), shown)
  check.equal(#run:images(), 0)
end)

check.case("hist: counts of given values, whole numbers, what is not finite", function()
  local d = ra.hist({ 0, 0.1, 0.5, 0.9, 1 }, { bins = 2 })
  check.equal(table.concat(d.counts, " "), "2 3")
  check.equal(table.concat(ra.hist({ 0, 1, 2, 9 }, { range = { 0, 2 }, bins = 2 }).counts, " "), "1 2")
  check.ok(ra.hist({ 0, 1, 2, 9 }, { range = { 0, 2 }, bins = 2 }).caption:find("1 outside", 1, true))
  local mask = ra.hist { 0, 1, 1, 1 }
  check.equal(table.concat(mask.counts, " "), "1 3")
  check.equal(mask.caption, "histogram of a list: 4 values, 0 to 1, mean 0.75, std 0.433")
  check.equal(drawing.lines(mask, view("characters", 0, { columns = 16 }))[3], "1 |########### 3")
  check.equal(drawing.lines(mask, view("blocks", 0, { columns = 16 }))[2], "0 ▕███▋ 1")
  check.ok(ra.hist(ra.tensor { 1, 0 / 0, math.huge }).caption:find("2 not finite", 1, true))
  ra.seed(1)
  local sum = 0
  for _, c in ipairs(ra.hist(ra.randn(50, 50)).counts) do sum = sum + c end
  check.equal(sum, 2500)
end)

check.case("plot and hist: saved as SVG and PNG", function()
  local folder = check.folder "plot_files"
  for name, d in pairs { plot = ra.plot({ 1, 3, 0 / 0, 2 }, { 2, 2, 2, 2 }), hist = ra.hist { 1, 2, 2 } } do
    assert(ra.save(folder .. "/" .. name .. ".svg", d))
    assert(ra.save(folder .. "/" .. name .. ".png", d))
    local svg = assert(files.read(folder .. "/" .. name .. ".svg"))
    check.ok(svg:find("</svg>", 1, true) and svg:find(d.caption, 1, true), svg)
    check.equal(select(2, svg:gsub("<polyline", "")), name == "plot" and 5 or 0) -- two parts, one, and two in the legend
    local picture = assert(ra.image.load(folder .. "/" .. name .. ".png"))
    local blue = 0
    local r, b = picture[1], picture[3]
    for i = 1, 400, 2 do
      for k = 1, #r[1], 2 do
        if b[i][k] - r[i][k] > 0.4 then blue = blue + 1 end
      end
      if blue > 50 then break end
    end
    check.ok(blue > 50, ("%s: %d blue pixels"):format(name, blue))
  end
end)

check.case("plot: marks of an axis are round, whole where they must be", function()
  check.equal(table.concat(axes.marks(0, 1, 5), " "), "0 0.2 0.4 0.6 0.8 1")
  check.equal(table.concat(axes.marks(1, 3, 8, true), " "), "1 2 3")
  check.equal(table.concat(axes.marks(0, 20, 8, true), " "), "0 5 10 15 20")
end)

check.case("plot: values whose distance is no number are refused", function()
  local plot = require "ramus".plot
  check.raises("lie too far apart", function() plot { 1e308, -1e308 } end)
  check.raises("lie too far apart", function() plot({ 1, 2 }, { 1.7e308, -1.7e308 }) end)
end)
