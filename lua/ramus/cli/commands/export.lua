--- ramus export: a run or a model file for other programs.
local command = require "ramus.cli.command"

return {
  name = "export", order = 6.5, words = "RUN FILE.onnx", help = "write a run or a model file as ONNX, for ONNX Runtime, OpenCV, TensorRT and the like",
  example = "ramus export runs/first model.onnx --fold",
  flags = command.flags {
    { name = "fold", help = "batch normalisation becomes part of the weights of the convolution before it" },
    { name = "outputs", value = "WHICH", wants = "main, all, or names",
      help = "main: the output that is scored; all: side outputs too; or names, as side1,side2", default = "main" },
    { name = "force", help = "replace a file that is there" }, command.JSON,
  },
  run = function(words, given)
    if #words ~= 2 then return false, ("export wants a run (or model file) and FILE.onnx, given %d words"):format(#words), 2 end
    if not words[2]:find "%.onnx$" then return false, ("export writes ONNX, a file that ends in .onnx; given %s"):format(words[2]), 2 end
    local which = given.outputs
    if which ~= "main" and which ~= "all" then
      local list = {}
      for name in which:gmatch "[^,]+" do list[#list + 1] = name end
      which = list
    end
    local result, err = require "ramus.train.export" (words[1], words[2], { fold = given.fold, outputs = which, force = given.force })
    if not result then return false, err end
    if given.json then require("ramus.base.json").print(result)
    else
      require("ramus.base.talk").note(("%s  %.1f MB, input image [batch,channels,height,width] in 0..1, outputs %s; classes %s%s"):format(
        result.file, 1e-6 * result.bytes, table.concat(result.outputs, ", "), table.concat(result.classes, ", "),
        #result.classes > 2 and "" or (", threshold %g"):format(result.threshold)))
    end
    return 0
  end,
}
