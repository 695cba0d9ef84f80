--- What ?name shows: topics, and where a name is looked up.
local core_help = require "ramus.cli.core_help"
local help_names = require "ramus.cli.help_names"
local options = require "ramus.base.options"
local ops = require "ramus.lang.ops"
local texts = require "ramus.cli.help_text"

local help = setmetatable({}, { __index = texts }) -- what the reference pages use stands there

--- The comment at the head of a module, as paragraphs; nil where there is none.
local function head_of(module)
  local text = texts.head_of(module)
  return text and texts.joined(text)
end

-- ---- topics ---------------------------------------------------------------------

local function keys_of(t, keep)
  local list = {}
  for k, v in pairs(t) do
    if type(k) == "string" and (not keep or keep(k, v)) then list[#list + 1] = k end
  end
  table.sort(list)
  return list
end

--- Methods of a tensor; ops can be called as methods too. Functions of the core. Names in a room, as "loss". The name of a public value.
function help.tensor_methods() return help_names.of "t" end
help.core_names, help.names_in, help.name_of, help.modules = core_help.names, help_names.of, help_names.name_of, help_names.modules

--- What else a tensor has.
help.tensor_fields = {
  shape = "t.shape: the list of the tensor's sizes; equal where all sizes are", dtype = 't.dtype: "float32"', rank = "t.rank: the number of dimensions",
  size = "t.size: the number of elements", data = "t.data[i]: element i, from 0, of the memory that the tensor spans",
}

local function is_function(_, v) return type(v) == "function" end

local function schedules() return require("ramus.lang.schedule").defined end

local function schedule_text(name)
  local d = schedules()[name]
  if not d then return nil end
  return d.signature .. "\n" .. d.help .. '\nper = "step" counts optimizer steps instead of epochs; n, the length, is the whole training if left out'
end

local function module_text(name)
  local d = help.modules()[name]
  if not d then return nil end
  local text = ("ra.nn.%s: %s"):format(d.signature, d.help)
  if d.schema then text = text .. "\n" .. texts.schema(d.schema) end
  return ops.specs[name] and text .. "\n\n" .. texts.op(ops.specs[name]) or text
end

local function model_text(name)
  local found = require("ramus.lang.models").find(name)
  if not found then return nil end
  return ("ra.models.%s{...}\n%s\n%s%s"):format(name, found.help or head_of("ramus.lang.models." .. name) or "", texts.schema(found.schema),
    texts.presets(found.presets))
end

local function library_text(module, prefix, keep)
  local m = require(module)
  local names = keys_of(m, keep or is_function)
  return ("%s\n\nfunctions: %s\n?%s.NAME explains one"):format(head_of(module) or prefix, table.concat(names, ", "), prefix)
end

local function augment_text(name)
  local augment = require "ramus.data.augment"
  if not name then return (head_of "ramus.data.augment" or "augmentation") .. "\n\noptions\n" .. texts.schema(augment.schema) end
  return augment.schema[name] and texts.schema { [name] = augment.schema[name] }
end

local function recipe_text(name)
  local recipe = require "ramus.train.recipe"
  local tables = { data = recipe.data_schema, teacher = recipe.teacher_schema, augment = require("ramus.data.augment").schema }
  if not name or name == "" then return "fields of a recipe (?recipe.data and ?recipe.teacher show theirs)\n" .. texts.schema(recipe.schema) end
  for field, entry in pairs(recipe.schema) do tables[field] = tables[field] or entry.fields end
  if tables[name] then return ("fields of a recipe's %s\n%s"):format(name, texts.schema(tables[name])) end
  local owner, field = name:match("^(%w+)%.([%w_]+)$")
  local schema = owner and tables[owner] or recipe.schema
  local entry = schema[field or name]
  return entry and texts.schema { [field or name] = entry }
end

local function dataset_text(name)
  if name == "folder" then
    return head_of "ramus.data.folder" .. "\n\noptions\n" .. texts.schema(require("ramus.data.folder").definition_schema)
  end
  local def = require("ramus.data.dataset").find(name)
  if not def then return nil end
  local lines = { ("data set %s: %s"):format(def.name, def.title or "") }
  for _, key in ipairs { "picture", "split_source", "licence", "citation" } do
    if type(def[key]) == "string" then lines[#lines + 1] = ("%s: %s"):format(key:gsub("_", " "), def[key]) end
  end
  for _, note in ipairs(def.notes or {}) do lines[#lines + 1] = "note: " .. note end
  if def.schema then lines[#lines + 1] = "options\n" .. texts.schema(def.schema) end
  return table.concat(lines, "\n")
end

local function tensor_text(name)
  require "ramus.lang.F"
  local method = require("ramus.lang.tensor").methods[name]
  return help.tensor_fields[name] or method and texts.of_function("t:" .. name, method)
end

--- Where a dotted name is looked up, by its first part.
local lookup = {
  F = function(name) return ops.specs[name] and texts.op(ops.specs[name]) end,
  loss = function(name) return ops.specs[name] and ops.specs[name].is_loss and texts.op(ops.specs[name]) end,
  nn = module_text, models = model_text, schedule = schedule_text,
  optim = function(name)
    local optim = require "ramus.lang.optim"
    return rawget(optim, name) and options.nearest(name, optim.names) == name and ("ra.optim.%s{...}\n%s"):format(name, texts.schema(optim.schema(name)))
  end,
  metrics = function(name)
    local found = require("ramus.data.metrics").help[name]
    if found then return ("metric %s\n%s\n0/0 rules: ?metrics"):format(name, found) end
    local f = rawget(require "ramus.data.metrics", name)
    return type(f) == "function" and texts.of_function("ra.metrics." .. name, f)
  end,
  recipe = recipe_text, augment = augment_text, t = tensor_text, datasets = dataset_text, C = core_help.find,
  commands = function(name)
    local command = require "ramus.cli.command"
    local found = command.find(name)
    return found and "at a shell, or at this prompt with $ before it\n" .. command.help(found)
  end,
}

local function library(module, prefix)
  return function(name)
    local f = rawget(require(module), name)
    return type(f) == "function" and texts.of_function(prefix .. "." .. name, f)
  end
end
lookup.image = library("ramus.data.image", "ra.image")
lookup.checks = library("ramus.train.checks", "ra.checks")
lookup.model = function(name)
  local f = rawget(require "ramus.lang.model", name) or help_names.model_methods()[name]
  return type(f) == "function" and texts.of_function("model:" .. name, f)
end

--- Topics: what is shown for a whole table of names.
local topics = {
  F = function()
    local names = {}
    for _, n in ipairs(ops.names) do if not ops.specs[n].is_loss then names[#names + 1] = n end end
    return "ops, called ra.F.NAME(inputs..., {options}) on tensors or while a model is recorded; many also as t:NAME{options}\n"
      .. texts.wrapped(names)
  end,
  loss = function() return (head_of "ramus.lang.loss" or "") .. "\n" .. table.concat(require("ramus.lang.loss").names, ", ") end,
  nn = function()
    return (head_of "ramus.lang.nn" or "") .. "\n" .. texts.wrapped(keys_of(help.modules()))
  end,
  models = function() return "ra.models.NAME{...}: " .. table.concat(require("ramus.lang.models").names(), ", ") end,
  schedule = function()
    local lines = { head_of "ramus.lang.schedule" }
    for _, n in ipairs(keys_of(schedules())) do lines[#lines + 1] = "  " .. schedules()[n].signature end
    return table.concat(lines, "\n")
  end,
  optim = function()
    local optim = require "ramus.lang.optim"
    return "optimizers: ra.optim." .. table.concat(optim.names, ", ra.optim.") .. "\n" .. texts.schema(optim.schema "adamw")
  end,
  metrics = function()
    local rows = {}
    for _, key in ipairs(require("ramus.data.metrics").keys) do rows[#rows + 1] = ("  %-16s %s"):format(key, require("ramus.data.metrics").help[key]) end
    return (head_of "ramus.data.metrics" or "") .. "\n" .. table.concat(rows, "\n")
      .. "\n0/0 is 1 where prediction and mask agree on every pixel, else 0"
  end,
  image = function() return library_text("ramus.data.image", "image") end,
  checks = function() return library_text("ramus.train.checks", "checks") end,
  study = function()
    local definition = require "ramus.study.definition"
    return ("%s\n\nfields of a study\n%s\n\nfields of a row\n%s"):format(head_of "ramus.study.definition", texts.schema(definition.schema),
      texts.schema(definition.row_schema))
  end,
  augment = augment_text, recipe = recipe_text,
  tensor = function()
    return "tensors: ra.tensor{...}, ra.zeros(d1, ...), ra.ones, ra.full, ra.rand, ra.randn, ra.arange, ra.linspace, ra.eye, ra.empty; ra.seed(n)\n"
      .. "fields: " .. table.concat(keys_of(help.tensor_fields), ", ") .. "\nmethods: " .. texts.wrapped(help.tensor_methods())
      .. "\nevery op of one input too, as t:relu(); + - * / ^ and unary - work element by element, gt, ge, lt, le, eq and ne compare so\n\n"
      .. (head_of "ramus.lang.tensor_index" or "")
  end,
  model = function()
    return (head_of "ramus.lang.model" or "") .. "\nmethods: " .. texts.wrapped(help_names.of "model") .. "\n?model.NAME explains one"
  end,
  supervise = function() return head_of "ramus.train.supervise" end,
  teacher = function() return (head_of "ramus.train.teacher" or "") .. "\n" .. recipe_text "teacher" end,
  datasets = function()
    return "data sets: " .. table.concat(require("ramus.data.dataset").names(), ", ") .. "; ?NAME explains one, ramus fetch NAME gets one"
  end,
}
topics.C = function()
  return ("the core: C.ra_NAME(...), %d functions, which core/api.h declares; ?C.ra_NAME explains one, ??WORD searches them"):format(#core_help.names())
end
topics.commands = function()
  local lines = { "commands of the shell: $ ramus COMMAND ... at this prompt; ?COMMAND explains one" }
  for _, c in ipairs(require("ramus.cli.command").all()) do lines[#lines + 1] = ("  %-10s %s"):format(c.name, c.help) end
  return table.concat(lines, "\n")
end
topics.losses, topics.ops, topics.modules, topics.schedules, topics.optimizers = topics.loss, topics.F, topics.nn, topics.schedule, topics.optim

--- What `?` shows.
function help.topics()
  return table.concat({
    "?F         ops: conv2d, relu, concat, ...              ?nn        modules: ops with parameters",
    "?loss      losses                                      ?models    networks",
    "?tensor    making, reading and changing tensors        ?model     methods of a model",
    "?schedule  values that change over training            ?optim     optimizers",
    "?metrics   scores                                      ?image     load, save, filter images",
    "?recipe    what to train, on what, how                 ?supervise rows of losses and teachers",
    "?augment   augmentation                                ?datasets  data sets",
    "?checks    a vessel map beyond its scores              ?study     rows of recipes, compared",
    "?show      draws pictures, masks, maps, kernels        ?plot      draws curves; ?hist, ?open_run",
    "?commands  of the shell: train, eval, predict, ...     ?C         functions of the core",
    "?NAME      any of their names: ?conv2d, ?loss.dice, ?ramp, ?unet, ?recipe.data, ?image.load, ?train",
    "??WORD     searches names, help and documents",
    "",
    "EXPRESSION       prints its values; with ; behind it, it does not. ra, F, nn and C are defined",
    "time EXPRESSION  measures; timing() measures all that follows",
    "$ COMMAND        goes to the shell",
    "who()            lists your variables; script(\"FILE.lua\") writes this session as a file",
    "The tab key completes, the arrow keys bring inputs back, Ctrl-C stops, Ctrl-D or exit leaves.",
  }, "\n")
end

--- Order in which a bare name is looked up.
local order = { "F", "models", "schedule", "optim", "metrics", "public", "t", "nn", "image", "model", "checks", "datasets", "commands" }

local constructors = {
  tensor = "ra.tensor(nested): a tensor of a number or of nested lists: ra.tensor{{1, 2}, {3, 4}} is [2,2]",
  zeros = "ra.zeros(d1, d2, ...) or ra.zeros{d1, d2, ...}: filled with 0", ones = "ra.ones(d1, d2, ...): filled with 1",
  empty = "ra.empty(d1, d2, ...): not filled", rand = "ra.rand(d1, d2, ...): uniform in 0..1; ra.seed(n) starts the numbers anew",
  randn = "ra.randn(d1, d2, ...): normal, mean 0, standard deviation 1; ra.seed(n) starts the numbers anew",
}

local function public_text(name)
  if constructors[name] then return constructors[name] end
  local where = getmetatable(require "ramus").lazy()[name]
  if not where then return nil end
  local head = where[2] and head_of(where[1]) or ""
  if head:find("^ra%." .. name .. ":") then -- a file about this function
    local schema = rawget(require(where[1]), "schema")
    return schema and head .. "\n\noptions\n" .. texts.schema(schema) or head
  end
  local ok, value = pcall(function() return require("ramus")[name] end)
  if ok and type(value) == "function" then
    local text = texts.of_function("ra." .. name, value)
    if text:find("no comment", 1, true) then text = ("ra.%s\n%s"):format(name, head_of(where[1]) or "") end
    return text
  end
  return ("ra.%s\n%s"):format(name, head_of(where[1]) or "")
end
lookup.public = public_text

--- Every name that ?NAME knows, sorted.
function help.names() return help_names.bare(topics) end

--- Help text for a name, dotted or not; nil and a message where it is unknown.
function help.find(name)
  name = name:match("^%s*(.-)[%s%({]*$"):gsub("^ra%.", ""):gsub(":", ".")
  if name == "" then return help.topics() end
  if topics[name] then return topics[name]() end
  local owner, rest = name:match("^([%a_]+)%.(.+)$")
  if owner and lookup[owner] then
    local text = lookup[owner](rest)
    if text then return text end
  end
  local where = owner and getmetatable(require "ramus").lazy()[owner]
  if where and not where[2] and type(require(where[1])) == "table" then
    local text = library(where[1], "ra." .. owner)(rest)
    if text then return text end
  end
  if not owner then
    local found
    for _, r in ipairs(order) do
      local text = lookup[r](name)
      if text and not found then found = text
      elseif text and r == "metrics" then found = found .. "\n(there is also the metric: ?metrics." .. name .. ")"
      elseif text and r == "commands" then found = found .. "\n(there is also the command: ?commands." .. name .. ")" end
    end
    if found then return found end
  end
  local leaf = name:match("([%w_]+)$") or name
  local near = options.nearest(leaf, help.names())
  return nil, ("no help for '%s'%s; ? lists topics"):format(name, near and ("; did you mean ?" .. near) or "")
end

return help
