--- Counts the optimizer's steps, through interruptions, into metrics.jsonl.
local Counter = {}
Counter.__index = Counter

local function new(training) return setmetatable({ state = training.state }, Counter) end

function Counter:after_step() self.state.counted = self.state.counted + 1 end

function Counter:record(entry)
  entry.counted = self.state.counted
  return true
end

return { new = new, state = { counted = { type = "integer", default = 0, min = 0 } } }
