--- JSON that Ramus reads, changed in structure or in bytes: ramus run tests/fuzz/structures.lua SEED COUNT FOLDER [SUBJECT].
-- Subjects: state, resolved, scores, metrics, results, prepared, coco, nnunet, csv, definition (the lists of files of a data set's definition). What
-- reads them gives a value, or nil and a message of one line; a Lua error is a defect, so is a file outside of the folder, and so is whatever a
-- sanitizer says. main.lua starts this in a process of its own.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local ra = require "ramus"
local evaluate = require "ramus.train.evaluate"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local results = require "ramus.study.results"
local run = require "ramus.train.run"
local story = require "ramus.train.run.story"
local cjson = require "cjson"
local change = require "mutate"

local seed, count, folder, only = tonumber(arg[1]), tonumber(arg[2]), arg[3], arg[4]
math.randomseed(seed)
os.execute(("rm -rf %s && mkdir -p %s/data"):format(folder, folder))
folder = assert(files.absolute(folder))

-- ---- what is read, whole ----

local DATA = { set = "phantom", options = { size = 32, train = 2, val = 1, test = 1 }, batch = 1 }
local function recipe(epochs)
  return { name = "tiny", data = DATA, model = ra.models.unet { depth = 2, width = 2 }, supervise = { { at = "out", loss = ra.loss.dice {} } },
    optim = ra.optim.adamw { lr = 1e-2, ema = 0.9 }, epochs = epochs, seed = 1, teacher = { kind = "last_epoch" } }
end
local whole = folder .. "/whole"
assert(ra.train(recipe(1), { run = whole, quiet = true, data_root = folder .. "/data" }))
local last = assert(ra.load(whole .. "/last.safetensors"))
local meta = require("ramus.lang.safetensors").load(whole .. "/last.safetensors").meta

local pictures = folder .. "/pictures"
for _, inner in ipairs { "", "/imagesTr", "/labelsTr" } do assert(files.make_folder(pictures .. inner)) end
for i = 1, 3 do
  assert(ra.image.save(("%s/%d.png"):format(pictures, i), ra.rand(1, 16, 16)))
  assert(ra.image.save(("%s/imagesTr/case_%d_0000.png"):format(pictures, i), ra.rand(1, 16, 16)))
  assert(ra.image.save(("%s/labelsTr/case_%d.png"):format(pictures, i), ra.zeros(1, 16, 16)))
end

--- A copy of the run with one file of another content.
local function with(name, text)
  os.execute(("rm -rf %s/run && cp -r %s %s/run"):format(folder, whole, folder))
  assert(files.write(("%s/run/%s"):format(folder, name), text))
  return folder .. "/run"
end

local function of_file(name) return assert(files.read(whole .. "/" .. name)) end

--- { NAME = { text =, read = function(text) -> value | nil, message } }
local subjects = {
  state = { text = meta["ramus.state"], read = function(text)
    local path, changed = with("resolved.lua", ""), {}
    for key, value in pairs(meta) do changed[key] = value end
    changed["ramus.state"] = text
    local arrays = {}
    for name, t in pairs(last) do arrays[name] = t end
    assert(ra.save(path .. "/last.safetensors", arrays, changed))
    return ra.train(recipe(1), { run = path, quiet = true, data_root = folder .. "/data", evaluate = false })
  end },
  resolved = { text = of_file "resolved.json", read = function(text)
    local path = with("resolved.json", text)
    local r, err = run.read(path)
    if not r then return nil, err end
    return tostring(r) and evaluate.facts(path)
  end },
  scores = { text = of_file "eval.json", read = function(text)
    local e, err = assert(run.read(with("eval.json", text))):evaluation()
    return e and tostring(e), err
  end },
  metrics = { text = of_file "metrics.jsonl", read = function(text)
    local path = with("metrics.jsonl", text)
    assert(assert(run.read(path)):history())
    return story.lines(path, { columns = 79, rows = 40, plain = true })
  end },
  results = { text = json.encode { cell = "a-1", recipe = "a", study = "s", row = "r", seed = 1, threads = 1, build = { version = "1" },
    data = { set = "x", hash = "h" }, weights = { last = "w" }, cost = { seconds = 1 }, curve = { loss = { 1, 2 } },
    scores = { test = { pictures = { "1" }, outputs = { out = { dice = { 0.5 } } }, protocol = { output = "out", set = "x" } } } }, read = function(text)
    assert(files.write(folder .. "/results.jsonl", text .. "\n"))
    return results.read(folder .. "/results.jsonl")
  end },
  prepared = { text = assert(files.read((assert(ra.fetch("phantom", { data_root = folder .. "/data", options = DATA.options })) .. "/prepared.json"))),
    read = function(text)
      local root = folder .. "/prepared"
      os.execute(("rm -rf %s && cp -r %s/data %s"):format(root, folder, root))
      assert(files.write(assert(ra.fetch("phantom", { data_root = root, options = DATA.options })) .. "/prepared.json", text))
      return ra.datasets.open("phantom", { root = root, options = DATA.options })
    end },
  coco = { text = json.encode { images = { { id = 1, file_name = "1.png", width = 16, height = 16 }, { id = 2, file_name = "2.png", width = 16, height = 16 } },
    categories = { { id = 1, name = "vessel" } }, annotations = { { id = 1, image_id = 1, category_id = 1, segmentation = { { 1, 1, 8, 1, 8, 8 } } },
      { id = 2, image_id = 2, category_id = 1, segmentation = { size = { 16, 16 }, counts = { 200, 20, 36 } } } } }, read = function(text)
    assert(files.write(pictures .. "/coco.json", text))
    return ra.datasets.open(pictures .. "/coco.json", { root = folder .. "/data", split = "1:0:1" })
  end },
  nnunet = { text = json.encode { channel_names = { ["0"] = "xray" }, labels = { background = 0, vessel = 1 }, numTraining = 3, file_ending = ".png" },
    read = function(text)
      assert(files.write(pictures .. "/dataset.json", text))
      return ra.datasets.open(pictures, { root = folder .. "/data", split = "1:1:1" })
    end },
  csv = { text = json.encode { "image;mask;split;group", "1.png;1.png;train;\"p;1\"", "2.png;2.png;test;p2", "3.png;;val;\"p\"\"3\"" }, read = function(text)
    local ok, list = pcall(cjson.decode, text) -- what is no JSON is read as it is
    if ok and type(list) == "table" then
      for i, line in ipairs(list) do list[i] = tostring(line) end
      text = table.concat(list, "\n")
    end
    assert(files.write(pictures .. "/pairs.csv", text))
    return ra.datasets.open(pictures .. "/pairs.csv", { root = folder .. "/data" })
  end },
  definition = { text = json.encode { files = { { name = "1.png", urls = { "file://" .. pictures .. "/1.png" }, bytes = 100 } },
    editions = { { name = "full", counts = { train = 1 }, files = { { path = "1.png" } } } } }, read = function(text)
    local d = cjson.decode(text) -- what is no JSON is no definition either
    if type(d) ~= "table" then return nil, "no definition" end
    os.execute(("rm -rf %s/fetched"):format(folder))
    d.name, d.open = "fuzzed", function(where) return ra.datasets.pair(where, { image = "^(%d+)%.png$", mask = "^(%d+)%.png$" }) end
    local ok, err = pcall(ra.datasets.register, d)
    if not ok then return nil, err end
    return ra.fetch("fuzzed", { data_root = folder .. "/fetched", from = math.random(2) == 1 and pictures or nil, tries = 1, wait = 0.01 })
  end },
}

-- ---- changed ----

--- The text with some bytes changed, cut or doubled.
local function damaged(text)
  for _ = 1, math.random(3) do
    local at = math.random(#text)
    local kind = math.random(4)
    if kind == 1 then text = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1)
    elseif kind == 2 then text = text:sub(1, at)
    elseif kind == 3 then text = text:sub(1, at) .. text:sub(math.random(at))
    else text = text:sub(1, at - 1) .. text:sub(at + math.random(8)) end
    if #text == 0 then return "x" end
  end
  return text
end

local function changed(name, text)
  if math.random(4) == 1 and name ~= "definition" then return damaged(text) end
  local value = cjson.decode(text)
  for _ = 1, math.random(3) do change(value) end
  local ok, again = pcall(json.encode, value)
  return ok and again or changed(name, text)
end

local function attempt(name, s, i)
  local text = changed(name, s.text)
  assert(files.write(folder .. "/input.json", text)) -- so that it is there when the process dies
  local ok, value, err = pcall(s.read, text)
  local why = not ok and "an error was raised, where nil and a message are promised: " .. tostring(value)
    or not value and (type(err) ~= "string" or #err < 8 or err:find("attempt to", 1, true)) and "no message: " .. tostring(err)
    or files.exists(folder .. "/escape") and "a file outside of the data root"
  if why then return ("%s, file %d of seed %d: %s\n  %s"):format(name, i, seed, why, text:sub(1, 400)) end
end

local names, found = {}, {}
for name in pairs(subjects) do if not only or name == only then names[#names + 1] = name end end
table.sort(names)
for i = 1, count do
  for _, name in ipairs(names) do found[#found + 1] = attempt(name, subjects[name], i) end
  if i % 16 == 0 then collectgarbage() end
end
if #found > 0 then error(("%d of %d:\n%s"):format(#found, count * #names, table.concat(found, "\n", 1, math.min(#found, 12))), 0) end
print(("%d files of %d kinds"):format(count * #names, #names))
