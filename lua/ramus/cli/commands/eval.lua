--- ramus eval: scores of a run.
local command = require "ramus.cli.command"

return {
  name = "eval", order = 5, words = "RUN", help = "score a run (or, with --data, a model file): per image and pooled, every output, with its protocol",
  example = "ramus eval runs/first --data pictures:all --threshold 0.4",
  flags = command.flags {
    { name = "data", value = "SET:SPLIT", wants = "SET:SPLIT",
      unless = "the run's test split",
      help = "another data set or folder, or another split of the run's (all: every image)" },
    { name = "set", value = "K=V", wants = "KEY=VALUE", many = true,
      unless = "as the set declares", help = "of the set that --data names: an option, threshold, values, .. of its masks, range of its images" },
    { name = "recipe", value = "FILE", wants = "a file", unless = "that of the run",
      help = "the recipe, for a run of an earlier format, which does not hold it as data" },
    command.THRESHOLD, { name = "tune", help = "choose the threshold that scores best on the validation split" }, command.WAY,
    command.DATA_ROOT, command.OFFLINE, command.ACCEPT_ODD, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("eval wants one run folder or model file, given %d"):format(#words), 2 end
    local set_options, masks = command.settings(given.set)
    if not set_options then return false, masks, 2 end
    if given.set and not given.data then return false, "eval: --set says something of the set that --data names; the run's own is as its recipe says", 2 end
    local evaluate = require "ramus.train.evaluate"
    local out = require("ramus.base.progress").new { quiet = given.json }
    local result, err = evaluate(words[1], command.options(command.WAY, given, { data = given.data, options = given.set and set_options,
      reading = given.set and masks, recipe = given.recipe, threshold = given.threshold,
      tune = given.tune, data_root = given["data-root"], offline = given.offline, accept_odd = given["accept-odd"], out = out }))
    if not result then return false, err end
    if given.json then print(evaluate.json(result)) end
    return 0
  end,
}
