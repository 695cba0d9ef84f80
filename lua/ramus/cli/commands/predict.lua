--- ramus predict: a run, or a model file, on images.
local command = require "ramus.cli.command"

return {
  name = "predict", order = 6, words = "RUN IMAGE...", help = "probability, mask and overlay for files and folders",
  flags = {
    { name = "output", short = "-o", value = "DIR", wants = "a folder", help = "folder of the results; predictions unless given" },
    command.THRESHOLD,
    { name = "tile", value = "N", number = true, min = 16, help = "side of the tiles into which images are cut; they overlap by half" }, command.JSON,
  },
  run = function(words, given)
    if #words < 2 then return false, "predict wants a run (or model file) and images", 2 end
    local results, err = require "ramus.train.predict" (words[1], { unpack(words, 2) }, { output = given.output, threshold = given.threshold,
      tile = given.tile, out = not given.json and require("ramus.base.progress").new {} or nil })
    if not results then return false, err end
    if given.json then print(require("ramus.base.json").encode(results)) end
    return 0
  end,
}
