--- Training by several processes that mpirun starts: the bits of one process, whatever the number; a process that is killed, late, cannot
-- write, or has other kernels.
local check = require "check"
local dataset = require "ramus.data.dataset"
local files = require "ramus.base.files"
local processes = require "processes"
local ra = require "ramus"
local sh = processes.sh

local folder = check.folder "group"
local binary = processes.executable(check.root)

local RECIPE = [[
local ra = require "ramus"
return { name = "shared", data = { set = "pairs", batch = 2, augment = { flip = true, rotate = 10 } },
  model = ra.models.unet { depth = 2, width = 4, sides = true, dropout = 0.1 }, teacher = { kind = "ema", decay = 0.9 },
  supervise = { { at = "out", loss = ra.loss.dice {} }, { at = "side*", loss = ra.loss.bce {}, weight = 0.5 },
    { at = "out", loss = ra.loss.soft_target { alpha = 0.3 }, against = "teacher.out", from = 1 } },
  optim = ra.optim.adamw { lr = 3e-2, clip = 1, accumulate = 4 }, early_stop = { patience = 3 }, epochs = 3, seed = 1,
  log = { pictures = 1, histograms = { every = 1 }, grad_params = { every = 1 } } }
]]

--- 13 images for training make 7 batches, the last of one image; in groups of 4 the last step has 3.
local function pictures()
  ra.seed(1)
  for i = 1, 16 do
    local part, mask = i <= 13 and "train" or i <= 15 and "val" or "test", ra.zeros(1, 32, 32)
    mask:narrow(2, 4 + i, 5):fill(1)
    assert(files.make_folder(("%s/pairs/%s"):format(folder, part)))
    assert(ra.image.save(("%s/pairs/%s/%02d.png"):format(folder, part, i), ra.rand(1, 32, 32) * 0.4 + mask * 0.6))
    assert(ra.image.save(("%s/pairs/%s/%02d_mask.png"):format(folder, part, i), mask))
  end
  assert(files.write(folder .. "/recipe.lua", RECIPE))
end

local ENVIRONMENT = "env RAMUS_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,vader,tcp "
  .. "OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_mpi_yield_when_idle=1 "

-- what Open MPI itself does not give back at its end is no leak of ours
local SANITIZED = os.getenv "RAMUS_SANITIZED" and ("ASAN_OPTIONS=%s:detect_leaks=0 "):format(os.getenv "ASAN_OPTIONS" or "") or ""

--- `mpirun` of some ranks, each a shell line in which PROGRAM is the program; a text is what all ranks run.
local function ranks(list, count)
  local parts = {}
  if type(list) == "string" then parts[1] = ("-n %d sh -c '%s'"):format(count, list)
  else for i, line in ipairs(list) do parts[i] = ("-n 1 sh -c '%s'"):format(line) end end
  local all = table.concat(parts, " : "):gsub("PROGRAM", binary)
  return ("cd %s && %s timeout 300 mpirun --oversubscribe --bind-to none %s"):format(folder, ENVIRONMENT .. SANITIZED, all)
end

local function train(run, more) return ("PROGRAM train recipe.lua --quiet --run %s %s"):format(run, more or "") end

local function one(run, more)
  local text, status = sh(("cd %s && %s %s"):format(folder, ENVIRONMENT, train(run, more):gsub("PROGRAM", binary)))
  check.equal(status, 0, text)
end

local function many(run, count, more)
  local text, status = sh(ranks(train(run, more), count))
  check.equal(status, 0, text)
  return text
end

--- The runs in two folders are the same to the byte, but for clock times and what was printed.
local function same(a, b)
  a, b = folder .. "/" .. a, folder .. "/" .. b
  for _, name in ipairs { "last.safetensors", "best.safetensors", "metrics.jsonl", "samples.json", "histograms.jsonl" } do
    check.equal(dataset.sha256_file(b .. "/" .. name), dataset.sha256_file(a .. "/" .. name), ("%s of %s"):format(name, b))
  end
end

local present = select(2, sh "mpirun --version") == 0
local function case(name, f)
  check.case(name, function()
    if not present then check.skip "there is no mpirun (Debian's openmpi-bin)" end
    f()
  end)
end

if present then pictures() end

