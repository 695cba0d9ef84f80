--- The tables of a study for programs: CSV (a line for each row, score and metric) and JSON.
local json = require "ramus.base.json"

local plain = {}

local COLUMNS = { "table", "score", "metric", "row", "title", "seeds", "wanted", "failed", "pictures", "mean", "sd", "low", "high", "against", "difference",
  "difference_low", "difference_high", "p", "p_holm", "verdict", "seconds", "cpu_seconds", "peak_mb", "steps", "parameters", "notes" }

--- A number, or nil where it is none.
local function number(v) return type(v) == "number" and v == v and math.abs(v) ~= math.huge and v or nil end

--- A row of a block as a table with the columns' names.
local function flat(t, block, r)
  local d, cost, notes = r.difference or {}, r.cost or {}, {}
  for i, n in ipairs(r.notes) do notes[i] = block.notes[n] end
  return { table = t.name, score = block.key, metric = block.metric, row = r.row.name, title = r.row.title, seeds = r.seeds, wanted = r.wanted,
    failed = r.failed, pictures = r.pictures, mean = number(r.mean), sd = number(r.sd), low = number(r.low), high = number(r.high),
    against = d.against, difference = number(d.mean), difference_low = number(d.low), difference_high = number(d.high), p = number(d.p),
    p_holm = number(d.holm), verdict = d.verdict, seconds = cost.seconds, cpu_seconds = cost.cpu_seconds, peak_mb = cost.peak_mb, steps = cost.steps,
    parameters = cost.parameters, notes = #notes > 0 and table.concat(notes, "; ") or nil }
end

local function each_row(t, f)
  for _, block in ipairs(t.blocks) do
    for _, r in ipairs(block.rows) do f(flat(t, block, r)) end
  end
end

local function quoted(v)
  if v == nil then return "" end
  local text = type(v) == "number" and ("%.6g"):format(v) or tostring(v)
  return text:find '[",\n\r]' and '"' .. text:gsub('"', '""') .. '"' or text
end

--- A table as CSV with a line of names.
function plain.csv(t)
  local lines = { table.concat(COLUMNS, ",") }
  each_row(t, function(row)
    local cells = {}
    for i, name in ipairs(COLUMNS) do cells[i] = quoted(row[name]) end
    lines[#lines + 1] = table.concat(cells, ",")
  end)
  return table.concat(lines, "\n") .. "\n"
end

--- A table as a plain value: { name, title, level, comparisons, rows, protocols }.
function plain.value(t)
  local rows, protocols = {}, {}
  each_row(t, function(row) rows[#rows + 1] = row end)
  for _, block in ipairs(t.blocks) do protocols[block.key] = block.protocol end
  return { name = t.name, title = t.title, level = t.level, comparisons = t.tests, rows = rows, protocols = protocols }
end

function plain.json(t) return json.encode(plain.value(t), 6) .. "\n" end

return plain
