--- ramus bench: see ramus.cli.bench.
local command = require "ramus.cli.command"
local options = require "ramus.base.options"

local function flags()
  local schema = require("ramus.cli.bench").schema
  local list = {}
  for _, name in ipairs { "width", "size", "batch", "steps" } do
    list[#list + 1] = { name = name, value = "N", wants = "a whole number", number = true, min = schema[name].min,
      help = schema[name].help, default = schema[name].default }
  end
  list[#list + 1] = { name = "model", value = "NAME", wants = "an architecture", help = schema.model.help, unless = "that U-Net" }
  list[#list + 1] = { name = "profile", help = schema.profile.help }
  list[#list + 1] = command.JSON
  return list
end

return {
  name = "bench", order = 10, words = "[CASE]...", one_of = require("ramus.cli.bench").cases, flags = flags(),
  example = "ramus bench train --width 8 --size 128",
  help = "time a training step (train), a step of self-distillation (dsd) and a prediction (infer), on random images",
  run = function(words, given)
    local bench = require "ramus.cli.bench"
    local results = {}
    for i, case in ipairs(#words > 0 and words or bench.cases) do
      local o, err = options.validate({ case = case, width = given.width, size = given.size, batch = given.batch, steps = given.steps,
        model = given.model, profile = given.profile }, bench.schema, "bench")
      if not o then return false, err, 2 end
      results[i], err = bench.run(o)
      if not results[i] then return false, err end
      if not given.json then
        local r = results[i]
        if i == 1 then print(("%s kernels on %d threads\n%s"):format(r.isa, r.threads, bench.heading)) end
        print(bench.line(r) .. (r.profile and "\n\n" .. r.profile or ""))
      end
    end
    if given.json then require("ramus.base.json").print(results, 6) end
    return 0
  end,
}
