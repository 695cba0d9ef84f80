--- pickle(path): for weights that torch.save wrote, which Ramus does not open, the lines of Python that convert them.
local files = require "ramus.base.files"

--- A message that says how a file of torch.save becomes a safetensors file, or nil where it is none. Told by content: a pickle, or a zip
-- archive whose first member is one.
return function(path)
  local f = files.open(path, "rb")
  local head = f and f:read(256) or ""
  if f then f:close() end
  local zip = head:find("PK\3\4", 1, true) == 1 and head:find("data.pkl", 1, true)
  if not zip and not head:find "^\128[\2-\5]" then return nil end
  local plain = path:gsub("%.%w+$", "")
  return ("%s: is a pickle of PyTorch's, which runs code when it is opened, so Ramus does not. Convert it where you trust it:\n"
    .. "  import torch, safetensors.torch\n"
    .. "  safetensors.torch.save_file({k: v.contiguous() for k, v in torch.load(%q, map_location=\"cpu\").items()}, %q)"):format(path, path,
    plain .. ".safetensors")
end
