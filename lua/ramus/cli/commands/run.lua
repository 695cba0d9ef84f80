--- ramus run: a Lua script, as `lua FILE ARG...` runs it.
local command = require "ramus.cli.command"

return {
  name = "run", order = 2, words = "FILE [ARG]...", help = "run a Lua script; arg is set as lua does", raw = true,
  example = "ramus run script.lua one two",
  run = function(args)
    local file = args[2]
    if not file then return false, "run wants a file", 2 end
    local shifted = { [0] = file }
    for i = 3, #args do shifted[i - 2] = args[i] end
    _G.arg = shifted
    require("ramus.base.paths").open()
    local chunk, message = loadfile(file)
    if not chunk then return false, message end
    return command.run_chunk(chunk, unpack(shifted))
  end,
}
