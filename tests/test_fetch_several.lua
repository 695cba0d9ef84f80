--- Several sets at once: downloads run beside each other, one that fails stops no other, the command's lines and status.
local check = require "check"
local dataset = require "ramus.data.dataset"
local fetch = require "ramus.data.fetch"
local files = require "ramus.base.files"
local folder = check.folder("several")
local served = folder .. "/served"
os.execute("mkdir -p " .. served)
local servers = require "servers" (folder, served)
local toys = require "toy_sets" (folder, served)

check.case("several: downloads run beside each other; one that fails stops no other", function()
  local url = servers.bad()
  for i, name in ipairs { "a", "b", "c" } do
    local path = toys.pack(name .. ".tar.gz", 10 * i)
    toys.define(name, { sha256 = dataset.sha256_file(path), urls = { ("%s/%s/%s.tar.gz"):format(url, name == "b" and "wrong" or "halves", name) } })
  end
  local root, have, beside, order = check.folder("several_root"), {}, false, {}
  local results = fetch.several({ "a", "b", "c" }, { data_root = root, wait = 0.01, tries = 2, progress = function(i, p)
    have[i] = p.stage == "download" and p.bytes > 0 and p.bytes < p.total
    beside = beside or have[1] and have[3]
  end }, function(i, where, err)
    order[#order + 1] = i
    check.ok((where ~= nil) == (err == nil))
  end)
  check.ok(beside, "at no time were both under way")
  check.equal(results[1].folder, root .. "/a")
  check.equal(results[3].folder, root .. "/c")
  check.ok(not results[2].folder and results[2].error:find("sha256", 1, true), results[2].error)
  check.equal(order[1], 2)
  check.equal(files.read(root .. "/c/1.pgm"), "P2\n2 1\n255\n30 1\n")
end)

check.case("several: two names of one set wait for each other; a defect is a message of its set", function()
  local path = toys.pack("d.tar.gz", 40)
  toys.define("d", { sha256 = dataset.sha256_file(path), urls = { servers.bad() .. "/halves/d.tar.gz" } })
  local def = toys.define("e", { sha256 = dataset.sha256_file(path), urls = { "file://" .. path } })
  def.prepare = function() return nil .. "x" end
  local root = check.folder("several_same")
  local results = fetch.several({ "d", "d", "e" }, { data_root = root })
  check.equal(results[1].folder, root .. "/d")
  check.equal(results[2].folder, root .. "/d")
  check.ok(results[3].error:find("attempt to concatenate", 1, true), results[3].error)
  assert(require("ramus.base.files").lock(root .. "/.e.lock"))()
end)

--- Runs the command; returns its status, standard output and error.
local function ramus(arguments)
  local out, err = folder .. "/out", folder .. "/err"
  local binary = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus")
  local status = os.execute(("%s %s --data-root %s >%s 2>%s </dev/null"):format(binary, arguments, folder .. "/cli", out, err))
  return math.floor(status / 256), files.read(out), files.read(err)
end

check.case("ramus fetch A B C: a line per step, a summary, status 1; wrong use is 2 before anything begins", function()
  local path = toys.pack("f.tar.gz", 50)
  for _, name in ipairs { "f", "g" } do
    assert(files.write(("%s/%s.lua"):format(folder, name), ([[
local list = {}
for i = 1, 2 do list[2 * i - 1], list[2 * i] = { path = i .. ".pgm" }, { path = i .. "_gt.pgm" } end
return { name = %q, files = { { name = "f.tar.gz", unpack = true, urls = { "file://%s" } } }, editions = { { name = "full", files = list } },
  open = function(where) return require("ramus.data.dataset").pair(where, { image = "^(%%d+)%%.pgm$", mask = "^(%%d+)_gt%%.pgm$" }) end }
]]):format(name, name == "f" and path or served .. "/absent")))
  end
  local words = ("fetch %s/f.lua %s/g.lua phantom"):format(folder, folder)
  local status, out, err = ramus(words)
  check.equal(status, 1)
  for _, part in ipairs { "f: download f.tar.gz from file://" .. path, "f: unpack ", "f: prepare f", "f: the publisher of f.tar.gz gives no checksum; pinned",
    "f: is in " .. folder .. "/cli/f", "phantom: is in ", "g: failed, see the end" } do
    check.ok(out:find(part, 1, true), ("no '%s' in: %s"):format(part, out))
  end
  check.ok(err:find("data set g: could not fetch f.tar.gz", 1, true) and err:find("1 of 3 sets could not be fetched: g", 1, true), err)
  status, out = ramus(words .. " --json")
  check.equal(status, 1)
  local list = require("cjson").decode(out)
  check.equal(list[1].folder, folder .. "/cli/f")
  check.ok(list[2].name == "g" and list[2].error and not list[2].folder)
  check.equal((ramus(("fetch %s/f.lua phantom"):format(folder))), 0)
  for arguments, part in pairs { [("fetch %s/f.lua nosuch"):format(folder)] = "unknown data set", ["fetch phantom cimat80 --from x"] = "one data set",
    ["fetch cimat80 phantom --set size=3"] = "one data set", fetch = "at least one data set" } do
    status, out, err = ramus(arguments)
    check.equal(status, 2, arguments)
    check.ok(out == "" and err:find(part, 1, true), err)
  end
end)

check.case("at a terminal each set has one live line, drawn over itself", function()
  if os.execute("command -v script >/dev/null 2>&1") ~= 0 then check.skip("no script") end
  local binary = os.getenv("RAMUS_BIN") or (check.root .. "/build/ramus")
  local command = ("%s fetch phantom cimat80 --offline --again --data-root %s/terminal"):format(binary, folder)
  os.execute(("script -qc '%s' %s/typescript >/dev/null </dev/null"):format(command, folder))
  local text = files.read(folder .. "/typescript")
  check.ok(text:find("\27[2A", 1, true), text) -- back over both lines
  local last = text:match(".*\27%[2A\r\27%[J(.*)")
  check.ok(last:find("phantom  is in ", 1, true) and last:find("cimat80  failed, see the end", 1, true), last)
end)

servers.close()
