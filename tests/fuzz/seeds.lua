--- Small inputs that libFuzzer begins with, beside the files of tests/reference: made-up files of the kinds that are not there.
local ra = require "ramus"
local files = require "ramus.base.files"
local processes = require "processes"
local safetensors = require "ramus.lang.safetensors"

local seeds = {}
local make = {}

function make.safetensors(folder)
  assert(ra.save(folder .. "/named.safetensors", { a = ra.rand(2, 3), b = ra.rand(4), ["c.weight"] = ra.rand(1, 2, 3) }, { note = "some text" }))
end

make.arrays = make.safetensors

--- Checkpoints of small models.
function make.checkpoint(folder)
  assert(ra.models.unet({ depth = 2, width = 2, sides = true }):save(folder .. "/batch.safetensors"))
  assert(ra.models.unet({ depth = 2, width = 2, norm = "group", classes = 3 }):save(folder .. "/group.safetensors"))
end

--- The templates in them.
function make.template(folder)
  make.checkpoint(folder)
  for _, name in ipairs { "batch", "group" } do
    local file = assert(safetensors.load(folder .. "/" .. name .. ".safetensors"))
    assert(files.write(folder .. "/" .. name .. ".json", file.meta["ramus.model"]))
    os.remove(folder .. "/" .. name .. ".safetensors")
  end
end

function make.archive(folder)
  local text, status = processes.sh(("cd %s && mkdir -p x/y && echo text > x/a && echo more > x/y/b && tar cf s.tar x && tar czf s.tgz x && "
    .. "gzip -k x/a && mv x/a.gz . && { ! command -v zip || zip -qr s.zip x; } && rm -r x"):format(folder))
  assert(status == 0, text)
end

function make.pnm(folder)
  for i, text in ipairs { "P1\n# plain\n3 2\n0 1 0\n1 0 1\n", "P2 2 2 300\n0 5 299 300\n", "P3 1 1 9\n1 2 3\n", "P4\n9 2\n\170\128\0\0",
    "P5 2 2 255\n\0\127\200\255", "P6 1 1 65535 \0\10\0\20\0\30" } do assert(files.write(folder .. "/" .. i, text)) end
end

--- Heads of responses; the first byte (even: nothing is there yet, odd: a part is) is no part of them.
function make.headers(folder)
  for i, text in ipairs { "0HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"tag\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
    "1HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100-999/1000\r\nETag: W/\"tag\"\r\n\r\n",
    "0HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nHTTP/2 503\r\nRetry-After: 30\r\nContent-Type: text/html\r\n\r\n",
    "0HTTP/1.1 200 OK\r\nContent-Length: 19e999\r\n\r\n", "0HTTP/1.1 200 OK\r\nContent-Length: 0x1fffffffffffffff\r\n\r\n" } do -- no digits alone
    assert(files.write(folder .. "/" .. i, text))
  end
end

function make.stranger(folder)
  for i, text in ipairs { "<!DOCTYPE html><html><head><title>Please log in</title></head>", "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "version https://git-lfs.github.com/spec/v1\noid sha256:0\n" } do assert(files.write(folder .. "/" .. i, text)) end
end

--- Makes the folder with the seeds of a reader; without any, if it has none of its own.
function seeds.write(name, folder)
  processes.sh(("rm -rf %s && mkdir -p %s"):format(folder, folder))
  if make[name] then make[name](folder) end
end

return seeds
