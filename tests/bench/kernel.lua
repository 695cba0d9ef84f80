--- Convolution kernels on the layers of a U-Net of depth 5: milliseconds and effective GFLOP/s (those of the direct
-- convolution) per layer and direction.
--   ramus run tests/bench/kernel.lua [width=16] [threads=2] [size=256] [batch=4] [algo=chosen] [isa=best] [rounds=10] [peer=none]
-- peer = onednn: the forward pass of the layers with stride 1 beside oneDNN's (Debian: libdnnl-dev; peer_onednn.cpp), in turn, the median of
-- TURNS turns of `rounds` rounds each. Ours reads and writes NCHW and transforms its weights in every call; oneDNN has its own layouts, and weights that are
-- transformed already.
local ffi = require "ramus.base.ffi"
local C = ffi.testing()
local width, threads = tonumber(arg[1]) or 16, tonumber(arg[2]) or 2
local size, batch, algo = tonumber(arg[3]) or 256, tonumber(arg[4]) or 4, arg[5] ~= "chosen" and arg[5] or nil
local isa = arg[6] ~= "best" and arg[6] or nil
local rounds = tonumber(arg[7]) or 10
local TURNS = 5
C.ra_threads_set(threads)

local KINDS = { "forward", "data gradient", "weight gradient" }
local layers = {}
local function put(name, CH, S, O, k, stride, count)
  layers[#layers + 1] = { name = name, CH = CH, S = S, O = O, k = k, s = stride or 1,
    pad = (stride or 1) == 1 and (k - 1) / 2 or 0, n = count or 1 }
end
for level = 1, 5 do
  local S, w = size / 2 ^ (level - 1), width * 2 ^ (level - 1)
  put("enc" .. level .. "a", level == 1 and 1 or w / 2, S, w, 3)
  put("conv" .. level, w, S, w, 3, 1, level == 5 and 1 or 2)
  if level < 5 then
    put("dec" .. level .. "a", 2 * w, S, w, 3)
    put("up" .. level .. " (mirrored)", w, S, 2 * w, 2, 2)
    put("side" .. level, w, S, 1, 3)
  end
end
put("head", width, size, 1, 1)

local biggest = batch * 2 * width * size * size
local blocks = {} -- keeps what fill gives alive

--- n numbers at a multiple of 64 bytes, as the arena has them.
local function fill(n)
  local block = ffi.new("float[?]", n + 16)
  blocks[#blocks + 1] = block
  local odd = tonumber(ffi.cast("uintptr_t", block) % 64) / 4
  local t = block + (odd > 0 and 16 - odd or 0)
  for i = 0, n - 1 do t[i] = (i * 7919 % 1013) / 1013 - 0.5 end
  return t
end
local x, y, w = fill(biggest), fill(biggest), fill(9 * (16 * width) ^ 2 * 4)
local seconds, total, flops = ffi.new("double[1]"), { 0, 0, 0 }, 0

local function shape_of(l) return ffi.new("ra_conv_shape", { batch, l.CH, l.S, l.S, l.O, l.k, l.k, l.s, l.s, l.pad, l.pad, 1, 1, 1 }) end
local function work_of(l) return 2 * batch * l.CH * l.O * l.k ^ 2 * (l.S / l.s) ^ 2 end

-- ---- beside oneDNN --------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

--- Builds the peer; its path, or nil where oneDNN is not there.
local function build_peer()
  local root = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/../.."
  local path = root .. "/build/bench/peer_onednn"
  local command = "mkdir -p '%s/build/bench' && c++ -O2 -o '%s' '%s/tests/bench/peer_onednn.cpp' -ldnnl 2>/dev/null"
  return os.execute(command:format(root, path, root)) == 0 and path or nil
end

--- Milliseconds of oneDNN's algorithms on a layer, each into a list of times[NAME].
local function peer_turn(peer, l, times)
  local pipe = io.popen(("OMP_NUM_THREADS=%d '%s' %d %d %d %d %d %d"):format(threads, peer, batch, l.CH, l.S, l.O, l.k, rounds))
  for line in pipe:lines() do
    local name, ms = line:match "^(%a+) ([%d.]+)"
    times[name] = times[name] or {}
    table.insert(times[name], tonumber(ms))
  end
  pipe:close()
end

local function beside_onednn()
  local peer = build_peer()
  if not peer then
    print "oneDNN: skipped (no libdnnl-dev, or no C++ compiler)"
    return
  end
  print(("%-18s %-22s %20s %20s %20s %8s"):format("layer", "shape", "ours", "oneDNN winograd", "oneDNN direct", "ratio"))
  for _, l in ipairs(layers) do
    local ours, theirs = {}, {}
    for _ = 1, l.s == 1 and TURNS or 0 do
      assert(C.ra_conv_run(isa, "forward", algo, shape_of(l), x, w, nil, y, false, rounds, seconds) == 0)
      ours[#ours + 1] = seconds[0] * 1e3
      peer_turn(peer, l, theirs)
    end
    if #ours > 0 then
      local function cell(list) return list and ("%8.3f ms %6.0f G/s"):format(median(list), work_of(l) / median(list) / 1e6) or "-" end
      local best = math.min(theirs.winograd and median(theirs.winograd) or math.huge, theirs.direct and median(theirs.direct) or math.huge)
      print(("%-18s %-22s %20s %20s %20s %8.2f"):format(l.name, ("%d>%d %dx%d @%d"):format(l.CH, l.O, l.k, l.k, l.S), cell(ours), cell(theirs.winograd),
        cell(theirs.direct), median(ours) / best))
    end
  end
end

if arg[8] == "onednn" then
  beside_onednn()
  os.exit(0, true)
end

-- ---- all directions -------------------------------------------------------------------------

print(("%-18s %-22s %-26s %-26s %-26s"):format("layer", "shape", "forward", "data gradient", "weight gradient"))
for _, l in ipairs(layers) do
  local shape, work = shape_of(l), work_of(l)
  local text = ("%-18s %-22s"):format(l.name, ("%d>%d %dx%d /%d @%d"):format(l.CH, l.O, l.k, l.k, l.s, l.S))
  for k, kind in ipairs(KINDS) do
    local a, b, out = x, w, y
    if k == 2 then a, b, out = y, w, x elseif k == 3 then a, b, out = x, y, w end
    local code = C.ra_conv_run(isa, kind, algo, shape, a, b, nil, out, false, rounds, seconds)
    local chosen = algo or ffi.string(C.ra_conv_chosen(isa, kind, shape))
    if code == 0 then
      total[k] = total[k] + seconds[0] * l.n
      text = text .. (" %7.3f ms %6.0f %-9s"):format(seconds[0] * 1e3, work / seconds[0] / 1e9, chosen)
    else
      text = text .. ("%-27s"):format(" -")
    end
  end
  flops = flops + work * l.n
  print(text)
end
print(("all, as often as the net has them: forward %.2f, data gradient %.2f, weight gradient %.2f ms; %.1f GFLOP each")
  :format(total[1] * 1e3, total[2] * 1e3, total[3] * 1e3, flops / 1e9))
os.exit(0, true)
