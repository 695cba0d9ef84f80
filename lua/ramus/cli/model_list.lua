--- What architectures cost on this machine: parameters, operations, memory, milliseconds of a prediction. `ramus models` prints it.
--
--   local row = require("ramus.cli.model_list").measure("unet", "light", { sizes = { 256 }, seconds = 0.5 })
--   print(row.parameters, row.at[1].gflop, row.at[1].mb, row.at[1].ms)
local ffi = require "ramus.base.ffi"
local models = require "ramus.lang.models"
local options = require "ramus.base.options"
local tensor = require "ramus.lang.tensor"
local C = ffi.C

local model_list = { presets = { "light", "published" } }

local LEAST_RUNS, MOST_RUNS = 3, 50

--- The median of the milliseconds of forward passes of x, as many as fit into so many seconds (at least 3), after one that is not timed.
local function time_of(net, x, seconds)
  local times, began = {}, nil
  for i = 0, MOST_RUNS do
    local start = C.ra_clock()
    net:forward(x, { outputs = { "out" } })
    local now = C.ra_clock()
    if i == 0 then began = now else times[i] = 1e3 * (now - start) end
    if i >= LEAST_RUNS and now - began > seconds then break end
  end
  table.sort(times)
  return times[math.ceil(#times / 2)], #times
end

--- One architecture with a preset: { name, preset, options, parameters, at = { { size, gflop, mb, ms, runs }, .. } }, for one picture of
-- `channels` (1) channels of size x size. mb: of values between the layers and of parameters. given: sizes, seconds (of timing a size; 0:
-- none is timed), channels. nil where the architecture has no such preset.
function model_list.measure(name, preset, given)
  local found = models.find(name)
  if not found.presets[preset] then return nil end
  local net = models[name] { preset = preset, channels = given.channels }
  local row = { name = name, preset = preset, options = found.presets[preset].options, parameters = net:count(), at = {} }
  for i, size in ipairs(given.sizes) do
    local cost = net:cost(size, size)
    local at = { size = size, gflop = cost.flops / 1e9, mb = (cost.bytes + ffi.sizeof "ra_real" * row.parameters) / 1e6 }
    if given.seconds > 0 then at.ms, at.runs = time_of(net, tensor.rand(1, net.template.channels, size, size), given.seconds) end
    row.at[i] = at
  end
  return row
end

--- The names of architectures that are asked for, or all; nil and a message where one is unknown.
function model_list.names(asked)
  local known = models.names()
  for _, name in ipairs(asked) do
    if not models.find(name) then return nil, options.unknown("model", name, known) end
  end
  return #asked > 0 and asked or known
end

--- The heading of a table, two lines.
function model_list.heading(sizes, timed)
  local first, second = ("%-16s %-10s %12s"):format("", "", ""), ("%-16s %-10s %12s"):format("model", "preset", "parameters")
  for _, size in ipairs(sizes) do
    first = first .. ("  %" .. (timed and 28 or 17) .. "s"):format(("%dx%d"):format(size, size))
    second = second .. ("  %8s %8s"):format("GFLOP", "MB") .. (timed and (" %10s"):format "ms" or "")
  end
  return first .. "\n" .. second
end

--- A row as a line under the heading.
function model_list.line(row)
  local text = ("%-16s %-10s %12s"):format(row.name, row.preset, require("ramus.cli.help_text").thousands(row.parameters))
  for _, at in ipairs(row.at) do
    text = text .. ("  %8.2f %8.1f"):format(at.gflop, at.mb) .. (at.ms and (" %10.1f"):format(at.ms) or "")
  end
  return text
end

return model_list
