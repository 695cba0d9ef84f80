--- The output of several jobs at once: on a terminal one live line for each, below the lines that stay; whole lines elsewhere.
--
--   local l = lines.new { "a", "b" }          quiet = true: prints nothing
--   l:update(1, "download a.zip 3.1 MB")      the live line of job 1
--   l:line(1, "pinned: ..")                   a line that stays: "a: pinned: .."
--   l:close()                                 draws once more; the live lines stay as they are
local ffi = require "ramus.base.ffi"
local show = require "ramus.base.show"
local talk = require "ramus.base.talk"

local lines = {}
local Lines = {}
Lines.__index = Lines

function lines.new(names, given)
  local quiet = given and given.quiet or talk.quiet
  local self = setmetatable({ names = names, live = not quiet and ffi.is_terminal(1), quiet = quiet, text = {}, drawn = 0, last = 0, width = 0 }, Lines)
  for _, name in ipairs(names) do self.width = math.max(self.width, #name) end
  return self
end

--- Goes back to the first live line. Lines are cut at the terminal's edge, not wrapped, so that the cursor knows its way.
function Lines:erase()
  if self.drawn > 0 then io.write(("\27[%dA\r\27[J"):format(self.drawn)) end
  self.drawn = 0
end

function Lines:draw()
  self:erase()
  io.write "\27[?7l"
  for i, name in ipairs(self.names) do io.write(("%s  %s\n"):format(show.padded(name, self.width), self.text[i] or "")) end
  io.write "\27[?7h"
  self.drawn = #self.names
  io.flush()
end

--- At most ten times a second.
function Lines:update(i, text)
  self.text[i] = text
  if not self.live or ffi.C.ra_clock() - self.last < 0.1 then return end
  self.last = ffi.C.ra_clock()
  self:draw()
end

function Lines:line(i, text)
  if self.quiet then return end
  if self.live then self:erase() end
  io.write(self.names[i], ": ", text, "\n")
  if self.live then self:draw() end
  io.flush()
end

function Lines:close() if self.live then self:draw() end end

return lines
