--- HTML by construction: a text is escaped wherever it stands, and only what this file made goes in as it is.
--
--   html("p", { class = "note" }, "5 < 6 ", html("b", {}, name))      children: texts, numbers, elements, lists of them; nil and false are left out
--   html.raw(text)                                                    markup that is right already (the parts of draw/svg.lua)
--   html.text(element)                                                the markup
local html = {}
local Raw = {}

local ENTITY = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local VOID = { img = true, input = true, meta = true, link = true, br = true, col = true }

--- A text for the inside of an element or of an attribute; control characters, which no page may hold, become blanks.
function html.escape(text) return (tostring(text):gsub("[%z\1-\8\11\12\14-\31\127]", " "):gsub("[&<>\"']", ENTITY)) end

function html.raw(text) return setmetatable({ markup = text }, Raw) end

local function add(out, child)
  if child == nil or child == false then return end
  if getmetatable(child) == Raw then out[#out + 1] = child.markup
  elseif type(child) == "table" then for i = 1, #child do add(out, child[i]) end
  else out[#out + 1] = html.escape(child) end
end

--- Markup of an element, a list or a text.
function html.text(child)
  local out = {}
  add(out, child)
  return table.concat(out)
end

local function element(_, name, attributes, ...)
  local out, keys = { "<", name }, {}
  for k, v in pairs(attributes or {}) do if v then keys[#keys + 1] = k end end
  table.sort(keys)
  for _, k in ipairs(keys) do
    local v = attributes[k]
    out[#out + 1] = v == true and " " .. k or (' %s="%s"'):format(k, html.escape(v))
  end
  out[#out + 1] = ">"
  if VOID[name] then return html.raw(table.concat(out)) end
  for i = 1, select("#", ...) do add(out, (select(i, ...))) end
  out[#out + 1] = "</" .. name .. ">"
  return html.raw(table.concat(out))
end

--- A table: head and rows are lists of cells; the first cell of a row names it. A cell is a child, or { child, class = } where it has a class.
function html.table(caption, head, rows, class)
  local function cells(list, name, first)
    local out = {}
    for i = 1, #list do
      local cell = list[i]
      local own = type(cell) == "table" and getmetatable(cell) ~= Raw and cell.class
      local header = name == "th" or i == 1
      out[i] = html(header and "th" or "td", { class = own or nil, scope = header and (name == "th" and "col" or "row") or nil },
        first and i == 1 and cell == "" and html("span", { class = "hidden" }, "row") or cell)
    end
    return html("tr", {}, out)
  end
  local body = {}
  for i, row in ipairs(rows) do body[i] = cells(row, "td") end
  return html("div", { class = "scroll", tabindex = "0", role = "region", ["aria-label"] = caption }, html("table", { class = class },
    html("caption", {}, caption), html("thead", {}, cells(head, "th", true)), html("tbody", {}, body)))
end

return setmetatable(html, { __call = element })
