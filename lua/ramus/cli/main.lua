--- The command line: ramus COMMAND ... Exit status 0 done, 1 the world failed
-- (network, file, diverged), 2 wrong use, 130 interrupted with a checkpoint saved.
-- Each command is a file of commands/ (see command.lua).
require("ramus.base.paths").close()
require "ramus.base.interpreted"
local command = require "ramus.cli.command"
require "ramus" -- its earlier module names work in every script

local cli = {}

--- "ramus 0.1.0, commit 0f922fe, kernels 1a2b3c": release, commit, and a hash of what decides the bits of results.
function cli.version()
  local build = require "ramus.base.build"
  return ("ramus %s, commit %s, kernels %s"):format(build.version, build.commit, build.kernels)
end

--- Runs the command line; returns the exit status.
function cli.main(args)
  local name = args[1] or "repl"
  if name == "help" and args[2] then
    name = args[2]
    args = { name, "--help" }
  elseif name == "help" or name == "--help" or name == "-h" then
    print(command.overview())
    return 0
  end
  if name == "--version" or name == "-v" then
    print(cli.version())
    return 0
  end
  local fault = require("ramus.base.environment").fault()
  if fault then
    command.complain(fault)
    return 2
  end
  local found = command.find(name)
  if found then return command.call(found, args) end
  for _, f in ipairs(command.EVERY) do
    if name == "--" .. f.name then
      command.complain(("%s goes behind the command: ramus %s %s"):format(name, args[2] or "COMMAND", name))
      return 2
    end
  end
  command.complain(require("ramus.base.options").unknown("command", name, command.names()))
  io.stderr:write("ramus --help lists them\n")
  return 2
end

return cli
