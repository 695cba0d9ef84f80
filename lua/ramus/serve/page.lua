--- The page as one HTML text, and its Content-Security-Policy: page.of(subject, { upload_most =, pixels_most = }). It loads nothing from elsewhere.
local base64 = require "ramus.base.base64"
local build = require "ramus.base.build"
local checkpoint = require "ramus.train.checkpoint"
local compact = require("ramus.study.contents_text").compact
local files = require "ramus.base.files"
local hash = require "ramus.base.hash"
local html = require "ramus.report.html"
local utf8 = require "ramus.base.utf8"
local scale = require "ramus.data.scale"

local page = {}

local NOT_FOR = "For research and demonstration. Not a medical device: no decision about a patient may rest on what is shown here."

--- The hash of a style or a script by which a policy allows it.
local function allowed(text)
  local bytes = hash.sha256(text):gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)
  return "'sha256-" .. base64.encode(bytes) .. "'"
end

-- ---- about the model ------------------------------------------------------------------------

local function section_of(file, name)
  local value = file.meta[name] and checkpoint.decode(file.meta[name], name)
  return type(value) == "table" and value or nil
end

local function build_text(b) return b and ("Ramus %s, commit %s"):format(tostring(b.version or "?"), tostring(b.commit or "?")) or nil end

--- Rows { what, value } of the table about the model.
local function about(subject)
  local model, rows = subject.model, {}
  local function row(what, value) if value ~= nil then rows[#rows + 1] = { what, type(value) == "string" and value or compact(value) } end end
  local classes, protocol = checkpoint.classes(model), section_of(subject.file, "ramus.protocol")
  local _, _, name = files.split(subject.file.path)
  row("Model", subject.boxed and name .. ", the model that comes with Ramus" or subject.path)
  row("Net", ("%s, %d parameters"):format(tostring(model.name or "own"), model:count()))
  row("Outputs", table.concat(model:output_names(), ", "))
  row("Threshold", not classes and ("%g%s"):format(subject.threshold, subject.threshold == model.output.threshold and ", the model's own" or
    (", in place of the model's %g"):format(model.output.threshold)) or nil)
  local names = {}
  for i, c in ipairs(classes or {}) do names[i] = c.name end
  row("Classes", classes and table.concat(names, ", ") or nil)
  local channels = model.template.channels
  row("Reads", (channels == 1 and "grey pictures" or channels == 3 and "colour pictures" or channels .. " channels") .. " of any size")
  row("Preparation", model.input.preparation)
  row("Black and white", subject.range and scale.text(subject.range) or model.input.scale and scale.text(model.input.scale.range))
  for key, value in pairs(subject.way:facts()) do row(key:sub(1, 1):upper() .. key:sub(2), value) end
  row("Numerics", model.output.numerics)
  row("Weights", "SHA-256 " .. (checkpoint.hash(subject.file.path) or "not known"))
  row("Trained with", build_text(section_of(subject.file, "ramus.build")))
  local keys = {}
  for key in pairs(protocol or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do row("Protocol: " .. key, protocol[key]) end
  row("This program", ("Ramus %s, commit %s, kernels %s"):format(build.version, build.commit, build.kernels))
  return rows
end

-- ---- parts ----------------------------------------------------------------------------------

local function slider(id, label, max, value)
  return html("div", { class = "slide-row" }, html("label", { ["for"] = id }, label), html("output", { id = id .. "-value", ["for"] = id }),
    html("input", { id = id, type = "range", min = 0, max = max, step = 1, value = value }))
end

local function choice(name, value, label, checked)
  return html("label", { class = "choice" }, html("input", { type = "radio", name = name, value = value, checked = checked }), html("span", {}, label))
end

--- The part where a picture is dropped. Dropping works on the whole page; the field is for the keyboard and for fingers.
local function entrance(limits)
  local words = ("PNG, JPEG, TIFF, DICOM, NIfTI and more; up to %.0f MB and %.0f million pixels"):format(limits.upload_most / 2 ^ 20, limits.pixels_most / 1e6)
  return html("section", { class = "drop", id = "drop", ["aria-labelledby"] = "drop-title" }, html("h2", { id = "drop-title" }, "Drop a picture here"),
    html("p", {}, html("label", { ["for"] = "file" }, "or choose one: "), html("input", { type = "file", id = "file", ["aria-describedby"] = "formats" })),
    html("p", {}, "None at hand? ", html("button", { type = "button", id = "example" }, "Try a made-up angiogram")),
    html("p", { class = "note", id = "formats" }, words))
end

local function controls(subject)
  local classes = checkpoint.classes(subject.model)
  local legend = {}
  for k = 2, #(classes or {}) do
    local r, g, b = require("ramus.data.classes").rgb(classes[k].colour)
    legend[#legend + 1] = html("li", { ["data-class"] = k - 1, ["data-rgb"] = ("%d,%d,%d"):format(r, g, b) }, html("span", { class = "key" }), classes[k].name,
      " ", html("small", {}))
  end
  return html("div", { class = "controls" }, html("p", { class = "share", id = "share" }),
    not classes and { slider("threshold", "Threshold", 1000, 500),
      html("p", { class = "row" }, html("button", { type = "button", id = "reset" }, "The model's threshold")) },
    slider("strength", "Strength of the marks", 100, 65),
    not classes and html("fieldset", { id = "kinds" }, html("legend", {}, "Show"), choice("kind", "marks", "vessels on the picture", true),
      choice("kind", "probability", "probability, black 0 to white 1")),
    html("fieldset", { id = "outputs", hidden = true }, html("legend", {}, "Output of the net"), html("div", { class = "thumbs", id = "thumbs" })),
    html("p", { class = "row", id = "film", hidden = true }, html("label", { ["for"] = "frame" }, "Frame "),
      html("input", { type = "number", id = "frame", min = 0, value = 0 }), html("span", { id = "frames" })),
    #legend > 0 and html("ul", { class = "legend classes", id = "legend" }, legend),
    html("p", { class = "row" }, html("button", { type = "button", id = "save-mask", class = "main" }, classes and "Save the labels (PNG)" or
      "Save the mask (PNG)"), html("button", { type = "button", id = "save-overlay" }, "Save the view (PNG)")))
end

local function body_of(subject, limits)
  local classes = checkpoint.classes(subject.model)
  return html("body", {}, html("a", { class = "skip", href = "#main" }, "To the picture"),
    html("header", {}, html("h1", {}, classes and "Structures in a picture" or "Vessels in a picture"),
      html("p", { class = "notice" }, html("b", {}, NOT_FOR)),
      html("p", {}, "Nothing leaves this machine: a picture goes from this page to the Ramus on the same machine, which holds it in memory while it "
        .. "looks at it, writes it nowhere and forgets it.")),
    html("main", { id = "main", ["data-threshold"] = ("%.17g"):format(subject.threshold), ["data-most"] = limits.upload_most, ["data-classes"] = classes and
      #classes or nil }, entrance(limits), html("p", { id = "status", role = "status" }), html("p", { id = "problem", class = "problem", role = "alert" }),
      html("section", { id = "result", class = "result", hidden = true, ["aria-labelledby"] = "result-title" },
        html("h2", { id = "result-title", tabindex = -1 }, "Result"), html("ul", { id = "notes", class = "note" }),
        html("div", { class = "view" }, html("figure", {}, html("canvas", { id = "canvas", role = "img", ["aria-label"] = "no picture yet" })),
          controls(subject))),
      html("section", { ["aria-labelledby"] = "about-title" }, html("h2", { id = "about-title" }, "About the model"),
        html.table("What looks at the picture", { "", "" }, about(subject), "about"))),
    html("footer", {}, html("p", {}, "Served by ramus serve, version ", build.version, ", on this machine alone. ", NOT_FOR)),
    html("noscript", {}, html("p", { class = "problem" }, "This page needs JavaScript, which is switched off.")))
end

function page.of(subject, limits)
  local style, script = require "ramus.report.style" .. require "ramus.serve.style", require "ramus.serve.script"
  local policy = ("default-src 'none'; script-src %s; style-src %s; img-src data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    .. "form-action 'none'"):format(allowed(script), allowed(style))
  local root = html("html", { lang = "en" }, html("head", {}, html("meta", { charset = "utf-8" }),
    html("meta", { name = "viewport", content = "width=device-width, initial-scale=1" }), html("title", {}, "Ramus: vessels in a picture"),
    html("link", { rel = "icon", href = "data:," }), html("style", {}, html.raw(style))), body_of(subject, limits), html("script", {}, html.raw(script)))
  return utf8.shown("<!DOCTYPE html>\n" .. html.text(root) .. "\n"), policy
end

return page
