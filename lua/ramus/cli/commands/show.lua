--- ramus show: what a file or folder holds.
local command = require "ramus.cli.command"

return {
  name = "show", order = 6.2, words = "FILE|RUN", example = "ramus show runs/first/best.safetensors",
  help = "say what a run, checkpoint, model, data set, file of results, scores or arrays, or a picture holds; nothing in it is run",
  flags = { command.JSON },
  run = function(words, given)
    if #words ~= 1 then return false, ("show wants one file or folder, given %d"):format(#words), 2 end
    local path = words[1]:gsub("(.)/+$", "%1")
    local c, err = require("ramus.study.contents").of(path)
    if not c then return false, err end
    if given.json then require("ramus.base.json").print(c, 10)
    else print(require("ramus.base.show").wrapped(table.concat(require("ramus.study.contents_text").lines(c), "\n"))) end
    return 0
  end,
}
