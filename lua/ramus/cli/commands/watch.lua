--- ramus watch: the story of a run, live in the terminal while it trains.

--- Redraws the story until the run is no longer running; the exit status, or false and a message.
local function follow(path, every)
  local ffi, story = require "ramus.base.ffi", require "ramus.train.story"
  local plain = os.getenv "TERM" == "dumb" or os.getenv "RAMUS_GRAPHICS" == "characters"
  io.write "\27[2J"
  while true do
    local columns, rows = ffi.terminal_size(1)
    local lines, state = story.lines(path, { columns = columns - 1, rows = rows - 1, plain = plain })
    if not lines then return false, state end
    io.write("\27[H", table.concat(lines, "\27[K\n"), "\27[K\n\27[J")
    io.flush()
    if state ~= "running" then return 0 end
    ffi.C.ra_sleep(every)
  end
end

return {
  name = "watch", order = 6.05, words = "RUN", example = "ramus watch runs/first",
  help = "show a run live while it trains, also over ssh: state, time left, curves, every term; of a run that has ended, once. Reads files only",
  flags = {
    { name = "every", value = "SECONDS", number = true, min = 0.2, default = 2, help = "seconds between two looks" },
    { name = "once", help = "print it once; so it is where standard output is no terminal" },
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("watch wants one run, given %d"):format(#words), 2 end
    local ffi, path = require "ramus.base.ffi", words[1]:gsub("(.)/+$", "%1")
    if not given.once and ffi.is_terminal(1) then return follow(path, given.every) end
    local lines, err = require("ramus.train.story").lines(path, { columns = 79, rows = 40, plain = true })
    if not lines then return false, err end
    print(table.concat(lines, "\n"))
    return 0
  end,
}
