--- Who works on which cell, where several processes, on one machine or on several with a shared folder, run one study.
--
--   local c = claims.new(runs)
--   c:take(key)        true where the cell is this process's from now on; false where another has it
--   c:beat()           now and then, while cells are held: says that this process is alive
--   c:give(key)        it is no longer this process's
--
-- A claim is a folder runs/KEY.claim with a file that says whose it is. It is made beside and gets its name by a rename, which fails where a
-- folder of that name has something in it: so one process has it, whatever the number and the file system. A process that died is known by
-- its number and start on the same machine; on another by a file that has not changed for STALE seconds, as this process has seen it.
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local C = ffi.C

local claims = { STALE = 120 }
local Claims = {}
Claims.__index = Claims

local BEAT = 15 -- seconds

--- When a process began, in ticks of its machine; nil where there is none (or the system does not say).
local function start_of(pid)
  local text = files.read(("/proc/%s/stat"):format(pid))
  local n, rest = 0, text and text:match "^%d+ %(.*%) (.*)$"
  for word in (rest or ""):gmatch "%S+" do
    n = n + 1
    if n == 20 then return word end
  end
end

--- Removes folders that processes of this machine had for themselves when they were killed.
local function sweep(runs, host)
  for _, name in ipairs(files.list(runs, { hidden = true }) or {}) do
    local of, pid = name:match "^%.[^.]+%.(.*)%.(%d+)%.%a%a%a/$"
    if of == host and not start_of(pid) then C.ra_path_remove(runs .. "/" .. name) end
  end
end

--- runs: the folder. me [opt]: { host =, pid =, start = }, for tests.
function claims.new(runs, me)
  if not me then
    local pid = (files.read "/proc/self/stat" or "0"):match "^%d+"
    me = { host = (files.read "/proc/sys/kernel/hostname" or "?"):match "%S+", pid = pid, start = start_of(pid) or "?" }
  end
  sweep(runs, me.host)
  return setmetatable({ runs = runs, me = me, beats = 0, last = C.ra_clock(), held = {}, seen = {} }, Claims)
end

function Claims:place(key) return ("%s/%s.claim"):format(self.runs, key) end

--- A folder of this process alone.
function Claims:own(key, what) return ("%s/.%s.%s.%s.%s"):format(self.runs, key, self.me.host, self.me.pid, what) end

function Claims:text() return ("host %s\nprocess %s\nstarted %s\nbeat %d\n"):format(self.me.host, self.me.pid, self.me.start, self.beats) end

--- Whether the holder of a claim, which says `text` of itself, is gone.
function Claims:is_dead(key, text)
  local host, pid, start = text:match "^host (%S+)\nprocess (%S+)\nstarted (%S+)\n"
  if host == self.me.host then return start_of(pid) ~= start end
  local seen = self.seen[key]
  if not seen or seen.text ~= text then
    self.seen[key] = { text = text, at = C.ra_clock() }
    return false
  end
  return C.ra_clock() - seen.at > claims.STALE
end

--- Takes a claim away from a process that is gone; true where this one did.
function Claims:clear(key)
  local text = files.read(self:place(key) .. "/owner")
  if not text or not self:is_dead(key, text) then return false end
  local old = self:own(key, "old")
  C.ra_path_remove(old)
  if not os.rename(self:place(key), old) then return false end
  if files.read(old .. "/owner") ~= text then -- another was faster, and this is its new claim
    os.rename(old, self:place(key))
    return false
  end
  C.ra_path_remove(old)
  return true
end

--- nil and a message where the folder cannot be written.
function Claims:take(key)
  local new = self:own(key, "new")
  local ok, err = files.make_folder(new)
  if ok then ok, err = files.write(new .. "/owner", self:text()) end
  if not ok then return nil, err end
  local mine = os.rename(new, self:place(key)) or self:clear(key) and os.rename(new, self:place(key))
  if mine then self.held[key] = true else C.ra_path_remove(new) end
  return mine and true or false
end

function Claims:beat()
  if C.ra_clock() - self.last < BEAT then return end
  self.last, self.beats = C.ra_clock(), self.beats + 1
  for key in pairs(self.held) do files.write(self:place(key) .. "/owner", self:text()) end
end

function Claims:give(key)
  if not self.held[key] then return end
  self.held[key] = nil
  local old = self:own(key, "old")
  if os.rename(self:place(key), old) then C.ra_path_remove(old) end
end

return claims
