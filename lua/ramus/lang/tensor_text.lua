--- A tensor as text: a line with its shape, type, smallest, largest and mean value, and its numbers in columns. What does not fit the
-- width, or would take more than about 20 lines, is left out in the middle.
local ffi = require "ramus.base.ffi"
local handle = require "ramus.lang.tensor_handle"
local show = require "ramus.base.show"

local GAP = false -- in a list of indices: some are left out here

--- Indices 1..n: all of them, or the first and last `edge` where there are more than `most`.
local function some(n, most, edge)
  local list = {}
  for i = 1, n <= most and n or edge do list[i] = i end
  if n <= most then return list end
  list[#list + 1] = GAP
  for i = n - edge + 1, n do list[#list + 1] = i end
  return list
end

local function plain(v) return v == v and v - v == 0 end

--- A function from a number to its text, for numbers that stand in columns together: whole numbers without a point, others with four
-- decimals, by powers of ten where they are very large or small.
local function formatter(values)
  local largest, whole = 0, true
  for _, v in ipairs(values) do
    if plain(v) then
      largest = math.max(largest, math.abs(v))
      whole = whole and v == math.floor(v)
    end
  end
  local form = whole and largest < 1e9 and "%d" or largest >= 1e6 and "%.3e" or largest >= 1000 and "%.2f"
    or largest < 1e-3 and largest > 0 and "%.3e" or "%.4f"
  return function(v)
    if v ~= v then return "nan" end
    if not plain(v) then return v > 0 and "inf" or "-inf" end
    if form == "%.4f" and v ~= 0 and math.abs(v) < 5e-5 then return (("%.0e"):format(v)) end
    return (form:format(v))
  end
end

--- Lines of rows x columns numbers; at(i, j) is one of them. Both are lists of indices with gaps.
local function grid(rows, columns, at)
  local values = {}
  for _, i in ipairs(rows) do
    for _, j in ipairs(columns) do if i and j then values[#values + 1] = at(i, j) end end
  end
  local text, width = formatter(values), 1
  local cells = {}
  for k, v in ipairs(values) do
    cells[k] = text(v)
    width = math.max(width, #cells[k])
  end
  local lines, k = {}, 0
  for r, i in ipairs(rows) do
    local line = {}
    for c, j in ipairs(columns) do
      if i and j then k = k + 1 end
      line[c] = j == GAP and "..." or show.padded(i and cells[k] or "...", width, true)
    end
    lines[r] = i and table.concat(line, " ") or show.padded("...", width, true)
  end
  return lines, width
end

--- How many columns of numbers fit: found by the width that a first try needs.
local function fitting(rows, n, at, room)
  local most = math.max(4, math.floor(room / 4))
  while true do
    local columns = some(n, most, math.floor((most - 1) / 2))
    local lines, width = grid(rows, columns, at)
    if #lines[1] <= room or most <= 4 then return lines end
    most = math.max(4, math.min(most - 1, math.floor((room + 1) / (width + 1))))
  end
end

local ROWS, EDGE_ROWS = 20, 5         -- of a matrix
local BLOCK_ROWS, BLOCK_EDGE = 8, 3   -- of one of several
local BLOCKS = 3
local VECTOR = 120                    -- numbers of a vector that are all shown

--- A vector in several lines, or its two ends.
local function vector_lines(n, at, room)
  if n > VECTOR then return fitting({ 1 }, n, at, room) end
  local all = some(n, n)
  local _, width = grid({ 1 }, all, at)
  local per = math.max(1, math.floor((room + 1) / (width + 1)))
  local rows = {}
  for i = 1, math.ceil(n / per) do rows[i] = i end
  local lines, columns = {}, some(math.min(n, per), per)
  local text = grid(rows, columns, function(i, j)
    local k = (i - 1) * per + j
    return k <= n and at(1, k) or at(1, n)
  end)
  for i, line in ipairs(text) do lines[i] = i * per <= n and line or line:sub(1, (n - (i - 1) * per) * (width + 1) - 1) end
  return lines
end

--- Text of the numbers of t, which has some.
local function numbers(t)
  local data, rank, room = ffi.data(t), t.rank, show.width() - 1
  if rank == 0 then return "  " .. formatter { data[0] }(data[0]) end
  local m, cs = t.dim[rank - 1], t.stride[rank - 1]
  local lines = {}
  local function add(list) for _, line in ipairs(list) do lines[#lines + 1] = "  " .. line end end
  if rank == 1 then
    add(vector_lines(m, function(_, j) return data[(j - 1) * cs] end, room - 2))
    return table.concat(lines, "\n")
  end
  local n, rs = t.dim[rank - 2], t.stride[rank - 2]
  local blocks = t.size / (n * m)
  for _, b in ipairs(some(blocks, BLOCKS, 1)) do
    local place, offset, k = {}, 0, (b or 1) - 1
    for d = rank - 2, 1, -1 do
      place[d], offset, k = k % t.dim[d - 1] + 1, offset + k % t.dim[d - 1] * t.stride[d - 1], math.floor(k / t.dim[d - 1])
    end
    if not b then lines[#lines + 1] = ("  ... %d more"):format(blocks - 2)
    else
      if rank > 2 then lines[#lines + 1] = ("[%s]"):format(table.concat(place, "][")) end
      local rows = rank == 2 and some(n, ROWS, EDGE_ROWS) or some(n, BLOCK_ROWS, BLOCK_EDGE)
      add(fitting(rows, m, function(i, j) return data[offset + (i - 1) * rs + (j - 1) * cs] end, room - 2))
    end
  end
  return table.concat(lines, "\n")
end

local function short(v) return (("%.4g"):format(v)) end

--- What print(t) shows.
return function(t)
  if t.storage == nil then return "tensor (freed)" end
  local s = t:stats()
  local text = ("tensor %s %s"):format(handle.shape_text(t), t.dtype)
  if t.size == 0 then return text end
  text = text .. (" min %s max %s mean %s"):format(short(s.min), short(s.max), short(s.mean))
  if s.not_finite > 0 then text = text .. (" (%d not finite)"):format(s.not_finite) end
  return text .. "\n" .. numbers(t)
end
