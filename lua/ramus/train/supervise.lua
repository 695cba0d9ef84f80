--- Supervision: the rows of a recipe's `supervise` table, checked, expanded to terms, and recorded into a graph.
--
-- A row { at =, loss =, against =, inside =, with =, weight =, from =, till =, check = } adds `loss` to the total for each output that matches `at`
-- ("out", "side*"). against: "mask", another field of the data set, "teacher.out" (the teacher's main output), "teacher.same" (its output of the same
-- name) or "teacher.NAME" (its output NAME); of several teachers by their names, "past.out"; "self.out" or "self.NAME": an output of the net itself
-- in the same step, as a target without a gradient. An output of several channels, one per class, is compared with the field `label` where against
-- says mask. inside = "fov": pixels where that field is 0 are ignored. with = { weight = "distance" }: further inputs of the loss, each from a field
-- of the data set. weight: a number, a schedule, or a list of them for the matches in order. The row acts in epochs from <= t < till. A term is one
-- row at one output. loss may be a Lua function(p, y, t, more) over ra.F that returns one number: p prediction (logits), y mask, t teacher, more the
-- further inputs by name; it is recorded once (loss_function.lua), and its gradient is checked unless check = false.
local F = require "ramus.lang.F"
local graph = require "ramus.lang.graph"
local loss = require "ramus.lang.loss"
local options = require "ramus.base.options"
local loss_function = require "ramus.lang.loss_function"
local schedule = require "ramus.lang.schedule"
local supervise_functions = require "ramus.train.supervise.functions"
local supervise_text = require "ramus.train.supervise.text"

local supervise = {}
local Supervision = {}
Supervision.__index = Supervision

--- Fields that every data set has.
local COMMON = { "image", "mask", "fov" }
--- The field of the classes, which an output of several channels is compared with.
local LABEL = "label"

local function valid_weight(w) return type(w) == "number" or schedule.is(w) end

local function fields_by_input(v)
  for input, field in pairs(v) do
    if type(input) ~= "string" or type(field) ~= "string" then
      return nil, ("must map inputs of the loss to fields of the data set, as { weight = \"distance\" }, given %s"):format(options.show(v))
    end
  end
  return v
end

local row_schema = {
  at = { type = "string", required = true, help = "name of an output, or a pattern with *, as 'side*'" },
  loss = { type = "table|function", required = true, check = function(v)
    return (loss.is(v) or type(v) == "function") and v or nil, "must be a loss, as ra.loss.dice{}, or a function of prediction, mask, teacher"
  end, help = "a loss, as ra.loss.dice{}, or a function(p, y, t, more) over ra.F that returns one number" },
  check = { type = "boolean", default = true, help = "false to leave out the check of a function's gradient" },
  against = { type = "string", default = "mask",
    help = "reference of the loss: mask, a field of the data set, teacher.out, teacher.same, teacher.NAME (of several teachers PAST.out), or self.NAME" },
  inside = { type = "string", help = "field of the data set; pixels where it is 0 are ignored" },
  with = { type = "table", default = {}, check = fields_by_input, help = "further inputs of the loss: { input = field }" },
  weight = { type = "number|table", default = 1 },
  from = { type = "integer", min = 0, default = 0, help = "first epoch" },
  till = { type = "integer", min = 1, help = "first epoch without the row" },
}
supervise.row_schema = row_schema

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

--- Input of the loss -> field of the data set, for a row: mask, inside, and the inputs in `with`. nil and a message where the
-- loss has no such input.
local function inputs_of(row)
  local against_field = not row.source and row.against or nil
  local fields = { mask = against_field or "mask" }
  local wanted = { [row.source and "teacher" or "mask"] = ("against = '%s'"):format(row.against) }
  if row.inside then fields.inside, wanted.inside = row.inside, ("inside = '%s'"):format(row.inside) end
  for input, field in pairs(row.with) do
    if fields[input] or input == "prediction" or input == "teacher" then
      return nil, ("with.%s: this input of the loss is given by at, against or inside"):format(input)
    end
    fields[input], wanted[input] = field, ("with.%s"):format(input)
  end
  local index = row.loss.spec.input_index
  for input, given in pairs(wanted) do
    if not index[input] then return nil, ("%s: %s"):format(given, options.unknown("input of ra.loss." .. row.loss.name, input, row.loss.inputs)) end
  end
  if not index.mask then fields.mask = nil end
  return fields
end

