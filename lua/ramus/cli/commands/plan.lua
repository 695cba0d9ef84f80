--- ramus plan: a net and a recipe whose size follows from a data set; see ramus.train.recipe.plan_for.
local command = require "ramus.cli.command"

local function flags()
  local schema = require("ramus.train.recipe.plan_for").schema
  return {
    { name = "output", short = "-o", value = "FILE", wants = "a file that ends in .lua", help = "write the recipe", unless = "only shown" },
    { name = "gflop", value = "N", number = true, min = 0.01, help = schema.gflop.help, default = schema.gflop.default },
    { name = "memory", value = "MB", number = true, min = 1, help = schema.memory.help, default = schema.memory.default },
    { name = "split", value = "NAME", wants = "a split's name", default = schema.split.default, help = "7:1:2, .., as data.split of a recipe" },
    command.DATA_ROOT, command.OFFLINE, command.JSON,
  }
end

return {
  name = "plan", order = 9.5, words = "SET|FOLDER", flags = flags(),
  example = "ramus plan pictures -o planned.lua",
  help = "choose depth, width, crop and batch for a data set, by the rules of nnU-Net, and say why",
  run = function(words, given)
    if #words ~= 1 then return false, ("plan wants one data set or folder, given %d; ramus datasets lists the sets"):format(#words), 2 end
    local plan_for, text, files = require "ramus.train.recipe.plan_for", require "ramus.train.recipe.plan_text", require "ramus.base.files"
    if given.output and (not given.output:match "%.lua$" or files.exists(given.output)) then
      return false, ("-o %s: wants the name of a new file that ends in .lua"):format(given.output), 2
    end
    local out = require("ramus.base.progress").new { to = io.stderr }
    local p, err = plan_for(words[1], { gflop = given.gflop, memory = given.memory, split = given.split, data_root = given["data-root"],
      offline = given.offline, out = out })
    out:clear()
    if not p then return false, err end
    if given.json then
      require("ramus.base.json").print { set = p.facts.title, depth = p.depth, width = p.width, crop = p.crop, batch = p.batch, gflop = p.gflop,
        memory_mb = p.memory, parameters = p.model:count(), why = p.why }
    else print(text.of(p)) end
    if given.output then
      local ok, why = files.write(given.output, text.recipe(p))
      if not ok then return false, why end
      if not given.json then require("ramus.base.talk").note(("the recipe is in %s; ramus train %s"):format(given.output, given.output)) end
    end
    return 0
  end,
}
