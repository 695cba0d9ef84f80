--- SHA-256 of a text, as 64 hexadecimal digits.
local ffi = require "ramus.base.ffi"
local C = ffi.C

local hash = {}
local hex = ffi.new("char[65]")

--- SHA-256 of a string of bytes, 64 hexadecimal digits.
function hash.sha256(text)
  C.ra_sha256(text, #text, hex)
  return ffi.string(hex)
end

return hash
