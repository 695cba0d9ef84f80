--- Hashes, safetensors, npy and npz: round trips, files by NumPy, hostile files,
-- flipped bits, cut files, full disks, failing allocations.
local check = require "check"
require "ramus.lang.tensor" -- t.data
local ffi = require "ramus.base.ffi"
local C = ffi.C
local folder = check.folder("data")

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function ok(code) if code ~= 0 then error(ffi.message(), 2) end end

local function owned(tensor) return ffi.gc(tensor, C.ra_tensor_release) end

local function make(values, ...)
  local dim = ffi.new("int32_t[8]", ...)
  local t = owned(C.ra_tensor_new(select("#", ...), dim))
  assert(t ~= nil, ffi.message())
  for i = 0, t.size - 1 do t.data[i] = values(i) end
  return t
end

local function parse(bytes)
  local b = C.ra_bundle_parse(bytes, #bytes)
  if b == nil then return nil, ffi.message() end
  return ffi.gc(b, C.ra_bundle_release)
end

local function load(path)
  local b = C.ra_bundle_load(path)
  if b == nil then return nil, ffi.message() end
  return ffi.gc(b, C.ra_bundle_release)
end

local function bundle() return ffi.gc(C.ra_bundle_new(), C.ra_bundle_release) end

local function tensor_of(b, name)
  local i = C.ra_bundle_find(b, name)
  check.ok(i >= 0, "no array " .. name)
  local t = C.ra_bundle_tensor(b, i)
  if t == nil then return nil, ffi.message() end
  return owned(t)
end

local function u64(n) -- little-endian
  local s = {}
  for i = 1, 8 do
    s[i] = string.char(n % 256)
    n = math.floor(n / 256)
  end
  return table.concat(s)
end

local function st(header, data) return u64(#header) .. header .. (data or "") end

check.case("sha256: known values, of memory and of a file", function()
  local hex = ffi.new("char[65]")
  ok(C.ra_sha256("abc", 3, hex))
  local abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  check.equal(ffi.string(hex), abc)
  ok(C.ra_sha256("", 0, hex))
  check.equal(ffi.string(hex), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  ok(C.ra_sha256_file(write(folder .. "/abc", "abc"), hex))
  check.equal(ffi.string(hex), abc)
  ok(C.ra_sha256_file(write(folder .. "/million", ("a"):rep(1000000)), hex))
  check.equal(ffi.string(hex), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  check.ok(C.ra_sha256_file(folder .. "/absent", hex) ~= 0)
  check.ok(C.ra_sha256_file(folder, hex) ~= 0)
end)

local function sample()
  local b = bundle()
  ok(C.ra_bundle_add(b, "w", make(function(i) return i / 3 - 1 end, 2, 3, 1, 2)))
  ok(C.ra_bundle_add_bytes(b, "blob", "a\0b", 3))
  ok(C.ra_bundle_add(b, "scalar", make(function() return -0.5 end)))
  ok(C.ra_bundle_add(b, "empty", make(function() return 0 end, 0, 4)))
  ok(C.ra_bundle_set_meta(b, "recipe", "return { name = \"ä\" }\n"))
  ok(C.ra_bundle_set_meta(b, "epoch", "1"))
  ok(C.ra_bundle_set_meta(b, "epoch", "7"))
  return b
end

check.case("safetensors: round trip, alignment, metadata, same bytes twice", function()
  local path = folder .. "/a.safetensors"
  ok(C.ra_bundle_save(sample(), path, "safetensors"))
  local first = read(path)
  ok(C.ra_bundle_save(sample(), path, "safetensors"))
  check.equal(read(path), first, "bytes")
  check.ok(not exists(path .. ".part"))
  local b = assert(load(path))
  check.equal(C.ra_bundle_count(b), 4)
  check.ok(C.ra_bundle_checked(b))
  local w = assert(tensor_of(b, "w"))
  check.equal(w.rank, 4)
  check.equal(w.dim[1], 3)
  for i = 0, 11 do check.near(w.data[i], i / 3 - 1, 1e-7) end
  check.equal(assert(tensor_of(b, "scalar")).rank, 0)
  check.equal(assert(tensor_of(b, "empty")).size, 0)
  local size = ffi.new("double[1]")
  local blob = C.ra_bundle_bytes(b, C.ra_bundle_find(b, "blob"), size)
  check.equal(ffi.string(blob, size[0]), "a\0b")
  check.equal(ffi.string(C.ra_bundle_meta_get(b, "recipe")), "return { name = \"ä\" }\n")
  check.equal(ffi.string(C.ra_bundle_meta_get(b, "epoch")), "7")
  check.ok(C.ra_bundle_meta_get(b, "ramus.sha256") == nil, "the checksum is not the caller's")
  check.equal(C.ra_bundle_find(b, "no"), -1)
  check.ok(C.ra_bundle_tensor(b, 99) == nil)
end)

check.case("safetensors: a view with gaps is stored packed", function()
  local t = make(function(i) return i end, 3, 4)
  local view = owned(C.ra_tensor_narrow(t, 1, 1, 2))
  local b = bundle()
  ok(C.ra_bundle_add(b, "v", view))
  ok(C.ra_bundle_save(b, folder .. "/v.safetensors", "safetensors"))
  local back = assert(tensor_of(assert(load(folder .. "/v.safetensors")), "v"))
  for i, want in ipairs { 1, 2, 5, 6, 9, 10 } do check.equal(back.data[i - 1], want) end
end)

check.case("safetensors: every type becomes numbers; unaligned data too", function()
  local kinds = {
    { "F16", "\0\60\0\192\1\0\0\124", { 1, -2, 2 ^ -24, math.huge } },
    { "BF16", "\128\63\0\192", { 1, -2 } }, { "I64", "\254\255\255\255\255\255\255\255", { -2 } },
    { "I32", "\5\0\0\0", { 5 } }, { "U8", "\200\1", { 200, 1 } }, { "I8", "\200", { -56 } }, { "BOOL", "\0\1", { 0, 1 } },
    { "F64", "\0\0\0\0\0\0\248\63", { 1.5 } }, { "U16", "\255\255", { 65535 } }, { "I16", "\255\255", { -1 } },
    { "U32", "\0\0\0\128", { 2 ^ 31 } }, { "U64", "\0\0\0\0\1\0\0\0", { 2 ^ 32 } }, { "F32", "\0\0\128\191", { -1 } },
  }
  for _, kind in ipairs(kinds) do
    for shift = 0, 1 do
      local header = ('{"p":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]},'
        .. '"x":{"dtype":"%s","shape":[%d],"data_offsets":[%d,%d]}}')
        :format(shift, shift, kind[1], #kind[3], shift, shift + #kind[2])
      local b = assert(parse(st(header, ("z"):rep(shift) .. kind[2])))
      check.ok(not C.ra_bundle_checked(b))
      local t = assert(tensor_of(b, "x"))
      for i, want in ipairs(kind[3]) do check.equal(t.data[i - 1], want, kind[1]) end
    end
  end
end)

check.case("safetensors: hostile files are refused by message", function()
  local function one(dtype, shape, from, to)
    return ('{"x":{"dtype":"%s","shape":%s,"data_offsets":[%s,%s]}}'):format(dtype, shape, from, to)
  end
  local eight = ("\0"):rep(8)
  local hostile = {
    "", "\0", u64(0), u64(2), u64(2 ^ 63), u64(2 ^ 53) .. "{}", u64(100) .. "{}", st "[]", st "  ", st "{", st '{"a":}',
    st '{"x":1}', st '{"x":{}}', st('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}', "\0\0\0\0"),
    st(one("F32", "[2]", 0, 9), eight), st(one("F32", "[2]", 0, 4), eight), st(one("F32", "[3]", 0, 8), eight),
    st(one("F32", "[1]", 4, 8), eight), st(one("F32", "[1]", 0, 4), eight), st(one("F32", "[2]", 8, 0), eight),
    st(one("F32", "[2]", -8, 0), eight), st(one("F32", "[-2]", 0, 8), eight), st(one("F32", "[2.0]", 0, 8), eight),
    st(one("F32", '["2"]', 0, 8), eight), st(one("F99", "[2]", 0, 8), eight), st(one("F32", "2", 0, 8), eight),
    st(one("F32", "[4294967296,4294967296,4294967296]", 0, 8), eight), st(one("U8", "[9223372036854775807,2]", 0, 8), eight),
    st(one("F32", "[1,1,1,1,1,1,1,1,2]", 0, 8), eight), st(one("F32", "[2]", 0, "1e99"), eight),
    st(one("F32", "[2]", 0, "99999999999999999999"), eight), st(one("F32", "[2]", "0.0", 8), eight),
    st('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', eight),
    st '{"__metadata__":[]}', st '{"__metadata__":{"a":1}}', st '{"__metadata__":{"ramus.version":"1"}}',
    st '{"__metadata__":{"ramus.sha256":"00"}}', st '{"a\\u0000b":{}}', st("{}", "x"),
    st("{" .. ('"a":{'):rep(5000)), st(("["):rep(100000)), st '{"\255":{}}',
  }
  for i, bytes in ipairs(hostile) do
    local b, message = parse(bytes)
    check.ok(b == nil, "hostile file " .. i .. " was accepted")
    check.ok(#message > 10, "hostile file " .. i .. " has no message")
  end
  -- Structure right, but more than a tensor holds: loads, and the array is refused when asked for.
  local b = assert(parse(st(one("F32", "[0,4294967296]", 0, 0))))
  check.ok(C.ra_bundle_tensor(b, 0) == nil)
  b = assert(parse(st(one("F32", "[1,1,1,1,1,2]", 0, 8), eight)))
  check.ok(C.ra_bundle_tensor(b, 0) == nil)
end)

check.case("safetensors: every flipped bit and every cut is noticed", function()
  local path = folder .. "/flip.safetensors"
  ok(C.ra_bundle_save(sample(), path, "safetensors"))
  local bytes = read(path)
  local buffer = ffi.new("uint8_t[?]", #bytes + 1)
  ffi.copy(buffer, bytes, #bytes)
  for at = 0, #bytes - 1 do
    for bit = 0, 7 do
      buffer[at] = require("bit").bxor(buffer[at], 2 ^ bit)
      local b = C.ra_bundle_parse(buffer, #bytes)
      if b ~= nil then error(("bit %d of byte %d went unnoticed"):format(bit, at)) end
      buffer[at] = require("bit").bxor(buffer[at], 2 ^ bit)
    end
  end
  for size = 0, #bytes - 1 do
    local b = C.ra_bundle_parse(buffer, size)
    if b ~= nil then error(("a cut after %d bytes went unnoticed"):format(size)) end
  end
  check.ok(parse(bytes .. "x") == nil)
  check.ok(parse(bytes))
end)

local function python()
  if os.execute("/usr/bin/python3 -c 'import numpy' 2>/dev/null") ~= 0 then check.skip("no python3 with numpy") end
  return "/usr/bin/python3"
end

local function npy(header, data, version)
  header = header .. (" "):rep((64 - (#header + 11) % 64) % 64) .. "\n"
  return "\147NUMPY" .. string.char(version or 1) .. "\0" .. string.char(#header % 256, math.floor(#header / 256)) ..
    ((version or 1) > 1 and "\0\0" or "") .. header .. data
end

check.case("npy: written and read back; rank 0 to 4", function()
  for rank = 0, 4 do
    local t = make(function(i) return i * 0.25 end, unpack({ 2, 3, 1, 2 }, 1, rank))
    local path = folder .. "/r" .. rank .. ".npy"
    ok(C.ra_npy_save(path, t))
    local back = owned(C.ra_npy_load(path))
    check.equal(back.rank, rank)
    for i = 0, t.size - 1 do check.equal(back.data[i], t.data[i]) end
  end
end)

check.case("npy, npz: arrays by NumPy of every type, order and compression", function()
  local script = write(folder .. "/make.py", [[
import numpy as np, sys
f = sys.argv[1]
base = np.arange(24).reshape(2, 3, 4)
for t in ['<f4', '<f8', '>f4', '>f8', '<f2', 'u1', 'i1', '<u2', '>i2', '<i4', '>u4', '<i8', '>i8', '<u8', 'b1']:
    for order in 'CF':
        np.save('%s/n_%s_%s.npy' % (f, t.strip('<>') + ('b' if t[0] == '>' else ''), order), np.array(base, dtype=t, order=order))
np.savez(f + '/n.npz', a=base.astype('f4'), b=np.asfortranarray(base.astype('f8')), **{'é': np.float32(3)})
np.savez_compressed(f + '/nc.npz', a=base.astype('f4'), z=np.zeros((100, 100), 'u1'))
]])
  check.equal(os.execute(python() .. " " .. script .. " " .. folder), 0)
  local count = 0
  for path in io.popen("ls " .. folder .. "/n_*.npy"):lines() do
    local t = C.ra_npy_load(path)
    if t == nil then error(ffi.message()) end
    t = owned(t)
    check.equal(t.rank, 3)
    check.equal(t.dim[2], 4)
    local bool = path:find("b1", 1, true)
    for i = 0, 23 do check.equal(t.data[i], bool and math.min(i, 1) or i, path) end
    count = count + 1
  end
  check.equal(count, 30)
  local b = assert(load(folder .. "/n.npz"))
  check.equal(C.ra_bundle_count(b), 3)
  check.equal(assert(tensor_of(b, "b")).data[23], 23)
  check.equal(assert(tensor_of(b, "é")).data[0], 3)
  b = assert(load(folder .. "/nc.npz"))
  check.equal(assert(tensor_of(b, "z")).size, 10000)
  check.equal(assert(tensor_of(b, "a")).data[5], 5)
end)

check.case("npy, npz: NumPy reads what is written here", function()
  local b = bundle()
  ok(C.ra_bundle_add(b, "layer.weight", make(function(i) return i * 0.5 end, 3, 5)))
  ok(C.ra_bundle_add(b, "ü", make(function(i) return i end, 7)))
  ok(C.ra_bundle_add_bytes(b, "blob", "abc", 3))
  ok(C.ra_bundle_save(b, folder .. "/w.npz", "npz"))
  ok(C.ra_npy_save(folder .. "/w.npy", make(function(i) return -i end, 2, 2)))
  local script = write(folder .. "/check.py", [[
import numpy as np, sys
z = np.load(sys.argv[1] + '/w.npz')
assert sorted(z.files) == ['blob', 'layer.weight', 'ü'], z.files
assert (z['layer.weight'] == np.arange(15).reshape(3, 5) * 0.5).all() and z['layer.weight'].dtype == np.float32
assert z['blob'].tobytes() == b'abc'
assert (np.load(sys.argv[1] + '/w.npy') == -np.arange(4).reshape(2, 2)).all()
]])
  check.equal(os.execute(python() .. " " .. script .. " " .. folder), 0)
  b = assert(load(folder .. "/w.npz"))
  check.equal(assert(tensor_of(b, "ü")).data[6], 6)
end)

check.case("npy: hostile files are refused by message", function()
  local good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
  check.ok(parse(npy(good, ("\0"):rep(8))))
  check.ok(parse(npy(good, ("\0"):rep(8), 2)))
  local function with(a, b) return (good:gsub(a, b)) end
  local eight = ("\0"):rep(8)
  local hostile = {
    "\147NUMPY", "\147NUMPY\1", "\147NUMPY\1\0", "\147NUMPY\1\0\255\255{", npy(good, eight, 4), npy(good, "\0"),
    npy(good, eight .. "x"),
    npy(with("<f4", "|O"), eight), npy(with("<f4", "<c8"), eight), npy(with("'<f4'", "[('a', '<f4')]"), eight),
    npy(with("<f4", ""), eight), npy(with("<f4", "f4"), eight), npy(with("<f4", "<U4"), eight),
    npy(with("False", "Maybe"), eight),
    npy(with("%(2,%)", "(-2,)"), eight), npy(with("%(2,%)", "(2)"), eight), npy(with("%(2,%)", "2"), eight),
    npy(with("%(2,%)", "(99999999999999999999,)"), eight), npy(with("%(2,%)", "(4611686018427387904, 4)"), eight),
    npy(with("%(2,%)", "(9223372036854775807, 2)"), eight), npy(with("%(2,%)", "(1,1,1,1,1,1,1,1,2)"), eight),
    npy(with("%(2,%)", "(2,"), eight), npy("", eight), npy("{}", eight), npy("{'descr': '<f4'}", eight), npy(good .. "x", eight),
    npy(with("}", ""), eight), npy(with("descr", "what"), eight), npy(with("'shape'", "'descr'"), eight),
    npy(with("<f4", ("<"):rep(300)), eight),
  }
  for i, bytes in ipairs(hostile) do
    local b, message = parse(bytes)
    check.ok(b == nil, "hostile file " .. i .. " was accepted")
    check.ok(#message > 10)
  end
end)

check.case("npz: hostile files are refused; flips and cuts never crash", function()
  local b = bundle()
  ok(C.ra_bundle_add(b, "a", make(function(i) return i end, 4, 4)))
  ok(C.ra_bundle_save(b, folder .. "/h.npz", "npz"))
  local bytes = read(folder .. "/h.npz")
  local buffer, bxor = ffi.new("uint8_t[?]", #bytes), require("bit").bxor
  ffi.copy(buffer, bytes, #bytes)
  local silent = 0
  for at = 0, #bytes - 1 do
    for bit = 0, 7 do
      buffer[at] = bxor(buffer[at], 2 ^ bit)
      local p = C.ra_bundle_parse(buffer, #bytes)
      if p ~= nil then -- a date, say; the numbers must be right then
        silent = silent + 1
        local t = C.ra_bundle_tensor(p, 0)
        if t == nil or t.size ~= 16 or t.data[15] ~= 15 then error("wrong numbers after a flip in byte " .. at) end
        C.ra_tensor_release(t)
        C.ra_bundle_release(p)
      end
      buffer[at] = bxor(buffer[at], 2 ^ bit)
    end
  end
  check.ok(silent < #bytes * 8 / 2, silent .. " flips went unnoticed")
  for size = 0, #bytes - 1 do
    local p = C.ra_bundle_parse(buffer, size)
    if p ~= nil then error("a cut after " .. size .. " bytes went unnoticed") end
  end
  if os.execute(("python3 - %s <<'END' 2>/dev/null\nimport sys, zipfile\nn = 25000000\n"
    .. "h = b\"{'descr': '<f4', 'fortran_order': False, 'shape': (%%d,), }\" %% n\n"
    .. "h += b' ' * (117 - len(h)) + b'\\n'\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n"
    .. "z.writestr('a.npy', b'\\x93NUMPY\\1\\0' + bytes([len(h), 0]) + h + bytes(4 * n))\nEND"):format(folder .. "/bomb.npz")) == 0 then
    check.fails("unpacks to more than a file of its size may", load, folder .. "/bomb.npz")
  end
  check.ok(parse("PK\3\4") == nil)
  check.ok(parse("PK\5\6" .. ("\0"):rep(18)), "an empty archive is a bundle of nothing")
  if os.execute("command -v zip >/dev/null") == 0 then
    write(folder .. "/x.txt", "hello")
    os.execute("cd " .. folder .. " && zip -q t.zip x.txt")
    check.fails("not a .npy array", load, folder .. "/t.zip")
    write(folder .. "/bad.npy", "hello")
    os.execute("cd " .. folder .. " && zip -q t2.zip bad.npy")
    check.fails("magic", load, folder .. "/t2.zip")
  end
end)

check.case("load: folders, absent files and unknown formats", function()
  check.fails("No such file", load, folder .. "/absent")
  check.fails("a folder", load, folder)
  check.fails("safetensors", load, write(folder .. "/text", "hello, this is not a number"))
  check.ok(C.ra_bundle_save(sample(), folder .. "/x", "tar") ~= 0)
end)

check.case("an array is read into a tensor of its shape", function()
  local safetensors, tensor = require "ramus.lang.safetensors", require "ramus.lang.tensor"
  local path = check.folder("read_into") .. "/a.safetensors"
  assert(safetensors.save(path, { w = tensor.of { { 1, 2, 3 }, { 4, 5, 6 } }, bytes = "\1\2" }))
  local file = assert(safetensors.load(path))
  local t = tensor.empty(2, 3):fill(9)
  check.ok(file:read("w", t))
  check.equal(t:get(2, 3), 6)
  check.fails("'w' has shape [2,3], wanted [3,2]", file.read, file, "w", tensor.empty(3, 2))
  check.fails("holds no array 'v'", file.read, file, "v", t)
  check.fails("contiguous", file.read, file, "w", tensor.empty(2, 4):narrow(2, 1, 3))
  check.raises("wants a tensor to fill, got nil", file.read, file, "w")
  local two = tensor.empty(2)
  check.ok(file:read("bytes", two))
  check.equal(two:get(2), 2)
end)

check.case("names: doubles, empty and reserved ones are refused", function()
  local b, t = bundle(), make(function() return 1 end, 1)
  ok(C.ra_bundle_add(b, "a", t))
  for _, name in ipairs { "a", "", "__metadata__" } do check.ok(C.ra_bundle_add(b, name, t) ~= 0, name) end
  check.ok(C.ra_bundle_set_meta(b, "ramus.sha256", "x") ~= 0)
  ok(C.ra_bundle_set_meta(b, "bad", "\255\254"))
  check.ok(C.ra_bundle_save(b, folder .. "/utf8.safetensors", "safetensors") ~= 0)
  check.ok(ffi.message():find("UTF-8", 1, true))
  check.ok(not exists(folder .. "/utf8.safetensors"))
end)

local function save_fails(part, path, format)
  local b = bundle()
  ok(C.ra_bundle_add(b, "a", make(function(i) return i end, 400, 400)))
  check.ok(C.ra_bundle_save(b, path, format) ~= 0, "saved into " .. path)
  local message = ffi.message()
  check.ok(message:find(part, 1, true), message)
end

check.case("save: a full disk and a read-only folder leave the old file as it was", function()
  for _, format in ipairs { "safetensors", "npz" } do
    save_fails("No space left", "/dev/full", format)
    save_fails("No such file", folder .. "/no/such/folder/x", format)
    save_fails("directory", folder, format)
  end
  local disk = check.folder("small")
  local mounted = os.execute("mount -t tmpfs -o size=64k none " .. disk .. " 2>/dev/null") == 0
  if not mounted then check.skip("cannot mount a small disk") end
  local done, err = pcall(function()
    for _, format in ipairs { "safetensors", "npz" } do
      local path = disk .. "/x." .. format
      ok(C.ra_bundle_save(sample(), path:gsub("npz", "safetensors"), "safetensors"))
      write(path, "old")
      save_fails("No space left", path, format)
      check.equal(read(path), "old")
      check.ok(not exists(path .. ".part"), "the part was left")
    end
    os.execute("mount -o remount,ro " .. disk)
    save_fails("Read-only", disk .. "/x.npz", "npz")
    save_fails("Read-only", disk .. "/new.safetensors", "safetensors")
    check.equal(read(disk .. "/x.npz"), "old")
  end)
  os.execute("umount " .. disk)
  if not done then error(err, 0) end
end)

check.case("save: through a symbolic link, over a part left by a killed process", function()
  local target, link = folder .. "/target.npy", folder .. "/link.npy"
  write(target, "old")
  os.execute("ln -s target.npy " .. link)
  write(target .. ".part", ("garbage"):rep(1000))
  ok(C.ra_npy_save(link, make(function(i) return i end, 3)))
  check.equal(#read(target), 128 + 12)
  check.ok(not exists(target .. ".part"))
  check.equal(os.execute("test -L " .. link), 0)
end)

check.case("ra.save and ra.load: by content, names kept, mistakes are errors", function()
  local serialize, tensor = require "ramus.lang.serialize", require "ramus.lang.tensor"
  local t = tensor.ones(2, 3)
  assert(serialize.save(folder .. "/s.npy", t))
  check.equal(#assert(serialize.load(folder .. "/s.npy")).shape, 2)
  ok(C.ra_npy_save(folder .. "/one.npy", make(function() return 4 end)))
  local one = assert(serialize.load(folder .. "/one.npy"))
  check.equal(#one.shape, 1)
  check.equal(one:get(1), 4)
  for _, ending in ipairs { "npz", "safetensors" } do
    assert(serialize.save(folder .. "/s." .. ending, { a = t, ["b.c"] = tensor.zeros(4) }))
    os.rename(folder .. "/s." .. ending, folder .. "/renamed.bin")
    local back = assert(serialize.load(folder .. "/renamed.bin"))
    check.equal(back.a:get(2, 3), 1)
    check.equal(back["b.c"].shape[1], 4)
  end
  check.raises("single tensor", serialize.save, folder .. "/s.npz", t)
  check.raises("table of tensors", serialize.save, folder .. "/s.npy", { a = t })
  check.raises("'a' is a number", serialize.save, folder .. "/s.npz", { a = 1 })
  check.fails("No such file", serialize.load, folder .. "/absent.npy")
  check.fails("No such file", serialize.save, folder .. "/no/such/x.npy", t)
end)

check.case("safetensors in Lua: bytes, metadata, lazy arrays", function()
  local safetensors, tensor = require "ramus.lang.safetensors", require "ramus.lang.tensor"
  local path = folder .. "/lua.safetensors"
  assert(safetensors.save(path, { w = tensor.ones(3), source = "return {}\0" }, { epoch = 3, note = "é" }))
  local file = assert(safetensors.load(path))
  check.ok(file.checked)
  check.equal(file:bytes("source"), "return {}\0")
  check.equal(file:dtype("source"), "U8")
  check.equal(file.meta.epoch, "3")
  check.equal(file.meta.note, "é")
  check.equal(file.tensors.w:get(3), 1)
  check.ok(file:has("w") and not file:has("v"))
  check.fails("no array 'v'", file.get, file, "v")
end)

check.case("every failing allocation is a message and leaks nothing", function()
  local path = folder .. "/oom."
  ok(C.ra_bundle_save(sample(), path .. "safetensors", "safetensors"))
  ok(C.ra_bundle_save(sample(), path .. "npz", "npz"))
  ok(C.ra_npy_save(path .. "npy", make(function(i) return i end, 3)))
  local source = sample()
  local function everything()
    local b
    for _, ending in ipairs { "safetensors", "npz", "npy" } do
      b = C.ra_bundle_load(path .. ending)
      if b == nil then return false end
      local t = C.ra_bundle_tensor(b, 0)
      C.ra_bundle_release(b)
      if t == nil then return false end
      local fine = C.ra_npy_save(path .. "out", t) == 0
      C.ra_tensor_release(t)
      if not fine then return false end
    end
    if C.ra_bundle_save(source, path .. "out", "safetensors") ~= 0 then return false end
    if C.ra_bundle_save(source, path .. "out", "npz") ~= 0 then return false end
    b = C.ra_bundle_new()
    if b == nil then return false end
    local fine = C.ra_bundle_add_bytes(b, "b", "xyz", 3) == 0 and C.ra_bundle_set_meta(b, "k", "v") == 0
    C.ra_bundle_release(b)
    return fine and C.ra_sha256_file(path .. "npy", ffi.new("char[65]")) == 0
  end
  collectgarbage()
  collectgarbage()
  local live, n = C.ra_mem_live(), 0
  repeat
    C.ra_mem_fail_after(n)
    local fine = everything()
    C.ra_mem_fail_after(-1)
    check.equal(C.ra_mem_live(), live, "bytes after failing allocation " .. n)
    n = n + 1
  until fine or n > 1000
  check.ok(n > 30 and n < 1000, n .. " allocations")
end)
