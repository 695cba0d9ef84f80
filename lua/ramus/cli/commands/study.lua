--- ramus study: rows of recipes times seeds, compared in tables.
local command = require "ramus.cli.command"

--- A list of whole numbers from "1,2,3", nil where there is no text; nil and a message.
local function read_seeds(text)
  if not text then return nil end
  local list = {}
  for one in text:gmatch "[^,]+" do
    list[#list + 1] = tonumber(one)
    if not tonumber(one) then return nil, ("--seeds wants numbers, as 1,2,3, given '%s'"):format(text) end
  end
  return list
end

--- Runs one cell: what the study's processes do.
local function run_cell(path, given)
  local study, err = require("ramus.study.definition").load(path)
  if not study then return false, err end
  local state, message = require("ramus.study.cell").run(study, given.cell, { runs = given.runs or "runs/" .. study.name, keep = given.keep, quiet = false,
    data_root = given["data-root"], offline = given.offline, accept_odd = given["accept-odd"] })
  if state == "interrupted" then return 130 end
  if state ~= "done" then return false, message end
  return 0
end

return {
  name = "study", order = 4.5, words = "FILE", help = "train rows of recipes with several seeds, score and compare them; the same command again goes on",
  flags = {
    { name = "only", value = "ROW", wants = "a row", many = true, help = "rows that are run, * for any text" },
    { name = "seeds", value = "N,N", wants = "numbers, as 1,2,3", help = "seeds in the place of the study's" },
    { name = "runs", value = "DIR", wants = "a folder", help = "folder of the runs while they last; runs/NAME unless given" },
    { name = "keep", help = "keep the runs after they are scored" },
    { name = "cell", value = "KEY", wants = "a cell", help = "one training only, by its key in the results" },
    command.DATA_ROOT, command.OFFLINE, command.ACCEPT_ODD, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("study wants one study, given %d"):format(#words), 2 end
    require("ramus.base.paths").open() -- a study and its recipes may require modules of the current folder
    if given.cell then return run_cell(words[1], given) end
    local seeds, wrong = read_seeds(given.seeds)
    if wrong then return false, wrong, 2 end
    local result, err = require "ramus.study.study" (words[1], { only = given.only, seeds = seeds, runs = given.runs, keep = given.keep,
      data_root = given["data-root"], offline = given.offline, accept_odd = given["accept-odd"], quiet = given.json })
    if not result then return false, err end
    if result.interrupted then return 130 end
    if not given.json then io.write(result.text) end
    local left = 0
    for _, message in pairs(result.absent) do
      left = left + 1
      if left == 1 then command.complain(message) end
    end
    if #result.failed + left > 0 then return false, ("%d cells failed, %d have no data set"):format(#result.failed, left) end
    return 0
  end,
}
