--- What commands print with --json is as docs/reference/json_table.lua says, which makes docs/reference/json.md: every command, every field, its type;
-- keys come in the order of the alphabet.
local check = require "check"
local cjson = require "cjson"
local command = require "ramus.cli.command"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local utf8 = require "ramus.base.utf8"
local image = require "ramus.data.image"
local tensor = require "ramus.lang.tensor"

local folder = files.absolute(check.folder "json")
local rows = dofile(check.root .. "/docs/reference/json_table.lua")
local SMALL = "--set size=32 --set train=4 --set val=2 --set test=3"
local binary = files.absolute(require("processes").executable(check.root))
local ran = require("processes").inside(folder, binary)

--- What a command prints that goes on until it is stopped.
local function begun(arguments)
  return (require("processes").sh(([[cd %s; RAMUS_DATA=data '%s' %s >begun.json 2>messages.txt & p=$!
    for i in $(seq 300); do [ -s begun.json ] && break; sleep 0.1; done; kill $p; wait $p; cat begun.json]]):format(folder, binary, arguments)))
end

local RECIPE = [[
local ra = require "ramus"
return { name = "%s", data = { set = "phantom", options = { size = 32, train = 4, val = 2, test = 3 }, batch = 2 },
  model = ra.models.unet { depth = 2, width = %d, sides = true }, supervise = { { at = "out", loss = ra.loss.dice {} } },
  optim = ra.optim.adamw { lr = 1e-2 }, epochs = 1, log = { pictures = 0 } }
]]
assert(files.write(folder .. "/a.lua", RECIPE:format("a", 2)))
assert(files.write(folder .. "/b.lua", RECIPE:format("b", 3)))
assert(files.write(folder .. "/s.lua", [[return { name = "s", recipe = "a.lua", seeds = { 1 },
  rows = { { name = "x" }, { name = "y", set = { epochs = 2 } } } }]]))
assert(files.write(folder .. "/t.lua", [[return { recipe = "a.lua", trials = 2, search = { ["optim.lr"] = { 1e-3, 1e-2 } } }]]))
assert(files.make_folder(folder .. "/pictures"))
assert(image.save(folder .. "/pictures/1.png", tensor.rand(32, 32)))
ran("train b.lua --quiet", 0)

