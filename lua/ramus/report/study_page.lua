--- The report of a study as one HTML file: its tables with the seeds pooled, and what they rest on. Nothing is trained, and no model runs.
--
--   study_page.load(path, { only, against, metrics })   { study, list (of summary.of), trainings, results, failed, damaged }; nil and a message
--   study_page.of(loaded)                               the text of the file
-- path: a study's file, which is run as ramus study runs it, or its results (.jsonl), of which nothing is executed.
local files = require "ramus.base.files"
local frame = require "ramus.report.frame"
local html = require "ramus.report.html"
local json = require "ramus.base.json"
local mistake = require "ramus.base.mistake"
local pooled = require "ramus.report.pooled"
local tables = require "ramus.report.tables"

local study_page = {}

-- ---- what is read ---------------------------------------------------------------------

--- Whether a path is that of a study or of results, by its name.
function study_page.is(path) return path:match "%.lua$" ~= nil or path:match "%.jsonl$" ~= nil end

--- One table of these rows, in the place of those that the study has.
local function choose(study, o)
  if not (o.only or o.against or o.metrics) then return study end
  local err
  study.tables = { { title = o.only and "Chosen rows" or "All rows", rows = o.only, against = o.against, metrics = o.metrics } }
  study.tables, err = require("ramus.study.tables").of(study)
  if not study.tables then return mistake(err) end
  return study
end

local function of_results(path)
  local none = files.no_file(path)
  if none then return nil, ("no such results: %s"):format(none) end
  local lines, damaged = require("ramus.study.results").list(path)
  if #lines == 0 then return nil, ("%s holds no results of a study"):format(path) end
  local _, _, base = files.split(path)
  local study, known = require("ramus.study.from_results").of(lines, { name = base, path = path })
  if not study then return nil, known end
  return study, known, damaged
end

local function of_file(path)
  local study, err = require("ramus.study.definition").load(path)
  if not study then return nil, err end
  local known = require("ramus.study.runner").known(study)
  if not next(known) then return nil, ("%s has no results yet: ramus study %s"):format(path, path) end
  return study, known, known.damaged
end

function study_page.load(path, o)
  local study, known, damaged = (path:match "%.lua$" and of_file or of_results)(path)
  if not study then return nil, known end
  local err
  study, err = choose(study, o)
  if not study then return nil, err end
  local loaded = { study = study, path = path, trainings = #study.cells, results = 0, failed = 0, damaged = damaged }
  for _, c in ipairs(study.cells) do
    local line = known[c.key]
    if line and line.failed then loaded.failed = loaded.failed + 1 elseif line then loaded.results = loaded.results + 1 end
  end
  loaded.list = require("ramus.study.summary").of(study, known)
  return loaded
end

-- ---- parts ----------------------------------------------------------------------------

--- The first things to read: how many trainings, and of a small study the rows of its first block.
local function top(loaded)
  local block, items, s = loaded.list[1].blocks[1], {}, loaded.study
  for _, r in ipairs(block and #block.rows <= 8 and block.rows or {}) do
    local words = r.mean and ("mean %s on %s, %d image%s, %d seed%s, 95 %% interval %s to %s"):format(block.metric, block.score, r.pictures,
      r.pictures == 1 and "" or "s", r.seeds, r.seeds == 1 and "" or "s", tables.number(r.low, "%.3f"), tables.number(r.high, "%.3f"))
    local class = r.difference and ({ better = "s1", worse = "s2" })[r.difference.verdict] or "s8"
    items[#items + 1] = html("li", { class = class }, html("span", {}, r.row.title), html("b", {}, tables.number(r.mean, "%.3f")),
      html("small", {}, words or "no result yet"))
  end
  local function some(n, words) return n > 0 and (", %d %s"):format(n, words) or "" end
  return { html("p", {}, ("Of %s: %d rows, %d trainings: %d with results%s%s%s."):format(loaded.path, #s.rows, loaded.trainings, loaded.results,
    some(loaded.failed, "failed"),
    some(loaded.trainings - loaded.results - loaded.failed, "not run yet"), some(loaded.damaged or 0, "damaged lines of the file left out"))),
    #items > 0 and html("ul", { class = "facts" }, items) }
end

--- Blocks of a table: a tab for each score, its metrics one below the other.
local function blocks_of(t, id)
  local scores, by_key = {}, {}
  for _, block in ipairs(t.blocks) do
    local made = pooled.block(block)
    if made then
      local tab = by_key[block.key]
      if not tab then
        tab = { block.score, {} }
        by_key[block.key], scores[#scores + 1] = tab, tab
        made.images = pooled.images(block)
      end
      table.insert(tab[2], pooled.html(made))
    end
  end
  if #scores == 0 then return html("p", {}, "No results yet.") end
  return frame.tabs(id, "Scored on", scores)
end

--- What each row changes, of a study's file.
local function changes(study)
  local rows = {}
  for i, row in ipairs(study.rows) do
    if not row.asked then return nil end
    local list = {}
    for field, v in pairs(row.set) do list[#list + 1] = ("%s = %s"):format(field, type(v) == "table" and json.encode(v) or tostring(v)) end
    table.sort(list)
    for _, field in ipairs(row.without) do list[#list + 1] = "without " .. field end
    local from = row.asked.recipe or study.recipe
    rows[i] = { row.title, type(from) == "string" and from or "a table", #list > 0 and html("code", {}, table.concat(list, "; ")) or "–",
      row.against or "–" }
  end
  return html.table("Rows: what each is made of, and its control", { "row", "recipe", "changes", "control" }, rows)
end

local function made_by(list)
  local items = {}
  for i, text in ipairs(list.builds) do items[i] = html("li", {}, text) end
  return #items > 0 and html("ul", {}, items) or nil
end

function study_page.of(loaded)
  local sections, study, list = {}, loaded.study, loaded.list
  local function add(s) sections[#sections + 1] = s end
  local title = study.title or study.name
  for i, t in ipairs(list) do
    local id = "table-" .. i
    add(frame.section(id, t.title == title and "Scores" or t.title, blocks_of(t, id .. "-scores"), pooled.tests(t)))
  end
  add(frame.section("training", "Training", pooled.training(list)))
  add(frame.section("rows", "Rows", changes(study)))
  add(frame.section("cost", "Cost", pooled.cost(list)))
  add(frame.section("protocol", "Protocol", pooled.protocol(list)))
  add(frame.section("made", "What made the results", made_by(list)))
  return frame.document { title = "Study " .. title, top = top(loaded), sections = sections }
end

return study_page
