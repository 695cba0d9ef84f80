--- ramus report and ramus compare on small runs: the page's structure, escaping of what runs hold, sizes, statistics.
local base64 = require "ramus.base.base64"
local check = require "check"
local cjson = require "cjson"
local compared = require "ramus.report.compared"
local files = require "ramus.base.files"
local gather = require "ramus.report.gather"
local html = require "ramus.report.html"
local json = require "ramus.base.json"
local ra = require "ramus"
local report = require "ramus.report.report"
local sh = require("processes").sh

local folder = check.folder "report"
local data_root = folder .. "/data"
local binary = files.absolute(require("processes").executable(check.root))

local function recipe(name, width)
  return { name = name, data = { set = "phantom", options = { size = 64, train = 4, val = 2, test = 5 }, batch = 2 },
    model = ra.models.unet { depth = 3, width = width, sides = true }, teacher = { kind = "last_epoch" },
    supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "side*", loss = ra.loss.bce {} },
      { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 } },
    optim = ra.optim.adamw { lr = 1e-2 }, epochs = 3, log = { outputs = { every = 1 }, pictures = 0 } }
end

local HOSTILE = "</script><img src=x onerror=alert(1)> & \"quoted\" '"
local first, second = folder .. "/first", folder .. "/second"
assert(ra.train(recipe("first", 2), { run = first, quiet = true, data_root = data_root }))
assert(ra.train(recipe("second", 3), { run = second, quiet = true, data_root = data_root }))

