--- The report of one or several runs as one HTML file that needs nothing else: report.page(runs, shown) gives its text.
local chart = require "ramus.report.chart"
local compared = require "ramus.report.compared"
local curves = require "ramus.report.curves"
local frame = require "ramus.report.frame"
local html = require "ramus.report.html"
local image = require "ramus.data.image"
local pooled = require "ramus.report.pooled"
local seeds = require "ramus.report.seeds"
local supervision = require "ramus.report.supervision"
local tables = require "ramus.report.tables"
local weights = require "ramus.report.weights"

local page = {}

local number = tables.number

-- ---- parts ------------------------------------------------------------------------------

local function by_run(id, label, runs, f)
  local list = {}
  for i, g in ipairs(runs) do list[i] = { g.name, f(g) or html("p", {}, "Nothing recorded.") } end
  return frame.tabs(id, label, list)
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
    .. "ramus report --no-pictures leaves them out."), notes, #list > 0 and legend(shown.groups), #list > 0 and frame.tabs("pictures", "Test image", list) }
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
  add(frame.section("scores", "Scores", #t.rows > 0 and tables.scores(runs, t) or html("p", {}, "No run was scored: ramus eval RUN."),
    tables.differences(runs, t),
    curves.grid { curves.by_image(runs, compared.column, compared.why_not), curves.calibration(runs) }, tables.images(runs)))
  local by_seed = seeds.of(runs)
  if by_seed then
    local children = {}
    for i, made in ipairs(by_seed.blocks) do children[i] = pooled.html(made) end
    add(frame.section("seeds", "Seeds together", html("p", {}, "Runs whose recipes differ in the seed alone are one row here: means over seeds and images."),
      children, by_seed.tests))
  end
  add(frame.section("pictures-part", "Test images", pictures_part(shown)))
  add(frame.section("levels", "Outputs of the levels", tables.levels(runs)))
  add(frame.section("classes", "Classes", classes_part(runs)))
  add(frame.section("signs", "Where it fails", more and more.signs))
  add(frame.section("training", "Training", curves.grid(curves.together(runs))))
  add(frame.section("terms", "Loss terms", by_run("terms-of", "Loss terms of", runs, function(g)
    return { supervision.of(g), curves.grid(weights.of(g)), curves.grid(curves.of_run(g)) }
  end)))
  add(frame.section("differences", "What was different", tables.different(runs)))
  add(frame.section("cost", "Cost", tables.cost(runs)))
  add(frame.section("protocol", "Protocol", tables.protocol(runs)))
  add(frame.section("recipes", "Recipes", recipe_part(runs)))
  return list
end

--- runs: of gather.runs; shown: of pictures.of, nil to leave pictures out; more: { signs = [opt] }. The text of the file.
function page.of(runs, shown, more)
  local names = {}
  for i, g in ipairs(runs) do names[i] = g.name end
  return frame.document { title = (#runs == 1 and "Run " or "Runs ") .. table.concat(names, ", "), top = facts(runs), sections = sections(runs, shown, more),
    style = backgrounds(shown) }
end

return page
