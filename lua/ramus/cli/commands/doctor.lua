--- ramus doctor: what this build and machine can do.
local command = require "ramus.cli.command"

local function measure()
  local ffi, dataset = require "ramus.base.ffi", require "ramus.data.dataset"
  local ra, C = require "ramus", ffi.C
  local build = require "ramus.base.build"
  local d = { version = build.version, commit = build.commit, kernels = build.kernels, luajit = jit.version,
    isa = ffi.string(C.ra_isa()), blas = ffi.string(C.ra_blas()),
    threads = C.ra_threads(), data_root = dataset.root(), data_root_exists = require("ramus.base.files").is_folder(dataset.root()) }
  local net = ra.models.unet { depth = 3, width = 8 }
  local x, start = ra.rand(1, 1, 128, 128), C.ra_clock()
  net:forward(x)
  d.small_unet_ms = 1e3 * (C.ra_clock() - start)
  return d
end

return {
  name = "doctor", order = 11, help = "properties of this build and machine", flags = { command.JSON },
  run = function(words, given)
    if #words > 0 then return false, ("doctor takes no argument, given '%s'"):format(words[1]), 2 end
    local d = measure()
    if given.json then
      require("ramus.base.json").print(d, 6)
      return 0
    end
    print(("ramus %s, commit %s, kernels %s, %s"):format(d.version, d.commit, d.kernels, d.luajit))
    print(("kernels %s, %d threads (RAMUS_ISA, RAMUS_THREADS change that)"):format(d.isa, d.threads))
    print(("matrix products by %s (RAMUS_BLAS=none turns OpenBLAS off)"):format(d.blas == "none" and "our own loops: no libopenblas.so.0" or d.blas))
    print(("data root %s%s"):format(d.data_root, d.data_root_exists and "" or " (not there yet)"))
    print(("a small U-Net on 128x128: %.1f ms"):format(d.small_unet_ms))
    return 0
  end,
}
