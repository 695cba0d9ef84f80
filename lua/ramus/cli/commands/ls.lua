--- ramus ls: runs and studies below a folder.
local command = require "ramus.cli.command"

local function score(v) return v and ("%.4f"):format(v) or "-" end
local function date(text) return text and text:gsub("T", " "):gsub(":%d%dZ$", "") or "-" end

--- Fields of a run's facts by the name of an order.
local ORDERS = { name = "run", date = "changed", val = "validation", test = "test", size = "bytes" }

--- The runs as lines of a table.
local function run_lines(list)
  local show = require "ramus.base.show"
  local rows = { { "run", "state", "epochs", "val", "test", "changed (UTC)", "size" } }
  for i, f in ipairs(list) do
    rows[i + 1] = { f.run, f.state, ("%d/%d"):format(f.epochs, f.of), score(f.validation), score(f.test), date(f.changed), show.bytes(f.bytes) }
  end
  return show.columns(rows, { [3] = true, [4] = true, [5] = true, [7] = true })
end

--- The studies as lines of a table.
local function study_lines(list)
  local show = require "ramus.base.show"
  local rows = { { "study", "rows", "trained", "failed", "changed (UTC)", "size" } }
  for i, f in ipairs(list) do
    rows[i + 1] = { f.results, tostring(#f.rows), tostring(f.cells - f.failed), tostring(f.failed), date(f.changed), show.bytes(f.bytes) }
  end
  return show.columns(rows, { [2] = true, [3] = true, [4] = true, [6] = true })
end

--- What is below a folder: { runs, studies, unreadable }, the runs of one state where it is asked for.
local function find(folder, state)
  local runs, studies = require "ramus.train.run.list", require "ramus.study.studies"
  local found = { runs = {}, studies = {}, unreadable = {} }
  for _, path in ipairs(runs.find(folder)) do
    local f, err = runs.facts(path)
    if not f then table.insert(found.unreadable, err)
    elseif not state or f.state == state then table.insert(found.runs, f) end
  end
  for _, path in ipairs(state and {} or studies.find(folder)) do
    local f = studies.facts(path)
    if f then table.insert(found.studies, f) end
  end
  return found
end

--- Best, newest or largest first; runs without the field last.
local function sort(list, key)
  if key == "run" then return end -- as they were found
  table.sort(list, function(a, b)
    local x, y = a[key], b[key]
    if x == y then return a.run < b.run end
    if not x or not y then return x ~= nil end
    return x > y
  end)
end

local function print_all(found, folder, state)
  for _, line in ipairs(#found.runs > 0 and run_lines(found.runs) or {}) do print(line) end
  if #found.runs > 0 and #found.studies > 0 then print() end
  for _, line in ipairs(#found.studies > 0 and study_lines(found.studies) or {}) do print(line) end
  if #found.runs + #found.studies == 0 then
    require("ramus.base.talk").note(("no %s at or below %s; ramus train RECIPE makes one"):format(
      state and state .. " run" or "run and no results of a study", folder))
  end
  for _, err in ipairs(found.unreadable) do command.complain(err) end
end

return {
  name = "ls", order = 6.1, words = "[DIR]", example = "ramus ls runs --sort test",
  help = "list the runs and studies in DIR (this folder unless given) and four levels below: state, epochs, validation and test Dice, date, size",
  flags = {
    { name = "state", value = "STATE", one_of = { "running", "done", "stopped", "failed" }, help = "runs of this state only", unless = "all" },
    { name = "sort", value = "KEY", one_of = { "name", "date", "val", "test", "size" }, default = "name",
      help = "order of the runs: best, newest or largest first" },
    command.JSON,
  },
  run = function(words, given)
    if #words > 1 then return false, ("ls wants one folder, given %d"):format(#words), 2 end
    local files = require "ramus.base.files"
    local key = ORDERS[given.sort]
    local folder = (words[1] or "."):gsub("(.)/+$", "%1")
    local none = files.no_folder(folder)
    if none then return false, "ls: " .. none end
    local found = find(folder, given.state)
    sort(found.runs, key)
    if not given.json then
      print_all(found, folder, given.state)
      return 0
    end
    local json = require "ramus.base.json"
    for _, f in ipairs(found.studies) do f.rows = json.list(f.rows) end
    json.print({ runs = json.list(found.runs), studies = json.list(found.studies), unreadable = json.list(found.unreadable) }, 10)
    return 0
  end,
}
