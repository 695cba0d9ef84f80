--- Teachers: a past self of the model, with whose outputs those of the student are compared. A recipe has one, `teacher`, or several by
-- name, `teachers`; rows read "teacher.out" or "NAME.out".
--
-- A teacher has one block of values at a fixed address, which plans refer to. The kind decides which values are copied into it, and when:
--   last_epoch  the end of the epoch before (the paper)
--   ago         the end of the epoch `k` before
--   best        the end of the epoch with the best validation Dice so far
--   ema         after every step: decay * itself + (1 - decay) * the model
--   run         another run's model, never changed
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local teacher = {}
local Teacher = {}
Teacher.__index = Teacher

--- The teachers of a recipe, { { name =, spec = }, .. } by name.
function teacher.of(r)
  local list = {}
  if r.teacher then list[1] = { name = "teacher", spec = r.teacher } end
  for _, name in ipairs(options.names(r.teachers or {})) do list[#list + 1] = { name = name, spec = r.teachers[name] } end
  return list
end

--- A message where a recipe's teachers cannot be, else nil.
function teacher.wrong(r)
  if r.teacher and r.teachers and r.teachers.teacher then return "recipe.teachers: 'teacher' is given by recipe.teacher already; name it otherwise" end
  for _, t in ipairs(teacher.of(r)) do
    local where, spec = t.name == "teacher" and r.teacher and "recipe.teacher" or "recipe.teachers." .. t.name, t.spec
    if spec.kind == "run" and not spec.path then return where .. ": kind = \"run\" needs path" end
    if spec.kind == "best" and r.data.val == false then return where .. ": kind = \"best\" needs a validation split, and data.val is false" end
    if spec.till and spec.till <= (spec.from or 0) then return ("%s: till = %d must be larger than from = %d"):format(where, spec.till, spec.from or 0) end
  end
end

--- The epochs in which rows may read each teacher of a recipe, { NAME = { first =, till = [opt] } }.
function teacher.epochs(r)
  local epochs = {}
  for _, t in ipairs(teacher.of(r)) do
    epochs[t.name] = { first = math.max(teacher.first_epoch(t.spec, r.validate.every), t.spec.from or 0), till = t.spec.till }
  end
  return epochs
end

--- "teacher ema decay=0.98", "teacher past: last_epoch, epochs 5 to 9" as it is printed before training.
function teacher.text(t)
  local s = t.spec
  local text = s.kind .. (s.kind == "ago" and " k=" .. s.k or s.kind == "ema" and " decay=" .. s.decay or "")
  if s.from or s.till then text = text .. (", read from epoch %d%s"):format(s.from or 0, s.till and " to " .. s.till - 1 or "") end
  return t.name == "teacher" and "teacher " .. text or ("teacher %s: %s"):format(t.name, text)
end

--- The first epoch in which a teacher of this kind exists. every: epochs from one validation to the next.
function teacher.first_epoch(spec, every)
  if spec.kind == "ema" or spec.kind == "run" then return 0 end
  if spec.kind == "best" then return every end
  return spec.kind == "ago" and spec.k or 1
end

--- name: of its arrays in a checkpoint and of the rows' against, "teacher" unless given. nil and a message where the other run's model does not
-- fit.
function teacher.new(spec, model, name)
  local prefix = (name or "teacher") == "teacher" and "teacher." or "teachers." .. name .. "."
  local self = setmetatable({ spec = spec, block = model:snapshot(), queue = {}, prefix = prefix }, Teacher)
  if spec.kind == "run" then
    local other, err = require("ramus.train.checkpoint").load_model(spec.path)
    if not other then return nil, "teacher: " .. err end
    for _, p in ipairs(model.entries) do
      local value = other.values[p.name]
      if not value or tensor.shape_text(value) ~= tensor.shape_text(self.block.values[p.name]) then
        return nil, ("teacher: %s has no '%s' of shape %s; it must have the model's architecture"):format(spec.path, p.name,
          tensor.shape_text(self.block.values[p.name]))
      end
      self.block.values[p.name]:copy(value)
    end
  end
  return self
end

local function copy_block(to, from)
  to.flat:copy(from.flat)
  to.flat_buffers:copy(from.flat_buffers)
end

--- Calls f with the values of a block (see Model:snapshot) in the model's place; returns what f does.
function teacher.instead(model, block, f)
  local kept = model:snapshot()
  copy_block(model, block)
  local a, b = f()
  copy_block(model, kept)
  return a, b
end

function Teacher:after_step(model)
  if self.spec.kind ~= "ema" then return end
  C.ra_ema_update(self.block.flat, model.flat, self.spec.decay)
  C.ra_ema_update(self.block.flat_buffers, model.flat_buffers, self.spec.decay)
end

--- is_best: this epoch's validation is the best so far (or there is none).
function Teacher:after_epoch(model, is_best)
  local kind = self.spec.kind
  if kind == "last_epoch" or (kind == "best" and is_best) then
    copy_block(self.block, model)
  elseif kind == "ago" then
    table.insert(self.queue, model:snapshot())
    if #self.queue == self.spec.k then copy_block(self.block, table.remove(self.queue, 1)) end
  end
end

--- Arrays for a checkpoint.
function Teacher:arrays()
  local prefix = self.prefix
  local arrays = { [prefix .. "flat"] = self.block.flat, [prefix .. "buffers"] = self.block.flat_buffers }
  for i, b in ipairs(self.queue) do
    arrays[("%sago%d.flat"):format(prefix, i)], arrays[("%sago%d.buffers"):format(prefix, i)] = b.flat, b.flat_buffers
  end
  return arrays
end

--- Restores them from a checkpoint; nil and a message where one is missing.
function Teacher:restore(file, model)
  local function take(name, into)
    local t, err = file:get(self.prefix .. name)
    if not t then return nil, err end
    into:copy(t)
    return true
  end
  local ok, err = take("flat", self.block.flat)
  if ok then ok, err = take("buffers", self.block.flat_buffers) end
  if not ok then return nil, err end
  self.queue = {}
  local i = 1
  while file:has(("%sago%d.flat"):format(self.prefix, i)) do
    local b = model:snapshot()
    ok, err = take(("ago%d.flat"):format(i), b.flat)
    if ok then ok, err = take(("ago%d.buffers"):format(i), b.flat_buffers) end
    if not ok then return nil, err end
    self.queue[i] = b
    i = i + 1
  end
  return true
end

return teacher
