--- make bench: the training step of Ramus against PyTorch at its best, in turn, in one run.
--   ramus run tests/bench/step.lua [ROUNDS]        (7)
-- PyTorch: 2 threads, malloc tuned to keep its memory, the better of NCHW and channels_last.
-- Every round starts each contender anew; the figure is the median over rounds of a process' median step.
local rounds = tonumber(arg[1] or 7)
local here = arg[0]:match("^(.*)/[^/]*$") or "."
local ramus = here .. "/../../build/ramus"
local python = os.getenv("PYTHON") or "/usr/bin/python3"
local TUNED = "MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=40000000000 MALLOC_TOP_PAD_=1000000000 "

local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read("*a")
  pipe:close()
  return tonumber(text:match("^%s*([%d%.]+)"))
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local have_torch = os.execute(python .. " -c 'import torch' 2>/dev/null") == 0
if not have_torch then
  os.execute("DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-torch >/dev/null 2>&1")
  have_torch = os.execute(python .. " -c 'import torch' 2>/dev/null") == 0
end
if not have_torch then print("PyTorch: skipped (no python3-torch)") end

print(("%-28s %10s %14s %14s %8s"):format("step, 4x256x256, depth 5", "Ramus ms", "PyTorch NCHW", "channels_last", "ratio"))
for _, case in ipairs { { "unet", 16 }, { "dsd", 16 } } do
  local shape = ("%s %d 256 4 5"):format(case[1], case[2])
  local ours, nchw, last = {}, {}, {}
  for _ = 1, rounds do
    ours[#ours + 1] = output(("RAMUS_THREADS=2 %s run %s/step_ramus.lua %s"):format(ramus, here, shape))
    if have_torch then
      nchw[#nchw + 1] = output(("%s %s %s/step.py %s nchw"):format(TUNED, python, here, shape))
      last[#last + 1] = output(("%s %s %s/step.py %s channels_last"):format(TUNED, python, here, shape))
    end
  end
  local a, b, c = median(ours), have_torch and median(nchw), have_torch and median(last)
  print(("%-28s %10.1f %14s %14s %8s"):format(("%s, width %d"):format(case[1], case[2]), a, b and ("%.1f"):format(b) or "-",
    c and ("%.1f"):format(c) or "-", b and ("%.2f"):format(a / math.min(b, c)) or "-"))
end
