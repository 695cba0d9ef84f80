--- ramus report: runs, or a study, as one HTML file.
local command = require "ramus.cli.command"

local OF_STUDY = { { "only", "--only" }, { "against", "--against" }, { "metric", "--metric" } }

--- Says what was written; the exit status.
local function said(result, given, words)
  if given.json then require("ramus.base.json").print(result)
  else require("ramus.base.talk").note(("%s: %.2f MB, %s"):format(result.file, result.bytes / 1e6, words)) end
  return 0
end

local function of_study(path, given)
  for _, name in ipairs { "signs", "no-pictures" } do
    if given[name] then
      return false, ("report: --%s is of runs; results of a study hold no pictures, and their signs are metrics (--metric)"):format(name), 2
    end
  end
  local result, err = require("ramus.report.report").study(path, { output = given.output, only = given.only, against = given.against, metrics = given.metric })
  if not result then return false, err end
  if result.damaged > 0 then command.complain(("%d damaged lines of the results were left out"):format(result.damaged)) end
  return said(result, given, ("%d rows, %d of %d trainings"):format(result.rows, result.results, result.trainings))
end

local function of_runs(words, given)
  for _, flag in ipairs(OF_STUDY) do
    if given[flag[1]] then return false, ("report: %s is of a study; given runs"):format(flag[2]), 2 end
  end
  command.trust(given)
  local result, err = require("ramus.report.report").write(words, { output = given.output, pictures = not given["no-pictures"], signs = given.signs,
    data_root = given["data-root"] })
  if not result then return false, err end
  for _, why in ipairs(not given.json and result.without or {}) do command.complain("no pictures of " .. why) end
  return said(result, given, ("%d run%s%s"):format(result.runs, result.runs == 1 and "" or "s",
    result.pictures > 0 and ", embeds " .. result.pictures .. " test images (--no-pictures leaves them out)" or ""))
end

return {
  name = "report", order = 7, words = "RUN... | STUDY", help = "runs, or a study, as one HTML file: scores, differences, curves, test images, recipes, cost",
  example = "ramus report runs/first runs/second -o report.html",
  flags = command.flags {
    { name = "output", short = "-o", value = "FILE", wants = "a file",
      help = "the file", unless = "report.html in the run's folder, or here for several runs and for a study" },
    { name = "no-pictures", help = "leave the test images out, which the file else embeds" },
    { name = "signs", help = "also sensitivity by vessel width and contrast, and patch entropy; runs the models on every test image" },
    { name = "only", value = "ROW", wants = "a row", many = true, help = "of a study: one table of these rows, * for any text", unless = "the study's tables" },
    { name = "against", value = "ROW", wants = "a row", help = "of a study: the row that all others are compared with", unless = "the study's" },
    { name = "metric", value = "NAME", wants = "a metric", many = true, help = "of a study: scores that are shown", unless = "the study's" },
    command.PROGRAM, command.DATA_ROOT, command.JSON,
  },
  run = function(words, given)
    if #words < 1 then return false, "report wants one run folder or more, or a study, given none", 2 end
    local is_study = require("ramus.report.study_page").is
    for _, word in ipairs(words) do
      if is_study(word) and #words > 1 then return false, ("report wants runs, or one study, given %s among %d words"):format(word, #words), 2 end
    end
    if is_study(words[1]) then return of_study(words[1], given) end
    return of_runs(words, given)
  end,
}
