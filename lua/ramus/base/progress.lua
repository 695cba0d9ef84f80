--- The output of a long job: one live line on a terminal, plain lines elsewhere.
local ffi = require "ramus.base.ffi"

local progress = {}
local Progress = {}
Progress.__index = Progress

--- quiet: print nothing but warnings; also(text): receives every whole line. `warnings` is the list of those so far.
function progress.new(given)
  local o = given or {}
  return setmetatable({ live = not o.quiet and ffi.is_terminal(1), quiet = o.quiet, also = o.also, last = 0, width = 0, warnings = {}, said = {} }, Progress)
end

--- A warning: to standard error, to the log, and into the list `warnings`, which --json shows. The same text is said once, and of a kind
-- (a word, [opt]) only the first.
function Progress:warn(text, kind)
  for _, earlier in ipairs(self.warnings) do if earlier == text then return end end
  if kind and self.said[kind] then return end
  if kind then self.said[kind] = true end
  self.warnings[#self.warnings + 1] = text
  if self.also then self.also("warning: " .. text) end
  if self.live and self.width > 0 then
    io.write("\r", (" "):rep(self.width), "\r")
    io.flush()
    self.width = 0
  end
  io.stderr:write("warning: ", text, "\n")
end

--- Prints a whole line, which stays.
function Progress:line(text)
  if self.also then self.also(text) end
  if self.quiet then return end
  if self.live and self.width > 0 then io.write("\r", (" "):rep(self.width), "\r") end
  self.width = 0
  io.write(text, "\n")
  io.flush()
end

--- Prints a line unless it was printed before.
function Progress:once(text)
  if not self.said[text] then self:line(text) end
  self.said[text] = true
end

--- Updates the live line, at most ten times a second; does nothing without a terminal.
function Progress:update(text, force)
  if not self.live then return end
  local now = ffi.C.ra_clock()
  if not force and now - self.last < 0.1 then return end
  self.last = now
  io.write("\r", text, (" "):rep(math.max(0, self.width - #text)))
  io.flush()
  self.width = #text
end

--- 75 -> "1:15", 3700 -> "1:01:40"
function progress.time(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s / 3600, s / 60 % 60, s % 60) end
  return ("%d:%02d"):format(s / 60, s % 60)
end

return progress
