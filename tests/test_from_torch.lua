--- Weights of PyTorch's: a state dict as safetensors into our models by a table of names, and back. Names, shapes and numbers are those of
-- tests/reference/torch_unets.py; where python3-torch is there (make test-all), full nets are carried over both ways and compared.
local check = require "check"
local cjson = require "cjson"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local filled = require "filled"
local processes = require "processes"
local ra = require "ramus"
local safetensors = require "ramus.lang.safetensors"
local torch_names = require "ramus.lang.torch_names"

local folder = check.folder "from_torch"
local reference = cjson.decode(assert(files.read(check.root .. "/tests/reference/torch_unets.json")))
local python = os.getenv "PYTHON" or "/usr/bin/python3"

local NETS = {
  smp = { names = "smp_unet_resnet34", make = function(width) return ra.models.resnet34_unet { width = width, channels = 3 } end },
  milesial = { names = "milesial_unet", make = function(width) return ra.models.unet { width = width, channels = 3, classes = 2 } end },
}

--- A state dict with every key of a net, an eighth as wide, filled by name as the reference was.
local function narrow(kind, path)
  local arrays, net, list = {}, NETS[kind].make(8), torch_names.known[NETS[kind].names]
  for _, p in ipairs(net.entries) do
    local theirs, t = torch_names.theirs(list, p.name), ra.zeros(unpack(p.shape))
    filled.parameter({ data = ffi.data(t), size = t.size }, (theirs:gsub("running_var$", "var")), p.shape)
    arrays[theirs] = t
  end
  assert(safetensors.save(path, arrays))
  return net
end

for kind, row in pairs(NETS) do
  check.case(("from torch: %s has every published name with its shape, and no other"):format(kind), function()
    local list, left = torch_names.known[row.names], {}
    for name, shape in pairs(reference[kind].keys) do if not torch_names.ignored(list, name) then left[name] = table.concat(shape, ",") end end
    for _, p in ipairs(row.make(64).entries) do
      local theirs = torch_names.theirs(list, p.name)
      check.equal(left[theirs], table.concat(p.shape, ","), p.name .. " as " .. theirs)
      left[theirs] = nil
    end
    check.equal(next(left), nil, "a published name without a place")
  end)

  check.case(("from torch: %s gives PyTorch's logits"):format(kind), function()
    local path = ("%s/%s.safetensors"):format(folder, kind)
    local net = narrow(kind, path)
    check.equal(ra.load_model(path, { into = net, names = row.names }), net)
    local x = ra.zeros(1, 3, 64, 64)
    filled.image({ data = ffi.data(x), size = x.size })
    local y = net:forward(x, { exact = true }).out
    local distance = filled.distance(ffi.data(y), y.size, setmetatable({}, { __index = function(_, i) return reference[kind].measured[i] end }))
    check.ok(distance < 1e-5, ("differs by %.3g"):format(distance))
    local again = folder .. "/again.safetensors"
    assert(ra.save_weights(net, again, { names = row.names }))
    check.equal(assert(safetensors.load(again)).meta.format, "pt")
    local a, b = assert(safetensors.load(path)), assert(safetensors.load(again))
    check.equal(table.concat(a.names, " "), table.concat(b.names, " "))
    for _, name in ipairs(a.names) do check.ok(a:bytes(name) == b:bytes(name), name) end
  end)

  check.case(("from torch: the full %s, carried over both ways, as PyTorch computes it"):format(kind), function()
    if not os.getenv "RAMUS_TEST_ALL" then check.skip "only with RAMUS_TEST_ALL: it holds 100 MB of weights" end
    if ffi.C.ra_real_size() ~= 4 then check.skip "the double build" end
    if select(2, processes.sh(python .. " -c 'import torch'")) ~= 0 then check.skip "no python3-torch" end
    local at = folder .. "/full_" .. kind
    local function torch(what, file, output)
      local text, status = processes.sh(("%s %s/tests/reference/torch_unets.py %s %s %s %s.x.npy %s"):format(python, check.root, what, kind, file, at, output))
      check.equal(status, 0, text)
    end
    torch("write", at .. ".safetensors", at .. ".y.npy")
    local net = assert(ra.load_model(at .. ".safetensors", { into = row.make(64), names = row.names }))
    local y, wanted, worst, top = net:forward(assert(ra.load(at .. ".x.npy")), { exact = true }).out:clone(), assert(ra.load(at .. ".y.npy")), 0, 1
    for i = 0, y.size - 1 do
      worst, top = math.max(worst, math.abs(ffi.data(y)[i] - ffi.data(wanted)[i])), math.max(top, math.abs(ffi.data(wanted)[i]))
    end
    check.ok(worst <= 1e-5 * top, ("differs by %.3g of %.3g"):format(worst, top))
    net:initialise(3) -- other weights, back to PyTorch
    assert(ra.save_weights(net, at .. ".back.safetensors", { names = row.names }))
    assert(ra.save(at .. ".z.npy", net:forward(assert(ra.load(at .. ".x.npy")), { exact = true }).out))
    torch("check", at .. ".back.safetensors", at .. ".z.npy")
    for _, ending in ipairs { "", ".back" } do os.remove(at .. ending .. ".safetensors") end
  end)
