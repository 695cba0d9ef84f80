--- ramus report: runs as one HTML file.
local command = require "ramus.cli.command"

return {
  name = "report", order = 7, words = "RUN...", help = "runs side by side as one HTML file: scores, curves, test images, recipes, cost",
  example = "ramus report runs/first runs/second -o report.html",
  flags = command.flags {
    { name = "output", short = "-o", value = "FILE", wants = "a file",
      help = "the file", unless = "report.html in the run's folder, or here for several runs" },
    { name = "no-pictures", help = "leave the test images out, which the file else embeds" },
    { name = "signs", help = "also sensitivity by vessel width and contrast, and patch entropy; runs the models on every test image" },
    command.PROGRAM, command.DATA_ROOT, command.JSON,
  },
  run = function(words, given)
    if #words < 1 then return false, "report wants one run folder or more, given none", 2 end
    command.trust(given)
    local result, err = require("ramus.report.report").write(words, { output = given.output, pictures = not given["no-pictures"], signs = given.signs,
      data_root = given["data-root"] })
    if not result then return false, err end
    if given.json then require("ramus.base.json").print(result)
    else
      for _, why in ipairs(result.without) do command.complain("no pictures of " .. why) end
      require("ramus.base.talk").note(("%s: %.2f MB, %d run%s%s"):format(result.file, result.bytes / 1e6, result.runs, result.runs == 1 and "" or "s",
        result.pictures > 0 and ", embeds " .. result.pictures .. " test images (--no-pictures leaves them out)" or ""))
    end
    return 0
  end,
}
