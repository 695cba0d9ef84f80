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
