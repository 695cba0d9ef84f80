--- Names of parameters in PyTorch: tables by which weights go from a state dict into a model of ours, and back.
--
-- A table is a list of { PATTERN, REPLACEMENT }: the first Lua pattern that fits one of our names makes PyTorch's name of it, as string.gsub
-- does (REPLACEMENT: a text, or a function of the captures). A name that none fits stays as it is. Running averages are renamed everywhere:
-- NAME.mean is NAME.running_mean there, NAME.var is NAME.running_var. `ignore`: patterns of names there that have no place here;
-- num_batches_tracked never has.
local options = require "ramus.base.options"

local torch_names = {}

--- The layers of a block as members of PyTorch's sequence of convolution, normalisation, activation, twice.
local MEMBER = { conv1 = 0, norm1 = 1, conv2 = 3, norm2 = 4 }

torch_names.known = {
  --- segmentation_models.pytorch's Unet("resnet34") and ra.models.resnet34_unet { width = 64 }.
  smp_unet_resnet34 = {
    { "^decoder(%d)%.conv(%d)%.", function(i, k) return ("decoder.blocks.%d.conv%s.0."):format(5 - tonumber(i), k) end },
    { "^decoder(%d)%.norm(%d)%.", function(i, k) return ("decoder.blocks.%d.conv%s.1."):format(5 - tonumber(i), k) end },
    { "^head%.", "segmentation_head.0." },
    { "^", "encoder." },
  },
  --- milesial/Pytorch-UNet (bilinear = False) and ra.models.unet { width = 64 }.
  milesial_unet = {
    { "^encoder1%.(%a+%d)%.", function(part) return ("inc.double_conv.%d."):format(MEMBER[part]) end },
    { "^encoder(%d)%.(%a+%d)%.", function(i, part) return ("down%d.maxpool_conv.1.double_conv.%d."):format(tonumber(i) - 1, MEMBER[part]) end },
    { "^decoder(%d)%.(%a+%d)%.", function(i, part) return ("up%d.conv.double_conv.%d."):format(5 - tonumber(i), MEMBER[part]) end },
    { "^up(%d)%.", function(i) return ("up%d.up."):format(5 - tonumber(i)) end },
    { "^head%.", "outc.conv." },
  },
  --- torchvision's resnet34 and the encoder of ra.models.resnet34_unet { width = 64 }.
  torchvision_resnet34 = { ignore = { "^fc%." } },
}

--- A checked table of names, from one or from the name of one that is known; nil and a message.
function torch_names.find(given)
  if type(given) == "string" then
    if torch_names.known[given] then return torch_names.known[given] end
    return nil, options.unknown("table of names", given, options.names(torch_names.known))
  end
  if type(given) ~= "table" then return nil, "names must be a table { { PATTERN, REPLACEMENT }, .. } or the name of one, given " .. options.show(given) end
  for i, row in ipairs(given) do
    local kind = type(row) == "table" and type(row[2])
    if not kind or type(row[1]) ~= "string" or kind ~= "string" and kind ~= "function" or not pcall(string.find, "", row[1]) then
      return nil, ("names: entry %d must be { PATTERN, REPLACEMENT }, given %s"):format(i, options.show(row))
    end
  end
  return given
end

--- PyTorch's name of one of ours, by a table of find().
function torch_names.theirs(list, name)
  local theirs = name:gsub("%.mean$", ".running_mean"):gsub("%.var$", ".running_var")
  for _, row in ipairs(list) do
    if theirs:find(row[1]) then return (theirs:gsub(row[1], row[2], 1)) end
  end
  return theirs
end

--- True for a name there that has no place here.
function torch_names.ignored(list, name)
  if name:find "num_batches_tracked$" then return true end
  for _, pattern in ipairs(list.ignore or {}) do
    if name:find(pattern) then return true end
  end
  return false
end

return torch_names
