--- The report of one or several runs as one HTML file that needs nothing else: report.page(runs, shown) gives its text.
local base64 = require "ramus.base.base64"
local build = require "ramus.base.build"
local chart = require "ramus.report.chart"
local compared = require "ramus.report.compared"
local curves = require "ramus.report.curves"
local hash = require "ramus.base.hash"
local html = require "ramus.report.html"
local image = require "ramus.data.image"
local json = require "ramus.base.json"
local supervision = require "ramus.report.supervision"
local tables = require "ramus.report.tables"
local weights = require "ramus.report.weights"

local page = {}

local number = tables.number

-- ---- parts ------------------------------------------------------------------------------

local function section(id, title, ...)
  local children = {}
  for i = 1, select("#", ...) do children[#children + 1] = (select(i, ...)) or nil end
  if #children == 0 then return nil end
  local heading = id .. "-title"
  return { id = id, title = title, html = html("section", { id = id, ["aria-labelledby"] = heading }, html("h2", { id = heading }, title), children) }
end

--- Panels of which the script makes tabs: a list of { name, children }.
local function tabs(id, label, list)
  local panels = {}
  for i, one in ipairs(list) do
    panels[i] = html("div", { id = ("%s-%d"):format(id, i), ["data-tab"] = one[1] }, #list > 1 and html("h3", {}, one[1]), one[2])
  end
  return html("div", { ["data-tabs"] = label }, panels)
end

local function by_run(id, label, runs, f)
  local list = {}
  for i, g in ipairs(runs) do list[i] = { g.name, f(g) or html("p", {}, "Nothing recorded.") } end
  return tabs(id, label, list)
end

--- The first thing to read: each run's Dice.
local function facts(runs)
  local items = {}
  for i, g in ipairs(runs) do
    local d = g.scores and g.scores.per_image.dice
    local words = d and ("mean Dice of %d test images, 95 %% interval %s to %s"):format(d.n or #g.scores.images, number(d.low, "%.3f"), number(d.high, "%.3f"))
    items[i] = html("li", { class = chart.class(i) }, html("span", {}, g.name), html("b", {}, d and number(d.mean, "%.3f") or "–"),
      html("small", {}, words or "not scored"))
  end
  return html("ul", { class = "facts" }, items)
end

local function key(name, colour, words)
  local c = image.colours[colour]
  return html("li", {}, html("span", { class = "key", style = ("background:rgb(%d,%d,%d)"):format(255 * c[1], 255 * c[2], 255 * c[3]) }), name .. words)
end

--- One run's view of one image.
local function view(one, entry)
  local levels = {}
  for i, l in ipairs(entry.levels) do
    levels[i] = html("figure", {}, html("img", { src = l.picture, alt = ("probability at output %s"):format(l.name) }),
      html("figcaption", {}, l.name, l.dice and html("small", {}, " " .. number(l.dice, "%.3f"))))
  end
  local stack = { class = "stack " .. one.class, style = ("aspect-ratio:%d/%d"):format(entry.w, entry.h) }
  local words = ("Test image %s under %s, Dice %s"):format(one.id, entry.name, number(entry.dice, "%.3f"))
  return html("figure", { ["data-slider"] = true }, html("figcaption", {}, html("b", {}, entry.name), (" Dice %s"):format(number(entry.dice, "%.3f"))),
    html("div", stack, html("img", { class = "layer", src = entry.layer,
      alt = words .. ", prediction painted on it" }), html("span", { class = "edge", hidden = true })),
    html("label", { class = "slide", hidden = true }, "Picture", html("input", { type = "range", min = 0, max = 100, value = 100,
      ["aria-label"] = ("How much of %s shows the marks of %s"):format(one.id, entry.name) }), "Marks"),
    entry.truth and html("figure", {}, html("figcaption", {}, "Truth"),
      html("div", stack, html("img", { class = "layer", src = entry.truth, alt = "Truth painted on " .. one.id }))),
    #levels > 0 and html("div", { class = "levels" }, levels))
end

local function legend(groups)
  local list = groups[1] and groups[1].runs[1] and groups[1].runs[1].classes
  if not list then
    return html("ul", { class = "legend" }, key("found", "hit", ""), key("missed", "missed", ""), key("falsely found", "false_", ""))
  end
  local items = {}
  for k = 2, #list do
    local r, g, b = require("ramus.data.classes").rgb(list[k].colour)
    items[#items + 1] = html("li", {}, html("span", { class = "key", style = ("background:rgb(%d,%d,%d)"):format(r, g, b) }), list[k].name)
  end
  return html("ul", { class = "legend" }, items)
end

local function pictures_part(shown)
  if not shown then return html("p", {}, "Pictures were left out (--no-pictures).") end
  local list, notes = {}, {}
  for i, why in ipairs(shown.why) do notes[i] = html("p", { class = "notice" }, "No pictures of ", why) end
  for i, one in ipairs(shown.groups) do
    local views = {}
    for k, entry in ipairs(one.runs) do views[k] = view(one, entry) end
    list[i] = { ("%s: %s"):format(one.title, one.id), html("div", { class = "pictures" }, views) }
  end
  return { #list > 0 and html("p", { class = "notice" }, "This file embeds test images of the data set. Whoever gets it gets them: mind the data set's terms. "
    .. "ramus report --no-pictures leaves them out."), notes, #list > 0 and legend(shown.groups), #list > 0 and tabs("pictures", "Test image", list) }
end

--- Backgrounds of the stacks, one rule an image.
local function backgrounds(shown)
  local rules = {}
  for i, one in ipairs(shown and shown.groups or {}) do rules[i] = (".%s { background-image: url(%s) }"):format(one.class, one.css) end
  return table.concat(rules, "\n")
end

local function recipe_part(runs)
  return by_run("recipe-of", "Recipe", runs, function(g)
    local b = g.build
    local made = ("Ramus %s, commit %s, kernels %s; folder %s"):format(tostring(b.version or "?"), tostring(b.commit or "?"),
      tostring(b.kernels or "?"), g.path)
    return { html("p", { class = "note" }, made), html("pre", { tabindex = 0 }, html("code", {}, g.text)) }
  end)
end

local function classes_part(runs)
  local list = {}
  for _, g in ipairs(runs) do list[#list + 1] = tables.classes(g) end
  return #list > 0 and list or nil
end

-- ---- the page ---------------------------------------------------------------------------

local function sections(runs, shown, more)
  local t, list = compared.of(runs), {}
  local function add(s) list[#list + 1] = s end
  add(section("scores", "Scores", #t.rows > 0 and tables.scores(runs, t) or html("p", {}, "No run was scored: ramus eval RUN."), tables.differences(runs, t),
    curves.grid { curves.by_image(runs, compared.column, compared.why_not), curves.calibration(runs) }, tables.images(runs)))
  add(section("pictures-part", "Test images", pictures_part(shown)))
  add(section("levels", "Outputs of the levels", tables.levels(runs)))
  add(section("classes", "Classes", classes_part(runs)))
  add(section("signs", "Where it fails", more and more.signs))
  add(section("training", "Training", curves.grid(curves.together(runs))))
  add(section("terms", "Loss terms", by_run("terms-of", "Loss terms of", runs, function(g)
    return { supervision.of(g), curves.grid(weights.of(g)), curves.grid(curves.of_run(g)) }
  end)))
  add(section("differences", "What was different", tables.different(runs)))
  add(section("cost", "Cost", tables.cost(runs)))
  add(section("protocol", "Protocol", tables.protocol(runs)))
  add(section("recipes", "Recipes", recipe_part(runs)))
  return list
end

--- Bytes of a hexadecimal text.
local function bytes_of(hex) return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)) end

--- runs: of gather.runs; shown: of pictures.of, nil to leave pictures out; more: { signs = [opt] }. The text of the file.
function page.of(runs, shown, more)
  local script, names, links, bodies = require "ramus.report.script", {}, {}, {}
  for i, g in ipairs(runs) do names[i] = g.name end
  local title = (#runs == 1 and "Run " or "Runs ") .. table.concat(names, ", ")
  for i, s in ipairs(sections(runs, shown, more)) do
    links[i], bodies[i] = html("li", {}, html("a", { href = "#" .. s.id }, s.title)), s.html
  end
  -- The page may load nothing from elsewhere, and run no other script than its own.
  local policy = ("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-%s'"):format(base64.encode(bytes_of(hash.sha256(script))))
  local root = html("html", { lang = "en" }, html("head", {}, html("meta", { charset = "utf-8" }),
    html("meta", { ["http-equiv"] = "Content-Security-Policy", content = policy }),
    html("meta", { name = "viewport", content = "width=device-width, initial-scale=1" }), html("title", {}, title),
    html("style", {}, html.raw(require "ramus.report.style" .. backgrounds(shown)))),
    html("body", {}, html("a", { class = "skip", href = "#main" }, "To the scores"), html("header", {}, html("h1", {}, title), facts(runs),
      html("nav", { ["aria-label"] = "Sections" }, html("ul", {}, links))), html("main", { id = "main" }, bodies),
      html("footer", {}, html("p", {}, "Made by ramus report, version ", build.version, ". For research; not a medical device.")),
      html("script", {}, html.raw(script))))
  return json.utf8("<!DOCTYPE html>\n" .. html.text(root) .. "\n")
end

return page
