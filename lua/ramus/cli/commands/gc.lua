--- ramus gc: what can be deleted, and how many bytes; deletes with --yes only.
local command = require "ramus.cli.command"

return {
  name = "gc", order = 6.5, words = "[DIR]", example = "ramus gc runs --yes",
  help = "list leftovers of what was stopped (in the data root and in DIR, runs unless given) and caches, with their bytes; --yes deletes them",
  flags = {
    { name = "yes", help = "delete what is listed" },
    { name = "all", help = "downloads and prepared data sets too, which must be fetched again" },
    command.DATA_ROOT, command.JSON,
  },
  run = function(words, given)
    if #words > 1 then return false, ("gc wants one folder, given %d"):format(#words), 2 end
    local files, show, talk = require "ramus.base.files", require "ramus.base.show", require "ramus.base.talk"
    local leftovers = require "ramus.train.run.leftovers"
    local folder = (words[1] or "runs"):gsub("(.)/+$", "%1")
    local none = words[1] and files.no_folder(folder)
    if none then return false, "gc: " .. none end
    local list = leftovers.find { data_root = given["data-root"], runs = folder, all = given.all }
    local sum, freed, failed = 0, nil, {}
    for _, entry in ipairs(list) do sum = sum + entry.bytes end
    if given.yes then freed, failed = leftovers.remove(list) end
    if given.json then
      local json = require "ramus.base.json"
      json.print({ entries = json.list(list), bytes = sum, freed = freed or 0, failed = json.list(failed) }, 15)
    else
      local rows = {}
      for i, entry in ipairs(list) do rows[i] = { entry.kind, show.bytes(entry.bytes), entry.path } end
      for _, line in ipairs(show.columns(rows, { [2] = true })) do print(line) end
      if #list == 0 then talk.note("nothing can go")
      elseif freed then talk.note(("%s freed"):format(show.bytes(freed)))
      else talk.note(("%s can go; ramus gc --yes deletes it, nothing was deleted"):format(show.bytes(sum))) end
    end
    if #failed > 0 then return false, table.concat(failed, "\n") end
    return 0
  end,
}
