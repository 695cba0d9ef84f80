--- What was recorded of the rows whose loss is a function: for checkpoints, and for the key of a study.
local loss_function = require "ramus.lang.loss_function"

local supervise_functions = {}

--- What was recorded of a term whose loss is a function; nil for others. known: the data set's declaration of its fields, or nil.
local function recorded_of(term, known)
  if not loss_function.is(term.loss) then return nil end
  local channels = { prediction = term.channels, teacher = term.teacher and term.channels or nil }
  for input, field in pairs(term.fields) do channels[input] = known and known[field] and known[field].channels or 1 end
  if term.known then channels.inside = channels.inside or 1 end
  return term.loss:graph(channels)
end

--- What was recorded of the functions of a Supervision, by the name of their term: { graph =, sha256 = }.
function supervise_functions.by_term(self, known)
  local list = {}
  for _, term in ipairs(self.terms) do
    local recorded = recorded_of(term, known)
    if recorded then list[term.name] = { graph = recorded.plain, sha256 = recorded.sha256 } end
  end
  return list
end

--- The same as { [row] = { [output] = SHA-256 } }.
function supervise_functions.by_row(self, known)
  local rows = {}
  for _, term in ipairs(self.terms) do
    local recorded = recorded_of(term, known)
    if recorded then
      rows[term.row] = rows[term.row] or {}
      rows[term.row][term.at] = recorded.sha256
    end
  end
  return rows
end

return supervise_functions
