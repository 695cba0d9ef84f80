--- A data set for tests: synthetic angiograms with a weight map (.npy) and a label image (classes 0, 1, 2 stored as 0, 100, 200).
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local COUNTS = { train = 4, val = 2, test = 2 }

--- Weight 1 far from vessels, 3 on them and beside them; classes: 1 vessel, 2 the lower half of the rest.
local function maps_of(mask, size)
  local weight, label = tensor.empty(size, size), tensor.empty(size, size)
  local soft = image.blur(mask, { sigma = 1.5 })
  for i = 0, size * size - 1 do
    weight.data[i] = soft.data[i] > 0.05 and 3 or 1
    label.data[i] = (mask.data[i] > 0 and 100 or i >= size * size / 2 and 200 or 0) / 255
  end
  return weight, label
end

return {
  name = "weighted",
  title = "synthetic angiograms with a weight map and classes, for tests",
  threshold = 128,
  schema = { size = { type = "integer", default = 48, min = 32 } },
  variant = function(o) return tostring(o.size) end,
  editions = { { name = "full", files = {}, counts = COUNTS } },
  fields = { weight = { kind = "map" }, tissue = { kind = "label" } },
  prepare = function(_, target, o)
    local x, mask, number = tensor.empty(o.size, o.size), tensor.empty(o.size, o.size), 0
    for _, part in ipairs { "train", "val", "test" } do
      assert(files.make_folder(target .. "/" .. part))
      for n = 1, COUNTS[part] do
        number = number + 1
        if C.ra_phantom(x, mask, 1, number) ~= 0 then return nil, ffi.message() end
        local weight, label = maps_of(mask, o.size)
        local base = ("%s/%s/%d"):format(target, part, n)
        local ok, err = image.save_all { { base .. ".png", x }, { base .. "_gt.png", mask }, { base .. "_class.png", label } }
        if not ok then return nil, err end
        if C.ra_npy_save(base .. "_weight.npy", weight) ~= 0 then return nil, ffi.message() end
      end
    end
    return "full"
  end,
  open = function(folder)
    local samples = {}
    for _, part in ipairs { "train", "val", "test" } do
      local list, err = dataset.pair(folder .. "/" .. part, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" })
      if not list then return nil, err end
      for _, s in ipairs(list) do
        local base = ("%s/%s/%s"):format(folder, part, s.id)
        s.id, s.split = part .. "/" .. s.id, part
        s.fields = { weight = base .. "_weight.npy", tissue = { path = base .. "_class.png", values = { [0] = 0, [100] = 1, [200] = 2 } } }
        samples[#samples + 1] = s
      end
    end
    return samples
  end,
}
