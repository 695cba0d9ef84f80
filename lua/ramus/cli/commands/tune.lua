--- ramus tune: a search over fields of a recipe, on the validation split.
local command = require "ramus.cli.command"

--- "--set model.width=8 --set optim.lr=0.003"
local function flags_of(set)
  local parts = {}
  for field, v in pairs(set) do parts[#parts + 1] = ("--set %s=%s"):format(field, tostring(v)) end
  table.sort(parts)
  return table.concat(parts, " ")
end

local function print_best(result, most)
  local show, list, rows = require "ramus.base.show", {}, { { "trial", "epochs", "val dice", "fields" } }
  for i, t in ipairs(result.trials) do list[i] = t end
  table.sort(list, function(a, b)
    if a.epochs ~= b.epochs then return a.epochs > b.epochs end
    if (a.dice or -1) ~= (b.dice or -1) then return (a.dice or -1) > (b.dice or -1) end
    return a.name < b.name
  end)
  for i = 1, math.min(#list, most) do
    local t = list[i]
    rows[i + 1] = { t.name, tostring(t.epochs), t.dice and ("%.4f"):format(t.dice) or "failed", (flags_of(t.set):gsub("%-%-set ", "")) }
  end
  for _, line in ipairs(show.columns(rows, { [2] = true, [3] = true })) do print(line) end
  if #list > most then print(("... %d more in %s"):format(#list - most, result.study)) end
  if result.best then print("best: " .. flags_of(result.best.set)) end
end

return {
  name = "tune", order = 4.7, words = "FILE", example = "ramus tune search.lua --jobs 2",
  help = "search fields of a recipe at random or by Hyperband, on the validation split, as rows of a study; the same command again goes on",
  flags = {
    { name = "jobs", value = "N", number = true, min = 1, help = "trainings at a time", unless = "as many as is fastest" },
    { name = "runs", value = "DIR", wants = "a folder", help = "folder of the runs while they last", unless = "runs/NAME of the study" },
    command.DATA_ROOT, command.OFFLINE, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("tune wants one file, given %d"):format(#words), 2 end
    require("ramus.base.paths").open() -- the file and its recipe may require modules of the current folder
    local result, err, kind = require("ramus.study.tune").run(words[1], { jobs = given.jobs, runs = given.runs, data_root = given["data-root"],
      offline = given.offline, quiet = given.json })
    if kind == "interrupted" then return 130 end
    if not result then return false, err end
    if given.json then require("ramus.base.json").print(result, 10)
    else print_best(result, 10) end
    if not result.best then return false, "tune: no trial has a score" end
    return 0
  end,
}
