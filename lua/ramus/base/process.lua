--- Processes of one's own, and what this one has used.
--
--   local p = process.start({ "ramus", "study", .. }, { output = "log.txt", environment = { RAMUS_THREADS = "1" } })
--   p:ended()          its exit status (128 + n: ended by signal n; 127: could not be started); nil while it runs
--   p:stop(now)        asks it to end, or ends it
-- A process ends with the one that started it, also where that is killed.
local ffi = require "ramus.base.ffi"
local C = ffi.C

local process = {}
local Process = {}
Process.__index = Process

--- Starts a program; nil and a message on failure. given: output (a file; what the program prints is added to it), environment (a table).
function process.start(args, given)
  local o, list = given or {}, {}
  if o.environment and next(o.environment) then
    list[1] = "env"
    for name, value in pairs(o.environment) do list[#list + 1] = ("%s=%s"):format(name, value) end
  end
  for _, a in ipairs(args) do
    if a:find "%z" then return nil, "process: an argument holds a zero byte" end
    list[#list + 1] = a
  end
  local text = table.concat(list, "\0") .. "\0"
  local handle, err = ffi.own(C.ra_process_start(text, #text, o.output or "/dev/null"), C.ra_process_release)
  if not handle then return nil, err end
  return setmetatable(ffi.hide({}, { handle = handle }), Process)
end

local status = ffi.new("int32_t[1]")

function Process:ended()
  return C.ra_process_ended(ffi.hidden(self).handle, status) and status[0] or nil
end

function Process:stop(now) C.ra_process_stop(ffi.hidden(self).handle, now and true or false) end

--- The file of this program, as it is called to start another of it; nil and a message where it is not ramus.
function process.executable()
  local program = C.ra_program()
  if program == nil then return nil, "the system does not say where this program lies" end
  local path = ffi.string(program)
  if not path:match "/ramus$" then return nil, ("this is %s; wanted the program ramus"):format(path) end
  return path
end

--- The most memory this process ever had, in MB; nil where the system does not say.
function process.peak_memory()
  local file = io.open "/proc/self/status"
  local kb = file and file:read("*a"):match "VmHWM:%s*(%d+)"
  if file then file:close() end
  return kb and tonumber(kb) / 1024
end

--- Seconds that this process' first thread has run, and waited for a processor; nil where the system does not say.
function process.scheduled()
  local file = io.open "/proc/self/schedstat"
  local ran, waited = (file and file:read "*a" or ""):match "^(%d+) (%d+)"
  if file then file:close() end
  if not ran then return nil end
  return tonumber(ran) / 1e9, tonumber(waited) / 1e9
end

--- Name of the processor; "unknown" where the system does not say.
function process.processor()
  local file = io.open "/proc/cpuinfo"
  local name = file and file:read("*a"):match "model name%s*:%s*([^\n]+)"
  if file then file:close() end
  return name or "unknown"
end

return process
