--- Several teachers by name, the net's own outputs as targets, and the names that rows, outputs and teachers share.
local check = require "check"
local files = require "ramus.base.files"
local json = require "cjson"
local options = require "ramus.base.options"
local ra = require "ramus"
local processes = require "processes"
local recipe = require "ramus.train.recipe"
local supervise = require "ramus.train.supervise"

local folder = check.folder "teachers"

--- A small recipe as a table; more replaces fields.
local function raw(more)
  local r = { name = "t", data = { set = "phantom", options = { size = 32, train = 4, val = 2, test = 1 }, batch = 2 },
    model = ra.models.unet { depth = 2, width = 2, sides = true },
    teachers = { past = { kind = "last_epoch" }, mean = { kind = "ema", decay = 0.5, from = 1, till = 3 }, old = { kind = "ago", k = 2 } },
    supervise = { { at = "out", loss = ra.loss.dice {} },
      { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "past.out" },
      { at = "side1", loss = ra.loss.mse {}, against = "mean.same" },
      { at = "side1", loss = ra.loss.kl_divergence {}, against = "old.out" },
      { at = "side1", loss = ra.loss.kl_divergence { tau = 2 }, against = "self.out", weight = 0.5 } },
    optim = ra.optim.adamw { lr = 1e-2 }, epochs = 4, seed = 2 }
  for k, v in pairs(more or {}) do r[k] = v or nil end
  return r
end

local function train(name, r, given)
  local o = { run = folder .. "/" .. name, quiet = true, data_root = folder .. "/data" }
  for k, v in pairs(given or {}) do o[k] = v end
  return ra.train(r, o)
end

local function lines(name)
  local list = {}
  for line in files.read(folder .. "/" .. name .. "/metrics.jsonl"):gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
  return list
end

check.case("teachers: several at once, each from the epoch in which it exists, or as from and till say", function()
  assert(train("whole", raw()))
  local acts = { ["soft_target@out"] = { 1, 3 }, ["mse@side1"] = { 1, 2 }, ["kl_divergence@side1#4"] = { 2, 3 }, ["kl_divergence@side1#5"] = { 0, 3 } }
  for _, entry in ipairs(lines "whole") do
    for name, span in pairs(acts) do
      check.equal(entry.terms[name] ~= nil, entry.epoch >= span[1] and entry.epoch <= span[2], ("%s in epoch %d"):format(name, entry.epoch))
    end
  end
  local text = files.read(folder .. "/whole/log.txt")
  check.ok(text:find("teacher mean: ema decay=0.5, read from epoch 1 to 2", 1, true) and text:find("teacher past: last_epoch", 1, true), text)
end)

