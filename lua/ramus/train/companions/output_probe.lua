--- log.outputs: what every output of the model is worth on the validation split, added to an epoch's line of metrics.jsonl as
--
--   outputs = { NAME = { dice =, patch_entropy =, agreement = { TEACHER =, .. } }, .. }
--
-- dice: of the mask at the validation's threshold; patch_entropy: in bits, see train/checks.lua; agreement: Dice of the masks that model and
-- teacher draw, the teacher being the one that rows read in this epoch. Each is the mean over the images that have one. Outputs of one
-- channel only: K classes have confusions instead.
local checks = require "ramus.train.checks"
local clock = require "ramus.train.clock"
local data = require "ramus.data.sets"
local ffi = require "ramus.base.ffi"
local F = require "ramus.lang.F"
local teacher = require "ramus.train.teacher"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local Probe = {}
Probe.__index = Probe

--- Names of the outputs of one channel.
local function plain_outputs(model)
  local names, channels = {}, model:output_channels()
  for _, name in ipairs(model:output_names()) do if channels[name] == 1 then names[#names + 1] = name end end
  return names
end

local function new(training)
  local o = training.recipe.log.outputs
  if not o then return nil end
  if not training.data.val then return nil, "log.outputs needs a validation split" end
  return setmetatable({ training = training, every = o.every, names = plain_outputs(training.model), epochs = teacher.epochs(training.recipe) }, Probe)
end

--- Logits of an image by output.
local function look(self, x)
  local given, found = { outputs = self.names, numerics = self.training.recipe.numerics }, {}
  for name, t in pairs(self.training.model:forward(x, given)) do found[name] = t:clone() end
  return found
end

--- Adds a value to a mean.
local function add(means, name, v)
  local m = means[name] or { sum = 0, n = 0 }
  if v == v then m.sum, m.n = m.sum + v, m.n + 1 end
  means[name] = m
end

--- Dice of logits against a mask, where seen.
local function dice(logits, mask, seen, cut) return C.ra_metric_dice(ffi.data(logits), ffi.data(mask), ffi.data(seen), mask.size, cut) end

--- The mask that logits draw.
local function drawn(logits, cut)
  local mask = tensor.zeros(unpack(logits.shape))
  local from, to = ffi.data(logits), ffi.data(mask)
  for i = 0, tonumber(logits.size) - 1 do to[i] = from[i] >= cut and 1 or 0 end
  return mask
end

--- The teachers whose rows act in this epoch, by name.
local function present(self)
  local list, epoch = {}, self.training.state.epoch
  for name, one in pairs(self.training.teachers) do
    if epoch >= self.epochs[name].first then list[name] = one end
  end
  return list
end

--- One image: its values go into means, { OUTPUT = { dice =, patch_entropy =, [TEACHER] = } }.
local function one_image(self, means, teachers, x, mask, seen, cut)
  local mine = look(self, x)
  for name, logits in pairs(mine) do
    add(means[name], "dice", dice(logits, mask, seen, cut))
    local H, W = logits.dim[2], logits.dim[3]
    add(means[name], "patch_entropy", checks.patch_entropy(F.sigmoid(logits):reshape(H, W)).mean)
  end
  for which, one in pairs(teachers) do
    local theirs = teacher.instead(self.training.model, one.block, function() return look(self, x) end)
    for name, logits in pairs(theirs) do add(means[name], "of " .. which, dice(mine[name], drawn(logits, cut), seen, cut)) end
  end
end

local function mean(m) return m and m.n > 0 and m.sum / m.n or nil end

function Probe:record(entry)
  local training = self.training
  local r, d, epoch = training.recipe, training.data, training.state.epoch
  if epoch % self.every ~= 0 and epoch + 1 ~= clock.length(r) then return true end
  local cut, means, teachers = data.cut(r.validate.threshold), {}, present(self)
  for _, name in ipairs(self.names) do means[name] = {} end
  local ok, err = data.each_picture(d.val, { fields = data.scored_fields(d.set.fields), set = d.set.fields, channels = d.channels, prepare = d.prepare },
    function(_, x, mask, fov)
      one_image(self, means, teachers, x, mask, fov, cut)
      return true
    end)
  if not ok then return nil, err end
  entry.outputs = {}
  for name, m in pairs(means) do
    local agreement = {}
    for which in pairs(teachers) do agreement[which] = mean(m["of " .. which]) end
    entry.outputs[name] = { dice = mean(m.dice), patch_entropy = mean(m.patch_entropy), agreement = next(agreement) and agreement or nil }
  end
  return true
end

return { new = new }
