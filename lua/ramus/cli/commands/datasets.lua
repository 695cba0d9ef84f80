--- ramus datasets: the list of data sets.
local command = require "ramus.cli.command"

return {
  name = "datasets", order = 8, help = "list the known data sets, and which are in the data root", flags = { command.DATA_ROOT, command.JSON },
  run = function(words, given)
    if #words > 0 then return false, ("datasets takes no argument, given '%s'"):format(words[1]), 2 end
    local dataset = require "ramus.data.dataset"
    local list = {}
    for i, d in ipairs(dataset()) do
      local here = d.definition and not d.definition.schema and dataset.mark(dataset.place(d.definition, given["data-root"])) ~= nil
      list[i] = { name = d.name, title = d.title, here = here or false }
    end
    if given.json then
      print(require("ramus.base.json").encode(list))
      return 0
    end
    for _, d in ipairs(list) do print(("%-12s %-5s %s"):format(d.name, d.here and "here" or "", d.title)) end
    print("data root: " .. dataset.root(given["data-root"]))
    return 0
  end,
}
