--- ramus train: fetches, trains and evaluates what a recipe says.
local command = require "ramus.cli.command"
local files = require "ramus.base.files"

return {
  name = "train", order = 4, words = "RECIPE", help = "fetch what is missing, train, evaluate; the same command again resumes",
  flags = {
    { name = "run", value = "DIR", wants = "a folder", help = "folder of the run; runs/NAME of the recipe unless given" },
    { name = "set", value = "K=V", wants = "KEY=VALUE", many = true, help = "field of the recipe and its value, as optim.lr=3e-4" },
    { name = "seed", value = "N", number = true, help = "seed of initialisation, order, augmentation and dropout" },
    { name = "epochs", value = "N", number = true, help = "number of epochs" },
    { name = "extend", value = "N", number = true, help = "further epochs, of a run that has ended too" },
    command.DATA_ROOT, command.OFFLINE, command.ACCEPT_ODD, command.QUIET, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("train wants one recipe, given %d"):format(#words), 2 end
    require("ramus.base.paths").open() -- a recipe may require modules of the current folder
    local recipe, err = require("ramus.train.recipe").load(words[1], { set = given.set, seed = given.seed, epochs = given.epochs,
      extend = given.extend })
    if not recipe and (files.is_folder(words[1]) or not files.exists(words[1])) then return false, err end
    if not recipe then return false, err, 2 end
    local result, message, kind = require "ramus.train.trainer" (recipe, { run = given.run, quiet = given.quiet or given.json,
      data_root = given["data-root"], offline = given.offline, accept_odd = given["accept-odd"] })
    if kind == "interrupted" then return 130 end
    if not result then return false, message end
    if given.json and result.evaluation then print(require("ramus.base.json").utf8(require("ramus.train.evaluate").json(result.evaluation))) end
    if not given.quiet and not given.json then print(("everything is in %s"):format(result.run)) end
    return 0
  end,
}
