--- Rows of cells as a table that fits the terminal: what does not fit is left out from the right, and the head says so. Where standard output is no
-- terminal nothing is left out: who reads a pipe or a file gets all.
local show = require "ramus.base.show"

local columns = {}

--- head: names, one a column; rows: lists of texts as long; left: { [n] = true } for columns that begin at the left, others end at the right.
-- A last column that begins at the left is wrapped where it is too long.
function columns.text(head, rows, left)
  local width, used, most, room = {}, 2, 0, show.room()
  for c, name in ipairs(head) do
    local wraps = c == #head and left and left[c]
    width[c] = #name
    for _, row in ipairs(rows) do width[c] = math.max(width[c], wraps and 0 or #row[c]) end
    used = used + width[c] + (c > 1 and 2 or 0)
    if used > room - (c < #head and 6 or 1) and c > 1 then break end
    most = c
  end
  local lines = {}
  for r = 0, #rows do
    local cells = {}
    for c = 1, most do cells[c] = (left and left[c] and "%-" .. width[c] .. "s" or "%" .. width[c] .. "s"):format((rows[r] or head)[c]) end
    lines[r + 1] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  if most < #head then lines[1] = lines[1] .. " ..." end
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
