--- People's own folders: pairs, endings, groups, which files count, what a run compares when it goes on.
local check = require "check"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"
local folder = check.folder("own")
local binary = files.absolute(require("processes").executable(check.root))

local function shell(command)
  local out = folder .. "/out.txt"
  local code = os.execute(command .. " > '" .. out .. "' 2>&1")
  return code, assert(files.read(out))
end

local function write(path, text)
  assert(files.make_folder((files.split(path))))
  assert(files.write(path, text))
  return path
end

--- A picture of noise, the same for the same number, and its mask: a bar.
local function picture(path, n, size)
  assert(files.make_folder((files.split(path))))
  require("ramus.lang.tensor").seed(n)
  assert(image.save(path, tensor.rand(size or 32, size or 32)))
end
local function bar(path, n, size)
  assert(files.make_folder((files.split(path))))
  local mask = tensor.zeros(size or 32, size or 32)
  mask:narrow(1, 4 + n % 20, 4):fill(1)
  assert(image.save(path, mask))
end
-- ---- pairs ----

check.case("pair: endings match in any case, what systems leave is no picture, files that fit no pattern are named", function()
  local where = check.folder("own/pairs")
  for n = 1, 8 do
    for _, kind in ipairs { "images", "masks" } do write(("%s/%s/%d.%s"):format(where, kind, n, n % 2 == 0 and "PNG" or "png"), "x") end
  end
  for _, stray in ipairs { "Thumbs.db", "desktop.ini", ".DS_Store", "._1.png", "notes.txt" } do write(where .. "/images/" .. stray, "x") end
  write(where .. "/images/overview.jpg", "x")
  write(where .. "/mine.lua", [[local dataset = require "ramus.data.dataset"
return { name = "mine", folder = ".", open = function(folder)
  return dataset.pair(folder, { image = { "images", "^(%d+)%.png$" }, mask = { "masks", "^(%d+)%.png$" } })
end }]])
  local set = assert(dataset.open(where .. "/mine.lua"))
  check.equal(#set.samples, 8)
  check.equal(set.samples[2].image, set.folder .. "/images/2.PNG")
  check.equal(#set.unmatched, 1)
  check.ok(set.warnings[1]:find("1 file of .* fits no pattern and is not used: images/overview.jpg"), set.warnings[1])
  -- a pattern that takes any ending takes no note and no Thumbs.db
  local list = assert(dataset.pair(where, { image = { "images", "^(%d+)%.%a+$" }, mask = { "masks", "^(.+)%.%a+$" } }))
  check.equal(#list, 8)
  os.remove(where .. "/masks/3.png")
  check.fails("image '3' has no mask", dataset.open, where .. "/mine.lua")
end)

check.case("ids go in the order of their numbers, however long they are", function()
  local where = check.folder("own/long")
  local ids = { "9", "10", "1.2.840.113619.2.55.3.604688119.971.1", "1.2.840.113619.2.55.3.604688119.971.2", "20230101123045678901", "20230101123045678902" }
  for _, id in ipairs(ids) do write(("%s/%s.png"):format(where, id), "x") end
  local list = assert(dataset.pair(where, { image = "^(.+)%.png$" }))
  local got = {}
  for i, s in ipairs(list) do got[i] = s.id end
  check.equal(table.concat(got, " "), "1.2.840.113619.2.55.3.604688119.971.1 1.2.840.113619.2.55.3.604688119.971.2 9 10 "
    .. "20230101123045678901 20230101123045678902")
end)

-- ---- divisions ----

check.case("split: a group stays on one side, sizes come near the weights, no part that should have images is empty", function()
  local samples = {}
  for patient = 1, 20 do
    for k = 1, 1 + patient % 5 do samples[#samples + 1] = { id = ("p%d_%d"):format(patient, k), group = "p" .. patient } end
  end
  for seed = 1, 5 do
    local parts, side, n = dataset.split(samples, { train = 7, val = 1, test = 2 }, seed), {}, 0
    for name, list in pairs(parts) do
      for _, s in ipairs(list) do
        check.equal(side[s.group] or name, name, s.group)
        side[s.group], n = name, n + 1
      end
    end
    check.equal(n, #samples)
    check.near(#parts.train / n, 0.7, 0.06, "train")
    check.near(#parts.test / n, 0.2, 0.06, "test")
  end
  local three = {}
  for i = 1, 30 do three[i] = { id = tostring(i), group = "g" .. i % 3 } end
  local parts = dataset.split(three, { train = 7, val = 1, test = 2 }, 0)
  check.equal(#parts.train .. #parts.val .. #parts.test, "101010")
end)

check.case("split: ratios of two and three numbers, with a seed; other texts are refused", function()
  local split = require "ramus.data.split"
  local samples, def = {}, { name = "made", splits = {} }
  for i = 1, 20 do samples[i] = { id = tostring(i) } end
  local parts, words = split.named(def, samples, "8:2")
  check.equal(#parts.train .. "/" .. #parts.test, "16/4")
  check.equal(words, "at random by the ids, seed 0")
  local other
  other, words = split.named(def, samples, "8:2 seed 5")
  check.equal(words, "at random by the ids, seed 5")
  check.ok(other.test[1] ~= parts.test[1] or other.test[2] ~= parts.test[2])
  check.fails("unknown split of made '1'", split.named, def, samples, "1")
  check.fails("add up to 0", split.named, def, samples, "0:0:0")
end)

check.case("split: a share or a fold held out, fewer to train, behind commas; groups stay together", function()
  local split = require "ramus.data.split"
  local samples, def = {}, { name = "made", splits = {}, split_source = "declared" }
  for i = 1, 30 do samples[i] = { id = ("%02d"):format(i), group = "g" .. math.ceil(i / 2), split = i <= 20 and "train" or "test" } end
  local function sizes(name)
    local parts, words = assert(split.named(def, samples, name))
    local seen = {}
    for part, list in pairs(parts) do
      for _, s in ipairs(list) do
        check.ok(not seen[s.id], name)
        seen[s.id] = part
      end
    end
    for i = 1, 29, 2 do check.equal(seen[samples[i].id], seen[samples[i + 1].id], name) end
    return ("%d/%d/%d"):format(#parts.train, #(parts.val or {}), #parts.test), words, parts
  end
  local size, words = sizes("usual, val 20%")
  check.equal(size, "16/4/10")
  check.equal(words, "declared; 20 % of train held out for validation, at random by the groups, seed 0")
  check.equal((sizes("usual, train 8 seed 3")), "8/0/10")
  check.equal((sizes("usual , train 10,val 40 % seed 7")), "6/4/10")
  local found = {}
  for k = 1, 5 do
    local text, _, parts = sizes(("usual, val fold %d of 5"):format(k))
    check.equal(text, "16/4/10")
    for _, s in ipairs(parts.val) do found[s.id] = true end
  end
  local n = 0
  for _ in pairs(found) do n = n + 1 end
  check.equal(n, 20, "folds cover train")
  check.equal((sizes("usual, test fold 3 of 3, val fold 1 of 2 seed 4")), "10/10/10")
  for name, part in pairs { ["usual, val 0%"] = "above 0", ["usual, val 20%, val 20%"] = "validation split already", ["usual, val fold 6 of 5"] = "no fold 6",
    ["usual, train 21"] = "20 training images", ["usual, val 1%"] = "leaves none for val", ["usual, side fold 1 of 2"] = "not for side", ["usual, vla 20%"] =
    "unknown split", ["usal, val 20%"] = "did you mean 'usual'" } do
    check.fails(part, split.named, def, samples, name)
  end
end)

check.case("what is in two splits makes the later one's scores too good: train, val, test", function()
  local where = check.folder("own/twice")
  for n = 1, 4 do
    picture(("%s/%d.png"):format(where, n), n)
    bar(("%s/%d_mask.png"):format(where, n), n)
  end
  assert(files.write(where .. "/4.png", assert(files.read(where .. "/1.png"))))
  dataset.register { name = "twice_own", folder = where, open = function(at)
    local list = assert(dataset.pair(at, { image = "^(%d+)%.png$", mask = "^(%d+)_mask%.png$" }))
    for i, s in ipairs(list) do s.split, s.group = ({ "train", "val", "test", "test" })[i], ({ "a", "b", "b", "c" })[i] end
    return list
  end }
  local set = assert(dataset.open("twice_own"))
  table.sort(set.warnings)
  check.equal(table.concat(set.warnings, "\n"), "1 (in train) and 4 (in test) are the same image: scores on test are too good\n"
    .. "group 'b' is in val and in test: scores on test are too good")
end)

check.case("all that is wrong with a set's samples is said at once", function()
  local where = check.folder("own/wrong")
  for n = 1, 5 do write(("%s/%d.png"):format(where, n), "x") end
  local function open(change)
    dataset.register { name = "wrong_own", folder = where, open = function(at)
      local list = {}
      for i = 1, 5 do list[i] = { id = tostring(i), image = ("%s/%d.png"):format(at, i), mask = ("%s/%d.png"):format(at, i) } end
      change(list)
      return list
    end }
    return dataset.open("wrong_own")
  end
  check.fails("two samples have the id '1'; sample 3 lacks an id or an image; image 4: group must be a text, got number", open, function(list)
    list[2].id, list[3].image, list[4].group = "1", nil, 7
  end)
  check.fails("no such file: " .. where .. "/a.png; no such file: " .. where .. "/b.png", open, function(list)
    list[1].image, list[3].mask = where .. "/a.png", where .. "/b.png"
  end)
  os.execute(("mkfifo '%s/pipe.png'"):format(where))
  check.fails("is a device or pipe, not a file", open, function(list) list[1].mask = where .. "/pipe.png" end)
end)

-- ---- a run goes on ----

local project = check.folder("own/project")
for n = 1, 8 do
  picture(("%s/data/%d.png"):format(project, n), n)
  bar(("%s/data/%d_gt.png"):format(project, n), n)
end
write(project .. "/mine.lua", [[local dataset = require "ramus.data.dataset"
return { name = "mine", folder = "data", open = function(folder)
  local list = assert(dataset.pair(folder, { image = "^(%d+)%.png$", mask = "^(%d+)_gt%.png$" }))
  for i, s in ipairs(list) do s.split = i <= 4 and "train" or i <= 6 and "val" or "test" end
  return list
end }]])
write(project .. "/recipe.lua", [[local ra = require "ramus"
return { name = "own", data = { set = "mine.lua", batch = 2 }, model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 100000, log = { pictures = 0 } }]])

--- Trains until an epoch was said, however slow the machine is, and half a second more; the exit status (130: interrupted and saved) and what
-- was printed.
local function go_on(run, quiet)
  local code, text = shell(([[cd '%s' && { '%s' train recipe.lua --run '%s' %s & p=$!; n=0
    while kill -0 $p 2>/dev/null && [ $n -lt 300 ] && ! grep -q '%s ' '%s/out.txt'; do sleep 0.1; n=$((n + 1)); done
    sleep 0.5; kill -INT $p 2>/dev/null; wait $p; }]]):format(project, binary, run or "data/run",
    quiet and "--quiet" or "", quiet and "warning:" or "epoch", folder))
  return code / 256, text
end

check.case("a run below the set's folder goes on with strays, links to nowhere, loops and whatever else is no image of the set", function()
  check.equal((go_on()), 130)
  local data = project .. "/data"
  for _, stray in ipairs { "Thumbs.db", "notes.txt", "predictions/1_prob.png", ".DS_Store" } do write(data .. "/" .. stray, "x") end
  os.execute(("ln -s nowhere.png '%s/old.png'; ln -s . '%s/loop'; truncate -s 2G '%s/film.raw'"):format(data, data, data))
  local status, text = go_on()
  check.equal(status, 130, text)
  check.ok(text:find("resuming data/run", 1, true), text)
  check.ok(text:find("old.png", 1, true), "a picture's name that no pattern takes is said: " .. text)
end)

check.case("a changed training image is named when a run goes on, with what it was; a test image is only a warning", function()
  local path = project .. "/data/2.png"
  local kept = assert(files.read(path))
  local was = dataset.sha256(kept):sub(1, 12)
  picture(path, 99)
  local status, text = go_on()
  check.equal(status, 1, text)
  check.ok(text:find(("split 'train' are not those that this run began with: 2.png has changed (SHA-256 was %s.., is %s..)"):format(was,
    dataset.sha256_file(path):sub(1, 12)), 1, true), text)
  assert(files.write(path, kept))
  picture(project .. "/data/8.png", 98)
  status, text = go_on()
  check.equal(status, 130, text)
  check.ok(text:find("warning: the images of split 'test', which only scores use, .* 8.png has changed"), text)
  status, text = go_on()
  check.equal(status, 130, text)
  check.ok(not text:find("8.png", 1, true), text) -- said once
  picture(project .. "/data/8.png", 97)
  status, text = go_on("data/run", true)
  check.equal(status, 130, text)
  check.ok(text:find "^warning: ", text)
  for line in text:gmatch "[^\n]+" do check.ok(line:find "^warning: data/run: ", "a warning that stands alone names its run: " .. line) end
  assert(os.rename(project .. "/data/3_gt.png", project .. "/data/3_gt.off"))
  status, text = go_on()
  check.equal(status, 1, text)
  check.ok(text:find("image '3' has no mask", 1, true), text)
  assert(os.rename(project .. "/data/3_gt.off", project .. "/data/3_gt.png"))
end)

check.case("the repair of a file that an error named: the run goes on", function()
  local witness, cjson = require "ramus.train.witness", require "cjson"
  local path, kept = project .. "/data/5.png", assert(files.read(project .. "/data/5.png"))
  assert(files.write(path, kept:sub(1, 80)))
  -- what a run that met the cut file keeps: its hash, and that the error named it
  local set = assert(dataset.open(project .. "/mine.lua"))
  local names = require "ramus.train.run.names"
  local at = names.path_of(project .. "/data/run", "samples")
  local facts = cjson.decode(assert(files.read(at)))
  facts.parts.val[1].files[1][2] = dataset.sha256_file(path)
  assert(files.write(at, cjson.encode(facts)))
  local stub = { path = project .. "/data/run", path_of = function(_, kind) return names.path_of(project .. "/data/run", kind) end,
    write = function(_, kind, text) return files.write(names.path_of(project .. "/data/run", kind), text) end }
  witness.note_failed({ run = stub, data = { set = set } },
    ("'%s' is cut short"):format(set.samples[5].image))
  check.equal(cjson.decode(assert(files.read(at))).failed[1], "5.png")
  assert(files.write(path, kept))
  local status, text = go_on()
  check.equal(status, 130, text)
  check.equal(cjson.decode(assert(files.read(at))).failed, nil)
  picture(path, 55)
  check.equal((go_on()), 1) -- once repaired it is held to its bytes again
  assert(files.write(path, kept))
end)

check.case("a run of an earlier version, which kept one hash of the folder: goes on where that fits, else the message says why not", function()
  local run = project .. "/old_run"
  os.remove(project .. "/data/film.raw")
  check.equal((go_on(run)), 130)
  os.remove(run .. "/samples.json")
  local status, text = go_on(run) -- the hash of the samples' files alone is that of this version
  check.equal(status, 130, text)
  check.ok(files.is_file(run .. "/samples.json"))
  os.remove(run .. "/samples.json")
  picture(project .. "/data/1.png", 77)
  status, text = go_on(run)
  check.equal(status, 1, text)
  check.ok(text:find("one hash over every file there, whatever it was", 1, true), text)
  picture(project .. "/data/1.png", 1)
end)

check.case("hashes are kept by size, times and inode; a file that changes in any of them is read again", function()
  local identity = require "ramus.data.identity"
  local where = check.folder("own/sums")
  local path = write(where .. "/a.png", "one")
  os.execute(("touch -d '1 hour ago' '%s'"):format(path))
  local first = assert(identity.sums({ path }, where))[path]
  check.equal(first, dataset.sha256("one"))
  write(path, "two")
  os.execute(("touch -d '1 hour ago' '%s'"):format(path))
  check.equal(assert(identity.sums({ path }, where))[path], dataset.sha256("two"))
  check.fails("no such file", identity.sums, { where .. "/b.png" }, where)
end)
