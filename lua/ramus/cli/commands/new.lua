--- ramus new: a commented file to begin with, see skeletons.lua.
local command = require "ramus.cli.command"

return {
  name = "new", order = 3.5, words = "recipe|model|dataset|study NAME", one_of = { "recipe", "model", "dataset", "study" }, example = "ramus new recipe mine",
  help = "write a commented NAME.lua that runs as it is, to begin with", flags = { command.JSON },
  run = function(words, given)
    local options, files, talk = require "ramus.base.options", require "ramus.base.files", require "ramus.base.talk"
    local skeletons, kind, name = require "ramus.cli.skeletons", words[1], words[2]
    if #words ~= 2 then return false, "new wants what to write and a name, as recipe mine", 2 end
    if not skeletons[kind] then return false, options.unknown("kind", kind, { "recipe", "model", "dataset", "study" }), 2 end
    name = name:gsub("%.lua$", "")
    if not name:match "^%a[%w_]*$" then return false, ("new: '%s' must be a name of letters, digits and _, which begins with a letter"):format(name), 2 end
    local path = name .. ".lua"
    if files.exists(path) then return false, ("%s exists already; nothing was written"):format(path) end
    if kind == "model" and require("ramus.lang.models").find(name) then
      return false, ("new: there is an architecture %s already; choose another name"):format(name), 2
    end
    local text = skeletons[kind].text:gsub("@NAME@", name)
    local after = skeletons[kind].next:gsub("@NAME@", name)
    local ok, err = files.write(path, text)
    if not ok then return false, err end
    if given.json then require("ramus.base.json").print { file = path, kind = kind, next = after }
    elseif kind == "dataset" then talk.note(("wrote %s; put pictures into %s/images and masks into %s/masks, then: %s"):format(path, name, name, after))
    else talk.note(("wrote %s; next: %s"):format(path, after)) end
    return 0
  end,
}
