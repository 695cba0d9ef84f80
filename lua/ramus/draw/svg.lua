--- Parts of figures as SVG: text, lines, bars, pictures, the whole document. Colours are those of Okabe and Ito, which are told apart by all
-- kinds of sight.
local svg = { BLUE = "#0072B2", ORANGE = "#D55E00", GREY = "#555555", INK = "#222222" }

--- Colours of lines side by side.
svg.colours = { svg.BLUE, svg.ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", svg.INK, "#999999" }

local function escape(what)
  return (tostring(what):gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

--- more: further attributes.
function svg.text(x, y, what, more) return ('<text x="%.1f" y="%.1f"%s>%s</text>'):format(x, y, more or "", escape(what)) end

function svg.line(x1, y1, x2, y2, colour, more)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>'):format(x1, y1, x2, y2, colour, more or "")
end

--- points: { { x, y }, .. }
function svg.path(points, colour, more)
  local list = {}
  for i, p in ipairs(points) do list[i] = ("%.1f,%.1f"):format(p[1], p[2]) end
  return ('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"%s/>'):format(table.concat(list, " "), colour, more or "")
end

function svg.bar(x, y, w, h, colour)
  return ('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'):format(x, y, w, h, colour)
end

--- The number of characters, not of bytes.
function svg.length(s) return select(2, s:gsub("[^\128-\191]", "")) end

--- A distance between marks of an axis: 1, 2 or 5 times a power of ten, about `count` of them.
function svg.step(span, count)
  local raw = span / count
  local power = 10 ^ math.floor(math.log10(raw))
  for _, m in ipairs { 1, 2, 5, 10 } do if m * power >= raw then return m * power end end
end

--- Text classes: s small, b bold.
function svg.document(width, height, title, parts)
  local head = { ('<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img">'):format(width, height, width,
    height), ("<title>%s</title>"):format(escape(title)),
    ("<style>text { font: 13px sans-serif; fill: %s } .s { font-size: 11.5px } .b { font-weight: bold }</style>"):format(svg.INK),
    ('<rect width="%.0f" height="%.0f" fill="#FFFFFF"/>'):format(width, height) }
  return table.concat(head, "\n") .. "\n" .. table.concat(parts, "\n") .. "\n</svg>\n"
end

return svg
