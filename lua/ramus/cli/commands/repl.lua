--- ramus without a command: the REPL.
return {
  name = "repl", order = 1, help = "explore: tensors, models and images as values",
  example = "ramus",
  run = function(words)
    if #words > 0 then return false, ("repl takes no argument, given '%s'"):format(words[1]), 2 end
    require("ramus.base.paths").open()
    return require("ramus.cli.repl").main()
  end,
}
