--- The border to C: the only file that declares and loads the core.
-- Finds the library (linked into the executable, or libramus.so for a plain LuaJIT), reads api.h, compares its text with the library's.
-- Returns what LuaJIT's own ffi has (new, string, gc, ...) with C = the core behind its checks (border.lua), and message,
-- own, make_room.
local border = require "ramus.base.border"
local luajit = require "ffi"

local here = debug.getinfo(1, "S").source:match("^@(.*)base/ffi%.lua$") or "./"

local function first_readable(places)
  for _, path in ipairs(places) do
    local file = io.open(path, "r")
    if file then
      file:close()
      return path
    end
  end
  return nil, "none of these exist: " .. table.concat(places, ", ")
end

luajit.cdef "const char *ra_api_text(void); int32_t ra_real_size(void);"

--- The executable exports the core; elsewhere libramus.so is opened.
local function open_library()
  local linked = pcall(function() return luajit.C.ra_api_text end)
  if linked then return luajit.C end
  local path = assert(first_readable {
    os.getenv("RAMUS_LIB") or here .. "../../build/release/libramus.so",
    here .. "../../build/release/libramus.so", here .. "../../../../lib/libramus.so",
    here .. "libramus.so",
  })
  return luajit.load(path)
end

local C = open_library()

luajit.cdef(C.ra_real_size() == 8 and "typedef double ra_real;" or "typedef float ra_real;")
local api_path = assert(first_readable { here .. "../../core/api.h", here .. "api.h" })
local api = assert(io.open(api_path, "r"))
local text = api:read("*a")
api:close()
if luajit.string(C.ra_api_text()) ~= text then -- the same text: the same functions, constants and struct sizes
  error(("the library was built with another api.h than %s; run make again"):format(api_path), 0)
end

--- Lua sees the fields of a tensor as constants, and the address of its values as a number (ffi.data makes a pointer of it):
-- nothing but the core and this module changes a shape or reads memory without a bound.
local function constant_fields(body)
  return "typedef struct ra_tensor {" .. body:gsub("/%*.-%*/", ""):gsub("ra_real %*data", "const uintptr_t address")
    :gsub("int32_t", "const int32_t"):gsub("%*", "*const ") .. "} ra_tensor;"
end
luajit.cdef((text:gsub("RA_OPT ", ""):gsub("typedef struct ra_tensor {(.-)} ra_tensor;", constant_fields)))

local tensor_type, tensor_pointer = luajit.typeof "ra_tensor", luajit.typeof "ra_tensor *"
local function is_tensor(value) return luajit.istype(tensor_type, value) or luajit.istype(tensor_pointer, value) end

require("ramus.base.talk").clock = C.ra_clock

local ffi = { C = border.checked(C, text, is_tensor), real = C.ra_real_size() == 8 and "double" or "float" }
for _, name in ipairs { "string", "gc", "sizeof", "cast", "typeof", "istype", "copy", "fill" } do ffi[name] = luajit[name] end

--- As of LuaJIT; of a struct that is made of a table, whole numbers are whole.
function ffi.new(kind, ...)
  local init = ...
  if type(init) == "table" and type(kind) == "string" then border.check_fields(kind, init) end
  return luajit.new(kind, ...)
end

local real_pointer = luajit.typeof "ra_real *"

--- The text of api.h.
function ffi.api_text() return text end

--- The values of a tensor as a bare pointer: without bounds, so only for loops inside Ramus. Valid while the tensor lives.
function ffi.data(t)
  if t.storage == nil then error("the tensor was freed; it has no values any more", 2) end
  return luajit.cast(real_pointer, t.address)
end

local hidden = setmetatable({}, { __mode = "k" })

--- Keeps C values behind a Lua object, out of reach of scripts: arrays and structs of C have no bounds. Returns the object.
function ffi.hide(object, value)
  hidden[object] = value
  return object
end

--- What hide kept behind an object; the object itself where nothing.
function ffi.hidden(object) return object ~= nil and hidden[object] or object end

--- The message of the last failure in the core.
function ffi.message() return luajit.string(C.ra_error()) end

luajit.cdef "int isatty(int fd); int ioctl(int fd, unsigned long request, ...);"
local WINDOW_SIZE = 0x5413 -- TIOCGWINSZ of Linux

--- True if a file descriptor (1: standard output) is a terminal.
function ffi.is_terminal(fd) return luajit.C.isatty(fd) == 1 end

--- Columns and rows of the terminal behind a file descriptor; 80 and 24 where it does not say.
function ffi.terminal_size(fd)
  local size = luajit.new "unsigned short[4]"
  if luajit.C.ioctl(fd, WINDOW_SIZE, size) ~= 0 or size[0] == 0 or size[1] == 0 then return 80, 24 end
  return size[1], size[0]
end

--- Width and height of a character in pixels; nil where the terminal does not say.
function ffi.terminal_cell(fd)
  local size = luajit.new "unsigned short[4]"
  if luajit.C.ioctl(fd, WINDOW_SIZE, size) ~= 0 or size[0] == 0 or size[1] == 0 or size[2] == 0 or size[3] == 0 then return nil end
  return math.floor(size[2] / size[1]), math.floor(size[3] / size[0])
end

--- Gives a C struct its methods; once per type.
function ffi.metatype(name, metatable) return luajit.metatype(name, metatable) end

local budget = { limit = 128 * 2 ^ 20, floor = 0 }

--- Called before C memory is allocated for a Lua value: the collector cannot see
-- C bytes, so it is made to run when 128 MB more than after its last run live.
function ffi.make_room(bytes)
  if C.ra_mem_live() + bytes - budget.floor > budget.limit then
    collectgarbage()
    budget.floor = C.ra_mem_live()
  end
end

--- Declares what only tests and benchmarks call (core/testing/api_test.h, which is not installed); returns ffi.C.
function ffi.testing()
  if not ffi.tested then
    local file = assert(io.open(here .. "../../core/testing/api_test.h", "r"))
    luajit.cdef(file:read("*a"))
    file:close()
    ffi.tested = true
  end
  return ffi.C
end

--- A pointer that the collector releases with `release`; nil and the core's message for NULL.
function ffi.own(pointer, release)
  if pointer == nil then return nil, ffi.message() end
  return luajit.gc(pointer, release)
end

--- Releases now what `own` gave, and not when it is collected.
function ffi.release(pointer, release) release(luajit.gc(pointer, nil)) end

return ffi
