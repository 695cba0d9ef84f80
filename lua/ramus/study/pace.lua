--- How a study uses the processors: one training at a time with all threads, or several with fewer, whichever is faster; and how long cells take.
--
--   pace.choose(study, cell, options)            jobs, threads of each: measured once for a recipe on a machine
--   pace.measure(study, cell, jobs, threads, options)   the mean of probe.run in so many processes at once; nil and a message
-- What was measured is kept below XDG_CACHE_HOME/ramus, by recipe, processor and kernels, unless the machine was busy with something else.
local always = require "ramus.base.always"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local json = require "ramus.base.json"
local part = require "ramus.study.part"
local prepared = require "ramus.data.prepared"
local process = require "ramus.base.process"
local C = ffi.C

local pace = {}

--- Share of the time that other processes may have had the processor for a measurement to be kept.
local BUSY = 0.1
pace.BUSY = BUSY

-- ---- what is kept -----------------------------------------------------------------------

--- The file of a measurement: all that it depends on is in its name.
local function cache_path(c, jobs, threads)
  local folder, scores = files.cache "study", {}
  for i, s in ipairs(c.scores) do scores[i] = s.key end
  local build = require "ramus.base.build"
  local text = json.encode { c.hash, scores, jobs, threads, process.processor(), build.kernels, ffi.string(C.ra_isa()) }
  return folder and ("%s/%s.json"):format(folder, prepared.sha256(text):sub(1, 24))
end

local function read_kept(path)
  local text = path and files.read(path)
  local ok, value = pcall(json.decode, text or "")
  return ok and type(value) == "table" and type(value.step) == "number" and type(value.scoring) == "table" and value or nil
end

local function keep(path, value)
  if path and files.make_folder((files.split(path))) then files.write(path, json.encode(value, 6) .. "\n") end
end

-- ---- measuring --------------------------------------------------------------------------

--- The last line of a file, as JSON; nil and the line where it is none.
local function result_of(log)
  local last
  for line in (files.read(log) or ""):gmatch "[^\n]+" do last = line end
  local ok, value = pcall(json.decode, last or "")
  if ok and type(value) == "table" then return value end
  return nil, last and last:gsub("^ramus: ", "") or "it printed nothing"
end

--- Waits for processes; true, or nil and a message where a signal came.
local function wait_for(children)
  for _, one in ipairs(children) do
    while not one.child:ended() do
      C.ra_sleep(0.05)
      if C.ra_signal_arrived() ~= 0 then return nil, "interrupted" end
    end
  end
  return true
end

--- The mean over measurements, field by field.
local function mean_of(list)
  local mean = {}
  for name, v in pairs(list[1]) do
    if type(v) == "number" then
      local sum = 0
      for _, one in ipairs(list) do sum = sum + one[name] end
      mean[name] = sum / #list
    else
      local inner = {}
      for i, one in ipairs(list) do inner[i] = one[name] end
      mean[name] = mean_of(inner)
    end
  end
  return mean
end

local function start(study, c, number, threads, o)
  local program, err = process.executable()
  if not program then return nil, err end
  local log = ("%s/probe-%s-%d.txt"):format(o.runs, c.key, number)
  C.ra_path_remove(log)
  local args = part.arguments(program, study, "--probe", c, o)
  args[#args + 1] = "--probe-number=" .. number
  local child
  child, err = process.start(args, { output = log, environment = { RAMUS_THREADS = tostring(threads) } })
  if not child then return nil, err end
  return { child = child, log = log }
end

local measured = {} -- by this process

function pace.measure(study, c, jobs, threads, o)
  local path = cache_path(c, jobs, threads)
  local kept = measured[path or ""] or read_kept(path)
  if kept then return kept end
  local ok, err = files.make_folder(o.runs)
  if not ok then return nil, err end
  local children, list = {}, {}
  ok, err = always(function()
    for i = 1, jobs do
      local why
      children[i], why = start(study, c, i, threads, o)
      if not children[i] then return nil, why end
    end
    return wait_for(children)
  end, function()
    for _, one in ipairs(children) do one.child:stop() end -- those that have ended are left alone
  end)
  if not ok then return nil, err end
  for i, one in ipairs(children) do
    list[i], err = result_of(one.log)
    if not list[i] then return nil, err end
    C.ra_path_remove(one.log)
  end
  local mean = mean_of(list)
  if path then measured[path] = mean end
  if mean.waited <= BUSY then keep(path, mean) end
  return mean
end

-- ---- choosing ---------------------------------------------------------------------------

--- MB that are free; infinite where the system does not say.
local function memory_free()
  local text = files.read "/proc/meminfo"
  local kb = text and text:match "MemAvailable:%s*(%d+)"
  return kb and tonumber(kb) / 1024 or 1 / 0
end

--- Ways to use n threads: { jobs, threads of each }, all threads in one first.
local function ways(n, most)
  local list = { { 1, n } }
  if n >= 4 and most >= 2 then list[#list + 1] = { math.min(math.floor(n / 2), most), 2 } end
  if n >= 2 and most >= 2 then list[#list + 1] = { math.min(n, most), 1 } end
  return list
end

--- The faster way for so many cells; returns jobs, threads, a text that says why. c: the cell that is measured.
function pace.choose(study, c, cells, o)
  local n, best, texts = C.ra_threads(), nil, {}
  if o.jobs then return o.jobs, math.max(1, math.floor(n / o.jobs)), "as --jobs says" end
  local list = ways(n, cells)
  if #list == 1 then return 1, n, n == 1 and "one processor" or "one training" end
  local free = memory_free()
  for _, way in ipairs(list) do
    local p, err = pace.measure(study, c, way[1], way[2], o)
    if not p then return nil, nil, err end
    local speed = way[1] / p.step
    texts[#texts + 1] = ("%d x %d threads %.2f steps/s"):format(way[1], way[2], speed)
    if (not best or speed > best.speed) and (way[1] == 1 or way[1] * p.peak_mb < 0.8 * free) then
      best = { jobs = way[1], threads = way[2], speed = speed }
    end
  end
  return best.jobs, best.threads, table.concat(texts, ", ")
end

return pace
