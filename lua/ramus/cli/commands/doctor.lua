--- ramus doctor: what this build and machine can do, and what to do about what they cannot.
local command = require "ramus.cli.command"

return {
  name = "doctor", order = 11, example = "ramus doctor --json",
  help = "properties of this build and machine: processor, kernels, threads, libraries, terminal, data root, disk, network; with advice",
  flags = { { name = "offline", help = "do not look whether the network is there" }, command.DATA_ROOT, command.JSON },
  run = function(words, given)
    if #words > 0 then return false, ("doctor takes no argument, given '%s'"):format(words[1]), 2 end
    local doctor = require "ramus.cli.doctor"
    local d = doctor.look { data_root = given["data-root"], offline = given.offline }
    if given.json then require("ramus.base.json").print(d, 10)
    else print(require("ramus.base.show").wrapped(table.concat(doctor.lines(d), "\n"))) end
    return 0
  end,
}
