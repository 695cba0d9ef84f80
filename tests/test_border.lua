--- Nothing but `ffi` and `debug` lets Lua crash the process: generated calls with bad values, those of a function in a process of its own.
-- Under make asan the same calls run in the sanitized build.
local check = require "check"
local ra = require "ramus"
local border = require "ramus.base.border"
local files = require "ramus.base.files"
local ffi = require "ramus.base.ffi"
local cjson = require "cjson"
local luajit = require "ffi"

luajit.cdef [[int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status); unsigned alarm(unsigned seconds);
  int chdir(const char *path); char *getcwd(char *buffer, size_t size); int open(const char *path, int flags, ...); int dup2(int from, int to);]]
local system = luajit.C

-- ---- a call in a process of its own ----

-- what earlier tests left goes now: a loader that a child collected would wait for threads that only the parent has
collectgarbage()
collectgarbage()

local QUIET = system.open("/dev/null", 2)

--- Runs f in a child; nil where it came to an end (whatever it returned or raised), else how it died.
local function in_child(f)
  io.stdout:flush()
  io.stderr:flush()
  local pid = system.fork()
  if pid == 0 then
    system.dup2(QUIET, 1)
    system.dup2(QUIET, 2)
    system.alarm(120) -- all calls of a function, in a sanitized build too
    pcall(f)
    pcall(collectgarbage) -- finalizers too
    system._exit(0)
  end
  local status = luajit.new("int[1]")
  assert(system.waitpid(pid, status, 0) == pid)
  if status[0] == 0 then return nil end
  local signal = status[0] % 128
  return signal == 14 and "took longer than 120 seconds" or signal ~= 0 and ("died of signal %d"):format(signal)
    or ("ended with status %d"):format(math.floor(status[0] / 256))
end

check.case("border: the test sees a crash", function()
  check.ok(in_child(function() luajit.cast("int *", 16)[0] = 1 end))
  check.ok(in_child(function() system._exit(3) end))
  check.equal(in_child(function() error "a Lua error is fine" end), nil)
end)

-- ---- the rule in api.h ----

local function api_text() return (assert(files.read(check.root .. "/core/api.h")):gsub("/%*.-%*/", " ")) end

