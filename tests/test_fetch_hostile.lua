--- Downloads and archives that are broken or mean harm, as ramus fetch meets them: what is said, and that nothing half is left or pinned.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local C = ffi.C
local folder = check.folder("hostile")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)
local servers = require "servers" (folder, served)
local toys = require "toy_sets" (folder, served)
local bring = toys.bring

local function shell(command) return os.execute(command) == 0 end

local function put(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- Nothing of a fetch that failed is left in the data root but what was downloaded.
local function is_clean(root, name)
  for _, entry in ipairs(files.list(root, { hidden = true })) do
    check.ok(entry == "downloads/" or entry == "." .. name .. ".lock", "left behind: " .. entry)
  end
end

check.case("an archive that is cut anywhere is no archive", function()
  local place = folder .. "/cut"
  os.execute(("mkdir -p %s && cd %s && printf hello > a && printf world > b && printf '%%600s' x > c && tar cf ../x.tar a b c && "
    .. "tar czf ../x.tar.gz a b c && tar cJf ../x.tar.xz a b c && gzip -c c > ../c.gz"):format(place, place))
  local list = { "x.tar", "x.tar.gz", "x.tar.xz", "c.gz" }
  if shell(("cd %s && zip -q ../x.zip a b c 2>/dev/null"):format(place)) then list[#list + 1] = "x.zip" end
  for _, name in ipairs(list) do
    local all = assert(files.read(folder .. "/" .. name))
    local last = name == "x.tar" and 4095 or #all - 1 -- the rest of a tar is zeros, of which the first block suffices
    for size = 0, last, name == "x.tar" and 64 or 1 do
      local path = put(folder .. "/cut_" .. name, all:sub(1, size))
      check.ok(C.ra_archive_extract(path, folder .. "/out", 0) ~= 0, ("%s of %d bytes was accepted"):format(name, size))
      check.ok(not files.exists(folder .. "/out") and not files.exists(folder .. "/out.part"))
    end
    check.equal(C.ra_archive_extract(folder .. "/" .. name, folder .. "/out", 0), 0)
    assert(C.ra_path_remove(folder .. "/out") == 0)
  end
end)

check.case("broken content without a checksum: named, not kept, not pinned; the next address or try brings the set", function()
  local url = servers.bad()
  put(served .. "/cut.tar", files.read(toys.pack("t.tar", 10, "f")):sub(1, 512 + 2 * 1024)) -- two of four files, to the byte
  toys.pack("t.tar.gz", 10)
  for _, case in ipairs { { "short/t.tar.gz", "not a whole archive" }, { "plain/cut.tar", "it is cut short, its end is missing" },
    { "empty/t.tar.gz", "is empty" }, { "page/t.tar.gz", "a web page came ('Sign in'), not the file" } } do
    toys.define("t", { name = case[1]:match("[^/]*$"), urls = { url .. "/" .. case[1] } })
    local root = check.folder("hostile_t")
    check.fails(case[2], bring, "t", root)
    is_clean(root, "t")
    check.equal(#assert(files.list(root .. "/downloads/t")), 0, case[1])
    toys.define("t", { urls = { url .. "/unsized/t.tar.gz" } })
    assert(bring("t", root))
  end
  -- by hand
  toys.define("t", { urls = {} })
  for text, part in pairs { ["<html><title>No</title>"] = "a web page came ('No'), not the file", ["7z\xbc\xaf\x27\x1c  "] = "pass the folder with --from" } do
    check.fails(part, bring, "t", check.folder("hostile_t"), { from = put(folder .. "/t.zip", text) })
  end
end)

check.case("archives that mean harm, fetched: refused, nothing outside, the set that was there stays", function()
  if not shell("command -v /usr/bin/python3 >/dev/null") then check.skip("no python3") end
  local script = put(folder .. "/harm.py", [[
import gzip, io, sys, tarfile
out = sys.argv[1]
def tar(name, *members):
    with tarfile.open(out + '/' + name, 'w') as t:
        for path, kind, data in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname, info.size = kind, '/etc', len(data) if kind == tarfile.REGTYPE else 0
            t.addfile(info, io.BytesIO(data))
R, S, H, F = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE
tar('up.tar', ('1.pgm', R, b'x'), ('../../escaped', R, b'x'))
tar('root.tar', (out + '/escaped', R, b'x'))
tar('link.tar', ('d', S, b''), ('d/escaped', R, b'x'))
tar('hard.tar', ('1.pgm', H, b''))
tar('fifo.tar', ('1.pgm', F, b''))
for name, layers in (('ones.gz', 1), ('layers.gz', 2)):
    data = b'1' * 120000000
    for _ in range(layers): data = gzip.compress(data, 9)
    open(out + '/' + name, 'wb').write(data)
# a sparse file of the old GNU kind: 512 bytes behind a hole of 8 GB
h = bytearray(512)
def field(at, text): h[at:at + len(text)] = text
hole = 8 * 10 ** 9
field(0, b'1.pgm'); field(100, b'0000644\0'); field(108, b'0000000\0'); field(116, b'0000000\0'); field(124, b'00000001000\0')
field(136, b'00000000000\0'); field(156, b'S'); field(257, b'ustar  \0')
field(386, b'%011o\0' % hole); field(398, b'00000001000\0')
h[483:495] = b'\x80' + (hole + 512).to_bytes(11, 'big')
field(148, b' ' * 8); field(148, b'%06o\0 ' % sum(h))
open(out + '/sparse.tar', 'wb').write(bytes(h) + b'1' * 512 + bytes(1024))
]])
  check.equal(os.execute(("/usr/bin/python3 %s %s"):format(script, served)), 0)
  local root, good = check.folder("hostile_h"), toys.pack("h.tar.gz", 10)
  toys.define("h", { urls = { "file://" .. good } })
  assert(bring("h", root))
  for name, part in pairs { ["up.tar"] = "leaves the folder by '..'", ["root.tar"] = "absolute path", ["link.tar"] = "link or a device",
    ["hard.tar"] = "link or a device", ["fifo.tar"] = "link or a device", ["ones.gz"] = "250 times its size",
    ["layers.gz"] = "250 times its size", ["sparse.tar"] = "250 times its size" } do
    toys.define("h", { name = name, urls = { ("file://%s/%s"):format(served, name) } })
    check.fails(part, bring, "h", root, { again = true })
    check.ok(not files.exists(served .. "/escaped") and not files.exists(root .. "/escaped"), name)
    check.equal(files.read(root .. "/h/1.pgm"), "P2\n2 1\n255\n10 1\n")
    check.equal(table.concat(files.list(root), " "), "downloads/ h.received.json h/", name)
    check.ok(not files.read(root .. "/h.received.json"):find(name, 1, true), "it was pinned")
  end
end)

check.case("a part is only continued with the same file", function()
  local url, content = servers.bad(), {}
  for i = 1, 10000 do content[i] = ("%06d"):format(i * 7919 % 1000003) end
  content = table.concat(content):sub(1, 60000)
  put(served .. "/part.bin", content)
  -- nothing to know the file by: from the start, though the server could continue
  local source = assert(fetch.download(folder .. "/part.bin", { url .. "/bare/part.bin" }, { name = "part.bin" }, { wait = 0.01 }))
  check.equal(source.etag, nil)
  check.ok(files.read(folder .. "/part.bin") == content:reverse(), "two files were put together")
  -- what an older edition left behind, its sum known: tried, seen to be wrong, fetched anew
  put(folder .. "/part2.bin.part", ("x"):rep(30000))
  put(folder .. "/part2.bin.part.from", url .. "/plain/part.bin\n\n\n60000\n")
  assert(fetch.download(folder .. "/part2.bin", { url .. "/plain/part.bin" }, { name = "part2.bin", sha256 = dataset.sha256(content) }, { wait = 0.01 }))
  check.ok(files.read(folder .. "/part2.bin") == content)
  -- a note beside the part that lies or is damaged
  for _, note in ipairs { "", "\n\n\n", ("x"):rep(5000), url .. "/plain/part.bin\n\"tag\"\n\nnan\n", url .. "/plain/part.bin\n\"tag\"\n\n-1e300\n" } do
    put(folder .. "/part3.bin.part", ("x"):rep(30000))
    put(folder .. "/part3.bin.part.from", note)
    assert(fetch.download(folder .. "/part3.bin", { url .. "/plain/part.bin" }, { name = "part3.bin" }, { wait = 0.01 }))
    check.ok(files.read(folder .. "/part3.bin") == content, note:sub(1, 20))
  end
end)

check.case("a full disk: while downloading, unpacking, preparing; the set that was there stays, and later all goes well", function()
  local disk = check.folder("hostile_disk")
  local function mounted(size) return shell(("mount -t tmpfs -o size=%s none %s 2>/dev/null"):format(size, disk)) end
  if not mounted("64k") then check.skip("cannot mount a small disk") end
  shell("umount " .. disk)
  local place = folder .. "/big"
  os.execute("mkdir -p " .. place)
  local random = io.open "/dev/urandom"
  for i = 1, 2 do
    put(("%s/%d.pgm"):format(place, i), ("P5\n250 400\n255\n") .. random:read(100000))
    put(("%s/%d_gt.pgm"):format(place, i), "P2\n2 1\n255\n0 255\n")
  end
  random:close()
  os.execute(("cd %s && tar cJf %s/f.tar.xz ."):format(place, served))
  local packed = #files.read(served .. "/f.tar.xz")
  -- room for: half the download; the download; and the unpacked files
  for _, case in ipairs { { packed / 2, "plain", "free some space, it resumes then" }, { packed / 2, "unsized", "No space left on device; free some space" },
    { packed + 100000, "plain", "No space left on device" }, { packed + 300000, "plain", "No space left on device" } } do
    toys.define("f", { name = "f.tar.xz", urls = { ("%s/%s/f.tar.xz"):format(servers.bad(), case[2]) } })
    check.ok(mounted(math.floor(case[1] / 4096 + 12) * 4 .. "k"))
    local ok, err = pcall(function()
      check.fails(case[3], bring, "f", disk)
      check.ok(not files.exists(disk .. "/f") and not files.exists(disk .. "/f.part") and not files.exists(disk .. "/.f.work"))
      check.ok(shell(("mount -o remount,size=4m %s"):format(disk)))
      assert(bring("f", disk))
    end)
    shell("umount " .. disk)
    check.ok(ok, err)
  end
end)

check.case("two processes that fetch one set at once: it is downloaded once, both succeed", function()
  local path = toys.pack("two.tar.gz", 10)
  local definition = put(folder .. "/two.lua", ([[
local list = {}
for i = 1, 2 do list[2 * i - 1], list[2 * i] = { path = i .. ".pgm" }, { path = i .. "_gt.pgm" } end
return { name = "two", files = { { name = "two.tar.gz", unpack = true, sha256 = %q, urls = { "%s/halves/two.tar.gz" } } },
  editions = { { name = "full", files = list } },
  open = function(where) return require("ramus.data.dataset").pair(where, { image = "^(%%d+)%%.pgm$", mask = "^(%%d+)_gt%%.pgm$" }) end }
]]):format(dataset.sha256_file(path), servers.bad()))
  local binary, root = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus"), check.folder("hostile_two")
  local command = ("%s fetch %s --data-root %s"):format(binary, definition, root)
  check.equal(os.execute(("%s >%s/one 2>&1 & %s >%s/other 2>&1; other=$?; wait $! && exit $other"):format(command, folder, command, folder)), 0)
  for _, name in ipairs { "one", "other" } do check.ok(files.read(folder .. "/" .. name):find("two is in " .. root .. "/two", 1, true)) end
  assert(fetch.download(folder .. "/count", { servers.bad() .. "/count/halves/two.tar.gz" }, { name = "count" }))
  check.equal(files.read(folder .. "/count"), "1")
  check.equal(table.concat(files.list(root), " "), "downloads/ two.received.json two/")
end)

check.case("what a killed process left is no hindrance; a data root that is none is said", function()
  local path = toys.pack("k.tar.gz", 10)
  toys.define("k", { urls = { "file://" .. path } })
  local root = check.folder("hostile_k")
  for _, left in ipairs { ".k.work/k.tar.gz.part", "k.part", "k" } do
    os.execute(("mkdir -p %s/%s && echo half > %s/%s/1.pgm"):format(root, left, root, left))
  end
  put(root .. "/.k.lock", "")
  assert(bring("k", root))
  check.equal(files.read(root .. "/k/1.pgm"), "P2\n2 1\n255\n10 1\n")
  check.equal(table.concat(files.list(root), " "), "downloads/ k.received.json k/")
  check.fails("cannot", bring, "k", put(folder .. "/file", "x"))
  os.execute(("rm -r %s/downloads && mkdir -p %s/downloads/k/k.tar.gz"):format(root, root))
  check.fails("cannot write", bring, "k", root, { again = true })
end)

servers.close()

check.case("an archive that nests too deep is refused; what nests as deep as one may can be removed", function()
  local function nested(depth) return ("d/"):rep(depth) end
  for depth, fine in pairs { [60] = true, [63] = true, [64] = false, [900] = false } do
    local place = check.folder("hostile_deep")
    local made = os.execute(("cd %s && printf x > f && tar cf deep.tar --transform 's,^f,%sf,' f"):format(place, nested(depth)))
    if made ~= 0 then check.skip "no tar that renames" end
    local out = place .. "/above/it/out"
    assert(files.make_folder(place .. "/above/it"))
    local code = C.ra_archive_extract(place .. "/deep.tar", out, 0)
    check.equal(code == 0, fine, depth .. " folders")
    if not fine then check.ok(ffi.message():find("more folders than the limit of 64", 1, true), ffi.message()) end
    check.ok(C.ra_path_remove(place .. "/above") == 0, ffi.message())
    check.ok(not files.exists(place .. "/above"))
  end
end)
