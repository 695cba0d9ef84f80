--- What a training finds out before its first step, though the first batches would not meet it.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local ra = require "ramus"

local folder = check.folder "before_training"
local binary = files.absolute(processes.executable(check.root))

--- Folders of pairs, { ["p1/"] = { count, height, width }, .. }.
local function made(name, parts)
  local k = 0
  for part, one in pairs(parts) do
    for _ = 1, one[1] do
      k = k + 1
      local mask, image = ra.zeros(one[2], one[3]), ra.rand(one[2], one[3])
      mask:narrow(1, 1 + k % 8, 3):fill(1)
      for kind, t in pairs { images = image, masks = mask } do
        assert(files.make_folder(("%s/%s/%s%s"):format(folder, name, part, kind)))
        assert(ra.image.save(("%s/%s/%s%s/%d.png"):format(folder, name, part, kind, k), t))
      end
    end
  end
end

assert(files.write(folder .. "/recipe.lua", [[
local ra = require "ramus"
return { name = "r", data = { set = "odd", batch = 4 }, model = ra.models.unet { depth = 2, width = 2 },
  supervise = { { at = "out", loss = ra.loss.dice() } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 2, seed = 1, log = { pictures = 0 } }
]]))

local function train(name, set)
  return processes.sh(("cd %s && env RAMUS_THREADS=1 RAMUS_DATA=%s/data XDG_CACHE_HOME=%s/cache %s train recipe.lua --run runs/%s %s"):format(folder, folder,
    folder, binary, name, set or ""))
end

made("odd", { ["train/"] = { 30, 32, 40 }, ["val/"] = { 2, 24, 24 }, ["train/z/"] = { 1, 32, 48 } })
made("patients", { ["p1/"] = { 5, 32, 32 }, ["p2/"] = { 5, 32, 32 }, ["p3/"] = { 5, 32, 32 } })

check.case("before training: one image of another size among many is named, unless something gives all one size", function()
  local text, status = train "a"
  check.equal(status, 2, text)
  check.ok(text:find("48x32: give data a size", 1, true) or text:find("is 48x32", 1, true), text)
  check.ok(not text:find("epoch   0", 1, true), text)
  for i, set in ipairs { "--set data.batch=1", "--set data.size=32", "--set data.augment.crop=16" } do
    text, status = train("b" .. i, set)
    check.equal(status, 0, set .. ": " .. text)
  end
end)

check.case("before training: a crop larger than all images is said", function()
  local text, status = train("c", "--set data.augment.crop=64 --set epochs=1")
  check.equal(status, 0, text)
  check.ok(text:find("augment.crop = 64 is larger than every image that is trained on", 1, true), text)
  text = train("d", "--set data.augment.crop=32 --set epochs=1")
  check.ok(not text:find("larger than every image", 1, true), text)
end)

check.case("before training: patients that a division at random tears are named, not those that stay on one side", function()
  local text, status = train("e", "--set data.set=patients")
  check.equal(status, 0, text)
  check.ok(text:find("images of one folder are on several sides of the split, which is at random (p", 1, true), text)
  text, status = train("f", "--set data.set=patients --set data.options.groups=folder")
  check.equal(status, 0, text)
  check.ok(not text:find("several sides", 1, true), text)
end)

check.case("before training: a rate below 0, a model without parameters, and one whose parameters all stand still are refused", function()
  local raw = { name = "r", data = { set = "phantom" }, model = ra.models.unet { depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.dice() } }, optim = ra.optim.adamw { lr = 1e-2 }, epochs = 5 }
  local recipe = require "ramus.train.recipe"
  local function with(more)
    local one = {}
    for k, v in pairs(raw) do one[k] = v end
    for k, v in pairs(more) do one[k] = v end
    return one
  end
  check.ok(recipe.resolve(raw))
  check.fails("gives -0.2 in epoch 3", recipe.resolve, with { optim = ra.optim.adamw { lr = 1, schedule = ra.ramp(1, -1) } })
  check.fails("has no parameters", recipe.resolve, with { model = ra.model(function(x) return { out = x } end) })
  check.fails("parameters still in every epoch", recipe.resolve, with { freeze = "." })
  for _, fine in ipairs { { freeze = { { at = ".", till = 1 } } }, { freeze = "^encoder" }, { optim = ra.optim.adamw { lr = 1, schedule = ra.ramp(1, 0) } },
    { optim = ra.optim.adamw { lr = 1, schedule = ra.follow("val.dice") } }, { optim = ra.optim.adamw { lr = 1, schedule = ra.warmup { n = 2 } } } } do
    check.ok(recipe.resolve(with(fine)))
  end
end)

check.case("before training: a model whose function returns a list says that outputs have names", function()
  check.raises("outputs have names, { out = .. }; the function returned the key 1", function()
    ra.model(function(x) return { ra.nn.conv2d { 1, 1, k = 1 }(x) } end)
  end)
end)
