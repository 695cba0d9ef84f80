--- Windows into a picture for a budget of memory. A picture is cut into cells; each is computed in a window that is wider by the net's reach, and
-- only the cell is kept. So the values are those of the whole, but for the last bits: other shapes may be computed by other algorithms.
--
--   tiling.of(model, H, W, names, { memory = bytes, numerics = })   { rows, columns, reach, bytes }, of each axis a list of
--       { from, count, skip, keep }: the window, and what of it is the cell; false where the whole picture fits. nil and a message.
local reach = require "ramus.lang.reach"

local tiling = {}

-- The reach is asked for at most such a size: the larger one begins to repeat itself at multiples of its grid.
local ENOUGH = 2048

--- A picture's side as one that is short and lies on a grid in the same way.
local function short(n) return n < 2 * ENOUGH and n or ENOUGH + n % ENOUGH end

--- Bytes that the model's arrays take for a window; infinite where no plan holds it.
local function bytes_of(model, h, w, names, given)
  local ok, kept = pcall(model.plan, model, { 1, model.template.channels, h, w }, { outputs = names, numerics = given.numerics })
  return ok and kept and kept.plan:bytes() or math.huge
end

--- What a model says of the picture's axes { pixels, grid, margin }; nil and a message.
local function axes_of(model, H, W, names, given)
  local axes, err = reach.of(model, short(H), short(W), names)
  if not axes then
    return nil, ("memory: the whole takes %.1f MB, and tiles would give other values: %s; give that many, or cut it all the same and blend what "
      .. "differs, --tile 512"):format(bytes_of(model, H, W, names, given) / 1e6, err)
  end
  for _, a in ipairs(axes) do a.margin = math.ceil(a.pixels / a.grid) * a.grid end
  return axes
end

--- The cells of one side of n pixels, all but the last of `cell` pixels, with their windows.
local function cut(n, cell, margin)
  local list = {}
  for at = 0, n - 1, cell do
    local from, to = math.max(at - margin, 0), math.min(at + cell + margin, n)
    list[#list + 1] = { from = from, count = to - from, skip = at - from, keep = math.min(cell, n - at) }
  end
  return list
end

--- The side of the smallest multiple of the grid that cuts n pixels into as many cells as `cell` does.
local function even(n, cell, grid) return math.ceil(n / math.ceil(n / cell) / grid) * grid end

--- The most bytes that any of the windows takes.
local function most_of(model, rows, columns, names, given)
  local seen, most = {}, 0
  for _, r in ipairs(rows) do
    for _, c in ipairs(columns) do
      local key = r.count .. "x" .. c.count
      seen[key] = seen[key] or bytes_of(model, r.count, c.count, names, given)
      most = math.max(most, seen[key])
    end
  end
  return most
end

--- Windows for cells of k steps of the grid, at most.
local function with_cells(model, H, W, axes, k, names, given)
  local a, b = axes[1], axes[2]
  local rows = cut(H, even(H, k * a.grid, a.grid), a.margin)
  local columns = cut(W, even(W, k * b.grid, b.grid), b.margin)
  return { rows = rows, columns = columns, reach = { a.pixels, b.pixels }, bytes = most_of(model, rows, columns, names, given) }
end

local function refused(given, least, axes)
  return nil, ("memory: %.1f MB are less than this model can do with, which is %.1f MB: it looks %d pixels around each pixel, so that the "
    .. "least tile has %dx%d; give that many, or a smaller net"):format(given.memory / 1e6, least / 1e6, math.max(axes[1].pixels, axes[2].pixels),
    2 * axes[2].margin + axes[2].grid, 2 * axes[1].margin + axes[1].grid)
end

--- Windows within the budget with as few cells as possible; nil and a message.
local function search(model, H, W, names, given)
  local axes, err = axes_of(model, H, W, names, given)
  if not axes then return nil, err end
  local low = with_cells(model, H, W, axes, 1, names, given)
  if low.bytes > given.memory then return refused(given, low.bytes, axes) end
  local few, many = 1, math.ceil(math.max(H / axes[1].grid, W / axes[2].grid)) -- few fits, many does not
  while many - few > 1 do
    local k = math.floor((few + many) / 2)
    local found = with_cells(model, H, W, axes, k, names, given)
    if found.bytes <= given.memory then few, low = k, found else many = k end
  end
  return low
end

local known = setmetatable({}, { __mode = "k" })

function tiling.of(model, H, W, names, given)
  known[model] = known[model] or {}
  local key = ("%d %d %s %d %s"):format(H, W, table.concat(names, " "), given.memory, given.numerics)
  if known[model][key] == nil then
    local found, err = false, nil
    if bytes_of(model, H, W, names, given) > given.memory then found, err = search(model, H, W, names, given) end
    if found == nil then return nil, err end
    known[model][key] = found
  end
  return known[model][key]
end

--- "25 tiles of at most 1616x1616": a tiling in words.
function tiling.text(found)
  local h, w = 0, 0
  for _, r in ipairs(found.rows) do h = math.max(h, r.count) end
  for _, c in ipairs(found.columns) do w = math.max(w, c.count) end
  return ("%d tiles of at most %dx%d pixels, which overlap by more than the %d that the net looks around a pixel: the values are those of the whole; "
    .. "%.3g MB for the net's arrays"):format(#found.rows * #found.columns, w, h, math.max(found.reach[1], found.reach[2]), found.bytes / 1e6)
end

return tiling
