--- The live table of a running study: a line for each row with what is done and what runs.
local clock = require "ramus.train.clock"
local ffi = require "ramus.base.ffi"
local files = require "ramus.base.files"
local progress = require "ramus.base.progress"
local run_folder = require "ramus.train.run"
local show = require "ramus.base.show"
local C = ffi.C

local live = {}
local Live = {}
Live.__index = Live

--- Seconds between two pictures of the table.
local EVERY = 0.5

--- Mean over the pictures of a line's first score that a row asks for, or nil.
local function mean_of(row, line)
  local s = line.scores and line.scores[row.scores[1].key]
  local list = s and s.outputs[s.protocol.output].dice
  local sum, n = 0, 0
  for _, v in ipairs(list or {}) do if type(v) == "number" then sum, n = sum + v, n + 1 end end
  return n > 0 and sum / n or nil
end

--- cells: those that are run; known: results so far. jobs: how many run at a time.
function live.new(study, cells, known, out, jobs)
  local self = setmetatable({ study = study, known = known, out = out, jobs = jobs, total = #cells, done = 0, failed = 0, seconds = 0, began = C.ra_clock(),
    last = 0, epochs = {} }, Live)
  return self
end

--- What a cell that ended is called in a line of the output.
local function told(cell, line, seconds, where)
  local name = ("%s, %sseed %d"):format(table.concat(cell.rows, " = "), cell.fold and cell.fold .. ", " or "", cell.seed)
  if not line then return name .. ": stopped" end
  if line.failed then return ("%s: failed, %s"):format(name, line.failed) end
  return where and ("%s: done %s"):format(name, where) or ("%s: done in %s"):format(name, progress.time(seconds))
end

--- A cell has ended; line [opt]: its result; where [opt]: not in this process.
function Live:ended(cell, line, seconds, where)
  self.out:line(told(cell, line, seconds, where))
  self.known[cell.key], self.done, self.seconds = line, self.done + 1, self.seconds + seconds
  if line and line.failed then self.failed = self.failed + 1 end
end

--- Epochs that a running cell has behind it, read anew every few seconds.
local function epochs_of(self, entry)
  local kept, now = self.epochs[entry.cell.key], C.ra_clock()
  if kept and now - kept.at < 2 then return kept.n end
  local text = files.read(run_folder.path_of(entry.folder, "metrics"))
  local n = text and select(2, text:gsub("\n", "")) or 0
  self.epochs[entry.cell.key] = { n = n, at = now }
  return n
end

--- The text of a row behind its name, and whether nothing of it is left to run.
local function state_of(self, row, running)
  local n, sum, failed, texts, wanted = 0, 0, 0, {}, #row.seeds * #row.parts
  for _, seed in ipairs(row.seeds) do
    for _, part in ipairs(row.parts) do
      local key = self.study.cell_key(part.hash, seed)
      local line, entry = self.known[key], running[key]
      local mean = line and mean_of(row, line)
      if mean then n, sum = n + 1, sum + mean end
      if line and line.failed then failed = failed + 1 end
      if entry then
        texts[#texts + 1] = ("%sseed %d: epoch %d of %d"):format(part.words and part.words .. ", " or "", seed, epochs_of(self, entry),
          clock.length(entry.cell.recipe))
      end
    end
  end
  local score = n > 0 and ("dice %.4f"):format(sum / n) or (" "):rep(11)
  return ("%3d of %d%s  %s  %s"):format(n, wanted, failed > 0 and (", %d failed"):format(failed) or "", score, table.concat(texts, ", ")),
    n + failed == wanted
end

--- The lines of the table. pool: of the runner.
function Live:lines(pool)
  local running, width = {}, 0
  for _, entry in ipairs(pool.running) do running[entry.cell.key] = entry end
  for _, row in ipairs(self.study.rows) do width = math.max(width, #row.name) end
  local left = self.done > 0 and progress.time((self.total - self.done) * self.seconds / self.done / self.jobs) or "?"
  local lines = { ("%s: %d of %d cells, %d running%s; %s so far, about %s left"):format(self.study.name, self.done, self.total, #pool.running,
    self.failed > 0 and (", %d failed"):format(self.failed) or "", progress.time(C.ra_clock() - self.began), left) }
  local _, height = ffi.terminal_size(1)
  local short = #self.study.rows + 2 > height -- then rows that are done are left out
  for _, row in ipairs(self.study.rows) do
    local text, done = state_of(self, row, running)
    if not (short and done) then lines[#lines + 1] = ("%s %s"):format(show.padded(row.name, width), text) end
  end
  return lines
end

function Live:tick(pool)
  if not self.out.live or C.ra_clock() - self.last < EVERY then return end
  self.last = C.ra_clock()
  self.out:block(self:lines(pool))
end

return live
