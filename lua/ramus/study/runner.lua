--- Runs the cells of a study that have no result yet, each in a process of its own.
--
-- runner.run(study, options) returns { absent = messages by cell, interrupted = } or nil and a message. A cell that fails is a
-- line of results, and the others go on; it is tried again at the next call unless its loss was not finite. Whatever stops this process,
-- its children end too (base/process.lua), and the same call goes on from their checkpoints. Several such processes, also on several machines
-- with a shared folder, share the cells (claims.lua).
local always = require "ramus.base.always"
local cell = require "ramus.study.cell"
local claims = require "ramus.study.claims"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local live = require "ramus.study.live"
local pace = require "ramus.study.pace"
local options = require "ramus.base.options"
local part = require "ramus.study.part"
local pictures = require "ramus.study.pictures"
local json = require "ramus.base.json"
local process = require "ramus.base.process"
local results = require "ramus.study.results"
local C = ffi.C

local runner = {}

--- Seconds between two looks at the children, and those that they have to end after they were asked to.
local LOOK, GRACE = 0.1, 120
--- Seconds between two looks at cells that other processes have claimed.
local ELSEWHERE = 2

-- ---- which cells ------------------------------------------------------------------------

--- All known results: those of the study's own file go before those of the files that it reads too.
function runner.known(study)
  local own = results.read(study.results)
  for _, path in ipairs(study.read) do
    for name, line in pairs(results.read(path:sub(1, 1) == "/" and path or study.folder .. "/" .. path)) do
      if not own[name] or own[name].failed then own[name] = line end
    end
  end
  return own
end

--- Why a cell is to be run: "new", "failed", "lacks SCORE", "other pictures"; nil where it has its result. here: as pictures.here gives it.
function runner.reason(study, c, line, here)
  if not line then return "new" end
  if line.failed then return not line.diverged and "failed" or nil end
  local lacking = cell.lacking(study, c, line)
  if #lacking > 0 then return "lacks " .. table.concat(lacking, ", ") end
  return pictures.changed(c, line, here) and "other pictures" or nil
end