case("2, 3 and 4 ranks train to the bytes of one process with accumulate = 4", function()
  one "alone"
  for count = 2, 4 do
    many("by" .. count, count)
    same("alone", "by" .. count)
  end
end)

case("a run begun on 4 ranks goes on with 2 and with 1, also from within a step, to the same bytes", function()
  -- interrupted by a signal to all, as a scheduler does at the end of its time, in the first epoch
  local text = sh(ranks(([[PROGRAM train recipe.lua --quiet --run part & p=$!; trap "kill -INT $p" INT TERM; while [ ! -f part/last.safetensors ]; do ]]
    .. [[kill -0 $p 2>/dev/null || break; sleep 0.05; done; kill -INT $p; wait $p; exit 0]]), 4))
  check.ok(files.is_file(folder .. "/part/last.safetensors"), text)
  sh(("cd %s && rm -rf part2 part1 && cp -r part part2 && cp -r part part1"):format(folder))
  many("part2", 2)
  same("alone", "part2")
  one "part1"
  same("alone", "part1")
  many("part", 3)
  same("alone", "part")
end)

--- A shell line that trains, and `then_do` as soon as the first checkpoint is there; its status is that of the training. p: its process.
local function watched(run, more, then_do)
  return ([[%s & p=$!; while [ ! -f %s/last.safetensors ]; do kill -0 $p 2>/dev/null || break; sleep 0.02; done; %s; wait $p]]):format(train(run, more),
    run, then_do)
end

local LONG = "--epochs 15 --set early_stop.patience=100"

case("a rank that is killed ends all, with a message; the run goes on to the bytes of an unbroken one", function()
  one("long", LONG)
  local rest = train("killed", LONG)
  local text, status = sh(ranks({ rest, watched("killed", LONG, "kill -9 $p"), rest, rest }))
  check.ok(status ~= 0, "exit status 0 though a rank was killed\n" .. text)
  check.ok(text:lower():find("exit", 1, true) and #text > 20, "a message: " .. text)
  check.ok(files.is_file(folder .. "/killed/last.safetensors"), text)
  check.equal(sh("pgrep -f '[t]rain recipe.lua --quiet --run killed' || true"), "", "processes that are left")
  many("killed", 4, LONG)
  same("long", "killed")
end)

case("a rank that starts late is waited for", function()
  local line = train "late"
  local text, status = sh(ranks { line, "sleep 2; exec " .. line })
  check.equal(status, 0, text)
  same("alone", "late")
end)

case("only rank 0 writes: a read-only disk on another rank is no matter, on rank 0 it ends all with a message", function()
  if select(2, sh "unshare -m true") ~= 0 then check.skip "unshare -m is not allowed" end
  local frozen = ('unshare -m sh -c "mount --bind %s %s && mount -o remount,ro,bind %s && %%s"'):format(folder, folder, folder)
  local function at(line) return frozen:format(("cd %s && %s"):format(folder, line)) end
  local text, status = sh(ranks { train "readonly", at(train "readonly") })
  check.equal(status, 0, text)
  same("alone", "readonly")
  text, status = sh(ranks { at(train "unwritten"), train "unwritten" })
  check.ok(status ~= 0 and text:find("rank 0 of 2: ", 1, true) and text:lower():find("read.only"), text)
end)

case("ranks that would give other bits, or have nothing to do, are refused", function()
  local text, status = sh(ranks { train "mixed", "RAMUS_ISA=generic " .. train "mixed" })
  local isa = sh(("%s -e 'print(require(\"ramus.base.ffi\").string(require(\"ramus.base.ffi\").C.ra_isa()))'"):format(binary)):gsub("%s", "")
  if isa ~= "generic" then
    check.ok(status ~= 0 and text:find(("the kernel set: rank 0 has %s, rank 1 has generic"):format(isa), 1, true), text)
    local _, said = text:gsub("ramus: rank", "")
    check.equal(said, 1, "said once: " .. text)
  end
  text, status = sh(ranks(train("toomany", "--set optim.accumulate=1"), 2))
  check.ok(status ~= 0 and text:find("--set optim.accumulate=2", 1, true), text)
  text, status = sh(ranks { train "other", train("other", "--set optim.lr=1e-3") })
  check.ok(status ~= 0 and text:find("the recipe", 1, true), text)
end)
