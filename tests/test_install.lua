--- make install and make uninstall leave nothing behind; with make test-all the Debian package in a clean system of its own, and the rock.
local check = require "check"
local files = require "ramus.base.files"
local processes = require "processes"
local sh = processes.sh

local folder = check.folder "install"
local root = check.root
local in_tree = processes.executable(root):find("build/ramus$") ~= nil
local all = os.getenv "RAMUS_TEST_ALL"

local function must(command)
  local text, status = sh(command)
  check.equal(status, 0, command .. "\n" .. text)
  return text
end

local function has(program) return select(2, sh("command -v " .. program)) == 0 end

check.case("make install, make uninstall: manual page and completions in place, then nothing of Ramus' is left", function()
  if not in_tree then check.skip "one build is enough" end
  local prefix = folder .. "/stage/usr"
  assert(files.make_folder(prefix .. "/bin"))
  assert(files.write(prefix .. "/bin/other", "x"))
  must(("make -C %s --no-print-directory install DESTDIR=%s/stage PREFIX=/usr"):format(root, folder))
  for _, path in ipairs { "bin/ramus", "lib/libramus.so", "include/ramus/api.h", "lib/pkgconfig/ramus.pc", "share/man/man1/ramus.1",
    "share/bash-completion/completions/ramus", "share/zsh/site-functions/_ramus", "share/fish/vendor_completions.d/ramus.fish" } do
    check.ok(files.is_file(prefix .. "/" .. path), path)
  end
  check.ok(must(prefix .. "/bin/ramus --version"):find "^ramus %d")
  if has "man" then check.ok(must(("man -M %s/share/man ramus | cat"):format(prefix)):find("EXIT STATUS", 1, true)) end
  local said = must(("make -C %s --no-print-directory uninstall DESTDIR=%s/stage PREFIX=/usr"):format(root, folder))
  check.ok(said:find("left as they are: data sets in /", 1, true), said)
  check.ok(said:find("gc --all", 1, true), said)
  check.equal(must(("find %s -type f"):format(prefix)), prefix .. "/bin/other\n")
end)

check.case("make dist: a tarball of what is committed, which knows its commit and builds without git; other changes are refused", function()
  if not in_tree or not has "git" or not files.exists(root .. "/.git") then check.skip "no git" end
  local clone = folder .. "/clone"
  must(("git clone -q --depth 1 file://%s %s && cp %s/Makefile %s/"):format(files.absolute(root), clone, root, clone))
  must(("cd %s && git -c user.name=x -c user.email=x@x commit -qam x --allow-empty"):format(clone))
  local path = must(("make -C %s --no-print-directory dist"):format(clone)):match "build/ramus%-%S+%.tar%.gz"
  must(("mkdir %s/dist && tar -C %s/dist --strip-components=1 -xf %s/%s"):format(folder, folder, clone, path))
  local inside = must(("cd %s/dist && find . -type f -o -type l | sed 's,^./,,' | grep -v '^dist-info$' | sort"):format(folder))
  check.equal(inside, must(("cd %s && git ls-files | sort"):format(clone)))
  local commit = must(("git -C %s rev-parse --short=12 HEAD"):format(clone)):gsub("%s", "")
  must(("make -C %s/dist --no-print-directory build/release/build_info.h"):format(folder))
  local info = assert(files.read(folder .. "/dist/build/release/build_info.h"))
  check.ok(info:find(('RA_BUILD_COMMIT "%s"'):format(commit), 1, true), info)
  check.ok(info:find(('RA_BUILD_VERSION "%s"'):format(path:match "ramus%-(%S+)%.tar%.gz"), 1, true), info)
  must(("echo x >>%s/README.md"):format(clone))
  local said, status = sh(("make -C %s --no-print-directory dist"):format(clone))
  check.ok(status ~= 0 and said:find("not committed", 1, true), said)
  if not all then return end
  must(("make -C %s/dist --no-print-directory -j2 build"):format(folder))
  check.ok(must(("%s/dist/build/ramus --version"):format(folder)):find(commit, 1, true))
end)

