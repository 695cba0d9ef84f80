--- The release build itself: position-independent, nothing both writable and executable, tables of functions read-only, checked copies and a
-- stack protector.
local check = require "check"
local processes = require "processes"
local sh = processes.sh

local binary = processes.executable(check.root)
local possible = not os.getenv "RAMUS_SANITIZED" and select(2, sh "readelf --version") == 0

--- What readelf and nm say of a file.
local function facts(path)
  return { header = sh("readelf -hlW " .. path), dynamic = sh("readelf -dW " .. path), symbols = sh("nm -D " .. path) }
end

local function hardened(path)
  local f = facts(path)
  check.ok(f.header:find("Type: +DYN"), path .. " is not position-independent")
  check.ok(f.header:find "GNU_RELRO", path .. ": no RELRO")
  check.ok(f.dynamic:find "BIND_NOW" or f.dynamic:find "Flags: NOW", path .. ": functions are bound late, so their table stays writable")
  local flags = f.header:match "GNU_STACK[^\n]*"
  check.ok(flags and not flags:find " RWE ", path .. ": an executable stack: " .. tostring(flags))
  for line in f.header:gmatch "LOAD[^\n]*" do check.ok(not line:find " RWE ", path .. ": writable and executable: " .. line) end
  check.ok(f.symbols:find "__stack_chk_fail", path .. ": no stack protector")
  check.ok(f.symbols:find "__memcpy_chk" or f.symbols:find "__snprintf_chk" or f.symbols:find "__vsnprintf_chk", path .. ": no _FORTIFY_SOURCE")
end

check.case("hardening: the executable and the library", function()
  if not possible then check.skip "needs readelf, and a release build" end
  hardened(binary)
  hardened(binary:gsub("[^/]*$", "") .. "release/libramus.so")
end)

check.case("hardening: memory that runs out in Lua, where LuaJIT calls no handler, is said and is status 1", function()
  local guarded, always = require "ramus.base.guarded", require "ramus.base.always"
  local function exhaust() return ("x"):rep(2 ^ 31 - 1) end
  local ok, err = guarded(exhaust, function() return {} end)
  check.ok(not ok and err.text == "not enough memory" and err.status == 1, tostring(err.text))
  local released = false
  ok, err = pcall(always, exhaust, function() released = true end)
  check.ok(not ok and err == "not enough memory" and released, tostring(err))
  local text, status = sh(("'%s' -e '(\"x\"):rep(2^31-1)' 2>&1"):format(binary))
  check.equal(status, 1, text)
  check.ok(text:find("^ramus: [^\n]*not enough memory\n$"), text)
  text, status = sh(("echo '(\"x\"):rep(2^31-1)' | '%s' 2>&1"):format(binary))
  check.ok(status == 1 and text:find("error: not enough memory", 1, true), "at the prompt: " .. text)
  local command = require "ramus.cli.command"
  local said
  local complain = command.complain
  command.complain = function(what) said = what end
  status = command.finish({ name = "ls", run = exhaust }, {}, {})
  command.complain = complain
  check.equal(status, 1)
  check.equal(said, "not enough memory")
end)
