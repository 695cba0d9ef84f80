--- Sums of downloads: MD5 where only that is published, a pin where nothing is; files behind a login; web pages in the place of archives.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local C = ffi.C
local folder = check.folder("pins")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)
local servers = require "servers" (folder, served)

local function write(path, text)
  assert(files.write(path, text))
  return path
end

local toys = require "toy_sets" (folder, served)
local pack, define, bring = toys.pack, toys.define, toys.bring

check.case("md5: known values, and a file that has only that is held to it", function()
  local hex = ffi.new("char[65]")
  for text, sum in pairs { [""] = "d41d8cd98f00b204e9800998ecf8427e", abc = "900150983cd24fb0d6963f7d28e17f72",
    [("a"):rep(1000000)] = "7707d6ae4e027c70eea2a935c2296f21" } do
    check.equal(C.ra_md5_file(write(folder .. "/md5", text), hex), 0)
    check.equal(ffi.string(hex), sum)
  end
  check.ok(C.ra_md5_file(folder .. "/absent", hex) ~= 0)
  local path = pack("m.tar.gz", 10)
  assert(C.ra_md5_file(path, hex) == 0)
  local sum = ffi.string(hex)
  define("m", { md5 = sum, urls = { "file://" .. path } })
  local _, _, said = assert(bring("m", check.folder("pins_m")))
  check.equal(said, "")
  assert(bring("m", check.folder("pins_m2"), { from = path }))
  define("m", { md5 = ("0"):rep(32), urls = { "file://" .. path } })
  local root = check.folder("pins_m3")
  check.fails(("its md5 is %s, wanted 0000"):format(sum), bring, "m", root)
  check.fails(("is not m.tar.gz: md5 %s, wanted 0000"):format(sum), bring, "m", root, { from = path })
  check.fails("wanted 32 digits", fetch.download, folder .. "/x", { "file://" .. path }, { name = "x", md5 = "00" })
  check.fails("wanted 64 digits", fetch.download, folder .. "/x", { "file://" .. path }, { name = "x", sha256 = ("0"):rep(65) })
end)

check.case("what a killed fetch left beside a set that is ready is removed by the next call, unless another process works there", function()
  local path, root = pack("w.tar.gz", 10), check.folder "pins_w"
  define("w", { urls = { "file://" .. path } })
  assert(bring("w", root))
  local left = root .. "/.w.work"
  assert(files.make_folder(left .. "/given"))
  local unlock = assert(files.lock(root .. "/.w.lock"))
  assert(bring("w", root))
  check.ok(files.is_folder(left), "another process works")
  unlock()
  assert(bring("w", root))
  check.ok(not files.exists(left), "removed")
end)

