local cli = {}

--- Runs the command line; returns the exit status.
function cli.main(args)
  if args[1] == "run" then
    local file = args[2]
    local shifted = { [0] = file }
    for i = 3, #args do shifted[i - 2] = args[i] end
    _G.arg = shifted
    local chunk, message = loadfile(file)
    if not chunk then
      io.stderr:write("ramus: ", message, "\n")
      return 2
    end
    chunk(unpack(shifted))
    return 0
  end
  return 2
end

return cli
