--- ramus predict: a run, a model file, or the model in the box, on images.
local box = require "ramus.train.predict.in_the_box"
local command = require "ramus.cli.command"

return {
  name = "predict", order = 6, words = "[RUN] IMAGE...", help = "masks (or labels of classes), probabilities and overlays for files and folders",
  example = "ramus predict runs/first angiograms -o out",
  flags = command.flags {
    { name = "output", short = "-o", value = "DIR", wants = "a folder", help = "folder of the results", default = "predictions" },
    { name = "model", value = "RUN", wants = "a run or a model file", help = "run or model file",
      unless = "the first word where it is one, else the model in the box" },
    command.THRESHOLD, command.WAY,
    { name = "range", value = "LOW,HIGH", wants = "two numbers or auto", unless = "as the run was trained",
      help = "numbers of the files that are black and white, or auto: percentiles 0.5 and 99.5 of each image" },
    { name = "pattern", value = "GLOB", wants = "a glob", unless = "all that can be read",
      help = "files of a folder that are taken, as '*.png' or '[0-9]?.tif', whatever their endings" },
    { name = "probabilities", help = "write the probabilities as NAME_probabilities.npy too, of a model with classes [K,H,W]" },
    { name = "as", value = "FORMS", one_of = { "nifti", "rle", "svg" }, list = true, unless = "PNG alone",
      help = "further forms of the masks, several as nifti,rle: NAME_mask.nii with class numbers, NAME_rle.json with COCO's run lengths, NAME_contours.svg" },
    { name = "frames", value = "WHICH", wants = "all, best, or numbers from 0 as 1,5-9", help = "frames of films", unless = "the first" },
    { name = "force", help = "replace files that predict did not write" }, command.JSON,
  },
  run = function(words, given)
    local model, images, told = box.choose(words, given.model)
    if not model then return false, images, told and 2 or nil end
    local wrong = given.frames and require("ramus.train.predict.frames").check(given.frames)
    if wrong then return false, "predict: --" .. wrong, 2 end
    local forms
    if given.as then
      forms = {}
      for word in given.as:gmatch "[^,]+" do forms[#forms + 1] = word end
    end
    local range
    if given.range then range, wrong = require("ramus.data.scale").parse(given.range) end
    if wrong then return false, wrong, 2 end
    local out = require("ramus.base.progress").new { quiet = given.json }
    local o = command.options(command.WAY, given, { output = given.output, threshold = given.threshold, range = range, pattern = given.pattern,
      frames = given.frames, force = given.force, probabilities = given.probabilities, as = forms, out = out })
    if told then out:line(told) end
    local results, failed = require "ramus.train.predict" (model, images, o)
    if not results then return false, failed end
    if given.json then
      local list = { unpack(results) }
      for _, f in ipairs(failed) do list[#list + 1] = f end
      require("ramus.base.json").print(list)
    end
    for _, f in ipairs(failed) do command.complain(f.error) end
    if #failed > 0 then return false, ("%d of %d images failed, listed above"):format(#failed, #failed + #results) end
    return 0
  end,
}
