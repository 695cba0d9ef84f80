--- What the REPL shows of values whose print is an expression that makes them: a recipe as its parts, a schedule with its values.
local columns = require "ramus.base.columns"
local options = require "ramus.base.options"
local show = require "ramus.base.show"
local texts = require "ramus.cli.help_text"

local display = {}

--- "batch 4, flip, rotate 25": the values of a table that are not the defaults of a schema.
local function settings(t, schema, but)
  local list = {}
  for _, key in ipairs(options.names(t)) do
    local v, entry = t[key], schema and schema[key]
    local plain = type(v) ~= "table" or next(v) ~= nil
    if v ~= false and v ~= nil and plain and not (entry and entry.default == v) and not (but and but[key]) then
      list[#list + 1] = v == true and key or ("%s %s"):format(key, type(v) == "table" and not getmetatable(v) and show.brief(v) or tostring(v))
    end
  end
  return table.concat(list, ", ")
end

local function weight(w)
  if type(w) ~= "table" or require("ramus.lang.schedule").is(w) then return tostring(w) end
  local list = {}
  for i, v in ipairs(w) do list[i] = type(v) == "number" and ("%.4g"):format(v) or tostring(v) end
  return table.concat(list, " ")
end

local function rows_of(r)
  local supervision = require("ramus.train.recipe.fit").supervision(r)
  local rows = {}
  for i, row in ipairs(supervision and supervision.rows or {}) do
    local epochs = row.starts >= row.ends and "never" or ("%d to %d"):format(row.starts, row.ends - 1)
    rows[i] = { row.at, row.against, epochs, weight(row.weight), tostring(row.loss) }
  end
  return columns.text({ "at", "against", "epochs", "weight", "loss" }, rows, { true, true, true, true, true })
end

--- A checked recipe.
function display.recipe(r)
  local recipe = require "ramus.train.recipe"
  local lines = { ("recipe %s: %s, seed %s"):format(r.name, show.count(r.epochs, "epoch"), tostring(r.seed)) }
  local function row(name, text) if text ~= "" then lines[#lines + 1] = ("  %-9s %s"):format(name, text) end end
  row("data", ("%s, %s"):format(tostring(r.data.set), settings(r.data, recipe.data_schema, { set = true, augment = true })))
  row("augment", settings(r.data.augment or {}, require("ramus.data.augment").schema))
  row("model", ("%s: %s parameters, outputs %s"):format(r.model.name or "model", texts.thousands(r.model:count()), table.concat(r.model:output_names(), " ")))
  row("teacher", r.teacher and settings(r.teacher, nil) or "")
  row("optim", tostring(r.optim))
  local known = { name = 1, epochs = 1, seed = 1, data = 1, model = 1, teacher = 1, optim = 1, supervise = 1 }
  local further = {}
  for key in pairs(recipe.schema) do if not known[key] then further[key] = r[key] end end
  row("further", settings(further, recipe.schema))
  return show.wrapped(table.concat(lines, "\n")) .. "\n" .. rows_of(r) .. "\n  print(r) shows it as Lua, with every value"
end

--- A schedule with its values at a few times.
function display.schedule(s)
  if next(require("ramus.lang.schedule").follows(s)) then return tostring(s) end
  local n = type(s.args.n) == "number" and s.args.n or 100
  local head, row = { "at" }, { "value" }
  for i = 0, 4 do
    local t = n * i / 4
    local ok, v = pcall(s, t, n, t, n)
    if not ok or type(v) ~= "number" then return tostring(s) end
    head[i + 2], row[i + 2] = ("%g%s"):format(t, s.args.n and "" or " %"), ("%.4g"):format(v)
  end
  if s.args.n then head[1] = "at " .. (s.per or "epoch") end
  return tostring(s) .. "\n" .. columns.text(head, { row }, { true })
end

--- The definition of a data set: what `ramus datasets NAME` prints; nil where its name does not lead to it.
function display.dataset(definition)
  local about = require "ramus.data.fetch.about"
  local ok, facts = pcall(about.facts, definition.name)
  return ok and facts and table.concat(about.lines(facts), "\n") or nil
end

--- A data set that was opened.
function display.opened(set)
  local parts = {}
  for _, name in ipairs(options.names(set.counts)) do parts[#parts + 1] = ("%s %d"):format(name, set.counts[name]) end
  local lines = { ("%s: %s"):format(set.name, tostring(set.title)) }
  for _, row in ipairs { { "folder", set.folder }, { "split", set.split }, { "images", table.concat(parts, ", ") },
    { "fields", table.concat(options.names(set.fields), ", ") }, { "warnings", table.concat(set.warnings or {}, "; ") } } do
    if row[2] and row[2] ~= "" then lines[#lines + 1] = ("  %-9s %s"):format(row[1], tostring(row[2])) end
  end
  return table.concat(lines, "\n")
end

local function is_plain(v) return type(v) == "table" and getmetatable(v) == nil end

--- The text of a value; nil where its print will do.
function display.text(v)
  if require("ramus.train.recipe").is(v) then return display.recipe(v) end
  if require("ramus.lang.schedule").is(v) then return display.schedule(v) end
  if is_plain(v) and v.title and v.editions and type(v.open) == "function" then return display.dataset(v) end
  if is_plain(v) and v.samples and v.counts and v.folder and v.definition then return display.opened(v) end
end

return display
