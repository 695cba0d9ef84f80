--- Who takes part: how each is installed and started. Every start is a process of its own that prints one JSON object.
local files = require "ramus.base.files"
local json = require "cjson"
local C = require("ramus.base.ffi").C

local contenders = {}

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local root = here .. "/../.."
local work = root .. "/build/bench"
local runtime = dofile(root .. "/tests/onnx/runtime.lua")
local python = os.getenv "PYTHON" or "/usr/bin/python3"

-- PyTorch's memory is given back and taken anew in every step unless malloc is told to keep it
local KEEP_MEMORY = "MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=40000000000 MALLOC_TOP_PAD_=1000000000 "
local THREADS = 2

local function output(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function decoded(command)
  local text = output(command)
  local ok, value = pcall(json.decode, text:match("[%[{].*$") or "")
  if not ok then return nil, ("this failed: %s\n%s"):format(command, text) end
  return value[1] or value
end

--- Installs what is missing. Returns { torch = version or false, onnx = version or false } and reasons for what is skipped.
function contenders.prepare(wanted)
  local have, why = {}, {}
  assert(files.make_folder(work))
  if wanted.torch or wanted.onnx then
    os.execute(root .. "/.ci/setup bench")
    have.torch = output(python .. " -c 'import torch; print(torch.__version__)'"):match("[%d%.]+") or false
    if not have.torch then why[#why + 1] = "PyTorch: skipped (no python3-torch)" end
  end
  if wanted.onnx then
    if not files.is_folder(runtime.modules(root) .. "/onnxruntime-node") then runtime.install(root) end
    have.onnx = runtime.version(root) or false
    if not have.onnx then why[#why + 1] = "ONNX Runtime: skipped (no onnxruntime-node)"
    elseif not have.torch then have.onnx, why[#why + 1] = false, "ONNX Runtime: skipped (its model is exported with PyTorch)" end
  end
  return have, why
end

local function arguments(row, steps) return ("%s %s %d %d %d"):format(row.case, row.model or row.width, row.size, row.batch, steps) end

--- Ours: { ms, memory_mb, ... } of `ramus bench`.
function contenders.ramus(row, steps)
  return decoded(("env RAMUS_THREADS=%d %s %s/build/ramus bench %s %s --size %d --batch %d --steps %d --json"):format(THREADS,
    row.env or "", root, row.case, row.model and "--model " .. row.model or "--width " .. row.width, row.size, row.batch, steps))
end

--- PyTorch as installed: its own choice of malloc, threads and layout. A step may take ten times as long as at its best.
function contenders.torch_installed(row, steps)
  return decoded(("env %s %s %s/peer_torch.py %s nchw 0"):format(row.peer_env or "", python, here, arguments(row, steps)))
end

--- PyTorch with memory that is kept, and a layout.
function contenders.torch_kept(row, steps, layout)
  return decoded(("env %s%s %s %s/peer_torch.py %s %s %d"):format(KEEP_MEMORY, row.peer_env or "", python, here, arguments(row, steps), layout, THREADS))
end

function contenders.onnx(row, steps)
  local model = ("%s/unet%d.onnx"):format(work, row.width)
  if not files.is_file(model) then
    output(("%s %s/export_onnx.py %d %s"):format(python, here, row.width, model))
    if not files.is_file(model) then return nil, "torch.onnx.export wrote no " .. model end
  end
  return decoded(("NODE_PATH=%s/node/node_modules node %s/peer_onnx.js %s %d %d %d %d"):format(work, here, model, row.size, row.batch, steps,
    THREADS))
end

-- ---- whole commands of ours -------------------------------------------------------

local ramus = root .. "/build/ramus"

--- Milliseconds that a shell command takes, the mean of `count` in a row.
local function milliseconds(command, count)
  local began = C.ra_clock()
  if os.execute(("i=0; while [ $i -lt %d ]; do %s >/dev/null || exit 1; i=$((i+1)); done"):format(count, command)) ~= 0 then
    return nil, "this failed: " .. command
  end
  return 1e3 * (C.ra_clock() - began) / count
end

--- ramus -e 'print(1)', from start to exit.
function contenders.start() return milliseconds(ramus .. " -e 'print(1)'", 20) end

--- A 512x512 PNG to its mask, with a model of width 16.
function contenders.predict()
  local model, picture = work .. "/width16.safetensors", work .. "/picture.png"
  if not files.is_file(model) or not files.is_file(picture) then
    local ra = require "ramus"
    assert(ra.models.unet { depth = 5, width = 16 }:save(model))
    local angiogram, mask = ra.zeros(512, 512), ra.zeros(512, 512)
    assert(C.ra_phantom(angiogram, mask, 1, 1) == 0)
    assert(ra.image.save(picture, angiogram))
  end
  return milliseconds(("env RAMUS_THREADS=%d %s predict %s %s -o %s/predicted"):format(THREADS, ramus, model, picture, work), 5)
end

--- Percent of an epoch of a real training that is neither the step nor validation: data, Lua, logging, saving.
function contenders.overhead()
  local run = work .. "/training"
  output("rm -rf " .. run)
  local command = ("env RAMUS_THREADS=%d RAMUS_DATA=%s/data %s run %s/train.lua %s/recipe.lua %s"):format(THREADS, work, ramus, here, here, run)
  local said = output(command)
  local whole, work_done = 0, 0
  for line in (files.read(run .. "/timing.jsonl") or ""):gmatch("[^\n]+") do
    local e = json.decode(line)
    if e.epoch > 0 then whole, work_done = whole + e.seconds, work_done + e.plan + e.optimizer + e.validation end
  end
  if whole == 0 then return nil, ("this failed: %s\n%s"):format(command, said) end
  return 100 * (1 - work_done / whole)
end

return contenders
