--- ramus datasets: the list of data sets, facts of some, and how they are cited.
local command = require "ramus.cli.command"
local show = require "ramus.base.show"

local function list_all(given)
  local about, dataset = require "ramus.data.fetch.about", require "ramus.data.dataset"
  local root, list = dataset.root(given["data-root"]), {}
  for i, d in ipairs(dataset()) do
    local f = d.definition and about.facts(d.name, root)
    list[i] = { name = d.name, title = d.title, here = f and #f.here > 0 or false }
  end
  if given.json then
    print(require("ramus.base.json").encode(list))
    return 0
  end
  local width = 12
  for _, d in ipairs(list) do width = math.max(width, #d.name) end
  for _, d in ipairs(list) do print(("%s %-5s %s"):format(show.padded(d.name, width), d.here and "here" or "", d.title)) end
  require("ramus.base.talk").note("data root: " .. root)
  return 0
end

return {
  name = "datasets", order = 8, words = "[SET]...", help = "list the known data sets, and which are in the data root; facts of SET, or how it is cited",
  example = "ramus datasets cimat80 --cite",
  flags = { { name = "cite", help = "the citation of SET, as text and as BibTeX" }, command.DATA_ROOT, command.JSON },
  run = function(words, given)
    if #words == 0 and given.cite then return false, "--cite wants a data set; ramus datasets lists them", 2 end
    if #words == 0 then return list_all(given) end
    local about, dataset, files, list = require "ramus.data.fetch.about", require "ramus.data.dataset", require "ramus.base.files", {}
    for i, word in ipairs(words) do
      local facts, err = about.facts(word, dataset.root(given["data-root"]))
      if not facts then return false, err, not files.is_folder(word) and 2 or nil end
      list[i] = not given.cite and facts or { name = facts.name, citation = facts.citation, bibtex = facts.bibtex, licence = facts.licence }
    end
    if given.json then
      require("ramus.base.json").print(list)
      return 0
    end
    for i, f in ipairs(list) do
      if i > 1 then print() end
      if given.cite then print(require("ramus.data.fetch.citation").text(assert(dataset.find(words[i]))))
      else print(table.concat(about.lines(f), "\n")) end
    end
    return 0
  end,
}
