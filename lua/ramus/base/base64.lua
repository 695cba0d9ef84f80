--- Base64 (RFC 4648) of a string.
local base64 = {}

local SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local pairs_of -- the two signs of 12 bits

function base64.encode(bytes)
  if not pairs_of then
    pairs_of = {}
    for i = 0, 4095 do
      local a, b = math.floor(i / 64) + 1, i % 64 + 1
      pairs_of[i] = SIGNS:sub(a, a) .. SIGNS:sub(b, b)
    end
  end
  local out, n = {}, 0
  local whole = #bytes - #bytes % 3
  for i = 1, whole, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local low = b % 16
    out[n + 1], out[n + 2] = pairs_of[a * 16 + (b - low) / 16], pairs_of[low * 256 + c]
    n = n + 2
  end
  local a, b = bytes:byte(whole + 1, whole + 2)
  if b then
    local low = b % 16
    out[n + 1] = pairs_of[a * 16 + (b - low) / 16] .. pairs_of[low * 256]:sub(1, 1) .. "="
  elseif a then out[n + 1] = pairs_of[a * 16] .. "==" end
  return table.concat(out)
end

return base64
