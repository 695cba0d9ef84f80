--- The rows of a supervision as text: what `ramus train` prints before it starts.
local options = require "ramus.base.options"
local schedule = require "ramus.lang.schedule"
local show = require "ramus.base.show"

local function weight_text(w)
  if type(w) == "number" then return ("%g"):format(w) end
  if schedule.is(w) then return schedule.text(w) end
  local list = {}
  for i, v in ipairs(w) do list[i] = weight_text(v) end
  return table.concat(list, ", ")
end

--- against, inside and with of a row, as they are printed.
local function against_text(row)
  local list = { row.against == "mask" and row.classes and "label" or row.against }
  if row.inside then list[#list + 1] = "inside " .. row.inside end
  for _, input in ipairs(options.names(row.with)) do list[#list + 1] = ("%s = %s"):format(input, row.with[input]) end
  return table.concat(list, ", ")
end

--- The text of a Supervision.
return function(self)
  local wide = 13
  for _, row in ipairs(self.rows) do wide = math.max(wide, #against_text(row)) end
  local form = "  %-8s %-44s %s %-20s %s"
  local lines = { form:format("at", "loss", show.padded("against", wide), "weight", "epochs") }
  for _, row in ipairs(self.rows) do
    local when = row.starts >= row.ends and "never" or ("%d to %d"):format(row.starts, row.ends - 1)
    if row.starts > row.from then when = when .. (" (no teacher before epoch %d)"):format(row.starts) end
    lines[#lines + 1] = form:format(row.at, tostring(row.loss), show.padded(against_text(row), wide), weight_text(row.weight), when)
  end
  return table.concat(lines, "\n")
end
