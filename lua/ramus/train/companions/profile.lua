--- Where the time of an epoch goes: parts that add up to the whole, as a line of timing.jsonl and, where the recipe says
-- profile = true, as profile.txt with the speed of every step of the plans.
--
--   profile:start()                       -- the epoch begins
--   local before = profile.now()
--   ...
--   profile:add("plan", before)           -- what ran since then was the plan
local ffi = require "ramus.base.ffi"

local profile = { now = ffi.C.ra_clock }
local Profile = {}
Profile.__index = Profile
Profile.now = profile.now

--- Keys in timing.jsonl with their meaning. OTHER is the remaining time.
local OTHER = "other"
local PARTS = {
  { "plan", "the plan: teacher, student, losses, backward" },
  { "exchange", "exchange between ranks, waiting for them included" },
  { "optimizer", "optimizer and averages" },
  { "waited_for_data", "waiting for data" },
  { "validation", "validation" },
  { "saving", "saving checkpoints" },
  { OTHER, "Lua, logging and the rest" },
}

function profile.new(training) return setmetatable({ training = training, seconds = {}, began = profile.now() }, Profile) end

function Profile:start() self.seconds, self.began, self.cpu = {}, profile.now(), os.clock() end

function Profile:add(part, since) self.seconds[part] = (self.seconds[part] or 0) + profile.now() - since end

--- Computes the epoch's total and remaining time at its end.
local function finish(self)
  self.whole = profile.now() - self.began
  local known = 0
  for _, p in ipairs(PARTS) do known = known + (p[1] ~= OTHER and self.seconds[p[1]] or 0) end
  self.seconds[OTHER] = math.max(0, self.whole - known)
end

--- Lines of seconds and percent, then the plans that ran in the epoch.
local function text(self, result)
  local lines = { ("epoch %d: %.2f s, %d images"):format(result.epoch, self.whole, result.images) }
  for _, p in ipairs(PARTS) do
    local s = self.seconds[p[1]] or 0
    lines[#lines + 1] = ("  %8.3f s %5.1f %%  %s"):format(s, 100 * s / self.whole, p[2])
  end
  for _, v in pairs(self.training.steps.variants) do
    if v.last_epoch == result.epoch then lines[#lines + 1] = "\n" .. v.plan:describe() end
    v.plan:profile(true)
  end
  return table.concat(lines, "\n") .. "\n"
end

function Profile:after_save(result)
  finish(self)
  local run = self.training.run
  local entry = { epoch = result.epoch, images = result.images, seconds = self.whole, cpu_seconds = os.clock() - self.cpu }
  for _, p in ipairs(PARTS) do entry[p[1]] = self.seconds[p[1]] or 0 end
  local ok, err = run:record(entry, "timing")
  if not ok or not self.training.recipe.profile then return ok, err end
  return run:write("profile", text(self, result))
end

return profile
