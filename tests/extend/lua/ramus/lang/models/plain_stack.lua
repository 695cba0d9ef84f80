--- A stack of 3x3 convolutions at full size.
local F = require "ramus.lang.F"
local models = require "ramus.lang.models"
local nn = require "ramus.lang.nn"

return models.define {
  name = "plain_stack",
  schema = { width = { type = "integer", min = 1, default = 4, help = "channels inside" },
    depth = { type = "integer", min = 1, default = 2, help = "convolutions before the last" } },
  build = function(o)
    local layers = {}
    for i = 1, o.depth do layers[i] = nn.conv2d { i == 1 and o.channels or o.width, o.width, k = 3, pad = 1 } end
    local head = nn.conv2d { o.width, 1, k = 1, name = "head" }
    return function(x)
      for _, layer in ipairs(layers) do x = F.relu(layer(x)) end
      return { out = head(x) }
    end
  end,
}