--- Sets row.source, the teacher that a row names or "self", and row.teacher, its output ("out" and "same" stay as they are); neither
-- where it is compared with a field. nil and a message. teachers: { NAME = { first =, till = } }.
local function find_reference(row, outputs, teachers)
  local source, name = row.against:match("^([%w_]+)%.(.+)$")
  if not source then return true end
  if source ~= "self" and not teachers[source] then
    if not next(teachers) then
      return nil, ("against = '%s', but the recipe has no teacher; add teacher = { kind = \"last_epoch\" }"):format(row.against)
    end
    return nil, ("against = '%s': %s"):format(row.against, options.unknown("teacher", source, options.names(teachers)))
  end
  local known = name == "out" or name == "same" and source ~= "self"
  for _, output in ipairs(outputs) do known = known or output == name end
  if not known then return nil, ("against = '%s': %s"):format(row.against, options.unknown("output", name, outputs)) end
  for _, at in ipairs(source == "self" and row.matches or {}) do
    if at == name then return nil, ("against = '%s': output '%s' would be compared with itself"):format(row.against, at) end
  end
  row.source, row.teacher = source, name
  return true
end

--- Names that rows know: a message where a teacher has the name of an output or of a field, else nil.
local function clash(teachers, outputs, known)
  local taken = { self = "the net itself", label = "a field" }
  for _, name in ipairs(COMMON) do taken[name] = "a field" end
  for name in pairs(known) do taken[name] = "a field of the data set" end
  for _, name in ipairs(outputs) do taken[name] = "an output of the model" end
  for _, name in ipairs(options.names(teachers)) do
    if taken[name] then return ("recipe.teachers: '%s' is the name of %s; choose another for the teacher"):format(name, taken[name]) end
  end
end

local function check_row(given, where, outputs, teachers)
  local row, err = options.validate(given, row_schema, where)
  if not row then return nil, err end
  if type(row.loss) == "function" then row.loss = loss_function.of(row.loss, row.check) end
  row.matches = matches(row.at, outputs)
  if #row.matches == 0 then
    return nil, ("%s: at = '%s' matches no output; %s"):format(where, row.at, options.unknown("output", row.at, outputs))
  end
  local ok
  ok, err = find_reference(row, outputs, teachers)
  if not ok then return nil, ("%s: %s"):format(where, err) end
  if row.till and row.till <= row.from then return nil, ("%s: till = %d must be larger than from = %d"):format(where, row.till, row.from) end
  row.fields, err = inputs_of(row)
  if not row.fields then return nil, ("%s: %s"):format(where, err) end
  return row
end

--- The fields of a row at one of its outputs: what stands for the mask there is the label map where the output has several channels.
local function fields_at(row, channels)
  if channels == 1 or row.fields.mask ~= "mask" then return row.fields end
  local fields = {}
  for input, field in pairs(row.fields) do fields[input] = input == "mask" and LABEL or field end
  return fields
end

