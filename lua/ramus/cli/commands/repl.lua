--- ramus without a command: the REPL.
return {
  name = "repl", order = 1, help = "explore: tensors, models and pictures as values",
  run = function()
    require("ramus.base.paths").open()
    return require("ramus.cli.repl").main()
  end,
}
