--- Where a training's weights begin: init = { from = RUN or FILE, only = PATTERN, skip = PATTERN } takes those of another model by their names
-- (fine-tuning); what is left out begins as its modules say.
local checkpoint = require "ramus.train.checkpoint"
local options = require "ramus.base.options"
local state_dict = require "ramus.lang.state_dict"
local tensor = require "ramus.lang.tensor"
local torch_names = require "ramus.lang.torch_names"

local initial = {}

initial.schema = {
  from = { type = "string", required = true, help = "a run folder (its best checkpoint, else its last) or a model's file; with names, a state dict "
    .. "of PyTorch as safetensors" },
  names = { type = "string", one_of = options.names(torch_names.known), help = "the table by which PyTorch's names become ours" },
  only = { type = "string", check = options.pattern, help = "Lua pattern of the names that are taken; all unless given" },
  skip = { type = "string", check = options.pattern, help = "Lua pattern of names that are not taken, as \"^head\"" },
}

--- The model that weights are taken from; nil and a message. Asked before data are fetched.
function initial.open(spec)
  local source, err
  if spec.names then source, err = state_dict.open(spec.from, spec.names) else source, err = checkpoint.load_model(spec.from) end
  return source, err and ("init.from: %s"):format(err)
end

--- Copies parameters and buffers into the model; a line that says how many, or nil and a message that names what does not fit.
function initial.apply(model, spec, source)
  local taken, wrong = 0, {}
  for _, p in ipairs(model.entries) do
    if p.name:find(spec.only or "") and not (spec.skip and p.name:find(spec.skip)) then
      local own, value, why = model.values[p.name], source.values and source.values[p.name], nil
      if spec.names then value, why = state_dict.get(source, p) end
      if not value then wrong[#wrong + 1] = why or ("'%s' is not there"):format(p.name)
      elseif tensor.shape_text(value) ~= tensor.shape_text(own) then
        wrong[#wrong + 1] = ("'%s' is %s there, %s here"):format(p.name, tensor.shape_text(value), tensor.shape_text(own))
      else
        own:copy(value)
        taken = taken + 1
      end
    end
  end
  if #wrong > 0 then
    return nil, ("init.from: %s does not fit: %s%s; leave them out with init.skip = PATTERN"):format(spec.from, table.concat(wrong, ", ", 1,
      math.min(3, #wrong)), #wrong > 3 and (" and %d more"):format(#wrong - 3) or "")
  end
  if taken == 0 then return nil, ("init: no name fits only = %s, skip = %s"):format(options.show(spec.only), options.show(spec.skip)) end
  return ("init   %d of %d arrays from %s"):format(taken, #model.entries, spec.from)
end

return initial
