--- The tables of a study as Markdown.
local metrics = require "ramus.data.metrics"
local progress = require "ramus.base.progress"
local summary = require "ramus.study.summary"

local markdown = {}

local function number(form, v) return v and v == v and form:format(v) or "-" end

--- "0.7512 [0.7401, 0.7610]"
local function with_interval(form, v)
  if not v or not v.mean then return "-" end
  return ("%s [%s, %s]"):format(number(form, v.mean), number(form, v.low), number(form, v.high))
end

local function signed(form) return (form:gsub("^%%", "%%+")) end

local function p_text(p)
  if not p or p ~= p then return "-" end
  return p < 0.001 and "< 0.001" or ("%.3f"):format(p)
end

--- Footnote marks behind a row's title: superscript numbers that begin anew in each block.
local function marks(entry)
  local list, seen = {}, {}
  for _, n in ipairs(entry.notes) do
    if not seen[n] then list[#list + 1], seen[n] = n, true end
  end
  table.sort(list)
  return #list > 0 and (" <sup>%s</sup>"):format(table.concat(list, ", ")) or ""
end

local function escape(text) return (tostring(text):gsub("|", "\\|")) end

local function row_line(entry, form, compared)
  local d = entry.difference
  local line = ("| %s%s | %s | %d x %s |"):format(escape(entry.row.title), marks(entry), with_interval(form, entry), entry.seeds, entry.pictures or "-")
  if not compared then return line end
  if not d then return line .. " | | | |" end
  return ("%s %s | %s | %s | %s |"):format(line, escape(d.against), with_interval(signed(form), d), p_text(d.holm), d.verdict or "-")
end

local function protocol_line(p)
  local threshold = type(p.threshold) == "number" and ("threshold %.3g (%s)"):format(p.threshold, tostring(p.threshold_tuned))
  return ("%s, edition %s, split %s; %s; size %s; %s."):format(tostring(p.set), tostring(p.edition), tostring(p.split),
    tostring(p.decision or threshold), tostring(p.resize), tostring(p.field_of_view))
end

--- The protocol's line where it is another one than that of the block before.
local function add_protocol(block, before, lines)
  local text = protocol_line(block.protocol)
  if not (before and before.protocol and protocol_line(before.protocol) == text) then lines[#lines + 1] = "\n" .. text end
end

--- before: the block that stands above, or nil.
local function block_text(block, before, lines)
  lines[#lines + 1] = ("\n%s on %s%s:\n"):format(block.metric, block.score, metrics.lower_is_better[block.metric] and " (smaller is better)" or "")
  if block.empty then
    lines[#lines + 1] = "no results yet"
    return
  end
  local compared, form = false, summary.form(block)
  for _, entry in ipairs(block.rows) do compared = compared or entry.difference ~= nil end
  lines[#lines + 1] = "| row | mean [95 %] | seeds x pictures |" .. (compared and " against | difference [95 %] | p (Holm) | |" or "")
  lines[#lines + 1] = "|---|---|---|" .. (compared and "---|---|---|---|" or "")
  for _, entry in ipairs(block.rows) do lines[#lines + 1] = row_line(entry, form, compared) end
  if #block.notes > 0 then lines[#lines + 1] = "" end
  for i, text in ipairs(block.notes) do lines[#lines + 1] = ("<sup>%d</sup> %s  "):format(i, text) end
  add_protocol(block, before, lines)
end

--- What the trainings of a table cost: a line for each row of its first block with a result.
local function cost_text(t, lines)
  local rows = {}
  for _, entry in ipairs(t.blocks[1].rows) do
    local c = entry.cost
    if c then
      rows[#rows + 1] = ("| %s | %d | %s | %s | %.0f | %s |"):format(escape(entry.row.title), c.steps, progress.time(c.seconds), progress.time(c.cpu_seconds),
        c.peak_mb, c.parameters)
    end
  end
  if #rows == 0 then return end
  lines[#lines + 1] = "\nCost of one training with its scores:\n\n| row | steps | time | CPU time | peak MB | parameters |\n|---|---|---|---|---|---|"
  for _, row in ipairs(rows) do lines[#lines + 1] = row end
end

--- A table as text.
function markdown.table(t)
  local lines = {}
  for i, block in ipairs(t.blocks) do block_text(block, t.blocks[i - 1], lines) end
  if t.tests > 0 then lines[#lines + 1] = "\n" .. summary.tests_text(t) end
  cost_text(t, lines)
  return table.concat(lines, "\n") .. "\n"
end

--- The sets that a table was scored on: "cimat80 (edition subset, files 0123456789ab)".
local function data_text(t)
  local list, seen = {}, {}
  for _, block in ipairs(t.blocks) do
    local p = block.protocol
    local text = p and ("%s (edition %s, files %s)"):format(p.set, tostring(p.edition), tostring(p.data_hash):sub(1, 12))
    if text and not seen[text] then list[#list + 1], seen[text] = text, true end
  end
  return table.concat(list, ", ")
end

--- The middle of a page: figure, tables, what remakes them and what made them. given: command, figure, curves.
function markdown.page(t, given)
  local parts = { ("\n![%s](%s)\n"):format(t.title, given.figure), markdown.table(t), ("\nRemade by `%s`."):format(given.command) }
  for i, c in ipairs(given.curves or {}) do table.insert(parts, 2 + i, ("\n![%s](%s)\n"):format(c[2], c[1])) end
  local data = data_text(t)
  if data ~= "" then parts[#parts + 1] = (" Data: %s."):format(data) end
  if #t.builds > 0 then
    parts[#parts + 1] = (#t.builds == 1 and " Made by " or " Made by several builds: ") .. table.concat(t.builds, "; ") .. "."
  end
  return table.concat(parts) .. "\n"
end

--- All tables with their headings, for a terminal.
function markdown.all(list)
  local parts = {}
  for i, t in ipairs(list) do parts[i] = ("## %s\n%s"):format(t.title, markdown.table(t)) end
  return table.concat(parts, "\n")
end

return markdown