end

check.case("from torch: an encoder alone, in a recipe too; a grey net takes the sum over the colours", function()
  local path, list = folder .. "/resnet.safetensors", torch_names.known.torchvision_resnet34
  local arrays, donor = { ["fc.weight"] = ra.rand(3, 4) }, ra.models.resnet34_unet { width = 4, channels = 3, seed = 5 }
  for _, p in ipairs(donor.entries) do if not p.name:find "^decoder" and not p.name:find "^head" then
    arrays[torch_names.theirs(list, p.name)] = donor.values[p.name]
  end end
  assert(safetensors.save(path, arrays))
  local net = ra.models.resnet34_unet { width = 4 }
  local _, err = ra.load_model(path, { into = net, names = "torchvision_resnet34" })
  check.ok(err:find("decoder", 1, true), err)
  assert(ra.load_model(path, { into = net, names = "torchvision_resnet34", only = "^[cbl]" }))
  local a, b = net.values["conv1.weight"], donor.values["conv1.weight"]
  check.near(a:get(2, 1, 3, 4), b:get(2, 1, 3, 4) + b:get(2, 2, 3, 4) + b:get(2, 3, 3, 4), 1e-6)
  check.equal(net.values["layer2.0.bn1.var"]:get(1), 1)
  local said = assert(ra.train({ name = "begin", data = { set = "phantom", options = { train = 2, val = 1, test = 1, size = 32 }, batch = 2 },
    model = ra.models.resnet34_unet { width = 4, norm = "batch" }, supervise = { { at = "out", loss = ra.loss.dice {} } },
    init = { from = path, names = "torchvision_resnet34", only = "^[cbl]" }, epochs = 1, optim = ra.optim.adamw { lr = 1e-3 } },
    { run = folder .. "/run", quiet = true, evaluate = false }))
  check.ok(assert(files.read(said.run .. "/log.txt")):find "init   %d+ of %d+ arrays from")
end)

check.case("from torch: what is refused says what to do", function()
  local path = folder .. "/odd.safetensors"
  local net = ra.models.unet { depth = 2, width = 2 }
  assert(ra.save_weights(net, path, { names = {} }))
  local before = ffi.string(ffi.data(net.flat), 4 * net.flat.size)
  local function refused(part, given, at)
    local ok, err = ra.load_model(at or path, given)
    check.ok(not ok and err:find(part, 1, true), tostring(err))
  end
  refused("'encoder1.conv1.weight' is [2,1,3,3] there, 'encoder1.conv1.weight' [4,1,3,3] here", { into = ra.models.unet { depth = 2, width = 4 }, names = {} })
  assert(ra.save_weights(ra.models.unet { depth = 3, width = 2 }, folder .. "/deep.safetensors", { names = {} }))
  refused("the model has no place for 'decoder2.conv1.weight', ", { into = net, names = {} }, folder .. "/deep.safetensors")
  refused("milesial_unet", { into = net, names = "milesial" })
  refused("entry 1 must be { PATTERN, REPLACEMENT }", { into = net, names = { { "%" , "" } } })
  refused("into = MODEL", nil)
  check.raises("into wants a model", ra.load_model, path, { names = {} })
  check.equal(ffi.string(ffi.data(net.flat), 4 * net.flat.size), before, "nothing was half loaded")
  for _, head in ipairs { "PK\3\4" .. ("\0"):rep(22) .. "\16\0\0\0archive/data.pkl", "\128\2}q\0" } do
    assert(files.write(folder .. "/weights.pt", head .. ("\0"):rep(300)))
    refused("safetensors.torch.save_file(", { into = net, names = {} }, folder .. "/weights.pt")
    refused("safetensors.torch.save_file(", nil, folder .. "/weights.pt")
    check.fails("safetensors.torch.save_file(", ra.load, folder .. "/weights.pt")
    for _, words in ipairs { "show F", "predict F picture.png", "serve F", "export F out.onnx", "eval F --data phantom" } do
      local said, status = processes.sh(processes.executable(check.root) .. " " .. words:gsub("F", folder .. "/weights.pt"))
      check.ok(status == 1 and said:find("safetensors.torch.save_file(", 1, true), words .. ": " .. said)
    end
  end
end)
