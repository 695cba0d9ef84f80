--- What `ramus doctor` finds: this build, the machine, where data goes, and what to do about what is missing.
--
--   doctor.look { data_root =, offline = }    a table of plain values, with `advice`, a list of sentences
--   doctor.lines(d)                           the same for people
local dataset = require "ramus.data.dataset"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local process = require "ramus.base.process"
local show = require "ramus.base.show"
local C = ffi.C

local doctor = {}

--- Bytes that are little for data sets and runs; seconds to wait for a server.
local LITTLE, PATIENCE = 2e9, 5

--- Number of processors and bytes of memory that are free; nil where the system does not say.
local function machine()
  local cpus = select(2, ("\n" .. (files.read "/proc/cpuinfo" or "")):gsub("\nprocessor%s*:", ""))
  local free = (files.read "/proc/meminfo" or ""):match "MemAvailable:%s*(%d+)"
  return cpus > 0 and cpus or nil, free and tonumber(free) * 1024
end

--- Bytes that are free on the disk of a path, of which the folder may not be there yet; nil where df does not say.
local function disk(path)
  while not files.is_folder(path) and path:match "/" do path = files.split(path) end
  local pipe = io.popen(("df -Pk '%s' 2>/dev/null"):format((path == "" and "/" or path):gsub("'", [['\'']])))
  local line = pipe and pipe:read "*a" or ""
  if pipe then pipe:close() end
  local free = line:match "\n%S+%s+%d+%s+%d+%s+(%d+)"
  return free and tonumber(free) * 1024
end

--- Whether a file can be made in a folder, or in the nearest one above that is there.
local function is_writable(path)
  while not files.is_folder(path) and path:match "/" do path = files.split(path) end
  local name = ("%s/.ramus-doctor-%d"):format(path, os.time())
  local file = io.open(name, "w")
  if file then file:close() end
  os.remove(name)
  return file ~= nil
end

--- "reached", or why no server of a data set was; nil where it is not asked.
local function network(offline)
  if offline then return nil end
  for _, d in ipairs(dataset()) do
    local file = type(d.definition) == "table" and type(d.definition.files) == "table" and d.definition.files[1]
    local url = file and file.urls and file.urls[1]
    if url then
      local answer = ffi.new "ra_probe"
      if C.ra_probe_url(url, PATIENCE, answer) ~= 0 then return ffi.message() end
      return answer.reached and "reached" or ffi.string(answer.problem), url:match "^%w+://([^/]+)"
    end
  end
end

local function terminal()
  local columns, rows = ffi.terminal_size(1)
  local is = ffi.is_terminal(1)
  local colour = is and os.getenv "NO_COLOR" == nil and os.getenv "TERM" ~= "dumb"
  return { is_terminal = is, columns = is and columns or nil, rows = is and rows or nil, term = os.getenv "TERM" or "", colour = colour }
end

--- Milliseconds of a small U-Net, the fastest of three.
local function small_net()
  local ra = require "ramus"
  local net, x, best = ra.models.unet { depth = 3, width = 8 }, ra.rand(1, 1, 128, 128), math.huge
  for _ = 1, 3 do
    local start = C.ra_clock()
    net:forward(x)
    best = math.min(best, C.ra_clock() - start)
  end
  return 1e3 * best
end

local function advice_of(d)
  local list = {}
  local function add(wanted, text, ...) if wanted then list[#list + 1] = text:format(...) end end
  add(d.blas == "none", "nets with attention are slower without OpenBLAS: install libopenblas0, or unset RAMUS_BLAS")
  add(d.isa == "generic", "the generic kernels are much slower: RAMUS_ISA chooses others where the processor has AVX2")
  add(d.processors and d.threads < d.processors, "%d of %d processors are used: RAMUS_THREADS=%d uses all", d.threads, d.processors or 0, d.processors or 0)
  add(d.memory_free and d.memory_free < 1e9, "little memory is free: choose a smaller data.batch or data.size")
  add(not d.data_root_writable, "nothing can be written to %s: set RAMUS_DATA to a folder of yours", d.data_root)
  add(d.disk_free and d.disk_free < LITTLE, "little room on the disk of %s: ramus gc says what can go; RAMUS_DATA puts data elsewhere", d.data_root)
  add(d.network and d.network ~= "reached", "no server was reached: ramus fetch SET --from PATH takes files that came another way; RAMUS_MIRROR names a mirror")
  return json.list(list)
end

function doctor.look(o)
  local build = require "ramus.base.build"
  local root = dataset.root(o.data_root)
  local d = { version = build.version, commit = build.commit, kernels = build.kernels, luajit = jit.version, compiler = ffi.string(C.ra_compiler()),
    isa = ffi.string(C.ra_isa()), blas = ffi.string(C.ra_blas()), threads = C.ra_threads(), processor = process.processor(), data_root = root,
    data_root_exists = files.is_folder(root), data_root_writable = is_writable(root), disk_free = disk(root), cache = files.cache(), terminal = terminal(),
    small_unet_ms = small_net() }
  d.processors, d.memory_free = machine()
  d.network, d.network_host = network(o.offline)
  d.advice = advice_of(d)
  return d
end

function doctor.lines(d)
  local t = d.terminal
  local rows = {
    { "build", ("ramus %s, commit %s, kernels %s, %s, %s"):format(d.version, d.commit, d.kernels, d.luajit, d.compiler) },
    { "processor", ("%s, %s processors, %s kernels, %d threads (RAMUS_ISA, RAMUS_THREADS change that)"):format(d.processor, tostring(d.processors or "?"),
      d.isa, d.threads) },
    { "products", d.blas == "none" and "our own loops: no libopenblas.so.0" or d.blas .. " (RAMUS_BLAS=none turns it off)" },
    { "memory", d.memory_free and show.bytes(d.memory_free) .. " free" or "unknown" },
    { "speed", ("%.1f ms for a small U-Net on 128x128"):format(d.small_unet_ms) },
    { "data root", ("%s%s%s"):format(d.data_root, d.data_root_exists and "" or " (not there yet)", d.data_root_writable and "" or ", cannot be written") },
    { "disk", d.disk_free and show.bytes(d.disk_free) .. " free there" or "unknown" },
    { "cache", d.cache or "none: HOME is not set" },
    { "network", d.network and (d.network_host and d.network_host .. ": " or "") .. d.network or "not asked" },
    { "terminal", t.is_terminal and ("%dx%d, TERM=%s, colour %s"):format(t.columns, t.rows, t.term, t.colour and "on" or "off") or "none" },
  }
  local lines = show.columns(rows)
  for _, text in ipairs(d.advice) do lines[#lines + 1] = "advice: " .. text end
  return lines
end

return doctor
