--- The search for a learning rate.
local check = require "check"
local ra = require "ramus"

local folder = check.folder "lr_find"

local function recipe(more)
  local r = { name = "x", data = { set = "phantom", options = { size = 32, train = 4, val = 1, test = 1 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = 4 }, supervise = { { at = "out", loss = ra.loss.bce {} } },
    optim = ra.optim.sgd { lr = 1, momentum = 0.9, ema = 0.9 }, epochs = 3, seed = 1 }
  for k, v in pairs(more or {}) do r[k] = v end
  return r
end

check.case("geometric: a constant factor over the length", function()
  local s = ra.geometric(1, 100, 4)
  check.near(s(0), 1, 1e-12)
  check.near(s(2), 10, 1e-9)
  check.near(s(9), 100, 1e-9)
  check.equal(tostring(s), "ra.geometric{ 1, 100, n = 4 }")
  check.raises("above 0", ra.geometric, 0, 1)
end)

check.case("lr_find: rates grow by a factor, the loss falls and then grows; the suggestion lies where it falls; the same every time", function()
  local o = { from = 1e-4, to = 100, steps = 60, data_root = folder .. "/data" }
  local found = assert(ra.lr_find(recipe(), o))
  check.near(found.rate[1], 1e-4, 1e-9)
  check.near(found.rate[11] / found.rate[10], found.rate[3] / found.rate[2], 1e-6)
  check.ok(#found.rate < 60 and #found.rate == #found.loss, "the loss grows before rate 100: " .. #found.rate)
  check.ok(found.suggestion > 1e-3 and found.suggestion < found.rate[#found.rate] and found.lowest >= found.suggestion, tostring(found.suggestion))
  local again = assert(ra.lr_find(recipe { optim = ra.optim.sgd { lr = 3, momentum = 0.9, schedule = ra.cosine {} } }, o))
  for i, v in ipairs(found.loss) do check.equal(again.loss[i], v) end
  check.raises("must be above from", ra.lr_find, recipe(), { from = 1, to = 0.5 })
  check.fails("unknown data set", ra.lr_find, recipe { data = { set = "nosuch" } }, o)
end)
