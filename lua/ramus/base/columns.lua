--- Rows of cells as a table that fits the terminal: what does not fit is left out, and the head says so. Where standard output is no
-- terminal nothing is left out: who reads a pipe or a file gets all.
local show = require "ramus.base.show"

local columns = {}

--- Takes a column out of a list of them, or the last.
local function leave_out(shown, which)
  for k, c in ipairs(shown) do
    if c == which then return table.remove(shown, k) end
  end
  return table.remove(shown)
end

--- head: names, one a column; rows: lists of texts as long; left: { [n] = true } for columns that begin at the left, others end at the right.
-- A last column that begins at the left is wrapped where it is too long. spare [opt]: columns that are left out first, in this order; then it is those
-- at the right.
function columns.text(head, rows, left, spare)
  local width, shown, room = {}, {}, show.room()
  for c, name in ipairs(head) do
    local wraps = c == #head and left and left[c]
    width[c], shown[c] = #name, c
    for _, row in ipairs(rows) do width[c] = math.max(width[c], wraps and 0 or #row[c]) end
  end
  for c = 1, #head do -- one column after the other, until the rest fits
    local used = 0
    for _, s in ipairs(shown) do used = used + 2 + width[s] end
    if used <= room - (#shown < #head and 4 or 1) or #shown == 1 then break end
    leave_out(shown, spare and spare[c])
  end
  local lines = {}
  for r = 0, #rows do
    local cells = {}
    for k, c in ipairs(shown) do cells[k] = show.padded((rows[r] or head)[c], width[c], not (left and left[c])) end
    lines[r + 1] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  if #shown < #head then lines[1] = lines[1] .. " ..." end
  return room == math.huge and table.concat(lines, "\n") or show.wrapped(table.concat(lines, "\n"))
end

--- The rows of a list that is long: the first and last, and a row of "..." between them.
function columns.some(rows, first, last)
  if #rows <= first + last + 1 then return rows end
  local kept, gap = {}, {}
  for c in ipairs(rows[1]) do gap[c] = "..." end
  for i = 1, first do kept[i] = rows[i] end
  kept[first + 1] = gap
  for i = #rows - last + 1, #rows do kept[#kept + 1] = rows[i] end
  return kept
end

return columns
