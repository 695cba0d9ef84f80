--- Public functions that the prompt has without `ra.`: stand-ins, which load the real one when they are called, so that starting stays quick.
local late = { names = { "show", "plot", "hist", "save" } }

local name_of = setmetatable({}, { __mode = "k" })

--- What stands for ra.NAME.
function late.stand_in(name)
  local function f(...) return require("ramus")[name](...) end -- a tail call: errors count frames
  name_of[f] = name
  return f
end

--- The function that a value stands for; another value itself.
function late.real(value)
  local name = type(value) == "function" and name_of[value]
  return name and require("ramus")[name] or value
end

return late
