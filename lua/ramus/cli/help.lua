--- What ?name shows, and what the reference pages are made of: signatures, shapes,
-- parameters with default and bounds from the op tables and option tables, and
-- the comments above Lua functions in their source.
local options = require "ramus.base.options"

local help = {}

-- ---- ops and losses ---------------------------------------------------------

local function specs() return require("ramus.lang.ops").specs end

--- 1e-06 -> 1e-6
local function plain(v) return (("%.6g"):format(v):gsub("e([+-])0*", function(sign) return "e" .. (sign == "-" and "-" or "") end)) end

--- Names behind each other, in lines of at most 100 characters.
local function wrapped(names)
  local lines, line = {}, ""
  for i, name in ipairs(names) do
    if #line + #name > 98 then lines[#lines + 1], line = line, "" end
    line = line .. name .. (i < #names and ", " or "")
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- The default of an op's parameter as text; nil where there is none.
function help.default_of(p)
  if p.required or p.default_value ~= p.default_value then return nil end
  if p.kind == "boolean" then return p.default_value ~= 0 and "true" or "false" end
  if p.kind == "choice" then return ('"%s"'):format(p.choices[p.default_value + 1]) end
  if p.kind == "dim" then return plain(p.default_value + 1) end
  if p.kind == "dims" or p.kind == "ints" then return nil end
  return plain(p.default_value)
end

--- What values an op's parameter takes, as text.
function help.range_of(p)
  if p.kind == "boolean" then return "true, false" end
  if p.kind == "choice" then return '"' .. table.concat(p.choices, '", "') .. '"' end
  if p.kind == "dim" then return ("dimension %d to %s"):format(p.low + 1, plain(p.high + 1)) end
  if p.kind == "dims" then return "dimension or list of them, counted from 1" end
  if p.kind == "ints" then return "list of whole numbers" end
  local what = p.kind == "pair" and "whole number or {height, width}" or p.kind == "integer" and "whole number" or "number"
  if p.low == -math.huge and p.high == math.huge then return what end
  if p.high >= 2 ^ 31 - 1 then return ("%s >= %s"):format(what, plain(p.low)) end
  return ("%s, %s to %s"):format(what, plain(p.low), plain(p.high))
end

--- "F.conv2d(x, weight, bias?, {stride=1, ...})" of an op, "loss.dice{smooth=1, ...}" of a loss.
function help.signature(spec)
  local given = {}
  for _, p in ipairs(spec.params) do
    local default = help.default_of(p)
    given[#given + 1] = p.name .. "=" .. (default or "")
  end
  local option_text = #given > 0 and "{" .. table.concat(given, ", ") .. "}" or nil
  if spec.is_loss then return ("ra.loss.%s%s"):format(spec.name, option_text or "{}") end
  local args = {}
  for _, input in ipairs(spec.inputs) do args[#args + 1] = input.name .. (input.optional and "?" or "") end
  if spec.variadic then args[#args + 1] = "..." end
  args[#args + 1] = option_text
  return ("ra.F.%s(%s)"):format(spec.name, table.concat(args, ", "))
end

local function rows_text(rows)
  local width = { 0, 0, 0 }
  for _, r in ipairs(rows) do
    for k = 1, 3 do width[k] = math.min(34, math.max(width[k], #r[k])) end
  end
  local lines = {}
  for i, r in ipairs(rows) do
    lines[i] = ("  %-" .. width[1] .. "s  %-" .. width[2] .. "s  %-" .. width[3] .. "s  %s"):format(r[1], r[2], r[3], r[4]):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function op_text(spec)
  local lines = { help.signature(spec), spec.help }
  if spec.is_loss then
    lines[#lines + 1] = ("called loss(prediction, mask, teacher); F.%s(prediction, mask, teacher, {options}) is the same"):format(spec.name)
  end
  if #spec.params > 0 then
    local rows = {}
    for i, p in ipairs(spec.params) do
      rows[i] = { p.name, p.required and "required" or help.default_of(p) or "-", help.range_of(p), p.help .. (p.live and " (number or schedule)" or "") }
    end
    lines[#lines + 1] = rows_text(rows)
  end
  if help.modules()[spec.name] then
    lines[#lines + 1] = ("as a module: ra.nn.%s{...}"):format(spec.name)
  end
  return table.concat(lines, "\n")
end

-- ---- option tables ------------------------------------------------------------

--- What values an entry of an option table takes, as text.
function help.entry_range(e)
  if e.one_of then
    local shown = {}
    for i, v in ipairs(e.one_of) do shown[i] = type(v) == "string" and ('"%s"'):format(v) or tostring(v) end
    return table.concat(shown, ", ")
  end
  local parts = {}
  if e.min then parts[#parts + 1] = ">= " .. plain(e.min) end
  if e.above then parts[#parts + 1] = "> " .. plain(e.above) end
  if e.max then parts[#parts + 1] = "<= " .. plain(e.max) end
  if e.below then parts[#parts + 1] = "< " .. plain(e.below) end
  local what = (e.type or "any"):gsub("integer", "whole number"):gsub("|", " or ")
  return what .. (#parts > 0 and ", " .. table.concat(parts, ", ") or "")
end

--- Its default as text; nil where there is none.
function help.entry_default(e)
  if e.required or e.default == nil then return nil end
  if type(e.default) == "string" then return ('"%s"'):format(e.default) end
  if type(e.default) == "table" and getmetatable(e.default) == nil and not next(e.default) then return "{}" end
  return tostring(e.default)
end

--- The names of an option table in the order in which they are shown: positional, required, then by name.
function help.entry_order(schema)
  local names = options.names(schema)
  local place = {}
  for i, n in ipairs(names) do place[n] = i end
  table.sort(names, function(a, b)
    local x, y = schema[a].required and 0 or 1, schema[b].required and 0 or 1
    if x ~= y then return x < y end
    return place[a] < place[b]
  end)
  return names
end

local function schema_text(schema)
  local rows = {}
  for _, name in ipairs(help.entry_order(schema)) do
    local e = schema[name]
    rows[#rows + 1] = { type(name) == "number" and ("[%d] %s"):format(name, e.name or "") or name,
      e.required and "required" or help.entry_default(e) or "-", help.entry_range(e), e.help or "" }
  end
  return rows_text(rows)
end

-- ---- comments in the source -----------------------------------------------------

local function read_lines(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

local function comment_text(line) return line:match("^%s*%-%-%-?%s?(.*)$") end

--- The comment above a Lua function and its first line; nil where there is none.
function help.comment_of(f)
  local info = debug.getinfo(f, "S")
  local lines = info.source:sub(1, 1) == "@" and read_lines(info.source:sub(2))
  if not lines then return nil end
  local found, i = {}, info.linedefined - 1
  while i > 0 and lines[i]:match("^%s*%-%-") and not lines[i]:match("^%s*%-%- %-%-%-%-") do
    table.insert(found, 1, comment_text(lines[i]))
    i = i - 1
  end
  local declared = lines[info.linedefined]:match("function%s+([%w_%.:]*%s*%b())")
  return #found > 0 and table.concat(found, "\n") or nil, declared
end

--- The comment at the head of a module's file.
function help.head_of(module)
  local path = package.searchpath(module, package.path)
  local found = {}
  for _, line in ipairs(path and read_lines(path) or {}) do
    if not line:match("^%-%-") then break end
    found[#found + 1] = comment_text(line)
  end
  return #found > 0 and table.concat(found, "\n") or nil
end

local function function_text(name, f)
  local comment, declared = help.comment_of(f)
  local args = declared and declared:match("%b()")
  if args and args:find("...", 1, true) then args = nil end
  return ("%s%s\n%s"):format(name, args or "", comment or "(no comment in the source)")
end

-- ---- topics ---------------------------------------------------------------------

local schedule_signatures = {
  constant = "ra.constant(value)", ramp = "ra.ramp(a, b, n)", step = "ra.step{every=, times=0.1, start=1}",
  poly = "ra.poly{power=0.9, start=1, stop=0, n=}", cosine = "ra.cosine{start=1, stop=0, n=}",
  warmup = "ra.warmup{n=, from=0, after=schedule}", onecycle = "ra.onecycle{up=0.3, div=25, final=1e4, n=}",
  piecewise = "ra.piecewise{points={{t, value}, ...}, smooth=true}",
}

--- Methods of a tensor, for help and completion; ops can be called as methods too.
help.tensor_methods = { "clone", "copy", "fill", "free", "get", "item", "narrow", "numel", "reshape", "set", "shape", "stats", "totable" }

--- Names of the models that come with Ramus.
function help.model_names()
  local path = package.searchpath("ramus.lang.models.unet", package.path)
  local names = {}
  for _, file in ipairs(path and require("ramus.base.files").list(path:match("^(.*)/")) or {}) do
    local name = file:match("^([%w_]+)%.lua$")
    if name then names[#names + 1] = name end
  end
  return names
end

local function keys_of(t, keep)
  local list = {}
  for k, v in pairs(t) do
    if type(k) == "string" and (not keep or keep(k, v)) then list[#list + 1] = k end
  end
  table.sort(list)
  return list
end

local function is_function(_, v) return type(v) == "function" end

local function schedule_names() return keys_of(schedule_signatures) end

local function schedule_text(name)
  return schedule_signatures[name] .. "\n" .. (help.comment_of(require("ramus.lang.schedule")[name]) or "")
    .. '\nper = "step" counts optimizer steps instead of epochs; n, the length, is the whole training if left out'
end

--- name -> definition of every module of ra.nn.
function help.modules()
  require "ramus.lang.nn"
  return require("ramus.lang.module").defined
end

local function module_text(name)
  local d = help.modules()[name]
  if not d then return nil end
  local text = ("ra.nn.%s: %s"):format(d.signature, d.help)
  if d.schema then text = text .. "\n" .. schema_text(d.schema) end
  return specs()[name] and text .. "\n\n" .. op_text(specs()[name]) or text
end

local function upvalue(f, wanted)
  for i = 1, 60 do
    local name, value = debug.getupvalue(f, i)
    if not name then return nil end
    if name == wanted then return value end
  end
end

--- The option table of a section of a recipe, as validate; nil for other entries.
function help.section_of(entry) return entry.check and upvalue(entry.check, "schema") end

local function model_text(name)
  local ok, build = pcall(require, "ramus.lang.models." .. name)
  if not ok or type(build) ~= "function" then return nil end
  local schema = upvalue(build, "schema")
  return ("ra.models.%s{...}\n%s%s"):format(name, help.head_of("ramus.lang.models." .. name) or "", schema and "\n" .. schema_text(schema) or "")
end

local function library_text(module, prefix, keep)
  local m = require(module)
  local names = keys_of(m, keep or is_function)
  return ("%s\n\nfunctions: %s\n?%s.NAME explains one"):format(help.head_of(module) or prefix, table.concat(names, ", "), prefix)
end

local function augment_text(name)
  local augment = require "ramus.data.augment"
  if not name then return (help.head_of "ramus.data.augment" or "augmentation") .. "\n\noptions\n" .. schema_text(augment.schema) end
  return augment.schema[name] and schema_text { [name] = augment.schema[name] }
end

local function recipe_text(name)
  local recipe = require "ramus.train.recipe"
  local tables = { data = recipe.data_schema, teacher = recipe.teacher_schema, augment = require("ramus.data.augment").schema }
  if not name or name == "" then return "fields of a recipe (?recipe.data and ?recipe.teacher show theirs)\n" .. schema_text(recipe.schema) end
  for field, entry in pairs(recipe.schema) do tables[field] = tables[field] or help.section_of(entry) end
  if tables[name] then return ("fields of a recipe's %s\n%s"):format(name, schema_text(tables[name])) end
  local owner, field = name:match("^(%w+)%.([%w_]+)$")
  local schema = owner and tables[owner] or recipe.schema
  local entry = schema[field or name]
  return entry and schema_text { [field or name] = entry }
end

local function dataset_text(name)
  local def = require("ramus.data.dataset").find(name)
  if not def then return nil end
  local lines = { ("data set %s: %s"):format(def.name, def.title or "") }
  for _, key in ipairs { "picture", "split_source", "licence", "citation" } do
    if type(def[key]) == "string" then lines[#lines + 1] = ("%s: %s"):format(key:gsub("_", " "), def[key]) end
  end
  for _, note in ipairs(def.notes or {}) do lines[#lines + 1] = "note: " .. note end
  if def.schema then lines[#lines + 1] = "options\n" .. schema_text(def.schema) end
  return table.concat(lines, "\n")
end

local function tensor_text(name)
  local t = require("ramus.lang.tensor").zeros(1)
  if name == "shape" then return "t.shape: the list of the tensor's sizes" end
  for _, known in ipairs(help.tensor_methods) do
    if known == name then return function_text("t:" .. name, t[name]) end
  end
end

--- Where a dotted name is looked up, by its first part.
local rooms = {
  F = function(name) return specs()[name] and op_text(specs()[name]) end,
  loss = function(name) return specs()[name] and specs()[name].is_loss and op_text(specs()[name]) end,
  nn = module_text, models = model_text, schedule = function(name) return schedule_signatures[name] and schedule_text(name) end,
  optim = function(name)
    local optim = require "ramus.lang.optim"
    return rawget(optim, name) and options.nearest(name, optim.names) == name and ("ra.optim.%s{...}\n%s"):format(name, schema_text(optim.schema(name)))
  end,
  metrics = function(name)
    local found = require("ramus.data.metrics").help[name]
    if found then return ("metric %s: %s\n0/0 rules: ?metrics"):format(name, found) end
    local f = rawget(require "ramus.data.metrics", name)
    return type(f) == "function" and function_text("ra.metrics." .. name, f)
  end,
  recipe = recipe_text, augment = augment_text, t = tensor_text, datasets = dataset_text,
}

local function library(module, prefix)
  return function(name)
    local f = rawget(require(module), name)
    return type(f) == "function" and function_text(prefix .. "." .. name, f)
  end
end
rooms.image = library("ramus.data.image", "ra.image")
rooms.model = function(name)
  local f = rawget(require "ramus.lang.model", name) or getmetatable(require("ramus").models.unet { depth = 2, width = 1 }).__index[name]
  return type(f) == "function" and function_text("model:" .. name, f)
end

--- Whole rooms.
local topics = {
  F = function()
    local names = {}
    for _, n in ipairs(require("ramus.lang.ops").names) do if not specs()[n].is_loss then names[#names + 1] = n end end
    return "ops, called ra.F.NAME(inputs..., {options}) on tensors or while a model is recorded; many also as t:NAME{options}\n"
      .. wrapped(names)
  end,
  loss = function() return (help.head_of "ramus.lang.loss" or "") .. "\n" .. table.concat(require("ramus.lang.loss").names, ", ") end,
  nn = function()
    return (help.head_of "ramus.lang.nn" or "") .. "\n" .. wrapped(keys_of(help.modules()))
  end,
  models = function() return "ra.models.NAME{...}: " .. table.concat(help.model_names(), ", ") end,
  schedule = function()
    local lines = { help.head_of "ramus.lang.schedule" }
    for _, n in ipairs(schedule_names()) do lines[#lines + 1] = "  " .. schedule_signatures[n] end
    return table.concat(lines, "\n")
  end,
  optim = function()
    local optim = require "ramus.lang.optim"
    return "optimizers: ra.optim." .. table.concat(optim.names, ", ra.optim.") .. "\n" .. schema_text(optim.schema "adamw")
  end,
  metrics = function()
    local rows = {}
    for _, key in ipairs(require("ramus.data.metrics").keys) do rows[#rows + 1] = ("  %-16s %s"):format(key, require("ramus.data.metrics").help[key]) end
    return (help.head_of "ramus.data.metrics" or "") .. "\n" .. table.concat(rows, "\n")
      .. "\n0/0 is 1 where prediction and mask agree on every pixel, else 0"
  end,
  image = function() return library_text("ramus.data.image", "image") end,
  augment = augment_text, recipe = recipe_text,
  tensor = function()
    return "tensors: ra.tensor{...}, ra.zeros(d1, ...), ra.ones, ra.rand, ra.randn, ra.empty; ra.seed(n)\nmethods: t:"
      .. table.concat(help.tensor_methods, ", t:") .. "; every op of one input too, as t:relu()\n+ - * / ^ and unary - work element by element"
  end,
  model = function()
    local net = require("ramus").models.unet { depth = 2, width = 1 }
    return (help.head_of "ramus.lang.model" or "") .. "\nmethods: " .. wrapped(keys_of(getmetatable(net).__index, function(k, v)
      return not k:match("^_") and is_function(k, v)
    end)) .. "\n?model.NAME explains one"
  end,
  supervise = function() return help.head_of "ramus.train.supervise" end,
  teacher = function() return (help.head_of "ramus.train.teacher" or "") .. "\n" .. recipe_text "teacher" end,
  datasets = function()
    return "data sets: " .. table.concat(require("ramus.data.dataset").names(), ", ") .. "; ?NAME explains one, ramus fetch NAME gets one"
  end,
}
topics.losses, topics.ops, topics.modules, topics.schedules, topics.optimizers = topics.loss, topics.F, topics.nn, topics.schedule, topics.optim

--- What `?` shows.
function help.topics()
  return table.concat({
    "?F         ops: conv2d, relu, concat, ...              ?nn        modules: ops with parameters",
    "?loss      losses                                      ?models    networks",
    "?tensor    making and reading tensors                  ?model     methods of a model",
    "?schedule  values that change over training            ?optim     optimizers",
    "?metrics   scores                                      ?image     pictures: load, save, filters",
    "?recipe    what to train, on what, how                 ?supervise rows of losses and teachers",
    "?augment   augmentation                                ?datasets  data sets",
    "?NAME      any of their names: ?conv2d, ?loss.dice, ?nn.conv2d, ?ramp, ?unet, ?recipe.data, ?image.load",
    "",
    "ra and F are there. EXPRESSION shows its values, EXPRESSION; keeps silent. who() lists your variables, timing() shows",
    "times, the tab key completes, the arrow keys bring lines back, Ctrl-C drops a line, Ctrl-D or exit leaves.",
  }, "\n")
end

--- Order in which a bare name is looked up.
local order = { "F", "models", "schedule", "optim", "metrics", "public", "t", "nn", "image", "model", "datasets" }

local constructors = {
  tensor = "ra.tensor(nested): a tensor of a number or of nested lists: ra.tensor{{1, 2}, {3, 4}} is [2,2]",
  zeros = "ra.zeros(d1, d2, ...) or ra.zeros{d1, d2, ...}: filled with 0", ones = "ra.ones(d1, d2, ...): filled with 1",
  empty = "ra.empty(d1, d2, ...): not filled", rand = "ra.rand(d1, d2, ...): uniform in 0..1; ra.seed(n) starts the numbers anew",
  randn = "ra.randn(d1, d2, ...): normal, mean 0, deviation 1; ra.seed(n) starts the numbers anew",
}

local function public_text(name)
  if constructors[name] then return constructors[name] end
  local where = getmetatable(require "ramus").lazy[name]
  if not where then return nil end
  local ok, value = pcall(function() return require("ramus")[name] end)
  if ok and type(value) == "function" then
    local text = function_text("ra." .. name, value)
    if text:find("no comment", 1, true) then text = ("ra.%s\n%s"):format(name, help.head_of(where[1]) or "") end
    return text
  end
  return ("ra.%s\n%s"):format(name, help.head_of(where[1]) or "")
end
rooms.public = public_text

--- Every name that ?NAME knows, sorted.
function help.names()
  local seen = {}
  local function add(list) for _, n in ipairs(list) do seen[n] = true end end
  add(keys_of(topics))
  add(require("ramus.lang.ops").names)
  add(help.model_names())
  add(schedule_names())
  add(require("ramus.lang.optim").names)
  add(require("ramus.data.metrics").keys)
  add(keys_of(getmetatable(require "ramus").lazy))
  return keys_of(seen)
end

--- Help text for a name, dotted or not; nil and a message where it is unknown.
function help.find(name)
  name = name:match("^%s*(.-)[%s%({]*$"):gsub("^ra%.", ""):gsub(":", ".")
  if name == "" then return help.topics() end
  if topics[name] then return topics[name]() end
  local room, rest = name:match("^([%a_]+)%.(.+)$")
  if room and rooms[room] then
    local text = rooms[room](rest)
    if text then return text end
  end
  if not room then
    local found
    for _, r in ipairs(order) do
      local text = rooms[r](name)
      if text and not found then found = text
      elseif text and r == "metrics" then found = found .. "\n(there is also the metric: ?metrics." .. name .. ")" end
    end
    if found then return found end
  end
  local leaf = name:match("([%w_]+)$") or name
  local near = options.nearest(leaf, help.names())
  return nil, ("no help for '%s'%s; ? lists topics"):format(name, near and ("; did you mean ?" .. near) or "")
end

return help
