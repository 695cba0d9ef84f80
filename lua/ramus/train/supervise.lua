--- Supervision: the rows of a recipe's `supervise` table, checked, expanded to
-- terms, and recorded into a graph.
--
-- A row { at =, loss =, against =, weight =, from =, till = } asks that the
-- outputs that match `at` ("out", "side*") have a small `loss` against "mask",
-- "teacher.out" (the teacher's final output) or "teacher.same" (its output of
-- the same name). weight: a number, a schedule, or a list of them for the matches
-- in order. The row acts in epochs from <= t < till. A term is one row at one output.
local F = require "ramus.lang.F"
local loss = require "ramus.lang.loss"
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"

local supervise = {}
local Supervision = {}
Supervision.__index = Supervision

local function valid_weight(w) return type(w) == "number" or schedule.is(w) end

local row_schema = {
  at = { type = "string", required = true, help = "output, or a pattern with * as 'side*'" },
  loss = { type = "table", required = true, check = function(v) return loss.is(v) and v or nil, "must be a loss, as ra.loss.dice{}" end },
  against = { type = "string", default = "mask", one_of = { "mask", "teacher.out", "teacher.same" } },
  weight = { type = "number|table", default = 1 },
  from = { type = "integer", min = 0, default = 0, help = "first epoch" },
  till = { type = "integer", min = 1, help = "first epoch without the row" },
}

--- Outputs of the model that match a pattern, in order.
local function matches(pattern, outputs)
  local expression = "^" .. pattern:gsub("[%-%.%+%[%]%(%)%$%^%%%?]", "%%%0"):gsub("%*", ".*") .. "$"
  local found = {}
  for _, name in ipairs(outputs) do
    if name:match(expression) then found[#found + 1] = name end
  end
  return found
end

--- The weight of the i-th match of a row.
local function weight_of(row, i, count)
  local w = row.weight
  if valid_weight(w) then return w end
  if #w ~= count then return nil, ("weight lists %d values for %d outputs"):format(#w, count) end
  if not valid_weight(w[i]) then return nil, ("weight %d must be a number or a schedule, given %s"):format(i, options.show(w[i])) end
  return w[i]
end

--- Checks `rows` against a model's outputs; nil and a message where something is wrong.
-- teacher_from: the first epoch in which a teacher exists, nil where the recipe has none.
function supervise.new(rows, outputs, epochs, teacher_from)
  if type(rows) ~= "table" or #rows == 0 then return nil, "supervise: wants a list of rows, { { at = \"out\", loss = ra.loss.dice() } }" end
  local self = setmetatable({ terms = {}, rows = {}, epochs = epochs }, Supervision)
  for r, given in ipairs(rows) do
    local where = ("supervise row %d"):format(r)
    local row, err = options.validate(given, row_schema, where)
    if not row then return nil, err end
    local found = matches(row.at, outputs)
    if #found == 0 then
      return nil, ("%s: at = '%s' matches no output; %s"):format(where, row.at, options.unknown("output", row.at, outputs))
    end
    if row.against ~= "mask" and not teacher_from then
      return nil, ("%s: against = '%s', but the recipe has no teacher; add teacher = { kind = \"last_epoch\" }"):format(where, row.against)
    end
    if row.till and row.till <= row.from then return nil, ("%s: till = %d must be larger than from = %d"):format(where, row.till, row.from) end
    row.starts = row.from
    if row.against ~= "mask" then row.starts = math.max(row.from, teacher_from) end
    row.ends = math.min(row.till or epochs, epochs)
    self.rows[r] = row
    for i, name in ipairs(found) do
      local weight, why = weight_of(row, i, #found)
      if not weight then return nil, ("%s: %s"):format(where, why) end
      if type(weight) == "number" and not (weight >= 0 and weight < math.huge) then
        return nil, ("%s: weight must be finite and >= 0, given %s"):format(where, tostring(weight))
      end
      self.terms[#self.terms + 1] = { row = r, at = name, loss = row.loss, against = row.against, weight = weight,
        name = ("%s@%s"):format(row.loss.name, name), starts = row.starts, ends = row.ends }
    end
  end
  -- the same loss at the same output in two rows: the row tells them apart
  local count = {}
  for _, t in ipairs(self.terms) do count[t.name] = (count[t.name] or 0) + 1 end
  for _, t in ipairs(self.terms) do
    if count[t.name] > 1 then t.name = ("%s#%d"):format(t.name, t.row) end
  end
  for epoch = 0, epochs - 1 do
    local ok, active = pcall(self.active, self, epoch)
    if not ok then return nil, active end
    if #active == 0 then
      return nil, ("supervise: no row is active in epoch %d (weights 0, from and till, or a teacher that does not exist yet)"):format(epoch)
    end
  end
  return self
end

--- The weight of a term at time t; an error where a schedule gives no finite number >= 0.
function Supervision:weight(term, t, t_step, steps)
  local w = schedule.at(term.weight, t, self.epochs, t_step, steps)
  if not (w >= 0 and w < math.huge) then
    error(("supervise: the weight of %s is %s at epoch %g; wanted a finite number >= 0"):format(term.name, tostring(w), t), 0)
  end
  return w
end

--- Terms that act in an epoch. A weight that is 0 at its start and its end is 0 for the epoch: the term is not computed.
function Supervision:active(epoch)
  local list = {}
  for _, term in ipairs(self.terms) do
    if epoch >= term.starts and epoch < term.ends then
      local off = self:weight(term, epoch) == 0 and self:weight(term, math.min(epoch + 1, self.epochs)) == 0
        and self:weight(term, epoch + 0.5) == 0
      if not off then list[#list + 1] = term end
    end
  end
  return list
end

--- Records the total of `terms`. student, teacher: named outputs (nodes); mask: a node.
-- Returns the total's node and, for each term, { term, loss = node, scale = node }.
function Supervision:record(terms, student, mask, teacher)
  local total
  local recorded = {}
  for i, term in ipairs(terms) do
    local compared
    if term.against == "teacher.out" then compared = teacher.out
    elseif term.against == "teacher.same" then compared = teacher[term.at] end
    local value = term.loss(student[term.at], mask, compared)
    local weighted = F.affine(value, { scale = self:weight(term, term.starts) })
    recorded[i] = { term = term, loss = value, weighted = weighted }
    total = total and F.add(total, weighted) or weighted
  end
  return total, recorded
end

--- Whether any of the terms looks at the teacher.
function supervise.needs_teacher(terms)
  for _, t in ipairs(terms) do if t.against ~= "mask" then return true end end
  return false
end

local function weight_text(w)
  if type(w) == "number" then return ("%g"):format(w) end
  if schedule.is(w) then return tostring(w):gsub("^ra%.", "") end
  local parts = {}
  for i, v in ipairs(w) do parts[i] = weight_text(v) end
  return table.concat(parts, ", ")
end

--- The schedule as it is printed before training.
function Supervision:__tostring()
  local lines = { ("  %-8s %-44s %-13s %-20s %s"):format("at", "loss", "against", "weight", "epochs") }
  for _, row in ipairs(self.rows) do
    local when = row.starts >= row.ends and "never" or ("%d to %d"):format(row.starts, row.ends - 1)
    if row.starts > row.from then when = when .. (" (no teacher before epoch %d)"):format(row.starts) end
    lines[#lines + 1] = ("  %-8s %-44s %-13s %-20s %s"):format(row.at, tostring(row.loss), row.against, weight_text(row.weight), when)
  end
  return table.concat(lines, "\n")
end

return supervise
