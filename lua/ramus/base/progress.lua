--- The output of a long job: one live line on a terminal, plain lines elsewhere.
local ffi = require "ramus.base.ffi"
local talk = require "ramus.base.talk"

local progress = {}
local Progress = {}
Progress.__index = Progress

--- quiet: print nothing but warnings (the command's --quiet: nothing but answers and warnings); also(text): receives every whole line; to:
-- io.stderr instead of standard output; about: what the job works on, which warnings name where nothing else does. `warnings` is the list of those so far.
function progress.new(given)
  local o = given or {}
  local to = o.to or io.stdout
  local quiet = o.quiet or talk.quiet
  local live = not quiet and ffi.is_terminal(to == io.stderr and 2 or 1)
  return setmetatable({ to = to, live = live, quiet = quiet, mute = o.quiet, also = o.also, about = o.about, last = 0, width = 0, warnings = {},
    said = {} }, Progress)
end

--- A warning: to standard error, to the log, and into the list `warnings`, which --json shows. The same text is said once, and of a kind
-- (a word, [opt]) only the first.
function Progress:warn(text, kind)
  for _, earlier in ipairs(self.warnings) do if earlier == text then return end end
  if kind and self.said[kind] then return end
  if kind then self.said[kind] = true end
  self.warnings[#self.warnings + 1] = text
  if self.also then self.also("warning: " .. text) end
  self:clear()
  io.stderr:write("warning: ", self.quiet and self.about and self.about .. ": " or "", text, "\n")
end

--- Takes the live line, or the live lines of a block, away.
function Progress:clear()
  if self.live and self.height then self.to:write("\r", self.height > 1 and ("\27[%dA"):format(self.height - 1) or "", "\27[J")
  elseif self.live and self.width > 0 then self.to:write("\r", (" "):rep(self.width), "\r") end
  if self.live then self.to:flush() end
  self.width, self.height = 0, nil
end

--- Prints a whole line, which stays.
function Progress:line(text)
  if self.also then self.also(text) end
  if self.quiet then return end
  self:clear()
  self.to:write(text, "\n")
  self.to:flush()
end

--- Prints an answer: what was asked for, which --quiet prints too.
function Progress:answer(text)
  local kept = self.quiet
  self.quiet = self.mute
  self:line(text)
  self.quiet = kept
end

--- Prints a line unless it was printed before.
function Progress:once(text)
  if not self.said[text] then self:line(text) end
  self.said[text] = true
end

--- Updates the live line, or lines where the text has several, at most ten times a second; does nothing without a terminal.
function Progress:update(text, force)
  if not self.live then return end
  local now = ffi.C.ra_clock()
  if not force and now - self.last < 0.1 then return end
  self.last = now
  if text:find("\n", 1, true) then
    local lines = {}
    for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
    return self:block(lines)
  end
  if self.height then self:clear() end
  self.to:write("\r", text, (" "):rep(math.max(0, self.width - #text)))
  self.to:flush()
  self.width = #text
end

--- Shows lines in the place of the live line; those too many or too long for the terminal are cut. An empty list removes them.
function Progress:block(lines)
  if not self.live then return end
  local columns, rows = ffi.terminal_size(self.to == io.stderr and 2 or 1)
  local shown = {}
  for i = 1, math.min(#lines, rows - 1) do shown[i] = lines[i]:sub(1, columns - 1) end
  self:clear()
  self.to:write(table.concat(shown, "\n"))
  self.to:flush()
  self.height = #shown > 0 and #shown or nil
end

--- 75 -> "1:15", 3700 -> "1:01:40"
function progress.time(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s / 3600, s / 60 % 60, s % 60) end
  return ("%d:%02d"):format(s / 60, s % 60)
end

return progress
