--- What the core was built from: { version =, commit =, kernels = (a hash of what decides the bits of results) }.
local ffi = require "ramus.base.ffi"

local build = {}
for _, key in ipairs { "version", "commit", "kernels" } do build[key] = ffi.string(ffi.C.ra_build_info(key)) end

return build
