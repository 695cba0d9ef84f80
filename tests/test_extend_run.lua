--- extend = N: a run that ended goes on, to the bits of one that was planned so; the rules of its time.
local check = require "check"
local checkpoint = require "ramus.train.checkpoint"
local clock = require "ramus.train.clock"
local files = require "ramus.base.files"
local ra = require "ramus"

local folder = check.folder "extend_run"

local function recipe(extend, more)
  local r = { name = "x", data = { set = "phantom", options = { size = 32, train = 5, val = 1, test = 1 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = 2, sides = true }, teacher = { kind = "last_epoch" },
    supervise = { { at = "out", loss = ra.loss.dice {} },
      { at = "out", loss = ra.loss.soft_target { alpha = ra.ramp(0, 0.5) }, against = "teacher.out", from = 1 },
      { at = "side1", loss = ra.loss.bce {}, weight = ra.ramp(1, 0), till = 2 } },
    optim = ra.optim.adamw { lr = 1e-2, ema = 0.9, schedule = ra.cosine {} }, epochs = 3, seed = 4, extend = extend }
  for k, v in pairs(more or {}) do r[k] = v end
  return r
end

local function train(name, r)
  return ra.train(r, { run = folder .. "/" .. name, quiet = true, evaluate = false, data_root = folder .. "/data" })
end

local function bytes(name, file) return files.read(("%s/%s/%s"):format(folder, name, file)) end

check.case("extend: a run that ended and goes on has the bytes of one that was planned so", function()
  assert(train("late", recipe()))
  local before = checkpoint.hash(folder .. "/late/last.safetensors")
  local result = assert(train("late", recipe(2)))
  assert(train("early", recipe(2)))
  check.equal(#result.history, 5)
  check.ok(checkpoint.hash(folder .. "/late/last.safetensors") ~= before)
  for _, file in ipairs { "metrics.jsonl", "last.safetensors", "best.safetensors" } do
    check.ok(bytes("late", file) == bytes("early", file), file .. " differs")
  end
  -- the rate begins anew, rows are those of the last epoch
  check.near(result.history[4].rate, result.history[1].rate, 3e-3)
  check.ok(result.history[5].rate < 0.6e-2)
  check.ok(result.history[4].terms["soft_target@out"] and not result.history[4].terms["bce@side1"])
  local _, err = train("late", recipe(3))
  check.ok(err and err:find("2 epochs into an extension of 2", 1, true) and err:find("goes on with extend = 2", 1, true), tostring(err))
  check.equal(#assert(train("late", recipe(2))).history, 5)
end)

check.case("extend: the times that losses and the rate see", function()
  local r = recipe(4)
  check.equal(clock.length(r), 7)
  check.equal(clock.row_epoch(r, 2) .. clock.row_epoch(r, 5), "22")
  local t, step = clock.loss_time(r, 2.5, 7, 9)
  check.equal(t .. "/" .. step, "2.5/7")
  t, step = clock.loss_time(r, 5.2, 14, 9)
  check.equal(t .. "/" .. step, "3/9")
  check.near(clock.rate(r, 1.5, 4, 9), 0.5, 1e-9)
  check.near(clock.rate(r, 5, 15, 9), 0.5, 1e-9)
  r.optim = ra.optim.adamw { lr = 1, schedule = ra.ramp { 0, 1, per = "step" } }
  check.near(clock.rate(r, 5, 15, 9), 0.5, 1e-9) -- 6 of 12 steps
end)
