--- ramus count: how many parameters a model of defaults has.
local command = require "ramus.cli.command"

return {
  name = "count", words = "MODEL", help = "count the parameters of a model",
  flags = { { name = "channels", value = "N", number = true, min = 1, help = "of the input" }, command.JSON },
  run = function(words, given)
    if not words[1] then return false, "count wants a model's name", 2 end
    local n = require("ramus.lang.models")[words[1]] { channels = given.channels }:count()
    print(given.json and require("ramus.base.json").encode { parameters = n } or n .. " parameters")
    return 0
  end,
}
