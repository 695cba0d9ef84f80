--- ramus watch: the story of a run, live in the terminal while it trains.
local command = require "ramus.cli.command"

--- The part of the time that looking may take.
local SHARE = 0.01

--- Keeps the picture of a run: made anew where its checkpoint is another one, yet no more often than SHARE of the time allows.
local function painter(path)
  local current, C = require "ramus.train.current", require("ramus.base.ffi").C
  local opened, known, due = {}, nil, 0
  local picture, caption
  return function(state)
    local _, stamp = current.checkpoint(path)
    local now = C.ra_clock()
    stamp = ("%s %s"):format(state, tostring(stamp))
    if stamp ~= known and (now >= due or state ~= "running") then
      known = stamp
      picture, caption = current.picture(path, state, opened)
      due = C.ra_clock() + (C.ra_clock() - now) / SHARE
    end
    return picture, caption
  end
end

--- Redraws the story until the run is no longer running; the exit status, or false and a message.
local function follow(path, every, pictures)
  local ffi, story, terminal = require "ramus.base.ffi", require "ramus.train.run.story", require "ramus.draw.terminal"
  local C = ffi.C
  local view = terminal.view()
  local paint, state = pictures and painter(path), "running"
  C.ra_threads_set(1)
  io.write "\27[2J"
  while true do
    local began, columns, rows = C.ra_clock(), ffi.terminal_size(1)
    local picture, caption
    if paint then picture, caption = paint(state) end
    local lines
    lines, state = story.lines(path, { columns = columns - 1, rows = rows - 1, plain = view.mode == "characters", colours = view.colours,
      picture = picture, caption = caption })
    if not lines then return false, state end
    io.write("\27[H", table.concat(lines, "\27[K\n"), "\27[K\n\27[J")
    io.flush()
    if state ~= "running" then return 0 end
    C.ra_sleep(math.max(every, (C.ra_clock() - began) / SHARE))
  end
end

return {
  name = "watch", order = 6.05, words = "RUN", example = "ramus watch runs/first",
  help = "show a run live while it trains, also over ssh: state, time left, curves, every term, a picture as the model sees it now; of a run that has "
    .. "ended, once. Reads files only",
  flags = {
    { name = "every", value = "SECONDS", number = true, min = 0.2, default = 2,
      help = "seconds between two looks, at least; looking takes 1 % of the time at most" },
    { name = "once", help = "print it once; so it is where standard output is no terminal" },
    { name = "no-picture", help = "without the picture: the model is not run" }, command.PROGRAM, command.JSON,
  },
  run = function(words, given)
    if #words ~= 1 then return false, ("watch wants one run, given %d"):format(#words), 2 end
    command.trust(given)
    local ffi, story, path = require "ramus.base.ffi", require "ramus.train.run.story", words[1]:gsub("(.)/+$", "%1")
    if given.json then
      local facts, why = story.facts(path)
      if not facts then return false, why end
      require("ramus.base.json").print(facts)
      return 0
    end
    if not given.once and ffi.is_terminal(1) then return follow(path, given.every, not given["no-picture"]) end
    local facts, err = story.facts(path)
    if not facts then return false, err end
    local picture, caption
    if not given["no-picture"] then picture, caption = require("ramus.train.current").picture(path, facts.state, {}) end
    local lines = story.lines(path, { columns = 79, rows = 50, plain = true, picture = picture, caption = caption })
    print(table.concat(lines, "\n"))
    return 0
  end,
}