check.case("make deb: the package installs in a clean system, works there, and goes again", function()
  if not all then check.skip "only with RAMUS_TEST_ALL: it makes a system of its own" end
  if not in_tree or not has "mmdebstrap" or sh "id -u" ~= "0\n" then check.skip "no mmdebstrap, or not root" end
  local package = must(("make -C %s --no-print-directory deb"):format(root)):match "(build/ramus_%S+%.deb)"
  local place = folder .. "/system"
  local codename = assert(files.read "/etc/os-release"):match "VERSION_CODENAME=(%w+)"
  local text, status = sh(("mmdebstrap --quiet --variant=apt --mode=root %s %s"):format(codename, place))
  if status ~= 0 then check.skip("mmdebstrap made no system: " .. text:sub(-200)) end
  must(("cp %s/%s %s/ramus.deb && cp /etc/resolv.conf %s/etc/"):format(root, package, place, place))
  -- /proc of its own, which goes with the process
  assert(files.write(folder .. "/inside.sh", ([[#!/bin/sh
mount -t proc proc %s/proc && exec chroot %s env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
]]):format(place, place)))
  local inside = ("unshare -mpf sh %s/inside.sh "):format(folder)
  if select(2, sh(inside .. "true")) ~= 0 then check.skip "unshare is not allowed here" end
  must(inside .. "apt-get update")
  must(inside .. "apt-get install -y --no-install-recommends /ramus.deb")
  check.ok(must(inside .. "ramus --version"):find "^ramus %d")
  must(inside .. "ramus fetch phantom --set size=64 --set train=4 --set test=2 --offline")
  must(inside .. "ramus -e 'print(ra.datasets()[1].name, require(\"cjson\").encode{1})'")
  must(inside .. [[sh -c 'cat >/recipe.lua <<END
local ra = require "ramus"
return { name = "x", data = { set = "phantom", options = { size = 64, train = 4, test = 2 }, batch = 2 }, model = ra.models.unet { depth = 2, width = 4 },
  supervise = { { at = "out", loss = ra.loss.dice {} } }, optim = ra.optim.adamw { lr = 1e-3 }, epochs = 1 }
END
ramus train /recipe.lua --run /run_x --offline && ramus export /run_x /x.onnx']])
  check.ok(files.is_file(place .. "/x.onnx"))
  must(inside .. "apt-get remove -y ramus")
  check.equal((sh(inside .. "sh -c 'command -v ramus; ls /usr/share/ramus /usr/lib/libramus.so 2>/dev/null'")), "")
  check.ok(files.is_folder(place .. "/root/.local/share/ramus"), "the user's data are still there")
  must("rm -rf " .. place)
end)

check.case("make rockspec: LuaRocks builds it, and LuaJIT requires what it installed", function()
  if not all then check.skip "only with RAMUS_TEST_ALL: it copies and builds the tree" end
  if not in_tree or not has "luarocks" or not has "luajit" then check.skip "no luarocks or no luajit" end
  local rockspec = must(("make -C %s --no-print-directory rockspec"):format(root)):match "(build/ramus%S+%.rockspec)"
  must(("cd %s && luarocks lint %s"):format(root, rockspec))
  local text = must(("cd %s && luarocks --lua-version 5.1 --tree %s/rocks make --deps-mode none %s"):format(root, folder, rockspec))
  check.ok(text:find("is now installed", 1, true), text)
  text = must(([[cd / && LUA_PATH='%s/rocks/share/lua/5.1/?.lua;%s/rocks/share/lua/5.1/?/init.lua;;' luajit -e '
local ra = require "ramus"; print(ra.ones(2, 3):stats().sum or ra.ones(2, 3).size, ra.datasets.find("phantom").name)']]):format(folder, folder))
  check.ok(text:find("6%s+phantom"), text)
end)
