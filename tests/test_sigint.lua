--- SIGINT, as Ctrl-C sends it, to commands in processes of their own while they work: train, fetch, predict, a script, the prompt. What was done is
-- kept, the status is 130 (for a shell: 128 + 2), and the same command ends in the same bytes as one that nobody interrupted.
local check = require "check"
local C = require("ramus.base.ffi").C
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local process = require "ramus.base.process"
local ra = require "ramus"
local sh = require("processes").sh

local folder = files.absolute(check.folder "sigint")
local binary = files.absolute(require("processes").executable(check.root))
local SECONDS = 60

--- Starts `ramus WORDS`; its handle, and a function that waits for its end and gives status and output.
local function start(words, name)
  local out = ("%s/%s.txt"):format(folder, name)
  local list = { "env", "--default-signal=INT", binary } -- a job in the background of a script is started with SIGINT ignored
  for _, w in ipairs(words) do list[#list + 1] = w end
  local p = assert(process.start(list, { output = out, environment = { RAMUS_THREADS = "1", RAMUS_DATA = folder .. "/data" } }))
  return p, function()
    local till = C.ra_clock() + SECONDS
    while C.ra_clock() < till do
      local status = p:ended()
      if status then return status, files.read(out) end
      C.ra_sleep(0.01)
    end
    p:stop(true)
    return "no end", files.read(out)
  end
end

--- Waits until `ready()` holds, then sends SIGINT to the process whose words hold `mark`.
local function interrupt(p, mark, ready)
  local till = C.ra_clock() + SECONDS
  while not ready() do
    check.ok(not p:ended() and C.ra_clock() < till, mark .. ": it ended before it could be interrupted")
    C.ra_sleep(0.005)
  end
  local sent = 0
  for pid in sh(("grep -l -- '%s' /proc/[0-9]*/cmdline 2>/dev/null"):format(mark)):gmatch "/proc/(%d+)/" do
    local words = files.read(("/proc/%s/cmdline"):format(pid)) or ""
    if words:find("^[^%z]*ramus%z") then
      sh("kill -INT " .. pid)
      sent = sent + 1
    end
  end
  check.equal(sent, 1, "processes that got SIGINT")
end

assert(files.write(folder .. "/recipe.lua", [[
local ra = require "ramus"
return { name = "tiny", data = { set = "phantom", options = { size = 64, train = 6, val = 2, test = 2 }, batch = 2 }, epochs = 40, seed = 2,
  model = ra.models.unet { depth = 2, width = 4 }, supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-2, ema = 0.9 } }
]]))