check.case("log.outputs: Dice, entropy and agreement of every output; looking changes no weight; a teacher that is the model agrees wholly", function()
  local checkpoint = require "ramus.train.checkpoint"
  local teachers = { past = { kind = "last_epoch" }, same = { kind = "ema", decay = 0 } }
  local rows = { { at = "out", loss = ra.loss.dice {} }, { at = "side1", loss = ra.loss.bce {} } }
  assert(train("seen", raw { teachers = teachers, supervise = rows, log = { outputs = { every = 2 } } }))
  assert(train("unseen", raw { teachers = teachers, supervise = rows }))
  check.equal(checkpoint.hash(folder .. "/seen/last.safetensors"), checkpoint.hash(folder .. "/unseen/last.safetensors"))
  for _, entry in ipairs(lines "seen") do
    check.equal(entry.outputs ~= nil, entry.epoch % 2 == 0 or entry.epoch == 3)
    for _, name in ipairs(entry.outputs and { "out", "side1" } or {}) do
      local o = entry.outputs[name]
      check.equal(o.agreement.same, 1, name)
      check.equal(o.agreement.past ~= nil, entry.epoch > 0)
      check.ok(o.patch_entropy > 0 and o.patch_entropy <= 1)
      if name == "out" then check.near(o.dice, entry.validation.dice, 1e-9) end
    end
  end
  local _, err = train("blind", raw { data = { set = "phantom", options = { size = 32, train = 2, test = 1 }, val = false }, log = { outputs = {} } })
  check.ok(err and err:find "log.outputs needs a validation split", tostring(err))
  local curve = require("ramus.study.curve").of(lines "seen")
  check.equal(table.concat(curve.outputs.epoch, " "), "0 2 3")
  check.equal(#curve.outputs.out["agreement.past"], 3)
  check.equal(curve.outputs.out["agreement.past"][1], json.null)
end)

check.case("teachers: a run that is killed three times goes on to the same bytes, with all of them", function()
  local binary, sh, file = processes.executable(check.root), processes.sh, folder .. "/several.lua"
  assert(files.write(file, [[
local ra = require "ramus"
return { name = "several", data = { set = "phantom", options = { size = 64, train = 6, val = 2, test = 1 }, batch = 2 },
  model = ra.models.unet { depth = 3, width = 4, sides = true },
  teachers = { past = { kind = "last_epoch" }, mean = { kind = "ema", decay = 0.9 }, old = { kind = "ago", k = 2 }, top = { kind = "best" } },
  supervise = { { at = "out", loss = ra.loss.dice {} },
    { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "past.out" },
    { at = "side*", loss = ra.loss.mse {}, against = "mean.same" }, { at = "side1", loss = ra.loss.mse {}, against = "old.out" },
    { at = "side2", loss = ra.loss.mse {}, against = "top.side1" }, { at = "side2", loss = ra.loss.kl_divergence {}, against = "self.out" } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 6, seed = 2 }
]]))
  local function command(run)
    return ("env RAMUS_DATA=%s/data RAMUS_THREADS=1 %s train %s --quiet --run %s/%s"):format(folder, binary, file, folder, run)
  end
  local text, status, seconds = sh(command "unbroken")
  check.equal(status, 0, text)
  for k = 1, 3 do
    sh(("%s & pid=$!; sleep %.3f; kill -9 $pid 2>/dev/null; wait $pid"):format(command("killed"):gsub("^env", "exec env"), seconds * (0.3 + 0.15 * k)))
  end
  text, status = sh(command "killed")
  check.equal(status, 0, text)
  for _, name in ipairs { "last.safetensors", "metrics.jsonl" } do
    check.ok(files.read(("%s/unbroken/%s"):format(folder, name)) == files.read(("%s/killed/%s"):format(folder, name)), name .. " differs")
  end
end)

check.case("teachers: the hash of a checkpoint's weights is that of the model, whatever teachers lie beside it", function()
  local checkpoint = require "ramus.train.checkpoint"
  local _, list = checkpoint.hash(folder .. "/whole/last.safetensors")
  for _, line in ipairs(list) do check.ok(not line:find(" teacher", 1, true), line) end
end)

check.case("teachers: one, called teacher, is the same as ever", function()
  local rows = { { at = "out", loss = ra.loss.dice {} }, { at = "out", loss = ra.loss.soft_target { alpha = 0.5 }, against = "teacher.out" } }
  assert(train("one", raw { teachers = false, teacher = { kind = "last_epoch" }, supervise = rows }))
  assert(train("named", raw { teachers = { teacher = { kind = "last_epoch" } }, supervise = rows }))
  check.equal(files.read(folder .. "/one/metrics.jsonl"), files.read(folder .. "/named/metrics.jsonl"))
  local renamed = { rows[1], { at = "out", loss = rows[2].loss, against = "past.out" } }
  assert(train("other", raw { teachers = { past = { kind = "last_epoch" } }, supervise = renamed }))
  check.equal(files.read(folder .. "/other/metrics.jsonl"), files.read(folder .. "/one/metrics.jsonl"))
end)

check.case("self: an output as the target of another one has no gradient of its own", function()
  local net = ra.models.unet { depth = 2, width = 2, sides = true }
  local s = assert(supervise.new({ { at = "side1", loss = ra.loss.mse {}, against = "self.out" } }, net:output_names(), 1))
  local step = require("ramus.train.step").new { model = net, supervision = s }
  local v = assert(step:variant(0, { 1, 1, 16, 16 }))
  v.buffers.image:copy(ra.rand(1, 1, 16, 16))
  step:run(v, { t = 0, seed = 1, epoch = 0, step = 0 })
  local views = net.cut_gradients(step.gradient)
  check.ok(v.terms[1].value > 0, "a value")
  check.equal(views["head.weight"]:stats().max, 0, "the head of out gets no gradient")
  check.ok(views["side1.weight"]:stats().max ~= 0, "the side's head does")
end)

check.case("teachers: names and references that cannot be are said", function()
  local function refused(text, more)
    local r, err = recipe.resolve(raw(more), "recipe")
    check.ok(not r and options.plain(err):find(text, 1, true), ("'%s' in: %s"):format(text, tostring(err)))
  end
  refused("'side1' is the name of an output of the model", { teachers = { side1 = { kind = "ema" } } })
  refused("'mask' is the name of a field", { teachers = { mask = { kind = "ema" } } })
  refused("'self' is the name of the net itself", { teachers = { self = { kind = "ema" } } })
  refused("names of letters", { teachers = { ["a b"] = { kind = "ema" } } })
  refused("unknown option 'knd'", { teachers = { past = { knd = "ema" } } })
  refused("recipe.teachers.past: kind = \"run\" needs path", { teachers = { past = { kind = "run" } } })
  refused("till = 2 must be larger than from = 2", { teachers = { past = { kind = "ema", from = 2, till = 2 } } })
  refused("is given by recipe.teacher already", { teacher = { kind = "ema" }, teachers = { teacher = { kind = "ema" } } })
  local function row(r) return { supervise = { { at = "out", loss = ra.loss.dice {} }, r } } end
  refused("unknown teacher 'pst'; did you mean 'past'?", row { at = "out", loss = ra.loss.mse {}, against = "pst.out" })
  refused("would be compared with itself", row { at = "side1", loss = ra.loss.mse {}, against = "self.side1" })
  refused("unknown output 'side9'", row { at = "out", loss = ra.loss.mse {}, against = "self.side9" })
  refused("unknown output 'same'", row { at = "out", loss = ra.loss.mse {}, against = "self.same" })
end)
