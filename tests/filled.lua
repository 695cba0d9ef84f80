--- Values of parameters from their names and shapes, and vectors of signs: the same numbers as tests/reference/architectures.py makes.
local ffi = require "ffi"

local filled = {}

--- f(i, u) for i = 0..n-1, u in -1..1: 32-bit hashes of the position, begun at the text's hash.
local function each(text, n, f)
  local h = 2166136261ULL
  for k = 1, #text do
    h = (bit.bxor(h, ffi.cast("uint64_t", text:byte(k))) * 16777619ULL) % 4294967296ULL
  end
  for i = 0, n - 1 do
    local x = (ffi.cast("uint64_t", i) * 2654435769ULL + h) % 4294967296ULL
    x = bit.bxor(x, bit.rshift(x, 16)) * 0x7FEB352DULL % 4294967296ULL
    x = bit.bxor(x, bit.rshift(x, 16)) * 0x846CA68BULL % 4294967296ULL
    x = bit.bxor(x, bit.rshift(x, 15))
    f(i, tonumber(x) / 2147483648 - 1)
  end
end

--- Fills a parameter: of weights within sqrt(6 / fan_in) (linear layers: sqrt(3 / fan_in)), of scales and variances around 1, else small.
function filled.parameter(t, name, shape)
  local data, scale, shift = t.data, 0.1, 0
  if #shape == 4 then scale = math.sqrt(6 / (shape[2] * shape[3] * shape[4]))
  elseif #shape == 2 and name:find "%.weight$" then scale = math.sqrt(3 / shape[2])
  elseif name:find "%.weight$" or name:find "%.var$" then scale, shift = 0.25, 1 end
  each(name, t.size, function(i, u) data[i] = shift + scale * u end)
end

--- Fills an image with numbers in 0..1.
function filled.image(t)
  local data = t.data
  each("image", t.size, function(i, u) data[i] = u / 2 + 0.5 end)
end

--- n numbers in -1..1 as a table from 0 on.
function filled.numbers(text, n)
  local list = ffi.new("double[?]", n)
  each(text, n, function(i, u) list[i] = u end)
  return list
end

--- The estimated relative L2 distance of n numbers from others, of which the norm and products with eight vectors of signs are known.
function filled.distance(data, n, measured)
  local sum = 0
  for k = 0, 7 do
    local signs, product = filled.numbers("signs " .. k, n), 0
    for i = 0, n - 1 do product = product + (signs[i] > 0 and 1 or signs[i] < 0 and -1 or 0) * data[i] end
    sum = sum + (product - measured[k + 2]) ^ 2
  end
  return math.sqrt(sum / 8) / math.max(measured[1], 1e-30)
end

return filled
