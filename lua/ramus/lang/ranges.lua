--- Parts of a model that learn each in its own way: what of the flat block of weights moves, how fast, pulled to 0 how strongly.
--
--   optim.groups        { { at = PATTERN, lr = factor, weight_decay = }, .. }: the first whose pattern fits a parameter's name
--   optim.layer_decay   the last layer learns at lr, the one before at lr * d, then lr * d^2, ..; a layer is what stands before the first dot of a name,
--                       in the order of their first use (Howard, Ruder, ACL 2018, discriminative fine-tuning)
--   optim.decay         "weights": no weight decay for biases and for scales and shifts of normalisations, which are arrays of rank 1
--   freeze              { { at = PATTERN, till = epoch }, .. }: they stand still until that epoch, or always
-- Running means and variances of a frozen normalisation go on following the batches, as in PyTorch.
local ffi = require "ramus.base.ffi"
local options = require "ramus.base.options"
local C = ffi.C

local ranges = {}

ranges.group_schema = {
  at = { type = "string", required = true, check = options.pattern, help = "Lua pattern of parameter names, as \"^encoder\"" },
  lr = { type = "number", min = 0, default = 1, help = "factor of the learning rate" },
  weight_decay = { type = "number", min = 0, help = "in the place of the optimizer's" },
}

ranges.freeze_schema = {
  at = { type = "string", required = true, check = options.pattern, help = "Lua pattern of parameter names, as \"^encoder\"" },
  till = { type = "integer", min = 1, help = "first epoch in which they learn; never unless given" },
}

--- A list of tables by one schema, one alone, or (text = true) a pattern; nil and a message.
local function list_of(v, schema, text)
  if type(v) == "string" and text then v = { { at = v } } end
  if type(v) == "table" and v.at ~= nil then v = { v } end
  local list, no_list = {}, options.no_list(v)
  if no_list then return nil, no_list end
  for i, given in ipairs(v) do
    if type(given) == "string" and text then given = { at = given } end
    if type(given) ~= "table" then return nil, ("must be a list of { at = PATTERN, .. }, given %s"):format(options.show(given)) end
    local one, err = options.validate(given, schema, ("[%d] is wrong"):format(i))
    if not one then return nil, err end
    list[i] = one
  end
  if #list == 0 then return nil, "must be a list of { at = PATTERN, .. }" end
  return list
end

function ranges.groups(v) return list_of(v, ranges.group_schema, false) end
function ranges.freeze(v) return list_of(v, ranges.freeze_schema, true) end

--- The first of a list whose pattern fits a name; notes all that do.
local function first_of(list, name, used)
  local first
  for _, one in ipairs(list or {}) do
    if name:find(one.at) then
      first, used[one] = first or one, true
    end
  end
  return first
end

--- The factor of every layer's rate, by its name.
local function layer_factors(parameters, decay)
  local order, place = {}, {}
  for _, p in ipairs(parameters) do
    local layer = p.name:match "^[^.]+"
    if not place[layer] then
      order[#order + 1] = layer
      place[layer] = #order
    end
  end
  return function(name) return decay and decay ^ (#order - place[name:match "^[^.]+"]) or 1 end
end

--- A message about a pattern that fits no parameter, else nil.
local function unused(list, used, what, parameters)
  for _, one in ipairs(list or {}) do
    if not used[one] then
      local names = {}
      for i = 1, math.min(4, #parameters) do names[i] = parameters[i].name end
      return ("%s: at = %q fits no parameter; they are called %s, ..; print(model) lists them"):format(what, one.at, table.concat(names, ", "))
    end
  end
end

--- The ranges of a model's block, { { first, count, lr, weight_decay, from }, .. } as core/optim wants them, neighbours that are alike together;
-- nil and a message. steps_of(epoch): optimizer steps before an epoch.
function ranges.of(model, o, freeze, steps_of)
  local parameters, used, list = model.parameter_list, {}, {}
  local factor = layer_factors(parameters, o.layer_decay)
  for i, p in ipairs(parameters) do
    local group, frozen = first_of(o.groups, p.name, used), first_of(freeze, p.name, used)
    local own = group and group.weight_decay
    local decay = own or o.decay == "weights" and #p.shape < 2 and 0 or o.weight_decay
    local next_offset = parameters[i + 1] and parameters[i + 1].offset or model.flat_size
    local r = { first = p.offset, count = next_offset - p.offset, lr = (group and group.lr or 1) * factor(p.name), weight_decay = decay,
      from = frozen and (frozen.till and steps_of(frozen.till) or math.huge) or 0 }
    local last = list[#list]
    if last and last.lr == r.lr and last.weight_decay == r.weight_decay and last.from == r.from then last.count = last.count + r.count
    else list[#list + 1] = r end
  end
  local err = unused(o.groups, used, "optim.groups", parameters) or unused(freeze, used, "freeze", parameters)
  if err then return nil, err end
  return list
end

--- Gives an optimizer of the core these ranges, where they are more than the whole block; nil and a message. o: the optimizer's options.
function ranges.apply(c, list, o)
  if #list == 1 and list[1].lr == 1 and list[1].from == 0 and list[1].weight_decay == o.weight_decay then return true end
  local all = ffi.new("ra_optim_range[?]", #list)
  for i, one in ipairs(list) do all[i - 1] = one end
  if C.ra_optim_ranges(c, all, #list) ~= 0 then return nil, ffi.message() end
  return true
end

return ranges