local function steps(path)
  local list = {}
  for name, lists in path:gmatch "([^.%[%]]*)([%[%]]*)%.?" do
    if name ~= "" then list[#list + 1] = name end
    for _ = 1, #lists / 2 do list[#list + 1] = "[]" end
  end
  return list
end

local function text_of(at) return (table.concat(at, "."):gsub("%.?%[%]", "[]")) end

--- The field that describes a place: the one that names it, else one with a `*`; and whether it is on the way to one or
-- below an `any`.
local function field_at(fields, at)
  local found, passed
  for _, f in ipairs(fields) do
    local wanted, fits, stars = f.steps, true, 0
    for i = 1, math.min(#at, #wanted) do
      if wanted[i] == "*" and at[i] ~= "[]" then stars = stars + 1 else fits = fits and wanted[i] == at[i] end
    end
    if fits and #wanted == #at and (not found or stars < found.stars) then found = { field = f, stars = stars } end
    if fits and #wanted > #at then passed = passed or "on the way" end
    if fits and #wanted < #at and f.type == "any" then passed = "below" end
  end
  return found and found.field, passed
end

local function kind_of(value)
  if type(value) ~= "table" then return value == cjson.null and "null" or type(value) end
  return (next(value) == nil or #value > 0) and "list" or "object"
end

local function walk(fields, value, at, complain)
  local field, passed = field_at(fields, at)
  local kind = kind_of(value)
  if field then
    field.seen = true
    if field.type ~= "any" and field.type ~= kind and not (kind == "list" and field.type == "object") then
      complain(("%s is of type %s, not %s"):format(text_of(at), kind, field.type))
    end
  elseif not passed then complain(text_of(at) .. " is not in the table")
  elseif type(value) ~= "table" and passed ~= "below" then complain(text_of(at) .. " is a " .. kind) end
  if type(value) ~= "table" then return end
  for key, inner in pairs(value) do
    at[#at + 1] = type(key) == "number" and "[]" or key
    walk(fields, inner, at, complain)
    at[#at] = nil
  end
end

--- The keys of each object of a JSON text are sorted: the first that is not, or nil.
local function unsorted(text)
  local last, at = {}, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "{" or c == "[" then last[#last + 1] = ""
    elseif c == "}" or c == "]" then last[#last] = nil
    elseif c == '"' then
      local stop = at
      repeat stop = text:find('["\\]', stop + 1) + (text:sub(text:find('["\\]', stop + 1), text:find('["\\]', stop + 1)) == "\\" and 1 or 0)
      until text:sub(stop, stop) == '"' and text:sub(stop - 1, stop - 1) ~= "\\" or stop > #text
      if text:sub(stop + 1, stop + 1) == ":" then
        local key = text:sub(at + 1, stop - 1)
        if key < last[#last] then return key end
        last[#last] = key
      end
      at = stop
    end
    at = at + 1
  end
end

for _, row in ipairs(rows) do
  local verb, arguments, fields = row[1], row[2]:gsub("%$SMALL", SMALL), {}
  for i, f in ipairs(row[3]) do fields[i] = { path = f[1], steps = steps(f[1]), type = f[2]:gsub("%?$", ""), optional = f[2]:find "%?$" } end
  check.case(("json: ramus %s %s"):format(verb, row[2]), function()
    local text = row.goes_on and begun(("%s %s --json"):format(verb, arguments)) or ran(("%s %s --json 2>messages.txt"):format(verb, arguments), 0)
    local wrong = {}
    walk(fields, cjson.decode(text), {}, function(message) if #wrong < 5 then wrong[#wrong + 1] = message end end)
    for _, f in ipairs(fields) do
      if not f.seen and not f.optional then wrong[#wrong + 1] = f.path .. " does not come" end
    end
    check.equal(table.concat(wrong, "\n"), "")
    check.equal(unsorted(text), nil, "the first key out of order")
  end)
end

check.case("json: every command with --json is in the table, and no other", function()
  local wanted, listed = {}, {}
  for _, row in ipairs(rows) do listed[row[1]] = true end
  for _, c in ipairs(command.all()) do
    for _, f in ipairs(c.flags or {}) do
      if f.name == "json" then
        wanted[c.name] = true
        check.ok(listed[c.name], "ramus " .. c.name .. " has --json and no row in docs/reference/json_table.lua")
      end
    end
  end
  for name in pairs(listed) do check.ok(wanted[name], name .. " has no --json") end
end)

check.case("json: any bytes are written as UTF-8, differently where they differ, and read back the same", function()
  local seen = {}
  for _, text in ipairs { "a\0b\127", "é 目 \240\159\145\128", "\192\128", "\237\160\128", "\244\144\128\128", "x\226\130", "", "\128", "\191", "\192", "\255",
    "\239\158\128", "\239\159\191", "\239\158", "\239\159\191\255", "a/\\\"\n" } do
    local written = json.encode { [text] = { text } }
    check.equal(utf8.shown(written), written, ("%q is not UTF-8"):format(written))
    check.ok(not seen[written], "two texts are one")
    seen[written] = true
    local key, value = next(json.decode(written))
    check.equal(key, text)
    check.equal(value[1], text)
  end
  check.equal(json.encode "J\252rgen", '"J\239\159\188rgen"')
  check.equal(json.decode '"J\\uF7FCrgen"', "J\252rgen")
end)

check.case("json: a run of files with names in Latin-1 is UTF-8 for others and can be scored, gone on with and reported", function()
  local odd = "J\252rgen"
  for i = 1, 4 do
    local mask = tensor.zeros(1, 32, 32)
    mask:narrow(2, 6 + i, 5):fill(1)
    assert(files.make_folder(("%s/%s/images"):format(folder, odd)) and files.make_folder(("%s/%s/masks"):format(folder, odd)))
    assert(image.save(("%s/%s/images/%s%d.png"):format(folder, odd, odd, i), tensor.rand(1, 32, 32)))
    assert(image.save(("%s/%s/masks/%s%d.png"):format(folder, odd, odd, i), mask))
  end
  local recipe = RECIPE:format("odd", 2):gsub('set = "phantom", options = {.-}', ('set = "%s", split = "2:1:1"'):format(odd))
  assert(files.write(folder .. "/odd.lua", recipe))
  local printed = ran(("train odd.lua --quiet --run runs/%s --json 2>messages.txt"):format(odd), 0)
  check.equal(utf8.shown(printed), printed)
  local run, names = folder .. "/runs/" .. odd, 0
  for _, name in ipairs(files.list(run)) do
    if name:find "%.jsonl?$" then
      local text = assert(files.read(run .. "/" .. name))
      check.equal(utf8.shown(text), text, name .. " is not UTF-8")
      names = names + 1
    end
  end
  check.ok(names >= 4, names .. " files of JSON")
  check.equal(json.decode(files.read(run .. "/eval.json")).images[1].id:sub(1, #odd), odd)
  check.equal(json.decode(files.read(run .. "/resolved.json")).recipe.data.set:sub(-#odd), odd)
  local before = files.read(run .. "/eval.json")
  ran(("eval runs/%s --json 2>messages.txt"):format(odd), 0)
  check.equal(files.read(run .. "/eval.json"), before)
  ran(("train odd.lua --quiet --run runs/%s --extend 1 >messages.txt 2>&1"):format(odd), 0)
  ran(("report runs/%s -o %s.html >messages.txt 2>&1"):format(odd, odd), 0)
  local page = assert(files.read(("%s/%s.html"):format(folder, odd)))
  check.equal(utf8.shown(page), page)
end)
