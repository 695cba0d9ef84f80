--- The supervision of a run as a picture: a row for each loss term, a column for each epoch. A cell is filled where the term acted, the darker the
-- larger its share of the epoch's gradient norms; beside it the row of the recipe that it comes from.
local curves = require "ramus.report.curves"
local html = require "ramus.report.html"
local svg = require "ramus.draw.svg"

local supervision = {}

local LEFT, ROW, WIDTH, FOOT = 170, 22, 520, 34 -- pixels
local SHADES = 5

--- Share of a term's gradient norm in the sum of all terms of an epoch, from 0 to 1; nil where it did not act.
local function share(h, name)
  local own = h.terms and h.terms[name]
  if not own then return nil end
  local sum = 0
  for _, t in pairs(h.terms) do sum = sum + (tonumber(t.gradient_norm) or 0) end
  return sum > 0 and (tonumber(own.gradient_norm) or 0) / sum or 0
end

--- Runs of epochs of one shade: { first, last, shade }.
local function stretches(history, name)
  local list = {}
  for i, h in ipairs(history) do
    local s = share(h, name)
    local shade = s and math.min(SHADES, 1 + math.floor(s * SHADES))
    local l = list[#list]
    if shade and l and l.shade == shade and l.last == i - 1 then l.last = i
    elseif shade then list[#list + 1] = { first = i, last = i, shade = shade } end
  end
  return list
end

local function picture(g, names)
  local n, out = #g.history, {}
  local function x(i) return LEFT + (WIDTH - LEFT - 10) * i / n end
  local acted = {}
  for k, name in ipairs(names) do
    local top = (k - 1) * ROW
    out[#out + 1] = svg.text(LEFT - 8, top + 15, #name > 26 and name:sub(1, 25) .. ".." or name, ' text-anchor="end"')
    out[#out + 1] = ('<rect x="%d" y="%d" width="%d" height="%d" class="idle"/>'):format(LEFT, top + 2, WIDTH - LEFT - 10, ROW - 4)
    for _, s in ipairs(stretches(g.history, name)) do
      out[#out + 1] = ('<rect x="%.1f" y="%d" width="%.1f" height="%d" class="act a%d"/>'):format(x(s.first - 1), top + 2, x(s.last) - x(s.first - 1), ROW - 4,
        s.shade)
      acted[name] = acted[name] or g.history[s.first].epoch
    end
  end
  local bottom = #names * ROW
  local first, last = g.history[1].epoch, g.history[n].epoch
  out[#out + 1] = svg.text(LEFT, bottom + 14, tostring(first))
  out[#out + 1] = svg.text(WIDTH - 10, bottom + 14, tostring(last), ' text-anchor="end"')
  out[#out + 1] = svg.text((LEFT + WIDTH) / 2, bottom + 28, "epoch", ' text-anchor="middle"')
  local words = {}
  for i, name in ipairs(names) do words[i] = ("%s from epoch %s"):format(name, tostring(acted[name])) end
  local label = "Supervision by epoch: " .. table.concat(words, ", ") .. "."
  return html("svg", { viewBox = ("0 0 %d %d"):format(WIDTH, bottom + FOOT), role = "img", ["aria-label"] = label },
    html.raw(table.concat(out)))
end

local function weight_text(w)
  if type(w) ~= "table" then return w == nil and "1" or tostring(w) end
  local list = {}
  for i, v in ipairs(w) do list[i] = type(v) == "number" and ("%.4g"):format(v) or tostring(v) end
  return table.concat(list, ", ")
end

local function loss_text(l)
  if type(l) ~= "table" then return tostring(l) end
  local list = {}
  for k, v in pairs(type(l.options) == "table" and l.options or {}) do list[#list + 1] = ("%s = %s"):format(tostring(k), tostring(v)) end
  table.sort(list)
  return tostring(l.name or "function") .. (#list > 0 and " { " .. table.concat(list, ", ") .. " }" or "")
end

--- The picture and the rows of the recipe.
function supervision.of(g)
  local names, rows = curves.terms(g.history), {}
  for i, r in ipairs(type(g.recipe.supervise) == "table" and g.recipe.supervise or {}) do
    rows[i] = { tostring(r.at), loss_text(r.loss), tostring(r.against or "mask"), weight_text(r.weight), ("%s to %s"):format(tostring(r.from or 0),
      r.till and tostring(r.till - 1) or "the end") }
  end
  return { #names > 0 and html("figure", { class = "wide" }, html("figcaption", {}, html("b", {}, "Supervision by epoch"),
    html("span", { class = "note" }, " filled where a term acted; darker: a larger share of the terms' gradient norms")), picture(g, names)),
    #rows > 0 and html.table("Rows of the recipe", { "output", "loss", "against", "weight", "epochs" }, rows) }
end

return supervision