--- Every element is closed in its order; ids are used once; links inside the page have a target.
local function well_formed(text)
  local void, open, ids = { meta = true, img = true, input = true }, {}, {}
  text = text:gsub("^<!DOCTYPE html>\n", ""):gsub("(<style>).-(</style>)", "%1%2"):gsub("(<script[^>]*>).-(</script>)", "%1%2")
  for close, name, attributes in text:gmatch "<(/?)(%a[%w]*)([^>]*)>" do
    if close == "/" then check.equal(table.remove(open), name, "the element that is closed")
    elseif not void[name] and attributes:sub(-1) ~= "/" then open[#open + 1] = name end
    local id = attributes:match ' id="([^"]*)"'
    if id then
      check.ok(not ids[id], "the id " .. id .. " stands twice")
      ids[id] = true
    end
  end
  check.equal(#open, 0, "elements left open")
  for target in text:gmatch 'href="#([^"]*)"' do check.ok(ids[target], "no element has the id " .. target) end
end

check.case("report: elements escape what they are given", function()
  local escaped = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quoted&quot; &#39;"
  check.equal(html.text(html("p", { title = HOSTILE }, HOSTILE, nil, { 1, html("b", {}, "<") })), ('<p title="%s">%s1<b>&lt;</b></p>'):format(escaped, escaped))
  check.equal(html.escape("a\0b\27c"), "a b c")
end)

check.case("report: base64 of every length and byte", function()
  check.equal(base64.encode "", "")
  for text, wanted in pairs { f = "Zg==", fo = "Zm8=", foo = "Zm9v", foobar = "Zm9vYmFy", ["\255\254\0"] = "//4A" } do
    check.equal(base64.encode(text), wanted)
  end
end)

check.case("report: one run's page is whole, and holds every part", function()
  local file = folder .. "/one.html"
  local made = assert(report.write({ first }, { output = file, pictures = true, signs = true, data_root = data_root }))
  local text = assert(files.read(file))
  check.equal(made.bytes, #text)
  check.equal(made.pictures, 3)
  well_formed(text)
  for _, part in ipairs { "scores", "pictures-part", "levels", "signs", "training", "terms", "cost", "protocol", "recipes" } do
    check.ok(text:find('<section aria-labelledby="' .. part .. '-title"', 1, true), "no section " .. part)
  end
  for _, wanted in ipairs { "Gradient norm of each term", "Weight of each term",
    "alpha of soft_target@out", "Value of each loss term", "bce@side1", "soft_target@out from epoch 1", "Agreement with teacher",
    "Patch entropy of each output", "Calibration", "found", "missed", "embeds test images", "width&lt;3", "GFLOP", "MB" } do
    check.ok(text:find(wanted, 1, true), "the page does not say " .. wanted)
  end
  check.ok(not text:gsub("http://www%.w3%.org/2000/svg", ""):find "https?://", "an address of elsewhere")
  local d = assert(gather.run(first)).scores.per_image.dice
  check.ok(text:find(("%.4f"):format(d.mean), 1, true), "the mean Dice of eval.json")
end)

check.case("report: where the data set is absent the report is made without pictures, and says so", function()
  local file, path = folder .. "/absent.html", folder .. "/of_absent"
  os.execute(("cp -r '%s' '%s'"):format(first, path))
  local facts = cjson.decode(assert(files.read(path .. "/resolved.json")))
  facts.recipe.data.set, facts.recipe.data.options = "cimat80", nil
  assert(files.write(path .. "/resolved.json", json.encode(facts)))
  local made = assert(report.write({ path }, { output = file, pictures = true, data_root = data_root }))
  check.equal(made.pictures, 0)
  check.ok(made.without[1]:find("cimat80", 1, true), made.without[1])
  check.ok(assert(files.read(file)):find("No pictures of first", 1, true), "the page says so")
end)

check.case("report: without pictures there are none", function()
  local file = folder .. "/none.html"
  assert(report.write({ first }, { output = file, pictures = false }))
  local text = assert(files.read(file))
  check.ok(not text:find("data:image", 1, true), "an image is embedded")
  well_formed(text)
end)

check.case("report: hostile names and texts stay texts", function()
  local path, file = folder .. "/hostile", folder .. "/hostile.html"
  os.execute(("cp -r '%s' '%s'"):format(first, path))
  local facts = cjson.decode(assert(files.read(path .. "/resolved.json")))
  facts.recipe.name = HOSTILE
  facts.recipe.note = "<b>\255</b>\226\128\168"
  facts.recipe.supervise[1].at = "<svg onload=alert(2)>"
  assert(files.write(path .. "/resolved.json", json.encode(facts)))
  assert(files.write(path .. "/resolved.lua", "</code></pre><script>alert(3)</script>"))
  local lines = assert(files.read(path .. "/metrics.jsonl")):gsub("dice@out", (cjson.encode(HOSTILE):sub(2, -2):gsub("%%", "%%%%")))
  assert(files.write(path .. "/metrics.jsonl", lines))
  local scores = assert(files.read(path .. "/eval.json")):gsub('"test\\/1"', cjson.encode("<i>" .. HOSTILE))
  assert(files.write(path .. "/eval.json", scores))
  assert(report.write({ path, second }, { output = file, pictures = false }))
  local text = assert(files.read(file))
  well_formed(text)
  for _, evil in ipairs { "<img src=x", "<svg onload", "<script>alert", "<i>", "\255" } do check.ok(not text:find(evil, 1, true), "the page holds " .. evil) end
  check.equal(select(2, text:gsub("<script>", "")), 1, "scripts")
  check.equal(select(2, text:gsub("<script", "")), select(2, text:gsub("</script>", "")), "ends of scripts")
  for data in text:gmatch '<script type="application/json">(.-)</script>' do check.ok(cjson.decode(data).places, "data of a chart") end
end)

check.case("report: the policy lets this page's script run, and no other", function()
  local text = assert(files.read(folder .. "/none.html"))
  local digest = text:match "script%-src &#39;sha256%-([%w+/=]+)&#39;"
  local bytes = require("ramus.base.hash").sha256(text:match "<script>(.*)</script>"):gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)
  check.equal(digest, base64.encode(bytes))
end)

check.case("report: schedules are read from their text, and nothing else is", function()
  local schedule_text = require "ramus.lang.schedule_text"
  for _, s in ipairs { ra.ramp(0, 0.5), ra.step { every = 3, times = 0.3 }, ra.piecewise { points = { { 0, 1 }, { 4, 0.25 } }, smooth = false },
    0.5 * ra.cosine {} + 0.1, ra.warmup { n = 2, after = ra.poly { power = 0.9 } }, ra.ramp(1e-3, -2, 6) } do
    local back = assert(schedule_text.read(tostring(s)))
    for t = 0, 9 do check.near(back(t, 10), s(t, 10), 1e-12, tostring(s)) end
  end
  for _, text in ipairs { "", "1", "ra.ramp{", "ra.ramp{ 0, os.exit() }", "ra.rmap{ 0, 1 }", "ra.ramp{ 0, 1 } or 1", "function() end", ("("):rep(3000),
    "ra.ramp{ 0, 'x' }", "(ra.ramp{ 0, 1 } + {})" } do
    local s, err = schedule_text.read(text)
    check.ok(s == nil and type(err) == "string", "was read: " .. text:sub(1, 40))
  end
end)

check.case("compare: differences are paired, and tested as data/metrics/compare.lua does", function()
  local runs = assert(gather.runs { first, second })
  local t = compared.of(runs)
  local a, b = compared.column(runs[1], "dice"), compared.column(runs[2], "dice")
  local sum = 0
  for i = 1, #a do sum = sum + b[i] - a[i] end
  check.equal(t.rows[1].metric, "dice")
  check.near(t.rows[1].runs[2].difference.mean, sum / #a, 1e-6)
  check.near(t.rows[1].runs[2].difference.p, require("ramus.data.metrics.compare").paired({ b }, { a }).p, 1e-12)
  check.ok(t.rows[1].runs[2].difference.holm >= t.rows[1].runs[2].difference.p, "Holm's p is not smaller")
  check.ok(t.tests >= 10, "tests")
  runs[2].scores.images[1].id = "another"
  check.equal(compared.of(runs).rows[1].runs[2].why, "other pictures")
end)

check.case("report, compare: what differs between runs, and names that tell them apart", function()
  local runs = assert(gather.runs { first, second })
  local fields = {}
  for _, row in ipairs(gather.differences(runs)) do fields[row[1]] = row end
  check.equal(fields["model.options.width"][2], "2")
  check.equal(fields["model.options.width"][3], "3")
  check.ok(not fields["optim.lr"], "the rates are the same")
  local again = assert(gather.runs { first, folder .. "/hostile/../first" })
  check.ok(again[1].name ~= again[2].name, "two names")
end)

check.case("report, compare: the commands", function()
  local out, status = sh(("RAMUS_DATA='%s' '%s' report '%s' '%s' -o '%s/two.html' --json"):format(data_root, binary, first, second, folder))
  check.equal(status, 0, out)
  local made = cjson.decode(out)
  check.equal(made.runs, 2)
  check.ok(made.bytes < 1e6, "a page of two runs is small")
  out, status = sh(("'%s' compare '%s' '%s'"):format(binary, first, second))
  check.equal(status, 0, out)
  check.ok(out:find "dice%s+first" and out:find "second" and out:find "Wilcoxon", out)
  local data = cjson.decode((sh(("'%s' compare '%s' '%s' --json"):format(binary, first, second))))
  check.equal(#data.scores.dice, 2)
  for _, wrong in ipairs { "report", "compare" } do
    out, status = sh(("'%s' %s 2>&1"):format(binary, wrong))
    check.equal(status, 2, out)
    out, status = sh(("'%s' %s '%s' 2>&1"):format(binary, wrong, data_root))
    check.equal(status, 1, out)
    check.ok(out:find("is not a run folder", 1, true), out)
  end
end)

-- ---- in a browser -------------------------------------------------------------------------

check.case("report: in Chromium nothing fails, every picture loads, slider and tabs move, axe-core finds nothing serious", function()
  local browser = dofile(check.root .. "/tests/browser/browser.lua")
  browser.wanted()
  local file = folder .. "/browser.html"
  assert(report.write({ first, second }, { output = file, pictures = true, signs = true, data_root = data_root }))
  browser.report(assert(files.absolute(file)), "Runs first, second", function(view, where)
    check.ok(#view.pictures >= 24, where .. "pictures")
    for _, loaded in ipairs(view.pictures) do check.ok(loaded, where .. "a picture does not load") end
    check.equal(view.slider.value, "70")
    check.ok(view.slider.before ~= view.slider.after and view.slider.after:find("30%", 1, true), where .. "slider: " .. view.slider.after)
    check.ok(view.pointer:find "second", where .. "numbers at the pointer: " .. view.pointer)
  end)
end)
