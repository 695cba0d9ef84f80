--- Run lengths of a mask as COCO has them: { size = { H, W }, counts = .. }, counted down the columns, beginning with zeros. counts is a list of
-- numbers, or a text of them (each less that before the last one, in groups of five bits from 48 on), as pycocotools writes it.
local ffi = require "ramus.base.ffi"
local tensor = require "ramus.lang.tensor"

local runs = {}

--- The run lengths of the pixels of a label map [H,W] that are `value`.
function runs.of(labels, value)
  local H, W = labels.dim[0], labels.dim[1]
  local data, counts, before, n = ffi.data(labels), {}, false, 0
  for j = 0, W - 1 do
    for i = 0, H - 1 do
      local now = data[i * W + j] == value
      if now ~= before then counts[#counts + 1], n, before = n, 0, now end
      n = n + 1
    end
  end
  counts[#counts + 1] = n
  return counts
end

--- A list of counts as a text.
function runs.encode(counts)
  local bytes = {}
  for i, n in ipairs(counts) do
    local x, more = i > 3 and n - counts[i - 2] or n, true
    while more do
      local five = x % 32
      x = (x - five) / 32
      more = not (x == 0 and five < 16 or x == -1 and five >= 16)
      bytes[#bytes + 1] = string.char(48 + five + (more and 32 or 0))
    end
  end
  return table.concat(bytes)
end

--- A text as a list of counts; nil and what is wrong.
function runs.decode(text)
  local counts, x, scale = {}, 0, 1
  for k = 1, #text do
    local c = text:byte(k) - 48
    if c < 0 or c > 63 or scale > 2 ^ 40 then return nil, ("byte %d of its run lengths is none"):format(k) end
    x, scale = x + c % 32 * scale, scale * 32
    if c < 32 then
      if c >= 16 then x = x - scale end
      counts[#counts + 1] = #counts >= 3 and x + counts[#counts - 1] or x
      x, scale = 0, 1
    end
  end
  if scale ~= 1 then return nil, "its run lengths end within a number" end
  return counts
end

--- Counts of an annotation's segmentation { size =, counts = } for a picture; nil and what is wrong.
function runs.read(given, height, width)
  local counts, err = given.counts, nil
  if type(counts) == "string" then counts, err = runs.decode(counts) end
  if type(counts) ~= "table" then return nil, err or "its run lengths are neither a list nor a text" end
  local size, sum = given.size, 0
  if type(size) ~= "table" or #size ~= 2 or height and size[1] ~= height or width and size[2] ~= width then
    return nil, ("its run lengths are of %sx%s pixels, the picture has %sx%s"):format(tostring(size and size[2]), tostring(size and size[1]), tostring(width),
      tostring(height))
  end
  for _, n in ipairs(counts) do
    if type(n) ~= "number" or n < 0 or n ~= math.floor(n) then return nil, ("a run length is %s"):format(tostring(n)) end
    sum = sum + n
  end
  if sum ~= size[1] * size[2] then return nil, ("its run lengths add up to %g, not to %gx%g"):format(sum, size[2], size[1]) end
  return counts
end

--- How many pixels are one.
function runs.area(counts)
  local n = 0
  for i = 2, #counts, 2 do n = n + counts[i] end
  return n
end

--- Gives the pixels of a label map [H,W] that are one the number `value`. true; nil and what is wrong.
function runs.fill(labels, counts, value)
  local H, W, data, at = labels.dim[0], labels.dim[1], ffi.data(labels), 0
  local all = 0
  for _, n in ipairs(counts) do all = all + n end
  if all ~= labels.size then return nil, ("run lengths of %g pixels do not fit a picture of %dx%d"):format(all, W, H) end
  for i, n in ipairs(counts) do
    for k = at, i % 2 == 0 and at + n - 1 or at - 1 do data[k % H * W + math.floor(k / H)] = value end
    at = at + n
  end
  return true
end

--- The label map [H,W] of counts, 1 and 0.
function runs.mask(counts, height, width)
  local labels = tensor.zeros(height, width)
  local ok, err = runs.fill(labels, counts, 1)
  return ok and labels, err
end

return runs