check.case("SIGINT: train saves, ends with 130, and goes on to the same bits", function()
  local function words(name) return { "train", folder .. "/recipe.lua", "--run", folder .. "/" .. name } end
  local _, ended = start(words "whole", "whole_said")
  check.equal((ended()), 0)
  local p
  p, ended = start(words "broken", "broken_said")
  interrupt(p, folder .. "/broken", function() return #(files.read(folder .. "/broken/metrics.jsonl") or "") > 0 end)
  local status, said = ended()
  check.equal(status, 130, said)
  check.ok(said:find("interrupted", 1, true), said)
  check.ok(files.is_file(folder .. "/broken/last.safetensors") and not files.is_file(folder .. "/broken/eval.json"), "a checkpoint, and no scores yet")
  _, ended = start(words "broken", "again_said")
  check.equal((ended()), 0)
  for _, name in ipairs { "last.safetensors", "best.safetensors", "metrics.jsonl" } do
    check.ok(files.read(folder .. "/whole/" .. name) == files.read(folder .. "/broken/" .. name), name .. " differs")
  end
end)

check.case("SIGINT: predict leaves whole pictures only, and the same command writes the rest", function()
  assert(ra.models.unet({ depth = 3, width = 8, sides = true }):save(folder .. "/model.safetensors"))
  for i = 1, 30 do assert(ra.image.save(("%s/pictures/%02d.png"):format((files.make_folder(folder .. "/pictures") and folder), i), ra.rand(1, 160, 160))) end
  local function words(to) return { "predict", folder .. "/model.safetensors", folder .. "/pictures", "-o", folder .. "/" .. to } end
  local _, ended = start(words "masks", "masks_said")
  check.equal((ended()), 0)
  local whole = assert(files.list(folder .. "/masks"))
  local p
  p, ended = start(words "broken_masks", "broken_masks_said")
  interrupt(p, folder .. "/broken_masks", function() return #(files.list(folder .. "/broken_masks") or {}) > 2 end)
  local status, said = ended()
  check.equal(status, 130, said)
  local some = files.list(folder .. "/broken_masks", { hidden = true })
  check.ok(#some < #whole, "it had ended already")
  for _, name in ipairs(some) do
    local same = files.read(folder .. "/masks/" .. name) == files.read(folder .. "/broken_masks/" .. name)
    check.ok(same or name:find "%.part$" or not name:find "%.png$", name .. " is neither whole nor marked as a part")
  end
  _, ended = start(words "broken_masks", "rest_said")
  status, said = ended()
  check.equal(status, 0, said)
  check.equal(table.concat(files.list(folder .. "/broken_masks", { hidden = true }), " "), table.concat(files.list(folder .. "/masks", { hidden = true }), " "))
end)

check.case("SIGINT: fetch keeps its part, and the same command goes on from there", function()
  local served = folder .. "/served"
  assert(files.make_folder(served))
  local servers = require "servers"(folder, served)
  local noise = {}
  for i = 1, 200000 do noise[i] = string.char((i * 7919 + math.floor(i / 251) * 31) % 256) end
  assert(files.write(folder .. "/big.bin", table.concat(noise)))
  assert(files.write(folder .. "/1.pgm", "P2\n2 1\n255\n9 1\n") and files.write(folder .. "/1_gt.pgm", "P2\n2 1\n255\n0 255\n"))
  sh(("cd %s && tar cf served/toy.tar 1.pgm 1_gt.pgm big.bin"):format(folder))
  assert(files.write(folder .. "/toy.lua", ([[
local ra = require "ramus"
return { name = "toy", files = { { name = "toy.tar", urls = { %q }, sha256 = %q, unpack = true } },
  editions = { { name = "full", files = { { path = "1.pgm" }, { path = "1_gt.pgm" } } } },
  open = function(where) return ra.datasets.pair(where, { image = "^(%%d+)%%.pgm$", mask = "^(%%d+)_gt%%.pgm$" }) end }
]]):format(servers.bad() .. "/slow/toy.tar", dataset.sha256_file(served .. "/toy.tar"))))
  local words, part = { "fetch", folder .. "/toy.lua", "--data-root", folder .. "/root" }, folder .. "/root/downloads/toy/toy.tar.part"
  local p, ended = start(words, "fetch_said")
  interrupt(p, folder .. "/toy.lua", function() return (files.size(part) or 0) > 0 end)
  local status, said = ended()
  check.equal(status, 130, said)
  check.ok(files.size(part), "the part is gone")
  check.ok(not files.exists(folder .. "/root/toy"), "a set that is not whole")
  ended = select(2, start(words, "fetch_again_said"))
  status, said = ended()
  check.equal(status, 0, said)
  check.ok(files.is_file(folder .. "/root/toy/1.pgm") and not files.exists(part), said)
  servers.close()
end)

check.case("SIGINT: a script and -e end with 130 in the midst of Lua and of the core", function()
  for i, code in ipairs { "io.open('@', 'w'):close() while true do end", "io.open('@', 'w'):close() x = ra.rand(2000, 2000) "
    .. "while true do x = ra.F.exp(x) end" } do
    local flag = ("%s/flag_%d"):format(folder, i)
    local p, ended = start({ "-e", (code:gsub("@", flag)) }, "code_said_" .. i)
    interrupt(p, flag, function() return files.exists(flag) end)
    local status, said = ended()
    check.equal(status, 130, said)
    check.ok(not said:find("traceback", 1, true), said)
  end
end)
