--- A program in C with libramus.so alone: the page docs/how-to/from-c.md, compiled and run against an installed tree.
local check = require "check"
local files = require "ramus.base.files"
local ffi = require "ramus.base.ffi"
local ra = require "ramus"
local F, nn = ra.F, ra.nn
local processes = require "processes"
local sh = processes.sh

local folder = check.folder "from_c"
local image = check.root .. "/tests/fixtures/format1/image.png"
local binary = processes.executable(check.root)
local variant = binary:match("build/(%w+)/ramus$") or "release"
local program = folder .. "/segment"

local function must(command)
  local text, status = sh(command)
  check.equal(status, 0, command .. "\n" .. text)
  return text
end

--- A run whose images are resized and prepared, and whose network reads three channels; the masks are not empty.
local run = folder .. "/run"
local function make_run()
  assert(ra.train({
    name = "c", data = { set = "phantom", options = { train = 8, val = 1, test = 1, size = 64 }, size = 48, batch = 2, preprocess = { clahe = true } },
    model = ra.model(function(x)
      local a = F.relu(nn.batch_norm { 4 } (nn.conv2d { 3, 4, k = 3, pad = 1, bias = false } (x)))
      return { out = nn.conv2d { 4, 1, k = 1 } (nn.dropout { p = 0.1 } (a)), side = nn.conv2d { 4, 1, k = 1 } (a) }
    end, { channels = 3 }),
    supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 0.05, ema = 0.5 }, epochs = 12,
    validate = { threshold = 0.3 },
  }, { run = run, quiet = true, data_root = folder .. "/data", evaluate = false }))
end

check.case("from C: the page's program gives the mask of ramus predict, pixel for pixel", function()
  local _, no_compiler = sh "command -v cc && command -v pkg-config && command -v make"
  if no_compiler ~= 0 then check.skip "no compiler, make or pkg-config" end
  local page = assert(files.read(check.root .. "/docs/how-to/from-c.md"))
  assert(files.write(program .. ".c", assert(page:match("```c\n(.-)```"))))
  must(("make -s -C %s install-lib VARIANT=%s PREFIX=%s/installed"):format(check.root, variant, folder))
  local flags = variant == "asan" and "-fsanitize=address,undefined" or ""
  must(("PKG_CONFIG_PATH=%s/installed/lib/pkgconfig; export PKG_CONFIG_PATH; cc -std=c11 -Wall -Wextra -Werror %s %s.c $(pkg-config --cflags --libs ramus) "
    .. "-Wl,-rpath,%s/installed/lib -o %s"):format(folder, flags, program, folder, program))
  make_run()
  must(("%s predict %s %s -o %s/out"):format(binary, run, image, folder))
  local text = must(("%s %s %s %s/mask.png"):format(program, run, image, folder))
  local function pixels(path) -- predict's file bears a mark
    local t = assert(ra.image.load(path))
    return ffi.string(ffi.data(t), 4 * t.size)
  end
  check.ok(not text:find("^0.00 %%") and text:find("64x64", 1, true), "the mask is of no use: " .. text)
  check.ok(pixels(folder .. "/mask.png") == pixels(folder .. "/out/image_mask.png"), "the masks differ")
end)

check.case("from C: wrong use is a message and a status, nothing else", function()
  if not files.is_file(program) then check.skip "the program was not built" end
  for arguments, part in pairs { ["/nowhere " .. image] = "/nowhere", [run .. " /nowhere.png"] = "/nowhere.png", [image .. " " .. image] = "image.png",
    [check.root .. "/tests/fixtures/format1 " .. image] = "format 1" } do
    local text, status = sh(("%s %s %s/none.png"):format(program, arguments, folder))
    check.equal(status, 1, text)
    check.ok(text:find(part, 1, true), ("wanted '%s' in: %s"):format(part, text))
  end
  check.equal(select(2, sh(program)), 2)
end)
