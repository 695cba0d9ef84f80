--- Downloads from real servers on loopback (nginx, and a bad one in Python), archives, data sets from folder and archive.
local check = require "check"
local ffi = require "ramus.base.ffi"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local C = ffi.C
local folder = check.folder("fetch")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)

local function shell(command) return os.execute(command) == 0 end
local function read(path) return assert(files.read(path)) end
local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- 200000 bytes that do not repeat
local content = {}
for i = 1, 25000 do content[i] = ("%08x"):format(math.floor(C.ra_random_uniform(1, 2, 3, 0, i) * 2 ^ 31)) end
content = table.concat(content)
local sum = dataset.sha256(content)
write(served .. "/file.bin", content)

local servers = require "servers" (folder, served)
local good, bad = servers.good, servers.bad

-- ---- one file ----

local number = 0
--- Downloads; returns true or nil, the message, the notes on the way and the bytes that came over the network.
local function get(urls, o)
  o = o or {}
  number = number + 1
  local path = o.path or ("%s/got%d.bin"):format(folder, number)
  local config = ffi.new("ra_transfer_config", { path = path, sha256 = o.sha256, bytes = o.bytes or 0, most = o.most or 0, stall = o.stall or 5,
    wait = 0.02, tries = o.tries or 4 })
  local t = assert(ffi.own(C.ra_transfer_new(config), C.ra_transfer_release))
  for _, url in ipairs(urls) do assert(C.ra_transfer_add(t, url) == 0) end
  local notes, last = {}, nil
  local stop = C.ra_clock() + 20
  repeat
    local code = C.ra_transfer_step(t, 0.05)
    local err = code ~= 0 and ffi.message()
    local note = ffi.string(C.ra_transfer_note(t))
    if note ~= last then notes[#notes + 1], last = note, note end
    if err then
      C.ra_transfer_release(ffi.gc(t, nil))
      return nil, err, table.concat(notes, "\n"), path
    end
    assert(C.ra_clock() < stop, "20 s are over: " .. table.concat(notes, "\n"))
  until C.ra_transfer_done(t) or (o.stop_at and C.ra_transfer_bytes(t) >= o.stop_at)
  local received = C.ra_transfer_received(t)
  local done = C.ra_transfer_done(t)
  C.ra_transfer_release(ffi.gc(t, nil))
  if done then
    check.ok(not files.exists(path .. ".part") and not files.exists(path .. ".part.from") and not files.exists(path .. ".lock"),
      "something was left behind")
  end
  return done, received, table.concat(notes, "\n"), path
end

local function gets(urls, o, note)
  local done, received, notes, path = get(urls, o)
  check.ok(done, received)
  check.ok(read(path) == (o and o.content or content), "the content differs")
  if note then check.ok(notes:find(note, 1, true), "no '" .. note .. "' in: " .. notes) end
  return received
end

local function misses(part, urls, o)
  local done, err, notes, path = get(urls, o)
  check.ok(not done, "it was accepted")
  check.ok(err:find(part, 1, true), err)
  check.ok(not files.exists(path), "a wrong file was left")
  return err, notes
end

check.case("file addresses: copied, checked, absent", function()
  gets({ "file://" .. served .. "/file.bin" }, { sha256 = sum, bytes = 200000 })
  gets({ "file://" .. served .. "/file.bin" })
  misses("file://" .. served .. "/absent", { "file://" .. served .. "/absent" })
  misses("no address", {})
end)

check.case("nginx: plain, redirected, empty; a mirror that lacks it is passed over", function()
  local url = good()
  gets({ url .. "/files/file.bin" }, { sha256 = sum, bytes = 200000 })
  gets({ url .. "/files/file.bin" })
  gets({ url .. "/moved/file.bin" }, { sha256 = sum })
  write(served .. "/empty", "")
  gets({ url .. "/files/empty" }, { content = "" })
  gets({ url .. "/files/absent", url .. "/busy/x", url .. "/files/file.bin" }, { sha256 = sum, tries = 2 }, "503")
end)

check.case("404, 503, redirects without end, dead ports: clear messages, nothing left", function()
  local url = good()
  misses("404 (not found)", { url .. "/files/absent" })
  misses("503 (3 tries)", { url .. "/busy/x" }, { tries = 3 })
  misses("more than 10 redirects", { url .. "/loop" })
  misses("(2 tries)", { "http://127.0.0.1:1/x" })
  misses("Unsupported protocol", { "ftp://127.0.0.1/x" })
  local err = misses("404", { url .. "/files/a", url .. "/files/b" })
  check.ok(err:find("/files/a: ", 1, true) and err:find("/files/b: ", 1, true), err)
end)

check.case("https: an unknown certificate is refused, a known one accepted", function()
  good()
  local tls_url = servers.tls_url
  if not tls_url then check.skip("no openssl command") end
  misses("SSL", { tls_url .. "/files/file.bin" })
  local script = write(folder .. "/tls.lua", ("local ok, err = require('ramus.fetch').download(%q, { %q }, "
    .. "{ name = 'x', sha256 = %q })\nif not ok then print(err) end os.exit(ok and 0 or 1)")
    :format(folder .. "/tls.bin", tls_url .. "/files/file.bin", sum))
  check.equal(os.execute(("CURL_CA_BUNDLE=%s/nginx/cert /proc/$PPID/exe run %s"):format(folder, script)), 0)
  -- never from https to http
  local down = write(folder .. "/down.lua", ("local ok, err = require('ramus.fetch').download(%q, { %q }, { name = 'x' })\n"
    .. "os.exit(not ok and err:find('another kind of address; refused', 1, true) and 0 or 1)"):format(folder .. "/down.bin", tls_url .. "/plainly/x"))
  check.equal(os.execute(("CURL_CA_BUNDLE=%s/nginx/cert /proc/$PPID/exe run %s"):format(folder, down)), 0)
  gets({ good() .. "/plainly/x" }, { sha256 = sum })
  check.ok(read(folder .. "/tls.bin") == content)
end)

check.case("a wrong size or hash is refused, and the next address tried", function()
  local url = good()
  local other = ("0"):rep(64)
  misses("wanted " .. other, { url .. "/files/file.bin" }, { sha256 = other })
  misses("larger than the 199999 bytes", { url .. "/files/file.bin" }, { bytes = 199999 })
  misses("it has 200000 bytes, wanted 200001", { url .. "/files/file.bin" }, { bytes = 200001 })
  write(served .. "/reversed", content:reverse())
  gets({ url .. "/files/reversed", url .. "/files/file.bin" }, { sha256 = sum })
end)

check.case("an old part is resumed by range, or begun anew where the server cannot", function()
  local url = good()
  for _, way in ipairs { { "files", "resuming at 0.1 MB", 100000 }, { "noranges", "cannot resume", 200000 } } do
    local path = ("%s/resume_%s.bin"):format(folder, way[1])
    write(path .. ".part", content:sub(1, 100000))
    local received = gets({ ("%s/%s/file.bin"):format(url, way[1]) }, { path = path, sha256 = sum }, way[2])
    check.equal(received, way[3], "bytes over the network")
  end
  -- without a hash, and nothing known of where the part came from: anew
  local path = folder .. "/unknown.bin"
  write(path .. ".part", ("x"):rep(1000))
  check.equal(gets({ url .. "/files/file.bin" }, { path = path }), 200000)
  -- a part of something else: the hash tells, then anew
  path = folder .. "/foreign.bin"
  write(path .. ".part", ("x"):rep(1000))
  gets({ url .. "/files/file.bin" }, { path = path, sha256 = sum }, "sha256")
  -- a whole part is only renamed
  path = folder .. "/whole.bin"
  write(path .. ".part", content)
  check.equal(gets({ url .. "/files/file.bin" }, { path = path, sha256 = sum, bytes = 200000 }), 0)
  -- a part longer than the file
  path = folder .. "/longer.bin"
  write(path .. ".part", content .. "y")
  gets({ url .. "/files/file.bin" }, { path = path, sha256 = sum })
end)

check.case("cut connections: resumed until it is whole, with and without ranges", function()
  local url = bad()
  check.equal(gets({ url .. "/cut/file.bin" }, { sha256 = sum, tries = 2 }, "resuming at"), 200000)
  check.equal(gets({ url .. "/cut/file.bin" }, { tries = 2 }), 200000)
  check.equal(gets({ url .. "/whole/file.bin" }, { tries = 4 }, "cannot resume"), 300000)
  misses("(3 tries)", { url .. "/never/file.bin" }, { tries = 3 })
end)

check.case("stopped and called again: the rest only", function()
  local url = bad()
  local path = folder .. "/again.bin"
  local done = get({ url .. "/once/file.bin" }, { path = path, tries = 1 })
  check.ok(not done)
  check.equal(#read(path .. ".part"), 30000)
  check.equal(gets({ url .. "/once/file.bin" }, { path = path }, "resuming"), 170000)
end)

--- Runs Lua code in a process of its own, with the variables set before; returns the command to do so.
local function child(code, variables)
  return ("%s /proc/$PPID/exe run %s"):format(variables or "", write(folder .. "/child.lua", code))
end

check.case("killed in the middle: the lock is free again, the rest is fetched", function()
  local path, url = folder .. "/killed.bin", bad() .. "/slow/file.bin"
  local code = ("require('ramus.fetch').download(%q, { %q }, { name = 'x' })"):format(path, url)
  local run = io.popen("{ " .. child(code):gsub("^%s+", "exec ") .. " & } ; echo $!")
  local pid = run:read("*l")
  local size = ffi.new("double[1]")
  for _ = 1, 100 do
    if C.ra_path_kind(path .. ".part", size, nil) == 1 and size[0] >= 60000 then break end
    C.ra_sleep(0.05)
  end
  check.equal(size[0], 60000)
  check.fails("held by another process", get, { url }, { path = path })
  os.execute("kill -9 " .. pid)
  run:close()
  C.ra_sleep(0.1)
  check.equal(gets({ url }, { path = path }, "resuming"), 140000)
end)

check.case("RAMUS_MIRROR comes first, then --mirror, then the set's own addresses", function()
  local code = [[local fetch, dataset = require "ramus.data.fetch", require "ramus.data.dataset"
    local def = { name = "set", files = {} }
    local list = fetch.addresses(def, { name = "a b.zip", urls = { "http://own/x" } }, "https://given/")
    local file = io.open(arg[1], "w")
    file:write(table.concat(list, " "))
    file:close()]]
  check.equal(os.execute(child(code, "RAMUS_MIRROR=/disk/é") .. " " .. folder .. "/list"), 0)
  check.equal(read(folder .. "/list"), "file:///disk/%C3%A9/set/a%20b.zip file:///disk/%C3%A9/a%20b.zip "
    .. "https://given/set/a%20b.zip https://given/a%20b.zip http://own/x")
end)

check.case("a file that changes on the server is noticed and begun anew", function()
  local url = bad()
  for _, way in ipairs { "change", "lie" } do
    gets({ ("%s/%s/file.bin"):format(url, way) }, { content = content:reverse() }, "changed on the server")
  end
end)

check.case("503 that passes, stalls, redirects to files", function()
  local url = bad()
  gets({ url .. "/flaky/file.bin" }, { sha256 = sum }, "503; try 2 of 4")
  gets({ url .. "/stall/file.bin" }, { sha256 = sum, stall = 0.3 }, "Timeout was reached")
  misses("refused", { url .. "/tofile/file.bin" })
  misses("sha256", { url .. "/wrong/file.bin" }, { sha256 = sum })
end)

check.case("a second process is kept out; a file that is there is not fetched", function()
  local path = folder .. "/locked.bin"
  local lock = assert(ffi.own(C.ra_lock_take(path .. ".lock"), C.ra_lock_release))
  local done, err = get({ "file://" .. served .. "/file.bin" }, { path = path })
  check.ok(not done and err:find("held by another process", 1, true), err)
  C.ra_lock_release(ffi.gc(lock, nil))
  gets({ "file://" .. served .. "/file.bin" }, { path = path, sha256 = sum })
  gets({ "http://127.0.0.1:1/x" }, { path = path, sha256 = sum }, "already there")
end)

check.case("what does not fit on the disk is not begun", function()
  local disk = check.folder("fetch_disk")
  if not shell("mount -t tmpfs -o size=64k none " .. disk .. " 2>/dev/null") then check.skip("cannot mount a small disk") end
  local done, err = get({ "file://" .. served .. "/file.bin" }, { path = disk .. "/x" })
  os.execute("umount " .. disk)
  check.ok(not done and err:find("0.2 MB are to come, the disk has 0.1 MB free; free some space", 1, true), err)
end)

check.case("every failing allocation of a transfer is a message and leaks nothing", function()
  collectgarbage()
  collectgarbage()
  local live, n = C.ra_mem_live(), 0
  repeat
    local config = ffi.new("ra_transfer_config", { path = folder .. "/oom", sha256 = sum })
    C.ra_mem_fail_after(n)
    local t, fine = C.ra_transfer_new(config), false
    if t ~= nil then
      local code = C.ra_transfer_add(t, "file://" .. served .. "/file.bin")
      while code == 0 and not C.ra_transfer_done(t) do code = C.ra_transfer_step(t, 0.01) end
      fine = code == 0
      C.ra_transfer_release(t)
    end
    C.ra_mem_fail_after(-1)
    check.equal(C.ra_mem_live(), live, "bytes after failing allocation " .. n)
    n = n + 1
  until fine or n > 100
  check.ok(n > 8 and n < 100, n .. " allocations")
end)

-- ---- archives ----

local function python(code, ...)
  if not shell("command -v /usr/bin/python3 >/dev/null") then check.skip("no python3") end
  local script = write(folder .. "/make_archive.py", "import sys, tarfile, zipfile, io\nout = sys.argv[1]\n" .. code)
  check.equal(os.execute(("/usr/bin/python3 %s %s"):format(script, table.concat({ ... }, " "))), 0)
end

local function extract(archive, max)
  number = number + 1
  local target = folder .. "/unpacked" .. number
  if C.ra_archive_extract(archive, target, max or 0) ~= 0 then
    local err = ffi.message()
    check.ok(not files.exists(target) and not files.exists(target .. ".part"), "half an archive was left")
    return nil, err
  end
  return target
end

check.case("archives: zip, tar.gz, tar.xz, gz; names in UTF-8", function()
  local source = check.folder("archive_source")
  os.execute(("mkdir -p %s/a/b && printf hello > %s/a/b/c.txt && printf x > '%s/ä é.txt'"):format(source, source, source))
  local made = {}
  if shell("command -v zip >/dev/null") then
    os.execute(("cd %s && zip -qr %s/x.zip ."):format(source, folder))
    made[#made + 1] = folder .. "/x.zip"
  end
  os.execute(("cd %s && tar czf %s/x.tar.gz . && tar cf %s/x.tar . && gzip -c a/b/c.txt > %s/c.txt.gz")
    :format(source, folder, folder, folder))
  made[#made + 1], made[#made + 2] = folder .. "/x.tar.gz", folder .. "/x.tar"
  for _, archive in ipairs(made) do
    local target = assert(extract(archive))
    check.equal(read(target .. "/a/b/c.txt"), "hello", archive)
    check.equal(read(target .. "/ä é.txt"), "x", archive)
  end
  check.equal(read(assert(extract(folder .. "/c.txt.gz")) .. "/c.txt"), "hello")
  check.fails("there already", function()
    return C.ra_archive_extract(folder .. "/x.tar", source, 0) == 0 or nil, ffi.message()
  end)
end)

check.case("archives that would write elsewhere, link, repeat or explode are refused", function()
  python([[
def tar(name, *members):
    with tarfile.open(out + '/' + name, 'w:gz') as t:
        for path, kind in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, '/etc'
            data = b'x' if kind == tarfile.REGTYPE else b''
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
R, S, H, C = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE
tar('h1.tar.gz', ('ok', R), ('../evil', R))
tar('h2.tar.gz', ('/tmp/evil_absolute', R))
tar('h3.tar.gz', ('a/../../evil', R))
tar('h4.tar.gz', ('link', S), ('link/evil', R))
tar('h5.tar.gz', ('hard', H))
tar('h6.tar.gz', ('device', C))
tar('h7.tar.gz', ('twice', R), ('twice', R))
tar('h8.tar.gz', ('a', R), ('a/b', R))
tar('h9.tar.gz', ('new\nline', R))
with zipfile.ZipFile(out + '/h10.zip', 'w') as z: z.writestr('../evil', 'x')
with zipfile.ZipFile(out + '/h11.zip', 'w') as z: z.writestr('/tmp/evil_absolute', 'x')
with zipfile.ZipFile(out + '/h12.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for i in range(12): z.writestr('bomb%d' % i, b'\0' * 10000000)
with zipfile.ZipFile(out + '/h13.zip', 'w') as z: pass
open(out + '/h14.zip', 'wb').write(b'this is no archive at all')
open(out + '/h15.tar.gz', 'wb').write(open(out + '/h1.tar.gz', 'rb').read()[:60])
data = bytearray(open(out + '/h12.zip', 'rb').read()); data[200] ^= 255
open(out + '/h16.zip', 'wb').write(data[:8000])
]], folder)
  for i = 1, 16 do
    for _, ending in ipairs { ".tar.gz", ".zip" } do
      local path = folder .. "/h" .. i .. ending
      if files.is_file(path) then
        local target, err = extract(path)
        check.ok(target == nil, path .. " was accepted")
        check.ok(#err > 10)
      end
    end
  end
  check.ok(not files.exists("/tmp/evil_absolute") and not files.exists(folder .. "/evil"))
  check.fails("more than 0 MB", extract, folder .. "/x.tar", 3)
  check.fails("not a file", extract, folder .. "/absent.zip")
end)

-- ---- data sets ----

local toy_archive
local function toy()
  local source = check.folder("toy_source")
  os.execute("mkdir -p " .. source .. "/toy-1.0/pictures")
  local list = {}
  for i = 1, 12 do
    for _, kind in ipairs { "", "_gt" } do
      local path = ("pictures/%d%s.pgm"):format(i, kind)
      local text = ("P2\n2 2\n255\n0 255 0 %d\n"):format(kind == "" and i or 255)
      write(source .. "/toy-1.0/" .. path, text)
      list[#list + 1] = { path = path, sha256 = dataset.sha256(text) }
    end
  end
  toy_archive = served .. "/toy.tar.gz"
  os.execute(("cd %s && tar czf %s toy-1.0"):format(source, toy_archive))
  local small = {}
  for i = 1, 8 do small[i] = list[i] end
  dataset.register {
    name = "toy", title = "a toy",
    files = { { name = "toy.tar.gz", unpack = true, sha256 = dataset.sha256_file(toy_archive),
      urls = { "http://127.0.0.1:1/toy.tar.gz" } } },
    editions = { { name = "full", counts = { train = 6, test = 6 }, files = list },
                 { name = "subset", counts = { train = 4 }, files = small } },
    open = function(where)
      local samples, err = dataset.pair(where, { image = { "pictures", "^(%d+)%.pgm$" },
        mask = { "pictures", "^(%d+)_gt%.pgm$" } })
      for _, s in ipairs(samples or {}) do s.split = tonumber(s.id) <= 6 and "train" or "test" end
      return samples, err
    end,
  }
  return source
end

check.case("ra.fetch: from a folder, an archive, a mirror; kept; the edition is known", function()
  local source = toy()
  local root = check.folder("root")
  local o = { data_root = root, from = source }
  local where = assert(fetch("toy", o))
  check.equal(where, root .. "/toy")
  local set = assert(dataset.open("toy", { root = root }))
  check.equal(set.edition, "full")
  check.equal(#set.splits.train, 6)
  check.equal(set.splits.train[2].mask, where .. "/pictures/2_gt.pgm")
  check.equal(#set.hash, 64)
  assert(dataset.verify(where))
  -- from the archive, into another root: the same set
  local root2 = check.folder("root2")
  assert(fetch("toy", { data_root = root2, from = toy_archive }))
  check.equal(assert(dataset.open("toy", { root = root2 })).hash, set.hash)
  -- from a mirror, with stages told
  local root3, stages = check.folder("root3"), {}
  assert(fetch("toy", { data_root = root3, mirror = served,
    progress = function(p) stages[p.stage] = (stages[p.stage] or 0) + 1 end }))
  check.ok(stages.download and stages.unpack and stages.prepare)
  check.equal(assert(dataset.open("toy", { root = root3 })).hash, set.hash)
  check.equal(table.concat(assert(files.list(root3)), " "), "downloads/ toy.received.json toy/")
  -- there already: no network, no source
  check.equal(assert(fetch("toy", { data_root = root3, offline = true })), root3 .. "/toy")
  -- what was downloaded prepares again offline
  assert(fetch("toy", { data_root = root3, offline = true, again = true }))
  -- a folder with the archive in it
  local root4 = check.folder("root4")
  assert(fetch("toy", { data_root = root4, from = served }))
  -- a smaller edition
  local part = check.folder("part")
  os.execute(("mkdir -p %s/pictures && cp %s/toy-1.0/pictures/[1-4].pgm %s/toy-1.0/pictures/[1-4]_gt.pgm %s/pictures")
    :format(part, source, source, part))
  local root5 = check.folder("root5")
  assert(fetch("toy", { data_root = root5, from = part }))
  set = assert(dataset.open("toy", { root = root5 }))
  check.equal(set.edition, "subset")
  check.fails("asked for", dataset.open, "toy", { root = root5, edition = "full" })
end)

check.case("ra.fetch: what fails says what to do and leaves what was there", function()
  local source = toy()
  local root = check.folder("failing")
  check.fails("did you mean 'toy'", fetch, "toi", { data_root = root })
  check.raises("did you mean 'mirror'", fetch, "toy", { miror = "x" })
  check.fails("--offline was given; fetch toy.tar.gz by hand from http://127.0.0.1:1/toy.tar.gz", fetch, "toy",
    { data_root = root, offline = true })
  check.fails("ramus fetch toy --from PATH", fetch, "toy", { data_root = root, wait = 0.01 })
  check.fails("no such file or folder", fetch, "toy", { data_root = root, from = root .. "/absent" })
  check.fails("does not hold the set", fetch, "toy", { data_root = root, from = check.folder("nothing") })
  check.fails("wanted " .. dataset.sha256_file(toy_archive), fetch, "toy",
    { data_root = root, from = write(root .. "/x.tar.gz", "x") })
  check.fails("run: ramus fetch toy", dataset.open, "toy", { root = root })
  assert(fetch("toy", { data_root = root, from = source }))
  write(source .. "/toy-1.0/pictures/3.pgm", "changed")
  check.fails("is not the file of this set", fetch, "toy", { data_root = root, from = source })
  assert(dataset.open("toy", { root = root }), "the old set was lost")
  write(root .. "/toy/pictures/3.pgm", "changed")
  check.fails("the first is pictures/3.pgm", dataset.verify, root .. "/toy")
end)

check.case("a set that stays where it is: opened in place, hashed, never fetched", function()
  local source = toy()
  local where = check.folder("own")
  write(where .. "/mine.lua", ([[local dataset = require "ramus.data.dataset"
return { name = "mine", folder = "../toy_source/toy-1.0", open = function(folder)
  return dataset.pair(folder .. "/pictures", { image = "^(%%d+)%%.pgm$", mask = "^(%%d+)_gt%%.pgm$" })
end }]]):format())
  local set = assert(dataset.open(where .. "/mine.lua", { split = "2:1:1" }))
  check.equal(set.counts.train .. set.counts.val .. set.counts.test, "633")
  check.equal(#set.hash, 64)
  check.equal(assert(fetch(where .. "/mine.lua", { data_root = where })), where .. "/../toy_source/toy-1.0")
  local hash = set.hash
  write(source .. "/toy-1.0/pictures/5.pgm", "P2 1 1 255 9")
  check.ok(assert(dataset.open(where .. "/mine.lua")).hash ~= hash)
  os.execute("rm -r " .. source)
  check.fails("there is no folder", dataset.open, where .. "/mine.lua")
  check.fails("there is no folder", fetch, where .. "/mine.lua")
  write(where .. "/other.lua", "return { name = 'other', open = function() return {} end }")
  check.fails("--from PATH", fetch, where .. "/other.lua", { data_root = where })
  write(where .. "/broken.lua", "return { name = ")
  check.fails("broken.lua:1", fetch, where .. "/broken.lua", { data_root = where })
  write(where .. "/none.lua", "return { name = 'none' }")
  check.fails("an open function", dataset.open, where .. "/none.lua")
end)

check.case("ra.fetch waits for another process that fetches the set", function()
  local source = toy()
  local root = check.folder("busy")
  local unlock = assert(files.lock(root .. "/.toy.lock"))
  local notes = 0
  check.fails("held by another process", fetch, "toy", { data_root = root, from = source, patience = 0.3,
    progress = function(p) if p.stage == "wait" then notes = notes + 1 end end })
  check.ok(notes > 0)
  unlock()
  assert(fetch("toy", { data_root = root, from = source }))
end)

check.case("pairs go by id, never by order; lonely and double ids are named", function()
  local where = check.folder("pairs")
  for _, name in ipairs { "10", "9", "2" } do
    write(("%s/im%s.png"):format(where, name), "")
    write(("%s/gt_%s.png"):format(where, name), "")
  end
  local pattern = { image = "^im(%d+)%.png$", mask = "^gt_(%d+)%.png$" }
  local list = assert(dataset.pair(where, pattern))
  check.equal(list[1].id .. list[2].id .. list[3].id, "2910")
  for _, s in ipairs(list) do check.equal(s.mask, ("%s/gt_%s.png"):format(where, s.id)) end
  write(where .. "/im11.png", "")
  write(where .. "/gt_1.png", "")
  check.fails("image '11' has no mask; mask '1' has no image", dataset.pair, where, pattern)
  check.fails("both", dataset.pair, where, { image = "^im(%d)%d?%.png$" })
  check.fails("match the pattern", dataset.pair, where, { image = "^x$" })
end)

check.case("split: by weight, seeded, independent of the order given, nothing lost", function()
  local samples, turned = {}, {}
  for i = 1, 134 do samples[i] = { id = tostring(i) } end
  for i = 1, 134 do turned[i] = samples[135 - i] end
  local function text(parts)
    local out = {}
    for _, name in ipairs { "train", "val", "test" } do
      for _, s in ipairs(parts[name]) do out[#out + 1] = name .. s.id end
    end
    return table.concat(out, " ")
  end
  local weights = { train = 7, val = 1, test = 2 }
  local parts = dataset.split(samples, weights, 3)
  check.equal(#parts.train .. "/" .. #parts.val .. "/" .. #parts.test, "94/13/27")
  check.equal(text(dataset.split(turned, weights, 3)), text(parts))
  check.ok(text(dataset.split(samples, weights, 4)) ~= text(parts))
  local seen = {}
  for word in text(parts):gmatch("%d+") do
    check.ok(not seen[word])
    seen[word] = true
  end
  for i = 1, 134 do check.ok(seen[tostring(i)], i) end
  check.raises(">= 0", dataset.split, samples, { train = -1 }, 0)
  check.raises("add up to 0", dataset.split, samples, { train = 0 }, 0)
end)

check.case("a picture in two splits is warned of; double ids are refused", function()
  local source = toy()
  write(source .. "/toy-1.0/pictures/9.pgm", read(source .. "/toy-1.0/pictures/2.pgm"))
  local def = assert(dataset.find("toy"))
  def.editions[1].files[17].sha256 = nil
  local root = check.folder("twice")
  assert(fetch("toy", { data_root = root, from = source }))
  local set = assert(dataset.open("toy", { root = root }))
  check.equal(#set.warnings, 1)
  check.ok(set.warnings[1]:find("2 (in train) and 9 (in test) are the same image: scores on test are too good", 1, true), set.warnings[1])
  check.fails("unknown split of toy 'usuel'; did you mean 'usual'", dataset.open, "toy", { root = root, split = "usuel" })
  local parts = assert(dataset.open("toy", { root = root, split = "2:1:1" })).counts
  check.equal(parts.train .. parts.val .. parts.test, "633")
end)

check.case("cimat80 from the shared folder: 40 and 40, every file checked, no shared picture", function()
  local shared = check.shared("cimat80_dca1_subset")
  local root = check.folder("cimat")
  assert(fetch("cimat80", { data_root = root, from = shared, offline = true }))
  local set = assert(dataset.open("cimat80", { root = root }))
  check.equal(set.counts.train, 40)
  check.equal(set.counts.test, 40)
  check.equal(set.edition, "full")
  check.equal(#set.warnings, 0)
  check.equal(set.splits.train[7].id, "train/7")
  check.ok(set.splits.train[7].mask:find("Angios_40_training/7_gt.png", 1, true))
  check.equal(assert(dataset.open("cimat80", { root = root, split = "712" })).counts.train, 56)
end)

check.case("dca1: names, splits and counts, on a stand-in of its shape", function()
  local where = check.folder("dca1_source")
  os.execute("mkdir -p " .. where .. "/Database_134_Angiograms")
  for i = 1, 134 do
    write(("%s/Database_134_Angiograms/%d.pgm"):format(where, i), "P2 1 1 255 " .. i)
    write(("%s/Database_134_Angiograms/%d_gt.pgm"):format(where, i), "P2 1 1 255 0")
  end
  local root = check.folder("dca1_root")
  assert(fetch("dca1", { data_root = root, from = where }))
  local set = assert(dataset.open("dca1", { root = root }))
  check.equal(set.counts.train .. "/" .. set.counts.test, "100/34")
  check.equal(set.splits.test[1].id, "101")
  set = assert(dataset.open("dca1", { root = root, split = "712" }))
  check.equal(("%d/%d/%d"):format(set.counts.train, set.counts.val, set.counts.test), "94/13/27")
  os.remove(where .. "/Database_134_Angiograms/77_gt.pgm")
  check.fails("1 of 268 files are missing", fetch, "dca1", { data_root = root, from = where })
end)

check.case("a download of unknown size is bounded; a weak entity tag does not let one go on", function()
  local err = misses("larger than the 50000 bytes of a file of unknown size", { bad() .. "/nolength/file.bin" }, { most = 50000, tries = 1 })
  check.ok(not err:find("wanted", 1, true), err)
  gets({ bad() .. "/weak/file.bin" }, { content = content:reverse() })
end)

servers.close()
