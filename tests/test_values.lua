--- Every value that a user can make prints as something useful at the prompt: no address, no flood, within the width. And every layer refuses an
-- option that it does not know with the nearest name.
local check = require "check"
local files = require "ramus.base.files"
local module = require "ramus.lang.module"
local ra = require "ramus"
local session = require("ramus.cli.repl").session

local folder = check.folder "values"
local WIDTH, MOST = 101, 125 -- columns where no terminal is, lines

--- What the prompt answers to a line.
local said
local s = session { write = function(text) said = said .. text end, complain = function(text) said = said .. "complaint: " .. text end }
local function answer(line)
  said = ""
  s:feed(line)
  return said
end

local function useful(line)
  local text = answer(line)
  check.ok(text ~= "", line .. " prints nothing")
  check.ok(not text:find "^complaint" and not text:find "^nil: ", line .. " -> " .. text)
  check.ok(not text:find "0x%x%x%x%x" and not text:find "cdata<.*>: ", line .. " prints an address: " .. text:sub(1, 300))
  check.ok(text ~= "function\n" and text ~= "table\n", line .. " -> " .. text)
  local lines = 0
  for one in text:gmatch "[^\n]*\n" do
    lines = lines + 1
    check.ok(#one <= WIDTH or not one:find "%s%S+%s+%S", ("%s: a line of %d characters: %s"):format(line, #one, one))
  end
  check.ok(lines <= MOST, ("%s prints %d lines"):format(line, lines))
  return text
end

-- ---- layers -------------------------------------------------------------------

--- Arguments that a layer cannot do without, as Lua writes them.
local NEEDS = { parameter = "shape = { 3 }", sequence = "nn.relu{}, nn.conv2d{ 1, 2 }", narrow = "first = 1, count = 1", permute = "dims = { 1, 2 }",
  reshape = "shape = { 4 }", pad_to = "multiple = 4", upsample = "scale = 2", pad = "pad = 1", group_norm = "4, groups = 2" }

local function arguments(name, schema)
  if NEEDS[name] then return NEEDS[name] end
  local list = {}
  for i = 1, 2 do list[i] = schema[i] and "4" or nil end
  for key, entry in pairs(schema) do
    if type(key) == "string" and entry.required then list[#list + 1] = key .. " = 2" end
  end
  return table.concat(list, ", ")
end

check.case("every layer prints its options and parameters", function()
  for name, d in pairs(module.defined) do
    local text = useful(("ra.nn.%s{ %s }"):format(name, arguments(name, d.schema or {})))
    check.ok(text:find("nn." .. name, 1, true), name .. " prints " .. text)
  end
  local text = useful "ra.nn.sequence{ ra.nn.conv2d{ 1, 8, pad = 1 }, ra.nn.relu{}, ra.nn.sequence{ ra.nn.max_pool2d{ k = 2 } } }"
  for _, part in ipairs { "nn.sequence of 3", "1  nn.conv2d{ 1, 8, pad = 1 } (weight [8,1,3,3], bias [8])", "2  nn.relu{}", "1  nn.max_pool2d{ k = 2 }" } do
    check.ok(text:find(part, 1, true), part .. " in " .. text)
  end
end)

check.case("every layer refuses an unknown option, and names the nearest", function()
  for name, d in pairs(module.defined) do
    local given = assert(loadstring(("local nn = ... return { %s }"):format(arguments(name, d.schema or {}))))(ra.nn)
    given.qqqq = 1
    check.raises("unknown option 'qqqq'", ra.nn[name], given)
    given.qqqq = nil
    for key in pairs(d.schema or {}) do
      if type(key) == "string" and #key >= 3 then
        local wrong = key:sub(1, -2) .. "q"
        if not d.schema[wrong] then
          given[wrong] = 1
          check.raises(("unknown option '%s'; did you mean '"):format(wrong), ra.nn[name], given)
          given[wrong] = nil
        end
      end
    end
  end
end)

check.case("nn.conv_transpose2d takes groups as nn.conv2d does", function()
  local m = ra.nn.conv_transpose2d { 4, 6, groups = 2 }
  check.equal(tostring(m(ra.rand(1, 4, 5, 5)).shape), "[1,6,10,10]")
  check.raises("groups = 3 must divide channels in (4) and out (6)", ra.nn.conv_transpose2d, { 4, 6, groups = 3 })
end)

check.case("nn.sequence is a model's function, and holds modules, functions and sequences only", function()
  local net = ra.model(ra.nn.sequence { ra.nn.conv2d { 1, 2, pad = 1 }, function(x) return x * 2 end, ra.nn.sequence { ra.nn.conv2d { 2, 1, k = 1 } } })
  check.equal(tostring(net:forward(ra.rand(1, 1, 8, 8)).out.shape), "[1,1,8,8]")
  check.raises("entry 2 must be a module or a function, given 3", ra.nn.sequence, { ra.nn.relu {}, 3 })
  check.raises("unknown option 'name'", ra.nn.sequence, { ra.nn.relu {}, name = "x" })
  check.raises("wants a list of modules, given nn.relu{}", ra.nn.sequence, ra.nn.relu {})
  local inner = ra.nn.sequence { ra.nn.relu {}, ra.nn.conv2d { 3, 1 } }
  local ok, message = pcall(function() return inner(ra.rand(1, 2, 8, 8)), 1 end)
  check.ok(not ok and message:find "^%S*test_values.lua:%d+: step 2 of the sequence: conv2d: x %[1,2,8,8%] has 2 channels", message)
  check.raises("step 1 of the sequence: step 2 of the sequence: conv2d: ", ra.model, ra.nn.sequence { inner })
  check.raises("interrupted", ra.nn.sequence { function() error("interrupted", 0) end }, ra.rand(1, 1))
end)

-- ---- losses, schedules, optimizers, models ---------------------------------------

check.case("every loss, schedule, optimizer and model", function()
  for _, name in ipairs(ra.loss.names) do useful(("ra.loss.%s{}"):format(name)) end
  for _, name in ipairs(ra.optim.names) do useful(("ra.optim.%s{ lr = 0.1 }"):format(name)) end
  for _, name in ipairs(require("ramus.lang.schedule").names()) do useful("ra." .. name) end
  useful "ra.ramp(0, 1)"
  useful "0.5 * ra.cosine{} + 0.1"
  for _, name in ipairs(ra.models.names()) do useful("ra.models." .. name) end
  useful "ra.models.unet{ depth = 2, width = 2 }"
end)

check.case("everything public that is no value yet: functions, rooms", function()
  for name in pairs(getmetatable(ra).lazy()) do useful("ra." .. name) end
  for _, room in ipairs(require("ramus.cli.help_names").rooms()) do
    for _, name in ipairs(require("ramus.cli.help_names").of(room)) do
      if type(rawget(ra, room)) == "table" and rawget(ra[room], name) ~= nil then useful(("ra.%s.%s"):format(room, name)) end
    end
  end
  for _, line in ipairs { "C", "C.ra_threads", "C.ra_folder_make", "_G", "package", "string", "coroutine.create(print)", "print", "help", "who", "show" } do
    useful(line)
  end
end)

-- ---- what functions return --------------------------------------------------------

local picture = folder .. "/pictures/images/%d.png"
assert(files.make_folder(folder .. "/pictures/images") and files.make_folder(folder .. "/pictures/masks"))
for i = 1, 4 do
  assert(ra.image.save(picture:format(i), ra.rand(1, 32, 32)))
  assert(ra.image.save((picture:gsub("images", "masks")):format(i), ra.rand(1, 32, 32):gt(0.5)))
end

check.case("the results of functions", function()
  check.equal(answer(("run, set = %q, %q"):format(folder .. "/run", folder .. "/pictures")), "")
  answer [[trained = ra.train({ name = "v", data = { set = set, batch = 1 }, model = ra.models.unet{ depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.dice{} } }, optim = ra.optim.sgd{ lr = 0.1 }, epochs = 1}, { run = run, quiet = true })]]
  check.ok(not said:find "complaint", said)
  for _, line in ipairs { "trained", "trained.model", "trained.history", "trained.evaluation", "ra.datasets()", 'ra.datasets.find "phantom"',
    "ra.datasets.open(set, {})", "ra.datasets.open(set, {}).samples", "ra.open_run(run)", "ra.open_run(run).history", "ra.open_run(run):evaluation()",
    "ra.open_run(run):timing()", "ra.open_run(run):images()", "ra.open_run(run).recipe", "ra.open_run(run).model", 'ra.load(run .. "/last.safetensors")',
    "ra.load_model(run)", "ra.load_model(run):parameters()", "ra.load_model(run):plan{ 1, 1, 32, 32 }", "ra.load_model(run):plan{ 1, 1, 32, 32 }.plan",
    "ra.load_model(run).template", "ra.load_model(run).forward", "ra.load_model(run):cost(32, 32)", "ra.load_model(run):forward(ra.rand(1, 1, 32, 32))",
    "ra.metrics(ra.rand(8, 8), ra.rand(8, 8):gt(0.5))", "ra.grad(function(a) return (a * a):sum() end, ra.ones(3))", "ra.augment.program{ flip = true }",
    'ra.image.info(set .. "/images/1.png")', "ra.image.formats()", "ra.op_names()", "ra.rand(2, 3)", "ra.rand(2, 3).shape", "ra.rand(2, 3):unique()",
    "function(x) return x end", "ra.plan_for(set)" } do
    useful(line)
  end
  check.ok(answer "ra.datasets()":find "phantom +synthetic", "the list of sets")
  check.ok(not answer "ra.rand(3):sort()":find "nil", "no nil behind results")
  answer "r = ra.open_run(run).recipe"
  check.ok(answer "who()":find "trained", "who()")
end)

check.case("a table of functions that is called says which it holds", function()
  check.ok(answer "ra.augment{ flip = true }":find("it holds functions: ra.augment.", 1, true), said)
end)