--- The cells to run, in their order, and the reasons by key. chosen: { ROW = true }, or nil for all; take: { KEY = true }, or nil for all.
function runner.missing(study, known, here, chosen, take)
  local list, reasons = {}, {}
  for _, c in ipairs(study.cells) do
    local wanted = not chosen
    for _, row in ipairs(c.rows) do wanted = wanted or chosen[row] end
    wanted = wanted and (not take or take[c.key])
    local why = wanted and runner.reason(study, c, known[c.key], here)
    if why then list[#list + 1], reasons[c.key] = c, why end
  end
  return list, reasons
end

-- ---- children ---------------------------------------------------------------------------

local Pool = {}
Pool.__index = Pool

--- Starts the process of a cell; the last one alone gets all threads. nil and a message.
function Pool:start(c)
  local folder, log = cell.place(self.options.runs, c.key)
  C.ra_path_remove(log)
  if self.reasons[c.key] == "other pictures" then C.ra_path_remove(folder) end
  local alone = #self.running == 0 and #self.waiting == 0
  local child, err = process.start(part.arguments(self.program, self.study, "--cell", c, self.options), { output = log,
    environment = { RAMUS_THREADS = tostring(alone and C.ra_threads() or self.way.threads) } })
  if not child then return nil, err end
  self.running[#self.running + 1] = { cell = c, child = child, log = log, folder = folder, began = C.ra_clock() }
  return true
end

--- The end of what a process printed.
local function last_words(log)
  local last
  for line in (files.read(log) or ""):gmatch "[^\n]+" do last = line end
  return last and last:gsub("^ramus: ", "") or "it printed nothing"
end

--- The line of a cell that failed outside of its own process.
function runner.failed_line(study, c, message)
  local line = cell.made_by()
  line.cell, line.recipe, line.study, line.row, line.seed, line.threads, line.failed = c.key, c.hash, study.name, c.rows[1], c.seed, C.ra_threads(), message
  return line
end

--- Writes a line for a process that ended without one; nil and a message.
local function note_death(self, entry, status)
  local failed = status > 128 and ("ended by signal %d%s: %s"):format(status - 128, status == 137 and " (no memory left?)" or "", last_words(entry.log))
    or last_words(entry.log)
  return results.append(self.study.results, runner.failed_line(self.study, entry.cell, failed))
end

--- What came of a process that ended; nil and a message where that cannot be written.
function Pool:settle(entry, status)
  local line = results.read(self.study.results)[entry.cell.key]
  if status ~= 130 and status ~= 0 and not (line and line.failed) and not self.stopping then
    local ok, err = note_death(self, entry, status)
    if not ok then return nil, err end
    line = results.read(self.study.results)[entry.cell.key]
  end
  self.claims:give(entry.cell.key) -- behind its result
  if status == 130 then return true end -- interrupted, and saved
  if status == 0 and not self.options.keep then C.ra_path_remove(entry.log) end
  self.live:ended(entry.cell, line, C.ra_clock() - entry.began)
  return true
end

--- Looks at every child once; nil and a message.
function Pool:look()
  for i = #self.running, 1, -1 do
    local entry = self.running[i]
    local status = entry.child:ended()
    if status then
      table.remove(self.running, i)
      local ok, err = self:settle(entry, status)
      if not ok then return nil, err end
    end
  end
  return true
end

--- Ends all children: asked first, so that they save.
function Pool:stop()
  self.stopping = true
  local till = C.ra_clock() + GRACE
  for _, entry in ipairs(self.running) do entry.child:stop() end
  while #self.running > 0 and C.ra_clock() < till do
    C.ra_sleep(LOOK)
    self:look()
  end
  for _, entry in ipairs(self.running) do
    entry.child:stop(true)
    self.claims:give(entry.cell.key)
  end
end

--- Whether another process has made the result of a cell since this one looked.
local function done_elsewhere(self, c, line)
  if not line or json.encode(line, 6) == json.encode(self.known[c.key] or {}, 6) then return false end
  return line.failed ~= nil or runner.reason(self.study, c, line, self.here) == nil
end

--- Starts a waiting cell if no other process has it; true where it need not wait any more. nil and a message.
function Pool:try(c)
  local mine, err = self.claims:take(c.key)
  if mine == nil then return nil, err end
  local line = results.read(self.study.results)[c.key]
  if done_elsewhere(self, c, line) then
    self.claims:give(c.key)
    self.live:ended(c, line, 0, "elsewhere")
    return true
  end
  if not mine then return self.options.take and true or false end
  return self:start(c)
end

--- Starts what can be started of the cells that wait; nil and a message.
function Pool:fill()
  if #self.running >= self.way.jobs or C.ra_clock() < self.again then return true end
  local kept, began = {}, #self.running
  local waiting = self.waiting
  self.waiting = {}
  for i, c in ipairs(waiting) do
    local gone = false
    if #self.running < self.way.jobs then
      local err
      self.waiting = { unpack(waiting, i + 1) }
      gone, err = self:try(c)
      if gone == nil then return nil, err end
    end
    if not gone then kept[#kept + 1] = c end
  end
  self.waiting = kept
  if #kept > 0 and #self.running == began then self.again = C.ra_clock() + ELSEWHERE end -- others have them
  return true
end

--- Runs cells until all have ended or a signal came; true, "interrupted", or nil and a message.
function Pool:run(cells)
  self.waiting, self.again = cells, 0
  while #self.waiting > 0 or #self.running > 0 do
    local ok, err = self:fill()
    if not ok then return nil, err end
    C.ra_sleep(LOOK)
    ok, err = self:look()
    if not ok then return nil, err end
    self.claims:beat()
    self.live:tick(self)
    if C.ra_signal_arrived() ~= 0 then return "interrupted" end
  end
  return true
end

-- ---- the whole --------------------------------------------------------------------------

local function keys_of(study)
  local keys = {}
  for i, c in ipairs(study.cells) do keys[i] = c.key end
  return keys
end

--- How many run at a time, with how many threads; nil and a message.
local function choose_way(study, cells, o)
  local jobs, threads, why = pace.choose(study, cells[1], #cells, o)
  if not jobs then return nil, why end
  o.out:line(("%d cells to run, %d at a time with %d thread%s each (%s)"):format(#cells, jobs, threads, threads == 1 and "" or "s", why))
  return { jobs = jobs, threads = threads }
end

--- Runs the cells in a pool; true, "interrupted", or nil and a message. here: hashes of the sets.
local function run_pool(study, cells, reasons, known, here, o)
  local program, err = process.executable()
  if not program then return nil, "a study starts processes of ramus itself: " .. err end
  local way
  way, err = choose_way(study, cells, o)
  if not way then return err == "interrupted" and err or nil, err end
  local pool = setmetatable({ study = study, options = o, program = program, reasons = reasons, running = {}, way = way,
    known = options.copy(known), here = here, claims = claims.new(o.runs), live = live.new(study, cells, known, o.out, way.jobs) }, Pool)
  local ended
  ended, err = always(function() return pool:run(cells) end, function() pool:stop() end)
  o.out:block {}
  return ended, err
end

--- Runs what is missing in a study; nil and a message.
local function run_missing(study, o)
  local ok, err = results.tidy(study.results, keys_of(study))
  if not ok then return nil, err end
  local known = runner.known(study)
  local here = pictures.here(study.cells, o)
  local cells, reasons = runner.missing(study, known, here, o.chosen, o.take)
  for _, c in ipairs(study.cells) do if known[c.key] and not reasons[c.key] then cell.clear(o.runs, c.key) end end
  local ready, absent = pictures.bring(cells, o)
  if not ready then return nil, absent end
  local ended = true
  if #ready > 0 then
    C.ra_signal_catch(true)
    ended, err = always(function() return run_pool(study, ready, reasons, known, here, o) end, function() C.ra_signal_catch(false) end)
  end
  if not ended then return nil, err end
  ok, err = results.tidy(study.results, keys_of(study))
  if not ok then return nil, err end
  return { absent = absent, interrupted = ended == "interrupted" }
end

--- The cells that have no result and whose data sets are here; o.absent gets the messages about the others. nil and a message as pictures.bring.
function runner.left(study, o)
  local cells = runner.missing(study, runner.known(study), pictures.here(study.cells, o), o.chosen)
  local ready
  ready, o.absent = pictures.bring(cells, o)
  if not ready then return nil, o.absent end
  return ready
end

--- options: runs (folder), jobs (nil: as many as is fastest), take ({ KEY = true }: those cells, unless another process has them), keep,
-- chosen ({ ROW = true }), data_root, offline, accept_odd, out (progress).
function runner.run(study, o)
  local ok, err = files.make_folder((files.split(study.results)))
  if ok then ok, err = files.make_folder(o.runs) end
  if not ok then return nil, err end
  return run_missing(study, o)
end

return runner
