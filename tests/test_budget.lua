--- A budget of memory: the same bits with values computed twice, for every architecture; what cannot be is said before the first step.
local check = require "check"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local graph = require "ramus.lang.graph"
local processes = require "processes"
local ra = require "ramus"
local show = require "ramus.base.show"
local step = require "ramus.train.step"
local supervise = require "ramus.train.supervise"

local function bytes_of(t) return ffi.string(ffi.data(t), t.size * ffi.sizeof "ra_real") end

--- One training step of a net within a budget: its plan and, as bytes, gradient and buffers (running averages); nil and a message.
local function run(net, supervision, batch, budget)
  local steps, kept = step.new { model = net, supervision = supervision, budget = budget }, net.flat_buffers:clone()
  local v, err = steps:variant(0, batch.image.shape)
  if not v then return nil, err end
  for field, buffer in pairs(v.buffers) do buffer:copy(batch[field]) end
  steps:run(v, { t = 0, t_step = 0, steps = 1, seed = 5, epoch = 0, step = 0 })
  local result = bytes_of(steps.gradient) .. bytes_of(net.flat_buffers)
  net.flat_buffers:copy(kept)
  return v.plan, result
end

--- Runs f while buffers hold NaN before and after their life.
local function poisoned(f)
  graph.poison = true
  local ok, err = pcall(f)
  graph.poison = nil
  if not ok then error(err, 0) end
end

--- The least that the message of an impossible budget names, in bytes.
local function least_of(message) return 1e6 * tonumber(message:match "which is ([%d.]+) MB") end

local function supervision_of(net)
  return assert(supervise.new({ { at = "out", loss = ra.loss.dice {} } }, net:output_names(), 1, nil, net:output_channels()))
end

for _, name in ipairs(require("ramus.lang.models").names()) do
  check.case("budget: " .. name .. " has the same bits within the least memory, and within half of what can be saved", function()
    local net = ra.models[name] { preset = "light" }
    local supervision, batch = supervision_of(net), { image = ra.rand(1, 1, 64, 64), mask = ra.zeros(1, 1, 64, 64) }
    batch.mask:narrow(4, 9, 20):fill(1)
    local plan, wanted = run(net, supervision, batch)
    local _, message = run(net, supervision, batch, 1)
    local whole, least = plan:bytes(), least_of(message)
    check.ok(least < whole, "nothing can be saved: " .. message)
    poisoned(function()
      for _, budget in ipairs { least + 1e5, (least + whole) / 2 } do
        local within, got = run(net, supervision, batch, budget)
        check.ok(within, tostring(got))
        check.ok(within:bytes() <= budget, ("%.1f of %.1f MB"):format(within:bytes() / 1e6, budget / 1e6))
        check.ok(got == wanted, ("other bits within %.1f MB"):format(budget / 1e6))
        check.ok(within:describe():find("values are computed twice", 1, true), "describe does not say what it costs")
      end
    end)
  end)
end

check.case("budget: one that is no limit changes no plan; one of less than nothing can do is refused, with the least", function()
  local net = ra.models.unet { depth = 3, width = 8 }
  local supervision, batch = supervision_of(net), { image = ra.rand(1, 1, 64, 64), mask = ra.zeros(1, 1, 64, 64) }
  local plan = run(net, supervision, batch)
  local same = run(net, supervision, batch, plan:bytes())
  check.equal(same:describe(), plan:describe(), "the plan")
  local none, message = run(net, supervision, batch, 1000)
  check.ok(none == nil and message:find("give that many, or a smaller batch", 1, true), tostring(message))
end)

check.case("budget: dropout draws the same numbers when it is computed again", function()
  local x, leaf = ra.rand(2, 4, 32, 32), ra.rand(2, 4, 32, 32)
  local function gradient(budget)
    local r, dx = graph.recorder { train = true }, ra.zeros(2, 4, 32, 32)
    local input, node = r:tensor(x), r:tensor(leaf)
    local gradients, h = { { node, dx } }, ra.F.mul(input, node)
    for _ = 1, 6 do h = ra.F.mul(ra.F.gelu(ra.F.dropout(h, { p = 0.3, train = true })), node) end
    local loss = ra.F.sum(h)
    local plan = assert(r:plan { outputs = { loss }, loss = loss, gradients = gradients, budget = budget })
    plan:run { seed = 9, epoch = 1, step = 2 }
    return plan, bytes_of(dx)
  end
  local plan, wanted = gradient()
  local within, got = gradient(0.7 * plan:bytes())
  check.ok(within:bytes() <= 0.7 * plan:bytes() and got == wanted, "other bits")
end)

check.case("budget: --memory trains to the same weights; what cannot be is said, and no run is begun", function()
  local folder = check.folder "budget"
  assert(files.write(folder .. "/r.lua", require "hard_recipe" { epochs = "3" }))
  local function train(name, more)
    return processes.sh(("cd '%s' && RAMUS_DATA=data '%s' train r.lua --quiet --run %s %s 2>&1"):format(folder,
      files.absolute(processes.executable(check.root)), name, more or ""))
  end
  local function weights(name) return (assert(ra.load(("%s/%s/last.safetensors"):format(folder, name)))) end
  local text, status = train "free"
  check.equal(status, 0, text)
  text, status = train("none", "--memory 1KB")
  check.equal(status, 1, text)
  check.ok(text:find("are less than this step can do with", 1, true), text)
  local least = assert(tonumber(text:match "which is ([%d.]+) MB"))
  text, status = train("within", ("--memory %.0fKB"):format(1000 * least + 100))
  check.equal(status, 0, text)
  local free, within = weights "free", weights "within"
  for name, t in pairs(free) do check.ok(bytes_of(t) == bytes_of(within[name]), name) end
  text, status = train("wrong", "--memory lots")
  check.ok(status ~= 0 and text:find('wants a size as "300MB"', 1, true), text)
end)

check.case("budget: sizes are read with their unit, and nothing else is", function()
  for text, bytes in pairs { ["300MB"] = 3e8, ["1.5 GB"] = 1.5e9, [" 20 KB "] = 2e4, ["7B"] = 7 } do check.equal(show.read_bytes(text), bytes, text) end
  for _, text in ipairs { "300", "MB", "-1MB", "0MB", "1.2.3MB", "3 TB", "" } do
    local bytes, err = show.read_bytes(text)
    check.ok(bytes == nil and err:find("300MB", 1, true), text)
  end
end)
