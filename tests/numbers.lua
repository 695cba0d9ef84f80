--- Tensors in tests: made from a function or a list, and compared.
local ra = require "ramus"

local numbers = {}

function numbers.tensor_of(list, shape) return ra.tensor(list):reshape(shape) end

--- f(k), k = 0, 1, .. for each element of a new tensor.
function numbers.make(shape, f)
  local t = ra.zeros(unpack(shape))
  for k = 0, t.size - 1 do t.data[k] = f(k) end
  return t
end

function numbers.sum(t)
  local sum = 0
  for k = 0, t.size - 1 do sum = sum + t.data[k] end
  return sum
end

function numbers.norm(t)
  local sum = 0
  for k = 0, t.size - 1 do sum = sum + t.data[k] ^ 2 end
  return math.sqrt(sum)
end

function numbers.distance(a, b)
  local sum = 0
  for k = 0, a.size - 1 do sum = sum + (a.data[k] - b.data[k]) ^ 2 end
  return math.sqrt(sum)
end

function numbers.same_bits(a, b)
  if a.size ~= b.size then return false end
  for k = 0, a.size - 1 do
    if a.data[k] ~= b.data[k] then return false end
  end
  return true
end

function numbers.is_finite(v) return v == v and math.abs(v) < math.huge end

return numbers
