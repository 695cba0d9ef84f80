--- Images that no model takes whole are found before the first step of a training.
local check = require "check"
local files = require "ramus.base.files"
local ra = require "ramus"

local folder = check.folder "large"

--- A folder with small images, and one large one in `part`.
local function make(part)
  local where = ("%s/%s"):format(folder, part)
  local function put(split, name, side)
    for _, kind in ipairs { "images", "masks" } do
      local path = ("%s/%s/%s/%s.pgm"):format(where, split, kind, name)
      assert(files.make_folder((files.split(path))))
      local file = assert(io.open(path, "wb"))
      file:write(("P5 %d %d 255\n"):format(side, side), ("\255"):rep(kind == "masks" and side or 1), ("\0"):rep(side * side - (kind == "masks" and side or 1)))
      file:close()
    end
  end
  for _, split in ipairs { "train", "val", "test" } do
    for k = 1, 2 do put(split, split .. k, 32) end
  end
  put(part, "large", 4100)
  return where
end

local function train(set, more)
  local r = { name = "large", data = { set = set, batch = 2, augment = { crop = 32 } }, model = ra.models.unet { depth = 2, width = 2 },
    supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 }
  for k, v in pairs(more or {}) do r.data[k] = v end
  return ra.train(r, { run = folder .. "/run" .. set:match "%w+$" .. (more and "2" or ""), quiet = true })
end

check.case("training: a test image above 2^24 pixels is named at the start, and not scored; a validation image stops it", function()
  local result = assert(train(make "test"))
  check.equal(result.evaluation, nil)
  local log = files.read(result.run .. "/log.txt")
  check.ok(log:find("large.pgm: the image has 4100x4100 pixels", 1, true) and log:find("--tile 512", 1, true), log)
  check.ok(log:find("not scored at the end", 1, true) < log:find("epoch   0", 1, true), log)
  check.fails("or take none with data.val = false", train, make "val")
  check.ok(assert(train(folder .. "/val", { val = false })).evaluation)
end)
