--- What a prediction costs: every architecture's light preset on one picture of 512x512, with one and with two threads.
--
--   ramus run docs/results/cost.lua            writes cost.md and cost.json beside this file; about 10 minutes
--   ramus run docs/results/pareto.lua          then draws Dice against latency
--   ramus run docs/results/cost.lua NAME THREADS    one net in a process of its own: a line of JSON
--
-- Latency: from the picture as a tensor to its probabilities, median and 95th percentile of RUNS after WARM_UP, each net in a process of its own.
-- First mask: `ramus predict` of a PNG as a whole process, start-up, decoding, plan and the three written pictures, median of STARTS. CPU
-- seconds: of all threads, for one prediction. Peak memory: of the process that predicts.
local ra = require "ramus"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local models = require "ramus.lang.models"
local process = require "ramus.base.process"
local C = ffi.C

local SIZE, RUNS, WARM_UP, STARTS, CINE = 512, 40, 2, 3, 15
local here = arg[0]:match "^(.*)/[^/]*$" or "."

local function median(list, share)
  table.sort(list)
  return list[math.max(1, math.ceil(#list * (share or 0.5)))]
end

-- ---- one net ----------------------------------------------------------------------------

local function measure_one(name)
  local net, x = models[name] { preset = "light" }, ra.rand(1, 1, SIZE, SIZE)
  local times, cpu = {}, nil
  for i = 1, RUNS + WARM_UP do
    if i == WARM_UP + 1 then cpu = os.clock() end
    local began = C.ra_clock()
    net:forward(x, { outputs = { "out" } })
    if i > WARM_UP then times[#times + 1] = 1e3 * (C.ra_clock() - began) end
  end
  cpu = (os.clock() - cpu) / RUNS
  return { ms = median(times), ms95 = median(times, 0.95), cpu_seconds = cpu, peak_mb = process.peak_memory(), parameters = net:count(),
    gflop = net:cost(SIZE, SIZE).flops / 1e9 }
end

if arg[1] then
  io.write(json.encode(measure_one(arg[1]), 8), "\n")
  return
end

-- ---- all of them --------------------------------------------------------------------------

local program, scratch = assert(process.executable()), os.tmpname()
os.remove(scratch)
assert(files.make_folder(scratch))

--- Runs this program with arguments; what it printed, and the seconds it took.
local function run(threads, words)
  local began, out = C.ra_clock(), scratch .. "/out.txt"
  os.remove(out)
  local command = { program }
  for _, word in ipairs(words) do command[#command + 1] = word end
  local child = assert(process.start(command, { output = out, environment = { RAMUS_THREADS = tostring(threads) } }))
  local status
  repeat
    C.ra_sleep(0.002)
    status = child:ended()
  until status
  local seconds, text = C.ra_clock() - began, files.read(out) or ""
  if status ~= 0 then error(text, 0) end
  return text, seconds
end

assert(ra.image.save(scratch .. "/x.png", ra.rand(SIZE, SIZE)))

local function first_mask(name, threads)
  local path, times = ("%s/%s.safetensors"):format(scratch, name), {}
  assert(models[name] { preset = "light" }:save(path))
  for i = 1, STARTS do times[i] = select(2, run(threads, { "predict", path, scratch .. "/x.png", "-o", scratch .. "/masks" })) end
  return 1e3 * median(times)
end

local rows = {}
for _, name in ipairs(models.names()) do
  for threads = 1, 2 do
    local row = require("cjson").decode((run(threads, { "run", arg[0], name })))
    row.name, row.threads, row.first_mask_ms = name, threads, first_mask(name, threads)
    rows[#rows + 1] = row
    print(("%-16s %d thread%s  %8.1f ms"):format(name, threads, threads == 1 and " " or "s", row.ms))
    io.flush()
  end
end

-- ---- what is written ------------------------------------------------------------------------

local lines = { "| net | parameters | GFLOP | threads | ms | 95 % | pictures/s | x cine | first mask ms | CPU s | peak MB |",
  "|---|---|---|---|---|---|---|---|---|---|---|" }
for _, r in ipairs(rows) do
  lines[#lines + 1] = ("| %s | %d | %.1f | %d | %.1f | %.1f | %.1f | %.2f | %.0f | %.3f | %.0f |"):format(r.name, r.parameters, r.gflop, r.threads, r.ms,
    r.ms95, 1e3 / r.ms, 1e3 / r.ms / CINE, r.first_mask_ms, r.cpu_seconds, r.peak_mb)
end
local build = require "ramus.train.checkpoint".build()
local MARK = "<!-- ramus run docs/results/cost.lua: from here -->\n" -- what stands before it is written by hand, and kept
local before = files.read(here .. "/cost.md") or ""
local at = before:find(MARK, 1, true)
local page = (at and before:sub(1, at - 1) or "# What a prediction costs\n\n") .. MARK .. ([[

Every architecture's light preset on one picture of %dx%d, grey, random weights (which change no time). Remade by
`ramus run docs/results/cost.lua`; what each column is stands in the head of that file. "x cine" is the number of pictures a second over the
%d of a cine run: above 1 a film is segmented as fast as it was taken.

%s

Made by Ramus %s, commit %s, %s kernels, on %s.
]]):format(SIZE, SIZE, CINE, table.concat(lines, "\n"), build.version, tostring(build.commit), ffi.string(C.ra_isa()), process.processor())
assert(files.write(here .. "/cost.md", page))
assert(files.write(here .. "/cost.json", json.encode({ size = SIZE, rows = rows, processor = process.processor() }, 8) .. "\n"))
os.execute(("rm -rf '%s'"):format(scratch))
