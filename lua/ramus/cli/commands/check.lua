--- ramus check: what a data set is, and what is wrong with it.
local command = require "ramus.cli.command"

return {
  name = "check", order = 9, words = "SET|FOLDER",
  example = "ramus check pictures -o sheet.png",
  help = "decode every file of a data set: sizes, values, masks, duplicates, groups; status 1 where something is wrong",
  flags = {
    { name = "output", short = "-o", value = "PNG", wants = "a file that ends in .png",
      unless = "none",
      help = "contact sheet: every picture, the same with its mask and field of view, split and name" },
    { name = "most", value = "N", number = true, min = 1, default = 400, help = "pictures on the sheet; those with something wrong go first" },
    { name = "split", value = "NAME", wants = "a split's name", default = "usual", help = "7:1:2, .., as data.split of a recipe" },
    command.SET,
    command.ACCEPT_ODD, command.DATA_ROOT, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("check wants one data set or folder, given %d; ramus datasets lists the sets"):format(#words), 2 end
    local set_options, masks = command.settings(given.set)
    if not set_options then return false, masks, 2 end
    local dataset, sheet, text = require "ramus.data.dataset", require "ramus.data.audit.sheet", require "ramus.data.audit.text"
    if given.output then
      local free, why = sheet.is_free(given.output)
      if not free then return false, why, 2 end
    end
    local set, err = dataset.open(words[1], { root = given["data-root"], split = given.split, options = set_options, reading = masks })
    if not set then return false, err end
    local out = require("ramus.base.progress").new { to = io.stderr }
    local report
    report, err = require("ramus.data.audit").of(set, { out = out, accept_odd = given["accept-odd"] })
    if not report then return false, err end
    if given.output then
      local shown
      shown, err = sheet.write(given.output, report, set, { most = given.most, out = out })
      if not shown then return false, err end
      if not given.json then out:line(("%s shows %d of %d images"):format(given.output, shown, #report.images)) end
    end
    out:clear()
    if given.json then require("ramus.base.json").print(text.plain(report)) else print(text.of(report)) end
    if #report.wrong > 0 then return false, text.summary(report) end
    return 0
  end,
}
