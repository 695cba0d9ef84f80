--- From an image to a mask: test-time flips, ensembles, hysteresis, removal of small regions; in predict, eval and their protocol.
local check = require "check"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local json = require "cjson"
local predict = require "ramus.train.predict"
local processes = require "processes"
local ra = require "ramus"
local way = require "ramus.train.predict.way"
local F = ra.F

local folder = check.folder "way"

local function model(seed, more)
  local o = { depth = 2, width = 2, seed = seed }
  for k, v in pairs(more or {}) do o[k] = v end
  return ra.models.unet(o)
end

--- The largest difference of two tensors.
local function apart(a, b) return F.abs(F.sub(a:clone(), b:clone())):stats().max end

check.case("image.turn: the orientations of EXIF, each undone", function()
  local x = ra.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  local wanted = { "1 2 3/4 5 6", "3 2 1/6 5 4", "6 5 4/3 2 1", "4 5 6/1 2 3", "1 4/2 5/3 6", "4 1/5 2/6 3", "6 3/5 2/4 1", "3 6/2 5/1 4" }
  for k = 1, 8 do
    local rows = {}
    for i, row in ipairs(image.turn(x, k):totable()) do rows[i] = table.concat(row, " ") end
    check.equal(table.concat(rows, "/"), wanted[k], "orientation " .. k)
    check.equal(apart(image.turn(image.turn(x, k), k == 6 and 8 or k == 8 and 6 or k), x), 0)
  end
  check.raises("from 1 to 8", image.turn, x, 9)
end)

check.case("image.decide: hysteresis keeps what is connected to a certain pixel, corners count; small regions go", function()
  local p = ra.tensor { { 0.9, 0.4, 0, 0.4, 0.4 }, { 0, 0, 0.4, 0, 0 }, { 0, 0, 0, 0, 0 }, { 0.4, 0.6, 0, 0.7, 0 } }
  local function mask(o)
    local rows = {}
    for i, row in ipairs(image.decide(p, o):totable()) do rows[i] = table.concat(row) end
    return table.concat(rows, "/")
  end
  check.equal(mask {}, "10000/00000/00000/01010")
  check.equal(mask { low = 0.3 }, "11011/00100/00000/11010")
  check.equal(mask { low = 0.3, threshold = 0.8 }, "11011/00100/00000/00000")
  check.equal(mask { low = 0.3, smallest = 2 }, "11011/00100/00000/11000")
  check.equal(mask { smallest = 2 }, "00000/00000/00000/00000")
  check.raises("low <= threshold", image.decide, p, { low = 0.6 })
end)

check.case("flips: the mean over 4 or 8 views is what it says, and does not see mirroring", function()
  local m, x = model(1), ra.rand(1, 1, 20, 14)
  local function probability(picture, o) return assert(predict.probability(m, picture, o)) end
  local picture = x:reshape(20, 14)
  for kind, turns in pairs { mirrored = { 1, 2, 3, 4 }, turned = { 1, 2, 3, 4, 5, 6, 7, 8 } } do
    local sum
    for _, k in ipairs(turns) do
      local one = image.turn(probability(image.turn(picture, k)), k == 6 and 8 or k == 8 and 6 or k)
      sum = sum and F.add(sum, one) or one
    end
    local p = probability(picture, { flips = kind })
    check.ok(apart(p, F.div(sum, #turns)) < 1e-6, kind)
    check.ok(apart(p, probability(picture)) > 1e-4, kind)
    check.ok(apart(image.turn(probability(image.turn(picture, 2), { flips = kind }), 2), p) < 1e-6, kind)
  end
end)

check.case("ensembles: the mean of probabilities; models that look at other images are refused", function()
  local a, b, x = model(1), model(2), ra.rand(17, 12)
  assert(b:save(folder .. "/b.safetensors"))
  local mean = F.mul(F.add(assert(predict.probability(a, x)), assert(predict.probability(b, x))), 0.5)
  check.ok(apart(assert(predict.probability(a, x, { with = { folder .. "/b.safetensors" } })), mean) < 1e-6)
  assert(model(3, { channels = 3 }):save(folder .. "/c.safetensors"))
  check.fails("reads other images", predict.probability, a, x, { with = { folder .. "/c.safetensors" } })
  check.fails("none.safetensors", predict.probability, a, x, { with = { folder .. "/none.safetensors" } })
  check.fails("above the threshold", way.new, a, { threshold = 0.4, low = 0.5 })
  check.fails("decides by the largest", way.new, model(1, { classes = 3 }), { smallest = 4 })
end)

check.case("metrics: a decided mask is scored in the place of the threshold's; the curves stay the probability's", function()
  local p, y = ra.rand(16, 16), image.threshold(ra.rand(16, 16), 0.6)
  local decided = image.threshold(ra.rand(16, 16), 0.3)
  local plain, d, of_mask = ra.metrics(p, y), ra.metrics(p, y, { decided = decided }), ra.metrics(decided, y)
  for _, key in ipairs { "dice", "iou", "hd95", "cldice", "component_error", "tp", "fn" } do check.equal(d[key], of_mask[key], key) end
  for _, key in ipairs { "roc_auc", "pr_auc", "ece" } do check.equal(d[key], plain[key], key) end
  check.near(require("ramus.data.metrics").summarize({ d }).pooled.roc_auc, plain.roc_auc, 1e-3)
end)

check.case("predict and eval: the command says what it did in the protocol, in files of their own", function()
  local binary, sh = processes.executable(check.root), processes.sh
  local function recipe(seed) return { name = "w", data = { set = "phantom", options = { size = 64, train = 4, test = 2 }, batch = 2 }, model = model(0),
    supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 4, seed = seed, log = { pictures = 0 } } end
  for seed = 1, 2 do
    assert(ra.train(recipe(seed), { run = ("%s/run%d"):format(folder, seed), quiet = true, evaluate = false, data_root = folder .. "/data" }))
  end
  local eval = ("%s eval %s/run1 --data-root %s/data --json"):format(binary, folder, folder)
  local function dice(words)
    local text, status = sh(eval .. " " .. words)
    check.equal(status, 0, text)
    local result = json.decode(text)
    return result.per_image.dice.mean, result.protocol
  end
  local plain = dice ""
  local same = dice "--flips none"
  check.equal(same, plain)
  local decided, p = dice(("--flips turned --with %s/run2 --low 0.3 --smallest 9"):format(folder))
  check.ok(decided ~= plain)
  check.ok(p.flips:find "8 mirror" and p.ensemble:find "mean of 2 models" and p.hysteresis:find "0.3" and p.smallest:find "9 pixels")
  local names = table.concat(files.list(folder .. "/run1"), " ")
  check.ok(names:find "eval%-turned%-with_%x+%-low_0_3%-smallest_9%.json", names)
  for words, part in pairs { ["--flips sideways"] = "none, mirrored or turned", ["--low 0.7"] = "above the threshold",
    ["--smallest 2.5"] = "type integer, got 2.5",
    ["--tune --smallest 3"] = "masks of one threshold", ["--with none"] = "none" } do
    local text, status = sh(eval .. " " .. words)
    check.ok(status ~= 0 and text:find(part, 1, true), ("%s: %d %s"):format(words, status, text))
    check.ok(not text:find("stack traceback", 1, true), text)
  end
  local test = folder .. "/data/phantom-64x64-4-0-2-seed1/test/1.png"
  local text, status = sh(("%s predict %s/run1 %s -o %s/out --flips mirrored --smallest 5000 --json"):format(binary, folder, test, folder))
  check.equal(status, 0, text)
  check.equal(json.decode(text)[1].vessel_share, 0) -- no region is that large
end)
