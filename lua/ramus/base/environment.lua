--- Environment variables that choose how the core computes. Where one says nonsense the core takes the best that it has, for a library
-- cannot refuse to be loaded; a command refuses, so that nobody believes to have forced what was not.
local environment = {}

-- name -> function(value): nil, or what is wrong with the value.
local CHECKS = {
  RAMUS_THREADS = function(v)
    if not (v:find "^%d+$" and tonumber(v) >= 1) then return "wanted a whole number from 1; without it there is a thread for every processor" end
  end,
  RAMUS_ISA = function(v)
    local ffi = require "ramus.base.ffi" -- here, so that a start without the variable does not wait for it
    if ffi.C.ra_isa_set(v) ~= 0 then return ffi.message() end
  end,
  RAMUS_BLAS = function(v) if v ~= "none" and v ~= "openblas" then return "wanted none or openblas" end end,
}

--- A message for the first variable whose value is of no use, nil where all are well. Set to the empty text is not set.
function environment.fault()
  for _, name in ipairs { "RAMUS_THREADS", "RAMUS_ISA", "RAMUS_BLAS" } do
    local value = os.getenv(name)
    local wrong = value and value ~= "" and CHECKS[name](value)
    if wrong then return ("the environment variable %s is '%s': %s"):format(name, value, wrong) end
  end
end

return environment
