--- ramus demo: see ramus.cli.demo.
return {
  name = "demo", order = 9, help = "train and evaluate a segmenter on synthetic angiograms in a few minutes, with overlays",
  example = "ramus demo",
  flags = { { name = "run", value = "DIR", wants = "a folder", help = "folder of the run", default = "runs/demo" },
    { name = "data-root", value = "DIR", wants = "a folder", help = "where the images are made", unless = "the folder data of the run" } },
  run = function(words, given)
    if #words > 0 then return false, ("demo takes no argument, given '%s'"):format(words[1]), 2 end
    local ok, err, kind = require "ramus.cli.demo" { run = given.run, data_root = given["data-root"] }
    if kind == "interrupted" then return 130 end
    if not ok then return false, err end
    return 0
  end,
}
