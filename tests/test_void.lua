--- Void pixels, whose truth nobody knows (`ignore`): in no loss and in no score of a training, whatever the files hold there.
local check = require "check"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local ra = require "ramus"
local tensor = require "ramus.lang.tensor"

local folder = check.folder "void"
local H, W = 32, 32

local function plane(f)
  local t = tensor.zeros(H, W)
  for i = 0, H * W - 1 do t.data[i] = f(math.floor(i / W), i % W) end
  return t
end

--- Trains on a set whose columns from 20 on hold hidden(row) in the mask's file; the hash of its metrics, and the pooled scores.
-- ignore: what the set declares void, false for nothing; several: three classes instead of a mask.
local function trained(name, hidden, ignore, several)
  local root = folder .. "/" .. name
  assert(files.make_folder(root))
  for k = 1, 3 do
    assert(image.save(("%s/%d.png"):format(root, k), plane(function(r, c) return (r * 7 + c * 3 + k * 5) % 32 / 31 end)))
    assert(image.save(("%s/%d_gt.png"):format(root, k), plane(function(r, c)
      if c >= 20 then return hidden(r) / 255 end
      return (r + k) % 5 == 0 and 1 / 255 or several and (r + k) % 5 == 1 and 2 / 255 or 0
    end)))
  end
  dataset.register { name = "void_" .. name, folder = root, ignore = ignore or nil,
    values = not several and { [0] = "background", [1] = "foreground", [255] = not ignore and "background" or nil } or nil,
    classes = several and { "background", "one", "two" } or nil,
    open = function(place) return dataset.pair(place, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" }) end }
  local result = assert(ra.train({ name = "void", data = { set = "void_" .. name, split = "2:0:1", val = false, batch = 2 },
    model = ra.models.unet { depth = 2, width = 3 },
    supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = several and ra.loss.cross_entropy {} or ra.loss.bce {}, inside = "fov" } },
    optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, seed = 1 }, { quiet = true, run = root .. "/run" }))
  return dataset.sha256_file(root .. "/run/metrics.jsonl"), result.evaluation.pooled
end

for kind, several in pairs { one = false, several = true } do
  check.case(("void: %s, no bit of a training depends on what the files hold there"):format(several and "classes" or "one channel"), function()
    local a, scores_a = trained(kind .. "a", function() return 255 end, 255, several)
    local b, scores_b = trained(kind .. "b", function(r) return 200 + r % 2 end, { 200, 201 }, several)
    check.equal(b, a, "metrics of two kinds of void")
    check.equal(scores_b.tp, scores_a.tp, "true positives")
    local c = trained(kind .. "c", function() return 1 end, 255, several)
    check.ok(c ~= a, "the same pixels as foreground change the training")
    local d = trained(kind .. "d", function() return several and 0 or 255 end, several and 255 or false, several)
    check.ok(d ~= a, "the same pixels as background change the training")
  end)
end
