--- A state dict of PyTorch in a safetensors file: its weights into a model of ours by a table of names (torch_names.lua), and back.
local F = require "ramus.lang.F"
local options = require "ramus.base.options"
local safetensors = require "ramus.lang.safetensors"
local torch_names = require "ramus.lang.torch_names"

local state_dict = {}

--- The first three of a list and how many more there are.
local function some(list)
  return table.concat(list, ", ", 1, math.min(3, #list)) .. (#list > 3 and (" and %d more"):format(#list - 3) or "")
end

local function shape_text(shape) return "[" .. table.concat(shape, ",") .. "]" end

--- True where theirs is the first convolution of an RGB net and ours that of a grey one: [O,3,h,w] and [O,1,h,w].
local function grey(ours, theirs)
  return #ours == 4 and #theirs == 4 and ours[2] == 1 and theirs[2] == 3 and ours[1] == theirs[1] and ours[3] == theirs[3] and ours[4] == theirs[4]
end

--- An open state dict and its checked table of names, { file =, names = }; nil and a message.
function state_dict.open(path, names)
  local list, err = torch_names.find(names)
  if not list then return nil, err end
  local file
  file, err = safetensors.load(path)
  if not file then return nil, err end
  return { file = file, names = list }
end

--- The tensor for parameter p = { name, shape }; nil and a message where it is not there or has another shape. A grey net takes the sum over the
-- three colours.
function state_dict.get(source, p)
  local theirs = torch_names.theirs(source.names, p.name)
  local shape = source.file:shape(theirs)
  if not shape then return nil, ("'%s' (here '%s') is not there"):format(theirs, p.name) end
  local sum = grey(p.shape, shape)
  if shape_text(shape) ~= shape_text(p.shape) and not sum then
    return nil, ("'%s' is %s there, '%s' %s here"):format(theirs, shape_text(shape), p.name, shape_text(p.shape))
  end
  local t, err = source.file:get(theirs)
  if not t then return nil, err end
  return sum and F.sum(t, { dim = 2, keepdim = true }) or t
end

local schema = {
  names = { type = "any", required = true, help = "a table of names, or the name of one: " .. table.concat(options.names(torch_names.known), ", ") },
  only = { type = "string", help = "Lua pattern of our names that are taken; all unless given" },
  skip = { type = "string", help = "Lua pattern of our names that are not taken" },
}

--- Reads the weights of a file into a model, all of them or none. Returns the number of arrays taken; nil and a message.
-- given: names, only, skip. Without only and skip nothing may be left over in the file.
function state_dict.read(model, path, given)
  local o = options.check(given, schema, "load_model")
  local source, err = state_dict.open(path, o.names)
  if not source then return nil, err end
  local values, used, wrong = {}, {}, {}
  for _, p in ipairs(model.entries) do
    if p.name:find(o.only or "") and not (o.skip and p.name:find(o.skip)) then
      local t, why = state_dict.get(source, p)
      if t then values[#values + 1] = { p.name, t } else wrong[#wrong + 1] = why end
      used[torch_names.theirs(source.names, p.name)] = true
    end
  end
  if #wrong > 0 then return nil, ("%s: does not fit the model: %s"):format(path, some(wrong)) end
  for _, name in ipairs(not (o.only or o.skip) and source.file.names or {}) do
    if not used[name] and not torch_names.ignored(source.names, name) then wrong[#wrong + 1] = ("'%s'"):format(name) end
  end
  if #wrong > 0 then return nil, ("%s: the model has no place for %s"):format(path, some(wrong)) end
  if #values == 0 then return nil, ("%s: no name of the model fits only = %s, skip = %s"):format(path, options.show(o.only), options.show(o.skip)) end
  for _, v in ipairs(values) do model.values[v[1]]:copy(v[2]) end
  return #values
end

--- Writes a model's weights under PyTorch's names as safetensors, for load_state_dict. true; nil and a message.
-- given: names.
function state_dict.write(model, path, given)
  local o = options.check(given, { names = schema.names }, "save_weights")
  local list, err = torch_names.find(o.names)
  if not list then error("save_weights: " .. err, 2) end
  local arrays = {}
  for _, p in ipairs(model.entries) do
    local theirs = torch_names.theirs(list, p.name)
    if arrays[theirs] then return nil, ("save_weights: two parameters would be named '%s', the second '%s'"):format(theirs, p.name) end
    arrays[theirs] = model.values[p.name]
  end
  return safetensors.save(path, arrays, { format = "pt" })
end

return state_dict
