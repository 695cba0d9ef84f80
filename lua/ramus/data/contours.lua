--- Outlines of a class in a label map, along the edges of its pixels.
local ffi = require "ramus.base.ffi"

local contours = {}

--- The edges between pixels that are `value` and others, directed so that the class lies on the right: edges[corner] = { direction, .. }, a
-- corner being y * (W + 1) + x; directions 0 right, 1 down, 2 left, 3 up. Returns also the corners in the order of rows.
local function edges_of(labels, value)
  local H, W, data = labels.dim[0], labels.dim[1], ffi.data(labels)
  local edges, order = {}, {}
  local function is(i, j) return i >= 0 and i < H and j >= 0 and j < W and data[i * W + j] == value end
  local function add(y, x, direction)
    local corner = y * (W + 1) + x
    if not edges[corner] then
      edges[corner] = {}
      order[#order + 1] = corner
    end
    table.insert(edges[corner], direction)
  end
  for i = 0, H - 1 do
    for j = 0, W - 1 do
      if data[i * W + j] == value then
        if not is(i - 1, j) then add(i, j, 0) end
        if not is(i, j + 1) then add(i, j + 1, 1) end
        if not is(i + 1, j) then add(i + 1, j + 1, 2) end
        if not is(i, j - 1) then add(i + 1, j, 3) end
      end
    end
  end
  return edges, order
end

--- Takes an edge that leaves a corner: of two, that which turns right, so that pixels that touch at a corner only stay apart.
local function take(list, came)
  local best = 1
  for k, direction in ipairs(list) do
    if came and (direction - came) % 4 == 1 then best = k end
  end
  return table.remove(list, best)
end

--- The closed outlines of a class: list of { x1, y1, x2, y2, .. }, corners only. Outer ones run clockwise as seen, holes the other way.
function contours.of(labels, value)
  local W = labels.dim[1]
  local step = { [0] = 1, W + 1, -1, -(W + 1) }
  local edges, order = edges_of(labels, value)
  local list = {}
  for _, start in ipairs(order) do
    while #edges[start] > 0 do
      local points, corner, came = {}, start, nil
      local first
      repeat
        local direction = take(edges[corner], came)
        if direction ~= came then
          points[#points + 1], points[#points + 2] = corner % (W + 1), math.floor(corner / (W + 1))
        end
        first = first or direction
        corner, came = corner + step[direction], direction
      until corner == start and (#edges[corner] == 0 or (first - came) % 4 == 1)
      list[#list + 1] = points
    end
  end
  return list
end

--- The same as the data of an SVG path.
function contours.path(labels, value)
  local parts = {}
  for i, points in ipairs(contours.of(labels, value)) do
    local words = { ("M%d %d"):format(points[1], points[2]) }
    for k = 3, #points, 2 do
      words[#words + 1] = points[k + 1] == points[k - 1] and "H" .. points[k] or "V" .. points[k + 1]
    end
    parts[i] = table.concat(words) .. "Z"
  end
  return table.concat(parts, " ")
end

return contours
