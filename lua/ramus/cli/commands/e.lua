--- ramus -e: Lua code from the command line.
local command = require "ramus.cli.command"

return {
  name = "-e", order = 3, words = "CODE", help = "run Lua code; ra is require \"ramus\"", raw = true,
  example = "ramus -e 'print(ra.rand(2, 3))'",
  run = function(args)
    if not args[2] then return false, "-e wants code", 2 end
    local chunk, message = loadstring(args[2], "=-e")
    if not chunk then return false, message end
    require("ramus.base.paths").open()
    setfenv(chunk, setmetatable({}, { __index = function(_, k)
      if k == "ra" then return require "ramus" end
      return _G[k]
    end, __newindex = _G }))
    return command.run_chunk(chunk)
  end,
}