check.case("no published sum: pinned when it comes first; another file later is an error until it is accepted", function()
  local path = pack("p.tar.gz", 10)
  local sum = dataset.sha256_file(path)
  define("p", { urls = { "file://" .. path } })
  local root = check.folder("pins_p")
  local where, _, said = bring("p", root)
  check.ok(where)
  check.ok(said:find("gives no checksum; pinned as it came: sha256 " .. sum, 1, true), said)
  local kept = require("cjson").decode(files.read(root .. "/p.received.json")).files["p.tar.gz"]
  check.equal(kept.sha256, sum)
  check.equal(kept.from, "file://" .. path)
  check.ok(kept.when:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$") and kept.bytes > 100)
  -- the same again: nothing to say
  os.execute(("rm -r %s/downloads"):format(root))
  where, _, said = bring("p", root, { again = true })
  check.ok(where)
  check.equal(said, "")
  -- another one: refused, by network and by hand; the set stays
  os.execute(("rm -r %s/downloads"):format(root))
  pack("p.tar.gz", 20)
  for _, o in ipairs { { again = true }, { from = path }, { from = served } } do
    where, said = bring("p", root, o)
    check.ok(not where)
    for _, part in ipairs { "wanted", "sha256 " .. sum, "on " .. kept.when, "from file://" .. path, "ramus fetch p --accept-changed" } do
      check.ok(said:find(part, 1, true), ("no '%s' in: %s"):format(part, said))
    end
    check.equal(files.read(root .. "/p/1.pgm"), "P2\n2 1\n255\n10 1\n")
  end
  -- accepted: the new one is pinned
  where, _, said = bring("p", root, { accept_changed = true })
  check.ok(where)
  check.ok(said:find(dataset.sha256_file(path), 1, true), said)
  check.equal(files.read(root .. "/p/1.pgm"), "P2\n2 1\n255\n20 1\n")
  os.execute(("rm -r %s/downloads"):format(root))
  assert(bring("p", root, { again = true }))
  -- a download that was damaged in the data root is seen and fetched again
  write(root .. "/downloads/p/p.tar.gz", "damaged")
  assert(bring("p", root, { again = true }))
  check.fails("--offline was given", function()
    write(root .. "/downloads/p/p.tar.gz", "damaged")
    return bring("p", root, { again = true, offline = true })
  end)
  -- a damaged record is no reason to trust anything
  write(root .. "/p.received.json", "{ half")
  check.fails("p.received.json: cannot be read as JSON", bring, "p", root, { again = true })
end)

check.case("an archive by hand is pinned too; one that makes no set is not", function()
  local path = pack("h.tar.gz", 30)
  define("h", { urls = { "http://127.0.0.1:1/h.tar.gz" } })
  local root = check.folder("pins_h")
  local empty = folder .. "/empty"
  os.execute(("mkdir -p %s && cd %s && echo x > y && tar czf %s/none.tar.gz ."):format(empty, empty, folder))
  check.fails("does not hold the set", bring, "h", root, { from = folder .. "/none.tar.gz" })
  check.ok(not files.exists(root .. "/h.received.json"))
  local where, _, said = bring("h", root, { from = path })
  check.ok(where and said:find("pinned", 1, true), said)
  check.equal(require("cjson").decode(files.read(root .. "/h.received.json")).files["h.tar.gz"].from, "by hand, " .. files.absolute(path))
  -- downloaded, unpacked, and no set: the message says where it lies
  define("h", { urls = { "file://" .. folder .. "/none.tar.gz" } })
  check.fails("/downloads/h; remove it to download it anew", bring, "h", check.folder("pins_h2"))
end)

check.case("archives whose files all have a SHA-256 need no pin", function()
  local path = pack("i.tar.gz", 40)
  local def = define("i", { urls = { "file://" .. path } })
  for _, f in ipairs(def.editions[1].files) do f.sha256 = dataset.sha256_file(folder .. "/source/" .. f.path) end
  local root = check.folder("pins_i")
  local where, _, said = bring("i", root)
  check.ok(where)
  check.equal(said, "")
  os.execute(("gzip -dc %s | gzip -1 > %s/x && mv %s/x %s && rm -r %s/downloads"):format(path, folder, folder, path, root))
  assert(bring("i", root, { again = true }))
end)

check.case("a file behind a login is never asked for: what to do is said; a mirror or --from brings it", function()
  local path = pack("l.tar.gz", 50)
  local sum = dataset.sha256_file(path)
  define("l", { sha256 = sum, urls = { "http://127.0.0.1:1/l.tar.gz" }, login = "sign in at https://example.org/l and download l.tar.gz" })
  local root = check.folder("pins_l")
  local at = C.ra_clock()
  local where, err = bring("l", root)
  check.ok(not where and C.ra_clock() - at < 1)
  for _, part in ipairs { "cannot be fetched by a program: sign in at https://example.org/l and download l.tar.gz; then: ramus fetch l --from PATH",
    root .. "/downloads/l/l.tar.gz" } do check.ok(err:find(part, 1, true), err) end
  check.fails("is not l.tar.gz", bring, "l", root, { from = write(folder .. "/wrong_l.tar.gz", "x") })
  assert(bring("l", root, { from = path }))
  assert(bring("l", check.folder("pins_l2"), { mirror = served }))
end)

check.case("a web page in the place of an archive is named, with its title, and never pinned", function()
  local page = "\239\187\191\n <!DOCTYPE html><html><head><TITLE lang='en'>\n Sign in\9- Example</title></head>"
  local url = "file://" .. write(served .. "/page.tar.gz", page)
  local root = check.folder("pins_w")
  for _, sum in ipairs { false, ("0"):rep(64) } do
    define("w", { name = "page.tar.gz", sha256 = sum or nil, urls = { url } })
    check.fails(("%s: a web page came ('Sign in - Example'), not the file; open the address in a browser"):format(url), bring, "w", root)
    check.ok(not files.exists(root .. "/w.received.json") and not files.exists(root .. "/downloads/w/page.tar.gz"))
  end
  for text, name in pairs { ["<?xml version='1.0'?><Error><Code>AccessDenied"] = "a message in XML", ["<HTML>"] = "a web page",
    ["version https://git-lfs.github.com/spec/v1\n"] = "a Git LFS pointer" } do
    write(served .. "/page.tar.gz", text)
    check.fails(name .. " came, not the file", bring, "w", root)
  end
  -- where a page is what is wanted, it is no stranger
  write(served .. "/index.html", page)
  assert(fetch.download(folder .. "/index.html", { "file://" .. served .. "/index.html" }, { name = "index.html" }))
end)

servers.close()
