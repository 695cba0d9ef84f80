--- Where the time of an epoch goes: parts that add up to the whole, as a line of timing.jsonl and as text.
--
--   local p = profile.new()
--   p:start()                       -- the epoch begins
--   local before = profile.now()
--   ...
--   p:add("plan", before)           -- what ran since then was the plan
--   p:finish()                      -- the epoch is over; what no part took is "other"
local ffi = require "ramus.base.ffi"

local profile = { now = ffi.C.ra_clock }
local Profile = {}
Profile.__index = Profile

--- Key in timing.jsonl and what it is.
local PARTS = {
  { "plan", "the plan: teacher, student, losses, backward" },
  { "optimizer", "optimizer and averages" },
  { "waited_for_data", "waiting for data" },
  { "validation", "validation" },
  { "saving", "saving checkpoints" },
  { "other", "Lua, logging and the rest" },
}

function profile.new() return setmetatable({ seconds = {}, began = profile.now() }, Profile) end

function Profile:start() self.seconds, self.began = {}, profile.now() end

function Profile:add(part, since) self.seconds[part] = (self.seconds[part] or 0) + profile.now() - since end

function Profile:finish()
  self.whole = profile.now() - self.began
  local known = 0
  for _, p in ipairs(PARTS) do known = known + (p[1] ~= "other" and self.seconds[p[1]] or 0) end
  self.seconds.other = math.max(0, self.whole - known)
end

--- Adds the parts, and seconds for the whole, to a table.
function Profile:into(entry)
  entry.seconds = self.whole
  for _, p in ipairs(PARTS) do entry[p[1]] = self.seconds[p[1]] or 0 end
  return entry
end

--- Lines of seconds and percent, and one text per plan (from describe) behind them.
function Profile:text(title, plans)
  local lines = { title }
  for _, p in ipairs(PARTS) do
    local s = self.seconds[p[1]] or 0
    lines[#lines + 1] = ("  %8.3f s %5.1f %%  %s"):format(s, 100 * s / self.whole, p[2])
  end
  for _, text in ipairs(plans) do lines[#lines + 1] = "\n" .. text end
  return table.concat(lines, "\n") .. "\n"
end

return profile
