--- Templates, states, protocols and the files of a run, each field deleted, of another type and out of range in turn: each is refused with one line
-- (nil, message) or was a value that the field may have; nothing ends in a stack trace, and nothing that makes no sense is taken.
local check = require "check"
local checkpoint = require "ramus.train.checkpoint"
local cjson = require "cjson"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local ra = require "ramus"
local runs = require "ramus.train.run.list"
local safetensors = require "ramus.lang.safetensors"
local shape = require "ramus.base.shape"
local snapshot = require "ramus.train.snapshot"
local state = require "ramus.train.state"

local folder = check.folder "malformed"
local run = folder .. "/run"

--- What a field becomes.
local BAD = { { "gone", nil }, { "null", cjson.null }, { "text", "x" }, { "nothing", "" }, { "negative", -1 }, { "half", 1.5 }, { "million", 1e9 },
  { "huge", 1e300 }, { "zero", 0 }, { "object", {} }, { "list", json.list {} }, { "true", true }, { "deep", { { { { 1 } } } } }, { "long", ("x"):rep(70000) } }

--- Calls f(path of the field, what it became) with every field of `root` changed in turn; of long lists some entries.
local function each(root, f)
  local function walk(t, path)
    local keys = {}
    for k in pairs(t) do keys[#keys + 1] = k end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for i, k in ipairs(keys) do
      if #keys <= 30 and type(k) == "string" or i <= 3 or i == #keys then
        local inner = path .. "." .. tostring(k)
        for _, b in ipairs(BAD) do
          local kept = t[k]
          t[k] = b[2]
          if kept ~= b[2] then f(inner, b[1]) end
          t[k] = kept
        end
        if type(t[k]) == "table" then walk(t[k], inner) end
      end
    end
  end
  walk(root, "")
end

--- Tries read(text) with every change of the JSON in `text`. allowed: { [pattern of the field] = "what it may become, .." }.
local function hold(what, text, allowed, read)
  local value, wrong, count = cjson.decode(text), {}, 0
  local function try(path, b)
    local fine, changed = pcall(json.encode, value)
    if not fine then return end
    count = count + 1
    local ok, result, err = pcall(read, changed)
    local name = ("%s%s %s"):format(what, path, b)
    if not ok then wrong[#wrong + 1] = name .. ": threw " .. tostring(result):sub(1, 200)
    elseif result then
      local may = false
      for pattern, list in pairs(allowed) do
        may = may or path:find(pattern) ~= nil and (list == "any" or (", " .. list .. ","):find(", " .. b .. ",", 1, true) ~= nil)
      end
      if not may then wrong[#wrong + 1] = name .. ": was accepted" end
    elseif type(err) ~= "string" or err:find "\n" or #err > 1000 or err:find("attempt to", 1, true) then
      wrong[#wrong + 1] = name .. ": " .. tostring(err):sub(1, 200)
    end
  end
  each(value, try)
  check.ok(#wrong == 0, ("%d of %d\n%s"):format(#wrong, count, table.concat(wrong, "\n", 1, math.min(40, #wrong))))
  check.ok(count > 20, what .. ": only " .. count .. " were tried")
end

local recipe = { name = "f", data = { set = "phantom", options = { size = 32, train = 3, val = 1, test = 1 }, batch = 1, size = 32,
  preprocess = { clahe = { 2, 2 } } }, model = ra.models.unet { depth = 2, width = 2 }, teacher = { kind = "ema" },
  supervise = { { at = "out", loss = ra.loss.bce() }, { at = "out", loss = ra.loss.soft_target(), against = "teacher.out" } },
  optim = ra.optim.adamw { lr = 1e-3, accumulate = 2 }, epochs = 2, early_stop = { patience = 5 } }
local given = { run = run, quiet = true, data_root = folder .. "/data" }
assert(ra.train(recipe, given))
local file = assert(safetensors.load(run .. "/last.safetensors"))

--- The open checkpoint with other metadata.
local function with(changes)
  return setmetatable({ meta = setmetatable(changes, { __index = file.meta }), path = "FILE" }, { __index = file })
end

local small, picture = ra.rand(1, 1, 32, 32), ra.rand(40, 40)

--- The model of a checkpoint, and used. alone: not for a prediction.
local function model_of(open, alone)
  local m, err = checkpoint.read_model(open)
  if not m then return nil, err end
  m:forward(small)
  check.ok(#tostring(m) > 0)
  if alone then return m end
  local p
  p, err = ra.predict.probability(m, picture)
  if not p then return nil, err end
  return m
end

check.case("malformed: the template of a model", function()
  hold("model", file.meta["ramus.model"], {
    ["^%.constants$"] = "gone, zero", ["^%.name$"] = "gone, text, nothing", ["^%.outputs%.out$"] = "text",
    ["^%.entries%.1%.inputs%.1$"] = "text", ["^%.entries%.%d+%.inputs%.[23]$"] = "nothing", -- "x" is the image; a normalisation goes without weight and bias
    ["^%.entries%.%d+%.options$"] = "object, list", ["^%.entries%.%d+%.options%."] = "gone",
    ["^%.parameters%.%d+%.buffer$"] = "gone, true", ["^%.parameters%.%d+%.init$"] = "gone",
    ["%.init%.fan_in$"] = "half, million", ["%.init%.value$"] = "negative, half, million, zero",
  }, function(text) return model_of(with { ["ramus.model"] = text }, true) end)
end)

check.case("malformed: what a checkpoint says of input, output and build", function()
  hold("input", file.meta["ramus.input"], { ["^%.preparation$"] = "gone, object, list", ["^%.preparation%.2$"] = "gone",
    ["^%.preparation%.2%.b$"] = "half, zero", ["^%.range$"] = "gone", ["^%.size$"] = "gone" },
    function(text) return model_of(with { ["ramus.input"] = text }) end)
  hold("output", file.meta["ramus.output"], { ["^%.classes"] = "gone, object, list, text, nothing, long", ["^%.numerics$"] = "gone",
    ["^%.threshold$"] = "zero" }, function(text) return model_of(with { ["ramus.output"] = text }) end)
  hold("build", file.meta["ramus.build"], {}, function(text) return checkpoint.format(with { ["ramus.build"] = text, ["ramus.format"] = "3" }) end)
end)

check.case("malformed: the protocol of a checkpoint of format 1", function()
  local text = json.encode { set = "phantom", size = 32, preprocess = { clahe = { 2, 2 }, blur = 1 }, split = "usual" }
  hold("protocol", text, { ["^%.set$"] = "any", ["^%.split$"] = "any", ["^%.size$"] = "gone, million", ["^%.preprocess$"] = "gone, object, list",
    ["^%.preprocess%.blur$"] = "gone, half, zero", ["^%.preprocess%.clahe$"] = "gone, true", ["^%.preprocess%.clahe%.2$"] = "half, zero" }, function(changed)
    local meta = { ["ramus.protocol"] = changed, ["ramus.model"] = file.meta["ramus.model"] }
    local m, err = checkpoint.read_model(setmetatable({ meta = meta, path = "FILE" }, { __index = file }))
    return m, err
  end)
end)

local LIMITS = { epochs = 2, batches = 3, accumulate = 2 }
local function state_of(text)
  local plain, err = checkpoint.decode(text, "the state")
  if err then return nil, err end
  local s
  s, err = state.unpack(plain, snapshot.schema)
  if not s then return nil, err end
  err = state.wrong(s, LIMITS)
  if err then return nil, err end
  return s
end

check.case("malformed: the state of a training", function()
  assert(state_of(file.meta["ramus.state"]))
  local middle = cjson.decode(file.meta["ramus.state"])
  middle.epoch, middle.lines, middle.batch, middle.micro, middle.sums.batches, middle.sums.steps, middle.complete = 1, 1, 1, 1, 1, 0, false
  middle.best, middle.best_epoch, middle.optim_steps = "0x1p-2", 0, 2
  middle.sums.value, middle.sums.gradient, middle.sums.count = { ["bce@out"] = "0x1p-1" }, { ["bce@out"] = "0x1p-1" }, { ["bce@out"] = 1 }
  for what, text in pairs { ["at an end"] = file.meta["ramus.state"], ["in an epoch"] = json.encode(middle) } do
    assert(state_of(text), what)
    hold(what, text, { ["^%.complete$"] = "true", ["^%.averaged$"] = "true", ["^%.isa$"] = "gone, text, nothing, long", ["^%.stopped_early"] = "true",
      ["^%.since_best$"] = "zero", ["^%.best_epoch$"] = "zero", ["^%.empty_epochs$"] = "zero", ["^%.sums%.clipped$"] = "zero", ["^%.optim_steps$"] = "zero",
      ["^%.sums%.images$"] = "million, zero", ["^%.sums%.[%l]+$"] = "object, list", ["^%.sums%.[%l]+%.bce@out$"] = "gone, million, zero",
      ["^%.lines$"] = "none", ["^%.sums%.steps$"] = "zero", ["^%.sums%.batches$"] = "none" }, state_of)
  end
  for _, bad in ipairs { '{"epoch":1e9}', "[]", "null", "5", '"x"', "{" } do check.fails("", state_of, bad) end
end)

check.case("malformed: a state that is impossible is refused by a resume, and the file is left alone", function()
  local path = run .. "/last.safetensors"
  local kept = assert(files.read(path))
  for _, change in ipairs { { '"epoch":2', '"epoch":1000000000' }, { '"batch":0', '"batch":1' }, { '"lines":2', '"lines":7' },
    { '"optim_steps":4', '"optim_steps":400' } } do
    local meta = {}
    for k, v in pairs(file.meta) do if k ~= "ramus.sha256" and k ~= "ramus.version" then meta[k] = v end end
    local n
    meta["ramus.state"], n = meta["ramus.state"]:gsub(change[1], change[2])
    check.equal(n, 1, change[1])
    assert(safetensors.save(path, file.tensors, meta))
    local before = files.read(path)
    check.fails("the training state: ", ra.train, recipe, given)
    check.ok(files.read(path) == before)
  end
  assert(files.write(path, kept))
end)

--- Writes without waiting for the disk.
local function put(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

--- Reads all that there is of a run from outside; nil and a message.
local function look()
  local facts, err = runs.facts(run)
  if not facts then return nil, err end
  local opened = assert(ra.open_run(run))
  check.ok(#tostring(opened) > 0 and #tostring(opened.history) > 0)
  require("ramus.report.compared").of { assert(require("ramus.report.gather").run(run)) }
  return facts
end

check.case("malformed: the files of a run", function()
  for name, allowed in pairs {
    ["resolved.json"] = { ["^%.build"] = "any", ["^%.identity"] = "any", [".*"] = "any" }, -- what is read of it must be whole, the rest may be anything
    ["eval.json"] = { [".*"] = "any" }, -- without whole scores a run counts as not scored
    ["samples.json"] = { [".*"] = "any" },
  } do
    local path = run .. "/" .. name
    local kept = assert(files.read(path))
    hold(name, kept, allowed, function(text)
      put(path, text)
      return look()
    end)
    put(path, kept)
  end
  local path = run .. "/metrics.jsonl"
  local kept = assert(files.read(path))
  hold("metrics", kept:match "[^\n]+", { [".*"] = "any" }, function(text)
    put(path, text .. "\n")
    return look()
  end)
  put(path, kept)
end)

check.case("malformed: shapes", function()
  check.equal(shape.wrong({ a = 1 }, { a = "integer", b = "string?" }, "x"), nil)
  for _, case in ipairs { { { a = 1.5 }, "x.a: must be integer, is 1.5" }, { {}, "x.a: must be integer, is missing" }, { 5, "x: must be an object, is 5" } } do
    check.equal(shape.wrong(case[1], { a = "integer" }, "x"), case[2])
  end
  check.equal(shape.wrong({ 1, 2, "x" }, { list = "number" }, "x"), "x.3: must be number, is 'x'")
  check.equal(shape.wrong({ a = 1 }, { list = "number" }, "x"), "x: must be a list")
  check.equal(shape.wrong({ 1 }, { map = "number" }, "x"), "x: must be an object")
  check.equal(shape.wrong(nil, { optional = true, a = "any" }, "x"), nil)
end)

-- ---- definitions of data sets, lines of metrics ----

check.case("definition: lists of files of a wrong shape are refused in one line, by its path, by register and where options make them", function()
  local path = folder .. "/wrong.lua"
  for text, part in pairs {
    ["files = 3"] = "files: must be a list, is 3", ["files = { { urls = { \"u\" } } }"] = "files.1.name: must be string, is missing",
    ["files = { { name = \"a.zip\", urls = { {} } } }"] = "files.1.urls.1: must be string",
    ["files = { { name = \"a.zip\", bytes = \"x\" } }"] = "files.1.bytes",
    ["files = { { name = \"../a.zip\" } }"] = "must be a file's name without a folder",
    ["files = { { name = \"..\" } }"] = "without a folder",
    ["editions = { { name = \"full\", files = {}, counts = { train = \"x\" } } }"] = "editions.1.counts.train: must be integer",
    ["editions = 0"] = "editions: must be a list, is 0", ["editions = { { name = \"full\", files = { { } } } }"] = "editions.1.files.1.path",
  } do
    assert(files.write(path, ('return { name = "wrong", open = function() return {} end, %s }\n'):format(text)))
    for _, call in ipairs { ra.datasets.find, ra.fetch, ra.datasets.open } do
      local value, err = call(path)
      check.ok(not value and err:find(part, 1, true) and not err:find "\n", ("%s: %s"):format(text, tostring(err)))
    end
  end
  check.raises("files: must be a list, is 3", ra.datasets.register, { name = "wrong", open = function() end, files = 3 })
  local def = ra.datasets.register { name = "wrong_by_options", open = function() end, files = function() return { { name = "a/b" } } end }
  check.raises("without a folder", ra.datasets.with, def, {})
end)

check.case("metrics: lines whose numbers are none are left out; a line without a loss is shown", function()
  local path = folder .. "/odd"
  local lines = '{"epoch":0,"rate":"fast","loss":1}\n{"epoch":1,"loss":0.5,"gradient_norm":{}}\n{"epoch":2,"rate":0.01,"terms":{"dice@out":{}}}\n'
  os.execute(("cp -r %s %s"):format(run, path))
  assert(files.write(path .. "/metrics.jsonl", lines))
  check.equal(#assert(require("ramus.train.run").read(path)):history(), 1)
  local shown = assert(require("ramus.train.run.story").lines(path, { columns = 79, rows = 40, plain = true }))
  check.ok(table.concat(shown, "\n"):find("loss -  rate 0.01", 1, true), table.concat(shown, "\n"))
end)

check.case("prepared: a set whose prepared.json holds something else than hashes is no prepared set, in one line", function()
  local root = folder .. "/prepared"
  local place = assert(ra.fetch("phantom", { data_root = root, options = { size = 32, train = 2, val = 1, test = 1 } }))
  local text = assert(files.read(place .. "/prepared.json"))
  for _, change in ipairs { { '"test\\/1_gt.png": "%x+"', '"test\\/1_gt.png": false' }, { '"set": "phantom"', '"set": 3' },
    { '"edition": "full"', '"edition": []' } } do
    local changed, n = text:gsub(change[1], change[2])
    check.equal(n, 1, change[1])
    assert(files.write(place .. "/prepared.json", changed))
    check.fails("is not in", ra.datasets.open, "phantom", { root = root, options = { size = 32, train = 2, val = 1, test = 1 } })
  end
end)

--- The bytes of a .npz whose member says another size than it has, in its own header, in the directory, or in both.
local function lying(bytes, where, size)
  local four = string.char(size % 256, math.floor(size / 256) % 256, math.floor(size / 65536) % 256, 0)
  local function write_at(at) bytes = bytes:sub(1, at) .. four .. bytes:sub(at + 5) end
  local directory = assert(bytes:find("PK\1\2", 1, true)) - 1
  if where ~= "directory" then write_at(22) end
  if where ~= "header" then write_at(directory + 24) end
  return bytes
end

check.case("npz: a member whose size is another than its header or the directory says is refused", function()
  local path = folder .. "/lying.npz"
  assert(safetensors.save(path, { a = ra.ones(50) }, nil, "npz"))
  local bytes = assert(files.read(path))
  local directory = assert(bytes:find("PK\1\2", 1, true)) - 1
  local size = bytes:byte(directory + 25) + 256 * bytes:byte(directory + 26)
  for _, where in ipairs { "header", "directory", "both" } do
    for _, said in ipairs { size - 8, size + 8, 16 * 2 ^ 20 - 1 } do
      assert(files.write(path, lying(bytes, where, said)))
      check.fails("not a whole .npz file", ra.load, path)
    end
  end
  assert(files.write(path, lying(bytes, "both", size)))
  check.equal(assert(ra.load(path)).a.size, 50)
end)