--- Names of all functions of api.h.
local function declared()
  local names = {}
  for name in api_text():gmatch("[%s*](ra_[%w_]+)%s*%b()%s*;") do names[#names + 1] = name end
  return names
end

check.case("border: every pointer of api.h that is not marked RA_OPT refuses nil, cjson.null and a userdata", function()
  local text, tried = api_text(), 0
  for _, name in ipairs(declared()) do
    for i, p in ipairs(border.parameters_of(text, name)) do
      local function call(value)
        local given = {}
        for k, q in ipairs(border.parameters_of(text, name)) do
          given[k] = k < i and (q.pointer and (not q.optional and luajit.cast("void *", 4096) or nil) or 0) or value
        end
        return pcall(ffi.C[name], unpack(given, 1, i))
      end
      local first = true
      for k, q in ipairs(border.parameters_of(text, name)) do if k < i and q.pointer then first = false end end
      if p.pointer and not p.optional and first then
        for _, bad in ipairs { false, cjson.null, io.stdout } do
          local ok, message = call(bad or nil)
          check.ok(not ok and tostring(message):find(p.name, 1, true), ("%s(%s): %s"):format(name, p.name, tostring(message)))
          tried = tried + 1
        end
      end
    end
  end
  check.ok(tried > 200, "only " .. tried .. " were tried")
end)

local NOT_WHOLE = { 1.5, -0.25, 2 ^ 31, 2 ^ 53, 0 / 0, 1 / 0, -1 / 0, 2LL ^ 40 }

check.case("border: every int32_t of api.h refuses fractions, what is too large, infinite or no number", function()
  local text, tried = api_text(), 0
  for _, name in ipairs(declared()) do
    local list = border.parameters_of(text, name)
    for i, p in ipairs(list) do
      if p.whole then
        for _, bad in ipairs(NOT_WHOLE) do
          local given = {}
          for k = 1, i - 1 do given[k] = list[k].pointer and (not list[k].optional and luajit.cast("void *", 4096) or nil) or 0 end
          given[i] = bad
          local ok, message = pcall(ffi.C[name], unpack(given, 1, i))
          check.ok(not ok and tostring(message):find(p.name .. " must be a whole number", 1, true), ("%s(%s = %s): %s"):format(name, p.name, tostring(bad),
            tostring(message)))
          tried = tried + 1
        end
      end
    end
  end
  check.ok(tried > 600, "only " .. tried .. " were tried")
end)

check.case("border: fields of structs that are whole numbers refuse the same", function()
  check.raises("height must be a whole number", ffi.new, "ra_sample_planes", { height = 16.5 })
  check.raises("threads must be a whole number", ffi.new, "ra_loader_config", { threads = 2 ^ 40 })
  check.raises("frame must be a whole number", ffi.new, "ra_source", { frame = 0 / 0 })
  check.equal(ffi.new("ra_source", { frame = 3, threshold = 1.5 }).frame, 3)
  check.raises("height must be a whole number", ra.augment.planes, 1, 16.5, 16, ra.rand(16, 16))
end)

--- A tensor of ones for each input of an op.
local function inputs_of(op)
  local list = {}
  for input in ffi.string(ffi.C.ra_op_inputs(op)):gmatch "[^,]+" do if not input:find "%?$" then list[#list + 1] = ra.ones(1, 4, 8, 8) end end
  return list
end

check.case("border: every whole number among the parameters of ops and losses refuses fractions", function()
  local C, tried = ffi.C, 0
  local whole = { [C.RA_PARAM_INT] = true, [C.RA_PARAM_DIM] = true, [C.RA_PARAM_PAIR] = true, [C.RA_PARAM_DIMS] = true, [C.RA_PARAM_INTS] = true }
  for i = 0, C.ra_op_count() - 1 do
    local op = C.ra_op_at(i)
    local name = ffi.string(C.ra_op_name(op))
    for k = 0, C.ra_op_param_count(op) - 1 do
      local p = C.ra_op_param(op, k)
      local field = ffi.string(p.name)
      for _, bad in ipairs(whole[p.kind] and { 1.5, { 1.5, 2 }, 2 ^ 53, 0 / 0 } or {}) do
        local ok, message
        if C.ra_op_is_loss(op) then ok, message = pcall(ra.loss[name], { [field] = bad })
        else
          local given = inputs_of(op)
          given[#given + 1] = { [field] = bad }
          ok, message = pcall(ra.F[name], unpack(given))
        end
        check.ok(not ok and tostring(message):find(field, 1, true), ("%s: %s = %s: %s"):format(name, field, tostring(bad), tostring(message)))
        tried = tried + 1
      end
    end
  end
  check.ok(tried > 60, "only " .. tried .. " were tried")
end)

check.case("border: no method of a tensor and no function of images rounds a whole number silently", function()
  local t, x = ra.zeros(2, 3, 4), ra.rand(8, 8)
  for name, calls in pairs {
    narrow = { { 1, 1, 1, n = 3 } }, reshape = { { 2, 12, n = 2 } }, get = { { 1, 1, 1, n = 3 } }, unsqueeze = { { 1, n = 1 } },
    squeeze = { { 1, n = 1 } } } do
    for _, call in ipairs(calls) do
      for i = 1, call.n do
        local given = { unpack(call) }
        given[i] = given[i] + 0.5
        local ok = pcall(t[name], t, unpack(given))
        check.ok(not ok, ("%s took a fraction as argument %d"):format(name, i))
      end
    end
  end
  for name, call in pairs { seed = { ra.seed, 1.5 }, zeros = { ra.zeros, 2.5 }, eye = { ra.eye, 2.5 }, linspace = { ra.linspace, 0, 1, 3.5 },
    turn = { ra.image.turn, x, 2.5 }, resize = { ra.image.resize, x, { 4, 4.5 } }, index = { function() return t[1.5] end },
    tile_starts = { ra.image.tile_starts, 16.5, 8 }, frame = { ra.image.load, "x.png", { frame = 0.5 } } } do
    check.ok(not pcall(unpack(call)), name .. " took a fraction")
  end
end)

check.case("border: a pointer behind others is refused too", function()
  local t = ra.zeros(2)
  check.raises("from is nil", function() ffi.C.ra_tensor_copy(t, nil) end)
  check.raises("copy", function() t:copy(nil) end)
  check.raises("copy", function() t:copy(cjson.null) end)
end)

-- ---- tensors ----

check.case("border: fields of a tensor cannot be written", function()
  local t = ra.zeros(2, 3)
  for _, field in ipairs { "size", "rank", "data", "storage" } do
    check.ok(not pcall(function() t[field] = 2 ^ 30 end), field)
  end
  check.ok(not pcall(function() t.dim[0] = 2 ^ 30 end))
  check.ok(not pcall(function() t.stride[0] = 2 ^ 30 end))
  check.equal(t.size, 6)
end)

check.case("border: values are reached within bounds only", function()
  local t = ra.ones(2, 3)
  t.data[5] = 4
  check.equal(t.data[5], 4)
  for _, i in ipairs { -1, 6, 2 ^ 40, 0.5, 0 / 0 } do
    check.raises("index must be from 0 to 5", function() return t.data[i] end)
    check.raises("index must be from 0 to 5", function() t.data[i] = 1 end)
  end
  local view = t:narrow(2, 2, 1)
  check.raises("from 0 to 3", function() return view.data[4] end)
  t:free()
  check.ok(not pcall(function() return t.data[0] end))
end)

check.case("border: a freed tensor is dead for every use; its views live on", function()
  local t = ra.ones(2, 3)
  local view = t:narrow(1, 1, 1)
  t:free()
  t:free()
  check.equal(tostring(t), "tensor (freed)")
  for _, use in ipairs { function() return t:clone() end, function() return t + 1 end, function() return t:fill(1) end,
    function() return ra.F.relu(t) end, function() return t:stats() end, function() return t:get(1, 1) end,
    function() return ra.zeros(2, 3):copy(t) end, function() return t:reshape(6) end, function() return t:narrow(1, 1, 1) end } do
    check.ok(not pcall(use))
  end
  check.equal(view:totable()[1][3], 1)
end)

check.case("border: no struct or array of C is in the reach of scripts", function()
  local image, mask = ra.rand(16, 16), ra.ones(16, 16)
  local found = {}
  local function look(v, where, seen)
    if type(v) == "cdata" and not ra.is_tensor(v) then found[#found + 1] = where end
    if type(v) ~= "table" or seen[v] then return end
    seen[v] = true
    for k, inner in pairs(v) do look(inner, where .. "." .. tostring(k), seen) end
  end
  look(ra.augment.program { rotate = 10, crop = 8 }, "augment.program", {})
  look(ra.augment.prepare { size = 8 }, "augment.prepare", {})
  look(ra.augment.planes(1, 16, 16, image, mask), "augment.planes", {})
  look(ra.metrics(image, mask), "metrics", {})
  look(ra.metrics.summarize { ra.metrics(image, mask) }, "metrics.summarize", {})
  local path = check.folder "border_mask" .. "/m.png"
  assert(ra.image.save(path, mask))
  local _, report = ra.image.load_mask(path)
  look(report, "load_mask", {})
  check.ok(#found == 0, table.concat(found, ", "))
end)

-- ---- every public function and method ----

local function dead()
  local t = ra.zeros(1, 1, 4, 4)
  t:free()
  return t
end

--- What a wrong argument may be.
local function bad_values()
  return { { "nil", nil }, { "null", cjson.null }, { "number", 3 }, { "string", "x" }, { "freed", dead() },
    { "handle", luajit.new "int[1]" }, { "huge", 2 ^ 53 }, { "negative", -5 }, { "nan", 0 / 0 }, { "infinite", 1 / 0 }, { "fraction", 1.5 },
    { "table", {} }, { "file", io.stdout }, { "function", function() end }, { "rank 0", ra.zeros {} }, { "rank 1", ra.zeros(3) },
    { "rank 5", ra.zeros(1, 1, 1, 2, 2) }, { "empty", ra.zeros(1, 1, 0, 4) }, { "no numbers", ra.zeros(1, 1, 8, 8):fill(0 / 0) },
    { "list", { 1.5, 0 / 0, 2 ^ 53 } } }
end

--- Public functions by name: all that ra and its libraries hold.
local function public_functions()
  local list = {}
  local function add(prefix, t)
    local names = {}
    for k, v in pairs(t) do
      local callable = type(v) == "function" or type(v) == "table" and getmetatable(v) and getmetatable(v).__call
      if type(k) == "string" and callable then names[#names + 1] = k end
    end
    table.sort(names)
    for _, k in ipairs(names) do list[#list + 1] = { name = prefix .. "." .. k, call = t[k] } end
  end
  for name in pairs(getmetatable(ra).lazy()) do local _ = ra[name] end
  add("ra", ra)
  for _, library in ipairs { "F", "nn", "loss", "optim", "image", "augment", "schedule", "metrics", "recipe", "models",
    "evaluate", "predict", "fetch", "datasets", "plan_for", "checks" } do add("ra." .. library, ra[library]) end
  return list
end

--- Methods by name, with a fresh object for each call.
local function public_methods()
  local makers = {
    tensor = function() return ra.zeros(1, 1, 8, 8) end,
    model = function() return ra.models.unet { depth = 2, width = 2 } end,
    loss = function() return ra.loss.dice() end,
    augment = function() return ra.augment.program { flip = true } end,
  }
  local list = {}
  local help = require "ramus.cli.help"
  for _, m in ipairs(help.tensor_methods()) do if m ~= "shape" then list[#list + 1] = { name = "tensor:" .. m, make = makers.tensor, method = m } end end
  for m, f in pairs(getmetatable(makers.model()).methods) do
    if type(f) == "function" then list[#list + 1] = { name = "model:" .. m, make = makers.model, method = m } end
  end
  list[#list + 1] = { name = "augment:apply", make = makers.augment, method = "apply" }
  list[#list + 1] = { name = "augment:size", make = makers.augment, method = "size" }
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- Argument lists with bad value v: alone, twice, behind a tensor, behind two, before one.
local function argument_lists(v)
  local t = ra.zeros(1, 1, 8, 8)
  return { { n = 1, v }, { n = 2, v, v }, { n = 2, t, v }, { n = 3, t, t, v }, { n = 2, v, t }, { n = 4, t, v, t, v } }
end

--- An architecture without options, or with none: it would be built, at its full size.
local function fine(subject, bad) return subject.name:find "^ra%.models%." and (bad[1] == "nil" or bad[1] == "table") end

--- Calls a subject with the argument list `which` (nil: all) of the bad value `wanted` (nil: all), in a process of its own; how that died, or nil, and the
-- number of calls.
local function attempt(s, wanted, which)
  local lists = {}
  for k, bad in ipairs(bad_values()) do
    for i, arguments in ipairs((wanted or k) == k and not fine(s, bad) and argument_lists(bad[2]) or {}) do
      if (which or i) == i then lists[#lists + 1] = arguments end
    end
  end
  return in_child(function()
    for _, arguments in ipairs(lists) do
      if s.make then
        local object = s.make()
        pcall(object[s.method], object, unpack(arguments, 1, arguments.n))
      else
        pcall(s.call, unpack(arguments, 1, arguments.n))
      end
    end
  end), #lists
end

--- The deaths of a subject that died, call by call, as texts.
local function deaths(s, list)
  for k, bad in ipairs(bad_values()) do
    for which = 1, #argument_lists(bad[2]) do
      local died = attempt(s, k, which)
      if died then list[#list + 1] = ("%s with %s (%d): %s"):format(s.name, bad[1], which, died) end
    end
  end
end

check.case("border: every public function and method takes bad values without a crash", function()
  local folder = check.folder "border"
  local home = luajit.string(system.getcwd(luajit.new("char[4096]"), 4096))
  local failed, calls = {}, 0
  local subjects = public_functions()
  for _, m in ipairs(public_methods()) do subjects[#subjects + 1] = m end
  system.chdir(folder)
  for _, s in ipairs(subjects) do
    local died, n = attempt(s)
    calls = calls + n
    if died then
      local before = #failed
      deaths(s, failed)
      if #failed == before then failed[#failed + 1] = ("%s, with its calls after one another: %s"):format(s.name, died) end
    end
  end
  system.chdir(home)
  check.ok(#failed == 0, ("%d of %d:\n%s"):format(#failed, calls, table.concat(failed, "\n", 1, math.min(#failed, 60))))
  check.ok(calls > 1500, "only " .. calls .. " were tried")
  print(("  %d calls"):format(calls))
end)
