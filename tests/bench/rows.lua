--- What make bench measures, against whom, and what it is held to.
--
-- text     as the table shows it                 case, width or model, size, batch   as of ramus bench
-- peers    "torch" (as installed and at its best), "onnx"; or the id of a row whose peers are compared with
-- peer_env for PyTorch's process
-- env      for our process                       ours   id of a row of ours that this one is compared with
-- steps    that our process times where it is not the usual number
-- must     ratio of our time to a peer's that is a promise; aim: what we would like
local rows = {}

local function add(row)
  row.id = ("%s-%s-%dx%d"):format(row.prefix or row.case, row.model or row.width, row.batch, row.size)
  row.text = ("%s, %s, %dx%dx%d"):format(row.text, row.model or "width " .. row.width, row.batch, row.size, row.size)
  rows[#rows + 1] = row
end

for _, s in ipairs { { 16, 256, 4, 0.25, 0.20 }, { 32, 256, 4, 0.25, 0.20 }, { 64, 512, 1, 0.26, 0.22 } } do
  add { text = "training step", case = "train", width = s[1], size = s[2], batch = s[3], peers = { "torch" },
    must = { torch = s[4] }, aim = { torch = s[5] } }
end
for _, s in ipairs { { 16, 0.21, 0.18 }, { 32, 0.20, 0.16 } } do
  add { text = "self-distillation step", case = "dsd", width = s[1], size = 256, batch = 4, peers = { "torch" },
    must = { torch = s[2] }, aim = { torch = s[3] } }
end
for _, width in ipairs { 32, 64 } do
  for _, size in ipairs { 256, 512 } do
    for _, batch in ipairs { 1, 4 } do
      add { text = "inference", case = "infer", width = width, size = size, batch = batch, peers = { "torch", "onnx" },
        must = { torch = 0.45, onnx = width == 64 and 0.60 or size * batch == 256 and 0.40 or 0.38 }, aim = { onnx = width == 64 and 0.40 or 0.33 } }
    end
  end
end
for _, width in ipairs { 16, 32 } do
  add { text = "training step with AVX2 kernels", prefix = "avx2", case = "train", width = width, size = 256, batch = 4, env = "RAMUS_ISA=avx2",
    peers = ("train-%d-4x256"):format(width), must = { torch = 1.0 }, aim = { torch = 0.6 } }
end
-- what a processor without AVX2 has: SSE2 here, and in PyTorch and its oneDNN the same at most (OpenBLAS chooses its core itself)
add { text = "training step with generic kernels", prefix = "generic", case = "train", width = 16, size = 256, batch = 4, env = "RAMUS_ISA=generic",
  peers = { "torch" }, peer_env = "ATEN_CPU_CAPABILITY=default DNNL_MAX_CPU_ISA=SSE41", must = { torch = 1.5 }, aim = { torch = 0.5 } }
add { text = "training step on one thread", prefix = "one", case = "train", width = 32, size = 256, batch = 4, env = "RAMUS_THREADS=1",
  ours = "train-32-4x256" }
add { text = "inference on one thread", prefix = "one-infer", case = "infer", width = 32, size = 256, batch = 4, env = "RAMUS_THREADS=1",
  ours = "infer-32-4x256" }

-- the slope of log time over log pixels and over log batch; as many pixels for each, so that the small ones are no noise
local function slope_steps(size, batch) return math.max(7, math.floor(60 * 128 * 128 * 4 / (size * size * batch))) end
for _, size in ipairs { 128, 192, 384, 512 } do
  add { text = "training step", case = "train", width = 16, size = size, batch = 4, slope = "pixels", steps = slope_steps(size, 4) }
end
for _, batch in ipairs { 1, 2, 8 } do
  add { text = "training step", case = "train", width = 16, size = 256, batch = batch, slope = "batch", steps = slope_steps(256, batch) }
end

-- every architecture in its light preset: convolutions against PyTorch's, and nets with attention
local TOKENS = { segformer = true, swin_unet = true, transunet = true }
for _, name in ipairs(require("ramus.lang.models").names()) do
  if name ~= "unet" then
    add { text = "training step", prefix = "net", case = "train", model = name, size = 256, batch = 4, peers = { "torch" },
      must = { torch = TOKENS[name] and 1.0 or 0.5 } }
  end
end

return rows
