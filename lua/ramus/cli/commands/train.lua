--- ramus train: fetches, trains and evaluates what a recipe says.
local command = require "ramus.cli.command"
local files = require "ramus.base.files"

--- What a training would cost, printed; the exit status, or false and a message.
local function dry_run(recipe, run, given)
  local show, progress = require "ramus.base.show", require "ramus.base.progress"
  local out = progress.new { quiet = given.json }
  local d, err = require "ramus.train.dry_run" (recipe, { run = run, out = out, data_root = given["data-root"], accept_odd = given["accept-odd"] })
  if not d then return false, err end
  if given.json then
    require("ramus.base.json").print(d, 10)
    return 0
  end
  local images, rates = {}, {}
  for name, n in pairs(d.images) do images[#images + 1] = ("%s %d"):format(name, n) end
  table.sort(images)
  for i, r in ipairs(d.rates) do rates[i] = ("%.3g in epoch %d"):format(r.rate, r.epoch) end
  out:answer("images " .. table.concat(images, ", "))
  out:answer("rate   " .. table.concat(rates, ", "))
  out:answer(("cost   %.3g s a batch, %s for %s of %s; rows that begin later, validation and scoring are not counted; %s of memory"):format(
    d.seconds_per_batch, progress.time(3600 * d.hours), show.count(d.epochs, "epoch"), show.count(d.batches, "batch", "batches"), show.bytes(d.bytes)))
  local e = d.earlier
  out:answer(e and ("%s exists (%s, %d of %d epochs): the same command without --dry-run goes on with it"):format(run, e.state, e.epochs, e.of)
    or ("nothing was written; without --dry-run the run goes to %s"):format(run))
  return 0
end

return {
  name = "train", order = 4, words = "RECIPE", example = "ramus train recipe.lua --set optim.lr=1e-3 --seed 2",
  help = "fetch what is missing, train, evaluate; the same command again resumes",
  flags = {
    { name = "run", value = "DIR", wants = "a folder", help = "folder of the run", unless = "runs/NAME of the recipe" },
    { name = "set", value = "K=V", wants = "KEY=VALUE", many = true, unless = "the recipe's",
      help = "field of the recipe and its value, as optim.lr=3e-4" },
    { name = "seed", value = "N", number = true, help = "seed of initialisation, order, augmentation and dropout", unless = "the recipe's" },
    { name = "epochs", value = "N", number = true, help = "number of epochs", unless = "the recipe's" },
    { name = "extend", value = "N", number = true, help = "further epochs, of a run that has ended too", unless = "the recipe's" },
    { name = "memory", value = "SIZE", wants = "a size as 300MB", unless = "the recipe's",
      help = "what the arrays of a step may take, by computing values twice, to the same bits" },
    { name = "dry-run", help = "say what it would do and cost, measured on the first batches; nothing is fetched or written" },
    command.DATA_ROOT, command.OFFLINE, command.ACCEPT_ODD, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("train wants one recipe, given %d"):format(#words), 2 end
    require("ramus.base.paths").open() -- a recipe may require modules of the current folder
    local recipe, err = require("ramus.train.recipe").load(words[1], { set = given.set, seed = given.seed, epochs = given.epochs,
      extend = given.extend, memory = given.memory })
    if not recipe and (files.is_folder(words[1]) or not files.exists(words[1])) then return false, err end
    if not recipe then return false, err, 2 end
    if given["dry-run"] then return dry_run(recipe, given.run or "runs/" .. recipe.name, given) end
    local result, message, kind = require "ramus.train.trainer" (recipe, { run = given.run, quiet = given.quiet or given.json,
      data_root = given["data-root"], offline = given.offline, accept_odd = given["accept-odd"] })
    if kind == "interrupted" then return 130 end
    if not result then return false, message end
    if given.json and result.evaluation then print(require("ramus.train.evaluate").json(result.evaluation)) end
    if not given.json then require("ramus.base.talk").note(("everything is in %s"):format(result.run)) end
    return 0
  end,
}
