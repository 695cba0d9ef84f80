--- ramus models: the architectures and what they cost on this machine; see ramus.cli.model_list.
local command = require "ramus.cli.command"

--- The sizes that are asked for; nil and a message.
local function sizes_of(list)
  local sizes = {}
  for i, text in ipairs(list) do
    local n = tonumber(text)
    if not n or n % 1 ~= 0 or n < 1 or n > 8192 then return nil, ("--size wants a whole number from 1 to 8192, given '%s'"):format(text) end
    sizes[i] = n
  end
  return sizes
end

return {
  name = "models", order = 9.7, words = "[NAME]...",
  example = "ramus models unet --size 128",
  help = "list the architectures with parameters, operations, memory and milliseconds of a prediction on this machine",
  flags = {
    { name = "preset", value = "NAME", one_of = { "light", "published", "all" }, default = "light", help = "how large they are" },
    { name = "size", value = "N", wants = "a whole number", many = true, default = { 256, 512 }, help = "side of the picture" },
    { name = "seconds", value = "S", number = true, min = 0, default = 0.3, help = "of timing a size, at least 3 runs; 0 for no timing" },
    { name = "channels", value = "N", number = true, min = 1, default = 1, help = "of the picture" },
    command.JSON,
  },
  run = function(words, given)
    local list, ffi = require "ramus.cli.model_list", require "ramus.base.ffi"
    local names, err = list.names(words)
    if not names then return false, err, 2 end
    local o = { seconds = given.seconds, channels = given.channels }
    o.sizes, err = sizes_of(given.size)
    if not o.sizes then return false, err, 2 end
    o.presets = given.preset == "all" and list.presets or { given.preset }
    local threads, rows = ffi.C.ra_threads(), {}
    if not given.json then
      print(("a prediction of one picture; %s kernels, %d thread%s; MB: values between the layers and parameters"):format(ffi.string(ffi.C.ra_isa()), threads,
        threads == 1 and "" or "s"))
      print(list.heading(o.sizes, o.seconds > 0))
    end
    for _, name in ipairs(names) do
      for _, preset in ipairs(o.presets) do
        local row = list.measure(name, preset, o)
        rows[#rows + 1] = row
        if row and not given.json then print(list.line(row)) end
        collectgarbage()
      end
    end
    if given.json then require("ramus.base.json").print { isa = ffi.string(ffi.C.ra_isa()), threads = threads, models = rows } end
    if #rows == 0 then return false, ("none of %s has a preset %s"):format(table.concat(names, ", "), given.preset), 2 end
    return 0
  end,
}
