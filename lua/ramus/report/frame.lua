--- What every page of the report is made in: sections, tabs, and the document with its policy, style and script.
local base64 = require "ramus.base.base64"
local build = require "ramus.base.build"
local hash = require "ramus.base.hash"
local html = require "ramus.report.html"
local utf8 = require "ramus.base.utf8"

local frame = {}

--- What every report says of itself.
frame.MADE = "Made by ramus report, version "

--- A section with its heading; nil where all of its children are.
function frame.section(id, title, ...)
  local children = {}
  for i = 1, select("#", ...) do children[#children + 1] = (select(i, ...)) or nil end
  if #children == 0 then return nil end
  local heading = id .. "-title"
  return { id = id, title = title, html = html("section", { id = id, ["aria-labelledby"] = heading }, html("h2", { id = heading }, title), children) }
end

--- Panels of which the script makes tabs: a list of { name, children }.
function frame.tabs(id, label, list)
  local panels = {}
  for i, one in ipairs(list) do
    panels[i] = html("div", { id = ("%s-%d"):format(id, i), ["data-tab"] = one[1] }, #list > 1 and html("h3", {}, one[1]), one[2])
  end
  return html("div", { ["data-tabs"] = label }, panels)
end

--- Bytes of a hexadecimal text.
local function bytes_of(hex) return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)) end

--- o: { title, top (children below the heading), sections (of frame.section), style [opt] }. The text of the file.
function frame.document(o)
  local script, links, bodies = require "ramus.report.script", {}, {}
  for i, s in ipairs(o.sections) do
    links[i], bodies[i] = html("li", {}, html("a", { href = "#" .. s.id }, s.title)), s.html
  end
  -- The page may load nothing from elsewhere, and run no other script than its own.
  local policy = ("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-%s'"):format(base64.encode(bytes_of(hash.sha256(script))))
  local root = html("html", { lang = "en" }, html("head", {}, html("meta", { charset = "utf-8" }),
    html("meta", { ["http-equiv"] = "Content-Security-Policy", content = policy }),
    html("meta", { name = "viewport", content = "width=device-width, initial-scale=1" }), html("title", {}, o.title),
    html("style", {}, html.raw(require "ramus.report.style" .. (o.style or "")))),
    html("body", {}, html("a", { class = "skip", href = "#main" }, "To the scores"), html("header", {}, html("h1", {}, o.title), o.top,
      html("nav", { ["aria-label"] = "Sections" }, html("ul", {}, links))), html("main", { id = "main" }, bodies),
      html("footer", {}, html("p", {}, frame.MADE, build.version, ". For research; not a medical device.")),
      html("script", {}, html.raw(script))))
  return utf8.shown("<!DOCTYPE html>\n" .. html.text(root) .. "\n")
end

return frame