--- Adds the terms of a row; nil and a message for a wrong weight.
local function add_terms(self, row, where, number)
  for i, name in ipairs(row.matches) do
    local weight, why = weight_of(row, i, #row.matches)
    if not weight then return nil, ("%s: %s"):format(where, why) end
    if type(weight) == "number" and not (weight >= 0 and weight < math.huge) then
      return nil, ("%s: weight must be finite and >= 0, given %s"):format(where, tostring(weight))
    end
    local channels = self.channels[name] or 1
    self.terms[#self.terms + 1] = { row = number, at = name, loss = row.loss, teacher = row.teacher, source = row.source, weight = weight,
      fields = fields_at(row, channels), channels = channels,
      name = ("%s@%s"):format(row.loss.name, name), starts = row.starts, ends = row.ends }
  end
  return true
end

--- The same loss at the same output in two rows: the row's number tells them apart.
local function tell_apart(named)
  local count = {}
  for _, t in ipairs(named) do count[t.name] = (count[t.name] or 0) + 1 end
  for _, t in ipairs(named) do
    if count[t.name] > 1 then t.name = ("%s#%d"):format(t.name, t.row) end
  end
end

--- Checks `rows` against a model's outputs; nil and a message where something is wrong.
-- teachers: { NAME = { first =, till = } }, the epochs in which each exists, or a number, the first epoch of the one called teacher; nil where
-- the recipe has none. channels: of the outputs, by name; 1 where it does not say. known: the data set's declaration of its fields.
function supervise.new(rows, outputs, epochs, teachers, channels, known)
  if type(teachers) == "number" then teachers = { teacher = { first = teachers } } end
  teachers = teachers or {}
  if type(rows) ~= "table" or #rows == 0 then return nil, "supervise: wants a list of rows, { { at = \"out\", loss = ra.loss.dice() } }" end
  local no_list = options.no_list(rows, "row")
  if no_list then return nil, "supervise: " .. no_list end
  local self = setmetatable({ terms = {}, rows = {}, epochs = epochs, channels = channels or {}, followed = {} }, Supervision)
  local err = clash(teachers, outputs, known or {})
  if err then return nil, err end
  for r, given in ipairs(rows) do
    local where = ("supervise row %d"):format(r)
    local row
    row, err = check_row(given, where, outputs, teachers)
    if not row then return nil, err end
    local exists = teachers[row.source] or { first = 0 }
    row.starts = math.max(row.from, exists.first)
    row.ends = math.min(row.till or epochs, exists.till or epochs, epochs)
    row.classes = (self.channels[row.matches[1]] or 1) > 1
    row.row, row.name = r, ("%s@%s"):format(row.loss.name, #row.matches == 1 and row.matches[1] or row.at)
    self.rows[r] = row
    local ok
    ok, err = add_terms(self, row, where, r)
    if not ok then return nil, err end
  end
  tell_apart(self.terms)
  tell_apart(self.rows)
  for epoch = 0, epochs - 1 do
    local ok, active = pcall(self.active, self, epoch)
    if not ok then return nil, active end
    if #active == 0 then
      return nil, ("supervise: no row is active in epoch %d (weights 0, from and till, or a teacher that does not exist yet)"):format(epoch)
    end
  end
  local ok
  ok, err = self:try(known or {})
  if not ok then return nil, err end
  return self
end

--- Records every loss once on a large plane, which costs no computation: wrong options are found before anything is fetched. Notes in
-- self.followed what weights and options follow (see schedule.follows).
function Supervision:try(known)
  local recorder = graph.recorder { train = true }
  local by_channels = {}
  local function plane(channels)
    by_channels[channels] = by_channels[channels] or recorder:input { 1, channels, 2048, 2048 }
    return by_channels[channels]
  end
  local outputs = setmetatable({}, { __index = function(_, name) return plane(self.channels[name] or 1) end })
  local fields = setmetatable({}, { __index = function(_, name) return plane(known[name] and known[name].channels or 1) end })
  for _, term in ipairs(self.terms) do
    local any = setmetatable({}, { __index = function() return outputs end })
    local ok, err = pcall(self.record, self, { term }, outputs, fields, any, "out")
    if not ok then return nil, ("supervise row %d: %s"):format(term.row, options.plain(err)) end
    schedule.follows(term.weight, self.followed)
  end
  for _, l in ipairs(recorder.live) do schedule.follows(l.schedule, self.followed) end
  return true
end

--- The data set's classes (or nil) are those of every output that is compared with them; nil and a message where they are not.
function Supervision:check_classes(list, known, set)
  for _, term in ipairs(self.terms) do
    if term.fields.mask == LABEL and not list and not (known and known[LABEL]) then
      return nil, ("supervise row %d: output '%s' has %d channels, and data set %s declares no classes to compare them with; declare classes = "
        .. "{ { name = \"background\" }, .. } in the set, name one of its fields (against = \"NAME\"), or give the output 1 channel")
        :format(term.row, term.at, term.channels, set)
    end
    if term.fields.mask == LABEL and list and #list ~= term.channels then
      return nil, ("supervise row %d: output '%s' has %d channels, and data set %s has %d classes"):format(term.row, term.at, term.channels, set, #list)
    end
  end
  return true
end

--- True if the data set has every field that the rows name. known: its fields by name, nil where they are not declared.
-- classes: those that the set declares, or nil. Returns true, or nil and a message with the nearest name.
function Supervision:check_fields(known, set, classes)
  local ok, err = self:check_classes(classes, known, set)
  if not ok or not known then return ok, err end
  local names, has = {}, {}
  for _, name in ipairs(COMMON) do names[#names + 1], has[name] = name, true end
  if classes then names[#names + 1], has[LABEL] = LABEL, true end
  for _, name in ipairs(options.names(known)) do
    if not has[name] then names[#names + 1], has[name] = name, true end
  end
  for _, term in ipairs(self.terms) do
    for _, field in pairs(term.fields) do
      if not has[field] then return nil, ("supervise row %d: %s"):format(term.row, options.unknown("field of data set " .. set, field, names)) end
    end
  end
  return true
end

--- Leaves the pixels where field `valid` is 0, whose truth nobody knows, out of every term that is compared with the mask. (A label map says
-- itself which pixels are void.)
function Supervision:leave_out_void()
  for _, term in ipairs(self.terms) do
    if term.fields.mask == "mask" and term.loss.spec.input_index.inside then term.known = "valid" end
  end
end

--- Names of the fields that some terms need: image first, then mask (unless the classes take its place), then the others in
-- alphabetical order.
function supervise.fields(terms)
  local seen, others, uses_mask = { image = true, mask = true }, {}, false
  local function add(field)
    if not seen[field] then seen[field], others[#others + 1] = true, field end
  end
  for _, t in ipairs(terms) do
    for _, field in pairs(t.fields) do
      uses_mask = uses_mask or field == "mask"
      add(field)
    end
    if t.known then add(t.known) end
  end
  table.sort(others)
  if seen[LABEL] and not uses_mask then return { "image", unpack(others) } end
  return { "image", "mask", unpack(others) }
end

--- Channels of the outputs that are compared with a field as with a map of class numbers: { NAME = K }.
function supervise.classes(terms)
  local list = {}
  for _, t in ipairs(terms) do
    local field = t.fields.mask
    if field and t.channels > 1 then list[field] = math.min(list[field] or t.channels, t.channels) end
  end
  return list
end

--- The weight of a term at time t; an error where a schedule gives no finite number >= 0.
function Supervision:weight(term, t, t_step, steps, seen)
  local w = schedule.at(term.weight, t, self.epochs, t_step, steps, seen)
  if not (w >= 0 and w < math.huge) then
    error(("supervise: the weight of %s is %s at epoch %g; wanted a finite number >= 0"):format(term.name, tostring(w), t), 0)
  end
  return w
end

--- Terms that act in an epoch. A weight that is 0 at its start and its end is 0 for the epoch: the term is not computed, unless the weight
-- follows a score.
function Supervision:active(epoch)
  local list = {}
  for _, term in ipairs(self.terms) do
    if epoch >= term.starts and epoch < term.ends then
      local off = not next(schedule.follows(term.weight)) and self:weight(term, epoch) == 0 and self:weight(term, math.min(epoch + 1, self.epochs)) == 0
        and self:weight(term, epoch + 0.5) == 0
      if not off then list[#list + 1] = term end
    end
  end
  return list
end

--- The loss of a term on nodes, and the node where the gradient's norm is measured. A function of the net's own output does not pull at that
-- as its target.
local function record_term(term, student, fields, teachers, main)
  local mask, compared, more = nil, nil, {}
  local teacher = term.source == "self" and student or teachers[term.source]
  for input, field in pairs(term.fields) do
    if input == "mask" then mask = fields[field] else more[input] = fields[field] end
  end
  if term.known then more.inside = more.inside and F.mul(more.inside, fields[term.known]) or fields[term.known] end
  if term.teacher then compared = teacher[term.teacher == "out" and main or term.teacher == "same" and term.at or term.teacher] end
  local prediction, is_function = student[term.at], loss_function.is(term.loss)
  if is_function then prediction = F.watch(prediction) end
  if is_function and term.source == "self" then compared = F.detach(compared) end
  local value = term.loss(prediction, mask, compared, more)
  return value, is_function and prediction or value
end

--- Records the total of `terms`. student: named outputs (nodes); teachers: by teacher's name; fields: nodes by field; main: the main output's name.
-- Returns the total's node and, for each term, { term, name, loss = node, weighted = node, measured = node (of the gradient's norm) }.
function Supervision:record(terms, student, fields, teachers, main)
  local total
  local recorded = {}
  for i, term in ipairs(terms) do
    local value, measured = record_term(term, student, fields, teachers, main)
    local weighted = F.affine(value, { scale = self:weight(term, term.starts) })
    recorded[i] = { term = term, name = term.name, loss = value, weighted = weighted, measured = measured }
    total = total and F.add(total, weighted) or weighted
  end
  return total, recorded
end

Supervision.functions, Supervision.functions_by_row = supervise_functions.by_term, supervise_functions.by_row

--- Names of the teachers that the terms use, in alphabetical order.
function supervise.teachers(terms)
  local used = {}
  for _, t in ipairs(terms) do if t.source and t.source ~= "self" then used[t.source] = true end end
  return options.names(used)
end

--- The schedule as it is printed before training.
Supervision.__tostring = supervise_text

return supervise
